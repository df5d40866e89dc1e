"""Repository of who else is told of the steps of cases: what is to be sent, to whom, when again, and what was answered.

A step is put down for each webhook once, as the number of the last one stands with it. One delivery of a webhook is
under way at a time; who sends it has it for a while, and where that process is gone, it is sent again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, select, update

from gis_core.dispatch.old_cases import IMPORTED
from gis_core.errors import NotFoundError
from gis_core.store import cases
from gis_core.store.models import Webhook, WebhookDelivery, table_of
from gis_core.store.rows import plain_text

if TYPE_CHECKING:
    from gis_core.store.cases import CaseNews
    from gis_core.store.dialect import Dialect

__all__ = [
    "LEASE_S",
    "MOST_KEPT",
    "DeliveryRecord",
    "DeliveryState",
    "WebhookRecord",
    "add",
    "claim",
    "deliveries",
    "end",
    "get",
    "give_back",
    "list_all",
    "queue",
    "remove",
]

DeliveryState = Literal["waiting", "sending", "done", "failed"]

_HOOK, _SENT = table_of(Webhook), table_of(WebhookDelivery)
#: Seconds for which a delivery belongs to the process that sends it; sending takes far less.
LEASE_S = 120.0
#: Deliveries of a webhook that are kept after they ended.
MOST_KEPT = 1_000
#: Steps that are put down in one transaction.
_AT_ONCE = 200
_LONGEST_ANSWER = 500


@dataclass(frozen=True)
class WebhookRecord:
    """Who is told: of which kinds of steps (none: of all), up to which step; how many wait, and were given up."""

    id: int
    url: str
    events: tuple[str, ...]
    at: datetime
    who: str
    serial: int
    waiting: int = 0
    failed: int = 0


@dataclass(frozen=True)
class DeliveryRecord:
    """One step that a webhook is told of.

    Attributes
    ----------
    serial : int
        Number of the step among all.
    body : str
        What is sent, the same each time.
    status : int or None
        Of the last answer; None where there was none.
    answer : str or None
        Its beginning, or what went wrong.
    url, secret : str
        Of the webhook.
    """

    id: int
    webhook_id: int
    serial: int
    kind: str
    body: str
    state: DeliveryState
    attempts: int
    at: datetime
    last_at: datetime | None
    status: int | None
    answer: str | None
    url: str
    secret: str


def add(connection: Connection, *, url: str, secret: str, events: Sequence[str], who: str) -> WebhookRecord:
    """Begin to tell somebody of the steps from now on."""
    values = {
        "url": plain_text(url),
        "secret": plain_text(secret),
        "events": json.dumps(list(events)),
        "at": datetime.now(UTC),
        "who": plain_text(who),
        "serial": cases.serial(connection),
    }
    return get(
        connection, connection.execute(insert(_HOOK).values(**values).returning(_HOOK.c.id)).scalar_one()
    )


def list_all(connection: Connection) -> list[WebhookRecord]:
    """Return who is told, the oldest first."""
    rows = connection.execute(select(_HOOK).where(_HOOK.c.removed_at.is_(None)).order_by(_HOOK.c.id)).all()
    counts: dict[tuple[int, str], int] = {}
    if rows:
        some = select(_SENT.c.webhook_id, _SENT.c.state, func.count().label("n")).where(
            _SENT.c.state != "done"
        )
        for row in connection.execute(some.group_by(_SENT.c.webhook_id, _SENT.c.state)):
            state = "waiting" if row.state == "sending" else row.state
            counts[row.webhook_id, state] = counts.get((row.webhook_id, state), 0) + row.n
    return [_hook(row, counts) for row in rows]


def get(connection: Connection, webhook_id: int) -> WebhookRecord:
    """Return a webhook.

    Raises
    ------
    NotFoundError
        Where there is none, or it was removed.
    """
    found = [each for each in list_all(connection) if each.id == webhook_id]
    if not found:
        raise NotFoundError(f"There is no webhook {webhook_id}.", id=webhook_id)
    return found[0]


def remove(connection: Connection, webhook_id: int) -> None:
    """End to tell somebody; what waits is not sent any more.

    Raises
    ------
    NotFoundError
        Where there is none.
    """
    get(connection, webhook_id)
    values: dict[str, Any] = {"removed_at": datetime.now(UTC), "secret": ""}
    connection.execute(update(_HOOK).where(_HOOK.c.id == webhook_id).values(**values))
    connection.execute(delete(_SENT).where(_SENT.c.webhook_id == webhook_id))


def deliveries(connection: Connection, webhook_id: int, *, limit: int) -> list[DeliveryRecord]:
    """Return what a webhook was told of and is to be, the newest first."""
    query = _whole().where(_SENT.c.webhook_id == webhook_id).order_by(_SENT.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(query)]


def queue(connection: Connection, body_of: Callable[[CaseNews], str]) -> int:
    """Put the steps down that webhooks are not told of yet, but no imported ones; return how many were looked at.

    Parameters
    ----------
    body_of : callable
        Gives what is sent of a step.
    """
    seen = 0
    hooks = connection.execute(
        select(_HOOK).where(_HOOK.c.removed_at.is_(None)).order_by(_HOOK.c.id).with_for_update()
    ).all()
    bodies: dict[int, str] = {}
    for hook in hooks:
        found = cases.feed(connection, hook.serial, limit=_AT_ONCE)
        if not found:
            continue
        seen += len(found)
        events, now = json.loads(hook.events), datetime.now(UTC)
        wanted = [
            news
            for news in found
            if (not events or str(news.step.event.kind) in events) and IMPORTED not in news.step.event.data
        ]
        for news in wanted:
            if news.serial not in bodies:
                bodies[news.serial] = body_of(news)
        rows = [
            {
                "webhook_id": hook.id,
                "serial": news.serial,
                "kind": str(news.step.event.kind),
                "body": bodies[news.serial],
                "state": "waiting",
                "attempts": 0,
                "next_s": 0.0,
                "at": now,
            }
            for news in wanted
        ]
        if rows:
            connection.execute(insert(_SENT), rows)
        connection.execute(update(_HOOK).where(_HOOK.c.id == hook.id).values(serial=found[-1].serial))
        _forget(connection, hook.id)
    return seen


def _forget(connection: Connection, webhook_id: int) -> None:
    """Leave out the oldest of what was sent."""
    ended = _SENT.c.state.in_(("done", "failed"))
    kept = select(_SENT.c.id).where(_SENT.c.webhook_id == webhook_id, ended).order_by(_SENT.c.id.desc())
    last = connection.execute(kept.offset(MOST_KEPT).limit(1)).scalar_one_or_none()
    if last is not None:
        connection.execute(delete(_SENT).where(_SENT.c.webhook_id == webhook_id, ended, _SENT.c.id <= last))


def claim(connection: Connection, dialect: Dialect) -> DeliveryRecord | None:
    """Take the oldest delivery that is due, of a webhook that has none under way; None where there is none."""
    dialect.lock_table(connection, _SENT)
    now = dialect.now_s()
    under_way = select(_SENT.c.webhook_id).where(_SENT.c.state == "sending", _SENT.c.next_s > now)
    due = and_(_SENT.c.state.in_(("waiting", "sending")), _SENT.c.next_s <= now)
    query = select(_SENT.c.id).where(due, _SENT.c.webhook_id.not_in(under_way)).order_by(_SENT.c.id).limit(1)
    delivery_id = connection.execute(query).scalar_one_or_none()
    if delivery_id is None:
        return None
    values = {"state": "sending", "next_s": now + LEASE_S, "attempts": _SENT.c.attempts + 1}
    connection.execute(update(_SENT).where(_SENT.c.id == delivery_id).values(**values))
    return _delivery(connection.execute(_whole().where(_SENT.c.id == delivery_id)).one())


def give_back(connection: Connection, dialect: Dialect, taken: DeliveryRecord) -> None:
    """Let others take at once what was taken and not tried."""
    values = {"state": "waiting", "next_s": dialect.now_s(), "attempts": taken.attempts - 1}
    connection.execute(update(_SENT).where(_mine(taken)).values(**values))


def end(
    connection: Connection,
    dialect: Dialect,
    taken: DeliveryRecord,
    state: DeliveryState,
    *,
    status: int | None,
    answer: str,
    again_in_s: float,
) -> bool:
    """Write what came of a delivery that was taken, unless somebody else has it by now; tell whether this did."""
    values: dict[str, Any] = {
        "state": state,
        "last_at": datetime.now(UTC),
        "status": status,
        "answer": _storable(answer)[:_LONGEST_ANSWER],
        "next_s": dialect.now_s() + again_in_s,
    }
    return connection.execute(update(_SENT).where(_mine(taken)).values(**values)).rowcount == 1


def _mine(taken: DeliveryRecord) -> ColumnElement[bool]:
    return and_(_SENT.c.id == taken.id, _SENT.c.state == "sending", _SENT.c.attempts == taken.attempts)


def _storable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def _whole() -> Any:
    return select(_SENT, _HOOK.c.url, _HOOK.c.secret).join(_HOOK, _HOOK.c.id == _SENT.c.webhook_id)


def _hook(row: Row[Any], counts: dict[tuple[int, str], int]) -> WebhookRecord:
    waiting, failed = (counts.get((row.id, state), 0) for state in ("waiting", "failed"))
    return WebhookRecord(
        row.id, row.url, tuple(json.loads(row.events)), row.at, row.who, row.serial, waiting, failed
    )


def _delivery(row: Row[Any]) -> DeliveryRecord:
    return DeliveryRecord(
        row.id, row.webhook_id, row.serial, row.kind, row.body, row.state, row.attempts, row.at, row.last_at,
        row.status, row.answer, row.url, row.secret,
    )  # fmt: skip
