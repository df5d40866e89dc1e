"""Cut an adjacency graph into balanced, contiguous parts."""

from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.counts import count_range, parts_for_total
from gis_core.partition.objective import Bounds, Objective, preset
from gis_core.partition.run import PartitionResult, partition_fabric
from gis_core.partition.solve import Solution, solve

__all__ = [
    "Bounds",
    "Objective",
    "PartitionResult",
    "Solution",
    "count_range",
    "deviation_lower_bound",
    "partition_fabric",
    "parts_for_total",
    "preset",
    "solve",
]
