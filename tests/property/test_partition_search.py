"""The kernels of the search against recomputation: sums, lists, clusters, regions; and plans under any wishes."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import from_edges
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis_core.graph import component_labels, parts_in_pieces
from gis_core.graph.components import part_component_labels
from gis_core.graph.links import change_adjacencies
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds, partition_fabric, solve
from gis_core.partition._random import new_state
from gis_core.partition.coarsen import coarsen
from gis_core.partition.constraints import Constraint
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Problem
from gis_core.partition.refine import border_lists, part_sums, penalty
from gis_core.partition.regroup import Regions, grow_group
from gis_core.partition.state import State

SEEDS = st.integers(0, 2**32 - 1)


def any_graph(rng: np.random.Generator, n: int) -> AdjacencyGraph:
    """Connect n cells by a random tree and some more edges."""
    edges = [(i, int(rng.integers(max(0, i - 6), i))) for i in range(1, n)]
    edges += [(a, b) for a, b in rng.integers(0, n, (2 * n, 2)).tolist() if 0 < abs(a - b) < 12]
    return from_edges(n, edges)


def any_problem(rng: np.random.Generator, n: int, n_parts: int) -> Problem:
    """Make a problem with wishes of every kind, links all there."""
    graph = any_graph(rng, n)
    weight = rng.integers(0, 20, n).astype(np.float64)
    problem = Problem(graph, weight, n_parts=n_parts, bounds=(20, 90), price=graph.shared_length_m)
    owner = problem.owner
    lower, upper = np.minimum(owner, graph.indices), np.maximum(owner, graph.indices)
    problem.price *= rng.uniform(-0.2, 1, n * n)[lower * n + upper]
    problem.add_weight(rng.uniform(0, 5, n), 3, 40)
    ends = rng.integers(0, n, (2, n // 3))
    ends = ends[:, ends[0] != ends[1]]
    problem.add_pairs(*ends, rng.uniform(-30, 30, ends.shape[1]))
    problem.home[:] = np.where(rng.random(n) < 0.2, rng.integers(0, n_parts, n), -1)
    problem.stay[:] = rng.uniform(0, 9, n)
    return problem


def any_parts(rng: np.random.Generator, graph: AdjacencyGraph, n_parts: int) -> NDArray[np.int32]:
    """Grow connected parts from random cells."""
    part = np.full(graph.n_cells, -1, np.int32)
    part[rng.permutation(graph.n_cells)[:n_parts]] = np.arange(n_parts)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    while (part < 0).any():
        edge = np.flatnonzero((part[owner] >= 0) & (part[graph.indices] < 0))
        chosen = int(rng.choice(edge))
        part[graph.indices[chosen]] = part[owner[chosen]]
    return part


def plain_price(problem: Problem, part: NDArray[np.int32]) -> float:
    """Add up borders, pairs and cells away from home, one by one."""
    total = 0.0
    for slot, (a, b) in enumerate(zip(problem.owner.tolist(), problem.graph.indices.tolist(), strict=True)):
        total += problem.price[slot] / 2 if part[a] != part[b] else 0.0
    for a, b, price in zip(*problem.pairs, strict=True):
        total += price if part[a] != part[b] else 0.0
    for cell, home in enumerate(problem.home.tolist()):
        total += problem.stay[cell] if home not in (-1, part[cell]) else 0.0
    return float(total)


RULE = np.array([[20.0, 90.0, 55.0, 0.01, 3.0, 0.05], [3.0, 40.0, 20.0, 0.0, 2.0, 0.1]])


@given(SEEDS, st.floats(0, 20))
@settings(max_examples=30, deadline=None)
def test_sums_and_lists_stay_true_and_parts_whole(seed: int, hot: float) -> None:
    rng = np.random.default_rng(seed)
    problem = any_problem(rng, 60, 5)
    level = problem.level()
    part = any_parts(rng, problem.graph, 5)
    state = State(level, part, 5, RULE)
    state.propose(hot, hot / 10, 3000, new_state(rng))
    assert np.allclose(state.sums, part_sums(part, level.weights, 5))
    n_cut, border, _place = border_lists(level.indptr, level.indices, part)
    assert (state.n_cut == n_cut).all()
    listed = state.border[: state.border[-1]]
    assert sorted(listed.tolist()) == sorted(border[: border[-1]].tolist())
    assert (state.place[listed] == np.arange(len(listed))).all()
    assert set(part.tolist()) == set(range(5))
    assert len(parts_in_pieces(problem.graph, part)) == 0


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_moves_that_must_pay_never_make_a_plan_dearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = any_problem(rng, 50, 4)
    level = problem.level()
    part = any_parts(rng, problem.graph, 4)

    def price() -> float:
        sums = part_sums(part, level.weights, 4)
        return plain_price(problem, part) + sum(
            penalty(sums, p, level.weights, 0, 0.0, RULE) for p in range(4)
        )

    assert level.border_price(part) == pytest.approx(plain_price(problem, part), abs=1e-6)
    state = State(level, part, 4, RULE)
    before, moves = price(), 1
    while moves:
        moves = state.propose(0.0, 0.0, 500, new_state(rng))
        after = price()
        assert after <= before + 1e-6
        before = after


@given(SEEDS, st.booleans())
@settings(max_examples=30, deadline=None)
def test_clusters_are_whole_light_and_priced_like_their_cells(seed: int, grouped: bool) -> None:
    rng = np.random.default_rng(seed)
    problem = any_problem(rng, 80, 4)
    level = problem.level()
    group = any_parts(rng, problem.graph, 6) if grouped else np.zeros(80, np.int32)
    heaviest = np.array([45.0, 12.0])
    levels, left = coarsen(level, n_wanted=10, heaviest=heaviest, state=new_state(rng), group=group)
    cluster = np.arange(80)
    for each in levels[:-1]:
        assert each.cluster is not None
        cluster = each.cluster[cluster]
    coarsest = levels[-1]
    count = coarsest.n_cells
    assert len(left) == count < 80
    assert (left[cluster] == group).all()
    assert int(part_component_labels(problem.graph, cluster).max()) + 1 == count
    assert np.allclose(coarsest.weights, part_sums(cluster.astype(np.int32), level.weights, count))
    several = np.bincount(cluster) > 1
    assert (coarsest.weights[several] <= heaviest + 1e-9).all()
    coarse = rng.integers(0, 4, count).astype(np.int32)
    assert coarsest.border_price(coarse) == pytest.approx(level.border_price(coarse[cluster]), abs=1e-6)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_a_region_holds_whole_parts_and_prices_of_its_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = any_problem(rng, 70, 6)
    level = problem.level()
    part = any_parts(rng, problem.graph, 6)
    regions = Regions(level, part, 6)
    indptr, neighbors, _price = regions.neighbors()
    first = int(rng.integers(6))
    group = np.unique([first, *neighbors[indptr[first] : indptr[first + 1]][:2].tolist()]).astype(np.int64)
    cells, own, before = regions.cut_out(group)
    assert sorted(cells.tolist()) == np.flatnonzero(np.isin(part, group)).tolist()
    assert (group[before] == part[cells]).all()
    assert (own.weights == level.weights[cells]).all()
    # What changes inside a region costs there what it costs in the whole.
    after = any_parts(rng, from_edges(len(cells), _edges(own.indptr, own.indices)), len(group))
    changed = part.copy()
    changed[cells] = group[after]
    rise = own.border_price(after) - own.border_price(before)
    assert level.border_price(changed) - level.border_price(part) == pytest.approx(rise, abs=1e-6)
    again = regions.cut_out(group)
    assert (again[0] == cells).all()


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_group_hangs_together_and_grows_along_long_borders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = any_problem(rng, 70, 9)
    part = any_parts(rng, problem.graph, 9)
    indptr, other, price = Regions(problem.level(), part, 9).neighbors()
    state, start = new_state(rng), int(rng.integers(9))
    beside = [set(other[indptr[p] : indptr[p + 1]].tolist()) for p in range(9)]
    for size in (1, 4, 9, 12):
        group = grow_group(start, size, indptr, other, price, state).tolist()
        assert group[0] == start
        assert len(set(group)) == len(group) == min(size, 9)
        assert all(beside[p] & set(group[:i]) for i, p in enumerate(group) if i)
    # The second part by chance in proportion to its border with the first; the plain sum of chances says how often.
    draws = 2000
    second = [int(grow_group(start, 2, indptr, other, price, state)[1]) for _ in range(draws)]
    here = slice(indptr[start], indptr[start + 1])
    chance = (price[here] + 1e-9) / (price[here] + 1e-9).sum()
    drawn = np.bincount(second, minlength=9)[other[here]] / draws
    assert np.abs(drawn - chance).max() < 5 * 0.5 / draws**0.5


def _edges(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> list[tuple[int, int]]:
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return list(zip(owner.tolist(), indices.tolist(), strict=True))


def any_wishes(rng: np.random.Generator, graph: AdjacencyGraph) -> tuple[Constraint, ...]:
    """Wish for groups, pairs apart, closed links and a further weight, sensible or not."""
    n = graph.n_cells
    owner = np.repeat(np.arange(n), np.diff(graph.indptr))
    some = np.flatnonzero((owner < graph.indices) & (rng.random(len(owner)) < 0.15))
    left, right = owner[some], graph.indices[some].astype(np.int64)
    group = np.where(rng.random(n) < 0.1, rng.integers(0, 2, n), -1)
    pairs = np.sort(np.array([rng.choice(n, 2, replace=False) for _ in range(3)], dtype=np.int64), axis=1)
    return (
        Barriers(left, right, rng.random(len(some)) < 0.7, np.zeros(len(some))),
        Together(group, ("g0", "g1")),
        Apart(pairs[:, 0], pairs[:, 1], ("a", "b", "c")),
        WeightBounds("more", rng.uniform(0, 2, n), 2.0, 30.0),
    )


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_any_wishes_leave_whole_parts_that_no_closed_link_holds_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = any_graph(rng, int(rng.integers(8, 70)))
    weight = rng.integers(1, 20, graph.n_cells)
    home = (np.arange(graph.n_cells) > graph.n_cells // 2).astype(np.int64)
    wishes = any_wishes(rng, graph)
    results = [
        partition_fabric(
            graph,
            home,
            weight,
            boundary_codes=["A", "B"],
            bounds=Bounds(40, 80),
            constraints=wishes,
            seed=seed,
        )
        for _ in range(2)
    ]
    part = results[0].assignment
    assert (part == results[1].assignment).all()
    assert (results[0].part_boundary_ix[part] == home).all()
    barrier = wishes[0]
    assert isinstance(barrier, Barriers)
    assert barrier.broken(graph, part) == []
    problem = Problem(graph, weight, n_parts=1, bounds=(0, 1), price=graph.shared_length_m)
    barrier.apply(problem)
    links = change_adjacencies(graph, keep=problem.link)
    assert int(part_component_labels(links, part).max()) + 1 == results[0].n_parts
    told = {reason.reason for reason in results[0].infeasible}
    assert told >= {reason.reason for wish in wishes for reason in wish.broken(graph, part)}


@given(SEEDS, st.integers(2, 6))
@settings(max_examples=12, deadline=None)
def test_a_search_from_a_start_is_never_worse_than_the_start(seed: int, n_parts: int) -> None:
    rng = np.random.default_rng(seed)
    graph = any_graph(rng, 60)
    assert component_labels(graph).max() == 0
    weight = rng.integers(1, 20, 60).astype(np.float64)
    mean = weight.sum() / n_parts
    bounds = Bounds(0.8 * mean, 1.2 * mean)
    start = any_parts(rng, graph, n_parts)
    found = solve(graph, weight, n_parts=n_parts, bounds=bounds, start=start, rng=seed, effort=0.2)
    total = np.bincount(start, weights=weight)
    outside = np.maximum(np.maximum(bounds.minimum - total, total - bounds.maximum), 0).sum()
    assert found.out_of_bounds <= outside + 1e-9
    assert len(parts_in_pieces(graph, found.assignment)) == 0
    assert set(found.assignment.tolist()) == set(range(n_parts))
