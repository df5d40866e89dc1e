"""The dispatcher's desk: a call becomes a case and runs its course; borders ask; two desks; no line; 1,000 cases."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from gis_core.dispatch import Event, EventKind
from gis_core.store import open_store
from gis_core.store.cases import NewCase
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 12
#: Keeps the tones that the page would sound.
LISTEN = """
window.__tones = [];
class Gain { gain = {value: 0}; connect() {} }
class Voice {
    frequency = {value: 0};
    connect() {}
    start() { window.__tones.push(this.frequency.value); }
    stop() {}
}
window.AudioContext = class {
    currentTime = 0;
    resume() { return Promise.resolve(); }
    createGain() { return new Gain(); }
    createOscillator() { return new Voice(); }
};
"""
#: What a person who drags a picture onto the page has in hand.
IN_HAND = """(text) => {
    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    const hand = new DataTransfer();
    hand.items.add(new File([bytes], 'wet floor.png', {type: 'image/png'}));
    return hand;
}"""
OpenDesk = Callable[..., Page]


@contextmanager
def served(path: Path, web_root: Path) -> Iterator[DeskServer]:
    """Serve a small town."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    with open_store(str(path)) as store:
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="Heyang 和阳")
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, web_root: Path) -> Iterator[DeskServer]:
    """Serve the town of all tests but one."""
    with served(tmp_path_factory.mktemp("dispatch") / "town.gpkg", web_root) as server:
        yield server


@pytest.fixture
def crowded(tmp_path: Path, web_root: Path, browser: Browser) -> Iterator[DeskServer]:
    """Serve a town for a thousand cases, among which those of other tests would not be seen."""
    with served(tmp_path / "town.gpkg", web_root) as server:
        yield publish(server, browser)


@pytest.fixture(scope="module")
def published(host: DeskServer, browser: Browser) -> DeskServer:
    """Put the plan in force."""
    return publish(host, browser)


def publish(host: DeskServer, browser: Browser) -> DeskServer:
    """Put the plan in force, with somebody in its first grid."""
    context = browser.new_context()
    ask = context.request
    staff = [
        {"role": "网格员", "name": "王芳", "phone": "139 0000 1111", "hours": "0:00-24:00", "deputy": ""}
    ]
    edit = {"key": "staff", "kind": "staff", "changes": [{"path": "grid/0/staff", "value": staff}]}
    answer = ask.patch(f"{host.url}/api/plans/1/assignment", data=edit, headers={"If-Match": '"0"'})
    assert answer.ok, answer.text()
    body = {"except": ["out_of_bounds", "unnamed", "without_staff"]}
    answer = ask.post(f"{host.url}/api/plans/1/publish", data=body, headers={"If-Match": '"1"'})
    assert answer.ok, answer.text()
    context.close()
    return host


@pytest.fixture
def desk(browser: Browser, published: DeskServer) -> Iterator[OpenDesk]:
    """Give a maker of pages at the dispatcher's desk, each in a browser of its own."""
    contexts: list[BrowserContext] = []
    # A case is several requests one after the other, on a machine that may be busy.
    expect.set_options(timeout=20_000)

    def make(
        locale: str = "en-GB",
        *,
        size: tuple[int, int] = (1366, 768),
        scheme: str = "light",
        at: DeskServer | None = None,
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            color_scheme=scheme,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.add_init_script(
            "try { localStorage.setItem('wangge.tour', 'seen'); localStorage.setItem('wangge.who', 'Li 李') } catch {}"
        )
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.goto(f"{(at or published).url}/#dispatch")
        expect(page.locator(".status [data-line='true'], .status[data-line='true']")).to_be_visible(
            timeout=20_000
        )
        wait_for(lambda: page.evaluate("() => window.__wangge_timings.painted"))
        return page

    yield make
    for context in contexts:
        context.close()
    expect.set_options(timeout=5_000)


def api(page: Page, host: DeskServer, path: str, body: Any = None) -> Any:
    answer = (
        page.request.get(host.url + path) if body is None else page.request.post(host.url + path, data=body)
    )
    assert answer.ok, answer.text()
    return answer.json()


def middle_of(page: Page, host: DeskServer, grid: int) -> tuple[float, float]:
    feature = api(page, host, "/api/plans/1/grids")["features"][grid]
    lon, lat = feature["properties"]["label"]
    return float(lon), float(lat)


def report(page: Page, host: DeskServer, category: str, lon: float, lat: float, **more: Any) -> int:
    body = {"x": lon, "y": lat, "category": category, **more}
    return int(api(page, host, "/api/incidents", body)["id"])


def state_of(page: Page, host: DeskServer, case: int) -> str:
    return str(api(page, host, f"/api/incidents/{case}")["state"])


def call(page: Page, text: str) -> None:
    page.keyboard.press("n")
    page.locator("#call").fill(text)
    expect(page.locator("#call-choices li").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".whose")).to_be_visible()


