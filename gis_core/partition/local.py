"""One edit at a time: repair and rebalance the neighbourhood of the parts that an edit touched, while a planner waits.

`LocalPlan` is built once; after that each call takes time in proportion to the cells of the parts around the edit, not
to those of the town. It suggests a delta and changes nothing itself; `assign` takes an edit, or a delta, over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.graph.components import component_labels, part_component_labels
from gis_core.graph.links import owners
from gis_core.model import AdjacencyGraph
from gis_core.partition.objective import Bounds, Objective, border_cost, violation
from gis_core.partition.rebalance_region import Ground, Region, without_crossings

__all__ = ["Delta", "LocalPlan"]

#: Proposals of one search, which keep a call below the time of two frames or three.
_PROPOSALS = 20_000
#: Prices of a unit of violation that are tried in turn until there is none, in households that change hands.
_BIG = (6.0, 30.0)
#: What the usual border of a part costs, in its weight: a planner would rather see a few more households change hands
#: than a grid with fingers.
_BORDER = 0.2
#: What it would cost to move a cell that the edit itself placed.
_PINNED = 1e9
_TINY = 1e-7


@dataclass(frozen=True, slots=True)
class Delta:
    """A small change of a plan.

    Attributes
    ----------
    cells : int64, shape (n_changed,)
        Cells that get another part, ascending.
    parts : int32, shape (n_changed,)
        Their new parts.
    moved : float
        Weight of these cells.
    violation : float
        What the parts around the edit are out of bounds with it.
    in_pieces : tuple of int
        Touched parts that stay in pieces, because nothing around may take a piece.
    """

    cells: NDArray[np.int64]
    parts: NDArray[np.int32]
    moved: float
    violation: float
    in_pieces: tuple[int, ...] = ()


class LocalPlan:
    """A plan under edit, with what is needed to answer fast.

    Parameters
    ----------
    graph : AdjacencyGraph
    weight : shape (n_cells,)
        Households, 0 or more.
    assignment : int, shape (n_cells,)
        Part of each cell, -1: none; copied.
    bounds : Bounds
    n_parts : int, optional
        Parts that may be named, those without cells included; default the greatest in use and one.
    zone : int, shape (n_cells,), optional
        Boundary polygon of each cell, which no part crosses.
    locked : iterable of int
        Parts that are never touched.
    objective : Objective, optional
        Prices of borders.

    Raises
    ------
    ParameterError
        Where the arrays do not fit each other.
    """

    def __init__(
        self,
        graph: AdjacencyGraph,
        weight: NDArray[np.floating] | NDArray[np.integer],
        assignment: NDArray[np.integer],
        *,
        bounds: Bounds,
        n_parts: int | None = None,
        zone: NDArray[np.integer] | None = None,
        locked: Iterable[int] = (),
        objective: Objective | None = None,
    ) -> None:
        n = graph.n_cells
        where = np.zeros(n, np.int64) if zone is None else np.asarray(zone, dtype=np.int64)
        if not len(weight) == len(assignment) == len(where) == n:
            raise ParameterError(f"Parts, weights and zones must have one entry for each of {n} cells.")
        part = np.array(assignment, dtype=np.int32)
        heavy = np.array(weight, dtype=np.float64)
        count = max(int(part.max(initial=-1)) + 1, n_parts or 0)
        inner = without_crossings(graph, where)
        self._zone = where
        self._ground = Ground(
            inner, border_cost(inner, objective or Objective()), heavy, heavy, part, part, count, bounds,
            bounds.middle, set(locked), _islands(inner, part),
        )  # fmt: skip
        order = np.argsort(part, kind="stable")
        start = np.searchsorted(part[order], np.arange(count + 1))
        self._cells = [order[start[p] : start[p + 1]] for p in range(count)]
        self._weight = self._ground.part_weight()
        self._metre = self._price_of_border(part, count)

    def _price_of_border(self, part: NDArray[np.int32], count: int) -> float:
        """Return what a unit of border costs, in weight that changes hands; 0 where there is no border."""
        ground = self._ground
        apart = part[owners(ground.graph)] != part[ground.graph.indices]
        border = float(np.maximum(ground.price[apart], 0.0).sum()) / max(1, count)
        return _BORDER * float(self._weight.mean()) / border if border > 0 else 0.0

    @property
    def assignment(self) -> NDArray[np.int32]:
        """Part of each cell; a copy."""
        return self._ground.part.copy()

    @property
    def part_weight(self) -> NDArray[np.float64]:
        """Weight of each part; a copy of shape (n_parts,)."""
        return self._weight.copy()

    def assign(self, cells: NDArray[np.integer], parts: NDArray[np.integer] | int) -> None:
        """Give cells other parts; time grows with the cells of the parts that lose or gain.

        Parameters
        ----------
        cells : int, shape (n_changed,)
            Each once.
        parts : int or int, shape (n_changed,)
            New parts; numbers above those in use open parts, -1 takes the part away.

        Raises
        ------
        ParameterError
            Where a part is locked.
        """
        ground = self._ground
        at = np.asarray(cells, dtype=np.int64)
        to = np.broadcast_to(np.asarray(parts, dtype=np.int32), at.shape)
        old = ground.part[at]
        if ground.locked & {*np.unique(old).tolist(), *np.unique(to).tolist()}:
            raise ParameterError("A locked grid keeps its cells and takes none; unlock it first.")
        while ground.n_parts <= int(to.max(initial=-1)):
            self._cells.append(np.zeros(0, np.int64))
            self._weight = np.append(self._weight, 0.0)
            ground.n_parts += 1
        ground.part[at] = to
        ground.frozen[at] = False
        for p in np.unique(old[old >= 0]).tolist():
            mine = self._cells[p]
            self._cells[p] = mine[ground.part[mine] == p]
        for p in np.unique(to[to >= 0]).tolist():
            self._cells[p] = np.union1d(self._cells[p], at[to == p])
        for p in np.unique(np.concatenate([old, to])).tolist():
            if p >= 0:
                self._weight[p] = ground.weight[self._cells[p]].sum()

    def suggest(
        self,
        touched: Iterable[int],
        *,
        balance: bool = True,
        pinned: NDArray[np.integer] | None = None,
        rings: int = 2,
    ) -> Delta:
        """Suggest how to mend the parts that an edit touched.

        Pieces that were cut off go to the neighbour that suits them; with `balance` the touched parts are then brought
        into the bounds, if parts around them can take or give, with little weight that changes hands and short borders.

        Parameters
        ----------
        touched : iterable of int
            Parts that the edit took cells from or gave cells to.
        balance : bool
            False: only repair pieces.
        pinned : int, shape (n_pinned,), optional
            Cells that stay where they are: those that the planner placed.
        rings : int
            Rings of parts around the touched ones that may take part, 1 or 2; the second only if the first was not
            enough.

        Returns
        -------
        Delta
            The same for the same plan and call.
        """
        ground = self._ground
        core = sorted(p for p in set(touched) if 0 <= p < ground.n_parts and len(self._cells[p]))
        open_core = [p for p in core if p not in ground.locked]
        if not open_core:
            return self._delta(np.zeros(0, np.int64), np.zeros(0, np.int32), core, ())
        around = self._ring(open_core)
        region = self._region(around, pinned)
        local = {p: i for i, p in enumerate(around)}
        part, left = _reconnected(region, [local[p] for p in open_core], ground.bounds)
        if balance and self._out(region, part, [local[p] for p in open_core]):
            part = self._balanced(region, part)
            if rings > 1 and self._out(region, part, [local[p] for p in open_core]):
                wide = self._ring(around)
                if len(wide) > len(around):
                    wider = self._region(wide, pinned)
                    place = {p: i for i, p in enumerate(wide)}
                    begin = wider.part.copy()
                    row = np.searchsorted(wider.cells, region.cells)
                    begin[row] = np.array([place[p] for p in around], dtype=np.int32)[part]
                    region, part, around = wider, self._balanced(wider, begin), wide
        place = {p: i for i, p in enumerate(around)}
        left = [i for i in left if len(_pieces(region, part, place[open_core[i]])) > 1]
        changed = np.flatnonzero(part != region.part)
        new = region.parts[part[changed]].astype(np.int32)
        return self._delta(region.cells[changed], new, around, tuple(open_core[i] for i in left))

    def _delta(
        self, cells: NDArray[np.int64], parts: NDArray[np.int32], around: list[int], left: tuple[int, ...]
    ) -> Delta:
        """Add up what a change does to the parts around."""
        ground = self._ground
        weight = dict(zip(around, self._weight[around].tolist(), strict=True))
        for cell, part in zip(cells.tolist(), parts.tolist(), strict=True):
            weight[int(ground.part[cell])] -= float(ground.weight[cell])
            weight[part] += float(ground.weight[cell])
        out = violation(np.array(list(weight.values()), dtype=np.float64), ground.bounds)
        return Delta(cells, parts, float(ground.weight[cells].sum()), float(out.sum()), left)

    def _ring(self, parts: list[int]) -> list[int]:
        """Return some parts and those that touch them, without locked ones, ascending."""
        ground = self._ground
        cells = np.concatenate([self._cells[p] for p in parts])
        first, degree = ground.graph.indptr[cells], np.diff(ground.graph.indptr)[cells]
        slot = np.repeat(first - (np.cumsum(degree) - degree), degree) + np.arange(int(degree.sum()))
        near = np.unique(ground.part[ground.graph.indices[slot]]).tolist()
        return sorted({*parts, *(p for p in near if p >= 0 and p not in ground.locked)})

    def _region(self, parts: list[int], pinned: NDArray[np.integer] | None) -> Region:
        """Number the cells of some parts anew; what they have now is their home."""
        ground = self._ground
        cells = np.sort(np.concatenate([self._cells[p] for p in parts]))
        island = ground.frozen[cells]
        base = np.zeros(len(parts))
        if island.any():
            np.add.at(base, np.searchsorted(parts, ground.part[cells[island]]), ground.weight[cells[island]])
            cells = cells[~island]
        region = Region(ground, np.array(parts, dtype=np.int64), cells, base)
        region.home = region.part.copy()
        if pinned is not None and len(pinned):
            region.stay[np.isin(cells, pinned)] = _PINNED
        return region

    def _out(self, region: Region, part: NDArray[np.int32], parts: list[int]) -> bool:
        return bool((violation(region.totals(part)[parts], self._ground.bounds) > 0).any())

    def _balanced(self, region: Region, start: NDArray[np.int32]) -> NDArray[np.int32]:
        """Search a few milliseconds for the plan of the region with least violation, then least change."""
        small = max(self._metre, region.border_unit())
        best = start
        best_key = region.key(best, region.rule(big=1.0, moved=1.0, border=small))
        usual = float(np.mean(region.weight[region.weight > 0])) if (region.weight > 0).any() else 1.0
        for number, big in enumerate(_BIG):
            state = np.array([number + 1], dtype=np.uint64)
            rule = region.rule(big=big, moved=1.0, border=small)
            part, found, cost = region.anneal(
                start,
                rule,
                hot=usual,
                cold=0.05 * usual,
                proposals=_PROPOSALS,
                state=state,
                enough=best_key[0],
            )
            if (found, cost) < (best_key[0] - 1e-7, 0.0) or (
                found <= best_key[0] + 1e-7 and cost < best_key[2] - 1e-9
            ):
                best, best_key = part, (found, 0.0, cost)
            if found <= _TINY:
                break
        return best


def _islands(graph: AdjacencyGraph, part: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the cells of whole islands that belong to a part with more cells elsewhere."""
    island = component_labels(graph)
    piece = part_component_labels(graph, part)
    first = np.unique(piece, return_index=True)[1]
    size = np.bincount(piece)
    whole = size == np.bincount(island)[island[first]]
    order = np.lexsort((-size, part[first]))
    main = np.zeros(len(size), dtype=bool)
    main[order[np.unique(part[first][order], return_index=True)[1]]] = True
    return np.asarray((whole & ~main)[piece])


