"""The large answers, built once a revision: grids, cells, base map; and their preparation when the server starts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from api.cache import Body
from api.force import Asked
from api.services import Services, tag_of
from gis_core.errors import GisCoreError

if TYPE_CHECKING:
    from api.views import PlanView
    from gis_core.store.records import DatasetRecord, PlanRecord

__all__ = [
    "base_body",
    "base_tag",
    "cells_body",
    "cells_tag",
    "graph_body",
    "graph_tag",
    "grids_body",
    "grids_tag",
    "in_force_body",
    "in_force_tag",
    "numbers_body",
    "numbers_tag",
    "warm",
]

_LOG = logging.getLogger("wangge.api")
_BINARY = "application/octet-stream"


def grids_tag(record: PlanRecord) -> str:
    """Name this state of the grids."""
    return tag_of("grids", record.id, record.revision, record.created_at)


def grids_body(services: Services, view: PlanView) -> Body:
    """Give the grids of a plan as GeoJSON, ready to send."""
    return services.body(grids_tag(view.record), "application/geo+json", view.geojson)


def in_force_tag(services: Services, record: PlanRecord) -> str:
    """Name this state of what is in force: which plans hold where, and the ground that is asked about."""
    held = services.store.plans_in_force()
    plans = [(found.plan.id, found.plan.created_at, found.boundary_codes) for found in held]
    ground = services.store.dataset(record.dataset_id)
    return tag_of("in-force", ground.id, len(held), (ground.imported_at, plans))


def in_force_body(services: Services, record: PlanRecord) -> Body:
    """Give the grids in force where a plan lies as GeoJSON, ready to send."""
    from api.geojson import in_force_page

    tag = in_force_tag(services, record)
    return services.body(tag, "application/geo+json", lambda: in_force_page(services.store, record.id))


def cells_tag(record: PlanRecord) -> str:
    """Name this state of the cells."""
    return tag_of("cells", record.id, record.revision, record.created_at)


def cells_body(services: Services, record: PlanRecord) -> Body:
    """Give the cells of a plan as typed arrays, ready to send."""
    from api.cells import build_cells

    def build() -> bytes:
        outlines = services.outlines(services.store.dataset(record.dataset_id))
        return build_cells(services.store, record, outlines)

    return services.body(cells_tag(record), _BINARY, build)


def base_tag(record: DatasetRecord) -> str:
    """Name this base map; a data version never changes."""
    return tag_of("base", record.id, 0, record.imported_at)


def base_body(services: Services, record: DatasetRecord) -> Body:
    """Give the base map of a data version as typed arrays, ready to send."""
    from api.basemap import build_base

    return services.body(base_tag(record), _BINARY, lambda: build_base(services.store, record))


def graph_tag(record: DatasetRecord) -> str:
    """Name this graph; a data version never changes."""
    return tag_of("graph", record.id, 0, record.imported_at)


def graph_body(services: Services, record: DatasetRecord) -> Body:
    """Give the adjacency of the cells as typed arrays, ready to send."""
    from api.town import build_graph

    return services.body(graph_tag(record), _BINARY, lambda: build_graph(services.town(record)))


def numbers_tag(record: DatasetRecord, formula: str) -> str:
    """Name the numbers that a formula gives; a data version never changes."""
    return tag_of("numbers", record.id, 0, f"{record.imported_at} {formula}")


def numbers_body(services: Services, record: DatasetRecord, formula: str) -> Body:
    """Give the number of each cell that a formula makes of its buildings, ready to send."""
    from api.town import build_numbers

    def build() -> bytes:
        return build_numbers(services.store, services.town(record), formula)

    return services.body(numbers_tag(record, formula), _BINARY, build)


def warm(services: Services) -> None:
    """Prepare what a report of a case and the map ask for first, and suggestions; a failure is only logged."""
    try:
        in_force = services.force.look(Asked())
        in_force.locator.locate([0.0], [0.0], [10.0])  # as a report of a case does
        assert in_force.staff is not None
        services.open_cases.near(0.0, 0.0, within_m=1.0)
        record = services.store.plan(services.newest_plan_id())
        cells_body(services, record)
        view = services.plan(record.id)
        grids_body(services, view)
        dataset = services.store.dataset(record.dataset_id)
        base_body(services, dataset)
        graph_body(services, dataset)
        view.locator.locate([0.0], [0.0])
        services.store.search(record.id, "0", limit=1)
        if record.state == "draft" and view.numbers:
            services.desk(record.id).suggest(view.numbers[0])
    except GisCoreError as error:
        _LOG.info("Nothing was prepared: %s", error.message)
    except Exception:
        _LOG.exception("The newest plan could not be prepared.")
