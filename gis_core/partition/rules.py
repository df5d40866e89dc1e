"""What weights cost in the search, at every level of coarseness, and how plans are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

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
        low, high = self.minimum.copy(), self.maximum.copy()
        if coarse:
            usual = (weights**2).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-300)
            missing = np.maximum(0.0, _SLACK * usual - (high - low) / 2)
            missing[1:] = 0.0
            low, high = low - missing, high + missing
        mean = np.maximum(self.mean, _TINY)
        rule = np.empty((len(mean), 6))
        rule[:, 0], rule[:, 1], rule[:, 2] = low, high, mean
        rule[:, 3] = 0.0
        rule[0, 3] = self.deviation * self.unit / mean[0] ** 2
        rule[:, 4], rule[:, 5] = _OUT * self.unit / mean, _GROWTH / mean
        if self.soft > 0:
            rule[0, 4], rule[0, 5] = self.soft, _SOFT_GROWTH / mean[0]
        return rule

    def score(self, sums: NDArray[np.float64], border: float) -> tuple[float, float]:
        """Return what plans are compared by: weight outside the bounds (in means), then the price of the rest.

        Parameters
        ----------
        sums : float64, shape (n_parts, n_weights)
        border : float
        """
        mean = np.maximum(self.mean, _TINY)
        out = np.maximum(0.0, np.maximum(self.minimum - sums, sums - self.maximum))
        # Sums of fractions are not exact; what is out by less than that is inside.
        out[out <= 1e-9 * mean] = 0.0
        off = (sums[:, 0] - mean[0]) / mean[0]
        price = border + self.deviation * self.unit * float((off * off).sum())
        if self.soft > 0:
            first = self.soft * out[:, 0] * (1 + _SOFT_GROWTH * out[:, 0] / mean[0])
            out[:, 0] = 0.0
            price += float(first.sum())
        return float((out / mean).sum()), price

    def between(self, minimum: float, maximum: float) -> Rules:
        """Return the same with other bounds of the first weight."""
        low, high = self.minimum.copy(), self.maximum.copy()
        low[0], high[0] = minimum, maximum
        return replace(self, minimum=low, maximum=high)

    def softly(self, minimum: float, maximum: float, price: float) -> Rules:
        """Return the same with other bounds of the first weight, which are priced only."""
        return replace(self.between(minimum, maximum), soft=price)
