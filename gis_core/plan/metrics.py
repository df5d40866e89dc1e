"""Numbers of grids: area, perimeter, compactness, deviation, and the share of their borders that is on streets."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.graph import part_component_labels
from gis_core.model import AdjacencyGraph

__all__ = ["deviation", "grids_in_pieces", "inner_border", "polsby_popper", "shapes"]


def shapes(cells: NDArray[np.object_], assignment: NDArray[np.int32], n_grids: int) -> NDArray[np.object_]:
    """Join the cells of each grid to its polygon, keeping every vertex of its border.

    Parameters
    ----------
    cells : object, shape (n_cells,)
        An exact polygon coverage.
    assignment : int32, shape (n_cells,)
        Grid of each cell; -1 unassigned.
    n_grids : int

    Returns
    -------
    object, shape (n_grids,)
        Polygons, or MultiPolygons where a grid is in pieces; an empty polygon where a grid has no cell.
    """
    order = np.argsort(assignment, kind="stable")
    start = np.searchsorted(assignment[order], np.arange(n_grids + 1))
    result = np.empty(n_grids, dtype=object)
    for grid in range(n_grids):
        joined = shapely.coverage_union_all(cells[order[start[grid] : start[grid + 1]]])
        parts = shapely.get_parts(joined)
        result[grid] = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return result


def polsby_popper(area_m2: NDArray[np.float64], perimeter_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 4 pi A / P^2, 1 for a circle (Polsby and Popper 1991); 0 where the perimeter is 0."""
    return np.where(perimeter_m > 0, 4 * np.pi * area_m2 / np.maximum(perimeter_m, 1e-12) ** 2, 0.0)


def deviation(weight: NDArray[np.float64], boundary_ix: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the signed fraction by which each grid differs from the mean of its boundary polygon.

    NaN where the grids of a boundary polygon have no weight at all.
    """
    n = int(boundary_ix.max(initial=-1)) + 1
    count = np.bincount(boundary_ix, minlength=n)
    mean = np.bincount(boundary_ix, weights=weight, minlength=n) / np.maximum(count, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean[boundary_ix] > 0, weight / mean[boundary_ix] - 1, np.nan)


def inner_border(
    graph: AdjacencyGraph, assignment: NDArray[np.int32], boundary_ix: NDArray[np.int32]
) -> tuple[float, float]:
    """Return the metres of border between grids of one boundary polygon, and how many of them are on streets."""
    focal = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    cut = (
        (focal < graph.indices)
        & (assignment[focal] != assignment[graph.indices])
        & (boundary_ix[focal] == boundary_ix[graph.indices])
    )
    return float(graph.shared_length_m[cut].sum()), float(graph.street_length_m[cut].sum())


def grids_in_pieces(
    graph: AdjacencyGraph, assignment: NDArray[np.int32], boundary_ix: NDArray[np.int32]
) -> NDArray[np.int64]:
    """List the grids that are in more pieces than they must be.

    A grid may take whole pieces of a boundary polygon that is itself in pieces (islands without households), and one
    part of a further piece; anything else is in pieces.
    """
    pieces = part_component_labels(graph, assignment)
    islands = part_component_labels(graph, boundary_ix)
    first = np.unique(pieces, return_index=True)[1]
    size, island_size = np.bincount(pieces), np.bincount(islands)
    grid = assignment[first]
    partly = size < island_size[islands[first]]
    bad = np.bincount(grid[partly & (grid >= 0)], minlength=1) > 1
    return np.flatnonzero(bad)
