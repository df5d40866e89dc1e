"""Whose grid is it: positions to areas, exact on borders, in bulk and one by one."""

from gis_core.locate.locator import (
    INSIDE,
    NO_POSITION,
    ON_BORDER,
    OUTSIDE,
    STATUS_NAMES,
    Located,
    Locator,
    build_locator,
)

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
