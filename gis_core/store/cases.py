"""Repository of cases: a row for how each stands, and its steps, which are only ever added."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from gis_core.dispatch import Event, EventKind, Policy, State, Step, apply, report
from gis_core.dispatch.rules import Rules, rules_from
from gis_core.errors import ConflictError, NotFoundError, ParameterError
from gis_core.store.case_rows import (
    ENDED,
    CaseRecord,
    NewCase,
    json_of,
    new_values,
    record_of,
    standing_values,
    step_of,
    step_values,
)
from gis_core.store.models import CaseRow, CaseStep, DispatchRules, table_of
from gis_core.store.rows import page, plain_text

if TYPE_CHECKING:
    from sqlalchemy import Select

    from gis_core.store.dialect import Dialect

__all__ = [
    "CaseNews",
    "CaseRecord",
    "NewCase",
    "add",
    "add_many",
    "add_step",
    "feed",
    "get",
    "hold",
    "list_all",
    "read_rules",
    "serial",
    "whole_after",
    "write_rules",
]

_CASE, _STEP, _RULES = table_of(CaseRow), table_of(CaseStep), table_of(DispatchRules)
_IDS_AT_ONCE = 500
#: Steps of two who worked at once may come the other way round by so much; each is of the time of the one before then.
_AT_ONCE = timedelta(seconds=5)


@dataclass(frozen=True)
class CaseNews:
    """A step of any case in the order of all: its number among them, what it was, and its case as it stands now."""

    serial: int
    step: Step
    number: int
    record: CaseRecord


def add(connection: Connection, dialect: Dialect, new: NewCase, event: Event) -> CaseRecord:
    """Write a new case; one whose key is known is returned as it stands."""
    for text in (new.key, new.grid_code, event.key):
        plain_text(text or "")
    if new.key is not None:
        known = connection.execute(select(_CASE.c.id).where(_CASE.c.key == new.key)).scalar_one_or_none()
        if known is not None:
            return get(connection, known)
    case = report("0", event, category=plain_text(new.category), grade=plain_text(new.grade))
    values = new_values(new, case)
    case_id = int(connection.execute(insert(_CASE).values(**values).returning(_CASE.c.id)).scalar_one())
    _write_step(connection, dialect, case_id, 0, case.steps[0])
    return get(connection, case_id)


def add_many(
    connection: Connection, dialect: Dialect, items: Sequence[tuple[NewCase, Sequence[Event]]], policy: Policy
) -> list[int | None]:
    """Write cases of before with all their steps; return their numbers, None for those whose key was known."""
    keys = [new.key for new, _ in items if new.key is not None]
    known: set[str] = set()
    for start in range(0, len(keys), _IDS_AT_ONCE):
        some = select(_CASE.c.key).where(_CASE.c.key.in_(keys[start : start + _IDS_AT_ONCE]))
        known |= set(connection.execute(some).scalars())
    fresh = [number for number, (new, _) in enumerate(items) if new.key not in known]
    made = []
    for number in fresh:
        new, events = items[number]
        for text in (new.key, new.grid_code, *(event.to for event in events)):
            plain_text(text or "")
        case = report("0", events[0], category=plain_text(new.category), grade=plain_text(new.grade))
        for event in events[1:]:
            case = apply(case, event, policy)
        made.append(case)
    ids: list[int | None] = [None] * len(items)
    if not made:
        return ids
    dialect.order_steps(connection)
    values = [new_values(items[number][0], case) for number, case in zip(fresh, made, strict=True)]
    query = insert(_CASE).returning(_CASE.c.id, sort_by_parameter_order=True)
    rows: list[dict[str, Any]] = []
    for number, case, case_id in zip(fresh, made, connection.execute(query, values).scalars(), strict=True):
        ids[number] = int(case_id)
        rows += [step_values(int(case_id), each, step) for each, step in enumerate(case.steps)]
    connection.execute(insert(_STEP), rows)
    return ids


def add_step(
    connection: Connection, dialect: Dialect, case_id: int, event: Event, policy: Policy, *, seen: int | None
) -> CaseRecord:
    """Let an event happen to a stored case, which nobody else changes meanwhile.

    Raises
    ------
    ConflictError
        Where it cannot happen there, or the case has moved on since `seen` steps.
    """
    for text in (event.key, event.to, event.data.get("grid")):
        plain_text(text or "")
    n_steps = hold(connection, case_id)
    record = get(connection, case_id)
    if event.key is not None and any(step.event.key == event.key for step in record.case.steps):
        return record
    if seen is not None and seen != n_steps:
        raise ConflictError(
            f"Case {case_id} has moved on: it has {n_steps} steps, not {seen}; look at it again.",
            steps=n_steps,
        )
    if event.kind == EventKind.LINK and event.other:
        _require_other(connection, case_id, event.other)
    late = record.case.last_at - event.at
    if timedelta() < late <= _AT_ONCE:  # somebody else was a moment quicker, or has another clock
        event = replace(event, at=record.case.last_at)
    case = apply(record.case, event, policy)
    _write_step(connection, dialect, case_id, len(case.steps) - 1, case.steps[-1])
    values = standing_values(case)
    if "grid" in event.data:
        values["grid_code"] = event.data["grid"]
    connection.execute(update(_CASE).where(_CASE.c.id == case_id).values(**values))
    return get(connection, case_id)


def hold(connection: Connection, case_id: int) -> int | None:
    """Keep others from a case until the transaction ends; return its number of steps, None where there is none."""
    if not 0 < case_id < 2**31:
        return None
    query = select(_CASE.c.n_steps).where(_CASE.c.id == case_id).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def _require_other(connection: Connection, case_id: int, other: str) -> None:
    """Check that a case may be linked to another, which is there and repeats none itself."""
    row = None
    if other.isdigit() and int(other) < 2**31 and int(other) != case_id:
        row = connection.execute(select(_CASE.c.state).where(_CASE.c.id == int(other))).first()
    if row is None:
        raise ParameterError(f"There is no other case {other!r} to link to.")
    if row.state == State.DUPLICATE:
        raise ConflictError(f"Case {other} repeats another one itself; link to that.")


def get(connection: Connection, case_id: int) -> CaseRecord:
    """Return a case with all its steps.

    Raises
    ------
    NotFoundError
        Where there is none.
    """
    row = (
        connection.execute(select(_CASE).where(_CASE.c.id == case_id)).first()
        if 0 < case_id < 2**31
        else None
    )
    if row is None:
        raise NotFoundError(f"There is no case {case_id}.", id=case_id)
    rows = connection.execute(select(_STEP).where(_STEP.c.case_id == case_id).order_by(_STEP.c.number))
    return record_of(row, tuple(step_of(one) for one in rows))


def list_all(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    is_open: bool | None = None,
    unit: str | None = None,
    grid_code: str | None = None,
    limit: int,
    offset: int,
) -> tuple[list[CaseRecord], int]:
    """Return a page of the cases without their steps, the newest first, and how many there are in all."""
    where = _wanted(states, is_open, unit, grid_code)
    query: Select[Any] = select(_CASE).where(*where).order_by(_CASE.c.id.desc())
    count = connection.execute(select(func.count()).select_from(_CASE).where(*where)).scalar_one()
    return [record_of(row, ()) for row in connection.execute(page(query, limit, offset))], int(count)


def serial(connection: Connection) -> int:
    """Return the number of the newest step of all cases; 0 where there is none."""
    return int(connection.execute(select(func.max(_STEP.c.id))).scalar_one() or 0)


def feed(connection: Connection, since: int, *, until: int | None = None, limit: int) -> list[CaseNews]:
    """Return the steps of all cases after one of them, oldest first, each with its case as it stands now."""
    where = [_STEP.c.id > since] + ([] if until is None else [_STEP.c.id <= until])
    rows = connection.execute(select(_STEP).where(*where).order_by(_STEP.c.id).limit(limit)).all()
    ids = sorted({row.case_id for row in rows})
    records: dict[int, CaseRecord] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = select(_CASE).where(_CASE.c.id.in_(ids[start : start + _IDS_AT_ONCE]))
        records |= {row.id: record_of(row, ()) for row in connection.execute(some)}
    return [CaseNews(row.id, step_of(row), row.number, records[row.case_id]) for row in rows]


def whole_after(
    connection: Connection,
    after: int,
    *,
    states: Sequence[str] = (),
    is_open: bool | None = None,
    unit: str | None = None,
    grid_code: str | None = None,
    limit: int,
) -> list[CaseRecord]:
    """Return the cases after a number with all their steps, in the order of their numbers."""
    where = [_CASE.c.id > after, *_wanted(states, is_open, unit, grid_code)]
    rows = connection.execute(select(_CASE).where(*where).order_by(_CASE.c.id).limit(limit)).all()
    steps: dict[int, list[Step]] = {row.id: [] for row in rows}
    ids = list(steps)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = select(_STEP).where(_STEP.c.case_id.in_(ids[start : start + _IDS_AT_ONCE]))
        for step in connection.execute(some.order_by(_STEP.c.case_id, _STEP.c.number)):
            steps[step.case_id].append(step_of(step))
    return [record_of(row, tuple(steps[row.id])) for row in rows]


def _wanted(
    states: Sequence[str], is_open: bool | None, unit: str | None, grid_code: str | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of a list."""
    where: list[ColumnElement[bool]] = []
    if states:
        where.append(_CASE.c.state.in_(list(states)))
    if is_open is not None:
        ended = _CASE.c.state.in_([str(state) for state in ENDED])
        where.append(~ended if is_open else ended)
    if unit is not None:
        where.append(_CASE.c.unit == plain_text(unit))
    if grid_code is not None:
        where.append(_CASE.c.grid_code == plain_text(grid_code))
    return where


def read_rules(connection: Connection) -> Rules:
    """Return the rules that hold; the default ones where none were set."""
    query = select(_RULES.c.rules).order_by(_RULES.c.id.desc()).limit(1)
    text = connection.execute(query).scalar_one_or_none()
    return rules_from(json.loads(text) if text else {})


def write_rules(connection: Connection, data: Mapping[str, Any], *, who: str) -> Rules:
    """Set the rules from now on; those before stay in the table."""
    rules = rules_from(data)
    values = {
        "at": datetime.now(UTC),
        "who": plain_text(who),
        "rules": json_of(data),
    }
    connection.execute(insert(_RULES).values(**values))
    return rules


def _write_step(connection: Connection, dialect: Dialect, case_id: int, number: int, step: Step) -> None:
    """Write a step, after every row that somebody else could hold was taken: who waits here must hold nothing new."""
    dialect.order_steps(connection)
    connection.execute(insert(_STEP).values(**step_values(case_id, number, step)))
