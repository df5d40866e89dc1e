"""What is near a case: who of the grids around it can be sent now, and the nearest facilities of each category."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from api.force import Asked
from gis_core.errors import NotFoundError

if TYPE_CHECKING:
    from api.services import Services
    from gis_core.store.cases import CaseRecord
    from gis_core.store.records import DatasetRecord

__all__ = ["facilities_near", "facilities_soon", "staff_near"]

#: People and facilities that the answer about a case names; `near` of the case gives more.
_FEW_PEOPLE, _FEW_PLACES = 3, 12


def staff_near(services: Services, record: CaseRecord, *, count: int = _FEW_PEOPLE) -> list[dict[str, Any]]:
    """Give who can be sent to a case now, the nearest grid first; empty where no plan holds."""
    from api.on_duty import staff_rows

    new = record.new
    try:
        view = services.force.look(Asked())
    except NotFoundError:
        return []
    return staff_rows(services, view, new.lon, new.lat, count=count, grid_code=new.grid_code)


def facilities_near(
    services: Services, record: CaseRecord, *, categories: str, count: int
) -> list[dict[str, Any]]:
    """Give the nearest facilities of some categories by road; waits until the streets are read.

    Raises
    ------
    NotFoundError
        Where there is no such category.
    """
    from api.nearby import near_rows

    ground = _ground(services, record)
    if ground is None:
        return []
    new = record.new
    return near_rows(services, ground.id, new.lon, new.lat, near=categories, count=count)


def facilities_soon(services: Services, record: CaseRecord) -> list[dict[str, Any]] | None:
    """Give the nearest facility of each category, those that help in need first, then the nearest, at once.

    None where the streets are not in memory yet: they are read in the background then, for the next who asks.
    """
    ground = _ground(services, record)
    if ground is None:
        return []
    if not services.has_roads(ground):
        threading.Thread(target=lambda: services.roads(ground), name="roads", daemon=True).start()
        return None
    return facilities_near(services, record, categories="all", count=1)[:_FEW_PLACES]


def _ground(services: Services, record: CaseRecord) -> DatasetRecord | None:
    """Return the data version that the plan of a case stands on; None where the plan is gone."""
    if record.new.plan_id is None:
        return None
    try:
        return services.store.dataset(services.store.plan(record.new.plan_id).dataset_id)
    except NotFoundError:
        return None
