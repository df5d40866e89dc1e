"""The whole fabric: nesting, numbers of grids, pieces, locks, reasons, processes, limits."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from cell_graphs import chain, from_edges, lattice, permuted, town

from gis_core.errors import CancelledError, ParameterError
from gis_core.graph import part_component_labels, parts_in_pieces
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds, PartitionResult, Solution, attempts, partition_fabric, run
from gis_core.partition.certify import settle
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.exact import exact_available


def _totals(result: PartitionResult, households):
    return np.bincount(result.assignment, weights=households, minlength=result.n_parts)


def _strips(graph: AdjacencyGraph, n_strips: int):
    """Boundary polygons: strips from south to north."""
    height = graph.y.max() + 1
    return np.minimum((graph.y / height * n_strips).astype(np.int64), n_strips - 1)


def _whats(result: PartitionResult):
    return [reason.what for reason in result.infeasible]


def test_grids_nest_and_stay_inside_the_bounds():
    graph, households = town(11, 60, 60)
    home = _strips(graph, 3)
    result = partition_fabric(graph, home, households, boundary_codes=["A", "B", "C"], seed=4, processes=1)
    assert (result.part_boundary_ix[result.assignment] == home).all()
    assert (np.diff(result.part_boundary_ix) >= 0).all()
    assert len(parts_in_pieces(graph, result.assignment)) == 0
    totals = _totals(result, households)
    assert 300 <= totals.min() <= totals.max() <= 500
    assert (result.infeasible, result.stopped_by) == ((), "converged")
    for b in range(3):
        own = totals[result.part_boundary_ix == b]
        reached = np.abs(own / own.mean() - 1).max()
        assert 0 <= result.lower_bounds[b] <= reached + 1e-12


def test_the_number_of_processes_and_the_order_of_the_cells_change_nothing(monkeypatch):
    monkeypatch.setattr(run, "_FEW_CELLS", 0)
    graph, households = town(12, 40, 50)
    home = _strips(graph, 4)
    codes = ["A", "B", "C", "D"]
    one = partition_fabric(graph, home, households, boundary_codes=codes, seed=1, processes=1)
    seen = []
    two = partition_fabric(
        graph,
        home,
        households,
        boundary_codes=codes,
        seed=1,
        processes=2,
        progress=lambda *step: seen.append(step),
    )
    assert (one.assignment == two.assignment).all()
    assert seen[-1] == ("partition", 2000, 2000)
    order = np.random.default_rng(3).permutation(graph.n_cells)
    mixed = partition_fabric(
        permuted(graph, order), home[order], households[order], boundary_codes=codes, seed=1, processes=1
    )
    pairs = set(zip(one.assignment[order].tolist(), mixed.assignment.tolist(), strict=True))
    assert len(pairs) == one.n_parts == mixed.n_parts
    other = partition_fabric(graph, home, households, boundary_codes=codes, seed=2, processes=1)
    assert not (one.assignment == other.assignment).all()


def test_an_asked_number_of_grids_is_met_and_explained():
    graph, households = town(13, 30, 40)
    home = _strips(graph, 2)
    total = int(households.sum())
    result = partition_fabric(graph, home, households, boundary_codes=["A", "B"], n_grids=4)
    assert result.n_parts == 4
    totals = _totals(result, households)
    assert (totals > 500).all()
    assert total > 4 * 500
    assert _whats(result) == ["boundary-total"] * 2
    for reason, b in zip(result.infeasible, (0, 1), strict=True):
        own = households[home == b].sum()
        assert f"2 grids for {own:,} households, {own / 2:,.10g} on average" in reason.reason
        assert "above the maximum of 500" in reason.reason


@pytest.mark.parametrize(("asked", "words"), [(1, "too few"), (99, "too many"), (0, "cannot be made")])
def test_numbers_of_grids_that_cannot_be_are_refused(asked, words):
    graph = lattice(4, 4)
    with pytest.raises(ParameterError, match=words):
        partition_fabric(graph, _strips(graph, 2), np.full(16, 50), boundary_codes=["A", "B"], n_grids=asked)


def test_a_boundary_without_households_is_one_grid():
    result = partition_fabric(lattice(5, 5), np.zeros(25, int), np.zeros(25, int), boundary_codes=["A"])
    assert (result.n_parts, _whats(result), result.lower_bounds.tolist()) == (1, ["boundary-total"], [0.0])
    assert "'A' has no households" in result.infeasible[0].reason


def test_a_total_between_one_grid_and_two_is_explained():
    households = np.full(25, 21)
    households[0] += 18
    result = partition_fabric(lattice(5, 5), np.zeros(25, int), households, boundary_codes=["A"])
    assert result.n_parts == 1
    assert result.infeasible[0].reason == (
        "'A' has 543 households, too many for 1 grid of at most 500 and too few for 2 grids of at least 300."
    )


def test_pieces_are_solved_alone_and_empty_ones_join_the_nearest_grid():
    # A block of 800, an islet of 140 beside its east side, and an empty rock beside its west side.
    block = lattice(4, 4)
    x = np.concatenate([block.x, [60.0], [-20.0]])
    y = np.concatenate([block.y, [5.0], [5.0]])
    edges = [(a, int(b)) for a in range(16) for b in block.indices[block.indptr[a] : block.indptr[a + 1]]]
    bare = from_edges(18, edges)
    graph = AdjacencyGraph(
        bare.indptr, bare.indices, bare.shared_length_m, bare.street_rank, bare.street_length_m, bare.area_m2,
        bare.perimeter_m, bare.exterior_length_m, x, y,
    )  # fmt: skip
    households = np.array([50] * 16 + [140, 0])
    result = partition_fabric(graph, np.zeros(18, int), households, boundary_codes=["XYZ"])
    assert sorted(_totals(result, households).tolist()) == [140, 400, 400]
    assert result.assignment[17] == result.assignment[0]
    assert _whats(result) == ["piece-total"]
    assert result.infeasible[0].reason == (
        "The piece of 140 households (cell 16) is cut off from the rest of 'XYZ' and below the minimum of 300."
    )
    assert result.infeasible[0].cell_ix == (16,)


def test_a_heavy_cell_is_named_and_the_others_stay_inside():
    households = np.full(100, 20)
    households[55] = 620
    names = [f"b{cell}" for cell in range(100)]
    result = partition_fabric(
        lattice(10, 10), np.zeros(100, int), households, boundary_codes=["A"], cell_names=names
    )
    totals = _totals(result, households)
    outside = np.flatnonzero((totals < 300) | (totals > 500))
    assert outside.tolist() == [result.assignment[55]]
    assert _whats(result) == ["heavy-cell"]
    assert result.infeasible[0].cell_ix == (55,)
    assert result.infeasible[0].reason == (
        "The cell of building b55 in 'A' holds 620 households, more than the maximum of 500."
    )
    assert result.lower_bounds[0] >= 620 / totals.mean() - 1 - 1e-12


def test_cells_behind_a_gate_are_named():
    # 250 - 250 - 250: whichever end is cut off is below the minimum, so that the middle would need all 750.
    result = partition_fabric(chain(3), np.zeros(3, int), np.full(3, 250), boundary_codes=["A"])
    assert result.n_parts == 2
    assert _whats(result) == ["pocket"]
    assert result.infeasible[0].cell_ix[0] == 1
    assert "at least 750 households" in result.infeasible[0].reason


def test_what_was_not_found_is_not_called_impossible(monkeypatch):
    # Nine cells that make no parts of 200 to 250, but no total, no gate and no wall proves it.
    monkeypatch.setattr(settle, "MOST_CELLS", 5)
    households = np.array([170, 80, 50, 80, 100, 170, 110, 50, 90])
    graph, home = lattice(3, 3), np.zeros(9, int)
    assert (
        partition_fabric(graph, home, households, boundary_codes=["A"], bounds=Bounds(190, 250)).infeasible
        == ()
    )
    result = partition_fabric(graph, home, households, boundary_codes=["A"], bounds=Bounds(200, 250))
    assert _whats(result) == ["not-found"]
    assert "was found in" in result.infeasible[0].reason


def test_locked_grids_stay_as_they_are():
    graph, households = town(14, 20, 30)
    first = partition_fabric(graph, np.zeros(600, int), households, boundary_codes=["A"], seed=1)
    fixed = np.where(first.assignment < 2, first.assignment, -1)
    again = partition_fabric(graph, np.zeros(600, int), households, boundary_codes=["A"], seed=2, fixed=fixed)
    for lock in (0, 1):
        parts = np.unique(again.assignment[fixed == lock])
        assert len(parts) == 1
        assert (fixed[again.assignment == parts[0]] == lock).all()
    pieces = part_component_labels(graph, again.assignment)
    assert len(np.unique(pieces)) == again.n_parts


def test_a_lock_across_boundaries_is_refused():
    graph = lattice(4, 4)
    with pytest.raises(ParameterError, match="two boundary polygons"):
        partition_fabric(
            graph, _strips(graph, 2), np.full(16, 50), boundary_codes=["A", "B"], fixed=np.zeros(16, int)
        )


def test_the_time_limit_leaves_a_valid_plan():
    graph, households = town(15, 60, 60)
    result = partition_fabric(
        graph, _strips(graph, 2), households, boundary_codes=["A", "B"], time_limit_s=0.05, processes=1
    )
    assert result.stopped_by == "time-limit"
    assert len(parts_in_pieces(graph, result.assignment)) == 0
    totals = _totals(result, households)
    outside = ((totals < 300) | (totals > 500)).any()
    assert outside == bool(result.infeasible)


@pytest.mark.parametrize("processes", [1, 2])
def test_cancelling_ends_the_work_and_the_workers(processes, monkeypatch):
    monkeypatch.setattr(run, "_FEW_CELLS", 0)
    graph, households = town(16, 40, 50)

    def stop(_step, _done, _total):
        raise CancelledError("stop")

    with pytest.raises(CancelledError):
        partition_fabric(
            graph,
            _strips(graph, 4),
            households,
            boundary_codes=list("ABCD"),
            processes=processes,
            progress=stop,
        )
    assert multiprocessing.active_children() == []


def _wall(graph: AdjacencyGraph, west: np.ndarray) -> Barriers:
    """Close every adjacency between the cells of `west` and the others."""
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    across = west[owner] & ~west[graph.indices]
    left, right = owner[across], graph.indices[across].astype(np.int64)
    return Barriers(left, right, np.ones(len(left), bool), np.zeros(len(left)))


def test_what_is_asked_reaches_every_polygon_in_any_process(monkeypatch):
    monkeypatch.setattr(run, "_FEW_CELLS", 0)
    graph, households = town(17, 24, 30)
    home = _strips(graph, 2)
    free = partition_fabric(graph, home, households, boundary_codes=["A", "B"], seed=2)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    cut = (home[owner] == home[graph.indices]) & (free.assignment[owner] != free.assignment[graph.indices])
    group = np.full(graph.n_cells, -1, np.int64)
    for b in (0, 1):
        slot = np.flatnonzero(cut & (home[owner] == b))[3]
        group[[owner[slot], graph.indices[slot]]] = b
    asked = (Together(group, ("g0", "g1")), WeightBounds("cells", np.ones(graph.n_cells), 70, 100))
    assert [len(each.broken(graph, free.assignment)) for each in asked] == [2, 1]
    plans = [
        partition_fabric(
            graph, home, households, boundary_codes=["A", "B"], seed=2, constraints=asked, processes=count
        )
        for count in (1, 2)
    ]
    assert (plans[0].assignment == plans[1].assignment).all()
    assert plans[0].infeasible == ()
    assert all(each.broken(graph, plans[0].assignment) == [] for each in asked)


def test_what_is_broken_is_said_with_the_cells_of_the_fabric():
    graph, households = town(18, 20, 30)
    home = 1 - _strips(graph, 2)
    group = np.full(600, -1, np.int64)
    group[[3, 4, 599]] = 0
    asked = Together(group, ("the school",))
    result = partition_fabric(graph, home, households, boundary_codes=["A", "B"], constraints=[asked])
    assert [(reason.what, reason.cell_ix) for reason in result.infeasible] == [("together", (599,))]


def test_closed_links_make_pieces_that_are_solved_alone():
    graph, households = town(19, 20, 30)
    west = graph.x < 95
    wall = _wall(graph, west)
    result = partition_fabric(
        graph,
        np.zeros(600, int),
        households,
        boundary_codes=["A"],
        bounds=Bounds(200, 500),
        constraints=[wall],
    )
    assert not set(result.assignment[west].tolist()) & set(result.assignment[~west].tolist())
    totals = _totals(result, households)
    assert (totals.min() >= 200, totals.max() <= 500, result.infeasible) == (True, True, ())


def test_grids_to_start_from_decide_the_number():
    graph, households = town(20, 20, 30)
    home, codes = np.zeros(600, int), ["A"]
    usual = partition_fabric(graph, home, households, boundary_codes=codes, seed=1)
    other = partition_fabric(graph, home, households, boundary_codes=codes, n_grids=usual.n_parts + 1, seed=1)
    again = partition_fabric(
        graph, home, households, boundary_codes=codes, seed=2, start=7 * other.assignment
    )
    assert again.n_parts == usual.n_parts + 1
    # Half a start, or one in pieces, is none.
    torn = np.where(np.arange(600) % 2, other.assignment, -1)
    fresh = partition_fabric(graph, home, households, boundary_codes=codes, seed=1, start=torn)
    assert (fresh.assignment == usual.assignment).all()


def test_objectives_can_be_named():
    graph, households = town(21, 12, 20)
    home = np.zeros(240, int)
    named = partition_fabric(graph, home, households, boundary_codes=["A"], objective="border")
    assert set(named.assignment.tolist()) == set(range(named.n_parts))
    with pytest.raises(ParameterError, match="no objective 'best'"):
        partition_fabric(graph, home, households, boundary_codes=["A"], objective="best")


@pytest.mark.skipif(not exact_available(), reason="the exact solver is not installed")
def test_where_the_search_fails_a_small_piece_is_settled(monkeypatch):
    def fail(graph, weight, *, n_parts, **_others):
        part = np.minimum(np.arange(graph.n_cells), n_parts - 1).astype(np.int32)
        return Solution(part, "converged", 0.0, 1.0, 1)

    monkeypatch.setattr(attempts, "solve", fail)
    households = np.array([3, 1, 4, 5, 9, 4, 2, 6, 5])
    result = partition_fabric(
        chain(9), np.zeros(9, int), households, boundary_codes=["A"], bounds=Bounds(13, 13)
    )
    assert (_totals(result, households).tolist(), result.infeasible) == ([13] * 3, ())


@pytest.mark.skipif(not exact_available(), reason="the exact solver is not installed")
def test_the_least_deviation_of_a_small_polygon_is_proved():
    # 3 - 4 - 3 can be cut into 3 and 7 only, 40 % from the mean.
    result = partition_fabric(
        chain(3), np.zeros(3, int), np.array([3, 4, 3]), boundary_codes=["A"], bounds=Bounds(1, 9), n_grids=2
    )
    assert result.lower_bounds.tolist() == pytest.approx([0.4])


@pytest.mark.skipif(not exact_available(), reason="the exact solver is not installed")
def test_where_evenness_comes_first_a_small_polygon_is_as_even_as_can_be(monkeypatch):
    def uneven(graph, weight, *, n_parts, **_others):
        part = np.minimum(np.arange(graph.n_cells), n_parts - 1).astype(np.int32)
        return Solution(part, "converged", 0.0, 0.0, 1)

    monkeypatch.setattr(attempts, "solve", uneven)
    households = np.array([3, 1, 4, 5, 9, 4, 2, 6, 5])
    totals = {}
    for objective in ("border", "balance"):
        result = partition_fabric(
            chain(9), np.zeros(9, int), households, boundary_codes=["A"], bounds=Bounds(1, 39), n_grids=3,
            objective=objective,
        )  # fmt: skip
        totals[objective] = _totals(result, households).tolist()
        assert result.lower_bounds.tolist() == [0.0]
    assert max(totals["border"]) > 13
    assert totals["balance"] == [13] * 3


def test_arrays_that_do_not_fit_are_refused():
    graph = lattice(2, 2)
    with pytest.raises(ParameterError, match="one entry for each of 4 cells"):
        partition_fabric(graph, np.zeros(3, int), np.ones(4), boundary_codes=["A"])
    with pytest.raises(ParameterError, match="one entry for each of 4 cells"):
        partition_fabric(graph, np.zeros(4, int), np.ones(4), boundary_codes=["A"], start=np.zeros(5, int))
    with pytest.raises(ParameterError, match="outside 0 to 0"):
        partition_fabric(graph, np.ones(4, int), np.ones(4), boundary_codes=["A"])
    with pytest.raises(ParameterError, match="negative or missing"):
        partition_fabric(graph, np.zeros(4, int), np.full(4, np.nan), boundary_codes=["A"])


def test_no_cells_give_no_parts():
    empty = from_edges(0, [])
    result = partition_fabric(empty, np.zeros(0, int), np.zeros(0), boundary_codes=[])
    assert (result.n_parts, len(result.assignment), result.infeasible) == (0, 0, ())
