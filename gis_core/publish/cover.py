"""The first pages of the sheets: the whole area with all grids, its totals, and the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis_core.publish.canvas import Canvas
from gis_core.publish.fonts import clean_text
from gis_core.publish.ground import COLOURS, Ground, View, draw_ground, view_of
from gis_core.publish.lettering import spots, write_areas, write_plate, write_streets
from gis_core.publish.marks import draw_across, draw_north, draw_scale, keep_free
from gis_core.publish.panel import GRID_COLOURS, area_text, number_text, share_text
from gis_core.publish.placing import Labels
from gis_core.publish.sheet import Box, Paper, draw_footer, state_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis_core.publish.fonts import Typesetter
    from gis_core.publish.material import Material

__all__ = ["IndexPlan", "draw_cover", "draw_index", "plan_index"]

_MARGIN = 10.0
_ROW = 4.6
#: Share of the height that the index on the cover may take, and rows that a column there needs at least.
_COVER_SHARE = 0.3


class IndexPlan:
    """How the rows of the index are shared out over the cover and the pages after it."""

    def __init__(self, n_rows: int, paper: Paper) -> None:
        row = _ROW * paper.zoom
        self.columns = 2 if n_rows > 6 else 1
        self.on_cover = int(paper.long * _COVER_SHARE // row - 1) * self.columns
        self.a_page = int((paper.long - 2 * _MARGIN - 26 * paper.zoom) // row - 1) * self.columns
        fits = n_rows <= self.on_cover
        self.pages: list[range] = [range(n_rows)] if fits else [range(0)]
        if not fits:
            self.pages += [range(i, min(i + self.a_page, n_rows)) for i in range(0, n_rows, self.a_page)]

    @property
    def n_pages(self) -> int:
        """Pages before the first sheet, the cover among them."""
        return len(self.pages)


def plan_index(n_rows: int, paper: Paper) -> IndexPlan:
    """Share the index out; whole on the cover where there is room, else on pages of its own."""
    return IndexPlan(n_rows, paper)


def draw_cover(
    material: Material,
    ground: Ground,
    chosen: Sequence[int],
    index: IndexPlan,
    *,
    paper: Paper,
    type_: Typesetter,
) -> Canvas:
    """Draw the cover: title and totals above, the whole area, the index below it."""
    width, height = paper.size(upright=True)
    canvas = Canvas(width, height, type_)
    z = paper.zoom
    top = _title(canvas, material, paper)
    rows = -(-len(index.pages[0]) // index.columns)
    table = (rows + 1) * _ROW * z + 9 * z if rows else 0.0
    foot = height - _MARGIN - 6 * z
    box = Box(_MARGIN, top, width - 2 * _MARGIN, foot - table - top - 2)
    _area_map(canvas, material, ground, box, paper)
    if rows:
        _table(canvas, material, chosen, index.pages[0], index, box.y + box.h + 2, paper)
    draw_footer(canvas, material, paper, 1)
    return canvas


def draw_index(
    material: Material,
    chosen: Sequence[int],
    index: IndexPlan,
    place: int,
    *,
    paper: Paper,
    type_: Typesetter,
) -> Canvas:
    """Draw a page of the index; `place` counts pages from 0, the cover."""
    canvas = Canvas(*paper.size(upright=True), type_)
    _table(canvas, material, chosen, index.pages[place], index, _MARGIN, paper)
    draw_footer(canvas, material, paper, place + 1)
    return canvas


def _title(canvas: Canvas, material: Material, paper: Paper) -> float:
    """Write name, state and totals; return where the map may begin."""
    z, words = paper.zoom, paper.words
    room, y = canvas.width - 2 * _MARGIN, _MARGIN
    size = 22.0 * z
    while canvas.text_width(material.title, size) > room and size > 12:
        size -= 0.5
    canvas.text(_MARGIN, y + 8 * z, canvas.fit(material.title, size, room), size, bold=True)
    open_state = material.state in ("draft", "superseded")
    state = words[f"state_{material.state}"]
    canvas.text(_MARGIN, y + 15.5 * z, state, 11 * z, bold=True,
                colour=COLOURS["border"] if open_state else COLOURS["ink"])  # fmt: skip
    after = _MARGIN + canvas.text_width(state, 11 * z) + 4
    line = "  ·  ".join(each for each in (state_line(material, words), _communities(material)) if each)
    canvas.text(
        after, y + 15.5 * z, canvas.fit(line, 9 * z, room - after + _MARGIN), 9 * z, colour=COLOURS["grey"]
    )
    facts = _totals(material, paper)
    step = room / len(facts)
    for place, (word, value) in enumerate(facts):
        x = _MARGIN + place * step
        canvas.text(x, y + 22.5 * z, canvas.fit(word, 7 * z, step - 2), 7 * z, colour=COLOURS["grey"])
        canvas.text(x, y + 28 * z, canvas.fit(value, 12 * z, step - 2), 12 * z, bold=True)
    bottom = y + 31 * z
    notes = [words["estimated"]] if material.estimated else []
    cells, households = material.unassigned
    if cells:
        notes.append(words["unassigned"].format(cells=f"{cells:,}", households=f"{households:,}"))
    if any(grid.short != grid.code for grid in material.grids):
        notes.append(words["short_codes"])
    if notes:
        for text in canvas.lines_of("  ".join(notes), 7.5 * z, room, limit=2):
            canvas.text(_MARGIN, bottom + 2.5 * z, text, 7.5 * z, colour=COLOURS["grey"])
            bottom += 3.6 * z
    return bottom + 2 * z


def _communities(material: Material) -> str:
    names = list(dict.fromkeys(grid.community for grid in material.grids if grid.community))
    return "、".join(names) if any("\u4e00" <= each[0] <= "\u9fff" for each in names) else ", ".join(names)


def _totals(material: Material, paper: Paper) -> list[tuple[str, str]]:
    words, grids = paper.words, material.grids
    people = [grid.people for grid in grids]
    known = None if any(each is None for each in people) else sum(each or 0.0 for each in people)
    deviations = [grid.deviation for grid in grids if grid.deviation is not None]
    facts = [
        (words["grids"], number_text(len(grids), words)),
        (words["households"], number_text(sum(grid.households for grid in grids), words)),
        (words["people"], number_text(known, words)),
        (words["area"], area_text(sum(grid.area_m2 or 0.0 for grid in grids), words)),
    ]
    if material.bounds:
        low, high = material.bounds
        inside = sum(low <= grid.households <= high for grid in grids)
        facts.append((f"{words['in_bounds']} {low:,.0f}–{high:,.0f}", f"{inside} / {len(grids)}"))
    worst = max(deviations, key=abs, default=None)
    return [*facts, (words["max_deviation"], share_text(worst, words))]


def _area_map(canvas: Canvas, material: Material, ground: Ground, box: Box, paper: Paper) -> None:
    west, south, east, north = shapely.total_bounds(material.shapes).tolist()
    view = view_of((west, south, east, north), box.x, box.y, box.w, box.h)
    z = paper.zoom
    with canvas.clipped(box.x, box.y, box.w, box.h):
        draw_ground(canvas, ground, view, own=None)
        shapes = view.place(shapely.simplify(material.shapes, view.scale * 0.00005))
        colours = np.array([grid.colour for grid in material.grids])
        for colour in np.unique(colours).tolist():
            canvas.shapes(shapes[colours == colour], fill=GRID_COLOURS[colour % len(GRID_COLOURS)], alpha=55)
        canvas.shapes(shapes, stroke=COLOURS["ink"], width=0.35)
        areas = ground.edges("areas", view)
        canvas.shapes(areas, stroke=COLOURS["community"], width=0.8)
        labels = Labels(box.x, box.y, box.x + box.w, box.y + box.h)
        keep_free(labels, view, z)
        _codes(canvas, labels, material, shapes, z)
        _area_names(canvas, labels, ground, view, z)
        borders = [*ground.edges("grids", view).tolist(), *areas.tolist()]
        write_streets(canvas, labels, ground, view, borders=borders, size=5.8 * z)
        write_areas(canvas, labels, ground, view, size=6.5 * z)
        draw_scale(canvas, view, paper)
        draw_north(canvas, view, material.crs, paper)
        draw_across(canvas, material, paper, box)
    canvas.rect(box.x, box.y, box.w, box.h, stroke=COLOURS["ink"], width=0.25)


def _codes(canvas: Canvas, labels: Labels, material: Material, shapes: np.ndarray, z: float) -> None:
    """Write the code of every grid, smaller where it is narrow."""
    order = np.argsort(-shapely.area(shapes), kind="stable").tolist()
    for ix in order:
        grid, places = material.grids[ix], spots(shapes[ix])
        named = [grid.short, *([grid.name] if grid.name and grid.name != grid.short else [])]
        for lines, size in ((named, 9.0), ([grid.short], 9.0), ([grid.short], 6.5), ([grid.short], 4.5)):
            if any(
                write_plate(canvas, labels, x, y, lines, size * z, colour=COLOURS["ink"], bold=True)
                for x, y in places[:60]
            ):
                break


def _area_names(canvas: Canvas, labels: Labels, ground: Ground, view: View, z: float) -> None:
    """Write the names of the boundary polygons where there are several."""
    rows, shapes = ground.seen("areas", view)
    if len(rows) < 2:
        return
    for name, shape in zip(ground.texts("areas", "name", rows), shapes.tolist(), strict=True):
        text = clean_text(name or "")
        for x, y in spots(shape)[:200] if text else []:
            if write_plate(canvas, labels, x, y, [text], 9.0 * z, colour=COLOURS["community"], bold=True):
                break


def _table(
    canvas: Canvas,
    material: Material,
    chosen: Sequence[int],
    rows: range,
    index: IndexPlan,
    y: float,
    paper: Paper,
) -> None:
    """Write rows of the index; every row leads to its sheet."""
    z, words = paper.zoom, paper.words
    canvas.text(_MARGIN, y + 5 * z, words["index"], 11 * z, bold=True)
    y += 8 * z
    gap = 6.0
    width = (canvas.width - 2 * _MARGIN - (index.columns - 1) * gap) / index.columns
    height = -(-len(rows) // index.columns)
    for column in range(index.columns):
        x = _MARGIN + column * (width + gap)
        part = rows[column * height : (column + 1) * height]
        if part:
            _head_row(canvas, x, y, width, paper)
        for line, place in enumerate(part, start=1):
            _row(canvas, material, chosen, place, index, Box(x, y + line * _ROW * z, width, _ROW * z), paper)


_COLUMNS = (
    ("code", 0.0, "left"),
    ("name", 0.36, "left"),
    ("households", 0.78, "right"),
    ("page", 1.0, "right"),
)


def _head_row(canvas: Canvas, x: float, y: float, width: float, paper: Paper) -> None:
    z = paper.zoom
    for key, share, side in _COLUMNS:
        canvas.text(x + share * width, y + 3.4 * z, paper.words[key], 7 * z, colour=COLOURS["grey"],
                    anchor="left" if side == "left" else "right")  # fmt: skip
    canvas.line([(x, y + _ROW * z), (x + width, y + _ROW * z)], stroke=COLOURS["ink"], width=0.2)


def _row(
    canvas: Canvas,
    material: Material,
    chosen: Sequence[int],
    place: int,
    index: IndexPlan,
    box: Box,
    paper: Paper,
) -> None:
    z = paper.zoom
    grid = material.grids[chosen[place]]
    name = "  ".join(each for each in (grid.name, grid.community) if each)
    page = index.n_pages + place + 1
    texts = {"code": grid.code, "name": name, "households": f"{grid.households:,}", "page": str(page)}
    rooms = {"code": 0.35, "name": 0.28, "households": 0.2, "page": 0.15}
    for key, share, side in _COLUMNS:
        size = 8 * z
        while size > 5 * z and canvas.text_width(texts[key], size) > rooms[key] * box.w:
            size -= 0.25
        canvas.text(box.x + share * box.w, box.y + 3.4 * z, canvas.fit(texts[key], size, rooms[key] * box.w), size,
                    anchor="left" if side == "left" else "right")  # fmt: skip
    canvas.line(
        [(box.x, box.y + box.h), (box.x + box.w, box.y + box.h)], stroke=COLOURS["other_edge"], width=0.1
    )
    canvas.link(box.x, box.y, box.w, box.h, page - 1)
