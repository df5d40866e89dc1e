"""What is written on a printed map: codes of neighbours, streets, buildings, compounds, water, facilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.model import STREET_CLASSES
from gis_core.publish.canvas import MM
from gis_core.publish.fonts import clean_text
from gis_core.publish.ground import COLOURS
from gis_core.publish.labels import house_number
from gis_core.publish.placing import Labels, along_line, box_corners

if TYPE_CHECKING:
    from gis_core.publish.canvas import Canvas
    from gis_core.publish.ground import Ground, View

__all__ = [
    "spots",
    "write_areas",
    "write_buildings",
    "write_facilities",
    "write_neighbours",
    "write_places",
    "write_plate",
    "write_streets",
]

_LINE = 1.25
#: Between two labels of one street, mm.
_AGAIN_MM = 75.0
#: Texts along streets steeper than this stand upright, one Chinese character under the other.
_STEEP = 66.0
#: Longer names of facilities are cut.
_FACILITY_MM = 32.0
#: Coarser than this, small streets have no names.
_CROWDED = 6_500


def write_plate(
    canvas: Canvas,
    labels: Labels,
    x: float,
    y: float,
    lines: list[str],
    size: float,
    *,
    colour: str,
    bold: bool,
    angle: float = 0.0,
) -> bool:
    """Write lines (a single one where it is turned) with their middle at a place, on a pale plate, if it is free."""
    width, step = _plate_size(canvas, lines, size)
    height = step * len(lines) + 0.4
    if not labels.place(x, y, width, height, angle):
        return False
    plate = shapely.Polygon(box_corners(x, y, width, height, angle))
    canvas.shapes(np.array([plate]), fill="#ffffff", alpha=75)
    for row, text in enumerate(lines):
        down = (row - (len(lines) - 1) / 2) * step
        canvas.centred(x, y + down, text, size, colour=colour, bold=bold and row == 0, angle=angle)
    return True


def _plate_size(canvas: Canvas, lines: list[str], size: float) -> tuple[float, float]:
    """Return the width of a plate and the height of one of its lines, mm."""
    return max(canvas.text_width(each, size) for each in lines) + 1.0, size * _LINE / MM


def write_neighbours(
    canvas: Canvas,
    labels: Labels,
    ground: Ground,
    view: View,
    *,
    own: int,
    border: shapely.Geometry,
    size: float,
) -> None:
    """Write code and name of the other grids that are seen, off the border of the own one wherever there is room."""
    rows, shapes = ground.seen("grids", view)
    window = shapely.box(view.left, view.top, view.left + view.width, view.top + view.height)
    beside = _Beside([border], np.zeros(0, dtype=object))
    for row, shape in zip(rows.tolist(), shapely.intersection(shapes, window), strict=True):
        if row == own or shapely.area(shape) < 4.0:
            continue
        facts = ground.material.grids[row]
        code, named = [facts.code], [facts.code, *([facts.name] if facts.name else [])]
        ways = [
            (named, size, 0.0),
            (code, size * 0.8, 0.0),
            (code, size * 0.8, 90.0),
            (code, size * 0.65, 90.0),
        ]
        places = spots(shape)
        for strict in (True, False):
            if _write_code(canvas, labels, places, ways, beside if strict else None):
                break


def _write_code(
    canvas: Canvas,
    labels: Labels,
    places: list[tuple[float, float]],
    ways: list[tuple[list[str], float, float]],
    beside: _Beside | None,
) -> bool:
    """Write a code in the first way and at the first place that is free, and not on the border that is named."""
    for lines, size, angle in ways:
        width, step = _plate_size(canvas, lines, size)
        for x, y in places:
            corners = box_corners(x, y, width, step * len(lines) + 0.4, angle)
            if beside is not None and beside.on_border(corners):
                continue
            if write_plate(
                canvas, labels, x, y, lines, size, colour=COLOURS["neighbour"], bold=True, angle=angle
            ):
                return True
    return False


def spots(shape: shapely.Geometry, *, step: float = 5.0) -> list[tuple[float, float]]:
    """Return places in a shape, the one furthest from its edge first, then others near that one."""
    part = max(shapely.get_parts(shape).tolist(), key=shapely.area)
    if part.geom_type != "Polygon" or part.is_empty:
        return []
    circle = shapely.maximum_inscribed_circle(part, tolerance=0.5)
    middle = shapely.get_coordinates(circle)[0]
    west, north, east, south = part.bounds
    xs, ys = np.meshgrid(np.arange(west + 2, east, step), np.arange(north + 2, south, step))
    points = np.column_stack([xs.ravel(), ys.ravel()])
    shapely.prepare(part)
    points = points[shapely.contains_xy(part, points[:, 0], points[:, 1])]
    order = np.argsort(((points - middle) ** 2).sum(axis=1), kind="stable")
    return [tuple(middle.tolist()), *(tuple(each) for each in points[order][:100].tolist())]


def write_streets(
    canvas: Canvas,
    labels: Labels,
    ground: Ground,
    view: View,
    *,
    borders: list[shapely.Geometry],
    size: float,
) -> None:
    """Write names along streets, the greater ones first; beside borders, not on them; off buildings if possible."""
    rows, shapes = ground.seen("streets", view)
    names = np.array([clean_text(each or "") for each in ground.texts("streets", "name", rows)], dtype=object)
    ranks = ground.street_rank(rows)
    if len(names) == 0:
        return
    window = shapely.box(view.left, view.top, view.left + view.width, view.top + view.height)
    beside = _Beside(borders, ground.seen("buildings", view)[1])
    greatest = {each: int(ranks[names == each].max()) for each in {*names.tolist()} - {""}}
    for name in sorted(greatest, key=lambda each: (-greatest[each], each)):
        lesser = greatest[name] < STREET_CLASSES.index("tertiary")
        if lesser and view.scale > _CROWDED:
            continue
        lines = shapely.get_parts(shapely.intersection(shapes[names == name], window))
        merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(_lines_only(lines))))
        longest = sorted(merged.tolist(), key=lambda each: -each.length)[:12]
        ways = [shapely.get_coordinates(line) for line in longest]
        _write_along(canvas, labels, name, ways, size * (0.85 if lesser else 1.0), beside)


def _lines_only(parts: NDArray[np.object_]) -> NDArray[np.object_]:
    return parts[(shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 0)]


class _Beside:
    """What the name of a street had better not lie on."""

    def __init__(self, borders: list[shapely.Geometry], buildings: NDArray[np.object_]) -> None:
        self._borders = shapely.STRtree(borders)
        self._buildings = shapely.STRtree(buildings)

    def on_border(self, corners: NDArray[np.float64]) -> bool:
        """Tell whether a border runs through a box."""
        return len(self._borders.query(shapely.Polygon(corners), predicate="intersects")) > 0

    def on_building(self, corners: NDArray[np.float64]) -> bool:
        """Tell whether a building stands in a box."""
        return len(self._buildings.query(shapely.Polygon(corners), predicate="intersects")) > 0


def _write_along(
    canvas: Canvas, labels: Labels, name: str, ways: list[NDArray[np.float64]], size: float, beside: _Beside
) -> None:
    """Write one name along the lines of its street, again where they are long; on buildings only if it must be."""
    length, height = canvas.text_width(name, size), size / MM
    aside = height / 2 + 0.75
    used: list[tuple[float, float]] = []
    for strict in (True, False):
        for way in [] if used else ways:
            for x, y, angle in along_line(way, length + 1.0):
                if any((x - u) ** 2 + (y - v) ** 2 < _AGAIN_MM**2 for u, v in used):
                    continue
                turn = np.radians(angle)
                for shift in (0.0, aside, -aside):
                    u, v = float(x - shift * np.sin(turn)), float(y - shift * np.cos(turn))
                    corners = box_corners(u, v, length, height, angle)
                    if beside.on_border(corners) or (strict and beside.on_building(corners)):
                        continue
                    if labels.place(u, v, length, height, angle, gap=0.2):
                        _write_name(canvas, name, u, v, size, angle)
                        used.append((x, y))
                        break


def _write_name(canvas: Canvas, name: str, x: float, y: float, size: float, angle: float) -> None:
    if abs(angle) > _STEEP and all("\u2e80" <= each <= "\u9fff" for each in name):
        _stack(canvas, name, x, y, size, angle)
    else:
        canvas.centred(x, y, name, size, colour=COLOURS["grey"], angle=angle)


def _stack(canvas: Canvas, name: str, x: float, y: float, size: float, angle: float) -> None:
    """Write upright characters one below the other along a steep line."""
    step = size / MM
    turn = np.radians(angle if angle < 0 else angle + 180)
    dx, dy = float(np.cos(turn)), float(-np.sin(turn))
    for place, character in enumerate(name):
        along = (place - (len(name) - 1) / 2) * step
        canvas.centred(x + along * dx, y + along * dy, character, size, colour=COLOURS["grey"])


def write_buildings(
    canvas: Canvas, labels: Labels, ground: Ground, view: View, *, own: int, size: float
) -> int:
    """Write number or name on the buildings of a grid, the greatest first; return how many found no room."""
    rows, shapes = ground.seen("buildings", view)
    mine = ground.material.layers["buildings"]["grid_ix"].to_numpy()[rows] == own
    rows, shapes = rows[mine], shapes[mine]
    texts = ground.texts("buildings", "label", rows)
    areas, left = shapely.area(shapes), 0
    for i in np.argsort(-areas, kind="stable").tolist():
        text = clean_text(texts[i] or "")
        if not text:
            continue
        x, y = _middle(shapes[i])
        west, _, east, _ = shapely.bounds(shapes[i]).tolist()
        number = house_number(text) or ""
        bare = number.rstrip("号楼院幢栋座弄")
        choices = [
            (text, size),
            (text, size * 0.85),
            (number, size * 0.85),
            (bare, size * 0.85),
            (bare, size * 0.7),
        ]
        for each, small in choices:
            width = canvas.text_width(each, small)
            roomy = width <= max(east - west, 1.0) * 1.6 or len(each) <= 4
            if each and roomy and labels.place(x, y, width + 0.5, small / MM, gap=0.0):
                canvas.centred(x, y, each, small)
                break
        else:
            left += not _write_below(canvas, labels, text, x, y, size * 0.8)
    return left


def _write_below(canvas: Canvas, labels: Labels, text: str, x: float, y: float, size: float) -> bool:
    """Write a long name of a building in two or three short lines."""
    lines = canvas.lines_of(text, size, 14.0, limit=3)
    width, step = max(canvas.text_width(each, size) for each in lines), size * 1.1 / MM
    if not labels.place(x, y, width, step * len(lines), gap=0.1):
        return False
    for row, each in enumerate(lines):
        canvas.centred(x, y + (row - (len(lines) - 1) / 2) * step, each, size)
    return True


def _middle(shape: shapely.Geometry) -> tuple[float, float]:
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        x, y = shapely.get_coordinates(shape)[0].tolist()
        return x, y + 1.8
    point = shapely.centroid(shape)
    if not shapely.contains(shape, point):
        point = shapely.get_point(shapely.maximum_inscribed_circle(shape, tolerance=0.2), 0)
    return float(point.x), float(point.y)


def write_places(
    canvas: Canvas, labels: Labels, ground: Ground, view: View, *, own: int, size: float
) -> None:
    """Write the names of compounds and lanes among their buildings in a grid."""
    rows, shapes = ground.seen("buildings", view)
    mine = ground.material.layers["buildings"]["grid_ix"].to_numpy()[rows] == own
    rows, shapes = rows[mine], shapes[mine]
    names = np.array(
        [clean_text(each or "") for each in ground.texts("buildings", "place", rows)], dtype=object
    )
    beside = _Beside([], shapes)
    for name in sorted({each for each in names if each} - ground.street_names):
        area = shapely.convex_hull(shapely.union_all(shapes[names == name])).buffer(1.0)
        width, height = canvas.text_width(name, size) + 1.0, size * _LINE / MM + 0.4
        places = sorted(
            spots(area, step=2.0),
            key=lambda each: beside.on_building(box_corners(each[0], each[1], width, height)),
        )
        for x, y in places:
            if write_plate(canvas, labels, x, y, [name], size, colour="#6b4a12", bold=False):
                break


def write_areas(canvas: Canvas, labels: Labels, ground: Ground, view: View, *, size: float) -> None:
    """Write the names of water and parks where they fit."""
    window = shapely.box(view.left, view.top, view.left + view.width, view.top + view.height)
    for layer in ("water", "green"):
        rows, shapes = ground.seen(layer, view)
        done: set[str] = set()
        for name, shape in zip(
            ground.texts(layer, "name", rows), shapely.intersection(shapes, window), strict=True
        ):
            text = clean_text(name or "")
            if not text or text in done or shapely.area(shape) < 30.0:
                continue
            width = canvas.text_width(text, size)
            for x, y in spots(shape)[:40]:
                if labels.place(x, y, width, size / MM):
                    canvas.centred(x, y, text, size, colour=COLOURS[f"{layer}_ink"])
                    done.add(text)
                    break


def write_facilities(
    canvas: Canvas, labels: Labels, ground: Ground, view: View, *, own: shapely.Geometry, size: float
) -> bool:
    """Mark and name the facilities of a grid that there is room for; tell whether there are any."""
    rows, shapes = ground.seen("facilities", view)
    texts, found = ground.texts("facilities", "name", rows), False
    beside = _Beside([shapely.boundary(own)], np.zeros(0, dtype=object))
    shapely.prepare(own)
    for name, shape in zip(texts, shapes.tolist(), strict=True):
        x, y = shapely.get_coordinates(shapely.centroid(shape))[0].tolist()
        mark = box_corners(x, y, 1.6, 1.6)
        if not name or not shapely.contains_xy(own, x, y) or not labels.is_free(mark):
            continue
        text = canvas.fit(clean_text(name), size, _FACILITY_MM)
        width, height = canvas.text_width(text, size), size / MM
        for u, v in ((x + width / 2 + 1.2, y), (x - width / 2 - 1.2, y), (x, y - 1.9), (x, y + 1.9)):
            on_border = beside.on_border(box_corners(u, v, width, height))
            if not on_border and labels.place(u, v, width, height, gap=0.2):
                canvas.centred(u, v, text, size, colour=COLOURS["facility"])
                canvas.dot(x, y, 0.7, fill=COLOURS["facility"], stroke="#ffffff")
                labels.take(mark)
                found = True
                break
    return found
