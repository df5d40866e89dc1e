"""One graph into parts: contiguous, inside the bounds, borders on streets, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import chain, from_edges, lattice, star, town

from gis_core.errors import CancelledError, DisconnectedGraphError, ParameterError
from gis_core.graph import parts_in_pieces
from gis_core.partition import Bounds, Objective, preset, solve
from gis_core.partition.objective import border_cost
from gis_core.partition.problem import Problem
from gis_core.partition.refine import border_lists, move_cell, part_sums, penalty
from gis_core.partition.state import State


def _totals(solution, weight, n_parts):
    return np.bincount(solution.assignment, weights=weight, minlength=n_parts)


def _border_m(graph, part):
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    cut = part[owner] != part[graph.indices]
    return graph.shared_length_m[cut].sum() / 2, graph.street_length_m[cut].sum() / 2


def test_a_town_is_cut_into_contiguous_parts_inside_the_bounds_on_streets():
    graph, households = town(1)
    n_parts = round(households.sum() / 400)
    found = solve(graph, households, n_parts=n_parts, bounds=Bounds(300, 500), rng=5)
    totals = _totals(found, households, n_parts)
    assert found.stopped_by == "converged"
    assert len(parts_in_pieces(graph, found.assignment)) == 0
    assert set(found.assignment.tolist()) == set(range(n_parts))
    assert 300 <= totals.min() <= totals.max() <= 500
    assert found.out_of_bounds == 0
    border, street = _border_m(graph, found.assignment)
    assert street / border > 0.8


def test_unit_cells_are_cut_with_the_shortest_border():
    # 12 x 12 cells in four parts of about 36: two straight lines, 24 sides of 10 m, are hard to beat.
    found = solve(
        lattice(12, 12), np.ones(144), n_parts=4, bounds=Bounds(30, 42), objective=preset("border"), rng=0
    )
    assert _border_m(lattice(12, 12), found.assignment)[0] <= 240
    assert found.out_of_bounds == 0


def test_the_balance_objective_is_more_even_than_the_street_objective():
    graph, households = town(2)
    worst = {}
    for name in ("street", "balance"):
        totals = _totals(
            solve(graph, households, n_parts=16, bounds=Bounds(300, 900), objective=preset(name), rng=1),
            households,
            16,
        )
        worst[name] = np.abs(totals / totals.mean() - 1).max()
    assert worst["balance"] < 0.02
    assert worst["balance"] <= worst["street"]


def test_parts_of_a_few_heavy_cells_are_made_even_too():
    weight = np.random.default_rng(1).choice([4.0, 20.0, 60.0, 160.0], size=180, p=[0.5, 0.25, 0.15, 0.1])
    n_parts = round(weight.sum() / 400)
    mean, off = weight.sum() / n_parts, []
    for name in ("plan", "balance"):
        found = solve(
            lattice(15, 12), weight, n_parts=n_parts, bounds=Bounds(0, 900), objective=preset(name), rng=1
        )
        assert len(parts_in_pieces(lattice(15, 12), found.assignment)) == 0
        off.append(np.abs(_totals(found, weight, n_parts) / mean - 1).max())
    assert off[1] <= min(0.02, off[0] / 2)


def test_the_same_seed_gives_the_same_partition():
    graph, households = town(3, 15, 20)
    runs = [solve(graph, households, n_parts=3, bounds=Bounds(), rng=9).assignment for _ in range(2)]
    assert (runs[0] == runs[1]).all()


@pytest.mark.parametrize(
    ("graph", "n_parts"), [(star(9), 4), (chain(9), 9), (chain(9), 4), (lattice(1, 1), 1), (lattice(2, 2), 3)]
)
def test_awkward_graphs_get_connected_parts_none_empty(graph, n_parts):
    found = solve(graph, np.arange(graph.n_cells), n_parts=n_parts, bounds=Bounds(1, 5), rng=0)
    assert len(set(found.assignment.tolist())) == n_parts
    assert len(parts_in_pieces(graph, found.assignment)) == 0


def test_a_chain_is_cut_where_only_one_plan_is_inside_the_bounds():
    # Cuts after the cells with prefix sums 13 and 26 only: 3+1+4+5, 9+4, 2+6+5.
    weight = np.array([3, 1, 4, 5, 9, 4, 2, 6, 5])
    found = solve(chain(9), weight, n_parts=3, bounds=Bounds(13, 13), rng=0)
    assert _totals(found, weight, 3).tolist() == [13] * 3


def test_cells_without_households_are_carried_along():
    weight = np.zeros(100)
    weight[[0, 9, 90, 99]] = 400
    found = solve(lattice(10, 10), weight, n_parts=4, bounds=Bounds(300, 500), rng=0)
    assert _totals(found, weight, 4).tolist() == [400] * 4


def test_a_graph_without_any_weight_is_cut_all_the_same():
    found = solve(lattice(6, 6), np.zeros(36), n_parts=3, bounds=Bounds(300, 500), rng=0)
    assert len(set(found.assignment.tolist())) == 3


def test_a_heavy_cell_does_not_spoil_the_others():
    weight = np.full(144, 10.0)
    weight[70] = 2000
    found = solve(lattice(12, 12), weight, n_parts=5, bounds=Bounds(300, 500), rng=0)
    totals = _totals(found, weight, 5)
    assert sorted((totals >= 300) & (totals <= 500)) == [False, True, True, True, True]


def test_the_time_limit_stops_the_search_with_a_whole_partition():
    graph, households = town(4, 80, 80)
    found = solve(graph, households, n_parts=50, bounds=Bounds(300, 500), rng=0, time_limit_s=0.02)
    assert found.stopped_by == "time-limit"
    assert len(set(found.assignment.tolist())) == 50
    assert len(parts_in_pieces(graph, found.assignment)) == 0


def test_progress_rises_and_can_cancel():
    graph, households = town(5)
    seen = []

    def watch(step, done, total):
        seen.append((step, done, total))
        if len(seen) > 4:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        solve(graph, households, n_parts=20, bounds=Bounds(), rng=0, progress=watch)
    assert {(step, total) for step, _, total in seen} == {("partition", 2000)}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"n_parts": 0}, ParameterError, "0 parts cannot be made of 9 cells"),
        ({"n_parts": 10}, ParameterError, "10 parts cannot be made of 9 cells"),
        ({"weight": np.full(9, -1.0)}, ParameterError, "negative"),
        ({"weight": np.ones(8)}, ParameterError, "8 weights for 9 cells"),
        ({"time_limit_s": 0}, ParameterError, "time limit"),
        ({"graph": from_edges(9, [(0, 1)])}, DisconnectedGraphError, "several pieces"),
    ],
)
def test_what_cannot_be_solved_is_refused(changes, error, words):
    given = {"graph": lattice(3, 3), "weight": np.ones(9), "n_parts": 2, "time_limit_s": None} | changes
    graph, weight = given.pop("graph"), given.pop("weight")
    with pytest.raises(error, match=words):
        solve(graph, weight, bounds=Bounds(), rng=0, **given)


def test_the_lists_of_border_cells_stay_true_after_many_moves():
    graph, _ = town(6, 12, 12)
    rng = np.random.default_rng(0)
    part = rng.integers(0, 4, graph.n_cells).astype(np.int32)
    lists = border_lists(graph.indptr, graph.indices, part)
    for _ in range(300):
        move_cell(
            int(rng.integers(graph.n_cells)), int(rng.integers(4)), graph.indptr, graph.indices, part, *lists
        )
    fresh = border_lists(graph.indptr, graph.indices, part)
    n = graph.n_cells
    assert (lists[0] == fresh[0]).all()
    assert lists[1][n] == fresh[1][n]
    assert set(lists[1][: lists[1][n]].tolist()) == set(fresh[1][: fresh[1][n]].tolist())
    assert all(lists[2][cell] == place for place, cell in enumerate(lists[1][: lists[1][n]]))


def _out(total, low, high):
    return max(low - total, total - high, 0.0)


def test_the_price_of_a_plan_is_added_up_by_hand():
    graph, households = town(7, 10, 10)
    rng = np.random.default_rng(1)
    part = rng.integers(0, 3, 100).astype(np.int32)
    problem = Problem(
        graph,
        households,
        n_parts=3,
        bounds=(100, 150),
        price=border_cost(graph, Objective(street_factor=0.2)),
    )
    problem.add_weight(np.arange(100.0), 1000, 1700)
    problem.add_pairs(np.array([0, 5, 5]), np.array([99, 50, 50]), np.array([7.0, -2.0, -3.0]))
    problem.home[[3, 4]], problem.stay[[3, 4]] = [0, 1], [11.0, 13.0]
    border, street = _border_m(graph, part)
    pairs = 7.0 * (part[0] != part[99]) - 5.0 * (part[5] != part[50])
    away = 11.0 * (part[3] != 0) + 13.0 * (part[4] != 1)
    assert problem.level().border_price(part) == pytest.approx(border - 0.8 * street + pairs + away)
    # Minimum, maximum, mean, price of the square, price of a unit outside, growth of that price.
    rule = np.array([[100.0, 150.0, households.sum() / 3, 500.0, 9000.0, 0.1], [1e3, 1.7e3, 1650, 0, 3, 0.2]])
    sums = part_sums(part, problem.weights, 3)
    columns = [np.bincount(part, weights=column, minlength=3) for column in (households, np.arange(100))]
    assert sums.tolist() == np.column_stack(columns).tolist()
    for p, cell, sign in ((0, 0, 0.0), (1, 17, 1.0), (2, 31, -1.0)):
        by_hand = 0.0
        for j, (low, high, mean, square, unit, growth) in enumerate(rule):
            total = columns[j][p] + sign * problem.weights[cell, j]
            out = _out(total, low, high)
            by_hand += square * (total - mean) ** 2 + unit * out * (1 + growth * out)
        assert penalty(sums, p, problem.weights, cell, sign, rule) == pytest.approx(by_hand)


def test_a_start_must_name_every_part():
    graph, weight = lattice(3, 3), np.ones(9)
    for start in (np.zeros(9, int), np.full(9, 2), np.arange(8) % 2, np.arange(9) % 2 - 1):
        with pytest.raises(ParameterError, match="start must name"):
            solve(graph, weight, n_parts=2, bounds=Bounds(4, 5), start=start, rng=0)


def test_a_star_gets_fewer_proposals_than_a_lattice(monkeypatch):
    """A proposal for the hub takes the time of all its neighbours, and every group holds the part of the hub."""
    drawn = []
    propose = State.propose

    def counted(self, hot, cold, n, rng):
        before = int(rng[0])
        moves = propose(self, hot, cold, n, rng)
        # SplitMix64 goes on by a fixed step at each draw (modulo 2**64).
        drawn.append((int(rng[0]) - before) * pow(0x9E3779B97F4A7C15, -1, 2**64) % 2**64)
        return moves

    monkeypatch.setattr(State, "propose", counted)
    work = []
    for graph in (lattice(50, 50), star(2500)):
        drawn.clear()
        solve(graph, np.ones(2500), n_parts=60, bounds=Bounds(1, 2500), rng=1)
        work.append(sum(drawn))
    assert work[1] < work[0] / 2
