"""Parts brought to exact weights: the exchange of sets beside every set there is, and whole plans."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from cell_graphs import from_edges, lattice
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import component_labels, parts_in_pieces, subgraph
from gis_core.partition import Bounds
from gis_core.partition.certify import Effort, certify_deviation
from gis_core.partition.certify.refit import exchange_sets, refit


@st.composite
def divided_graphs(draw, most=9):
    """A connected graph in two connected sides, with weights and a window for one of them."""
    n = draw(st.integers(2, most))
    edges = [(i, draw(st.integers(max(0, i - 3), i - 1))) for i in range(1, n)]
    cell = st.integers(0, n - 1)
    edges += draw(st.lists(st.tuples(cell, cell), max_size=8))
    graph = from_edges(n, edges)
    weight = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=np.float64)
    size = draw(st.integers(1, n - 1))
    side = np.zeros(n, dtype=bool)
    side[0] = True
    while side.sum() < size:
        owner = np.repeat(np.arange(n), np.diff(graph.indptr))
        around = np.unique(graph.indices[side[owner] & ~side[graph.indices]])
        side[draw(st.sampled_from(around.tolist()))] = True
    low = draw(st.integers(0, 40))
    return graph, weight, side, float(low), float(low + draw(st.integers(0, 3)))


def _in_one_piece(graph, cells):
    return len(cells) > 0 and component_labels(subgraph(graph, cells)).max() == 0


def _whole(graph, side):
    return _in_one_piece(graph, np.flatnonzero(side)) and _in_one_piece(graph, np.flatnonzero(~side))


def _can_be_met(graph, weight, side, low, high):
    """Try every set of up to three cells of each side."""
    ours, theirs = (
        [set(some) for size in range(4) for some in combinations(np.flatnonzero(one).tolist(), size)]
        for one in (side, ~side)
    )
    for out in ours:
        for into in theirs:
            new = side.copy()
            new[list(out)], new[list(into)] = False, True
            if low <= weight[new].sum() <= high and _whole(graph, new):
                return True
    return False


@given(divided_graphs())
@settings(max_examples=150, deadline=None)
def test_an_exchange_of_sets_is_found_where_there_is_one(town):
    graph, weight, side, low, high = town
    if not _whole(graph, side):
        return
    new = side.copy()
    found = exchange_sets(graph.indptr, graph.indices, weight, new, low, high) > 0
    assert found == _can_be_met(graph, weight, side, low, high)
    if found:
        assert low <= weight[new].sum() <= high
        assert _whole(graph, new)
    else:
        assert (new == side).all()


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=20, deadline=None)
def test_refitted_plans_keep_the_bounds_in_one_piece_each(seed, n_parts):
    rng = np.random.default_rng(seed)
    graph = lattice(9, 10)
    weight = rng.integers(100, 900, 90).astype(np.float64)
    part = (np.arange(90) * n_parts // 90).astype(np.int32)
    mean = weight.sum() / n_parts
    bounds = Bounds(np.floor(mean), np.ceil(mean))
    effort = Effort(0.5)
    new = refit(graph, weight, part, bounds, effort)
    assert effort.work_s < 0.5
    if new is not None:
        total = np.bincount(new, weights=weight)
        assert len(total) == n_parts
        assert bounds.minimum <= total.min() <= total.max() <= bounds.maximum
        assert len(parts_in_pieces(graph, new)) == 0
        again = refit(graph, weight, part, bounds, Effort(0.5))
        assert (again == new).all()


def test_cells_of_hundreds_are_brought_to_the_household_and_that_is_proved():
    weight = np.random.default_rng(3).integers(100, 900, 120).astype(np.float64)
    part = (np.arange(120) * 4 // 120).astype(np.int32)
    proof = certify_deviation(lattice(10, 12), weight, part, most_cells=160, effort=Effort(4.0), solver=False)
    assert proof.proved_optimal
    assert np.ptp(np.bincount(proof.part, weights=weight)) <= 1
