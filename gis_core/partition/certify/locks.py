"""Which locked grids leave a rest that fits no number of grids: the smallest set of them, and which to release."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels, subgraph
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.certify.prove import Effort, find_plan
from gis_core.partition.certify.settle import MOST_CELLS
from gis_core.partition.certify.words import capital, first_cells, grids, households, number
from gis_core.partition.counts import count_range
from gis_core.partition.exact import ExactTask
from gis_core.partition.objective import Bounds
from gis_core.partition.pockets import Work, block_tree, judge

__all__ = ["LockBlame", "blamed_locks"]

#: Above so many cells of a piece only its total is looked at.
_MOST_WALKED = 50_000
#: Seconds of work for what the release of one lock leaves, counted in steps.
_ASK_S = 0.5


@dataclass(frozen=True, slots=True)
class LockBlame:
    """The smallest set of locks that leaves a rest which fits no number of grids.

    Attributes
    ----------
    locks : tuple of int
        Without any one of them the others would leave no such rest.
    cells : int64 array
        The rest, ascending.
    total : float
        Its weight.
    releases : tuple of (lock, weight, least grids, most grids)
        Locks of that set whose release alone mends it, and what then has to be shared by how many grids.
    late : bool
        Whether the deadline came first: then the set may not be the smallest, and releases may be missing.
    """

    locks: tuple[int, ...]
    cells: NDArray[np.int64]
    total: float
    releases: tuple[tuple[int, float, int, int], ...]
    late: bool = False

    def reason(self, code: str, names: Sequence[str], bounds: Bounds) -> Infeasible:
        """Put the blame into words.

        Parameters
        ----------
        code : str
            Code of the boundary polygon.
        names : sequence of str
            Name of each lock.
        bounds : Bounds
        """
        listed = [names[lock] for lock in self.locks]
        which = (
            f"The locked grid {listed[0]} leaves"
            if len(listed) == 1
            else f"The locked grids {', '.join(listed[:-1])} and {listed[-1]} together leave"
        )
        least, most = count_range(self.total, bounds)
        if most < 1:
            why = f"fewer than the minimum of {number(bounds.minimum)}"
        elif least > most:
            why = f"too many for {grids(most)} and too few for {grids(most + 1)}"
        else:
            why = "which single cells hold together so that no grids come out right"
        reason = f"{which} a rest of {households(self.total)} in {code!r}, {why}."
        said = [
            f"release {names[lock]} ({_share(total, low, high)})" for lock, total, low, high in self.releases
        ]
        if most < 1:
            said.append(f"lower the minimum to {number(math.floor(self.total))}")
        if most == 1 and least > most:
            said.append(f"raise the maximum to {number(math.ceil(self.total))}")
        mend = ", or ".join(said)
        mend = f"{capital(mend)}." if mend else self._usual_mend()
        told = (
            ("code", code),
            ("locks", ", ".join(listed)),
            ("total", self.total),
            ("min", bounds.minimum),
            ("max", bounds.maximum),
        )
        return Infeasible("lock", code, reason, first_cells(self.cells), mend, "rest", told)

    def _usual_mend(self) -> str:
        """Say what helps where no single release is known to be enough."""
        return "Release some of them." if self.late else "Release more than one of them."


def _share(total: float, least: int, most: int) -> str:
    count = grids(least) if least == most else f"{least:,} to {grids(most)}"
    return f"then {number(total)} are shared by {count}"


@dataclass(frozen=True, slots=True)
class _Ground:
    """One boundary polygon with its locks."""

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    locked: NDArray[np.int64]
    bounds: Bounds
    until: float | None

    def late(self) -> bool:
        """Tell whether the deadline is over."""
        return self.until is not None and time.perf_counter() >= self.until

    def rests(self, held: set[int]) -> list[NDArray[np.int64]]:
        """List the connected pieces with weight of what is free while some locks are held."""
        free = np.flatnonzero(~np.isin(self.locked, sorted(held)))
        if len(free) == 0:
            return []
        label = component_labels(subgraph(self.graph, free))
        pieces = [free[label == piece] for piece in range(int(label.max()) + 1)]
        return [cells for cells in pieces if self.weight[cells].sum() > 0]

    def fits(self, cells: NDArray[np.int64]) -> bool:
        """Tell whether nothing rules out that a piece is cut inside the bounds, cells above the maximum aside."""
        weight = self.weight[cells]
        if weight.max() > self.bounds.maximum:
            return True
        least, most = count_range(float(weight.sum()), self.bounds)
        if least > most or len(cells) > _MOST_WALKED:
            return least <= most
        tree = block_tree(subgraph(self.graph, cells), weight)
        work = None if self.until is None else Work.of_seconds(self.until - time.perf_counter())
        return bool(judge(tree, self.bounds.minimum, self.bounds.maximum, work=work).counts)

    def bad(self, held: set[int]) -> list[NDArray[np.int64]]:
        """List the pieces that fit no number of parts while some locks are held."""
        return [cells for cells in self.rests(held) if not self.fits(cells)]

    def mended_by(self, lock: int, held: set[int]) -> tuple[float, int, int] | None:
        """Return what has to be shared by how many grids once a lock is released; None where that mends nothing."""
        if self.bad(held - {lock}):
            return None
        inside = set(np.flatnonzero(self.locked == lock).tolist())
        found: list[tuple[float, int, int]] = []
        for cells in self.rests(held - {lock}):
            if inside.isdisjoint(cells.tolist()):
                continue
            total = float(self.weight[cells].sum())
            least, most = count_range(total, self.bounds)
            if len(cells) <= MOST_CELLS and not self._possible(cells, least, most):
                return None
            found.append((total, least, most))
        return max(found) if found else None

    def _possible(self, cells: NDArray[np.int64], least: int, most: int) -> bool:
        """Search a small piece to the end; True too where that takes too long."""
        graph, weight = subgraph(self.graph, cells), self.weight[cells]
        for count in range(least, min(most, len(cells)) + 1):
            task, effort = ExactTask(graph, weight, count), Effort(_ASK_S, self.until)
            if find_plan(task, self.bounds, effort).status != "none":
                return True
        return False


def blamed_locks(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    locked: NDArray[np.integer],
    bounds: Bounds,
    *,
    until: float | None = None,
) -> list[LockBlame]:
    """Find the smallest sets of locks without which the rest could be shared inside the bounds.

    Locks are let go one after the other, and stay let go where the rest still does not fit (a deletion filter), so
    that every lock of a set is needed for the blame.

    Parameters
    ----------
    graph : AdjacencyGraph
        Of one boundary polygon.
    weight : float64, shape (n_cells,)
    locked : int, shape (n_cells,)
        Cells with one number of 0 or more are locked as one grid; -1: free.
    bounds : Bounds
    until : float
        Deadline (a time of `time.perf_counter`); None: none. Nothing is looked for after it; what is said is true.

    Returns
    -------
    list of LockBlame
        One for each rest that fits no number of grids because of locks; empty where there is none.

    Notes
    -----
    Time grows with locks times cells.
    """
    load, label = np.asarray(weight, dtype=np.float64), np.asarray(locked, dtype=np.int64)
    ground = _Ground(graph, load, label, bounds, until)
    every = {int(lock) for lock in np.unique(ground.locked[ground.locked >= 0])}
    found = []
    for rest in ground.bad(every) if every else []:
        core = int(rest[0])

        def stuck(held: set[int], core: int = core) -> bool:
            return any(core in cells for cells in ground.bad(held))

        if ground.late():
            break
        if stuck(set()):
            continue
        needed = set(every)
        for lock in sorted(every):
            if ground.late():
                break
            if stuck(needed - {lock}):
                needed.discard(lock)
        cells = next(cells for cells in ground.bad(needed) if core in cells)
        releases = [
            (lock, None if ground.late() else ground.mended_by(lock, every)) for lock in sorted(needed)
        ]
        found.append(
            LockBlame(
                tuple(sorted(needed)),
                cells,
                float(ground.weight[cells].sum()),
                tuple((lock, *mended) for lock, mended in releases if mended is not None),
                ground.late(),
            )
        )
    return found
