"""Coordinate systems by name: `wgs84`, `cgcs2000`, `gcj02`, `bd09`, `EPSG:n`; stated, never guessed.

GCJ-02 and BD-09 shift positions on the mainland only (`mainland.py`); elsewhere their numbers are WGS 84.
CGCS2000 is taken as equal to WGS 84, from which it differs by less than the precision of any position here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis_core.crs.china import bd09_from_gcj02, gcj02_from_bd09, gcj02_from_wgs84, wgs84_from_gcj02
from gis_core.crs.mainland import in_mainland, mainland
from gis_core.errors import CrsError

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

__all__ = [
    "CRS_NAMES",
    "CoordinateSystem",
    "convert",
    "crs_to_wgs84",
    "from_wgs84",
    "is_wgs84_like",
    "parse_crs",
    "to_wgs84",
]

Floats = NDArray[np.float64]

#: Names that stand for themselves, besides `EPSG:n`.
CRS_NAMES: tuple[str, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")

_ALIASES = {
    "wgs-84": "wgs84",
    "gcj-02": "gcj02",
    "bd-09": "bd09",
    "epsg:4326": "wgs84",
    "epsg:4490": "cgcs2000",
}
_EPSG_OF = {"wgs84": 4326, "cgcs2000": 4490}
_EQUAL_TO_WGS84 = frozenset({4326, 4490})


@dataclass(frozen=True, slots=True)
class CoordinateSystem:
    """A named system of positions.

    Attributes
    ----------
    name : str
        `wgs84`, `cgcs2000`, `gcj02`, `bd09` or `EPSG:n`.
    crs : pyproj.CRS or None
        The same for the usual tools; None for `gcj02` and `bd09`, which have no EPSG code.
    """

    name: str
    crs: CRS | None

    @property
    def is_geographic(self) -> bool:
        """Whether x, y are degrees of longitude and latitude."""
        return self.crs is None or bool(self.crs.is_geographic)


@lru_cache(maxsize=64)
def parse_crs(name: str) -> CoordinateSystem:
    """Read the name of a coordinate system.

    Parameters
    ----------
    name : str
        `wgs84`, `cgcs2000`, `gcj02`, `bd09` or `EPSG:n`, in any case.

    Returns
    -------
    CoordinateSystem

    Raises
    ------
    CrsError
        Where the name is none of these, or no such EPSG code exists.

    Examples
    --------
    >>> parse_crs("GCJ-02").name, parse_crs("epsg:4547").name
    ('gcj02', 'EPSG:4547')
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    key = name.strip().lower()
    key = _ALIASES.get(key, key)
    if key in CRS_NAMES:
        return CoordinateSystem(key, CRS.from_epsg(_EPSG_OF[key]) if key in _EPSG_OF else None)
    match = re.fullmatch(r"epsg:(\d{1,6})", key)
    if not match:
        raise CrsError(
            f"{name!r} is no coordinate system known here; use one of {', '.join(CRS_NAMES)} or EPSG:n.",
            name=name,
        )
    try:
        crs = CRS.from_epsg(int(match[1]))
    except CRSError:
        raise CrsError(
            f"There is no coordinate system EPSG:{match[1]}; look up its number.", name=name
        ) from None
    if not (crs.is_geographic or crs.is_projected):
        raise CrsError(
            f"EPSG:{match[1]} ({crs.name}) has no plane coordinates; name a geographic or projected system."
        )
    return CoordinateSystem(f"EPSG:{match[1]}", crs)


def to_wgs84(x: ArrayLike, y: ArrayLike, crs_name: str = "wgs84") -> tuple[Floats, Floats]:
    """Take positions in a named system to WGS 84.

    Parameters
    ----------
    x, y : array_like of float, any shape
        Degrees of longitude and latitude, or metres east and north in a projected system. NaN stays NaN.
    crs_name : str
        As in `parse_crs`.

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
        Copies. NaN where a position has no place in WGS 84.

    Raises
    ------
    CrsError
        Where `crs_name` is unknown.

    Notes
    -----
    Within about 700 m of the outline of the mainland, a shifted position inside and an unshifted one outside
    can have the same numbers; the one inside is returned.
    """
    system = parse_crs(crs_name)
    east, north = _pair(x, y)
    if system.crs is not None:
        return _project(east, north, system.crs, None)
    near = _near_mainland(east, north)
    x, y = east[near], north[near]
    gcj = gcj02_from_bd09(x, y) if system.name == "bd09" else (x, y)
    longitude, latitude = wgs84_from_gcj02(*gcj)
    inside = in_mainland(longitude, latitude)
    east[near], north[near] = np.where(inside, longitude, x), np.where(inside, latitude, y)
    return east, north


