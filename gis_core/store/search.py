"""The search: grids, buildings, streets and facilities as people type them; where each is, and whose.

What answers a question is found in memory (`search_index`); the database gives place and grid of the few hits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import shapely
from sqlalchemy import Connection, Row, Table, func, select

from gis_core.errors import ParameterError
from gis_core.store import plans
from gis_core.store.models import Building, Facility, Grid, Street, table_of
from gis_core.store.records import HitKind, SearchHit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gis_core.store.dialect import Dialect
    from gis_core.store.search_index import SearchIndexes

__all__ = ["find"]

_GRID, _BUILDING, _STREET, _FACILITY = (table_of(model) for model in (Grid, Building, Street, Facility))
_MOST = 1000
#: Kinds of hits that answer equally well, in this order.
_ORDER: tuple[HitKind, ...] = ("grid", "street", "building", "facility")


def find(
    connection: Connection, dialect: Dialect, indexes: SearchIndexes, plan_id: int, text: str, *, limit: int
) -> list[SearchHit]:
    """Return the best hits of all kinds; of equal ones grids, then streets, buildings, facilities.

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
    wanted = text.replace("\x00", " ").encode(errors="ignore").decode().strip()
    limit = min(limit, _MOST)
    if not wanted or limit == 0:
        return []
    town, grids = indexes.town(connection, dataset_id), indexes.grids(connection, plan_id)
    ranked: list[tuple[float, HitKind, Any]] = [
        (hit.score, "grid", grids.grids[hit.entry]) for hit in grids.index.find(wanted, limit=limit)
    ]
    ranked += [
        (hit.score, town.kinds[hit.entry], town.keys[hit.entry])
        for hit in town.index.find(wanted, limit=limit)
    ]
    ranked.sort(key=lambda one: (-round(one[0], 3), _ORDER.index(one[1])))
    seek = _Seek(connection, dialect, plan_id, dataset_id, grids.code_of_cell)
    places: dict[tuple[HitKind, Any], SearchHit] = {}
    for kind in _ORDER:
        keys = [key for _, its, key in ranked[:limit] if its == kind]
        if keys:
            places.update({(kind, key): hit for key, hit in seek.hits(kind, keys)})
    return [places[kind, key] for _, kind, key in ranked[:limit] if (kind, key) in places]


@dataclass(frozen=True)
class _Seek:
    """One search: place and grid of what was found."""

    connection: Connection
    dialect: Dialect
    plan_id: int
    dataset_id: int
    code_of_cell: NDArray[np.object_]

    def hits(self, kind: HitKind, keys: Sequence[Any]) -> Iterable[tuple[Any, SearchHit]]:
        """Give the hits of one kind, in any order."""
        if kind == "grid":
            return self._grids(keys)
        if kind == "street":
            return self._streets(keys)
        return self._buildings(keys) if kind == "building" else self._facilities(keys)

    def _shapes(self, rows: Sequence[Any]) -> Iterable[Any]:
        return self.dialect.decode([row.geom for row in rows])

    def _rows(self, table: Table, keys: Sequence[int]) -> list[Row[Any]]:
        query = select(table).where(table.c.dataset_id == self.dataset_id, table.c.ix.in_(list(keys)))
        return list(self.connection.execute(query))

    def _grids(self, keys: Sequence[int]) -> Iterable[tuple[Any, SearchHit]]:
        query = select(_GRID).where(_GRID.c.plan_id == self.plan_id, _GRID.c.grid_ix.in_(list(keys)))
        rows = list(self.connection.execute(query))
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            if not shape.is_empty:
                yield row.grid_ix, _hit("grid", row.code, row.name or "", shape, grid_code=row.code)

    def _buildings(self, keys: Sequence[int]) -> Iterable[tuple[Any, SearchHit]]:
        rows = self._rows(_BUILDING, keys)
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            title, detail = _building_title(row)
            inside = row.cell_ix >= 0
            code, cell = (self.code_of_cell[row.cell_ix], row.cell_ix) if inside else (None, None)
            yield row.ix, _hit("building", title, detail, shape, grid_code=code, cell_ix=cell)

    def _streets(self, keys: Sequence[str]) -> Iterable[tuple[Any, SearchHit]]:
        """One hit a name, with all its pieces in the box."""
        pieces: dict[str, list[Any]] = {}
        rows = self.connection.execute(
            select(_STREET.c.name, _STREET.c.geom)
            .where(_STREET.c.dataset_id == self.dataset_id, _STREET.c.name.in_(list(keys)))
            .order_by(_STREET.c.ix)
        ).all()
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            pieces.setdefault(row.name, []).append(shape)
        for name, shapes in pieces.items():
            longest = max(shapes, key=shapely.length)
            middle = (
                shapely.line_interpolate_point(longest, 0.5, normalized=True)
                if longest.geom_type == "LineString"
                else None
            )
            yield name, _hit("street", name, "", shapely.GeometryCollection(shapes), point=middle)

    def _facilities(self, keys: Sequence[int]) -> Iterable[tuple[Any, SearchHit]]:
        rows = self._rows(_FACILITY, keys)
        for row, shape in zip(rows, self._shapes(rows), strict=True):
            title, detail = _title(row.name, row.category, row.id)
            yield row.ix, _hit("facility", title, detail, shape, grid_code=self._grid_at(shape))

    def _grid_at(self, shape: Any) -> str | None:
        """Return the lowest code among the grids that a place touches."""
        query = select(func.min(_GRID.c.code)).where(
            _GRID.c.plan_id == self.plan_id, self.dialect.intersects(_GRID, shape)
        )
        code: str | None = self.connection.execute(query).scalar_one()
        return code


def _building_title(row: Row[Any]) -> tuple[str, str]:
    """Return what to show of a building; a name that is only a number (3栋) says less than the address."""
    if row.name and row.address and _is_number(row.name):
        return _title(row.address, row.name, row.compound, row.id)
    return _title(row.name, row.address, row.compound, row.id)


@lru_cache(maxsize=10_000)
def _is_number(name: str) -> bool:
    """Tell whether a name of a building names nothing; 3栋 is that of many."""
    from gis_core.locate.address_text import parse_address

    return not parse_address(name).names


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
