"""Base data on the page: drawn, moved, retired, counted, loaded; a list that is applied at once and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from gis_core.crs import from_wgs84
from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 12


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, web_root: Path) -> Iterator[DeskServer]:
    """Serve a draft of a small town."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    path = tmp_path_factory.mktemp("base") / "town.gpkg"
    with open_store(str(path)) as store:
        number = store.add_dataset(dataset, fabric)
        store.add_plan(build_lattice_plan(dataset, fabric, SIDE, SIDE), dataset_id=number, name="Heyang 和阳")
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


def visit(browser: Browser, url: str, locale: str, size: tuple[int, int], *, touch: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=locale,
        reduced_motion="reduce",
        has_touch=touch,
    )
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    page = context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
    page.goto(url)
    saved(page)
    return page


def saved(page: Page) -> None:
    expect(page.locator(".saving[data-standing='saved'][data-unsent='0']")).to_be_visible(timeout=20_000)


class Spots:
    """Where a building of the data is on the page; the map shows the whole plan."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        page.locator(".whole").click()
        page.wait_for_timeout(300)

    def buildings(self) -> dict[str, Any]:
        plan = self.page.request.get(f"{self.url}/api/plans/1").json()
        layer = f"{self.url}/api/datasets/{plan['dataset_id']}/layers/buildings"
        answer = self.page.request.get(layer)
        # The version may have been replaced in between: whoever waits asks again.
        features = answer.json()["features"] if answer.ok else []
        for row in features:
            row["properties"].pop("cell_ix")  # cells get other numbers
        return {row["properties"]["id"]: row for row in features}

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Give the pixel of a place, by the scale of the map (no other part of the page knows it)."""
        west, south, east, north = self.page.request.get(f"{self.url}/api/plans/1").json()["bbox"]
        box = self.page.locator(".map").bounding_box()
        assert box
        ruler = self.page.locator(".leaflet-control-scale-line")
        metres = float(ruler.inner_text().split()[0])
        pixels = ruler.evaluate("line => line.offsetWidth")
        x = box["x"] + box["width"] / 2 + (lon - (west + east) / 2) * 85_390 * pixels / metres
        return x, box["y"] + box["height"] / 2 - (lat - (south + north) / 2) * 111_040 * pixels / metres

    def of(self, id_: str) -> tuple[float, float]:
        shape = shapely.geometry.shape(self.buildings()[id_]["geometry"])
        return self.at(shape.centroid.x, shape.centroid.y)


def steps(page: Page) -> list[str]:
    return page.locator(".base-steps li span").all_inner_texts()


def clean(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert violations == [], json.dumps(violations, indent=1)[:2000]


def upload(page: Page, name: str, content: bytes, kind: str) -> None:
    page.locator(".base-files details[open] input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": content}
    )


