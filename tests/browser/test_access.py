"""axe finds nothing, fingers hit what they mean, and nothing is cut off: both languages, both sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.support import SHOTS, Watched, wait_for

Visit = Callable[..., Watched]
SIZES = {"desktop": (1440, 900), "office": (1366, 768), "phone": (390, 844)}


@pytest.mark.parametrize(
    ("size", "lang", "scheme"),
    [
        ("desktop", "en", "light"),
        ("desktop", "zh-CN", "light"),
        ("phone", "en", "light"),
        ("phone", "zh-CN", "light"),
        ("desktop", "en", "dark"),
        ("phone", "zh-CN", "dark"),
    ],
)
def test_axe_finds_nothing(visit: Visit, size: str, lang: str, scheme: str) -> None:
    watched = visit(SIZES[size], lang, phone=size == "phone", color_scheme=scheme, reduced_motion="reduce")
    page = watched.open()
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"lattice-{size}-{lang}-{scheme}.png")
    page.locator("tr[data-row='1']").first.dispatch_event("click")
    expect(page.locator(".details h2")).to_be_visible()
    if size == "desktop":
        page.get_by_role("button", name="Export" if lang == "en" else "导出").click()
    found = Axe().run(page).response["violations"]
    page.screenshot(path=SHOTS / f"lattice-{size}-{lang}-{scheme}-selected.png")
    assert [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found] == []


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_page(visit: Visit, lang: str, size: str) -> None:
    page = visit(SIZES[size], lang, phone=size == "phone").open()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    cut = (
        "() => [...document.querySelectorAll('button, .totals p, .grids td.number, .grids thead th, .status .worst')]"
        ".filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline')"
        ".map(e => e.className + ': ' + e.textContent)"
    )
    assert page.evaluate(cut) == []


def test_the_sheet_of_a_phone(visit: Visit) -> None:
    page = visit(SIZES["phone"], "zh-CN", phone=True, reduced_motion="reduce").open()
    sheet = page.locator(".sheet")

    def height() -> float:
        box = sheet.bounding_box()
        assert box
        return box["height"]

    low = height()
    assert low < 130
    page.get_by_role("button", name="上拉面板").tap()
    wait_for(lambda: height() > 300)
    page.get_by_role("button", name="上拉面板").tap()
    wait_for(lambda: height() > 600)
    page.get_by_role("button", name="下拉面板").tap()
    wait_for(lambda: height() == low)
    box = page.locator(".map").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.35)
    expect(page.locator(".details h2")).to_be_visible()
    assert height() > 300


def test_fingers_hit_what_they_mean(visit: Visit) -> None:
    page = visit(SIZES["phone"], phone=True).open()
    small = (
        "() => [...document.querySelectorAll('button, select, input[type=search], .leaflet-bar a, tr[data-row]')]"
        ".filter(e => e.offsetParent && !e.closest('.status'))"
        ".map(e => [e.textContent || e.ariaLabel, e.getBoundingClientRect()])"
        ".filter(([, r]) => r.height < 40 || r.width < 40).map(([t, r]) => `${t} ${r.width}x${r.height}`)"
    )
    assert page.evaluate(small) == []


def test_the_panel_is_hidden_and_resized_by_keyboard(visit: Visit) -> None:
    page = visit().open()
    page.get_by_role("separator").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("() => document.querySelector('.panel').offsetWidth") == 356
    page.get_by_role("button", name="Hide the panel").click()
    expect(page.locator("table.grids")).to_be_hidden()
    wide = "() => document.querySelector('.map').offsetWidth >= innerWidth - 48"
    wait_for(lambda: page.evaluate(wide))
    page.get_by_role("button", name="Show the panel").click()
    expect(page.locator("table.grids")).to_be_visible()
