"""The ground of a printed map: streets, buildings, water, green in a window at a round scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.model import STREET_CLASSES
from gis_core.publish.labels import texts_of

if TYPE_CHECKING:
    from gis_core.publish.canvas import Canvas
    from gis_core.publish.material import Material

__all__ = ["COLOURS", "Ground", "View", "draw_ground", "fit_scale", "street_metres", "view_of"]

COLOURS = {
    "ground": "#f7f4ef",
    "green": "#d6e8c9",
    "water": "#b9d8ee",
    "own": "#d3bf9f",
    "own_edge": "#8b7858",
    "other": "#e6e0d6",
    "other_edge": "#c8c0b3",
    "street": "#ffffff",
    "casing": "#bdb5a8",
    "rail": "#6a6a6a",
    "border": "#b0184a",
    "neighbour": "#4d4d4d",
    "community": "#5b3a99",
    "ink": "#1b1b1b",
    "grey": "#5c5c5c",
    "facility": "#1d6b45",
    "water_ink": "#235f8c",
    "green_ink": "#3e6b2c",
}
#: Width of a street on the ground (m), and the narrowest it is drawn (mm), by its class.
_STREETS = {
    "minor": (3.0, 0.35),
    "living_street": (6.0, 0.6),
    "residential": (7.0, 0.7),
    "tertiary": (11.0, 0.9),
    "secondary": (14.0, 1.1),
    "primary": (18.0, 1.3),
    "trunk": (20.0, 1.4),
    "motorway": (24.0, 1.6),
}
_WIDEST_MM = 5.0
_STEPS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
#: Coarser than this, streets without a class of their own and single buildings are left out.
_COARSE = 12_000


@dataclass(frozen=True)
class View:
    """A window on the page and the ground in it.

    Attributes
    ----------
    x, y : float
        Ground (m) at its upper left corner.
    scale : float
        Denominator.
    left, top, width, height : float
        On the page, mm.
    """

    x: float
    y: float
    scale: float
    left: float
    top: float
    width: float
    height: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north on the ground."""
        metres = self.scale / 1000
        return (self.x, self.y - self.height * metres, self.x + self.width * metres, self.y)

    def place(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        """Move shapes from the ground to the page."""
        factor = 1000 / self.scale
        origin, corner = np.array([self.x, self.y]), np.array([self.left, self.top])
        moved: NDArray[np.object_] = shapely.transform(
            geometry, lambda points: (points - origin) * (factor, -factor) + corner
        )
        return moved


def fit_scale(
    bounds: tuple[float, float, float, float], width: float, height: float, *, room: float = 0.9
) -> float:
    """Return the greatest round scale (its denominator) at which a box fits into a window.

    Examples
    --------
    >>> fit_scale((0, 0, 300, 100), 190, 190)
    1750.0
    """
    west, south, east, north = bounds
    need = max((east - west) / (width * room), (north - south) / (height * room), 0.1) * 1000
    decade = 10 ** math.floor(math.log10(need))
    return float(next(step * decade for step in (*_STEPS, 10.0) if step * decade >= need * (1 - 1e-9)))


def view_of(
    bounds: tuple[float, float, float, float], left: float, top: float, width: float, height: float
) -> View:
    """Show a box in the middle of a window."""
    scale = fit_scale(bounds, width, height)
    west, south, east, north = bounds
    metres = scale / 1000
    x = (west + east - width * metres) / 2
    y = (south + north + height * metres) / 2
    return View(x, y, scale, left, top, width, height)


class Ground:
    """The layers of a plan, ready to be asked for a window."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self._shapes: dict[str, NDArray[np.object_]] = {"grids": material.shapes}
        self._shapes |= {
            name: np.asarray(frame.geometry.array, dtype=object) for name, frame in material.layers.items()
        }
        self._trees = {name: shapely.STRtree(shapes) for name, shapes in self._shapes.items()}
        self._texts = {
            (name, column): np.array(texts_of(frame, column), dtype=object)
            for name, frame in material.layers.items()
            for column in ("name", "label", "place", "kind", "category")
        }
        self.street_names = {each for each in self._texts.get(("streets", "name"), ()) if each}
        streets, barriers = material.layers.get("streets"), material.layers.get("barriers")
        self._rank = np.zeros(0, dtype=int) if streets is None else streets["rank"].to_numpy().astype(int)
        self._is_rail = np.zeros(0, dtype=bool)
        if barriers is not None:
            self._is_rail = (barriers["kind"].fillna("").str.contains("rail") & barriers["cuts"]).to_numpy(
                dtype=bool
            )

    def edges(self, layer: str, view: View, *, without: int | None = None) -> NDArray[np.object_]:
        """Return the borders of polygons in a window, those between two of them once, so that dashes stay dashes."""
        rows, shapes = self.seen(layer, view)
        if without is not None:
            shapes = shapes[rows != without]
        merged = shapely.get_parts(shapely.line_merge(shapely.union_all(shapely.boundary(shapes))))
        window = shapely.box(view.left, view.top, view.left + view.width, view.top + view.height)
        inside: NDArray[np.object_] = merged[shapely.intersects(merged, window)]
        return inside

    def seen(self, layer: str, view: View) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
        """Return the rows of a layer in a window and their shapes on the page, cut a little outside of it."""
        if layer not in self._trees:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
        pad = view.scale / 1000 * 2
        west, south, east, north = view.box
        box = (west - pad, south - pad, east + pad, north + pad)
        rows = np.sort(self._trees[layer].query(shapely.box(*box)))
        cut = shapely.clip_by_rect(self._shapes[layer][rows], *box)
        there = ~shapely.is_empty(cut)
        return rows[there], view.place(cut[there])

    def everything(self, layer: str) -> NDArray[np.object_]:
        """Return all shapes of a layer, on the ground; none where it is not there."""
        return self._shapes.get(layer, np.zeros(0, dtype=object))

    def all_rails(self) -> NDArray[np.bool_]:
        """Tell of every barrier whether it is a railway above ground."""
        return self._is_rail

    def texts(self, layer: str, column: str, rows: NDArray[np.int64]) -> list[str | None]:
        """Return a column of some rows."""
        return list(self._texts[layer, column][rows]) if len(rows) else []

    def street_rank(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the classes of some streets."""
        return self._rank[rows]

    def is_rail(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some barriers are railways above ground."""
        return self._is_rail[rows]


def street_metres(rank: int) -> float:
    """Return how wide a street of a class is taken to be, m."""
    return _STREETS.get(STREET_CLASSES[rank], _STREETS["minor"])[0]


def street_width(rank: int, scale: float) -> float:
    """Return how wide a street is drawn, mm."""
    metres, least = _STREETS.get(STREET_CLASSES[rank], _STREETS["minor"])
    return min(max(metres * 1000 / scale, least), _WIDEST_MM)


def draw_ground(canvas: Canvas, ground: Ground, view: View, *, own: int | None) -> set[str]:
    """Draw all that lies under borders and labels; buildings of the grid `own` stand out.

    Returns
    -------
    set of str
        What is there, by the words of the legend.
    """
    canvas.rect(view.left, view.top, view.width, view.height, fill=COLOURS["ground"])
    there = set()
    for layer in ("green", "water"):
        _, shapes = ground.seen(layer, view)
        if len(shapes):
            canvas.shapes(shapes, fill=COLOURS[layer])
            there.add(layer)
    there |= _streets(canvas, ground, view)
    rows, shapes = ground.seen("barriers", view)
    rails = shapes[ground.is_rail(rows)]
    if len(rails):
        canvas.shapes(rails, stroke=COLOURS["rail"], width=0.5)
        canvas.shapes(rails, stroke="#ffffff", width=0.3, dash=(1.2, 1.2))
        there.add("rail")
    return there | _buildings(canvas, ground, view, own)


def _streets(canvas: Canvas, ground: Ground, view: View) -> set[str]:
    rows, shapes = ground.seen("streets", view)
    ranks = ground.street_rank(rows)
    least = STREET_CLASSES.index("tertiary") if view.scale > _COARSE else 1
    drawn = [each for each in np.unique(ranks).tolist() if each >= least]
    for rank in drawn:
        width = street_width(rank, view.scale)
        canvas.shapes(shapes[ranks == rank], stroke=COLOURS["casing"], width=width + 0.25)
    for rank in drawn:
        width = street_width(rank, view.scale)
        canvas.shapes(shapes[ranks == rank], stroke=COLOURS["street"], width=width)
    return {"street"} if drawn else set()


def _buildings(canvas: Canvas, ground: Ground, view: View, own: int | None) -> set[str]:
    if own is None and view.scale > _COARSE:
        return set()
    rows, shapes = ground.seen("buildings", view)
    mine = ground.material.layers["buildings"]["grid_ix"].to_numpy()[rows] == (-2 if own is None else own)
    there = set()
    for which, fill, word in ((~mine, "other", "other_building"), (mine, "own", "building")):
        points = shapely.get_type_id(shapes[which]) == 0
        canvas.shapes(shapes[which][~points], fill=COLOURS[fill], stroke=COLOURS[f"{fill}_edge"], width=0.1)
        for x, y in shapely.get_coordinates(shapes[which][points]).tolist():
            canvas.dot(x, y, 0.6, fill=COLOURS[f"{fill}_edge"])
        if which.any():
            there.add(word)
    return there
