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
from gis_core.partition.pockets import BlockTree, block_tree, judge

__all__ = ["deviation_lower_bound", "grain_of", "ladder"]

#: Pockets of all pieces are walked at most so often times the number of blocks.
_MOST_STEPS = 400_000
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


def _count_ranges(
    total: float, tree: BlockTree | None, cells: int, low: float, high: float
) -> list[tuple[int, int]]:
    """Return the numbers of parts, each inside [low, high], that are not ruled out for one piece."""
    least = max(1, math.ceil(total / high - _TINY))
    most = min(cells, math.floor(total / low + _TINY)) if low > 0 else cells
    ranges = judge(tree, low, high).counts if tree is not None and least <= most else ((least, most),)
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
    high = min(low + width, last)
    while high < last and probes > 0 and not possible(high):
        low, width, probes = high, 2 * width, probes - 1
        high = min(low + width, last)
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

    Returns
    -------
    float
        Fraction, 0 or more; 0 where there is no weight.

    Notes
    -----
    Linear in cells, times some 30 probes at most on small graphs and fewer on large ones.
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
    trees = [None] * len(weights) if graphs is None else _trees(graphs, weights)
    grain = grain_of(np.concatenate(weights))
    totals = [float(piece.sum()) for piece in weights]

    def possible(distance: float) -> bool:
        low, high = mean - distance, mean + distance
        if grain > 0:
            low, high = math.ceil(low / grain - _TINY) * grain, math.floor(high / grain + _TINY) * grain
        if low > high:
            return False
        ranges = [
            _count_ranges(own, tree, len(piece), low, high)
            for own, tree, piece in zip(totals, trees, weights, strict=True)
        ]
        return _can_add_up(ranges, free)

    blocks = sum(len(tree.gate) for tree in trees if tree is not None)
    probes = max(4, min(40, _MOST_STEPS // max(1, blocks)))
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
