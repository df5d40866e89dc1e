"""A plan as one HTML page that asks nobody for anything: to send by mail, open from a file, search and print.

Its map is drawn on a canvas by a script of its own, which lies in the page with its data; a content security policy
in the page forbids every request.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gis_core.publish.atlas import require_language
from gis_core.publish.fonts import clean_text
from gis_core.publish.ground import Ground, street_metres
from gis_core.publish.panel import GRID_COLOURS, area_text, bounds_text, number_text, share_text
from gis_core.publish.sheet import state_line
from gis_core.publish.words import WORDS, Language, Words

if TYPE_CHECKING:
    from gis_core.publish.material import GridFacts, Material, Staff

__all__ = ["make_page"]

_SCRIPT_WORDS = ("grid", "north")


def make_page(material: Material, *, language: Language | None = None, made: datetime | None = None) -> str:
    """Write the page.

    Parameters
    ----------
    material : Material
    language : {"zh-CN", "en"} or None
        None: that of the names in the data.
    made : datetime or None
        Date on the page; None is now.

    Returns
    -------
    str
        HTML; in it no address of another host.

    Raises
    ------
    ParameterError
        Where the language is unknown.
    """
    require_language(language)
    chosen = language or material.language()
    words, when = WORDS[chosen], made or datetime.now(UTC)
    data = orjson.dumps(_data(material, words)).decode().replace("<", "\\u003c")
    assets = files("gis_core.publish") / "assets"
    style = (assets / "page.css").read_text(encoding="utf-8")
    script = (assets / "page.js").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="{chosen}">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data:\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(material.title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{_body(material, words, when)}\n"
        f'<script type="application/json" id="data">{data}</script>\n<script>\n{script}</script>\n</body>\n</html>\n'
    )


def _body(material: Material, words: Words, when: datetime) -> str:
    is_open = " open" if material.state in ("draft", "superseded") else ""
    total = sum(grid.households for grid in material.grids)
    totals = f"{words['grids']} {len(material.grids):,} · {words['households']} {total:,}"
    notes = [words["estimated"]] if material.estimated else []
    cells, households = material.unassigned
    if cells:
        notes.append(words["unassigned"].format(cells=f"{cells:,}", households=f"{households:,}"))
    foot = [words["printed"].format(date=when.date().isoformat()), *notes]
    if material.attribution:
        foot.insert(0, words["data"].format(attribution=material.attribution))

    def said(key: str) -> str:
        return escape(words[key])

    return f"""<header><h1>{escape(material.title)}</h1>
