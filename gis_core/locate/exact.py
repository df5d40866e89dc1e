"""Which side of an edge a point lies on, never a matter of rounding.

Arrays and numbers only; kernels of the other modules call these.
"""

from __future__ import annotations

import numpy as np

from gis_core._compat import njit

__all__ = ["on_edge", "side"]

#: (3 + 16 eps) eps of Shewchuk 1997, doi:10.1007/PL00009321: below this share of the sum, the sign may be
#: wrong.
_FILTER = 3.3306690738754716e-16
_SPLITTER = 134217729.0


@njit
def _two_product(a: float, b: float) -> tuple[float, float]:
    """Return a * b as a sum of two floats without error."""
    product = a * b
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@njit
def _exact_side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    """Return the exact sign of the cross product (a - p) x (b - p) as the leading part of an expansion."""
    left = (ax, -ax, -px, -ay, ay, py)
    right = (by, py, by, bx, px, bx)
    expansion = np.zeros(12)
    size = 0
    for i in range(6):
        high, low = _two_product(left[i], right[i])
        for part in (low, high):
            total = part
            for j in range(size):
                old = expansion[j]
                new = total + old
                virtual = new - total
                expansion[j] = (total - (new - virtual)) + (old - virtual)
                total = new
            expansion[size] = total
            size += 1
    for j in range(size - 1, -1, -1):
        if expansion[j] != 0.0:
            return expansion[j]
    return 0.0


@njit
def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    """Return > 0 where p lies left of a -> b, < 0 right of it, 0 exactly on the line."""
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    det = left - right
    if abs(det) > _FILTER * (abs(left) + abs(right)):
        return det
    return _exact_side(ax, ay, bx, by, px, py)


@njit
def on_edge(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> bool:
    """Tell whether p lies on the edge a-b, its ends included."""
    if px < min(ax, bx) or px > max(ax, bx) or py < min(ay, by) or py > max(ay, by):
        return False
    return side(ax, ay, bx, by, px, py) == 0.0
