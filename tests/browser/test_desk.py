"""The planner's desk: edits that survive a broken line, two planners on one plan, names, publishing, history."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 12
OpenDesk = Callable[..., Page]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store with one draft of a small town, to be copied."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    path = tmp_path_factory.mktemp("desk") / "town.gpkg"
    with open_store(str(path)) as store:
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="Heyang 和阳")
    return path


@pytest.fixture
def host(filled: Path, tmp_path: Path, web_root: Path) -> Iterator[DeskServer]:
    """Serve a fresh copy of the town; the server can be stopped and started again."""
    path = tmp_path / "town.gpkg"
    shutil.copy(filled, path)
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def desk(browser: Any, host: DeskServer) -> Iterator[OpenDesk]:
    """Give a maker of pages, each in a browser of its own, that are ready to edit."""
    contexts: list[BrowserContext] = []

    def make(locale: str = "en-GB", name: str = "", *, ready: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale=locale, reduced_motion="reduce"
        )
        contexts.append(context)
        context.add_init_script(
            "try { localStorage.setItem('wangge.tour', 'seen');"
            f" localStorage.setItem('wangge.who', {name!r}) }} catch {{}}"
        )
        page = context.new_page()
        page.goto(host.url)
        if ready:
            saving(page, "saved")
        return page

    yield make
    for context in contexts:
        context.close()


def saving(page: Page, standing: str, unsent: int | None = None) -> None:
    """Wait until the status line says so."""
    more = "" if unsent is None else f"[data-unsent='{unsent}']"
    expect(page.locator(f".saving[data-standing='{standing}']{more}")).to_be_visible(timeout=20_000)


def choose(page: Page, row: int) -> str:
    """Select the grid of a row and paint with it; the map shows the whole plan."""
    element = page.locator(f"tr[data-row='{row}']")
    code = element.get_attribute("data-code")
    assert code
    element.click()
    expect(page.locator(".details h2")).to_contain_text(code)
    page.locator(".whole").click()
    page.wait_for_timeout(100)
    return code


def stroke(page: Page, right: float, down: float, length: float = 40) -> None:
    """Paint from a place, in parts of the map's height from its middle."""
    box = page.locator(".map").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2 + right * box["height"], box["y"] + box["height"] * (0.5 + down)
    page.mouse.move(x - length / 2, y)
    page.mouse.down()
    page.mouse.move(x + length / 2, y, steps=3)
    page.mouse.up()


def households(page: Page) -> list[str]:
    """Households of all rows, as the table shows them."""
    return page.locator("tr[data-row] td.number:nth-child(2)").all_inner_texts()


def edits(page: Page, host: DeskServer) -> list[dict[str, Any]]:
    answer = page.request.get(f"{host.url}/api/plans/1/edits?cells=true")
    assert answer.ok, answer.text()
    return list(answer.json())


