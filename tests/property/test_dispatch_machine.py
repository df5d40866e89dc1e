"""Whatever happens to a case in any order: it stands somewhere known, nothing is lost, deadlines only move back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.dispatch import (
    LEVELS,
    NEEDS_REASON,
    STEP_OF,
    TRANSITIONS,
    Case,
    Deadline,
    DeadlineTable,
    Event,
    EventKind,
    Policy,
    State,
    WorkCalendar,
    allowed,
    apply,
    replay,
    report,
    standing,
    urging,
)
from gis_core.dispatch.stats import count_cases
from gis_core.errors import ConflictError, ParameterError
from tests.plain_counts import columns_of

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
POLICIES = (
    Policy(),
    Policy(DeadlineTable([Deadline("*", "*", 30, 120, around_the_clock=True, urge_every=60)]), max_returns=1),
    Policy(
        DeadlineTable([Deadline("water", "*", 10, 60)]), WorkCalendar(hours=(((0, 1440),),) * 5 + ((),) * 2)
    ),
)


@st.composite
def events(draw: st.DrawFn, kinds: list[EventKind] | None = None) -> tuple[EventKind, float, dict]:
    kind = draw(st.sampled_from(kinds or list(EventKind)))
    details = {
        "why": draw(st.sampled_from(["", "because"])),
        "to": draw(st.sampled_from([None, "a", "b", "c"])),
        "minutes": draw(st.sampled_from([None, 0.0, 30.0, 600.0])),
        "passed": draw(st.sampled_from([None, True, False])),
        "other": draw(st.sampled_from([None, "1", "2"])),
        "key": draw(st.sampled_from([None, None, None, "k1", "k2"])),
    }
    return kind, draw(st.sampled_from([0.0, 1.0, 45.0, 700.0, 5000.0])), details


def invariants(before: Case, after: Case) -> None:
    assert isinstance(after.state, State)
    assert 1 <= after.step == STEP_OF[after.state] <= 7
    assert after.steps[: len(before.steps)] == before.steps
    assert len(after.steps) == len(before.steps) + 1
    last = after.steps[-1]
    assert (last.before, last.after, last.unit, last.due_at) == (
        before.state,
        after.state,
        after.unit,
        after.due_at,
    )
    if after.round == before.round and before.due_at is not None:
        assert after.due_at is not None
        assert after.due_at >= before.due_at
    if after.dispatched_at is not None:
        assert after.due_at is not None
        assert after.due_at >= after.dispatched_at
    assert (after.parked_at is not None) == (after.state == State.PARKED)
    assert (after.duplicate_of is not None) == (after.state == State.DUPLICATE)
    assert LEVELS.index(after.level) >= (LEVELS.index(before.level) if after.round == before.round else 0)
    if after.state in (State.DISPATCHED, State.ACCEPTED, State.PARKED, State.DONE, State.CHECKED):
        assert after.unit is not None
        assert after.due_at is not None
    if last.event.kind in NEEDS_REASON:
        assert last.event.why


@settings(max_examples=80, deadline=None)
@given(st.lists(events(), max_size=30), st.sampled_from(POLICIES))
def test_no_sequence_reaches_an_undefined_state(sequence: list, policy: Policy) -> None:
    case = report("1", Event(EventKind.REPORT, BEGIN, "caller"), category="water")
    now, taken = BEGIN, [case.steps[0].event]
    for kind, minutes, details in sequence:
        now += timedelta(minutes=minutes)
        event = Event(kind, now, "somebody", **details)
        possible = kind in allowed(case, policy)
        try:
            after = apply(case, event, policy)
        except ConflictError:
            assert not possible
            continue
        except ParameterError:
            assert possible
            continue
        if event.key is not None and any(step.event.key == event.key for step in case.steps):
            assert after is case
            continue
        assert possible
        assert kind != EventKind.REPORT
        invariants(case, after)
        stand = standing(after, now, policy)
        assert stand.late_minutes >= 0
        assert stand.clock in ("none", "running", "stopped", "ended")
        case = after
        taken.append(event)
    assert replay("1", taken, category="water", policy=policy) == case


#: Events that get far: all that a case in good hands meets.
FORWARD = [
    EventKind.VERIFY, EventKind.OPEN, EventKind.DISPATCH, EventKind.ACCEPT, EventKind.DONE, EventKind.CHECK,
    EventKind.CLOSE, EventKind.EVALUATE, EventKind.REOPEN, EventKind.PARK, EventKind.RESUME, EventKind.RETURN,
    EventKind.HAND_OVER, EventKind.EXTEND, EventKind.ESCALATE, EventKind.URGE, EventKind.LINK, EventKind.UNLINK,
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(POLICIES))
def test_walks_along_what_is_allowed_never_get_stuck(data: st.DataObject, policy: Policy) -> None:
    case = report("1", Event(EventKind.REPORT, BEGIN), category="fire")
    now = BEGIN
    for _ in range(40):
        possible = [kind for kind in allowed(case, policy) if kind in FORWARD or kind == EventKind.NOTE]
        assert possible
        kind = data.draw(st.sampled_from(possible))
        now += timedelta(minutes=data.draw(st.sampled_from([1, 300, 2000])))
        to = data.draw(st.sampled_from([unit for unit in ("a", "b", "c") if unit != case.unit]))
        event = Event(kind, now, "w", "why", to=to, minutes=60, passed=data.draw(st.booleans()), other="2")
        after = apply(case, event, policy)
        invariants(case, after)
        case = after
        reminder = urging(case, now, policy)
        if reminder is not None:
            urged = apply(case, reminder, policy)
            invariants(case, urged)
            assert urging(urged, now, policy) is None
            case = urged
    rows, total = count_cases(*columns_of([case], [None]), "unit", policy, now)
    assert total.returns == sum(row.returns for row in rows) <= sum(row.dispatches for row in rows)
    assert total.returns == sum(s.event.kind == EventKind.RETURN for s in case.steps)


def test_every_state_can_be_reached_and_left() -> None:
    reached, frontier = {State.REPORTED}, [State.REPORTED]
    while frontier:
        state = frontier.pop()
        for (before, _), after in TRANSITIONS.items():
            if before == state and after not in reached:
                reached.add(after)
                frontier.append(after)
    assert reached == set(State)
    for state in State:
        assert any(before == state and after != state for (before, _), after in TRANSITIONS.items())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 30 * 24 * 60),
    st.floats(0, 5000, allow_nan=False),
    st.floats(0, 5000, allow_nan=False),
    st.sets(st.integers(0, 40), max_size=8),
)
def test_working_time_adds_up(start: int, first: float, second: float, holidays: set[int]) -> None:
    days = frozenset((BEGIN + timedelta(days=day)).date() for day in holidays)
    calendar = WorkCalendar(holidays=days, hours=(((540, 720), (780, 1020)),) * 5 + ((), ()))
    at = BEGIN + timedelta(minutes=start)
    middle = calendar.add(at, first)
    assert middle >= at
    assert abs(calendar.between(at, middle) - first) < 1e-3
    end = calendar.add(middle, second)
    assert end >= middle
    assert abs(calendar.between(at, end) - first - second) < 1e-3
    assert calendar.add(at, first + second) <= end + timedelta(milliseconds=1)
    assert calendar.between(end, at) == 0.0
