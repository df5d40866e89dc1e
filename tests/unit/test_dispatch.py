"""The steps of a case, whose it is, until when, and what may be the same case."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gis_core.dispatch import (
    Case,
    Deadline,
    DeadlineTable,
    DutyTable,
    Event,
    EventKind,
    Place,
    Policy,
    Report,
    State,
    WorkCalendar,
    allowed,
    apply,
    calendar_from,
    find_duplicates,
    replay,
    report,
    standing,
    urging,
)
from gis_core.dispatch.rules import rules_from
from gis_core.dispatch.stats import count_cases
from gis_core.errors import ConflictError, ParameterError
from tests.plain_counts import columns_of

#: A Monday morning in Shanghai.
MONDAY = datetime.fromisoformat("2026-03-02T09:00+08:00")
POLICY = Policy(
    DeadlineTable([Deadline("water", "*", 60, 480), Deadline("fire", "*", 5, 60, around_the_clock=True)])
)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def course(*steps: tuple[str, float, dict] | tuple[str, float], category: str = "water") -> Case:
    events = [Event(EventKind.REPORT, MONDAY, "caller", where="12345")]
    for kind, hours, *rest in steps:
        events.append(Event(EventKind(kind), at(hours), "somebody", **(rest[0] if rest else {})))
    return replay("1", events, category=category, policy=POLICY)


OPENED = (("verify", 0.1), ("open", 0.2))
GIVEN = (*OPENED, ("dispatch", 1, {"to": "grid 3"}))


def test_the_seven_steps_in_order() -> None:
    case = course(
        *GIVEN, ("accept", 1.5), ("done", 4), ("check", 5, {"passed": True}), ("close", 6), ("evaluate", 7)
    )
    assert case.state == State.EVALUATED
    assert [step.after for step in case.steps] == [
        "reported", "verified", "opened", "dispatched", "accepted", "done", "checked", "closed", "evaluated",
    ]  # fmt: skip
    assert (case.steps[0].event.who, case.steps[0].event.where) == ("caller", "12345")
    assert case.dispatched_at == at(1)
    assert case.due_at == datetime.fromisoformat("2026-03-03T10:00+08:00")
    assert standing(case, at(500), POLICY).overdue is False


def test_the_clock_runs_from_dispatch_in_working_time() -> None:
    case = course(*OPENED, ("dispatch", 7.5, {"to": "grid 3"}))
    assert case.due_at == datetime.fromisoformat("2026-03-03T16:30+08:00")
    assert standing(case, at(7.5), POLICY).left_minutes == 480
    night = standing(case, at(20), POLICY)
    assert (night.clock, night.left_minutes, night.overdue) == ("running", 450, False)
    late = standing(case, at(32), POLICY)
    assert (late.overdue, late.late_minutes, late.accept_overdue) == (True, 30, True)
    fire = course(*OPENED, ("dispatch", 7.5, {"to": "grid 3"}), category="fire")
    assert fire.due_at == at(8.5)


def test_a_return_needs_a_reason_and_goes_elsewhere_at_once() -> None:
    case = course(*GIVEN)
    with pytest.raises(ParameterError, match="needs a reason"):
        apply(case, Event(EventKind.RETURN, at(2), to="water company"), POLICY)
    with pytest.raises(ParameterError, match="the unit that gets"):
        apply(case, Event(EventKind.RETURN, at(2), why="not ours"), POLICY)
    with pytest.raises(ParameterError, match="with grid 3 already"):
        apply(case, Event(EventKind.RETURN, at(2), why="not ours", to="grid 3"), POLICY)
    back = apply(case, Event(EventKind.RETURN, at(2), why="not ours", to="water company"), POLICY)
    assert (back.state, back.unit, back.due_at) == (State.DISPATCHED, "water company", case.due_at)
    twice = apply(back, Event(EventKind.RETURN, at(3), why="not ours", to="grid 3"), POLICY)
    assert EventKind.RETURN not in allowed(twice, POLICY)
    with pytest.raises(ConflictError, match="returned 2 times"):
        apply(twice, Event(EventKind.RETURN, at(4), why="again", to="water company"), POLICY)
    counts, _ = count_cases(*columns_of([twice], [None]), "unit", POLICY, at(3))
    assert {one.key: one.return_rate for one in counts} == {"grid 3": 0.5, "water company": 1.0}


def test_parking_stops_the_clock() -> None:
    case = course(*GIVEN, ("accept", 2), ("park", 3, {"why": "needs parts"}))
    stand = standing(case, at(200), POLICY)
    assert (stand.clock, stand.left_minutes, stand.overdue) == ("stopped", 360, False)
    resumed = apply(case, Event(EventKind.RESUME, at(24 + 3)), POLICY)
    assert standing(resumed, at(24 + 3), POLICY).left_minutes == 360


def test_extending_escalating_and_failing_the_check() -> None:
    case = course(*GIVEN, ("accept", 2), ("extend", 3, {"why": "rain", "minutes": 60}))
    assert case.due_at == datetime.fromisoformat("2026-03-03T11:00+08:00")
    up = apply(case, Event(EventKind.ESCALATE, at(4), why="too big", to="community 1"), POLICY)
    assert (up.level, up.unit, up.state) == ("community", "community 1", State.DISPATCHED)
    top = apply(up, Event(EventKind.ESCALATE, at(5), why="too big", to="office"), POLICY)
    assert EventKind.ESCALATE not in allowed(top, POLICY)
    worked = apply(apply(top, Event(EventKind.ACCEPT, at(6)), POLICY), Event(EventKind.DONE, at(7)), POLICY)
    failed = apply(worked, Event(EventKind.CHECK, at(7.5), passed=False), POLICY)
    assert (failed.state, failed.unit, failed.failed_checks) == (State.DISPATCHED, "office", 1)


def test_overdue_cases_are_urged_again_and_again_but_not_at_once() -> None:
    case = course(*GIVEN)
    assert urging(case, at(24), POLICY) is None
    first = urging(case, at(26), POLICY)
    assert first is not None
    case = apply(case, first, POLICY)
    assert apply(case, first, POLICY) is case
    assert urging(case, at(27), POLICY) is None
    second = urging(case, at(30.5), POLICY)
    assert second is not None
    assert (case.urgings, second.key) == (1, "urge-1-1-2")


def test_duplicates_are_linked_and_come_back_where_they_were() -> None:
    case = course(*GIVEN, ("accept", 2), ("link", 3, {"other": "7"}))
    assert (case.state, case.duplicate_of, case.has_ended) == (State.DUPLICATE, "7", True)
    apart = apply(case, Event(EventKind.UNLINK, at(4), why="another manhole"), POLICY)
    assert (apart.state, apart.duplicate_of, apart.unit) == (State.ACCEPTED, None, "grid 3")
    assert len(apart.steps) == len(case.steps) + 1


def test_reopening_begins_a_new_round_and_keeps_the_old() -> None:
    case = course(*GIVEN, ("accept", 2), ("done", 3), ("check", 4, {"passed": True}), ("close", 5),
                  ("reopen", 100, {"why": "leaks again"}), ("dispatch", 101, {"to": "grid 4"}))  # fmt: skip
    assert (case.round, case.unit, case.dispatched_at) == (2, "grid 4", at(101))
    assert len(case.steps) == 10


def test_what_cannot_happen_says_what_can() -> None:
    case = course()
    with pytest.raises(ConflictError, match="possible: verify, cancel, link"):
        apply(case, Event(EventKind.DONE, at(1)), POLICY)
    with pytest.raises(ParameterError, match="before the last one"):
        apply(case, Event(EventKind.VERIFY, at(-1)), POLICY)
    with pytest.raises(ParameterError, match="zone"):
        apply(case, Event(EventKind.VERIFY, datetime(2026, 3, 3)), POLICY)
    with pytest.raises(ParameterError, match="begins with report"):
        report("2", Event(EventKind.VERIFY, MONDAY), category="x")


TABLE = DutyTable.from_data(
    {
        "rules": [
            {"name": "manholes", "unit": "water company", "assets": ["manhole"]},
            {"name": "owned", "unit": "{owner}", "assets": ["manhole", "lamp"], "owners": ["power company"]},
            {"name": "sweeping", "unit": "cleaners", "categories": ["litter"], "roads": ["人民路"],
             "hours": {"hours": {day: ["06:00-22:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}},
            {"name": "litter", "unit": "street cleaning", "categories": ["litter"]},
            {"name": "east litter", "unit": "east cleaning", "categories": ["litter"], "grids": ["310101002"]},
        ],
        "units": {"310101001003": "grid worker Li"},
    }
)  # fmt: skip
WEST = Place("310101001003", "310101001", "310101")
EAST = Place("310101002001", "310101002", "310101")


@pytest.mark.parametrize(
    ("place", "category", "hours", "unit", "because"),
    [
        (Place("310101001003", asset="manhole"), "water", 0, "water company", "it is about manhole"),
        (
            Place("310101001003", asset="manhole", owner="power company"),
            "water",
            0,
            "power company",
            "belongs to",
        ),
        (Place("310101001003", road="人民路"), "litter", 0, "cleaners", "it is on 人民路"),
        (Place("310101001003", road="人民路"), "litter", 15, "street cleaning", "it is litter"),
        (EAST, "litter", 0, "east cleaning", "it lies in 310101002"),
        (WEST, "litter", 0, "street cleaning", "it is litter"),
        (WEST, "noise", 0, "grid worker Li", "no rule names it, and it lies in the grid 310101001003"),
        (EAST, "noise", 0, "310101002001", "lies in the grid"),
        (Place(), "noise", 0, None, "Nobody"),
    ],
)
def test_whose_it_is_and_why(
    place: Place, category: str, hours: float, unit: str | None, because: str
) -> None:
    duty = TABLE.find(place, category, at(hours))
    assert (duty.unit, duty.also) == (unit, ())
    assert because in duty.because


def test_who_gives_it_back_is_passed_over_up_to_the_territory() -> None:
    place = Place("310101001003", "310101001", asset="manhole")
    refused: list[str] = []
    for unit in ("water company", "grid worker Li", "310101001", None):
        duty = TABLE.find(place, "water", MONDAY, without=refused)
        assert duty.unit == unit
        refused.append(unit or "")


def test_rules_that_contradict_each_other_are_told() -> None:
    rules = [{"name": name, "unit": name, "categories": ["noise"]} for name in ("police", "community")]
    duty = DutyTable.from_data({"rules": rules}).find(WEST, "noise", MONDAY)
    assert (duty.unit, duty.also) == ("police", ("community",))


@pytest.mark.parametrize(
    "data",
    [
        {"rules": [{"name": "x"}]},
        {"rules": [{"name": "x", "unit": "y", "colour": 1}]},
        {"rules": [{"name": "x", "unit": "y"}, {"name": "x", "unit": "z"}]},
        {"rules": [{"name": "x", "unit": "y", "hours": {"hours": {"mon": ["9 to 5"]}}}]},
    ],
)
def test_rules_that_cannot_be_read(data: dict) -> None:
    with pytest.raises(ParameterError):
        DutyTable.from_data(data)


@pytest.mark.parametrize(
    "data",
    [
        {"hours": {"mon": ["17:00-09:00"]}},
        {"hours": {"mon": ["09:00-12:00", "11:00-13:00"]}},
        {"hours": {"someday": []}},
        {"hours": {"mon": []}},
        {"holidays": ["yesterday"]},
        {"zone": "Mars/Olympus"},
    ],
)
def test_calendars_that_cannot_be_read(data: dict) -> None:
    with pytest.raises(ParameterError):
        calendar_from(data)


def test_holidays_do_not_count_and_worked_days_do() -> None:
    calendar = calendar_from({"holidays": ["2026-03-03", "2026-03-04"], "workdays": ["2026-03-07"]})
    assert calendar.add(at(7), 120) == datetime.fromisoformat("2026-03-05T10:00+08:00")
    friday = datetime.fromisoformat("2026-03-06T16:30+08:00")
    assert calendar.add(friday, 60) == datetime.fromisoformat("2026-03-07T09:30+08:00")
    assert WorkCalendar().add(friday, 60) == datetime.fromisoformat("2026-03-09T09:30+08:00")


def test_duplicates_by_place_time_and_words() -> None:
    new = Report("9", 121.5, 31.2, at(5), "water", "人民路8号门口漏水", 10)
    others = [
        Report("1", 121.5001, 31.2, at(1), "water", "人民路8号漏水了", 10),
        Report("2", 121.5001, 31.2, at(1), "litter", "垃圾没有清运", 10),
        Report("3", 121.51, 31.2, at(1), "water", "人民路8号门口漏水", 10),
        Report("4", 121.5, 31.2, at(-24 * 9), "water", "人民路8号门口漏水", 10),
        Report("5", 121.5, 31.2, at(4), "other", "8号门口漏水", 10),
        Report("6", 121.5, 31.2, at(6), "water", "人民路8号门口漏水", 10),
        Report("9", 121.5, 31.2, at(5), "water", "itself", 10),
    ]
    found = find_duplicates(new, others)
    assert [one.id for one in found] == ["1", "5"]
    assert 9 < found[0].metres < 10
    assert all(0.5 <= one.score <= 1 for one in found)


def test_deadlines_by_category_then_grade() -> None:
    table = DeadlineTable.from_rows(
        [
            {"category": "water", "grade": "major", "handle_minutes": 90},
            {"category": "water", "handle_minutes": 480},
            {"grade": "major", "handle_minutes": 120},
        ]
    )
    cases = [("water", "major"), ("water", "general"), ("noise", "major"), ("noise", "general")]
    assert [table.find(*case).handle_minutes for case in cases] == [90, 480, 120, 960]
    for bad in ({"handle_minutes": -1}, {"minutes": 3}, {"handle_minutes": "soon"}):
        with pytest.raises(ParameterError):
            DeadlineTable.from_rows([bad])


@pytest.mark.parametrize(
    "data",
    [
        {"deadlines": [{"handle_minutes": float("inf")}]},
        {"deadlines": [{"handle_minutes": 1e9}]},
        {"deadlines": [{"category": ["a"]}]},
        {"deadlines": {"a": 1}},
        {"duty": {"rules": [{"name": "x", "unit": "y", "grids": "310101"}]}},
        {"duty": {"rules": [{"name": ["x"], "unit": "y"}]}},
        {"duty": {"units": ["x"]}},
        {"calendar": {"hours": {"mon": "09:00-17:00"}}},
        {"calendar": {"hours": {"mon": ["09:00-09:30"]}}},
        {"calendar": {"holidays": "2026-01-01"}},
        {"max_returns": True},
    ],
)
def test_rules_of_the_wrong_kind_are_refused(data: dict) -> None:
    with pytest.raises(ParameterError):
        rules_from(data)
