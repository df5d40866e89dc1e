"""The worker's page on a phone: steps and photos that outlast a broken line, refusals, new versions, both languages."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from api.attachments import attach
from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.browser.support import SHOTS, DeskServer, wait_for

SIDE = 12
PLACE = {"longitude": 116.3912, "latitude": 39.9108, "accuracy": 12.0}
OpenPhone = Callable[..., Page]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    path = tmp_path_factory.mktemp("phone") / "town.gpkg"
    with open_store(str(path)) as store:
        store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="Heyang 和阳")
    return path


@pytest.fixture
def host(filled: Path, tmp_path: Path, web_root: Path) -> Iterator[DeskServer]:
    """Serve a copy of the town, with a copy of the front end that a test may replace by a newer one."""
    shutil.copy(filled, tmp_path / "town.gpkg")
    shutil.copytree(web_root, tmp_path / "dist")
    server = DeskServer(tmp_path / "town.gpkg", tmp_path / "dist")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def phone(browser: Any, host: DeskServer) -> Iterator[OpenPhone]:
    """Give a maker of pages, each on a phone of its own whose worker has chosen a unit; none may complain."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((host.url, "blob:", "data:")):
            foreign.append(request.url)

    def make(
        locale: str = "zh-CN", *, width: int = 390, scheme: str = "light", unit: str | None = "抢修队"
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 844},
            locale=locale,
            color_scheme=scheme,
            has_touch=True,
            is_mobile=True,
            geolocation=PLACE,
            permissions=["geolocation"],
            reduced_motion="reduce",
        )
        contexts.append(context)
        owner = "" if unit is None else f'{{"kind":"unit","name":"{unit}"}}'
        context.add_init_script(
            f"try {{ if ({owner!r}) localStorage.setItem('wangge.phone.owner', {owner!r});"
            " localStorage.setItem('wangge.who', '李梅') } catch {}"
        )
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", note)
        page.goto(f"{host.url}/phone")
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []
    assert foreign == []


class Cases:
    """The dispatcher, over HTTP."""

    def __init__(self, page: Page, host: DeskServer) -> None:
        self._request = page.request
        self._url = host.url

    def _post(self, path: str, body: dict[str, Any], method: str = "POST") -> Any:
        headers = {"X-Wangge-Who": "desk"}
        answer = self._request.fetch(f"{self._url}{path}", method=method, data=body, headers=headers)
        assert answer.ok, answer.text()
        return answer.json()

    def dispatched(self, words: str, unit: str = "抢修队", **more: Any) -> int:
        body = {"x": PLACE["longitude"], "y": PLACE["latitude"] + 0.0005, "category": "漏水", "words": words}
        case = self._post("/api/incidents", {**body, **more})["id"]
        for kind in ("verify", "open"):
            self.step(case, kind)
        self.step(case, "dispatch", to=unit)
        return int(case)

    def step(self, case: int, kind: str, **more: Any) -> None:
        self._post(f"/api/incidents/{case}/steps", {"kind": kind, **more})

    def rules(self, rules: dict[str, Any]) -> None:
        self._post("/api/dispatch/rules", rules, "PUT")

    def get(self, case: int) -> dict[str, Any]:
        return dict(self._request.get(f"{self._url}/api/incidents/{case}").json())

    def kinds(self, case: int) -> list[str]:
        return [step["kind"] for step in self.get(case)["steps"]][4:]

    def newest(self) -> list[dict[str, Any]]:
        return list(self._request.get(f"{self._url}/api/incidents").json()["incidents"])


def kept(page: Page) -> None:
    """Wait until the page is kept for work without a line, and the cases with it."""
    wait_for(
        lambda: page.evaluate(
            "async () => !!(await navigator.serviceWorker.getRegistration('phone'))?.active"
        )
    )
    wait_for(
        lambda: page.evaluate(
            "async () => (await Promise.all((await caches.keys()).map(async (name) =>"
            " (await (await caches.open(name)).keys()).length))).some((count) => count >= 5)"
        )
    )


#: Whether something is kept in the phone's data base.
STORED = """(name) => new Promise((done) => {
    const opening = indexedDB.open('wangge.phone');
    opening.onsuccess = () => {
        const asked = opening.result.transaction('seen').objectStore('seen').count(name);
        asked.onsuccess = () => { opening.result.close(); done(asked.result > 0); };
    };
})"""


def photo_with_place(path: Path) -> Path:
    """Write a large JPEG as cameras do: with the place, the device, and turned on its side."""
    picture = Image.effect_noise((2400, 1200), 40).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 39.0), 3: "E", 4: (116.0, 23.0, 28.0)})
    picture.save(path, exif=exif, quality=70)
    assert b"SecretCamera" in path.read_bytes()
    return path


