"""What the ground says about cells: borders that are barriers, where these can be crossed, cells of one compound.

Read off a finished fabric and its dataset; nothing of the fabric changes. Must not know bounds or plans.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis_core.fabric.coverage import half_edges
from gis_core.graph.components import part_component_labels
from gis_core.graph.links import owners
from gis_core.model import STREET_CLASSES, Dataset, Fabric

__all__ = ["BarrierBorders", "Compounds", "cell_compounds", "find_barriers", "walkable"]

#: A street crosses a border that comes this close to the point where it crosses the barrier (metres).
AT_CROSSING_M = 0.5
#: A gate or landing stage belongs to a barrier this close (metres).
GATE_M = 15.0
#: Patches of one name whose cells are all farther apart than this (metres, by their points) are different compounds.
COMPOUND_GAP_M = 150.0
#: Categories of facilities where a barrier can be crossed.
GATES = frozenset(
    {
        "gate", "entrance", "main_entrance", "level_crossing", "crossing", "bridge", "footbridge", "underpass",
        "ferry_terminal", "门", "大门", "出入口", "道口", "桥", "天桥", "地道", "渡口",
    }
)  # fmt: skip
_BARRIER = STREET_CLASSES.index("barrier")
_MOTORWAY = STREET_CLASSES.index("motorway")


@dataclass(frozen=True)
class BarrierBorders:
    """Adjacencies of a fabric with at least half of their border on a barrier or in water.

    Attributes
    ----------
    left, right : int64, shape (k,)
        The two cells, `left < right`.
    known : bool, shape (k,)
        Whether a crossing is known there: a street, bridge, tunnel or gate.
    water_m : float64, shape (k,), metres
        Border in a water polygon, off barriers.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    known: NDArray[np.bool_]
    water_m: NDArray[np.float64]


@dataclass(frozen=True)
class Compounds:
    """Compounds (小区) by cell.

    Attributes
    ----------
    compound_ix : int32, shape (n_cells,)
        Position in `names`; -1: none.
    names : tuple of str
        Of two compounds with one name, each has its own entry.
    """

    compound_ix: NDArray[np.int32]
    names: tuple[str, ...]


