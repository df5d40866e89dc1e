"""Repository of plans: the assignment of cells to grids as one array, and the grids with their polygons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, insert, select

from gis_core.errors import ConflictError, DatasetError, NotFoundError, some_of
from gis_core.plan.file import PLAN_COLUMNS, PlanFile
from gis_core.store import attributes, datasets
from gis_core.store.levels import coarser_levels, with_parents, without_parents
from gis_core.store.models import Building, Cell, Grid, Plan, layer_columns, table_of
from gis_core.store.packing import pack_ints, unpack_ints
from gis_core.store.records import BBox, PlanRecord, PlanState
from gis_core.store.rows import (
    WGS84,
    by_ix,
    column_values,
    page,
    plain_text,
    query_shape,
    read_frame,
)

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = [
    "add",
    "as_file",
    "assignment",
    "buildings",
    "delete_draft",
    "get",
    "grid_codes",
    "grids",
    "list_all",
    "mismatch",
    "require",
    "state_now",
    "total_households",
]

_PLAN, _GRID, _CELL, _BUILDING = table_of(Plan), table_of(Grid), table_of(Cell), table_of(Building)
_LISTED = [column for column in _PLAN.columns if column.name != "assignment"]
# Two conversions of one coordinate agree far closer; two towns lie further apart.
_SAME_PLACE_DEG = 1e-6


def mismatch(connection: Connection, dialect: Dialect, dataset_id: int, plan: PlanFile) -> str | None:
    """Say why a plan does not belong to a data version; None where it does."""
    version = datasets.get(connection, dataset_id)
    start = f"The plan {plan.name} does not belong to data version {dataset_id} ({version.name}): "
    cells = plan.cells
    n_cells = version.counts["cells"]
    if len(cells) != n_cells:
        return start + f"it has {len(cells)} cells, the data version {n_cells}."
    if not np.array_equal(cells["cell_id"].to_numpy(), np.arange(n_cells)):
        return start + "its cells are not numbered 0, 1, 2, ... in order."
    stored = connection.execute(
        select(_CELL.c.households).where(_CELL.c.dataset_id == dataset_id).order_by(_CELL.c.ix)
    )
    if "households" in cells and not np.array_equal(cells["households"].to_numpy(), stored.scalars().all()):
        return start + "households of its cells differ."
    box = datasets.layer(
        connection, dialect, dataset_id, "cells", bbox=None, limit=None, offset=0
    ).total_bounds
    if n_cells and not np.allclose(cells.to_crs(WGS84).total_bounds, box, rtol=0, atol=_SAME_PLACE_DEG):
        return start + "it lies elsewhere."
    return None


def add(
    connection: Connection, dialect: Dialect, plan: PlanFile, *, dataset_id: int, name: str, created_by: str
) -> int:
    """Write a plan and its grids; return its number.

    Raises
    ------
    DatasetError
        Where the plan was made on another dataset.
    """
    reason = mismatch(connection, dialect, dataset_id, plan)
    if reason:
        raise DatasetError(reason)
    codes = column_values(_GRID, "code", plan.grids["code"])
    cells = _grid_ix_of(codes, plan.cells["grid_code"])
    placed = plan.grids.to_crs(WGS84)
    bounds = plan.report.get("bounds") or (None, None)
    west, south, east, north = placed.total_bounds.tolist() if len(placed) else [None] * 4
    values = {
        "dataset_id": dataset_id,
        "name": plain_text(name),
        "state": "draft",
        "revision": 0,
        "created_at": datetime.now(UTC),
        "created_by": plain_text(created_by),
        "n_grids": len(placed),
        "n_cells": len(cells),
        "households": total_households(connection, dataset_id),
        "min_households": bounds[0],
        "max_households": bounds[1],
        "seed": plan.report.get("seed"),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "report": json.dumps(with_parents(plan), ensure_ascii=False),
        "assignment": pack_ints(cells),
    }
    plan_id = int(connection.execute(insert(_PLAN).values(**values).returning(_PLAN.c.id)).scalar_one())
    columns = {
        column: column_values(_GRID, column, placed[column] if column in placed else [None] * len(placed))
        for column in PLAN_COLUMNS["grids"]
    }
    keys = {"plan_id": [plan_id] * len(placed), "grid_ix": list(range(len(placed)))}
    shapes = np.asarray(placed.geometry.array, dtype=object).copy()
    shapes[shapely.is_missing(shapes)] = shapely.MultiPolygon()
    dialect.bulk_insert(connection, _GRID, keys | columns, shapes)
    attributes.add_all(connection, plan_id, _attributes(columns))
    return plan_id


def _attributes(columns: dict[str, list[Any]]) -> dict[str, Any]:
    """Return what the grids of a new plan carry, by path."""
    found: dict[str, Any] = {}
    for grid_ix, (code, boundary, name) in enumerate(
        zip(columns["code"], columns["boundary_code"], columns["name"], strict=True)
    ):
        found[f"grid/{grid_ix}"] = {"code": code, "boundary_code": boundary}
        if name:
            found[f"grid/{grid_ix}/name"] = name
    return found


def _grid_ix_of(codes: list[str], grid_code: Any) -> NDArray[np.int32]:
    """Return the position of each cell's code among the grids; -1 where the cell has none."""
    place = {code: ix for ix, code in enumerate(codes)}
    if len(place) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise DatasetError(f"Several grids of the plan have one code: {some_of(twice)}.")
    wanted = [code if isinstance(code, str) else None for code in grid_code]
    unknown = sorted({code for code in wanted if code is not None and code not in place})
    if unknown:
        raise DatasetError(f"Cells of the plan name grids that are not in it: {some_of(unknown)}.")
    return np.array([-1 if code is None else place[code] for code in wanted], dtype=np.int32)


