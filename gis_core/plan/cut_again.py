"""Cuts made again: buildings that were divided under one data version, divided in the same way under another.

A draft that moves onto newer data, and a plan file that comes into a store that has its buildings whole, keep what the
planner has divided. Must not know HTTP or SQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.errors import EditError
from gis_core.plan.base import Layers, layers_as_dataset
from gis_core.plan.base_changes import BaseChange, PartWish
from gis_core.plan.base_cut import DECIMALS, LINES, SOURCE, CutTown, apportion, cut_changes, lines_of
from gis_core.plan.carry import carry_plan
from gis_core.plan.metrics import shapes

if TYPE_CHECKING:
    from gis_core.plan.file import PlanFile

__all__ = ["plan_cuts", "plan_on_cells", "recut_changes"]

WGS84 = "EPSG:4326"


def recut_changes(
    old: Mapping[str, gpd.GeoDataFrame], new: Mapping[str, gpd.GeoDataFrame], work_crs: str
) -> list[dict[str, Any]]:
    """Return the cuts of one data version as changes of another, where the same buildings stand whole.

    A building that has other households now is shared out as it was; one whose ground the lines do not divide in the
    same way any more stays whole.

    Parameters
    ----------
    old, new : mapping of str to GeoDataFrame
        Layers `buildings` and `cells`.
    work_crs : str
        Of the new version.
    """
    before = CutTown.of(old, work_crs)
    sources = sorted({str(extra[SOURCE]) for extra in before.extra if SOURCE in extra})
    if not sources:
        return []
    after = CutTown.of(new, work_crs)
    divided = {str(extra[SOURCE]) for extra in after.extra if SOURCE in extra}
    result = []
    for source in sources:
        row = after.row_of.get(source)
        if row is None or source in divided:
            continue
        change = _recut(before, after, source, row)
        if change is not None:
            result.append(change)
    return result


def plan_cuts(plan: PlanFile, frames: Mapping[str, gpd.GeoDataFrame], work_crs: str) -> list[dict[str, Any]]:
    """Return the cuts that a plan file shows (buildings `ID#1`, `ID#2`) as changes of a version where `ID` is whole.

    Parameters
    ----------
    plan : PlanFile
    frames : mapping of str to GeoDataFrame
        Layers `buildings` and `cells` of the version.
    work_crs : str
    """
    whole = set(frames["buildings"]["id"].astype(str))
    buildings, cells = plan.buildings.to_crs(WGS84), plan.cells.to_crs(WGS84)
    ids = buildings["id"].astype(str).tolist()
    source = [id_.rpartition("#")[0] if id_ not in whole else "" for id_ in ids]
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(source):
        if name in whole:
            rows_of.setdefault(name, []).append(row)
    extra: list[str | None] = [None] * len(ids)
    polygons = np.asarray(cells.geometry.array, dtype=object)
    for name, rows in rows_of.items():
        grounds = polygons[buildings["cell_id"].to_numpy()[rows]]
        text = shapely.to_wkt(_between(grounds), rounding_precision=DECIMALS)
        for row in rows:
            extra[row] = json.dumps({SOURCE: name, LINES: text})
    parts = [row for rows in rows_of.values() for row in rows]
    old = buildings.assign(extra=extra, cell_ix=buildings["cell_id"]).iloc[parts].reset_index(drop=True)
    return recut_changes({"buildings": old, "cells": cells}, frames, work_crs)


def _between(grounds: NDArray[np.object_]) -> Any:
    """Return the borders between pieces of ground that fit together."""
    edges = shapely.boundary(grounds)
    found = [
        shapely.intersection(edges[a], edges[b]) for a in range(len(edges)) for b in range(a + 1, len(edges))
    ]
    lines = shapely.get_parts(np.array(found, dtype=object)) if found else np.empty(0, dtype=object)
    lines = lines[shapely.get_dimensions(lines) == 1]
    return shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines)))


def _recut(before: CutTown, after: CutTown, source: str, row: int) -> dict[str, Any] | None:
    """Return the cut of one building on other ground; None where it does not fit there."""
    rows = before.parts_of(source)
    cells = before.buildings["cell_ix"].to_numpy()[rows]
    if len(rows) < 2 or (cells < 0).any() or len(np.unique(cells)) < len(rows):
        return None
    grounds = before.metres(np.asarray(before.cells.geometry.array[cells], dtype=object))
    lines = lines_of(before.extra[rows[0]])
    base = before.buildings["households"].to_numpy(dtype=np.float64)[rows]
    if not base.sum():
        base = shapely.area(grounds)
    counts = apportion(int(after.buildings["households"].iloc[row]), base)
    places = before.degrees(shapely.point_on_surface(grounds))
    change = {
        "op": "cut",
        "layer": "buildings",
        "id": source,
        "geometry": dict(shapely.geometry.mapping(lines)),
        "parts": [
            {"at": [place.x, place.y], "households": count}
            for place, count in zip(places, counts, strict=True)
        ],
    }
    wishes = tuple(PartWish(place, count, None) for place, count in zip(places, counts, strict=True))
    try:
        cut_changes(after, BaseChange(0, "cut", "buildings", source, None, lines, {}, wishes), set())
    except EditError:
        return None
    return change


def plan_on_cells(plan: PlanFile, layers: Layers) -> PlanFile | None:
    """Return a plan file with the cells of a data version in place of its own; None where they do not fit.

    They fit where every cell finds its grid and every grid has the households that the file says.

    Parameters
    ----------
    plan : PlanFile
    layers : Layers
    """
    dataset, fabric = layers_as_dataset(layers)
    if len(plan.cells) != fabric.n_cells:
        return None
    found = carry_plan(fabric, dataset, plan)
    codes = np.array([*found.codes, None], dtype=object)[found.assignment]
    without = int(plan.cells["grid_code"].isna().sum())
    inside = found.assignment >= 0
    households = np.bincount(
        found.assignment[inside], weights=fabric.households[inside], minlength=len(found.codes)
    )
    if int((~inside).sum()) != without or not np.array_equal(households, plan.grids["households"]):
        return None
    cells = gpd.GeoDataFrame(
        {
            "cell_id": np.arange(fabric.n_cells, dtype=np.int64),
            "grid_code": pd.array(codes, dtype="str"),
            "households": fabric.households,
        },
        geometry=layers.frames["cells"].geometry.to_numpy(),
        crs=WGS84,
    )
    drawn = shapes(np.asarray(cells.geometry.array, dtype=object), found.assignment, len(found.codes))
    grids = plan.grids.to_crs(WGS84).set_geometry(gpd.GeoSeries(drawn, index=plan.grids.index, crs=WGS84))
    return replace(plan, cells=cells, grids=grids)
