"""Cutting a cell on the map: a line by hand or by keyboard, households by the planner's word, joined again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 8


@pytest.fixture(scope="module")
def host(web_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """Serve a town of 8 by 8 cells."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    path = tmp_path_factory.mktemp("cut") / "town.gpkg"
    with open_store(str(path)) as store:
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="town")
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


def n_cells(page: Page, host: DeskServer) -> int:
    return int(page.request.get(f"{host.url}/api/plans/1").json()["n_cells"])


#: Writes down whether the page was ever without its rows, its tiles or the chosen tool, from frame to frame.
WATCH = """() => {
    window.gaps = [];
    const look = () => {
        if (document.querySelector('.loading, .notice')) window.gaps.push('loading');
        if (document.querySelectorAll('tr[data-row]').length === 0) window.gaps.push('no rows');
        if (document.querySelectorAll('.tiles-grids canvas').length === 0) window.gaps.push('no tiles');
        if (!document.querySelector('[data-tool=cut][aria-disabled=false]')) window.gaps.push('no tools');
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
COLOURS = (
    "() => [...document.querySelectorAll('tr[data-row] .chip')].map((chip) => chip.getAttribute('style'))"
)


def ready(page: Page) -> None:
    wait_for(lambda: page.locator("[data-tool=cut][aria-disabled=false]").count())


def test_a_cell_is_cut_by_hand_and_by_keyboard_and_joined_again(browser: Browser, host: DeskServer) -> None:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="zh-CN", reduced_motion="reduce"
    )
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{host.url}/#plan=1")
    ready(page)
    box = page.locator(".map").bounding_box()
    assert box
    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.46 * box["height"]

    # By hand: both parts show their households while the line is drawn, then in fields.
    page.keyboard.press("t")
    page.mouse.move(x - 5, y - 18)
    page.mouse.down()
    page.mouse.move(x + 5, y + 18, steps=6)
    wait_for(lambda: page.locator(".sketch-mark").count() == 2)
    drawn = [int(mark) for mark in page.locator(".sketch-mark").all_text_contents()]
    page.mouse.up()
    fields = page.get_by_label("部分的户数")
    expect(fields).to_have_count(2)
    total = sum(int(field.input_value()) for field in fields.all())
    assert total == sum(drawn) > 0
    fields.nth(0).fill(str(total + 1))
    assert page.get_by_text("多出").is_visible()
    assert page.get_by_role("button", name="切分", exact=True).is_disabled()
    fields.nth(0).fill("1")
    assert fields.nth(1).input_value() == str(total - 1)
    assert page.locator(".sketch-mark").all_text_contents() == ["1: 1", f"2: {total - 1}"]
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.screenshot(path=SHOTS / "cut-fields.png")
    colours = page.evaluate(COLOURS)
    page.evaluate(WATCH)
    page.keyboard.press("Enter")
    # Keys that are typed meanwhile count.
    page.locator(".map").focus()
    page.keyboard.press("l")
    wait_for(lambda: n_cells(page, host) == SIDE * SIDE + 1, 60)
    wait_for(lambda: page.get_by_text("已切分为 2 部分").count())
    expect(page.locator("[data-tool=lasso]")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("() => window.gaps") == []
    assert page.evaluate(COLOURS) == colours
    ready(page)

    # The part that was clicked says what it is of, and joins the building again.
    page.keyboard.press("v")
    page.mouse.click(x + 6, y)
    join = page.get_by_role("button", name="重新合并各部分")
    expect(join).to_be_visible()
    page.screenshot(path=SHOTS / "cut-part.png")
    join.click()
    wait_for(lambda: n_cells(page, host) == SIDE * SIDE)
    wait_for(lambda: page.get_by_text("已合并为一栋").count())
    ready(page)

    # By keyboard: Enter on the cell of the cursor, arrows turn the line, Escape leaves, Enter cuts.
    page.keyboard.press("t")
    page.locator(".map").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(fields).to_have_count(2)
    before = page.locator(".sketch-line").get_attribute("d")
    page.get_by_label("旋转直线").press("ArrowRight")
    wait_for(lambda: page.locator(".sketch-line").get_attribute("d") != before)
    page.keyboard.press("Escape")
    expect(fields).to_have_count(0)
    page.keyboard.press("Enter")
    expect(fields).to_have_count(2)
    page.get_by_role("button", name="切分", exact=True).press("Enter")
    wait_for(lambda: n_cells(page, host) == SIDE * SIDE + 1)
    context.close()
    assert errors == []


def test_the_cut_is_taken_back_behind_the_picture_and_a_server_that_is_away_is_told(
    browser: Browser, host: DeskServer
) -> None:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="en-GB", reduced_motion="reduce"
    )
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    page = context.new_page()
    draft = page.request.post(f"{host.url}/api/plans", data={"from": "1", "name": "away"}).json()
    plan = f"{host.url}/api/plans/{draft['id']}"
    cells = int(page.request.get(plan).json()["n_cells"])
    page.goto(f"{host.url}/#plan={draft['id']}")
    ready(page)
    page.keyboard.press("t")
    page.locator(".map").focus()
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Cut", exact=True).press("Enter")
    wait_for(lambda: page.get_by_text("is cut into 2 parts").count(), 60)
    assert page.request.get(plan).json()["n_cells"] == cells + 1

    # Away with nothing unsent: saved, and yet told. What needs the server says so, and the words go when it is back.
    host.stop()
    status = page.locator(".saving [role=status]")
    expect(status).to_have_text(
        "All saved. The server does not answer; new edits are kept in this browser", timeout=20_000
    )
    page.keyboard.press("Control+z")
    words = page.locator(".bars")
    expect(words).to_contain_text("taking back a change of base data needs it")
    page.screenshot(path=SHOTS / "away.png")
    host.start()
    expect(words).to_contain_text("The server answers again. All is saved.", timeout=40_000)
    expect(words).not_to_contain_text("needs it")
    expect(status).not_to_contain_text("does not answer")

    # The undo is done behind the picture; what is undone meanwhile is undone after it.
    page.evaluate(WATCH)
    page.locator(".map").focus()
    page.keyboard.press("Control+z")
    wait_for(lambda: page.request.get(plan).json()["n_cells"] == cells, 60)
    expect(page.locator(".steps")).to_have_count(0)
    assert page.evaluate("() => window.gaps") == []
    context.close()
