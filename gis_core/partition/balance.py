"""Evenness before all else: parts brought to the mean to the household, along a tree of the parts.

Annealing brings parts near the mean; what is left is carried from part to part by exchanges of cells, from the
leaves of a spanning tree of the parts to its root, where it adds up to nothing. Exchanges that keep the deviation
then shorten the border again.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gis_core.partition._random import below
from gis_core.partition.exchange import best_exchange
from gis_core.partition.refine import part_sums
from gis_core.partition.regroup import Regions, regroup
from gis_core.partition.search import Plan, Search

__all__ = ["balanced", "even_out", "greatest_deviation", "into_bounds"]

#: Exchanges between two parts in one visit.
_MOST_EXCHANGES = 25
#: Prices of a weight of one mean outside the target, in borders of a usual part: first gently, then whatever it costs.
_GENTLE, _FIRM = 60.0, 60_000.0
#: Price of a usual cell out of balance while the mean is only priced, in prices of a usual link.
_PULL = 6.0
#: Numbers of parts in a group; a larger group has more ways to be even.
_SIZES = (5, 6, 7, 8)
#: Share of the groups that are searched at all levels; the others are annealed from a mild temperature, in prices of a
#: usual link, with so many times the proposals for each cell. Groups drawn from nothing are hardly ever better.
_CYCLES, _MILD, _MILD_WORK = 0.7, 0.5, 1.7
#: Rounds of groups; after each, what is still missing is carried along trees again.
_ROUNDS = 3
#: Groups in the end for each part that is still off the target, unless there were fewer before.
_REPAIRS = 20
#: Ways that weight outside the bounds is sent along, for each part.
_MOST_WAYS = 4
#: Cells of parts that weight is sent between after the time is over, for each cell.
_GRACE = 4.0
#: Share of the width of the bounds that parts are sent inside them.
_INNER = 0.05
#: Share of what is too much that a part must have room for, to be sent any.
_WORTHWHILE = 0.1
#: How far a border is moved first before it is moved to where it should be, in widths of the bounds.
_ROCKING = (0, 1, -1, 2, -2, 4)
#: How much less it costs that the next part gets too much than that this one keeps it.
_PASSED_ON = 0.5
#: Cuts that are tried between two parts, and trees for each.
_RECUTS, _TREES_A_CUT = 10, 2
#: Sums of fractions are not exact; this share of a mean is nothing.
_TINY_SHARE = 1e-9
#: Deviations below this share of the mean are not worth any border.
_FINE = 2e-4
#: Graphs of so many cells or fewer are begun several times.
_SMALL, _BEGINNINGS = 1500, 8


def greatest_deviation(sums: NDArray[np.float64], mean: float) -> float:
    """Return the greatest distance of a part from the mean, in its unit."""
    return float(np.abs(sums - mean).max())


class _Balancer:
    """Exchanges between the parts of one plan."""

    def __init__(self, search: Search, plan: Plan) -> None:
        self.search = search
        self.regions = Regions(search.level, plan.part.copy(), search.n_parts)
        self.sums = np.zeros((search.n_parts, search.level.weights.shape[1]))
        np.add.at(self.sums, plan.part, search.level.weights)

    def exchange(
        self,
        p: int,
        q: int,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        *alphas: NDArray[np.float64],
    ) -> float:
        """Exchange cells between two parts while that lowers the price, at one price of imbalance after the other.

        Returns by how much the price fell.
        """
        group = np.array([p, q], np.int64)
        cells, level, part = self.regions.cut_out(group)
        if part.min() == part.max():
            return 0.0
        gain, sums, moved = 0.0, self.sums[group].copy(), False
        for alpha in alphas:
            for _ in range(_MOST_EXCHANGES):
                a, b, change = best_exchange(level, part, sums, low, high, alpha)
                if a < 0 and b < 0:
                    break
                for cell, side in ((a, 0), (b, 1)):
                    if cell >= 0:
                        part[cell] = 1 - side
                        sums[side] -= level.weights[cell]
                        sums[1 - side] += level.weights[cell]
                gain, moved = gain - change, True
        if moved:
            self.regions.put_back(cells, group, part)
            self.sums[group] = sums
        return gain

    def recut(self, p: int, q: int, low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
        """Draw the border between two parts anew by cuts of spanning trees, so that both are inside `low` to `high`.

        Where a few heavy cells lie between two parts, no exchange of one for another helps. Returns whether it was
        found; else nothing changes.
        """
        group = np.array([p, q], np.int64)
        cells, level, part = self.regions.cut_out(group)
        # Cuts make both sides equal. A weight put on a cell inside the part that is to be lighter makes up for it.
        total = self.sums[group, 0].sum()
        lows = np.maximum(low[:, 0], total - high[::-1, 0])
        half = float((np.minimum(high[:, 0], total - low[::-1, 0]) - lows)[0]) / 2
        if half < 0 or part.min() == part.max():
            return False
        light = int(lows.argmin())
        missing = float(lows.max() - lows.min())
        middle = float(lows.max()) + half
        rule = self.search.rules.between(middle - half, middle + half).at(level.weights, coarse=False)
        inside = np.flatnonzero(part == light)
        for _ in range(_RECUTS):
            kept = inside[below(self.search.rng, len(inside))]
            weights = level.weights.copy()
            weights[kept, 0] += missing
            new = replace(level, weights=weights).tree_cuts(2, rule, _TREES_A_CUT, self.search.rng)
            if new[kept] != light:
                new = 1 - new
            sums = part_sums(new, level.weights, 2)
            if (sums >= low).all() and (sums <= high).all():
                self.regions.put_back(cells, group, new)
                self.sums[group] = sums
                return True
        return False

    def limits(self, low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return limits for two parts: these for the first weight, the bounds for the others."""
        rules = self.search.rules
        lows, highs = np.tile(rules.minimum, (2, 1)), np.tile(rules.maximum, (2, 1))
        lows[:, 0], highs[:, 0] = low, high
        return lows, highs

    def carry(self, low: float, high: float, rng: np.random.Generator) -> None:
        """Bring every part but one into [low, high], from the leaves of a random spanning tree to its root."""
        neighbors = self.regions.neighbors()
        order, parent = _tree(neighbors, self.search.n_parts, rng)
        unit, mean = self.search.rules.unit, self.search.rules.mean[0]
        lows, highs = self.limits(low, high)
        alphas = [np.array([strength * unit / mean, 0.0]) for strength in (_GENTLE, _FIRM)]
        for p in order[:0:-1]:
            if self.sums[p, 0] < low or self.sums[p, 0] > high:
                self.exchange(int(p), int(parent[p]), lows, highs, *alphas)
            if not self.search.clock.tick(1):
                return

    def relieve(self, low: float, high: float) -> None:
        """Send what parts have outside [low, high] along the shortest ways to parts with room for it.

        A border over which nothing could be sent is not tried again in that direction, and nothing is sent back.
        """
        indptr, other, _price = self.regions.neighbors()
        shut: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
        given_up: set[int] = set()
        clock, grace = self.search.clock, _GRACE * self.search.level.n_cells
        for _ in range(_MOST_WAYS * self.search.n_parts):
            first = self.sums[:, 0]
            out = np.maximum(low - first, first - high)
            out[list(given_up)] = 0.0
            p = int(out.argmax())
            if out[p] <= _TINY_SHARE * self.search.rules.mean[0]:
                return
            spare = bool(first[p] > high)
            room = high - first if spare else first - low
            way = _way(p, float(out[p]), room, (indptr, other), shut[spare])
            if len(way) == 0:
                given_up.add(p)
                continue
            amount = min(float(out[p]), float(room[way[-1]]))
            for here, there in pairwise(way):
                if not clock.tick(0.0):
                    grace -= np.count_nonzero((self.regions.part == here) | (self.regions.part == there))
                if grace < 0:
                    return
                if not self.send(here, there, amount, low, high):
                    shut[spare].add((here, there))
                    break
                shut[spare].add((there, here))
                amount = float(max(low - self.sums[there, 0], self.sums[there, 0] - high))
                if amount <= 0:
                    break
            indptr, other, _price = self.regions.neighbors()

    def send(self, p: int, q: int, amount: float, low: float, high: float) -> bool:
        """Pass on so much of what a part has outside [low, high] to its neighbour, which may then have it outside.

        Returns whether at least half of it was passed on.
        """
        unit, mean = self.search.rules.unit, self.search.rules.mean[0]
        alphas = [np.array([strength, _PASSED_ON * strength]) * unit / mean for strength in (_GENTLE, _FIRM)]
        (own, other), width = self.sums[[p, q], 0], high - low
        enough = max(0.0, max(low - own, own - high) - amount / 2)
        lows, highs = self.limits(low, high)
        lows[1, 0], highs[1, 0] = min(low, other - amount), max(high, other + amount)
        lows[0, 0], highs[0, 0] = min(low, own + amount), max(high, own - amount)
        # Prices rise from nothing, so that parts would stop just outside.
        inner = np.array([[_INNER * width], [0.0]])
        regions, start = self.regions, self.regions.part.copy()
        for rock in _ROCKING:
            if rock:
                # Where heavy cells are in the way, more is sent at first, or some is taken, and then put right.
                away = np.array([[rock], [-rock]]) * max(amount, width)
                self.exchange(p, q, lows - away, highs - away, *alphas)
            self.exchange(p, q, lows + inner, highs - inner, *alphas)
            if max(low - self.sums[p, 0], self.sums[p, 0] - high) <= enough:
                return True
        both = np.flatnonzero((start == p) | (start == q)).astype(np.int32)
        regions.put_back(both, np.array([p, q]), (start[both] == q).astype(np.int32))
        self.sums[[p, q]] = [self.search.level.weights[start == each].sum(axis=0) for each in (p, q)]
        # A few cells are seldom to the household what is too much: half of the room is left for more.
        lows[1, 0], highs[1, 0] = lows[1, 0] - width / 2, highs[1, 0] + width / 2
        return self.recut(p, q, lows, highs)

    def shorten(self, low: float, high: float, rng: np.random.Generator, sweeps: int) -> None:
        """Shorten borders by exchanges that leave no part further outside [low, high]."""
        lows, highs = self.limits(low, high)
        alpha = np.full(2, _FIRM * self.search.rules.unit / self.search.rules.mean[0])
        for _ in range(sweeps):
            gain = 0.0
            indptr, other, _price = self.regions.neighbors()
            owner = np.repeat(np.arange(self.search.n_parts), np.diff(indptr))
            pairs = np.column_stack([owner, other])[owner < other]
            for p, q in pairs[rng.permutation(len(pairs))]:
                gain += self.exchange(int(p), int(q), lows, highs, alpha)
                if not self.search.clock.tick(1):
                    return
            if gain < 1e-4 * self.search.rules.unit:
                return


