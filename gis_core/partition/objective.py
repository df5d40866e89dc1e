"""What a good partition is: the bounds on households, and the price of borders and of imbalance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.model import AdjacencyGraph
from gis_core.partition.prices import class_prices

__all__ = ["Bounds", "Objective", "border_cost", "preset", "too_heavy", "violation"]

#: Sums of fractions may miss a bound by this share of them.
_ROUNDED = 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least and greatest weight (households) of one part, both allowed.

    Raises
    ------
    ParameterError
        Where a bound is negative or not finite, the maximum is 0, or the minimum is above the maximum.
    """

    minimum: float = 300
    maximum: float = 500

    def __post_init__(self) -> None:
        if (
            not (np.isfinite(self.minimum) and np.isfinite(self.maximum))
            or self.minimum < 0
            or self.maximum <= 0
        ):
            raise ParameterError(
                f"The bounds {self.minimum:g} to {self.maximum:g} cannot be used; give numbers above 0."
            )
        if self.minimum > self.maximum:
            raise ParameterError(
                f"The minimum {self.minimum:g} is above the maximum {self.maximum:g}; exchange them."
            )

    @property
    def middle(self) -> float:
        """The weight halfway between the bounds, which decides the number of parts."""
        return (self.minimum + self.maximum) / 2


@dataclass(frozen=True, slots=True)
class Objective:
    """Prices, in metres of border.

    Attributes
    ----------
    street_factor : float
        Price of a metre of border that runs on a street, against 1 for one that does not.
    deviation_factor : float
        Price of a part that is 100 % off the mean, in borders of a usual part; grows with the square.
    class_factors : mapping or None
        Street class -> price of a metre of border on a street of that class, where it differs from the table of
        `prices`; an empty mapping takes that table as it is. None: `street_factor` for every street.
    balance_first : bool
        Whether the smallest greatest deviation from the mean comes before all prices.
    """

    street_factor: float = 0.2
    deviation_factor: float = 20.0
    class_factors: Mapping[str, float] | None = None
    balance_first: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.street_factor <= 1 or not 0 <= self.deviation_factor < np.inf:
            raise ParameterError(
                f"The objective cannot be used: the street factor {self.street_factor:g} must lie in 0 to 1, the "
                f"deviation factor {self.deviation_factor:g} must be 0 or more."
            )


def preset(name: Literal["plan", "street", "border", "balance"]) -> Objective:
    """Return a named objective: what plans are drawn with, borders on streets, short borders, or even parts.

    `plan` prices streets by their class and weighs borders against evenness; the others are plain measures.

    Raises
    ------
    ParameterError
        Where there is no objective of that name.
    """
    table = {
        "plan": Objective(class_factors={}),
        "street": Objective(deviation_factor=0.0),
        "border": Objective(street_factor=1.0, deviation_factor=0.0),
        "balance": Objective(street_factor=1.0, deviation_factor=0.0, balance_first=True),
    }
    if name not in table:
        raise ParameterError(f"There is no objective {name!r}; choose one of {', '.join(table)}.")
    return table[name]


def border_cost(graph: AdjacencyGraph, objective: Objective) -> NDArray[np.float64]:
    """Price every adjacency as a border.

    Returns
    -------
    float64, shape (2 m,), metres
        Metres off streets plus `street_factor` times the metres on them, or those on a street of each class times the
        factor of that class; in the order of `graph.indices`.
    """
    if objective.class_factors is not None:
        return class_prices(graph, objective.class_factors)
    on_street = np.minimum(graph.street_length_m, graph.shared_length_m)
    return np.ascontiguousarray(graph.shared_length_m - (1 - objective.street_factor) * on_street)


def violation(part_weight: NDArray[np.float64], bounds: Bounds) -> NDArray[np.float64]:
    """Return by how much each part is outside the bounds, 0 inside; what rounding does to fractions is no violation."""
    off = np.maximum(0.0, np.maximum(bounds.minimum - part_weight, part_weight - bounds.maximum))
    return np.where(off > _ROUNDED * np.maximum(1.0, part_weight), off, 0.0)


def too_heavy(weight: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    """Tell which cells, or parts, are above the maximum."""
    return violation(weight, Bounds(0.0, bounds.maximum)) > 0
