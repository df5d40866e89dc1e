"""The indexes that the search asks, kept in memory, built when asked: of each data version, of the grids of a plan."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Table, select

from gis_core.store import plans
from gis_core.store.models import (
    Area,
    Building,
    Cell,
    DatasetVersion,
    Facility,
    Grid,
    Plan,
    Street,
    table_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gis_core.locate.address import AddressIndex, Entry
    from gis_core.store.records import HitKind

__all__ = ["GridIndex", "SearchIndexes", "TownIndex"]

V = TypeVar("V")
#: Data versions and plans whose indexes are kept.
_KEPT = 4
_AREA, _BUILDING, _CELL, _FACILITY, _GRID, _PLAN, _STREET, _VERSION = (
    table_of(model) for model in (Area, Building, Cell, Facility, Grid, Plan, Street, DatasetVersion)
)
#: Further names of a building among the columns that have no place of their own.
_MORE_NAMES = re.compile(r'"(name_en|name:en|alt_name|old_name|short_name|别名|曾用名|英文名)"')


@dataclass(frozen=True)
class TownIndex:
    """What can be found in a data version.

    Attributes
    ----------
    index : AddressIndex
    kinds : tuple of str
        Kind of each entry: `building`, `street` or `facility`.
    keys : tuple
        Row of a building or facility in its layer; name of a street.
    """

    index: AddressIndex
    kinds: tuple[HitKind, ...]
    keys: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class GridIndex:
    """The grids of one revision of a plan.

    Attributes
    ----------
    index : AddressIndex
    grids : tuple of int
        `grid_ix` of each entry.
    code_of_cell : object, shape (n_cells,)
        Code of the grid of each cell; None for none.
    """

    index: AddressIndex
    grids: tuple[int, ...]
    code_of_cell: NDArray[np.object_]


class SearchIndexes:
    """Indexes that are kept, the least recently used goes first; several threads share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def town(self, connection: Connection, dataset_id: int) -> TownIndex:
        """Return the index of a data version, which never changes."""
        made = connection.execute(
            select(_VERSION.c.imported_at).where(_VERSION.c.id == dataset_id)
        ).scalar_one()
        return self._get(("town", dataset_id, made), lambda: _town(connection, dataset_id))

    def grids(self, connection: Connection, plan_id: int) -> GridIndex:
        """Return the index of the grids that a plan has now."""
        query = select(_PLAN.c.revision, _PLAN.c.created_at).where(_PLAN.c.id == plan_id)
        revision, made = connection.execute(query).one()
        return self._get(("grids", plan_id, made, revision), lambda: _grids(connection, plan_id))

    def _get(self, key: Hashable, build: Callable[[], V]) -> V:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            else:
                self._kept[key] = build()
                while len(self._kept) > 2 * _KEPT:
                    self._kept.popitem(last=False)
            value: V = self._kept[key]
            return value


def _town(connection: Connection, dataset_id: int) -> TownIndex:
    from gis_core.locate.address import AddressIndex, Entry

    areas = {
        row.ix: row.name or ""
        for row in connection.execute(
            select(_AREA.c.ix, _AREA.c.name).where(_AREA.c.dataset_id == dataset_id)
        )
    }
    streets = dict.fromkeys(name for (name,) in _rows(connection, _STREET, dataset_id, "name") if name)
    found: list[tuple[HitKind, Any, Entry]] = [("street", name, Entry((name,))) for name in streets]
    found += _buildings(connection, dataset_id)
    for ix, name, category, code in _rows(connection, _FACILITY, dataset_id, "ix", "name", "category", "id"):
        found.append(("facility", ix, Entry(_texts(name, category), _texts(code))))
    kinds, keys, entries = zip(*found, strict=True) if found else ((), (), ())
    names = [areas.get(k, "") for k in range(max(areas, default=-1) + 1)]
    return TownIndex(AddressIndex(entries, names), tuple(kinds), tuple(keys))


def _buildings(connection: Connection, dataset_id: int) -> Iterable[tuple[HitKind, Any, Entry]]:
    from gis_core.locate.address import Entry

    area_of: dict[int, int] = {ix: area for ix, area in _rows(connection, _CELL, dataset_id, "ix", "area_ix")}  # noqa: C416
    columns = ("ix", "name", "address", "compound", "id", "extra", "cell_ix")
    for ix, name, address, compound, code, extra, cell_ix in _rows(
        connection, _BUILDING, dataset_id, *columns
    ):
        texts = _texts(name, address, compound, *_more_names(extra))
        yield "building", ix, Entry(texts, _texts(code), area_of.get(cell_ix, -1))


def _rows(connection: Connection, table: Table, dataset_id: int, *columns: str) -> Iterable[Sequence[Any]]:
    query = select(*(table.c[name] for name in columns)).where(table.c.dataset_id == dataset_id)
    return [tuple(row) for row in connection.execute(query.order_by(table.c.ix))]


def _texts(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _more_names(extra: str | None) -> list[str]:
    if not extra or not _MORE_NAMES.search(extra):
        return []
    values = json.loads(extra)
    return [
        value for name in values if _MORE_NAMES.search(f'"{name}"') and isinstance(value := values[name], str)
    ]


def _grids(connection: Connection, plan_id: int) -> GridIndex:
    from gis_core.locate.address import AddressIndex, Entry

    query = select(_GRID.c.grid_ix, _GRID.c.code, _GRID.c.name).where(_GRID.c.plan_id == plan_id)
    rows = connection.execute(query.order_by(_GRID.c.grid_ix)).all()
    index = AddressIndex([Entry(_texts(row.name), (row.code,)) for row in rows])
    codes = plans.grid_codes(connection, plan_id)
    code_of_cell = codes[plans.assignment(connection, plan_id)]
    return GridIndex(index, tuple(row.grid_ix for row in rows), code_of_cell)
