"""Two writers at once, a writer that is killed, a store that is locked, newer, or no store at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from gis_core.errors import ConflictError, StoreUnavailableError
from gis_core.store import migrate, open_store

CHILD = Path(__file__).with_name("killed_writer.py")


def edit(store, plan_id, cell, revision):
    return store.add_edit(
        plan_id,
        expected_revision=revision,
        who="a",
        kind="paint",
        cell_ix=np.array([cell]),
        grid_ix=np.array([0]),
    ).revision


def test_two_edits_on_one_revision_and_one_wins(filled, opened):
    first, _, plan_id = filled
    stores, start = [first, opened()], threading.Barrier(2)

    def go(number):
        start.wait()
        try:
            return edit(stores[number], plan_id, number, 0)
        except ConflictError:
            return None

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(go, [0, 1]))
    assert sorted(results, key=str) == [1, None]
    (record,) = first.edits(plan_id)
    assert record.cell_ix.tolist() == [results.index(1)]


def test_no_edit_of_many_writers_is_lost(filled, opened):
    first, _, plan_id = filled
    stores = [first, opened(), opened()]

    def paint_all(number):
        for cell in range(number, 60, 3):
            while True:
                try:
                    edit(stores[number], plan_id, cell, stores[number].plan(plan_id).revision)
                    break
                except ConflictError:
                    continue

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(paint_all, range(3)))
    assert (first.assignment(plan_id)[:60] == 0).all()
    assert [record.revision for record in first.edits(plan_id)] == list(range(1, 61))
    assert sorted(int(record.cell_ix[0]) for record in first.edits(plan_id)) == list(range(60))


def test_two_loads_at_once_both_end_up_whole(store, opened, town):
    dataset, fabric, _ = town
    stores = [store, opened()]
    with ThreadPoolExecutor(2) as pool:
        ids = list(pool.map(lambda one: one.add_dataset(dataset, fabric), stores))
    assert len(set(ids)) == 2
    for dataset_id in ids:
        assert store.layer(dataset_id, "cells").index.tolist() == list(range(120))
        assert store.layer_count(dataset_id, "cells", bbox=store.dataset(dataset_id).bbox) == 120


def test_a_reader_sees_nothing_of_an_open_transaction(filled, opened):
    store, _, plan_id = filled
    with opened()._write() as connection:
        connection.execute(text("UPDATE plans SET name = 'half'"))
        assert store.plan(plan_id).name == "初稿"


def test_a_locked_store_is_told_and_works_again(filled, opened):
    store, _, plan_id = filled
    impatient = opened(lock_timeout_s=0.2)
    with store._write() as connection:
        connection.execute(text("UPDATE plans SET name = 'busy'"))
        with pytest.raises(StoreUnavailableError, match="locked by another program"):
            edit(impatient, plan_id, 0, 0)
    assert edit(impatient, plan_id, 0, 0) == 1


@pytest.mark.parametrize("moment", ["in the load", "in the edit"])
def test_a_killed_writer_leaves_nothing_and_no_harm(place, filled, town, moment):
    store, dataset_id, plan_id = filled
    environment = {**os.environ, "PYTHONPATH": str(CHILD.parents[1])}
    child = subprocess.Popen(
        [sys.executable, str(CHILD), place, moment], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout.readline() == "in the middle\n"
    child.send_signal(signal.SIGKILL)
    assert child.wait(timeout=20) == -signal.SIGKILL
    child.stdout.close()
    store.close()
    with open_store(place) as again:
        assert [record.id for record in again.datasets()] == [dataset_id]
        assert (again.plan(plan_id).revision, again.edits(plan_id)) == (0, [])
        with again._read() as connection:
            assert connection.execute(text("SELECT count(*) FROM cells")).scalar() == 120
        assert edit(again, plan_id, 0, 0) == 1
        second = again.add_dataset(*town[:2])
        assert again.layer_count(second, "buildings", bbox=again.dataset(second).bbox) == 120


def test_many_starts_at_once_make_one_store(bare_place, town):
    start = threading.Barrier(4)

    def go(_number):
        start.wait()
        return open_store(bare_place)

    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(go, range(4)))
    dataset_id = stores[0].add_dataset(*town[:2])
    assert [store.dataset(dataset_id).name for store in stores] == ["小镇"] * 4
    for store in stores:
        store.close()


def test_nothing_is_made_unless_asked_for(bare_place):
    with pytest.raises(StoreUnavailableError, match="wangge load"):
        open_store(bare_place, create=False)
    with open_store(bare_place) as store:
        store.ping()
    with open_store(bare_place, create=False) as store:
        assert store.datasets() == []


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_store_is_refused(place, store, create):
    with store._write() as connection:
        connection.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreUnavailableError, match=r"newer Wangge .*9999.*update the program"):
        open_store(place, create=create)


def test_a_store_whose_tables_are_gone_says_so(filled):
    store, dataset_id, _ = filled
    with store._write() as connection:
        connection.execute(text("DROP TABLE dataset_graphs"))
    with pytest.raises(StoreUnavailableError, match="wangge doctor"):
        store.graph(dataset_id)


def test_ten_thousand_buildings_load_and_are_found(store, large_town):
    dataset, fabric, plan = large_town
    dataset_id = store.add_dataset(dataset, fabric)
    plan_id = store.add_plan(plan, dataset_id=dataset_id, name="x")
    assert store.layer_count(dataset_id, "buildings") == 10_000
    some = store.layer(dataset_id, "cells", offset=5_050, limit=1).total_bounds.tolist()
    assert 5_050 in store.layer(dataset_id, "cells", bbox=tuple(some)).index
    assert store.layer_count(dataset_id, "cells", bbox=tuple(some)) == 9
    assert store.plan(plan_id).n_grids == 100
