"""Between frames and rows: what both stores get is the same plain values, whatever dtypes a frame has.

Text is checked here, because PostgreSQL refuses what SQLite takes (a NUL character, half a surrogate pair).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, Table, select
from sqlalchemy.types import BigInteger, Boolean, Double

from gis_core.errors import DatasetError, InvalidGeometryError, ParameterError, some_of

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect
    from gis_core.store.records import BBox

__all__ = [
    "WGS84",
    "by_ix",
    "column_values",
    "copied_columns",
    "page",
    "plain_text",
    "query_shape",
    "read_frame",
    "require_geometry",
]

WGS84 = "EPSG:4326"


def require_geometry(layer: str, frame: GeoDataFrame) -> NDArray[np.object_]:
    """Return the geometries of a layer; every one is there and is not empty.

    Raises
    ------
    InvalidGeometryError
        Where one is missing or empty.
    """
    geometry = np.asarray(frame.geometry.array, dtype=object)
    bad = np.flatnonzero(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    if len(bad):
        raise InvalidGeometryError(
            f"Layer {layer} has no geometry in row {some_of(bad.tolist())}: mend the dataset, load it again.",
            layer=layer,
            rows=bad.tolist(),
        )
    return geometry


def copied_columns(table: Table) -> str:
    """Return the columns of a layer that a row keeps in another data version, quoted, for a statement."""
    return ", ".join(f'"{c.name}"' for c in table.columns if c.name not in ("fid", "dataset_id", "ix"))


def column_values(table: Table, column: str, values: pd.Series | Sequence[Any]) -> list[Any]:
    """Return the values of one column as plain Python values, None where missing.

    Raises
    ------
    DatasetError
        Where a value has the wrong kind, is missing in a column that needs it, or is text that no database
        holds.
    """
    declared = table.c[column]
    array = values.to_numpy() if isinstance(values, pd.Series) else np.array(values, dtype=object)
    try:
        found = _plain_values(array, declared.type)
    except (ValueError, TypeError, OverflowError) as error:
        raise DatasetError(f"Column {column} of {table.name} cannot be stored: {error}.") from None
    if not declared.nullable:
        missing = [row for row, value in enumerate(found) if value is None]
        if missing:
            raise DatasetError(
                f"Column {column} of {table.name} is empty in row {some_of(missing)}.", rows=missing
            )
    return found


def _plain_values(array: NDArray[Any], kind: Any) -> list[Any]:
    values = array.tolist()
    if isinstance(kind, BigInteger) and array.dtype.kind in "iu":
        return values
    values = [None if _is_missing(value) else value for value in values]
    if isinstance(kind, Boolean):
        return [value if value is None else bool(value) for value in values]
    if isinstance(kind, BigInteger):
        return [value if value is None else _integer(value) for value in values]
    if isinstance(kind, Double):
        return [value if value is None else float(value) for value in values]
    texts = [value if value is None else str(value) for value in values]
    _require_storable("".join(filter(None, texts)))
    return texts


def _integer(value: Any) -> int:
    number = int(value)
    if number != value:
        raise ValueError(f"{value} is no whole number")
    return number


def _require_storable(text: str) -> None:
    """Fail on what PostgreSQL refuses and SQLite takes."""
    if "\x00" in text:
        raise ValueError("a text holds a NUL character")
    text.encode()  # half a surrogate pair ends here


def plain_text(text: str) -> str:
    """Return a text that both databases can hold.

    Raises
    ------
    ParameterError
        Where it holds a NUL character or half a surrogate pair.
    """
    try:
        _require_storable(text)
    except ValueError as error:
        raise ParameterError(f"A text cannot be stored: {error}.") from None
    return text


def _is_missing(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )


def query_shape(bbox: BBox | None) -> Any | None:
    """Return a bounding box as the shape that rows must touch; a point or line where it has no size.

    Raises
    ------
    ParameterError
        Where it is not four finite numbers west <= east, south <= north. A box across the antimeridian is
        refused.
    """
    if bbox is None:
        return None
    try:
        west, south, east, north = (float(value) for value in bbox)
    except (TypeError, ValueError):
        raise ParameterError("A bounding box is four numbers: west, south, east, north.", bbox=bbox) from None
    if not all(map(math.isfinite, (west, south, east, north))):
        raise ParameterError("A bounding box needs four finite numbers: west, south, east, north.", bbox=bbox)
    if west > east or south > north:
        raise ParameterError(
            f"The bounding box {west},{south},{east},{north} is turned round: west must not exceed east, "
            "nor south north (a box across the antimeridian is asked for in two).",
            bbox=bbox,
        )
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def page(query: Select[Any], limit: int | None, offset: int) -> Select[Any]:
    """Cut a page out of an ordered query.

    Raises
    ------
    ParameterError
        Where limit or offset is negative or beyond 64 bits.
    """
    for name, value in (("limit", limit), ("offset", offset)):
        if value is not None and not 0 <= value < 2**63:
            raise ParameterError(f"{name} must be 0 or more, not {value}.")
    if limit is not None:
        query = query.limit(limit)
    return query.offset(offset) if offset else query


def read_frame(
    connection: Connection,
    dialect: Dialect,
    query: Select[Any],
    *,
    columns: Mapping[str, ColumnElement[Any]],
    geometry: ColumnElement[Any],
    index: ColumnElement[Any],
) -> GeoDataFrame:
    """Run a query for the named columns and one geometry, and return them as a frame in EPSG:4326.

    Missing text is None, missing numbers are NaN; the index is the row number in the layer.
    """
    query = query.with_only_columns(index, *columns.values(), geometry)
    rows = connection.execute(query).all()
    fields = list(zip(*rows, strict=True)) if rows else [()] * (len(columns) + 2)
    labels = pd.Index(np.array(fields[0], dtype=np.int64))
    data = {
        name: _series(values, column.type, labels)
        for (name, column), values in zip(columns.items(), fields[1:-1], strict=True)
    }
    shapes = dialect.decode(fields[-1])
    return GeoDataFrame(pd.DataFrame(data, index=labels), geometry=shapes, crs=WGS84)


def _series(values: Sequence[Any], kind: Any, index: pd.Index) -> pd.Series:
    if isinstance(kind, Boolean):
        dtype: Any = bool
    elif isinstance(kind, BigInteger):
        dtype = np.float64 if None in values else np.int64
    else:
        # Text stays object: pandas' own text type would turn None into NaN, which JSON has no word for.
        dtype = np.float64 if isinstance(kind, Double) else object
    return pd.Series(list(values), dtype=dtype, index=index)


def by_ix(table: Table, dataset_id: int) -> Select[Any]:
    """Return the query for the rows of one data version in the order of their layer."""
    return select(table).where(table.c.dataset_id == dataset_id).order_by(table.c.ix)
