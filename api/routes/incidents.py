"""Cases: reported, listed, moved on step by step; and the rules of handling them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from api.case_near import facilities_near, staff_near
from api.editing import WhoDep, json_answer
from api.events import EventStream
from api.incident_models import (
    CaseId,
    CaseNear,
    IncidentDetail,
    IncidentPage,
    ReportBody,
    RulesBody,
    StepBody,
)
from api.incidents import incident_detail, incident_row, report_incident, step_incident
from api.services import ServicesDep
from gis_core.dispatch import State

router = APIRouter(tags=["incidents"])

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events as they happen (docs/http.md)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/api/incidents", response_model=IncidentPage)
def list_incidents(
    services: ServicesDep,
    *,
    state: Annotated[list[State] | None, Query(description="May be repeated.")] = None,
    open: Annotated[bool | None, Query(description="Whether somebody still has something to do.")] = None,  # noqa: A002
    unit: Annotated[str | None, Query(max_length=200)] = None,
    grid: Annotated[str | None, Query(max_length=100, description="Code of a grid.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """List the cases, newest first."""
    serial = services.store.case_serial()  # before the list, so that a stream from there on misses nothing
    found, total = services.store.cases(
        states=state or (), is_open=open, unit=unit, grid_code=grid, limit=limit, offset=offset
    )
    rules = services.store.dispatch_rules()
    rows = [incident_row(record, rules) for record in found]
    return json_answer({"total": total, "incidents": rows, "serial": serial})


@router.post("/api/incidents", response_model=IncidentDetail, status_code=201)
def add_incident(services: ServicesDep, body: ReportBody, who: WhoDep) -> Response:
    """Report a case: located in the plan in force, with candidates where its grid is not sure."""
    record = report_incident(services, body, who)
    return json_answer(
        incident_detail(services, record), status=201, headers={"Location": f"/api/incidents/{record.id}"}
    )


@router.get("/api/incidents/events", responses=STREAM, response_class=Response)
async def get_incident_events(
    services: ServicesDep,
    *,
    since: Annotated[
        int | None, Query(ge=0, le=2**53, description="Step that is known; those after it come first.")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """Tell every step of every case as it happens, until the caller goes."""
    known = since
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal():
        known = min(int(last_event_id), 2**53)
    hub = services.case_hub
    listener = await hub.join(since=known)
    return EventStream(listener, hub.heartbeat_s, lambda: hub.leave(listener))


@router.get("/api/incidents/{case_id}", response_model=IncidentDetail)
def get_incident(services: ServicesDep, case_id: CaseId) -> Response:
    """Give a case with all its steps, whose it is and why, what can be done, and what it may repeat."""
    return json_answer(incident_detail(services, services.store.case(case_id)))


@router.get("/api/incidents/{case_id}/near", response_model=CaseNear)
def get_incident_near(
    services: ServicesDep,
    case_id: CaseId,
    *,
    category: Annotated[
        str, Query(max_length=400, description="Of facilities, by comma; all: each that there is.")
    ] = "all",
    count: Annotated[int, Query(ge=1, le=20, description="Facilities of each category.")] = 1,
    staff: Annotated[int, Query(ge=0, le=20, description="People at most.")] = 5,
) -> Response:
    """Give who can be sent to a case now, and the nearest facilities by road; waits until the streets are read."""
    record = services.store.case(case_id)
    people = staff_near(services, record, count=staff) if staff else []
    found = facilities_near(services, record, categories=category, count=count)
    return json_answer({"staff": people, "near": found})


@router.post("/api/incidents/{case_id}/steps", response_model=IncidentDetail)
def add_step(services: ServicesDep, case_id: CaseId, body: StepBody, who: WhoDep) -> Response:
    """Let something happen to a case; a return goes at once to whom the rules name next."""
    return json_answer(incident_detail(services, step_incident(services, case_id, body, who)))


@router.get("/api/dispatch/rules", response_model=RulesBody)
def get_rules(services: ServicesDep) -> dict[str, Any]:
    """Give the rules of handling cases."""
    return dict(services.store.dispatch_rules().data)


@router.put("/api/dispatch/rules", response_model=RulesBody)
def put_rules(services: ServicesDep, body: RulesBody, who: WhoDep) -> dict[str, Any]:
    """Set the rules of handling cases; deadlines that run stay as they are."""
    return dict(services.store.set_dispatch_rules(body.model_dump(), who=who).data)
