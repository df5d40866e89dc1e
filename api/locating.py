"""Points in any named coordinate system to grids of a plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from api.views import PlanView

__all__ = ["locate_points"]


def locate_points(
    view: PlanView, points: ArrayLike, *, crs: str, radius_m: float | None
) -> list[dict[str, Any]]:
    """Tell which grid of a plan each point is in.

    Parameters
    ----------
    view : PlanView
    points : array_like of float, shape (n, 2)
        x, y in the system `crs`.
    radius_m : float or None
        Accuracy of every point in metres; None leaves the candidates out.

    Returns
    -------
    list of dict
        Row i for point i, as the wire has it, with `grid_ix` (-1 outside). A point without a place in its
        system has the status `no_position`.

    Raises
    ------
    CrsError
        Where `crs` is unknown.
    """
    from gis_core.crs import to_wgs84
    from gis_core.locate.locator import NO_POSITION, STATUS_NAMES

    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    lon, lat = to_wgs84(xy[:, 0], xy[:, 1], crs)
    found = view.locator.locate(lon, lat, radius_m)
    codes = view.locator.codes
    results = []
    columns = (found.status, found.code_ix, found.border_m, found.nearest_ix, lon, lat)
    for i, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        status, code_ix, border_m, nearest_ix, x, y = row
        code = codes[code_ix] if code_ix >= 0 else None
        nearest = codes[nearest_ix] if nearest_ix >= 0 else None
        placed = status != NO_POSITION
        answer: dict[str, Any] = {
            "status": STATUS_NAMES[status],
            "grid_code": code,
            "border_m": round(border_m, 3) if math.isfinite(border_m) else None,
            "nearest_code": code if code is not None else nearest,
            "lon": x if placed else None,
            "lat": y if placed else None,
            "grid_ix": view.grid_ix_of(code),
        }
        if radius_m is not None:
            answer["candidates"] = [
                {"code": codes[ix], "share": round(share, 4)} for ix, share in found.candidates(i)
            ]
        results.append(answer)
    return results