def test_edits_survive_a_dead_server_a_reload_and_come_back(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    choose(page, 0)
    page.keyboard.press("p")
    stroke(page, 0.0, 0.3)
    saving(page, "saved", 0)
    assert len(edits(page, host)) == 1
    host.stop()
    stroke(page, 0.05, 0.1)
    stroke(page, -0.1, 0.05)
    saving(page, "offline", 2)
    expect(page.locator(".saving")).to_contain_text("2 edits kept in this browser")
    shown = households(page)
    with pytest.raises(BrowserError):
        page.reload()
    # The browser's own page of the failure comes after the error, and would stop the next navigation.
    page.wait_for_url("chrome-error://chromewebdata/")
    host.start()
    page.goto(host.url)
    saving(page, "saved", 0)
    wait_for(lambda: len(edits(page, host)) == 3)
    assert households(page) == shown
    # All three can be taken back, the one that was saved before too.
    expect(page.locator(".steps")).to_contain_text("3 steps")
    for left in (2, 1):
        page.keyboard.press("Control+z")
        expect(page.locator(".steps")).to_contain_text(f"{left} step")
    page.keyboard.press("Control+z")
    expect(page.locator(".steps")).to_have_count(0)
    saving(page, "saved", 0)
    log = edits(page, host)
    assert [edit["undoes"] for edit in log] == [None, None, None, 3, 2, 1]


def test_a_tab_closed_without_a_line_leaves_its_edits_to_the_next(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    choose(page, 0)
    page.keyboard.press("p")
    page.context.set_offline(True)
    stroke(page, 0.05, 0.1)
    # The second stroke is not finished when the tab is closed.
    box = page.locator(".map").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    wait_for(lambda: households(page)[0] != "")
    page.wait_for_timeout(200)
    shown = households(page)
    page.close(run_before_unload=False)
    context = page.context
    context.set_offline(False)
    again = context.new_page()
    again.goto(host.url)
    expect(again.locator(".decision.is-word")).to_contain_text("back on the plan", timeout=20_000)
    saving(again, "saved", 0)
    assert households(again) == shown
    assert len(edits(again, host)) == 2
    # They can be taken back as if they had been made here.
    expect(again.locator(".steps")).to_contain_text("2 steps")
    again.keyboard.press("Control+z")
    expect(again.locator(".steps")).to_contain_text("1 step")
    saving(again, "saved", 0)
    assert [edit["undoes"] for edit in edits(again, host)] == [None, None, 2]


def test_two_planners_see_each_other(desk: OpenDesk, host: DeskServer) -> None:
    first, second = desk(name="Li Lei"), desk("zh-CN", name="Han Meimei")
    for page, words in ((first, "2 people here"), (second, "2 人在线")):
        expect(page.locator(".people")).to_contain_text(words)
    choose(first, 0)
    first.keyboard.press("p")
    stroke(first, 0.0, 0.3)
    wait_for(lambda: households(second) == households(first))
    saving(first, "saved", 0)
    second.get_by_role("tab", name="历史").click()
    expect(second.locator(".history li").first).to_contain_text("Li Lei")
    first.locator(".people button").click()
    expect(first.locator(".people-page")).to_contain_text("Han Meimei")


@pytest.mark.parametrize("choice", ["Keep mine", "Take theirs"])
def test_a_conflict_is_shown_and_settled(desk: OpenDesk, host: DeskServer, choice: str) -> None:
    mine, other = desk(name="Li Lei"), desk(name="Han Meimei")
    choose(mine, 0)
    choose(other, 1)
    for page in (mine, other):
        page.keyboard.press("p")
    mine.context.set_offline(True)
    stroke(mine, 0.0, 0.0)
    saving(mine, "offline", 1)
    stroke(other, 0.0, 0.0)
    saving(other, "saved", 0)
    mine.context.set_offline(False)
    bar = mine.locator(".decision.is-conflict")
    expect(bar).to_contain_text("Han Meimei changed the same places", timeout=20_000)
    SHOTS.mkdir(exist_ok=True)
    mine.screenshot(path=SHOTS / "desk-conflict.png")
    assert len(edits(mine, host)) == 1
    mine.get_by_role("button", name=choice).click()
    expect(bar).to_have_count(0)
    saving(mine, "saved", 0)
    wait_for(lambda: households(mine) == households(other))
    theirs, ours = edits(mine, host)
    # What both touched is as it was chosen; what only one touched stays.
    assert bool(set(theirs["cells"]) & set(ours["cells"])) == (choice == "Keep mine")


def test_who_comes_second_hears_that_two_strokes_left_a_grid_in_pieces(
    desk: OpenDesk, host: DeskServer
) -> None:
    page = desk("zh-CN", name="Li Lei")
    graph = build_lattice(SIDE, SIDE)[1].graph
    torn: list[int] = []

    def another_is_quicker(route: Route) -> None:
        """Before our stroke arrives, Anna takes all of its grid but two cells that do not touch."""
        assert host.store is not None
        if not torn:
            mine, before = route.request.post_data_json["cells"], host.store.assignment(1)
            torn.append(max(set(before[mine].tolist()) - {0}, key=lambda ix: (before == ix).sum()))
            left = np.setdiff1d(np.flatnonzero(before == torn[0]), mine)
            around = graph.indices[graph.indptr[left[0]] : graph.indptr[left[0] + 1]]
            apart = np.setdiff1d(left[1:], around)[-1]
            taken = np.setdiff1d(left, [left[0], apart])
            same_area = [ix for ix in np.unique(before).tolist() if ix not in {torn[0], *before[mine]}]
            grids = np.full(len(taken), next(ix for ix in same_area if (ix < 6) == (torn[0] < 6)))
            edit = {"cell_ix": taken, "grid_ix": grids, "kind": "paint", "who": "Anna"}
            host.store.add_edit(1, expected_revision=0, **edit)
        route.continue_()

    page.route("**/assignment", another_is_quicker)
    choose(page, 0)
    page.keyboard.press("m")
    stroke(page, -0.25, 0.0, 1)
    bar = page.locator(".decision.is-word")
    expect(bar).to_contain_text("您与 Anna 的修改碰在了一起", timeout=20_000)
    saving(page, "saved", 0)
    page.screenshot(path=SHOTS / "desk-together.png")
    theirs, ours = edits(page, host)
    assert (theirs["who"], ours["who"]) == ("Anna", "Li Lei")
    assert host.store is not None
    items = [item for item in host.store.checks(1).items if item.kind == "in_pieces"]
    assert torn[0] in {item.grid_ix for item in items}
    assert items[0].grid_code in bar.inner_text()
    page.get_by_role("tab", name="待办").click()
    expect(page.locator(".checks")).to_contain_text(str(items[0].grid_code))


def test_a_grid_is_named_coloured_locked_and_staffed(desk: OpenDesk, host: DeskServer) -> None:
    page = desk(name="Li Lei")
    choose(page, 0)
    page.get_by_label("Name", exact=True).fill("河滨北片")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Colour 5").click()
    page.get_by_role("button", name="Lock the grid").click()
    page.get_by_role("button", name="Add staff").click()
    form = page.locator(".staff-form")
    form.get_by_label("Name").fill("王芳")
    form.get_by_label("Phone").fill("021-5555 0101")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".staff")).to_contain_text("王芳 · 021-5555 0101")
    saving(page, "saved", 0)
    state = page.request.get(f"{host.url}/api/plans/1/state").json()["grids"][0]
    assert (state["name"], state["colour"], state["locked"]) == ("河滨北片", 4, True)
    assert state["staff"][0]["phone"] == "021-5555 0101"
    expect(page.locator("tr[data-row='0']")).to_contain_text("河滨北片")
    # A locked grid keeps its cells, and the page says why.
    page.keyboard.press("p")
    stroke(page, 0.0, 0.0)
    expect(page.locator(".decision.is-word")).to_contain_text("Unlock them first")


