"""Edits of attributes: grids that are made, dissolved, named, numbered and locked; what is refused and why."""

from __future__ import annotations

import numpy as np
import pytest

from gis_core.errors import ConflictError, EditError, LockedError, StaleRevisionError
from gis_core.store import Change

WEST, EAST = "310101001", "310101002"
# Grids of 3 by 3 cells in rows of 4; 0, 1 and 4, 5 are in the west, 2, 3 in the east. Cell = row * 12 + column.
IN_0, IN_1, IN_2 = 0, 3, 6


def edit(store, plan_id, cells=(), grids=(), changes=(), **options):
    options = {"expected_revision": store.plan(plan_id).revision, "who": "王五", "kind": "test"} | options
    return store.add_edit(plan_id, cell_ix=cells, grid_ix=grids, changes=changes, **options)


def whole(store, plan_id):
    """Return all that an edit can change, in a form that compares."""
    state = store.plan_state(plan_id)
    frame = store.grids(plan_id).drop(columns="geometry").set_index("grid_ix")
    people = frame["population"].round(6)
    return (
        store.assignment(plan_id).tolist(),
        state.grids,
        state.locked_cells,
        state.locked_borders,
        state.notes,
        frame[["code", "name", "boundary_code", "households"]].assign(people=people).to_dict("index"),
        store.plan(plan_id).n_grids,
    )


def test_a_new_plan_shows_the_grids_of_its_file(planned, two_communities):
    store, _, plan_id = planned
    state = store.plan_state(plan_id)
    given = two_communities[2].grids
    assert [(g.grid_ix, g.code, g.boundary_code, g.name) for g in state.grids] == [
        (ix, row.code, row.boundary_code, row.name if isinstance(row.name, str) else None)
        for ix, row in enumerate(given.itertuples(index=False))
    ]
    assert not any(g.retired or g.locked or g.staff or g.colour is not None for g in state.grids)
    assert (state.revision, state.state, state.bound_codes) == (0, "draft", {})


def test_attributes_are_set_logged_and_taken_back(planned):
    store, _, plan_id = planned
    before = whole(store, plan_id)
    staff = [{"role": "网格员", "name": "张三", "phone": "138 0000", "hours": "9-17", "deputy": "李四"}]
    values = {
        "grid/0/name": "和阳里",
        "grid/0/colour": 3,
        "grid/0/staff": staff,
        "grid/1/locked": True,
        "lock/cell/140": True,
        "lock/border/4/5": True,
        "note/n-1": {"lon": 121.5, "lat": 31.25, "text": "门口\n有狗"},
    }
    assert edit(store, plan_id, changes=values.items()).figures == {}
    state = store.plan_state(plan_id)
    first = state.grids[0]
    assert (first.name, first.colour, list(first.staff)) == ("和阳里", 3, staff)
    assert [g.locked for g in state.grids[:3]] == [False, True, False]
    assert (state.locked_cells, state.locked_borders) == ((140,), ((4, 5),))
    assert state.notes == ({"id": "n-1", "lon": 121.5, "lat": 31.25, "text": "门口\n有狗"},)
    assert store.grids(plan_id)["name"][0] == "和阳里"
    assert store.search(plan_id, "和阳里")[0].grid_code == first.code
    (record,) = store.edits(plan_id)
    assert {one.path: one.value for one in record.changes} == values
    old = {one.path: one.before for one in record.changes}
    assert old.pop("grid/0/name") == "第一网格"
    assert set(old.values()) == {None}
    edit(store, plan_id, changes=[(c.path, c.before) for c in record.changes], kind="undo", undoes=1)
    assert whole(store, plan_id) == before
    assert [(e.undoes, e.undone_by) for e in store.edits(plan_id)] == [(None, 2), (1, None)]


