"""The methods of a store that server processes work together by: where plans stand, jobs, and who is there.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gis_core.store import servers
from gis_core.store.base_methods import BaseMethods

if TYPE_CHECKING:
    from gis_core.store.records import JobRecord, JobState, PlanMark

__all__ = ["ServerMethods"]


class ServerMethods(BaseMethods):
    """What a store does for the server processes on it."""

    def plan_marks(self, plan_ids: Collection[int]) -> dict[int, PlanMark]:
        """Return where some plans stand, by number, in one cheap query; those that are gone are left out."""
        with self._read() as connection:
            return servers.plan_marks(connection, plan_ids)

    def set_presence(self, worker: str, people: Collection[tuple[int, str, str]]) -> None:
        """Say who watches which plan through a server process, in place of what was said before.

        Parameters
        ----------
        worker : str
            Name of the process; what it says holds for `servers.LOST_S` seconds.
        people
            (plan, client, name) each.
        """
        with self._write() as connection:
            servers.set_presence(connection, self._dialect, worker, people)

    def presence(self, plan_ids: Collection[int], *, but: str) -> dict[int, list[tuple[str, str]]]:
        """Return who watches some plans through other server processes than `but`, as (client, name), by plan."""
        with self._read() as connection:
            return servers.presence(connection, self._dialect, plan_ids, but=but)

    def begin_job(self, job: JobRecord, allow: Callable[[Sequence[JobRecord]], None]) -> None:
        """Write down that a job begins.

        Parameters
        ----------
        allow : callable
            Called with the jobs that run, while no other begins; raises where this one may not.
        """
        with self._write() as connection:
            servers.begin_job(connection, self._dialect, job, allow)

    def keep_job(self, job_id: str, progress: float) -> bool:
        """Say that a job is under way, at least every few seconds; tell whether nobody ended it."""
        with self._write() as connection:
            return servers.keep_job(connection, self._dialect, job_id, progress)

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
        with self._write() as connection:
            return servers.end_job(connection, job_id, state, result=result, error=error, code=code)

    def job(self, job_id: str) -> JobRecord:
        """Return a job; one whose server process is gone has failed.

        Raises
        ------
        NotFoundError
            Where there is none, or it ended long ago.
        """
        with self._write() as connection:
            return servers.job(connection, self._dialect, job_id)

    def jobs_of_plans(self, plan_ids: Collection[int]) -> list[JobRecord]:
        """Return the jobs of some plans without their results, in the order in which they began."""
        with self._read() as connection:
            return servers.jobs_of_plans(connection, plan_ids)
