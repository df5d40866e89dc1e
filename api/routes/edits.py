"""Edits of plans: strokes, their log, drafts, the check list, publishing, comparing."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.edit_models import (
    BranchBody,
    Checks,
    Comparison,
    EditAnswer,
    EditBody,
    EditRow,
    PlanState,
    PublishBody,
    RenameBody,
    RestoreAnswer,
    RestoreBody,
)
from api.editing import RevisionDep, WhoDep, answer_edit, json_answer, state_row
from api.events import edit_row
from api.models import Plan
from api.routes.plans import PlanId, plan_row
from api.services import ServicesDep
from gis_core.plan.dates import begin_of

router = APIRouter(prefix="/api/plans", tags=["editing"])


@router.get("/{plan_id}/state", response_model=PlanState)
def get_state(services: ServicesDep, plan_id: PlanId) -> Response:
    """Give the attributes of a plan: its grids, those dissolved too, locks and notes."""
    state = services.store.plan_state(plan_id)
    return json_answer(state_row(state), revision=state.revision)


@router.patch("/{plan_id}/assignment", response_model=EditAnswer)
def patch_assignment(
    services: ServicesDep, plan_id: PlanId, edit: EditBody, revision: RevisionDep, who: WhoDep
) -> Response:
    """Apply an edit: cells to other grids, attributes; one revision."""
    result = services.store.add_edit(
        plan_id,
        expected_revision=revision,
        who=who,
        kind=edit.kind,
        cell_ix=edit.cells,
        grid_ix=edit.grid_of_each(),
        changes=[(change.path, change.value) for change in edit.changes],
        key=edit.key,
        undoes=edit.undoes,
    )
    services.hub.wake()
    return answer_edit(result)


@router.get("/{plan_id}/edits", response_model=list[EditRow], response_model_exclude_unset=True)
def list_edits(
    services: ServicesDep,
    plan_id: PlanId,
    *,
    since: Annotated[int, Query(ge=0, le=2**31 - 1, description="Revision; edits after it.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cells: Annotated[bool, Query(description="With the cells, their grids and those before.")] = False,
) -> Response:
    """List the edits of a plan, oldest first."""
    edits = services.store.edits(plan_id, since=since, limit=limit)
    return json_answer([edit_row(edit, cells=cells) for edit in edits])


@router.post("/{plan_id}/restore", response_model=RestoreAnswer)
def restore_plan(
    services: ServicesDep, plan_id: PlanId, body: RestoreBody, revision: RevisionDep, who: WhoDep
) -> Response:
    """Return to an earlier revision; changes of base data since are taken back first, each by an edit of its own."""
    result = services.store.restore(plan_id, body.revision, expected_revision=revision, who=who, key=body.key)
    services.hub.wake()
    return answer_edit(result, base=result.base)


@router.post("", response_model=Plan, status_code=201)
def branch_plan(services: ServicesDep, body: BranchBody, who: WhoDep) -> Response:
    """Make a draft from any plan, with its assignment and attributes."""
    plan_id = services.store.branch_plan(body.from_, name=body.name, created_by=who)
    row = plan_row(services.store.plan(plan_id))
    return json_answer(row, status=201, revision=0, headers={"Location": f"/api/plans/{plan_id}"})


@router.patch("/{plan_id}", response_model=Plan)
def rename_plan(services: ServicesDep, plan_id: PlanId, body: RenameBody) -> dict[str, Any]:
    """Give a draft another name."""
    services.store.rename_plan(plan_id, body.name)
    return plan_row(services.store.plan(plan_id))


@router.delete("/{plan_id}", status_code=204, response_class=Response)
def delete_plan(services: ServicesDep, plan_id: PlanId) -> Response:
    """Delete a draft with its log; what is or was in force is kept."""
    services.store.delete_plan(plan_id)
    services.hub.wake()
    return Response(status_code=204)


@router.get("/{plan_id}/checks", response_model=Checks)
def get_checks(services: ServicesDep, plan_id: PlanId) -> Response:
    """Say what is open before a plan can be published."""
    found = services.store.checks(plan_id)
    items = [item.as_dict() for item in found.items]
    content = {"revision": found.revision, "items": items, "publishable": found.publishable}
    return json_answer(content, revision=found.revision)


@router.post("/{plan_id}/publish", response_model=Plan)
def publish_plan(
    services: ServicesDep, plan_id: PlanId, body: PublishBody, revision: RevisionDep, who: WhoDep
) -> Response:
    """Put a draft in force from a day on; what holds in its boundary polygons until then is superseded."""
    record = services.store.publish_plan(
        plan_id,
        expected_revision=revision,
        valid_from=begin_of(body.valid_from),
        except_=body.except_,
        who=who,
    )
    services.hub.wake()
    return json_answer(plan_row(record), revision=record.revision)


@router.get("/{plan_id}/compare", response_model=Comparison)
def compare_plans(
    services: ServicesDep,
    plan_id: PlanId,
    other: Annotated[int, Query(alias="with", ge=1, le=2**31 - 1, description="Plan to compare with.")],
) -> Response:
    """Say which buildings change hands from this plan to another."""
    return json_answer(services.store.compare(plan_id, other))
