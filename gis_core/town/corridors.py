"""What cuts through the town: a river with few bridges, a canal and a railway.

Each corridor is a bent line with a width; streets below a given class end at it, the others cross by bridge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.town.kinds import ROADS

__all__ = ["Corridor", "build_corridors"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Corridor:
    """One river, canal or railway; lengths in metres.

    Attributes
    ----------
    kind : {"river", "canal", "rail"}
    name : str
        Chinese name.
    line : shapely.LineString
        Its middle, from end to end of the town.
    body : shapely.Polygon
        Water surface or railway land.
    bank : shapely.Polygon
        `body` and its banks; streets end at its border, where the embankment road runs (river only).
    clear : shapely.Polygon
        What buildings keep free.
    lowest_rank : int
        Lowest rank in `ROADS` of the streets that cross.
    """

    kind: str
    name: str
    line: shapely.LineString
    body: shapely.Polygon
    bank: shapely.Polygon
    clear: shapely.Polygon
    lowest_rank: int


def build_corridors(radius_m: float, n_buildings: int, rng: np.random.Generator) -> list[Corridor]:
    """Lay the corridors that a town of that size has: the smallest only a stream, a city all three."""
    river_m = float(np.clip(radius_m * 0.05, 14.0, 300.0))
    angle = rng.uniform(0, 2 * np.pi)
    corridors = [_water("river", "清江" if river_m > 60 else "清水河", radius_m, angle, 0.3, river_m, rng)]
    if n_buildings >= 1000:
        line = _meander(radius_m, angle + rng.uniform(0.6, 1.2), rng.choice([-0.62, 0.62]), 0.05, rng)
        corridors.append(
            Corridor("rail", "江北铁路", line, line.buffer(7.0, cap_style="flat"), line.buffer(14.0, cap_style="flat"),
                     line.buffer(24.0, cap_style="flat"), ROADS.index("tertiary"))
        )  # fmt: skip
    if n_buildings >= 6000:
        corridors.append(_water("canal", "运粮河", radius_m, angle + rng.uniform(1.2, 1.9), -0.35, 22.0, rng))
    return corridors


def _water(
    kind: str,
    name: str,
    radius_m: float,
    angle: float,
    offset: float,
    width_m: float,
    rng: np.random.Generator,
) -> Corridor:
    line = _meander(radius_m, angle, offset, 0.13, rng)
    xy = shapely.get_coordinates(line)
    tangent = np.gradient(xy, axis=0)
    left = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.hypot(*tangent.T)[:, None]
    along = np.linspace(0, 1, len(xy))
    half = np.full(len(xy), width_m / 2)
    for waves, share in ((3.0, 0.16), (7.0, 0.1), (17.0, 0.05)):
        half += width_m * share * np.sin(2 * np.pi * (waves * along + rng.random()))
    body = shapely.make_valid(
        shapely.Polygon(np.concatenate([xy + left * half[:, None], (xy - left * half[:, None])[::-1]]))
    )
    body = max(shapely.get_parts(body), key=shapely.area)
    bank_m = 26.0 if width_m > 45 else 9.0
    lowest = "primary" if width_m > 30 else "tertiary"
    return Corridor(
        kind, name, line, body, shapely.simplify(body.buffer(bank_m), 0.4),
        shapely.simplify(body.buffer(bank_m + 14.0), 0.4), ROADS.index(lowest),
    )  # fmt: skip


def _meander(
    radius_m: float, angle: float, offset: float, height: float, rng: np.random.Generator
) -> shapely.LineString:
    """Draw a winding line through the town: `offset` and `height` as fractions of the radius."""
    step = max(12.0, min(40.0, radius_m / 40))
    u = np.arange(-2.1 * radius_m, 2.1 * radius_m, step)
    v = np.full(len(u), offset * radius_m)
    for length, share in ((2.3, 1.0), (1.1, 0.42), (0.45, 0.13)):
        wave = max(length * radius_m, 260.0)
        v += height * radius_m * share * np.sin(2 * np.pi * u / wave + rng.uniform(0, 2 * np.pi))
    cos, sin = np.cos(angle), np.sin(angle)
    return shapely.LineString(np.stack([u * cos - v * sin, u * sin + v * cos], axis=1).round(2))
