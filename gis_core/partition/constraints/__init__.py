"""What can be asked of a plan besides bounds: one module each, registered here by name."""

from __future__ import annotations

from gis_core.partition.problem import Constraint

__all__ = ["CONSTRAINTS", "Constraint"]

#: Name -> class of every constraint.
CONSTRAINTS: dict[str, type[Constraint]] = {}
