"""Plans, their grids and cells, search and export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.bodies import cells_body, cells_tag, grids_body, grids_tag, in_force_body, in_force_tag
from api.models import CellDetail, ForceCollection, GridCollection, Hit, Plan, PlanDetail, ServiceAreas
from api.routes.common import BINARY, GeoJsonResponse
from api.services import ServicesDep, body_response, not_modified, tag_of
from api.views import DEFAULT_BOUNDS

if TYPE_CHECKING:
    from gis_core.store.records import PlanRecord, SearchHit

router = APIRouter(prefix="/api/plans", tags=["plans"])

PlanId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the plan.")]


@router.get("", response_model=list[Plan])
def list_plans(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> list[dict[str, Any]]:
    """List the plans, newest first."""
    return [plan_row(record) for record in services.store.plans(limit=limit, offset=offset)]


@router.get("/{plan_id}", response_model=PlanDetail)
def get_plan(services: ServicesDep, plan_id: PlanId) -> dict[str, Any]:
    """Describe one plan, with its report and the boundary polygons that it covers."""
    view = services.plan(plan_id)
    dataset = services.store.dataset(view.record.dataset_id)
    return {
        **plan_row(view.record),
        "report": view.record.report or {},
        "attribution": dataset.attribution,
        "boundaries": view.boundaries(),
    }


@router.get("/{plan_id}/grids", response_model=GridCollection, response_class=GeoJsonResponse)
def get_grids(request: Request, services: ServicesDep, plan_id: PlanId) -> Response:
    """Give all grids with their numbers as GeoJSON."""
    view = services.plan(plan_id)
    return not_modified(request, grids_tag(view.record)) or body_response(request, grids_body(services, view))


@router.get("/{plan_id}/in-force", response_model=ForceCollection, response_class=GeoJsonResponse)
def get_in_force(request: Request, services: ServicesDep, plan_id: PlanId) -> Response:
    """Give the grids that are in force now where a plan lies, whichever plans they are of; none where none is."""
    record = services.store.plan(plan_id)
    tag = in_force_tag(services, record)
    return not_modified(request, tag) or body_response(request, in_force_body(services, record))


@router.get("/{plan_id}/cells.bin", responses=BINARY, response_class=Response)
def get_cells(request: Request, services: ServicesDep, plan_id: PlanId) -> Response:
    """Give the cells and their assignment as typed arrays (docs/http.md)."""
    record = services.store.plan(plan_id)
    return not_modified(request, cells_tag(record)) or body_response(request, cells_body(services, record))


@router.get("/{plan_id}/cells/{cell_ix}", response_model=CellDetail)
def get_cell(
    services: ServicesDep, plan_id: PlanId, cell_ix: Annotated[int, Path(ge=0, le=2**31 - 1)]
) -> dict[str, Any]:
    """Give one cell: its grid and its buildings."""
    from api.cells import cell_detail

    return cell_detail(services.store, services.plan(plan_id), cell_ix)


@router.get("/{plan_id}/search", response_model=list[Hit])
def search(
    services: ServicesDep,
    plan_id: PlanId,
    q: Annotated[str, Query(max_length=200, description="Part of a name, a code, an address or an id.")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[dict[str, Any]]:
    """Find grids, buildings, streets and facilities, best first; an empty text finds nothing."""
    services.store.plan(plan_id)
    text = q.strip()
    return [hit_row(hit) for hit in services.store.search(plan_id, text, limit=limit)] if text else []


@router.get("/{plan_id}/service-areas", response_model=ServiceAreas)
def get_service_areas(
    request: Request,
    services: ServicesDep,
    plan_id: PlanId,
    category: Annotated[str, Query(max_length=100, description="Category of facilities.")],
    minutes: Annotated[str, Query(max_length=100, description="On foot, ascending.")] = "5,10,15",
) -> Response:
    """Say which facility of a category each cell is nearest to on foot, and what each one covers."""
    from api.nearby import parse_minutes, service_areas

    record = services.store.dataset(services.store.plan(plan_id).dataset_id)
    bands = parse_minutes(minutes)
    tag = tag_of("service-areas", plan_id, 0, f"{record.id}|{record.imported_at}|{category}|{bands}")
    kept = not_modified(request, tag)
    if kept is not None:
        return kept
    body = services.body(
        tag, "application/json", lambda: service_areas(services, record, plan_id, category, bands)
    )
    return body_response(request, body)


def plan_row(record: PlanRecord) -> dict[str, Any]:
    """Write a record of the store as the wire has it."""
    return {
        "id": record.id,
        "dataset_id": record.dataset_id,
        "name": record.name,
        "state": record.state,
        "revision": record.revision,
        "created_at": record.created_at,
        "n_grids": record.n_grids,
        "n_cells": record.n_cells,
        "households": record.households,
        "bounds": tuple(record.bounds or DEFAULT_BOUNDS),
        "bbox": list(record.bbox) if record.bbox is not None else None,
        "based_on": record.based_on,
        "valid_from": record.valid_from,
        "valid_to": record.valid_to,
    }


def hit_row(hit: SearchHit) -> dict[str, Any]:
    """Write a hit of the store's search as the wire has it."""
    names = ("kind", "title", "detail", "grid_code", "cell_ix", "lon", "lat")
    return {name: getattr(hit, name) for name in names} | {
        "bbox": list(hit.bbox) if hit.bbox is not None else None
    }
