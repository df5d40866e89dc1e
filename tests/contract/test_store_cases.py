"""Cases on both stores: what is reported stays, steps are only added, and a case read back is the case that was."""

from __future__ import annotations

import threading
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from gis_core.dispatch import Event, EventKind, State
from gis_core.dispatch.stats import count_cases
from gis_core.errors import ConflictError, NotFoundError, ParameterError
from gis_core.store import open_store
from gis_core.store.case_files import NewFile
from gis_core.store.cases import NewCase
from tests.plain_counts import columns_of

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
    for half in ({"unit": "\x00"}, {"grid_code": "\ud800"}):
        with pytest.raises(ParameterError, match="cannot be stored"):
            store.cases(**half)


def test_columns_for_counting_are_those_of_the_cases(store):
    store.set_dispatch_rules(RULES)
    done, idle = accepted(store, grid_code="a"), reported(store, category="噪声")
    for event in (step("park", 10, why="等"), step("resume", 70), step("done", 200)):
        store.step_case(done, event)
    accepted(store, grid_code="b")
    for since, until, kept in ((None, None, 3), (NOW, NOW + timedelta(milliseconds=1), 3), (None, NOW, 0)):
        cases, steps = store.case_columns(since, until)
        records = [store.case(number) for number in cases.ids.tolist()]
        assert len(records) == kept
        wanted = columns_of([one.case for one in records], [one.new.grid_code for one in records])
        for found, made in zip((cases, steps), wanted, strict=True):
            for each in fields(found):
                assert_array_equal(getattr(found, each.name), getattr(made, each.name))
    rows, total = count_cases(*store.case_columns(), "grid", store.dispatch_rules().policy, NOW)
    assert [(row.key, row.cases, row.done, row.late) for row in rows] == [
        ("a", 1, 1, 1), ("b", 1, 0, 0), (None, 1, 0, 0),
    ]  # fmt: skip
    assert (total.median_hours, idle in cases.ids) == (2.28, False)


def test_registers_are_those_of_the_newest_data_of_a_town(store, two_communities):
    dataset, fabric, *_ = two_communities
    columns = ["id", "name", "role", "grid_code", "building_id", "phone", "hours"]
    west, south, _, _ = dataset.boundary.total_bounds
    places = gpd.points_from_xy([west, west + 10, west + 40], [south] * 3)
    assets = gpd.GeoDataFrame(
        {"id": ["1", "2", "3"], "category": ["井盖", "井盖", "路灯"], "owner": ["水", "电", None], "name": None},
        geometry=places, crs=dataset.work_crs,
    )  # fmt: skip
    for town, name in (("a", "王芳"), ("b", "赵六"), ("a", "李明")):
        staff = pd.DataFrame([["7", name, None, "g1", None, "1", None]], columns=columns, dtype=object)
        loaded = replace(dataset, name=town, staff=staff, assets=assets)
        number = store.add_dataset(loaded, fabric)
    before = store.staff_stamp()
    store.add_dataset(replace(dataset, name="a"), fabric)
    assert store.staff_stamp() == before > 0
    assert {(one.name, one.grid_code, one.role, one.hours) for one in store.staff_register()} == {
        ("赵六", "g1", "", ""), ("李明", "g1", "", ""),
    }  # fmt: skip
    assert max(one.dataset_id for one in store.staff_register()) == number
    point = assets.to_crs(4326).geometry.iloc[0]
    near = store.assets_near(point.x, point.y, 12, "井盖")
    assert [(round(metres), one.id, one.owner) for metres, one in near] == [
        (0, "1", "水"), (0, "1", "水"), (10, "2", "电"), (10, "2", "电"),
    ]  # fmt: skip
    assert store.assets_near(point.x, point.y, 30, "路灯") == []
    assert [one.owner for one in store.assets_called("3")] == [None, None]


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
        {"duty": {"\udfff": []}},
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


def test_steps_of_all_cases_come_in_one_row(store):
    assert (store.case_serial(), store.case_feed(0)) == (0, [])
    one, two = reported(store), reported(store)
    store.step_case(one, step("verify", 1))
    feed = store.case_feed(0)
    assert [(news.record.id, str(news.step.event.kind), news.number) for news in feed] == [
        (one, "report", 0),
        (two, "report", 0),
        (one, "verify", 1),
    ]
    serials = [news.serial for news in feed]
    assert sorted(set(serials)) == serials
    assert store.case_serial() == serials[-1]
    assert feed[0].record.case.state == State.VERIFIED  # as it stands now
    assert [news.serial for news in store.case_feed(serials[0], until=serials[1])] == [serials[1]]
    assert len(store.case_feed(0, limit=2)) == 2