def test_a_new_grid_takes_cells_in_the_same_edit(planned, two_communities):
    store, _, plan_id = planned
    code = f"{WEST}017"
    result = edit(
        store,
        plan_id,
        [0, 1],
        [16, 16],
        [("grid/16", {"code": code, "boundary_code": WEST}), ("grid/16/name", "新")],
    )
    households = two_communities[1].households
    assert sorted(result.figures) == [0, 16]
    made = result.figures[16]
    assert (made.n_cells, made.households, made.area_m2) == (
        2,
        households[:2].sum(),
        pytest.approx(1800, rel=1e-3),
    )
    assert result.figures[0].households == households[[2, 12, 13, 14, 24, 25, 26]].sum()
    row = store.grids(plan_id).set_index("grid_ix").loc[16]
    assert (row["code"], row["name"], row["boundary_code"]) == (code, "新", WEST)
    west = [
        figures
        for ix, figures in store.grids(plan_id).set_index("grid_ix").iterrows()
        if figures["boundary_code"] == WEST
    ]
    mean = np.mean([figures["households"] for figures in west])
    assert len(west) == 9
    assert [figures["deviation"] for figures in west] == pytest.approx(
        [f["households"] / mean - 1 for f in west]
    )
    assert store.plan(plan_id).n_grids == 17


def test_a_dissolved_grid_keeps_number_and_code_and_comes_back(planned):
    store, _, plan_id = planned
    edit(store, plan_id, changes=[("grid/0/code", "X-1"), ("grid/0/staff", [{"name": "张三"}])])
    before = whole(store, plan_id)
    renamed = store.plan_state(plan_id).grids[0]
    assert (renamed.code, renamed.first_code) == ("X-1", f"{WEST}001")
    mine = np.flatnonzero(store.assignment(plan_id) == 0)
    result = edit(store, plan_id, mine, np.ones_like(mine), [("grid/0", None)], kind="dissolve")
    assert result.figures[0].n_cells == 0
    assert store.plan(plan_id).n_grids == 15
    assert 0 not in store.grids(plan_id)["grid_ix"].tolist()
    gone = store.plan_state(plan_id).grids[0]
    assert (gone.code, gone.boundary_code, gone.retired) == ("X-1", WEST, True)
    assert store.grid_codes(plan_id).tolist()[0] == "X-1"
    assert store.plan_state(plan_id).bound_codes == {"X-1": 0}
    for change in (("grid/16", {"code": "X-1", "boundary_code": WEST}), ("grid/1/code", "X-1")):
        with pytest.raises(EditError, match="X-1 was used before by grid 0"):
            edit(store, plan_id, changes=[change])
    with pytest.raises(EditError, match="dissolved"):
        edit(store, plan_id, [0], [0])
    with pytest.raises(EditError, match="dissolved"):
        edit(store, plan_id, changes=[("grid/0/name", "x")])
    record = store.edits(plan_id)[-1]
    edit(store, plan_id, record.cell_ix, record.inverse_grid_ix, [(c.path, c.before) for c in record.changes])
    assert whole(store, plan_id) == before
    assert store.plan_state(plan_id).bound_codes == {}


def test_what_was_taken_from_a_dissolved_grid_is_given_back_by_undo(planned):
    store, _, plan_id = planned
    edit(store, plan_id, changes=[("lock/border/0/13", True), ("grid/0/name", "x")])
    mine = np.flatnonzero(store.assignment(plan_id) == 0)
    edit(store, plan_id, mine, np.full(len(mine), -1), [("grid/0", None)])
    before = whole(store, plan_id)
    taken = [("lock/border/0/13", None), ("grid/0/name", None)]
    edit(store, plan_id, changes=taken)
    (record,) = store.edits(plan_id, since=2)
    back = [(change.path, change.before) for change in record.changes]
    with pytest.raises(EditError, match="dissolved"):
        edit(store, plan_id, changes=back)
    edit(store, plan_id, changes=back, kind="undo", undoes=3)
    assert whole(store, plan_id) == before


