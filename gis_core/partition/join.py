"""Which separate pieces of a graph must share parts, when the number of parts and the bounds are given.

A piece stays alone where its weight can be cut into parts inside the bounds. One that cannot is joined to the nearest
piece, until all can or there is one left; more are joined where the number of parts asks for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, QhullError

from gis_core.graph.components import component_labels
from gis_core.graph.ordering import spatial_order
from gis_core.model import AdjacencyGraph
from gis_core.partition.counts import count_range
from gis_core.partition.objective import Bounds

__all__ = ["bridges_between", "bridges_needed"]


def bridges_between(graph: AdjacencyGraph) -> NDArray[np.int64]:
    """Return the shortest pairs of cells that would join all pieces of a graph, shortest first.

    They are the minimum spanning tree of the pieces over the edges of the Delaunay triangulation of the cells (and
    the steps from cell to cell along a Z-curve, which join what a triangulation leaves out). A tree has no circles,
    so that a part that holds together with its bridges is in one piece within every piece of the graph.

    Returns
    -------
    int64, shape (n_pieces - 1, 2)
        Positions of cells; empty where the graph is in one piece.

    Notes
    -----
    O(n log n).
    """
    label = component_labels(graph).astype(np.int64)
    count = int(label.max(initial=0)) + 1
    if count == 1:
        return np.zeros((0, 2), np.int64)
    pairs = _candidates(graph)
    a, b = label[pairs[:, 0]], label[pairs[:, 1]]
    apart = a != b
    pairs, low, high = pairs[apart], np.minimum(a, b)[apart], np.maximum(a, b)[apart]
    length = np.hypot(
        graph.x[pairs[:, 0]] - graph.x[pairs[:, 1]], graph.y[pairs[:, 0]] - graph.y[pairs[:, 1]]
    )
    order = np.lexsort((pairs[:, 1], pairs[:, 0], length, high, low))
    key = (low * count + high)[order]
    first = order[np.r_[True, np.diff(key) != 0]]
    # The tree is taken over ranks of length, since a sparse matrix cannot hold a length of 0.
    rank = np.empty(len(first))
    rank[np.argsort(length[first], kind="stable")] = np.arange(1, len(first) + 1)
    tree = minimum_spanning_tree(coo_array((rank, (low[first], high[first])), shape=(count, count)).tocsr())
    chosen = np.argsort(rank, kind="stable")[np.sort(tree.data).astype(np.int64) - 1]
    return pairs[first[chosen]]


def _candidates(graph: AdjacencyGraph) -> NDArray[np.int64]:
    """Return pairs of cells that are near each other and together connect all cells."""
    curve = spatial_order(graph.x, graph.y)
    found = [np.column_stack([curve[:-1], curve[1:]])]
    # Small numbers, since Qhull works with fixed tolerances.
    points = np.column_stack([graph.x - graph.x.mean(), graph.y - graph.y.mean()])
    try:
        triangles = Delaunay(points / max(1e-9, float(np.abs(points).max()))).simplices.astype(np.int64)
        found += [triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]
    except (QhullError, ValueError):
        pass  # fewer than three places, or all on one line: the curve alone connects them
    return np.concatenate(found)


def bridges_needed(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    bridges: NDArray[np.int64],
    n_parts: int,
    bounds: Bounds,
) -> NDArray[np.bool_]:
    """Tell which bridges are needed so that what they join can be cut into that many parts inside the bounds.

    Parameters
    ----------
    graph : AdjacencyGraph
    weight : float64, shape (n_cells,)
    bridges : int64, shape (n_bridges, 2)
        From `bridges_between`.
    n_parts : int
    bounds : Bounds

    Returns
    -------
    bool, shape (n_bridges,)
        Totals decide (heavy cells apart), not the shape of the graph; all True where no joining is enough.
    """
    label = component_labels(graph)
    heavy = weight > bounds.maximum
    groups = _Groups(
        np.bincount(label, weights=np.where(heavy, 0.0, weight)).tolist(),
        np.bincount(label, weights=heavy).astype(np.int64).tolist(),
        np.bincount(label).tolist(),
        bounds,
    )
    ends = label[bridges].tolist()
    needed = np.zeros(len(bridges), dtype=bool)
    changed = True
    while changed:
        changed = False
        for i, (a, b) in enumerate(ends):
            if not needed[i] and not (groups.fits(a) and groups.fits(b)):
                groups.join(a, b)
                needed[i] = changed = True
    for i in np.flatnonzero(~needed).tolist():
        if groups.allow(n_parts):
            break
        groups.join(*ends[i])
        needed[i] = True
    return needed


class _Groups:
    """Pieces joined to groups (union-find), each with the numbers of parts that its weight can be cut into."""

    def __init__(self, light: list[float], heavy: list[int], cells: list[int], bounds: Bounds) -> None:
        self.parent = list(range(len(light)))
        self.light, self.heavy, self.cells, self.bounds = light, heavy, cells, bounds
        ranges = [self._range(i) for i in range(len(light))]
        self.least, self.most = sum(low for low, _ in ranges), sum(high for _, high in ranges)

    def find(self, piece: int) -> int:
        while self.parent[piece] != piece:
            self.parent[piece] = self.parent[self.parent[piece]]
            piece = self.parent[piece]
        return piece

    def _range(self, root: int) -> tuple[int, int]:
        """Return the least and greatest number of parts; least > most: none."""
        light, heavy = self.light[root], self.heavy[root]
        if light <= 0 and heavy == 0:
            return (1, self.cells[root]) if self.bounds.minimum <= 0 else (1, 0)
        least, most = count_range(light, self.bounds) if light > 0 else (0, 0)
        if self.bounds.minimum <= 0:
            most = self.cells[root]
        if heavy:  # what fits no number of parts can go to those that are too heavy anyway
            least = min(least, most)
        return min(least + heavy, max(1, self.cells[root])), min(most + heavy, self.cells[root])

    def fits(self, piece: int) -> bool:
        least, most = self._range(self.find(piece))
        return least <= most

    def allow(self, n_parts: int) -> bool:
        return self.least <= n_parts <= self.most

    def join(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        for root in (a, b):
            least, most = self._range(root)
            self.least, self.most = self.least - least, self.most - most
        self.parent[b] = a
        self.light[a] += self.light[b]
        self.heavy[a] += self.heavy[b]
        self.cells[a] += self.cells[b]
        least, most = self._range(a)
        self.least, self.most = self.least + least, self.most + most