def from_wgs84(longitude: ArrayLike, latitude: ArrayLike, crs_name: str) -> tuple[Floats, Floats]:
    """Take WGS 84 positions to a named system.

    Parameters
    ----------
    longitude, latitude : array_like of float, any shape, degrees
    crs_name : str
        As in `parse_crs`.

    Returns
    -------
    x, y : float64, same shape, degrees or metres
        Copies. NaN where a position has no place in the system.

    Raises
    ------
    CrsError
        Where `crs_name` is unknown.
    """
    system = parse_crs(crs_name)
    lon, lat = _pair(longitude, latitude)
    if system.crs is not None:
        return _project(lon, lat, None, system.crs)
    inside = in_mainland(lon, lat)
    x, y = gcj02_from_wgs84(lon[inside], lat[inside])
    lon[inside], lat[inside] = bd09_from_gcj02(x, y) if system.name == "bd09" else (x, y)
    return lon, lat


def convert(x: ArrayLike, y: ArrayLike, source: str, target: CRS) -> tuple[Floats, Floats]:
    """Take positions in a named system to a pyproj CRS; numbers stay as they are where both are one system.

    Parameters
    ----------
    x, y : array_like of float, any shape
    source : str
        As in `parse_crs`.
    target : pyproj.CRS

    Returns
    -------
    x, y : float64, same shape, in the order east, north

    Raises
    ------
    CrsError
        Where `source` is unknown.
    """
    system = parse_crs(source)
    if system.crs is None:
        return _project(*to_wgs84(x, y, source), None, target)
    return _project(*_pair(x, y), system.crs, target)


def crs_to_wgs84(x: ArrayLike, y: ArrayLike, source: CRS) -> tuple[Floats, Floats]:
    """Take positions in a pyproj CRS to WGS 84.

    Parameters
    ----------
    x, y : array_like of float, any shape
        In the order east, north.
    source : pyproj.CRS

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
        NaN where a position has no place in WGS 84.
    """
    return _project(*_pair(x, y), source, None)


def is_wgs84_like(crs: CRS) -> bool:
    """Whether numbers in this system are WGS 84 degrees: WGS 84 itself, OGC:CRS84 or CGCS2000."""
    return bool(crs.is_geographic) and (crs.to_epsg() in _EQUAL_TO_WGS84 or _is_crs84(crs))


def _is_crs84(crs: CRS) -> bool:
    authority = crs.to_authority()
    return authority is not None and tuple(authority) == ("OGC", "CRS84")


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Return float64 copies of one shape, NaN in both where one is not finite."""
    east, north = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    known = np.isfinite(east) & np.isfinite(north)
    return np.where(known, east, np.nan), np.where(known, north, np.nan)


def _near_mainland(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Tell which degrees can lie on the mainland at all, so that the formulae see no others."""
    west, south, east, north = mainland().bounds
    margin = 0.1
    return (x > west - margin) & (x < east + margin) & (y > south - margin) & (y < north + margin)


def _project(x: Floats, y: Floats, source: CRS | None, target: CRS | None) -> tuple[Floats, Floats]:
    """Transform between two systems, None meaning WGS 84; what cannot be transformed becomes NaN."""
    source_is_degrees = source is None or is_wgs84_like(source)
    target_is_degrees = target is None or is_wgs84_like(target)
    if (source_is_degrees and target_is_degrees) or (source is not None and source == target):
        return x, y
    east, north = _transformer(_key(source), _key(target)).transform(x, y)
    east, north = np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64)
    bad = ~(np.isfinite(east) & np.isfinite(north))
    return np.where(bad, np.nan, east), np.where(bad, np.nan, north)


def _key(crs: CRS | None) -> str:
    return "EPSG:4326" if crs is None else str(crs.to_wkt())


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    from pyproj import Transformer

    make: Any = Transformer.from_crs
    return make(source, target, always_xy=True)
