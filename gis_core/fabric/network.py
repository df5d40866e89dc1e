"""Streets as a network that people walk on, and where each building's door is on it.

Ways on the ground are noded where they cross; bridges, tunnels and indoor ways meet others at common vertices only.
Motorways are left out. Nodes are the vertices of the lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from gis_core.fabric.ground import walkable
from gis_core.model import Dataset, Fabric

__all__ = ["Snapper", "StreetNetwork", "Way", "door_points", "street_network", "ways_between", "with_doors"]

#: Vertices are one node where they are on one point of this grid (metres).
NODE_M = 0.01
#: Networks apart from all others that are shorter than this (metres) lead nowhere: nobody's door is on them.
SHORT_NETWORK_M = 500.0
#: How far (metres) a street on the near side is sought where the nearest one lies beyond a barrier.
NEAR_SIDE_M = 500.0


@dataclass(frozen=True)
class StreetNetwork:
    """Nodes and the stretches between them, as symmetric CSR.

    Attributes
    ----------
    indptr : int64, shape (n_nodes + 1,)
    indices : int32, shape (2 n_stretches,)
    length_m : float64, shape (2 n_stretches,)
    x, y : float64, shape (n_nodes,)
    door : int32, shape (n_doors,)
        Node of each door; -1 where there is no street. Empty until `with_doors`.
    off_m : float64, shape (n_doors,), metres
        From the building to its door.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    length_m: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    door: NDArray[np.int32]
    off_m: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.x)

    def matrix(self) -> csr_matrix:
        """Return the lengths as a sparse matrix, a view."""
        shape = (self.n_nodes, self.n_nodes)
        return csr_matrix((self.length_m, self.indices, self.indptr), shape=shape)


@dataclass(frozen=True, slots=True)
class Way:
    """The shortest way on streets from one piece of a boundary polygon to another: its end cells and metres outside."""

    left: int
    right: int
    length_m: float


