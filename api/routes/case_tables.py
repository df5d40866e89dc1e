"""Cases in tables: those of before come in, all go out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.case_counts import counts_csv, counts_of
from api.case_export import FORMATS, ExportFormat, export_cases, pages_of
from api.case_import import import_cases
from api.editing import WhoDep, json_answer
from api.incident_models import CaseCounts, ImportAnswer
from api.services import ServicesDep
from gis_core.dispatch import State
from gis_core.dispatch.old_cases import DateOrder, Reading
from gis_core.dispatch.stats import Grouping
from gis_core.errors import ParameterError

router = APIRouter(tags=["incidents"])

_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {kind.partition(";")[0]: _BYTES for kind in FORMATS.values()}}
}


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/api/incidents/table",
    response_model=ImportAnswer,
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": _BYTES}}},
)
def import_table(
    services: ServicesDep,
    who: WhoDep,
    *,
    data: Annotated[bytes, Depends(_body)],
    crs: Annotated[str, Query(max_length=40, description="wgs84, cgcs2000, gcj02, bd09 or EPSG:n")],
    dates: Annotated[DateOrder, Query(description="Order of days that do not begin with the year.")] = "ymd",
    zone: Annotated[
        str | None, Query(max_length=60, description="Of times that name none; None: the calendar's.")
    ] = None,
    ends: Annotated[
        Literal["closed", "open"], Query(description="What a case is whose row does not say.")
    ] = "closed",
    source: Annotated[str, Query(max_length=200, description="Whose numbers these are.")] = "",
    plan: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="Places what is of a time when none was in force.")
    ] = None,
    columns: Annotated[
        list[str] | None, Query(alias="map", max_length=20, description="A column by name: `words=案情`.")
    ] = None,
    strict: Annotated[bool, Query(description="Write nothing where a row is rejected.")] = False,
    dry_run: Annotated[bool, Query(description="Write nothing, only say what would be.")] = False,
    name: Annotated[str, Query(max_length=200, description="What the file is called.")] = "",
) -> Response:
    """Import cases of before (CSV), each placed by what was in force at its time; the same table again adds nothing."""
    reading = Reading(dates, zone or services.store.dispatch_rules().policy.calendar.zone, ends, source)
    report = import_cases(
        services, data, crs=crs, reading=reading, mapping=_mapping(columns or []), plan=plan, file=name, who=who,
        strict=strict, dry_run=dry_run, limit=services.settings.max_points,
    )  # fmt: skip
    return json_answer(report.as_dict())


def _mapping(items: list[str]) -> dict[str, str]:
    mapping = {}
    for item in items:
        what, sign, name = item.partition("=")
        if not sign:
            raise ParameterError(f"map is written as words=案情, not {item[:80]!r}.", map=item[:80])
        mapping[what.strip()] = name.strip()
    return mapping


@router.get("/api/incidents/export", response_class=Response, responses=_FILE)
def export_incidents(
    services: ServicesDep,
    *,
    form: Annotated[ExportFormat, Query(alias="format")] = "csv",
    table: Annotated[
        Literal["cases", "steps"], Query(description="Of a CSV: a row a case, or a row a step.")
    ] = "cases",
    state: Annotated[list[State] | None, Query(description="May be repeated.")] = None,
    open: Annotated[bool | None, Query(description="Whether somebody still has something to do.")] = None,  # noqa: A002
    unit: Annotated[str | None, Query(max_length=200)] = None,
    grid: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Give all cases with all their steps as a file, in the order of their numbers."""
    pages = pages_of(
        services.store, states=[str(each) for each in state or ()], is_open=open, unit=unit, grid_code=grid
    )
    name = "steps" if form == "csv" and table == "steps" else "cases"
    pieces = _begun(export_cases(pages, form, table=table))
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, headers=headers, media_type=FORMATS[form])


@router.get(
    "/api/incidents/stats",
    response_model=CaseCounts,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def incident_stats(
    services: ServicesDep,
    *,
    since: Annotated[
        str | None, Query(alias="from", max_length=40, description="First day, or a time with its offset.")
    ] = None,
    until: Annotated[
        str | None, Query(alias="to", max_length=40, description="Last day, or a time before which.")
    ] = None,
    by: Annotated[Grouping, Query(description="What rows are of.")] = "unit",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Response:
    """Count the cases reported in a time, as they stand now: open, overdue, returned, how long they took."""
    counts = counts_of(services.store, since=since, until=until, by=by)
    if form == "json":
        return json_answer(counts)
    headers = {
        "Content-Disposition": f'attachment; filename="cases-by-{by}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(counts_csv(counts).encode(), headers=headers, media_type=FORMATS["csv"])


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Begin at once, so that what fails at first is still an error of the answer."""
    first = next(pieces)

    def all_of() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of()
