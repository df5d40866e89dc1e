"""Graph kernels against their plain Python versions and networkx, and their errors."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from cell_graphs import chain, from_edges, lattice, star

from gis_core.errors import ParameterError
from gis_core.graph import (
    articulation_cells,
    bridges,
    component_labels,
    find_pockets,
    graph_from_pairs,
    is_removal_safe,
    part_component_labels,
    parts_in_pieces,
    pocket_cells,
    subgraph,
)
from gis_core.graph.contiguity import SAFE, UNKNOWN, removal_safety
from gis_core.graph.reference import neighbor_sets


def _networkx(graph):
    other = nx.Graph()
    other.add_nodes_from(range(graph.n_cells))
    other.add_edges_from((a, b) for a, near in enumerate(neighbor_sets(graph)) for b in near)
    return other


def test_components_of_two_lattices_and_an_isolate():
    graph = from_edges(7, [(0, 1), (1, 2), (4, 5)])
    assert component_labels(graph).tolist() == [0, 0, 0, 1, 2, 2, 3]


def test_a_part_in_two_pieces_is_named():
    graph = lattice(3, 3)
    assignment = np.array([0, 0, 0, 1, 1, 1, 0, 2, 2])
    assert parts_in_pieces(graph, assignment).tolist() == [0]
    assert part_component_labels(graph, assignment).tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 3]


def test_an_assignment_of_another_length_is_refused():
    with pytest.raises(ParameterError, match="names 3 cells, the graph has 9"):
        part_component_labels(lattice(3, 3), np.zeros(3, int))


def test_removing_the_middle_of_a_row_is_unsafe_and_its_end_is_safe():
    graph, one = chain(5), np.zeros(5, int)
    assert [is_removal_safe(graph, one, cell) for cell in range(5)] == [True, False, False, False, True]


def test_the_last_cell_of_a_part_may_not_leave():
    assert not is_removal_safe(chain(3), np.array([0, 1, 0]), 1)


def test_a_bounded_search_says_that_it_does_not_know():
    # A ring of 40: without cell 0 its two neighbours are joined only the long way round.
    ring = from_edges(40, [(i, (i + 1) % 40) for i in range(40)])
    part, stamp, queue = np.zeros(40, np.int32), np.zeros(41, np.int64), np.empty(40, np.int32)
    assert removal_safety(ring.indptr, ring.indices, part, 0, stamp, queue, 5) == UNKNOWN
    assert removal_safety(ring.indptr, ring.indices, part, 0, stamp, queue, 100) == SAFE


TWO_TRIANGLES_AND_A_PAIR = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3), (6, 7)]


@pytest.mark.parametrize("graph", [lattice(4, 5), chain(6), star(6), from_edges(8, TWO_TRIANGLES_AND_A_PAIR)])
def test_articulation_cells_and_bridges_agree_with_networkx(graph):
    other = _networkx(graph)
    assert articulation_cells(graph).tolist() == sorted(nx.articulation_points(other))
    assert bridges(graph).tolist() == sorted(sorted(pair) for pair in nx.bridges(other))


def test_pockets_behind_the_middle_of_a_chain():
    pockets = find_pockets(chain(4), np.array([1.0, 2.0, 4.0, 8.0]))
    rows = sorted(
        zip(pockets.gate_ix.tolist(), pockets.weight.tolist(), pockets.n_cells.tolist(), strict=True)
    )
    assert rows == [(1, 1.0, 1), (1, 12.0, 2), (2, 3.0, 2), (2, 8.0, 1)]
    assert pocket_cells(chain(4), 1, 2).tolist() == [2, 3]


def test_a_subgraph_keeps_lengths_and_follows_the_order_given():
    graph = lattice(3, 3, street_every=1)
    part = subgraph(graph, np.array([4, 1, 0]))
    assert neighbor_sets(part) == [{1}, {0, 2}, {1}]
    assert part.shared_length_m.tolist() == [10.0] * 4
    assert part.x.tolist() == [graph.x[4], graph.x[1], graph.x[0]]


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [([0], [0], "joins a cell to itself"), ([0, 1], [1, 0], "stands twice"), ([0], [9], "outside 0 to 2")],
)
def test_adjacencies_that_cannot_be_are_refused(left, right, words):
    with pytest.raises(ParameterError, match=words):
        graph_from_pairs(np.array(left), np.array(right), n_cells=3)
