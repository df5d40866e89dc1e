"""Live events of cases: one hub an app, which tells every listener of each step that happens to any case.

Steps are numbered in the order in which they can be read, so the hub only looks what came after the last one that it
told of, three times a second while somebody listens: steps of other server processes, of the command line and urgings
are told like those of this process, which wake it at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from api.events import HEARTBEAT_S, Listener, sse
from api.incidents import incident_row
from gis_core.errors import GisCoreError

if TYPE_CHECKING:
    from gis_core.dispatch.rules import Rules
    from gis_core.store import Store
    from gis_core.store.cases import CaseNews

__all__ = ["MOST_MISSED", "CaseHub", "case_event"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks at the cases while somebody listens.
POLL_S = 0.3
#: Steps that a listener who was away is told of; with more of them the list is loaded anew.
MOST_MISSED = 1_000


def case_event(news: CaseNews, rules: Rules) -> bytes:
    """Write a step as an event: the case as it stands now, what was done, and by whom; its number is the step's."""
    event = news.step.event
    row = {**incident_row(news.record, rules), "kind": event.kind, "who": event.who, "at": event.at}
    return sse("case", row, number=news.serial)


class CaseHub:
    """The streams of cases of an app.

    Parameters
    ----------
    store : callable
        Gives the open store.
    also : callable
        Who else looks at the cases after a step; called from any thread.
    poll_s, heartbeat_s : float
        Seconds between two looks at the store, and of silence before a sign of life.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        also: Callable[[], None] = lambda: None,
        poll_s: float = POLL_S,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._store = store
        self._also = also
        self._poll_s = poll_s
        self.heartbeat_s = heartbeat_s
        self._listeners: list[Listener] = []
        #: Number of the last step that was told; None while nobody listens.
        self._told: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._closed = False
        self._blind = False

    @property
    def n_listeners(self) -> int:
        """Number of open streams."""
        return len(self._listeners)

    async def run(self) -> None:
        """Look at the cases until the task is cancelled."""
        self._loop, self._wake, self._closed = asyncio.get_running_loop(), asyncio.Event(), False
        while True:
            with anyio.move_on_after(self._poll_s if self._listeners else None):
                await self._wake.wait()
            self._wake.clear()
            if self._told is not None:
                await self._look(self._told)

    def wake(self) -> None:
        """Look at the cases at once; from any thread, after a step."""
        self._call(self._set_wake)
        self._also()

    def close(self) -> None:
        """End all streams, so that the server can stop; from any thread."""
        self._closed = True
        self._call(self._close)

    async def join(self, *, since: int | None) -> Listener:
        """Open a stream.

        Parameters
        ----------
        since : int or None
            Number of the last step that the listener knows; those after it are sent first. None: from now on.
        """
        if self._told is None:
            newest = await anyio.to_thread.run_sync(lambda: self._store().case_serial())
            self._told = newest if self._told is None else self._told
        told = self._told
        listener = Listener("", "")
        self._listeners.append(listener)
        # A listener who goes before the first step comes back with this number.
        first = [sse("ready", {"serial": told}, number=told)]
        if since is not None and since != told:
            try:
                first = await anyio.to_thread.run_sync(lambda: self._missed(since, told))
            except GisCoreError:
                self.leave(listener)
                raise
        listener.waiting.extendleft(reversed(first))
        if self._closed:
            listener.close()
        self._wake.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a stream that ended."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self._told = None

    def _missed(self, since: int, until: int) -> list[bytes]:
        """Give the events after one step, up to another; where they are too many, or none led there, say so."""
        if since > until:
            return [_reload(until)]
        store = self._store()
        found = store.case_feed(since, until=until, limit=MOST_MISSED + 1)
        if len(found) > MOST_MISSED:
            return [_reload(until)]
        rules = store.dispatch_rules()
        return [case_event(news, rules) for news in found]

    def _call(self, act: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _set_wake(self) -> None:
        self._wake.set()

    def _close(self) -> None:
        for listener in self._listeners:
            listener.close()

    async def _look(self, told: int) -> None:
        """Read what was done since, and tell it."""
        try:
            newest, events = await anyio.to_thread.run_sync(lambda: self._read(told))
        except Exception:
            # The streams stay open, and what is missed is told once the store answers again.
            if not self._blind:
                _LOG.exception("The cases cannot be looked at")
            self._blind = True
            return
        self._blind = False
        if self._told != told:  # all went meanwhile, and others came
            return
        self._told = newest
        for listener in self._listeners:
            for event in events:
                listener.put(event)

    def _read(self, since: int) -> tuple[int, list[bytes]]:
        store = self._store()
        found = store.case_feed(since, limit=MOST_MISSED + 1)
        if not found:
            return since, []
        if len(found) > MOST_MISSED:
            newest = store.case_serial()
            return newest, [_reload(newest)]
        rules = store.dispatch_rules()
        return found[-1].serial, [case_event(news, rules) for news in found]


def _reload(serial: int) -> bytes:
    return sse("reload", {"serial": serial}, number=serial)
