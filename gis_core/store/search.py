"""Repository of the search: grids, buildings, streets and facilities by a part of their text.

Every searched row holds its texts folded, one a line (`rows.search_texts`), so one LIKE finds a part, and the
line ends tell a whole text and a beginning from the rest; the same on both databases whatever their collation
is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, Table, case, func, select

from gis_core.errors import ParameterError
from gis_core.store import plans
from gis_core.store.models import Building, Facility, Grid, Street, table_of
from gis_core.store.records import HitKind, SearchHit
from gis_core.store.rows import fold

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = ["find"]

_GRID, _BUILDING, _STREET, _FACILITY = (table_of(model) for model in (Grid, Building, Street, Facility))
_MOST = 1000


def find(connection: Connection, dialect: Dialect, plan_id: int, text: str, *, limit: int) -> list[SearchHit]:
    """Return the best hits of all kinds; grids before buildings, streets, facilities of the same rank.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ParameterError
        Where `limit` is negative.
    """
    if limit < 0:
        raise ParameterError(f"limit must be 0 or more, not {limit}.")
    dataset_id = plans.require(connection, plan_id).dataset_id
    wanted = fold(text.replace("\x00", " ").encode(errors="ignore").decode())
    limit = min(limit, _MOST)
    if not wanted or limit == 0:
        return []
    seek = _Seek(connection, dialect, plan_id, dataset_id, wanted, limit)
    ranked = [*seek.grids(), *seek.buildings(), *seek.streets(), *seek.facilities()]
    ranked.sort(key=lambda pair: (pair[0], len(pair[1].title)))
    return [hit for _, hit in ranked[:limit]]


@dataclass(frozen=True)
class _Seek:
    """One search: what every kind of hit needs."""

    connection: Connection
    dialect: Dialect
    plan_id: int
    dataset_id: int
    wanted: str
    limit: int

    def _rank(self, table: Table) -> ColumnElement[int]:
        """Return 0 for a whole text, 1 for a beginning, 2 for any other place."""
        texts = table.c.search_text
        return case(
            (texts.contains(f"\n{self.wanted}\n", autoescape=True), 0),
            (texts.contains(f"\n{self.wanted}", autoescape=True), 1),
            else_=2,
        )

    def _matches(self, table: Table) -> ColumnElement[bool]:
        return table.c.search_text.contains(self.wanted, autoescape=True)

    def _rows(self, table: Table, owner: ColumnElement[bool], order: ColumnElement[Any]) -> list[Row[Any]]:
        rank = self._rank(table).label("rank")
        query = select(table, rank).where(owner, self._matches(table))
        query = query.order_by(rank, func.length(table.c.search_text), order).limit(self.limit)
        return list(self.connection.execute(query))

    def _shapes(self, rows: Iterable[Any]) -> NDArray[np.object_]:
        return self.dialect.decode([row.geom for row in rows])

    def grids(self) -> Iterable[tuple[int, SearchHit]]:
        """Find grids by code and name."""
        rows = self._rows(_GRID, _GRID.c.plan_id == self.plan_id, _GRID.c.grid_ix)
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            if not shape.is_empty:
                yield row.rank, _hit("grid", row.code, row.name or "", shape, grid_code=row.code)

    def buildings(self) -> Iterable[tuple[int, SearchHit]]:
        """Find buildings by name, address, compound and id."""
        rows = self._rows(_BUILDING, _BUILDING.c.dataset_id == self.dataset_id, _BUILDING.c.ix)
        if not rows:
            return
        codes = plans.grid_codes(self.connection, self.plan_id)[
            plans.assignment(self.connection, self.plan_id)
        ]
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            title, detail = _title(row.name, row.address, row.compound, row.id)
            inside = row.cell_ix >= 0
            code, cell = (codes[row.cell_ix], row.cell_ix) if inside else (None, None)
            yield row.rank, _hit("building", title, detail, shape, grid_code=code, cell_ix=cell)

    def streets(self) -> Iterable[tuple[int, SearchHit]]:
        """Find streets by name: one hit a name, with all its pieces in the box."""
        rank = func.min(self._rank(_STREET)).label("rank")
        mine = _STREET.c.dataset_id == self.dataset_id
        query = select(_STREET.c.name, rank).where(mine, self._matches(_STREET)).group_by(_STREET.c.name)
        query = query.order_by(rank, func.length(_STREET.c.name), func.min(_STREET.c.ix)).limit(self.limit)
        ranks = {row.name: row.rank for row in self.connection.execute(query)}
        pieces: dict[str, list[Any]] = {name: [] for name in ranks}
        rows = self.connection.execute(
            select(_STREET.c.name, _STREET.c.geom)
            .where(mine, _STREET.c.name.in_(list(ranks)))
            .order_by(_STREET.c.ix)
        ).all()
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            pieces[row.name].append(shape)
        for name, shapes in pieces.items():
            longest = max(shapes, key=shapely.length)
            middle = (
                shapely.line_interpolate_point(longest, 0.5, normalized=True)
                if longest.geom_type == "LineString"
                else None
            )
            yield ranks[name], _hit("street", name, "", shapely.GeometryCollection(shapes), point=middle)

    def facilities(self) -> Iterable[tuple[int, SearchHit]]:
        """Find facilities by name and category."""
        rows = self._rows(_FACILITY, _FACILITY.c.dataset_id == self.dataset_id, _FACILITY.c.ix)
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            title, detail = _title(row.name, row.category, row.id)
            yield row.rank, _hit("facility", title, detail, shape, grid_code=self._grid_at(shape))

    def _grid_at(self, shape: Any) -> str | None:
        """Return the lowest code among the grids that a place touches."""
        query = select(func.min(_GRID.c.code)).where(
            _GRID.c.plan_id == self.plan_id, self.dialect.intersects(_GRID, shape)
        )
        code: str | None = self.connection.execute(query).scalar_one()
        return code


def _title(*texts: str | None) -> tuple[str, str]:
    """Return the first text that is there, and the others in one line."""
    there = list(dict.fromkeys(text for text in texts if text))
    return (there[0], " · ".join(there[1:])) if there else ("", "")


def _hit(
    kind: HitKind,
    title: str,
    detail: str,
    shape: Any,
    *,
    grid_code: str | None = None,
    cell_ix: int | None = None,
    point: Any = None,
) -> SearchHit:
    point = shapely.point_on_surface(shape) if point is None else point
    west, south, east, north = shape.bounds
    return SearchHit(kind, title, detail, grid_code, cell_ix, point.x, point.y, (west, south, east, north))
