"""Live events of plans: their form on the wire, those who listen, and the answer that stays open."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from gis_core.store.records import EditRecord

__all__ = ["EventStream", "Listener", "edit_event", "edit_row", "sse"]

#: Seconds of silence after which a sign of life is sent.
HEARTBEAT_S = 15.0
#: Events that wait for one listener; who is further behind is let go, and comes back with Last-Event-ID.
MOST_WAITING = 500

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


def edit_event(edit: EditRecord) -> bytes:
    """Write an edit with its cells as an event; its number is its revision."""
    return sse("edit", edit_row(edit), number=edit.revision)


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


class EventStream(Response):
    """The answer that stays open: sends what a listener gets, and ends as soon as the caller is gone."""

    media_type = "text/event-stream"

    def __init__(self, listener: Listener, heartbeat_s: float, leave: Callable[[], None]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._listener, self._heartbeat_s, self._leave = listener, heartbeat_s, leave

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
            self._leave()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # Some browsers open a stream only once a first line is there.
        await send({"type": "http.response.body", "body": HEARTBEAT, "more_body": True})
        async for event in self._listener.events(self._heartbeat_s):
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @staticmethod
    async def _watch(receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
