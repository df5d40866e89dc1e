"""How few could change hands: a lower bound by flows between parts, and the exact least for small cases.

The bound is the optimum of a linear program: weight of each part of before flows to the parts of now, each unit that
was settled costs 1, and all parts end inside the bounds. A part takes nothing from one that it did not touch where
already the ground between the two is worth more than the plan at hand; every part keeps some of its ground. The exact
answer is a mixed-integer program in which cells are whole and parts in one piece; contiguity is asked for where a
solution breaks it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds as Limits
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from gis_core.graph.components import component_labels, part_component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition.objective import Bounds

__all__ = ["Case", "least_change_exactly", "least_change_flow"]

#: Cells times parts up to which the cost of the ground between parts is measured.
_MEASURED = 20_000_000
#: Greatest weight for which the cells that could leave a part are tried in all combinations.
_COMBINED = 4_000
_TINY = 1e-6


@dataclass(frozen=True)
class Case:
    """A plan of before, and one of now whose change is to be judged.

    Attributes
    ----------
    graph : AdjacencyGraph
        Without adjacencies between zones.
    weight, stay : float64, shape (n,)
    home, part : int32, shape (n,)
        Part of before (-1: none) and of now.
    n_parts : int
    bounds : Bounds
    locked : frozenset of int
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    stay: NDArray[np.float64]
    home: NDArray[np.int32]
    part: NDArray[np.int32]
    n_parts: int
    bounds: Bounds
    locked: frozenset[int] = frozenset()

    @property
    def moved(self) -> float:
        """What changed hands."""
        return float(self.stay[(self.home >= 0) & (self.home != self.part)].sum())

    @property
    def violation(self) -> float:
        """By how much all parts together are out of bounds."""
        totals = np.bincount(self.part, weights=self.weight, minlength=self.n_parts)[self.alive]
        return float(
            np.maximum(0, np.maximum(self.bounds.minimum - totals, totals - self.bounds.maximum)).sum()
        )

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Parts that have cells now; shape (n_parts,)."""
        return np.bincount(self.part, minlength=self.n_parts) > 0

    @property
    def whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.weight == np.round(self.weight)).all() and (self.stay == np.round(self.stay)).all())


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
    """The linear program of the bound: paid and free flows, ground without a part, slack."""

    def __init__(self, case: Case, reach: NDArray[np.float64] | None) -> None:
        self.case = case
        self.rows: list[NDArray[np.int64]] = []
        self.cols: list[NDArray[np.int64]] = []
        self.vals: list[NDArray[np.float64]] = []
        self.n_columns = 0
        island = component_labels(case.graph)
        self.n_islands = int(island.max()) + 1
        k = case.n_parts
        settled = case.home >= 0
        self.had = np.bincount(case.home[settled], weights=case.weight[settled], minlength=k)
        self.paid = np.bincount(case.home[settled], weights=case.stay[settled], minlength=k)
        self.arcs = self._arcs(island, reach)
        self.pool = np.bincount(island[~settled], weights=case.weight[~settled], minlength=self.n_islands)
        self.island_of = np.full(k, -1)
        self.island_of[case.part] = island

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
        case, (a, b) = self.case, self.arcs
        k, m = case.n_parts, len(a)
        part, zone = self._pool_arcs()
        p = len(part)
        size = 2 * m + p + k
        paid, free, pool, slack = (
            np.arange(m),
            m + np.arange(m),
            2 * m + np.arange(p),
            2 * m + p + np.arange(k),
        )
        cost = np.zeros(size)
        cost[:m] = 1
        ones = np.ones
        into = coo_array(
            (
                np.concatenate([ones(2 * m), -ones(2 * m), ones(p)]),
                (np.concatenate([b, b, a, a, part]), np.concatenate([paid, free, paid, free, pool])),
            ),
            shape=(k, size),
        ).tocsr()
        give = coo_array((ones(k), (np.arange(k), slack)), shape=(k, size)).tocsr()
        alive = np.flatnonzero(case.alive)
        closed = np.flatnonzero(~case.alive)
        low, high = case.bounds.minimum - self.had, case.bounds.maximum - self.had
        out_paid = coo_array((ones(m), (a, paid)), shape=(k, size)).tocsr()
        out_free = coo_array((ones(m), (a, free)), shape=(k, size)).tocsr()
        all_slack = coo_array((ones(k), (np.zeros(k, int), slack)), shape=(1, size)).tocsr()
        least = self._combined()
        from scipy.sparse import vstack

        upper = vstack(
            [into[alive] - give[alive], -into[alive] - give[alive], out_paid, out_free, all_slack, -out_paid]
        )
        limit = np.concatenate(
            [high[alive], -low[alive], self.paid, self.had - self.paid, [case.violation + _TINY], -least]
        )
        from_pool = coo_array((ones(p), (zone, pool)), shape=(self.n_islands, size)).tocsr()
        fed = np.unique(zone)
        equal = vstack([into[closed], from_pool[fed]])
        found = linprog(
            cost, A_ub=upper, b_ub=limit, A_eq=equal, b_eq=np.concatenate([-self.had[closed], self.pool[fed]]),
            method="highs",
        )  # fmt: skip
        return float(found.fun) if found.status == 0 else None

    def _pool_arcs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Let ground without a part flow to every part of its island."""
        island = component_labels(self.case.graph)
        now = np.unique(np.column_stack([self.case.part, island]), axis=0).astype(np.int64)
        now = now[self.pool[now[:, 1]] > 0]
        return now[:, 0], now[:, 1]

    def _combined(self) -> NDArray[np.float64]:
        """Return what must leave each part because whole cells leave; shape (n_parts,).

        Only where no violation is left over, and for parts too heavy by a moderate whole number.
        """
        case = self.case
        least = np.zeros(case.n_parts)
        if case.violation > _TINY or not case.whole:
            return least
        for part in np.flatnonzero(self.had > case.bounds.maximum):
            need = int(np.ceil(self.had[part] - case.bounds.maximum))
            cells = np.flatnonzero((case.home == part) & (case.weight > 0))
            if need <= _COMBINED and part not in case.locked:
                least[part] = _cheapest(case.weight[cells], case.stay[cells], need)
        return least


