"""Take pictures of a running server: python -m tests.browser.take_screenshots --url http://127.0.0.1:8000 --out DIR.

Every plan, desktop and phone, both languages: the whole plan, and with a grid selected; the dispatcher's desk with its
list, a case and a call.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.support import FLAGS, SHOTS, Watched, wait_for

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--out", type=Path, default=SHOTS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for name, (width, height) in SIZES.items():
            for lang in ("en", "zh-CN"):
                phone = name == "phone"
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    locale=lang,
                    device_scale_factor=2 if phone else 1,
                    has_touch=phone,
                )
                watched = Watched(context.new_page(), arguments.url)
                watched.page.goto(arguments.url)
                for plan in watched.api("/api/plans"):
                    watched.page.goto("about:blank")
                    _picture(watched, plan["id"], arguments.out / f"plan-{plan['id']}-{name}-{lang}")
                watched.page.goto("about:blank")
                _desk(watched, arguments.out / f"dispatch-{name}-{lang}")
                context.close()
        browser.close()


def _picture(watched: Watched, plan_id: object, path: Path) -> None:
    page = watched.open(f"/#plan={plan_id}")
    wait_for(lambda: page.locator("tr[data-row='0']").count())
    page.wait_for_timeout(800)
    page.screenshot(path=path.with_suffix(".png"))
    page.locator("tr[data-row='1']").dispatch_event("click")
    page.wait_for_timeout(2000)
    page.screenshot(path=path.with_name(f"{path.name}-selected.png"))


def _desk(watched: Watched, path: Path) -> None:
    page = watched.open("/#dispatch")
    wait_for(lambda: page.locator(".case-row, .cases .panel-empty").count())
    page.screenshot(path=path.with_name(f"{path.name}-list.png"))
    if page.locator(".case-row").count():
        page.locator(".case-row button").first.dispatch_event("click")
        wait_for(lambda: page.locator(".case-card h2").count())
        page.wait_for_timeout(1500)
        page.screenshot(path=path.with_name(f"{path.name}-case.png"))
    box = page.locator(".map").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    wait_for(lambda: page.locator(".whose, .case-card").count())
    page.wait_for_timeout(1500)
    page.screenshot(path=path.with_name(f"{path.name}-call.png"))


if __name__ == "__main__":
    main()
