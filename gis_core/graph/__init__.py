"""Kernels over CSR adjacency: components, articulation, connectivity."""

from gis_core.graph.articulation import Pockets, articulation_cells, bridges, find_pockets, pocket_cells
from gis_core.graph.components import (
    component_labels,
    graph_from_pairs,
    part_component_labels,
    parts_in_pieces,
    subgraph,
)
from gis_core.graph.contiguity import is_removal_safe
from gis_core.graph.ordering import spatial_order

__all__ = [
    "Pockets",
    "articulation_cells",
    "bridges",
    "component_labels",
    "find_pockets",
    "graph_from_pairs",
    "is_removal_safe",
    "part_component_labels",
    "parts_in_pieces",
    "pocket_cells",
    "spatial_order",
    "subgraph",
]
