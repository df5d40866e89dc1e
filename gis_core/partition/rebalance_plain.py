"""Plain versions of rebalancing, as short as they can be; the tests compare the kernels and the search to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from gis_core.graph.reference import neighbor_sets, part_component_labels_slowly
from gis_core.model import AdjacencyGraph

__all__ = ["least_change_slowly", "measure_slowly", "moved_slowly"]


def measure_slowly(
    graph: AdjacencyGraph,
    weight: Sequence[float],
    stay: Sequence[float],
    home: Sequence[int],
    part: Sequence[int],
    bounds: tuple[float, float],
) -> tuple[float, float]:
    """Return the violation of the bounds, summed over the parts, and what changed hands."""
    cells = range(graph.n_cells)
    totals = [sum(weight[cell] for cell in cells if part[cell] == p) for p in set(part)]
    violation = sum(max(0.0, bounds[0] - total, total - bounds[1]) for total in totals)
    moved = sum(stay[cell] for cell in cells if home[cell] >= 0 and part[cell] != home[cell])
    return round(violation, 6), moved


def least_change_slowly(
    graph: AdjacencyGraph,
    weight: Sequence[float],
    stay: Sequence[float],
    home: Sequence[int],
    bounds: tuple[float, float],
) -> tuple[float, float]:
    """Try every way to give the cells to the parts of before, all connected and with some of their ground."""
    n_parts = max(home) + 1
    return min(
        measure_slowly(graph, weight, stay, home, part, bounds)
        for part in _connected(graph, n_parts)
        if all(any(now == was == p for now, was in zip(part, home, strict=True)) for p in range(n_parts))
    )


def moved_slowly(
    graph: AdjacencyGraph,
    weights: Sequence[tuple[Sequence[float], float, float]],
    stay: Sequence[float],
    home: Sequence[int],
) -> float:
    """Return the least that changes hands while every weight (values, least, greatest) of every part is inside.

    All plans are tried whose parts are connected and have some of their ground; infinite where there is none.
    """
    n_parts, cells = max(home) + 1, range(graph.n_cells)

    def fits(part: tuple[int, ...]) -> bool:
        return all(any(part[cell] == home[cell] == p for cell in cells) for p in range(n_parts)) and all(
            low <= sum(values[cell] for cell in cells if part[cell] == p) <= high
            for values, low, high in weights
            for p in range(n_parts)
        )

    plans = (part for part in _connected(graph, n_parts) if fits(part))
    return min(
        (sum(stay[cell] for cell in cells if part[cell] != home[cell]) for part in plans),
        default=float("inf"),
    )


def _connected(graph: AdjacencyGraph, n_parts: int) -> Iterator[tuple[int, ...]]:
    """List every assignment of a small graph to named parts that are connected and not empty."""
    assert len(neighbor_sets(graph)) <= 12, "too many cells to try everything"
    for part in product(range(n_parts), repeat=graph.n_cells):
        if len(set(part)) == n_parts and max(part_component_labels_slowly(graph, part)) + 1 == n_parts:
            yield part
