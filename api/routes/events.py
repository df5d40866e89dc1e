"""What happens to a plan while somebody looks at it, as a stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from api.events import EventStream
from api.services import ServicesDep

router = APIRouter(tags=["events"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events as they happen (docs/http.md)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/events", responses=_STREAM, response_class=Response)
async def get_events(
    services: ServicesDep,
    *,
    plan: Annotated[int, Query(ge=1, le=2**31 - 1, description="Number of the plan.")],
    client: Annotated[str, Query(max_length=64, description="Which browser this is; made by it.")] = "",
    name: Annotated[str, Query(max_length=100, description="Who sits at it.")] = "",
    since: Annotated[
        int | None, Query(ge=0, description="Revision that is known; edits after it come first.")
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """Tell the edits of a plan, who is there, publishing and jobs, until the caller goes."""
    known = int(last_event_id) if last_event_id is not None and last_event_id.isdecimal() else since
    hub = services.hub
    listener = await hub.join(plan, since=known, client=client, name=name)
    return EventStream(listener, hub.heartbeat_s, lambda: hub.leave(plan, listener))
