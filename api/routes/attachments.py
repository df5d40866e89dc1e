"""Files of cases: photos, PDF and text, kept outside the store and never deleted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from api.attachments import attach, attachment_row, file_response
from api.editing import WhoDep, json_answer
from api.incident_models import Attachment, AttachmentList, CaseId
from api.middleware import ATTACHMENT_TYPES
from api.services import ServicesDep

router = APIRouter(tags=["incidents"])

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself.",
        "content": dict.fromkeys(ATTACHMENT_TYPES, _BINARY),
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": dict.fromkeys(ATTACHMENT_TYPES[:-1], _BINARY)},
    304: {"description": "The caller has it already"},
}


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post(
    "/api/incidents/{case_id}/attachments", response_model=Attachment, status_code=201, openapi_extra=_BODY
)
def add_attachment(
    services: ServicesDep,
    case_id: CaseId,
    who: WhoDep,
    *,
    data: Annotated[bytes, Depends(_body)],
    name: Annotated[str, Query(max_length=300, description="What the file is called.")] = "",
    key: Annotated[
        str | None,
        Query(min_length=1, max_length=64, description="Made by the client: sent again it counts once."),
    ] = None,
    why: Annotated[str, Query(max_length=4000, description="Words that belong to it.")] = "",
    where: Annotated[str, Query(max_length=200, description="Where it came from.")] = "",
) -> Response:
    """Keep a photo (JPEG, PNG, WebP), PDF or plain text with a case, as a note of its history."""
    record, case = attach(services, case_id, data, name=name, key=key, who=who, why=why, where=where)
    row = {**attachment_row(record), "n_steps": case.n_steps}
    return json_answer(row, status=201, headers={"Location": row["url"]})


@router.get("/api/incidents/{case_id}/attachments", response_model=AttachmentList)
def list_attachments(services: ServicesDep, case_id: CaseId) -> Response:
    """List the files of a case, the first first."""
    services.store.case(case_id)
    return json_answer(
        {"attachments": [attachment_row(each) for each in services.store.case_attachments(case_id)]}
    )


@router.get("/api/incidents/{case_id}/attachments/{number}", response_class=Response, responses=_FILE)
def get_attachment(
    services: ServicesDep,
    case_id: CaseId,
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    *,
    size: Annotated[
        Literal["full", "thumb"], Query(description="thumb: a JPEG of at most 320 pixels.")
    ] = "full",
    if_none_match: Annotated[str | None, Header(max_length=500)] = None,
) -> Response:
    """Give a file of a case, or the small picture of a photo."""
    record = services.store.case_attachment(case_id, number)
    return file_response(services, record, thumb=size == "thumb", known=if_none_match)