def _way(
    start: int,
    amount: float,
    room: NDArray[np.float64],
    neighbors: tuple[NDArray[np.int64], NDArray[np.int32]],
    shut: set[tuple[int, int]],
) -> list[int]:
    """Return the shortest way from a part to one with room for an amount, else to the one with most; empty: none."""
    indptr, other = neighbors
    before = {start: -1}
    queue = [start]
    best, most = -1, 0.0
    for here in queue:
        if here != start and room[here] > max(most, _WORTHWHILE * amount):
            best, most = here, float(room[here])
            if most >= amount:
                break
        for there in other[indptr[here] : indptr[here + 1]].tolist():
            if there not in before and (here, there) not in shut:
                before[there] = here
                queue.append(there)
    way = []
    while best >= 0:
        way.append(best)
        best = before[best]
    return way[::-1]


def _tree(
    neighbors: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]],
    n_parts: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw a spanning tree of the parts, mostly along long borders: visiting order from the root, and parents."""
    indptr, other, price = neighbors
    weight = price * rng.random(len(price))
    parent = np.full(n_parts, -1, np.int64)
    best = np.full(n_parts, -1.0)
    seen = np.zeros(n_parts, dtype=bool)
    order = np.zeros(n_parts, np.int64)
    here = int(rng.integers(n_parts))
    for place in range(n_parts):
        seen[here] = True
        order[place] = here
        row = slice(indptr[here], indptr[here + 1])
        better = weight[row] > best[other[row]]
        best[other[row][better]] = weight[row][better]
        parent[other[row][better & ~seen[other[row]]]] = here
        best[seen] = -1.0
        if place < n_parts - 1:
            here = int(np.argmax(np.where(seen, -2.0, best)))
    return order, parent


def even_out(
    search: Search,
    plan: Plan,
    mean: float,
    target: float,
    rng: np.random.Generator,
    *,
    trees: int,
    sweeps: int = 3,
) -> Plan:
    """Bring all parts as near to the mean as exchanges can, then shorten the border again.

    Parameters
    ----------
    search : Search
    plan : Plan
    mean : float
        What every part should weigh.
    target : float
        Distance from the mean at which no part need come nearer, such as a lower bound.
    rng : Generator
    trees : int
        Spanning trees to try at most; the first that reaches the target is kept.
    sweeps : int
        Times that all pairs of parts are visited to shorten their border.

    Returns
    -------
    Plan
        With the smallest greatest deviation met; the shortest border of those.
    """
    target = target * (1 + 1e-9) + 1e-9 * mean
    best: tuple[float, float] | None = None
    found = plan
    for _ in range(trees):
        work = _Balancer(search, found)
        work.carry(mean - target, mean + target, rng)
        deviation = greatest_deviation(work.sums[:, 0], mean)
        if deviation > target and best is not None and deviation > best[0]:
            continue
        work.shorten(mean - target, mean + target, rng, sweeps)
        now = search.plan(work.regions.part)
        key = (greatest_deviation(work.sums[:, 0], mean), search.level.border_price(now.part))
        if best is None or key < best:
            best, found = key, now
        if best[0] <= target or search.clock.late:
            break
    return found


def into_bounds(search: Search, plan: Plan) -> Plan:
    """Bring the first weight of every part inside its bounds, where exchanges can: what is too much in one part goes on
    from part to part to the nearest that has room for it.

    Quick, careless of borders, and done to the end also where the time is over, unless parts are so large that it
    would take long: for a first plan.

    Returns
    -------
    Plan
        The best that was met; `plan` itself where nothing is out of bounds.
    """
    if plan.score[0] <= 0:
        return plan
    work = _Balancer(search, plan)
    work.relieve(float(search.rules.minimum[0]), float(search.rules.maximum[0]))
    return min(plan, search.plan(work.regions.part), key=lambda one: one.score)


def balanced(
    search: Search,
    plans: tuple[int, float],
    groups: tuple[int, float],
    lower_bound: float,
    rng: np.random.Generator,
) -> Plan:
    """Find a plan with the smallest greatest deviation that the search meets, and a short border.

    Parameters
    ----------
    search : Search
        Its rules are the bounds that parts must keep in any case.
    plans : (int, float)
        Plans to evolve, and proposals for each cell and level.
    groups : (int, float)
        Groups to draw anew, and proposals for each cell and level.
    lower_bound : float
        Proven lower bound on the greatest deviation, in the unit of the weight.
    rng : Generator

    Notes
    -----
    First the mean is only priced, so gently that cells still move; then parts are brought to it exactly; then
    groups of parts are drawn anew, each brought to the mean before it is judged.
    """
    weight, hard = search.level.weights[:, 0], search.rules
    mean = float(weight.sum() / search.n_parts)
    usual = float((weight**2).sum() / max(weight.sum(), 1e-300))
    reach = max(lower_bound, 0.1 * usual)
    soft = hard.softly(mean - reach, mean + reach, _PULL * search.level.usual_link() / max(usual, 1e-300))
    target = max(lower_bound, _FINE * mean)
    tight = hard.between(mean - target * (1 + 1e-9), mean + target * (1 + 1e-9))
    best: Plan | None = None
    # A small graph costs next to nothing and may have few ways to be even: begin several times.
    for _ in range(1 if search.level.n_cells > _SMALL else _BEGINNINGS):
        search.rules = soft
        plan = search.evolve(*plans, rng)
        plan = regroup(search, plan, groups[0] // 3, groups[1], rng, bold=False)
        search.rules = tight
        plan = even_out(search, search.plan(plan.part), mean, target, rng, trees=6)
        best = plan if best is None or plan.score < best.score else best
        if best.score[0] == 0 or search.clock.late:
            break
    assert best is not None

    def anew(small: Search, old: Plan) -> Plan:
        small.rules = soft
        if rng.random() < _CYCLES:
            new = small.cycle(old, groups[1])
        else:
            new = small.plan(
                small.anneal(small.level, old.part.copy(), _MILD, _MILD_WORK * groups[1], coarse=False)
            )
        small.rules = tight
        return even_out(small, small.plan(new.part), mean, target, rng, trees=2, sweeps=1)

    for _ in range(_ROUNDS):
        best = regroup(
            search, best, groups[0] // _ROUNDS, groups[1], rng, bold=False, sizes=_SIZES, finish=anew
        )
        if best.score[0] > 0 and not search.clock.late:
            # What is too much here may be missing far away, where no group reaches.
            other = even_out(search, best, mean, target, rng, trees=6)
            best = min(best, other, key=lambda plan: plan.score)
    if best.score[0] > 0:
        off = int(
            (np.abs(np.bincount(best.part, weights=weight, minlength=search.n_parts) - mean) > target).sum()
        )
        repairs = min(_REPAIRS * off, groups[0])
        best = regroup(
            search, best, repairs, groups[1], rng, bold=False, sizes=_SIZES, finish=anew, until=0.0
        )
    search.rules = hard
    return search.plan(best.part)