def test_publishing_is_refused_until_what_is_open_is_named(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    choose(page, 0)
    page.keyboard.press("p")
    page.keyboard.down("Alt")
    stroke(page, 0.2, 0.2, 10)
    page.keyboard.up("Alt")
    saving(page, "saved", 0)
    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Unassigned cells")
    expect(dialog).to_contain_text("it is never published like this")
    dialog.get_by_role("button", name="Publish", exact=True).click(force=True)
    expect(dialog.get_by_role("alert")).to_contain_text("Not published")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    saving(page, "saved", 0)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(dialog).to_contain_text("Without staff")
    for box in dialog.get_by_role("checkbox").all():
        box.check()
    dialog.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("button", name="Edit as a new draft")).to_be_visible(timeout=20_000)
    expect(page.locator(".tools")).to_have_count(0)
    assert page.request.get(f"{host.url}/api/plans/1").json()["state"] == "published"
    # A plan in force is not changed; a draft of it is, and can be compared with it.
    page.get_by_role("button", name="Edit as a new draft").click()
    saving(page, "saved", 0)
    choose(page, 0)
    page.keyboard.press("p")
    stroke(page, 0.0, 0.3)
    saving(page, "saved", 0)
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name=re.compile("^Compare")).click()
    expect(page.locator(".compare-pairs tbody tr")).not_to_have_count(0)
    expect(page.locator(".compare-sum").first).to_contain_text("change hands")


