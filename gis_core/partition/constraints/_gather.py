"""Bringing split compounds together after the search: whole into one part, or in exchange for others and for cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import part_component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition.constraints._groups import contracted, grown_group
from gis_core.partition.constraints._moves import Referee
from gis_core.partition.refine import part_totals
from gis_core.partition.regroup import Regions
from gis_core.partition.search import Search

__all__ = ["Gatherer"]

#: What bringing one compound together may cost, in borders of a usual part: any unevenness inside usual bounds, and
#: less than any wish of the planner.
_DEAREST = 10.0
#: Parts that a group has beyond those that share a compound, one after the other; how often each is tried.
_MORE_PARTS, _TRIES = (0, 1, 2, 3, 4), 5
#: Rounds over all split compounds: where one went, there is room for others.
_ROUNDS = 3
#: Proposals for each cell and level.
_PER_CELL = 15.0


class Gatherer:
    """A plan under way whose compounds become whole.

    Parameters
    ----------
    search : Search
        Its prices count, and its clock is obeyed.
    referee : Referee
    compound : int64, shape (n_cells,)
        Compound of each cell that fits into a part; -1: none.
    lived_in : bool, shape (n_cells,)
        A compound is split where its inhabited cells are in several parts.
    even_first : bool
        Whether the greatest deviation from the mean may not rise.
    part : int32, shape (n_cells,)
        Not changed.
    """

    def __init__(
        self,
        search: Search,
        referee: Referee,
        compound: NDArray[np.int64],
        lived_in: NDArray[np.bool_],
        part: NDArray[np.int32],
        *,
        even_first: bool,
    ) -> None:
        self._search, self._referee, self._even_first = search, referee, even_first
        self._compound, self._lived_in = compound, lived_in
        self._patch = _patches(referee.links, compound)
        self._regions = Regions(search.level, part.copy(), search.n_parts)

    @property
    def part(self) -> NDArray[np.int32]:
        """Part of each cell, int32, shape (n_cells,)."""
        return self._regions.part

    def run(self, rng: np.random.Generator) -> NDArray[np.int32]:
        """Bring compounds together, the lightest first, until none can be or time is up; return the plan."""
        for _ in range(_ROUNDS):
            left = self._split()
            for compound in left:
                if not self._search.clock.tick(0.0):
                    return self.part
                cells = np.flatnonzero(self._compound == compound)
                if len(np.unique(self.part[cells[self._lived_in[cells]]])) > 1 and not self._move(cells):
                    self._exchange(cells, rng)
            if len(self._split()) in (0, len(left)):
                break
        return self.part

    def _split(self) -> list[int]:
        """List the compounds that are split, the lightest first."""
        chosen = self._lived_in & (self._compound >= 0)
        pairs = np.unique(np.column_stack([self._compound[chosen], self.part[chosen]]), axis=0)
        found, count = np.unique(pairs[:, 0], return_counts=True)
        weight = np.bincount(self._compound[chosen], weights=self._search.level.weights[chosen, 0])
        split = found[count > 1]
        return [int(compound) for compound in split[np.argsort(weight[split], kind="stable")]]

    def _move(self, cells: NDArray[np.int64]) -> bool:
        """Give a compound to the part of those that share it where that is cheapest; tell whether one can take it."""
        best: tuple[float, NDArray[np.int32]] | None = None
        for target in np.unique(self.part[cells]).tolist():
            moved = self.part.copy()
            moved[cells] = target
            if not self._referee.may(self.part, moved, dearer_m=np.inf) or not self._even_enough(moved):
                continue
            price = self._search.plan(moved).score[1]
            if best is None or price < best[0]:
                best = (price, moved)
        if best is None or best[0] > self._search.plan(self.part).score[1] + self._dearest:
            return False
        self._regions = Regions(self._search.level, best[1], self._search.n_parts)
        return True

    @property
    def _dearest(self) -> float:
        return _DEAREST * self._search.rules.unit

    def _even_enough(self, after: NDArray[np.int32]) -> bool:
        """Tell whether the greatest deviation does not rise, where evenness comes first."""
        if not self._even_first:
            return True
        load, n_parts = self._search.level.weights[:, 0], self._search.n_parts
        mean = float(load.sum()) / n_parts
        was, now = (np.abs(part_totals(part, load, n_parts) - mean).max() for part in (self.part, after))
        return bool(now <= was * (1 + 1e-12))

    def _exchange(self, cells: NDArray[np.int64], rng: np.random.Generator) -> bool:
        """Draw the parts that share a compound anew with parts around them, where no compound can be cut."""
        sharing = [int(p) for p in np.unique(self.part[cells])]
        for more in _MORE_PARTS:
            found = []
            for _ in range(_TRIES):
                group = grown_group(self._search.level, self.part, sharing, len(sharing) + more, rng)
                if self._search.clock.late:
                    return False
                drawn = self._redrawn(group)
                if drawn is not None:
                    found.append((drawn[0], group, drawn[1], drawn[2]))
            if found:
                _, group, region, part = min(found, key=lambda one: one[0])
                self._regions.put_back(region, group, part)
                return True
        return False

    def _redrawn(
        self, group: NDArray[np.int64]
    ) -> tuple[tuple[int, float], NDArray[np.int32], NDArray[np.int32]] | None:
        """Search a region where each patch of a compound is one cell; None where fewer are not whole afterwards.

        Returns
        -------
        (int, float)
            Compounds that are split, and the price.
        int32
            Cells of the region.
        int32
            Position in `group` of the new part of each.
        """
        search, n_parts = self._search, len(group)
        cells, level, before = self._regions.cut_out(group)
        if before.min() < 0 or len(np.unique(before)) < n_parts:
            return None
        few, cluster = contracted(level, self._patch[cells])
        if few.n_cells <= n_parts:
            return None
        small = Search(few, n_parts, search.rules, search.rng, search.clock)
        part = small.start(_PER_CELL).part[cluster]
        plain = Search(level, n_parts, search.rules, search.rng, search.clock)
        old, new = plain.plan(before).score, plain.plan(part).score
        split = self._count_split(cells, part)
        if split >= self._count_split(cells, before) or new[0] > old[0] or new[1] > old[1] + self._dearest:
            return None
        if self._even_first:
            after = self.part.copy()
            after[cells] = group[part]
            if not self._even_enough(after):
                return None
        return (split, new[1]), cells, part

    def _count_split(self, cells: NDArray[np.int32], part: NDArray[np.int32]) -> int:
        """Count the compounds with inhabited cells in several parts of a region."""
        chosen = self._lived_in[cells] & (self._compound[cells] >= 0)
        pairs = np.unique(np.column_stack([self._compound[cells][chosen], part[chosen]]), axis=0)
        return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())


def _patches(links: AdjacencyGraph, compound: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number what hangs together of each compound; cells of none are alone."""
    free = compound < 0
    label = part_component_labels(links, np.where(free, -1, compound)).astype(np.int64)
    label[free] = len(label) + np.arange(int(free.sum()))
    return label
