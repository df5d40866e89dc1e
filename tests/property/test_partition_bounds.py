"""Lower bounds and verdicts about pockets against every connected partition of small graphs."""

from __future__ import annotations

import numpy as np
from cell_graphs import connected_partitions, from_edges
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import subgraph
from gis_core.partition import deviation_lower_bound
from gis_core.partition.pockets import Work, block_tree, judge


@st.composite
def hanging_graphs(draw, most=8):
    """Trees, cactuses and lattice-like graphs with zeros and now and then a heavy cell."""
    n = draw(st.integers(2, most))
    edges = [(i, draw(st.integers(max(0, i - 3), i - 1))) for i in range(1, n)]
    cell = st.integers(0, n - 1)
    edges += draw(st.lists(st.tuples(cell, cell), max_size=draw(st.sampled_from([0, 1, 2, 6]))))
    weight = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    if draw(st.booleans()):
        weight[draw(cell)] += 20
    return from_edges(n, edges), np.array(weight, dtype=np.float64)


def _totals(graph, weight, n_parts):
    return [
        np.bincount(part, weights=weight, minlength=n_parts) for part in connected_partitions(graph, n_parts)
    ]


@given(hanging_graphs(), st.integers(1, 4), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_no_partition_beats_the_bound_that_knows_the_graph(town, n_parts, boxes):
    graph, weight = town
    n_parts = min(n_parts, graph.n_cells)
    blind = deviation_lower_bound([weight], n_parts)
    bound = deviation_lower_bound([weight], n_parts, graphs=[graph])
    hurried = deviation_lower_bound([weight], n_parts, graphs=[graph], work=Work(boxes))
    assert blind <= bound + 1e-9
    if weight.sum() > 0:
        mean = weight.sum() / n_parts
        least = min(np.abs(t / mean - 1).max() for t in _totals(graph, weight, n_parts))
        assert max(bound, hurried) <= least + 1e-9


@given(hanging_graphs(), st.integers(0, 9), st.integers(0, 8), st.sampled_from([None, 0, 9, 40]), st.data())
@settings(max_examples=60, deadline=None)
def test_what_pockets_rule_out_is_impossible_from_every_root(town, least, width, boxes, data):
    graph, weight = town
    most = max(1, least + width)
    root = data.draw(st.integers(0, graph.n_cells - 1))
    work = None if boxes is None else Work(boxes)
    verdict = judge(block_tree(graph, weight, root), least, most, work=work)
    assert (verdict.stuck_at >= 0) == (not verdict.counts)
    for n_parts in range(1, graph.n_cells + 1):
        possible = any(((t >= least) & (t <= most)).all() for t in _totals(graph, weight, n_parts))
        assert verdict.allows(n_parts) or not possible


@given(hanging_graphs(most=7), st.integers(2, 4), st.data())
@settings(max_examples=40, deadline=None)
def test_no_partition_with_locked_parts_beats_the_bound(town, n_parts, data):
    graph, weight = town
    for part in connected_partitions(graph, min(n_parts, graph.n_cells))[:3]:
        label = np.array(part)
        lock = data.draw(st.integers(0, label.max()))
        free = np.flatnonzero(label != lock)
        rest = subgraph(graph, free)
        if len(free) == 0 or weight.sum() == 0:
            continue
        pieces, n_free = _pieces(rest), int(label.max())
        given_weight = float(weight[label == lock].sum())
        bound = deviation_lower_bound(
            [weight[free[own]] for own in pieces], n_free + 1,
            graphs=[subgraph(rest, own) for own in pieces], locked=[given_weight],
        )  # fmt: skip
        mean = weight.sum() / (n_free + 1)
        # All ways to cut what is free, whose parts stay inside its pieces because they are connected.
        for totals in _totals(rest, weight[free], n_free):
            assert bound <= np.abs(np.append(totals, given_weight) / mean - 1).max() + 1e-9


def _pieces(graph):
    from gis_core.graph import component_labels

    label = component_labels(graph)
    return [np.flatnonzero(label == one) for one in range(int(label.max()) + 1)]


def test_trees_are_judged_exactly_where_pockets_stand_in_pockets():
    # 200 each in a row of seven, 300 to 350: no two neighbours fit, and one alone is too few.
    chain = from_edges(7, [(i, i + 1) for i in range(6)])
    tree = block_tree(chain, np.full(7, 200.0), 3)
    assert judge(tree, 300, 350).counts == ()
    assert judge(tree, 400, 600).counts == ((3, 3),)
    assert judge(tree, 200, 200).counts == ((7, 7),)


def test_a_bound_knows_pockets_that_totals_do_not():
    # 40 - 21 - 39 in two parts: 50 and 50 by the total, 60 and 40 in truth.
    row = from_edges(3, [(0, 1), (1, 2)])
    weight = np.array([40.0, 21.0, 39.0])
    assert deviation_lower_bound([weight], 2) == 0
    assert deviation_lower_bound([weight], 2, graphs=[row]) == 0.2


def test_weights_that_are_no_whole_numbers_are_bounded_too():
    row = from_edges(3, [(0, 1), (1, 2)])
    bound = deviation_lower_bound([np.array([4.05, 2.0, 4.0])], 2, graphs=[row])
    # The better cut is 4.05 against 6.
    assert 0.193 < bound <= 6 / 5.025 - 1 + 1e-9
