"""Plain Python versions of the kernels, as short as they can be; the tests compare the kernels to them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from gis_core.model import AdjacencyGraph

__all__ = [
    "articulation_cells_slowly",
    "bridges_slowly",
    "is_removal_safe_slowly",
    "neighbor_sets",
    "part_component_labels_slowly",
]


def neighbor_sets(graph: AdjacencyGraph) -> list[set[int]]:
    """Return the neighbors of each cell as sets."""
    return [
        set(graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]].tolist())
        for cell in range(graph.n_cells)
    ]


def _flood(start: int, allowed: set[int], neighbors: Sequence[set[int]] | Mapping[int, set[int]]) -> set[int]:
    reached, stack = {start}, [start]
    while stack:
        fresh = (neighbors[stack.pop()] & allowed) - reached
        reached |= fresh
        stack.extend(fresh)
    return reached


def _n_pieces(cells: Iterable[int], neighbors: Sequence[set[int]] | Mapping[int, set[int]]) -> int:
    left, count = set(cells), 0
    while left:
        left -= _flood(min(left), left, neighbors)
        count += 1
    return count


def part_component_labels_slowly(graph: AdjacencyGraph, assignment: Sequence[Hashable]) -> list[int]:
    """Number the connected pieces of all parts in order of first cell."""
    neighbors, label, count = neighbor_sets(graph), [-1] * graph.n_cells, 0
    for cell in range(graph.n_cells):
        if label[cell] < 0:
            same = {other for other in range(graph.n_cells) if assignment[other] == assignment[cell]}
            for other in _flood(cell, same, neighbors):
                label[other] = count
            count += 1
    return label


def is_removal_safe_slowly(graph: AdjacencyGraph, assignment: Sequence[Hashable], cell: int) -> bool:
    """Tell whether the part of `cell` is in one piece, and not empty, without it."""
    rest = {other for other in range(graph.n_cells) if assignment[other] == assignment[cell]} - {cell}
    return _n_pieces(rest, neighbor_sets(graph)) == 1


def articulation_cells_slowly(graph: AdjacencyGraph) -> list[int]:
    """Take out one cell after the other and count the pieces."""
    neighbors = neighbor_sets(graph)
    everything = set(range(graph.n_cells))
    whole = _n_pieces(everything, neighbors)
    return [
        cell
        for cell in range(graph.n_cells)
        if _n_pieces(everything - {cell}, neighbors) > whole - (not neighbors[cell])
    ]


def bridges_slowly(graph: AdjacencyGraph) -> list[tuple[int, int]]:
    """Take out one adjacency after the other and count the pieces."""
    neighbors = neighbor_sets(graph)
    everything = set(range(graph.n_cells))
    whole = _n_pieces(everything, neighbors)
    found = []
    for a in range(graph.n_cells):
        for b in sorted(other for other in neighbors[a] if other > a):
            without = {cell: set(others) for cell, others in enumerate(neighbors)}
            without[a].discard(b)
            without[b].discard(a)
            if _n_pieces(everything, without) > whole:
                found.append((a, b))
    return found
