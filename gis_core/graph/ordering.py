"""The order of cells in memory: near in space, near in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["spatial_order"]


def spatial_order(
    x: NDArray[np.float64], y: NDArray[np.float64], tie: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Order points along a Z-curve (Morton 1966), so that the order of the input rows does not matter.

    Parameters
    ----------
    x, y : float64, shape (n,)
    tie : float64, shape (n,)
        Decides between points of one place; None: their position does.

    Returns
    -------
    int64, shape (n,)
        Positions in that order. Ties of the curve go by `y`, `x`, then `tie`.
    """
    if len(x) == 0:
        return np.empty(0, dtype=np.int64)
    scale = 65535.0 / max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    code = _spread(((x - x.min()) * scale).astype(np.uint64))
    code |= _spread(((y - y.min()) * scale).astype(np.uint64)) << np.uint64(1)
    order = np.argsort(code, kind="stable")
    ranked = code[order]
    if (ranked[1:] != ranked[:-1]).all():
        return order
    return np.lexsort((np.zeros(len(x)) if tie is None else tie, x, y, code))


def _spread(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero bit behind each of the 16 low bits."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | (value << np.uint64(shift))) & np.uint64(mask)
    return value
