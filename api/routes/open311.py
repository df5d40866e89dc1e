"""Open311 GeoReport v2: services, reports of residents, and what has become of them, as XML or JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.open311 import Desk311, open_desk
from api.open311_form import wire_response
from api.open311_models import (
    FORM,
    Answer311,
    Definition311,
    Discovery311,
    Request311,
    Service311,
    Token311,
    ok,
)
from api.open311_report import read_form, report
from api.services import Services, ServicesDep

router = APIRouter(prefix="/open311", tags=["open311"])

Format = Literal["xml", "json"]
Jurisdiction = Annotated[
    str | None,
    Query(max_length=200, description="Optional; another one than that of this server is refused."),
]
Texts = Annotated[list[str] | None, Query(description="May be repeated, or hold several by comma.")]
Time = Annotated[
    str | None, Query(max_length=40, description="Such as 2026-01-31T00:00:00Z; at most 90 days in all.")
]
Number = Annotated[str | None, Query(max_length=20)]
Again = Annotated[
    str | None,
    Header(max_length=200, description="Made by the caller: the same again is written once."),
]


def _desk(request: Request, services: Services, jurisdiction: str | None) -> Desk311:
    return open_desk(services, request.headers.get("accept-language"), jurisdiction)


@router.get("/discovery.{format}", response_class=Response, responses=ok(Discovery311, "Where and who"))
def open311_discovery(request: Request, services: ServicesDep, format: Format) -> Response:  # noqa: A002
    """Say where the service is, who answers for it, and which formats it speaks."""
    found = _desk(request, services, None).discovery(str(request.base_url))
    return wire_response("discovery", found, as_json=format == "json")


@router.get("/v2/discovery.{format}", response_class=Response, responses=ok(Discovery311, "Where and who"))
def open311_v2_discovery(request: Request, services: ServicesDep, format: Format) -> Response:  # noqa: A002
    """Say the same below the address that clients are given."""
    return open311_discovery(request, services, format)


@router.get(
    "/v2/services.{format}", response_class=Response, responses=ok(list[Service311], "What can be reported")
)
def open311_services(
    request: Request,
    services: ServicesDep,
    format: Format,  # noqa: A002
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """List what can be reported."""
    rows = _desk(request, services, jurisdiction_id).service_rows()
    return wire_response("services", rows, as_json=format == "json")


@router.get(
    "/v2/services/{service_code}.{format}",
    response_class=Response,
    responses=ok(Definition311, "What is asked besides"),
)
def open311_service_definition(
    request: Request,
    services: ServicesDep,
    service_code: str,
    format: Format,  # noqa: A002
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """Say what a service asks besides place and words."""
    found = _desk(request, services, jurisdiction_id).definition(service_code)
    return wire_response("service_definition", found, as_json=format == "json")


@router.post(
    "/v2/requests.{format}",
    response_class=Response,
    responses=ok(list[Answer311], "Number or token of the report"),
    openapi_extra=FORM,
)
async def open311_report(
    request: Request,
    services: ServicesDep,
    format: Format,  # noqa: A002
    idempotency_key: Again = None,
) -> Response:
    """Report something: a number at once, or a token where somebody has to look at the place first."""
    body = await request.body()

    def answer() -> Response:
        desk = _desk(request, services, None)
        form = read_form(desk, body, request.query_params.multi_items())
        return wire_response(
            "service_requests", [report(desk, form, again=idempotency_key)], as_json=format == "json"
        )

    return await run_in_threadpool(answer)


@router.get(
    "/v2/requests.{format}", response_class=Response, responses=ok(list[Request311], "Reports, newest first")
)
def open311_requests(
    request: Request,
    services: ServicesDep,
    format: Format,  # noqa: A002
    *,
    jurisdiction_id: Jurisdiction = None,
    service_request_id: Texts = None,
    service_code: Texts = None,
    start_date: Time = None,
    end_date: Time = None,
    status: Annotated[list[str] | None, Query(description="open, closed; both where it is left out.")] = None,
    page: Number = None,
    page_size: Number = None,
) -> Response:
    """List reports of at most 90 days, newest first, at most 1,000 on a page; numbers override all else."""
    desk = _desk(request, services, jurisdiction_id)
    asked = desk.read_query(
        ids=service_request_id or (),
        codes=service_code or (),
        states=status or (),
        start=start_date,
        end=end_date,
        page=page,
        page_size=page_size,
    )
    return wire_response("service_requests", desk.requests(asked), as_json=format == "json")


@router.get(
    "/v2/requests/{service_request_id}.{format}",
    response_class=Response,
    responses=ok(list[Request311], "The report"),
)
def open311_request(
    request: Request,
    services: ServicesDep,
    service_request_id: str,
    format: Format,  # noqa: A002
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """Say what has become of a report."""
    rows = _desk(request, services, jurisdiction_id).request(service_request_id)
    return wire_response("service_requests", rows, as_json=format == "json")


@router.get(
    "/v2/tokens/{token_id}.{format}",
    response_class=Response,
    responses=ok(list[Token311], "The number of the report"),
)
def open311_token(
    request: Request,
    services: ServicesDep,
    token_id: str,
    format: Format,  # noqa: A002
    jurisdiction_id: Jurisdiction = None,
) -> Response:
    """Give the number of a report by its token; empty as long as somebody looks at its place."""
    rows = _desk(request, services, jurisdiction_id).token_rows(token_id)
    return wire_response("service_requests", rows, as_json=format == "json")