def _reconnected(region: Region, parts: list[int], bounds: Bounds) -> tuple[NDArray[np.int32], list[int]]:
    """Give pieces that were cut off from some parts of a region to neighbours; list the parts where none could.

    A part keeps the piece with pinned cells, then the heaviest. A piece goes where it leaves the least violation, then
    where the longest border is.
    """
    part, left = region.part.copy(), []
    for number, p in enumerate(parts):
        pieces = _pieces(region, part, p)
        pieces.sort(key=lambda own: (-float(region.stay[own].sum()), -len(own), int(own[0])))
        for own in pieces[1:]:
            border = _borders(region, part, own, p)
            if not border or (region.stay[own] >= _PINNED).any():
                left.append(number)
                continue
            totals = region.totals(part)
            weight = float(region.weight[own].sum())

            def price(
                q: int,
                totals: NDArray[np.float64] = totals,
                weight: float = weight,
                border: dict[int, float] = border,
            ) -> tuple[float, float, int]:
                pair = np.array([totals[q], totals[q] + weight])
                before, after = violation(pair, bounds)
                return float(after - before), -border[q], q

            part[own] = min(border, key=price)
    return part, sorted(set(left))


def _pieces(region: Region, part: NDArray[np.int32], p: int) -> list[NDArray[np.int64]]:
    """Return the connected pieces of one part of a region."""
    left = set(np.flatnonzero(part == p).tolist())
    found = []
    while left:
        start = min(left)
        left.discard(start)
        own, stack = [start], [start]
        while stack:
            cell = stack.pop()
            for other in region.indices[region.indptr[cell] : region.indptr[cell + 1]].tolist():
                if other in left:
                    left.discard(other)
                    own.append(other)
                    stack.append(other)
        found.append(np.array(sorted(own), dtype=np.int64))
    return found


def _borders(region: Region, part: NDArray[np.int32], own: NDArray[np.int64], p: int) -> dict[int, float]:
    """Return the other parts that some cells touch, with the price of the border to each."""
    found: dict[int, float] = {}
    for cell in own.tolist():
        for e in range(int(region.indptr[cell]), int(region.indptr[cell + 1])):
            q = int(part[region.indices[e]])
            if q != p:
                found[q] = found.get(q, 0.0) + float(region.price[e])
    return found
