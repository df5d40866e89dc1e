"""Cases on both stores: what is reported stays, steps are only added, and a case read back is the case that was."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from gis_core.dispatch import Event, EventKind, State
from gis_core.errors import ConflictError, NotFoundError, ParameterError
from gis_core.store import open_store
from gis_core.store.cases import NewCase

NOW = datetime(2026, 3, 2, 1, 0, 0, 123000, tzinfo=UTC)
RULES = {
    "deadlines": [{"category": "漏水", "accept_minutes": 5, "handle_minutes": 60, "around_the_clock": True}]
}


def new(**values):
    return NewCase(**{"lon": 121.5, "lat": 31.25, "category": "漏水", "words": "3号楼漏水 🚰", **values})


def step(kind, minutes, **details):
    return Event(EventKind(kind), NOW + timedelta(minutes=minutes), "王五", where="desk", **details)


def reported(store, **values):
    return store.add_case(new(**values), step("report", 0)).id


def accepted(store, **values):
    case_id = reported(store, **values)
    for event in (step("verify", 1), step("open", 2), step("dispatch", 3, to="网格 3"), step("accept", 4)):
        store.step_case(case_id, event)
    return case_id


def test_a_case_reads_back_as_it_was(place):
    with open_store(place) as store:
        store.set_dispatch_rules(RULES, who="张三")
        case_id = accepted(
            store, grid_code="310101001001", details={"road": "人民路"}, key="k1", accuracy_m=12.5
        )
        before = store.step_case(case_id, step("park", 10, why="等配件", data={"photo": 1}))
    with open_store(place) as store:
        record = store.case(case_id)
        assert record == before
        assert store.dispatch_rules().data == RULES
    assert (record.new.words, record.new.details) == ("3号楼漏水 🚰", {"road": "人民路"})
    case = record.case
    assert (case.state, case.unit, case.due_at) == (State.PARKED, "网格 3", NOW + timedelta(minutes=63))
    assert [one.event.kind for one in case.steps] == [
        "report",
        "verify",
        "open",
        "dispatch",
        "accept",
        "park",
    ]
    assert (case.steps[-1].event.why, case.steps[-1].event.data) == ("等配件", {"photo": 1})
    assert (case.parked_at, record.reported_at) == (NOW + timedelta(minutes=10), NOW)


def test_what_is_sent_again_counts_once(store):
    case_id = reported(store, key="k1")
    assert reported(store, key="k1") == case_id
    first = store.step_case(case_id, step("verify", 1, key="s1"))
    again = store.step_case(case_id, step("verify", 2, key="s1"))
    assert again == first
    assert store.cases()[1] == 1


def test_a_step_that_cannot_be_changes_nothing(store):
    case_id = reported(store)
    with pytest.raises(ConflictError, match="possible: verify"):
        store.step_case(case_id, step("done", 1))
    with pytest.raises(ConflictError, match="has moved on"):
        store.step_case(case_id, step("verify", 1), seen=7)
    with pytest.raises(ParameterError):
        store.step_case(case_id, step("cancel", 1))
    with pytest.raises(NotFoundError):
        store.step_case(case_id + 1, step("verify", 1))
    with pytest.raises(ParameterError, match="no other case"):
        store.step_case(case_id, step("link", 1, other=str(case_id)))
    assert store.case(case_id).n_steps == 1


def test_lists_by_state_unit_and_grid(store):
    one, two, three = (
        reported(store, grid_code="a"),
        accepted(store, grid_code="b"),
        reported(store, grid_code="b"),
    )
    store.step_case(three, step("link", 5, other=str(two)))
    assert store.case(three).case.duplicate_of == str(two)
    with pytest.raises(ConflictError, match="link to that"):
        store.step_case(one, step("link", 6, other=str(three)))

    def ids(**options):
        found, total = store.cases(**options)
        assert total >= len(found)
        return [record.id for record in found]

    assert ids() == [three, two, one]
    assert ids(is_open=True) == [two, one]
    assert ids(is_open=False) == [three]
    assert ids(unit="网格 3") == [two]
    assert ids(grid_code="b", states=["accepted"]) == [two]
    assert ids(limit=1, offset=1) == [two]
    assert [r.id for r in store.cases_near((121.4, 31.2, 121.6, 31.3), NOW)] == [three, two, one]
    assert store.cases_near((0, 0, 1, 1), NOW) == []


def test_overdue_cases_are_urged_once(store):
    store.set_dispatch_rules(RULES)
    case_id, idle = accepted(store), reported(store)
    assert store.urge_overdue(NOW + timedelta(minutes=30)) == []
    late = NOW + timedelta(minutes=90)
    assert store.urge_overdue(late) == [case_id]
    assert store.urge_overdue(late + timedelta(minutes=1)) == []
    assert (store.case(case_id).case.urgings, store.case(idle).n_steps) == (1, 1)


def test_rules_that_cannot_be_read_leave_the_old_ones(store):
    store.set_dispatch_rules(RULES)
    for bad in (
        {"colour": 1},
        {"deadlines": [1]},
        {"max_returns": "two"},
        {"calendar": {"hours": [1]}},
        {"duty": 3},
    ):
        with pytest.raises(ParameterError):
            store.set_dispatch_rules(bad)
    assert store.dispatch_rules().data == RULES


def test_steps_of_two_at_once_come_one_after_the_other(place):
    with open_store(place) as store:
        case_id = accepted(store)
        failed = []

        def note(number):
            try:
                store.step_case(case_id, step("note", 5, why=f"n{number}", key=f"n{number}"))
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=note, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        steps = store.case(case_id).case.steps
        assert {one.event.why for one in steps[5:]} == {f"n{k}" for k in range(8)}
