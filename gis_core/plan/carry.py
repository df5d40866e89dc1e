"""Carry the grids of a plan, or polygons drawn elsewhere, onto the cells of a (newer) dataset.

A cell goes to the grid that its buildings had, matched by `id`; a cell of which no building is known goes to the grid
that holds most of its ground. What found no home stays unassigned and is listed. Each grid stays inside one boundary
polygon, the one with most of its households; grids that fell into pieces are left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.errors import CrsError, DatasetError, ParameterError, some_of
from gis_core.model import Dataset, Fabric

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.plan.file import PlanFile

__all__ = ["CarryOver", "carry_plan", "carry_polygons", "largest_overlap", "require_code_column"]

#: A cell that lies on less than this share of carried ground has no home.
LEAST_COVER = 0.5
#: Ids that are only row numbers are trusted where building and building are at most so far apart, metres.
SAME_SPOT_M = 25.0


@dataclass(frozen=True)
class CarryOver:
    """Grids of before on the cells of now.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
        Position in `codes` of the grid of each cell; -1: none.
    codes : tuple of str
        Codes of before, in their order there; those that have no cell any more too.
    counts : dict of str to int
        Cells by each rule: `by_id`, `by_ground`, `homeless`; `mixed` (cells whose buildings had several grids: the one
        with most households took it), `across` (cells taken from a grid because they lie in another boundary
        polygon than most of it); of plans also the buildings `buildings_known`, `buildings_new`, `buildings_gone`.
    homeless : list of dict
        Cells without a grid: `cell_ix`, `boundary_code`, `households`, `buildings` (ids), those with most
        households first.
    settled : float64, shape (n_cells,)
        Households of each cell that were in a grid before: what changes hands if the cell does.
    """

    assignment: NDArray[np.int32]
    codes: tuple[str, ...]
    counts: dict[str, int]
    homeless: list[dict[str, Any]]
    settled: NDArray[np.float64]


def carry_polygons(fabric: Fabric, dataset: Dataset, frame: GeoDataFrame, code_col: str) -> CarryOver:
    """Carry polygons with a code onto the cells by the largest overlap of ground.

    Parameters
    ----------
    fabric : Fabric
        Built from `dataset`.
    dataset : Dataset
    frame : GeoDataFrame
        Polygons in any coordinate system; rows with one code are one area, rows without code or polygon are left out.
    code_col : str
        Column with the codes; they are compared as text.

    Returns
    -------
    CarryOver

    Raises
    ------
    ParameterError
        Where there is no such column.
    CrsError
        Where the layer names no coordinate system.
    DatasetError
        Where no polygon has a code.
    """
    require_code_column(frame, code_col)
    polygons, code = _polygons(frame, code_col, dataset)
    if len(polygons) == 0:
        raise DatasetError(
            f"No row has both a polygon and a code in {code_col!r}; check the layer and the column."
        )
    number, names = pd.factorize(code)
    area_ix, covered = largest_overlap(fabric.cells, polygons, number.astype(np.int64))
    area_ix[covered < LEAST_COVER] = -1
    counts = {"by_id": 0, "by_ground": int((area_ix >= 0).sum())}
    return _settle(fabric, dataset, area_ix, [str(name) for name in names], counts, None)


def require_code_column(frame: GeoDataFrame, code_col: str) -> None:
    """Refuse polygons without a column of codes or without a coordinate system; needs no cells.

    Raises
    ------
    ParameterError
        Where there is no such column.
    CrsError
        Where the layer names no coordinate system.
    """
    if code_col not in frame.columns or code_col == frame.geometry.name:
        have = some_of([str(name) for name in frame.columns if name != frame.geometry.name], limit=12)
        raise ParameterError(
            f"There is no column {code_col!r} with codes (columns: {have or 'none'}); name one of them."
        )
    if frame.crs is None:
        raise CrsError(
            "The layer with the grid polygons names no coordinate system; write it again with one."
        )


def carry_plan(fabric: Fabric, dataset: Dataset, plan: PlanFile) -> CarryOver:
    """Carry the grids of a plan onto the cells of a dataset: by building `id`, else by the largest overlap of ground.

    Parameters
    ----------
    fabric : Fabric
        Built from `dataset`.
    dataset : Dataset
    plan : PlanFile

    Returns
    -------
    CarryOver

    Notes
    -----
    Where the dataset has no ids of its own (they are row numbers), a building is known only if one of that number
    stood on that spot. The part `ID#2` of a divided building is known by `ID` too.
    """
    codes = [str(code) for code in plan.grids["code"]]
    known = _known_buildings(fabric, dataset, plan, {code: ix for ix, code in enumerate(codes)})
    by_id, mixed = _majority(fabric, dataset, known, len(codes))
    rest = np.flatnonzero(by_id < 0)
    polygons, code = _polygons(plan.grids, "code", dataset)
    position = {name: ix for ix, name in enumerate(codes)}
    number = np.array([position[name] for name in code], dtype=np.int64)
    by_ground, covered = largest_overlap(fabric.cells[rest], polygons, number)
    by_ground[covered < LEAST_COVER] = -1
    assignment = by_id.copy()
    assignment[rest] = by_ground
    placed = fabric.building_cell_ix >= 0
    counts = {
        "by_id": int((by_id >= 0).sum()),
        "by_ground": int((by_ground >= 0).sum()),
        "mixed": mixed,
        "buildings_known": int((known[placed] >= 0).sum()),
        "buildings_new": int((known[placed] < 0).sum()),
        "buildings_gone": int((~plan.buildings["id"].astype(str).isin(dataset.buildings["id"])).sum()),
    }
    return _settle(fabric, dataset, assignment, codes, counts, known)


def _polygons(
    frame: GeoDataFrame, code_col: str, dataset: Dataset
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the valid polygons that have a code, in working metres, and their codes as text."""
    rows = frame[frame[code_col].notna() & frame.geometry.notna()].to_crs(dataset.work_crs)
    shape = shapely.force_2d(np.asarray(rows.geometry.values, dtype=object))
    invalid = ~shapely.is_valid(shape)
    shape[invalid] = shapely.make_valid(shape[invalid], method="structure", keep_collapsed=False)
    use = (shapely.get_dimensions(shape) == 2) & (shapely.area(shape) > 0)
    code = np.array([_text(value) for value in rows[code_col]], dtype=object)
    return shape[use], code[use]


