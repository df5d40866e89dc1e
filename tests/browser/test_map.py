"""What a planner does on a desktop: looks, sorts, clicks, searches, exports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import Watched, wait_for

Visit = Callable[..., Watched]


def newest(watched: Watched) -> str:
    return str(watched.api("/api/plans")[0]["id"])


def features(watched: Watched) -> dict[str, dict[str, object]]:
    found = watched.api(f"/api/plans/{newest(watched)}/grids")["features"]
    return {feature["properties"]["code"]: feature["properties"] for feature in found}


def middle_of_map(page: Page) -> tuple[float, float]:
    box = page.locator(".map").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def marks(page: Page) -> str:
    """What lies over the tiles, as text that differs when the picture does."""
    return str(page.evaluate("() => document.querySelector('canvas.marks').toDataURL()"))


def colours(page: Page) -> str:
    return str(
        page.evaluate(
            "() => [...document.querySelectorAll('.tiles-grids canvas')].map(c => c.toDataURL()).join()"
        )
    )


def selected_code(page: Page) -> str | None:
    row = page.locator("tr[aria-current=true]")
    return row.get_attribute("data-code") if row.count() else None


def test_the_table_says_what_the_api_says(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    known = features(watched)
    assert int(page.locator("table.grids").get_attribute("aria-rowcount") or 0) == len(known) + 1
    rows = page.locator("tr[data-row]")
    assert rows.count() == len(known)
    for row in rows.all()[:6]:
        grid = known[str(row.get_attribute("data-code"))]
        assert row.locator("td").first.inner_text() == str(grid["households"])
        assert row.locator("td").nth(3).inner_text() == f"{grid['area_m2'] / 10_000:.1f}"
    inside = sum(bool(grid["in_bounds"]) for grid in known.values())
    total = sum(int(grid["households"]) for grid in known.values())
    words = page.locator(".totals").inner_text()
    assert f"{len(known)} grids" in words
    assert f"{total:,} households" in words
    assert f"{inside}/{len(known)} in bounds" in words


def test_sorting_and_filtering(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    by_households = sorted(
        features(watched).values(), key=lambda grid: (-int(grid["households"]), grid["code"])
    )
    page.get_by_role("button", name="holds").click()
    assert page.locator("th[aria-sort=descending]").count() == 1
    first = page.locator("tr[data-row='0']")
    assert first.get_attribute("data-code") == by_households[0]["code"]
    page.get_by_label("Filter the grids").fill("东社区")
    wanted = {code for code, grid in features(watched).items() if grid["boundary_name"] == "东社区"}
    wait_for(lambda: page.locator("tr[data-row]").count() == len(wanted))
    page.get_by_label("Filter the grids").fill("no such grid")
    expect(page.get_by_text("No grid matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    wait_for(lambda: page.locator("tr[data-row]").count() == len(by_households))


def test_a_click_on_the_map_selects_the_grid_that_is_there(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    x, y = middle_of_map(page)
    for shift in ((-130, -90), (40, 10), (150, 120)):
        page.mouse.click(x + shift[0], y + shift[1])
        place = page.locator(".spot-place")
        expect(place).to_be_visible()
        lon, lat = place.inner_text().split(",")
        truth = watched.api(f"/api/locate?x={lon}&y={lat.strip()}&plan={newest(watched)}")
        assert selected_code(page) == truth["grid_code"] is not None
        cell = watched.api(f"/api/plans/{newest(watched)}/cells/{truth['cell_ix']}")
        expect(page.locator(".building h4").first).to_have_text(cell["buildings"][0]["name"])
        expect(page.locator(".building")).to_contain_text(cell["buildings"][0]["address"])
    page.keyboard.press("Escape")
    assert selected_code(page) is None


def test_a_click_outside_tells_the_nearest_grid(visit: Visit) -> None:
    page = visit().open()
    box = page.locator(".map").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] - 140, box["y"] + box["height"] / 2)
    expect(page.get_by_text("This point lies outside of every grid.", exact=False).first).to_be_visible()
    expect(page.locator(".spot")).to_contain_text("The nearest is grid")
    assert selected_code(page) is None


def test_table_and_map_light_up_together(visit: Visit) -> None:
    watched = visit(reduced_motion="reduce")
    page = watched.open()
    page.mouse.move(5, 5)
    before = wait_for(lambda: marks(page))
    page.locator("tr[data-row='3']").hover()
    wait_for(lambda: marks(page) != before)
    page.mouse.move(5, 5)
    wait_for(lambda: marks(page) == before)
    page.mouse.move(*middle_of_map(page))
    wait_for(lambda: page.locator("tr.is-hovered").count() == 1)
    code = page.locator("tr.is-hovered").get_attribute("data-code")
    page.mouse.click(*middle_of_map(page))
    wait_for(lambda: selected_code(page) == code)


def test_a_row_zooms_to_its_grid(visit: Visit) -> None:
    watched = visit(reduced_motion="reduce")
    page = watched.open()
    row = page.locator("tr[data-row='4']")
    code = str(row.get_attribute("data-code"))
    row.click()
    assert selected_code(page) == code
    wait_for(lambda: page.evaluate("() => document.querySelectorAll('.tiles-grids canvas').length"))
    # The middle of the map now lies in that grid.
    wait_for(lambda: _clicked(page) == code)
    expect(page.get_by_role("status").filter(has_text="selected")).to_have_count(1)


def _clicked(page: Page) -> str | None:
    page.mouse.click(*middle_of_map(page))
    return selected_code(page)


def test_rows_by_keyboard(visit: Visit) -> None:
    watched = visit(reduced_motion="reduce")
    page = watched.open()
    page.locator("tr[data-row='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.dataset.row") == "2"
    page.keyboard.press("Enter")
    assert selected_code(page) == page.locator("tr[data-row='2']").get_attribute("data-code")
    page.keyboard.press("End")
    last = len(features(watched)) - 1
    wait_for(lambda: page.evaluate("() => document.activeElement.dataset.row") == str(last))
    page.keyboard.press("Escape")
    assert selected_code(page) is None


def test_search_by_words_and_by_coordinates(visit: Visit) -> None:
    watched = visit(reduced_motion="reduce")
    page = watched.open()
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search for a grid")
    expect(field).to_be_focused()
    field.fill("和阳里7号楼")
    expect(page.locator("#search-results li").first).to_contain_text("和阳里7号楼")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".building h4").first).to_have_text("和阳里7号楼")
    code, grid = next(iter(features(watched).items()))
    lon, lat = grid["label"]  # type: ignore[misc]
    field.fill(f"{lat:.6f}, {lon:.6f}")
    expect(page.locator("#search-results li")).to_contain_text("Whose grid is it?")
    page.keyboard.press("Enter")
    wait_for(lambda: selected_code(page) == code)
    field.fill("xyzzy nowhere")
    expect(page.get_by_text("Nothing found for", exact=False).first).to_be_visible()


def test_keys_sleep_while_a_word_is_composed(visit: Visit) -> None:
    page = visit().open()
    page.locator("tr[data-row='1']").click()
    chosen = selected_code(page)
    page.evaluate(
        "() => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Escape', bubbles: true, isComposing: true}))"
    )
    assert selected_code(page) == chosen is not None


@pytest.mark.parametrize("mode", ["Bounds", "Numbers"])
def test_colour_modes_change_the_map_and_the_legend(visit: Visit, mode: str) -> None:
    watched = visit()
    page = watched.open()
    before = colours(page)
    page.locator(".segments").get_by_text(mode).click()
    wait_for(lambda: colours(page) != before)
    counts = [int(text.replace(",", "")) for text in page.locator(".legend-count").all_inner_texts()]
    assert sum(counts) == len(features(watched))
    assert watched.timings()["recolour_ms"] < 1000


def test_language_is_switched_and_remembered(visit: Visit) -> None:
    page = visit().open()
    assert page.evaluate("() => document.documentElement.lang") == "en"
    page.get_by_role("button", name="切换为中文").click()
    expect(page.get_by_role("columnheader", name="户数")).to_be_visible()
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    page.reload()
    expect(page.get_by_role("button", name="Switch to English")).to_be_visible()


def test_the_browser_chooses_the_first_language(visit: Visit) -> None:
    page = visit(locale="zh-CN").open()
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    expect(page.locator(".status")).to_contain_text("网格")


def test_another_plan_by_the_chooser_and_by_the_address(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    plans = watched.api("/api/plans")
    assert page.url.endswith(f"#plan={plans[0]['id']}")
    page.get_by_label("Plan", exact=True).select_option(str(plans[1]["id"]))
    wait_for(lambda: page.url.endswith(f"#plan={plans[1]['id']}"))
    expect(page.locator(".legend")).to_be_visible()
    assert plans[1]["name"] in page.title()


def test_the_menu_exports_what_it_says(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="GeoJSON").first
    answer = page.request.get(f"{watched.url}/{link.get_attribute('href')}")
    assert answer.ok
    assert "attachment" in answer.headers["content-disposition"]
    assert len(answer.json()["features"]) == len(features(watched))
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()


def test_the_data_are_named(visit: Visit) -> None:
    watched = visit()
    page = watched.open()
    attribution = watched.api(f"/api/plans/{newest(watched)}")["attribution"]
    assert attribution
    expect(page.locator(".attribution")).to_contain_text(attribution)


def test_first_paint_is_measured(visit: Visit) -> None:
    timings = visit().open().evaluate("() => ({...window.__wangge_timings})")
    assert 0 < timings["arrived"] <= timings["decoded"] <= timings["indexed"] <= timings["painted"]
    assert timings["first_paint_ms"] == pytest.approx(timings["painted"] - timings["arrived"], abs=0.2)
