"""Cases as those who reported them ask for them: by number, category, time and whether they are open; by their key.

Also the point of a building by its id, and since when the rules hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import shapely
from sqlalchemy import ColumnElement, Connection, exists, select

from gis_core.store import cases
from gis_core.store.case_rows import ENDED, record_of, step_of
from gis_core.store.models import Building, CaseRow, CaseStep, DispatchRules, table_of
from gis_core.store.rows import page, plain_text

if TYPE_CHECKING:
    from gis_core.store.cases import CaseRecord
    from gis_core.store.dialect import Dialect

__all__ = ["building_point", "by_key", "reported", "rules_since"]

_CASE, _STEP, _RULES = table_of(CaseRow), table_of(CaseStep), table_of(DispatchRules)
_BUILDING = table_of(Building)


def reported(
    connection: Connection,
    *,
    ids: Sequence[int] | None = None,
    categories: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    is_open: bool | None = None,
    source: str | None = None,
    limit: int,
    offset: int = 0,
) -> list[CaseRecord]:
    """Return a page of cases with all their steps, the newest first.

    Parameters
    ----------
    since, until : datetime or None
        Between which they were reported, both included.
    source : str or None
        Where the report came from.
    """
    where: list[ColumnElement[bool]] = []
    if ids is not None:
        where.append(_CASE.c.id.in_(list(ids)))
    if categories is not None:
        where.append(_CASE.c.category.in_([plain_text(one) for one in categories]))
    if since is not None:
        where.append(_CASE.c.reported_at >= since)
    if until is not None:
        where.append(_CASE.c.reported_at <= until)
    if is_open is not None:
        ended = _CASE.c.state.in_([str(state) for state in ENDED])
        where.append(~ended if is_open else ended)
    if source is not None:
        first = (_STEP.c.case_id == _CASE.c.id) & (_STEP.c.number == 0) & (_STEP.c.source == source)
        where.append(exists().where(first))
    query = select(_CASE).where(*where).order_by(_CASE.c.reported_at.desc(), _CASE.c.id.desc())
    rows = connection.execute(page(query, limit, offset)).all()
    steps: dict[int, list[Any]] = {row.id: [] for row in rows}
    wanted = select(_STEP).where(_STEP.c.case_id.in_(list(steps))).order_by(_STEP.c.case_id, _STEP.c.number)
    for step in connection.execute(wanted) if steps else ():
        steps[step.case_id].append(step_of(step))
    return [record_of(row, tuple(steps[row.id])) for row in rows]


def by_key(connection: Connection, key: str) -> CaseRecord | None:
    """Return the case that was reported under a key; None where there is none."""
    found = connection.execute(select(_CASE.c.id).where(_CASE.c.key == plain_text(key))).scalar_one_or_none()
    return None if found is None else cases.get(connection, found)


def building_point(
    connection: Connection, dialect: Dialect, dataset_id: int, building_id: str
) -> tuple[float, float] | None:
    """Return a point in a building of a data version, in degrees; None where there is no such building."""
    query = (
        select(_BUILDING.c.geom)
        .where(_BUILDING.c.dataset_id == dataset_id, _BUILDING.c.id == plain_text(building_id))
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    point = shapely.point_on_surface(next(iter(dialect.decode([row.geom]))))
    return float(point.x), float(point.y)


def rules_since(connection: Connection) -> datetime | None:
    """Return since when the rules of handling cases hold; None where none were ever set."""
    at: datetime | None = connection.execute(
        select(_RULES.c.at).order_by(_RULES.c.id.desc()).limit(1)
    ).scalar_one_or_none()
    return at
