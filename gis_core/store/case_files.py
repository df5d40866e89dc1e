"""Repository of the files of cases: what each is, and by which step it came; rows are only added."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, insert, select

from gis_core.errors import ConflictError, NotFoundError
from gis_core.store import cases
from gis_core.store.models import CaseAttachment, CaseStep, table_of
from gis_core.store.rows import plain_text

if TYPE_CHECKING:
    from gis_core.dispatch import Event, Policy
    from gis_core.store.cases import CaseRecord
    from gis_core.store.dialect import Dialect

__all__ = ["MOST_FILES", "AttachmentRecord", "NewFile", "add", "get", "list_all"]

_FILE, _STEP = table_of(CaseAttachment), table_of(CaseStep)
#: Files of one case.
MOST_FILES = 200


@dataclass(frozen=True)
class NewFile:
    """What a file is: `digest` and `thumb` are hashes under which it and its small picture are kept."""

    name: str
    media_type: str
    n_bytes: int
    digest: str
    thumb: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class AttachmentRecord:
    """A file of a case, its number among them, and the step that it came with."""

    case_id: int
    number: int
    step: int
    file: NewFile
    at: datetime
    who: str
    why: str
    where: str


def add(
    connection: Connection, dialect: Dialect, case_id: int, file: NewFile, event: Event, policy: Policy
) -> tuple[AttachmentRecord, CaseRecord]:
    """Write a file down as a note of a case, which nobody else changes meanwhile; a key that is known changes nothing.

    Raises
    ------
    NotFoundError
        Where there is no such case.
    ConflictError
        Where the key was that of another step, or the case has too many files.
    """
    cases.hold(connection, case_id)
    record = cases.get(connection, case_id)
    if event.key is not None:
        known = [number for number, step in enumerate(record.case.steps) if step.event.key == event.key]
        if known:
            query = select(_FILE.c.number).where(_FILE.c.case_id == case_id, _FILE.c.step == known[0])
            number = connection.execute(query).scalar_one_or_none()
            if number is None:
                raise ConflictError(f"The key of this file was that of another step of case {case_id}.")
            return get(connection, case_id, number), record
    newest = connection.execute(
        select(func.max(_FILE.c.number)).where(_FILE.c.case_id == case_id)
    ).scalar_one()
    number = int(newest or 0) + 1
    if number > MOST_FILES:
        raise ConflictError(f"Case {case_id} has {MOST_FILES} files already, the most there can be.")
    name = plain_text(file.name)
    noted = replace(event, data={**event.data, "attachment": number, "name": name})
    after = cases.add_step(connection, dialect, case_id, noted, policy, seen=None)
    values = {
        "case_id": case_id,
        "number": number,
        "step": after.n_steps - 1,
        "name": name,
        "media_type": file.media_type,
        "n_bytes": file.n_bytes,
        "digest": file.digest,
        "thumb": file.thumb,
        "width": file.width,
        "height": file.height,
    }
    connection.execute(insert(_FILE).values(**values))
    return get(connection, case_id, number), after


def list_all(connection: Connection, case_id: int) -> list[AttachmentRecord]:
    """Return the files of a case, the first first; empty where there is no such case."""
    return [_record(row) for row in connection.execute(_query(case_id).order_by(_FILE.c.number))]


def get(connection: Connection, case_id: int, number: int) -> AttachmentRecord:
    """Return one file of a case.

    Raises
    ------
    NotFoundError
        Where there is none of this number.
    """
    row = None
    if 0 < case_id < 2**31 and 0 < number < 2**31:
        row = connection.execute(_query(case_id).where(_FILE.c.number == number)).first()
    if row is None:
        raise NotFoundError(f"Case {case_id} has no file {number}.", id=case_id, number=number)
    return _record(row)


def _query(case_id: int) -> Any:
    same = (_STEP.c.case_id == _FILE.c.case_id) & (_STEP.c.number == _FILE.c.step)
    told = (_STEP.c.at, _STEP.c.who, _STEP.c.why, _STEP.c.source)
    return select(_FILE, *told).select_from(_FILE.join(_STEP, same)).where(_FILE.c.case_id == case_id)


def _record(row: Row[Any]) -> AttachmentRecord:
    file = NewFile(
        row.name, row.media_type, row.n_bytes, row.digest, row.thumb, row.width, row.height
    )  # fmt: skip
    return AttachmentRecord(row.case_id, row.number, row.step, file, row.at, row.who, row.why, row.source)
