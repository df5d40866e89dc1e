"""Cases: reported, listed, moved on step by step; and the rules of handling them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.editing import WhoDep, json_answer
from api.incident_models import IncidentDetail, IncidentPage, ReportBody, RulesBody, StepBody
from api.incidents import incident_detail, incident_row, report_incident, step_incident
from api.services import ServicesDep
from gis_core.dispatch import State

router = APIRouter(tags=["incidents"])

CaseId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the case.")]


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
    found, total = services.store.cases(
        states=state or (), is_open=open, unit=unit, grid_code=grid, limit=limit, offset=offset
    )
    rules = services.store.dispatch_rules()
    return json_answer({"total": total, "incidents": [incident_row(record, rules) for record in found]})


@router.post("/api/incidents", response_model=IncidentDetail, status_code=201)
def add_incident(services: ServicesDep, body: ReportBody, who: WhoDep) -> Response:
    """Report a case: located in the plan in force, with candidates where its grid is not sure."""
    record = report_incident(services, body, who)
    return json_answer(
        incident_detail(services, record), status=201, headers={"Location": f"/api/incidents/{record.id}"}
    )


@router.get("/api/incidents/{case_id}", response_model=IncidentDetail)
def get_incident(services: ServicesDep, case_id: CaseId) -> Response:
    """Give a case with all its steps, whose it is and why, what can be done, and what it may repeat."""
    return json_answer(incident_detail(services, services.store.case(case_id)))


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
