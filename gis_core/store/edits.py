"""Repository of edits: each sets cells and attributes of a draft, and keeps what stood there before.

The revision in the plan's row is the lock: whoever raises it first wins, the other is told what changed. Every
edit is checked anew; only the touched grids are counted and drawn anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, insert, select, update

from gis_core.errors import ConflictError, EditError, NotFoundError, ParameterError, StaleRevisionError
from gis_core.plan.edit import Change, net_cells, net_changes, require_arrays
from gis_core.store import plans
from gis_core.store.applying import Draft
from gis_core.store.models import IS_BASE, Edit, Plan, table_of
from gis_core.store.packing import pack_delta, pack_ints, unpack_delta
from gis_core.store.records import EditRecord, EditResult
from gis_core.store.redraw import figures
from gis_core.store.rewinding import (
    BASE_PATH,
    assignment_before,
    base_value,
    places_before,
    to_take_back,
)
from gis_core.store.rows import page, plain_text

if TYPE_CHECKING:
    from gis_core.model import AdjacencyGraph
    from gis_core.store.dialect import Dialect

__all__ = [
    "BASE_PATH",
    "MOST_EDITS_BEHIND",
    "add",
    "base_since",
    "gone_by",
    "list_in_numbers_of_now",
    "list_since",
    "log",
    "raise_revision",
    "require_key",
    "require_revision",
    "require_undoable",
    "restore",
    "with_key",
]

_PLAN, _EDIT = table_of(Plan), table_of(Edit)
#: An editor that is further behind loads the plan anew.
MOST_EDITS_BEHIND = 1000
#: Kind of the edit that returns to an earlier revision.
RESTORE = "restore"
_LONGEST_KEY = 100


def add(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    *,
    expected_revision: int,
    who: str,
    kind: str,
    cell_ix: NDArray[np.integer] | Sequence[int],
    grid_ix: NDArray[np.integer] | Sequence[int],
    changes: Iterable[Change | tuple[str, Any]] = (),
    key: str | None = None,
    undoes: int | None = None,
    graph_of: Callable[[int], AdjacencyGraph],
) -> EditResult:
    """Apply an edit; return it with the figures of the grids that it touched."""
    cells, wanted = require_arrays(cell_ix, grid_ix)
    changes = list(changes)
    require_key(key)
    same = with_key(connection, plan_id, key)
    if same is None:
        try:
            raise_revision(connection, plan_id, expected_revision)
        except StaleRevisionError:
            same = with_key(connection, plan_id, key)  # it came in between
            if same is None:
                raise
    if same is not None:
        return _repeated(connection, plan_id, same, cells, wanted, changes)
    plan = plans.require(connection, plan_id)
    require_undoable(connection, plan, undoes, cells)
    assignment = plans.assignment(connection, plan_id)
    draft = Draft(
        connection,
        dialect,
        plan,
        assignment,
        graph_of=graph_of,
        restoring=kind == RESTORE,
        undoing=undoes is not None,
    )
    edit = draft.checked(cells, wanted, changes)
    draft.apply(edit)
    values: dict[str, Any] = {"assignment": pack_ints(edit.assignment)} if len(edit.moved) else {}
    if edit.n_living != plan.n_grids:
        values["n_grids"] = edit.n_living
    if values:
        connection.execute(update(_PLAN).where(_PLAN.c.id == plan_id).values(**values))
    record = log(
        connection,
        plan,
        who=who,
        kind=kind,
        delta=(cells, wanted, edit.before),
        changes=edit.changes,
        key=key,
        undoes=undoes,
    )
    return EditResult(record, figures(connection, plan_id, edit.assignment, edit.touched))


def require_key(key: str | None) -> None:
    """Refuse a key that is empty or too long."""
    if key is not None and not 0 < len(plain_text(key)) <= _LONGEST_KEY:
        raise ParameterError(f"The key of an edit has 1 to {_LONGEST_KEY} characters.")


def require_undoable(
    connection: Connection, plan: Row[Any], undoes: int | None, cells: NDArray[np.int32]
) -> None:
    """Refuse to take back an edit that is not there, or one of cells that have other numbers by now.

    Raises
    ------
    EditError
        Where it is one of these.
    """
    if undoes is None:
        return
    if not 0 < undoes < plan.revision:
        raise EditError(f"Plan {plan.id} has no edit {undoes} that could be undone.", undoes=undoes)
    # Most plans never had their ground cut anew; then no log has to be read, however long it is.
    if len(cells) == 0 or not _changed_base(connection, plan.id, since=undoes - 1):
        return
    since = list_since(connection, plan.id, since=undoes - 1)
    if _recut(since):
        known = _in_numbers_of_now(since[:1], since, plan.n_cells)[0].cell_ix
        if not np.isin(cells, known).all():
            raise EditError(
                "The base data changed since, and cells have other numbers: load the plan again.",
                case="base-changed",
                undoes=undoes,
            )


def list_in_numbers_of_now(
    connection: Connection, plan_id: int, *, since: int, limit: int | None = None
) -> list[EditRecord]:
    """Return the edits after a revision as `list_since` does, with the numbers that their cells have now.

    Cells that are gone since are left out of them.
    """
    plan = plans.require(connection, plan_id)
    if not _changed_base(connection, plan_id, since=since):
        return list_since(connection, plan_id, since=since, limit=limit)
    edits = list_since(connection, plan_id, since=since)
    return _in_numbers_of_now(edits[:limit], edits, plan.n_cells, keep_base=True)


def _changed_base(connection: Connection, plan_id: int, *, since: int) -> bool:
    """Tell whether base data changed after a revision; by an index, however long the log is."""
    query = select(_EDIT.c.id).where(_EDIT.c.plan_id == plan_id, _EDIT.c.revision > since, IS_BASE)
    return connection.execute(query.limit(1)).first() is not None


def _recut(since: Sequence[EditRecord]) -> bool:
    """Tell whether any edit cut the ground anew."""
    return any((value := base_value(edit)) is not None and value["recut"] for edit in since)


def _in_numbers_of_now(
    wanted: Sequence[EditRecord], since: Sequence[EditRecord], n_cells: int, *, keep_base: bool = False
) -> list[EditRecord]:
    """Return edits with the numbers that their cells have now; changes of base data are left out of them, or kept.

    Parameters
    ----------
    wanted, since
        Edits to translate; all edits from the first of them on, the oldest first.
    n_cells : int
        Cells of the plan now.
    """
    numbers = {edit.revision for edit in wanted}
    placed = zip(since, places_before(since, n_cells), strict=True)
    return [
        _renumbered(edit, place, keep_base=keep_base) for edit, place in placed if edit.revision in numbers
    ]


def _renumbered(edit: EditRecord, place: NDArray[np.int32], *, keep_base: bool) -> EditRecord:
    if keep_base and any(change.path == BASE_PATH for change in edit.changes):
        return edit
    cells = place[edit.cell_ix]
    # Cells that are new may stand before others, and two may be one now: the cells of an edit ascend all the same.
    there = np.argsort(cells, kind="stable")[np.count_nonzero(cells < 0) :]
    there = there[np.diff(cells[there], prepend=-1) > 0]
    changes: dict[str, Change] = {}
    for change in edit.changes:
        path = change.path
        if path.startswith("lock/cell/"):
            cell = int(place[int(path.removeprefix("lock/cell/"))])
            path = f"lock/cell/{cell}" if cell >= 0 else BASE_PATH
        if path != BASE_PATH:
            changes.setdefault(path, replace(change, path=path))
    return replace(
        edit,
        cell_ix=cells[there],
        grid_ix=edit.grid_ix[there],
        inverse_grid_ix=edit.inverse_grid_ix[there],
        changes=tuple(changes.values()),
    )


def raise_revision(connection: Connection, plan_id: int, expected: int) -> None:
    """Raise the revision of a draft that still is at the expected one; its row is locked from here on.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ConflictError
        Where it is no draft.
    StaleRevisionError
        Where it is at another revision; the error has the edits since.
    """
    query = update(_PLAN).where(_PLAN.c.id == plan_id, _PLAN.c.revision == expected, _PLAN.c.state == "draft")
    if connection.execute(query.values(revision=_PLAN.c.revision + 1)).rowcount == 1:
        return
    require_revision(connection, plans.require(connection, plan_id), expected)


def require_revision(connection: Connection, plan: Row[Any], expected: int) -> None:
    """Refuse work on a plan that is no draft or was changed since; raises as `raise_revision` does."""
    plan_id = plan.id
    if plan.state != "draft":
        raise ConflictError(
            f"Plan {plan_id} is {plan.state}: only a draft can be edited.", case="no-draft", state=plan.state
        )
    if plan.revision == expected:
        return
    few = 0 <= plan.revision - expected <= MOST_EDITS_BEHIND
    raise StaleRevisionError(
        f"Plan {plan_id} is at revision {plan.revision}, the edit was made on {expected}: "
        "somebody else changed it first, load the plan again.",
        edits=list_in_numbers_of_now(connection, plan_id, since=expected) if few else (),
        revision=plan.revision,
        expected=expected,
    )


def log(
    connection: Connection,
    plan: Row[Any],
    *,
    who: str,
    kind: str,
    delta: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]],
    changes: Sequence[Change] = (),
    key: str | None = None,
    undoes: int | None = None,
) -> EditRecord:
    """Write an edit into the log under the revision that the plan has by now."""
    values = {
        "plan_id": plan.id,
        "revision": plan.revision,
        "at": datetime.now(UTC),
        "who": plain_text(who),
        "kind": plain_text(kind),
        "n_cells": len(delta[0]),
        "delta": pack_delta(*delta),
        "key": key,
        "changes": _changes_text(changes),
        "undoes": undoes,
    }
    return _record(connection.execute(insert(_EDIT).values(**values).returning(_EDIT)).one())


def _changes_text(changes: Sequence[Change]) -> str | None:
    rows = [[one.path, one.value, one.before] for one in changes]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) if rows else None


def with_key(connection: Connection, plan_id: int, key: str | None) -> EditRecord | None:
    """Return the edit of a plan with a key; None where there is none."""
    if key is None:
        return None
    row = connection.execute(select(_EDIT).where(_EDIT.c.plan_id == plan_id, _EDIT.c.key == key)).first()
    return None if row is None else _record(row, _undone_by(connection, plan_id, row.revision - 1))


def _repeated(
    connection: Connection,
    plan_id: int,
    known: EditRecord,
    cells: NDArray[np.int32],
    wanted: NDArray[np.int32],
    changes: Sequence[Change | tuple[str, Any]],
) -> EditResult:
    """Answer an edit that came before; the same key for another edit is refused."""
    paths = sorted(one.path if isinstance(one, Change) else one[0] for one in changes)
    same = np.array_equal(known.cell_ix, cells) and np.array_equal(known.grid_ix, wanted)
    if not same or paths != sorted(one.path for one in known.changes):
        raise ConflictError(
            f"Plan {plan_id} has another edit with the key {known.key}: give each edit a key of its own.",
            revision=known.revision,
        )
    assignment = plans.assignment(connection, plan_id)
    moved = known.grid_ix != known.inverse_grid_ix
    touched = np.union1d(known.grid_ix[moved], known.inverse_grid_ix[moved])
    found = figures(connection, plan_id, assignment, touched[touched >= 0].tolist())
    return EditResult(known, found, repeated=True)


def restore(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    revision: int,
    *,
    expected_revision: int,
    who: str,
    key: str | None,
    graph_of: Callable[[int], AdjacencyGraph],
) -> EditResult:
    """Return to an earlier revision by one edit.

    Raises
    ------
    NotFoundError
        Where the plan never had that revision.
    """
    plan = plans.require(connection, plan_id)
    if not 0 <= revision <= plan.revision:
        raise NotFoundError(
            f"Plan {plan_id} has no revision {revision}; it has 0 to {plan.revision}.", revision=plan.revision
        )
    same = with_key(connection, plan_id, key)
    if same is not None:
        return EditResult(
            same, figures(connection, plan_id, plans.assignment(connection, plan_id), ()), repeated=True
        )
    since = list_since(connection, plan_id, since=revision)
    now = plans.assignment(connection, plan_id)
    if _recut(since):
        # Exact where base data were taken back; else cells of other ground are as like as they can be.
        place, then = places_before(since, plan.n_cells)[0], assignment_before(since, now)
        wanted = now.copy()
        wanted[place[place >= 0]] = then[place >= 0]
        cells = np.flatnonzero(wanted != now).astype(np.int32)
        before = wanted[cells]
    else:
        cells, before = net_cells((edit.cell_ix, edit.inverse_grid_ix) for edit in since)
    moved = _in_numbers_of_now(since, since, plan.n_cells)
    back = net_changes(change for edit in moved for change in edit.changes)
    now = now[cells]
    return add(
        connection,
        dialect,
        plan_id,
        expected_revision=expected_revision,
        who=who,
        kind=RESTORE,
        cell_ix=cells[now != before],
        grid_ix=before[now != before],
        changes=[(change.path, change.before) for change in back],
        key=key,
        graph_of=graph_of,
    )


def base_since(connection: Connection, plan_id: int, revision: int, key: str | None) -> list[EditRecord]:
    """Return the changes of base data that must be taken back to return to a revision, the newest first.

    None where the key is known: that return was made before.
    """
    if with_key(connection, plan_id, key) is not None:
        return []
    later = (_EDIT.c.plan_id == plan_id, _EDIT.c.revision > revision, _EDIT.c.changes.startswith('[["base",'))
    rows = connection.execute(select(_EDIT).where(*later).order_by(_EDIT.c.revision))
    return to_take_back([_record(row) for row in rows])


def gone_by(connection: Connection, plan_id: int, revision: int | None) -> list[list[Any]]:
    """Return the cells that were gone by a change of base data; none where that edit was none."""
    if revision is None:
        return []
    found = list_since(connection, plan_id, since=revision - 1, limit=1) if revision > 0 else []
    value = base_value(found[0]) if found and found[0].revision == revision else None
    return [] if value is None else list(value.get("gone", []))


def list_since(
    connection: Connection, plan_id: int, *, since: int, limit: int | None = None
) -> list[EditRecord]:
    """Return the edits after a revision, the oldest first."""
    plans.require(connection, plan_id)
    query = (
        select(_EDIT).where(_EDIT.c.plan_id == plan_id, _EDIT.c.revision > since).order_by(_EDIT.c.revision)
    )
    undone = _undone_by(connection, plan_id, since)
    return [_record(row, undone) for row in connection.execute(page(query, limit, 0))]


def _undone_by(connection: Connection, plan_id: int, since: int) -> dict[int, int]:
    """Return, of the edits after a revision that were taken back, which edit did so last."""
    query = (
        select(_EDIT.c.undoes, func.max(_EDIT.c.revision))
        .where(_EDIT.c.plan_id == plan_id, _EDIT.c.undoes > since)
        .group_by(_EDIT.c.undoes)
    )
    return {int(undoes): int(revision) for undoes, revision in connection.execute(query)}


def _record(row: Row[Any], undone: dict[int, int] | None = None) -> EditRecord:
    cell_ix, grid_ix, before = unpack_delta(bytes(row.delta))
    changes = json.loads(row.changes) if row.changes else []
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
        changes=tuple(Change(path, value, was) for path, value, was in changes),
        key=row.key,
        undoes=row.undoes,
        undone_by=(undone or {}).get(row.revision),
    )
