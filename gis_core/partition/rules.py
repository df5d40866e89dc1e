"""What weights cost in the search, at every level of coarseness, and how plans are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["Rules"]

#: Price of being outside the bounds by all of the mean, in borders of a usual part.
_OUT = 10.0
#: How that price grows: doubled at one twentieth of the mean.
_GROWTH = 20.0
_SOFT_GROWTH = 40.0
#: Least half-width of the bounds, in weights of a usual cell, while cells are clusters.
_SLACK = 1.5
#: Smaller means count as this, so that prices stay finite.
_TINY = 1e-12


@njit
def _rule(
    minimum: NDArray[np.float64],
    maximum: NDArray[np.float64],
    means: NDArray[np.float64],
    weights: NDArray[np.float64],
    deviation: float,
    unit: float,
    soft: float,
    coarse: bool,
) -> NDArray[np.float64]:
    """Write the rule of the kernels; see `Rules.at`."""
    rule = np.zeros((len(means), 6))
    missing = 0.0
    if coarse:
        squares, total = 0.0, 0.0
        for i in range(len(weights)):
            squares += weights[i, 0] ** 2
            total += weights[i, 0]
        missing = max(0.0, _SLACK * squares / max(total, 1e-300) - (maximum[0] - minimum[0]) / 2)
    for j in range(len(means)):
        mean = max(means[j], _TINY)
        rule[j, 0], rule[j, 1], rule[j, 2] = minimum[j], maximum[j], mean
        rule[j, 4], rule[j, 5] = _OUT * unit / mean, _GROWTH / mean
    rule[0, 0] -= missing
    rule[0, 1] += missing
    rule[0, 3] = deviation / rule[0, 2] ** 2
    if soft > 0:
        rule[0, 4], rule[0, 5] = soft, _SOFT_GROWTH / rule[0, 2]
    return rule


@njit
def _score(
    minimum: NDArray[np.float64],
    maximum: NDArray[np.float64],
    means: NDArray[np.float64],
    sums: NDArray[np.float64],
    deviation: float,
    soft: float,
) -> tuple[float, float]:
    """Return weight outside the bounds, in means, and the price of the rest; see `Rules.score`."""
    outside, price = 0.0, 0.0
    for j in range(len(means)):
        mean = max(means[j], _TINY)
        for p in range(len(sums)):
            out = max(minimum[j] - sums[p, j], sums[p, j] - maximum[j])
            # Sums of fractions are not exact; what is out by less than that is inside.
            if out > 1e-9 * mean:
                if soft > 0 and j == 0:
                    price += soft * out * (1 + _SOFT_GROWTH * out / mean)
                else:
                    outside += out / mean
            if j == 0:
                price += deviation * ((sums[p, 0] - mean) / mean) ** 2
    return outside, price


@dataclass(frozen=True)
class Rules:
    """Bounds of every weight, and the prices that make the search obey them.

    Attributes
    ----------
    minimum, maximum, mean : float64, shape (n_weights,)
    deviation : float
        Price of one part that is 100 % off the mean of the first weight, in borders of a usual part; grows with
        the square.
    unit : float
        Price of the border of a usual part.
    soft : float
        Above 0: plans are compared by price alone, and a unit of the first weight outside the bounds costs so much
        (the more, the further it is outside), little enough that cells still move across narrow bounds.
    """

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: float
    unit: float
    soft: float = 0.0

    def at(self, weights: NDArray[np.float64], *, coarse: bool) -> NDArray[np.float64]:
        """Return the rule of the kernels for cells of these weights; shape (n_weights, 6).

        Clusters are heavy beside narrow bounds. While cells are clusters the bounds are widened to what such cells
        can meet, or nothing would move.
        """
        return _rule(
            self.minimum, self.maximum, self.mean, weights, self.deviation * self.unit, self.unit, self.soft, coarse
        )  # fmt: skip

    def score(self, sums: NDArray[np.float64], border: float) -> tuple[float, float]:
        """Return what plans are compared by: weight outside the bounds (in means), then the price of the rest.

        Parameters
        ----------
        sums : float64, shape (n_parts, n_weights)
        border : float
        """
        out, price = _score(
            self.minimum, self.maximum, self.mean, sums, self.deviation * self.unit, self.soft
        )
        return out, border + price

    def between(self, minimum: float, maximum: float) -> Rules:
        """Return the same with other bounds of the first weight."""
        low, high = self.minimum.copy(), self.maximum.copy()
        low[0], high[0] = minimum, maximum
        return replace(self, minimum=low, maximum=high)

    def softly(self, minimum: float, maximum: float, price: float) -> Rules:
        """Return the same with other bounds of the first weight, which are priced only."""
        return replace(self.between(minimum, maximum), soft=price)
