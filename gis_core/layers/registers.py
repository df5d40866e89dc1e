"""Who works where (`staff`) and what stands where and is whose (`assets`): registers that come with a dataset.

Rows that say too little are named and left out. Nothing of residents is read: only columns of the contract are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_core.layers.attributes import source_ids
from gis_core.layers.columns import text_column

if TYPE_CHECKING:
    from gis_core.layers.frames import Reading
    from gis_core.layers.raw import RawLayer

__all__ = ["ASSET_COLUMNS", "STAFF_COLUMNS", "read_assets", "read_staff"]

STAFF_COLUMNS: tuple[str, ...] = ("id", "name", "role", "grid_code", "building_id", "phone", "hours")
ASSET_COLUMNS: tuple[str, ...] = ("id", "category", "owner", "name")


def read_staff(raw: RawLayer | None, reading: Reading) -> pd.DataFrame | None:
    """Return the rows that name somebody and a grid or building, as text; None where there is no such layer."""
    if raw is None:
        return None
    columns = reading.columns(raw)
    ids, _blank = source_ids(raw.table, columns)
    reading.summarise(raw, None, columns, "no geometry")
    texts = {name: text_column(raw.table, columns.get(name, [])) for name in STAFF_COLUMNS if name != "id"}
    frame = pd.DataFrame({"id": ids, **texts}, index=raw.table.index).astype(object)
    unnamed = frame["name"].isna()
    nowhere = ~unnamed & frame["grid_code"].isna() & frame["building_id"].isna()
    for wrong, code, what, fix in (
        (unnamed, "staff-without-name", "nobody is named", "Fill in the name."),
        (nowhere, "staff-nowhere", "neither grid nor building is named", "Fill in grid_code or building_id."),
    ):
        rows = np.flatnonzero(wrong)
        if len(rows):
            reading.log.drop(code, raw.layer, what, fix, rows=rows, ids=ids[rows], left="left out")
    return frame[~(unnamed | nowhere)].reset_index(drop=True)[list(STAFF_COLUMNS)]


def read_assets(
    raw: RawLayer,
    columns: Mapping[str, list[str]],
    ids: NDArray[np.object_],
    geometry: NDArray[np.object_],
    keep: NDArray[np.bool_],
    reading: Reading,
) -> gpd.GeoDataFrame:
    """Return the assets that have a place and a category, `geometry` and `keep` being what came of their places."""
    texts = {name: text_column(raw.table, columns.get(name, [])) for name in ASSET_COLUMNS if name != "id"}
    frame = pd.DataFrame({"id": ids, **texts}, index=raw.table.index).astype(object)
    blank = frame["category"].isna().to_numpy(dtype=bool) & keep
    if blank.any():
        rows = np.flatnonzero(blank)
        reading.log.drop(
            "asset-without-category",
            raw.layer,
            "it does not say what it is",
            "Fill in category, such as 井盖.",
            rows=rows,
            ids=ids[rows],
            left="left out",
        )
    ownerless = int((frame["owner"].isna().to_numpy(dtype=bool) & keep & ~blank).sum())
    if ownerless:
        reading.log.add(
            "asset-without-owner",
            raw.layer,
            f"{ownerless:,} of {len(frame):,} have no owner; cases about them fall to rules and territory",
            "Fill in owner where it is known.",
            "warning",
        )
    rows = np.flatnonzero(keep & ~blank)
    return gpd.GeoDataFrame(
        frame.iloc[rows].reset_index(drop=True), geometry=list(geometry[rows]), crs=reading.work_crs
    )
