"""Meet the bounds again with the least change: parts keep their ground unless moving it is needed.

The order of what counts: no violation of the bounds, then the fewest households that change hands, then the border.
Neighbourhoods of parts out of bounds are grown until their total fits, searched by annealing of single and paired
moves of border cells, and compared with opening parts inside an over-full one and with closing a starving one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.graph.components import component_labels, part_component_labels
from gis_core.model import AdjacencyGraph
from gis_core.partition._random import new_state
from gis_core.partition.counts import count_range, parts_for_total
from gis_core.partition.objective import Bounds, Objective
from gis_core.partition.problem import Constraint
from gis_core.partition.rebalance_asked import Terms
from gis_core.partition.rebalance_region import Ground, Key, Region, without_crossings
from gis_core.partition.rebalance_settle import mend, open_parts, settle
from gis_core.partition.rebalance_walks import WalkMender
from gis_core.partition.solve import StoppedBy

__all__ = ["Rebalanced", "rebalance"]

#: A part is opened or closed where that spares more than this share of the minimum from changing hands.
_CHANGE_SHARE = 0.5
#: Parts of a neighbourhood at most while it grows, and rounds of growing.
_MOST_PARTS, _ROUNDS = 40, 4
#: Times that one neighbourhood is solved in a round at most.
_REPEATS = 12
#: Parts out of bounds of one neighbourhood for which opening and closing are tried.
_WORST = 3


@dataclass(frozen=True, slots=True)
class Rebalanced:
    """A plan of before that meets the bounds again, as far as that can be.

    Attributes
    ----------
    assignment : int32, shape (n_cells,)
        Parts of before keep their number; those from `n_before` on are new; a part without cells was closed.
    n_parts : int
        Numbers in use, closed parts included.
    moved : float
        What changed hands.
    violation : float
        Sum over the parts of the weight by which they are out of bounds.
    stopped_by : {"converged", "time-limit"}
    mending : float
        What changes hands so that no part is in pieces: the lesser pieces of all parts.
    in_pieces : tuple of int
        Parts that stay in pieces, because mending them is more than may change hands.
    terms : Terms or None
        What it was held to.
    """

    assignment: NDArray[np.int32]
    n_parts: int
    moved: float
    violation: float
    stopped_by: StoppedBy
    mending: float = 0.0
    in_pieces: tuple[int, ...] = ()
    terms: Terms | None = None


def rebalance(
    graph: AdjacencyGraph,
    weight: NDArray[np.floating] | NDArray[np.integer],
    assignment: NDArray[np.integer],
    *,
    bounds: Bounds,
    zone: NDArray[np.integer] | None = None,
    stay: NDArray[np.floating] | None = None,
    n_parts: int | None = None,
    locked: Iterable[int] = (),
    max_moved: float | None = None,
    objective: Objective | None = None,
    constraints: Sequence[Constraint] = (),
    rng: np.random.Generator | int = 0,
    time_limit_s: float | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Rebalanced:
    """Meet the bounds again with the fewest households changing hands.

    Parameters
    ----------
    graph : AdjacencyGraph
    weight : shape (n_cells,)
        What is balanced, 0 or more.
    assignment : int, shape (n_cells,)
        Part of each cell until now; -1: none. Parts may be in pieces.
    bounds : Bounds
    zone : int, shape (n_cells,)
        Boundary polygon of each cell, which no part crosses; None: one for all.
    stay : shape (n_cells,)
        Households that would change hands with the cell; None: its weight.
    n_parts : int
        Number of parts of before, those without cells included; None: the greatest in `assignment` and one.
    locked : iterable of int
        Parts that neither give nor take a cell.
    max_moved : float
        Most households that may change hands, for mending too; the best plan within that is looked for. None: as few as
        the bounds need.
    objective : Objective
        Prices of borders and deviation, for new parts and for what `max_moved` leaves free.
    constraints : sequence of Constraint
        What else is asked, in the numbering of the cells: further weights with bounds, wishes, closed barriers. A wish
        that is fulfilled is not given up; one that is not counts as a violation. What constraints do after a search
        (`post`) is not done: it counts no change.
    rng : Generator or seed
    time_limit_s : float
        Wall-clock seconds; None: none.
    progress : callable
        Called with ("rebalance", share of the work that is done, in parts, parts); may raise to stop.

    Returns
    -------
    Rebalanced
        Every part is in one piece and in one zone, but for whole islands that it had before, and for `in_pieces`.

    Raises
    ------
    ParameterError
        Where arrays do not fit each other, a part lies in two zones, or a number cannot be used.
    """
    n = graph.n_cells
    part = np.array(assignment, dtype=np.int32)
    heavy = np.asarray(weight, dtype=np.float64)
    held = heavy if stay is None else np.asarray(stay, dtype=np.float64)
    where = np.zeros(n, np.int64) if zone is None else np.asarray(zone, dtype=np.int64)
    _require_usable(n, part, heavy, held, where, max_moved)
    rules = objective or Objective()
    count = int(part.max(initial=-1)) + 1 if n_parts is None else n_parts
    terms = Terms.of(without_crossings(graph, where), heavy, bounds, rules, constraints, part, where)
    ground = Ground(
        terms.links, terms.price, heavy, held, part.copy(), part, count, bounds, bounds.middle, set(locked),
        np.zeros(n, dtype=bool), terms.more, terms.more_limit, terms.far, terms.walk,
    )  # fmt: skip
    ground.hold_walks()
    if n == 0:
        return Rebalanced(part, count, 0.0, 0.0, "converged", terms=terms)
    work = _Work(ground, rules, tuple(constraints), np.random.default_rng(rng), time_limit_s, progress)
    budget = np.inf if max_moved is None else max_moved
    mending, torn = mend(ground, budget)
    settle(ground, where, rules, work.rng, work.constraints)
    work.run(budget)
    work.shorten()
    if max_moved is not None:
        work.spend(max_moved)
    return Rebalanced(
        ground.part, ground.n_parts, ground.moved(), float(ground.outside().sum()),
        "time-limit" if work.late else "converged", mending, torn, terms,
    )  # fmt: skip


def _require_usable(
    n: int,
    part: NDArray[np.int32],
    weight: NDArray[np.float64],
    stay: NDArray[np.float64],
    zone: NDArray[np.int64],
    max_moved: float | None,
) -> None:
    if not len(part) == len(weight) == len(stay) == len(zone) == n:
        raise ParameterError(f"Parts, weights and zones must have one entry for each of {n} cells.")
    for values in (weight, stay):
        if not np.isfinite(values).all() or (values < 0).any():
            raise ParameterError("A cell has a negative or missing number of households; give 0 or more.")
    if max_moved is not None and not max_moved >= 0:
        raise ParameterError(f"{max_moved:g} households cannot change hands; give 0 or more.")
    given = part >= 0
    pairs = np.unique(np.column_stack([part[given], zone[given]]), axis=0)
    if len(np.unique(pairs[:, 0])) < len(pairs):
        raise ParameterError("A part lies in two boundary polygons; carry it over first.")


@dataclass
class _Snapshot:
    part: NDArray[np.int32]
    n_parts: int


class _Work:
    """One run: the ground, the prices, the clock."""

    def __init__(
        self,
        ground: Ground,
        objective: Objective,
        constraints: tuple[Constraint, ...],
        rng: np.random.Generator,
        time_limit_s: float | None,
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self.ground, self.objective, self.rng = ground, objective, rng
        self.constraints = constraints
        self.state = new_state(rng)
        self.deadline = np.inf if time_limit_s is None else time.perf_counter() + time_limit_s
        self.progress = progress
        settled = ground.home >= 0
        load = float(ground.weight[settled].sum())
        each = float(ground.stay[settled].sum()) / load if load > 0 else 1.0
        self.penalty = _CHANGE_SHARE * ground.bounds.minimum * each
        self.late = False
        self.share = 0.0
        self.changed = 0
        self.cap = np.inf
        self.n_before = ground.n_parts
        self.group_violation = 0.0
        self.done: set[tuple[tuple[int, ...], bytes]] = set()
        self.island = component_labels(ground.graph)
        self.was_long = ground.long_parts(ground.home) > 0

    def tick(self) -> bool:
        """Report how much is done, and tell whether there is time left."""
        if self.progress is not None:
            self.progress("rebalance", int(self.share * self.ground.n_parts), self.ground.n_parts)
        self.late = self.late or time.perf_counter() >= self.deadline
        return not self.late

    def key(self) -> Key:
        """Return what the plan costs now."""
        ground = self.ground
        return (
            round(self.violation(), 6),
            ground.moved() + self.penalty * self.changed,
            ground.border_m(),
        )

    def violation(self) -> float:
        """Return by how much parts are out of bounds, and what wishes that are not fulfilled count."""
        found = float(self.ground.outside().sum()) + self.ground.broken()
        return found + self.ground.bounds.maximum * self._lengthened()

    def _lengthened(self) -> int:
        """Count the parts of before that became too long on foot."""
        long = self.ground.long_parts()[: self.n_before] > 0
        return int((long & ~self.was_long[: self.n_before]).sum())

    def bad(self) -> set[int]:
        """Return the parts that are out of bounds or stand against a wish."""
        return {*np.flatnonzero(self.ground.outside() > 0).tolist(), *self.ground.wishing()}

    def keep(self) -> tuple[_Snapshot, int]:
        return _Snapshot(self.ground.part.copy(), self.ground.n_parts), self.changed

    def restore(self, kept: tuple[_Snapshot, int]) -> None:
        self.ground.part[:] = kept[0].part
        self.ground.n_parts, self.changed = kept[0].n_parts, kept[1]

    def run(self, cap: float) -> None:
        """Bring parts into the bounds, neighbourhood by neighbourhood, which grow where that was not enough."""
        self.cap = cap
        for ring in range(1, _ROUNDS + 1):
            groups = self._groups(ring, self._hopeless())
            if not groups:
                return
            for at, group in enumerate(groups):
                # Parts inside the bounds tell little: most are from the start. A round counts as half of what is left.
                self.share = 1 - 0.5 ** (ring - 1) * (1 - 0.5 * at / len(groups))
                if not self.tick():
                    return
                self._heal(group, ring)

    def _heal(self, group: list[int], ring: int) -> None:
        """Solve a group again and again while that helps: each time one part of it may be opened or closed."""
        ground = self.ground
        for _ in range(_REPEATS):
            members = sorted(self._whole_group(group))
            bad = sorted(self.bad() & set(members))
            asked = (tuple(members), ground.part[np.isin(ground.part, members)].tobytes())
            if not bad or asked in self.done or not self.tick():
                return
            self.done.add(asked)
            before = self.violation()
            self._solve(members, bad, ring)
            if self.violation() >= before - 1e-6:
                return

    def _whole_group(self, group: list[int]) -> set[int]:
        """Return a group with the new parts that touch it."""
        neighbors = self.ground.neighbors()
        found, fresh = set(group), set(group)
        while fresh:
            near = {q for p in fresh for q in neighbors.get(p, ()) if q >= self.n_before}
            fresh = near - found
            found |= fresh
        return found

    def _hopeless(self) -> set[int]:
        """List the parts that no search can mend: by one heavy cell, or by the total of their island."""
        return self._heavy() | self._short_islands()

    def _heavy(self) -> set[int]:
        """List the parts that are out of bounds by no more than one of their cells is alone."""
        ground = self.ground
        _, high, unit = ground.limit.T
        alone = (unit * np.maximum(0.0, ground.weights - high)).sum(axis=1)
        worst = np.zeros(ground.n_parts)
        given = ground.part >= 0
        np.maximum.at(worst, ground.part[given], alone[given])
        return set(np.flatnonzero((worst > 0) & (ground.outside() <= worst + 1e-6)).tolist())

    def _short_islands(self) -> set[int]:
        """List the parts of islands whose total leaves as much violation with this or any usual number of parts."""
        ground, bounds = self.ground, self.ground.bounds
        if ground.more is not None or (ground.far is not None and ground.far.wish.any()):
            return set()
        of = np.full(ground.n_parts, -1)
        movable = ~ground.frozen
        of[ground.part[movable]] = self.island[movable]
        outside, totals = ground.outside(), ground.part_weight()
        found: set[int] = set()
        for island in np.unique(of[outside > 0]).tolist():
            parts = np.flatnonzero(of == island)
            total, now = float(totals[parts].sum()), float(outside[parts].sum())
            least = [
                max(0.0, count * bounds.minimum - total, total - count * bounds.maximum)
                for count in range(
                    max(1, len(parts) - 1), max(len(parts) + 1, int(total / bounds.middle) + 1) + 1
                )
            ]
            same = max(0.0, len(parts) * bounds.minimum - total, total - len(parts) * bounds.maximum)
            if now <= same + 1e-6 and min(least) > 0 and same - min(least) < self.penalty:
                found |= set(parts.tolist())
        return found

    def _groups(self, ring: int, hopeless: set[int]) -> list[list[int]]:
        """List disjoint neighbourhoods of the parts out of bounds, those with most violation first."""
        ground = self.ground
        outside, wishing = ground.outside(), set(ground.wishing())
        neighbors = ground.neighbors()
        totals = np.column_stack([ground.part_sum(column) for column in range(len(ground.limit))])
        bad = [p for p in np.argsort(-outside, kind="stable").tolist() if outside[p] > 0 or p in wishing]
        groups: list[set[int]] = []
        for p in bad:
            if p in ground.locked or p in hopeless:
                continue
            group = self._grown(p, ring, neighbors, totals)
            if p in wishing:
                group |= ground.partners(p)
            for other in [other for other in groups if other & group]:
                group |= other
                groups.remove(other)
            groups.append(group)
        groups.sort(key=lambda group: (-max(outside[p] for p in group), min(group)))
        return [sorted(group) for group in groups]

    def _grown(
        self, p: int, ring: int, neighbors: dict[int, set[int]], totals: NDArray[np.float64]
    ) -> set[int]:
        """Grow a group of parts around one until its totals fit their number, then `ring` times all its neighbours."""
        low, high, unit = self.ground.limit.T
        group, total = {p}, totals[p].copy()
        column = int(np.argmax(unit * np.maximum(low - total, total - high)))
        heavy = bool(total[column] > high[column])
        frontier = set(neighbors.get(p, ()))
        while frontier and len(group) < _MOST_PARTS:
            if (len(group) * low <= total).all() and (total <= len(group) * high).all():
                break
            best = min(frontier, key=lambda q: (totals[q, column] if heavy else -totals[q, column], q))
            group.add(best)
            total += totals[best]
            frontier = (frontier | neighbors.get(best, set())) - group
        for _ in range(ring):
            if len(group) >= _MOST_PARTS:
                break
            group |= {q for member in group for q in neighbors.get(member, ())}
        return group

    def _solve(self, group: list[int], bad: list[int], ring: int) -> None:
        """Take the best of: the same parts, parts opened inside an over-full one, a starving one closed."""
        before = self.keep()
        start = self.key()
        best, best_key = before, start
        moved = start[1]

        def consider(changed: bool = False) -> None:
            nonlocal best, best_key
            key = self.key()
            if key < best_key and not (changed and self._idle(start, best_key, key)):
                best, best_key = self.keep(), key

        outside = self.ground.outside()
        self.group_violation = float(outside[bad].sum())
        worst = sorted((p for p in bad if outside[p] > 0), key=lambda p: (-outside[p], p))[:_WORST]
        if len(group) < _MOST_PARTS or ring > 1 or not worst or not self._can_open(worst[0]):
            self._search(group)
            consider()
        if best_key[0] > 0 or best_key[1] - moved > self.penalty:
            for p in worst:
                for change in (self._open, self._close):
                    self.restore(before)
                    if self.tick() and change(p, group):
                        consider(changed=True)
        self.restore(best)

    def _idle(self, start: Key, best: Key, key: Key) -> bool:
        """Tell whether opening or closing a part gains little: bounds that stay broken are not worth a new number."""
        gain = best[0] - key[0]
        healed = start[0] - key[0] >= self.group_violation - 1e-6
        return gain > 0 and gain < self.penalty and not healed

    def _search(self, group: Iterable[int]) -> None:
        """Improve the parts of a group that have cells."""
        sizes = self.ground.sizes()
        parts = np.array(
            sorted(p for p in set(group) if sizes[p] and p not in self.ground.locked), dtype=np.int64
        )
        if len(parts) < 2:
            return
        region = Region(self.ground, parts)
        rule = region.rule(big=1.0, moved=1.0, border=0.0)
        cap = self.cap - self.ground.moved() + region.key(region.part, rule)[1]
        part, _ = region.improve(self.state, cap=cap)
        region.write(part)

    def _can_open(self, p: int) -> bool:
        least, most = count_range(float(self.ground.part_weight()[p]), self.ground.bounds)
        return 2 <= least <= most

    def _wanted(self, p: int) -> int:
        """Return how many parts one is to become: as many as its total asks for, and as its other weights need."""
        ground = self.ground
        totals = np.array([ground.part_sum(column)[p] for column in range(len(ground.limit))])
        if (totals <= ground.limit[:, 1] + 1e-9).all():
            return 1
        needed = int(np.ceil((totals / np.maximum(ground.limit[:, 1], 1e-9)).max() - 1e-9))
        weight = ground.weight[(ground.part == p) & ~ground.frozen]
        heavy = weight > ground.bounds.maximum
        # A cell above the maximum is a part of its own; the others share what is left.
        light = float(totals[0]) - float(weight[heavy].sum())
        count = int(heavy.sum()) + (parts_for_total(light, ground.bounds) if light > 0 else 0)
        return max(2, count, needed if not heavy.any() else 0)

    def _open(self, p: int, group: list[int]) -> bool:
        """Open parts inside an over-full one, as many as its totals ask for; tell whether that could be done."""
        ground = self.ground
        cells = np.flatnonzero((ground.part == p) & ~ground.frozen)
        count = self._wanted(p)
        if (
            count < 2
            or len(cells) < count
            or part_component_labels(ground.subgraph(cells), np.zeros(len(cells), np.int32)).any()
        ):
            return False
        fresh = open_parts(
            ground, cells, count, self.objective, self.rng, keeps=p, constraints=self.constraints
        )
        self.changed += len(fresh)
        near = ground.neighbors()
        around = {q for member in (p, *fresh) for q in near.get(member, ())}
        others = set(group) if len(group) < _MOST_PARTS else set()
        self._search({p, *fresh, *around, *others})
        return ground.moved() <= self.cap

    def _close(self, p: int, group: list[int]) -> bool:
        """Give all cells of a starving part to its neighbours; tell whether that could be done."""
        ground = self.ground
        near = ground.neighbors().get(p, set())
        totals = np.array([ground.part_sum(column)[p] for column in range(len(ground.limit))])
        if (totals >= ground.limit[:, 0] - 1e-9).all() or not near:
            return False
        cells = ground.part == p
        if ground.frozen[cells].any():
            return False
        heavy = ground.part_weight()
        take = min(near, key=lambda q: (heavy[q], q))
        ground.part[cells] = take
        self.changed += 1
        self._search(set(group) | near)
        return ground.moved() <= self.cap

    def shorten(self) -> None:
        """Mend parts that are too long on foot, where bounds and wishes do not suffer."""
        ground = self.ground
        if ground.walk is not None:
            WalkMender(
                ground, self.objective, self.constraints, self.rng, self.state, self.cap, self.tick
            ).run()

    def spend(self, max_moved: float) -> None:
        """Use what may still change hands for evener parts and shorter borders."""
        ground = self.ground
        sizes = ground.sizes()
        parts = np.array(
            [p for p in np.flatnonzero(sizes).tolist() if p not in ground.locked], dtype=np.int64
        )
        if len(parts) < 2 or not self.tick() or max_moved <= ground.moved():
            return
        region = Region(ground, parts)
        warm = region.usual_border()
        usual = max(float(region.price.sum()) / 2 / max(1.0, len(region.cells) / len(parts)) ** 0.5, 1e-6)
        usual /= len(parts)
        rule = region.rule(
            big=200 * usual / ground.mean,
            moved=0.0,
            border=1.0,
            extra=self.objective.deviation_factor * usual,
        )
        cap = max_moved - ground.moved() + region.key(region.part, rule)[1]
        proposals = min(20_000_000, 100_000 + 400 * len(region.cells))
        part = region.part
        for hot in (0.0, 1.0, 0.3):
            part, _, _ = region.anneal(
                part,
                rule,
                hot=hot * warm,
                cold=0.1 * hot * warm,
                proposals=proposals,
                state=self.state,
                cap=cap,
            )
        long = self._lengthened()
        region.write(part)
        if self._lengthened() > long:
            region.write(region.part)
