"""The constraints of a piece as demands that proofs understand; those that only price something are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gis_core.partition.certify.demands import Demand, count_limits
from gis_core.partition.certify.words import number
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Constraint

__all__ = ["count_limits_of", "demands_of"]


def demands_of(constraints: Sequence[Constraint]) -> tuple[Demand, ...]:
    """Return further weights, seeds, and cells that stay together or apart, one demand for each that can be given up.

    Walking distance, compounds and borders are not among them, so that what is proved holds with and without them.
    """
    found: list[Demand] = []
    for each in constraints:
        if isinstance(each, WeightBounds):
            found.append(_weights(each))
        elif isinstance(each, Seeds) and len(each.cell_ix):
            count = np.zeros(len(each.label_of))
            count[each.cell_ix] = 1.0
            names = tuple(str(each.label_of[cell]) for cell in each.cell_ix.tolist())
            found.append(Demand("one seed a grid", (count, 0.0, 1.0), seeds=True, names=names))
        elif isinstance(each, Together):
            for group in np.unique(each.group[each.group >= 0]).tolist():
                cells = np.flatnonzero(each.group == group)
                if len(cells) > 1:
                    label = each.labels[group]
                    label = label[:1].lower() + label[1:] if label.startswith("The ") else label
                    found.append(Demand(label, together=tuple(cells.tolist())))
        elif isinstance(each, Apart):
            for left, right, label in zip(each.left.tolist(), each.right.tolist(), each.labels, strict=True):
                said = label[:1].lower() + label[1:] if label.startswith("Building") else label
                found.append(Demand(f"{said} in different grids", apart=((left, right),)))
    return tuple(found)


def count_limits_of(constraints: Sequence[Constraint]) -> tuple[int, float]:
    """Return the fewest and the most parts that constraints need: cells pairwise apart, seeds, further weights."""
    return count_limits(demands_of(constraints))


def _weights(limit: WeightBounds) -> Demand:
    low, high = limit.minimum, limit.maximum
    if not np.isfinite(high):
        span = f"{number(low)} or more"
    else:
        span = f"{number(low)} to {number(high)}" if low > 0 else f"at most {number(high)}"
    return Demand(
        f"{span} of {limit.label}", (limit.values.astype(np.float64), low, high), sum_of=limit.label
    )
