"""The embedded store: one SQLite file laid out as a GeoPackage, in WAL mode, one writer at a time.

A new file is made whole under another name and then linked into place, so that a killed start leaves no half
store and two starts at once agree on one file.
"""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Double, Engine, Table, create_engine, event, exc, func, text
from sqlalchemy.engine import URL

from gis_core.errors import ConflictError, GisCoreError, StoreUnavailableError
from gis_core.store import geopackage, migrate
from gis_core.store.rows import copied_columns

__all__ = ["GeoPackageDialect", "is_store_file"]

_SQLITE_MAGIC = b"SQLite format 3\0"
# Rows handed to the driver at once: bounds the memory of a load.
_CHUNK = 20_000
_CACHE_KIB = 65_536


class GeoPackageDialect:
    """A store in one file."""

    kind = "geopackage"
    capabilities = frozenset({"single-file"})

    def __init__(self, path: Path, *, lock_timeout_s: float) -> None:
        self.path = path
        self.where = f"The file {path}"
        self._lock_timeout_s = lock_timeout_s
        self.reading: Engine = self._engine(path, lock_timeout_s)
        self.writing: Engine = self.reading.execution_options(wangge_writes=True)

    @staticmethod
    def _engine(path: Path, lock_timeout_s: float) -> Engine:
        # `mode=rw`: a file that was moved away must not come back empty.
        location = URL.create(
            "sqlite",
            database=f"file:{_uri_path(path)}",
            query={"mode": "rw", "uri": "true", "timeout": f"{lock_timeout_s}"},
        )
        engine = create_engine(location)

        @event.listens_for(engine, "connect")
        def connected(connection: sqlite3.Connection, _record: object) -> None:
            # The driver's own transactions begin too late for DDL and for a lock before the first read.
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            geopackage.register_functions(connection)

        @event.listens_for(engine, "begin")
        def begun(connection: Connection) -> None:
            writes = connection.get_execution_options().get("wangge_writes")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def prepare(self, *, create: bool) -> None:
        """Make the file, or check that it is a store and bring it to this program's version.

        Raises
        ------
        StoreUnavailableError
            Where it is no store of ours, newer than the program, or missing while `create` is false.
        """
        if not self.path.exists():
            if not create:
                raise StoreUnavailableError(
                    f"There is no store at {self.path}: load a dataset with `wangge load DATASET`."
                )
            self._make()
        self._require_ours()
        with self.reading.connect() as connection:
            if migrate.is_current(connection, self.where):
                return
        if not create:
            raise StoreUnavailableError(
                f"{self.where} is of an older version: `wangge load` brings it up to date."
            )
        with self.writing.begin() as connection:
            if not migrate.is_current(connection, self.where):
                migrate.upgrade(connection)

    def _make(self) -> None:
        if not self.path.parent.is_dir():
            raise StoreUnavailableError(
                f"The folder {self.path.parent} for the store is not there: make it, or name another file."
            )
        part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.part")
        try:
            with closing(sqlite3.connect(part)):
                part.touch()
            engine = self._engine(part, self._lock_timeout_s)
            with engine.begin() as connection:
                migrate.upgrade(connection)
            engine.dispose()
            # Only a finished file goes to WAL: GDAL takes a WAL file that was never checkpointed for a broken
            # one.
            with closing(sqlite3.connect(part)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            _link(part, self.path)
        finally:
            for ending in ("", "-journal", "-wal", "-shm"):
                part.with_name(part.name + ending).unlink(missing_ok=True)

    def _require_ours(self) -> None:
        """Fail on a file that is not a store, without changing it."""
        foreign = StoreUnavailableError(
            f"{self.where} is not a Wangge store: name another file with --db, or load it with `wangge load`."
        )
        if self.path.is_dir():
            raise StoreUnavailableError(
                f"{self.path} is a folder: name the file of the store in it with --db."
            )
        if not _looks_ours(self.path):
            raise foreign

    def encode(self, geometry: NDArray[np.object_]) -> list[bytes]:
        """Turn geometries into GeoPackage binary."""
        return geopackage.encode_geometry(geometry)

    def decode(self, values: Sequence[bytes]) -> NDArray[np.object_]:
        """Turn GeoPackage binary into geometries."""
        return geopackage.decode_geometry(values)

    def intersects(self, table: Table, shape: Any) -> ColumnElement[bool]:
        """Return the filter on rows that touch a shape: candidates from the R-tree, then the exact test."""
        west, south, east, north = shape.bounds
        near = text(
            f"{table.name}.fid IN (SELECT id FROM rtree_{table.name}_geom"
            " WHERE minx <= :east AND maxx >= :west AND miny <= :north AND maxy >= :south)"
        ).bindparams(west=west, south=south, east=east, north=north)
        return near & func.wangge_intersects(table.c.geom, shapely.to_wkb(shape)).is_(True)

    def bulk_insert(
        self,
        connection: Connection,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        geometry: NDArray[np.object_],
    ) -> None:
        """Insert rows with the insert trigger put aside, then fill the R-tree from the known boxes."""
        if len(geometry) == 0:
            return
        first = self._next_fid(connection, table.name)
        names = ["fid", *columns, "geom"]
        quoted = ", ".join(f'"{name}"' for name in names)
        insert = f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})"
        connection.exec_driver_sql(f"DROP TRIGGER {geopackage.INSERT_TRIGGER.format(table=table.name)}")
        for start in range(0, len(geometry), _CHUNK):
            part = slice(start, start + _CHUNK)
            values = [column[part] for column in columns.values()]
            blobs = self.encode(geometry[part])
            connection.exec_driver_sql(
                insert,
                list(zip(range(first + start, first + start + len(blobs)), *values, blobs, strict=True)),
            )
        self._fill_rtree(connection, table.name, first, shapely.bounds(geometry))
        self.extend_extent(connection, table, geometry)
        connection.exec_driver_sql(geopackage.insert_trigger(table.name))

    def copy_rows(
        self,
        connection: Connection,
        table: Table,
        source: int,
        target: int,
        runs: Sequence[tuple[int, int, int]],
    ) -> None:
        """Copy rows, and their boxes in the R-tree as they are, with the insert trigger put aside."""
        name = table.name
        least = connection.exec_driver_sql(
            f"SELECT min(fid) FROM {name} WHERE dataset_id = ?", (source,)
        ).scalar_one()
        if least is None or not runs:
            return
        away = self._next_fid(connection, name) - int(least)
        columns = copied_columns(table)
        connection.exec_driver_sql(f"DROP TRIGGER {geopackage.INSERT_TRIGGER.format(table=name)}")
        for first, last, shift in runs:
            mine = (source, first, last)
            connection.exec_driver_sql(
                f"INSERT INTO {name} (fid, dataset_id, ix, {columns})"
                f" SELECT fid + ?, ?, ix + ?, {columns} FROM {name} WHERE dataset_id = ? AND ix BETWEEN ? AND ?",
                (away, target, shift, *mine),
            )
            connection.exec_driver_sql(
                f"INSERT INTO rtree_{name}_geom SELECT r.id + ?, r.minx, r.maxx, r.miny, r.maxy"
                f" FROM {name} o JOIN rtree_{name}_geom r ON r.id = o.fid"
                " WHERE o.dataset_id = ? AND o.ix BETWEEN ? AND ?",
                (away, *mine),
            )
        connection.exec_driver_sql(geopackage.insert_trigger(name))

    @staticmethod
    def _next_fid(connection: Connection, table: str) -> int:
        query = (
            f"SELECT 1 + max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0),"
            f" coalesce((SELECT max(fid) FROM {table}), 0))"
        )
        return int(connection.exec_driver_sql(query).scalar_one())

    @staticmethod
    def _fill_rtree(connection: Connection, table: str, first: int, bounds: NDArray[np.float64]) -> None:
        filled = np.flatnonzero(~np.isnan(bounds[:, 0]))
        if len(filled) == 0:
            return
        boxes = bounds[filled][:, [0, 2, 1, 3]].tolist()
        rows = [(first + row, *box) for row, box in zip(filled.tolist(), boxes, strict=True)]
        connection.exec_driver_sql(f"INSERT INTO rtree_{table}_geom VALUES (?, ?, ?, ?, ?)", rows)

    def extend_extent(self, connection: Connection, table: Table, geometry: NDArray[np.object_]) -> None:
        """Widen the extent in the catalogue where geometries reach beyond it."""
        bounds = shapely.bounds(geometry[~shapely.is_empty(geometry)])
        if len(bounds) == 0:
            return
        extremes = [*np.nanmin(bounds[:, :2], axis=0).tolist(), *np.nanmax(bounds[:, 2:], axis=0).tolist()]
        connection.exec_driver_sql(
            "UPDATE gpkg_contents SET min_x = min(coalesce(min_x, ?1), ?1),"
            " min_y = min(coalesce(min_y, ?2), ?2), max_x = max(coalesce(max_x, ?3), ?3),"
            " max_y = max(coalesce(max_y, ?4), ?4),"
            " last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE table_name = ?5",
            (*extremes, table.name),
        )

    def refresh_extent(self, connection: Connection, table: Table) -> None:
        """Set the extent in the catalogue from the boxes of the outermost rows, which the R-tree finds."""
        edges = (
            ("min", "minx", "ST_MinX"),
            ("min", "miny", "ST_MinY"),
            ("max", "maxx", "ST_MaxX"),
            ("max", "maxy", "ST_MaxY"),
        )
        # The R-tree rounds outward to 32 bits; the true edge is among the rows that share the rounded one.
        exact = [
            f"(SELECT {least}({edge}(geom)) FROM {table.name} WHERE fid IN (SELECT id FROM rtree_{table.name}_geom"
            f" WHERE {side} = (SELECT {least}({side}) FROM rtree_{table.name}_geom)))"
            for least, side, edge in edges
        ]
        connection.exec_driver_sql(
            f"UPDATE gpkg_contents SET min_x = {exact[0]}, min_y = {exact[1]}, max_x = {exact[2]}, max_y = {exact[3]},"
            f" last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE table_name = '{table.name}'"
        )

    def lock_table(self, connection: Connection, table: Table) -> None:
        """Do nothing: a transaction that writes has the file to itself."""

    def order_steps(self, connection: Connection) -> None:
        """Do nothing: a transaction that writes has the file to itself."""

    def now_s(self) -> ColumnElement[float]:
        """Return the time of this machine in seconds."""
        return func.julianday("now", type_=Double()) * 86_400.0

    def millis(self, column: ColumnElement[Any]) -> ColumnElement[float]:
        """Return the milliseconds of a time that is kept as text."""
        days: ColumnElement[float] = func.julianday(column, type_=Double()) - 2_440_587.5
        return func.round(days * 86_400_000.0, type_=Double())

    def explain(self, error: Exception) -> GisCoreError:
        """Turn an error of SQLite into one of ours."""
        cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig else error
        if isinstance(cause, sqlite3.IntegrityError):
            return ConflictError(
                f"{self.where} refuses the change ({cause}): somebody else changed it first."
            )
        if isinstance(cause, (UnicodeError, OverflowError)):
            return ConflictError(f"{self.where} cannot hold a value ({cause}).")
        if isinstance(cause, OSError):
            sentence = "SQLITE_FULL" if cause.errno == errno.ENOSPC else "SQLITE_PERM"
            if cause.errno in (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS):
                return StoreUnavailableError(f"{self.where} {_SENTENCES[sentence]}")
        name = getattr(cause, "sqlite_errorname", "") or ""
        for start, sentence in _SENTENCES.items():
            if name.startswith(start):
                return StoreUnavailableError(f"{self.where} {sentence}")
        return StoreUnavailableError(f"{self.where} does not answer ({cause}): run `wangge doctor`.")


