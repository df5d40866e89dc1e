"""A plan as a file to take away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from api.services import ServicesDep

router = APIRouter(prefix="/api/plans", tags=["plans"])

ExportFormat = Literal["geojson", "gpkg", "fgb", "parquet", "shp", "csv", "pdf", "html"]
ExportLayer = Literal["grids", "buildings", "cells"]
ExportPaper = Literal["a4", "a3"]
ExportLanguage = Literal["zh-CN", "en"]

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as an attachment",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/{plan_id}/export", responses=_FILE, response_class=Response)
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
) -> Response:
    """Give a layer of a plan as a file, or all of it for paper (`pdf`) and mail (`html`).

    A Shapefile is zipped, a GeoPackage whole unless a layer is named.
    """
    from api.exporting import PrintAsked, export_file

    asked = PrintAsked(paper, lang, tuple(grid or ()))
    exported = export_file(services.store, plan_id, format=format, layer=layer, printed=asked)
    return FileResponse(
        exported.path,
        media_type=exported.media_type,
        filename=exported.filename,
        headers={"Cache-Control": "no-store"},
        background=BackgroundTask(exported.remove),
    )