def test_base_data_are_changed_under_a_draft(browser: Browser, town: DeskServer) -> None:
    page = visit(browser, town.url, "en-GB", (1366, 768))
    spots = Spots(page, town.url)
    before = spots.buildings()
    grids = page.request.get(f"{town.url}/api/plans/1/state").json()["grids"]
    page.keyboard.press("g")
    expect(page.get_by_role("heading", name="No changes wait")).to_be_visible()

    # A count, by a click; it stays when the page is loaded anew.
    page.mouse.click(*spots.of("B000050"))
    expect(page.locator("#base-picked")).to_contain_text("Building")
    page.get_by_role("spinbutton", name="Households").fill("77")
    page.keyboard.press("Enter")
    wait_for(lambda: len(steps(page)) == 1)
    assert f"{before['B000050']['properties']['households']} → 77" in steps(page)[0]
    page.reload()
    saved(page)
    expect(page.get_by_role("tab", name="Base")).to_contain_text("1")
    page.keyboard.press("g")
    spots = Spots(page, town.url)

    # Dragged, retired, drawn by clicks, typed.
    x, y = spots.of("B000064")
    page.keyboard.press("m")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y - 4, steps=2)
    page.mouse.up()
    wait_for(lambda: len(steps(page)) == 2)
    page.keyboard.press("x")
    page.mouse.click(*spots.of("B000080"))
    wait_for(lambda: len(steps(page)) == 3)
    page.keyboard.press("s")
    west, south, east, north = page.request.get(f"{town.url}/api/plans/1").json()["bbox"]
    middle = (south + north) / 2 + 0.00005
    for lon in (west - 0.0001, (west + east) / 2, east + 0.0001):
        page.mouse.click(*spots.at(lon, middle))
    page.keyboard.press("Enter")
    wait_for(lambda: "Street" in steps(page)[-1])
    page.keyboard.press("o")
    gate = shapely.geometry.shape(before["B000030"]["geometry"]).centroid
    page.locator(".base-form textarea").fill(f"{gate.x:.6f}, {gate.y:.6f}")
    page.locator(".base-form").first.get_by_role("textbox", name="Name").fill("East gate")
    page.keyboard.press("Enter")
    wait_for(lambda: steps(page)[-1] == "New: Gate East gate")
    page.get_by_role("button", name="Close").last.focus()
    page.keyboard.press("Control+z")
    wait_for(lambda: len(steps(page)) == 4)
    page.keyboard.press("Control+y")
    wait_for(lambda: len(steps(page)) == 5)
    page.screenshot(path=SHOTS / "base-list.png")
    clean(page)

    # A sheet and outlines: what is found shows before it counts.
    place = before["B000003"]["properties"]
    rows = f"id,小区,楼栋,户数\nB000003,,,{place['households'] + 5}\n,没有的小区,1栋,9\nB000005,,,many\n"
    page.get_by_text("Join a sheet of counts").click()
    upload(page, "户数.csv", rows.encode(), "text/csv")
    found = page.get_by_role("group", name="What was found in the file")
    expect(found).to_contain_text("Buildings matched: 1 (", timeout=20_000)
    expect(found).to_contain_text("Rows that fit no building: 1")
    expect(found).to_contain_text("没有的小区")
    expect(found).to_contain_text("Numbers that cannot be read: 1")
    page.get_by_role("button", name="Add to the list (1)").click()
    wait_for(lambda: steps(page)[-1] == "Changes from 户数.csv: 1")
    page.get_by_text("Join a sheet of counts").click()
    page.get_by_text("Load outlines").click()
    shed = shapely.geometry.shape(before["B000100"]["geometry"])
    moved = shapely.transform(shed, lambda xy: np.column_stack(from_wgs84(*xy.T, "gcj02")))
    outline = {
        "type": "Feature",
        "properties": {"id": "B000101"},
        "geometry": shapely.geometry.mapping(moved),
    }
    far = {**outline, "geometry": {"type": "Point", "coordinates": [10, 10]}, "properties": {"id": "x"}}
    body = json.dumps({"type": "FeatureCollection", "features": [outline, far]}).encode()
    page.get_by_label("Coordinate system").select_option("gcj02")
    upload(page, "houses.geojson", body, "application/geo+json")
    expect(found).to_contain_text("0 new, 1 moved, 1 left out.", timeout=20_000)
    expect(found).to_contain_text("it lies outside of the communities")
    page.screenshot(path=SHOTS / "base-outlines.png")
    page.locator(".base-found").get_by_role("button", name="Close").click()
    page.get_by_text("Load outlines").click()

    # What cannot be is refused whole, and the list says which it was.
    page.keyboard.press("b")
    page.locator(".base-form textarea").fill("10, 10\n10.001, 10\n10.001, 10.001")
    page.get_by_role("button", name="Add to the list", exact=True).click()
    wait_for(lambda: len(steps(page)) == 7)
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".base-waiting .alert")).to_contain_text(
        "lies outside of every community", timeout=20_000
    )
    expect(page.locator(".base-steps li.is-fault")).to_have_count(1)
    page.locator(".base-steps li.is-fault button").click()
    wait_for(lambda: len(steps(page)) == 6)

    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".base-result")).to_contain_text("The plan keeps its grids", timeout=20_000)
    expect(page.locator(".base-result")).to_contain_text("Cells mended")
    saved(page)
    after = spots.buildings()
    assert after["B000050"]["properties"]["households"] == 77
    assert after["B000003"]["properties"]["households"] == place["households"] + 5
    assert "B000080" not in after and after["B000064"]["geometry"] != before["B000064"]["geometry"]
    assert page.request.get(f"{town.url}/api/plans/1/state").json()["grids"] == grids
    log = page.request.get(f"{town.url}/api/plans/1/edits").json()
    assert [edit["kind"] for edit in log] == ["base"]
    page.screenshot(path=SHOTS / "base-applied.png")

    # Taken back as any other step, and done again.
    expect(page.locator(".steps")).to_contain_text("1 step", timeout=20_000)
    page.keyboard.press("Control+z")
    wait_for(lambda: spots.buildings() == before)
    saved(page)
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_on_a_tablet_in_chinese(browser: Browser, town: DeskServer) -> None:
    page = visit(browser, town.url, "zh-CN", (820, 1100), touch=True)
    page.locator("[data-tool='base']").tap()
    page.locator(".sheet-handle").click()
    page.locator("[data-tool='building']").tap()
    box = page.locator(".map").bounding_box()
    assert box
    for right, down in ((0.4, 0.2), (0.5, 0.2), (0.5, 0.3), (0.4, 0.3)):
        page.touchscreen.tap(box["x"] + right * box["width"], box["y"] + down * box["height"])
    page.get_by_role("button", name="完成").tap()
    wait_for(lambda: len(steps(page)) == 1)
    assert steps(page)[0].startswith("新增：楼栋")
    page.screenshot(path=SHOTS / "base-tablet.png")
    clean(page)
    page.get_by_role("button", name="全部移除").tap()
    wait_for(lambda: steps(page) == [])
    assert page.complaints == []  # type: ignore[attr-defined]
    page.context.close()


