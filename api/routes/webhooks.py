"""Webhooks: who else is told of the steps of cases."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.editing import WhoDep, json_answer
from api.incident_models import NewWebhook, Webhook, WebhookBody, WebhookDetail
from api.services import ServicesDep
from api.webhook_post import require_url
from api.webhooks import delivery_row, new_secret, webhook_row

router = APIRouter(tags=["webhooks"])

WebhookId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the webhook.")]


@router.get("/api/webhooks", response_model=list[Webhook])
def list_webhooks(services: ServicesDep) -> list[dict[str, Any]]:
    """List who is told of the steps of cases, without their secrets."""
    return [webhook_row(record) for record in services.store.webhooks()]


@router.post("/api/webhooks", response_model=NewWebhook, status_code=201)
def add_webhook(services: ServicesDep, body: WebhookBody, who: WhoDep) -> Response:
    """Tell somebody of the steps from now on; the secret is shown in this answer and never again."""
    require_url(body.url, services.webhooks.allowed)
    secret = body.secret or new_secret()
    kinds = list(dict.fromkeys(str(kind) for kind in body.events))
    record = services.store.add_webhook(url=body.url, secret=secret, events=kinds, who=who)
    services.webhooks.wake()
    row = {**webhook_row(record), "secret": secret}
    return json_answer(row, status=201, headers={"Location": f"/api/webhooks/{record.id}"})


@router.get("/api/webhooks/{webhook_id}", response_model=WebhookDetail)
def get_webhook(
    services: ServicesDep,
    webhook_id: WebhookId,
    *,
    limit: Annotated[int, Query(ge=1, le=1000, description="Deliveries at most.")] = 100,
) -> Response:
    """Give a webhook with what it was told of and is to be, the newest first, and what it answered last."""
    record = services.store.webhook(webhook_id)
    found = services.store.deliveries(webhook_id, limit=limit)
    return json_answer({**webhook_row(record), "deliveries": [delivery_row(each) for each in found]})


@router.delete("/api/webhooks/{webhook_id}", status_code=204, response_class=Response)
def delete_webhook(services: ServicesDep, webhook_id: WebhookId) -> Response:
    """End to tell somebody; what waits is not sent any more."""
    services.store.remove_webhook(webhook_id)
    return Response(status_code=204)
