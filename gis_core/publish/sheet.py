"""One printed sheet of a grid: its map in the middle, figures, staff, legend and overview around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis_core.publish.canvas import Canvas
from gis_core.publish.ground import COLOURS, Ground, View, draw_ground, fit_scale, view_of
from gis_core.publish.lettering import (
    write_areas,
    write_buildings,
    write_facilities,
    write_neighbours,
    write_places,
    write_streets,
)
from gis_core.publish.marks import draw_across, draw_north, draw_scale, keep_free
from gis_core.publish.panel import draw_figures, draw_legend, draw_overview, draw_staff
from gis_core.publish.placing import Labels

if TYPE_CHECKING:
    from gis_core.publish.fonts import Typesetter
    from gis_core.publish.material import GridFacts, Material
    from gis_core.publish.words import Words

__all__ = ["Box", "Paper", "draw_footer", "draw_grid_sheet", "state_line"]

_MARGIN = 10.0


@dataclass(frozen=True)
class Paper:
    """What all pages of a document share.

    Attributes
    ----------
    short, long : float
        Sides of the paper, mm.
    zoom : float
        How much larger than on A4 texts and panels are.
    words : dict of str to str
    printed : date
    pages : int
        Number of pages.
    """

    short: float
    long: float
    zoom: float
    words: Words
    printed: date
    pages: int

    def size(self, *, upright: bool) -> tuple[float, float]:
        """Return width and height of a page."""
        return (self.short, self.long) if upright else (self.long, self.short)


@dataclass(frozen=True)
class Box:
    """A rectangle on a page, mm."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class _Layout:
    """Where things stand on a sheet."""

    upright: bool
    head: Box
    map: Box
    figures: Box
    staff: Box
    legend: Box
    overview: Box


def _layout(paper: Paper, *, upright: bool) -> _Layout:
    """Panels stand below the map on an upright sheet, beside it on a lying one."""
    width, height = paper.size(upright=upright)
    z, m = paper.zoom, _MARGIN
    head = Box(m, m, width - 2 * m, 17 * z)
    foot = height - m - 6 * z
    top = m + head.h + 1.5
    gap = 3.0
    if upright:
        panel = 58 * z
        body = Box(m, top, width - 2 * m, foot - top - panel - gap)
        y = body.y + body.h + gap
        w = (width - 2 * m - 3 * gap) / 4
        boxes = [Box(m + i * (w + gap), y, w, panel - 1.5) for i in range(4)]
    else:
        panel = 62 * z
        body = Box(m, top, width - 2 * m - panel - gap, foot - top - 1.5)
        x = body.x + body.w + gap
        shares = np.array([0.29, 0.25, 0.23, 0.23]) * (body.h - 3 * gap)
        starts = body.y + np.concatenate([[0.0], np.cumsum(shares[:-1] + gap)])
        boxes = [Box(x, float(y), panel, float(h)) for y, h in zip(starts, shares, strict=True)]
    figures, staff, legend, overview = boxes
    return _Layout(upright, head, body, figures, staff, legend, overview)


def draw_grid_sheet(
    material: Material, ground: Ground, ix: int, *, paper: Paper, page: int, type_: Typesetter
) -> Canvas:
    """Draw the sheet of one grid; upright or lying, whichever shows it larger.

    Parameters
    ----------
    ix : int
        Position of the grid.
    page : int
        Number of the page, from 1.
    """
    bounds = tuple(shapely.bounds(material.shapes[ix]).tolist())
    layouts = [_layout(paper, upright=upright) for upright in (True, False)]
    layout = min(layouts, key=lambda each: _smallness(bounds, each.map))
    width, height = paper.size(upright=layout.upright)
    canvas = Canvas(width, height, type_)
    area = layout.map
    view = view_of(bounds, area.x, area.y, area.w, area.h)
    with canvas.clipped(area.x, area.y, area.w, area.h):
        there, no_room = _draw_map(canvas, material, ground, ix, view, paper)
        draw_across(canvas, material, paper, area)
    canvas.rect(area.x, area.y, area.w, area.h, stroke=COLOURS["ink"], width=0.25)
    facts = material.grids[ix]
    _head(canvas, material, facts, layout.head, paper)
    draw_figures(canvas, material, facts, layout.figures, paper)
    draw_staff(canvas, facts, layout.staff, paper)
    draw_legend(canvas, there, no_room, layout.legend, paper)
    draw_overview(canvas, material, ix, layout.overview, paper)
    draw_footer(canvas, material, paper, page)
    return canvas


def _smallness(bounds: tuple[float, float, float, float], window: Box) -> tuple[float, float]:
    """Return the round scale at which a box fits into a window, and the exact one, where round ones are alike."""
    west, south, east, north = bounds
    exact = max((east - west) / window.w, (north - south) / window.h)
    return fit_scale(bounds, window.w, window.h), exact


