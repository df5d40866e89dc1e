"""Long work on plans: one job a plan at a time, each in a process of its own, which can be ended at any moment."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, Literal

from api.errors import ProblemError
from api.working import end_work, serve_work
from gis_core.errors import NotFoundError

__all__ = ["Job", "Jobs"]

_LOG = logging.getLogger("wangge.api")
#: Jobs that ended and can still be asked for.
MOST_KEPT = 50
_BROKEN = "The work failed; the log of the server has the details under this job."
_DIED = "The process that did the work ended by itself, most likely for want of memory."


@dataclass(eq=False)
class Job:
    """One piece of work.

    Attributes
    ----------
    revision : int
        Revision of the plan that the work was begun on.
    result : dict or None
        As the wire has it; only where `state` is `done`.
    error, code : str or None
        What went wrong, only where `state` is `failed`.
    """

    id: str
    plan_id: int
    kind: str
    revision: int
    started_at: datetime
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    progress: float = 0.0
    ended_at: datetime | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    code: str | None = None
    process: Any = field(default=None, repr=False)
    gate: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def row(self, *, result: bool = True) -> dict[str, Any]:
        """Write the job as the wire has it."""
        names = ("kind", "revision", "state", "started_at", "ended_at", "error", "code")
        row = {"job": self.id, "plan": self.plan_id, "progress": round(self.progress, 4)}
        row |= {name: getattr(self, name) for name in names}
        return row | {"result": self.result} if result else row


class Jobs:
    """The jobs of an app.

    Parameters
    ----------
    limit : int
        Jobs that may run at once.
    tell : callable
        Called with the number of the plan and the job whenever a job begins or ends.
    """

    def __init__(self, limit: int, tell: Callable[[int, Job], None]) -> None:
        self._limit = limit
        self._tell = tell
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
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
    ) -> Job:
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
        job = Job(uuid.uuid4().hex, plan_id, kind, revision, datetime.now(UTC))
        with self._lock:
            running = [each for each in self._jobs.values() if each.state == "running"]
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
            here, there = self._context.Pipe()
            job.process = self._context.Process(target=serve_work, args=(there,), name=f"job-{job.id}")
            job.process.start()
            there.close()
            self._jobs[job.id] = job
            self._forget()
        self._tell(plan_id, job)
        work = (function, dict(arguments))
        threading.Thread(
            target=self._follow, args=(job, here, work, wire), name=f"job-{job.id}", daemon=True
        ).start()
        return job

    def get(self, job_id: str) -> Job:
        """Give a job.

        Raises
        ------
        NotFoundError
            Where there is none, or it ended long ago.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFoundError("There is no such job, or it ended long ago; start it again.", id=job_id)
        return job

    def cancel(self, job_id: str) -> Job:
        """End a job; one that ended already stays as it is."""
        job = self.get(job_id)
        if self._end(job, "cancelled"):
            self._reap(job)
        return job

    def close(self) -> None:
        """End all jobs."""
        with self._lock:
            running = [job.id for job in self._jobs.values() if job.state == "running"]
        for job_id in running:
            self.cancel(job_id)

    def _forget(self) -> None:
        """Drop the oldest jobs that ended, where too many are kept."""
        ended = [job for job in self._jobs.values() if job.state != "running"]
        for job in ended[: max(0, len(ended) - MOST_KEPT)]:
            del self._jobs[job.id]

    def _end(self, job: Job, state: Literal["done", "failed", "cancelled"], **values: Any) -> bool:
        """Set the end of a job, unless it has one; tell whether this did."""
        with self._lock:
            if job.state != "running":
                return False
            for name, value in values.items():
                setattr(job, name, value)
            job.ended_at = datetime.now(UTC)
            job.state = state
        self._tell(job.plan_id, job)
        return True

    def _follow(self, job: Job, pipe: Connection, work: Any, wire: Callable[[Any], dict[str, Any]]) -> None:
        """Hand the process of a job its work, and listen to it until it ends."""
        try:
            pipe.send(work)
            while True:
                what, value = pipe.recv()
                if what == "progress":
                    job.progress = max(job.progress, min(float(value), 0.99))
                    continue
                self._finish(job, what, value, wire)
                break
        except (EOFError, OSError):
            self._end(job, "failed", error=_DIED, code="error")
        except Exception:
            _LOG.exception("Job %s gave no answer that can be sent", job.id)
            self._end(job, "failed", error=_BROKEN, code="error")
        finally:
            self._reap(job)
            pipe.close()

    @staticmethod
    def _reap(job: Job) -> None:
        with job.gate:
            end_work(job.process)

    def _finish(self, job: Job, what: str, value: Any, wire: Callable[[Any], dict[str, Any]]) -> None:
        if what == "done":
            self._end(job, "done", result=wire(value), progress=1.0)
        elif what == "refused":
            code, sentence = value
            self._end(job, "failed", error=sentence, code=code)
        else:
            _LOG.error("Job %s failed: %s", job.id, value)
            self._end(job, "failed", error=_BROKEN, code="error")
