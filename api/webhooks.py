"""Tells others of the steps of cases: what is due is sent, signed, again and again for a day until it is taken.

What is to be sent stands in the store, so it outlives the server, and several server processes share the work: each
delivery is taken by one of them, and of one webhook only one is under way.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import secrets
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import orjson

from api.incidents import incident_row, step_row
from api.webhook_post import Networks, post
from gis_core.errors import GisCoreError, ParameterError

if TYPE_CHECKING:
    from gis_core.dispatch.rules import Rules
    from gis_core.store import Store
    from gis_core.store.cases import CaseNews
    from gis_core.store.webhooks import DeliveryRecord, WebhookRecord

__all__ = ["Webhooks", "delivery_row", "new_secret", "pause_s", "webhook_row"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks where somebody is told, and where nobody is.
_POLL_S, _IDLE_S = 1.0, 5.0
#: Seconds until the next try; the last one holds for all further ones.
_PAUSES_S = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
#: For how long something is tried.
_TRIED_FOR = timedelta(days=1)
#: Deliveries that this process has under way at most.
_AT_ONCE = 8
#: Seconds that a server which stops waits for those under way.
_PATIENCE_S = 2.0


def new_secret() -> str:
    """Make a secret."""
    return secrets.token_urlsafe(32)


def pause_s(attempts: int) -> float:
    """Return the seconds from a try that failed, the first being 1, to the next.

    Examples
    --------
    >>> [pause_s(n) for n in (1, 2, 9)]
    [5.0, 15.0, 3600.0]
    """
    return _PAUSES_S[min(attempts, len(_PAUSES_S)) - 1]


def webhook_row(record: WebhookRecord) -> dict[str, Any]:
    """Write a webhook as the wire has it, without its secret."""
    return {
        "id": record.id,
        "url": record.url,
        "events": list(record.events),
        "at": record.at,
        "who": record.who,
        "waiting": record.waiting,
        "failed": record.failed,
    }


def delivery_row(record: DeliveryRecord) -> dict[str, Any]:
    """Write a delivery as the wire has it."""
    names = ("serial", "kind", "state", "attempts", "at", "last_at", "status", "answer")
    return {name: getattr(record, name) for name in names}


def body_of(news: CaseNews, rules: Rules) -> str:
    """Write what is sent of a step: the step, and its case as it stood when this was put down."""
    body = {
        "serial": news.serial,
        "event": f"case.{news.step.event.kind}",
        "step": step_row(news.number, news.step),
        "case": incident_row(news.record, rules),
    }
    return orjson.dumps(body).decode()


class Webhooks:
    """What sends; one an app.

    Parameters
    ----------
    store : callable
        Gives the open store.
    allowed : sequence of networks
        Addresses that may be called although they are not public.
    """

    def __init__(self, store: Callable[[], Store], allowed: Networks) -> None:
        self._store = store
        self.allowed = allowed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._under_way = 0
        #: Of the fields below, which threads share.
        self._lock = threading.Lock()
        #: Threads that take or send, also after their tasks were cancelled.
        self._working = 0
        #: What was taken and is not being sent yet, by number.
        self._taken: dict[int, DeliveryRecord] = {}
        self._stopping = False
        self._blind = False

    async def run(self) -> None:
        """Send what is due until cancelled."""
        self._loop, self._wake, self._under_way = asyncio.get_running_loop(), asyncio.Event(), 0
        self._stopping = False
        try:
            async with anyio.create_task_group() as group:
                some = True
                while True:
                    with anyio.move_on_after(_POLL_S if some else _IDLE_S):
                        await self._wake.wait()
                    self._wake.clear()
                    some = await self._look(group)
        finally:
            with anyio.move_on_after(_PATIENCE_S, shield=True):
                await anyio.to_thread.run_sync(self._give_back, abandon_on_cancel=True)
                while self._working:
                    await anyio.sleep(0.02)

    def wake(self) -> None:
        """Look at once; from any thread, after a step."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set_wake)

    def _set_wake(self) -> None:
        self._wake.set()

    async def _look(self, group: anyio.abc.TaskGroup) -> bool:
        """Put down what is new, and begin to send what is due; tell whether anybody is told at all."""
        try:
            some, waits = await anyio.to_thread.run_sync(self._queue)
            while waits and self._under_way < _AT_ONCE:
                taken = await anyio.to_thread.run_sync(self._take)
                if taken is None:
                    break
                self._under_way += 1
                group.start_soon(self._deliver, taken)
            self._blind = False
        except Exception:
            # What was missed is told once the store answers again.
            if not self._blind:
                _LOG.exception("Webhooks cannot be looked at")
            self._blind = True
            return True
        return some

    def _queue(self) -> tuple[bool, bool]:
        """Put down what is new; tell whether anybody is told at all, and whether something waits."""
        store = self._store()
        known = store.webhooks()
        if known and min(record.serial for record in known) < store.case_serial():
            rules = store.dispatch_rules()
            while store.queue_deliveries(lambda news: body_of(news, rules)):
                pass
            known = store.webhooks()
        return bool(known), any(record.waiting for record in known)

    def _take(self) -> DeliveryRecord | None:
        """Take what is due next; once this stops, nothing."""
        with self._lock:
            if self._stopping:
                return None
            self._working += 1
        try:
            taken = self._store().claim_delivery()
            if taken is None:
                return None
            with self._lock:
                if not self._stopping:
                    self._taken[taken.id] = taken
                    return taken
            self._untake(taken)
            return None
        finally:
            with self._lock:
                self._working -= 1

    def _give_back(self) -> None:
        """Take nothing from now on, and leave to other servers what was taken and not begun."""
        with self._lock:
            self._stopping = True
            left, self._taken = list(self._taken.values()), {}
        for taken in left:
            self._untake(taken)

    def _untake(self, taken: DeliveryRecord) -> None:
        try:
            self._store().give_back_delivery(taken)
        except Exception:
            # Another takes it once its time here is over.
            _LOG.exception("A webhook could not be left to other servers")

    async def _deliver(self, taken: DeliveryRecord) -> None:
        try:
            await anyio.to_thread.run_sync(lambda: self._send(taken), abandon_on_cancel=True)
        finally:
            self._under_way -= 1
            self._wake.set()

    def _send(self, taken: DeliveryRecord) -> None:
        """Send once, and write down what came of it; where that fails, it is sent again once its time here is over."""
        with self._lock:
            if self._taken.pop(taken.id, None) is None:
                return
            self._working += 1
        try:
            self._send_once(taken)
        except GisCoreError as error:
            _LOG.info("What came of a webhook was not written: %s", error.message)
        except Exception:
            _LOG.exception("A webhook could not be told")
        finally:
            with self._lock:
                self._working -= 1

    def _send_once(self, taken: DeliveryRecord) -> None:
        headers = {
            "X-Wangge-Event": f"case.{taken.kind}",
            "X-Wangge-Delivery": f"{taken.webhook_id}-{taken.serial}",
        }
        status: int | None = None
        store = self._store()
        try:
            status, answer = post(
                taken.url, taken.body.encode(), headers, secret=taken.secret, allowed=self.allowed
            )
        except ParameterError as error:
            answer = error.message
        except (OSError, http.client.HTTPException) as error:
            answer = _said(error)
        _note(store, taken, status, answer)


def _note(store: Store, taken: DeliveryRecord, status: int | None, answer: str) -> None:
    """Write down what came of a delivery, and when it is tried again."""
    if status is not None and 200 <= status < 300:
        store.end_delivery(taken, "done", status=status, answer=answer)
        return
    pause = pause_s(taken.attempts)
    ends = datetime.now(UTC) + timedelta(seconds=pause) > taken.at + _TRIED_FOR
    if ends:
        _LOG.warning("Webhook %d was not told of step %d within a day.", taken.webhook_id, taken.serial)
    state: Any = "failed" if ends else "waiting"
    store.end_delivery(taken, state, status=status, answer=answer, again_in_s=pause)


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate is not trusted ({error.verify_message})."
    if isinstance(error, TimeoutError):
        return "No answer in time."
    return f"No answer ({error or type(error).__name__})."
