"""Long work on plans: one job a plan at a time, each in a process of its own, which can be ended at any moment.

What is known of a job stands in a book; where several server processes share one, each of them can tell of every job
and end it: the one that has the process sees so at its next beat.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from api.errors import ProblemError
from api.job_book import JobBook
from api.working import end_work, serve_work
from gis_core.errors import GisCoreError, StoreUnavailableError
from gis_core.store.records import JobRecord

__all__ = ["Jobs"]

_LOG = logging.getLogger("wangge.api")
#: Seconds between two looks at whether somebody else ended a job.
_BEAT_S = 0.5
#: Seconds between attempts to write the end of a job down while the store does not answer.
_PATIENCE_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
_BROKEN = "The work failed; the log of the server has the details under this job."
_DIED = "The process that did the work ended by itself, most likely for want of memory."


class _Work:
    """The process of a job."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self._gate = threading.Lock()

    def end(self) -> None:
        """End it with all that it started; nothing where it ended before."""
        with self._gate:
            end_work(self._process)


class Jobs:
    """The jobs of an app.

    Parameters
    ----------
    limit : int
        Jobs that may run at once.
    tell : callable
        Called with a job whenever one begins or ends by this app.
    book : callable
        Gives the book in which jobs stand.
    """

    def __init__(self, limit: int, tell: Callable[[JobRecord], None], book: Callable[[], JobBook]) -> None:
        self._limit = limit
        self._tell = tell
        self._book = book
        self._work: dict[str, _Work] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._context = multiprocessing.get_context("spawn")

    def start(
        self,
        plan_id: int,
        kind: str,
        revision: int,
        *,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        wire: Callable[[Any], dict[str, Any]],
    ) -> JobRecord:
        """Begin a job.

        Parameters
        ----------
        function, arguments
            A function of a module, called in the process with these and `progress`; all can be pickled.
        wire : callable
            Turns what it returns into what is sent.

        Raises
        ------
        ProblemError
            Where a job of this plan runs already, or too many run.
        """
        job = JobRecord(uuid.uuid4().hex, plan_id, kind, revision, datetime.now(UTC))
        self._book().begin_job(job, partial(self._require_room, plan_id))
        here, there = self._context.Pipe()
        process = self._context.Process(target=serve_work, args=(there,), name=f"job-{job.id}")
        try:
            process.start()
        except OSError:
            here.close()
            self._book().end_job(job.id, "failed", error=_DIED, code="work-died")
            raise
        finally:
            there.close()
        with self._lock:
            self._work[job.id] = _Work(process)
        self._tell(job)
        work = (function, dict(arguments))
        threading.Thread(
            target=self._follow, args=(job, here, work, wire), name=f"job-{job.id}", daemon=True
        ).start()
        return job

    def get(self, job_id: str) -> JobRecord:
        """Give a job.

        Raises
        ------
        NotFoundError
            Where there is none, or it ended long ago.
        """
        return self._book().job(job_id)

    def cancel(self, job_id: str) -> JobRecord:
        """End a job, of whichever server process; one that ended already stays as it is."""
        ended = self._book().end_job(job_id, "cancelled")
        self._end_work(job_id)
        job = self.get(job_id)
        if ended:
            self._tell(job)
        return job

    def close(self) -> None:
        """End all jobs of this app."""
        self._closing.set()
        with self._lock:
            running = list(self._work)
        for job_id in running:
            try:
                self.cancel(job_id)
            except GisCoreError as error:
                _LOG.warning("Job %s ends with the server; the store was not told: %s", job_id, error.message)
            self._end_work(job_id)

    def _require_room(self, plan_id: int, running: Sequence[JobRecord]) -> None:
        for other in running:
            if other.plan_id == plan_id:
                raise ProblemError(
                    409,
                    "job-running",
                    f"Work on plan {plan_id} is under way ({other.kind}); wait or cancel it.",
                )
        if len(running) >= self._limit:
            raise ProblemError(
                503,
                "busy",
                f"{len(running)} jobs are running, which is as many as may; try again later.",
                headers={"Retry-After": "10"},
            )

    def _end_work(self, job_id: str) -> None:
        """End the process of a job where this app has it."""
        with self._lock:
            work = self._work.get(job_id)
        if work is not None:
            work.end()

    def _follow(
        self, job: JobRecord, pipe: Connection, work: Any, wire: Callable[[Any], dict[str, Any]]
    ) -> None:
        """Hand the process of a job its work, and listen to it until it ends."""
        try:
            pipe.send(work)
            message = self._listen(job.id, pipe)
            if message is not None:
                self._finish(job, *message, wire)
        except (EOFError, OSError):
            self._end(job, "failed", error=_DIED, code="work-died")
        except Exception:
            _LOG.exception("Job %s gave no answer that can be sent", job.id)
            self._end(job, "failed", error=_BROKEN, code="work-failed")
        finally:
            self._end_work(job.id)
            with self._lock:
                self._work.pop(job.id, None)
            pipe.close()

    def _listen(self, job_id: str, pipe: Connection) -> tuple[str, Any] | None:
        """Note how far a job is until its last message; None where somebody ended it."""
        progress, beat = 0.0, 0.0
        while True:
            now = time.monotonic()
            if now >= beat:
                if not self._keep(job_id, progress):
                    return None
                beat = now + _BEAT_S
            if not pipe.poll(max(0.0, beat - time.monotonic())):
                continue
            what, value = pipe.recv()
            if what != "progress":
                return what, value
            progress = max(progress, min(float(value), 0.99))

    def _keep(self, job_id: str, progress: float) -> bool:
        try:
            return self._book().keep_job(job_id, progress)
        except StoreUnavailableError:
            return not self._closing.is_set()  # the work goes on; the store is told at the next beat

    def _finish(self, job: JobRecord, what: str, value: Any, wire: Callable[[Any], dict[str, Any]]) -> None:
        if what == "done":
            self._end(job, "done", result=wire(value))
        elif what == "refused":
            code, sentence = value
            self._end(job, "failed", error=sentence, code=code)
        else:
            _LOG.error("Job %s failed: %s", job.id, value)
            self._end(job, "failed", error=_BROKEN, code="work-failed")

    def _end(self, job: JobRecord, state: Any, **values: Any) -> None:
        """Write the end of a job down, unless it has one; waits for a store that does not answer."""
        for wait_s in (*_PATIENCE_S, 0.0):
            try:
                if self._book().end_job(job.id, state, **values):
                    self._tell(self.get(job.id))
                return
            except StoreUnavailableError as error:
                if self._closing.wait(wait_s) or wait_s == 0.0:
                    _LOG.error("The end of job %s (%s) is lost: %s", job.id, state, error.message)
                    return
            except GisCoreError as error:  # it was forgotten meanwhile
                _LOG.warning("Job %s: %s", job.id, error.message)
                return
