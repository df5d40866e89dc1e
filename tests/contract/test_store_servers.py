"""What server processes on one store share: jobs with one end each, who is there, where plans stand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from gis_core.errors import ConflictError, NotFoundError
from gis_core.store import servers
from gis_core.store.records import JobRecord, PlanMark


def job(name, plan_id=1):
    return JobRecord(name, plan_id, "solve", 7, datetime(2026, 11, 1, 8, tzinfo=UTC))


def anyhow(_running):
    """Let every job begin."""


def one_at_a_time(running):
    if running:
        raise ConflictError(running[0].id)


def let_time_pass(store, seconds):
    with store._write() as connection:
        for table in ("server_jobs", "server_presence"):
            connection.execute(text(f"UPDATE {table} SET beat_s = beat_s - {seconds}"))


def test_a_job_has_one_life(store, opened):
    other = opened()
    store.begin_job(job("a"), one_at_a_time)
    with pytest.raises(ConflictError, match="a"):
        other.begin_job(job("b"), one_at_a_time)
    assert store.keep_job("a", 0.5)
    assert other.job("a") == JobRecord("a", 1, "solve", 7, datetime(2026, 11, 1, 8, tzinfo=UTC), progress=0.5)
    assert other.end_job("a", "done", result={"户": [1, 2]})
    assert not store.end_job("a", "cancelled")
    assert not store.keep_job("a", 0.7)
    found = store.job("a")
    assert (found.state, found.progress, found.result) == ("done", 1.0, {"户": [1, 2]})
    assert found.ended_at is not None
    assert [one.result for one in store.jobs_of_plans([1, 2])] == [None]
    assert store.jobs_of_plans([2]) == []
    with pytest.raises(NotFoundError):
        store.job("b")


def test_of_many_that_begin_at_once_one_does(store, opened):
    stores = [store, opened(), opened()]

    def begin(number):
        try:
            stores[number].begin_job(job(f"{number}"), one_at_a_time)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(begin, range(3))) == [False, False, True]


def test_the_job_of_a_process_that_is_gone_has_failed(store):
    store.begin_job(job("a"), anyhow)
    let_time_pass(store, servers.JOB_LOST_S - 5)
    assert store.job("a").state == "running"
    let_time_pass(store, 10)
    found = store.job("a")
    assert (found.state, found.code) == ("failed", "error")
    assert "start it again" in found.error
    assert not store.keep_job("a", 0.9)
    store.begin_job(job("b"), anyhow)
    let_time_pass(store, servers.JOB_LOST_S + 5)
    store.begin_job(job("c"), one_at_a_time)


def test_jobs_that_ended_are_kept_a_while(store):
    for number in range(servers.MOST_KEPT + 2):
        store.begin_job(job(f"{number}"), anyhow)
        store.end_job(f"{number}", "cancelled")
    store.begin_job(job("last"), anyhow)
    assert len(store.jobs_of_plans([1])) == servers.MOST_KEPT + 1
    assert store.job("2").state == "cancelled"
    with pytest.raises(NotFoundError):
        store.job("1")


def test_who_is_there(store):
    store.set_presence("here", [(1, "a", "李梅"), (2, "b", "")])
    store.set_presence("there", [(1, "c", "Anna")])
    assert store.presence([1, 2], but="here") == {1: [("c", "Anna")]}
    assert store.presence([1, 2], but="there") == {1: [("a", "李梅")], 2: [("b", "")]}
    store.set_presence("here", [(2, "b", "")])
    assert store.presence([1], but="there") == {}
    let_time_pass(store, servers.LOST_S + 5)
    assert store.presence([2], but="there") == {}
    store.set_presence("there", [])
    let_time_pass(store, 4 * servers.LOST_S)
    store.set_presence("there", [])
    with store._read() as connection:
        assert connection.execute(text("SELECT count(*) FROM server_presence")).scalar_one() == 0


def test_where_plans_stand(filled):
    store, _, plan_id = filled
    assert store.plan_marks([plan_id, 99]) == {plan_id: PlanMark(0, "draft", None, None)}
    store.add_edit(plan_id, expected_revision=0, who="a", kind="paint", cell_ix=[3], grid_ix=[1])
    assert store.plan_marks([plan_id])[plan_id].revision == 1
    assert store.plan_marks([]) == {}
