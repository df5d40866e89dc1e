"""Coarser levels of a stored plan: drawn from its grids, so that they follow every edit, with the parents they had.

A store keeps the grids only. Each grid names the part of the level above in `boundary_code`; the report that was stored
with the plan keeps in `above` of each coarser level what those parts are called and which part they lie in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from gis_core.plan.file import PLAN_COLUMNS, PlanFile
from gis_core.plan.metrics import deviation, polsby_popper, shapes

__all__ = ["coarser_levels", "with_parents", "without_parents"]

#: Key of a row of `levels` in a stored report: code of a part -> its name, and the code of the part it lies in.
_ABOVE = "above"


def with_parents(plan: PlanFile) -> dict[str, Any]:
    """Return the report of a plan to be stored, with the names and parents of the parts of its coarser levels."""
    rows = []
    for row in plan.report.get("levels") or []:
        frame = plan.levels.get(str(row["layer"]))
        rows.append(dict(row) if frame is None else {**row, _ABOVE: _parents(frame)})
    return {**plan.report, "levels": rows} if rows else plan.report


def _parents(frame: GeoDataFrame) -> dict[str, dict[str, str | None]]:
    names = frame["name"] if "name" in frame else [None] * len(frame)
    return {
        str(code): {"name": None if pd.isna(name) else str(name), "boundary_code": str(parent)}
        for code, name, parent in zip(frame["code"], names, frame["boundary_code"], strict=True)
    }


def without_parents(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report as the run that made the plan wrote it."""
    if not report.get("levels"):
        return dict(report)
    rows = [{key: value for key, value in row.items() if key != _ABOVE} for row in report["levels"]]
    return {**report, "levels": rows}


def coarser_levels(
    report: Mapping[str, Any],
    grids: GeoDataFrame,
    cells: GeoDataFrame,
    area_codes: NDArray[np.object_],
    work_crs: str,
) -> dict[str, GeoDataFrame]:
    """Draw the parts of each coarser level.

    Parameters
    ----------
    report : mapping
        As it is stored.
    grids : GeoDataFrame
        With the columns of a plan file.
    cells : GeoDataFrame
        With `grid_code`, in the order of `area_codes`.
    area_codes : object, shape (n_cells,)
        Code of the boundary polygon of each cell.
    work_crs : str
        For areas and lengths.

    Returns
    -------
    dict of str to GeoDataFrame
        Layer -> parts, the coarsest first, in the coordinate system of the cells. Levels above one whose parents are
        not known (a plan that was stored by an older version with three levels or more) are left out, and it too.
    """
    rows = [dict(row) for row in report.get("levels") or []][:-1]
    finer, of = grids, cells["grid_code"].to_numpy(dtype=object)
    found: dict[str, GeoDataFrame] = {}
    for depth in range(len(rows) - 1, -1, -1):
        row = rows[depth]
        above = dict(
            zip(finer["code"].astype(str), finer["boundary_code"].to_numpy(dtype=object), strict=True)
        )
        of = np.array([above.get(code) for code in of], dtype=object)
        known = {
            code: (each["name"], each["boundary_code"]) for code, each in (row.get(_ABOVE) or {}).items()
        }
        codes = sorted({code for code in of if isinstance(code, str)})
        if depth == 0:
            # Boundary polygons stay; what lies in them is seen from the cells.
            for code in codes:
                inside, count = np.unique(area_codes[of == code].astype(str), return_counts=True)
                known.setdefault(code, (None, str(inside[np.argmax(count)])))
        if not set(codes) <= set(known):
            return {}
        finer = _drawn(codes, known, finer, cells, of, work_crs)
        found = {str(row["layer"]): finer, **found}
    return found


def _drawn(
    codes: list[str], known: Mapping[str, tuple[str | None, str]], finer: GeoDataFrame, cells: GeoDataFrame,
    of: NDArray[np.object_], work_crs: str,
) -> GeoDataFrame:  # fmt: skip
    """Join the cells of each part, and sum up the parts of the level below."""
    place = {code: ix for ix, code in enumerate(codes)}
    part = np.array([place.get(code, -1) for code in of], dtype=np.int32)
    polygons = shapes(np.asarray(cells.geometry.array, dtype=object), part, len(codes))
    measured = gpd.GeoSeries(polygons, crs=cells.crs).to_crs(work_crs)
    area, perimeter = (shapely.area(measured.array), shapely.length(measured.array))
    sums = finer.groupby(finer["boundary_code"].astype(str))[["households", "population"]].sum(min_count=1)
    sums = sums.reindex(codes)
    parents, parent_ix = np.unique([known[code][1] for code in codes], return_inverse=True)
    households = sums["households"].to_numpy(dtype=np.int64)
    frame = gpd.GeoDataFrame(
        {
            "code": codes,
            "name": pd.array([known[code][0] for code in codes], dtype="str"),
            "boundary_code": parents[parent_ix].astype(object),
            "households": households,
            "population": sums["population"].to_numpy(dtype=np.float64),
            "area_m2": area,
            "perimeter_m": perimeter,
            "polsby_popper": polsby_popper(area, perimeter),
            "deviation": deviation(households.astype(np.float64), parent_ix.astype(np.int32)),
        },
        geometry=polygons,
        crs=cells.crs,
    )
    return frame[[*PLAN_COLUMNS["grids"], "geometry"]]