def test_codes_may_change_places(planned):
    store, _, plan_id = planned
    codes = [grid.code for grid in store.plan_state(plan_id).grids]
    turned = codes[1:] + codes[:1]
    edit(store, plan_id, changes=[(f"grid/{ix}/code", code) for ix, code in enumerate(turned)], kind="number")
    assert store.grids(plan_id)["code"].tolist() == turned
    assert [grid.code for grid in store.plan_state(plan_id).grids] == turned
    store.restore(plan_id, 0, expected_revision=1, who="a")
    assert store.grids(plan_id)["code"].tolist() == codes


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([("grid/0/nam", "x")], "no attribute 'grid/0/nam'"),
        ([("grid/16/name", "x")], "no such grid"),
        ([("grid/17", {"code": "x", "boundary_code": WEST})], "takes the next number, 16"),
        ([("grid/16", {"code": "x", "boundary_code": "310101009"})], "no such code in the data"),
        ([("grid/16", {"code": "x", "boundary_code": None})], "no such code in the data"),
        ([("grid/16", {"code": f"{WEST}001", "boundary_code": WEST})], "Grid 0 has the code"),
        ([("grid/0", {"code": "x", "boundary_code": EAST})], "stays in boundary polygon 310101001"),
        ([("grid/0/code", "y"), ("grid/1/code", "y")], "would both have the code y"),
        ([("grid/0", None)], "still holds 8 cells"),
        ([("grid/0/colour", 8)], "from 0 to 7"),
        ([("grid/0/colour", True)], "from 0 to 7"),
        ([("grid/0/locked", False)], "null to unlock"),
        ([("grid/0/name", "  ")], "not empty"),
        ([("grid/0/name", "a\x00b")], "cannot be stored"),
        ([("grid/0/staff", [{"phone": "1"}])], "a person has a name"),
        ([("lock/cell/144", True)], "no such cell"),
        ([("lock/border/5/4", True)], "lesser"),
        ([("note/a", {"lon": 200, "lat": 0, "text": "x"})], "from -180 to 180"),
        ([("note/a", {"lon": float("nan"), "lat": 0, "text": "x"})], "from -180 to 180"),
        ([("grid/0/name", "a"), ("grid/0/name", "b")], "more than once"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_changes_nothing(planned, changes, sentence):
    store, _, plan_id = planned
    before = whole(store, plan_id)
    with pytest.raises(EditError, match=sentence) as caught:
        edit(store, plan_id, [IN_0], [1], changes)
    assert caught.value.code == "bad-edit"
    assert whole(store, plan_id) == before
    assert (store.plan(plan_id).revision, store.edits(plan_id)) == (0, [])


def test_a_cell_stays_in_its_boundary_polygon(planned):
    store, _, plan_id = planned
    with pytest.raises(EditError, match="Cell 5 lies outside boundary polygon 310101002") as caught:
        edit(store, plan_id, [5, 7], [2, 2])
    context = caught.value.context
    assert (context["case"], context["cell_ix"], context["grid_ix"]) == ("nesting", [5], [2])
    edit(store, plan_id, [5], [-1])
    edit(store, plan_id, [5], [0])


def test_locked_grids_cells_and_borders_stay(planned):
    store, _, plan_id = planned
    edit(store, plan_id, changes=[("grid/0/locked", True), ("lock/cell/60", True), ("lock/border/4/5", True)])
    before = whole(store, plan_id)
    # Row 3 begins grids 4 and 5; cells 38 and 39 touch across their border.
    refused = {
        ((IN_0,), (1,)): {"grids": [0]},
        ((IN_1,), (0,)): {"grids": [0]},
        ((IN_0,), (-1,)): {"grids": [0]},
        ((60,), (8,)): {"cells": [60]},
        ((38,), (5,)): {"borders": [[4, 5]], "cells": [38]},
        ((39,), (-1,)): {"borders": [[4, 5]], "cells": [39]},
        ((36,), (5,)): {"borders": [[4, 5]], "cells": [36]},
    }
    for (cells, grids), context in refused.items():
        with pytest.raises(LockedError, match="locked") as caught:
            edit(store, plan_id, cells, grids)
        assert caught.value.context == context
    assert whole(store, plan_id) == before
    edit(store, plan_id, [36], [8])  # of grid 4, but not on that border
    edit(store, plan_id, [IN_0], [1], [("grid/0/locked", None)])
    edit(store, plan_id, [60], [8], [("lock/cell/60", None)])
    edit(store, plan_id, changes=[("lock/border/4/5", None)])
    edit(store, plan_id, [38], [5])


def test_the_same_key_is_answered_again_and_not_applied_twice(planned):
    store, _, plan_id = planned
    first = edit(store, plan_id, [IN_0], [1], [("grid/1/name", "甲")], key="k1")
    edit(store, plan_id, [IN_1], [0])
    again = edit(store, plan_id, [IN_0], [1], [("grid/1/name", "甲")], key="k1", expected_revision=0)
    assert (again.repeated, again.revision, first.repeated) == (True, 1, False)
    assert sorted(again.figures) == [0, 1]
    assert again.edit.key == "k1"
    assert store.plan(plan_id).revision == 2
    with pytest.raises(ConflictError, match="key k1"):
        edit(store, plan_id, [IN_0 + 1], [1], key="k1")
    other = store.branch_plan(plan_id, name="b")
    assert edit(store, other, [IN_0 + 1], [1], key="k1").revision == 1


def test_a_stale_edit_is_told_what_came_before_it(planned):
    store, _, plan_id = planned
    edit(store, plan_id, [IN_0], [1], key="a")
    edit(store, plan_id, changes=[Change("grid/1/name", "乙")])
    with pytest.raises(StaleRevisionError) as caught:
        edit(store, plan_id, [IN_1], [0], expected_revision=0)
    error = caught.value
    assert (error.code, error.context) == ("stale-revision", {"revision": 2, "expected": 0})
    assert [(e.revision, e.key, e.cell_ix.tolist(), e.grid_ix.tolist()) for e in error.edits] == [
        (1, "a", [IN_0], [1]),
        (2, None, [], []),
    ]
    with pytest.raises(StaleRevisionError) as caught:
        edit(store, plan_id, [IN_1], [0], expected_revision=7)
    assert caught.value.edits == ()


def test_edits_come_in_pages_and_undo_names_a_revision_that_is_there(planned):
    store, _, plan_id = planned
    for number in range(5):
        edit(store, plan_id, changes=[("grid/0/name", f"n{number}")])
    assert [e.revision for e in store.edits(plan_id, since=1, limit=2)] == [2, 3]
    with pytest.raises(EditError, match="no edit 6"):
        edit(store, plan_id, undoes=6)


def test_restore_returns_to_any_point_and_back(planned):
    store, _, plan_id = planned
    points = [whole(store, plan_id)]
    steps = [
        ([IN_0, IN_0 + 1], [1, 1], [("grid/0/name", None)]),
        ([0, 1], [16, 16], [("grid/16", {"code": "N", "boundary_code": WEST})]),
        ([IN_2], [-1], [("grid/3/locked", True)]),
        ([0, 1], [0, 0], [("grid/16", None)]),
    ]
    for cells, grids, changes in steps:
        edit(store, plan_id, cells, grids, changes)
        points.append(whole(store, plan_id))
    for target in (2, 0, 4, 1, 3):
        result = store.restore(plan_id, target, expected_revision=store.plan(plan_id).revision, who="a")
        assert (result.edit.kind, result.edit.who) == ("restore", "a")
        found, wanted = whole(store, plan_id), points[target]
        # A grid that was made later is dissolved, not forgotten.
        assert found[0] == wanted[0]
        assert [g for g in found[1] if not g.retired] == [g for g in wanted[1] if not g.retired]
        assert found[2:] == wanted[2:]
