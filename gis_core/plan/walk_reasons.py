"""Why grids stay too long on foot: proofs from one building, or from buildings far from each other; what mends it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import counted
from gis_core.graph.components import component_labels, part_component_labels, subgraph
from gis_core.graph.walks import WalkGround, walk_rows
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds
from gis_core.partition.constraints._walk_table import reach_needed

__all__ = ["LongWalks"]

#: Share of the minimum below which nobody would lower it for one building.
_WORTH_LOWERING = 0.5
_GENERAL = "Ask for more grids (--grids), lower --min, or allow more (--max-walk)."


class LongWalks:
    """Says why grids of one plan are longer on foot than was asked for.

    Parameters
    ----------
    walks : WalkGround
        One member a cell.
    graph : AdjacencyGraph
        Through which grids hang together.
    home : int, shape (n_cells,)
        Boundary polygon of each cell.
    assignment : int32, shape (n_cells,)
    weight : float64, shape (n_cells,)
        What the bounds hold.
    bounds : Bounds
    limit_m : float
        What was asked for.
    names : shape (n_cells,)
        What to call each inhabited cell.
    unit : str or None
        What is balanced instead of households.
    """

    def __init__(
        self,
        walks: WalkGround,
        graph: AdjacencyGraph,
        home: NDArray[np.integer],
        assignment: NDArray[np.int32],
        weight: NDArray[np.float64],
        bounds: Bounds,
        limit_m: float,
        names: NDArray[np.object_],
        unit: str | None = None,
    ) -> None:
        self._walks, self._graph, self._home, self._assignment = walks, graph, home, assignment
        self._weight, self._bounds, self._limit, self._names = weight, bounds, limit_m, names
        self._unit = unit
        self._areas: dict[int, _Area] = {}

    def why(self, grid: int) -> tuple[str, str, float]:
        """Say why a grid is too long, where that can be proved, and what would mend it.

        Parameters
        ----------
        grid : int
            Position of a grid with a greatest walk above the limit.

        Returns
        -------
        reason, mend : str
            The reason is empty where there is no proof.
        needed_m : float
            What at least has to be allowed, by the proof of one building; 0 where there is none.
        """
        cells = np.flatnonzero((self._assignment == grid) & self._walks.inhabited)
        area = self._area(int(cells[0]))
        return self._by_one(area, cells) or (*(self._by_many(area, int(cells[0])) or ("", _GENERAL)), 0.0)

    def _area(self, cell: int) -> _Area:
        """Return the piece of a boundary polygon that a cell lies in."""
        b = int(self._home[cell])
        for area in self._areas.values():
            if area.place[cell] >= 0:
                return area
        mine = np.flatnonzero(self._home == b)
        label = component_labels(subgraph(self._graph, mine))
        whole = mine[label == label[np.searchsorted(mine, cell)]]
        found = _Area(self._walks, self._graph, whole)
        self._areas[cell] = found
        return found

    def _by_one(self, area: _Area, cells: NDArray[np.int64]) -> tuple[str, str, float] | None:
        """Prove it from one building: all that is near enough to it is less than the minimum."""
        weight, source = self._weight[area.cells], area.place[cells]
        rows = walk_rows(area.walks, source, area.member)
        reach = reach_needed(area.links, weight, area.member, source, rows, self._bounds.minimum)
        reach[~np.isfinite(reach)] = 0.0
        worst = int(np.argmax(reach))
        if reach[worst] <= self._limit:
            return None
        near = np.zeros(len(area.cells), dtype=bool)
        near[area.member] = rows[worst] <= self._limit
        near[~area.walks.inhabited] = True
        label = part_component_labels(area.links, near)
        held = float(weight[near & (label == label[source[worst]])].sum())
        name, least = self._names[cells[worst]], self._bounds.minimum
        few = (
            f"{'lives' if round(held) == 1 else 'live'} only {counted(round(held), 'household')}"
            if self._unit is None
            else f"are only {held:,.0f} of {self._unit}"
        )
        reason = (
            f"Within {self._limit:,.0f} m of building {name} {few}, and a grid needs "
            f"{least:,g}: every one with this building is {reach[worst]:,.0f} m long or more."
        )
        mend = f"Allow {math.ceil(reach[worst]):,} m or more (--max-walk)"
        if held >= least * _WORTH_LOWERING:
            mend += f", or lower --min to {math.floor(held):,} or less"
        return reason, f"{mend}.", float(reach[worst])

    def _by_many(self, area: _Area, cell: int) -> tuple[str, str] | None:
        """Prove it from buildings of which each is too far from all others: no two of them fit into one grid."""
        count = area.far_apart(self._limit)
        given = len(np.unique(self._assignment[area.cells]))
        if count <= given:
            return None
        reason = (
            f"{count} buildings here are each more than {self._limit:,.0f} m from all others on foot, and there "
            f"{'is' if given == 1 else 'are'} "
            f"{counted(given, 'grid')}."
        )
        total, least = float(self._weight[area.cells].sum()), self._bounds.minimum
        if least * count > total:
            return (
                reason,
                f"Lower --min to {math.floor(total / count):,} or less, or allow more (--max-walk).",
            )
        return reason, f"Ask for at least {count - given} more grids (--grids), or allow more (--max-walk)."


class _Area:
    """One piece of a boundary polygon.

    Attributes
    ----------
    cells : int64, shape (k,)
        Ascending, in the numbering of the fabric.
    place : int64, shape (n_cells of the fabric,)
        Position of each cell in `cells`; -1: elsewhere.
    links : AdjacencyGraph
    walks : WalkGround
    member : int64
        Inhabited cells, in the numbering of the piece.
    """

    def __init__(self, walks: WalkGround, graph: AdjacencyGraph, cells: NDArray[np.int64]) -> None:
        self.cells, self.links = cells, subgraph(graph, cells)
        self.place = np.full(graph.n_cells, -1, np.int64)
        self.place[cells] = np.arange(len(cells))
        self.walks = walks.of_members(cells)
        self.member = np.flatnonzero(self.walks.inhabited)
        self._count: int | None = None

    def far_apart(self, limit_m: float) -> int:
        """Count buildings of which each is farther than the limit from all others, chosen one next to the other."""
        if self._count is None:
            nearest = np.full(len(self.member), np.inf)
            newest, self._count = 0, 0
            while True:
                self._count += 1
                row = walk_rows(self.walks, self.member[[newest]], self.member)[0]
                nearest = np.minimum(nearest, row)
                nearest[newest] = 0.0
                left = np.flatnonzero(nearest > limit_m)
                if not len(left):
                    break
                newest = int(left[np.argmin(nearest[left])])
        return self._count
