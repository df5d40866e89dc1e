"""The search on one graph: multilevel starts, cycles, and children of two parents.

A start coarsens the graph, cuts it by spanning trees, and anneals from level to level. A child of two plans
coarsens without joining cells that either plan parts, so that it begins with every border of both to choose from
(Sanders and Schulz 2012, doi:10.1137/1.9781611972924.2, with annealing in place of their local search).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.coarsen import coarsen
from gis_core.partition.refine import part_sums
from gis_core.partition.rules import Rules
from gis_core.partition.state import Level, State

__all__ = ["Clock", "Plan", "Search", "first_rules"]

#: Proposals in one call of a kernel, so that clock and cancel are looked at some ten times a second.
_CHUNK = 400_000
#: Clusters for each part on the coarsest graph of a start, and of a child.
_CLUSTERS, _CHILD_CLUSTERS = 12, 3
#: Temperatures, in prices of a usual link.
_HOT, _MILD, _COLD = 1.0, 0.7, 0.1
#: How much more each coarser level is annealed, for each of its cells.
_COARSER = 1.5


@dataclass
class Clock:
    """The deadline, the progress callback, and how far the work is."""

    deadline: float
    progress: Callable[[str, int, int], None] | None
    n_cells: int
    work: float = 1.0
    done: float = 0.0
    late: bool = field(default=False)
    _told: float = field(default=0.0)

    def tick(self, work: float) -> bool:
        """Count work done, report it, and tell whether there is time left."""
        self.done += work
        now = time.perf_counter()
        if self.progress is not None and now - self._told > 0.05:
            self._told = now
            self.progress("partition", int(self.n_cells * min(1.0, self.done / self.work)), self.n_cells)
        if now >= self.deadline:
            self.late = True
        return not self.late


@dataclass(frozen=True, slots=True)
class Plan:
    """A partition and its score (see `Rules.score`)."""

    score: tuple[float, float]
    part: NDArray[np.int32]


def first_rules(
    level: Level,
    n_parts: int,
    minimum: NDArray[np.float64],
    maximum: NDArray[np.float64],
    mean: NDArray[np.float64],
    deviation: float,
) -> Rules:
    """Tie prices to the border of a usual part: about that of a compact one."""
    links = float(np.maximum(level.cost, 0).sum())
    unit = links / max(1.0, level.n_cells / n_parts) ** 0.5 / n_parts
    return Rules(minimum, maximum, mean, deviation, max(unit, 1e-6))


class Search:
    """Plans of one connected graph.

    Attributes
    ----------
    level : Level
    n_parts : int
    rules : Rules
    rng : uint64, shape (1,)
    clock : Clock
    """

    def __init__(
        self, level: Level, n_parts: int, rules: Rules, rng: NDArray[np.uint64], clock: Clock
    ) -> None:
        self.level, self.n_parts, self.rules, self.rng, self.clock = level, n_parts, rules, rng, clock

    def plan(self, part: NDArray[np.int32]) -> Plan:
        """Score a partition."""
        sums = part_sums(part, self.level.weights, self.n_parts)
        return Plan(self.rules.score(sums, self.level.border_price(part)), part)

    def anneal(
        self, level: Level, part: NDArray[np.int32], hot: float, per_cell: float, *, coarse: bool
    ) -> NDArray[np.int32]:
        """Anneal `part` in place with so many proposals for each cell; `hot` in prices of a usual link."""
        state = State(level, part, self.n_parts, self.rules.at(level.weights, coarse=coarse))
        usual = level.usual_link()
        wanted = int(per_cell * level.n_cells) + 50
        chunks = max(1, -(-wanted // _CHUNK))
        steps = [hot * usual * (_COLD / hot) ** (i / chunks) for i in range(chunks + 1)]
        for i in range(chunks):
            state.propose(steps[i], steps[i + 1], wanted // chunks, self.rng)
            if not self.clock.tick(wanted / chunks):
                break
        return part

    def quench(self, part: NDArray[np.int32], per_cell: float) -> NDArray[np.int32]:
        """Take only moves that pay."""
        state = State(self.level, part, self.n_parts, self.rules.at(self.level.weights, coarse=False))
        state.propose(0.0, 0.0, int(per_cell * self.level.n_cells) + 50, self.rng)
        return part

    def _up(
        self, levels: list[Level], part: NDArray[np.int32], hot: float, per_cell: float
    ) -> NDArray[np.int32]:
        """Anneal from the coarsest level to the finest."""
        for depth in range(len(levels) - 1, -1, -1):
            level = levels[depth]
            if level.cluster is not None:
                part = part[level.cluster]
            if not self.clock.late:
                self.anneal(level, part, hot, per_cell * _COARSER**depth, coarse=depth > 0)
        return part

    @property
    def most_clusters(self) -> int:
        """Cells of the coarsest graph of a start, at most."""
        return min(self.level.n_cells, max(_CLUSTERS * self.n_parts, 24))

    def _heaviest(self, share: float) -> NDArray[np.float64]:
        """Greatest weights of a cluster: a share of the mean, and never above what one part may have."""
        heaviest = np.minimum(self.rules.maximum, self.rules.mean)
        heaviest[0] = share * self.rules.mean[0]
        return heaviest

    def start(self, per_cell: float, most_trees: int = 20) -> Plan:
        """Make a plan from nothing; of fewer trees for each cut where there is little time."""
        levels, _ = coarsen(
            self.level,
            n_wanted=self.most_clusters,
            heaviest=self._heaviest(0.2),
            state=self.rng,
        )
        coarsest = levels[-1]
        tries = max(min(2, most_trees), min(20_000 // max(1, coarsest.n_cells), most_trees))
        rule = self.rules.at(coarsest.weights, coarse=len(levels) > 1)
        return self.plan(
            self._up(levels, coarsest.tree_cuts(self.n_parts, rule, tries, self.rng), _HOT, per_cell)
        )

    def cycle(self, plan: Plan, per_cell: float) -> Plan:
        """Coarsen inside the parts of a plan, and anneal it again at every level."""
        levels, part = coarsen(
            self.level, n_wanted=self.most_clusters, heaviest=self._heaviest(0.2), state=self.rng,
            group=plan.part,
        )  # fmt: skip
        return self.plan(self._up(levels, part.copy(), _HOT, per_cell))

    def child(self, better: Plan, other: Plan, per_cell: float) -> Plan:
        """Choose anew among the borders of two plans, beginning with the better one."""
        both = better.part.astype(np.int64) * self.n_parts + other.part
        group = np.unique(both, return_inverse=True)[1].astype(np.int32)
        levels, _ = coarsen(
            self.level, n_wanted=_CHILD_CLUSTERS * self.n_parts, heaviest=self._heaviest(2.0), state=self.rng,
            group=group,
        )  # fmt: skip
        cluster = np.arange(self.level.n_cells, dtype=np.int32)
        for level in levels[:-1]:
            assert level.cluster is not None
            cluster = level.cluster[cluster]
        part = np.empty(levels[-1].n_cells, np.int32)
        part[cluster] = better.part
        return self.plan(self._up(levels, part, _MILD, per_cell))

    def evolve(
        self,
        n_plans: int,
        per_cell: float,
        rng: np.random.Generator,
        *,
        most_trees: int = 20,
        begun: Sequence[Plan] = (),
    ) -> Plan:
        """Make plans, let them have children, and let the worst go, until the best is left.

        Parameters
        ----------
        n_plans : int
        per_cell : float
            Proposals for each cell and level of a start.
        rng : Generator
            Decides who meets whom.
        most_trees : int
            See `start`.
        begun : sequence of Plan
            Those that there are already.
        """
        plans = list(begun)
        while len(plans) < n_plans and not (self.clock.late and plans):
            plans.append(self.start(per_cell, most_trees))
        while len(plans) > 1 and not self.clock.late:
            order = rng.permutation(len(plans))
            for i in range(0, len(plans) - 1, 2):
                a, b = sorted((int(order[i]), int(order[i + 1])), key=lambda k: plans[k].score)
                born = self.child(plans[a], plans[b], 1.5 * per_cell)
                if born.score < plans[b].score:
                    plans[b] = born
                if self.clock.late:
                    break
            plans.sort(key=lambda plan: plan.score)
            plans = plans[: max(1, int(0.7 * len(plans)))]
        return min(plans, key=lambda plan: plan.score)
