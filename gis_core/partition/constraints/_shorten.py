"""Drawing grids that are too long on foot anew, together with grids around them, by a search that sees the ways."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.constraints._groups import grown_group, with_pairs
from gis_core.partition.constraints._walk_table import WalkTable
from gis_core.partition.refine import part_sums
from gis_core.partition.regroup import Regions
from gis_core.partition.search import Search
from gis_core.partition.state import Level

__all__ = ["Shortener", "pair_price"]

#: How often one part is tried with others before it is given up; how often where only its weight is out of bounds.
_TRIES, _FEW_TRIES = 40, 6
#: Numbers of parts in a group, taken in turn.
_SIZES = (2, 3, 4, 5, 3, 6)
#: Strengths of the wish to part a pair that is too far apart, taken in turn (see `pair_price`).
_STRENGTHS = (2.0, 8.0, 32.0)
#: Proposals for each cell and level, and in the end for moves that pay.
_PER_CELL, _LAST_PER_CELL = 12.0, 10.0
#: How much dearer a group may get where its ways stay as they are, in borders of a usual part: others find room.
_TOLERANCE = 0.25
#: Inhabited cells of a part from which on a pair counts less.
_MANY_MEMBERS = 16.0


def pair_price(strength: float, unit: float, per_part: float) -> float:
    """Price a pair that is too far apart for one part, in metres; below 0, for pairs that should be parted.

    Parameters
    ----------
    strength : float
        Price of one cell that is too far from as many others as a part has, in borders of a usual part; in parts of
        many cells less, so that all their pairs together do not outweigh the bounds.
    unit : float
        Border of a usual part, metres.
    per_part : float
        Inhabited cells of a usual part.
    """
    usual = max(1.0, per_part)
    return -strength * unit / usual * min(1.0, _MANY_MEMBERS / usual)


class Shortener:
    """A plan under way whose parts become shorter on foot.

    Parameters
    ----------
    search : Search
        Its clock is obeyed.
    table : WalkTable
    part : int32, shape (n_cells,)
        Not changed.
    rng : Generator
        Decides who is grouped with whom.

    Attributes
    ----------
    excess : float64, shape (n_parts,), metres
        By how much the farthest pair of each part is over its limit.
    """

    def __init__(
        self, search: Search, table: WalkTable, part: NDArray[np.int32], rng: np.random.Generator
    ) -> None:
        self._search, self._table, self._rng = search, table, rng
        self._regions = Regions(search.level, part.copy(), search.n_parts)
        self._inhabited = np.zeros(len(part), dtype=bool)
        self._inhabited[table.member] = True
        self._tries = np.zeros(search.n_parts, np.int64)
        self.excess = np.zeros(search.n_parts)
        for p in range(search.n_parts):
            cells = np.flatnonzero((part == p) & self._inhabited)
            self.excess[p] = table.over(cells).max(initial=0.0)
        self._best: tuple[tuple[float, float, float], NDArray[np.int32]] = ((0.0, 0.0, 0.0), part.copy())
        self._gain = np.zeros(3)

    @property
    def part(self) -> NDArray[np.int32]:
        """Part of each cell, int32, shape (n_cells,)."""
        return self._regions.part

    def run(self) -> NDArray[np.int32]:
        """Redraw parts that are too long or out of bounds until each was tried often enough or time is up.

        Returns
        -------
        int32, shape (n_cells,)
            The best plan that was met: least out of bounds, then shortest, then cheapest.
        """
        while self._search.clock.tick(0.0):
            p = self._next()
            if p < 0:
                break
            tries = int(self._tries[p])
            group = grown_group(self._search.level, self.part, [p], _SIZES[tries % len(_SIZES)], self._rng)
            self._tries[p] += 1
            if len(group) > 1 and self._redraw(group, tries):
                self._tries[group] = np.minimum(self._tries[group], _TRIES // 2)
        return self._best[1]

    def _next(self) -> int:
        """Return the longest of the parts that were tried least often; -1: all were tried often enough."""
        out = self._out_of_bounds() & (self._tries < _FEW_TRIES)
        open_ = np.flatnonzero(((self.excess > 0) & (self._tries < _TRIES)) | out)
        if not len(open_):
            return -1
        rounds = self._tries[open_] // len(_SIZES)
        return int(open_[np.lexsort((-self.excess[open_], rounds))[0]])

    def _out_of_bounds(self) -> NDArray[np.bool_]:
        """Mark the parts with a weight outside its bounds."""
        rules = self._search.rules
        sums = part_sums(self.part, self._search.level.weights, self._search.n_parts)
        slack = 1e-9 * np.maximum(rules.mean, 0.0)
        low, high = (sums < rules.minimum - slack).any(axis=1), (sums > rules.maximum + slack).any(axis=1)
        return np.asarray(low | high, dtype=np.bool_)

    def _redraw(self, group: NDArray[np.int64], tries: int) -> bool:
        """Search the region of a group alone; keep what is no longer on foot and hardly dearer.

        Returns
        -------
        bool
            Whether it is better inside the bounds, or shorter.
        """
        search = self._search
        cells, level, before = self._regions.cut_out(group)
        if before.min() < 0 or len(np.unique(before)) < len(group):
            return False
        member = np.flatnonzero(self._inhabited[cells])
        over = self._table.over(cells[member].astype(np.int64))
        strength = _STRENGTHS[(tries // len(_SIZES)) % len(_STRENGTHS)]
        found = self._searched(level, before, member, over, strength, fresh=tries % 2 == 1)
        plain = Search(level, len(group), search.rules, search.rng, search.clock)
        excess = _excess(over, found[member], len(group))
        was = np.array([*plain.plan(before).score, self.excess[group].sum()])[[0, 2, 1]]
        now = np.array([*plain.plan(found).score, excess.sum()])[[0, 2, 1]]
        was[:2], now[:2] = was[:2].round(6), now[:2].round(6)
        if tuple(now) >= (was[0], was[1], was[2] + _TOLERANCE * search.rules.unit):
            return False
        self._regions.put_back(cells, group, found)
        self.excess[group] = excess
        self._gain += now - was
        rank = (round(float(self._gain[0]), 6), round(float(self._gain[1]), 3), float(self._gain[2]))
        if rank < self._best[0]:
            self._best = (rank, self.part.copy())
        return (now[0], now[1]) < (was[0], was[1])

    def _searched(
        self, level: Level, before: NDArray[np.int32], member: NDArray[np.int64], over: NDArray[np.float64],
        strength: float, *, fresh: bool,
    ) -> NDArray[np.int32]:  # fmt: skip
        """Search one region for parts without pairs that are too far apart, from nothing or from what is there."""
        search, n_parts = self._search, int(before.max()) + 1
        left, right = np.nonzero(np.triu(over > 0))
        price = pair_price(strength, search.rules.unit, len(member) / n_parts)
        seeing = with_pairs(level, member[left], member[right], np.full(len(left), price))
        small = Search(seeing, n_parts, search.rules, search.rng, search.clock)
        new = small.start(_PER_CELL) if fresh else small.cycle(small.plan(before), _PER_CELL)
        return small.quench(new.part, _LAST_PER_CELL)


def _excess(over: NDArray[np.float64], part: NDArray[np.int32], n_parts: int) -> NDArray[np.float64]:
    """Return by how much the farthest pair of each part is over its limit."""
    found = np.zeros(n_parts)
    for p in range(n_parts):
        own = np.flatnonzero(part == p)
        found[p] = over[np.ix_(own, own)].max(initial=0.0)
    return found
