"""Live events of plans: one hub an app, which tells every listener of a plan what others do to it.

The hub looks at the revisions of the watched plans twice a second, so that edits of other processes and of the
command line are told too; an edit through this process wakes it at once. All of it lives in the loop of the app,
only the store is read in a thread. Presence is known of this process alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gis_core.errors import GisCoreError, NotFoundError

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.records import EditRecord, PlanRecord

__all__ = ["EventStream", "Hub", "Listener", "edit_row", "sse"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks at the plans that somebody watches.
POLL_S = 0.5
#: Seconds of silence after which a sign of life is sent.
HEARTBEAT_S = 15.0
#: Events that wait for one listener; who is further behind is let go, and comes back with Last-Event-ID.
MOST_WAITING = 500
#: Edits that a listener who was away is told of; with more of them the plan is loaded anew.
MOST_MISSED = 1_000

HEARTBEAT = b": still here\n\n"


def edit_row(edit: EditRecord, *, cells: bool = True) -> dict[str, Any]:
    """Write an edit as the wire has it; `cells` adds its cells with their grids after and before."""
    row: dict[str, Any] = {
        "revision": edit.revision,
        "at": edit.at,
        "who": edit.who,
        "kind": edit.kind,
        "key": edit.key,
        "n_cells": len(edit.cell_ix),
        "undoes": edit.undoes,
        "undone_by": edit.undone_by,
        "changes": [{"path": each.path, "value": each.value, "before": each.before} for each in edit.changes],
    }
    if cells:
        row["cells"] = edit.cell_ix.tolist()
        row["grids"] = edit.grid_ix.tolist()
        row["before"] = edit.inverse_grid_ix.tolist()
    return row


def sse(event: str, data: Any, *, number: int | None = None) -> bytes:
    """Write one event of a text/event-stream."""
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + event.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


@dataclass(eq=False)
class Listener:
    """One open stream.

    Attributes
    ----------
    client, name : str
        Which browser it is, and who sits at it; both as they were given.
    """

    client: str
    name: str
    waiting: deque[bytes] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def put(self, event: bytes) -> None:
        """Queue an event; a listener that does not keep up is closed."""
        if len(self.waiting) >= MOST_WAITING:
            self.close()
        elif not self.closed:
            self.waiting.append(event)
            self.ready.set()

    def close(self) -> None:
        """End the stream once it has sent what waits."""
        self.closed = True
        self.ready.set()

    async def events(self, heartbeat_s: float) -> AsyncIterator[bytes]:
        """Give what is to be sent, and a sign of life where there is nothing for long."""
        while True:
            while self.waiting:
                yield self.waiting.popleft()
            if self.closed:
                return
            self.ready.clear()
            with anyio.move_on_after(heartbeat_s) as silence:
                await self.ready.wait()
            if silence.cancelled_caught:
                yield HEARTBEAT


@dataclass(eq=False)
class _Channel:
    """What was told of one plan so far, and to whom it is told."""

    revision: int
    state: str
    listeners: list[Listener] = field(default_factory=list)

    def tell(self, event: bytes) -> None:
        for listener in self.listeners:
            listener.put(event)

    def presence(self) -> bytes:
        there = {listener.client: listener.name for listener in self.listeners}
        return sse("presence", [{"client": client, "name": name} for client, name in there.items()])


class Hub:
    """Streams of all plans of an app.

    Parameters
    ----------
    store : callable
        Gives the open store.
    poll_s, heartbeat_s : float
        Seconds between two looks at the store, and of silence before a sign of life.
    """

    def __init__(
        self, store: Callable[[], Store], *, poll_s: float = POLL_S, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._store = store
        self._poll_s = poll_s
        self.heartbeat_s = heartbeat_s
        self._channels: dict[int, _Channel] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._closed = False
        self._blind = False

    @property
    def n_listeners(self) -> int:
        """Number of open streams."""
        return sum(len(channel.listeners) for channel in self._channels.values())

    async def run(self) -> None:
        """Look at the watched plans until the task is cancelled."""
        self._loop, self._wake, self._closed = asyncio.get_running_loop(), asyncio.Event(), False
        while True:
            with anyio.move_on_after(self._poll_s if self._channels else None):
                await self._wake.wait()
            self._wake.clear()
            if self._channels:
                await self._look()

    def wake(self) -> None:
        """Look at the plans at once; from any thread, after an edit."""
        self._call(self._wake.set)

    def tell(self, plan_id: int, event: str, data: Any) -> None:
        """Send an event to all who watch a plan; from any thread."""
        self._call(partial(self._tell, plan_id, sse(event, data)))

    def close(self) -> None:
        """End all streams, so that the server can stop; from any thread."""
        self._closed = True
        self._call(self._close)

    async def join(self, plan_id: int, *, since: int | None, client: str, name: str) -> Listener:
        """Open a stream of a plan.

        Parameters
        ----------
        since : int or None
            Revision that the listener knows; what came after it is sent first. None: the revision of now.

        Raises
        ------
        NotFoundError
            Where there is no such plan.
        """
        record = await anyio.to_thread.run_sync(lambda: self._store().plan(plan_id))
        channel = self._channels.setdefault(plan_id, _Channel(record.revision, record.state))
        told = channel.revision
        listener = Listener(client, name)
        channel.listeners.append(listener)
        channel.tell(channel.presence())
        if since is not None and since < told:
            try:
                missed = await anyio.to_thread.run_sync(lambda: self._missed(plan_id, since, told))
            except GisCoreError:
                self.leave(plan_id, listener)
                raise
            listener.waiting.extendleft(reversed(missed))
        if self._closed:
            listener.close()
        self._wake.set()
        return listener

    def leave(self, plan_id: int, listener: Listener) -> None:
        """Forget a stream that ended, and tell the others who is still there."""
        channel = self._channels.get(plan_id)
        if channel is None or listener not in channel.listeners:
            return
        channel.listeners.remove(listener)
        if channel.listeners:
            channel.tell(channel.presence())
        else:
            del self._channels[plan_id]

    def _missed(self, plan_id: int, since: int, until: int) -> list[bytes]:
        """Give the events of the edits after one revision, up to another."""
        if until - since > MOST_MISSED:
            return [sse("reload", {"revision": until}, number=until)]
        edits = self._store().edits(plan_id, since=since)
        return [_edit_event(edit) for edit in edits if edit.revision <= until]

    def _call(self, act: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _tell(self, plan_id: int, event: bytes) -> None:
        if plan_id in self._channels:
            self._channels[plan_id].tell(event)

    def _close(self) -> None:
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.close()

    async def _look(self) -> None:
        """Read what changed in the watched plans, and tell it."""
        known = {plan_id: channel.revision for plan_id, channel in self._channels.items()}
        try:
            found = await anyio.to_thread.run_sync(partial(_changes, self._store, known))
        except Exception:
            # The streams stay open, and what is missed is told once the store answers again.
            if not self._blind:
                _LOG.exception("The watched plans cannot be looked at")
            self._blind = True
            return
        self._blind = False
        for plan_id, (record, edits) in found.items():
            channel = self._channels.get(plan_id)
            if channel is None:
                continue
            if record is None:
                for listener in channel.listeners:
                    listener.close()
                continue
            self._catch_up(plan_id, channel, record, edits)

    def _catch_up(
        self, plan_id: int, channel: _Channel, record: PlanRecord, edits: Iterable[EditRecord]
    ) -> None:
        for edit in edits:
            if edit.revision > channel.revision:
                channel.revision = edit.revision
                channel.tell(_edit_event(edit))
        if record.state != channel.state:
            channel.state = record.state
            channel.tell(
                sse(
                    "published",
                    {
                        "plan": plan_id,
                        "state": record.state,
                        "revision": record.revision,
                        "valid_from": record.valid_from,
                        "valid_to": record.valid_to,
                    },
                )
            )


def _changes(
    store: Callable[[], Store], known: dict[int, int]
) -> dict[int, tuple[PlanRecord | None, list[EditRecord]]]:
    """Read the state of some plans, and the edits after the revisions that are known; None: the plan is gone."""
    found: dict[int, tuple[PlanRecord | None, list[EditRecord]]] = {}
    for plan_id, revision in known.items():
        try:
            record = store().plan(plan_id)
            edits = store().edits(plan_id, since=revision) if record.revision > revision else []
            found[plan_id] = record, edits
        except NotFoundError:
            found[plan_id] = None, []
    return found


def _edit_event(edit: EditRecord) -> bytes:
    return sse("edit", edit_row(edit), number=edit.revision)


class EventStream(Response):
    """The answer that stays open: sends what a listener gets, and ends as soon as the caller is gone."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, plan_id: int, listener: Listener) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._plan_id, self._listener = hub, plan_id, listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the caller goes or the hub closes."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                await self._send(send)
                group.cancel_scope.cancel()
        except* OSError:  # the caller went while something was sent
            pass
        finally:
            self._hub.leave(self._plan_id, self._listener)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Some browsers open a stream only once a first line is there.
        await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        async for event in self._listener.events(self._hub.heartbeat_s):
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
