"""Graph kernels equal their plain versions on any small graph."""

from __future__ import annotations

import numpy as np
from cell_graphs import from_edges
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import (
    articulation_cells,
    bridges,
    component_labels,
    find_pockets,
    is_removal_safe,
    part_component_labels,
    pocket_cells,
    subgraph,
)
from gis_core.graph.reference import (
    articulation_cells_slowly,
    bridges_slowly,
    is_removal_safe_slowly,
    neighbor_sets,
    part_component_labels_slowly,
)


@st.composite
def graphs(draw, *, connected=False):
    n = draw(st.integers(2, 12))
    cell = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(cell, cell), max_size=24))
    if connected:
        edges += [(i, draw(st.integers(0, i - 1))) for i in range(1, n)]
    return from_edges(n, edges)


@given(graphs(), st.data())
@settings(max_examples=60, deadline=None)
def test_components_and_removals_equal_the_plain_versions(graph, data):
    part = data.draw(st.lists(st.integers(0, 2), min_size=graph.n_cells, max_size=graph.n_cells))
    label = part_component_labels(graph, np.array(part))
    assert label.tolist() == part_component_labels_slowly(graph, part)
    pieces = [(part[cell], int(label[cell])) for cell in range(graph.n_cells)]
    for cell in range(graph.n_cells):
        # The question is asked of a connected part only: the piece of the cell.
        assert is_removal_safe(graph, label, cell) == is_removal_safe_slowly(graph, pieces, cell)


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_articulation_cells_and_bridges_equal_the_plain_versions(graph):
    assert articulation_cells(graph).tolist() == articulation_cells_slowly(graph)
    assert [tuple(pair) for pair in bridges(graph).tolist()] == bridges_slowly(graph)


@given(graphs(connected=True), st.data())
@settings(max_examples=60, deadline=None)
def test_pockets_are_the_components_without_their_gate(graph, data):
    weight = np.array(
        data.draw(st.lists(st.integers(0, 9), min_size=graph.n_cells, max_size=graph.n_cells)), float
    )
    pockets = find_pockets(graph, weight)
    for gate in np.unique(pockets.gate_ix).tolist():
        rest = np.setdiff1d(np.arange(graph.n_cells), [gate])
        label = component_labels(subgraph(graph, rest))
        expected = {frozenset(rest[label == piece].tolist()) for piece in np.unique(label)}
        rows = np.flatnonzero(pockets.gate_ix == gate)
        cells = [pocket_cells(graph, gate, int(pockets.entry_ix[row])) for row in rows]
        assert {frozenset(pocket.tolist()) for pocket in cells} == expected
        assert len(rows) == len(expected)
        for row, pocket in zip(rows, cells, strict=True):
            assert pockets.weight[row] == weight[pocket].sum()
            assert pockets.n_cells[row] == len(pocket)


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_a_subgraph_holds_exactly_the_adjacencies_among_its_cells(graph, random):
    keep = list(range(graph.n_cells))
    random.shuffle(keep)
    keep = keep[: max(1, len(keep) // 2)]
    near = neighbor_sets(graph)
    part = subgraph(graph, np.array(keep))
    assert neighbor_sets(part) == [{keep.index(b) for b in near[a] if b in keep} for a in keep]
    for row in range(part.n_cells):
        own = part.indices[part.indptr[row] : part.indptr[row + 1]]
        assert (np.diff(own) > 0).all()
