"""What is near a place: facilities by the streets and by air, and what each of them covers.

People walk: one-way streets count both ways, rivers and railways are crossed where a street does, and nobody
climbs over a barrier to reach a street.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis_core.errors import NotFoundError, ParameterError, some_of
from gis_core.fabric.network import Snapper, StreetNetwork, street_network, with_doors
from gis_core.model import Dataset

__all__ = ["WALK_M_PER_MINUTE", "Near", "Roads", "ServiceArea", "build_roads", "walk_table"]

#: How fast people walk: 4.8 km/h.
WALK_M_PER_MINUTE = 80.0
#: A step of no length would be no step in a sparse matrix.
_STEP_M = 1e-6


@dataclass(frozen=True, slots=True)
class Near:
    """One facility near a place.

    Attributes
    ----------
    facility : int
        Row in the layer of facilities.
    road_m : float or None
        Metres on foot, from the place to the street, along streets, and to the facility; None where no street joins
        the two.
    air_m : float
    """

    facility: int
    road_m: float | None
    air_m: float

    @property
    def minutes(self) -> float | None:
        """Minutes on foot; None where no street joins the two."""
        return None if self.road_m is None else self.road_m / WALK_M_PER_MINUTE


@dataclass(frozen=True)
class ServiceArea:
    """What the facilities of one category cover.

    Attributes
    ----------
    facility : int32, shape (n_places,)
        Nearest facility by road of each place, a row in the layer; -1 where none is reached.
    road_m : float64, shape (n_places,), metres
        inf where none is reached.
    """

    facility: NDArray[np.int32]
    road_m: NDArray[np.float64]

    def within(self, minutes: float) -> NDArray[np.bool_]:
        """Tell which places are at most so many minutes away; bool, shape (n_places,)."""
        return self.road_m <= minutes * WALK_M_PER_MINUTE


def walk_table(
    network: StreetNetwork, sources: NDArray[np.integer], off_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Find the nearest source of every node.

    Parameters
    ----------
    network : StreetNetwork
    sources : int, shape (n_sources,)
        Nodes.
    off_m : float64, shape (n_sources,), metres
        What is walked from the source to its node.

    Returns
    -------
    metres : float64, shape (n_nodes,)
        inf where no source is reached.
    source : int32, shape (n_nodes,)
        Position in `sources`; -1 where none is reached.

    Notes
    -----
    One Dijkstra from all sources at once. Sources are nodes of their own, so that `off_m` counts and nobody walks
    through them.
    """
    n, k = network.n_nodes, len(sources)
    indptr = np.concatenate([network.indptr, network.indptr[-1] + np.arange(1, k + 1)])
    indices = np.concatenate([network.indices, np.asarray(sources, dtype=np.int32)])
    length = np.concatenate([network.length_m, np.maximum(off_m, _STEP_M)])
    graph = csr_matrix((np.maximum(length, _STEP_M), indices, indptr), shape=(n + k, n + k))
    metres, _, source = dijkstra(graph, indices=n + np.arange(k), min_only=True, return_predecessors=True)
    reached = np.isfinite(metres[:n])
    return metres[:n], np.where(reached, source[:n] - n, -1).astype(np.int32)


