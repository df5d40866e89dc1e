"""Data versions, their layers as GeoJSON, and the base map as typed arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from api.bodies import base_body, base_tag, graph_body, graph_tag, numbers_body, numbers_tag
from api.edit_models import BeginBody
from api.editing import WhoDep, json_answer
from api.geojson import layer_page
from api.models import Dataset, DatasetBoundary, FeaturePage, Plan, Workload
from api.routes.common import BBOX, BINARY, GeoJsonResponse, parse_bbox
from api.routes.plans import plan_row
from api.services import ServicesDep, body_response, not_modified

if TYPE_CHECKING:
    from gis_core.store.records import DatasetRecord

router = APIRouter(prefix="/api/datasets", tags=["datasets"])

LayerName = Literal["areas", "buildings", "streets", "barriers", "facilities", "water", "green", "cells"]
DatasetId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the data version.")]


@router.get("", response_model=list[Dataset])
def list_datasets(
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> list[dict[str, Any]]:
    """List the data versions, newest first."""
    return [dataset_row(record) for record in services.store.datasets(limit=limit, offset=offset)]


@router.get("/{dataset_id}", response_model=Dataset)
def get_dataset(services: ServicesDep, dataset_id: DatasetId) -> dict[str, Any]:
    """Describe one data version."""
    return dataset_row(services.store.dataset(dataset_id))


@router.get("/{dataset_id}/boundaries", response_model=list[DatasetBoundary])
def list_boundaries(services: ServicesDep, dataset_id: DatasetId) -> list[dict[str, Any]]:
    """List the boundary polygons with their households, in their order."""
    town = services.town(services.store.dataset(dataset_id))
    count = len(town.area_codes)
    households = np.bincount(town.area_ix, weights=town.households, minlength=count)
    cells = np.bincount(town.area_ix, minlength=count)
    return [
        {"code": code, "name": name, "households": int(households[ix]), "n_cells": int(cells[ix])}
        for ix, (code, name) in enumerate(zip(town.area_codes, town.area_names, strict=True))
    ]


@router.post("/{dataset_id}/plans", response_model=Plan, status_code=201, tags=["editing"])
def begin_plan(services: ServicesDep, dataset_id: DatasetId, body: BeginBody, who: WhoDep) -> Response:
    """Make a draft in which no cell has a grid yet."""
    plan_id = services.store.begin_plan(dataset_id, name=body.name, bounds=body.bounds, created_by=who)
    row = plan_row(services.store.plan(plan_id))
    return json_answer(row, status=201, revision=0, headers={"Location": f"/api/plans/{plan_id}"})


@router.get("/{dataset_id}/layers/{layer}", response_model=FeaturePage, response_class=GeoJsonResponse)
def get_layer(
    services: ServicesDep,
    dataset_id: DatasetId,
    *,
    layer: LayerName,
    bbox: Annotated[str | None, BBOX] = None,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 1000,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Give a page of a layer as GeoJSON."""
    limit = min(limit, services.settings.max_page)
    body = layer_page(services.store, dataset_id, layer, bbox=parse_bbox(bbox), limit=limit, offset=offset)
    return GeoJsonResponse(body)


@router.get("/{dataset_id}/base.bin", responses=BINARY, response_class=Response)
def get_base(request: Request, services: ServicesDep, dataset_id: DatasetId) -> Response:
    """Give the base map as typed arrays (docs/http.md)."""
    record = services.store.dataset(dataset_id)
    return not_modified(request, base_tag(record)) or body_response(request, base_body(services, record))


@router.get("/{dataset_id}/graph.bin", responses=BINARY, response_class=Response)
def get_graph(request: Request, services: ServicesDep, dataset_id: DatasetId) -> Response:
    """Give the cells as a graph with their figures, as typed arrays (docs/http.md)."""
    record = services.store.dataset(dataset_id)
    return not_modified(request, graph_tag(record)) or body_response(request, graph_body(services, record))


@router.get("/{dataset_id}/numbers.bin", responses=BINARY, response_class=Response)
def get_numbers(
    request: Request,
    services: ServicesDep,
    dataset_id: DatasetId,
    formula: Annotated[
        str, Query(min_length=1, max_length=500, description="Column of buildings, or formula.")
    ],
) -> Response:
    """Give a number of each cell, summed over its buildings, as a typed array (docs/http.md)."""
    record = services.store.dataset(dataset_id)
    tag = numbers_tag(record, formula)
    return not_modified(request, tag) or body_response(request, numbers_body(services, record, formula))


@router.get("/{dataset_id}/workload", response_model=Workload)
def get_workload(
    services: ServicesDep,
    dataset_id: DatasetId,
    *,
    formula: Annotated[
        str | None,
        Query(max_length=500, description="Column of buildings or formula; None: only the columns."),
    ] = None,
) -> Response:
    """Say which columns of the buildings can be weights, and what a formula comes to; 422 where it cannot be read."""
    from api.town import read_columns, read_workload

    town = services.town(services.store.dataset(dataset_id))
    total = None
    if formula is not None and formula.strip():
        total = round(float(read_workload(services.store, town, formula).sum()), 6)
    return json_answer({"formula": formula, "total": total, "columns": read_columns(services.store, town)})


def dataset_row(record: DatasetRecord) -> dict[str, Any]:
    """Write a record of the store as the wire has it."""
    return {
        "id": record.id,
        "name": record.name,
        "source": record.source,
        "imported_at": record.imported_at,
        "attribution": record.attribution,
        "bbox": list(record.bbox) if record.bbox is not None else None,
        "counts": record.counts,
    }
