"""Base data under a draft: buildings, streets, barriers, gates drawn, moved, retired, counted; sheets of counts."""

from __future__ import annotations

import re
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from pydantic import Field, model_validator

from api.edit_models import Key
from api.editing import RevisionDep, WhoDep, json_answer
from api.models import Model
from api.routes.datasets import DatasetId
from api.routes.plans import PlanId
from api.services import Services, ServicesDep
from api.streaming import NDJSON, WorkStream, wants_stream
from gis_core.errors import ParameterError
from gis_core.layers.raw import DEFAULT_LIMITS

if TYPE_CHECKING:
    from gis_core.store.base_methods import Progress
    from gis_core.store.records import BaseResult

router = APIRouter(tags=["base data"])

_LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; as lines with the progress where they are asked for (docs/http.md)",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}

#: Types of a sheet, and the ending that its reader knows.
SHEETS = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
#: Types of a file of outlines, and the ending that its reader knows.
OUTLINES = {
    "application/geo+json": "geojson",
    "application/vnd.google-earth.kml+xml": "kml",
    "application/vnd.google-earth.kmz": "kmz",
    "image/vnd.dxf": "dxf",
}
#: What reading one file may use.
_LIMITS = replace(DEFAULT_LIMITS, memory=4 << 30, seconds=60, file_bytes=200 << 20)


class PartBody(Model):
    """What one part of a building that is cut is to hold."""

    at: tuple[float, float] = Field(description="Longitude and latitude of a place on its ground.")
    households: int | None = Field(None, ge=0, description="None: by its share of the ground.")
    population: float | None = Field(None, ge=0, description="None: as the households.")


class BaseChangeBody(Model):
    """One change of base data (docs/http.md)."""

    op: Literal["add", "move", "retire", "set", "cut", "join"]
    layer: Literal["buildings", "streets", "barriers", "facilities", "gates"]
    id: str | None = Field(None, description="Id of a building.")
    ix: int | None = Field(None, ge=0, description="Row in the layer; of `add` the row that it takes.")
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON geometry, of `add` and `move`; the line of `cut`."
    )
    values: dict[str, Any] | None = Field(None, description="Column -> value, of `add` and `set`.")
    parts: list[PartBody] | None = Field(None, max_length=50, description="Of `cut`; none: shared by ground.")


class BaseBody(Model):
    """Changes of base data, or another data version to move to."""

    key: Key = None
    changes: list[BaseChangeBody] = Field([], max_length=200_000)
    dataset: int | None = Field(None, ge=1, le=2**31 - 1, description="Data version, in place of `changes`.")
    undoes: Annotated[int | None, Field(ge=1, description="Revision that this takes back.")] = None

    @model_validator(mode="after")
    def one_of_both(self) -> BaseBody:
        """Take changes or a data version."""
        if bool(self.changes) == (self.dataset is not None):
            raise ValueError("give changes, or a dataset to move to")
        return self


class LostCell(Model):
    """A cell that was cut anew and found no grid."""

    cell_ix: int
    households: int
    buildings: list[str]


class BaseAnswer(Model):
    """What became of a draft whose base data changed."""

    plan: int
    dataset: int
    revision: int
    recut: bool = Field(description="Whether cells have other numbers now.")
    cells: list[list[int]] | None = Field(
        description="[first old cell, first new cell, how many]; only if recut."
    )
    unmatched: list[LostCell]
    inverse: list[dict[str, Any]]
    cells_new: int = Field(description="Cells that were cut anew.")
    cells_gone: int = Field(description="Cells of before that are no more.")
    households: int = Field(description="Households of the plan after it, less those before.")
    grids: dict[int, dict[str, Any]]
    repeated: bool


class CountsPreview(Model):
    """What a sheet says of the buildings of a data version, and what did not match."""

    matched: int
    households: int
    unmatched_rows: list[dict[str, Any]]
    unmatched_buildings: list[dict[str, Any]]
    doubles: list[dict[str, Any]]
    bad_numbers: list[dict[str, Any]]
    columns: dict[str, str]
    notes: list[str]
    changes: list[dict[str, Any]]


class OutlinesPreview(Model):
    """What a file of outlines brings to a data version, and what of it is left out."""

    added: int
    moved: int
    left_out: list[dict[str, Any]]
    parts: list[dict[str, Any]] = Field(description="CAD layers of a drawing: name, rows, taken.")
    crs: str
    columns: dict[str, str]
    notes: list[str]
    changes: list[dict[str, Any]]