def total_households(connection: Connection, dataset_id: int) -> int:
    """Return the households of all cells of a data version."""
    query = select(_CELL.c.households).where(_CELL.c.dataset_id == dataset_id)
    return sum(connection.execute(query).scalars())


def require(connection: Connection, plan_id: int) -> Row[Any]:
    """Return what a list shows of a plan.

    Raises
    ------
    NotFoundError
        Where there is none of this number.
    """
    row = (
        connection.execute(select(*_LISTED).where(_PLAN.c.id == plan_id)).first()
        if 0 < plan_id < 2**63
        else None
    )
    if row is None:
        raise NotFoundError(f"There is no plan {plan_id}: `wangge plans` lists what is there.", id=plan_id)
    return row


def get(connection: Connection, plan_id: int) -> PlanRecord:
    """Return one plan."""
    return _record(require(connection, plan_id))


def list_all(connection: Connection, *, limit: int, offset: int) -> list[PlanRecord]:
    """Return a page of the plans, the newest first."""
    query = page(select(*_LISTED).order_by(_PLAN.c.id.desc()), limit, offset)
    return [_record(row) for row in connection.execute(query)]


def state_now(state: PlanState, valid_to: datetime | None) -> PlanState:
    """Return the state of a plan at this moment; what is superseded from a later day is still in force."""
    still = state == "superseded" and valid_to is not None and valid_to > datetime.now(UTC)
    return "published" if still else state


def _record(row: Row[Any]) -> PlanRecord:
    return PlanRecord(
        id=row.id,
        dataset_id=row.dataset_id,
        name=row.name,
        state=state_now(row.state, row.valid_to),
        revision=row.revision,
        created_at=row.created_at,
        created_by=row.created_by,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        n_grids=row.n_grids,
        n_cells=row.n_cells,
        households=row.households,
        bounds=None if row.min_households is None else (row.min_households, row.max_households),
        seed=row.seed,
        bbox=None if row.west is None else (row.west, row.south, row.east, row.north),
        report=json.loads(row.report),
        based_on=row.based_on,
    )


def grids(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    *,
    bbox: BBox | None,
    limit: int | None,
    offset: int,
) -> GeoDataFrame:
    """Return a page of the grids of a plan, by `grid_ix`."""
    shape = query_shape(bbox)
    require(connection, plan_id)
    query = select(_GRID).where(_GRID.c.plan_id == plan_id).order_by(_GRID.c.grid_ix)
    if shape is not None:
        query = query.where(dialect.intersects(_GRID, shape))
    columns = {column: _GRID.c[column] for column in layer_columns(Grid)}
    query = page(query, limit, offset)
    return read_frame(
        connection, dialect, query, columns=columns, geometry=_GRID.c.geom, index=_GRID.c.grid_ix
    )


