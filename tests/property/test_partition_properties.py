"""Partitions of small graphs against every partition there is: bounds, reasons, lower bounds."""

from __future__ import annotations

import numpy as np
from cell_graphs import connected_partitions, from_edges
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import component_labels, parts_in_pieces
from gis_core.partition import Bounds, deviation_lower_bound, partition_fabric
from gis_core.partition.certify import forced_gates


@st.composite
def towns(draw, most=9):
    """A connected graph of few cells with small weights."""
    n = draw(st.integers(2, most))
    cell = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(cell, cell), max_size=8))
    edges += [(i, draw(st.integers(max(0, i - 3), i - 1))) for i in range(1, n)]
    return from_edges(n, edges), np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))


def _all_totals(graph, weight, n_parts):
    return [
        np.bincount(part, weights=weight, minlength=n_parts) for part in connected_partitions(graph, n_parts)
    ]


@given(towns(), st.integers(3, 9), st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_a_plan_inside_the_bounds_is_found_where_there_is_one_and_reasons_are_true(town, minimum, width):
    graph, weight = town
    bounds = Bounds(minimum, minimum + width)
    result = partition_fabric(graph, np.zeros(len(weight), int), weight, boundary_codes=["A"], bounds=bounds)
    totals = np.bincount(result.assignment, weights=weight, minlength=result.n_parts)
    assert len(parts_in_pieces(graph, result.assignment)) == 0
    outside = (totals < bounds.minimum) | (totals > bounds.maximum)
    assert outside.any() == bool(result.infeasible)
    possible = any(
        ((other >= bounds.minimum) & (other <= bounds.maximum)).all()
        for other in _all_totals(graph, weight, result.n_parts)
    )
    assert not outside.any() or not possible
    for reason in result.infeasible:
        if reason.what == "heavy-cell":
            assert weight[list(reason.cell_ix)].max() > bounds.maximum
        if reason.what == "pocket":
            # Proved for every number of parts.
            assert not any(
                ((other >= bounds.minimum) & (other <= bounds.maximum)).all()
                for n_parts in range(1, len(weight) + 1)
                for other in _all_totals(graph, weight, n_parts)
            )


@given(towns(), st.integers(2, 8), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_a_gate_is_forced_only_where_every_partition_shows_it(town, minimum, width):
    graph, weight = town
    bounds = Bounds(minimum, minimum + width)
    gates = forced_gates(graph, weight.astype(float), bounds)
    for n_parts in range(1, len(weight) + 1):
        for part in connected_partitions(graph, n_parts) if gates else []:
            totals = np.bincount(part, weights=weight, minlength=n_parts)
            for gate, load, _behind in gates:
                others = np.delete(totals, part[gate])
                inside = ((others >= bounds.minimum) & (others <= bounds.maximum)).all()
                assert not inside or totals[part[gate]] >= load


@given(towns(), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_no_partition_beats_the_lower_bound(town, n_parts):
    graph, weight = town
    n_parts = min(n_parts, len(weight))
    bound = deviation_lower_bound([weight.astype(float)], n_parts)
    if weight.sum() == 0:
        assert bound == 0
        return
    mean = weight.sum() / n_parts
    reached = [np.abs(totals / mean - 1).max() for totals in _all_totals(graph, weight, n_parts)]
    assert bound <= min(reached) + 1e-12


@given(towns(most=5), towns(most=5), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_no_way_to_share_parts_between_pieces_beats_the_lower_bound(one, two, n_parts):
    pieces = [(graph, weight) for graph, weight in (one, two) if weight.sum() > 0]
    if len(pieces) < 2:
        return
    total = sum(int(weight.sum()) for _, weight in pieces)
    bound = deviation_lower_bound([weight.astype(float) for _, weight in pieces], n_parts)
    mean = total / n_parts
    for first in range(1, n_parts):
        for a in _all_totals(*pieces[0], first):
            for b in _all_totals(*pieces[1], n_parts - first):
                assert bound <= np.abs(np.concatenate([a, b]) / mean - 1).max() + 1e-12


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_any_graph_any_pieces_get_whole_parts_that_nest(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    graph = from_edges(
        n, [tuple(pair) for pair in rng.integers(0, n, (int(rng.integers(0, 2 * n)), 2)).tolist()]
    )
    home = rng.integers(0, 3, n)
    weight = rng.integers(0, 20, n) * (rng.random(n) < 0.6)
    result = partition_fabric(
        graph, home, weight, boundary_codes=["A", "B", "C"], bounds=Bounds(20, 40), seed=seed
    )
    assert (result.part_boundary_ix[result.assignment] == home).all()
    assert set(result.assignment.tolist()) == set(range(result.n_parts))
    # A part has cells of one piece with households at most, and of that a connected piece.
    same = home[np.repeat(np.arange(n), np.diff(graph.indptr))] == home[graph.indices]
    owner = np.repeat(np.arange(n), np.diff(graph.indptr))[same]
    nested = from_edges(n, list(zip(owner.tolist(), graph.indices[same].tolist(), strict=True)))
    piece = component_labels(nested)
    holds = np.bincount(piece, weights=weight) > 0
    for part in range(result.n_parts):
        cells = np.flatnonzero((result.assignment == part) & holds[piece])
        assert len(np.unique(piece[cells])) <= 1
    label = np.where(holds[piece], result.assignment, result.n_parts + piece)
    assert len(parts_in_pieces(nested, label)) == 0
