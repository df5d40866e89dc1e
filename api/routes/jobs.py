"""Help with a draft: what would mend a grid, at once; rebalancing and cutting anew as jobs that end in a proposal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Response

from api.desk import proposal_row, read_draft, require_draft
from api.edit_models import JobRow, JobStarted, RebalanceBody, SolveBody, SuggestBody, Suggestion
from api.editing import json_answer
from api.job_book import job_row
from api.routes.plans import PlanId
from api.services import Services, ServicesDep
from api.town import read_workload
from api.views import DEFAULT_BOUNDS
from gis_core.partition import Bounds

if TYPE_CHECKING:
    from api.town import Town
    from gis_core.plan.propose import Draft

router = APIRouter(tags=["editing"])

JobId = Annotated[str, Path(min_length=1, max_length=64, description="Name of the job.")]


@router.post("/api/plans/{plan_id}/suggest", response_model=Suggestion)
def suggest(services: ServicesDep, plan_id: PlanId, body: SuggestBody) -> Response:
    """Say which cells would mend a grid, with those around it; at once."""
    return json_answer(services.desk(plan_id).suggest(body.grid))


@router.post("/api/plans/{plan_id}/rebalance", response_model=JobStarted, status_code=202)
def rebalance(services: ServicesDep, plan_id: PlanId, body: RebalanceBody) -> Response:
    """Begin to bring grids inside the bounds with the fewest households changing grid."""
    from gis_core.plan.propose import choose_cells, propose_rebalance

    bounds = _bounds(services, plan_id, body.min, body.max)
    revision, draft, _ = _read(services, plan_id)
    arguments = {
        "draft": draft,
        "bounds": bounds,
        "chosen": choose_cells(draft, body.grids, body.cells or []),
    }
    return _start(services, plan_id, "rebalance", revision, propose_rebalance, arguments)


@router.post("/api/plans/{plan_id}/solve", response_model=JobStarted, status_code=202)
def solve(services: ServicesDep, plan_id: PlanId, body: SolveBody) -> Response:
    """Begin to cut a boundary polygon, or each, into grids anew."""
    from gis_core.plan.propose import propose_cut

    bounds = _bounds(services, plan_id, body.min, body.max)
    revision, draft, town = _read(services, plan_id)
    if not body.locks:
        draft = draft.without_locks()
    if body.boundary is not None:
        draft.area_of(body.boundary)
    if body.weight is not None:
        draft = replace(draft, weight=read_workload(services.store, town, body.weight))
    arguments = {"draft": draft, "bounds": bounds, "boundary": body.boundary, "n_grids": body.grids}
    return _start(services, plan_id, "solve", revision, propose_cut, arguments)


@router.get("/api/jobs/{job_id}", response_model=JobRow)
def get_job(services: ServicesDep, job_id: JobId) -> Response:
    """Say how far a job is; with its proposal where it is done."""
    return json_answer(job_row(services.jobs.get(job_id)))


@router.delete("/api/jobs/{job_id}", response_model=JobRow)
def cancel_job(services: ServicesDep, job_id: JobId) -> Response:
    """End a job; one that ended already stays as it is."""
    return json_answer(job_row(services.jobs.cancel(job_id)))


def _bounds(services: Services, plan_id: int, low: float | None, high: float | None) -> Bounds:
    """Give the bounds that are asked for; those of the plan where nothing is said."""
    usual = services.store.plan(plan_id).bounds or DEFAULT_BOUNDS
    return Bounds(usual[0] if low is None else low, usual[1] if high is None else high)


def _read(services: Services, plan_id: int) -> tuple[int, Draft, Town]:
    """Read a draft as it is now, with its revision."""
    record = services.store.plan(plan_id)
    require_draft(record)
    town = services.town(services.store.dataset(record.dataset_id))
    revision, draft = read_draft(services.store, plan_id, town)
    return revision, draft, town


def _start(
    services: Services, plan_id: int, kind: str, revision: int, function: Any, arguments: dict[str, Any]
) -> Response:
    """Begin a job and say how it is called."""
    wire = partial(proposal_row, revision=revision)
    job = services.jobs.start(plan_id, kind, revision, function=function, arguments=arguments, wire=wire)
    return json_answer({"job": job.id}, status=202, headers={"Location": f"/api/jobs/{job.id}"})
