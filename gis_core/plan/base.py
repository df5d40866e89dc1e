"""From a data version and changes of its base data to the next version, and the plan carried onto it.

The ground is cut anew only where it changed; where only counts, names or places of facilities change, every cell stays.
Works on the layers as the store gives them. Must not know HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_core.errors import CoverageError
from gis_core.fabric import build_fabric
from gis_core.fabric.mend import Mended, mend_fabric
from gis_core.model import AdjacencyGraph, Dataset, Fabric
from gis_core.plan.base_apply import Applied, apply_changes, require_inside
from gis_core.plan.base_changes import BaseChange
from gis_core.plan.base_cut import expand_cuts, with_cut_lines
from gis_core.plan.carry import LEAST_COVER, largest_overlap

__all__ = [
    "Layers",
    "NextVersion",
    "carry_assignment",
    "change_version",
    "from_runs",
    "layers_as_dataset",
    "to_runs",
]

WGS84 = "EPSG:4326"
#: Beyond what a change touches (degrees), layers are not looked at: some 30 m.
_MARGIN_DEG = 3e-4
#: West, south, east, north in degrees.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Layers:
    """A data version as the store gives it.

    Attributes
    ----------
    frames : dict of str to GeoDataFrame
        Every layer by its name in the store, in degrees, rows in order; `buildings` with `cell_ix`.
    graph : AdjacencyGraph
    work_crs : str
    """

    frames: Mapping[str, gpd.GeoDataFrame]
    graph: AdjacencyGraph
    work_crs: str


@dataclass(frozen=True)
class NextVersion:
    """A data version after changes.

    Attributes
    ----------
    layers : Layers
    old_cell_ix : int32, shape (n_cells,)
        The cell of before that each cell is; -1 where the ground was cut anew.
    new_cell_ix : int32, shape (n_cells before,)
        Where each cell of before is now; of one that is gone, the cell that lies under its point.
    redrawn : bool, shape (n_cells,)
        Whether polygon, households or people of the cell differ from before.
    recut : bool
        Whether any ground was cut anew: if not, cells keep their numbers.
    building_from : int64, shape (n_buildings,)
        Row that each building had before; -1 where it is new or moved.
    inverse : tuple of dict
        The changes that restore the layers.
    sources : dict of str to int64
        Of the layers that differ: row that each row had before; -1 where it is new.
    differs : dict of str to bool
        Of the same: whether a row is new or differs from the one before.
    """

    layers: Layers
    old_cell_ix: NDArray[np.int32]
    new_cell_ix: NDArray[np.int32]
    redrawn: NDArray[np.bool_]
    recut: bool
    building_from: NDArray[np.int64]
    inverse: tuple[dict[str, Any], ...]
    sources: Mapping[str, NDArray[np.int64]]
    differs: Mapping[str, NDArray[np.bool_]]


def change_version(before: Layers, changes: Sequence[BaseChange]) -> NextVersion:
    """Apply changes of base data to a data version.

    Parameters
    ----------
    before : Layers
        Not changed.
    changes : sequence of BaseChange

    Returns
    -------
    NextVersion

    Raises
    ------
    EditError
        Where a change cannot be applied.
    CoverageError
        Where the ground cannot be cut so that the cells fit together.
    """
    applied = apply_changes(before.frames, expand_cuts(before.frames, before.work_crs, changes))
    if len(applied.changed) == 0:
        return _counted(before, applied)
    reach = _reach(before, applied.changed)
    fabric = _fabric(before, reach)
    after = _dataset(applied.frames, before.work_crs, reach)
    metres = Transformer.from_crs(WGS84, before.work_crs, always_xy=True)
    changed = shapely.transform(applied.changed, metres.transform, interleaved=False)
    try:
        mended = mend_fabric(after, fabric, applied.building_from, changed)
    except CoverageError:
        fabric = _fabric(before)
        whole = build_fabric(_dataset(applied.frames, before.work_crs), processes=1)
        mended = Mended(whole, np.full(whole.n_cells, -1, np.int32), np.ones(whole.n_cells, bool))
    fresh = applied.building_from < 0
    require_inside(after.buildings["id"].to_numpy()[fresh].tolist(), mended.fabric.building_cell_ix[fresh])
    return _recut(before, applied, fabric, mended)


def _counted(before: Layers, applied: Applied) -> NextVersion:
    """Return the version whose cells stay as they are."""
    cells, buildings = before.frames["cells"], applied.frames["buildings"]
    cell_ix = buildings["cell_ix"].to_numpy(dtype=np.int32)
    if applied.frames["buildings"] is not before.frames["buildings"]:
        # Rows that were set have lost their cell; rows stay where they were.
        cell_ix = before.frames["buildings"]["cell_ix"].to_numpy(dtype=np.int32)
        buildings = buildings.assign(cell_ix=cell_ix)
    inside = cell_ix >= 0
    sums = {
        "households": _sum(cell_ix[inside], buildings["households"].to_numpy()[inside], len(cells)).astype(
            np.int64
        ),
        "population": _sum(
            cell_ix[inside], np.nan_to_num(buildings["population"].to_numpy()[inside]), len(cells)
        ),
    }
    changed = np.zeros(len(cells), bool)
    for name, values in sums.items():
        old = cells[name].to_numpy()
        # Sums in another order differ by rounding: what did not change stays bit by bit.
        same = np.isclose(old, values, rtol=1e-9, atol=1e-9)
        changed |= ~same
        sums[name] = np.where(same, old, values)
    frames = {**applied.frames, "buildings": buildings, "cells": cells.assign(**sums)}
    same_ix = np.arange(len(cells), dtype=np.int32)
    return NextVersion(
        Layers(frames, before.graph, before.work_crs),
        same_ix,
        same_ix,
        changed,
        False,
        applied.building_from,
        applied.inverse,
        {**applied.sources, "cells": np.arange(len(cells), dtype=np.int64)},
        {**applied.touched, "cells": changed},
    )


def _sum(cell: NDArray[np.int32], value: NDArray[Any], n_cells: int) -> NDArray[np.float64]:
    return np.bincount(cell, weights=value.astype(np.float64), minlength=n_cells).astype(np.float64)


def _recut(before: Layers, applied: Applied, old: Fabric, mended: Mended) -> NextVersion:
    fabric, old_cell_ix = mended.fabric, mended.old_cell_ix
    cells = gpd.GeoDataFrame(
        {
            "cell_ix": np.arange(fabric.n_cells, dtype=np.int64),
            "area_ix": fabric.boundary_ix.astype(np.int64),
            "enclosure_ix": fabric.enclosure_ix.astype(np.int64),
            "households": fabric.households,
            "population": fabric.population,
        },
        geometry=_degrees(before, old, mended),
        crs=WGS84,
    )
    buildings = applied.frames["buildings"].assign(cell_ix=fabric.building_cell_ix.astype(np.int64))
    stay = np.flatnonzero(old_cell_ix >= 0)
    was = before.frames["cells"].iloc[old_cell_ix[stay]]
    redrawn = mended.redrawn.copy()
    for name in ("households", "population"):
        now, then = cells[name].to_numpy()[stay], was[name].to_numpy()
        same = np.isclose(now, then, rtol=1e-9, atol=1e-9)
        redrawn[stay[~same]] = True
        values = cells[name].to_numpy().copy()
        values[stay[same]] = then[same]
        cells[name] = values
    return NextVersion(
        Layers({**applied.frames, "buildings": buildings, "cells": cells}, fabric.graph, before.work_crs),
        old_cell_ix,
        _new_places(old, fabric, old_cell_ix),
        redrawn,
        True,
        applied.building_from,
        applied.inverse,
        *_rows(before, applied, old, fabric, old_cell_ix, redrawn),
    )


def _rows(
    before: Layers,
    applied: Applied,
    old: Fabric,
    new: Fabric,
    old_cell_ix: NDArray[np.int32],
    redrawn: NDArray[np.bool_],
) -> tuple[dict[str, NDArray[np.int64]], dict[str, NDArray[np.bool_]]]:
    """Return where the rows of the layers come from, and which differ, with the cells that buildings have now."""
    same = np.arange(len(before.frames["buildings"]), dtype=np.int64)
    sources = {"buildings": same, **applied.sources, "cells": old_cell_ix.astype(np.int64)}
    was = np.maximum(old_cell_ix, 0)
    moved = (old.enclosure_ix[was] != new.enclosure_ix) | (old.boundary_ix[was] != new.boundary_ix)
    row = sources["buildings"]
    touched = applied.touched.get("buildings", np.zeros(len(row), bool))
    cell_was = before.frames["buildings"]["cell_ix"].to_numpy()[np.maximum(row, 0)]
    differs = {
        **applied.touched,
        "cells": redrawn | (old_cell_ix < 0) | moved,
        "buildings": touched | (row < 0) | (cell_was != new.building_cell_ix),
    }
    return sources, differs


def _degrees(before: Layers, old: Fabric, mended: Mended) -> NDArray[np.object_]:
    """Return the cells in degrees; those that stay, and every vertex that stood there before, bit by bit as stored."""
    stored = np.asarray(before.frames["cells"].geometry.array, dtype=object)
    result = np.empty(mended.fabric.n_cells, dtype=object)
    same = ~mended.redrawn
    result[same] = stored[mended.old_cell_ix[same]]
    gone = np.ones(len(stored), bool)
    gone[mended.old_cell_ix[same]] = False
    there = shapely.get_coordinates(old.cells[gone])
    degrees = shapely.get_coordinates(stored[gone])
    known = {point.tobytes(): at for at, point in enumerate(np.ascontiguousarray(there))}
    back = Transformer.from_crs(before.work_crs, WGS84, always_xy=True)

    def to_degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        placed = np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
        for row, point in enumerate(np.ascontiguousarray(xy)):
            at = known.get(point.tobytes())
            if at is not None:
                placed[row] = degrees[at]
        return placed

    result[~same] = shapely.transform(mended.fabric.cells[~same], to_degrees)
    fresh = result[~same]
    if not (shapely.is_valid(fresh).all() and shapely.coverage_is_valid(fresh)):
        raise CoverageError("The cells do not fit together there; please report this with the change.")
    return result


def _new_places(old: Fabric, new: Fabric, old_cell_ix: NDArray[np.int32]) -> NDArray[np.int32]:
    place = np.full(old.n_cells, -1, np.int32)
    stay = np.flatnonzero(old_cell_ix >= 0)
    place[old_cell_ix[stay]] = stay
    fresh, gone = np.flatnonzero(old_cell_ix < 0), np.flatnonzero(place < 0)
    if len(fresh) and len(gone):
        points = shapely.points(old.graph.x[gone], old.graph.y[gone])
        place[gone] = fresh[shapely.STRtree(new.cells[fresh]).nearest(points)]
    return place


def layers_as_dataset(layers: Layers) -> tuple[Dataset, Fabric]:
    """Return a data version as the dataset and fabric that it was made of, in projected metres."""
    return _dataset(layers.frames, layers.work_crs), _fabric(layers)


def _reach(layers: Layers, changed: NDArray[np.object_]) -> Box:
    """Return the box in degrees around the enclosures that a change may touch, and the cells beside them."""
    cells = np.asarray(layers.frames["cells"].geometry.array, dtype=object)
    enclosure = layers.frames["cells"]["enclosure_ix"].to_numpy()
    tree = shapely.STRtree(cells)
    near = shapely.buffer(shapely.envelope(changed), _MARGIN_DEG)
    hit = np.isin(enclosure, enclosure[np.unique(tree.query(near)[1])])
    beside = layers.graph.indices[np.repeat(hit, np.diff(layers.graph.indptr))]
    hit[beside] = True
    bounds = shapely.bounds(np.concatenate([cells[hit], changed]))
    west, south = (bounds[:, :2].min(axis=0) - _MARGIN_DEG).tolist()
    east, north = (bounds[:, 2:].max(axis=0) + _MARGIN_DEG).tolist()
    return west, south, east, north


def _placed(frame: gpd.GeoDataFrame, work_crs: str, reach: Box | None) -> gpd.GeoDataFrame:
    """Return a layer in projected metres; where a box is given, with empty shapes for what lies outside of it."""
    if reach is None:
        return frame.to_crs(work_crs)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    west, south, east, north = reach
    box = shapely.bounds(shapes)
    inside = np.flatnonzero(
        (box[:, 0] <= east) & (box[:, 2] >= west) & (box[:, 1] <= north) & (box[:, 3] >= south)
    )
    placed = np.full(len(shapes), shapely.Polygon(), dtype=object)
    placed[inside] = np.asarray(frame.geometry.iloc[inside].to_crs(work_crs).array, dtype=object)
    return frame.set_geometry(gpd.GeoSeries(placed, index=frame.index, crs=work_crs))


def _fabric(layers: Layers, reach: Box | None = None) -> Fabric:
    """Return the cells in projected metres, those outside of a box without their shapes."""
    cells = layers.frames["cells"]
    return Fabric(
        cells=np.asarray(_placed(cells, layers.work_crs, reach).geometry.array, dtype=object),
        boundary_ix=cells["area_ix"].to_numpy(dtype=np.int32),
        enclosure_ix=cells["enclosure_ix"].to_numpy(dtype=np.int32),
        households=cells["households"].to_numpy(dtype=np.int64),
        population=cells["population"].to_numpy(dtype=np.float64),
        building_cell_ix=layers.frames["buildings"]["cell_ix"].to_numpy(dtype=np.int32),
        graph=layers.graph,
    )


def _dataset(frames: Mapping[str, gpd.GeoDataFrame], work_crs: str, reach: Box | None = None) -> Dataset:
    names = {"areas": "boundary"}
    placed = {
        names.get(name, name): _placed(frame, work_crs, reach if name != "areas" else None)
        for name, frame in frames.items()
        if name != "cells"
    }
    buildings = placed["buildings"]
    buildings = with_cut_lines(buildings, work_crs)
    placed["buildings"] = buildings.assign(row=np.arange(len(buildings), dtype=np.int64))
    streets = placed["streets"]
    placed["streets"] = streets.assign(rank=streets["rank"].astype(np.uint8))
    crs = CRS.from_user_input(work_crs)
    return Dataset(name="", source="", work_crs=crs, source_crs=crs, **placed)


def carry_assignment(before: Layers, after: NextVersion, assignment: NDArray[np.int32]) -> NDArray[np.int32]:
    """Carry the grids of a plan onto the cells of the next version.

    A cell that stays keeps its grid. One that was cut anew goes to the grid that its buildings had, where these stood
    before; else to the grid that holds most of its ground. What found none stays unassigned.

    Parameters
    ----------
    before : Layers
    after : NextVersion
        Made from `before`.
    assignment : int32, shape (n_cells before,)

    Returns
    -------
    int32, shape (n_cells,)
    """
    old = after.old_cell_ix
    result = np.where(old >= 0, assignment[np.maximum(old, 0)], -1).astype(np.int32)
    fresh = np.flatnonzero(old < 0)
    if len(fresh) == 0:
        return result
    by_id = _by_buildings(before, after, assignment)
    result[fresh] = by_id[fresh]
    rest = fresh[result[fresh] < 0]
    gone = np.ones(len(assignment), bool)
    gone[old[old >= 0]] = False
    source = np.flatnonzero(gone & (assignment >= 0))
    crs = before.work_crs
    ground = before.frames["cells"].geometry.iloc[source].to_crs(crs)
    wanted = after.layers.frames["cells"].geometry.iloc[rest].to_crs(crs)
    found, covered = largest_overlap(
        np.asarray(wanted.array, dtype=object),
        np.asarray(ground.array, dtype=object),
        assignment[source].astype(np.int64),
    )
    found[covered < LEAST_COVER] = -1
    result[rest] = found
    return _nested(before, after, assignment, result, fresh)


def _by_buildings(before: Layers, after: NextVersion, assignment: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the grid with most households, then most buildings, of each cell's buildings before; -1: none."""
    buildings = after.layers.frames["buildings"]
    cell = buildings["cell_ix"].to_numpy()
    known = np.flatnonzero((after.building_from >= 0) & (cell >= 0))
    was = before.frames["buildings"]["cell_ix"].to_numpy()[after.building_from[known]]
    grid = np.where(was >= 0, assignment[np.maximum(was, 0)], -1)
    known, grid = known[grid >= 0], grid[grid >= 0]
    table = pd.DataFrame(
        {
            "cell": cell[known],
            "grid": grid,
            "households": buildings["households"].to_numpy()[known],
            "buildings": 1,
        }
    )
    table = table.groupby(["cell", "grid"], as_index=False).sum()
    table = table.sort_values(
        ["cell", "households", "buildings", "grid"], ascending=[True, False, False, True]
    ).drop_duplicates("cell")
    result = np.full(len(after.old_cell_ix), -1, np.int32)
    result[table["cell"]] = table["grid"]
    return result


