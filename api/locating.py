"""Points in any named coordinate system to grids of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_core.errors import CrsError

if TYPE_CHECKING:
    from api.views import PlanView

__all__ = ["locate_points"]


def locate_points(
    view: PlanView, points: Sequence[Sequence[float]], *, crs: str, radius_m: float | None
) -> list[dict[str, Any]]:
    return []
