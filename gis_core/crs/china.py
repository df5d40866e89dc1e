"""GCJ-02 and BD-09: the published forward formulae, and inverses iterated until nothing is left to mend.

All functions take and give arrays of degrees. They know nothing of where the systems apply;
`gis_core.crs.systems` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["bd09_from_gcj02", "gcj02_from_bd09", "gcj02_from_wgs84", "wgs84_from_gcj02"]

Floats = NDArray[np.float64]

#: Krasovsky 1940, as the formula has it.
_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
#: BD-09 counts its ripple in 3000ths of half a turn per degree.
_BD_RIPPLE = np.pi * 3000.0 / 180.0
#: Each step gains more than two digits; four leave 1.3 um, six leave what a float64 can hold.
_STEPS = 6


def _waves(x: Floats, *terms: tuple[float, float]) -> Floats:
    """Sum amplitude * sin(frequency * pi * x) over the terms, times 2/3."""
    total = np.zeros_like(x)
    for amplitude, frequency in terms:
        total += amplitude * np.sin(frequency * np.pi * x)
    return total * (2.0 / 3.0)


def gcj02_from_wgs84(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift WGS 84 degrees to GCJ-02.

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
    """
    x, y = longitude - 105.0, latitude - 35.0
    fine = _waves(x, (20.0, 6.0), (20.0, 2.0))
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + fine
    north += _waves(y, (20.0, 1.0), (40.0, 1.0 / 3.0)) + _waves(y, (160.0, 1.0 / 12.0), (320.0, 1.0 / 30.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + fine
    east += _waves(x, (20.0, 1.0), (40.0, 1.0 / 3.0)) + _waves(x, (150.0, 1.0 / 12.0), (300.0, 1.0 / 30.0))
    phi = np.radians(latitude)
    magic = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    prime_m = _SEMI_MAJOR_M / np.sqrt(magic)
    meridian_m = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY2) / (magic * np.sqrt(magic))
    return longitude + np.degrees(east / (prime_m * np.cos(phi))), latitude + np.degrees(north / meridian_m)


def wgs84_from_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Undo `gcj02_from_wgs84` by fixed-point iteration, to less than a millimetre.

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
    """
    lon, lat = longitude.copy(), latitude.copy()
    for _ in range(_STEPS):
        x, y = gcj02_from_wgs84(lon, lat)
        lon, lat = lon - (x - longitude), lat - (y - latitude)
    return lon, lat


def bd09_from_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift GCJ-02 degrees to BD-09.

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
    """
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BD_RIPPLE)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BD_RIPPLE)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def gcj02_from_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Undo `bd09_from_gcj02` by fixed-point iteration, to less than a millimetre.

    Returns
    -------
    longitude, latitude : float64, same shape, degrees
    """
    lon, lat = longitude - 0.0065, latitude - 0.006
    for _ in range(_STEPS):
        x, y = bd09_from_gcj02(lon, lat)
        lon, lat = lon - (x - longitude), lat - (y - latitude)
    return lon, lat
