"""Repository of publishing: what is open, what is in force where and when, and the one step that changes it.

A plan is in force by boundary polygon, so that a plan of one community supersedes the town's plan there only. A row
of `plan_areas` is written once; only its end is set later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, insert, or_, select, update

from gis_core.errors import ConflictError, NotFoundError, NotPublishableError, ParameterError, some_of
from gis_core.store import attributes, edits, plans
from gis_core.store.models import Area, Cell, Grid, Plan, PlanArea, table_of
from gis_core.store.records import CheckList, InForce, PlanRecord

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.model import AdjacencyGraph
    from gis_core.store.dialect import Dialect

__all__ = ["check_list", "grids_in_force", "in_force", "publish"]

_PLAN, _GRID, _CELL, _AREA, _IN_FORCE = (table_of(model) for model in (Plan, Grid, Cell, Area, PlanArea))
_ASKED_AT_ONCE = 500
#: Two polygons are one place where at least this share of the smaller lies in the other.
_SAME_PLACE = 0.5
#: Grids share ground where at least this share of the smaller lies in the other.
_SHARED_GROUND = 1e-6
_NO_CELLS = np.empty(0, dtype=np.int32)
GraphOf = Callable[[int], "AdjacencyGraph"]


def check_list(connection: Connection, plan_id: int, graph_of: GraphOf) -> CheckList:
    """Say what is open in a plan."""
    from gis_core.plan.checks import DEFAULT_BOUNDS, GridOfPlan, check_plan

    plan = plans.get(connection, plan_id)
    columns = (_GRID.c.grid_ix, _GRID.c.code, _GRID.c.households, _GRID.c.name)
    query = select(*columns).where(_GRID.c.plan_id == plan_id).order_by(_GRID.c.grid_ix)
    values = attributes.read(connection, plan_id, below="grid/")
    grids = [
        GridOfPlan(
            row.grid_ix, row.code, row.households, row.name, bool(values.get(f"grid/{row.grid_ix}/staff"))
        )
        for row in connection.execute(query)
    ]
    items = check_plan(
        graph_of(plan.dataset_id),
        plans.assignment(connection, plan_id),
        _area_ix(connection, plan.dataset_id),
        grids,
        plan.bounds or DEFAULT_BOUNDS,
    )
    return CheckList(plan.revision, items)


def _area_ix(connection: Connection, dataset_id: int) -> NDArray[np.int32]:
    query = select(_CELL.c.area_ix).where(_CELL.c.dataset_id == dataset_id).order_by(_CELL.c.ix)
    return np.array(connection.execute(query).scalars().all(), dtype=np.int32)


def publish(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    *,
    expected_revision: int,
    valid_from: datetime | None,
    except_: Sequence[str],
    who: str,
    graph_of: GraphOf,
) -> PlanRecord:
    """Put a draft in force and end what it supersedes."""
    from gis_core.plan.checks import require_exceptions

    excepted = require_exceptions(except_)
    when = _aware(valid_from)
    edits.raise_revision(connection, plan_id, expected_revision)
    dialect.lock_table(connection, _IN_FORCE)
    _require_publishable(plan_id, check_list(connection, plan_id, graph_of), excepted)
    plan = plans.require(connection, plan_id)
    places = _places(connection, dialect, plan.dataset_id)
    earlier = _earlier(connection, dialect, plan.dataset_id, places)
    _require_codes_of_old(connection, dialect, plan_id, earlier)
    _end([row for row in earlier if row.valid_to is None], connection, when)
    own = [{"plan_id": plan_id, "boundary_code": code, "valid_from": when} for code in sorted(places)]
    connection.execute(insert(_IN_FORCE), own)
    connection.execute(
        update(_PLAN).where(_PLAN.c.id == plan_id).values(state="published", valid_from=when, valid_to=None)
    )
    attributes.bind_codes(connection, plan_id)
    edits.log(connection, plan, who=who, kind="publish", delta=(_NO_CELLS, _NO_CELLS, _NO_CELLS))
    return plans.get(connection, plan_id)


def _aware(moment: datetime | None) -> datetime:
    """Return a time in whole milliseconds, as the store keeps it; None is now."""
    if moment is not None and moment.utcoffset() is None:
        raise ParameterError(f"The time {moment.isoformat()} has no time zone: write one, such as +08:00.")
    found = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _require_publishable(plan_id: int, found: CheckList, excepted: frozenset[str]) -> None:
    open_items = [item for item in found.items if item.kind not in excepted]
    if open_items:
        first = " ".join(item.message for item in open_items[:3])
        rest = f" And {len(open_items) - 3} more." if len(open_items) > 3 else ""
        raise NotPublishableError(
            f"Plan {plan_id} cannot be published as it is: {first}{rest}",
            items=open_items,
            kinds=sorted({item.kind for item in open_items}),
        )


def _places(connection: Connection, dialect: Dialect, dataset_id: int) -> dict[str, Any]:
    """Return the boundary polygons of a data version that have cells, by code."""
    used = np.unique(_area_ix(connection, dataset_id)).tolist()
    query = select(_AREA.c.ix, _AREA.c.code, _AREA.c.geom).where(_AREA.c.dataset_id == dataset_id)
    rows = [row for row in connection.execute(query) if row.ix in used]
    return {
        row.code: shape for row, shape in zip(rows, dialect.decode([row.geom for row in rows]), strict=True)
    }


def _earlier(
    connection: Connection, dialect: Dialect, dataset_id: int, places: dict[str, Any]
) -> list[Row[Any]]:
    """Return where earlier plans are or were in force in the same boundary polygons, the newest first.

    A code alone does not make a place: two towns may both number their communities 1, 2, 3.
    """
    query = (
        select(_IN_FORCE, _PLAN.c.dataset_id)
        .join(_PLAN, _PLAN.c.id == _IN_FORCE.c.plan_id)
        .where(_IN_FORCE.c.boundary_code.in_(sorted(places)))
        .order_by(_IN_FORCE.c.valid_from.desc(), _IN_FORCE.c.id.desc())
    )
    rows = list(connection.execute(query))
    theirs = {
        version: _places(connection, dialect, version)
        for version in {row.dataset_id for row in rows} - {dataset_id}
    }
    return [
        row
        for row in rows
        if row.dataset_id == dataset_id
        or _overlap(places[row.boundary_code], theirs[row.dataset_id].get(row.boundary_code), _SAME_PLACE)
    ]


def _overlap(one: Any, other: Any, least: float) -> bool:
    """Tell whether two polygons share at least a fraction of the smaller one."""
    if other is None or one.is_empty or other.is_empty:
        return False
    smaller = min(one.area, other.area)
    return bool(one.equals(other) or shapely.intersection(one, other).area >= least * smaller > 0)


def _require_codes_of_old(
    connection: Connection, dialect: Dialect, plan_id: int, earlier: Sequence[Row[Any]]
) -> None:
    """Refuse a code that was in force and would now name ground that shares nothing with what it named."""
    query = select(_GRID.c.code, _GRID.c.boundary_code, _GRID.c.fid)
    mine = {row.code: row.fid for row in connection.execute(query.where(_GRID.c.plan_id == plan_id))}
    old: dict[str, tuple[int, int]] = {}
    done: set[int] = set()
    for row in earlier:  # the newest first: what a code named last counts
        if row.plan_id in done:
            continue
        done.add(row.plan_id)
        for grid in connection.execute(query.where(_GRID.c.plan_id == row.plan_id)):
            if grid.code in mine:
                old.setdefault(grid.code, (grid.fid, row.plan_id))
    shapes = _shapes(connection, dialect, [mine[code] for code in old] + [fid for fid, _ in old.values()])
    for code, (fid, other) in sorted(old.items()):
        now, was = shapes[mine[code]], shapes[fid]
        if not was.is_empty and not _overlap(now, was, _SHARED_GROUND):
            raise ConflictError(
                f"The code {code} named other ground in plan {other}, which was in force: codes are not given twice, "
                "so give that grid another number.",
                case="code-used",
                code=code,
                plan=other,
            )


def _shapes(connection: Connection, dialect: Dialect, fids: Sequence[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for start in range(0, len(fids), _ASKED_AT_ONCE):
        some = select(_GRID.c.fid, _GRID.c.geom).where(_GRID.c.fid.in_(fids[start : start + _ASKED_AT_ONCE]))
        rows = connection.execute(some).all()
        shapes = dialect.decode([row.geom for row in rows])
        found.update(zip((row.fid for row in rows), shapes, strict=True))
    return found


def _end(rows: Sequence[Row[Any]], connection: Connection, when: datetime) -> None:
    """End plans in some boundary polygons; one that has none left is superseded."""
    later = [row for row in rows if row.valid_from > when]
    if later:
        raise ConflictError(
            f"Plan {some_of(sorted({row.plan_id for row in later}))} holds from {later[0].valid_from:%Y-%m-%d %H:%M} "
            "UTC there, which is after this plan would begin: choose that time or a later one.",
            case="later-plan",
            plan=later[0].plan_id,
            begins=f"{later[0].valid_from:%Y-%m-%d %H:%M}",
        )
    if not rows:
        return
    ended = [row.id for row in rows]
    connection.execute(update(_IN_FORCE).where(_IN_FORCE.c.id.in_(ended)).values(valid_to=when))
    for plan_id in sorted({row.plan_id for row in rows}):
        still = select(_IN_FORCE.c.id).where(_IN_FORCE.c.plan_id == plan_id, _IN_FORCE.c.valid_to.is_(None))
        if connection.execute(still).first() is None:
            values = {"state": "superseded", "valid_to": when}
            connection.execute(update(_PLAN).where(_PLAN.c.id == plan_id).values(**values))


def in_force(
    connection: Connection, at: datetime | None, *, dataset_id: int | None, boundary_code: str | None
) -> list[InForce]:
    """Return the plans in force at a time, the last to come into force first."""
    moment = _aware(at)
    query = (
        select(_IN_FORCE.c.plan_id, _IN_FORCE.c.boundary_code)
        .join(_PLAN, _PLAN.c.id == _IN_FORCE.c.plan_id)
        .where(_IN_FORCE.c.valid_from <= moment)
        .where(or_(_IN_FORCE.c.valid_to.is_(None), _IN_FORCE.c.valid_to > moment))
        .order_by(_IN_FORCE.c.valid_from.desc(), _IN_FORCE.c.plan_id.desc(), _IN_FORCE.c.id)
    )
    if dataset_id is not None:
        query = query.where(_PLAN.c.dataset_id == dataset_id)
    if boundary_code is not None:
        query = query.where(_IN_FORCE.c.boundary_code == boundary_code)
    found: dict[int, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.plan_id, []).append(row.boundary_code)
    return [InForce(plans.get(connection, plan_id), tuple(codes)) for plan_id, codes in found.items()]


def grids_in_force(
    connection: Connection, dialect: Dialect, plan_id: int, at: datetime | None
) -> GeoDataFrame:
    """Return the grids that were in force at a time in the boundary polygons of a plan, with the plan of each.

    Raises
    ------
    NotFoundError
        Where there is no such plan, or none was in force there.
    """
    moment = _aware(at)
    dataset_id = plans.require(connection, plan_id).dataset_id
    places = _places(connection, dialect, dataset_id)
    held: dict[int, set[str]] = {}
    for row in _earlier(connection, dialect, dataset_id, places):
        if row.valid_from <= moment and (row.valid_to is None or row.valid_to > moment):
            held.setdefault(row.plan_id, set()).add(row.boundary_code)
    if not held:
        raise NotFoundError(
            f"No plan was in force on {moment:%Y-%m-%d %H:%M} UTC where plan {plan_id} lies: `wangge publish` puts one "
            "in force.",
            id=plan_id,
        )
    return pd.concat(
        [
            _grids_within(connection, dialect, other, codes).assign(plan_id=other)
            for other, codes in sorted(held.items())
        ],
        ignore_index=True,
    )


def _grids_within(connection: Connection, dialect: Dialect, plan_id: int, codes: set[str]) -> GeoDataFrame:
    """Return the grids of a plan whose cells lie in some boundary polygons."""
    frame = plans.grids(connection, dialect, plan_id, bbox=None, limit=None, offset=0)
    dataset_id = plans.require(connection, plan_id).dataset_id
    query = select(_AREA.c.ix).where(_AREA.c.dataset_id == dataset_id, _AREA.c.code.in_(sorted(codes)))
    inside = np.isin(_area_ix(connection, dataset_id), connection.execute(query).scalars().all())
    owners = np.unique(plans.assignment(connection, plan_id)[inside])
    return frame[frame["grid_ix"].isin(owners)]