def _draw_map(
    canvas: Canvas, material: Material, ground: Ground, ix: int, view: View, paper: Paper
) -> tuple[set[str], int]:
    there = draw_ground(canvas, ground, view, own=ix)
    own = view.place(material.shapes[ix : ix + 1])[0]
    window = shapely.box(view.left, view.top, view.left + view.width, view.top + view.height)
    canvas.shapes(np.array([window.difference(own)]), fill="#ffffff", alpha=45)
    others, areas = ground.edges("grids", view, without=ix), ground.edges("areas", view)
    if len(others):
        canvas.shapes(others, stroke=COLOURS["neighbour"], width=0.35, dash=(1.6, 1.0))
        there.add("neighbour")
    if len(areas):
        canvas.shapes(areas, stroke=COLOURS["community"], width=0.55, dash=(3.5, 1.0, 0.7, 1.0))
        there.add("border")
    canvas.shapes(np.array([own]), stroke=COLOURS["border"], width=0.9 * paper.zoom)
    there.add("own")
    z = paper.zoom
    labels = Labels(view.left, view.top, view.left + view.width, view.top + view.height)
    keep_free(labels, view, z)
    borders = [shapely.boundary(own), *others.tolist(), *areas.tolist()]
    write_neighbours(canvas, labels, ground, view, own=ix, border=borders[0], size=7.0 * z)
    write_streets(canvas, labels, ground, view, borders=borders, size=7.0 * z)
    no_room = write_buildings(canvas, labels, ground, view, own=ix, size=5.8 * z)
    write_places(canvas, labels, ground, view, own=ix, size=6.2 * z)
    write_areas(canvas, labels, ground, view, size=6.5 * z)
    if write_facilities(canvas, labels, ground, view, own=own, size=5.2 * z):
        there.add("facility")
    draw_scale(canvas, view, paper)
    draw_north(canvas, view, material.crs, paper)
    return there, no_room


def _head(canvas: Canvas, material: Material, facts: GridFacts, box: Box, paper: Paper) -> None:
    """Write code and name large, plan and state at the right."""
    z, words = paper.zoom, paper.words
    right = box.x + box.w
    state = words[f"state_{material.state}"]
    title = canvas.fit(material.title, 9 * z, box.w * 0.42)
    canvas.text(right, box.y + 5 * z, title, 9 * z, anchor="right", colour=COLOURS["grey"])
    open_state = material.state in ("draft", "superseded")
    canvas.text(right, box.y + 10.5 * z, state, 11 * z, anchor="right", bold=True,
                colour=COLOURS["border"] if open_state else COLOURS["ink"])  # fmt: skip
    canvas.text(
        right, box.y + 15 * z, state_line(material, words), 7 * z, anchor="right", colour=COLOURS["grey"]
    )
    room = box.w * 0.55
    large = 19.0 * z
    head = f"{words['grid']} {facts.code}"
    while canvas.text_width(head, large) > room and large > 9:
        large -= 0.5
    canvas.text(box.x, box.y + 7.5 * z, canvas.fit(head, large, room), large, bold=True)
    below = "  ·  ".join(each for each in (facts.name, facts.community) if each)
    canvas.text(box.x, box.y + 14.5 * z, canvas.fit(below, 12 * z, room), 12 * z, colour=COLOURS["grey"])


def state_line(material: Material, words: Words) -> str:
    """Say revision and time in force of a plan."""
    parts = []
    if material.valid_from is not None:
        parts.append(words["in_force_from"].format(date=material.valid_from.date().isoformat()))
    if material.valid_to is not None:
        parts.append(words["in_force_until"].format(date=material.valid_to.date().isoformat()))
    if material.revision is not None:
        parts.append(words["revision"].format(revision=material.revision))
    return "  ·  ".join(parts)


def draw_footer(canvas: Canvas, material: Material, paper: Paper, page: int) -> None:
    """Write plan, state, date, source of the data and the number of the page at the foot."""
    z, words = paper.zoom, paper.words
    y, right = canvas.height - _MARGIN, canvas.width - _MARGIN
    canvas.line([(_MARGIN, y - 4 * z), (right, y - 4 * z)], stroke=COLOURS["casing"], width=0.15)
    size = 6.5 * z
    number = words["page_of"].format(page=page, pages=paper.pages)
    parts = [
        material.title,
        words[f"state_{material.state}"],
        words["printed"].format(date=paper.printed.isoformat()),
    ]
    if material.attribution:
        parts.append(words["data"].format(attribution=material.attribution))
    room = canvas.width - 2 * _MARGIN - canvas.text_width(number, size) - 4
    canvas.text(_MARGIN, y, canvas.fit("  ·  ".join(parts), size, room), size, colour=COLOURS["grey"])
    canvas.text(right, y, number, size, anchor="right", colour=COLOURS["grey"])
