"""The hand on the map: brush, lasso, box, split, merge, lock, keys and fingers, each on a draft of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 20
Spot = tuple[float, float]


@pytest.fixture(scope="module")
def host(web_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """Serve a town of 20 by 20 cells in 20 grids."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    path = tmp_path_factory.mktemp("editing") / "town.gpkg"
    with open_store(str(path)) as store:
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="town")
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


@dataclass
class Table:
    """A page with a draft that is ready to be edited."""

    page: Page
    url: str
    plan: str
    errors: list[str]

    def at(self, right: float, down: float) -> Spot:
        """A place by its shares of the map's width and height."""
        box = self.page.locator(".map").bounding_box()
        assert box
        return box["x"] + right * box["width"], box["y"] + down * box["height"]

    def pick(self, right: float, down: float) -> str:
        """Choose the grid at a place by a right click."""
        self.page.mouse.click(*self.at(right, down), button="right")
        row = self.page.locator("tr[aria-current=true]")
        expect(row).to_have_count(1)
        return str(row.get_attribute("data-code"))

    def drag(self, *spots: Spot, up: bool = True) -> None:
        self.page.mouse.move(*self.at(*spots[0]))
        self.page.mouse.down()
        for spot in spots[1:]:
            self.page.mouse.move(*self.at(*spot), steps=8)
        if up:
            self.page.mouse.up()

    def rows(self) -> dict[str, int]:
        """Households by code, as the table has them."""
        script = (
            "rows => Object.fromEntries(rows.map(r => [r.dataset.code, r.querySelector('td').innerText]))"
        )
        found = self.page.locator("tr[data-row]").evaluate_all(script)
        return {code: int(text.replace(",", "")) for code, text in found.items()}

    def live(self) -> str:
        return self.page.locator("[role=status][aria-live]").last.inner_text()

    def api(self, path: str) -> Any:
        answer = self.page.request.get(f"{self.url}/api/plans/{self.plan}{path}")
        assert answer.ok, answer.text()
        return answer.json()

    def saved(self, edits: int) -> list[dict[str, Any]]:
        """Wait until the server has that many edits; they."""
        found: list[dict[str, Any]] = wait_for(
            lambda: log if len(log := self.api("/edits?cells=true")) >= edits else None
        )
        assert len(found) == edits
        return found

    def truth(self) -> dict[str, int]:
        features = self.api("/grids")["features"]
        return {f["properties"]["code"]: int(f["properties"]["households"]) for f in features}