def is_store_file(path: Path) -> bool:
    """Tell whether a file is an embedded store of whatever version; False where it cannot be read."""
    try:
        return path.is_file() and _looks_ours(path)
    except (OSError, sqlite3.Error):
        return False


def _looks_ours(path: Path) -> bool:
    """Look for our tables in a file without changing it; errors of the system and of SQLite pass through."""
    with path.open("rb") as file:
        if file.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
            return False
    with closing(sqlite3.connect(f"file:{_uri_path(path)}?mode=ro", uri=True)) as connection:
        query = "SELECT count(*) FROM sqlite_master WHERE name IN ('gpkg_contents', ?)"
        return bool(connection.execute(query, (migrate.VERSION_TABLE,)).fetchone()[0] == 2)


#: Start of SQLite's name of an error -> the rest of the sentence.
_SENTENCES = {
    "SQLITE_BUSY": "is locked by another program: close it, or wait until it is done, and try again.",
    "SQLITE_LOCKED": "is locked by another program: close it, or wait until it is done, and try again.",
    "SQLITE_CANTOPEN": "cannot be opened: check that it is there and that you may read it and its folder.",
    "SQLITE_NOTADB": "is not a Wangge store: name another file with --db.",
    "SQLITE_CORRUPT": "is damaged: restore it from a backup, or move it away and load the data again.",
    "SQLITE_READONLY": "cannot be written: check that you may write it and its folder.",
    "SQLITE_PERM": "cannot be written: check that you may write it and its folder.",
    "SQLITE_FULL": "cannot grow, the disk is full: free some space and try again.",
    "SQLITE_IOERR": "cannot be read or written, the disk reports an error: check the disk.",
}


def _uri_path(path: Path) -> str:
    """Escape what means something in a `file:` name."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _link(part: Path, path: Path) -> None:
    """Put a finished file in its place unless somebody else did so first."""
    try:
        os.link(part, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            part.rename(path)
