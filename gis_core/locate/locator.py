"""The locator: positions in, codes of areas out, exact on borders, with the distance to the nearest border.

A locator never changes once it is built, so it can be shared by threads and swapped for a newer one at any
time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis_core.crs import convert, crs_to_wgs84, is_wgs84_like
from gis_core.locate.areas import build_areas
from gis_core.locate.index import AreaIndex, build_index
from gis_core.model import Fault

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pyproj import CRS, Geod

__all__ = [
    "INSIDE",
    "NO_POSITION",
    "ON_BORDER",
    "OUTSIDE",
    "STATUS_NAMES",
    "Located",
    "Locator",
    "build_locator",
]

INSIDE, ON_BORDER, OUTSIDE, NO_POSITION = 0, 1, 2, 3

#: Names of the values of `Located.status`, as written to files and told over HTTP.
STATUS_NAMES: tuple[str, ...] = ("inside", "on_border", "outside", "no_position")

#: Shares of a circle below this are not listed.
_LEAST_SHARE = 0.00005
#: WGS 84: semi-major axis in metres, eccentricity squared.
_A_M, _E2, _DEGREE = 6378137.0, 0.0066943799901413165, math.radians(1.0)
#: Distances that are measured by radii of curvature, in metres, up to this latitude.
_NEAR_M, _NOT_POLAR = 1000.0, 80.0


@dataclass(frozen=True)
class Located:
    """Answers for n positions, row i for position i.

    Attributes
    ----------
    status : uint8, shape (n,)
        `INSIDE`, `ON_BORDER`, `OUTSIDE` or `NO_POSITION` (missing, infinite, or degrees out of range).
    code_ix : int32, shape (n,)
        Position in `Locator.codes`; -1 outside and without a position.
    border_m : float64, shape (n,), metres
        Geodesic distance to the nearest border of any area; 0 on a border, NaN without a position.
    nearest_ix : int32, shape (n,)
        Area of that border, of equally near ones the lowest code; -1 without a position.
    candidate_start : int64, shape (n + 1,) or None
        Where the candidates of each position begin; None where no radius was given.
    candidate_ix, candidate_share : int32, float64 or None
        Areas that the circle touches and their shares of it (0 to 1), the largest first. What is missing to 1
        lies outside every area.
    """

    status: NDArray[np.uint8]
    code_ix: NDArray[np.int32]
    border_m: NDArray[np.float64]
    nearest_ix: NDArray[np.int32]
    candidate_start: NDArray[np.int64] | None = None
    candidate_ix: NDArray[np.int32] | None = None
    candidate_share: NDArray[np.float64] | None = None

    def candidates(self, i: int) -> list[tuple[int, float]]:
        """Return (code_ix, share) of every candidate of position i; empty where no radius was given."""
        if self.candidate_start is None or self.candidate_ix is None or self.candidate_share is None:
            return []
        part = slice(int(self.candidate_start[i]), int(self.candidate_start[i + 1]))
        return list(zip(self.candidate_ix[part].tolist(), self.candidate_share[part].tolist(), strict=True))


@dataclass(frozen=True)
class Locator:
    """Areas ready to be asked.

    Attributes
    ----------
    codes : tuple of str
        Ascending as text, unique.
    crs : pyproj.CRS
        System of the layer; what is inside is judged in it, with straight edges.
    faults : tuple of Fault
        What was wrong with the layer; `overlap` where two areas share ground.
    index : AreaIndex
    """

    codes: tuple[str, ...]
    crs: CRS
    faults: tuple[Fault, ...]
    index: AreaIndex

    def __reduce__(self) -> tuple[type[Locator], tuple[object, ...]]:
        """Send to other processes what it is made of, not what is only kept at hand."""
        return Locator, (self.codes, self.crs, self.faults, self.index)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y of all areas, in `crs`."""
        return self.index.bounds

    def code_at(self, x: float, y: float) -> tuple[str | None, bool]:
        """Return the code of the area at one place in `crs`, and whether a border runs through it.

        The quickest way to ask for one; `locate` says more. None outside and for what is no number.

        Examples
        --------
        >>> from geopandas import GeoDataFrame
        >>> from shapely import box
        >>> areas = GeoDataFrame({"code": ["a", "b"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326)
        >>> locator = build_locator(areas)
        >>> locator.code_at(1.5, 0.5), locator.code_at(1.0, 0.5), locator.code_at(3.0, 0.5)
        (('b', False), ('a', True), (None, False))
        """
        label = self._label_at(x, y)
        if label > 0:
            return self.codes[label - 1], False
        return (self.codes[-label - 1], True) if label < 0 else (None, False)

    def nearest_at(self, x: float, y: float) -> tuple[int, float]:
        """Return the area of the border nearest to one place in `crs`, and metres to it, as `locate` gives them."""
        if self._is_wgs84:
            kx, ky = _metres_per_degree_at(min(max(y, -89.9), 89.9))
            ix, foot_x, foot_y = self.index.nearest_border(x, y, kx, ky)
            kx, ky = _metres_per_degree_at(0.5 * (y + foot_y))
            metres = math.hypot((foot_x - x) * kx, (foot_y - y) * ky)
            if not (metres < _NEAR_M and math.fabs(y) < _NOT_POLAR):
                metres = float(_geod().inv(x, y, foot_x, foot_y)[2])
            return ix, metres
        px, py = np.array([x], np.float64), np.array([y], np.float64)
        per_x, per_y = _metres_per_unit(py, self.crs)
        area, foot = self.index.nearest_borders(px, py, per_x, per_y)
        return int(area[0]), float(_geodesic_m(px, py, foot[:, 0], foot[:, 1], self.crs)[0])

    @cached_property
    def _is_wgs84(self) -> bool:
        return is_wgs84_like(self.crs)

    @cached_property
    def _label_at(self) -> Callable[[float, float], int]:
        return self.index.asker()

    def locate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        radius: ArrayLike | None = None,
        *,
        crs: str = "wgs84",
        borders: bool = True,
    ) -> Located:
        """Tell which area each position is in.

        Of several areas that cover a position, on a border or where areas overlap, the lowest code wins; the
        status is `ON_BORDER` wherever a border runs through it.

        Parameters
        ----------
        x, y : array_like of float, shape (n,)
            Longitude and latitude in degrees, or east and north, in the system `crs`.
        radius : array_like of float, shape (n,) or one value, metres, optional
            Accuracy of the position; NaN or negative gives no candidates, 0 the area itself.
        crs : str
            `wgs84`, `cgcs2000`, `gcj02`, `bd09` or `EPSG:n`.
        borders : bool
            False leaves the nearest border out, which takes far longer to find than the area: `border_m` is NaN
            and `nearest_ix` -1.

        Returns
        -------
        Located

        Raises
        ------
        CrsError
            Where `crs` is unknown.

        Notes
        -----
        The nearest border is found in the plane of the layer (degrees scaled to metres at the latitude of the
        position); its distance is then measured on the ellipsoid.
        """
        px, py = convert(np.atleast_1d(x), np.atleast_1d(y), crs, self.crs)
        known = np.isfinite(px) & np.isfinite(py)
        if self.crs.is_geographic:
            known &= (np.abs(px) <= 360.0) & (np.abs(py) <= 90.0)
        n = len(px)
        status, code_ix = np.full(n, NO_POSITION, np.uint8), np.full(n, -1, np.int32)
        border_m, nearest_ix = np.full(n, np.nan), np.full(n, -1, np.int32)
        at = np.flatnonzero(known)
        px, py = np.ascontiguousarray(px[at]), np.ascontiguousarray(py[at])
        code_ix[at], status[at] = self.index.areas_of(px, py)
        if borders:
            nearest_ix[at], border_m[at] = self._borders_of(px, py)
            on_border = status == ON_BORDER
            border_m[on_border], nearest_ix[on_border] = 0.0, code_ix[on_border]
        if radius is None:
            return Located(status, code_ix, border_m, nearest_ix)
        metres = np.broadcast_to(np.asarray(radius, np.float64), (n,))[at]
        return self._with_candidates(Located(status, code_ix, border_m, nearest_ix), at, px, py, metres)

    def _borders_of(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the area of the nearest border and the geodesic distance to it."""
        i = self.index
        # Neighbours in space walk the same part of the tree: measured twice as fast as in random order.
        order = np.argsort(i.neighborhood_of(x, y), kind="stable")
        sx, sy = x[order], y[order]
        kx, ky = _metres_per_unit(sy, self.crs)
        area, foot = i.nearest_borders(sx, sy, kx, ky)
        nearest, border_m = np.empty(len(x), np.int32), np.empty(len(x))
        nearest[order], border_m[order] = area, _geodesic_m(sx, sy, foot[:, 0], foot[:, 1], self.crs)
        return nearest, border_m

    def _with_candidates(
        self, found: Located, at: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64],
        radius: NDArray[np.float64],
    ) -> Located:  # fmt: skip
        """Add the areas that the circles touch, the largest share first, then by code."""
        kx, ky = _true_metres_per_unit(x, y, self.crs)
        radius = np.ascontiguousarray(np.where(np.isfinite(radius), radius, np.nan))
        start, ix, share = self.index.circle_shares(x, y, radius, kx, ky, found.code_ix[at])
        owner = np.repeat(at, np.diff(start))
        keep = share >= _LEAST_SHARE
        owner, ix, share = owner[keep], ix[keep], share[keep]
        order = np.lexsort((ix, -np.round(share, 6), owner))
        counts = np.bincount(owner, minlength=len(found.status))
        return Located(
            found.status, found.code_ix, found.border_m, found.nearest_ix,
            np.concatenate(([0], np.cumsum(counts))).astype(np.int64), ix[order], share[order],
        )  # fmt: skip


def build_locator(grids: GeoDataFrame, code_col: str = "code") -> Locator:
    """Build a locator over a polygon layer.

    Parameters
    ----------
    grids : GeoDataFrame
        Polygons with a coordinate system; rows with one code are one area.
    code_col : str
        Column of the codes; they compare as text.

    Returns
    -------
    Locator

    Raises
    ------
    CrsError
        Where the layer names no coordinate system.
    ParameterError
        Where there is no such column.
    DatasetError
        Where no polygon with a code is left.
    """
    areas = build_areas(grids, code_col)
    return Locator(areas.codes, grids.crs, areas.faults, build_index(areas.geometry))


def _metres_per_unit(y: NDArray[np.float64], crs: CRS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres per unit of x and of y: by latitude for degrees, else the length of the unit."""
    if not crs.is_geographic:
        unit = np.full(len(y), float(crs.axis_info[0].unit_conversion_factor))
        return unit, unit
    return _metres_per_degree(np.clip(y, -89.9, 89.9))


def _metres_per_degree(y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres per degree of longitude and of latitude on the WGS 84 ellipsoid."""
    phi = np.radians(y)
    magic = 1.0 - _E2 * np.sin(phi) ** 2
    return (
        np.radians(1.0) * _A_M / np.sqrt(magic) * np.cos(phi),
        np.radians(1.0) * _A_M * (1.0 - _E2) / (magic * np.sqrt(magic)),
    )


def _metres_per_degree_at(y: float) -> tuple[float, float]:
    """Return the same for one latitude."""
    phi = math.radians(y)
    magic = 1.0 - _E2 * math.sin(phi) ** 2
    root = math.sqrt(magic)
    return _DEGREE * _A_M / root * math.cos(phi), _DEGREE * _A_M * (1.0 - _E2) / (magic * root)


def _true_metres_per_unit(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres on the ellipsoid per unit of x and y, the scale of the projection included."""
    kx, ky = _metres_per_unit(y, crs)
    if crs.is_geographic:
        return kx, ky
    step = 1.0 / kx
    return kx * _geodesic_m(x, y, x + step, y, crs), ky * _geodesic_m(x, y, x, y + step, crs)


def _geodesic_m(
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    x2: NDArray[np.float64],
    y2: NDArray[np.float64],
    crs: CRS,
) -> NDArray[np.float64]:
    """Return the distance on the WGS 84 ellipsoid between positions in one system."""
    x1, y1 = crs_to_wgs84(x1, y1, crs)
    x2, y2 = crs_to_wgs84(x2, y2, crs)
    # Up to a kilometre the radii of curvature at the middle give the geodesic to a tenth of a micrometre.
    kx, ky = _metres_per_degree(0.5 * (y1 + y2))
    metres = np.hypot((x2 - x1) * kx, (y2 - y1) * ky)
    far = np.flatnonzero(~((metres < _NEAR_M) & (np.abs(y1) < _NOT_POLAR)))
    if len(far):
        metres[far] = _geod().inv(x1[far], y1[far], x2[far], y2[far])[2]
    return np.asarray(metres, dtype=np.float64)


@lru_cache(maxsize=1)
def _geod() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")