def link(page: Page, case: int) -> Locator:
    return page.locator(f"a.case[href='#/case/{case}']")


def test_a_day_with_cases(
    phone: OpenPhone, host: DeskServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = phone()
    cases = Cases(page, host)
    cases.rules(
        {
            "deadlines": [
                {"category": "漏水", "accept_minutes": 30, "handle_minutes": 600, "around_the_clock": True},
                {"category": "井盖", "accept_minutes": 0, "handle_minutes": 0.001, "around_the_clock": True},
            ]
        }
    )
    late = cases.dispatched("井盖没了", category="井盖")
    leak = cases.dispatched("3号楼漏水，联系人 13812345678", address="和平路3号楼")
    # The server tells of them by itself.
    expect(page.locator("a.case")).to_have_count(2, timeout=15_000)
    assert page.locator("a.case").evaluate_all("all => all.map(one => one.hash)") == [
        f"#/case/{late}",
        f"#/case/{leak}",
    ]
    expect(link(page, late)).to_contain_text("已超期")
    expect(link(page, leak)).to_contain_text("剩余")
    link(page, leak).tap()
    expect(page.locator("a[href='tel:13812345678']")).to_be_visible()
    page.get_by_role("button", name="显示地图").tap()
    expect(page.get_by_role("img", name=re.compile("所在网格的边界"))).to_be_visible()
    expect(page.get_by_text(re.compile("在您北方向 56 米处"))).to_be_visible()
    page.get_by_role("button", name="接件").tap()
    expect(page.locator(".chip", has_text="处理中").first).to_be_visible()

    sent: list[bytes] = []

    def arrive(services: Any, case: int, data: bytes, **more: Any) -> Any:
        sent.append(data)
        return attach(services, case, data, **more)

    monkeypatch.setattr("api.routes.attachments.attach", arrive)
    page.locator("input[type=file]").set_input_files(photo_with_place(tmp_path / "photo.jpg"))
    expect(page.locator(".photos img[src*=thumb]")).to_be_visible(timeout=15_000)
    (body,) = sent
    picture = Image.open(io.BytesIO(body))
    assert max(picture.size) == 1600
    assert picture.size[1] > picture.size[0]
    assert b"SecretCamera" not in body
    assert b"Exif" not in body

    page.get_by_role("button", name="处理完毕").tap()
    page.get_by_label(re.compile("做了什么")).fill("换了阀门")
    page.get_by_role("button", name="发送", exact=True).tap()
    expect(page.locator(".top .line")).to_contain_text("已全部发送")
    expect(page.locator(".chip", has_text="待核查").first).to_be_visible()
    page.get_by_role("button", name="核查", exact=True).tap()
    page.get_by_role("button", name="发送", exact=True).tap()
    expect(page.get_by_role("alert").filter(has_text="合格")).to_be_visible()
    page.get_by_label("合格", exact=True).check()
    page.get_by_role("button", name="发送", exact=True).tap()
    wait_for(lambda: cases.kinds(leak) == ["accept", "note", "done", "check"])
    steps = cases.get(leak)["steps"]
    assert {step["who"] for step in steps[4:]} == {"李梅"}
    assert (steps[6]["why"], steps[7]["passed"]) == ("换了阀门", True)

    page.goto(f"{host.url}/phone#/case/{late}")
    page.get_by_role("button", name="退件").tap()
    page.get_by_role("button", name="发送", exact=True).tap()
    expect(page.get_by_text("请先填写原因")).to_be_visible()
    page.get_by_label(re.compile("为什么不归您办")).fill("归电力公司")
    page.get_by_label(re.compile("应归谁办")).fill("电力公司")
    page.get_by_role("button", name="发送", exact=True).tap()
    wait_for(lambda: cases.get(late)["unit"] == "电力公司")
    page.locator("nav a[href='#/cases']").tap()
    expect(link(page, late)).to_have_count(0)
    # Whose cases are mine can be all of a grid instead of a unit's.
    grid = cases.get(late)["grid_code"]
    page.locator("nav a[href='#/me']").tap()
    page.get_by_label("输入网格或单位").fill(grid)
    page.get_by_role("button", name=re.compile(f"^{grid}")).tap()
    expect(page.get_by_text(f"网格 {grid} 的案件")).to_be_visible()
    expect(link(page, late)).to_be_visible()


def test_without_a_line_nothing_is_lost(phone: OpenPhone, host: DeskServer, tmp_path: Path) -> None:
    page = phone("en-GB")
    cases = Cases(page, host)
    case = cases.dispatched("Water runs into the street")
    expect(link(page, case)).to_be_visible()
    kept(page)
    wait_for(lambda: page.evaluate(STORED, f"case:{case}"))
    page.locator("nav a[href='#/new']").tap()
    expect(page.get_by_text("Your position, known to 12 m")).to_be_visible()
    page.context.set_offline(True)
    # The page comes from the phone, and the case with all its words.
    page.goto(f"{host.url}/phone#/cases")
    page.reload()
    expect(page.locator(".top .line")).to_contain_text("No connection")
    link(page, case).tap()
    expect(page.get_by_text("Water runs into the street")).to_be_visible()
    expect(page.locator(".history li")).to_have_count(4)
    page.get_by_role("button", name="Accept").tap()
    page.locator("input[type=file]").set_input_files(photo_with_place(tmp_path / "photo.jpg"))
    expect(page.get_by_alt_text("Photo, to be sent")).to_be_visible()
    page.get_by_role("button", name="Done").tap()
    page.get_by_role("button", name="Send", exact=True).tap()
    expect(page.locator(".top .line")).to_contain_text("To be sent: 3")
    page.locator("nav a[href='#/new']").tap()
    expect(page.get_by_text("Your position, known to 12 m")).to_be_visible()
    page.get_by_label("Something else").check()
    page.get_by_label("What else is it").fill("Noise")
    page.get_by_label("In your words").fill("Drilling at night")
    page.locator("input[type=file]").set_input_files(photo_with_place(tmp_path / "other.jpg"))
    expect(page.locator(".report .photos img")).to_be_visible()
    page.get_by_role("button", name="Report it").tap()
    expect(page.get_by_text("Reported here, not sent yet")).to_be_visible()
    # All of it is there after the page was closed.
    page.reload()
    page.locator("nav a[href='#/queue']").tap()
    expect(page.locator(".queue > li")).to_have_count(5)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / "phone-queue-en.png", full_page=True)
    assert cases.kinds(case) == []
    page.context.set_offline(False)
    expect(page.locator(".queue > li")).to_have_count(0, timeout=20_000)
    expect(page.locator(".top .line")).to_contain_text("All is sent")
    assert cases.kinds(case) == ["accept", "note", "done"]
    made = cases.newest()[0]
    assert (made["category"], made["words"], made["accuracy_m"]) == ("Noise", "Drilling at night", 12.0)
    assert made["lon"] == pytest.approx(PLACE["longitude"])
    assert len(cases.get(made["id"])["attachments"]) == 1
    assert cases.get(made["id"])["steps"][0]["where"].startswith("phone")


