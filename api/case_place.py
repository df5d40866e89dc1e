"""Where a case lies: the grid in force there at its time, or the grids between which somebody has to choose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.force import Asked
from gis_core.crs import to_wgs84
from gis_core.errors import ParameterError
from gis_core.locate import STATUS_NAMES
from gis_core.locate.locator import INSIDE, NO_POSITION, ON_BORDER, OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.force import ForceView
    from api.services import Services
    from gis_core.locate import Located

__all__ = ["SURE", "CasePlace", "place_case", "place_cases"]

#: Least share of the circle of a fix that makes its grid sure.
SURE = 0.8
#: Circle in metres that tells whose a border is, where the fix itself has no accuracy.
_TOUCH_M = 1.0


@dataclass(frozen=True)
class CasePlace:
    """Where a case lies.

    Attributes
    ----------
    lon, lat : float
        Degrees, WGS 84.
    plan_id : int
        Plan that the grid is of; outside of all grids the one that came into force last.
    grid_code : str or None
        None where it is not sure, or outside.
    details : dict
        Empty, or where the grid is not sure `status` and `candidates` (`code`, `share`, `plan` where it is another),
        the largest share first.
    border_m : float
        Metres to the nearest border of a grid, 0 on it.
    """

    lon: float
    lat: float
    plan_id: int
    grid_code: str | None
    details: dict[str, Any] = field(default_factory=dict)
    border_m: float = 0.0

    @property
    def is_outside(self) -> bool:
        """Whether no grid is there."""
        return self.details.get("status") == STATUS_NAMES[OUTSIDE]

    def unsure(self, status: str) -> CasePlace:
        """Return the place as one that somebody has to look at, for a reason."""
        sole = [] if self.grid_code is None else [{"code": self.grid_code, "share": 1.0}]
        details = {"candidates": self.details.get("candidates", sole), "status": status}
        return replace(self, grid_code=None, details=details)


def place_case(
    services: Services,
    x: float,
    y: float,
    *,
    crs: str = "wgs84",
    accuracy_m: float = 0.0,
    plan: int | None = None,
    at: datetime | None = None,
) -> CasePlace:
    """Place a case by the plan in force at its time; near a border it gets candidates, not a guess.

    Parameters
    ----------
    x, y : float
        In the system `crs`.
    accuracy_m : float
        Radius of the fix; 0 where it is exact.
    plan : int or None
        A plan in place of what is in force.
    at : datetime or None
        Time of the case, with a zone; None for now. Before anything was in force a NotFoundError.

    Raises
    ------
    CrsError
        Where `crs` is unknown.
    ParameterError
        Where the place has no position in it.
    NotFoundError
        Where no plan answers for that place and time.
    """
    (found,) = place_cases(services, [(x, y)], crs=crs, accuracy_m=accuracy_m, plan=plan, at=at)
    if found is None:
        raise ParameterError(f"{x:g}, {y:g} is no position in {crs}.", x=x, y=y)
    return found


def place_cases(
    services: Services,
    points: Sequence[tuple[float, float]],
    *,
    crs: str = "wgs84",
    accuracy_m: float | Sequence[float] = 0.0,
    plan: int | None = None,
    at: datetime | None = None,
) -> list[CasePlace | None]:
    """Place many cases of one time, as `place_case` does each; None for one without a position."""
    moment = None if at is None else at.astimezone(UTC).isoformat()
    view = services.force.look(Asked(plan, moment))
    lon, lat = to_wgs84([x for x, _ in points], [y for _, y in points], crs)
    found = view.locator.locate(lon, lat, accuracy_m)
    return [_place(view, found, i, float(lon[i]), float(lat[i])) for i in range(len(points))]


def _place(view: ForceView, found: Located, i: int, lon: float, lat: float) -> CasePlace | None:
    status, code_ix = int(found.status[i]), int(found.code_ix[i])
    if status == NO_POSITION:
        return None
    plan_id = view.main if code_ix < 0 else view.owners[code_ix][0]
    near = _named(view, found.candidates(i), plan_id)
    if status == ON_BORDER and len(near) < 2:
        touched = view.locator.locate([lon], [lat], _TOUCH_M, borders=False).candidates(0)
        near = _named(view, touched, plan_id)
    sure = status == INSIDE and (not near or near[0]["share"] >= SURE)
    sure = sure or (status == ON_BORDER and len(near) == 1)
    return CasePlace(
        lon,
        lat,
        plan_id,
        view.locator.codes[code_ix] if sure else None,
        {} if sure else {"candidates": near, "status": STATUS_NAMES[status]},
        float(found.border_m[i]),
    )


def _named(view: ForceView, candidates: Sequence[tuple[int, float]], plan_id: int) -> list[dict[str, Any]]:
    """Write candidates; one that is a grid of another plan says of which."""
    rows = []
    for ix, share in candidates:
        row = {"code": view.locator.codes[ix], "share": round(share, 4)}
        its = view.owners[ix][0]
        rows.append(row if its == plan_id else {**row, "plan": its})
    return rows
