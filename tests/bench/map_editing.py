"""What the hand on the map takes: brush, lasso, split, colours, zoom; the same in L.geoJSON on canvas.

`..._ms` is script or frame time by the clock; `..._cpu_ms` is what the main thread takes of the processor, all that the
browser does there included (style, layout, paint), and does not depend on what else runs on the machine.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from bench.results import ROOT
from bench.tracing import traced
from tests.browser.support import Watched, wait_for

LEAFLET = ROOT / "web_map" / "node_modules" / "leaflet" / "dist" / "leaflet.js"
BRUSH_CELLS = 200
#: Milliseconds between two places of the hand.
PACE_MS = 16


@dataclass(frozen=True)
class Effort:
    """How long is measured: places a stroke, strokes, and how often all else is done."""

    steps: int = 60
    strokes: int = 4
    times: int = 3
    rest_ms: int = 1200


QUICK = Effort(steps=6, strokes=1, times=1, rest_ms=300)
#: Default radius of the brush in metres, and what a key makes of it.
BRUSH_M, BRUSH_STEP = 40, 1.25

_FRAMES = """() => {
    window.benchFrames = [];
    let last = performance.now();
    const tick = () => {
        const now = performance.now();
        window.benchFrames.push(now - last);
        last = now;
        requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""


def measure_editing(browser: Browser, url: str, effort: Effort) -> dict[str, Any]:
    """Draw on a branch of the newest plan; medians and 95th percentiles in milliseconds."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    watched = Watched(context.new_page(), url)
    page = watched.page
    newest = watched.api("/api/plans")[0]
    answer = page.request.post(f"{url}/api/plans", data={"from": str(newest["id"]), "name": "bench"})
    plan = answer.json()
    watched.open(f"/#plan={plan['id']}", ready=False)
    wait_for(lambda: watched.timings().get("editable"), 180)
    row: dict[str, Any] = {"what": "wangge", "editable_ms": round(watched.timings()["editable"], 1)}
    row["cells"], row["grids"] = plan["n_cells"], plan["n_grids"]
    area = sum(f["properties"]["area_m2"] for f in watched.api(f"/api/plans/{plan['id']}/grids")["features"])
    page.wait_for_timeout(effort.rest_ms)
    page.evaluate(_FRAMES)
    page.wait_for_timeout(effort.rest_ms)
    row["idle_frame_p95_ms"] = _share(page.evaluate("() => window.benchFrames"), 0.95)
    radius = math.sqrt(BRUSH_CELLS * area / plan["n_cells"] / math.pi)
    _strokes(browser, page, row, effort, presses=round(math.log(radius / BRUSH_M, BRUSH_STEP)))
    _split(page, row, effort)
    _lasso_all(browser, page, row, effort)
    _recolour(browser, watched, row, effort)
    _zoom(browser, page, row, effort)
    context.close()
    return row


def _strokes(browser: Browser, page: Page, row: dict[str, Any], effort: Effort, presses: int) -> None:
    x, y = _place(page)
    page.keyboard.press("p")
    for _press in range(abs(presses)):
        page.keyboard.press("]" if presses > 0 else "[")
    drawn: list[float] = []
    # The first stroke warms the engine up; the last ones are traced, which takes time itself.
    for stroke in range(effort.strokes + 1):
        if stroke == 1:
            _forget(page)
        _stroke(page, x, y - 120 + 60 * stroke, effort.steps)
    frames = page.evaluate("() => window.benchFrames")
    samples = json.loads(page.evaluate("() => JSON.stringify(window.__wangge_samples)"))
    for again in range(effort.times):
        with traced(browser, page) as trace:
            _stroke(page, x, y - 150 + 60 * again, effort.steps)
        drawn += trace.frames_ms()
    for name in ("stroke", "recolour_cells", "stroke_end"):
        row[f"{name}_ms"], row[f"{name}_p95_ms"] = _share(samples[name], 0.5), _share(samples[name], 0.95)
    row["frame_ms"], row["frame_p95_ms"] = _share(frames, 0.5), _share(frames, 0.95)
    row["frame_cpu_ms"], row["frame_cpu_p95_ms"] = _share(drawn, 0.5), _share(drawn, 0.95)


def _forget(page: Page) -> None:
    page.evaluate("() => Object.values(window.__wangge_samples).forEach((list) => (list.length = 0))")
    page.evaluate("() => (window.benchFrames.length = 0)")


def _stroke(page: Page, x: float, y: float, steps: int) -> None:
    page.mouse.move(x - 250, y)
    page.mouse.down()
    for step in range(steps):
        page.mouse.move(x - 250 + 240 * step / steps, y)
        page.wait_for_timeout(PACE_MS)
    page.mouse.up()


def _split(page: Page, row: dict[str, Any], effort: Effort) -> None:
    x, y = _place(page)
    page.keyboard.press("x")
    for each in range(2):
        _forget(page)
        page.mouse.move(x + 150 + 20 * each, y - 60)
        page.mouse.down()
        for step in range(effort.steps):
            page.mouse.move(x + 150 + 20 * each + step % 3, y - 60 + 120 * step / effort.steps)
            page.wait_for_timeout(PACE_MS)
        samples = page.evaluate("() => JSON.stringify(window.__wangge_samples.stroke)")
        page.keyboard.press("Escape")
        page.mouse.up()
    row["split_ms"], row["split_p95_ms"] = _share(json.loads(samples), 0.5), _share(json.loads(samples), 0.95)


def _lasso_all(browser: Browser, page: Page, row: dict[str, Any], effort: Effort) -> None:
    page.keyboard.press("v")
    _place(page)
    box = page.locator(".map").bounding_box()
    assert box
    corners = [(box["x"] + dx * box["width"], box["y"] + dy * box["height"]) for dx, dy in _RING]
    script, task = [], []
    for _time in range(effort.times):
        page.keyboard.down("Shift")
        page.mouse.move(*corners[0])
        page.mouse.down()
        for corner in corners[1:]:
            page.mouse.move(*corner, steps=4)
        page.wait_for_timeout(effort.rest_ms // 4)
        with traced(browser, page) as trace:
            page.mouse.up()
            page.keyboard.up("Shift")
            page.wait_for_timeout(effort.rest_ms)
        script.append(float(page.evaluate("() => window.__wangge_timings.stroke_end_ms")))
        task.append(trace.longest_ms())
        page.keyboard.press("Control+z")
        page.wait_for_timeout(2 * effort.rest_ms)
    row["lasso_all_ms"], row["lasso_all_cpu_ms"] = _share(script, 0.5), _share(task, 0.5)


_RING = ((0.02, 0.12), (0.98, 0.12), (0.98, 0.98), (0.02, 0.98))


def _recolour(browser: Browser, watched: Watched, row: dict[str, Any], effort: Effort) -> None:
    script, frame = [], []
    for _time in range(effort.times):
        for name in ("Bounds", "By grid"):
            with traced(browser, watched.page) as trace:
                watched.page.locator(".segments").get_by_text(name).click()
                watched.page.wait_for_timeout(effort.rest_ms)
            script.append(watched.timings()["recolour_ms"])
            frame.append(max(trace.frames_ms(), default=0.0))
    row["recolour_all_ms"], row["recolour_all_cpu_ms"] = _share(script, 0.5), _share(frame, 0.5)


def _zoom(browser: Browser, page: Page, row: dict[str, Any], effort: Effort) -> None:
    page.locator(".map").focus()
    longest, task = [], []
    for _time in range(effort.times):
        for key in ("+", "-"):
            page.evaluate("() => (window.benchFrames.length = 0)")
            with traced(browser, page) as trace:
                page.keyboard.press(key)
                page.wait_for_timeout(effort.rest_ms)
            longest.append(max(page.evaluate("() => window.benchFrames")))
            task.append(trace.longest_ms())
    row["zoom_longest_frame_ms"], row["zoom_cpu_ms"] = _share(longest, 0.5), _share(task, 0.5)


def measure_leaflet(browser: Browser, url: str, effort: Effort) -> dict[str, Any]:
    """Do the same with L.geoJSON on a canvas renderer: all cells as one layer each, restyled one by one."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(600_000)
    page.goto(url + "/healthz")
    page.add_script_tag(path=LEAFLET)
    row: dict[str, Any] = {"what": "L.geoJSON on canvas"}
    row["cells"] = page.evaluate(_LOAD)
    row["draw_all_ms"] = round(float(page.evaluate(_DRAW)), 1)
    page.evaluate(_FRAMES)
    time.sleep(1)
    page.evaluate("() => (window.benchFrames.length = 0)")
    brush = page.evaluate(_BRUSH, [BRUSH_CELLS, effort.steps])
    frames = page.evaluate("() => window.benchFrames")
    row["stroke_ms"], row["stroke_p95_ms"] = _share(brush, 0.5), _share(brush, 0.95)
    row["frame_ms"], row["frame_p95_ms"] = _share(frames, 0.5), _share(frames, 0.95)
    row["recolour_all_ms"] = round(float(page.evaluate(_RECOLOUR)), 1)
    page.evaluate("() => (window.benchFrames.length = 0)")
    page.evaluate("() => void map.setZoom(map.getZoom() + 1)")
    page.wait_for_timeout(6 * effort.rest_ms)
    row["zoom_longest_frame_ms"] = round(max(page.evaluate("() => window.benchFrames")), 1)
    context.close()
    return row


_LOAD = """async () => {
    window.cells = [];
    const [dataset] = await (await fetch('/api/datasets')).json();
    for (let more = true; more; ) {
        const asked = `/api/datasets/${dataset.id}/layers/cells?limit=10000&offset=${window.cells.length}`;
        const page = await (await fetch(asked)).json();
        window.cells.push(...page.features);
        more = window.cells.length < page.numberMatched && page.features.length > 0;
    }
    document.body.innerHTML = '<div id="map" style="position: fixed; inset: 0"></div>';
    return window.cells.length;
}"""
_SETTLED = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
_DRAW = f"""async () => {{
    const began = performance.now();
    const renderer = L.canvas();
    window.map = L.map('map', {{ zoomAnimation: false, renderer }});
    const style = {{ weight: 0.5, fillOpacity: 0.4, renderer }};
    window.layer = L.geoJSON({{ type: 'FeatureCollection', features: window.cells }}, {{ style }});
    map.fitBounds(layer.getBounds());
    layer.addTo(map);
    {_SETTLED}
    return performance.now() - began;
}}"""
_BRUSH = """async ([count, steps]) => {
    const layers = layer.getLayers();
    const took = [];
    for (let step = 0; step < steps; step++) {
        await new Promise((done) => requestAnimationFrame(done));
        const first = Math.floor(layers.length / 2) + step * 20;
        const began = performance.now();
        for (const each of layers.slice(first, first + count)) each.setStyle({ fillColor: '#cc6677' });
        took.push(performance.now() - began);
    }
    return took;
}"""
_RECOLOUR = f"""async () => {{
    const began = performance.now();
    layer.eachLayer((each) => each.setStyle({{ fillColor: '#44aa99' }}));
    {_SETTLED}
    return performance.now() - began;
}}"""


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator(".map").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _place(page: Page) -> tuple[float, float]:
    """Choose a grid near the middle of the map; where strokes begin to the left of."""
    x, y = _middle(page)
    for down in (0, -90, 90, -180, 180):
        for right in (0, 90, -90, 180, -180, 270, -270):
            page.mouse.click(x + right - 150, y + down, button="right")
            page.wait_for_timeout(60)
            if page.locator("tr[aria-current=true]").count() > 0:
                return x + right, y + down
    raise RuntimeError("no grid is near the middle of the map")


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) if ordered else math.nan