<span class="state{is_open}">{said(f"state_{material.state}")}</span><span>{escape(state_line(material, words))}</span>
<span class="totals">{escape(totals)}</span></header>
<main><canvas id="map" tabindex="0" role="img" aria-label="{said("map_label")}"></canvas>
<div class="tools"><button id="in" aria-label="+">+</button><button id="out" aria-label="−">−</button>
<button id="all">{said("show_all")}</button><button id="print">{said("print")}</button></div></main>
<aside><div class="search">
<input id="search" type="search" placeholder="{said("search")}" aria-label="{said("search")}"></div>
<p id="hint" class="hint facts">{said("page_hint")}</p>
<section id="facts" class="facts" aria-live="polite" hidden></section>
<div class="list"><table><thead><tr><th scope="col">{said("code")}</th><th scope="col">{said("name")}</th>
<th scope="col" class="number">{said("households")}</th></tr></thead><tbody id="rows"></tbody></table>
<p id="none" class="empty" hidden>{said("no_hit")}</p></div></aside>
<footer>{escape("  ·  ".join(foot))}</footer>"""


def _data(material: Material, words: Words) -> dict[str, Any]:
    """Collect what the script draws: coordinates as differences in decimetres from the upper left corner."""
    west, _, _, north = shapely.total_bounds(material.shapes).tolist()
    ground = Ground(material)
    pack = _Packer(math.floor(west), math.ceil(north))
    labels = [
        shapely.get_point(shapely.maximum_inscribed_circle(each, tolerance=2.0), 0)
        for each in material.shapes.tolist()
    ]
    layers = {name: ground.everything(name) for name in ("green", "water", "areas")}
    barriers, is_rail = ground.everything("barriers"), ground.all_rails()
    return {
        "words": {key: words[key] for key in _SCRIPT_WORDS},
        "across": words.get(f"across_{material.state}", ""),
        "colours": GRID_COLOURS,
        "grids": [
            _grid(grid, material, words) | {"p": pack.rings(shape), "label": pack.point(label)}
            for grid, shape, label in zip(material.grids, material.shapes.tolist(), labels, strict=True)
        ],
        **{name: [{"p": pack.rings(each)} for each in shapes.tolist()] for name, shapes in layers.items()},
        "rails": [{"p": pack.lines(each)} for each in barriers[is_rail].tolist()],
        "streets": _streets(ground, pack),
        "buildings": _buildings(ground, pack),
        "facilities": _facilities(ground, pack),
    }


class _Packer:
    """Turns shapes into flat lists of whole decimetres."""

    def __init__(self, west: float, north: float) -> None:
        self._corner = np.array([west, north])

    def point(self, point: shapely.Geometry) -> list[int]:
        """Return x and y of a point."""
        return self._steps(shapely.get_coordinates(point)).ravel().tolist()

    def rings(self, shape: shapely.Geometry) -> list[list[int]]:
        """Return the rings of a polygon; those without extent are left out."""
        parts = shapely.get_parts(shape)
        rings = shapely.get_rings(parts[shapely.get_type_id(parts) == 3]).tolist()
        packed = [self._differences(shapely.get_coordinates(ring)[:-1]) for ring in rings]
        return [each for each in packed if len(each) >= 6]

    def lines(self, shape: shapely.Geometry) -> list[list[int]]:
        """Return lines, and the outlines of polygons."""
        if shape.geom_type in ("Polygon", "MultiPolygon"):
            shape = shapely.boundary(shape)
        packed = [
            self._differences(shapely.get_coordinates(part)) for part in shapely.get_parts(shape).tolist()
        ]
        return [each for each in packed if len(each) >= 4]

    def _steps(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.round((points - self._corner) * (10, -10)).astype(np.int64)

    def _differences(self, points: NDArray[np.float64]) -> list[int]:
        steps = self._steps(points)
        if len(steps) == 0:
            return []
        kept = steps[np.concatenate([[True], (np.diff(steps, axis=0) != 0).any(axis=1)])]
        packed: list[int] = np.diff(kept, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel().tolist()
        return packed


def _grid(grid: GridFacts, material: Material, words: Words) -> dict[str, Any]:
    low, high = material.bounds or (-math.inf, math.inf)
    off = not low <= grid.households <= high
    facts: list[tuple[str, str, bool]] = [(words["households"], number_text(grid.households, words), off)]
    if material.bounds:
        text = bounds_text(grid.households, material.bounds, words)
        facts.append((f"{words['bounds']} {low:,.0f}–{high:,.0f}", text, off))
    facts += [
        (words["deviation"], share_text(grid.deviation, words), False),
        (words["people"], number_text(grid.people, words), False),
        (words["buildings"], number_text(grid.buildings, words), False),
        (words["area"], area_text(grid.area_m2, words), False),
    ]
    return {
        "code": grid.code,
        "short": grid.short,
        "name": grid.name,
        "community": grid.community,
        "households": f"{grid.households:,}",
        "colour": grid.colour % len(GRID_COLOURS),
        "off": off,
        "facts": facts,
        "staff": [_person(each, words) for each in grid.staff],
    }


def _person(person: Staff, words: Words) -> str:
    role = person.role + (f" ({words['deputy']})" if person.stands_in else "")
    deputy = words["deputy_of"].format(name=person.deputy) if person.deputy else ""
    return "  ".join(each for each in (role, person.name, person.phone, person.hours, deputy) if each)


def _streets(ground: Ground, pack: _Packer) -> list[dict[str, Any]]:
    """Pack streets with width, and name with the middle, turn and length of their longest straight side."""
    shapes = ground.everything("streets")
    rows = np.arange(len(shapes))
    found = []
    for shape, name, rank in zip(
        shapes.tolist(), ground.texts("streets", "name", rows), ground.street_rank(rows).tolist(), strict=True
    ):
        packed = pack.lines(shape)
        if not packed:
            continue
        row: dict[str, Any] = {"p": packed, "w": round(street_metres(rank) * 10)}
        if name:
            row |= {"n": clean_text(name), **_longest_side(packed)}
        found.append(row)
    return found


def _longest_side(packed: list[list[int]]) -> dict[str, Any]:
    sides = []
    for line in packed:
        steps = np.array(line, dtype=float).reshape(-1, 2)
        points = np.cumsum(steps, axis=0)
        best = int(np.argmax(np.hypot(*steps[1:].T))) + 1
        sides.append((float(np.hypot(*steps[best])), points[best] - steps[best] / 2, steps[best]))
    length, middle, (dx, dy) = max(sides, key=lambda each: each[0])
    angle = math.atan2(dy, dx)
    if abs(angle) > math.pi / 2:
        angle -= math.copysign(math.pi, angle)
    return {"m": middle.round().astype(int).tolist(), "a": round(angle, 3), "l": round(length)}


def _buildings(ground: Ground, pack: _Packer) -> list[dict[str, Any]]:
    shapes = ground.everything("buildings")
    labels = ground.texts("buildings", "label", np.arange(len(shapes)))
    places = ground.material.layers["buildings"]["grid_ix"].tolist()
    found = []
    for shape, label, place in zip(shapes.tolist(), labels, places, strict=True):
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            shape = shapely.buffer(shape, 3.0, quad_segs=2)
        row: dict[str, Any] = {"p": pack.rings(shape), "g": place}
        if label:
            row |= {"n": clean_text(label), "m": pack.point(shapely.centroid(shape))}
        found.append(row)
    return found


def _facilities(ground: Ground, pack: _Packer) -> list[dict[str, Any]]:
    shapes = ground.everything("facilities")
    names = ground.texts("facilities", "name", np.arange(len(shapes)))
    return [
        {"n": clean_text(name), "m": pack.point(shapely.centroid(shape))}
        for shape, name in zip(shapes.tolist(), names, strict=True)
        if name
    ]
