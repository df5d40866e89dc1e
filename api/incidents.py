"""Cases between the wire, the store and the rules: where one lies, whose it is, what it may repeat."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.attachments import attachment_row
from api.case_assets import asset_details
from api.case_near import facilities_soon, staff_near
from api.case_place import place_case
from gis_core.dispatch import (
    LEVELS,
    Case,
    Duty,
    Event,
    EventKind,
    Place,
    Standing,
    State,
    allowed,
    standing,
)
from gis_core.errors import NotFoundError, ParameterError
from gis_core.store.cases import CaseRecord, NewCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.incident_models import ReportBody, StepBody
    from api.services import Services
    from gis_core.dispatch.rules import Rules

__all__ = ["incident_detail", "incident_row", "report_incident", "step_incident", "step_row"]


def report_incident(
    services: Services,
    body: ReportBody,
    who: str,
    *,
    more: Mapping[str, Any] | None = None,
    unsure: str | None = None,
) -> CaseRecord:
    """Write down a case in the grid in force there; near a border it gets candidates, not a guess.

    Parameters
    ----------
    more : mapping or None
        What else is kept with its details.
    unsure : str or None
        Why somebody has to look at the place, however well its grid is known.
    """
    place = place_case(services, body.x, body.y, crs=body.crs, accuracy_m=body.accuracy_m, plan=body.plan)
    if unsure is not None:
        place = place.unsure(unsure)
    given = {name: getattr(body, name) for name in ("address", "road", "asset", "owner")}
    details = {name: value for name, value in given.items() if value}
    if "owner" not in details:
        details |= asset_details(
            services.store, place.lon, place.lat, body.accuracy_m, asset=body.asset, category=body.category
        )
    new = NewCase(
        place.lon,
        place.lat,
        body.category,
        body.grade,
        body.words,
        body.accuracy_m,
        place.plan_id,
        place.grid_code,
        {**details, **place.details, **(more or {})},
        body.key,
    )
    record = services.store.add_case(new, Event(EventKind.REPORT, _now(), who, where=body.where))
    services.case_hub.wake()
    return record


def step_incident(services: Services, case_id: int, body: StepBody, who: str) -> CaseRecord:
    """Let something happen to a case; who gets it is what the rules say, unless it is named."""
    record = services.store.case(case_id)
    kind = body.kind
    to = body.to
    if to is None and kind in (EventKind.DISPATCH, EventKind.RETURN, EventKind.ESCALATE):
        to = _next_unit(services, record, kind, body.grid)
    event = Event(
        kind,
        max(_now(), record.case.last_at),
        who,
        body.why,
        body.where,
        to,
        body.minutes,
        body.passed,
        None if body.other is None else str(body.other),
        body.key,
        {} if body.grid is None else {"grid": body.grid},
    )
    if body.grid is not None:
        _require_grid(services, record, body.grid)
    after = services.store.step_case(case_id, event, seen=body.seen)
    services.case_hub.wake()
    return after


def _require_grid(services: Services, record: CaseRecord, grid: str) -> None:
    plan_id = _plan_of(record, grid)
    if plan_id is None or grid not in services.plan(plan_id).codes:
        raise NotFoundError(f"The plan of case {record.id} has no grid {grid!r}.", grid=grid)


def _plan_of(record: CaseRecord, grid: str | None) -> int | None:
    """Return the plan of a grid of a case: where plans of two communities meet, a candidate may be of the other."""
    for row in record.new.details.get("candidates", ()):
        if row["code"] == grid and "plan" in row:
            return int(row["plan"])
    return record.new.plan_id


def _next_unit(services: Services, record: CaseRecord, kind: EventKind, grid: str | None) -> str:
    rules, place = services.store.dispatch_rules(), _place(services, record, grid)
    if kind == EventKind.ESCALATE:
        level = LEVELS[min(LEVELS.index(record.case.level) + 1, len(LEVELS) - 1)]
        unit = rules.duty.territory(place, level)
        words = level.replace("_", " ")
        fault = f"The {words} of case {record.id} is not known; name the unit that gets it."
    else:
        refused = _gave_back(record.case)
        if kind == EventKind.RETURN and record.case.unit is not None:
            refused = [*refused, record.case.unit]
        duty = rules.duty.find(place, record.case.category, _now(), without=refused)
        unit, fault = duty.unit, f"{duty.because} Name the unit that gets case {record.id}."
    if unit is None:
        raise ParameterError(fault, id=record.id)
    return unit


def _gave_back(case: Case) -> list[str]:
    """Return the units that gave a case back in this round."""
    units: list[str] = []
    holder: str | None = None
    for step in case.steps:
        if step.event.kind == EventKind.REOPEN:
            units = []
        elif step.event.kind == EventKind.RETURN and holder is not None:
            units.append(holder)
        holder = step.unit
    return units


def _place(services: Services, record: CaseRecord, grid: str | None = None) -> Place:
    """Return where a case lies, in grids and what stands above them."""
    code, details = grid or record.new.grid_code, record.new.details
    community = office = None
    plan_id = _plan_of(record, code)
    if code is not None and plan_id is not None:
        try:
            view = services.plan(plan_id)
        except NotFoundError:
            view = None
        if view is not None and code in view.codes:
            row = view.grid(view.grid_ix_of(code))
            community = None if row is None else row["boundary_code"]
            office = view.parents.get(community)
    return Place(code, community, office, details.get("road"), details.get("asset"), details.get("owner"))


def incident_row(record: CaseRecord, rules: Rules, now: datetime | None = None) -> dict[str, Any]:
    """Write a case as the wire has it."""
    case, new = record.case, record.new
    stand = _standing(case, now or _now(), rules)
    names = (
        "category",
        "grade",
        "state",
        "step",
        "unit",
        "level",
        "dispatched_at",
        "due_at",
        "accept_by",
        "round",
    )
    return {
        "id": record.id,
        **{name: getattr(case, name) for name in names},
        **{name: getattr(case, name) for name in ("returns", "extensions", "urgings")},
        "plan": _plan_of(record, new.grid_code),
        "grid_code": new.grid_code,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "words": new.words,
        "details": dict(new.details),
        "reported_at": record.reported_at,
        "duplicate_of": None if case.duplicate_of is None else int(case.duplicate_of),
        "n_steps": record.n_steps,
        **asdict(stand),
    }


def _standing(case: Case, now: datetime, rules: Rules) -> Standing:
    running = case.state in (State.DISPATCHED, State.ACCEPTED, State.PARKED)
    if case.due_at is not None and not running and not case.steps:
        return Standing("ended")
    return standing(case, now, rules.policy)


def incident_detail(services: Services, record: CaseRecord) -> dict[str, Any]:
    """Write a case with its history, what can be done, whose it is and what it may repeat."""
    rules = services.store.dispatch_rules()
    duty: Duty = rules.duty.find(
        _place(services, record), record.case.category, _now(), without=_gave_back(record.case)
    )
    return {
        **incident_row(record, rules),
        "allowed": [str(kind) for kind in allowed(record.case, rules.policy)],
        "duty": {**asdict(duty), "also": list(duty.also)},
        "candidates": record.new.details.get("candidates", []),
        "duplicates": services.open_cases.repeated_by(record),
        "staff": staff_near(services, record),
        "near": facilities_soon(services, record),
        "steps": [step_row(number, step) for number, step in enumerate(record.case.steps)],
        "attachments": [attachment_row(each) for each in services.store.case_attachments(record.id)],
    }


def step_row(number: int, step: Any) -> dict[str, Any]:
    """Write a step of a case as the wire has it."""
    event = step.event
    names = ("kind", "at", "who", "why", "where", "to", "minutes", "passed", "other")
    return {
        "number": number,
        **{name: getattr(event, name) for name in names},
        "data": dict(event.data),
        **{name: getattr(step, name) for name in ("before", "after", "unit", "due_at")},
    }


def _now() -> datetime:
    """Return the time, in the whole milliseconds that a store keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
