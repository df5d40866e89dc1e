"""What lies on every printed map: scale bar, north arrow, and the words across a plan that is not in force."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gis_core.publish.ground import COLOURS
from gis_core.publish.placing import box_corners

if TYPE_CHECKING:
    from gis_core.publish.canvas import Canvas
    from gis_core.publish.ground import View
    from gis_core.publish.material import Material
    from gis_core.publish.placing import Labels
    from gis_core.publish.sheet import Box, Paper

__all__ = ["draw_across", "draw_north", "draw_scale", "keep_free", "scale_bar_m"]

_SCALE_BOX = (56.0, 10.0)
_NORTH_BOX = (11.0, 15.0)


def keep_free(labels: Labels, view: View, zoom: float) -> None:
    """Keep labels off the corners where scale bar and north arrow stand."""
    for (x, y), (w, h) in zip(_corners(view, zoom), (_SCALE_BOX, _NORTH_BOX), strict=True):
        labels.take(box_corners(x + w * zoom / 2, y + h * zoom / 2, w * zoom, h * zoom))


def _corners(view: View, zoom: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the upper left corners of both boxes: below at the left, above at the right."""
    bottom, right = view.top + view.height, view.left + view.width
    return (
        (view.left + 2, bottom - _SCALE_BOX[1] * zoom - 2),
        (right - _NORTH_BOX[0] * zoom - 2, view.top + 2),
    )


def scale_bar_m(scale: float, room_mm: float) -> float:
    """Return the greatest round length (1, 2 or 5 of a decade) that fits, metres.

    Examples
    --------
    >>> scale_bar_m(2000, 48)
    50.0
    """
    most = room_mm * scale / 1000
    decade = 10 ** math.floor(math.log10(most))
    return float(max(step * decade for step in (1, 2, 5) if step * decade <= most))


def draw_scale(canvas: Canvas, view: View, paper: Paper) -> None:
    """Draw a bar of a round length, and the scale in figures."""
    z = paper.zoom
    (x, y), _ = _corners(view, z)
    w, h = _SCALE_BOX[0] * z, _SCALE_BOX[1] * z
    canvas.rect(x, y, w, h, fill="#ffffff")
    metres = scale_bar_m(view.scale, 34 * z)
    length = metres * 1000 / view.scale
    left, base = x + 2.5, y + 7.2 * z
    for quarter in range(4):
        canvas.rect(left + quarter * length / 4, base, length / 4, 1.2 * z, stroke=COLOURS["ink"], width=0.15,
                    fill=COLOURS["ink"] if quarter % 2 == 0 else "#ffffff")  # fmt: skip
    for place, anchor in ((0.0, "left"), (0.5, "middle"), (1.0, "middle")):
        canvas.text(left + place * length, base - 1.0, _length(metres * place, last=place == 1.0), 6.5 * z,
                    anchor="left" if anchor == "left" else "middle")  # fmt: skip
    figures = paper.words["scale"].format(scale=f"{view.scale:,.0f}")
    canvas.text(x + w - 2, base + 1.2 * z, figures, 8 * z, anchor="right", bold=True)


def _length(metres: float, *, last: bool) -> str:
    if metres >= 1000:
        return f"{metres / 1000:g}" + (" km" if last else "")
    return f"{metres:g}" + (" m" if last else "")


def draw_north(canvas: Canvas, view: View, crs: Any, paper: Paper) -> None:
    """Draw an arrow to true north, which is not quite upward in a projected system."""
    z = paper.zoom
    _, (x, y) = _corners(view, z)
    w, h = _NORTH_BOX[0] * z, _NORTH_BOX[1] * z
    canvas.rect(x, y, w, h, fill="#ffffff")
    turn = north_angle(crs, view)
    cx, cy = x + w / 2, y + h / 2 + 2.2 * z

    def at(along: float, across: float) -> tuple[float, float]:
        return (
            cx + z * (along * math.sin(turn) + across * math.cos(turn)),
            cy + z * (across * math.sin(turn) - along * math.cos(turn)),
        )

    canvas.ring([at(4.2, 0), at(-4, 2.2), at(-2.6, 0)], fill=COLOURS["ink"], stroke=COLOURS["ink"])
    canvas.ring([at(4.2, 0), at(-4, -2.2), at(-2.6, 0)], fill="#ffffff", stroke=COLOURS["ink"])
    canvas.centred(*at(6.2, 0), paper.words["north"], 9 * z, bold=True)


def north_angle(crs: Any, view: View) -> float:
    """Return the turn of true north from upward in the middle of a view, radians clockwise."""
    from pyproj import Transformer

    west, south, east, north = view.box
    x, y = (west + east) / 2, (south + north) / 2
    degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = degrees.transform(x, y)
    up_x, up_y = degrees.transform(lon, min(lat + 0.01, 89.99), direction="INVERSE")
    return math.atan2(up_x - x, up_y - y)


def draw_across(canvas: Canvas, material: Material, paper: Paper, box: Box) -> None:
    """Write across the map of a plan that is not in force what it is."""
    text = paper.words.get(f"across_{material.state}")
    if text is None:
        return
    slope = math.atan2(box.h, box.w)
    room = math.hypot(box.w, box.h) * 0.62
    size = 60.0
    size *= room / canvas.text_width(text, size)
    canvas.centred(box.x + box.w / 2, box.y + box.h / 2, text, min(size, 90.0 * paper.zoom),
                   colour=COLOURS["border"], angle=math.degrees(slope), alpha=20)  # fmt: skip
