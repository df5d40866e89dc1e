"""Where jobs are written down: in this process, or in the store where several server processes work on one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from gis_core.errors import NotFoundError
from gis_core.store.records import JobRecord, JobState

__all__ = ["MOST_KEPT", "JobBook", "MemoryBook", "job_row"]

#: Jobs that ended and can still be asked for.
MOST_KEPT = 50


class JobBook(Protocol):
    """What is known of jobs; a store is one, its methods say more."""

    def begin_job(self, job: JobRecord, allow: Callable[[Sequence[JobRecord]], None]) -> None:
        """Write down that a job begins, unless `allow`, given those that run, raises."""

    def keep_job(self, job_id: str, progress: float) -> bool:
        """Note how far a job is; tell whether nobody ended it."""

    def end_job(
        self,
        job_id: str,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        code: str | None = None,
    ) -> bool:
        """Write the end of a job down, unless it has one; tell whether this did."""

    def job(self, job_id: str) -> JobRecord:
        """Return a job; raises `NotFoundError` where there is none."""


class MemoryBook:
    """The book of a server process that has its store to itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, JobRecord] = {}

    def begin_job(self, job: JobRecord, allow: Callable[[Sequence[JobRecord]], None]) -> None:
        """Write down that a job begins, unless `allow` raises; the oldest that ended are forgotten."""
        with self._lock:
            allow([each for each in self._jobs.values() if each.state == "running"])
            self._jobs[job.id] = job
            ended = [each.id for each in self._jobs.values() if each.state != "running"]
            for old in ended[: max(0, len(ended) - MOST_KEPT)]:
                del self._jobs[old]

    def keep_job(self, job_id: str, progress: float) -> bool:
        """Note how far a job is; tell whether nobody ended it."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state != "running":
                return False
            self._jobs[job_id] = replace(job, progress=progress)
            return True

    def end_job(
        self,
        job_id: str,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
        code: str | None = None,
    ) -> bool:
        """Write the end of a job down, unless it has one; tell whether this did."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state != "running":
                return False
            self._jobs[job_id] = replace(
                job,
                state=state,
                progress=1.0 if state == "done" else job.progress,
                ended_at=datetime.now(UTC),
                result=None if result is None else dict(result),
                error=error,
                code=code,
            )
            return True

    def job(self, job_id: str) -> JobRecord:
        """Return a job.

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


def job_row(job: JobRecord, *, result: bool = True) -> dict[str, Any]:
    """Write a job as the wire has it."""
    names = ("kind", "revision", "state", "started_at", "ended_at", "error", "code")
    row = {"job": job.id, "plan": job.plan_id, "progress": round(job.progress, 4)}
    row |= {name: getattr(job, name) for name in names}
    return row | {"result": job.result} if result else row
