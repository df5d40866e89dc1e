"""Repository of edits: each sets the grid of some cells, and keeps what stood there before.

The revision in the plan's row is the lock: whoever raises it first wins, the other is told. Only the touched
grids are counted and drawn anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from geopandas import GeoSeries
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from gis_core.errors import ConflictError, ParameterError, some_of
from gis_core.store import plans
from gis_core.store.models import Cell, DatasetVersion, Edit, Grid, Plan, table_of
from gis_core.store.packing import pack_delta, pack_ints, unpack_delta
from gis_core.store.records import EditRecord
from gis_core.store.rows import WGS84, plain_text

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = ["add", "list_since"]

_PLAN, _GRID, _CELL, _EDIT = table_of(Plan), table_of(Grid), table_of(Cell), table_of(Edit)
# Beyond this many cells one pass over the table is quicker than asking by number.
_MANY_CELLS = 20_000
_ASKED_AT_ONCE = 500


def add(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    *,
    expected_revision: int,
    who: str,
    kind: str,
    cell_ix: NDArray[np.integer],
    grid_ix: NDArray[np.integer],
) -> int:
    """Give cells to other grids; return the new revision."""
    cells, wanted = _checked(cell_ix, grid_ix)
    _raise_revision(connection, plan_id, expected_revision)
    plan = plans.require(connection, plan_id)
    _require_inside("cell", cells, 0, plan.n_cells, plan_id)
    _require_inside("grid", wanted, -1, plan.n_grids, plan_id)
    assignment = plans.assignment(connection, plan_id)
    before = assignment[cells]
    assignment[cells] = wanted
    connection.execute(update(_PLAN).where(_PLAN.c.id == plan_id).values(assignment=pack_ints(assignment)))
    connection.execute(
        insert(_EDIT).values(
            plan_id=plan_id,
            revision=plan.revision,
            at=datetime.now(UTC),
            who=plain_text(who),
            kind=plain_text(kind),
            n_cells=len(cells),
            delta=pack_delta(cells, wanted, before),
        )
    )
    moved = before != wanted
    touched = np.unique(np.concatenate([before[moved], wanted[moved]]))
    _redraw(connection, dialect, plan, assignment, touched[touched >= 0])
    return int(plan.revision)


def _checked(
    cell_ix: NDArray[np.integer], grid_ix: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the arrays of an edit as int32."""
    arrays = [np.asarray(cell_ix), np.asarray(grid_ix)]
    for name, array in zip(("cell_ix", "grid_ix"), arrays, strict=True):
        if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
            raise ParameterError(f"{name} of an edit is a list of whole numbers.")
        if array.size and (array.min() < -1 or array.max() > np.iinfo(np.int32).max):
            raise ParameterError(f"{name} of an edit holds numbers that no plan has.")
    if len(arrays[0]) != len(arrays[1]):
        raise ParameterError(
            f"An edit names {len(arrays[0])} cells but {len(arrays[1])} grids; there is one for each."
        )
    cells, counts = np.unique(arrays[0], return_counts=True)
    if (counts > 1).any():
        raise ParameterError(f"An edit names cell {some_of(cells[counts > 1].tolist())} more than once.")
    return arrays[0].astype(np.int32), arrays[1].astype(np.int32)


def _raise_revision(connection: Connection, plan_id: int, expected: int) -> None:
    """Raise the revision of a draft that still is at the expected one; its row is locked from here on."""
    query = update(_PLAN).where(_PLAN.c.id == plan_id, _PLAN.c.revision == expected, _PLAN.c.state == "draft")
    if connection.execute(query.values(revision=_PLAN.c.revision + 1)).rowcount == 1:
        return
    plan = plans.require(connection, plan_id)
    if plan.state != "draft":
        raise ConflictError(f"Plan {plan_id} is {plan.state}: only a draft can be edited.", state=plan.state)
    raise ConflictError(
        f"Plan {plan_id} is at revision {plan.revision}, the edit was made on {expected}: "
        "somebody else changed it first, load the plan again.",
        revision=plan.revision,
        expected=expected,
    )


def _require_inside(what: str, numbers: NDArray[np.int32], lowest: int, count: int, plan_id: int) -> None:
    outside = numbers[(numbers < lowest) | (numbers >= count)]
    if len(outside):
        raise ParameterError(
            f"Plan {plan_id} has no {what} {some_of(outside.tolist())}.", **{f"{what}_ix": outside.tolist()}
        )


