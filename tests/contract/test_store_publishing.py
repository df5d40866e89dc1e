"""Publishing: what stands in the way, what is superseded where and when, and that nothing is overwritten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from cell_graphs import lattice
from store_town import build_town, fill

from gis_core.errors import (
    ConflictError,
    NotFoundError,
    NotPublishableError,
    ParameterError,
    StaleRevisionError,
)

WEST, EAST = "310101001", "310101002"
ALL = ("out_of_bounds", "unnamed", "without_staff")
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def edit(store, plan_id, cells=(), grids=(), changes=()):
    revision = store.plan(plan_id).revision
    return store.add_edit(
        plan_id,
        expected_revision=revision,
        who="a",
        kind="test",
        cell_ix=cells,
        grid_ix=grids,
        changes=changes,
    )


def publish(store, plan_id, valid_from=MAY, except_=ALL):
    revision = store.plan(plan_id).revision
    return store.publish_plan(
        plan_id, expected_revision=revision, valid_from=valid_from, except_=except_, who="赵六"
    )


def kinds(store, plan_id):
    found: dict[str, list] = {}
    for item in store.checks(plan_id).items:
        found.setdefault(item.kind, []).append((item.grid_ix, item.cells.tolist()))
    return found


def test_the_check_list_names_what_is_open(planned):
    store, _, plan_id = planned
    start = kinds(store, plan_id)
    assert set(start) == {"out_of_bounds", "unnamed", "without_staff"}
    assert len(start["out_of_bounds"]) == len(start["without_staff"]) == 16
    assert [grid for grid, _ in start["unnamed"]] == list(range(1, 16))
    # Cell 13 is the middle of grid 0; 26 its corner towards grid 5, which touches it only there.
    edit(store, plan_id, [13, 26, 8, 140], [-1, 5, -1, -1], [("grid/1/staff", [{"name": "张三"}])])
    found = kinds(store, plan_id)
    assert found["unassigned"] == [(None, [8]), (None, [13]), (None, [140])]
    assert found["in_pieces"] == [(5, [26])]
    assert 1 not in [grid for grid, _ in found["without_staff"]]
    mine = np.flatnonzero(store.assignment(plan_id) == 1)
    edit(store, plan_id, mine, np.zeros_like(mine))
    listed = [item for item in store.checks(plan_id).items if item.grid_ix == 1 and item.kind == "in_pieces"]
    assert [item.message for item in listed] == [
        "Grid 310101001002 holds no cell: give it some or dissolve it."
    ]
    assert store.checks(plan_id).revision == 2


def test_publishing_refuses_what_is_open_unless_excepted(planned):
    store, _, plan_id = planned
    with pytest.raises(NotPublishableError, match="And 44 more") as caught:
        publish(store, plan_id, except_=())
    assert caught.value.context["kinds"] == ["out_of_bounds", "unnamed", "without_staff"]
    with pytest.raises(NotPublishableError) as caught:
        publish(store, plan_id, except_=("unnamed", "out_of_bounds"))
    assert {item.kind for item in caught.value.items} == {"without_staff"}
    edit(store, plan_id, [13], [-1])
    with pytest.raises(NotPublishableError, match="1 cell in no grid"):
        publish(store, plan_id)
    edit(store, plan_id, [13, 26], [0, 5])
    with pytest.raises(NotPublishableError, match="in 2 pieces"):
        publish(store, plan_id)
    for name, sentence in (("in_pieces", "always stands in the way"), ("staff", "is no kind of check")):
        with pytest.raises(ParameterError, match=sentence):
            publish(store, plan_id, except_=(name,))
    with pytest.raises(ParameterError, match="no time zone"):
        publish(store, plan_id, datetime(2026, 5, 1))
    with pytest.raises(StaleRevisionError):
        store.publish_plan(plan_id, expected_revision=0)
    record = store.plan(plan_id)
    assert (record.state, record.revision, record.valid_from) == ("draft", 2, None)
    assert store.plans_in_force(JULY) == []


def test_a_published_plan_is_in_force_and_stays_as_it_is(planned):
    store, dataset_id, plan_id = planned
    edit(store, plan_id, changes=[("grid/0/code", "W1")])
    record = publish(store, plan_id)
    assert (record.state, record.revision, record.valid_from, record.valid_to) == ("published", 2, MAY, None)
    last = store.edits(plan_id)[-1]
    assert (last.kind, last.who, last.n_cells) == ("publish", "赵六", 0)
    for change in (
        lambda: edit(store, plan_id, [0], [1]),
        lambda: publish(store, plan_id),
        lambda: store.rename_plan(plan_id, "x"),
        lambda: store.delete_plan(plan_id),
        lambda: store.restore(plan_id, 0, expected_revision=2, who="a"),
    ):
        with pytest.raises(ConflictError, match="published"):
            change()
    (found,) = store.plans_in_force(JUNE)
    assert (found.plan, found.boundary_codes) == (record, (WEST, EAST))
    assert store.plans_in_force(MAY - timedelta(milliseconds=1)) == []
    assert [one.plan.id for one in store.plans_in_force(MAY, boundary_code=EAST)] == [plan_id]
    assert (
        store.plans_in_force(MAY, boundary_code="x")
        == store.plans_in_force(MAY, dataset_id=dataset_id + 1)
        == []
    )
    assert [one.plan.id for one in store.plans_in_force()] == [plan_id]


def test_a_branch_supersedes_and_codes_that_were_in_force_stay_with_their_grid(planned):
    store, _, first = planned
    publish(store, first)
    second = store.branch_plan(first, name=" 改动 ", created_by="钱七")
    record = store.plan(second)
    assert (record.name, record.state, record.revision, record.based_on, record.valid_from) == (
        "改动",
        "draft",
        0,
        first,
        None,
    )
    assert store.assignment(second).tolist() == store.assignment(first).tolist()
    assert store.plan_state(second).grids == store.plan_state(first).grids
    assert store.edits(second) == []
    for change in (("grid/1/code", f"{WEST}001"), ("grid/16", {"code": f"{EAST}003", "boundary_code": EAST})):
        with pytest.raises(ParameterError, match="already"):
            edit(store, second, changes=[change])
    edit(store, second, changes=[("grid/0/code", "W1")])
    with pytest.raises(ParameterError, match="used before by grid 0"):
        edit(store, second, changes=[("grid/1/code", f"{WEST}001")])
    publish(store, second, JUNE)
    old = store.plan(first)
    assert (old.state, old.valid_from, old.valid_to) == ("superseded", MAY, JUNE)
    held = {moment: [one.plan.id for one in store.plans_in_force(moment)] for moment in (MAY, JUNE, JULY)}
    assert held == {MAY: [first], JUNE: [second], JULY: [second]}
    again = store.branch_plan(first, name="zurück")
    with pytest.raises(ConflictError, match=r"Plan 2 holds from 2026-06-01 00:00 UTC"):
        publish(store, again, MAY)
    publish(store, again, JUNE)
    assert [one.plan.id for one in store.plans_in_force(JUNE)] == [again]


def test_what_is_superseded_from_a_later_day_is_in_force_until_then(planned):
    store, _, first = planned
    publish(store, first)
    second = store.branch_plan(first, name="b")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    publish(store, second, tomorrow)
    assert [one.plan.id for one in store.plans_in_force()] == [first]
    assert store.plan(first).state == "published"
    assert [one.plan.id for one in store.plans_in_force(tomorrow + timedelta(days=1))] == [second]


def test_a_plan_of_one_community_supersedes_there_only(planned, two_communities):
    store, _, first = planned
    publish(store, first)
    dataset, fabric, plan = two_communities
    west = fabric.boundary_ix == 0
    inside = plan.buildings["cell_id"].isin(np.flatnonzero(west))
    renumber = np.cumsum(west) - 1
    part = (
        replace(dataset, boundary=dataset.boundary.iloc[:1], buildings=dataset.buildings[west]),
        replace(
            fabric,
            cells=fabric.cells[west],
            boundary_ix=fabric.boundary_ix[west],
            enclosure_ix=fabric.enclosure_ix[west],
            households=fabric.households[west],
            population=fabric.population[west],
            building_cell_ix=np.arange(west.sum(), dtype=np.int32),
            graph=lattice(12, 6),
        ),
        replace(
            plan,
            grids=plan.grids[plan.grids["boundary_code"] == WEST].reset_index(drop=True),
            cells=plan.cells[west].assign(cell_id=np.arange(west.sum())).reset_index(drop=True),
            buildings=plan.buildings[inside].assign(cell_id=renumber[plan.buildings["cell_id"][inside]]),
        ),
    )
    _, _, second = fill(store, part)
    publish(store, second, JUNE)
    assert [(one.plan.id, one.boundary_codes) for one in store.plans_in_force(JUNE)] == [
        (second, (WEST,)),
        (first, (EAST,)),
    ]
    assert store.plan(first).state == "published"
    assert [one.plan.id for one in store.plans_in_force(MAY)] == [first]
    draft = store.branch_plan(first, name="b")  # any plan of the place asks for what holds there
    before, after = (store.grids_in_force(draft, moment) for moment in (MAY, JUNE))
    assert sorted(before["code"]) == sorted(after["code"]) == sorted(plan.grids["code"])
    assert before["grid_ix"].tolist() == list(range(16))
    assert sorted(after["grid_ix"]) != list(range(16))  # eight of each plan
    assert store.grids_in_force(second, JUNE)["plan_id"].unique().tolist() == [second]
    assert store.grids_in_force(second, JUNE)["boundary_code"].unique().tolist() == [WEST]
    with pytest.raises(NotFoundError, match="No plan was in force"):
        store.grids_in_force(first, MAY - timedelta(days=1))


def test_codes_name_the_same_ground_and_towns_do_not_end_each_other(planned, two_communities):
    store, dataset_id, first = planned
    publish(store, first)
    plan = two_communities[2]
    swap = {f"{WEST}001": f"{WEST}013", f"{WEST}013": f"{WEST}001"}
    new = {code: swap.get(code, code) for code in plan.grids["code"]}
    other = replace(
        plan,
        grids=plan.grids.assign(code=plan.grids["code"].map(new)),
        cells=plan.cells.assign(grid_code=plan.cells["grid_code"].map(new)),
    )
    second = store.add_plan(other, dataset_id=dataset_id, name="neu")
    with pytest.raises(ConflictError, match=f"The code {WEST}001 named other ground in plan {first}"):
        publish(store, second, JUNE)
    assert store.plan(second).state == "draft"
    # Another town whose community happens to have the same code.
    dataset, fabric, far = build_town(100)
    moved = dataset.boundary.assign(geometry=dataset.boundary.translate(50_000))
    _, _, third = fill(
        store,
        (
            replace(dataset, boundary=moved),
            replace(fabric, graph=lattice(10, 10)),
            far,
        ),
    )
    publish(store, third, JUNE)
    assert [one.plan.id for one in store.plans_in_force(JUNE)] == [third, first]


def test_two_publish_at_once_and_one_place_has_one_plan(planned, opened):
    store, _, first = planned
    plans = [first, store.branch_plan(first, name="b"), store.branch_plan(first, name="c")]
    stores, start = [store, opened(), opened()], threading.Barrier(3)

    def go(number):
        start.wait()
        return publish(stores[number], plans[number]).id

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(go, range(3))) == plans
    (found,) = store.plans_in_force(JUNE)
    assert sorted(store.plan(one).state for one in plans) == ["published", "superseded", "superseded"]
    assert store.plan(found.plan.id).state == "published"


def test_branches_names_and_comparison(planned, two_communities):
    store, _, first = planned
    second = store.branch_plan(first, name="b")
    edit(store, second, [0, 1, 6], [1, 1, -1])
    found = store.compare(first, second)
    buildings = two_communities[0].buildings
    households = buildings["households"].to_numpy()
    code = {ix: grid.code for ix, grid in enumerate(store.plan_state(first).grids)}
    assert [(b["id"], b["from"], b["to"], b["households"]) for b in found["buildings"]] == [
        ("b0", code[0], code[1], households[0]),
        ("b1", code[0], code[1], households[1]),
        ("b6", code[2], None, households[6]),
    ]
    places = buildings.geometry.to_crs(4326).iloc[[0, 1, 6]]
    for row, shape in zip(found["buildings"], places, strict=True):
        assert shape.buffer(1e-7).contains(shapely.Point(row["lon"], row["lat"]))
    cells = two_communities[1].building_cell_ix[[0, 1, 6]].tolist()
    assert [row["cell_from"] for row in found["buildings"]] == cells
    assert [row["cell_to"] for row in found["buildings"]] == cells
    assert found["households_moved"] == households[[0, 1, 6]].sum()
    assert found["people_moved"] == pytest.approx(np.nansum(buildings["population"].to_numpy()[[0, 1, 6]]))
    assert {(p["from"], p["to"]): p["households"] for p in found["pairs"]} == {
        (code[0], code[1]): households[:2].sum(),
        (code[2], None): households[6],
    }
    assert store.compare(second, second)["buildings"] == []
    store.rename_plan(second, "新名")
    assert (store.plan(second).name, store.plan(second).revision) == ("新名", 1)
    for name in ("", "  ", "x" * 201):
        with pytest.raises(ParameterError, match="1 to 200"):
            store.rename_plan(second, name)
