"""Large graphs: tiles of neighbouring parts, each annealed alone, then other tiles across their seams.

What a move looks at lies in the caches where a few thousand cells are searched at a time, so that the work grows
with the cells alone. Tiles are cut out of the coarsened graph, each with its number of parts. Every further pass
groups the parts to other tiles that have the seams of the last ones inside, and anneals those from what is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.coarsen import coarsen
from gis_core.partition.refine import part_sums
from gis_core.partition.regroup import Regions, regroup
from gis_core.partition.rules import Rules
from gis_core.partition.search import Clock, Plan, Search
from gis_core.partition.state import Level

__all__ = ["LEAST_CELLS", "Tiling", "tiled"]

#: Cells of a usual tile, and the least number of its parts.
_TILE_CELLS, _LEAST_PARTS = 4_000, 8
#: Graphs with fewer cells, or with parts for fewer tiles, are searched as a whole.
LEAST_CELLS, _LEAST_TILES = 16_000, 4
#: Temperatures of a tile that is drawn from nothing and of one that is drawn again, in prices of a usual link.
_HOT, _AGAIN = 0.5, 0.45
#: How much less each coarser level is annealed, for each of its cells, and clusters for each part on the coarsest.
_COARSER, _CLUSTERS = 0.7, 12
#: Graphs of so many cells get the usual work for each cell, smaller ones up to four times as much in further passes.
_USUAL_CELLS = 400_000
#: Proposals of moves that pay only, for each cell, after a tile is annealed.
_QUENCH = 4.0
#: How much dearer it is to cut between parts along a seam of the tiles before.
_SEAM = 6.0
#: Share of the way from the mean to the bounds that the mean of a tile may be off.
_ROOM = 0.25
#: Attempts at a tile that stays out of bounds, and groups drawn anew for each part that is out in the end.
_ATTEMPTS, _REPAIRS = 3, 10
#: Seconds of one proposal, before any were measured.
_SECONDS = 2e-7


@dataclass(frozen=True)
class Tiling:
    """How a graph is searched in tiles.

    Attributes
    ----------
    parts : int
        Most parts of a tile.
    first, again : float
        Proposals for each cell and level where a tile is drawn from nothing, and for each cell in a further pass.
    passes : int
        Further passes.
    """

    parts: int
    first: float = 30.0
    again: float = 100.0
    passes: int = 2

    @classmethod
    def for_search(cls, search: Search, effort: float) -> Tiling | None:
        """Return the usual tiling; None where the graph is better searched as a whole."""
        n, n_parts = search.level.n_cells, search.n_parts
        parts = max(_LEAST_PARTS, round(_TILE_CELLS * n_parts / n))
        # Homes number the parts, which tiles do themselves.
        if n < LEAST_CELLS or n_parts < _LEAST_TILES * parts or len(search.level.home):
            return None
        more = min(4.0, max(1.0, _USUAL_CELLS / n))
        return cls(parts, max(4.0, cls.first * effort), max(8.0, more * cls.again * effort))


class _Pace:
    """How much each tile is annealed, so that a pass ends in its share of the time that is left."""

    def __init__(self, clock: Clock, wanted: float, share: float, work: float) -> None:
        now = time.perf_counter()
        self.clock, self.wanted = clock, wanted
        self.end = now + share * max(0.0, clock.deadline - now)
        # Proposals that the rest of the pass takes where each cell gets one, and what was measured of them.
        self.left = work
        self.seconds, self.made = 0.0, 0.0
        self.began = now
        self.slowed = False

    def per_cell(self) -> float:
        """Return the proposals for each cell of the next tile."""
        self.began = time.perf_counter()
        if self.end == np.inf:
            return self.wanted
        each = self.seconds / self.made if self.made > 0 else _SECONDS
        share = max(0.0, self.end - self.began) / max(1e-9, each * self.left)
        self.slowed = self.slowed or share < self.wanted
        return min(self.wanted, max(1.0, share))

    def count(self, per_cell: float, n: int) -> None:
        """Take note of a tile that is done."""
        self.seconds += time.perf_counter() - self.began
        self.made += per_cell * n
        self.left -= n


def tiled(search: Search, tiling: Tiling, rng: np.random.Generator, *, use_time: bool = False) -> Plan | None:
    """Make a plan in tiles.

    Parameters
    ----------
    search : Search
        Without homes: they number the parts.
    tiling : Tiling
    rng : Generator
        Gives each tile a seed of its own, so that none depends on how long another took to settle.
    use_time : bool
        Whether to go on until the time is over.

    Returns
    -------
    Plan
        Of connected parts, also where the time is over early; None: the graph cannot be cut into tiles whose parts
        have room inside the bounds.
    """
    clock = search.clock
    clock.work = clock.done + search.level.n_cells * (2 * tiling.first + tiling.passes * tiling.again)
    cut = _cut_tiles(search, tiling.parts)
    if cut is None:
        return None
    part, slowed = _draw_tiles(search, *cut, tiling, rng)
    tile, done = cut[0], 0
    of_part = np.empty(search.n_parts, np.int32)
    of_part[part] = tile
    while (done < tiling.passes or use_time) and not clock.late:
        of_part = _other_tiles(search, part, of_part, tiling.parts)
        slowed |= _anneal_tiles(search, part, of_part, tiling, max(1, tiling.passes - done), rng)
        done += 1
    clock.late = clock.late or slowed
    return _repaired(search, search.plan(part), rng)


def _cut_tiles(search: Search, most_parts: int) -> tuple[NDArray[np.int32], NDArray[np.int64]] | None:
    """Cut the coarsened graph into tiles; return the tile of each cell, and the first part of each tile."""
    rules = search.rules
    tight = _with_room(rules)
    for share in (1.0, 0.2):
        levels, _ = coarsen(
            search.level, n_wanted=int(2 / share) * search.n_parts, heaviest=_heaviest(rules, share),
            state=search.rng,
        )  # fmt: skip
        search.clock.tick(0)
        coarsest = levels[-1]
        rule = tight.at(coarsest.weights, coarse=False)
        label = coarsest.tree_cuts(search.n_parts, rule, 4, search.rng, stop_at=most_parts)
        search.clock.tick(0)
        for level in reversed(levels[:-1]):
            assert level.cluster is not None
            label = label[level.cluster]
        first_part = np.unique(label).astype(np.int64)
        tile = np.searchsorted(first_part, label).astype(np.int32)
        counts = np.diff(np.append(first_part, search.n_parts))
        mean = part_sums(tile, search.level.weights, len(counts)) / counts[:, None]
        enough = np.bincount(tile) >= counts
        if enough.all() and (mean >= _halfway(tight.minimum, rules.minimum)).all() and (
            mean <= _halfway(tight.maximum, rules.maximum)
        ).all():  # fmt: skip
            return tile, first_part
    return None


def _with_room(rules: Rules) -> Rules:
    """Return bounds for the mean of the parts of a tile, so narrow that every part has room inside its own."""
    low = np.where(rules.minimum > 0, rules.mean - _ROOM * (rules.mean - rules.minimum), 0.0)
    return replace(rules, minimum=low, maximum=rules.mean + _ROOM * (rules.maximum - rules.mean), soft=0.0)


def _halfway(inner: NDArray[np.float64], outer: NDArray[np.float64]) -> NDArray[np.float64]:
    return (inner + outer) / 2


def _heaviest(rules: Rules, share: float) -> NDArray[np.float64]:
    """Greatest weights of a cluster: a share of the mean, and never above what one part may have."""
    heaviest = np.minimum(rules.maximum, rules.mean)
    heaviest[0] = share * rules.mean[0]
    return heaviest


def _draw(small: Search, per_cell: float) -> Plan:
    """Draw the parts of one tile from nothing."""
    levels, _ = coarsen(
        small.level, n_wanted=max(_CLUSTERS * small.n_parts, 24), heaviest=_heaviest(small.rules, 0.2),
        state=small.rng,
    )  # fmt: skip
    coarsest = levels[-1]
    rule = small.rules.at(coarsest.weights, coarse=len(levels) > 1)
    part = coarsest.tree_cuts(small.n_parts, rule, 6, small.rng)
    for depth in range(len(levels) - 1, -1, -1):
        cluster = levels[depth].cluster
        if cluster is not None:
            part = part[cluster]
        if not small.clock.late:
            small.anneal(levels[depth], part, _HOT, per_cell * _COARSER**depth, coarse=depth > 0)
    return small.plan(part)


def _least_out(level: Level, rules: Rules) -> float:
    """Return what cells above the maximum are outside the bounds in any case, as `Rules.score` counts it."""
    out = np.maximum(0.0, level.weights - rules.maximum) / np.maximum(rules.mean, 1e-300)
    return float(out.sum()) * (1 + 1e-9)


def _draw_tiles(
    search: Search,
    tile: NDArray[np.int32],
    first_part: NDArray[np.int64],
    tiling: Tiling,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], bool]:
    """Draw the parts of every tile; return the part of each cell, and whether there was less time than wanted."""
    n_tiles, n = len(first_part), search.level.n_cells
    counts = np.diff(np.append(first_part, search.n_parts))
    regions = Regions(search.level, tile, n_tiles)
    seeds = rng.integers(0, 2**63, size=n_tiles, dtype=np.uint64)
    pace = _Pace(search.clock, tiling.first, 0.5 if tiling.passes else 0.9, n)
    part = np.empty(n, np.int32)
    for i in range(n_tiles):
        per_cell = pace.per_cell()
        cells, level, _ = regions.cut_out(np.array([i]))
        small = Search(level, int(counts[i]), search.rules, seeds[i : i + 1].copy(), search.clock)
        best = _draw(small, per_cell)
        unavoidable = _least_out(level, search.rules)
        for _ in range(_ATTEMPTS - 1):
            if best.score[0] <= unavoidable or search.clock.late:
                break
            best = min(best, _draw(small, per_cell), key=lambda one: one.score)
        part[cells] = first_part[i] + best.part
        pace.count(per_cell, len(cells))
    return part, pace.slowed


def _other_tiles(
    search: Search, part: NDArray[np.int32], before: NDArray[np.int32], most_parts: int
) -> NDArray[np.int32]:
    """Group the parts to tiles that have the seams of those before inside; return the new tile of each part."""
    n_parts = search.n_parts
    indptr, other, price = Regions(search.level, part, n_parts).neighbors()
    seam = np.repeat(before, np.diff(indptr)) != before[other]
    price = np.where(seam, _SEAM, 1.0) * (price + 1e-9)
    graph = Level(indptr, other, price, np.ones((n_parts, 1)))
    n_tiles = -(-n_parts // most_parts)
    mean = np.array([n_parts / n_tiles])
    # The border of a tile, all around.
    rules = Rules(0.5 * mean, 1.5 * mean, mean, 0.0, float(4 * price.mean() * mean[0] ** 0.5))
    return graph.tree_cuts(n_tiles, rules.at(graph.weights, coarse=False), 8, search.rng)


def _anneal_tiles(
    search: Search,
    part: NDArray[np.int32],
    tile: NDArray[np.int32],
    tiling: Tiling,
    passes_left: int,
    rng: np.random.Generator,
) -> bool:
    """Anneal tiles of whole parts one by one, in place; tell whether there was less time than wanted.

    A tile that does not get better stays as it was.
    """
    n_tiles = int(tile.max()) + 1
    regions = Regions(search.level, part, search.n_parts)
    seeds = rng.integers(0, 2**63, size=n_tiles, dtype=np.uint64)
    order = np.argsort(tile, kind="stable")
    ends = np.searchsorted(tile[order], np.arange(n_tiles + 1))
    pace = _Pace(search.clock, tiling.again, 1 / passes_left, search.level.n_cells)
    for i in range(n_tiles):
        per_cell = pace.per_cell()
        group = order[ends[i] : ends[i + 1]]
        cells, level, old = regions.cut_out(group)
        small = Search(level, len(group), search.rules, seeds[i : i + 1].copy(), search.clock)
        new = small.anneal(level, old.copy(), _AGAIN, per_cell, coarse=False)
        plan = small.plan(small.quench(new, _QUENCH))
        if plan.score < small.plan(old).score:
            regions.put_back(cells, group, plan.part)
        pace.count(per_cell, len(cells))
        if search.clock.late:
            break
    return pace.slowed


def _repaired(search: Search, plan: Plan, rng: np.random.Generator) -> Plan:
    """Draw groups around parts that are out of bounds anew, until none is or nothing helped."""
    while plan.score[0] > 0 and not search.clock.late:
        sums = part_sums(plan.part, search.level.weights, search.n_parts)
        out = ((sums < search.rules.minimum) | (sums > search.rules.maximum)).any(axis=1)
        mended = regroup(search, plan, _REPAIRS * int(out.sum()), 15.0, rng, among=np.flatnonzero(out))
        if mended.score[0] >= plan.score[0]:
            break
        plan = mended
    return plan
