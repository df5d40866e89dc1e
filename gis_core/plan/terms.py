"""What else is asked of a proposal: further sums inside bounds, and what the ground asks. Must not know HTTP or SQL."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds
from gis_core.partition.constraints.compounds import WholeCompounds
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Constraint
from gis_core.plan.base import Layers, layers_as_dataset
from gis_core.plan.ground import GroundOptions, lay_ground

if TYPE_CHECKING:
    from gis_core.plan.propose import Draft

__all__ = ["Terms"]


@dataclass(frozen=True, eq=False)
class Terms:
    """What is asked beside the bounds.

    Attributes
    ----------
    further : tuple of WeightBounds
        Other sums of every grid that must stay inside bounds.
    ground : GroundOptions
        Barriers, pieces of boundary polygons, walking distance.
    layers : Layers or None
        The data version; needed only where the ground is asked for more than the defaults.
    """

    further: tuple[WeightBounds, ...] = ()
    ground: GroundOptions = field(default_factory=GroundOptions)
    layers: Layers | None = None

    @property
    def asks_ground(self) -> bool:
        """Whether the layers are needed."""
        return self.ground != GroundOptions()

    def lay(self, draft: Draft, bounds: Bounds) -> tuple[AdjacencyGraph, tuple[Constraint, ...]]:
        """Return the graph and the constraints of a draft, in the numbering of all its cells."""
        if not self.asks_ground or self.layers is None:
            return draft.graph, (*_compounds(draft, bounds), *self.further)
        dataset, fabric = layers_as_dataset(self.layers)
        fabric = replace(fabric, boundary_ix=draft.area_ix)
        laid = lay_ground(
            dataset, fabric, self.ground, draft.weight, bounds, _locked(draft, len(dataset.boundary))
        )
        return laid.graph, (*laid.constraints, *self.further)


def _locked(draft: Draft, n_polygons: int) -> NDArray[np.int64] | None:
    """Return the locked grid of each cell, numbered beyond the parts that grids stay in; None where none is."""
    if not draft.locked:
        return None
    beyond = max(0, len(draft.area_codes) - n_polygons)
    inside = np.isin(draft.assignment, sorted(draft.locked))
    return np.where(inside, draft.assignment + beyond, -1).astype(np.int64)


def _compounds(draft: Draft, bounds: Bounds) -> tuple[WholeCompounds, ...]:
    """Return the wish that compounds stay whole, where there are any."""
    if not len(draft.compounds):
        return ()
    compound = draft.compound_ix.astype(np.int64)
    return (WholeCompounds(compound, draft.weight, bounds.maximum, draft.compounds),)
