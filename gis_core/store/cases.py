"""Repository of cases: a row for how each stands, and its steps, which are only ever added."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from gis_core.dispatch import Case, Event, EventKind, Policy, State, Step, apply, report
from gis_core.dispatch.rules import Rules, rules_from
from gis_core.errors import ConflictError, NotFoundError, ParameterError
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
    "near",
    "read_rules",
    "serial",
    "whole_after",
    "write_rules",
]

_CASE, _STEP, _RULES = table_of(CaseRow), table_of(CaseStep), table_of(DispatchRules)
_ENDED = (State.CLOSED, State.EVALUATED, State.CANCELLED, State.DUPLICATE)
#: What of a case is kept as JSON beside its columns.
_COUNTS = (
    "level",
    "round",
    "extensions",
    "returns",
    "urgings",
    "failed_checks",
    "duplicate_of",
    "before_link",
)
_TIMES = ("dispatched_at", "accept_by", "parked_at")
_MORE = ("to", "minutes", "passed", "other")
_IDS_AT_ONCE = 500
#: Steps of two who worked at once may come the other way round by so much; each is of the time of the one before then.
_AT_ONCE = timedelta(seconds=5)


@dataclass(frozen=True)
class NewCase:
    """What is reported: where (degrees), what, in whose words, and what was found out about the place."""

    lon: float
    lat: float
    category: str
    grade: str = "general"
    words: str = ""
    accuracy_m: float = 0.0
    plan_id: int | None = None
    grid_code: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True)
class CaseRecord:
    """A stored case: what was reported, and the case as its steps made it; `steps` are empty in lists."""

    id: int
    new: NewCase
    case: Case
    reported_at: datetime
    n_steps: int


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
    values = _new_values(new, case)
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
    values = [_new_values(items[number][0], case) for number, case in zip(fresh, made, strict=True)]
    query = insert(_CASE).returning(_CASE.c.id, sort_by_parameter_order=True)
    rows: list[dict[str, Any]] = []
    for number, case, case_id in zip(fresh, made, connection.execute(query, values).scalars(), strict=True):
        ids[number] = int(case_id)
        rows += [_step_values(int(case_id), each, step) for each, step in enumerate(case.steps)]
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
    values = _standing(case)
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
    return _record(row, tuple(_step(one) for one in rows))


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
    return [_record(row, ()) for row in connection.execute(page(query, limit, offset))], int(count)


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
        records |= {row.id: _record(row, ()) for row in connection.execute(some)}
    return [CaseNews(row.id, _step(row), row.number, records[row.case_id]) for row in rows]


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
            steps[step.case_id].append(_step(step))
    return [_record(row, tuple(steps[row.id])) for row in rows]


def _wanted(
    states: Sequence[str], is_open: bool | None, unit: str | None, grid_code: str | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of a list."""
    where: list[ColumnElement[bool]] = []
    if states:
        where.append(_CASE.c.state.in_(list(states)))
    if is_open is not None:
        ended = _CASE.c.state.in_([str(state) for state in _ENDED])
        where.append(~ended if is_open else ended)
    if unit is not None:
        where.append(_CASE.c.unit == plain_text(unit))
    if grid_code is not None:
        where.append(_CASE.c.grid_code == plain_text(grid_code))
    return where


def near(
    connection: Connection, box: tuple[float, float, float, float], since: datetime, *, limit: int
) -> list[CaseRecord]:
    """Return the cases reported in a box of degrees since a moment, without steps, the newest first."""
    west, south, east, north = box
    query = (
        select(_CASE)
        .where(
            _CASE.c.reported_at >= since, _CASE.c.lon.between(west, east), _CASE.c.lat.between(south, north)
        )
        .order_by(_CASE.c.id.desc())
        .limit(limit)
    )
    return [_record(row, ()) for row in connection.execute(query)]


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
        "rules": _json_of(data),
    }
    connection.execute(insert(_RULES).values(**values))
    return rules


def _new_values(new: NewCase, case: Case) -> dict[str, Any]:
    """Return the columns of a new case."""
    return {
        "key": new.key,
        "plan_id": new.plan_id,
        "category": case.category,
        "grade": case.grade,
        "grid_code": new.grid_code,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "reported_at": case.steps[0].event.at,
        "words": plain_text(new.words),
        "details": _json_of(new.details),
        **_standing(case),
    }


def _json_of(value: Mapping[str, Any]) -> str:
    return plain_text(json.dumps(dict(value), ensure_ascii=False))


def _standing(case: Case) -> dict[str, Any]:
    """Return the columns that steps change."""
    kept: dict[str, Any] = {name: getattr(case, name) for name in _COUNTS}
    for name in _TIMES:
        moment = getattr(case, name)
        kept[name] = moment.isoformat() if moment is not None else None
    return {
        "state": str(case.state),
        "unit": case.unit,
        "due_at": case.due_at,
        "standing": json.dumps(kept, ensure_ascii=False),
        "n_steps": len(case.steps),
    }


def _write_step(connection: Connection, dialect: Dialect, case_id: int, number: int, step: Step) -> None:
    """Write a step, after every row that somebody else could hold was taken: who waits here must hold nothing new."""
    dialect.order_steps(connection)
    connection.execute(insert(_STEP).values(**_step_values(case_id, number, step)))


def _step_values(case_id: int, number: int, step: Step) -> dict[str, Any]:
    """Return the columns of a step."""
    event = step.event
    data = {**{name: getattr(event, name) for name in _MORE}, "data": dict(event.data)}
    return {
        "case_id": case_id,
        "number": number,
        "kind": str(event.kind),
        "at": event.at,
        "who": plain_text(event.who),
        "why": plain_text(event.why),
        "source": plain_text(event.where),
        "data": _json_of(data),
        "key": event.key,
        "before": None if step.before is None else str(step.before),
        "after": str(step.after),
        "unit": step.unit,
        "due_at": step.due_at,
    }


def _step(row: Row[Any]) -> Step:
    data = json.loads(row.data)
    event = Event(
        EventKind(row.kind), row.at, row.who, row.why, row.source, key=row.key, data=data.pop("data"), **data
    )
    before = None if row.before is None else State(row.before)
    return Step(event, before, State(row.after), row.unit, row.due_at)


def _record(row: Row[Any], steps: tuple[Step, ...]) -> CaseRecord:
    kept: dict[str, Any] = json.loads(row.standing)
    for name in _TIMES:
        kept[name] = None if kept[name] is None else datetime.fromisoformat(kept[name])
    kept["before_link"] = None if kept["before_link"] is None else State(kept["before_link"])
    kept |= {"unit": row.unit, "due_at": row.due_at}
    case = Case(str(row.id), row.category, row.grade, State(row.state), steps, **kept)
    new = NewCase(
        row.lon, row.lat, row.category, row.grade, row.words, row.accuracy_m, row.plan_id, row.grid_code,
        json.loads(row.details), row.key,
    )  # fmt: skip
    return CaseRecord(row.id, new, case, row.reported_at, row.n_steps)