def walkable(streets: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Tell which streets people walk on: all that exist, but motorways; bool, shape (n_streets,)."""
    rank = streets["rank"].to_numpy(dtype=np.uint8)
    return (rank > 0) & (rank != _MOTORWAY)


def find_barriers(dataset: Dataset, fabric: Fabric) -> BarrierBorders:
    """Find the borders that nobody crosses, and those of them where a crossing is known.

    A border is one where a barrier, or water polygons, take up at least half of it. A crossing is known where a street
    (bridges and tunnels too, motorways not) crosses it without ending there, and where a facility that is a gate stands
    within 15 m.

    Returns
    -------
    BarrierBorders
        In ascending order of (left, right).
    """
    graph = fabric.graph
    owner = owners(graph)
    once = np.flatnonzero(owner < graph.indices)
    on_barrier = graph.street_rank[once] == _BARRIER
    wet = _metres_in_water(dataset, fabric, owner[once], graph.indices[once].astype(np.int64))
    off_m = np.maximum(graph.shared_length_m[once] - graph.street_length_m[once], 0.0)
    wet = np.minimum(wet, off_m)
    in_water = (wet > 0) & (wet >= 0.5 * graph.shared_length_m[once])
    at = once[on_barrier | in_water]
    left, right = owner[at], graph.indices[at].astype(np.int64)
    known = _known_crossings(dataset, fabric, left, right)
    return BarrierBorders(left, right, known, wet[on_barrier | in_water])


def _sides(
    fabric: Fabric, left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the segments of the borders of some adjacencies, and the adjacency of each."""
    cells = np.unique(np.concatenate([left, right]))
    if not len(cells):
        return np.zeros(0, dtype=object), np.zeros(0, np.int64)
    sides = half_edges(fabric.cells[cells])
    paired = np.flatnonzero(sides.twin >= 0)
    a = cells[sides.polygon_ix[paired]]
    b = cells[sides.polygon_ix[sides.twin[paired]]]
    n = fabric.n_cells
    key, wanted = a * n + b, left * n + right
    order = np.argsort(wanted)
    at = np.minimum(np.searchsorted(wanted[order], key), len(wanted) - 1)
    found = wanted[order][at] == key
    ends = np.stack([sides.start_xy[paired[found]], sides.end_xy[paired[found]]], axis=1)
    return shapely.linestrings(ends), order[at[found]]


def _metres_in_water(
    dataset: Dataset, fabric: Fabric, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the metres of each border that lie in a water polygon."""
    result = np.zeros(len(left))
    water = np.asarray(dataset.water.geometry.values, dtype=object)
    water = water[shapely.get_dimensions(water) == 2]
    if not len(water):
        return result
    wet_cell = np.zeros(fabric.n_cells, dtype=bool)
    wet_cell[shapely.STRtree(fabric.cells).query(water, predicate="intersects")[1]] = True
    both = np.flatnonzero(wet_cell[left] & wet_cell[right])
    segments, of = _sides(fabric, left[both], right[both])
    side, polygon = shapely.STRtree(water).query(segments, predicate="intersects")
    length = shapely.length(shapely.intersection(segments[side], water[polygon]))
    result[both] = np.bincount(of[side], weights=length, minlength=len(both))
    return result


def _known_crossings(
    dataset: Dataset, fabric: Fabric, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell at which of these adjacencies a street, bridge, tunnel or gate leads across."""
    known = np.zeros(len(left), dtype=bool)
    segments, of = _sides(fabric, left, right)
    if not len(segments):
        return known
    tree = shapely.STRtree(segments)
    streets = shapely.get_parts(
        np.asarray(dataset.streets.geometry.values, dtype=object)[walkable(dataset.streets)]
    )
    points = np.concatenate(
        [_crossing_points(streets, segments, tree), _gate_points(dataset, segments, tree)]
    )
    if len(points):
        _, side = tree.query(points, predicate="dwithin", distance=AT_CROSSING_M)
        known[of[side]] = True
    return known


def _crossing_points(
    streets: NDArray[np.object_], segments: NDArray[np.object_], tree: shapely.STRtree
) -> NDArray[np.object_]:
    """Return the points where streets cross segments; not where one ends and none goes on."""
    line, side = tree.query(streets, predicate="intersects")
    points = shapely.intersection(streets[line], segments[side])
    # A street along a barrier does not cross it there.
    single = shapely.get_type_id(points) == 0
    line, points = line[single], points[single]
    if not len(points):
        return points
    ends = np.concatenate([shapely.get_point(streets, 0), shapely.get_point(streets, -1)])
    near, end = shapely.STRtree(ends).query(points, predicate="dwithin", distance=AT_CROSSING_M)
    own = end % len(streets) == line[near]
    is_end = np.bincount(near[own], minlength=len(points)) > 0
    others = np.bincount(near[~own], minlength=len(points))
    return points[~is_end | (others > 0)]


def _gate_points(
    dataset: Dataset, segments: NDArray[np.object_], tree: shapely.STRtree
) -> NDArray[np.object_]:
    """Return the points of barriers at which a gate stands."""
    facilities = dataset.facilities
    if "category" not in facilities or not len(facilities):
        return np.zeros(0, dtype=object)
    category = facilities["category"].fillna("").astype(str).str.strip().str.lower()
    gates = np.asarray(facilities.geometry.values, dtype=object)[category.isin(GATES).to_numpy(dtype=bool)]
    if not len(gates):
        return gates
    (gate, side), distance = tree.query_nearest(gates, all_matches=False, return_distance=True)
    close = distance <= GATE_M
    line = segments[side[close]]
    return shapely.line_interpolate_point(line, shapely.line_locate_point(line, gates[gate[close]]))


def cell_compounds(dataset: Dataset, fabric: Fabric) -> Compounds:
    """Find the compound of each cell by the column `compound` of its buildings.

    Cells with one name in one boundary polygon are a compound, unless they are more than 150 m apart. Ground without
    buildings that one compound surrounds wholly belongs to it.

    Returns
    -------
    Compounds
    """
    named, names = _named_cells(dataset, fabric)
    named = _fill_courtyards(fabric, named)
    # Cells that touch are one patch; patches of one name are one compound where they are near each other.
    patch = part_component_labels(fabric.graph, named.astype(np.int32))
    cells = np.flatnonzero(named >= 0)
    if not len(cells):
        return Compounds(np.full(fabric.n_cells, -1, np.int32), ())
    root, first = np.unique(patch[cells], return_index=True)
    name_of = named[cells[first]]
    group = _near_patches(fabric, cells, np.searchsorted(root, patch[cells]), name_of)
    _, at, number = np.unique(group, return_index=True, return_inverse=True)
    compound_ix = np.full(fabric.n_cells, -1, np.int32)
    compound_ix[cells] = number[np.searchsorted(root, patch[cells])]
    return Compounds(compound_ix, tuple(names[ix] for ix in name_of[at].tolist()))


def _near_patches(
    fabric: Fabric, cells: NDArray[np.int64], patch: NDArray[np.int64], name_of: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Group the patches of one name that have cells near each other; return the group of each patch."""
    n = len(name_of)
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    points = np.column_stack([fabric.graph.x, fabric.graph.y])
    order = np.argsort(name_of[patch], kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(name_of[patch][order])) + 1):
        if (patch[some] != patch[some[0]]).any():
            near = some[cKDTree(points[cells[some]]).query_pairs(COMPOUND_GAP_M, output_type="ndarray")]
            left.append(patch[near[:, 0]])
            right.append(patch[near[:, 1]])
    a, b = np.concatenate(left), np.concatenate(right)
    pairs = coo_matrix((np.ones(len(a), bool), (a, b)), shape=(n, n))
    group: NDArray[np.int64] = connected_components(pairs, directed=False)[1]
    return group


def _named_cells(dataset: Dataset, fabric: Fabric) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of the name of each cell, -1 for none, and the names; by boundary polygon."""
    named = np.full(fabric.n_cells, -1, np.int64)
    cell = fabric.building_cell_ix
    text = dataset.buildings["compound"].fillna("").astype(str).str.strip()
    number, known = pd.factorize(text)
    rows = np.flatnonzero((cell >= 0) & (text != "").to_numpy(dtype=bool))
    key, inverse = np.unique(
        number[rows] + len(known) * fabric.boundary_ix[cell[rows]].astype(np.int64), return_inverse=True
    )
    # Of several compounds in one cell, the one with most households has it.
    order = np.lexsort((-rows, dataset.buildings["households"].to_numpy()[rows]))
    named[cell[rows[order]]] = inverse[order]
    return named, [str(known[one]) for one in (key % max(1, len(known))).tolist()]


def _fill_courtyards(fabric: Fabric, named: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give ground without buildings to the compound that alone surrounds it."""
    graph = fabric.graph
    empty = np.ones(fabric.n_cells, dtype=bool)
    empty[fabric.building_cell_ix[fabric.building_cell_ix >= 0]] = False
    empty &= named < 0
    area = part_component_labels(graph, np.where(empty, 0, 1 + np.arange(fabric.n_cells)).astype(np.int32))
    owner, other = owners(graph), graph.indices
    out = empty[owner] & ~empty[other]
    n = int(area.max(initial=-1)) + 1
    least, most = np.full(n, np.iinfo(np.int64).max), np.full(n, -1, np.int64)
    np.minimum.at(least, area[owner[out]], named[other[out]])
    np.maximum.at(most, area[owner[out]], named[other[out]])
    at_edge = np.zeros(n, dtype=bool)
    at_edge[area[empty & (graph.exterior_length_m > 0)]] = True
    at_edge[area[owner[fabric.boundary_ix[owner] != fabric.boundary_ix[other]]]] = True
    one = (least == most) & ~at_edge
    result = named.copy()
    result[empty] = np.where(one[area[empty]], most[area[empty]], -1)
    return result
