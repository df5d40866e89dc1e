"""Large graphs in tiles: contiguous, inside the bounds, the same for the same seed, valid whenever time is over."""

from __future__ import annotations

import time

import numpy as np
import pytest
from cell_graphs import lattice

from gis_core.errors import CancelledError
from gis_core.graph import parts_in_pieces
from gis_core.partition import Bounds, preset, solve
from gis_core.partition._random import new_state
from gis_core.partition.objective import border_cost
from gis_core.partition.problem import Problem
from gis_core.partition.search import Clock, Search, first_rules
from gis_core.partition.tiles import LEAST_CELLS, Tiling, tiled

ROWS, COLUMNS = 60, 100
N_PARTS = 75


@pytest.fixture(scope="module")
def graph():
    return lattice(ROWS, COLUMNS, street_every=12)


@pytest.fixture(scope="module")
def households():
    rng = np.random.default_rng(8)
    return (rng.integers(0, 12, ROWS * COLUMNS) * (rng.random(ROWS * COLUMNS) < 0.95)).astype(float)


def _search(graph, weight, *, seed=3, low=300.0, high=500.0, limit_s=np.inf, progress=None, n_parts=N_PARTS):
    price = border_cost(graph, preset("border"))
    problem = Problem(graph, weight, n_parts=n_parts, bounds=(low, high), price=price)
    level = problem.level()
    mean = problem.weights.sum(axis=0) / n_parts
    rules = first_rules(level, n_parts, problem.minimum, problem.maximum, mean, 0.0)
    clock = Clock(time.perf_counter() + limit_s, progress, graph.n_cells)
    return Search(level, n_parts, rules, new_state(np.random.default_rng(seed)), clock)


def _require_whole(graph, part, n_parts=N_PARTS):
    assert set(part.tolist()) == set(range(n_parts))
    assert len(parts_in_pieces(graph, part)) == 0


def test_tiles_give_whole_parts_inside_the_bounds(graph, households):
    search = _search(graph, households)
    plan = tiled(search, Tiling(12, 20, 40, 2), np.random.default_rng(0))
    _require_whole(graph, plan.part)
    totals = np.bincount(plan.part, weights=households)
    assert 300 <= totals.min() <= totals.max() <= 500
    assert plan.score == search.plan(plan.part).score
    assert not search.clock.late


def test_tiles_are_the_same_for_the_same_seed_and_others_for_another(graph, households):
    def drawn(seed):
        search = _search(graph, households, seed=seed)
        return tiled(search, Tiling(12, 10, 20, 1), np.random.default_rng(seed)).part

    first = drawn(1)
    assert (first == drawn(1)).all()
    assert (first != drawn(2)).any()


def test_a_pass_across_the_seams_shortens_the_border(graph, households):
    prices = [
        tiled(_search(graph, households), Tiling(12, 20, 40, passes), np.random.default_rng(0)).score
        for passes in (0, 1, 3)
    ]
    # Seams are drawn between clusters: the first look at them takes off more than all that follow.
    assert prices[1][1] < 0.98 * prices[0][1]
    assert prices[2][1] < prices[1][1]


def test_tiles_come_close_to_a_search_of_the_whole(graph, households):
    whole = _search(graph, households).start(30)
    parts = tiled(_search(graph, households), Tiling(12, 30, 100, 2), np.random.default_rng(0))
    assert parts.score[0] == whole.score[0] == 0
    assert parts.score[1] <= 1.02 * whole.score[1]


@pytest.mark.parametrize("limit_s", [1e-3, 0.1])
def test_when_time_is_over_early_the_parts_are_whole_all_the_same(graph, households, limit_s):
    search = _search(graph, households, limit_s=limit_s)
    plan = tiled(search, Tiling(12, 400, 4_000, 3), np.random.default_rng(0))
    assert search.clock.late
    _require_whole(graph, plan.part)


def test_what_progress_raises_stops_the_tiles(graph, households):
    told = []

    def stop(step, done, total):
        told.append((step, done, total))
        if len(told) > 2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        tiled(_search(graph, households, progress=stop), Tiling(12, 400, 800, 2), np.random.default_rng(0))
    assert all(0 <= done <= total == graph.n_cells for _, done, total in told)


def test_narrow_bounds_are_met_or_refused_by_tiles(graph, households):
    mean = households.sum() / N_PARTS
    plan = tiled(
        _search(graph, households, low=0.98 * mean, high=1.02 * mean),
        Tiling(12, 20, 60, 2),
        np.random.default_rng(0),
    )
    if plan is not None:
        _require_whole(graph, plan.part)
        assert plan.score[0] < 0.05


def test_bounds_that_cannot_hold_give_no_tiles_or_the_least_violation(graph, households):
    households = households.copy()
    households[1234] = 900.0
    search = _search(graph, households)
    plan = tiled(search, Tiling(12, 20, 40, 1), np.random.default_rng(0))
    _require_whole(graph, plan.part)
    totals = np.bincount(plan.part, weights=households)
    outside = np.flatnonzero((totals < 300) | (totals > 500))
    assert outside.tolist() == [plan.part[1234]]


def test_small_graphs_few_parts_and_homes_are_not_for_tiles(graph, households):
    assert graph.n_cells < LEAST_CELLS
    assert Tiling.for_search(_search(graph, households), 1.0) is None
    large = lattice(130, 131)
    ones = np.ones(large.n_cells)
    assert Tiling.for_search(_search(large, ones, n_parts=20, low=0, high=1e4), 1.0) is None
    tiling = Tiling.for_search(_search(large, ones, n_parts=425, low=30, high=50), 1.0)
    assert tiling is not None
    assert 8 <= tiling.parts <= 425 / 2
    problem = Problem(large, ones, n_parts=425, bounds=(30, 50), price=large.shared_length_m)
    problem.home[:], problem.stay[:] = 0, 1.0
    search = _search(large, ones, n_parts=425, low=30, high=50)
    search.level = problem.level()
    assert Tiling.for_search(search, 1.0) is None


def test_solve_takes_tiles_for_large_graphs_and_leaves_starts_alone():
    large = lattice(130, 131)
    ones = np.ones(large.n_cells)
    found = solve(
        large, ones, n_parts=425, bounds=Bounds(30, 50), objective=preset("border"), rng=0, effort=0.3
    )
    _require_whole(large, found.assignment, 425)
    assert found.out_of_bounds == 0
    assert found.stopped_by == "converged"
    # Square parts of 40 cells would have 425 * 2 * sqrt(40) sides less the outer frame; a few per cent are lost.
    assert found.cost <= 1.06 * 10 * (425 * 2 * 40**0.5 - 261)