def test_a_call_becomes_a_case_and_runs_its_course_by_keys(desk: OpenDesk, published: DeskServer) -> None:
    page = desk()
    lon, lat = middle_of(page, published, 0)
    call(page, f"{lon:.6f}, {lat:.6f}")
    expect(page.locator(".whose-grid")).to_contain_text("Grid")
    expect(page.locator(".case-staff a").first).to_have_attribute("href", "tel:13900001111")
    page.locator("#call-category").fill("Water leak")
    page.locator(".call-form textarea").fill("third floor")
    page.keyboard.press("Control+Enter")
    card = page.locator(".case-card")
    expect(card.locator("h2")).to_contain_text("Water leak")
    expect(card.locator(".case-chip")).to_have_attribute("data-state", "dispatched")
    expect(card.locator(".case-clock")).to_contain_text("left")
    case = int(re.sub(r"\D", "", card.locator("h2 .muted").inner_text()))
    expect(page.locator(f"[data-case='{case}']")).to_have_attribute("aria-current", "true")
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press("a")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "accepted")
    # A return needs a reason; to whom the rules say nobody else, so a unit is named.
    page.keyboard.press("r")
    page.locator(".step-form").get_by_role("button", name="Return").click()
    expect(page.locator(".step-form [role=alert]")).to_have_text("Give a reason.")
    page.locator(".step-form textarea").fill("a pipe of the water company")
    page.locator(".step-form input").fill("Water company")
    page.locator(".step-form").get_by_role("button", name="Return").click()
    expect(card).to_contain_text("Water company")
    expect(card).to_contain_text("returns: 1")
    for key, state in (("a", "accepted"), ("f", "done")):
        page.keyboard.press(key)
        expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", state)
    page.keyboard.press("c")
    page.locator(".step-form textarea").press("Enter")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "checked")
    page.keyboard.press("k")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "closed")
    history = card.locator(".case-history li")
    expect(history.first).to_have_attribute("data-kind", "close")
    expect(card.locator(".case-history")).to_contain_text("a pipe of the water company")
    expect(card.locator(".case-history")).to_contain_text("Li 李")
    assert state_of(page, published, case) == "closed"
    # Papers are chosen, a photo is dropped on it.
    page.locator(".case-files input").set_input_files(
        {"name": "place.txt", "mimeType": "text/plain", "buffer": b"as it was left"}
    )
    expect(card.locator(".file-name")).to_have_text("place.txt")
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), "navy").save(picture, "PNG")
    hand = {"dataTransfer": page.evaluate_handle(IN_HAND, base64.b64encode(picture.getvalue()).decode())}
    card.dispatch_event("dragover", hand)
    expect(card).to_have_class(re.compile("is-over"))
    card.dispatch_event("drop", hand)
    expect(card.locator(".case-files img")).to_have_attribute("alt", "wet floor.png")
    expect(card).not_to_have_class(re.compile("is-over"))
    assert [file["name"] for file in api(page, published, f"/api/incidents/{case}")["attachments"]] == [
        "place.txt",
        "wet floor.png",
    ]

    # The case has an address of its own; back and forth go through what was looked at.
    expect(page).to_have_url(re.compile(rf"#dispatch&plan=1&case={case}$"))
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"#dispatch&plan=1$"))
    page.go_back()
    expect(card.locator("h2")).to_contain_text(f"#{case}")
    page.goto("about:blank")
    page.goto(f"{published.url}/#dispatch&case={case}")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "closed")
    expect(page).to_have_url(re.compile(rf"#dispatch&plan=1&case={case}$"))
    page.evaluate("() => { location.hash = '#dispatch&case=987654' }")
    expect(page.locator(".case-unknown")).to_contain_text("There is no case 987654 here.")
    expect(page).to_have_url(re.compile(r"#dispatch&plan=1$"))

    # What the units gave back, as a table and to take away.
    page.locator("[data-tool='counts']").click()
    row = page.locator(".case-stats tr[data-key='Water company'] td")
    expect(row.first).to_have_text("1")
    grid = api(page, published, "/api/plans/1/grids")["features"][0]["properties"]["code"]
    expect(page.locator(f".case-stats tr[data-key='{grid}'] td").nth(1)).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert "Water company" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    page.keyboard.press("Escape")
    # The way to the workers' page.
    page.get_by_role("button", name="Workers’ page").click()
    expect(page.get_by_label("Address of the workers’ page")).to_have_value(f"{published.url}/phone")


