"""Lower bounds on the greatest deviation from the mean: cheap, and true for every partition with those numbers.

A deviation is possible only if every piece can be shared by some number of parts inside it, and those numbers add
up. That is asked for one deviation after the other: by totals, by the whole multiples that part weights are, and by
the pockets of each graph (`pockets`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph
from gis_core.partition.pockets import BlockTree, Verdict, Work, block_tree, judge

__all__ = ["deviation_lower_bound", "grain_of", "ladder", "work_within"]

#: Pockets of all pieces are walked at most so often times the number of blocks.
_MOST_STEPS = 400_000
#: Seconds of work (counted in boxes), the share of a time limit that they may be, and boxes that each block should
#: have in a probe, so that there are fewer probes where there is less work.
_WORK_S, _WORK_SHARE, _FEW_BOXES = 10.0, 0.25, 4
#: Boxes for each cell from which pockets are looked at; below, totals alone decide.
_BOXES_A_CELL = 2
_TINY = 1e-9


def grain_of(weight: NDArray[np.float64]) -> float:
    """Return a number that divides every weight: the greatest common divisor of integers, 0 for others."""
    if len(weight) == 0 or (weight != np.round(weight)).any() or weight.max() > 2**52:
        return 0.0
    return float(np.gcd.reduce(weight.astype(np.int64)))


def ladder(mean: float, grain: float, at: float) -> float:
    """Return the least distance from the mean, at least `at`, that a part weight can have."""
    if grain <= 0:
        return at
    # Far less than what callers add to come to the next distance.
    tiny = 1e-2 * _TINY * max(1.0, mean)
    below = mean - math.floor((mean - at + tiny) / grain) * grain
    above = math.ceil((mean + at - tiny) / grain) * grain - mean
    return max(at, min(below, above))


def work_within(time_limit_s: float | None) -> Work:
    """Return the work that a lower bound may take beside a search with that time limit (None: none)."""
    return Work.of_seconds(_WORK_S if time_limit_s is None else min(_WORK_S, _WORK_SHARE * time_limit_s))


class _Walks:
    """The walks of pockets that are still to come, each with its share of the work; none where that is used up."""

    def __init__(self, work: Work, blocks: int) -> None:
        self.work, self.blocks = work, blocks

    @property
    def are_left(self) -> bool:
        """Whether there is work left."""
        return self.work.boxes > 0

    def judge(self, tree: BlockTree, low: float, high: float) -> Verdict:
        """Do as `judge`; what one walk leaves is there for the others."""
        size = max(1, len(tree.gate))
        share = Work(self.work.boxes * size / max(size, self.blocks))
        self.work.boxes -= share.boxes
        verdict = judge(tree, low, high, work=share)
        self.work.boxes += share.boxes
        self.blocks -= size
        return verdict


def _count_ranges(
    total: float, tree: BlockTree | None, cells: int, low: float, high: float, walks: _Walks
) -> list[tuple[int, int]]:
    """Return the numbers of parts, each inside [low, high], that are not ruled out for one piece."""
    least = max(1, math.ceil(total / high - _TINY))
    most = min(cells, math.floor(total / low + _TINY)) if low > 0 else cells
    ranges: tuple[tuple[int, int], ...] = ((least, most),)
    if tree is not None and least <= most and walks.are_left:
        ranges = walks.judge(tree, low, high).counts
    return [(max(a, least), min(b, most)) for a, b in ranges if max(a, least) <= min(b, most)]


def _can_add_up(ranges: Sequence[list[tuple[int, int]]], wanted: int) -> bool:
    """Tell whether one number out of the ranges of each piece can be taken so that they add up."""
    if not all(ranges):
        return False
    fixed = [own[0] for own in ranges if len(own) == 1]
    low, high = sum(a for a, _ in fixed), sum(b for _, b in fixed)
    # Bit i: the pieces with several ranges can have i parts together.
    reached = 1
    for own in (own for own in ranges if len(own) > 1):
        step = 0
        for a, b in own:
            for count in range(a, min(b, wanted) + 1):
                step |= reached << count
        reached = step & ((1 << (wanted + 1)) - 1)
    span = reached >> max(0, wanted - high)
    return low <= wanted and (span & ((1 << (min(high, wanted) - low + 1)) - 1)) != 0


def _least_possible(possible: Callable[[float], bool], step: Callable[[float], float], first: float, last: float,
                    probes: int) -> float:  # fmt: skip
    """Return a distance below which nothing is possible, as great as some probes can find; at most `last`."""
    if possible(first):
        # Not a distance that a free part can have, maybe, but that of a part that is given.
        return first
    low = step(first)
    if low >= last or possible(low):
        return min(low, last)
    width = max(step(low + _TINY * max(1.0, last)) - low, last / 4096)
    # The power of two first, so that few probes come near a small distance too.
    ruled_out, open_ = -1, max(0, math.ceil(math.log2((last - low) / width)))
    while open_ - ruled_out > 1 and probes > 0:
        power, probes = (ruled_out + open_) // 2, probes - 1
        if possible(low + width * 2**power):
            open_ = power
        else:
            ruled_out = power
    high = min(low + width * 2**open_, last)
    low += width * 2**ruled_out if ruled_out >= 0 else 0.0
    for _ in range(probes):
        between = step((low + high) / 2)
        if between >= high or high - low < _TINY * last:
            break
        if possible(between):
            high = between
        else:
            low = between
    return min(step(low + _TINY * max(1.0, last)), last)


def deviation_lower_bound(
    weights: Sequence[NDArray[np.float64]],
    n_parts: int,
    *,
    graphs: Sequence[AdjacencyGraph] | None = None,
    locked: Sequence[float] = (),
    work: Work | None = None,
) -> float:
    """Return a proven lower bound on max |part - mean| / mean over the parts of one boundary polygon.

    It rests on the integrality of the weights, on the heaviest cell, on the pieces, whose totals must be shared by
    whole numbers of parts, on the pockets behind single cells, and on parts that are given already. It holds
    however the parts are shared between the pieces.

    Parameters
    ----------
    weights : sequence of float64 arrays
        Weights of the cells of each connected piece; no part has cells of two of them, each has a part at least.
    n_parts : int
        Number of parts of all pieces together, and of the locked ones.
    graphs : sequence of AdjacencyGraph
        The graph of each piece, connected, in the order of `weights`, with only the adjacencies that hold a part
        together; None: any graphs, a weaker bound.
    locked : sequence of float
        Weights of the parts that are given; they count for the mean.
    work : Work
        What is used is taken from it. The less there is, the weaker the bound; one walk of each graph may exceed it.
        None: 10 seconds, counted and not timed.

    Returns
    -------
    float
        Fraction, 0 or more; 0 where there is no weight.

    Notes
    -----
    Linear in cells, times some 30 probes at most on small graphs and fewer on large ones, or where work is short.
    """
    free = n_parts - len(locked)
    total = sum(float(piece.sum()) for piece in weights) + sum(locked)
    if total <= 0:
        return 0.0
    mean = total / n_parts
    first = max(
        0.0, *(abs(lock - mean) for lock in locked), *(float(piece.max()) - mean for piece in weights)
    )
    if free < len(weights) or free > sum(map(len, weights)) or not weights:
        return first / mean
    work = work or work_within(None)
    short = work.boxes < _BOXES_A_CELL * sum(map(len, weights))
    trees = [None] * len(weights) if graphs is None or short else _trees(graphs, weights)
    grain = grain_of(np.concatenate(weights))
    totals = [float(piece.sum()) for piece in weights]

    blocks = max(1, sum(len(tree.gate) for tree in trees if tree is not None))
    probes = max(4, min(40, _MOST_STEPS // blocks, int(work.boxes) // (_FEW_BOXES * blocks)))
    # Two more are to find where the probes begin.
    walks = _Walks(work, (probes + 2) * blocks)

    def possible(distance: float) -> bool:
        low, high = mean - distance, mean + distance
        if grain > 0:
            low, high = math.ceil(low / grain - _TINY) * grain, math.floor(high / grain + _TINY) * grain
        if low > high:
            return False
        ranges = [
            _count_ranges(own, tree, len(piece), low, high, walks)
            for own, tree, piece in zip(totals, trees, weights, strict=True)
        ]
        return _can_add_up(ranges, free)

    # From a deviation of 100 % on, parts may be empty and nothing is ruled out.
    found = _least_possible(possible, lambda at: ladder(mean, grain, at), first, max(first, mean), probes)
    return found / mean


def _trees(
    graphs: Sequence[AdjacencyGraph], weights: Sequence[NDArray[np.float64]]
) -> list[BlockTree | None]:
    return [
        block_tree(graph, np.asarray(own, dtype=np.float64))
        for graph, own in zip(graphs, weights, strict=True)
    ]
