"""Column types that both stores can hold and that OGR knows by name.

OGR drops columns declared BIGINT, VARCHAR(n), NUMERIC or JSON from a GeoPackage, so there everything is
INTEGER, DOUBLE, TEXT, BOOLEAN, BLOB or DATETIME. Geometry passes as the driver gives it (hex EWKB, or the
binary of a GeoPackage); the dialect modules decode whole columns at once, which is ten times as fast as one
value at a time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Boolean, Double, LargeBinary, Text
from sqlalchemy import Integer as SqlInteger
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TIMESTAMP, TypeDecorator, TypeEngine, UserDefinedType

__all__ = ["SRID", "Blob", "Flag", "Geom", "Integer", "Real", "String", "UtcTime", "text_of_time"]

#: Of all geometry in either store: WGS 84 in degrees.
SRID = 4326

Integer = BigInteger().with_variant(SqlInteger(), "sqlite")
Real: Double[float] = Double()
String = Text()
Flag = Boolean(create_constraint=False)
Blob = LargeBinary()


class _GeoPackageGeometry(UserDefinedType[bytes]):
    """A geometry column of a GeoPackage, declared by the name of its geometry type."""

    cache_ok = True

    def __init__(self, geometry_type: str) -> None:
        self.geometry_type = geometry_type

    def get_col_spec(self, **_kw: object) -> str:
        """Return the declared type."""
        return self.geometry_type


class Geom(TypeDecorator[Any]):
    """A geometry in EPSG:4326, bound and returned in the form of the driver.

    Parameters
    ----------
    geometry_type : str
        `GEOMETRY` where a layer mixes types, else `POINT`, `POLYGON`, ...
    """

    impl = Geometry
    cache_ok = True

    def __init__(self, geometry_type: str = "GEOMETRY") -> None:
        # The dialects make the spatial index, so GeoAlchemy2 must not.
        super().__init__(geometry_type, srid=SRID, spatial_index=False)
        self.geometry_type = geometry_type

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Return the column type of this database; GeoAlchemy2 asks with None as well."""
        if dialect is not None and dialect.name == "sqlite":
            return dialect.type_descriptor(_GeoPackageGeometry(self.geometry_type))
        return Geometry(self.geometry_type, srid=SRID, spatial_index=False)

    def bind_expression(self, bindparam: Any) -> Any:
        """Bind as it is: PostGIS reads hex EWKB, a GeoPackage its own binary."""
        return bindparam

    def column_expression(self, column: Any) -> Any:
        """Select as it is."""
        return column

    def bind_processor(self, dialect: Dialect) -> None:
        """Leave values alone."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Leave values alone."""


class _GeoPackageTime(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        return "DATETIME"


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC, whole milliseconds; `2026-01-31T08:00:00.000Z` in a GeoPackage."""

    impl = TIMESTAMP
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the column type of this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_GeoPackageTime())
        return dialect.type_descriptor(TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware time into what the database holds."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return text_of_time(value)
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn what the database holds into an aware time in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


def text_of_time(value: datetime) -> str:
    """Write an aware time as a GeoPackage wants it.

    Examples
    --------
    >>> text_of_time(datetime(2026, 1, 31, 8, tzinfo=UTC))
    '2026-01-31T08:00:00.000Z'
    """
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
