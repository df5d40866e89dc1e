"""The store of an office: PostgreSQL with PostGIS, many writers, tables in the schema `wangge`.

Bulk loads go through COPY. Migrations run under an advisory lock, so that several workers may start at once.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import psycopg2
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Table,
    cast,
    create_engine,
    event,
    exc,
    extract,
    func,
)
from sqlalchemy.engine import URL

from gis_core.errors import ConflictError, GisCoreError, StoreUnavailableError
from gis_core.store import migrate
from gis_core.store.rows import copied_columns
from gis_core.store.types import SRID, Geom

__all__ = ["PostgisDialect"]

SCHEMA = "wangge"
_MIGRATION_LOCK = 0x57474D49
_STEPS_LOCK = 0x57474D4A
# Rows handed to COPY at once: bounds the memory of a load.
_CHUNK = 20_000
_COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class PostgisDialect:
    """A store in a PostgreSQL database."""

    kind = "postgis"
    capabilities = frozenset({"parallel-writers"})

    def __init__(self, url: URL, *, lock_timeout_s: float) -> None:
        self._url = url.set(drivername="postgresql+psycopg2")
        place = f"{url.host or 'the local socket'}:{url.port or 5432}"
        self.where = f"The database {url.database or url.username or ''} at {place}"
        engine = create_engine(
            self._url,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "application_name": "wangge",
                "options": f"-c lock_timeout={int(lock_timeout_s * 1000)} -c timezone=UTC",
            },
        )
        event.listen(engine, "connect", _set_search_path)
        self.writing: Engine = engine
        self.reading: Engine = engine.execution_options(isolation_level="REPEATABLE READ")

    def prepare(self, *, create: bool) -> None:
        """Make or upgrade the tables under an advisory lock.

        Raises
        ------
        StoreUnavailableError
            Where PostGIS is missing, the store is newer than the program, or is not there while `create` is
            false.
        """
        with self.reading.connect() as connection:
            if migrate.is_current(connection, self.where):
                return
            fresh = migrate.store_version(connection) is None
        if not create:
            what = (
                "holds no store: load a dataset with `wangge load DATASET --db URL`"
                if fresh
                else ("is of an older version: `wangge load` brings it up to date")
            )
            raise StoreUnavailableError(f"{self.where} {what}.")
        with self.writing.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            self._require_postgis(connection)
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            if not migrate.is_current(connection, self.where):
                migrate.upgrade(connection)

    def _require_postgis(self, connection: Connection) -> None:
        if connection.exec_driver_sql("SELECT to_regtype('geometry')").scalar_one() is not None:
            return
        try:
            connection.exec_driver_sql("CREATE EXTENSION postgis")
        except exc.DBAPIError:
            raise StoreUnavailableError(
                f"{self.where} has no PostGIS: install it on the server (Debian: apt-get install"
                " postgresql-postgis), then run CREATE EXTENSION postgis there as its administrator."
            ) from None

    def encode(self, geometry: NDArray[np.object_]) -> list[str]:
        """Turn geometries into hexadecimal EWKB."""
        placed = shapely.set_srid(geometry, SRID)
        return list(shapely.to_wkb(placed, hex=True, include_srid=True, output_dimension=2, byte_order=1))

    def decode(self, values: Sequence[str]) -> NDArray[np.object_]:
        """Turn hexadecimal EWKB into geometries."""
        if not values:
            return np.empty(0, dtype=object)
        return np.atleast_1d(shapely.set_srid(shapely.from_wkb(np.array(values, dtype=object)), 0))

    def intersects(self, table: Table, shape: Any) -> ColumnElement[bool]:
        """Return the filter on rows that touch a shape; PostGIS takes candidates from its GiST index."""
        probe = cast(self.encode(np.array([shape], dtype=object))[0], Geom())
        # Bare, not IS TRUE: only then does the planner see the index behind the function.
        return func.ST_Intersects(table.c.geom, probe, type_=Boolean())

    def bulk_insert(
        self,
        connection: Connection,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        geometry: NDArray[np.object_],
    ) -> None:
        """Insert rows by COPY, then let the planner know how many there are."""
        if len(geometry) == 0:
            return
        quoted = ", ".join(f'"{name}"' for name in (*columns, "geom"))
        with closing(connection.connection.cursor()) as cursor:
            for start in range(0, len(geometry), _CHUNK):
                part = slice(start, start + _CHUNK)
                fields = [[_copy_text(value) for value in column[part]] for column in columns.values()]
                lines = map("\t".join, zip(*fields, self.encode(geometry[part]), strict=True))
                # The cursor stands outside SQLAlchemy's own error handling; `explain` reads both kinds.
                cursor.copy_expert(
                    f"COPY {table.name} ({quoted}) FROM STDIN", io.StringIO("\n".join(lines) + "\n")
                )
        connection.exec_driver_sql(f"ANALYZE {table.name}")

    def copy_rows(
        self,
        connection: Connection,
        table: Table,
        source: int,
        target: int,
        runs: Sequence[tuple[int, int, int]],
    ) -> None:
        """Copy rows inside the server."""
        columns = copied_columns(table)
        for first, last, shift in runs:
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} (dataset_id, ix, {columns}) SELECT %s, ix + %s, {columns}"
                f" FROM {table.name} WHERE dataset_id = %s AND ix BETWEEN %s AND %s",
                (target, shift, source, first, last),
            )
        connection.exec_driver_sql(f"ANALYZE {table.name}")

    def refresh_extent(self, connection: Connection, table: Table) -> None:
        """Do nothing: PostGIS states no extent that could be wrong."""

    def extend_extent(self, connection: Connection, table: Table, geometry: NDArray[np.object_]) -> None:
        """Do nothing, as `refresh_extent`."""

    def lock_table(self, connection: Connection, table: Table) -> None:
        """Keep other writers out of a table; readers go on."""
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")

    def order_steps(self, connection: Connection) -> None:
        """Take a lock of its own, which no reader and no housekeeping of the server waits for."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_STEPS_LOCK})")

    def now_s(self) -> ColumnElement[float]:
        """Return the time of the server in seconds."""
        return cast(extract("epoch", func.clock_timestamp()), Double())

    def millis(self, column: ColumnElement[Any]) -> ColumnElement[float]:
        """Return the milliseconds of a time with its zone."""
        return func.round(cast(extract("epoch", column), Double()) * 1000.0, type_=Double())

    def explain(self, error: Exception) -> GisCoreError:
        """Turn an error of PostgreSQL into one of ours; never with the password in it."""
        cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
        state = getattr(cause, "pgcode", None) or ""
        said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        if self._url.password:
            said = said.replace(str(self._url.password), "***")
        if state.startswith("23") or state in {"40001", "40P01"}:
            return ConflictError(f"{self.where} refuses the change ({said}): somebody else changed it first.")
        if state.startswith("22") or isinstance(cause, (UnicodeError, OverflowError)):
            return ConflictError(f"{self.where} cannot hold a value ({said}).")
        if state in _SENTENCES:
            return StoreUnavailableError(f"{self.where} {_SENTENCES[state]}")
        if isinstance(cause, psycopg2.OperationalError) and not state:
            return StoreUnavailableError(self._unreachable(said))
        return StoreUnavailableError(f"{self.where} does not answer ({said}): run `wangge doctor`.")

    def _unreachable(self, said: str) -> str:
        """Say why there is no connection; before it stands the driver gives words and no code."""
        if "password" in said or "authentication" in said or "pg_hba" in said:
            return (
                f"{self.where} refuses the user {self._url.username or '(none named)'}: "
                "check the user and the password in the database URL."
            )
        if "does not exist" in said:
            return f"{self.where} is not there ({said}): create it, or correct the database URL."
        return (
            f"{self.where} cannot be reached ({said}): check that PostgreSQL runs and that the URL is right."
        )


#: SQLSTATE -> the rest of the sentence.
_SENTENCES = {
    "28P01": "refuses the user: check the user and the password in the database URL.",
    "28000": "refuses the user: check the user and the password in the database URL.",
    "3D000": "is not there: create it, or correct the database URL.",
    "42501": "does not let this user do that: grant the rights, or name another user in the database URL.",
    "53100": "cannot grow, the disk of the server is full: free some space and try again.",
    "53300": "has no connection left: wait, or raise max_connections of the server.",
    "55P03": "is locked by another program: close it, or wait until it is done, and try again.",
    "57P01": "was shut down: start it, and try again.",
    "57P03": "is starting up: try again in a moment.",
    "25006": "can only be read: name the main server in the database URL.",
}


def _set_search_path(connection: Any, _record: object) -> None:
    """Look for tables in our schema first; the rest of the path still finds PostGIS."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), false)", (SCHEMA,)
        )
    connection.commit()


def _copy_text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_COPY_ESCAPES)
    return repr(value)
