"""Repository of the registers: staff and assets of each town, as the newest data that brought them say.

Rows of before stay; a dataset without such a layer leaves what is there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Table, func, insert, select

from gis_core.store.models import AssetRow, StaffRow, table_of
from gis_core.store.records import AssetRecord, StaffRecord
from gis_core.store.rows import plain_text

if TYPE_CHECKING:
    from gis_core.model import Dataset

__all__ = ["add", "assets_called", "assets_near", "read_staff", "stamp"]

_STAFF, _ASSET = table_of(StaffRow), table_of(AssetRow)
_AT_ONCE = 5_000
_MOST_NEAR = 200
_M_PER_DEGREE = 111_195.0


def add(connection: Connection, dataset_id: int, dataset: Dataset) -> None:
    """Write the registers that a dataset brought."""
    about = {"town": plain_text(dataset.name), "dataset_id": dataset_id}
    if dataset.staff is not None:
        names = ("name", "role", "grid_code", "building_id", "phone", "hours")
        rows = [
            {**about, "staff_id": _text(row["id"]), **{name: _text(row[name]) for name in names}}
            for row in dataset.staff.to_dict("records")
        ]
        _write(connection, _STAFF, rows)
    if dataset.assets is not None:
        frame = dataset.assets.to_crs(4326)
        texts = pd.DataFrame(frame.drop(columns=frame.geometry.name)).to_dict("records")
        places = zip(texts, frame.geometry.x.tolist(), frame.geometry.y.tolist(), strict=True)
        rows = [
            {
                **about,
                "asset_id": _text(row["id"]),
                **{name: _text(row[name]) for name in ("category", "owner", "name")},
                "lon": lon,
                "lat": lat,
            }
            for row, lon, lat in places
        ]
        _write(connection, _ASSET, rows)


def _write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(table), rows[start : start + _AT_ONCE])


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else plain_text(str(value))


def _newest(table: Table) -> ColumnElement[bool]:
    """Return the condition that holds for the rows of the newest data of each town."""
    newest = select(func.max(table.c.dataset_id)).group_by(table.c.town)
    return table.c.dataset_id.in_(newest)


def stamp(connection: Connection) -> int:
    """Return a number that changes whenever staff does."""
    return int(connection.execute(select(func.max(_STAFF.c.id))).scalar_one() or 0)


def read_staff(connection: Connection) -> list[StaffRecord]:
    """Return the staff of all towns, in the order of their data."""
    rows = connection.execute(select(_STAFF).where(_newest(_STAFF)).order_by(_STAFF.c.id))
    return [
        StaffRecord(
            row.staff_id, row.dataset_id, row.name, row.role or "", row.grid_code, row.building_id,
            row.phone or "", row.hours or "",
        )
        for row in rows
    ]  # fmt: skip


def assets_near(
    connection: Connection, lon: float, lat: float, metres: float, category: str
) -> list[tuple[float, AssetRecord]]:
    """Return the assets of a category within some metres with how far they are, the nearest first."""
    high = metres / _M_PER_DEGREE
    across = max(math.cos(math.radians(lat)), 0.01)
    where = (
        _ASSET.c.lat.between(lat - high, lat + high),
        _ASSET.c.lon.between(lon - high / across, lon + high / across),
        _ASSET.c.category == plain_text(category),
    )
    found = [
        (_M_PER_DEGREE * math.hypot((one.lon - lon) * across, one.lat - lat), one)
        for one in _assets(connection, *where)
    ]
    return sorted((pair for pair in found if pair[0] <= metres), key=lambda pair: (pair[0], pair[1].id))


def assets_called(connection: Connection, asset_id: str) -> list[AssetRecord]:
    """Return the assets of an id; of several towns several."""
    return _assets(connection, _ASSET.c.asset_id == plain_text(asset_id))


def _assets(connection: Connection, *where: ColumnElement[bool]) -> list[AssetRecord]:
    query = select(_ASSET).where(*where, _newest(_ASSET)).order_by(_ASSET.c.id).limit(_MOST_NEAR)
    return [
        AssetRecord(row.asset_id, row.category, row.owner, row.name, row.lon, row.lat)
        for row in connection.execute(query)
    ]