def test_the_server_dies_and_the_desk_moves_on(phone: OpenPhone, host: DeskServer) -> None:
    page = phone()
    cases = Cases(page, host)
    moved, fine = cases.dispatched("被移交的"), cases.dispatched("照常的")
    for case in (moved, fine):
        page.goto(f"{host.url}/phone#/case/{case}")
        expect(page.locator(".history li")).to_have_count(4)
    host.stop()
    for case in (moved, fine):
        page.goto(f"{host.url}/phone#/case/{case}")
        page.get_by_role("button", name="接件").tap()
        expect(page.locator(".history li.is-waiting")).to_contain_text("待发送")
    page.goto(f"{host.url}/phone#/case/{moved}")
    page.get_by_role("button", name="处理完毕").tap()
    page.get_by_label(re.compile("做了什么")).fill("已经修好")
    page.get_by_role("button", name="发送", exact=True).tap()
    expect(page.locator(".top .line")).to_contain_text("待发送：3")
    expect(page.locator(".top .line")).to_contain_text("没有网络")
    host.start()
    cases.step(moved, "hand_over", why="换人", to="另一队")
    page.locator("nav a[href='#/queue']").tap()
    page.get_by_role("button", name="立即发送").tap()
    wait_for(lambda: cases.kinds(fine) == ["accept"])
    refused = page.locator(".queue > li", has_text="被拒绝").first
    expect(page.get_by_role("alert")).to_contain_text("服务器拒绝了您的操作：接件")
    expect(refused).to_contain_text("转给 另一队")
    expect(page.locator(".queue > li").nth(1)).to_contain_text("等待上面被拒绝的操作")
    assert cases.kinds(moved) == ["hand_over"]
    page.screenshot(path=SHOTS / "phone-refused-zh-CN.png", full_page=True)
    # Still there after the page was loaded anew; the worker chooses.
    page.reload()
    refused.get_by_role("button", name="放弃").tap()
    refused.get_by_role("button", name="确定放弃").tap()
    expect(page.locator(".queue > li")).to_have_count(1)
    expect(page.locator(".queue > li")).to_contain_text("被拒绝")
    page.get_by_role("button", name="存为备注").tap()
    expect(page.get_by_text("您在这里做的一切都已到达服务器")).to_be_visible()
    note = cases.get(moved)["steps"][-1]
    assert note["kind"] == "note"
    assert "已经修好" in note["why"]


