"""What the hand on the map takes: brush, lasso, colours, zoom; the same in L.geoJSON on canvas."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from playwright.sync_api import Browser, Page

from bench.results import ROOT
from tests.browser.support import Watched, wait_for

LEAFLET = ROOT / "web_map" / "node_modules" / "leaflet" / "dist" / "leaflet.js"
BRUSH_CELLS = 200
STEPS = 60
STROKES = 4
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


def measure_editing(browser: Browser, url: str) -> dict[str, Any]:
    """Draw on a draft; script a frame of the hand and frame times in milliseconds, medians and 95th percentiles."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_init_script("try { localStorage.setItem('wangge.tour', 'seen') } catch {}")
    watched = Watched(context.new_page(), url)
    page = watched.open()
    wait_for(lambda: watched.timings().get("editable"), 180)
    row: dict[str, Any] = {"what": "wangge", "editable_ms": round(watched.timings()["editable"], 1)}
    plan = watched.api("/api/plans")[0]
    row["cells"], row["grids"] = plan["n_cells"], plan["n_grids"]
    area = sum(f["properties"]["area_m2"] for f in watched.api(f"/api/plans/{plan['id']}/grids")["features"])
    page.evaluate(_FRAMES)
    radius = math.sqrt(BRUSH_CELLS * area / plan["n_cells"] / math.pi)
    _strokes(page, row, presses=round(math.log(radius / BRUSH_M, BRUSH_STEP)))
    row["lasso_all_ms"] = _lasso_all(page)
    for name in ("Bounds", "By grid"):
        page.locator(".segments").get_by_text(name).click()
        page.wait_for_timeout(800)
    row["recolour_all_ms"] = watched.timings()["recolour_ms"]
    row["zoom_longest_frame_ms"] = _zoom(page)
    context.close()
    return row


def _strokes(page: Page, row: dict[str, Any], presses: int) -> None:
    x, y = _middle(page)
    page.mouse.click(x - 150, y, button="right")
    page.keyboard.press("p")
    for _press in range(abs(presses)):
        page.keyboard.press("]" if presses > 0 else "[")
    # The first stroke warms the engine up.
    for stroke in range(STROKES + 1):
        if stroke == 1:
            page.evaluate("() => Object.values(window.__wangge_samples).forEach((list) => (list.length = 0))")
            page.evaluate("() => (window.benchFrames.length = 0)")
        page.mouse.move(x - 250, y - 120 + 60 * stroke)
        page.mouse.down()
        for step in range(STEPS):
            page.mouse.move(x - 250 + 4 * step, y - 120 + 60 * stroke)
        page.mouse.up()
    frames = page.evaluate("() => window.benchFrames")
    samples = json.loads(page.evaluate("() => JSON.stringify(window.__wangge_samples)"))
    for name in ("stroke", "recolour_cells", "stroke_end"):
        row[f"{name}_ms"], row[f"{name}_p95_ms"] = _share(samples[name], 0.5), _share(samples[name], 0.95)
    row["frame_ms"], row["frame_p95_ms"] = _share(frames, 0.5), _share(frames, 0.95)


def _lasso_all(page: Page) -> float:
    box = page.locator(".map").bounding_box()
    assert box
    page.keyboard.down("Shift")
    corners = [(box["x"] + dx * box["width"], box["y"] + dy * box["height"]) for dx, dy in _RING]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_timeout(1500)
    return round(float(page.evaluate("() => window.__wangge_timings.stroke_end_ms")), 1)


_RING = ((0.02, 0.12), (0.98, 0.12), (0.98, 0.98), (0.02, 0.98))


def _zoom(page: Page) -> float:
    page.locator(".map").focus()
    page.keyboard.press("v")
    page.evaluate("() => (window.benchFrames.length = 0)")
    page.keyboard.press("+")
    page.wait_for_timeout(1500)
    return round(max(page.evaluate("() => window.benchFrames")), 1)


def measure_leaflet(browser: Browser, url: str) -> dict[str, Any]:
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
    brush = page.evaluate(_BRUSH, [BRUSH_CELLS, STEPS])
    frames = page.evaluate("() => window.benchFrames")
    row["stroke_ms"], row["stroke_p95_ms"] = _share(brush, 0.5), _share(brush, 0.95)
    row["frame_ms"], row["frame_p95_ms"] = _share(frames, 0.5), _share(frames, 0.95)
    row["recolour_all_ms"] = round(float(page.evaluate(_RECOLOUR)), 1)
    page.evaluate("() => (window.benchFrames.length = 0)")
    page.evaluate("() => void map.setZoom(map.getZoom() + 1)")
    page.wait_for_timeout(8000)
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


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) if ordered else math.nan
