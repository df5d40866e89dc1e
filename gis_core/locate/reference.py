"""The answers of the locator by shapely alone, one position at a time; the tests hold the index to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from gis_core.crs import crs_to_wgs84

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["PlainAnswer", "circle_shares_plainly", "locate_plainly"]


@dataclass(frozen=True)
class PlainAnswer:
    """Status as in `STATUS_NAMES`, position of the area (-1 outside), metres to the nearest border."""

    status: str
    code_ix: int
    border_m: float


def locate_plainly(areas: NDArray[np.object_], x: float, y: float, crs: CRS) -> PlainAnswer:
    """Answer for one position, given the areas in ascending order of their codes.

    Parameters
    ----------
    areas : object, shape (n,)
        Polygons in `crs`.
    x, y : float
        In `crs`.
    crs : pyproj.CRS

    Returns
    -------
    PlainAnswer
    """
    if not (np.isfinite(x) and np.isfinite(y)):
        return PlainAnswer("no_position", -1, float("nan"))
    point = shapely.Point(x, y)
    covering = np.flatnonzero(shapely.intersects(areas, point))
    if not len(covering):
        return PlainAnswer("outside", -1, _border_m(areas, x, y, crs))
    on_border = bool(np.any(shapely.touches(areas[covering], point)))
    border_m = 0.0 if on_border else _border_m(areas, x, y, crs)
    return PlainAnswer("on_border" if on_border else "inside", int(covering[0]), border_m)


def _border_m(areas: NDArray[np.object_], x: float, y: float, crs: CRS) -> float:
    """Return the geodesic distance to the nearest border, found in a plane where degrees are metres."""
    scale = np.array([np.cos(np.radians(y)), 1.0]) if crs.is_geographic else np.ones(2)
    flat = shapely.transform(shapely.boundary(areas), lambda xy: xy * scale)
    line = shapely.shortest_line(shapely.Point(x * scale[0], y), flat)
    nearest = line[np.argmin(shapely.length(line))]
    foot = shapely.get_coordinates(nearest)[1] / scale
    here, there = crs_to_wgs84(x, y, crs), crs_to_wgs84(foot[0], foot[1], crs)
    return float(Geod(ellps="WGS84").inv(*here, *there)[2])


def circle_shares_plainly(
    areas: NDArray[np.object_], x: float, y: float, radius: float
) -> NDArray[np.float64]:
    """Return the share of a circle that each area holds, in a plane, by a polygon of 4,096 sides."""
    circle = shapely.Point(x, y).buffer(radius, quad_segs=1024)
    return np.asarray(shapely.area(shapely.intersection(areas, circle)) / circle.area)