def to_runs(new_cell_ix: NDArray[np.int32]) -> list[list[int]]:
    """Write where cells went as runs `[first old cell, first new cell, how many]`.

    Examples
    --------
    >>> to_runs(np.array([0, 1, 5, 2, 3], np.int32))
    [[0, 0, 2], [2, 5, 1], [3, 2, 2]]
    """
    if len(new_cell_ix) == 0:
        return []
    starts = np.flatnonzero(np.diff(new_cell_ix.astype(np.int64), prepend=-9) != 1)
    lengths = np.diff(starts, append=len(new_cell_ix))
    return [
        list(run) for run in zip(starts.tolist(), new_cell_ix[starts].tolist(), lengths.tolist(), strict=True)
    ]


def from_runs(runs: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Read what `to_runs` wrote."""
    parts = [np.arange(new, new + length, dtype=np.int32) for _, new, length in runs]
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def _nested(
    before: Layers,
    after: NextVersion,
    assignment: NDArray[np.int32],
    result: NDArray[np.int32],
    fresh: NDArray[np.intp],
) -> NDArray[np.int32]:
    """Take the new cells that lie in another boundary polygon than their grid out of it."""
    inside = np.flatnonzero(assignment >= 0)
    home = np.full(int(assignment.max(initial=-1)) + 2, -1, np.int64)
    home[assignment[inside][::-1]] = before.frames["cells"]["area_ix"].to_numpy()[inside][::-1]
    area = after.layers.frames["cells"]["area_ix"].to_numpy()[fresh]
    wrong = fresh[(result[fresh] >= 0) & (home[result[fresh]] != area)]
    result[wrong] = -1
    return result
