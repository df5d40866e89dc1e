"""Parts that are too long on foot are mended with the least change, where the bounds allow it.

A part is drawn anew with those around it by the search of rebalancing, in which each of its pairs that are too far
apart has a price; a plan is kept only where the part comes inside the bound. Where that fails it is divided in two, if
each half may be a part. What cannot be mended stays as it is: nobody changes hands for a way that stays too long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gis_core.partition.objective import Objective
from gis_core.partition.problem import Constraint
from gis_core.partition.rebalance_region import Ground, Region
from gis_core.partition.rebalance_settle import open_parts

__all__ = ["WalkMender"]

#: Rings of parts around a part that is too long, taken in turn, and parts of one region at most.
_RINGS, _MOST_PARTS = (1, 2), 16
#: What a pair that is too far apart counts in the search, in usual cells, taken in turn.
_STRENGTHS = (0.1, 1.0)
#: Plans that are searched from one start.
_TRIES = 4


class WalkMender:
    """A plan under way whose parts become shorter on foot.

    Parameters
    ----------
    ground : Ground
        Changed in place; its wishes of ways are left as `Ground.hold_walks` says.
    objective : Objective
        For parts that are opened.
    constraints : sequence of Constraint
        For these too.
    rng : Generator
    state : uint64, shape (1,)
        Random state of the kernels.
    cap : float
        Most that may change hands in all.
    tick : callable
        Tells whether there is time left.
    """

    def __init__(
        self,
        ground: Ground,
        objective: Objective,
        constraints: Sequence[Constraint],
        rng: np.random.Generator,
        state: NDArray[np.uint64],
        cap: float,
        tick: Callable[[], bool],
    ) -> None:
        self.ground, self.objective, self.constraints = ground, objective, constraints
        self.rng, self.state, self.cap, self.tick = rng, state, cap, tick

    def run(self) -> None:
        """Try every part that is too long, those with most pairs first, until none more can be mended."""
        given_up: set[int] = set()
        while self.tick():
            pairs = self.ground.long_parts()
            open_ = [p for p in np.argsort(-pairs, kind="stable").tolist() if pairs[p] > 0]
            open_ = [p for p in open_ if p not in self.ground.locked and p not in given_up]
            if not open_:
                break
            if not self._mended(open_[0]):
                given_up.add(open_[0])
        self.ground.hold_walks()

    def _mended(self, p: int) -> bool:
        """Mend one part; tell whether it was."""
        neighbors = self.ground.neighbors()
        group, ring = {p}, {p}
        for _ in _RINGS:
            ring = {q for member in ring for q in neighbors.get(member, ())} - group
            if not ring or (len(group) > 1 and len(group) + len(ring) > _MOST_PARTS):
                break
            group |= ring
            for strength in _STRENGTHS:
                if not self.tick():
                    return False
                if self._kept(p, partial(self._search, [p], sorted(group), strength)):
                    return True
        return self.tick() and self._kept(p, partial(self._divide, p, sorted(group)))

    def _kept(self, p: int, change: Callable[[], None]) -> bool:
        """Change the plan, and change it back where the part is still too long or anything else got worse."""
        ground = self.ground
        ground.hold_walks()
        before, was, n_parts, pairs = (
            self._violation(),
            ground.part.copy(),
            ground.n_parts,
            ground.long_parts(),
        )
        change()
        ground.hold_walks()
        now = ground.long_parts()
        long = np.flatnonzero(now).tolist()
        fine = now[p] == 0 and all(q < n_parts and pairs[q] > 0 for q in long)
        if fine and self._violation() <= before + 1e-6 and ground.moved() <= self.cap + 1e-6:
            return True
        ground.part[:], ground.n_parts = was, n_parts
        ground.hold_walks()
        return False

    def _violation(self) -> float:
        """Return by how much parts are out of bounds, and what wishes that are not fulfilled count."""
        return float(self.ground.outside().sum()) + self.ground.broken()

    def _search(self, long: Sequence[int], group: Sequence[int], strength: float) -> None:
        """Search some parts with prices on the pairs of those of them that are too long."""
        ground = self.ground
        sizes = ground.sizes()
        parts = np.array([q for q in group if sizes[q] and q not in ground.locked], dtype=np.int64)
        if len(parts) < 2:
            return
        inhabited = ground.weight[np.isin(ground.part, long) & (ground.weight > 0)]
        usual = float(inhabited.mean()) if len(inhabited) else 1.0
        ground.hold_walks(strength * usual, long)
        region = Region(ground, parts)
        rule = region.rule(big=1.0, moved=1.0, border=0.0)
        cap = self.cap - ground.moved() + region.key(region.part, rule)[1]
        part, _ = region.improve(self.state, tries=_TRIES, cap=cap)
        region.write(part)

    def _divide(self, p: int, group: list[int]) -> None:
        """Open a part inside one, where the minimum leaves room for both, and search around it."""
        ground = self.ground
        cells = np.flatnonzero((ground.part == p) & ~ground.frozen)
        around = sum(float(ground.weight[ground.part == q].sum()) for q in group)
        if len(cells) < 2 or around < (len(group) + 1) * ground.bounds.minimum:
            return
        fresh = open_parts(ground, cells, 2, self.objective, self.rng, keeps=p, constraints=self.constraints)
        self._search([p, *fresh], sorted({*group, *fresh}), _STRENGTHS[-1])
