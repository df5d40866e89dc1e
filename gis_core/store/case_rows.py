"""Between cases and the rows that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gis_core.dispatch import Case, Event, EventKind, State, Step
from gis_core.store.rows import plain_text

__all__ = [
    "ENDED",
    "CaseRecord",
    "NewCase",
    "json_of",
    "new_values",
    "record_of",
    "standing_values",
    "step_of",
    "step_values",
]

#: States of cases that nobody has anything to do for.
ENDED = (State.CLOSED, State.EVALUATED, State.CANCELLED, State.DUPLICATE)
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


def new_values(new: NewCase, case: Case) -> dict[str, Any]:
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
        "details": json_of(new.details),
        **standing_values(case),
    }


def json_of(value: Mapping[str, Any]) -> str:
    """Write values as JSON that both stores take."""
    return plain_text(json.dumps(dict(value), ensure_ascii=False))


def standing_values(case: Case) -> dict[str, Any]:
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


def step_values(case_id: int, number: int, step: Step) -> dict[str, Any]:
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
        "data": json_of(data),
        "key": event.key,
        "before": None if step.before is None else str(step.before),
        "after": str(step.after),
        "unit": step.unit,
        "due_at": step.due_at,
    }


def step_of(row: Row[Any]) -> Step:
    """Return the step of a row."""
    data = json.loads(row.data)
    event = Event(
        EventKind(row.kind), row.at, row.who, row.why, row.source, key=row.key, data=data.pop("data"), **data
    )
    before = None if row.before is None else State(row.before)
    return Step(event, before, State(row.after), row.unit, row.due_at)


def record_of(row: Row[Any], steps: tuple[Step, ...]) -> CaseRecord:
    """Return the case of a row, with the steps that were read with it."""
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