def test_a_draft_is_renamed_taken_back_and_deleted(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name=re.compile("^Rename")).click()
    page.get_by_role("dialog").get_by_label("Name").fill("Spring 春季")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Plan", exact=True).first).to_contain_text("Spring 春季")
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name="Number west to east").click()
    saving(page, "saved", 0)
    state = page.request.get(f"{host.url}/api/plans/1/state").json()
    assert {grid["code"] for grid in state["grids"]} == {f"10{k}{n:03}" for k in (1, 2) for n in range(1, 7)}
    before = households(page)
    choose(page, 0)
    page.keyboard.press("p")
    stroke(page, 0.0, 0.3)
    assert households(page) != before
    saving(page, "saved", 0)
    page.get_by_role("tab", name="History").click()
    rows = page.locator(".history li")
    expect(rows.first).to_contain_text("You")
    rows.nth(1).get_by_role("button", name="Return to here").click()
    page.get_by_role("tab", name="Grids").click()
    wait_for(lambda: households(page) == before)
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the draft").click()
    expect(page.get_by_role("heading", name="No plan yet")).to_be_visible()


def test_the_check_list_leads_from_one_to_the_next(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    choose(page, 0)
    page.keyboard.press("p")
    for down in (0.2, 0.1, 0.0):
        stroke(page, 0.0, down, 120)
    saving(page, "saved", 0)
    # One grid was painted over whole: as on the server that stands before what is out of bounds.
    expect(page.locator(".status .worst")).to_contain_text("has no cell: give it some or dissolve it")
    page.locator(".status").get_by_role("button", name="Show").click()
    first = page.locator(".checks-list li").first
    page.get_by_role("button", name="Next").click()
    expect(first.locator("button")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".checks-list [aria-current]")).to_have_count(1)
    expect(page.locator(".checks-head .number")).to_contain_text("2/")


def test_a_proposal_is_shown_before_it_counts(desk: OpenDesk, host: DeskServer) -> None:
    page = desk()
    before = households(page)
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name=re.compile("^Partition")).click()
    dialog = page.get_by_role("dialog")
    weight = dialog.get_by_label("What is balanced")
    weight.fill("households + 2*cats")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.locator(".field-fault")).to_contain_text("no numeric column “cats”")
    expect(weight).to_be_focused()
    weight.fill("households")
    dialog.get_by_label("Grids", exact=True).fill("3-5")
    dialog.get_by_label("Maximum").fill("700")
    dialog.get_by_role("button", name="Start").click()
    bar = page.locator(".decision.is-proposal")
    expect(bar).to_contain_text("change hands", timeout=40_000)
    assert households(page) == before
    assert edits(page, host) == []
    bar.get_by_role("button", name="Accept").click()
    saving(page, "saved", 0)
    wait_for(lambda: len(edits(page, host)) == 1)
    assert edits(page, host)[0]["kind"] == "partition"
    assert households(page) != before


def test_the_first_visit_has_a_tour_and_the_question_mark_a_list(browser: Any, host: DeskServer) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    page = context.new_page()
    page.goto(host.url)
    tour = page.locator(".tour")
    for number in range(1, 5):
        expect(tour).to_contain_text(f"{number}/5")
        tour.get_by_role("button", name="下一步").click()
    tour.get_by_role("button", name="开始").click()
    expect(tour).to_have_count(0)
    page.reload()
    saving(page, "saved")
    expect(tour).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("套索")
    context.close()


@pytest.mark.parametrize(
    ("locale", "tab", "publish"), [("en-GB", "To mend", "Publish"), ("zh-CN", "待办", "发布")]
)
def test_axe_finds_nothing_on_the_desk(
    desk: OpenDesk, host: DeskServer, locale: str, tab: str, publish: str
) -> None:
    page = desk(locale)
    choose(page, 0)
    page.keyboard.press("p")
    stroke(page, 0.0, 0.1, 150)
    faults = []

    def judge(where: str) -> None:
        page.screenshot(path=SHOTS / f"desk-{where}-{locale}.png")
        found = Axe().run(page).response["violations"]
        faults.extend(
            (where, fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found
        )

    SHOTS.mkdir(exist_ok=True)
    judge("painting")
    page.get_by_role("tab", name=tab).click()
    page.locator(".people button").click()
    judge("checks")
    page.get_by_role("button", name=publish, exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("checkbox").first).to_be_visible()
    judge("publishing")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    judge("keys")
    assert faults == []
