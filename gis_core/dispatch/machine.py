"""The life of a case as one state machine: which event leads from where to where, and what it needs.

Pure: a case and an event give a new case, or an error that says what is possible. The same events in the same order
always give the same case, so a case is its log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from gis_core.dispatch.case import LEVELS, Case, Event, EventKind, State, Step
from gis_core.dispatch.deadlines import MOST_MINUTES, DeadlineTable
from gis_core.dispatch.worktime import AROUND_THE_CLOCK, WorkCalendar
from gis_core.errors import ConflictError, ParameterError

__all__ = ["NEEDS_REASON", "TRANSITIONS", "Policy", "allowed", "apply", "replay", "report"]

_S, _E = State, EventKind

#: (where from, what) -> where to. What is not here cannot happen.
TRANSITIONS: Mapping[tuple[State, EventKind], State] = MappingProxyType(
    {
        (_S.REPORTED, _E.VERIFY): _S.VERIFIED,
        (_S.REPORTED, _E.CANCEL): _S.CANCELLED,
        (_S.REPORTED, _E.LINK): _S.DUPLICATE,
        (_S.VERIFIED, _E.OPEN): _S.OPENED,
        (_S.VERIFIED, _E.CANCEL): _S.CANCELLED,
        (_S.VERIFIED, _E.LINK): _S.DUPLICATE,
        (_S.OPENED, _E.DISPATCH): _S.DISPATCHED,
        (_S.OPENED, _E.CANCEL): _S.CANCELLED,
        (_S.OPENED, _E.LINK): _S.DUPLICATE,
        (_S.DISPATCHED, _E.ACCEPT): _S.ACCEPTED,
        (_S.DISPATCHED, _E.RETURN): _S.DISPATCHED,
        (_S.DISPATCHED, _E.HAND_OVER): _S.DISPATCHED,
        (_S.DISPATCHED, _E.EXTEND): _S.DISPATCHED,
        (_S.DISPATCHED, _E.ESCALATE): _S.DISPATCHED,
        (_S.DISPATCHED, _E.URGE): _S.DISPATCHED,
        (_S.DISPATCHED, _E.LINK): _S.DUPLICATE,
        (_S.ACCEPTED, _E.DONE): _S.DONE,
        (_S.ACCEPTED, _E.RETURN): _S.DISPATCHED,
        (_S.ACCEPTED, _E.HAND_OVER): _S.DISPATCHED,
        (_S.ACCEPTED, _E.EXTEND): _S.ACCEPTED,
        (_S.ACCEPTED, _E.ESCALATE): _S.DISPATCHED,
        (_S.ACCEPTED, _E.PARK): _S.PARKED,
        (_S.ACCEPTED, _E.URGE): _S.ACCEPTED,
        (_S.ACCEPTED, _E.LINK): _S.DUPLICATE,
        (_S.PARKED, _E.RESUME): _S.ACCEPTED,
        (_S.PARKED, _E.ESCALATE): _S.DISPATCHED,
        (_S.DONE, _E.CHECK): _S.CHECKED,
        (_S.CHECKED, _E.CLOSE): _S.CLOSED,
        (_S.CLOSED, _E.EVALUATE): _S.EVALUATED,
        (_S.CLOSED, _E.REOPEN): _S.OPENED,
        (_S.EVALUATED, _E.REOPEN): _S.OPENED,
        (_S.CANCELLED, _E.REOPEN): _S.REPORTED,
        (_S.DUPLICATE, _E.UNLINK): _S.REPORTED,
        **{(state, _E.NOTE): state for state in _S},
    }
)
#: Events that are refused without a reason.
NEEDS_REASON: frozenset[EventKind] = frozenset(
    {_E.CANCEL, _E.RETURN, _E.HAND_OVER, _E.EXTEND, _E.ESCALATE, _E.PARK, _E.REOPEN, _E.UNLINK}
)
_COUNTERS = {_E.RETURN: "returns", _E.EXTEND: "extensions", _E.URGE: "urgings"}
_NEEDS_UNIT = frozenset({_E.DISPATCH, _E.RETURN, _E.HAND_OVER, _E.ESCALATE})


@dataclass(frozen=True)
class Policy:
    """What the rules of a place say.

    Attributes
    ----------
    deadlines : DeadlineTable
    calendar : WorkCalendar
    max_returns : int
        Returns of one round; after that the case stays with the unit that has it, which may hand it over or escalate.
    max_extensions : int
    """

    deadlines: DeadlineTable = field(default_factory=DeadlineTable)
    calendar: WorkCalendar = field(default_factory=WorkCalendar)
    max_returns: int = 2
    max_extensions: int = 2

    def calendar_for(self, case: Case) -> WorkCalendar:
        """Return the calendar whose time runs for a case."""
        rule = self.deadlines.find(case.category, case.grade)
        return AROUND_THE_CLOCK if rule.around_the_clock else self.calendar


def report(case_id: str, event: Event, *, category: str, grade: str = "general") -> Case:
    """Begin a case.

    Raises
    ------
    ParameterError
        Where the event is no report or has no zone.
    """
    if event.kind != _E.REPORT:
        raise ParameterError(f"A case begins with report, not with {event.kind}.")
    _require_zone(event.at)
    step = Step(event, None, State.REPORTED, None, None)
    return Case(case_id, category, grade, State.REPORTED, (step,))


def allowed(case: Case, policy: Policy | None = None) -> tuple[EventKind, ...]:
    """Return what can happen to a case now, in the order of `EventKind`."""
    policy = policy or Policy()
    return tuple(kind for kind in EventKind if _obstacle(case, kind, policy) is None)


def apply(case: Case, event: Event, policy: Policy | None = None) -> Case:
    """Let an event happen.

    Returns
    -------
    Case
        A new one with one step more; the same where the key of the event is known.

    Raises
    ------
    ConflictError
        Where the case does not stand where that can happen; it says what can.
    ParameterError
        Where the event lacks a reason, a unit or something else that it needs.
    """
    policy = policy or Policy()
    if event.key is not None and any(step.event.key == event.key for step in case.steps):
        return case
    obstacle = _obstacle(case, event.kind, policy)
    if obstacle is not None:
        can = ", ".join(kind for kind in allowed(case, policy) if kind != _E.NOTE) or "nothing but a note"
        raise ConflictError(
            f"Case {case.id} is {case.state} and cannot take {event.kind}: {obstacle}; possible: {can}.",
            state=str(case.state),
        )
    _require(case, event)
    after = _after(case, event)
    changed = replace(case, **_changes(case, event, policy), state=after)
    step = Step(event, case.state, after, changed.unit, changed.due_at)
    return replace(changed, steps=(*case.steps, step))


def replay(
    case_id: str,
    events: Iterable[Event],
    *,
    category: str,
    grade: str = "general",
    policy: Policy | None = None,
) -> Case:
    """Make a case from all its events, oldest first; raises as `report` and `apply` do."""
    events = iter(events)
    first = next(events, None)
    if first is None:
        raise ParameterError("A case begins with report; there is no event.")
    case = report(case_id, first, category=category, grade=grade)
    for event in events:
        case = apply(case, event, policy)
    return case


def _obstacle(case: Case, kind: EventKind, policy: Policy) -> str | None:
    """Say why something cannot happen to a case now; None where it can."""
    if (case.state, kind) not in TRANSITIONS:
        return "that does not follow from there"
    if kind == _E.RETURN and case.returns >= policy.max_returns:
        return (
            f"it was returned {case.returns} times, the unit that has it keeps it, hands it over or escalates"
        )
    if kind == _E.EXTEND and case.extensions >= policy.max_extensions:
        return f"it was extended {case.extensions} times"
    if kind == _E.ESCALATE and case.level == LEVELS[-1]:
        return "it is with the street office already"
    return None


def _require(case: Case, event: Event) -> None:
    _require_zone(event.at)
    if event.at < case.last_at:
        raise ParameterError(
            f"The step is of {event.at.isoformat()}, before the last one of {case.last_at.isoformat()}."
        )
    if event.kind in NEEDS_REASON and not event.why.strip():
        raise ParameterError(f"{event.kind} needs a reason.")
    if event.kind in _NEEDS_UNIT:
        if not event.to:
            raise ParameterError(f"{event.kind} needs the unit that gets the case.")
        if event.kind in (_E.RETURN, _E.HAND_OVER) and event.to == case.unit:
            raise ParameterError(f"The case is with {case.unit} already; {event.kind} names another unit.")
    if event.kind == _E.EXTEND and not (event.minutes is not None and 0 < event.minutes <= MOST_MINUTES):
        raise ParameterError(
            f"extend needs the working minutes that are asked for, above 0, at most {MOST_MINUTES:,}."
        )
    if event.kind == _E.CHECK and event.passed is None:
        raise ParameterError("check needs to say whether the place is as it should be.")
    if event.kind == _E.LINK and (not event.other or event.other == case.id):
        raise ParameterError("link needs the other case that this one repeats.")


def _require_zone(at: datetime) -> None:
    if at.tzinfo is None:
        raise ParameterError(f"The time {at.isoformat()} has no zone; add one, such as +08:00.")


def _after(case: Case, event: Event) -> State:
    if event.kind == _E.CHECK and not event.passed:
        return State.DISPATCHED
    if event.kind == _E.UNLINK and case.before_link is not None:
        return case.before_link
    return TRANSITIONS[case.state, event.kind]


def _changes(case: Case, event: Event, policy: Policy) -> dict[str, Any]:
    """Return what an event changes besides the state."""
    kind = event.kind
    changes: dict[str, Any] = {"unit": event.to} if kind in _NEEDS_UNIT else {}
    if kind == _E.ESCALATE:
        changes["level"] = LEVELS[LEVELS.index(case.level) + 1]
    elif kind == _E.LINK:
        changes |= {"duplicate_of": event.other, "before_link": case.state}
    elif kind == _E.UNLINK:
        changes |= {"duplicate_of": None, "before_link": None}
    elif kind == _E.REOPEN:
        changes |= _next_round(case)
    counter = "failed_checks" if kind == _E.CHECK and not event.passed else _COUNTERS.get(kind)
    if counter is not None:
        changes[counter] = getattr(case, counter) + 1
    return changes | _clock(case, event, policy)


def _clock(case: Case, event: Event, policy: Policy) -> dict[str, Any]:
    """Return what an event does to the clock: dispatch starts it, extending and having been parked move its end."""
    kind, calendar = event.kind, policy.calendar_for(case)
    rule = policy.deadlines.find(case.category, case.grade)
    changes: dict[str, Any] = {}
    if kind in _NEEDS_UNIT or (kind == _E.CHECK and not event.passed):
        changes["accept_by"] = calendar.add(event.at, rule.accept_minutes)
    if kind == _E.DISPATCH:
        changes |= {"dispatched_at": event.at, "due_at": calendar.add(event.at, rule.handle_minutes)}
    elif kind == _E.EXTEND and case.due_at is not None and event.minutes is not None:
        changes["due_at"] = calendar.add(case.due_at, event.minutes)
    elif kind == _E.PARK:
        changes["parked_at"] = event.at
    elif case.parked_at is not None and case.due_at is not None and kind in (_E.RESUME, _E.ESCALATE):
        stood = calendar.between(case.parked_at, event.at)
        changes |= {"parked_at": None, "due_at": calendar.add(case.due_at, stood)}
    return changes


def _next_round(case: Case) -> dict[str, Any]:
    return {
        "round": case.round + 1,
        "unit": None,
        "level": LEVELS[0],
        "dispatched_at": None,
        "due_at": None,
        "accept_by": None,
        "extensions": 0,
        "returns": 0,
        "urgings": 0,
        "failed_checks": 0,
    }