def test_the_phone_sends_when_the_page_is_closed(phone: OpenPhone, host: DeskServer) -> None:
    page = phone()
    cases = Cases(page, host)
    case = cases.dispatched("关了页面也要发")
    expect(link(page, case)).to_be_visible()
    kept(page)
    page.goto(f"{host.url}/phone#/case/{case}")
    expect(page.locator(".history li")).to_have_count(4)
    # Another page of the same server, from which the browser's own call of "the line is back" can be given.
    other = page.context.new_page()
    other.goto(f"{host.url}/healthz")
    session = page.context.new_cdp_session(other)
    workers: list[dict[str, Any]] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated", lambda event: workers.extend(event["registrations"])
    )
    session.send("ServiceWorker.enable")
    wait_for(lambda: other.wait_for_timeout(20) or workers)
    host.stop()
    page.get_by_role("button", name="接件").tap()
    expect(page.locator(".history li.is-waiting")).to_contain_text("待发送")
    page.close()
    host.start()
    session.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": host.url,
            "registrationId": workers[0]["registrationId"],
            "tag": "send",
            "lastChance": False,
        },
    )
    again = Cases(other, host)
    wait_for(lambda: again.kinds(case) == ["accept"])
    assert again.get(case)["steps"][-1]["who"] == "李梅"


def test_a_newer_page_takes_the_place_of_the_old_one(
    phone: OpenPhone, host: DeskServer, tmp_path: Path
) -> None:
    page = phone(unit=None)
    expect(page.get_by_label("我的姓名")).to_be_visible()
    kept(page)
    dist = tmp_path / "dist"
    (version,) = set(re.findall(r"v=(\w+)", (dist / "phone.html").read_text()))
    script = (dist / "assets" / "phone.js").read_text()
    assert "我的姓名" in script
    (dist / "assets" / "phone.js").write_text(script.replace("我的姓名", "新版姓名"))
    (dist / "assets" / "phone.js.gz").unlink()
    for name in ("phone.html", "phone-sw.js"):
        (dist / name).write_text((dist / name).read_text().replace(version, version[::-1]))
    (dist / "phone-sw.js.gz").unlink(missing_ok=True)
    # At once, not after the next visit; then without a line, too, and what was kept before is gone.
    page.reload()
    expect(page.get_by_label("新版姓名")).to_be_visible()
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_label("新版姓名")).to_be_visible()
    page.context.set_offline(False)
    page.reload()
    names = "async () => (await caches.keys()).filter(name => name != 'wangge-phone-pictures')"
    wait_for(lambda: page.evaluate(names) == [f"wangge-phone-{version[::-1]}"])


@pytest.mark.parametrize(("lang", "width", "scheme"), [("zh-CN", 390, "dark"), ("en-GB", 320, "light")])
def test_axe_finds_nothing_and_fingers_find_all(
    phone: OpenPhone, host: DeskServer, lang: str, width: int, scheme: str
) -> None:
    page = phone(lang, width=width, scheme=scheme)
    cases = Cases(page, host)
    cases.rules(
        {
            "deadlines": [
                {"category": "漏水", "accept_minutes": 0, "handle_minutes": 0.001, "around_the_clock": True}
            ]
        }
    )
    case = cases.dispatched("A pipe has burst on the third floor, water runs down the stairs 三楼水管爆裂")
    expect(link(page, case)).to_be_visible()
    SHOTS.mkdir(exist_ok=True)
    for name in ("cases", f"case/{case}", "new", "queue", "me"):
        page.goto(f"{host.url}/phone#/{name}")
        if name == f"case/{case}":
            page.locator(".big-button.is-wide").tap()
            expect(page.locator("canvas")).to_be_visible()
            page.get_by_role("button", name="Return" if lang == "en-GB" else "退件").tap()
        elif name == "new":
            expect(page.locator("canvas")).to_be_visible()
        elif name == "me":
            expect(page.locator(".owners li").first).to_be_visible()
        found = Axe().run(page).response["violations"]
        faults = [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found]
        shot = f"phone-{name.split('/')[0]}-{lang}-{width}-{scheme}.png"
        page.screenshot(path=SHOTS / shot, full_page=True)
        assert faults == [], name
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name
        small = page.locator(
            "a, button, select, label.big-button, .choices label, textarea, .field input"
        ).evaluate_all(
            "all => all.map(one => [one, one.getBoundingClientRect()]).filter(([one, box]) => box.width > 0 &&"
            " (box.height < 44 || box.width < 44)).map(([one]) => one.outerHTML.slice(0, 100))"
        )
        assert small == [], name
