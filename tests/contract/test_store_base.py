"""Base data under a draft on both stores: new versions, the plan that moves along, exact inverses, all or nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from small_town import at, block_town, frame
from store_town import fill

from gis_core.errors import ConflictError, EditError, NotFoundError, StaleRevisionError
from gis_core.fabric import build_fabric
from gis_core.plan.make import make_plan


@pytest.fixture(scope="module")
def real_town():
    """Give a town of 144 houses in 24 blocks and two communities, cut into cells as the program cuts them."""
    dataset = block_town(6, 4)
    rows = np.arange(len(dataset.buildings))
    named = dataset.buildings.assign(
        id=[f"b{row}" for row in rows], name=[f"{row % 6 + 1}栋" for row in rows], dogs=rows * 0.5
    )
    dataset = replace(
        dataset,
        buildings=named,
        facilities=frame(
            {"id": ["f"], "category": ["学校"], "name": [None]}, [shapely.Point(*at((5, 5))[0])]
        ),
    )
    fabric = build_fabric(dataset, processes=1)
    return dataset, fabric, make_plan(dataset, fabric, processes=1).frames


@pytest.fixture
def work(store, real_town):
    _, dataset_id, plan_id = fill(store, real_town)
    return SimpleNamespace(store=store, first=dataset_id, plan=plan_id)


def change(work, *changes, **more):
    revision = work.store.plan(work.plan).revision
    return work.store.change_base(work.plan, changes, expected_revision=revision, who="李梅", **more)


def set_count(id_, households):
    return {"op": "set", "layer": "buildings", "id": id_, "values": {"households": households}}


def versions(work):
    return sorted(record.id for record in work.store.datasets())


def layers_of(work, dataset_id):
    found = {}
    for name in ("areas", "buildings", "streets", "barriers", "facilities", "water", "green"):
        frame = work.store.layer(dataset_id, name)
        frame = frame.assign(shape=frame.geometry.to_wkb()).drop(columns=frame.geometry.name)
        found[name] = frame.drop(columns=[c for c in ("cell_ix", "grade_separated") if c in frame])
    return found


def require_whole(work):
    """Check that figures of grids, cells and buildings agree, and that the cells fit together."""
    plan = work.store.plan(work.plan)
    cells, grids = work.store.layer(plan.dataset_id, "cells"), work.store.grids(work.plan)
    buildings, assignment = work.store.layer(plan.dataset_id, "buildings"), work.store.assignment(work.plan)
    graph = work.store.graph(plan.dataset_id)
    assert len(cells) == len(assignment) == plan.n_cells == graph.n_cells
    assert shapely.coverage_is_valid(np.asarray(cells.geometry.array))
    assert plan.households == cells["households"].sum()
    inside = buildings["cell_ix"] >= 0
    assert plan.households == buildings["households"][inside].sum()
    for row in grids.itertuples():
        mine = assignment == row.grid_ix
        assert row.households == cells["households"][mine].sum()
        drawn = shapely.coverage_union_all(np.asarray(cells.geometry.array)[mine])
        assert shapely.equals(row.geometry, drawn)
    return assignment


def test_counts_make_one_version_for_an_hour_of_work(work):
    before = layers_of(work, work.first)
    first = change(work, set_count("b3", 100))
    second = change(work, set_count("b4", 200), set_count("b5", 300))
    assert versions(work) == [work.first, second.dataset_id]
    assert second.dataset_id > first.dataset_id > work.first
    assert work.store.dataset(second.dataset_id).derived_from == work.first
    assert not second.recut and second.unmatched == ()
    require_whole(work)
    counts = work.store.layer(second.dataset_id, "buildings").set_index("id")["households"]
    assert counts[["b3", "b4", "b5"]].tolist() == [100, 200, 300]
    assert all(frame.equals(before[name]) for name, frame in layers_of(work, work.first).items())
    change(work, *second.inverse, undoes=2)
    change(work, *first.inverse, undoes=1)
    plan = work.store.plan(work.plan)
    now = layers_of(work, plan.dataset_id)
    assert all(frame.equals(before[name]) for name, frame in now.items())
    kinds = [(edit.kind, edit.who, edit.undoes) for edit in work.store.edits(work.plan)]
    assert kinds == [("base", "李梅", None)] * 2 + [("undo", "李梅", 2), ("undo", "李梅", 1)]


def test_a_version_that_another_plan_needs_stays(work):
    first = change(work, set_count("b3", 100))
    branch = work.store.branch_plan(work.plan, name="b")
    second = change(work, set_count("b3", 101))
    assert versions(work) == [work.first, first.dataset_id, second.dataset_id]
    assert work.store.plan(branch).dataset_id == first.dataset_id
    assert work.store.dataset(second.dataset_id).derived_from == first.dataset_id
    work.store.delete_plan(work.plan)
    assert versions(work) == [work.first, first.dataset_id]
    work.store.delete_plan(branch)
    assert versions(work) == [work.first]


def test_ground_is_cut_anew_where_it_changed_and_the_plan_keeps_its_grids(work):
    require_whole(work)
    layers = layers_of(work, work.first)
    buildings = work.store.layer(work.first, "buildings")
    codes = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    shape = buildings.geometry.iloc[40]
    drawn = shapely.geometry.mapping(shapely.affinity.scale(shape, 0.3, 0.3, origin="center"))
    result = change(
        work,
        {"op": "retire", "layer": "buildings", "id": "b40"},
        {"op": "add", "layer": "buildings", "geometry": drawn, "values": {"households": 7, "name": "新楼"}},
        {"op": "set", "layer": "buildings", "id": "b100", "values": {"compound": "和阳里"}},
        {"op": "add", "layer": "gates", "geometry": shapely.geometry.mapping(shape.centroid)},
    )
    assert result.recut
    require_whole(work)
    assert work.store.layer(result.dataset_id, "facilities")["category"].tolist() == ["学校", "gate"]
    now = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    kept = [id_ for id_ in codes.index if id_ != "b40"]
    assert now[kept].equals(codes[kept])
    assert now["new-1"] == codes["b40"]
    back = change(work, *result.inverse, undoes=1)
    restored = layers_of(work, back.dataset_id)
    assert all(frame.equals(layers[name]) for name, frame in restored.items())
    require_whole(work)
    assert work.store.plan_buildings(work.plan).set_index("id")["grid_code"].equals(codes)
    assert versions(work) == [work.first, back.dataset_id]


def test_a_street_through_the_town_and_locks_that_follow(work):
    work.store.add_edit(
        work.plan, expected_revision=0, who="a", kind="lock", cell_ix=[], grid_ix=[],
        changes=[("lock/cell/17", True), ("lock/cell/140", True), ("grid/0/locked", True)],
    )  # fmt: skip
    graph = work.store.graph(work.first)
    spots = {cell: (graph.x[cell], graph.y[cell]) for cell in (17, 140)}
    west, south, east, north = work.store.layer(work.first, "areas").total_bounds
    line = {"type": "LineString", "coordinates": [[west - 1e-4, south - 1e-4], [east + 1e-4, north + 1e-4]]}
    result = change(work, {"op": "add", "layer": "streets", "geometry": line, "values": {"class": "次干路"}})
    require_whole(work)
    state = work.store.plan_state(work.plan)
    now = work.store.graph(result.dataset_id)
    for cell, (x, y) in zip(sorted(state.locked_cells), spots.values(), strict=True):
        assert np.hypot(now.x[cell] - x, now.y[cell] - y) < 30
    assert state.grids[0].locked and (now.street_rank == 5).any()


def test_undo_and_restore_speak_of_cells_as_they_are_numbered_now(work):
    before = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    was = work.store.layer(work.first, "buildings").set_index("cell_ix")["id"][[143, 5, 0]].tolist()
    work.store.add_edit(
        work.plan, expected_revision=0, who="a", kind="paint", cell_ix=[143, 5, 0], grid_ix=[-1] * 3
    )
    result = change(work, {"op": "retire", "layer": "buildings", "id": "b30"})
    assert result.recut
    painted, base = work.store.edits(work.plan)
    ids = work.store.layer(result.dataset_id, "buildings").set_index("cell_ix")["id"]
    assert sorted(ids[painted.cell_ix.tolist()]) == sorted(was)
    assert base.changes[0].path == "base" and len(work.store.edits(work.plan, limit=1)) == 1
    with pytest.raises(EditError, match="other numbers"):
        work.store.add_edit(
            work.plan, expected_revision=2, who="a", kind="undo", cell_ix=[60], grid_ix=[0], undoes=1
        )
    work.store.restore(work.plan, 0, expected_revision=2, who="a")
    now = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    assert now.equals(before)


def test_the_same_key_is_answered_as_before(work):
    first = change(work, set_count("b3", 100), key="k")
    again = work.store.change_base(work.plan, [set_count("b3", 100)], expected_revision=0, key="k")
    assert again.repeated and again.revision == first.revision and again.inverse == first.inverse
    work.store.add_edit(work.plan, expected_revision=1, who="", kind="x", cell_ix=[0], grid_ix=[1], key="p")
    with pytest.raises(ConflictError, match="key"):
        work.store.change_base(work.plan, [set_count("b3", 1)], expected_revision=2, key="p")


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (set_count("nobody", 1), EditError),
        ({"op": "retire", "layer": "streets", "ix": 400}, EditError),
        (
            {"op": "add", "layer": "buildings", "geometry": {"type": "Point", "coordinates": [1, 1]}},
            EditError,
        ),
        ({"op": "paint", "layer": "streets", "ix": 1}, EditError),
        ({"op": "set", "layer": "buildings", "id": "b1", "values": {"id": "b2"}}, EditError),
        ({"op": "set", "layer": "buildings", "id": "b1", "values": {"name": "a\x00"}}, EditError),
    ],
)
def test_a_change_that_cannot_be_leaves_everything_as_it_was(work, item, error):
    with pytest.raises(error):
        change(work, set_count("b3", 100), item)
    assert work.store.plan(work.plan).revision == 0 and versions(work) == [work.first]
    with pytest.raises(StaleRevisionError):
        work.store.change_base(work.plan, [set_count("b3", 1)], expected_revision=3)
    with pytest.raises(NotFoundError):
        work.store.change_base(99, [set_count("b3", 1)], expected_revision=0)


def test_a_version_can_be_derived_without_a_plan_and_a_plan_carried_onto_it(work):
    derived = work.store.derive_dataset(
        work.first, [{"op": "retire", "layer": "buildings", "id": "b30"}], who="王"
    )
    assert work.store.dataset(derived).derived_from == work.first
    before = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    result = work.store.carry_plan(work.plan, derived, expected_revision=0, who="王")
    assert result.unmatched == () and result.dataset_id == derived
    require_whole(work)
    now = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    kept = [id_ for id_ in before.index if id_ != "b30"]
    assert now[kept].equals(before[kept])
    with pytest.raises(EditError, match="already"):
        work.store.carry_plan(work.plan, derived, expected_revision=1)
