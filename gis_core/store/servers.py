"""Repository of what several server processes on one store know of each other: jobs, who is there, where plans stand.

Who is alive is told by a beat, a time that the database sets: what has had none for long is of a process that is gone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from gis_core.errors import NotFoundError
from gis_core.store.models import Plan, ServerJob, ServerPresence, table_of
from gis_core.store.plans import state_now
from gis_core.store.records import JobRecord, JobState, PlanMark

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = [
    "JOB_LOST_S",
    "LOST_S",
    "MOST_KEPT",
    "begin_job",
    "end_job",
    "job",
    "jobs_of_plans",
    "keep_job",
    "plan_marks",
    "presence",
    "set_presence",
]

_JOB, _PRESENCE, _PLAN = table_of(ServerJob), table_of(ServerPresence), table_of(Plan)
#: Seconds without a beat after which those who watch through a server process count as gone, and its jobs as ended.
LOST_S = 15.0
JOB_LOST_S = 30.0
#: Jobs that ended and can still be asked for.
MOST_KEPT = 50
_LOST = "The server process that did the work ended; start it again."
_WITHOUT_RESULT = [column for column in _JOB.columns if column.name != "result"]
_LEVEL = 1


def begin_job(
    connection: Connection,
    dialect: Dialect,
    job: JobRecord,
    allow: Callable[[Sequence[JobRecord]], None],
) -> None:
    """Write a job down; `allow` gets those that run and raises where it may not begin."""
    dialect.lock_table(connection, _JOB)
    _end_lost(connection, dialect)
    running = select(*_WITHOUT_RESULT).where(_JOB.c.state == "running").order_by(_JOB.c.id)
    allow([_record(row) for row in connection.execute(running)])
    values = {
        "name": job.id,
        "plan_id": job.plan_id,
        "kind": job.kind,
        "revision": job.revision,
        "state": "running",
        "progress": 0.0,
        "started_at": job.started_at,
        "beat_s": dialect.now_s(),
    }
    connection.execute(insert(_JOB).values(**values))
    kept = select(_JOB.c.id).where(_JOB.c.state != "running").order_by(_JOB.c.id.desc()).limit(MOST_KEPT)
    old = [row.id for row in connection.execute(kept)][MOST_KEPT - 1 :]
    if old:
        connection.execute(delete(_JOB).where(_JOB.c.state != "running", _JOB.c.id < old[0]))


def _end_lost(connection: Connection, dialect: Dialect, name: str | None = None) -> None:
    """End the jobs, or one, whose process has gone."""
    lost = and_(_JOB.c.state == "running", _JOB.c.beat_s < dialect.now_s() - JOB_LOST_S)
    if name is not None:
        lost = and_(lost, _JOB.c.name == name)
    values = {"state": "failed", "error": _LOST, "code": "error", "ended_at": datetime.now(UTC)}
    connection.execute(update(_JOB).where(lost).values(**values))


def keep_job(connection: Connection, dialect: Dialect, name: str, progress: float) -> bool:
    """Note how far a job is; tell whether it still runs, or somebody ended it."""
    mine = update(_JOB).where(_JOB.c.name == name, _JOB.c.state == "running")
    return connection.execute(mine.values(progress=progress, beat_s=dialect.now_s())).rowcount == 1


def end_job(
    connection: Connection,
    name: str,
    state: JobState,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    code: str | None = None,
) -> bool:
    """Write the end of a job, unless it has one; tell whether this did."""
    packed = None
    if result is not None:
        packed = zlib.compress(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode(), _LEVEL)
    values: dict[str, Any] = {
        "state": state,
        "ended_at": datetime.now(UTC),
        "result": packed,
        "error": error,
        "code": code,
    }
    if state == "done":
        values["progress"] = 1.0
    mine = update(_JOB).where(_JOB.c.name == name, _JOB.c.state == "running")
    return connection.execute(mine.values(**values)).rowcount == 1


def job(connection: Connection, dialect: Dialect, name: str) -> JobRecord:
    """Return a job as it stands.

    Raises
    ------
    NotFoundError
        Where there is none.
    """
    _end_lost(connection, dialect, name)
    row = connection.execute(select(_JOB).where(_JOB.c.name == name)).first()
    if row is None:
        raise NotFoundError("There is no such job, or it ended long ago; start it again.", id=name)
    result = None if row.result is None else json.loads(zlib.decompress(bytes(row.result)))
    return _record(row, result)


def jobs_of_plans(connection: Connection, plan_ids: Collection[int]) -> list[JobRecord]:
    """Return the jobs of some plans without their results, in the order in which they began."""
    query = select(*_WITHOUT_RESULT).where(_JOB.c.plan_id.in_(sorted(plan_ids))).order_by(_JOB.c.id)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any], result: dict[str, Any] | None = None) -> JobRecord:
    return JobRecord(
        id=row.name,
        plan_id=row.plan_id,
        kind=row.kind,
        revision=row.revision,
        started_at=row.started_at,
        state=row.state,
        progress=row.progress,
        ended_at=row.ended_at,
        result=result,
        error=row.error,
        code=row.code,
    )


def plan_marks(connection: Connection, plan_ids: Collection[int]) -> dict[int, PlanMark]:
    """Return where some plans stand, by number; those that are gone are left out."""
    columns = (_PLAN.c.id, _PLAN.c.revision, _PLAN.c.state, _PLAN.c.valid_from, _PLAN.c.valid_to)
    rows = connection.execute(select(*columns).where(_PLAN.c.id.in_(sorted(plan_ids)))).all()
    return {
        row.id: PlanMark(row.revision, state_now(row.state, row.valid_to), row.valid_from, row.valid_to)
        for row in rows
    }


def set_presence(
    connection: Connection, dialect: Dialect, worker: str, people: Collection[tuple[int, str, str]]
) -> None:
    """Write down who watches what through a server process, as (plan, client, name), for what stood there."""
    connection.execute(
        delete(_PRESENCE).where(
            (_PRESENCE.c.worker == worker) | (_PRESENCE.c.beat_s < dialect.now_s() - 4 * LOST_S)
        )
    )
    for plan_id, client, name in people:
        values = {"worker": worker, "plan_id": plan_id, "client": client, "name": name}
        connection.execute(insert(_PRESENCE).values(**values, beat_s=dialect.now_s()))


def presence(
    connection: Connection, dialect: Dialect, plan_ids: Collection[int], *, but: str
) -> dict[int, list[tuple[str, str]]]:
    """Return who watches some plans through other server processes than one, as (client, name), by plan."""
    alive = _PRESENCE.c.beat_s >= dialect.now_s() - LOST_S
    query = select(_PRESENCE.c.plan_id, _PRESENCE.c.client, _PRESENCE.c.name).where(
        _PRESENCE.c.plan_id.in_(sorted(plan_ids)), _PRESENCE.c.worker != but, alive
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in connection.execute(query.order_by(_PRESENCE.c.id)):
        found.setdefault(row.plan_id, []).append((row.client, row.name))
    return found
