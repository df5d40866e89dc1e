"""Repository of the attributes of plans, and of the codes that only one grid may carry."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from gis_core.plan.edit import Change
from gis_core.store.models import Grid, GridCode, PlanAttribute, table_of

__all__ = [
    "add_all",
    "bind_codes",
    "bound_codes",
    "copy",
    "n_grids_ever",
    "read",
    "retire",
    "retired",
    "revive",
    "settle_retired",
    "write",
]

_ATTRIBUTE, _CODE, _GRID = table_of(PlanAttribute), table_of(GridCode), table_of(Grid)
# SQLite takes 32,766 parameters; a few hundred are as quick a query.
_ASKED_AT_ONCE = 500


def read(
    connection: Connection, plan_id: int, paths: Iterable[str] | None = None, *, below: str = ""
) -> dict[str, Any]:
    """Return the attributes at some paths, or all below a prefix; what is absent is left out."""
    query = select(_ATTRIBUTE.c.path, _ATTRIBUTE.c.value).where(_ATTRIBUTE.c.plan_id == plan_id)
    if paths is None:
        if below:
            query = query.where(_ATTRIBUTE.c.path.startswith(below, autoescape=True))
        return {path: json.loads(value) for path, value in connection.execute(query)}
    wanted, found = sorted(set(paths)), {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        some = query.where(_ATTRIBUTE.c.path.in_(wanted[start : start + _ASKED_AT_ONCE]))
        found.update({path: json.loads(value) for path, value in connection.execute(some)})
    return found


def add_all(connection: Connection, plan_id: int, values: dict[str, Any]) -> None:
    """Write the attributes of a new plan."""
    rows = [{"plan_id": plan_id, "path": path, "value": _text(value)} for path, value in values.items()]
    if rows:
        connection.execute(insert(_ATTRIBUTE), rows)


def write(connection: Connection, plan_id: int, changes: Sequence[Change]) -> None:
    """Set attributes; None takes one away."""
    paths = [one.path for one in changes if one.before is not None]
    for start in range(0, len(paths), _ASKED_AT_ONCE):
        some = _ATTRIBUTE.c.path.in_(paths[start : start + _ASKED_AT_ONCE])
        connection.execute(delete(_ATTRIBUTE).where(_ATTRIBUTE.c.plan_id == plan_id, some))
    add_all(connection, plan_id, {one.path: one.value for one in changes if one.value is not None})


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def copy(connection: Connection, from_id: int, to_id: int) -> None:
    """Give a plan the attributes and bound codes of another."""
    for table in (_ATTRIBUTE, _CODE):
        names = [column.name for column in table.columns if column.name not in ("id", "plan_id")]
        columns = [table.c[name] for name in names]
        rows = connection.execute(
            select(*columns).where(table.c.plan_id == from_id).order_by(table.c.id)
        ).mappings()
        values = [{"plan_id": to_id, **row} for row in rows]
        if values:
            connection.execute(insert(table), values)


def n_grids_ever(connection: Connection, plan_id: int) -> int:
    """Return how many grids a plan ever had: the next number is that."""
    most = [
        connection.execute(select(func.max(table.c.grid_ix)).where(table.c.plan_id == plan_id)).scalar_one()
        for table in (_GRID, _CODE)
    ]
    return 1 + max(-1 if value is None else int(value) for value in most)


def bound_codes(
    connection: Connection, plan_id: int, codes: Collection[str] | None = None, *, in_force: bool = False
) -> dict[str, int]:
    """Return the codes that only one grid may carry, with that grid: of some or of all, or those once in force."""
    query = select(_CODE.c.code, _CODE.c.grid_ix).where(_CODE.c.plan_id == plan_id)
    if in_force:
        query = query.where(_CODE.c.in_force)
    if codes is None:
        return {code: int(grid_ix) for code, grid_ix in connection.execute(query.order_by(_CODE.c.code))}
    wanted, found = sorted(codes), {}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        some = query.where(_CODE.c.code.in_(wanted[start : start + _ASKED_AT_ONCE]))
        found.update({code: int(grid_ix) for code, grid_ix in connection.execute(some)})
    return found


def retired(
    connection: Connection, plan_id: int, grids: Collection[int] | None = None
) -> dict[int, tuple[str, str | None]]:
    """Return code and boundary polygon of the grids that are dissolved, of some or of all, by number."""
    query = select(_CODE.c.grid_ix, _CODE.c.code, _CODE.c.boundary_code).where(
        _CODE.c.plan_id == plan_id, _CODE.c.retired
    )
    rows = connection.execute(query).all()
    return {
        int(row.grid_ix): (row.code, row.boundary_code)
        for row in rows
        if grids is None or row.grid_ix in grids
    }


def retire(connection: Connection, plan_id: int, ended: Mapping[int, tuple[str, str | None]]) -> None:
    """Note that grids are dissolved, and that their codes are spent; code and boundary polygon by number."""
    for grid_ix, (code, boundary_code) in ended.items():
        mine = (_CODE.c.plan_id == plan_id, _CODE.c.code == code)
        if connection.execute(update(_CODE).where(*mine).values(retired=True)).rowcount == 0:
            _insert(connection, plan_id, [(code, grid_ix, boundary_code)], retired=True, in_force=False)


def settle_retired(connection: Connection, plan_id: int, ended: Mapping[int, tuple[str, str | None]]) -> None:
    """Note dissolved grids anew after a plan went back to an earlier state, with the codes that they had then.

    Parameters
    ----------
    ended
        Grids that the step back dissolves; the others are known.
    """
    all_ended = {**retired(connection, plan_id), **ended}
    carried = read(connection, plan_id, [f"grid/{grid_ix}/code" for grid_ix in all_ended])
    mine = _CODE.c.plan_id == plan_id
    connection.execute(delete(_CODE).where(mine, ~_CODE.c.in_force))
    connection.execute(update(_CODE).where(mine).values(retired=False))
    owners = bound_codes(connection, plan_id)
    settled = {}
    for grid_ix, (code, boundary_code) in sorted(all_ended.items()):
        code = carried.get(f"grid/{grid_ix}/code", code)
        # Two that were dissolved with one code, one after the other was renumbered: both are listed, one bound.
        code = code if owners.setdefault(code, grid_ix) == grid_ix else f"{code}#{grid_ix}"
        settled[grid_ix] = (code, boundary_code)
    retire(connection, plan_id, settled)


def revive(connection: Connection, plan_id: int, grid_ix: int) -> None:
    """Note that a dissolved grid lives again."""
    mine = (_CODE.c.plan_id == plan_id, _CODE.c.grid_ix == grid_ix, _CODE.c.retired)
    connection.execute(delete(_CODE).where(*mine, ~_CODE.c.in_force))
    connection.execute(update(_CODE).where(*mine).values(retired=False))


def bind_codes(connection: Connection, plan_id: int) -> None:
    """Bind the codes of all living grids of a plan that comes into force, and of those that are dissolved."""
    connection.execute(update(_CODE).where(_CODE.c.plan_id == plan_id).values(in_force=True))
    known = bound_codes(connection, plan_id)
    query = select(_GRID.c.code, _GRID.c.grid_ix, _GRID.c.boundary_code).where(_GRID.c.plan_id == plan_id)
    fresh = [
        tuple(row) for row in connection.execute(query.order_by(_GRID.c.grid_ix)) if row.code not in known
    ]
    _insert(connection, plan_id, fresh, retired=False, in_force=True)


def _insert(
    connection: Connection, plan_id: int, rows: Sequence[Sequence[Any]], *, retired: bool, in_force: bool
) -> None:
    names = ("code", "grid_ix", "boundary_code")
    flags = {"plan_id": plan_id, "retired": retired, "in_force": in_force}
    if rows:
        connection.execute(insert(_CODE), [{**flags, **dict(zip(names, row, strict=True))} for row in rows])
