"""The panels of a sheet: figures against the bounds, staff, legend, overview."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis_core.publish.ground import COLOURS, view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis_core.publish.canvas import Canvas
    from gis_core.publish.material import GridFacts, Material, Staff
    from gis_core.publish.sheet import Box, Paper
    from gis_core.publish.words import Words

__all__ = ["GRID_COLOURS", "area_text", "bounds_text", "draw_figures", "draw_legend", "draw_overview", "draw_staff",
           "number_text", "share_text"]  # fmt: skip

#: Fill of grids that lie side by side, by `colour`.
GRID_COLOURS = ("#8ecae6", "#f4b6c2", "#ffd97d", "#a8d5ba", "#cdb4db", "#f6bd8b", "#b8c4d6", "#d9d78e")
_LEGEND = (
    "own",
    "neighbour",
    "border",
    "building",
    "other_building",
    "street",
    "rail",
    "water",
    "green",
    "facility",
)


def number_text(value: float | None, words: Words) -> str:
    """Write a count with thousands separated."""
    return words["unknown"] if value is None else f"{value:,.0f}"


def area_text(area_m2: float | None, words: Words) -> str:
    """Write an area in hectares, from 10 km2 on in square kilometres."""
    if area_m2 is None:
        return words["unknown"]
    return f"{area_m2 / 1e6:,.1f} km²" if area_m2 >= 1e7 else f"{area_m2 / 1e4:,.1f} ha"


def share_text(share: float | None, words: Words) -> str:
    """Write a signed share in percent."""
    return words["unknown"] if share is None else f"{share * 100:+.1f}%".replace("-", "−")


def bounds_text(households: int, bounds: tuple[float, float] | None, words: Words) -> str:
    """Say where a grid stands against its bounds."""
    if bounds is None:
        return words["unbounded"]
    low, high = bounds
    if households < low:
        return words["under"].format(count=f"{low - households:,.0f}")
    if households > high:
        return words["over"].format(count=f"{households - high:,.0f}")
    return words["inside"]


def _frame(canvas: Canvas, box: Box, title: str, paper: Paper) -> float:
    """Draw the frame of a panel with its title; return where its content begins."""
    z = paper.zoom
    canvas.rect(box.x, box.y, box.w, box.h, stroke=COLOURS["casing"], width=0.2)
    canvas.text(box.x + 2, box.y + 4.6 * z, title, 8 * z, bold=True)
    return box.y + 6.6 * z


def draw_figures(canvas: Canvas, material: Material, facts: GridFacts, box: Box, paper: Paper) -> None:
    """Write households, people, buildings, area, and how far from bounds and mean."""
    z, words = paper.zoom, paper.words
    y = _frame(canvas, box, words["figures"], paper)
    rows = [
        ("households", number_text(facts.households, words)),
        ("people", number_text(facts.people, words)),
        ("buildings", number_text(facts.buildings, words)),
        ("area", area_text(facts.area_m2, words)),
        ("deviation", share_text(facts.deviation, words)),
    ]
    note = 3.6 * z if material.estimated else 0.0
    bar = 11.0 * z
    step = min(6.2 * z, (box.y + box.h - y - bar - note) / len(rows))
    size = min(8.5 * z, step / 0.62)
    for word, value in rows:
        y += step
        canvas.text(box.x + 2, y - 1, words[word], size * 0.9, colour=COLOURS["grey"])
        canvas.text(box.x + box.w - 2, y - 1, value, size, anchor="right", bold=word == "households")
    _bounds_bar(canvas, material, facts, box, y + 1.0 * z, paper)
    if material.estimated:
        text = canvas.fit(words["estimated"], 6.5 * z, box.w - 4)
        canvas.text(box.x + 2, box.y + box.h - 1.4 * z, text, 6.5 * z, colour=COLOURS["grey"])


def _bounds_bar(
    canvas: Canvas, material: Material, facts: GridFacts, box: Box, y: float, paper: Paper
) -> None:
    """Draw the bounds as a bar with the grid's mark on it."""
    z, words = paper.zoom, paper.words
    text = bounds_text(facts.households, material.bounds, words)
    inside = text in (words["inside"], words["unbounded"])
    if material.bounds is not None:
        low, high = material.bounds
        reach = max((high - low) * 0.5, 1.0)
        first, last = low - reach, high + reach
        left, width = box.x + 2, box.w - 4

        def at(value: float) -> float:
            return left + width * (min(max(value, first), last) - first) / (last - first)

        canvas.rect(left, y + 0.8 * z, width, 1.2 * z, fill=COLOURS["other"])
        canvas.rect(at(low), y + 0.8 * z, at(high) - at(low), 1.2 * z, fill="#9cc7a4")
        mark = COLOURS["ink"] if inside else COLOURS["border"]
        canvas.rect(at(facts.households) - 0.4, y, 0.8, 2.8 * z, fill=mark)
        for value in (low, high):
            canvas.text(
                at(value), y + 5.0 * z, f"{value:,.0f}", 6 * z, anchor="middle", colour=COLOURS["grey"]
            )
    colour = COLOURS["grey"] if inside else COLOURS["border"]
    fitted = canvas.fit(text, 7 * z, box.w - 4)
    canvas.text(box.x + 2, y + 8.4 * z, fitted, 7 * z, colour=colour)


