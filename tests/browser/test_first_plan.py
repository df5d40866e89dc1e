"""Data without a plan: the way to the first one, what a proposal says before it counts, and what is said when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from gis_core.store import open_store
from tests.api.lattice import build_lattice
from tests.browser.support import SHOTS, DeskServer, wait_for

Open = Callable[[str], Page]
SIDE = 14


@pytest.fixture
def host(tmp_path: Path, web_root: Path) -> Iterator[DeskServer]:
    """Serve a town that has no plan."""
    path = tmp_path / "town.gpkg"
    with open_store(str(path)) as store:
        store.add_dataset(*build_lattice(SIDE, SIDE))
    server = DeskServer(path, web_root)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def visit(browser: Any, host: DeskServer) -> Iterator[Open]:
    opened: list[Page] = []
    complaints: list[str] = []

    def make(locale: str) -> Page:
        context = browser.new_context(
            viewport={"width": 1366, "height": 768}, locale=locale, reduced_motion="reduce"
        )
        context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
        page: Page = context.new_page()
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(host.url)
        opened.append(page)
        return page

    yield make
    for page in opened:
        page.context.close()
    # The browser notes by itself what the server refuses.
    assert [text for text in complaints if "400 (Bad Request)" not in text] == []


def said(page: Page) -> str:
    return page.locator("[aria-live=polite]").last.inner_text()


def judge(page: Page, name: str) -> list[str]:
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"first-{name}.png")
    return [fault["id"] for fault in Axe().run(page).response["violations"]]


def test_from_loaded_data_to_a_draft_and_a_proposal_for_it(visit: Open, host: DeskServer) -> None:
    page = visit("en-GB")
    page.get_by_role("button", name="Make the first plan").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".field-hint").last).to_contain_text("grids fit the bounds")
    faults = judge(page, "dialog")
    dialog.get_by_label("Minimum").fill("120")
    dialog.get_by_label("Maximum").fill("200")
    dialog.get_by_label("Name").fill("First 第一")
    dialog.get_by_role("button", name="Start").click()
    expect(page.locator(".decision.is-word")).to_contain_text("grids made", timeout=60_000)
    expect(page.locator(".saving[data-standing='saved'][data-unsent='0']")).to_be_visible(timeout=20_000)
    assert host.store
    (plan,) = host.store.plans()
    assert (plan.name, plan.bounds, plan.state) == ("First 第一", (120, 200), "draft")
    assert plan.n_grids > 1
    assert "grids made" in said(page)
    expect(page.get_by_label("Plan", exact=True).first).to_contain_text(f"{plan.n_grids} grids")

    # A proposal tells what it comes to; the page says so once, and what became of it.
    page.get_by_role("button", name="Plan", exact=True).last.click()
    page.get_by_role("button", name=re.compile("^Partition anew")).click()
    dialog.get_by_label("Grids", exact=True).fill("3")
    dialog.get_by_role("button", name="Start").click()
    bar = page.locator(".decision.is-proposal")
    expect(bar.get_by_role("row", name="In bounds")).to_contain_text("of 3", timeout=60_000)
    expect(bar.get_by_role("row", name="Greatest deviation")).to_contain_text("%")
    expect(bar).to_contain_text("do not fit the number of grids")
    assert "a proposal is shown" in said(page)
    expect(page.locator(".legend")).to_contain_text("Proposed: striped")
    faults += judge(page, "proposal")
    bar.get_by_role("button", name="Refuse").click()
    assert said(page) == "Refused. The plan is as before."
    expect(page.locator(".legend")).not_to_contain_text("Proposed: striped")
    wait_for(lambda: said(page) == "")
    page.keyboard.press("Control+z")
    expect(page.locator(".decision.is-empty")).to_contain_text("This draft has no grids yet.")
    assert said(page) == "Undone."
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".history")).to_contain_text("Undone: partitioned")
    faults += judge(page, "without-grids")
    assert faults == []

    # A legend that was folded stays so.
    page.get_by_role("button", name="Hide the legend").click()
    page.reload()
    expect(page.get_by_role("button", name="Show the legend")).to_be_visible(timeout=20_000)


def test_the_server_refuses_in_chinese(visit: Open, host: DeskServer) -> None:
    page = visit("zh-CN")
    page.get_by_role("button", name="生成第一个方案").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("均衡的指标").fill("households + 2*cats")
    dialog.get_by_role("button", name="开始").click()
    expect(dialog.locator(".field-fault")).to_contain_text("楼栋数据中没有数值字段“cats”")
    # The focus goes to the field that is wrong; before that, what is typed next would go there too.
    expect(dialog.get_by_label("均衡的指标")).to_be_focused()
    dialog.get_by_label("均衡的指标").fill("households")
    dialog.get_by_label("下限", exact=True).fill("120")
    dialog.get_by_label("上限", exact=True).fill("200")
    dialog.get_by_label("网格数").fill("3")
    dialog.get_by_role("button", name="开始").click()
    reasons = page.locator(".decision.is-reasons")
    expect(reasons).to_contain_text("不适合划 2 个网格", timeout=60_000)
    assert judge(page, "reasons-zh") == []
    reasons.get_by_role("button", name="关闭").click()
    expect(reasons).to_have_count(0)
