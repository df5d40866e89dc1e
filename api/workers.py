"""Several server processes on one socket: begun, watched, begun anew where one dies, and ended together.

What one of them learns (strokes, people, jobs) the others read in the store; see `api.hub` and `api.jobs`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection
from typing import TYPE_CHECKING, Any

from api.server import run_server
from gis_core.errors import GisCoreError, ParameterError

if TYPE_CHECKING:
    from api.settings import Settings
    from gis_core.store import Store

__all__ = ["end_with_parent", "require_room", "run_workers"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks at whether to stop; one that died is begun anew after as many.
_BEAT_S = 0.5
#: Seconds that the processes get to end by themselves.
_END_S = 8.0


def require_room(settings: Settings, store: Store) -> None:
    """Refuse several server processes where the store is a file.

    Raises
    ------
    ParameterError
        Where it is.
    """
    if settings.workers > 1 and "parallel-writers" not in store.capabilities:
        raise ParameterError(
            f"{store.where} is served by one process: leave --workers (WANGGE_WORKERS) out, or name a PostGIS "
            "database with --db postgresql://...",
            workers=settings.workers,
        )


def run_workers(settings: Settings, sock: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve with `settings.workers` processes until Ctrl-C or SIGTERM; `on_ready` is called once all answer.

    Raises
    ------
    GisCoreError
        Where one ends before it ever answered.
    """
    workers = [_Worker(settings, sock) for _ in range(settings.workers)]
    told = False
    with _stopping() as stop:
        try:
            while not stop.is_set():
                connection.wait([each for worker in workers for each in worker.signs()], _BEAT_S)
                for place, worker in enumerate(workers):
                    if worker.has_ended() and not stop.is_set():
                        workers[place] = worker.anew(stop)
                if not told and all(worker.is_ready() for worker in workers):
                    told = True
                    on_ready()
        finally:
            _end(workers)


class _Worker:
    """One server process."""

    def __init__(self, settings: Settings, sock: socket.socket) -> None:
        self._settings, self._sock = settings, sock
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe(duplex=False)
        self.process: Any = context.Process(target=_serve, args=(settings, sock, there), name="wangge-worker")
        self.process.start()
        there.close()
        self._ready = False

    def signs(self) -> list[Any]:
        """Give what to wait for: its end, and that it is ready."""
        return [self.process.sentinel] if self._ready else [self.process.sentinel, self._pipe]

    def is_ready(self) -> bool:
        """Tell whether it answers requests."""
        if not self._ready and self._pipe.poll():
            with suppress(EOFError):
                self._ready = bool(self._pipe.recv())
        return self._ready

    def has_ended(self) -> bool:
        """Tell whether it ended, without being asked to."""
        return self.process.exitcode is not None

    def anew(self, stop: threading.Event) -> _Worker:
        """Begin another in the place of this one, which died."""
        if not self.is_ready():
            raise GisCoreError("A server process ended while it started; the lines above say why.")
        _LOG.error("A server process died (exit code %s); another takes its place", self.process.exitcode)
        self._pipe.close()
        stop.wait(_BEAT_S)
        return _Worker(self._settings, self._sock)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set, in place of what they do otherwise."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(workers: list[_Worker]) -> None:
    """Ask all processes to end; those that do not are killed."""
    for worker in workers:
        if worker.process.exitcode is None:
            worker.process.terminate()
    deadline = time.monotonic() + _END_S
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()


def _serve(settings: Settings, sock: socket.socket, pipe: connection.Connection) -> None:
    """Serve in a process of its own; it ends with the one that began it."""
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    with suppress(KeyboardInterrupt):
        run_server(settings, sock, on_ready=lambda: pipe.send(True))


def end_with_parent() -> None:
    """Wait for the end of the process that began this one, and end as well."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