def _text(value: object) -> str:
    """Write a code as text; whole numbers that came as decimals without their point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def largest_overlap(
    cells: NDArray[np.object_], polygons: NDArray[np.object_], number: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find for each cell the number that holds most of its ground (the first of equals), and how much is held at all.

    Cells wholly in one polygon, which are most of them, need no intersection.
    """
    best, covered = np.full(len(cells), -1, np.int32), np.zeros(len(cells))
    if len(cells) == 0:
        return best, covered
    tree = shapely.STRtree(cells)
    which, inside = tree.query(polygons, predicate="covers")
    pairs = [np.column_stack([inside, which])]
    across = np.ones(len(cells), dtype=bool)
    across[inside] = False
    which, cell = tree.query(polygons, predicate="intersects")
    keep = across[cell]
    pairs.append(np.column_stack([cell[keep], which[keep]]))
    share = [
        np.ones(len(pairs[0])),
        shapely.area(shapely.intersection(cells[cell[keep]], polygons[which[keep]]))
        / shapely.area(cells[cell[keep]]),
    ]
    pair = np.concatenate(pairs)
    table = pd.DataFrame({"cell": pair[:, 0], "number": number[pair[:, 1]], "share": np.concatenate(share)})
    table = table.groupby(["cell", "number"], as_index=False)["share"].sum()
    np.add.at(covered, table["cell"], table["share"])
    # a micron of rounding must not decide between equals
    table["share"] = table["share"].round(9)
    table = table[table["share"] > 0].sort_values(["cell", "share", "number"], ascending=[True, False, True])
    first = table.drop_duplicates("cell")
    best[first["cell"]] = first["number"]
    return best, covered


def _known_buildings(
    fabric: Fabric, dataset: Dataset, plan: PlanFile, position: dict[str, int]
) -> NDArray[np.int32]:
    """Return the grid that each building of the dataset had in the plan; -1: a new building, or one without grid."""
    old = plan.buildings
    had = pd.Series(
        [-1 if code is None or code != code else position.get(str(code), -1) for code in old["grid_code"]],  # noqa: PLR0124 - NaN is not itself
        index=pd.RangeIndex(len(old)),
        dtype=np.int64,
    )
    old_id = old["id"].astype(str).to_numpy()
    row_of = pd.Series(np.arange(len(old)), index=old_id)
    row_of = row_of[~row_of.index.duplicated()]
    ids = dataset.buildings["id"].astype(str)
    row = row_of.reindex(ids).to_numpy(dtype=np.float64, copy=True)
    part = np.isnan(row) & ids.str.contains("#", regex=False).to_numpy()
    if part.any():
        whole = ids[part].str.rsplit("#", n=1).str[0]
        row[part] = row_of.reindex(whole).to_numpy()
    found = np.flatnonzero(~np.isnan(row))
    row_ix = row[found].astype(np.int64)
    if bool((ids.to_numpy() == dataset.buildings["row"].astype(str).to_numpy()).all()):
        now = dataset.buildings.geometry.values[found]
        then = old.geometry.to_crs(dataset.work_crs).values[row_ix]
        near = shapely.distance(np.asarray(now, dtype=object), np.asarray(then, dtype=object)) <= SAME_SPOT_M
        found, row_ix = found[near], row_ix[near]
    known = np.full(len(ids), -1, dtype=np.int32)
    known[found] = had.to_numpy()[row_ix]
    return known


