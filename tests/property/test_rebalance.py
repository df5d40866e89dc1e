"""Rebalancing: kernels equal their plain versions, nothing smaller does, parts stay whole."""

from __future__ import annotations

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


@settings(max_examples=40, deadline=None)
@given(plans(6), st.integers(0, 2**31))
def test_with_two_weights_the_bound_is_one_and_the_exact_answer_is_exact(case, seed):
    graph, weight, part, bounds = case
    rng = np.random.default_rng(seed)
    n, k = len(weight), max(part) + 1
    people, stay = rng.integers(0, 9, n).astype(float), rng.integers(0, 9, n).astype(float)
    limit = np.array([[0.5 * people.sum() / k, 1.4 * people.sum() / k + 1, 1.0]])
    heavy, home = np.array(weight, dtype=np.float64), np.array(part, np.int32)
    ground = Ground(
        graph, border_cost(graph, Objective()), heavy, stay, home, home.copy(), k, bounds, bounds.middle, set(),
        np.zeros(n, dtype=bool), people.reshape(n, 1), limit,
    )  # fmt: skip
    region = Region(ground, np.arange(k))
    found, violation, _ = region.anneal(
        region.part, region.rule(big=1e3, moved=0.0, border=0.0), hot=9.0, cold=1.0, proposals=800,
        state=np.array([seed], dtype=np.uint64),
    )  # fmt: skip
    if violation > 0:
        return
    held = [(weight, bounds.minimum, bounds.maximum), (people.tolist(), *limit[0, :2].tolist())]
    least = moved_slowly(graph, held, stay.tolist(), part)
    now = Case(graph, heavy, stay, home, found, k, bounds, frozenset(), people.reshape(n, 1), limit)
    if any(not (found[home == p] == p).any() for p in range(k)):
        return
    assert least_change_flow(now) <= least + 1e-6
    if now.moved > 0:
        bound, better = least_change_exactly(now)
        assert bound == least
        assert least == (now.moved if better is None else stay[better != home].sum())


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
