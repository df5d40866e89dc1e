"""Cases and steps as columns, for counting: only what is counted from, and no object a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from gis_core.dispatch.stats import STEP_KINDS, CaseColumns, StepColumns
from gis_core.store.models import CaseRow, CaseStep, table_of

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = ["read_columns"]

_CASE, _STEP = table_of(CaseRow), table_of(CaseStep)


def read_columns(
    connection: Connection, dialect: Dialect, since: datetime | None, until: datetime | None
) -> tuple[CaseColumns, StepColumns]:
    """Read the cases reported from one moment until before another, and their steps."""
    where: list[ColumnElement[bool]] = []
    if since is not None:
        where.append(_CASE.c.reported_at >= since)
    if until is not None:
        where.append(_CASE.c.reported_at < until)
    of_case = (
        _CASE.c.id, _CASE.c.category, _CASE.c.grade, _CASE.c.state, _CASE.c.grid_code, _CASE.c.unit,
        dialect.millis(_CASE.c.due_at),
    )  # fmt: skip
    rows = connection.execute(select(*of_case).where(*where).order_by(_CASE.c.id)).all()
    ids, category, grade, state, grid, unit, due = _columns(rows, len(of_case))
    cases = CaseColumns(
        ids=_whole(ids), category=_texts(category), grade=_texts(grade), state=_texts(state), grid=_texts(grid),
        unit=_texts(unit), due_ms=_moments(due),
    )  # fmt: skip
    of_step = (
        _STEP.c.case_id, _STEP.c.kind, dialect.millis(_STEP.c.at), dialect.millis(_STEP.c.due_at), _STEP.c.unit,
    )  # fmt: skip
    steps = select(*of_step).where(_STEP.c.kind.in_([str(kind) for kind in STEP_KINDS]))
    if where:
        steps = steps.join(_CASE, _CASE.c.id == _STEP.c.case_id).where(*where)
    rows = connection.execute(steps.order_by(_STEP.c.case_id, _STEP.c.number)).all()
    ids, kind, at, due, unit = _columns(rows, len(of_step))
    return cases, StepColumns(_whole(ids), _texts(kind), _moments(at), _moments(due), _texts(unit))


def _columns(rows: Sequence[Any], n_columns: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * n_columns


def _whole(values: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def _texts(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.object_]]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _moments(values: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)
