"""A plan as a file to take away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from api.exporting import MEDIA_TYPES, PrintAsked, export_file
from api.models import ExportProgress
from api.services import ServicesDep

router = APIRouter(tags=["plans"])

ExportFormat = Literal["geojson", "gpkg", "fgb", "parquet", "shp", "csv", "xlsx", "pdf", "html"]
ExportLayer = Literal["grids", "buildings", "cells"]
ExportPaper = Literal["a4", "a3"]
ExportLanguage = Literal["zh-CN", "en"]

_KEY = r"^[A-Za-z0-9-]{8,64}$"
ExportKey = Annotated[str, Path(pattern=_KEY, description="The key that the client gave the export.")]

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as an attachment",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for kind in MEDIA_TYPES.values()
        },
    }
}


@router.get("/api/plans/{plan_id}/export", responses=_FILE, response_class=Response)
def export_plan(
    services: ServicesDep,
    plan_id: Annotated[int, Path(ge=1, le=2**31 - 1)],
    format: Annotated[ExportFormat, Query()] = "geojson",  # noqa: A002 (the name on the wire)
    layer: Annotated[ExportLayer | None, Query(description="None: grids; for gpkg all three.")] = None,
    paper: Annotated[ExportPaper | None, Query(description="pdf: size of the sheets; None: a4.")] = None,
    lang: Annotated[
        ExportLanguage | None, Query(description="pdf, html; None: that of the names in the data.")
    ] = None,
    grid: Annotated[
        list[str] | None, Query(description="pdf: codes of the grids to print; None: all.", max_length=10_000)
    ] = None,
    key: Annotated[
        str | None,
        Query(
            description="Made by the client, so that it can ask how far the export is, and end it.",
            pattern=_KEY,
        ),
    ] = None,
) -> Response:
    """Give a layer of a plan as a file, or all of it for paper (`pdf`) and mail (`html`).

    A Shapefile is zipped, a GeoPackage whole unless a layer is named.
    """
    asked = PrintAsked(paper, lang, tuple(grid or ()))
    with services.exports.follow(key) as export:
        exported = export_file(
            services.store, plan_id, format=format, layer=layer, printed=asked, progress=export.tell
        )
    return FileResponse(
        exported.path,
        media_type=exported.media_type,
        filename=exported.filename,
        headers={"Cache-Control": "no-store"},
        background=BackgroundTask(exported.remove),
    )


@router.get("/api/exports/{key}", response_model=ExportProgress)
def get_export(services: ServicesDep, key: ExportKey) -> dict[str, int]:
    """Say how far an export is that is on its way; 0 of 0 where there is none with this key (any more)."""
    export = services.exports.get(key)
    return {"done": export.done, "total": export.total}


@router.delete("/api/exports/{key}", status_code=204)
def cancel_export(services: ServicesDep, key: ExportKey) -> None:
    """End an export, if there is one with this key; a sheet that is being drawn is finished first."""
    services.exports.get(key).ended.set()