def test_near_a_border_it_asks_and_one_click_settles_it(desk: OpenDesk, published: DeskServer) -> None:
    page = desk("zh-CN")
    (a, b) = (middle_of(page, published, 0), middle_of(page, published, 1))
    lon, lat = _border(page, published, a, b)
    page.locator("#call").fill(f"{lat:.7f}, {lon:.7f} 有人摆摊")
    expect(page.locator("#call-choices li").first).to_contain_text("纬度在前")
    expect(page.locator("#call-choices li").first).to_contain_text("“有人摆摊”")
    page.keyboard.press("Enter")
    page.locator(".call-origin input[type=number]").fill("30")
    choices = page.locator(".whose .choices button")
    expect(choices.nth(1)).to_be_visible()
    expect(page.locator(".whose-words")).to_contain_text("不能确定")
    SHOTS.mkdir(exist_ok=True)
    page.wait_for_timeout(300)
    page.screenshot(path=SHOTS / "dispatch-border-zh-CN.png")
    # Where the cursor is now, a digit chooses as well.
    page.locator("#call-category").press("1")
    expect(choices.first).to_have_attribute("aria-pressed", "true")
    choices.first.click()
    expect(choices.first).to_have_attribute("aria-pressed", "false")
    page.locator("#call-category").fill("占道")
    page.get_by_role("button", name="立案", exact=True).click()
    card = page.locator(".case-card")
    expect(card.locator(".choices button").nth(1)).to_be_visible()
    case = int(re.sub(r"\D", "", card.locator("h2 .muted").inner_text()))
    kept = api(page, published, f"/api/incidents/{case}")
    assert kept["grid_code"] is None
    assert kept["accuracy_m"] == 30
    assert len(kept["candidates"]) > 1
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press("2")
    expect(card.locator(".choices")).to_have_count(0)
    settled = api(page, published, f"/api/incidents/{case}")
    assert settled["grid_code"] == kept["candidates"][1]["code"]
    # Its neighbour is told to be perhaps the same.
    call(page, f"{lon:.7f}, {lat:.7f}")
    expect(page.locator(".like")).to_contain_text(f"#{case}")
    page.keyboard.press("Escape")


def _border(
    page: Page, host: DeskServer, a: tuple[float, float], b: tuple[float, float]
) -> tuple[float, float]:
    """Find a place between two others where the grid changes."""
    low, high = 0.0, 1.0
    at = lambda t: (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))  # noqa: E731
    code = lambda t: api(page, host, "/api/locate/grid?x={}&y={}".format(*at(t)))["grid_code"]  # noqa: E731
    first = code(0.0)
    for _ in range(18):
        mid = (low + high) / 2
        low, high = (mid, high) if code(mid) == first else (low, mid)
    return at(low)


def test_two_desks_hear_of_each_other_and_the_slower_one_is_told(
    desk: OpenDesk, published: DeskServer
) -> None:
    page = desk()
    lon, lat = middle_of(page, published, 2)
    sign = page.locator("link[rel=icon]")
    expect(sign).to_have_attribute("href", re.compile(r"\.svg"))
    page.keyboard.press("m")
    expect(page.locator("[data-tool='sound']")).to_have_attribute("aria-pressed", "true")
    case = report(page, published, "Street lamp", lon, lat, key="lamp")
    row = page.locator(f"[data-case='{case}']")
    expect(row).to_have_class(re.compile("is-fresh"))
    wait_for(lambda: page.evaluate("() => window.__tones") == [660, 880])
    expect(page).to_have_title(re.compile(r"^\(1\) Dispatch"))
    expect(sign).to_have_attribute("href", re.compile("^data:image/png"))
    expect(page.locator(".case-counts")).to_contain_text("new")
    row.click()
    expect(row).not_to_have_class(re.compile("is-fresh"))
    expect(page).to_have_title(re.compile("^Dispatch"))
    expect(sign).to_have_attribute("href", re.compile(r"\.svg"))
    card = page.locator(".case-card")
    expect(card.locator("h2")).to_contain_text("Street lamp")
    # What the page does not hear of: it says what it has seen, and is refused.
    detail = api(page, published, f"/api/incidents/{case}")
    page.route(
        "**/api/incidents/*/steps", lambda route: _after_another(route, page, published, case), times=1
    )
    page.keyboard.press("v")
    expect(page.locator(".case-fault")).to_contain_text("Somebody else was quicker")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "cancelled")
    assert detail["state"] == "reported"


