"""Cut a part of the ground anew after streets, barriers or buildings changed there; all other cells stay as they are.

What is cut anew are whole enclosures: those that the change touches, old shape or new. Cells around them keep their
number and polygon, but may gain vertices where new borders end on them, so that the whole stays an exact coverage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.fabric.adjacency import build_adjacency
from gis_core.fabric.build import build_fabric, exact_coverage
from gis_core.fabric.coverage import beside_gaps, insert_junctions
from gis_core.fabric.enclosures import cutting_lines, minor_lines
from gis_core.graph.links import owners
from gis_core.model import AdjacencyGraph, Dataset, Fabric

__all__ = ["Mended", "count_cells", "mend_fabric"]

#: A line or footprint this close to an enclosure (metres) changes it.
REACH_M = 0.05
#: Cells this close to the ground that is cut anew (metres) may get vertices.
TOUCH_M = 1e-3
#: A vertex this close to one that stood there before (metres) is that one.
SAME_VERTEX_M = 2e-5
#: Fields of a graph with one value a cell.
_PER_CELL = ("area_m2", "perimeter_m", "exterior_length_m", "x", "y")
_PER_LINK = ("shared_length_m", "street_rank", "street_length_m")


@dataclass(frozen=True)
class Mended:
    """A fabric after a change, and where its cells come from.

    Attributes
    ----------
    fabric : Fabric
        Of the changed dataset; cells sorted by boundary polygon.
    old_cell_ix : int32, shape (n_cells,)
        The cell of before that this one is; -1 where it was cut anew.
    redrawn : bool, shape (n_cells,)
        Whether the polygon differs from the one of before: new cells, and those that gained vertices.
    """

    fabric: Fabric
    old_cell_ix: NDArray[np.int32]
    redrawn: NDArray[np.bool_]


def count_cells(dataset: Dataset, fabric: Fabric) -> Fabric:
    """Sum households and people of the buildings over cells that stay as they are."""
    inside = fabric.building_cell_ix >= 0
    cell = fabric.building_cell_ix[inside]
    people = dataset.buildings["population"].fillna(0).to_numpy(dtype=np.float64)[inside]
    households = dataset.buildings["households"].to_numpy(dtype=np.int64)[inside]
    return replace(
        fabric,
        households=np.bincount(cell, weights=households, minlength=fabric.n_cells).astype(np.int64),
        population=np.bincount(cell, weights=people, minlength=fabric.n_cells).astype(np.float64),
    )


def mend_fabric(
    dataset: Dataset,
    before: Fabric,
    building_from: NDArray[np.int64],
    changed: NDArray[np.object_],
) -> Mended:
    """Cut the ground anew where something changed.

    Parameters
    ----------
    dataset : Dataset
        After the change.
    before : Fabric
        Of the dataset before it, with the same boundary.
    building_from : int64, shape (n_buildings,)
        Row that each building had before; -1 where it is new or moved.
    changed : object, shape (k,)
        Shapes in projected metres that were drawn or taken away.

    Returns
    -------
    Mended

    Raises
    ------
    CoverageError
        Where the cells do not fit together.

    Notes
    -----
    Linear in the cells for the copies; what is cut is proportional to the enclosures that are touched.
    """
    hit = np.unique(shapely.STRtree(before.cells).query(changed, predicate="dwithin", distance=REACH_M)[1])
    gone = np.isin(before.enclosure_ix, before.enclosure_ix[hit])
    known = np.flatnonzero(building_from >= 0)
    if not gone.any():
        old = np.arange(before.n_cells, dtype=np.int32)
        cell_of = np.full(len(building_from), -1, np.int32)
        cell_of[known] = before.building_cell_ix[building_from[known]]
        same = count_cells(dataset, replace(before, building_cell_ix=cell_of))
        return Mended(same, old, np.zeros(before.n_cells, bool))
    inside = building_from < 0
    cell_before = before.building_cell_ix[building_from[known]]
    inside[known] = (cell_before >= 0) & gone[cell_before]
    part, areas = _part(dataset, before, gone, np.flatnonzero(inside))
    cut = build_fabric(part, processes=1)
    return _join(dataset, before, gone, cut, areas[cut.boundary_ix], building_from, inside)


def _part(
    dataset: Dataset, before: Fabric, gone: NDArray[np.bool_], rows: NDArray[np.intp]
) -> tuple[Dataset, NDArray[np.int32]]:
    """Return the dataset of the ground that is cut anew, and the boundary polygon of each of its own."""
    areas = np.unique(before.boundary_ix[gone]).astype(np.int32)
    grounds = [
        shapely.coverage_union_all(before.cells[gone & (before.boundary_ix == area)]) for area in areas
    ]
    whole = shapely.union_all(grounds)
    shapely.prepare(whole)
    boundary = (
        dataset.boundary.iloc[areas]
        .reset_index(drop=True)
        .set_geometry(gpd.GeoSeries(grounds, crs=dataset.work_crs))
    )
    near = {
        name: frame[shapely.intersects(whole, np.asarray(frame.geometry.values, dtype=object))]
        for name, frame in (("streets", dataset.streets), ("barriers", dataset.barriers))
    }
    buildings = dataset.buildings.iloc[rows].reset_index(drop=True)
    return replace(dataset, boundary=boundary, buildings=buildings, **near), areas


def _join(
    dataset: Dataset,
    before: Fabric,
    gone: NDArray[np.bool_],
    cut: Fabric,
    cut_area: NDArray[np.int32],
    building_from: NDArray[np.int64],
    inside: NDArray[np.bool_],
) -> Mended:
    """Put the new cells in the place of the old ones."""
    kept = np.flatnonzero(~gone)
    ground = shapely.coverage_union_all(before.cells[gone])
    shapely.prepare(ground)
    beside = kept[shapely.dwithin(ground, before.cells[kept], TOUCH_M)]
    near = _fit(before.cells[beside], cut.cells, before.cells[gone], dataset)
    cells = np.concatenate([before.cells[kept], near[len(beside) :]])
    area = np.concatenate([before.boundary_ix[kept], cut_area])
    offset = int(before.enclosure_ix.max(initial=0)) + 1
    enclosure = np.concatenate([before.enclosure_ix[kept], cut.enclosure_ix + offset])
    redrawn = np.concatenate([np.zeros(len(kept), bool), np.ones(cut.n_cells, bool)])
    at = np.searchsorted(kept, beside)
    gained = ~shapely.equals_identical(near[: len(beside)], before.cells[beside])
    cells[at[gained]] = near[: len(beside)][gained]
    redrawn[at[gained]] = True
    place = np.concatenate([at, len(kept) + np.arange(cut.n_cells)])
    graph = _graph(dataset, before, kept, near, place, enclosure, len(cells))
    cell_of = np.full(len(building_from), -1, np.int32)
    stays = np.flatnonzero(~inside & (building_from >= 0))
    position = np.full(before.n_cells + 1, -1, np.int32)
    position[kept] = np.arange(len(kept), dtype=np.int32)
    cell_of[stays] = position[before.building_cell_ix[building_from[stays]]]
    fresh = cut.building_cell_ix
    cell_of[inside] = np.where(fresh < 0, -1, fresh + len(kept)).astype(np.int32)
    old = np.concatenate([kept, np.full(cut.n_cells, -1)]).astype(np.int32)
    order = _order(area, kept, before.boundary_ix)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order], rank[-1] = np.arange(len(order), dtype=np.int32), -1
    fabric = Fabric(
        cells=cells[order],
        boundary_ix=area[order].astype(np.int32),
        enclosure_ix=_enclosure_numbers(enclosure, offset)[order],
        households=np.zeros(len(cells), np.int64),
        population=np.zeros(len(cells)),
        building_cell_ix=rank[cell_of],
        graph=_in_order(graph, order),
        faults=cut.faults,
    )
    return Mended(count_cells(dataset, fabric), old[order], redrawn[order])


def _order(
    area: NDArray[np.int32], kept: NDArray[np.intp], area_before: NDArray[np.int32]
) -> NDArray[np.intp]:
    """Return the order of cells by boundary polygon in which as many as can be keep the number that they had.

    Parameters
    ----------
    area : int32, shape (n_cells,)
        Boundary polygon of the cells that stay, then of the new ones.
    kept : int, shape (k,)
        Numbers of before of those that stay, ascending.
    area_before : int32
        Boundary polygon of all cells before, ascending.
    """
    order = np.empty(len(area), np.intp)
    start = 0
    for one in np.unique(area):
        mine = np.flatnonzero(area == one)
        stay = mine[mine < len(kept)]
        number = kept[stay] - np.searchsorted(area_before, one)
        place = np.full(len(mine), -1, np.intp)
        fits = number < len(mine)
        place[number[fits]] = stay[fits]
        # What is new takes the numbers that are free; what stays beyond the end closes the gaps.
        rest = np.concatenate([mine[mine >= len(kept)], stay[~fits]])
        place[place < 0] = rest
        order[start : start + len(mine)] = place
        start += len(mine)
    return order


def _enclosure_numbers(enclosure: NDArray[np.int32], offset: int) -> NDArray[np.int32]:
    """Number enclosures without gaps so that as many as can be keep their number; those from `offset` on are new."""
    known = np.unique(enclosure)
    stay = known[(known < offset) & (known < len(known))]
    number = np.full(int(known[-1]) + 1 if len(known) else 0, -1, np.int32)
    number[stay] = stay
    free = np.setdiff1d(np.arange(len(known)), stay)
    number[np.setdiff1d(known, stay)[::-1]] = free
    return number[enclosure]


def _fit(
    beside: NDArray[np.object_], cut: NDArray[np.object_], gone: NDArray[np.object_], dataset: Dataset
) -> NDArray[np.object_]:
    """Edge-match new cells with those beside them; vertices that stood there before stay bit by bit."""
    frame = shapely.coverage_union_all(np.concatenate([beside, gone]))
    pieces = np.concatenate([beside, cut])
    group = np.zeros(len(pieces), np.int32)
    before = shapely.get_coordinates(np.concatenate([beside, gone]))
    tree = cKDTree(before)

    def settle(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        far, at = tree.query(xy, distance_upper_bound=SAME_VERTEX_M)
        near = np.isfinite(far)
        result = xy.copy()
        result[near] = before[at[near]]
        return result

    fitted = exact_coverage(shapely.transform(pieces, settle), group, frame, dataset.work_crs)
    fitted = np.asarray(shapely.transform(fitted, settle), dtype=object)
    # Merging may have taken a vertex that a cell farther out has as well: cells that stay only gain vertices.
    stays = np.concatenate([shapely.orient_polygons(beside), fitted[len(beside) :]])
    stays = insert_junctions(stays, merge=False)
    if shapely.coverage_is_valid(stays) and not beside_gaps(stays, frame).any():
        return stays
    return fitted


def _graph(
    dataset: Dataset,
    before: Fabric,
    kept: NDArray[np.intp],
    near: NDArray[np.object_],
    place: NDArray[np.intp],
    enclosure: NDArray[np.int32],
    n_cells: int,
) -> AdjacencyGraph:
    """Join the links between cells that stay with those of the new ones."""
    frame = shapely.coverage_union_all(near)
    lines, rank = cutting_lines(dataset.streets, dataset.barriers, frame)
    ways = minor_lines(dataset.streets, frame)
    rank = np.concatenate([rank, np.ones(len(ways), np.uint8)])
    local = build_adjacency(near, enclosure[place], np.concatenate([lines, ways]), rank)
    position = np.full(before.n_cells, -1, np.int64)
    position[kept] = np.arange(len(kept))
    old = before.graph
    rows = [position[owners(old)], place[owners(local)]]
    columns = [position[old.indices], place[local.indices]]
    use = [(rows[0] >= 0) & (columns[0] >= 0), (rows[1] >= len(kept)) | (columns[1] >= len(kept))]
    row, column = (
        np.concatenate([each[mask] for each, mask in zip(side, use, strict=True)]) for side in (rows, columns)
    )
    order = np.lexsort((column, row))
    values = {
        name: np.concatenate([getattr(old, name)[use[0]], getattr(local, name)[use[1]]])[order]
        for name in _PER_LINK
    }
    fresh = np.flatnonzero(place >= len(kept))
    values |= {
        name: np.concatenate([getattr(old, name)[kept], getattr(local, name)[fresh]]) for name in _PER_CELL
    }
    return AdjacencyGraph(
        indptr=np.searchsorted(row[order], np.arange(n_cells + 1)).astype(np.int64),
        indices=column[order].astype(np.int32),
        **values,
    )


def _in_order(graph: AdjacencyGraph, order: NDArray[np.intp]) -> AdjacencyGraph:
    """Number the cells of a graph anew: cell i of the result is cell `order[i]`."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    row, column = rank[owners(graph)], rank[graph.indices]
    at = np.lexsort((column, row))
    return AdjacencyGraph(
        indptr=np.searchsorted(row[at], np.arange(len(order) + 1)).astype(np.int64),
        indices=column[at].astype(np.int32),
        **{name: getattr(graph, name)[at] for name in _PER_LINK},
        **{name: getattr(graph, name)[order] for name in _PER_CELL},
    )