def _from_stretches(
    a: NDArray[np.int64], b: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> StreetNetwork:
    """Build the network of straight stretches between nodes; of two between the same nodes one is kept."""
    pairs = np.unique(np.column_stack([np.minimum(a, b), np.maximum(a, b)]), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    length = np.hypot(x[pairs[:, 0]] - x[pairs[:, 1]], y[pairs[:, 0]] - y[pairs[:, 1]])
    rows, columns = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((columns, rows))
    indptr = np.zeros(len(x) + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=len(x)), out=indptr[1:])
    return StreetNetwork(
        indptr, columns[order].astype(np.int32), np.tile(length, 2)[order], x, y,
        np.zeros(0, np.int32), np.zeros(0),
    )  # fmt: skip


def street_network(dataset: Dataset) -> StreetNetwork:
    """Build the network of all streets that people walk on.

    Returns
    -------
    StreetNetwork
        Without nodes where the dataset has no such streets.

    Notes
    -----
    Vertices are moved to a grid of 1 cm.
    """
    chosen = walkable(dataset.streets)
    lines = np.asarray(dataset.streets.geometry.values, dtype=object)
    over = np.zeros(len(lines), dtype=bool)
    if "grade_separated" in dataset.streets:
        over = dataset.streets["grade_separated"].to_numpy(dtype=bool)
    ground = shapely.get_parts(shapely.union_all(lines[chosen & ~over], grid_size=NODE_M))
    bridges = shapely.get_parts(lines[chosen & over])
    coords, line = shapely.get_coordinates(np.concatenate([ground, bridges]), return_index=True)
    grid = np.round(coords / NODE_M).astype(np.int64)
    nodes, node = np.unique(grid, axis=0, return_inverse=True)
    node = node.ravel()
    first = np.flatnonzero(line[1:] == line[:-1])
    xy = nodes * NODE_M
    return _from_stretches(
        node[first], node[first + 1], np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    )


def door_points(dataset: Dataset, fabric: Fabric) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a point of the building with most households of each cell; of the cell where it has none.

    Returns
    -------
    x, y : float64, shape (n_cells,), metres
    """
    x, y = fabric.graph.x.copy(), fabric.graph.y.copy()
    households = dataset.buildings["households"].to_numpy()
    rows = np.flatnonzero((fabric.building_cell_ix >= 0) & (households > 0))
    rows = rows[np.lexsort((-rows, households[rows]))]
    points = shapely.point_on_surface(np.asarray(dataset.buildings.geometry.values, dtype=object)[rows])
    cell = fabric.building_cell_ix[rows]
    x[cell], y[cell] = shapely.get_x(points), shapely.get_y(points)
    return x, y


def with_doors(
    network: StreetNetwork,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    dataset: Dataset,
    *,
    never_across: bool = False,
) -> StreetNetwork:
    """Put a door for each point at the nearest place of the network that no barrier separates it from.

    Parameters
    ----------
    network : StreetNetwork
    x, y : float64, shape (n_doors,), metres
        Points; NaN where no door is wanted.
    dataset : Dataset
        Its barriers and water, which the way to a door does not cross where there is a street within 500 m on the near
        side.
    never_across : bool
        Whether a point without such a street has no door, rather than one beyond the barrier.

    Returns
    -------
    StreetNetwork
        With a node for each door.
    """
    door, off = np.full(len(x), -1, np.int32), np.zeros(len(x))
    wanted = np.flatnonzero(np.isfinite(x))
    snapper = Snapper(network, dataset)
    if not len(snapper.a) or not len(wanted):
        return StreetNetwork(
            network.indptr, network.indices, network.length_m, network.x, network.y, door, off
        )
    points = shapely.points(x[wanted], y[wanted])
    stretch, along, off_m = snapper.find(points, never_across=never_across)
    reached = stretch >= 0
    wanted, stretch, along = wanted[reached], stretch[reached], along[reached]
    off[wanted] = off_m[reached]
    at = shapely.line_interpolate_point(snapper.lines[stretch], along)
    a, b = snapper.a, snapper.b
    door[wanted] = network.n_nodes + np.arange(len(wanted))
    new_x = np.concatenate([network.x, shapely.get_x(at)])
    new_y = np.concatenate([network.y, shapely.get_y(at)])
    # Each stretch becomes a chain through its doors.
    stretch_of = np.concatenate([np.arange(len(a)), stretch, np.arange(len(a))])
    node = np.concatenate([a, door[wanted].astype(np.int64), b])
    place = np.concatenate([np.full(len(a), -1.0), along, np.full(len(a), np.inf)])
    order = np.lexsort((place, stretch_of))
    chain, node = stretch_of[order], node[order]
    step = np.flatnonzero(chain[1:] == chain[:-1])
    whole = _from_stretches(node[step], node[step + 1], new_x, new_y)
    return StreetNetwork(whole.indptr, whole.indices, whole.length_m, whole.x, whole.y, door, off)


class Snapper:
    """Finds the place of a network where the way from a point reaches it, on the near side of barriers and water.

    Attributes
    ----------
    a, b : int64, shape (n_stretches,)
        Ends of the stretches of networks that lead somewhere.
    lines : object, shape (n_stretches,)
    """

    def __init__(self, network: StreetNetwork, dataset: Dataset) -> None:
        self.a, self.b = _stretches(network)
        starts = np.column_stack([network.x[self.a], network.y[self.a]])
        ends = np.column_stack([network.x[self.b], network.y[self.b]])
        self.lines: NDArray[np.object_] = shapely.linestrings(np.stack([starts, ends], axis=1))
        self._tree = shapely.STRtree(self.lines)
        cuts = dataset.barriers["cuts"].to_numpy(dtype=bool) if len(dataset.barriers) else np.zeros(0, bool)
        walls = [np.asarray(dataset.barriers.geometry.values, dtype=object)[cuts]]
        walls.append(np.asarray(dataset.water.geometry.values, dtype=object))
        self._walls = shapely.STRtree(np.concatenate(walls))
        self._is_line = shapely.get_dimensions(self._walls.geometries) == 1

    def find(
        self, points: NDArray[np.object_], *, never_across: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the nearest stretch to each point on its side, how far along it, and how far off it.

        Returns
        -------
        stretch : int64, shape (n_points,)
            -1 where there is none: no network, or with `never_across` none within 500 m on the near side.
        along_m, off_m : float64, shape (n_points,)
        """
        if not len(self.a):
            nothing = np.zeros(len(points))
            return np.full(len(points), -1, np.int64), nothing, nothing.copy()
        found = np.asarray(self._tree.nearest(points), dtype=np.int64)
        links = shapely.shortest_line(points, self.lines[found])
        lost = []
        for i in sorted(self._blocked(links)):
            near = self._tree.query(points[i], predicate="dwithin", distance=NEAR_SIDE_M)
            ways = shapely.shortest_line(points[i], self.lines[near])
            order = np.lexsort((near, shapely.length(ways)))
            blocked = self._blocked(ways)
            free = next((j for j in order.tolist() if j not in blocked), None)
            if free is not None:
                found[i] = near[free]
            else:
                lost.append(i)
        along = shapely.line_locate_point(self.lines[found], points)
        off = shapely.distance(self.lines[found], points)
        if never_across:
            found[lost] = -1
        return found, along, off

    def _blocked(self, ways: NDArray[np.object_]) -> set[int]:
        """Return which ways lead over a barrier, or over water or in it."""
        across = self._walls.query(ways, predicate="crosses")[0]
        inside = self._walls.query(ways, predicate="within")[0]
        # Where two walls meet end to end a way crosses neither, but goes through both.
        way, wall = self._walls.query(ways, predicate="touches")
        way, wall = way[self._is_line[wall]], self._walls.geometries[wall[self._is_line[wall]]]
        through = np.ones(len(way), bool)
        for end in (0, -1):
            through &= shapely.distance(shapely.get_point(ways[way], end), wall) > 0.0
        return {*across.tolist(), *inside.tolist(), *way[through].tolist()}


def _stretches(network: StreetNetwork) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ends of all stretches of networks that lead somewhere, each once."""
    owner = np.repeat(np.arange(network.n_nodes), np.diff(network.indptr))
    once = owner < network.indices
    a, b = owner[once], network.indices[once].astype(np.int64)
    _, part = connected_components(network.matrix(), directed=False)
    length = np.bincount(part[a], weights=network.length_m[once], minlength=1)
    long_enough = length[part[a]] >= min(SHORT_NETWORK_M, length.max(initial=0.0))
    return a[long_enough], b[long_enough]


def ways_between(
    network: StreetNetwork, fabric: Fabric, label: NDArray[np.integer], *, at_most_m: float
) -> list[Way]:
    """Find the shortest way on streets between each two pieces that streets outside of them join.

    Parameters
    ----------
    network : StreetNetwork
    fabric : Fabric
    label : int, shape (n_cells,)
        Piece of each cell; -1: the cell is outside of all.
    at_most_m : float
        Metres on the streets outside.

    Returns
    -------
    list of Way
        The shortest of each pair of pieces, ascending by length.
    """
    inside = np.flatnonzero(label >= 0)
    if network.n_nodes == 0 or not len(inside):
        return []
    points = shapely.points(network.x, network.y)
    node, cell = shapely.STRtree(fabric.cells[inside]).query(points, predicate="dwithin", distance=2 * NODE_M)
    node, first = np.unique(node, return_index=True)
    cell_of = np.full(network.n_nodes, -1, np.int64)
    cell_of[node] = inside[cell[first]]
    if not len(node):
        return []
    owner = np.repeat(np.arange(network.n_nodes), np.diff(network.indptr))
    outside_m = _metres_outside(network, owner, fabric.cells[inside])
    graph = csr_matrix((outside_m, network.indices, network.indptr), shape=(network.n_nodes,) * 2)
    distance, _, source = dijkstra(
        graph, indices=node, min_only=True, return_predecessors=True, limit=at_most_m
    )
    both = np.isfinite(distance[owner]) & np.isfinite(distance[network.indices])
    u, v = owner[both], network.indices[both]
    left, right = cell_of[source[u]], cell_of[source[v]]
    length = distance[u] + outside_m[both] + distance[v]
    good = (label[left] < label[right]) & (length <= at_most_m)
    left, right, length = left[good], right[good], length[good]
    order = np.lexsort((right, left, length))
    seen: set[tuple[int, int]] = set()
    ways = []
    for i in order.tolist():
        key = (int(label[left[i]]), int(label[right[i]]))
        if key not in seen:
            seen.add(key)
            ways.append(Way(int(left[i]), int(right[i]), float(length[i])))
    return ways


def _metres_outside(
    network: StreetNetwork, owner: NDArray[np.int64], cells: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return the metres of each stretch that lie outside of some cells, in the order of `network.indices`."""
    area = shapely.coverage_union_all(cells)
    shapely.prepare(area)
    start = np.column_stack([network.x[owner], network.y[owner]])
    end = np.column_stack([network.x[network.indices], network.y[network.indices]])
    lines = shapely.linestrings(np.stack([start, end], axis=1))
    touching = np.flatnonzero(shapely.intersects(area, lines))
    result = network.length_m.copy()
    result[touching] = shapely.length(shapely.difference(lines[touching], area))
    # A stretch of no length would be no stretch in a sparse matrix.
    return np.maximum(result, 1e-6)
