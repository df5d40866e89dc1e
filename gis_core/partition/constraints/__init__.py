"""What can be asked of a plan besides bounds: one module each, registered here by name."""

from __future__ import annotations

from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.bridges import Bridges
from gis_core.partition.constraints.compounds import WholeCompounds
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Constraint

__all__ = ["CONSTRAINTS", "Constraint"]

#: Name -> class of every constraint.
CONSTRAINTS: dict[str, type[Constraint]] = {
    Together.name: Together,
    Apart.name: Apart,
    Seeds.name: Seeds,
    Borders.name: Borders,
    WeightBounds.name: WeightBounds,
    Barriers.name: Barriers,
    Bridges.name: Bridges,
    WholeCompounds.name: WholeCompounds,
    MaxWalk.name: MaxWalk,
}
