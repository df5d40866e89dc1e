"""Live events of plans: one hub an app, which tells every listener of a plan what others do to it.

The hub looks at the watched plans three times a second, so that edits of other server processes and of the command
line are told too; an edit through this process wakes it at once. Where several server processes work on one store,
who is there and the jobs are read in the same look. All of it lives in the loop of the app, only the store is read in
a thread; a store that does not answer for a while is looked at again, and nothing that happened meanwhile is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from api.events import HEARTBEAT_S, Listener, edit_event, sse
from api.job_book import job_row
from gis_core.errors import GisCoreError, NotFoundError

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.records import EditRecord, JobRecord, PlanMark

__all__ = ["Hub", "is_shared"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks at the plans that somebody watches.
POLL_S = 0.3
#: Seconds after which it is said again who is here, to the other server processes.
BEAT_S = 5.0
#: Edits that a listener who was away is told of; with more of them the plan is loaded anew.
MOST_MISSED = 1_000

People = tuple[tuple[int, str, str], ...]


def is_shared(store: Store) -> bool:
    """Tell whether several server processes may work on a store."""
    return "parallel-writers" in store.capabilities


@dataclass(frozen=True)
class _News:
    """What one look found; `said`: the other server processes know who is here."""

    said: bool
    marks: dict[int, PlanMark] = field(default_factory=dict)
    edits: dict[int, list[EditRecord]] = field(default_factory=dict)
    others: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    jobs: list[JobRecord] = field(default_factory=list)


@dataclass(eq=False)
class _Channel:
    """What was told of one plan so far, and to whom it is told.

    Attributes
    ----------
    others : list of (client, name)
        Who watches the plan through other server processes.
    jobs : dict or None
        State of the jobs that were told of; None before the first look.
    """

    revision: int
    state: str
    listeners: list[Listener] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    jobs: dict[str, str] | None = None

    def tell(self, event: bytes) -> None:
        for listener in self.listeners:
            listener.put(event)

    def presence(self) -> bytes:
        there = {listener.client: listener.name for listener in self.listeners}
        there = {**there, **{client: name for client, name in self.others if client not in there}}
        return sse("presence", [{"client": client, "name": name} for client, name in there.items()])

    def meet(self, others: list[tuple[str, str]]) -> None:
        if others != self.others:
            self.others = others
            self.tell(self.presence())

    def tell_job(self, job: JobRecord) -> None:
        """Tell that a job began or ended, once, whoever says so."""
        known = (self.jobs or {}).get(job.id)
        if known == job.state or known not in (None, "running"):
            return
        self.jobs = {**(self.jobs or {}), job.id: job.state}
        self.tell(sse("job", job_row(job, result=False)))


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
        self._worker = uuid.uuid4().hex
        # Whom the other server processes were told of, and when.
        self._said: People = ()
        self._said_at = 0.0

    @property
    def n_listeners(self) -> int:
        """Number of open streams."""
        return sum(len(channel.listeners) for channel in self._channels.values())

    async def run(self) -> None:
        """Look at the watched plans until the task is cancelled."""
        self._loop, self._wake, self._closed = asyncio.get_running_loop(), asyncio.Event(), False
        while True:
            with anyio.move_on_after(self._poll_s if self._channels or self._said else None):
                await self._wake.wait()
            self._wake.clear()
            if self._channels or self._said:
                await self._look()

    def wake(self) -> None:
        """Look at the plans at once; from any thread, after an edit."""
        self._call(self._set_wake)

    def tell_job(self, job: JobRecord) -> None:
        """Tell all who watch its plan that a job began or ended; from any thread."""
        self._call(partial(self._tell_job, job))

    def close(self) -> None:
        """End all streams, so that the server can stop; from any thread."""
        self._closed = True
        self._call(self._close)

    def say_goodbye(self) -> None:
        """Tell the other server processes that nobody is here any more; after `run` has ended."""
        if self._said:
            with suppress(GisCoreError):
                self._store().set_presence(self._worker, ())
            self._said = ()

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
        self._wake.set()

    def _missed(self, plan_id: int, since: int, until: int) -> list[bytes]:
        """Give the events of the edits after one revision, up to another."""
        if until - since > MOST_MISSED:
            return [sse("reload", {"revision": until}, number=until)]
        edits = self._store().edits(plan_id, since=since)
        return [edit_event(edit) for edit in edits if edit.revision <= until]

    def _call(self, act: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _set_wake(self) -> None:
        self._wake.set()

    def _tell_job(self, job: JobRecord) -> None:
        if job.plan_id in self._channels:
            self._channels[job.plan_id].tell_job(job)

    def _close(self) -> None:
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.close()

    def _people(self) -> People:
        """Give who watches which plan through this process."""
        return tuple(
            sorted(
                {
                    (plan_id, listener.client, listener.name)
                    for plan_id, channel in self._channels.items()
                    for listener in channel.listeners
                }
            )
        )

    async def _look(self) -> None:
        """Say who is here where others ask, read what changed in the watched plans, and tell it."""
        known = {plan_id: channel.revision for plan_id, channel in self._channels.items()}
        people, now = self._people(), time.monotonic()
        due = people != self._said or (bool(people) and now - self._said_at >= BEAT_S)
        try:
            news = await anyio.to_thread.run_sync(
                partial(_read_news, self._store, known, self._worker, people if due else None)
            )
        except Exception:
            # The streams stay open, and what is missed is told once the store answers again.
            if not self._blind:
                _LOG.exception("The watched plans cannot be looked at")
            self._blind = True
            return
        self._blind = False
        if news.said:
            self._said, self._said_at = people, now
        for plan_id in known:
            channel = self._channels.get(plan_id)
            if channel is not None:
                self._pass_on(plan_id, channel, news)

    def _pass_on(self, plan_id: int, channel: _Channel, news: _News) -> None:
        """Tell the listeners of a plan what a look found."""
        mark = news.marks.get(plan_id)
        if mark is None:
            for listener in channel.listeners:
                listener.close()
            return
        for edit in news.edits.get(plan_id, ()):
            if edit.revision > channel.revision:
                channel.revision = edit.revision
                channel.tell(edit_event(edit))
        if mark.state != channel.state:
            channel.state = mark.state
            channel.tell(sse("published", _published(plan_id, mark)))
        channel.meet(news.others.get(plan_id, []))
        self._pass_jobs_on(channel, [job for job in news.jobs if job.plan_id == plan_id])

    @staticmethod
    def _pass_jobs_on(channel: _Channel, jobs: Iterable[JobRecord]) -> None:
        if channel.jobs is None:  # what was there before anybody watched is no news
            channel.jobs = {job.id: job.state for job in jobs}
        for job in jobs:
            channel.tell_job(job)


def _published(plan_id: int, mark: PlanMark) -> dict[str, Any]:
    return {
        "plan": plan_id,
        "state": mark.state,
        "revision": mark.revision,
        "valid_from": mark.valid_from,
        "valid_to": mark.valid_to,
    }


def _read_news(
    store_of: Callable[[], Store], known: dict[int, int], worker: str, people: People | None
) -> _News:
    """Read what changed in some plans, of which a revision is known; say who is here where `people` is given."""
    store = store_of()
    shared = is_shared(store)
    said = shared and people is not None
    if said:
        store.set_presence(worker, people or ())
    if not known:
        return _News(said)
    marks = store.plan_marks(known)
    edits: dict[int, list[EditRecord]] = {}
    for plan_id, mark in marks.items():
        if mark.revision > known[plan_id]:
            with suppress(NotFoundError):  # it went between two queries; the next look says so
                edits[plan_id] = store.edits(plan_id, since=known[plan_id])
    if not shared:
        return _News(said, marks, edits)
    return _News(said, marks, edits, store.presence(known, but=worker), store.jobs_of_plans(known))
