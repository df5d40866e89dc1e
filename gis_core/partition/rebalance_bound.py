"""How few could change hands: a lower bound by flows between parts, and the exact least for small cases.

The bound is the optimum of a linear program: every weight of each part of before flows to the parts of now, what
leaves a part costs the households that come with it at least, and all parts end inside all bounds. A part takes
nothing from one that it did not touch where already the ground between the two is worth more than the plan at hand;
every part keeps some of its ground. The exact answer is a mixed-integer program in which cells are whole, wishes are
fulfilled and parts in one piece; contiguity is asked for where a solution breaks it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds as Limits
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import dijkstra

from gis_core.graph.components import component_labels, part_component_labels, subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.certify.prove import Effort
from gis_core.partition.objective import Bounds
from gis_core.partition.rebalance_region import Far

__all__ = ["Case", "least_change_exactly", "least_change_flow", "split_case"]

#: Cells times parts up to which the cost of the ground between parts is measured.
_MEASURED = 20_000_000
#: Greatest weight for which the cells that could leave a part are tried in all combinations.
_COMBINED = 4_000
_TINY = 1e-6
#: Prices at which weight leaves one part, in the linear program; cells with more different ones share the lowest.
_MOST_PRICES = 4
#: Seconds of work that one program takes for each choice, for each entry of its cuts, and for each further node and
#: choice: about as measured, so that the work can be counted before it is done.
_A_CHOICE, _A_CUT, _A_NODE = 4e-4, 6e-3, 2e-5
#: Seconds of work for the exact answer where nobody says.
_WORK_S = 10.0
#: The clock stops a program after so many times its work all the same; it only guards against a stall.
_STALL = 20.0


@dataclass(frozen=True)
class Case:
    """A plan of before, and one of now whose change is to be judged.

    Attributes
    ----------
    graph : AdjacencyGraph
        Without adjacencies that no part may use.
    weight : float64, shape (n,)
        What is balanced.
    stay : float64, shape (n,)
        Households that change hands with the cell.
    home, part : int32, shape (n,)
        Part of before (-1: none) and of now.
    n_parts : int
    bounds : Bounds
    locked : frozenset of int
    more : float64, shape (n, n_weights - 1) or None
        Further weights.
    more_limit : float64, shape (n_weights - 1, 3) or None
        Least, greatest, and the violation of one unit outside.
    far : Far or None
        Wishes.
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    stay: NDArray[np.float64]
    home: NDArray[np.int32]
    part: NDArray[np.int32]
    n_parts: int
    bounds: Bounds
    locked: frozenset[int] = frozenset()
    more: NDArray[np.float64] | None = None
    more_limit: NDArray[np.float64] | None = None
    far: Far | None = None

    @property
    def weights(self) -> NDArray[np.float64]:
        """All weights; shape (n, n_weights)."""
        first = self.weight.reshape(len(self.weight), 1)
        return first if self.more is None else np.column_stack([first, self.more])

    @property
    def limit(self) -> NDArray[np.float64]:
        """Least, greatest, violation of a unit outside; shape (n_weights, 3)."""
        first = np.array([[self.bounds.minimum, self.bounds.maximum, 1.0]])
        return first if self.more_limit is None else np.vstack([first, self.more_limit])

    @property
    def moved(self) -> float:
        """What changed hands."""
        return float(self.stay[(self.home >= 0) & (self.home != self.part)].sum())

    @property
    def violation(self) -> float:
        """By how much all parts together are out of all bounds."""
        found = 0.0
        for values, (low, high, unit) in zip(self.weights.T, self.limit, strict=True):
            totals = np.bincount(self.part, weights=values, minlength=self.n_parts)[self.alive]
            found += unit * float(np.maximum(0, np.maximum(low - totals, totals - high)).sum())
        return found

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Parts that have cells now; shape (n_parts,)."""
        return np.bincount(self.part, minlength=self.n_parts) > 0

    @property
    def whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.weight == np.round(self.weight)).all() and (self.stay == np.round(self.stay)).all())


def split_case(case: Case, zone: NDArray[np.integer]) -> list[tuple[NDArray[np.int64], Case]]:
    """Take a case apart by zones (boundary polygons), which no part crosses: what is least in each is least in all.

    Parameters
    ----------
    case : Case
    zone : int, shape (n,)

    Returns
    -------
    list of (int64 shape (n_zone,), Case)
        Cells of each zone, and their case with parts numbered anew in ascending order.
    """
    found = []
    for z in np.unique(zone).tolist():
        cells = np.flatnonzero(zone == z)
        home, part = case.home[cells], case.part[cells]
        number = np.unique(np.concatenate([home[home >= 0], part]))
        locked = frozenset(np.flatnonzero(np.isin(number, list(case.locked))).tolist())
        mine = Case(
            subgraph(case.graph, cells), case.weight[cells], case.stay[cells],
            np.where(home >= 0, np.searchsorted(number, home), -1).astype(np.int32),
            np.searchsorted(number, part).astype(np.int32), len(number), case.bounds, locked,
            None if case.more is None else case.more[cells], case.more_limit,
            None if case.far is None else case.far.among(cells),
        )  # fmt: skip
        found.append((cells, mine))
    return found


def _reach(case: Case) -> NDArray[np.float64] | None:
    """Return what at least changes hands where a part takes a cell; float64, shape (n_parts, n), infinite: too much.

    None where that is not known: the instance is too large, or a part gave up all its own ground.
    """
    n, limit = case.graph.n_cells, case.moved
    had = np.bincount(case.home[case.home >= 0], minlength=case.n_parts) > 0
    kept = np.bincount(case.part[case.part == case.home], minlength=case.n_parts) > 0
    if n * case.n_parts > _MEASURED or (had & case.alive & ~kept).any():
        return None
    step = csr_array(
        (case.stay[case.graph.indices] + 1e-9, case.graph.indices, case.graph.indptr), shape=(n, n)
    )
    found = np.full((case.n_parts, n), np.inf)
    for part in np.flatnonzero(case.alive):
        own = np.flatnonzero(case.home == part)
        if len(own) == 0:
            found[part] = case.stay
        elif part not in case.locked:
            found[part] = dijkstra(step, indices=own, min_only=True, limit=limit + 1)
        found[part, own] = 0
    return found


def least_change_flow(case: Case) -> float:
    """Return a true lower bound on what changes hands with these parts and at most the violation of the plan at hand.

    Returns
    -------
    float
        0 or more, not above what the plan changes; a whole number where all weights are.

    Raises
    ------
    No error; where the program cannot be solved the bound is 0.
    """
    reached = case.moved
    if reached <= 0:
        return 0.0
    reach = _reach(case)
    program = _FlowProgram(case, reach)
    found = program.solve()
    if found is None:
        return 0.0
    if case.whole:
        found = float(np.ceil(found - 1e-6))
    return max(0.0, min(reached, found))


class _FlowProgram:
    """The linear program of the bound: flows of every weight at their prices, ground without a part, slack."""

    def __init__(self, case: Case, reach: NDArray[np.float64] | None) -> None:
        self.case = case
        self.island = component_labels(case.graph)
        self.n_islands = int(self.island.max()) + 1
        self.settled = case.home >= 0
        self.arcs = self._arcs(self.island, reach)

    def _arcs(
        self, island: NDArray[np.int32], reach: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the pairs of parts between which weight may flow."""
        case = self.case
        settled = case.home >= 0
        if reach is not None:
            corridor = reach - case.stay[None, :]
            near = (corridor < case.moved - _TINY) & settled[None, :]
            to, cell = np.nonzero(near)
            pairs = np.unique(np.column_stack([case.home[cell], to]), axis=0)
        else:
            on = np.unique(np.column_stack([case.home, island])[settled], axis=0)
            now = np.unique(np.column_stack([case.part, island]), axis=0)
            join = [
                np.column_stack(
                    [
                        np.repeat(on[on[:, 1] == ix, 0], int((now[:, 1] == ix).sum())),
                        np.tile(now[now[:, 1] == ix, 0], int((on[:, 1] == ix).sum())),
                    ]
                )
                for ix in range(self.n_islands)
            ]
            pairs = np.unique(np.concatenate(join), axis=0)
        a, b = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
        locked = np.array(sorted(case.locked), dtype=np.int64)
        keep = (a != b) & case.alive[b] & ~np.isin(a, locked) & ~np.isin(b, locked)
        return a[keep], b[keep]

    def solve(self) -> float | None:
        """Return the optimum; None where the program has none."""
        case = self.case
        k = case.n_parts
        blocks = [self._block(column) for column in range(case.weights.shape[1])]
        size = k + sum(block.size for block in blocks)
        upper, limit, equal, wanted, at = [], [], [], [], k
        slack_row = np.zeros(size)
        for block, (_, _, unit) in zip(blocks, case.limit, strict=True):
            upper.append(_placed(block.upper, at, size, k))
            limit.append(block.limit)
            equal.append(_placed(block.equal, at, size, k))
            wanted.append(block.wanted)
            slack_row[at + block.size - k : at + block.size] = unit
            at += block.size
        upper.append(csr_array(slack_row.reshape(1, -1)))
        limit.append(np.array([case.violation + _TINY]))
        cost = np.zeros(size)
        cost[:k] = 1
        least = np.zeros(size)
        least[:k] = self._combined()
        found = linprog(
            cost, A_ub=vstack(upper), b_ub=np.concatenate(limit), A_eq=vstack(equal), b_eq=np.concatenate(wanted),
            bounds=np.column_stack([least, np.full(size, np.inf)]), method="highs",
        )  # fmt: skip
        return float(found.fun) if found.status == 0 else None

    def _block(self, column: int) -> _Block:
        """Return the rows of one weight; its columns are the costs of all parts, flows, ground without, slack."""
        case, (a, b) = self.case, self.arcs
        k, values = case.n_parts, case.weights[:, column]
        low, high, _ = case.limit[column]
        owner, room, price = _prices(case, values)
        first = np.searchsorted(owner, np.arange(k + 1))
        count = np.diff(first)[a]
        arc = np.repeat(np.arange(len(a)), count)
        kind = first[a][arc] + np.arange(len(arc)) - (np.cumsum(count) - count)[arc]
        part, zone, pool = self._pool_arcs(values)
        m, p = len(arc), len(part)
        size = m + p + k
        flow, free = k + np.arange(m), k + m + np.arange(p)
        had = np.bincount(case.home[self.settled], weights=values[self.settled], minlength=k)
        into = _rows((k, k + size), (b[arc], flow, 1.0), (a[arc], flow, -1.0), (part, free, 1.0))
        give = _rows((k, k + size), (np.arange(k), k + m + p + np.arange(k), 1.0))
        paid = _rows((k, k + size), (a[arc], flow, price[kind]), (np.arange(k), np.arange(k), -1.0))
        out = _rows((len(owner), k + size), (kind, flow, 1.0))
        alive, closed = np.flatnonzero(case.alive), np.flatnonzero(~case.alive)
        upper = [-into[alive] - give[alive], paid, out]
        limit = [had[alive] - low, np.zeros(k), room]
        if np.isfinite(high):
            upper.append(into[alive] - give[alive])
            limit.append(high - had[alive])
        fed = np.unique(zone)
        from_pool = _rows((self.n_islands, k + size), (zone, free, 1.0))
        equal = vstack([into[closed], from_pool[fed]]).tocsr()
        wanted = np.concatenate([-had[closed], pool[fed]])
        return _Block(size, vstack(upper).tocsr(), np.concatenate(limit), equal, wanted)

    def _pool_arcs(
        self, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Let ground without a part flow to every part of its island; return parts, islands, weight of each island."""
        free = ~self.settled
        pool = np.bincount(self.island[free], weights=values[free], minlength=self.n_islands)
        now = np.unique(np.column_stack([self.case.part, self.island]), axis=0).astype(np.int64)
        now = now[pool[now[:, 1]] > 0]
        return now[:, 0], now[:, 1], pool.astype(np.float64)

    def _combined(self) -> NDArray[np.float64]:
        """Return what is paid at least because whole cells leave each part; shape (n_parts,).

        Only where no violation is left over, and for parts too heavy by a moderate whole number.
        """
        case = self.case
        least = np.zeros(case.n_parts)
        if case.violation > _TINY:
            return least
        for values, (_, high, _) in zip(case.weights.T, case.limit, strict=True):
            if (values != np.round(values)).any() or not np.isfinite(high):
                continue
            had = np.bincount(case.home[self.settled], weights=values[self.settled], minlength=case.n_parts)
            for part in np.flatnonzero((had > high) & case.alive).tolist():
                need = int(np.ceil(had[part] - high))
                cells = np.flatnonzero((case.home == part) & (values > 0))
                if need <= _COMBINED and part not in case.locked:
                    least[part] = max(least[part], _cheapest_cells(values[cells], case.stay[cells], need))
        return least


@dataclass(frozen=True)
class _Block:
    """Rows of the linear program for one weight; the last columns are its slack, one for each part."""

    size: int
    upper: csr_array
    limit: NDArray[np.float64]
    equal: csr_array
    wanted: NDArray[np.float64]


def _rows(
    shape: tuple[int, int], *terms: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64] | float]
) -> csr_array:
    """Build a sparse matrix from (row, column, value)."""
    values = np.concatenate([np.broadcast_to(np.asarray(value, float), row.shape) for row, _, value in terms])
    row = np.concatenate([row for row, _, _ in terms])
    return coo_array((values, (row, np.concatenate([column for _, column, _ in terms]))), shape=shape).tocsr()


def _placed(rows: csr_array, at: int, size: int, k: int) -> csr_array:
    """Move the columns of one weight behind those of the weights before it; the first k are common to all."""
    found = rows.tocoo()
    column = np.where(found.col < k, found.col, found.col - k + at)
    return coo_array((found.data, (found.row, column)), shape=(rows.shape[0], size)).tocsr()


def _prices(
    case: Case, values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """List at which prices (households for a unit) how much of a weight can leave each part; parts ascending."""
    cells = np.flatnonzero((case.home >= 0) & (values > 0))
    ratio = np.round(case.stay[cells] / values[cells] - 5e-10, 9).clip(0.0)
    order = np.lexsort((ratio, case.home[cells]))
    cells, ratio = cells[order], ratio[order]
    owner = case.home[cells].astype(np.int64)
    first = np.searchsorted(owner, np.arange(case.n_parts + 1))
    new = np.ones(len(cells), dtype=bool)
    new[1:] = (owner[1:] != owner[:-1]) | (ratio[1:] != ratio[:-1])
    for p in range(case.n_parts):
        mine = np.arange(first[p], first[p + 1])
        if new[mine].sum() > _MOST_PRICES:
            new[mine] = False
            new[mine[np.arange(_MOST_PRICES) * len(mine) // _MOST_PRICES]] = True
    group = np.cumsum(new) - 1
    room = np.bincount(group, weights=values[cells], minlength=int(new.sum()))
    return owner[new], room.astype(np.float64), ratio[new]


def _cheapest_cells(weight: NDArray[np.float64], stay: NDArray[np.float64], need: int) -> float:
    """Return the least that is paid for whole cells that weigh at least `need` together."""
    best = np.full(need + 1, np.inf)
    best[0] = 0
    for w, s in zip(weight.astype(np.int64), stay, strict=True):
        reached = np.minimum(np.arange(need + 1) + w, need)
        with_it = best + s
        now = best.copy()
        np.minimum.at(now, reached, with_it)
        best = now
    return float(best[need]) if np.isfinite(best[need]) else 0.0


def least_change_exactly(
    case: Case, *, most_pairs: int = 4_000, effort: Effort | None = None
) -> tuple[float, NDArray[np.int32] | None]:
    """Find the least that must change hands without violation, and a plan that shows it.

    Parameters
    ----------
    case : Case
        Its plan holds the bounds.
    most_pairs : int
        Pairs of a cell and another part that could take it, above which nothing is tried.
    effort : Effort
        Work that it may take, counted and not measured, so that the answer is the same on a busy machine; what is used
        is taken from it. None: 10 seconds of it.

    Returns
    -------
    bound : float
        Nothing below it is possible with these parts; equal to what `part` (or, without one, the plan at hand) changes
        where the proof was finished. 0 where nothing was tried: also where a part is in pieces or a wish is broken.
    part : int32, shape (n,), or None
        A plan that changes less than the one at hand.
    """
    in_pieces = len(np.unique(part_component_labels(case.graph, case.part))) > int(case.alive.sum())
    if case.moved <= 0 or case.violation > _TINY or in_pieces:
        return 0.0, None
    if case.far is not None and case.far.broken(case.part) > 0:
        return 0.0, None
    reach = _reach(case)
    if reach is None:
        to, cell = np.nonzero(np.ones((case.n_parts, case.graph.n_cells), dtype=bool) & case.alive[:, None])
    else:
        to, cell = np.nonzero(reach < case.moved - _TINY)
    keep = _allowed(case, to, cell)
    if len(keep[0]) - case.graph.n_cells > most_pairs:
        return 0.0, None
    return _CellProgram(case, *keep).solve(effort or Effort(_WORK_S))


def _allowed(
    case: Case, to: NDArray[np.int64], cell: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave out pairs across islands or with locked parts; each cell keeps at least its home or its part of now."""
    island = component_labels(case.graph)
    of = np.full(case.n_parts, -1)
    of[case.part] = island
    locked = np.array(sorted(case.locked), dtype=np.int64)
    free = ~np.isin(to, locked) & ~np.isin(case.home[cell], locked)
    keep = case.alive[to] & (of[to] == island[cell]) & (free | (to == case.home[cell]))
    pairs = np.concatenate(
        [
            np.column_stack([to[keep], cell[keep]]),
            np.column_stack([case.part, np.arange(case.graph.n_cells)]),
        ]
    )
    pairs = np.unique(pairs, axis=0)
    return pairs[:, 0], pairs[:, 1]


class _CellProgram:
    """Cells as yes-or-no choices; cuts for contiguity are added while solutions lack it."""

    def __init__(self, case: Case, to: NDArray[np.int64], cell: NDArray[np.int64]) -> None:
        self.case, self.to, self.cell = case, to, cell
        self.number = {(int(p), int(i)): j for j, (p, i) in enumerate(zip(to, cell, strict=True))}
        away = (case.home[cell] >= 0) & (case.home[cell] != to)
        self.cost = np.where(away, case.stay[cell], 0.0)
        self.cuts: list[tuple[list[int], list[float]]] = []

    def solve(self, effort: Effort) -> tuple[float, NDArray[np.int32] | None]:
        """Solve, cut and solve again; return the bound, and a plan where it changes less than the one at hand."""
        case, n, m = self.case, self.case.graph.n_cells, len(self.to)
        bound = 0.0
        once = csr_array((np.ones(m), (self.cell, np.arange(m))), shape=(n, m))
        had = np.bincount(case.home[case.home >= 0], minlength=case.n_parts) > 0
        own = np.flatnonzero((case.home[self.cell] == self.to) | ~had[self.to])
        size = csr_array((np.ones(len(own)), (self.to[own], own)), shape=(case.n_parts, m))
        alive = np.flatnonzero(case.alive)
        fixed: list[LinearConstraint] = [
            LinearConstraint(once, 1, 1),
            LinearConstraint(size[alive], 1, np.inf),
            *self._wishes(m),
        ]
        for values, (low, high, _) in zip(case.weights.T, case.limit, strict=True):
            sums = csr_array((values[self.cell], (self.to, np.arange(m))), shape=(case.n_parts, m))
            slack = 1e-9 * max(1.0, float(values.sum()))
            fixed.append(LinearConstraint(sums[alive], low - slack, high + slack))
        while (options := self._options(m, effort)) is not None:
            found = milp(
                self.cost, constraints=[*fixed, *self._cut_rows(m)], integrality=np.ones(m), bounds=Limits(0, 1),
                options=options,
            )  # fmt: skip
            effort.work_s -= self._begun(m) + m * _A_NODE * max(0, (found.mip_node_count or 0) - 1)
            if found.status == 2:
                return case.moved, None
            if found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound):
                dual = float(found.mip_dual_bound)
                bound = max(bound, float(np.ceil(dual - 1e-6)) if case.whole else dual)
            if found.status != 0 or bound >= case.moved - _TINY:
                return min(bound, case.moved), None
            part = np.empty(n, np.int32)
            chosen = np.flatnonzero(found.x > 0.5)
            part[self.cell[chosen]] = self.to[chosen]
            if not self._cut(part):
                return bound, part
        return bound, None

    def _begun(self, m: int) -> float:
        """Return the work of one program up to its first node."""
        return m * _A_CHOICE + _A_CUT * sum(len(columns) for columns, _ in self.cuts)

    def _options(self, m: int, effort: Effort) -> dict[str, float | int] | None:
        """Return how far the next program may go with the work that is left; None: it is not begun."""
        left = effort.work_s - self._begun(m)
        if left <= 0 or effort.at_most(math.inf) <= 0:
            return None
        clock = math.inf if effort.until is None else effort.until - time.perf_counter()
        return {
            "node_limit": 1 + int(left / (m * _A_NODE)),
            "time_limit": max(0.01, min(_STALL * effort.work_s, clock)),
            "mip_rel_gap": 0.0,
        }

    def _wishes(self, m: int) -> list[LinearConstraint]:
        """Keep the two of a pair together, or apart, whatever part it is."""
        far = self.case.far
        if far is None or not far.wish.any():
            return []
        owner = np.repeat(np.arange(self.case.graph.n_cells), np.diff(far.indptr))
        rows: list[tuple[list[int], list[float], float, float]] = []
        for at in np.flatnonzero((far.wish != 0) & (owner < far.indices)).tolist():
            together = bool(far.wish[at] > 0)
            for p in range(self.case.n_parts):
                ends = [self.number.get((p, int(cell)), -1) for cell in (owner[at], far.indices[at])]
                signs = [1.0, -1.0 if together else 1.0]
                known = [(j, sign) for j, sign in zip(ends, signs, strict=True) if j >= 0]
                if known:
                    low, high = (0.0, 0.0) if together else (-np.inf, 1.0)
                    rows.append(([j for j, _ in known], [sign for _, sign in known], low, high))
        row = np.repeat(np.arange(len(rows)), [len(columns) for columns, _, _, _ in rows])
        matrix = csr_array(
            (
                np.concatenate([values for _, values, _, _ in rows]),
                (row, np.concatenate([columns for columns, _, _, _ in rows])),
            ),
            shape=(len(rows), m),
        )
        return [LinearConstraint(matrix, [low for _, _, low, _ in rows], [high for _, _, _, high in rows])]

    def _cut_rows(self, m: int) -> list[LinearConstraint]:
        if not self.cuts:
            return []
        row = np.repeat(np.arange(len(self.cuts)), [len(columns) for columns, _ in self.cuts])
        columns = np.concatenate([columns for columns, _ in self.cuts])
        values = np.concatenate([values for _, values in self.cuts])
        return [LinearConstraint(csr_array((values, (row, columns)), shape=(len(self.cuts), m)), -np.inf, 1)]

    def _cut(self, part: NDArray[np.int32]) -> bool:
        """Ask for the contiguity that a solution lacks: two pieces need a cell around the one; tell whether any was."""
        graph = self.case.graph
        piece = part_component_labels(graph, part)
        any_cut = False
        for p in np.unique(part).tolist():
            mine = np.unique(piece[part == p])
            if len(mine) < 2:
                continue
            cells = [np.flatnonzero(piece == number) for number in mine.tolist()]
            main = max(cells, key=lambda own: (float(self.case.stay[own].sum()), len(own)))
            for own in cells:
                if own is main:
                    continue
                any_cut = True
                around = np.unique(
                    np.concatenate([graph.indices[graph.indptr[i] : graph.indptr[i + 1]] for i in own])
                )
                ring = [
                    self.number[p, int(i)]
                    for i in around
                    if piece[i] != piece[own[0]] and (p, int(i)) in self.number
                ]
                other = self.number[p, int(main[np.argmax(self.case.stay[main])])]
                for i in own.tolist():
                    mine_ix = self.number[p, i]
                    self.cuts.append(([mine_ix, other, *ring], [1.0, 1.0, *([-1.0] * len(ring))]))
        return any_cut