def test_a_file_is_a_note_of_its_case(place):
    file = NewFile("井盖.jpg", "image/jpeg", 3, "a" * 64, "b" * 64, 40, 60)
    with open_store(place) as store:
        case_id = reported(store)
        row, case = store.attach_to_case(case_id, file, step("note", 1, why="现场", key="k"))
        assert (row.number, row.step, row.who, row.why, row.where) == (1, 1, "王五", "现场", "desk")
        assert case.case.steps[-1].event.data == {"attachment": 1, "name": "井盖.jpg"}
        assert store.attach_to_case(case_id, file, step("note", 2, key="k")) == (row, case)
        plain = NewFile("a.txt", "text/plain", 1, "c" * 64)
        assert store.attach_to_case(case_id, plain, step("note", 2))[0].number == 2
        with pytest.raises(NotFoundError):
            store.attach_to_case(case_id + 1, file, step("note", 1))
        with pytest.raises(ParameterError):
            store.attach_to_case(case_id, NewFile("\x00", "text/plain", 1, "c" * 64), step("note", 3))
    with open_store(place) as store:
        assert [each.file for each in store.case_attachments(case_id)] == [file, plain]
        assert store.case_attachment(case_id, 1) == row
        assert store.case(case_id).n_steps == 3
        with pytest.raises(NotFoundError):
            store.case_attachment(case_id, 3)
        assert store.case_attachments(case_id + 1) == []


def test_cases_of_before_are_written_all_or_none(store):
    course = [step(kind, k, to="u" if kind == "dispatch" else None) for k, kind in enumerate(
        ("report", "verify", "open", "dispatch"))]  # fmt: skip
    first, second = store.add_cases([(new(key="a", grid_code="g"), course), (new(key="b"), course[:1])])
    assert store.case(first).case.unit == "u"
    assert (store.case(first).n_steps, store.case(second).n_steps) == (4, 1)
    known, fresh = store.add_cases([(new(key="a"), course), (new(key="c"), course)])
    assert (known, store.case(fresh).new.key) == (None, "c")
    with pytest.raises(ConflictError):
        store.add_cases([(new(key="d"), course), (new(key="e"), [course[0], course[3]])])
    assert store.cases()[1] == 3
    assert store.add_cases([]) == []
    whole = store.cases_after(0)
    assert [record.id for record in whole] == [first, second, fresh]
    assert whole[0] == store.case(first)
    assert [record.id for record in store.cases_after(first, states=["dispatched"], limit=1)] == [fresh]


def test_a_step_a_moment_too_early_is_of_the_moment_before(store):
    case_id = reported(store)
    store.step_case(case_id, step("verify", 1))
    early = step("note", 1 - 1 / 60, why="of somebody whose clock is a second behind")
    assert store.step_case(case_id, early).case.steps[-1].event.at == NOW + timedelta(minutes=1)
    with pytest.raises(ParameterError, match="before the last one"):
        store.step_case(case_id, step("note", 0.5))


def test_webhooks_get_each_step_once_and_one_at_a_time(store):
    reported(store)
    all_steps = store.add_webhook(url="https://example.org/a", secret="s" * 16)
    some = store.add_webhook(url="https://example.org/b", secret="t" * 16, events=["verify"], who="张三")
    case_id = reported(store)
    store.step_case(case_id, step("verify", 1))
    assert store.queue_deliveries(lambda news: f'{{"n": {news.serial}}}') == 4
    assert store.queue_deliveries(lambda news: "{}") == 0
    assert [(each.id, each.waiting, each.events) for each in store.webhooks()] == [
        (all_steps.id, 2, ()),
        (some.id, 1, ("verify",)),
    ]
    first, other = store.claim_delivery(), store.claim_delivery()
    assert {first.webhook_id, other.webhook_id} == {all_steps.id, some.id}
    assert store.claim_delivery() is None  # one of each is under way
    assert (first.kind, first.attempts, first.secret) == ("report", 1, "s" * 16)
    assert store.end_delivery(first, "waiting", status=500, answer="x\x00" * 900, again_in_s=3600)
    assert not store.end_delivery(first, "done", status=200, answer="")
    again = store.claim_delivery()  # the next one, as the first waits for an hour
    assert (again.webhook_id, again.kind) == (all_steps.id, "verify")
    store.end_delivery(again, "done", status=204, answer="")
    newest, oldest = store.deliveries(all_steps.id)
    assert (newest.state, newest.status, oldest.state, oldest.answer) == ("done", 204, "waiting", "x" * 500)
    store.remove_webhook(some.id)
    assert not store.end_delivery(other, "done", status=200, answer="")
    with pytest.raises(NotFoundError):
        store.webhook(some.id)
    with pytest.raises(NotFoundError):
        store.remove_webhook(some.id)
