"""Lower bounds on the greatest deviation from the mean: cheap, and true for every partition with those numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["deviation_lower_bound"]


def _grain(weight: NDArray[np.float64]) -> float:
    """Return a number that divides every weight: the greatest common divisor of integers, 0 for others."""
    if len(weight) == 0 or (weight != np.round(weight)).any() or weight.max() > 2**52:
        return 0.0
    return float(np.gcd.reduce(weight.astype(np.int64)))


def _spread(total: float, count: int, mean: float, grain: float) -> float:
    """Return the least possible greatest distance from `mean` of `count` multiples of `grain` with that total."""
    fair = total / count
    if grain <= 0:
        return abs(fair - mean)
    low, high = math.floor(fair / grain + 1e-9) * grain, math.ceil(fair / grain - 1e-9) * grain
    # Some part has at most `fair`, and so at most `low`; some part has at least `high`.
    return max(mean - low, high - mean, 0.0)


def deviation_lower_bound(weights: Sequence[NDArray[np.float64]], n_parts: int) -> float:
    """Return a proven lower bound on max |part - mean| / mean over the parts of one boundary polygon.

    It rests on the integrality of the weights, on the heaviest cell, and on the pieces, whose totals must be
    shared by whole numbers of parts. It holds however the parts are shared between the pieces.

    Parameters
    ----------
    weights : sequence of float64 arrays
        Weights of the cells of each connected piece that holds any; no part has cells of two of them.
    n_parts : int
        Number of parts of all pieces together.

    Returns
    -------
    float
        Fraction, 0 or more; 0 where there is no weight.

    Notes
    -----
    Linear in cells. The distance of a piece's fair share from the mean falls and then rises with its number
    of parts, so that the two numbers around piece / mean decide; integrality is used where there is one piece
    only, because with it that is not so.
    """
    totals = [float(piece.sum()) for piece in weights]
    total = sum(totals)
    if total <= 0:
        return 0.0
    mean = total / n_parts
    best = max(float(piece.max()) for piece in weights) - mean
    if len(weights) == 1:
        return max(0.0, best, _spread(total, n_parts, mean, _grain(weights[0]))) / mean
    for own in totals:
        fair = max(1, math.floor(own / mean))
        best = max(best, min(_spread(own, count, mean, 0.0) for count in (fair, fair + 1)))
    return max(0.0, best) / mean
