"""Small cell graphs with known shape: lattices with streets, chains, stars, and any random connected graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.graph import graph_from_pairs
from gis_core.model import AdjacencyGraph


def lattice(rows: int, columns: int, *, street_every: int = 0, side_m: float = 10.0) -> AdjacencyGraph:
    """Square cells; a street runs between every `street_every` rows and columns (0: none)."""
    cell = np.arange(rows * columns).reshape(rows, columns)
    left = np.concatenate([cell[:, :-1].ravel(), cell[:-1].ravel()])
    right = np.concatenate([cell[:, 1:].ravel(), cell[1:].ravel()])
    row, column = np.divmod(np.arange(rows * columns), columns)
    if street_every:
        block = (row // street_every) * columns + column // street_every
        street = np.where(block[left] != block[right], side_m, 0.0)
    else:
        street = np.zeros(len(left))
    return graph_from_pairs(
        left, right, n_cells=rows * columns, shared_length_m=np.full(len(left), side_m), street_length_m=street,
        area_m2=np.full(rows * columns, side_m**2), perimeter_m=np.full(rows * columns, 4 * side_m),
        x=(column + 0.5) * side_m, y=(row + 0.5) * side_m,
    )  # fmt: skip


def from_edges(n_cells: int, edges: Sequence[tuple[int, int]]) -> AdjacencyGraph:
    """Any graph; cells lie on a circle."""
    pairs = np.array(sorted({(min(e), max(e)) for e in edges if e[0] != e[1]}), dtype=np.int64).reshape(-1, 2)
    angle = np.linspace(0, 6, n_cells)
    return graph_from_pairs(
        pairs[:, 0], pairs[:, 1], n_cells=n_cells, x=100 * np.cos(angle), y=100 * np.sin(angle)
    )


def chain(n_cells: int) -> AdjacencyGraph:
    """Cells in a row."""
    return from_edges(n_cells, [(i, i + 1) for i in range(n_cells - 1)])


def star(n_cells: int) -> AdjacencyGraph:
    """Cell 0 in the middle of all others, which touch nothing else."""
    return from_edges(n_cells, [(0, i) for i in range(1, n_cells)])


def town(seed: int, rows: int = 40, columns: int = 50) -> tuple[AdjacencyGraph, NDArray[np.int64]]:
    """A lattice with streets every 5 cells and household counts, a third of them 0."""
    rng = np.random.default_rng(seed)
    households = rng.integers(0, 12, rows * columns) * (rng.random(rows * columns) < 0.67)
    return lattice(rows, columns, street_every=5), households.astype(np.int64)


def permuted(graph: AdjacencyGraph, order: NDArray[np.int64]) -> AdjacencyGraph:
    """The same graph with its cells in another order: new cell i is old cell `order[i]`."""
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    once = owner < graph.indices
    place = np.argsort(order)
    return graph_from_pairs(
        place[owner[once]], place[graph.indices[once]], n_cells=graph.n_cells,
        shared_length_m=graph.shared_length_m[once], street_length_m=graph.street_length_m[once],
        area_m2=graph.area_m2[order], perimeter_m=graph.perimeter_m[order], x=graph.x[order], y=graph.y[order],
    )  # fmt: skip


def connected_partitions(graph: AdjacencyGraph, n_parts: int) -> list[list[int]]:
    """Every way to cut a small graph into `n_parts` connected parts that are not empty (restricted growth strings)."""
    from gis_core.graph.reference import part_component_labels_slowly

    found: list[list[int]] = []

    def grow(prefix: list[int], used: int) -> None:
        if len(prefix) == graph.n_cells:
            if used == n_parts and max(part_component_labels_slowly(graph, prefix)) + 1 == n_parts:
                found.append(list(prefix))
            return
        for label in range(min(used + 1, n_parts)):
            grow([*prefix, label], max(used, label + 1))

    grow([], 0)
    return found
