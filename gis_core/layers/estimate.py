"""Household counts where the source has none: one plain rule, used only when asked, and marked in every row.

A building is a dwelling where its use says so, or where it has no stated use and a footprint of 60 to 1,500
m2. A house counts as 1 household. Other dwellings get footprint x levels x 0.8 / 120 m2, rounded, at least
1; levels that are not stated count as 4 (apartments, dormitories), 3 (other, from 300 m2) or 2. A point
counts as 1 household.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["estimate_households"]

_HOUSES = frozenset(
    [
        "house",
        "detached",
        "semidetached_house",
        "bungalow",
        "farm",
        "villa",
        "cabin",
        "houseboat",
        "static_caravan",
        "别墅",
        "独栋",
    ]
)
_BLOCKS = frozenset(["apartments", "dormitory", "公寓", "宿舍", "商住"])
_DWELLINGS = (
    _HOUSES
    | _BLOCKS
    | frozenset(
        [
            "residential",
            "terrace",
            "block",
            "tower",
            "住宅",
            "居住",
            "居民楼",
            "民宅",
            "商品房",
            "住宅楼",
            "自建房",
            "安置房",
        ]
    )
)

_M2_PER_HOUSEHOLD = 120.0
_USABLE_SHARE = 0.8
_SMALLEST_M2, _LARGEST_M2 = 60.0, 1500.0


def estimate_households(
    geometry: NDArray[np.object_], use: pd.Series, levels: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Estimate households by the rule of this module.

    Parameters
    ----------
    geometry : object, shape (n,)
        Footprints or points, metres.
    use : Series of str or None
        Stated use; None where there is none.
    levels : float64, shape (n,)
        Stated levels; NaN where there are none.

    Returns
    -------
    int64, shape (n,)
        0 where the building is no dwelling.
    """
    stated = use.fillna("").astype(str).str.lower()
    unknown = (stated == "").to_numpy(dtype=bool)
    houses, blocks = stated.isin(_HOUSES).to_numpy(dtype=bool), stated.isin(_BLOCKS).to_numpy(dtype=bool)
    area_m2 = shapely.area(geometry)
    point = shapely.get_type_id(geometry) == 0
    likely = unknown & (point | ((area_m2 >= _SMALLEST_M2) & (area_m2 <= _LARGEST_M2)))
    dwelling = stated.isin(_DWELLINGS).to_numpy(dtype=bool) | likely
    usual = np.where(blocks, 4.0, np.where(area_m2 >= 300, 3.0, 2.0))
    floors = np.where(np.isfinite(levels) & (levels > 0), levels, usual)
    count = np.maximum(np.floor(area_m2 * floors * _USABLE_SHARE / _M2_PER_HOUSEHOLD + 0.5), 1.0)
    count = np.where(houses | point, 1.0, count)
    return np.where(dwelling, count, 0.0).astype(np.int64)
