"""Cases and steps as columns, for counting: only what is counted from, and no object a row."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, case, select

from gis_core.dispatch import EventKind
from gis_core.dispatch.stats import STEP_KINDS, CaseColumns, StepColumns
from gis_core.store.models import CaseRow, CaseStep, table_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
    from sqlalchemy import Select

    from gis_core.store.dialect import Dialect

__all__ = ["read_columns"]

_CASE, _STEP = table_of(CaseRow), table_of(CaseStep)
_ROWS = 1_000
_CODES = {str(kind): code for code, kind in enumerate(STEP_KINDS)}


def read_columns(
    connection: Connection, dialect: Dialect, since: datetime | None, until: datetime | None
) -> tuple[CaseColumns, StepColumns]:
    """Read the cases reported from one moment until before another, and their steps."""
    where: list[ColumnElement[bool]] = []
    if since is not None:
        where.append(_CASE.c.reported_at >= since)
    if until is not None:
        where.append(_CASE.c.reported_at < until)
    of_case: dict[str, tuple[ColumnElement[Any], DTypeLike]] = {
        "ids": (_CASE.c.id, np.int64),
        "category": (_CASE.c.category, object),
        "grade": (_CASE.c.grade, object),
        "state": (_CASE.c.state, object),
        "grid": (_CASE.c.grid_code, object),
        "unit": (_CASE.c.unit, object),
        "due_ms": (dialect.millis(_CASE.c.due_at), np.float64),
    }
    due_when_done = case((_STEP.c.kind == str(EventKind.DONE), _STEP.c.due_at))
    of_step: dict[str, tuple[ColumnElement[Any], DTypeLike]] = {
        "case_id": (_STEP.c.case_id, np.int64),
        "kind": (case(_CODES, value=_STEP.c.kind), np.int64),
        "at_ms": (dialect.millis(_STEP.c.at), np.float64),
        "due_ms": (dialect.millis(due_when_done), np.float64),
        "unit": (_STEP.c.unit, object),
    }
    cases = select(*(column for column, _ in of_case.values())).where(*where).order_by(_CASE.c.id)
    steps = select(*(column for column, _ in of_step.values())).where(_STEP.c.kind.in_(list(_CODES)))
    if where:
        steps = steps.join(_CASE, _CASE.c.id == _STEP.c.case_id).where(*where)
    steps = steps.order_by(_STEP.c.case_id, _STEP.c.number)
    return (
        CaseColumns(**_columns(connection, cases, {name: kind for name, (_, kind) in of_case.items()})),
        StepColumns(**_columns(connection, steps, {name: kind for name, (_, kind) in of_step.items()})),
    )


def _columns(
    connection: Connection, query: Select[Any], kinds: dict[str, DTypeLike]
) -> dict[str, NDArray[Any]]:
    """Return what a query gives, column by column.

    Straight from the driver and some rows at a time: rows of SQLAlchemy take twice as long, and so does it where the
    collector of garbage meets all of them.
    """
    cursor = connection.execute(query).cursor
    parts: dict[str, list[NDArray[Any]]] = {name: [np.empty(0, kind)] for name, kind in kinds.items()}
    while rows := cursor.fetchmany(_ROWS):
        for (name, kind), values in zip(kinds.items(), zip(*rows, strict=True), strict=True):
            parts[name].append(np.array(values, dtype=kind))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}