@pytest.fixture
def table(browser: Browser, host: DeskServer) -> Iterator[Table]:
    """Open a fresh branch of the town, tall enough that all rows of the list are in the page."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1300},
        locale="en-GB",
        reduced_motion="reduce",
        has_touch=True,
    )
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    answer = page.request.post(f"{host.url}/api/plans", data={"from": "1", "name": "trial"})
    assert answer.ok, answer.text()
    plan = str(answer.json()["id"])
    page.goto(f"{host.url}/#plan={plan}")
    wait_for(lambda: page.evaluate("() => window.__wangge_timings.editable"))
    yield Table(page, host.url, plan, errors)
    context.close()
    assert errors == []


def colours(page: Page) -> str:
    script = "() => [...document.querySelectorAll('.tiles-grids canvas')].map(c => c.toDataURL()).join()"
    return str(page.evaluate(script))


def test_a_stroke_changes_figures_and_colours_while_the_hand_moves_and_undo_brings_all_back(
    table: Table,
) -> None:
    page = table.page
    before, painted = table.rows(), colours(page)
    code = table.pick(0.3, 0.45)
    page.keyboard.press("p")
    table.drag((0.3, 0.45), (0.42, 0.45), up=False)
    wait_for(lambda: table.rows()[code] > before[code])
    wait_for(lambda: colours(page) != painted)
    assert page.locator(".sketch-brush").is_visible()
    assert table.api("/edits") == []
    page.screenshot(path=SHOTS / "editing-stroke.png")
    page.mouse.up()
    edit = table.saved(1)[0]
    assert edit["kind"] == "paint"
    assert edit["n_cells"] == len(edit["cells"]) > 0
    after = table.rows()
    assert after == table.truth() != before
    assert sum(after.values()) == sum(before.values())
    page.keyboard.press("Control+z")
    wait_for(lambda: table.rows() == before)
    undo = table.saved(2)[1]
    assert undo["undoes"] == edit["revision"]
    assert table.truth() == before
    page.keyboard.press("Control+Shift+z")
    wait_for(lambda: table.rows() == after)
    table.saved(3)
    assert table.truth() == after
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    wait_for(lambda: table.rows() == after)


def test_alt_takes_away_and_nobody_owns_what_is_gone(table: Table) -> None:
    before = table.rows()
    code = table.pick(0.3, 0.45)
    table.page.keyboard.press("p")
    table.page.keyboard.down("Alt")
    table.drag((0.3, 0.45), (0.31, 0.45))
    table.page.keyboard.up("Alt")
    edit = table.saved(1)[0]
    assert set(edit["grids"]) == {-1}
    assert table.rows()[code] < before[code]
    assert table.truth() == table.rows()


@pytest.mark.parametrize(("key", "kind"), [("Shift", "lasso"), ("Control", "box")])
def test_lasso_and_box_by_their_keys_whatever_the_tool(table: Table, key: str, kind: str) -> None:
    before = table.rows()
    code = table.pick(0.3, 0.3)
    table.page.keyboard.down(key)
    corners = ((0.35, 0.3), (0.5, 0.3), (0.5, 0.5), (0.35, 0.5))
    table.drag(*(corners if kind == "lasso" else corners[::2]), up=False)
    assert table.page.locator(".sketch-line").get_attribute("d")
    table.page.screenshot(path=SHOTS / f"editing-{kind}.png")
    table.page.mouse.up()
    table.page.keyboard.up(key)
    edit = table.saved(1)[0]
    assert edit["kind"] == kind
    assert table.rows()[code] > before[code]
    assert table.truth() == table.rows()


def test_a_line_splits_a_grid_and_says_both_halves_while_it_is_drawn(table: Table) -> None:
    page = table.page
    before = table.rows()
    code = table.pick(0.3, 0.45)
    page.keyboard.press("x")
    table.drag((0.22, 0.45), (0.38, 0.45), up=False)
    words = page.locator(".sketch-words")
    expect(words).to_be_visible()
    halves = [int(text) for text in words.inner_text().split(" | ")]
    assert sum(halves) == before[code]
    page.screenshot(path=SHOTS / "editing-split.png")
    page.mouse.up()
    wait_for(lambda: len(table.rows()) == len(before) + 1)
    new = next(iter(set(table.rows()) - set(before)))
    assert sorted(halves) == sorted((table.rows()[new], table.rows()[code]))
    assert table.rows()[new] <= table.rows()[code]
    table.saved(1)
    assert table.truth() == table.rows()
    page.keyboard.press("Control+z")
    wait_for(lambda: table.rows() == before)


def test_escape_breaks_off_what_the_hand_began(table: Table) -> None:
    page = table.page
    before = table.rows()
    table.pick(0.3, 0.45)
    page.keyboard.press("p")
    table.drag((0.3, 0.45), (0.42, 0.45), up=False)
    wait_for(lambda: table.rows() != before)
    page.keyboard.press("Escape")
    wait_for(lambda: table.rows() == before)
    page.mouse.move(*table.at(0.5, 0.5), steps=4)
    page.mouse.up()
    assert table.rows() == before
    assert table.api("/edits") == []


def test_a_stroke_that_cuts_a_grid_in_two_asks_what_to_do(table: Table) -> None:
    page = table.page
    before = table.rows()
    table.pick(0.4, 0.33)
    page.keyboard.press("p")
    for _ in range(5):
        page.keyboard.press("[")
    table.drag((0.4, 0.33), (0.4, 0.57), up=False)
    expect(page.get_by_text("would be cut off")).to_be_visible()
    page.mouse.up()
    edit = table.saved(1)[0]
    expect(page.get_by_text("are cut off")).to_be_visible()
    page.screenshot(path=SHOTS / "editing-cut.png")
    page.get_by_role("button", name="Take them along").click()
    more = table.saved(2)[1]
    assert set(more["grids"]) == set(edit["grids"])
    checks = table.api("/checks")["items"]
    assert not [item for item in checks if item["kind"] == "in_pieces"]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    wait_for(lambda: table.rows() == before)


def test_merging_two_neighbours_and_locking_one(table: Table) -> None:
    page = table.page
    before = table.rows()
    page.keyboard.press("q")
    first = table.pick(0.4, 0.45)
    page.mouse.click(*table.at(0.4, 0.45))
    table.saved(1)
    page.keyboard.press("c")
    page.mouse.click(*table.at(0.4, 0.45))
    page.mouse.click(*table.at(0.4, 0.63))
    expect(page.get_by_text("Locked cells stay", exact=False).first).to_be_visible()
    assert table.rows() == before
    page.keyboard.press("q")
    page.mouse.click(*table.at(0.4, 0.45))
    table.saved(2)
    second = table.pick(0.4, 0.63)
    page.keyboard.press("c")
    page.mouse.click(*table.at(0.4, 0.45))
    wait_for(lambda: len(table.rows()) == len(before) - 1)
    keeper = first if before[first] > before[second] else second
    assert table.rows()[keeper] == before[first] + before[second]
    table.saved(3)
    assert table.truth() == table.rows()


def test_the_cell_cursor_walks_and_enter_assigns(table: Table) -> None:
    page = table.page
    code = table.pick(0.3, 0.3)
    before = table.rows()
    page.keyboard.press("p")
    page.locator(".map").focus()
    page.keyboard.press("ArrowRight")
    wait_for(lambda: table.live().startswith("Cell "))
    heard = {table.live()}
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        wait_for(lambda: table.live() not in heard)
        heard.add(table.live())
    # Walk to a cell of another grid of the same community.
    for _ in range(12):
        if code[-3:] not in table.live() and code[:3] in table.live():
            break
        page.keyboard.press("ArrowLeft")
    page.screenshot(path=SHOTS / "editing-cursor.png")
    page.keyboard.press("Enter")
    wait_for(lambda: "Given to grid" in table.live())
    edit = table.saved(1)[0]
    assert edit["n_cells"] == 1
    assert table.rows()[code] > before[code]
    page.keyboard.press("Alt+Enter")
    wait_for(lambda: "no grid" in table.live())
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("q")
    page.keyboard.press("Enter")
    wait_for(lambda: "is locked" in table.live())
    page.keyboard.press("Enter")
    wait_for(lambda: "not locked any more" in table.live())
    # Corners of a new grid: Enter on the same cell once more ends the ring.
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    wait_for(lambda: table.live().startswith("Corner 1"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    wait_for(lambda: table.live().startswith("New grid"))
    assert table.saved(5)[-1]["kind"] == "new"


def test_keys_sleep_in_fields_and_while_a_word_is_composed(table: Table) -> None:
    page = table.page
    drawing = page.locator(".map.is-drawing")
    script = (
        "() => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'p', code: 'KeyP', bubbles: true, isComposing: true}))"
    )
    page.evaluate(script)
    expect(drawing).to_have_count(0)
    page.get_by_label("Filter the grids").press("p")
    expect(drawing).to_have_count(0)
    page.get_by_label("Filter the grids").fill("")
    page.locator(".map").focus()
    page.keyboard.press("p")
    expect(drawing).to_have_count(1)


def test_space_and_two_fingers_move_the_map_one_finger_draws(table: Table) -> None:
    page = table.page
    before = table.rows()
    code = table.pick(0.3, 0.45)
    page.keyboard.press("p")
    page.locator(".map").focus()
    page.keyboard.down(" ")
    table.drag((0.3, 0.45), (0.35, 0.5))
    table.drag((0.35, 0.5), (0.3, 0.45))
    page.keyboard.up(" ")
    assert table.rows() == before

    def touch(kind: str, *spots: Spot) -> None:
        points = [dict(zip("xy", table.at(*spot), strict=True), id=i) for i, spot in enumerate(spots)]
        line.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    line = page.context.new_cdp_session(page)
    touch("touchStart", (0.3, 0.45))
    touch("touchMove", (0.35, 0.45))
    touch("touchStart", (0.35, 0.45), (0.5, 0.6))
    touch("touchMove", (0.4, 0.5), (0.55, 0.65))
    touch("touchMove", (0.35, 0.45), (0.5, 0.6))
    touch("touchEnd")
    wait_for(lambda: table.rows() == before)
    touch("touchStart", (0.3, 0.45))
    for step in range(1, 8):
        touch("touchMove", (0.3 + step * 0.015, 0.45))
    touch("touchEnd")
    wait_for(lambda: table.rows()[code] > before[code])
    assert table.saved(1)[0]["kind"] == "paint"


def test_what_takes_time_is_measured(table: Table) -> None:
    table.pick(0.3, 0.45)
    table.page.keyboard.press("p")
    table.drag((0.3, 0.45), (0.42, 0.45))
    table.saved(1)
    samples = json.loads(table.page.evaluate("() => JSON.stringify(window.__wangge_samples)"))
    assert len(samples["stroke"]) > 2
    assert all(took >= 0 for took in samples["stroke"] + samples["stroke_end"])


def test_a_proposal_is_hatched_until_enter_makes_it_an_edit(table: Table) -> None:
    page = table.page
    table.pick(0.4, 0.33)
    page.keyboard.press("p")
    table.drag((0.4, 0.33), (0.45, 0.45))
    table.saved(1)
    before, painted = table.rows(), colours(page)
    page.get_by_role("button", name="Suggest a mend").click()
    expect(page.get_by_role("button", name="Accept")).to_be_visible()
    wait_for(lambda: colours(page) != painted)
    assert table.rows() == before
    page.screenshot(path=SHOTS / "editing-proposal.png")
    page.locator(".map").focus()
    page.keyboard.press("Enter")
    table.saved(2)
    assert table.rows() == table.truth() != before
