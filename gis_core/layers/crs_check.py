"""Does a layer say in which coordinates it is, and do its numbers fit what it says?"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from gis_core.layers.faultlog import FaultLog
from gis_core.layers.raw import RawLayer

__all__ = ["in_degrees", "require_crs"]


def require_crs(raw: RawLayer, log: FaultLog, given: CRS | None = None) -> CRS | None:
    """Return the coordinate system of a layer, or the given one where it names none; None, after an error, if wrong."""
    crs = _parse_crs(raw.crs)
    bounds = shapely.bounds(raw.geometry)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if crs is None and given is not None and not raw.crs:
        log.add(
            "crs-given",
            raw.layer,
            f"{raw.file} does not say in which coordinate system it is; {_crs_name(given)} was taken, as asked",
            "Nothing to do where that is right.",
            "note",
        )
        crs = given
    if crs is None:
        fix = "Store the layer with its coordinate system (QGIS: Layer, Set CRS, then export"
        fix += "; for a Shapefile add its .prj file)" if raw.file.lower().endswith(".shp") else ")"
        fix += ", or say which it is with --source-crs EPSG:n."
        if raw.file.lower().endswith(".dxf"):
            fix = "A DXF drawing never does: say it with --source-crs, such as --source-crs EPSG:4549."
        log.add(
            "no-crs",
            raw.layer,
            f"{raw.file} does not say in which coordinate system it is{_looks_like(bounds)}",
            fix,
            "error",
        )
        return None
    if len(bounds) == 0:
        return crs
    degrees = in_degrees(bounds)
    x0, y0, x1, y1 = bounds[:, 0].min(), bounds[:, 1].min(), bounds[:, 2].max(), bounds[:, 3].max()
    numbers = f"x from {_figure(x0)} to {_figure(x1)}, y from {_figure(y0)} to {_figure(y1)}"
    if crs.is_geographic and np.mean(degrees) < 0.5:
        log.add(
            "wrong-crs",
            raw.layer,
            f"{raw.file} says that it is in degrees ({_crs_name(crs)}), but its coordinates are no "
            f"degrees ({numbers})",
            _wrong_crs_fix(bounds),
            "error",
        )
        return None
    if crs.is_projected and np.mean(degrees) >= 0.5 and not _near_origin(crs, bounds):
        log.add(
            "wrong-crs",
            raw.layer,
            f"{raw.file} says that it is in {_crs_name(crs)}, but its coordinates look like degrees "
            f"({numbers})",
            "Set the coordinate system of the layer to WGS 84 (EPSG:4326) without converting it, and "
            "export it again.",
            "error",
        )
        return None
    return crs


def _parse_crs(text: str | None) -> CRS | None:
    if not text:
        return None
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        return None
    unknown = "undefined" in crs.name.lower() or not (crs.is_geographic or crs.is_projected)
    return None if unknown else crs


def _crs_name(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.name


def in_degrees(bounds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which bounds (rows of minx, miny, maxx, maxy) can be longitudes and latitudes."""
    longitudes, latitudes = np.abs(bounds[:, [0, 2]]), np.abs(bounds[:, [1, 3]])
    inside: NDArray[np.bool_] = np.all(longitudes <= 180, axis=1) & np.all(latitudes <= 90, axis=1)
    return inside


def _near_origin(crs: CRS, bounds: NDArray[np.float64]) -> bool:
    """Tell whether metres so near the origin of a projection lie in the area that it is made for."""
    area = crs.area_of_use
    if area is None:
        return False
    lon, lat = Transformer.from_crs(crs, 4326, always_xy=True).transform(
        bounds[:, 0].mean(), bounds[:, 1].mean()
    )
    return bool(area.west <= lon <= area.east and area.south <= lat <= area.north)


def _figure(value: float) -> str:
    """Write a coordinate so that degrees keep their decimals and metres their digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}"


def _looks_like(bounds: NDArray[np.float64]) -> str:
    if len(bounds) == 0:
        return ""
    kind = "degrees" if np.mean(in_degrees(bounds)) >= 0.5 else "metres"
    x, y = np.median(bounds[:, 0]), np.median(bounds[:, 1])
    return f" (its numbers look like {kind}: x about {_figure(x)}, y about {_figure(y)})"


def _wrong_crs_fix(bounds: NDArray[np.float64]) -> str:
    swapped = bool((np.abs(bounds[:, [1, 3]]) <= 180).all() and (np.abs(bounds[:, [0, 2]]) <= 90).all())
    if swapped:
        return "Longitude and latitude are swapped: write longitude first, and export it again."
    return (
        "They are probably projected metres: set the coordinate system in which the layer was made "
        "(such as a UTM or Gauss-Krueger zone) without converting it, and export it again."
    )
