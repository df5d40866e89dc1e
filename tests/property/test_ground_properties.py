"""Walks equal an all-pairs reference, changed graphs equal sets of pairs, prices of moves equal recomputation."""

from __future__ import annotations

import numpy as np
from cell_graphs import lattice
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis_core.graph import graph_from_pairs, part_component_labels
from gis_core.graph.links import adjacency_slots, change_adjacencies, owners
from gis_core.graph.walks import DETOUR, WalkGround, greatest_walks, walk_matrix, walk_rows
from gis_core.partition.constraints._moves import Referee
from gis_core.partition.pieces import find_pieces
from gis_core.partition.prices import class_prices
from gis_core.partition.problem import Problem

SEEDS = st.integers(0, 2**32 - 1)


def all_pairs(ground: WalkGround) -> NDArray[np.float64]:
    """Floyd and Warshall on the nodes, then doors and straight lines."""
    n = len(ground.indptr) - 1
    d = np.full((n, n), np.inf)
    np.fill_diagonal(d, 0.0)
    owner = np.repeat(np.arange(n), np.diff(ground.indptr))
    for a, b, length in zip(owner, ground.indices, ground.length_m, strict=True):
        d[a, b] = min(d[a, b], length)
    for k in range(n):
        d = np.minimum(d, d[:, [k]] + d[[k], :])
    m = len(ground.door)
    result = np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            a, b = ground.door[i], ground.door[j]
            if i == j:
                continue
            on_streets = a >= 0 and b >= 0 and np.isfinite(d[a, b])
            straight = DETOUR * np.hypot(ground.x[i] - ground.x[j], ground.y[i] - ground.y[j])
            result[i, j] = ground.off_m[i] + d[a, b] + ground.off_m[j] if on_streets else straight
    return result


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_walks_equal_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, members = int(rng.integers(2, 14)), int(rng.integers(1, 12))
    pairs = np.unique(np.sort(rng.integers(0, n, (int(rng.integers(0, 2 * n)), 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    graph = graph_from_pairs(
        pairs[:, 0], pairs[:, 1], n_cells=n, shared_length_m=rng.integers(0, 9, len(pairs)).astype(float)
    )
    ground = WalkGround.build(
        graph.indptr, graph.indices, graph.shared_length_m, graph.x, graph.y,
        rng.integers(-1, n, members).astype(np.int32), rng.random(members), rng.random(members), rng.random(members),
    )  # fmt: skip
    expected = all_pairs(ground)
    np.testing.assert_allclose(walk_matrix(ground, np.arange(members)), expected, atol=1e-12)
    some = rng.permutation(members)[: int(rng.integers(1, members + 1))]
    np.testing.assert_allclose(walk_rows(ground, some, np.arange(members)), expected[some], atol=1e-12)
    part = rng.integers(-1, 3, members)
    walk, ends = greatest_walks(ground, part, 3)
    for p in range(3):
        inside = np.flatnonzero(part == p)
        block = expected[np.ix_(inside, inside)]
        assert np.isclose(walk[p], block.max(initial=0.0))
        if walk[p] > 0:
            assert np.isclose(expected[ends[p, 0], ends[p, 1]], walk[p])


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_changed_adjacencies_are_sets_of_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(3, 4)
    owner = owners(graph)
    once = np.flatnonzero(owner < graph.indices)
    dropped = rng.random(len(once)) < 0.4
    keep = np.ones(len(owner), bool)
    keep[once[dropped]] = False
    keep[adjacency_slots(graph, graph.indices[once[dropped]], owner[once[dropped]])] = False
    left, right = rng.integers(0, 12, 5), rng.integers(0, 12, 5)
    changed = change_adjacencies(graph, keep=keep, left=left, right=right)
    new = {(min(a, b), max(a, b)) for a, b in zip(left.tolist(), right.tolist(), strict=True) if a != b}
    kept = {(int(owner[s]), int(graph.indices[s])) for s in once[~dropped]}
    after = owners(changed)
    assert set(zip(after.tolist(), changed.indices.tolist(), strict=True)) == {
        pair for a, b in kept | new for pair in ((a, b), (b, a))
    }
    assert (np.diff(after * 12 + changed.indices) > 0).all()
    for a, b in new - kept:
        assert changed.shared_length_m[adjacency_slots(changed, np.array([a]), np.array([b]))[0]] == 0


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_no_piece_without_households_floats_beside_one_with_some(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(4, 5)
    owner = owners(graph)
    wall = rng.random((20, 20)) < 0.5
    shut = (wall | wall.T)[owner, graph.indices]
    weight = rng.integers(0, 2, 20) * rng.integers(0, 2)
    home = np.sort(rng.integers(0, 2, 20))
    found = find_pieces(graph, home, weight, shut)
    within = home[owner] == home[graph.indices]
    assert not (found.closed & ~shut).any()
    across = within & (found.label[owner] != found.label[graph.indices])
    assert found.closed[across].all()
    mixed = found.populated[found.label[owner]] != found.populated[found.label[graph.indices]]
    assert not (across & mixed).any()
    open_graph = change_adjacencies(graph, keep=within & ~found.closed)
    assert (part_component_labels(open_graph, home) == found.label).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_the_price_of_a_change_equals_recomputation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = lattice(4, 5, street_every=2)
    problem = Problem(graph, np.ones(20), n_parts=3, bounds=(2, 12), price=class_prices(graph))
    problem.add_pairs(rng.integers(0, 20, 4), rng.integers(0, 20, 4), rng.normal(size=4))
    problem.home[:] = rng.integers(-1, 3, 20)
    problem.stay[:] = rng.random(20)
    before = rng.integers(0, 3, 20).astype(np.int32)
    after = before.copy()
    after[rng.integers(0, 20, 5)] = rng.integers(0, 3)
    referee = Referee(problem)
    everything = np.arange(20)
    whole = referee.cost(after, everything) - referee.cost(before, everything)
    changed = np.flatnonzero(before != after)
    assert np.isclose(referee.cost(after, changed) - referee.cost(before, changed), whole)
    total = np.bincount(after, minlength=3).astype(float)
    outside = np.maximum(np.maximum(2 - total, total - 12), 0).sum()
    assert np.isclose(referee.excess(after, np.arange(3)), outside)