def assignment(connection: Connection, plan_id: int) -> NDArray[np.int32]:
    """Return the grid of each cell."""
    require(connection, plan_id)
    return unpack_ints(
        bytes(connection.execute(select(_PLAN.c.assignment).where(_PLAN.c.id == plan_id)).scalar_one())
    )


def grid_codes(connection: Connection, plan_id: int) -> NDArray[np.object_]:
    """Return the codes of all grids ever by `grid_ix`, and None at the end, which -1 finds."""
    codes = np.full(attributes.n_grids_ever(connection, plan_id) + 1, None, dtype=object)
    for grid_ix, (code, _) in attributes.retired(connection, plan_id).items():
        codes[grid_ix] = code
    for row in connection.execute(select(_GRID.c.grid_ix, _GRID.c.code).where(_GRID.c.plan_id == plan_id)):
        codes[row.grid_ix] = row.code
    return codes


def buildings(connection: Connection, dialect: Dialect, plan_id: int) -> GeoDataFrame:
    """Return the buildings inside the boundary with cell and grid."""
    dataset_id = require(connection, plan_id).dataset_id
    query = by_ix(_BUILDING, dataset_id).where(_BUILDING.c.cell_ix >= 0)
    columns = {"id": _BUILDING.c.id, "households": _BUILDING.c.households, "cell_id": _BUILDING.c.cell_ix}
    frame = read_frame(
        connection, dialect, query, columns=columns, geometry=_BUILDING.c.geom, index=_BUILDING.c.ix
    )
    codes = grid_codes(connection, plan_id)[assignment(connection, plan_id)]
    frame.insert(
        3, "grid_code", pd.Series(codes[frame["cell_id"].to_numpy()], index=frame.index, dtype=object)
    )
    return frame


def as_file(connection: Connection, dialect: Dialect, plan_id: int) -> PlanFile:
    """Return a plan in the form in which it is written and exported, with its coarser levels."""
    plan = get(connection, plan_id)
    cells = datasets.layer(connection, dialect, plan.dataset_id, "cells", bbox=None, limit=None, offset=0)
    codes = grid_codes(connection, plan_id)[assignment(connection, plan_id)]
    cells = cells.rename(columns={"cell_ix": "cell_id"}).assign(grid_code=pd.Series(codes, dtype=object))
    frames = {
        "grids": grids(connection, dialect, plan_id, bbox=None, limit=None, offset=0),
        "buildings": buildings(connection, dialect, plan_id),
        "cells": cells,
    }
    parts = {
        layer: frame[[*PLAN_COLUMNS[layer], "geometry"]].reset_index(drop=True)
        for layer, frame in frames.items()
    }
    levels = {}
    if plan.report.get("levels"):
        areas = datasets.layer(connection, dialect, plan.dataset_id, "areas", bbox=None, limit=None, offset=0)
        area = areas["code"].to_numpy(dtype=object)[cells["area_ix"].to_numpy(dtype=np.int64)]
        work_crs = datasets.get(connection, plan.dataset_id).work_crs
        levels = coarser_levels(plan.report, parts["grids"], parts["cells"], area, work_crs)
    return PlanFile(**parts, report=without_parents(plan.report), name=plan.name, levels=levels)


def delete_draft(connection: Connection, dialect: Dialect, plan_id: int) -> None:
    """Delete a draft with its grids and edits.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ConflictError
        Where it is no draft.
    """
    state = require(connection, plan_id).state
    if state != "draft":
        raise ConflictError(
            f"Plan {plan_id} is {state}: only drafts are deleted.", case="no-draft", state=state
        )
    connection.execute(delete(_GRID).where(_GRID.c.plan_id == plan_id))
    connection.execute(delete(_PLAN).where(_PLAN.c.id == plan_id))
    dialect.refresh_extent(connection, _GRID)
