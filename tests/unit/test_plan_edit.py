"""The pure side of edits: paths and values, what follows one another, locks, and the check list."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import from_edges, lattice
from hypothesis import given
from hypothesis import strategies as st

from gis_core.errors import EditError, LockedError, ParameterError
from gis_core.plan.checks import GridOfPlan, check_plan, require_exceptions
from gis_core.plan.edit import (
    Change,
    Place,
    code_of,
    net_cells,
    net_changes,
    parse_path,
    require_arrays,
    require_changes,
    require_living,
)
from gis_core.plan.locks import require_unlocked

NONE = np.empty(0, dtype=np.int32)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("grid/0", Place("grid", (0,))),
        ("grid/12/staff", Place("staff", (12,))),
        ("lock/cell/7", Place("cell", (7,))),
        ("lock/border/2/10", Place("border", (2, 10))),
        ("note/a-B_9", Place("note", ())),
    ],
)
def test_paths_are_read(path, place):
    assert parse_path(path) == place


@pytest.mark.parametrize(
    "path",
    [
        "",
        "grid",
        "grid/",
        "grid/-1",
        "grid/01",
        "grid/1/",
        "grid/1/name/x",
        "grid/1/phone",
        "grid/9999999999",
        "lock/cell/x",
        "lock/border/3/3",
        "lock/border/3/2",
        "note/",
        "note/a b",
        f"note/{'a' * 65}",
        "grid/1\n",
        None,
        7,
    ],
)
def test_other_paths_are_refused(path):
    with pytest.raises(EditError):
        parse_path(path)


def test_new_grids_take_the_next_numbers_in_any_order():
    base = {"code": "a", "boundary_code": "b"}
    found = require_changes([("grid/6", base), ("grid/5", base), ("grid/6/name", "x")], n_cells=9, n_grids=5)
    assert found["grid/6"] == (Place("grid", (6,)), base)
    for changes in ([("grid/6", base)], [("grid/5", base), ("grid/7", base)], [("grid/5", None)]):
        with pytest.raises(EditError):
            require_changes(changes, n_cells=9, n_grids=5)


def test_values_are_kept_as_they_are_but_for_what_is_not_there():
    staff = [{"name": "张三", "deputy": True, "phone": ""}]
    found = require_changes(
        [("grid/0", {"code": "a"}), ("grid/0/staff", staff), ("note/n", {"lon": 1, "lat": 2, "text": "x"})],
        n_cells=1,
        n_grids=1,
    )
    assert found["grid/0"][1] == {"code": "a", "boundary_code": None}
    assert found["grid/0/staff"][1] == [{"name": "张三", "phone": "", "deputy": True}]
    assert found["note/n"][1] == {"lon": 1.0, "lat": 2.0, "text": "x"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("grid/0", "a"),
        ("grid/0", {"code": "a", "colour": 1}),
        ("grid/0", {"boundary_code": "a"}),
        ("grid/0/name", 5),
        ("grid/0/name", "x" * 201),
        ("grid/0/name", "\ud800"),
        ("grid/0/code", ""),
        ("grid/0/colour", 1.0),
        ("grid/0/colour", -1),
        ("grid/0/staff", {"name": "x"}),
        ("grid/0/staff", ["x"]),
        ("grid/0/staff", [{"name": ""}]),
        ("grid/0/staff", [{"name": "x", "salary": "1"}]),
        ("grid/0/staff", [{"name": "x", "phone": 1}]),
        ("grid/0/staff", [{"name": "x"}] * 101),
        ("lock/cell/0", 1),
        ("note/n", {"lon": 1, "lat": 2}),
        ("note/n", {"lon": True, "lat": 2, "text": "x"}),
        ("note/n", {"lon": 1, "lat": 91, "text": "x"}),
    ],
)
def test_values_of_another_kind_are_refused(path, value):
    with pytest.raises(EditError) as caught:
        require_changes([(path, value)], n_cells=1, n_grids=1)
    assert caught.value.context["path"] == path


def test_what_a_dissolved_grid_carried_is_taken_away_but_not_set():
    found = require_changes([("grid/0/name", None), ("lock/border/0/1", True)], n_cells=1, n_grids=2)
    require_living(found, {0: True, 1: True})
    with pytest.raises(EditError, match="Grid 1 is dissolved"):
        require_living(found, {0: True, 1: False})
    require_living(require_changes([("grid/0/name", None)], n_cells=1, n_grids=1), {0: False})


def test_the_code_of_a_grid():
    attributes = {"grid/0": {"code": "a"}, "grid/1": {"code": "b"}, "grid/1/code": "c", "grid/2/code": "d"}
    assert [code_of(attributes, grid) for grid in range(4)] == ["a", "c", None, None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1, 2])), max_size=12))
def test_net_changes_come_to_the_same_and_hold_what_was_before(steps):
    state: dict[str, int] = {}
    changes = []
    for path, value in steps:
        changes.append(Change(path, value, state.get(path)))
        state[path] = value
    net = net_changes(changes)
    assert len({one.path for one in net}) == len(net)
    assert {one.path: one.value for one in net} == {
        path: value for path, value in state.items() if value is not None
    }
    assert all(one.before is None for one in net)


@given(st.lists(st.lists(st.integers(0, 5), unique=True, max_size=4), max_size=8), st.integers(0, 99))
def test_net_cells_give_what_stood_before_the_first(strokes, seed):
    rng = np.random.default_rng(seed)
    start = rng.integers(-1, 4, 6).astype(np.int32)
    now, deltas = start.copy(), []
    for stroke in strokes:
        cells = np.array(stroke, dtype=np.int32)
        deltas.append((cells, now[cells].copy()))
        now[cells] = rng.integers(-1, 4, len(cells))
    cells, before = net_cells(deltas)
    assert (
        sorted(set(cells.tolist()))
        == cells.tolist()
        == sorted({cell for stroke in strokes for cell in stroke})
    )
    now[cells] = before
    assert now.tolist() == start.tolist()


def test_arrays_are_whole_numbers_each_cell_once():
    cells, grids = require_arrays([3, 1], [0, -1])
    assert (cells.dtype, cells.tolist(), grids.tolist()) == (np.int32, [3, 1], [0, -1])
    assert [len(one) for one in require_arrays([], [])] == [0, 0]
    for bad in (([1, 1], [0, 0]), ([1], []), ([1.5], [0]), ([[1]], [[0]]), ([2**40], [0]), ([-2], [0])):
        with pytest.raises(EditError):
            require_arrays(*bad)


def locked_result(graph, before, after, **locks):
    """Tell what the locks say of going from one assignment to another."""
    cells = np.flatnonzero(before != after).astype(np.int32)
    options = {"locked_grids": (), "locked_cells": (), "locked_borders": ()} | locks
    try:
        require_unlocked(cells, before[cells], after[cells], around=lambda: (graph, before, after), **options)
    except LockedError as error:
        return error.context
    return None


@given(st.integers(0, 10_000))
def test_locks_say_the_same_of_an_edit_and_of_its_inverse(seed):
    rng = np.random.default_rng(seed)
    graph = lattice(4, 4)
    before = rng.integers(-1, 4, 16).astype(np.int32)
    after = before.copy()
    after[rng.integers(0, 16, 3)] = rng.integers(-1, 4, 3)
    locks = {
        "locked_grids": set(rng.integers(0, 4, rng.integers(0, 2)).tolist()),
        "locked_cells": set(rng.integers(0, 16, rng.integers(0, 3)).tolist()),
        "locked_borders": {(0, 1), (1, 3)} if rng.random() < 0.7 else set(),
    }
    there, back = locked_result(graph, before, after, **locks), locked_result(graph, after, before, **locks)
    assert there == back
    if there is None and locks["locked_borders"]:
        for pair in locks["locked_borders"]:
            assert border(graph, before, pair) == border(graph, after, pair)


def border(graph, assignment, pair):
    """Return the pairs of touching cells on the border of two grids."""
    focal = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    on = (assignment[focal] == pair[0]) & (assignment[graph.indices] == pair[1])
    return set(zip(focal[on].tolist(), graph.indices[on].tolist(), strict=True))


def test_the_graph_is_asked_for_only_where_a_border_near_the_edit_is_locked():
    def never():
        raise AssertionError

    cells, was, becomes = (np.array([value], dtype=np.int32) for value in (5, 0, 1))
    for borders in ((), {(2, 3)}):
        require_unlocked(
            cells, was, becomes, locked_grids={2}, locked_cells={4}, locked_borders=borders, around=never
        )


def grids_of(assignment, households, names=(), staffed=()):
    return [
        GridOfPlan(
            ix, f"G{ix}", int(households[assignment == ix].sum()), "x" if ix in names else None, ix in staffed
        )
        for ix in range(int(assignment.max()) + 1)
    ]


def test_the_check_list():
    graph = lattice(3, 4)
    assignment = np.array([0, 0, 1, 1, 0, 2, 1, 1, 2, 0, -1, -1], dtype=np.int32)
    households = np.arange(12)
    area = np.zeros(12, dtype=np.int32)
    grids = grids_of(assignment, households, names=(0, 2), staffed=(0, 1))
    items = check_plan(graph, assignment, area, grids, (10, 20))
    assert [(item.kind, item.grid_ix, item.cells.tolist()) for item in items] == [
        ("unassigned", None, [10, 11]),
        ("in_pieces", 0, [9]),
        ("in_pieces", 2, [8]),
        ("unnamed", 1, [2, 3, 6, 7]),
        ("without_staff", 2, [5, 8]),
    ]
    tight = check_plan(graph, assignment, area, grids, (14, 17))
    assert [(item.grid_code, item.message) for item in tight if item.kind == "out_of_bounds"] == [
        ("G1", "Grid G1 has 18 households, more than 17."),
        ("G2", "Grid G2 has 13 households, fewer than 14."),
    ]
    assert items[0].as_dict() == {
        "kind": "unassigned",
        "grid_ix": None,
        "grid_code": None,
        "cells": [10, 11],
        "message": "2 cells in no grid.",
    }


def test_a_grid_may_take_whole_islands_and_one_without_cells_is_open():
    graph = from_edges(4, [(0, 1), (2, 3)])
    assignment, households = np.zeros(4, dtype=np.int32), np.ones(4, dtype=np.int64)
    grids = [*grids_of(assignment, households, (0,), (0,)), GridOfPlan(1, "G1", 0, "x", True)]
    found = check_plan(graph, assignment, np.zeros(4, np.int32), grids, (0, 9))
    assert [(item.kind, item.grid_ix) for item in found] == [("in_pieces", 1)]


def test_exceptions_are_named():
    assert require_exceptions(["unnamed"]) == {"unnamed"}
    for names, sentence in ((["unassigned"], "always stands in the way"), (["x"], "no kind of check")):
        with pytest.raises(ParameterError, match=sentence):
            require_exceptions(names)
