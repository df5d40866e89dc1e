"""From streets, barriers and buildings to cells and how they touch."""

from gis_core.fabric.build import build_fabric

__all__ = ["build_fabric"]
