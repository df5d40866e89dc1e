"""Repository of versions made by changes of base data, and of plans that move onto them.

A version never changes. A draft whose base data change gets a new version; the one that it leaves is deleted with it
where it was made by changes too and nobody else needs it, so that an hour of work leaves one version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select, update

from gis_core.errors import ConflictError
from gis_core.plan.base import (
    Layers,
    NextVersion,
    carry_assignment,
    change_version,
    layers_as_dataset,
    to_runs,
)
from gis_core.plan.base_changes import parse_changes
from gis_core.plan.carry import carry_plan
from gis_core.plan.cut_again import recut_changes
from gis_core.plan.edit import Change
from gis_core.store import attributes, datasets, edits, plans
from gis_core.store.models import LAYERS, Building, Cell, DatasetVersion, Grid, Plan, table_of
from gis_core.store.packing import pack_ints
from gis_core.store.records import BaseResult, EditRecord
from gis_core.store.redraw import figures, redraw, set_deviation
from gis_core.store.rewinding import BASE_PATH, found_again, gone_rows
from gis_core.store.rows import plain_text

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = [
    "Moved",
    "add_version",
    "carry_whole",
    "is_spare",
    "locked_cells",
    "locks_after",
    "move_plan",
    "moved_by",
    "read_layers",
    "repeated",
]

_VERSION, _PLAN, _GRID = table_of(DatasetVersion), table_of(Plan), table_of(Grid)
_CELL, _BUILDING = table_of(Cell), table_of(Building)
Ints = NDArray[np.int32]


class Moved:
    """Where the cells of a plan are after its base data changed.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
    new_cell_ix : int32, shape (n_cells before,)
        Where each cell of before is now.
    lost : bool, shape (n_cells,)
        Cells without grid that were cut anew.
    redrawn : bool, shape (n_cells,)
        Cells whose polygon or counts differ from before.
    logged : dict
        What the log keeps so that this can be taken back exactly (`rewinding`).
    locked : dict of int to bool
        Cells that were gone and are back: whether they were locked.
    """

    def __init__(
        self,
        assignment: Ints,
        new_cell_ix: Ints,
        lost: NDArray[np.bool_],
        redrawn: NDArray[np.bool_],
        logged: dict[str, Any] | None = None,
        locked: Mapping[int, bool] | None = None,
    ) -> None:
        self.assignment, self.new_cell_ix = assignment, new_cell_ix
        self.lost, self.redrawn = lost, redrawn
        self.logged, self.locked = logged or {}, locked or {}


def read_layers(connection: Connection, dialect: Dialect, dataset_id: int) -> Layers:
    """Read a whole data version."""
    frames = {
        name: datasets.layer(connection, dialect, dataset_id, name, bbox=None, limit=None, offset=0)
        for name in LAYERS
    }
    return Layers(
        frames, datasets.graph(connection, dataset_id), datasets.get(connection, dataset_id).work_crs
    )


def add_version(
    connection: Connection,
    dialect: Dialect,
    dataset_id: int,
    before: Layers,
    after: NextVersion,
    *,
    changes: Sequence[Mapping[str, Any]],
    who: str,
    replace: bool = False,
) -> int:
    """Write the version that changes made of another; return its number.

    Parameters
    ----------
    replace : bool
        Whether the other will be dropped: then the new one takes over its origin and its list of changes.
    """
    source = connection.execute(select(_VERSION).where(_VERSION.c.id == dataset_id)).one()
    step = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": plain_text(who),
        "changes": list(changes),
    }
    known = json.loads(source.changes) if replace and source.changes else []
    values = {
        **{name: getattr(source, name) for name in ("name", "source", "attribution", "work_crs")},
        "imported_by": plain_text(who),
        "derived_from": source.derived_from if replace else dataset_id,
        "changes": json.dumps([*known, step], ensure_ascii=False),
    }
    taken = datasets.TakenOver(dataset_id, after.sources, after.differs, moves=replace)
    return datasets.write(connection, dialect, values, after.layers.frames, after.layers.graph, taken)


def is_spare(connection: Connection, dataset_id: int, plan_id: int) -> bool:
    """Tell whether a version was made by changes, and nobody but one plan needs it."""
    row = connection.execute(select(_VERSION.c.derived_from).where(_VERSION.c.id == dataset_id)).one()
    if row.derived_from is None:
        return False
    others = (
        select(func.count()).select_from(_PLAN).where(_PLAN.c.dataset_id == dataset_id, _PLAN.c.id != plan_id)
    )
    made = select(func.count()).select_from(_VERSION).where(_VERSION.c.derived_from == dataset_id)
    return not connection.execute(others).scalar_one() and not connection.execute(made).scalar_one()


def carry_whole(
    connection: Connection, dialect: Dialect, plan_id: int, dataset_id: int, who: str
) -> tuple[int, Moved]:
    """Carry a plan onto any other version: by building id, else by the largest overlap of ground.

    Buildings that were divided for the plan and stand whole there are divided in a version made from it.

    Returns
    -------
    int, Moved
        The version that the plan stands on then.
    """
    plan = plans.require(connection, plan_id)
    layers = read_layers(connection, dialect, dataset_id)
    old_frames = {
        name: datasets.layer(connection, dialect, plan.dataset_id, name, bbox=None, limit=None, offset=0)
        for name in ("buildings", "cells")
    }
    changes = recut_changes(old_frames, layers.frames, layers.work_crs)
    if changes:
        after = change_version(layers, parse_changes(changes))
        dataset_id = add_version(connection, dialect, dataset_id, layers, after, changes=changes, who=who)
        layers = after.layers
    dataset, fabric = layers_as_dataset(layers)
    file = plans.as_file(connection, dialect, plan_id)
    found = carry_plan(fabric, dataset, file)
    number = plans.grids(connection, dialect, plan_id, bbox=None, limit=None, offset=0)["grid_ix"].to_numpy()
    assignment = np.append(number, -1)[found.assignment].astype(np.int32)
    old = datasets.graph(connection, plan.dataset_id)
    before = datasets.get(connection, plan.dataset_id).work_crs
    points = shapely.points(old.x, old.y)
    if before != layers.work_crs:
        from geopandas import GeoSeries

        points = np.asarray(GeoSeries(points, crs=before).to_crs(layers.work_crs).array, dtype=object)
    place = shapely.STRtree(fabric.cells).nearest(points).astype(np.int32)
    return dataset_id, Moved(assignment, place, assignment < 0, np.ones(len(assignment), bool))


def moved_by(
    before: Layers,
    after: NextVersion,
    assignment: Ints,
    locked: frozenset[int],
    gone_before: Sequence[Sequence[Any]],
) -> Moved:
    """Carry a plan onto the version that changes made of its own.

    Parameters
    ----------
    assignment : int32
        On the version before.
    locked : frozenset of int
        Its locked cells.
    gone_before
        Of a change that is taken back: the cells that were gone by it (`rewinding.gone_rows`), which get their grids
        again.
    """
    result = carry_assignment(before, after, assignment)
    fresh = np.flatnonzero(after.old_cell_ix < 0).astype(np.int32)
    cells = after.layers.frames["cells"]
    again = found_again(gone_before, np.asarray(cells.geometry.array, dtype=object), fresh)
    living = np.unique(assignment)
    restored: dict[int, bool] = {}
    back: list[list[int]] = []
    for (cell, grid, _, _, was_locked), at in zip(gone_before, again.tolist(), strict=True):
        if at < 0:
            continue
        back.append([cell, at])
        restored[at] = bool(was_locked)
        if grid < 0 or grid in living:
            result[at] = grid
    kept = np.zeros(len(assignment), bool)
    kept[after.old_cell_ix[after.old_cell_ix >= 0]] = True
    shapes = np.asarray(before.frames["cells"].geometry.array, dtype=object)
    gone = np.flatnonzero(~kept).astype(np.int32)
    logged: dict[str, Any] = {"made": len(fresh), "gone": gone_rows(shapes, assignment, gone, locked)}
    if back:
        logged["back"] = back
    return Moved(
        result, after.new_cell_ix, (result < 0) & (after.old_cell_ix < 0), after.redrawn, logged, restored
    )


def locked_cells(connection: Connection, plan_id: int) -> frozenset[int]:
    """Return the locked cells of a plan."""
    return frozenset(
        int(path.rsplit("/", 1)[1]) for path in attributes.read(connection, plan_id, below="lock/cell/")
    )


def move_plan(
    connection: Connection,
    dialect: Dialect,
    plan: Row[Any],
    before: Ints,
    dataset_id: int,
    moved: Moved,
    *,
    value: dict[str, Any],
    who: str,
    key: str | None,
    undoes: int | None,
) -> BaseResult:
    """Put a draft, whose revision is raised by now, onto another version; grids that differ are drawn anew.

    Parameters
    ----------
    before : int32
        Assignment on the version that it leaves.
    value : dict
        What the log keeps of the change.
    """
    _move_locks(connection, plan.id, moved)
    total = select(func.coalesce(func.sum(_CELL.c.households), 0)).where(_CELL.c.dataset_id == dataset_id)
    households = int(connection.execute(total).scalar_one())
    connection.execute(
        update(_PLAN)
        .where(_PLAN.c.id == plan.id)
        .values(
            dataset_id=dataset_id,
            assignment=pack_ints(moved.assignment),
            n_cells=len(moved.assignment),
            households=households,
        )
    )
    touched = _redraw(connection, dialect, plan.id, dataset_id, before, moved)
    lost = np.flatnonzero(moved.lost)
    if value["recut"]:
        value["cells"] = to_runs(moved.new_cell_ix)
    value = {
        **value,
        **moved.logged,
        "dataset": dataset_id,
        "unmatched": _unmatched(connection, dataset_id, lost),
        "households": households - plan.households,
    }
    nothing = np.empty(0, np.int32)
    record = edits.log(
        connection,
        plan,
        who=who,
        kind="base" if undoes is None else "undo",
        delta=(nothing, nothing, nothing),
        changes=[Change(BASE_PATH, value, {"dataset": plan.dataset_id})],
        key=key,
        undoes=undoes,
    )
    return _result(record, figures(connection, plan.id, moved.assignment, touched))


def locks_after(locked: frozenset[int], moved: Moved) -> frozenset[int]:
    """Return the locked cells by the numbers that they have after a move."""
    now = {int(moved.new_cell_ix[cell]) for cell in locked} - {-1}
    kept = {cell for cell in now if moved.locked.get(cell, True)}
    return frozenset(kept | {cell for cell, on in moved.locked.items() if on})


def _move_locks(connection: Connection, plan_id: int, moved: Moved) -> None:
    """Give locked cells the numbers that they have now."""
    locked = locked_cells(connection, plan_id)
    now = locks_after(locked, moved)
    changes = [Change(f"lock/cell/{cell}", None, True) for cell in sorted(locked - now)]
    changes += [Change(f"lock/cell/{cell}", True) for cell in sorted(now - locked)]
    attributes.write(connection, plan_id, changes)


def _redraw(
    connection: Connection, dialect: Dialect, plan_id: int, dataset_id: int, before: Ints, moved: Moved
) -> list[int]:
    """Draw and count the grids anew that have a cell that differs; return them."""
    place = moved.new_cell_ix
    now = np.where(place >= 0, moved.assignment[np.maximum(place, 0)], -1)
    differs = (now != before) | (place < 0) | moved.redrawn[np.maximum(place, 0)]
    touched = np.union1d(before[differs], moved.assignment[moved.redrawn])
    living = connection.execute(
        select(_GRID.c.grid_ix, _GRID.c.boundary_code).where(_GRID.c.plan_id == plan_id)
    ).all()
    codes = {row.grid_ix: row.boundary_code for row in living}
    grids = [grid for grid in touched.tolist() if grid in codes]
    redraw(connection, dialect, plan_id, dataset_id, moved.assignment, np.array(grids, dtype=np.int32))
    if grids:
        set_deviation(connection, plan_id, {codes[grid] for grid in grids})
        dialect.refresh_extent(connection, _GRID)
    return grids


def _unmatched(connection: Connection, dataset_id: int, lost: NDArray[np.intp]) -> list[dict[str, Any]]:
    """Return the cells that found no grid, with their households and buildings."""
    if len(lost) == 0:
        return []
    wanted = set(lost.tolist())
    of_cell: dict[int, list[str]] = {}
    query = select(_BUILDING.c.cell_ix, _BUILDING.c.id).where(_BUILDING.c.dataset_id == dataset_id)
    for row in connection.execute(query.order_by(_BUILDING.c.ix)):
        if row.cell_ix in wanted:
            of_cell.setdefault(row.cell_ix, []).append(row.id)
    counts = (
        select(_CELL.c.ix, _CELL.c.households).where(_CELL.c.dataset_id == dataset_id).order_by(_CELL.c.ix)
    )
    return [
        {"cell_ix": row.ix, "households": row.households, "buildings": of_cell.get(row.ix, [])}
        for row in connection.execute(counts)
        if row.ix in wanted
    ]


def repeated(connection: Connection, plan_id: int, key: str | None) -> BaseResult | None:
    """Return what a change with this key was answered; None where there is none.

    Raises
    ------
    ConflictError
        Where the key belongs to another kind of edit.
    """
    edit = edits.with_key(connection, plan_id, key)
    if edit is None:
        return None
    if not any(change.path == BASE_PATH for change in edit.changes):
        raise ConflictError(
            f"Plan {plan_id} has another edit with the key {key}: give each edit a key of its own.",
            revision=edit.revision,
        )
    return _result(edit, {}, repeated=True)


def _result(edit: EditRecord, found: dict[int, Any], *, repeated: bool = False) -> BaseResult:
    value = next(change.value for change in edit.changes if change.path == BASE_PATH)
    return BaseResult(
        edit=edit,
        dataset_id=value["dataset"],
        recut=value["recut"],
        unmatched=tuple(value["unmatched"]),
        inverse=tuple(value["inverse"]),
        cells_new=value.get("made", 0),
        cells_gone=len(value.get("gone", ())),
        households=value.get("households", 0),
        figures=found,
        repeated=repeated,
    )
