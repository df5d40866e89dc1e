"""Rebalancing: kernels equal their plain versions, nothing smaller does, parts stay whole."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from cell_graphs import connected_partitions, from_edges, lattice
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import parts_in_pieces
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds, Objective
from gis_core.partition.local import LocalPlan
from gis_core.partition.objective import border_cost
from gis_core.partition.rebalance import rebalance
from gis_core.partition.rebalance_bound import Case, least_change_exactly, least_change_flow
from gis_core.partition.rebalance_plain import least_change_slowly, measure_slowly, moved_slowly
from gis_core.partition.rebalance_region import Ground, Region

_SETTINGS = settings(max_examples=12, deadline=None)


@st.composite
def plans(draw: st.DrawFn, most: int = 7) -> tuple[AdjacencyGraph, list[int], list[int], Bounds]:
    """A small connected graph, households, connected parts, and bounds around the mean."""
    n = draw(st.integers(4, most))
    tree = [(draw(st.integers(0, i - 1)), i) for i in range(1, n)]
    more = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=6))
    graph = from_edges(n, [*tree, *more])
    weight = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    count = draw(st.integers(2, 3))
    part = draw(st.sampled_from(connected_partitions(graph, count)))
    mean = sum(weight) / count
    room = draw(st.sampled_from([0.1, 0.25, 0.5]))
    return graph, weight, part, Bounds((1 - room) * mean, (1 + room) * mean + 1)


def whole_region(graph: AdjacencyGraph, weight: list[int], part: list[int], bounds: Bounds) -> Region:
    heavy = np.array(weight, dtype=np.float64)
    home = np.array(part, dtype=np.int32)
    ground = Ground(
        graph, border_cost(graph, Objective()), heavy, heavy, home, home.copy(), int(home.max()) + 1, bounds,
        bounds.middle, set(), np.zeros(len(home), dtype=bool),
    )  # fmt: skip
    return Region(ground, np.arange(ground.n_parts))


@_SETTINGS
@given(plans(), st.integers(0, 2**31))
def test_with_its_proof_no_connected_plan_with_these_parts_changes_less(case, seed):
    graph, weight, part, bounds = case
    region = whole_region(graph, weight, part, bounds)
    found, _ = region.improve(np.array([seed], dtype=np.uint64))
    reached = measure_slowly(graph, weight, weight, part, found.tolist(), (bounds.minimum, bounds.maximum))
    best = least_change_slowly(graph, weight, weight, part, (bounds.minimum, bounds.maximum))
    kept = set(found[found == np.array(part)].tolist())
    assert reached >= best or len(kept) <= max(part)
    if reached[0] == 0 < reached[1] and reached >= best:
        heavy, home = np.array(weight, dtype=np.float64), np.array(part, np.int32)
        bound, better = least_change_exactly(Case(graph, heavy, heavy, home, found, max(part) + 1, bounds))
        assert bound == best[1]
        assert (better is None) == (reached[1] == best[1])


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31))
def test_on_a_small_town_the_search_alone_finds_the_least_change(seed):
    rng = np.random.default_rng(seed)
    graph, weight = lattice(3, 3), rng.integers(0, 10, 9).tolist()
    part = [0, 0, 1] * 3
    mean = sum(weight) / 2
    bounds = Bounds(0.85 * mean, 1.15 * mean + 1)
    region = whole_region(graph, weight, part, bounds)
    found, _ = region.improve(np.array([seed], dtype=np.uint64))
    reached = measure_slowly(graph, weight, weight, part, found.tolist(), (bounds.minimum, bounds.maximum))
    assert reached == least_change_slowly(graph, weight, weight, part, (bounds.minimum, bounds.maximum))


@_SETTINGS
@given(plans(), st.integers(0, 2**31))
def test_the_search_counts_as_one_counts_by_hand(case, seed):
    graph, weight, part, bounds = case
    region = whole_region(graph, weight, part, bounds)
    rule = region.rule(big=3.0, moved=1.0, border=0.0)
    found, violation, moved = region.anneal(
        region.part, rule, hot=5.0, cold=0.5, proposals=500, state=np.array([seed], dtype=np.uint64)
    )
    by_hand = measure_slowly(graph, weight, weight, part, found.tolist(), (bounds.minimum, bounds.maximum))
    assert np.allclose((violation, moved), by_hand)
    assert np.allclose(region.key(found, rule)[:2], by_hand)
    assert len(parts_in_pieces(graph, found)) == 0
    assert set(found.tolist()) == set(part)


@_SETTINGS
@given(plans(), st.integers(0, 2**31))
def test_the_lower_bound_is_one_and_the_exact_answer_is_exact(case, seed):
    graph, weight, part, bounds = case
    region = whole_region(graph, weight, part, bounds)
    rule = region.rule(big=1e3, moved=0.0, border=0.0)
    # A plan inside the bounds that changes more than it must: change costs nothing here.
    found, violation, _ = region.anneal(
        region.part, rule, hot=9.0, cold=1.0, proposals=800, state=np.array([seed], dtype=np.uint64)
    )
    heavy = np.array(weight, dtype=np.float64)
    given_plan = Case(graph, heavy, heavy, np.array(part, np.int32), found, max(part) + 1, bounds)
    least = least_change_slowly(graph, weight, weight, part, (bounds.minimum, bounds.maximum))
    if abs(least[0] - violation) > 1e-6:
        return
    assert least_change_flow(given_plan) <= least[1] + 1e-6
    if violation == 0 and given_plan.moved > 0:
        bound, better = least_change_exactly(given_plan)
        changed = given_plan.moved if better is None else Case(
            graph, heavy, heavy, given_plan.home, better, given_plan.n_parts, bounds
        ).moved  # fmt: skip
        assert bound == least[1] == changed
        assert better is None or len(parts_in_pieces(graph, better)) == 0


@st.composite
def kept_plans(draw: st.DrawFn) -> tuple[Case, list[tuple[list[int], float, float]]]:
    """A plan of before, and another one whose parts keep some of their ground and bounds of two weights."""
    graph, weight, part, _ = draw(plans(6))
    k, n = max(part) + 1, len(part)
    named = (
        [names[p] for p in other]
        for other in connected_partitions(graph, k)
        for names in permutations(range(k))
    )
    kept = [
        other
        for other in named
        if {p for p, was in zip(other, part, strict=True) if p == was} == set(range(k))
    ]
    now = draw(st.sampled_from([other for other in kept if other != part] or kept))
    people = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    stay = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    held = []
    for values in (weight, people):
        totals = np.bincount(now, weights=values, minlength=k)
        room = draw(st.integers(0, 3))
        held.append((values, max(0.0, totals.min() - room), max(1.0, totals.max() + room)))
    case = Case(
        graph, np.array(weight, float), np.array(stay, float), np.array(part, np.int32), np.array(now, np.int32), k,
        Bounds(*held[0][1:]), frozenset(), np.array(people, float).reshape(n, 1), np.array([[*held[1][1:], 1.0]]),
    )  # fmt: skip
    return case, held


@settings(max_examples=40, deadline=None)
@given(kept_plans())
def test_with_two_weights_the_bound_is_one_and_the_exact_answer_is_exact(asked):
    now, held = asked
    least = moved_slowly(now.graph, held, now.stay.tolist(), now.home.tolist())
    assert now.violation == 0
    assert least_change_flow(now) <= least + 1e-6
    assert least <= now.moved
    if now.moved > 0:
        bound, better = least_change_exactly(now)
        assert bound == least
        assert least == (now.moved if better is None else now.stay[better != now.home].sum())


@_SETTINGS
@given(st.integers(0, 2**31), st.floats(0.05, 0.4))
def test_every_cell_gets_a_part_in_one_piece_and_the_count_is_true(seed, torn):
    rng = np.random.default_rng(seed)
    graph = lattice(12, 12)
    weight = rng.integers(0, 9, 144)
    part = (np.arange(144) // 36).astype(np.int32)
    part[rng.random(144) < torn] = -1
    stay = np.where(part >= 0, weight, 0)
    zone = (np.arange(144) % 12 >= 6).astype(np.int64)
    part = np.where(part >= 0, 2 * part + zone, -1)
    found = rebalance(graph, weight, part, bounds=Bounds(40, 110), zone=zone, stay=stay, rng=seed)
    assert (found.assignment >= 0).all()
    assert len(parts_in_pieces(graph, found.assignment)) == 0
    assert all(len(set(zone[found.assignment == p].tolist())) <= 1 for p in range(found.n_parts))
    assert found.moved == stay[(part >= 0) & (found.assignment != part)].sum()


@_SETTINGS
@given(st.integers(0, 2**31), st.integers(1, 30))
def test_local_suggestions_keep_locks_and_mend_pieces(seed, n_painted):
    rng = np.random.default_rng(seed)
    graph = lattice(16, 16)
    weight = rng.integers(0, 9, 256)
    part = np.arange(256) // 16 // 4 * 4 + np.arange(256) % 16 // 4
    plan = LocalPlan(graph, weight, part, bounds=Bounds(45, 85), locked=[0, 15])
    free = np.flatnonzero(~np.isin(part, [0, 15]))
    painted = rng.choice(free, n_painted, replace=False)
    target = int(rng.choice(np.setdiff1d(part, [0, 15])))
    plan.assign(painted, target)
    touched = {*part[painted].tolist(), target}
    before = plan.assignment
    delta = plan.suggest(touched, pinned=painted)
    assert (plan.assignment == before).all()
    assert (before[delta.cells] == target).sum() == 0 or not np.isin(delta.cells, painted).any()
    plan.assign(delta.cells, delta.parts)
    after = plan.assignment
    assert (after[np.isin(part, [0, 15])] == part[np.isin(part, [0, 15])]).all()
    broken = {int(p) for p in parts_in_pieces(graph, after)} & touched
    assert broken == set(delta.in_pieces)
    assert np.allclose(plan.part_weight, np.bincount(after, weights=weight, minlength=16))