class Roads:
    """The streets of a town as people walk them, with its facilities on them; threads may share it.

    Attributes
    ----------
    categories : dict of str to int array
        Rows of the facilities of each category.
    """

    def __init__(
        self, network: StreetNetwork, snapper: Snapper, x: NDArray[np.float64], y: NDArray[np.float64],
        category: Sequence[str | None],
    ) -> None:  # fmt: skip
        self.network = network
        self._snapper = snapper
        self._x, self._y = x, y
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(category):
            if name and np.isfinite(x[row]):
                rows.setdefault(name, []).append(row)
        self.categories = {name: np.array(rows[name]) for name in sorted(rows)}
        self._tables: dict[str, tuple[NDArray[np.float64], NDArray[np.int32]]] = {}
        self._gate = threading.Lock()

    def require(self, category: str) -> NDArray[np.int64]:
        """Return the rows of a category.

        Raises
        ------
        NotFoundError
            Where there are no such facilities.
        """
        if category not in self.categories:
            known = some_of(list(self.categories), 12) or "none"
            raise NotFoundError(f"There are no facilities of the category {category!r} (there are: {known}).")
        return self.categories[category]

    def table(self, category: str) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return metres to the nearest facility of a category and its row for every node; made once and kept."""
        rows = self.require(category)
        with self._gate:
            if category not in self._tables:
                door = self.network.door[rows]
                reached = rows[door >= 0]
                metres, source = walk_table(
                    self.network, self.network.door[reached], self.network.off_m[reached]
                )
                facility = np.append(reached, -1)[source].astype(np.int32)
                self._tables[category] = metres, facility
            return self._tables[category]

    def nearest(
        self, x: float, y: float, *, categories: Sequence[str] | None = None, count: int = 1
    ) -> dict[str, list[Near]]:
        """Return the nearest facilities of each category, by road, then those that no street reaches, by air.

        Parameters
        ----------
        x, y : float, metres
            Place in the working coordinate system.
        categories : sequence of str, optional
            None: all.
        count : int
            How many of each.

        Raises
        ------
        NotFoundError
            Where there is no such category.
        ParameterError
            Where `count` is not positive.
        """
        if count < 1:
            raise ParameterError(f"count must be 1 or more, not {count}.")
        wanted = list(self.categories) if categories is None else list(categories)
        rows_of = {name: self.require(name) for name in wanted}
        start = self._starts(np.array([shapely.Point(x, y)]))
        to_all = self._from(start) if count > 1 else None
        result = {}
        for name, rows in rows_of.items():
            air = np.hypot(self._x[rows] - x, self._y[rows] - y)
            if to_all is not None:
                road = to_all[rows]
            else:
                road = np.full(len(rows), np.inf)
                metres, facility = self._reach(start, name)
                if facility[0] >= 0:
                    road[rows == facility[0]] = metres[0]
            order = np.lexsort((rows, air, np.where(np.isfinite(road), road, np.inf)))[:count]
            result[name] = [
                Near(int(rows[k]), float(road[k]) if np.isfinite(road[k]) else None, float(air[k]))
                for k in order
            ]
        return result

    def places(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return where the ways from places reach the streets; to be kept where it is asked for often."""
        return self._starts(shapely.points(x, y))

    def cover(
        self, starts: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], category: str
    ) -> ServiceArea:
        """Return which facility of a category is nearest by road to each of many places, and how far.

        Parameters
        ----------
        starts : tuple
            Where the ways from the places reach the streets, as `places` says.
        """
        metres, facility = self._reach(starts, category)
        return ServiceArea(facility, metres)

    def _starts(
        self, points: NDArray[np.object_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        return self._snapper.find(points, never_across=True)

    def _ends(
        self, starts: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the two nodes that a way from a place comes to, and the metres to each."""
        stretch, along, off = starts
        length = shapely.length(self._snapper.lines[stretch])
        return (
            self._snapper.a[stretch],
            self._snapper.b[stretch],
            off + along,
            off + np.maximum(length - along, 0.0),
        )

    def _reach(
        self, starts: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], category: str
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        metres, facility = self.table(category)
        n = len(starts[0])
        best, which = np.full(n, np.inf), np.full(n, -1, np.int32)
        on = np.flatnonzero(starts[0] >= 0)
        if len(on):
            a, b, to_a, to_b = self._ends((starts[0][on], starts[1][on], starts[2][on]))
            by_a, by_b = to_a + metres[a], to_b + metres[b]
            best[on] = np.minimum(by_a, by_b)
            which[on] = np.where(by_a <= by_b, facility[a], facility[b])
        return best, np.where(np.isfinite(best), which, -1).astype(np.int32)

    def _from(
        self, start: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the metres from one place to every facility; inf where no street leads."""
        result = np.full(len(self._x), np.inf)
        if start[0][0] < 0:
            return result
        a, b, to_a, to_b = self._ends(start)
        ways = dijkstra(self.network.matrix(), indices=[int(a[0]), int(b[0])])
        metres = np.minimum(ways[0] + to_a[0], ways[1] + to_b[0])
        on = np.flatnonzero(self.network.door >= 0)
        result[on] = metres[self.network.door[on]] + self.network.off_m[on]
        return result


def build_roads(dataset: Dataset) -> Roads:
    """Build the streets of a dataset with its facilities on them.

    Parameters
    ----------
    dataset : Dataset
        Its streets, barriers, water and facilities, in projected metres.

    Notes
    -----
    A facility or place whose way to every street within 500 m crosses a barrier or water has no way by road.
    """
    facilities = dataset.facilities
    points = shapely.point_on_surface(np.asarray(facilities.geometry.values, dtype=object))
    x, y = shapely.get_x(points), shapely.get_y(points)
    network = with_doors(street_network(dataset), x, y, dataset, never_across=True)
    lengths = np.maximum(network.length_m, _STEP_M)
    network = replace(network, length_m=lengths)
    names = facilities["category"].tolist() if "category" in facilities else [None] * len(facilities)
    category = [name if isinstance(name, str) and name else None for name in names]
    return Roads(network, Snapper(network, dataset), x, y, category)