@router.post("/api/plans/{plan_id}/base", response_model=BaseAnswer, responses=_LINES)
def change_base(
    request: Request,
    services: ServicesDep,
    plan_id: PlanId,
    body: BaseBody,
    revision: RevisionDep,
    who: WhoDep,
) -> Response:
    """Change the base data under a draft; it moves onto a new data version with its grids."""

    def work(progress: Progress | None) -> BaseResult:
        if body.dataset is not None:
            return services.store.carry_plan(plan_id, body.dataset, expected_revision=revision, who=who)
        changes = [change.model_dump(exclude_unset=True) for change in body.changes]
        return services.store.change_base(
            plan_id,
            changes,
            expected_revision=revision,
            who=who,
            key=body.key,
            undoes=body.undoes,
            progress=progress,
        )

    if wants_stream(request):
        return WorkStream(request, lambda progress: _answer(services, plan_id, work(progress)))
    content = _answer(services, plan_id, work(None))
    return json_answer(content, revision=content["revision"])


def _answer(services: Services, plan_id: int, result: BaseResult) -> dict[str, Any]:
    services.hub.wake()
    return {
        "plan": plan_id,
        "dataset": result.dataset_id,
        "revision": result.revision,
        "recut": result.recut,
        "cells": result.edit.changes[0].value.get("cells"),
        "unmatched": list(result.unmatched),
        "inverse": list(result.inverse),
        "cells_new": result.cells_new,
        "cells_gone": result.cells_gone,
        "households": result.households,
        "grids": {ix: asdict(figures) for ix, figures in result.figures.items()},
        "repeated": result.repeated,
    }


@router.post("/api/datasets/{dataset_id}/counts", response_model=CountsPreview)
def match_counts(
    services: ServicesDep,
    dataset_id: DatasetId,
    *,
    sheet: Annotated[bytes, Body(media_type="text/csv", description="The sheet itself: CSV or XLSX.")],
    content_type: Annotated[str, Header(max_length=200)],
    columns: Annotated[
        list[str] | None,
        Query(alias="map", max_length=10, description="A column by name: `households=总户数`."),
    ] = None,
) -> Response:
    """Match a sheet of counts with the buildings; nothing is changed, `changes` can be sent to `base`."""
    from gis_core.layers.join import join_counts, read_counts

    services.store.dataset(dataset_id)
    ending = SHEETS[content_type.partition(";")[0].strip().lower()]
    mapping = _mapping(columns or [])
    with tempfile.TemporaryDirectory(prefix="wangge-sheet-") as folder:
        path = Path(folder) / f"sheet.{ending}"
        path.write_bytes(sheet)
        table, notes = read_counts(path, wanted=tuple(mapping.values()), limits=_LIMITS)
    found = join_counts(table, services.store.layer(dataset_id, "buildings"), mapping=mapping)
    return json_answer({**vars(found), "notes": [*notes, *found.notes]})


async def _body(request: Request) -> bytes:
    """Give the body as it came; the framework would read GeoJSON itself."""
    return await request.body()


@router.post(
    "/api/datasets/{dataset_id}/outlines",
    response_model=OutlinesPreview,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in OUTLINES},
        }
    },
)
def match_outlines(
    services: ServicesDep,
    dataset_id: DatasetId,
    *,
    drawing: Annotated[bytes, Depends(_body)],
    content_type: Annotated[str, Header(max_length=200)],
    layer: Annotated[Literal["buildings", "streets"], Query(description="What it holds.")],
    crs: Annotated[
        str | None,
        Query(max_length=20, description="wgs84, cgcs2000, gcj02, bd09, EPSG:n; before what the file says."),
    ] = None,
    parts: Annotated[
        list[str] | None,
        Query(alias="part", max_length=200, description="CAD layers of a drawing to take."),
    ] = None,
    name: Annotated[
        str, Query(max_length=200, description="What the file is called, for messages.")
    ] = "drawing",
) -> Response:
    """Read outlines of buildings or lines of streets; nothing is changed, `changes` can be sent to `base`."""
    from gis_core.layers.outlines import match_outlines, read_outlines

    work_crs = services.store.dataset(dataset_id).work_crs
    ending = OUTLINES[content_type.partition(";")[0].strip().lower()]
    with tempfile.TemporaryDirectory(prefix="wangge-outlines-") as folder:
        path = Path(folder) / f"{_plain_name(name)}.{ending}"
        path.write_bytes(drawing)
        drawn = read_outlines(path, layer, crs=crs, parts=parts or (), limits=_LIMITS)
    known, areas = (services.store.layer(dataset_id, each) for each in (layer, "areas"))
    return json_answer(vars(match_outlines(drawn, layer, known=known, areas=areas, work_crs=work_crs)))


def _plain_name(name: str) -> str:
    """Give a name of a file without its ending and without what a path could be made of."""
    stem = re.sub(r"[^\w ()+-]+", "_", Path(name).stem)[:60].strip()
    return stem or "drawing"


def _mapping(items: list[str]) -> dict[str, str]:
    """Read columns that were named by hand.

    Raises
    ------
    ParameterError
        Where one is not of the form `households=NAME`.
    """
    mapping = {}
    for item in items:
        target, sign, name = item.partition("=")
        if not sign or not name.strip():
            raise ParameterError(f"map is written as households=总户数, not {item[:80]!r}.", map=item[:80])
        mapping[target.strip()] = name.strip()
    return mapping