def draw_staff(canvas: Canvas, facts: GridFacts, box: Box, paper: Paper) -> None:
    """Write who works in the grid, or lines to write it on."""
    z, words = paper.zoom, paper.words
    y = _frame(canvas, box, words["staff"], paper)
    room = box.w - 4
    if not facts.staff:
        step = min(9.5 * z, (box.y + box.h - y - 6.0 * z) / 3)
        for word in ("person", "phone", "hours"):
            y += step
            label = words[word]
            canvas.text(box.x + 2, y, label, 7.5 * z, colour=COLOURS["grey"])
            canvas.line([(box.x + 4 + canvas.text_width(label, 7.5 * z), y + 0.6), (box.x + box.w - 2, y + 0.6)],
                        stroke=COLOURS["grey"], width=0.15)  # fmt: skip
        text = canvas.fit(words["staff_open"], 6.5 * z, room)
        canvas.text(box.x + 2, box.y + box.h - 1.6 * z, text, 6.5 * z, colour=COLOURS["grey"])
        return
    shown, bottom = 0, box.y + box.h
    for person in facts.staff:
        height = (10.6 if person.deputy else 8.0) * z
        more = shown + 1 < len(facts.staff)
        if y + height > bottom - (4.0 * z if more else 0.5):
            break
        _write_person(canvas, person, box, y, paper)
        y += height
        shown += 1
    if shown < len(facts.staff):
        text = words["staff_more"].format(count=len(facts.staff) - shown)
        canvas.text(box.x + 2, bottom - 1.4 * z, text, 6.5 * z, colour=COLOURS["grey"])


def _write_person(canvas: Canvas, person: Staff, box: Box, y: float, paper: Paper) -> None:
    """Write name and role, phone and hours, and who stands in."""
    z, words = paper.zoom, paper.words
    room, right = box.w - 4, box.x + box.w - 2
    role = person.role + (f" ({words['deputy']})" if person.stands_in else "")
    left_side = ((person.name or "—", 8.5 * z, 3.2 * z, True), (person.phone, 7.5 * z, 6.6 * z, False))
    for text, size, down, bold in left_side:
        canvas.text(box.x + 2, y + down, canvas.fit(text, size, room * 0.55), size, bold=bold)
    for text, down in ((role, 3.2 * z), (person.hours, 6.6 * z)):
        fitted = canvas.fit(text, 6.5 * z, room * 0.43)
        canvas.text(right, y + down, fitted, 6.5 * z, anchor="right", colour=COLOURS["grey"])
    if person.deputy:
        text = canvas.fit(words["deputy_of"].format(name=person.deputy), 6.5 * z, room)
        canvas.text(box.x + 2, y + 9.4 * z, text, 6.5 * z, colour=COLOURS["grey"])


