"""Floors, households and people of generated buildings, by kind of ground and size of the town."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.town.kinds import KIND_NAMES

__all__ = ["count_households"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Usual floors of what nobody lives in.
_OTHER_LEVELS = {"shop": 3, "office": 14, "market": 1, "school": 4, "hospital": 7, "industry": 1}


def count_households(
    kind: Ints, block: Ints, width_m: Floats, depth_m: Floats, scale: float, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Draw floors, and from them households and people.

    A slab has stairs every 13 m with two flats a floor; a tower four flats a floor; a house in a village one household
    in a small town, and a tenant or two a floor in a city; a lane house one to five. Some flats are empty.

    Parameters
    ----------
    kind, block : int64, shape (n,)
        Kind of ground and block of every building; floors vary little within a block.
    width_m, depth_m : float64, shape (n,), metres
        Size of the footprint.
    scale : float, in [0, 1]
        0 for a small town, 1 for a city.

    Returns
    -------
    levels, households, population : int64, shape (n,)
    """
    n = len(kind)
    of_block = rng.random(int(block.max(initial=0)) + 1)[block]
    own = rng.random(n)
    code = {name: kind == place for place, name in enumerate(KIND_NAMES)}
    levels = np.ones(n, dtype=np.int64)
    households = np.zeros(n, dtype=np.int64)

    slab = code["slab"]
    levels[slab] = 4 + np.floor(of_block * 1.5 + 1.6 * scale + own * 0.9).astype(np.int64)[slab]
    stairs = np.maximum(1, np.rint(width_m / 13.5)).astype(np.int64)
    lived_in = 0.86 + 0.14 * own
    households[slab] = np.rint(levels * stairs * 2 * lived_in)[slab]

    tower = code["tower"]
    heights = np.array([9, 11, 18, 18, 26, 33])
    levels[tower] = heights[np.minimum(of_block * (2.0 + 4.0 * scale), 5).astype(np.int64)][tower]
    households[tower] = np.rint(levels * np.where(width_m > 34, 6, 4) * (0.72 + 0.28 * own))[tower]

    village = code["village"]
    levels[village] = (2 + np.floor(own * 1.6 + scale * (1.5 + 2.5 * of_block))).astype(np.int64)[village]
    tenants = rng.poisson(np.maximum(levels - 1.6, 0) * 0.75 * scale)
    households[village] = (1 + (own > 0.85) + tenants)[village]
    households[village & (own < 0.04)] = 0

    lane = code["lane"] | code["court"]
    levels[lane] = (1 + np.floor(of_block * 1.4 + own * 0.9)).astype(np.int64)[lane]
    doors = np.maximum(1, np.rint(width_m * depth_m * levels * 0.8 / 150.0))
    households[lane] = np.minimum(np.where(code["court"], 1 + np.floor(own * 3.2), doors), 12)[lane]

    for name, usual in _OTHER_LEVELS.items():
        mine = code[name]
        levels[mine] = np.maximum(1, np.rint(usual * (0.5 + own * (0.5 + 0.5 * scale)))).astype(np.int64)[
            mine
        ]
    over_shops = code["shop"] & (own > 0.55)
    households[over_shops] = np.rint(levels * width_m / 14.0)[over_shops]
    population = rng.poisson(households * 1.5) + households
    return levels, households, population.astype(np.int64)