def _redraw(
    connection: Connection,
    dialect: Dialect,
    plan: Row[Any],
    assignment: NDArray[np.int32],
    touched: NDArray[np.int32],
) -> None:
    """Count and draw the touched grids anew from their cells."""
    if len(touched) == 0:
        return
    members = np.flatnonzero(np.isin(assignment, touched))
    rows = _cells(connection, plan.dataset_id, members)
    owner = assignment[members]
    households = np.array([row.households for row in rows], dtype=np.int64)
    population = np.array([row.population for row in rows], dtype=np.float64)
    shapes = dialect.decode([row.geom for row in rows])
    polygons = [shapely.coverage_union_all(shapes[owner == grid]) for grid in touched]
    # A grid in one piece stays a Polygon; the union is a collection otherwise only where it has no cell.
    drawn = np.array(
        [shapely.MultiPolygon() if shape.is_empty else shape for shape in polygons], dtype=object
    )
    measured = _measure(connection, plan.dataset_id, drawn)
    for grid, blob, (area, perimeter) in zip(touched.tolist(), dialect.encode(drawn), measured, strict=True):
        mine = owner == grid
        values = {
            "households": int(households[mine].sum()),
            "population": float(population[mine].sum()),
            "area_m2": area,
            "perimeter_m": perimeter,
            "polsby_popper": 4 * np.pi * area / perimeter**2 if perimeter else None,
            "geom": blob,
        }
        connection.execute(
            update(_GRID).where(_GRID.c.plan_id == plan.id, _GRID.c.grid_ix == grid).values(**values)
        )
    _set_deviation(connection, plan.id, touched)
    dialect.refresh_extent(connection, _GRID)


def _cells(connection: Connection, dataset_id: int, members: NDArray[np.intp]) -> list[Any]:
    """Return the rows of cells in ascending order of `ix`, as `members` are."""
    query = (
        select(_CELL.c.ix, _CELL.c.households, _CELL.c.population, _CELL.c.geom)
        .where(_CELL.c.dataset_id == dataset_id)
        .order_by(_CELL.c.ix)
    )
    if len(members) > _MANY_CELLS:
        wanted = set(members.tolist())
        return [row for row in connection.execute(query) if row.ix in wanted]
    found: list[Any] = []
    for start in range(0, len(members), _ASKED_AT_ONCE):
        some = members[start : start + _ASKED_AT_ONCE].tolist()
        found += connection.execute(query.where(_CELL.c.ix.in_(some))).all()
    return found


def _measure(
    connection: Connection, dataset_id: int, shapes: NDArray[np.object_]
) -> list[tuple[float, float]]:
    """Return area in m2 and perimeter in m of shapes in degrees."""
    version = table_of(DatasetVersion)
    work_crs = connection.execute(select(version.c.work_crs).where(version.c.id == dataset_id)).scalar_one()
    placed = GeoSeries(shapes, crs=WGS84).to_crs(work_crs)
    return list(zip(placed.area.tolist(), placed.length.tolist(), strict=True))


def _set_deviation(connection: Connection, plan_id: int, touched: NDArray[np.int32]) -> None:
    """Set the deviation of the grids in the boundary polygons of the touched ones, where it changed."""
    rows = connection.execute(
        select(
            _GRID.c.fid, _GRID.c.grid_ix, _GRID.c.boundary_code, _GRID.c.households, _GRID.c.deviation
        ).where(_GRID.c.plan_id == plan_id)
    ).all()
    mine = set(touched.tolist())
    groups: dict[str | None, list[Any]] = {row.boundary_code: [] for row in rows if row.grid_ix in mine}
    for row in rows:
        if row.boundary_code in groups:
            groups[row.boundary_code].append(row)
    changed = []
    for group in groups.values():
        mean = sum(row.households for row in group) / len(group)
        for row in group:
            deviation = (row.households - mean) / mean if mean else None
            if deviation != row.deviation:
                changed.append({"key": row.fid, "value": deviation})
    if changed:
        one = update(_GRID).where(_GRID.c.fid == bindparam("key")).values(deviation=bindparam("value"))
        connection.execute(one, changed)


def list_since(connection: Connection, plan_id: int, *, since: int) -> list[EditRecord]:
    """Return the edits after a revision, the oldest first."""
    plans.require(connection, plan_id)
    query = (
        select(_EDIT).where(_EDIT.c.plan_id == plan_id, _EDIT.c.revision > since).order_by(_EDIT.c.revision)
    )
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> EditRecord:
    cell_ix, grid_ix, before = unpack_delta(bytes(row.delta))
    return EditRecord(
        id=row.id,
        plan_id=row.plan_id,
        revision=row.revision,
        at=row.at,
        who=row.who,
        kind=row.kind,
        cell_ix=cell_ix,
        grid_ix=grid_ix,
        inverse_grid_ix=before,
    )