def _after_another(route: Any, page: Page, host: DeskServer, case: int) -> None:
    api(page, host, f"/api/incidents/{case}/steps", {"kind": "cancel", "why": "nothing there"})
    route.continue_()


def test_without_a_line_what_is_typed_is_kept_and_sent_later(desk: OpenDesk, published: DeskServer) -> None:
    page = desk("zh-CN")
    lon, lat = middle_of(page, published, 1)
    call(page, f"{lon:.6f}, {lat:.6f}")
    page.locator("#call-category").fill("井盖缺失")
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="立案并派遣").click()
    expect(page.locator(".case-waiting [data-unsent='1']")).to_contain_text("1 条内容存在本浏览器")
    page.unroute("**/api/**")
    page.reload()
    expect(page.locator(".case-waiting")).to_have_count(0, timeout=15_000)
    row = page.locator(".case-row").filter(has_text="井盖缺失")
    expect(row).to_have_count(1)
    expect(row.locator(".case-chip")).to_have_attribute("data-state", "dispatched")


@pytest.mark.parametrize(
    ("lang", "scheme", "size"),
    [
        ("en", "light", (1366, 768)),
        ("zh-CN", "dark", (1366, 768)),
        ("zh-CN", "light", (390, 844)),
        ("en", "light", (820, 1180)),
    ],
)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    desk: OpenDesk, published: DeskServer, lang: str, scheme: str, size: tuple[int, int]
) -> None:
    page = desk(lang, size=size, scheme=scheme, has_touch=size[0] < 900)
    lon, lat = middle_of(page, published, 2)
    case = report(
        page,
        published,
        "噪声",
        lon,
        lat,
        key=f"axe {lang} {scheme} {size}",
        words=f"late at night, {lang} {scheme} {size[0]}",
        accuracy_m=200,
    )
    name = f"dispatch-{size[0]}-{lang}-{scheme}"
    SHOTS.mkdir(exist_ok=True)
    clean(page, f"{name}-list")
    if size[0] < 900:
        page.locator(".sheet-handle").click()
    page.locator(f"[data-case='{case}']").click()
    expect(page.locator(".case-card h2")).to_contain_text("噪声")
    clean(page, f"{name}-case")
    page.locator("[data-step='cancel']").click()
    expect(page.locator(".step-form")).to_be_visible()
    clean(page, f"{name}-step")
    page.locator("#call").fill(f"{lon:.6f}, {lat:.6f}")
    page.locator("#call-choices li").first.click()
    expect(page.locator(".whose-words")).to_be_visible()
    expect(page.locator(".near, .call-card > p.muted").first).to_be_visible()
    clean(page, f"{name}-call")
    page.locator("[data-tool='rules']").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab").nth(1).click()
    dialog.locator(".rules-page > .button").first.click()
    clean(page, f"{name}-rules")


def clean(page: Page, name: str) -> None:
    page.screenshot(path=SHOTS / f"{name}.png")
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"][:160] for node in fault["nodes"]]) for fault in found] == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    cut = (
        "() => [...document.querySelectorAll('.cases button, .case-time, .case-deeds button, .rooms button')]"
        ".filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline')"
        ".map(e => e.className + ': ' + e.textContent)"
    )
    assert page.evaluate(cut) == []