def _majority(
    fabric: Fabric, dataset: Dataset, known: NDArray[np.int32], n_codes: int
) -> tuple[NDArray[np.int32], int]:
    """Give each cell the grid with most of its households, then most buildings, then the first; count disputes."""
    result = np.full(fabric.n_cells, -1, np.int32)
    at = np.flatnonzero((known >= 0) & (fabric.building_cell_ix >= 0))
    table = pd.DataFrame(
        {
            "cell": fabric.building_cell_ix[at],
            "grid": known[at],
            "households": dataset.buildings["households"].to_numpy()[at],
            "buildings": 1,
        }
    )
    table = table.groupby(["cell", "grid"], as_index=False).sum()
    table = table.sort_values(
        ["cell", "households", "buildings", "grid"], ascending=[True, False, False, True]
    )
    first = table.drop_duplicates("cell")
    result[first["cell"]] = first["grid"]
    return result, len(table) - len(first)


def _settle(
    fabric: Fabric,
    dataset: Dataset,
    assignment: NDArray[np.int32],
    codes: Sequence[str],
    counts: dict[str, int],
    known: NDArray[np.int32] | None,
) -> CarryOver:
    """Keep each grid inside one boundary polygon, count the rules, and list what found no home."""
    assignment = assignment.astype(np.int32)
    across = _across(fabric, assignment, len(codes))
    assignment[across] = -1
    lost = np.flatnonzero(assignment < 0)
    lost = lost[np.argsort(-fabric.households[lost], kind="stable")]
    building_ids = dataset.buildings["id"].astype(str).to_numpy()
    cell_of = fabric.building_cell_ix
    ids: dict[int, list[str]] = {}
    for row in np.flatnonzero(np.isin(cell_of, lost) & (cell_of >= 0)):
        ids.setdefault(int(cell_of[row]), []).append(str(building_ids[row]))
    boundary = [str(code) for code in dataset.boundary["code"]]
    homeless = [
        {
            "cell_ix": cell,
            "boundary_code": boundary[fabric.boundary_ix[cell]],
            "households": int(fabric.households[cell]),
            "buildings": ids.get(cell, []),
        }
        for cell in lost.tolist()
    ]
    settled = fabric.households.astype(np.float64)
    if known is not None:
        at = np.flatnonzero((known >= 0) & (cell_of >= 0))
        settled = np.bincount(
            cell_of[at], weights=dataset.buildings["households"].to_numpy()[at], minlength=fabric.n_cells
        ).astype(np.float64)
    settled[assignment < 0] = 0
    totals = {"by_id": 0, "by_ground": 0, "mixed": 0} | counts
    return CarryOver(
        assignment,
        tuple(codes),
        {**totals, "across": len(across), "homeless": len(lost)},
        homeless,
        settled,
    )


def _across(fabric: Fabric, assignment: NDArray[np.int32], n_codes: int) -> NDArray[np.int64]:
    """List the cells of grids that lie in another boundary polygon than most of the grid's households, then ground."""
    at = np.flatnonzero(assignment >= 0)
    table = pd.DataFrame(
        {
            "grid": assignment[at],
            "boundary": fabric.boundary_ix[at],
            "households": fabric.households[at],
            "area": fabric.graph.area_m2[at],
        }
    )
    table = table.groupby(["grid", "boundary"], as_index=False).sum()
    table = table.sort_values(
        ["grid", "households", "area", "boundary"], ascending=[True, False, False, True]
    )
    first = table.drop_duplicates("grid")
    home = np.full(n_codes, -1, np.int32)
    home[first["grid"]] = first["boundary"]
    return at[fabric.boundary_ix[at] != home[assignment[at]]]