def _cheapest(weight: NDArray[np.float64], stay: NDArray[np.float64], need: int) -> float:
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
    case: Case, *, most_pairs: int = 4_000, time_limit_s: float = 10.0
) -> tuple[float, NDArray[np.int32] | None]:
    """Find the least that must change hands without violation, and a plan that shows it.

    Parameters
    ----------
    case : Case
        Its plan holds the bounds.
    most_pairs : int
        Pairs of a cell and another part that could take it, above which nothing is tried.
    time_limit_s : float

    Returns
    -------
    bound : float
        Nothing below it is possible with these parts; equal to what `part` (or, without one, the plan at hand) changes
        where the proof was finished. 0 where nothing was tried.
    part : int32, shape (n,), or None
        A plan that changes less than the one at hand.
    """
    if case.moved <= 0 or case.violation > _TINY:
        return 0.0, None
    reach = _reach(case)
    if reach is None:
        to, cell = np.nonzero(np.ones((case.n_parts, case.graph.n_cells), dtype=bool) & case.alive[:, None])
    else:
        to, cell = np.nonzero(reach < case.moved - _TINY)
    keep = _allowed(case, to, cell)
    if len(keep[0]) - case.graph.n_cells > most_pairs:
        return 0.0, None
    return _CellProgram(case, *keep).solve(time_limit_s)


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

    def solve(self, time_limit_s: float) -> tuple[float, NDArray[np.int32] | None]:
        """Solve, cut and solve again; return the bound, and a plan where it changes less than the one at hand."""
        case, n, m = self.case, self.case.graph.n_cells, len(self.to)
        deadline, bound = time.perf_counter() + time_limit_s, 0.0
        once = csr_array((np.ones(m), (self.cell, np.arange(m))), shape=(n, m))
        sums = csr_array((case.weight[self.cell], (self.to, np.arange(m))), shape=(case.n_parts, m))
        had = np.bincount(case.home[case.home >= 0], minlength=case.n_parts) > 0
        own = np.flatnonzero((case.home[self.cell] == self.to) | ~had[self.to])
        size = csr_array((np.ones(len(own)), (self.to[own], own)), shape=(case.n_parts, m))
        alive = np.flatnonzero(case.alive)
        fixed: list[LinearConstraint] = [
            LinearConstraint(once, 1, 1),
            LinearConstraint(sums[alive], case.bounds.minimum, case.bounds.maximum),
            LinearConstraint(size[alive], 1, np.inf),
        ]
        while (left := deadline - time.perf_counter()) > 0:
            found = milp(
                self.cost, constraints=[*fixed, *self._cut_rows(m)], integrality=np.ones(m), bounds=Limits(0, 1),
                options={"time_limit": left, "mip_rel_gap": 0.0},
            )  # fmt: skip
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