def test_rules_are_tables_and_hold_at_once(desk: OpenDesk, published: DeskServer) -> None:
    page = desk()
    page.locator("[data-tool='rules']").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Add a deadline").click()
    dialog.get_by_label("Category").fill("Lift")
    dialog.get_by_label("Accept, min").fill("90")
    dialog.get_by_label("Done, min").fill("30")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("accept_minutes")
    dialog.get_by_label("Done, min").fill("120")
    dialog.get_by_label("Day and night").check()
    dialog.get_by_role("tab", name="Whose is what").click()
    dialog.get_by_role("button", name="Add a rule").click()
    for label, text in (("Rule", "lifts"), ("Unit", "Lift company"), ("Categories", "Lift")):
        dialog.get_by_label(label, exact=True).first.fill(text)
    dialog.get_by_role("tab", name="As text").click()
    expect(dialog.locator("textarea")).to_have_value(re.compile('"around_the_clock": true'))
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    rules = api(page, published, "/api/dispatch/rules")
    assert rules["duty"]["rules"] == [{"name": "lifts", "unit": "Lift company", "categories": ["Lift"]}]
    lon, lat = middle_of(page, published, 0)
    call(page, f"{lon:.6f}, {lat:.6f}")
    page.locator("#call-category").fill("Lift")
    page.get_by_role("button", name="Make the case").click()
    card = page.locator(".case-card")
    expect(card.locator(".duty")).to_contain_text("by the rule “lifts”")
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press("w")
    expect(card.locator("h2 .case-chip")).to_have_attribute("data-state", "dispatched", timeout=20_000)
    expect(card.locator(".case-clock")).to_contain_text(re.compile(r"(1 h 5\d min|2 h) left"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Escalate")
    page.keyboard.press("Escape")


def test_a_thousand_cases_are_a_list_of_a_few_rows_and_come_live(desk: OpenDesk, crowded: DeskServer) -> None:
    store = crowded.store
    assert store is not None
    rng = np.random.default_rng(3)
    page = desk(at=crowded)
    page.keyboard.press("m")
    west, south, east, north = api(page, crowded, "/api/plans/1")["bbox"]
    now = datetime.now(UTC)
    items = []
    for k in range(1000):
        at = now - timedelta(hours=int(rng.integers(1, 70)))
        events = [Event(EventKind.REPORT, at, "import")]
        if k % 2:
            events += [Event(kind, at, "import", to="001") for kind in (EventKind.VERIFY, EventKind.OPEN)]
            events += [Event(EventKind.DISPATCH, at, "import", to="001")]
        lon, lat = west + rng.random() * (east - west), south + rng.random() * (north - south)
        new = NewCase(lon, lat, "bulk", words=f"number {k}", plan_id=1, grid_code=None, key=f"bulk-{k}")
        items.append((new, events))
    store.add_cases(items)
    wait_for(lambda: int(page.locator(".case-counts b").first.inner_text()) >= 1000)
    rows = page.locator(".case-row")
    assert rows.count() < 40
    page.screenshot(path=SHOTS / "dispatch-thousand.png")
    page.locator(".case-filter-more summary").click()
    page.get_by_placeholder("Words, number, address").fill("number 777")
    expect(rows).to_have_count(1)
    page.get_by_placeholder("Words, number, address").fill("")
    # Many of them are late, and that is heard.
    wait_for(lambda: 440 in page.evaluate("() => window.__tones"))
    page.get_by_label("Late only").check()
    expect(rows.first).to_have_class(re.compile("case-row"))
    expect(page.locator(".case-row button:not(.is-late)")).to_have_count(0)
    page.get_by_label("Late only").uncheck()
    page.locator(".case-rows").evaluate("e => e.scrollTop = e.scrollHeight")
    expect(rows.last).to_have_attribute("aria-posinset", re.compile(r"^\d{4}$"))


def test_the_way_there_and_back_and_a_town_without_a_plan_in_force(desk: OpenDesk) -> None:
    page = desk()
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.locator("tr[data-row='0']")).to_be_visible()
    expect(page).not_to_have_url(re.compile("dispatch"))
    expect(page.locator("canvas.case-marks")).to_have_count(0)
    page.get_by_role("button", name="Dispatch", exact=True).click()
    expect(page.locator("#call")).to_be_visible()
    expect(page).to_have_url(re.compile("#dispatch&plan=1"))
    # As it is before anything was published.
    page.route("**/api/incidents?*", _without_cases)
    page.route("**/api/plans", _as_drafts)
    page.reload()
    expect(page.locator(".panel-empty")).to_contain_text("No plan is in force yet")
    expect(page.locator(".status")).to_contain_text("No plan is in force here")
    page.get_by_role("button", name="Go to the Plan desk").dispatch_event("click")
    expect(page.locator("tr[data-row='0']")).to_be_visible()


def _without_cases(route: Any) -> None:
    """No case; the stream goes on from the last one, or it would bring them all."""
    route.fulfill(json={**route.fetch().json(), "total": 0, "incidents": []})


def _as_drafts(route: Any) -> None:
    plans = route.fetch().json()
    route.fulfill(json=[{**plan, "state": "draft", "valid_from": None} for plan in plans])
