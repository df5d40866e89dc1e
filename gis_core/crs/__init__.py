"""Coordinate systems: names, GCJ-02 and BD-09, conversion of arrays of positions."""

from gis_core.crs.mainland import in_mainland, mainland
from gis_core.crs.systems import (
    CRS_NAMES,
    CoordinateSystem,
    convert,
    crs_to_wgs84,
    from_wgs84,
    is_wgs84_like,
    parse_crs,
    to_wgs84,
)

__all__ = [
    "CRS_NAMES",
    "CoordinateSystem",
    "convert",
    "crs_to_wgs84",
    "from_wgs84",
    "in_mainland",
    "is_wgs84_like",
    "mainland",
    "parse_crs",
    "to_wgs84",
]
