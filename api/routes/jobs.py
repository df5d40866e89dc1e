"""Help with a draft: what would mend a grid, at once; rebalancing and cutting anew as jobs that end in a proposal."""

from __future__ import annotations

import math
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
from api.town import read_ground, read_workload
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

    revision, draft, town = _read(services, plan_id)
    draft, asked = _asked(services, plan_id, body, draft, town)
    chosen = choose_cells(draft, body.grids, body.cells or [])
    arguments = {**asked, "draft": draft, "chosen": chosen, "max_moved": body.max_moved}
    return _start(services, plan_id, "rebalance", revision, propose_rebalance, arguments)


@router.post("/api/plans/{plan_id}/solve", response_model=JobStarted, status_code=202)
def solve(services: ServicesDep, plan_id: PlanId, body: SolveBody) -> Response:
    """Begin to cut a boundary polygon, or each, into grids anew."""
    from gis_core.plan.propose import propose_cut

    revision, draft, town = _read(services, plan_id)
    draft, asked = _asked(services, plan_id, body, draft, town)
    if body.boundary is not None:
        draft.area_of(body.boundary)
    arguments = {
        **asked,
        "draft": draft,
        "boundary": body.boundary,
        "n_grids": body.grids,
        "objective": body.objective,
    }
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


def _asked(
    services: Services, plan_id: int, body: RebalanceBody | SolveBody, draft: Draft, town: Town
) -> tuple[Draft, dict[str, Any]]:
    """Work out what is asked of a proposal; what cannot be read is refused before the work.

    Raises
    ------
    ParameterError
        Where a formula cannot be read or names a column that is not there.
    """
    from gis_core.partition.constraints.weights import WeightBounds
    from gis_core.plan.ground import GroundOptions
    from gis_core.plan.terms import Terms

    if not body.locks:
        draft = draft.without_locks()
    if body.weight is not None:
        draft = replace(draft, weight=read_workload(services.store, town, body.weight))
    further = tuple(
        WeightBounds(
            each.weight,
            read_workload(services.store, town, each.weight),
            each.min or 0.0,
            math.inf if each.max is None else each.max,
        )
        for each in body.further
    )
    ground = GroundOptions(body.barriers, body.pieces, body.max_walk)
    terms = Terms(further, ground)
    if terms.asks_ground:
        terms = replace(terms, layers=read_ground(services.store, town))
    return draft, {"bounds": _bounds(services, plan_id, body.min, body.max), "terms": terms}


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
