"""What the page says while it loads, when there is nothing, and when something fails."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.support import Watched

Visit = Callable[..., Watched]
#: What users or their files may name freely.
NAMES = {"name", "boundary_name", "attribution", "title", "detail", "address"}


def test_without_plans_it_says_what_to_do(visit: Visit) -> None:
    watched = visit()
    for path in ("**/api/plans", "**/api/datasets"):
        watched.page.route(path, lambda route: route.fulfill(body="[]", content_type="application/json"))
    page = watched.open(ready=False)
    expect(page.get_by_role("heading", name="No plan yet")).to_be_visible()
    watched.page.unroute("**/api/plans")
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("tr[data-row='0']")).to_be_visible()


@pytest.mark.parametrize("path", ["**/api/plans", "**/cells.bin", "**/grids"])
def test_a_failure_says_what_is_safe_and_can_be_retried(visit: Visit, path: str) -> None:
    watched = visit()
    problem = {
        "status": 503,
        "title": "Busy",
        "detail": "The store is being backed up.",
        "code": "unavailable",
    }

    def fail(route: Route) -> None:
        route.fulfill(status=503, body=json.dumps(problem), content_type="application/problem+json")

    watched.page.route(path, fail)
    page = watched.open(ready=False)
    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost. The store is being backed up.")
    watched.page.unroute(path)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("tr[data-row='0']")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert all("503" in text for text in watched.complaints)
    watched.complaints.clear()


def test_a_dead_server_is_told_from_a_failing_one(visit: Visit) -> None:
    watched = visit()
    watched.page.route("**/api/plans", lambda route: route.abort())
    page = watched.open(ready=False)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    watched.complaints.clear()


def test_without_base_map_the_grids_still_show(visit: Visit) -> None:
    watched = visit()
    watched.page.route("**/base.bin", lambda route: route.fulfill(status=500, body="{}"))
    page = watched.open()
    expect(page.locator(".status")).to_contain_text("The base map could not be loaded")
    expect(page.locator("tr[data-row='0']")).to_be_visible()
    watched.complaints.clear()


def test_loading_is_told_and_the_map_is_never_empty_grey(visit: Visit) -> None:
    watched = visit()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    watched.page.route("**/cells.bin", hold)
    page = watched.open(ready=False)
    expect(page.get_by_text("Loading second 二号")).to_be_visible()
    # The streets are there before the grids.
    expect(page.locator(".tiles-base canvas").first).to_be_visible()
    painted = (
        "() => { const blank = document.createElement('canvas'); blank.width = blank.height = 256; "
        "return [...document.querySelectorAll('.tiles-base canvas')].some(c => c.toDataURL() != blank.toDataURL()); }"
    )
    for _ in range(200):
        if page.evaluate(painted):
            break
        page.wait_for_timeout(25)
    assert page.evaluate(painted)
    for route in held:
        route.fallback()
    expect(page.locator(".legend")).to_be_visible()


def test_names_from_files_are_text_and_never_markup(visit: Visit) -> None:
    watched = visit()
    hostile = '<img src=x alt="" onerror="window.hit=1"><b>甲</b>'

    def rename(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: rename(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [rename(each, key) for each in value]
        return hostile if isinstance(value, str) and key in NAMES else value

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=rename(response.json()))

    for path in ("**/api/plans", "**/api/plans/*", "**/grids", "**/cells/*", "**/search?*"):
        watched.page.route(path, answer)
    page = watched.open()
    expect(page.locator(".attribution")).to_contain_text(hostile)
    page.get_by_role("combobox", name="Search for a grid").fill("和阳里7号楼")
    expect(page.locator("#search-results li").first).to_contain_text(hostile)
    page.keyboard.press("Enter")
    expect(page.locator(".building h4").first).to_have_text(hostile)
    expect(page.locator(".details")).to_contain_text(hostile)
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("() => window.hit") is None