def test_a_street_meets_the_one_it_is_drawn_to_and_a_barrier_is_drawn(
    browser: Browser, town: DeskServer
) -> None:
    page = visit(browser, town.url, "en-GB", (1366, 768))
    spots = Spots(page, town.url)
    plan = page.request.get(f"{town.url}/api/plans/1").json()
    layers = f"{town.url}/api/datasets/{plan['dataset_id']}/layers"
    streets = page.request.get(f"{layers}/streets").json()["features"]
    there = shapely.unary_union([shapely.geometry.shape(row["geometry"]) for row in streets])
    end = max(shapely.get_coordinates(there).tolist())
    x, y = spots.at(*end)
    page.keyboard.press("g")
    page.keyboard.press("s")
    points = page.get_by_label("Points, one a line")

    def drawn() -> list[list[float]]:
        return [
            [float(value) for value in line.split(",")] for line in points.input_value().split("\n") if line
        ]

    page.mouse.click(x - 3, y + 2)
    wait_for(lambda: drawn() and shapely.distance(shapely.Point(drawn()[0]), there) < 1e-6)
    page.mouse.click(x - 60, y + 17)
    page.keyboard.press("Enter")
    wait_for(lambda: len(steps(page)) == 1)
    page.get_by_role("button", name="Remove all").click()
    # With Alt a point stays where it is clicked.
    page.keyboard.down("Alt")
    page.mouse.click(x - 3, y + 2)
    page.keyboard.up("Alt")
    wait_for(lambda: len(drawn()) == 1)
    assert shapely.distance(shapely.Point(drawn()[0]), there) > 1e-6
    page.keyboard.press("Escape")

    page.keyboard.press("w")
    page.get_by_label("What it is").select_option("rail")
    page.mouse.click(x - 40, y + 37)
    page.mouse.click(x - 90, y + 45)
    page.keyboard.press("Enter")
    wait_for(lambda: steps(page) == ["New: Barrier"])
    clean(page)
    page.get_by_role("button", name="Remove all").click()
    page.context.close()
    assert page.complaints == []  # type: ignore[attr-defined]