def draw_legend(canvas: Canvas, there: set[str], no_room: int, box: Box, paper: Paper) -> None:
    """Explain the signs that are on this map, in two columns where one is not enough; say what is left out."""
    z, words = paper.zoom, paper.words
    y = _frame(canvas, box, words["legend"], paper)
    keys = [key for key in _LEGEND if key in there]
    bottom = box.y + box.h
    if no_room:
        note = canvas.fit(words["no_room"].format(count=no_room), 6 * z, box.w - 4)
        canvas.text(box.x + 2, bottom - 1.4 * z, note, 6 * z, colour=COLOURS["grey"])
        bottom -= 3.2 * z
    room = bottom - y - 1
    columns = 1 if len(keys) * 4.0 * z <= room else 2
    rows = -(-len(keys) // columns)
    step = min(4.9 * z, room / max(rows, 1))
    width = (box.w - 2) / columns
    for place, key in enumerate(keys):
        x, middle = box.x + 2 + place // rows * width, y + (place % rows + 0.5) * step
        _sign(canvas, key, x, middle, 7.0 * z, z)
        text = canvas.fit(words[key], 7 * z, width - 10 * z)
        canvas.text(x + 9 * z, middle + 0.9 * z, text, 7 * z)


def _sign(canvas: Canvas, key: str, x: float, y: float, w: float, z: float) -> None:
    line = [(x, y), (x + w, y)]
    if key == "own":
        canvas.line(line, stroke=COLOURS["border"], width=0.9 * z)
    elif key == "neighbour":
        canvas.line(line, stroke=COLOURS["neighbour"], width=0.35, dash=(1.6, 1.0))
    elif key == "border":
        canvas.line(line, stroke=COLOURS["community"], width=0.55, dash=(3.5, 1.0, 0.7, 1.0))
    elif key == "street":
        canvas.line(line, stroke=COLOURS["casing"], width=1.4 * z)
        canvas.line(line, stroke=COLOURS["street"], width=1.1 * z)
    elif key == "rail":
        canvas.line(line, stroke=COLOURS["rail"], width=0.5)
        canvas.line(line, stroke="#ffffff", width=0.3, dash=(1.2, 1.2))
    elif key == "facility":
        canvas.dot(x + w / 2, y, 0.8 * z, fill=COLOURS["facility"], stroke="#ffffff")
    else:
        name = {"building": "own", "other_building": "other"}.get(key, key)
        canvas.rect(x, y - 1.2 * z, w, 2.4 * z, fill=COLOURS[name],
                    stroke=COLOURS.get(f"{name}_edge", COLOURS["casing"]), width=0.1)  # fmt: skip


def draw_overview(canvas: Canvas, material: Material, ix: int, box: Box, paper: Paper) -> None:
    """Show where the grid lies among those of its boundary polygon."""
    y = _frame(canvas, box, paper.words["overview"], paper)
    mine = material.grids[ix].boundary_code
    rows = np.array([i for i, each in enumerate(material.grids) if each.boundary_code == mine])
    area = (box.x + 1.5, y, box.w - 3, box.y + box.h - y - 1.5)
    bounds = _bounds(material.shapes[rows])
    view = view_of(bounds, *area)
    shapes = view.place(shapely.simplify(material.shapes[rows], view.scale * 0.0001))
    with canvas.clipped(*area):
        canvas.shapes(shapes, fill="#ffffff", stroke=COLOURS["rail"], width=0.12)
        canvas.shapes(shapes[rows == ix], fill=COLOURS["border"], stroke=COLOURS["border"], width=0.2)


def _bounds(shapes: Sequence[shapely.Geometry] | np.ndarray) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north
