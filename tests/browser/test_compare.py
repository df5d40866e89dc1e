"""Two plans looked at together, the plan in force as dashes, notes, locked borders, pictures and files to take away."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 20
EXCEPT = ("out_of_bounds", "unnamed", "without_staff")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, web_root: Path) -> Iterator[DeskServer]:
    """Serve a town with a plan in force and a draft of it in which three buildings go to another grid."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    path = tmp_path_factory.mktemp("compare") / "town.gpkg"
    with open_store(str(path)) as store:
        first = store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="Now 现行")
        store.publish_plan(first, expected_revision=0, valid_from=None, except_=EXCEPT)
        draft = store.branch_plan(first, name="Next 下一版")
        cells = np.array([0, 1, 2])
        store.add_edit(
            draft, expected_revision=0, who="Li", kind="paint", cell_ix=cells, grid_ix=np.full(3, 1)
        )
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def draft(browser: Any, host: DeskServer) -> Iterator[Page]:
    """Give a page that is ready to edit the draft; it may not have complained in the end."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768},
        locale="en-GB",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{host.url}/#plan=2")
    expect(page.locator(".saving[data-standing='saved']")).to_be_visible(timeout=20_000)
    yield page
    context.close()
    assert complaints == []


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Give a place of the map by shares of its width and height."""
    box = page.locator(".map-host .map").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def panes(page: Page) -> list[str]:
    """Say where the panes of all maps stand."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('.leaflet-map-pane')].map(e => e.style.transform)"
    )
    return found


def ink(page: Page) -> int:
    """Count the pixels that are drawn of the plan in force."""
    found: int = page.evaluate(
        """async () => {
          const canvas = document.querySelector("canvas.dashes");
          if (!canvas.width) return 0;
          const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
          context.drawImage(await createImageBitmap(canvas), 0, 0);
          return context.getImageData(0, 0, canvas.width, canvas.height).data.filter((v, i) => i % 4 === 3 && v).length;
        }"""
    )
    return found


def open_comparing(page: Page) -> None:
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name="Compare", exact=True).click()


def faults(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found]


def test_two_plans_together(draft: Page) -> None:
    page = draft
    dashes = page.locator("canvas.dashes")
    shown = page.get_by_label("Plan in force")
    expect(shown).to_have_value("changes")
    expect(dashes).to_be_visible()
    shown.select_option("none")
    expect(dashes).to_be_hidden()
    shown.select_option("all")
    expect(dashes).to_be_visible()
    wait_for(lambda: ink(page) > 0)
    # What was painted lies inside of a grid: every border in force is one of the draft too.
    shown.select_option("changes")
    wait_for(lambda: ink(page) == 0)

    open_comparing(page)
    expect(page.get_by_label("Compared with")).to_contain_text("Now 现行 · in force")
    rows = page.locator(
        ".compare-buildings .compare-row[aria-current], .compare-buildings button.compare-row"
    )
    expect(rows).to_have_count(3)
    expect(page.locator(".compare-sum").first).to_contain_text("change hands")
    divider = page.get_by_role("slider", name="Divider between the plans")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "52")
    divider.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "2")
    box = divider.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(*place(page, 0.4, 0.5), steps=3)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "40")
    # Nothing is painted under the other plan; the map moves, and the other one with it.
    expect(page.locator(".tool[data-tool='paint']")).to_have_attribute("aria-disabled", "true")
    page.mouse.move(*place(page, 0.7, 0.5))
    page.mouse.down()
    page.mouse.move(*place(page, 0.6, 0.45), steps=3)
    here, there = panes(page)
    assert here == there != "translate3d(0px, 0px, 0px)"
    page.mouse.up()
    wait_for(lambda: page.locator(".compare-host canvas").count() > 2)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "compare-swipe.png")
    assert faults(page) == []

    page.get_by_text("Side by side").click()
    expect(page.locator(".divider")).to_have_count(0)
    rows.nth(1).click()
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator(".is-left .compare-name")).to_contain_text("Now 现行 · 1010001")
    expect(page.locator(".is-right .compare-name")).to_contain_text("Next 下一版 · 1010002")
    scales = page.locator(".leaflet-control-scale-line")
    expect(scales).to_have_count(2)
    page.wait_for_timeout(300)
    assert scales.nth(0).inner_text() == scales.nth(1).inner_text()
    with page.expect_download() as kept:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(kept.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert text[0].startswith("Number,Building") and [line.split(",")[0] for line in text[1:]] == [
        "B000000",
        "B000001",
        "B000002",
    ]
    page.screenshot(path=SHOTS / "compare-side.png")
    page.locator(".map-host .map").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".compare-host")).to_have_count(0)
    expect(page.get_by_role("tab", name="Compare")).to_have_count(0)


def test_notes_locked_borders_and_files(draft: Page, host: DeskServer) -> None:
    page = draft

    def notes() -> list[dict[str, Any]]:
        return list(page.request.get(f"{host.url}/api/plans/2/state").json()["notes"])

    page.keyboard.press("n")
    page.mouse.click(*place(page, 0.5, 0.5))
    expect(page.get_by_label("New note", exact=True)).to_be_focused()
    page.keyboard.type("New lift 加装电梯")
    page.keyboard.press("Control+Enter")
    pin = page.get_by_role("button", name="Note 1: New lift 加装电梯")
    expect(pin).to_be_visible()
    wait_for(lambda: len(notes()) == 1)
    before = notes()[0]
    box = pin.bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 92, box["y"] + 12, steps=4)
    page.mouse.up()
    wait_for(lambda: notes()[0]["lon"] > before["lon"])
    page.get_by_role("button", name="Change the text").click()
    expect(page.get_by_label("Text of the note")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Two lifts")
    page.get_by_role("button", name="Save", exact=True).click()
    wait_for(lambda: notes()[0]["text"] == "Two lifts")

    page.locator(".map-host .map").focus()
    page.keyboard.press("q")
    page.keyboard.down("Alt")
    page.mouse.click(*place(page, 0.35, 0.5))
    page.keyboard.up("Alt")
    expect(page.locator("canvas.locked-borders")).to_be_visible()
    expect(page.locator(".legend")).to_contain_text("Locked border")
    page.keyboard.press("v")
    assert faults(page) == []

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as kept:
        page.get_by_role("button", name="Picture of the map (PNG)").click()
    assert re.fullmatch(r"Next-下一版-\d{4}-\d\d-\d\d\.png", kept.value.suggested_filename)
    SHOTS.mkdir(exist_ok=True)
    kept.value.save_as(SHOTS / "compare-picture.png")
    data = (SHOTS / "compare-picture.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    frame = page.locator(".map-frame").bounding_box()
    assert frame and abs(width - frame["width"]) <= 1 and height > frame["height"] + 80

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as kept:
        page.get_by_role("link", name="Excel sheet").first.click()
    assert kept.value.suggested_filename.endswith("-grids.xlsx")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/export?format=pdf**", hold)
    page.get_by_role("button", name="Export").click()
    page.get_by_role("link", name="Sheets A3 (PDF)").click()
    bar = page.get_by_role("group", name="Sheets A3 (PDF)")
    bar.get_by_role("button", name="Cancel").click()
    expect(bar).to_have_count(0)
    expect(page.locator(".decision.is-word")).to_contain_text("Cancelled. No file was made.")
    assert len(held) == 1 and "paper=a3" in held[0].request.url and "key=" in held[0].request.url
    page.screenshot(path=SHOTS / "compare-notes.png")
    pin = page.get_by_role("button", name="Note 1: Two lifts")
    pin.focus()
    page.keyboard.press("Delete")
    wait_for(lambda: notes() == [])
    expect(pin).to_have_count(0)
