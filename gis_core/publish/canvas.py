"""Drawing on a page: millimetres from the upper left corner, y downward; sizes of text in points.

Colours are `#rrggbb`, opacities percentages out of `pdf.ALPHAS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.publish.fonts import CAP_HEIGHT, Typesetter
from gis_core.publish.pdf import Link, Page

__all__ = ["MM", "Anchor", "Canvas"]

#: Points in a millimetre.
MM = 72 / 25.4
Anchor = Literal["left", "middle", "right"]


class Canvas:
    """One page under the pen.

    Parameters
    ----------
    width, height : float
        Size in millimetres.
    type_ : Typesetter
        Shared by all pages of a document.
    """

    def __init__(self, width: float, height: float, type_: Typesetter) -> None:
        self.width, self.height, self.type = width, height, type_
        self._ops: list[str] = ["1 j 1 J"]
        self._links: list[Link] = []

    def page(self, title: str) -> Page:
        """Return what was drawn."""
        content = "\n".join(self._ops).encode("ascii")
        return Page(self.width * MM, self.height * MM, content, title, list(self._links))

    def link(self, x: float, y: float, w: float, h: float, page_ix: int) -> None:
        """Make a rectangle lead to a page."""
        top = (self.height - y) * MM
        self._links.append(Link((x * MM, top - h * MM, (x + w) * MM, top), page_ix))

    @contextmanager
    def clipped(self, x: float, y: float, w: float, h: float) -> Iterator[None]:
        """Draw inside a rectangle only."""
        self._ops.append(f"q {self._rect(x, y, w, h)} W n")
        yield
        self._ops.append("Q")

    def rect(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        *,
        fill: str | None = None,
        stroke: str | None = None,
        width: float = 0.2,
        alpha: int = 100,
    ) -> None:
        """Draw a rectangle."""
        self._paint(self._rect(x, y, w, h), fill, stroke, width, (), alpha)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        *,
        stroke: str,
        width: float = 0.2,
        dash: tuple[float, ...] = (),
    ) -> None:
        """Draw a line through points."""
        self._paint(self._path(np.asarray(points, dtype=float), close=False), None, stroke, width, dash, 100)

    def ring(
        self,
        points: Sequence[tuple[float, float]],
        *,
        fill: str | None,
        stroke: str | None = None,
        width: float = 0.2,
    ) -> None:
        """Draw a closed ring."""
        self._paint(self._path(np.asarray(points, dtype=float), close=True), fill, stroke, width, (), 100)

    def shapes(
        self,
        geometry: NDArray[np.object_],
        *,
        fill: str | None = None,
        stroke: str | None = None,
        width: float = 0.2,
        dash: tuple[float, ...] = (),
        alpha: int = 100,
    ) -> None:
        """Draw polygons or lines whose coordinates are millimetres on the page, all in one stroke of the pen."""
        parts = shapely.get_parts(geometry)
        kinds = shapely.get_type_id(parts)
        rings = shapely.get_rings(parts[kinds == 3])
        lines = parts[(kinds == 1) | (kinds == 2)]
        paths = [*self._paths(rings, close=True), *self._paths(lines, close=False)]
        if paths:
            self._paint("\n".join(paths), fill, stroke, width, dash, alpha)

    def dot(self, x: float, y: float, radius: float, *, fill: str, stroke: str | None = None) -> None:
        """Draw a disc."""
        turns = [2 * math.pi * i / 16 for i in range(16)]
        around = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in turns]
        self.ring(around, fill=fill, stroke=stroke, width=0.15)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = "#1b1b1b",
        anchor: Anchor = "left",
        bold: bool = False,
        angle: float = 0.0,
        alpha: int = 100,
    ) -> None:
        """Set a text on one line; (x, y) is on its baseline, `angle` in degrees counter-clockwise."""
        if not text:
            return
        shift = {"left": 0.0, "middle": 0.5, "right": 1.0}[anchor] * self.type.width(text, size)
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        left, base = x * MM - shift * c, (self.height - y) * MM - shift * s
        weight = f"2 Tr {size * (0.035 if size > 10 else 0.022):.3f} w {_rgb(colour)} RG" if bold else "0 Tr"
        self._ops.append(
            f"q /A{alpha} gs {_rgb(colour)} rg BT /F1 {size:.2f} Tf {weight} "
            f"{c:.5f} {s:.5f} {-s:.5f} {c:.5f} {left:.2f} {base:.2f} Tm <{self.type.encode(text)}> Tj ET Q"
        )

    def centred(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = "#1b1b1b",
        bold: bool = False,
        angle: float = 0.0,
        alpha: int = 100,
    ) -> None:
        """Set a text with its middle at (x, y)."""
        drop = size * CAP_HEIGHT / 2 / MM
        turn = math.radians(angle)
        self.text(
            x + drop * math.sin(turn),
            y + drop * math.cos(turn),
            text,
            size,
            colour=colour,
            anchor="middle",
            bold=bold,
            angle=angle,
            alpha=alpha,
        )

    def text_width(self, text: str, size: float) -> float:
        """Return the width of a text in millimetres."""
        return self.type.width(text, size) / MM

    def fit(self, text: str, size: float, room: float) -> str:
        """Cut a text to `room` millimetres."""
        return self.type.fit(text, size, room * MM)

    def lines_of(self, text: str, size: float, room: float, *, limit: int) -> list[str]:
        """Break a text into lines of at most `room` millimetres."""
        return self.type.lines(text, size, room * MM, limit=limit)

    def _paint(
        self,
        path: str,
        fill: str | None,
        stroke: str | None,
        width: float,
        dash: tuple[float, ...],
        alpha: int,
    ) -> None:
        head = [f"/A{alpha} gs"]
        if fill:
            head.append(f"{_rgb(fill)} rg")
        if stroke:
            pattern = " ".join(f"{each * MM:.2f}" for each in dash)
            cap = "0 J" if dash else "1 J"
            head.append(f"{_rgb(stroke)} RG {width * MM:.3f} w [{pattern}] 0 d {cap}")
        end = {(True, False): "f*", (False, True): "S", (True, True): "B*"}[bool(fill), bool(stroke)]
        self._ops.append(f"{' '.join(head)}\n{path}\n{end}")

    def _rect(self, x: float, y: float, w: float, h: float) -> str:
        return f"{x * MM:.2f} {(self.height - y - h) * MM:.2f} {w * MM:.2f} {h * MM:.2f} re"

    def _paths(self, rings: NDArray[np.object_], *, close: bool) -> list[str]:
        if len(rings) == 0:
            return []
        coordinates, of = shapely.get_coordinates(rings, return_index=True)
        starts = np.flatnonzero(np.diff(of)) + 1
        return [self._path(each, close=close) for each in np.split(coordinates, starts)]

    def _path(self, points: NDArray[np.float64], *, close: bool) -> str:
        if close and len(points) > 1 and np.array_equal(points[0], points[-1]):
            points = points[:-1]
        placed = np.column_stack([points[:, 0], self.height - points[:, 1]]) * MM
        moves = [f"{x:.2f} {y:.2f}" for x, y in placed.tolist()]
        body = " l\n".join(moves[1:])
        end = (" l" if len(moves) > 1 else "") + (" h" if close else "")
        return f"{moves[0]} m\n{body}{end}"


def _rgb(colour: str) -> str:
    return " ".join(f"{int(colour[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))
