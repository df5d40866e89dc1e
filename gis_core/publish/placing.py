"""Labels that do not overlap: boxes, turned ones too, each placed only where it is free.

Millimetres on the page, y downward; angles in degrees counter-clockwise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Labels", "along_line", "box_corners"]


def box_corners(x: float, y: float, w: float, h: float, angle: float = 0.0) -> NDArray[np.float64]:
    """Return the corners of a box by its middle, its size and its turn.

    Returns
    -------
    float64, shape (4, 2)
    """
    c, s = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    across, down = np.array([c, s]) * w / 2, np.array([-s, c]) * h / 2
    middle = np.array([x, y])
    return np.array(
        [middle - across - down, middle + across - down, middle + across + down, middle - across + down]
    )


class Labels:
    """What is taken on a map, in a window that labels do not leave.

    Parameters
    ----------
    left, top, right, bottom : float
        The window.
    """

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None:
        self._low, self._high = np.array([left, top]), np.array([right, bottom])
        self._corners = np.empty((64, 4, 2))
        self._n = 0

    def take(self, corners: NDArray[np.float64]) -> None:
        """Keep a place from being used."""
        if self._n == len(self._corners):
            self._corners = np.concatenate([self._corners, np.empty_like(self._corners)])
        self._corners[self._n] = corners
        self._n += 1

    def is_free(self, corners: NDArray[np.float64]) -> bool:
        """Tell whether a box lies in the window and meets none that is taken."""
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (low < self._low).any() or (high > self._high).any():
            return False
        taken = self._corners[: self._n]
        near = ((taken.min(axis=1) < high) & (taken.max(axis=1) > low)).all(axis=1)
        return not any(_meet(corners, other) for other in taken[near])

    def place(self, x: float, y: float, w: float, h: float, angle: float = 0.0, *, gap: float = 0.3) -> bool:
        """Take a place if it is free, with `gap` millimetres around it; tell whether it was."""
        corners = box_corners(x, y, w + 2 * gap, h + 2 * gap, angle)
        if not self.is_free(corners):
            return False
        self.take(corners)
        return True


def _meet(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Tell whether two boxes overlap: no side of either parts them."""
    for box in (one, other):
        for axis in (box[1] - box[0], box[3] - box[0]):
            a, b = one @ axis, other @ axis
            if a.max() <= b.min() or b.max() <= a.min():
                return False
    return True


def along_line(
    points: NDArray[np.float64], length: float, *, step: float = 6.0
) -> list[tuple[float, float, float]]:
    """Find where a text of a length could stand along a line: on its straight parts, the middle of the line first.

    Parameters
    ----------
    points : float64, shape (n, 2)
        The line.
    length : float
        Of the text.
    step : float
        Distance between places that are tried.

    Returns
    -------
    list of (x, y, angle)
        Middle of the text and its turn, -90 to 90, never upside down.
    """
    sides = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(sides)])
    total = float(at[-1])
    if total < length:
        return []
    middle = (total - length) / 2
    offsets = sorted(
        {middle, *np.arange(middle, 0.0, -step).tolist(), *np.arange(middle, total - length, step).tolist()},
        key=lambda each: (abs(each - middle), each),
    )
    found = []
    for start in offsets:
        ends = np.array([start, start + length])
        (x0, x1), (y0, y1) = np.interp(ends, at, points[:, 0]), np.interp(ends, at, points[:, 1])
        chord = math.hypot(x1 - x0, y1 - y0)
        if chord < 0.985 * length:
            continue
        angle = math.degrees(math.atan2(y0 - y1, x1 - x0))
        angle = angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle
        found.append((float(x0 + x1) / 2, float(y0 + y1) / 2, angle))
    return found
