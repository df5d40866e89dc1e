"""Who can be sent to a place: the staff of the grids around it who are on duty at a time."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

from gis_core.locate.on_duty import OnDuty, Shifts, Staff, StaffMap, staff_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geopandas import GeoDataFrame

    from api.force import ForceView
    from api.services import Services
    from gis_core.store import Store

__all__ = ["TownStaff", "load_staff", "staff_rows"]


class TownStaff:
    """The staff of the grids that hold somewhere, on the ground; nothing in it changes."""

    def __init__(self, staff: StaffMap, to_metres: Transformer) -> None:
        self.staff = staff
        self._to_metres = to_metres

    def near(
        self, lon: float, lat: float, at: datetime, *, count: int, first: str | None, shifts: Shifts
    ) -> list[OnDuty]:
        """Return who can be sent to a place in WGS 84."""
        x, y = self._to_metres.transform(lon, lat)
        if not (math.isfinite(x) and math.isfinite(y)):
            return []
        return self.staff.near(x, y, at, count=count, first=first, shifts=shifts)


def load_staff(store: Store, grids: GeoDataFrame) -> TownStaff:
    """Read the staff of grids.

    Parameters
    ----------
    grids : GeoDataFrame
        With `plan_id`, `grid_ix`, `code` and their polygons.
    """
    people: dict[tuple[int, int], tuple[Staff, ...]] = {}
    for plan_id in sorted(set(grids["plan_id"].tolist())):
        for grid in store.plan_state(plan_id).grids:
            if grid.staff and not grid.retired:
                people[plan_id, grid.grid_ix] = staff_of(grid.staff)
    codes = [str(code) for code in grids["code"]]
    in_grids, in_buildings = _register(store)
    numbers = zip(grids["plan_id"].tolist(), grids["grid_ix"].tolist(), strict=True)
    staffed = [
        _joined(people.get(number, ()), in_grids.get(code, ()))
        for number, code in zip(numbers, codes, strict=True)
    ]
    crs = grids.estimate_utm_crs()
    to_metres = Transformer.from_crs(grids.crs, crs, always_xy=True)
    shapes = np.asarray(grids.geometry.to_crs(crs).array, dtype=object)
    for (lon, lat), some in in_buildings.items():
        point = shapely.Point(*to_metres.transform(lon, lat))
        (rows,) = np.nonzero(shapely.intersects(shapes[: len(grids)], point))
        if len(rows):
            shapes = np.append(shapes, point)
            codes.append(min(codes[row] for row in rows))
            staffed.append(tuple(some))
    return TownStaff(StaffMap(codes, shapes, staffed), to_metres)


def _register(
    store: Store,
) -> tuple[dict[str, list[Staff]], dict[tuple[float, float], list[Staff]]]:
    """Return the staff that came with the data: of grids by their codes, of buildings by where they stand."""
    in_grids: dict[str, list[Staff]] = {}
    in_buildings: dict[tuple[float, float], list[Staff]] = {}
    for row in store.staff_register():
        person = Staff(row.name, row.role, row.phone, row.hours)
        if row.grid_code is not None:
            in_grids.setdefault(row.grid_code, []).append(person)
        place = None if row.building_id is None else store.building_point(row.dataset_id, row.building_id)
        if place is not None:
            in_buildings.setdefault(place, []).append(person)
    return in_grids, in_buildings


def _joined(first: Sequence[Staff], second: Sequence[Staff]) -> tuple[Staff, ...]:
    """Return the staff of a plan and of the register; who is in both is there as the plan says."""
    known = {person.name for person in first}
    return (*first, *(person for person in second if person.name not in known))


def staff_rows(
    services: Services,
    view: ForceView,
    lon: float,
    lat: float,
    *,
    count: int,
    at: datetime | None = None,
    grid_code: str | None = None,
) -> list[dict[str, Any]]:
    """Give who can be sent to a place, the nearest grid first, as the wire has it.

    Parameters
    ----------
    at : datetime, optional
        None: now.
    grid_code : str, optional
        Grid that the place is in, whose staff goes first on a border.
    """
    calendar = services.store.dispatch_rules().policy.calendar
    shifts = Shifts(calendar.zone, calendar.holidays, calendar.workdays)
    found = view.staff.near(lon, lat, at or datetime.now(UTC), count=count, first=grid_code, shifts=shifts)
    return [_row(one) for one in found]


def _row(one: OnDuty) -> dict[str, Any]:
    person, deputy = one.staff, one.deputy
    return {
        "grid_code": one.code,
        "metres": round(one.metres, 1),
        "name": person.name,
        "role": person.role or None,
        "phone": person.phone or None,
        "hours": person.hours or None,
        "duty": one.duty,
        "until": None if one.until is None else one.until.isoformat(),
        "stands_in_for": one.stands_in_for,
        "deputy": None if deputy is None else {"name": deputy.name, "phone": deputy.phone or None},
    }
