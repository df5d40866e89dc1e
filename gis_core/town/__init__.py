"""Generated Chinese towns for demonstrations, tests and benchmarks; any size, the same for the same seed.

Nothing in them is real: places, names and codes are made up. May import `errors` alone of the other rooms.
"""

from __future__ import annotations

from gis_core.town.build import ATTRIBUTION, LARGEST, SMALLEST, make_town
from gis_core.town.write import write_town

__all__ = ["ATTRIBUTION", "LARGEST", "SMALLEST", "make_town", "write_town"]
