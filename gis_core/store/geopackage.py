"""The GeoPackage file format (OGC 12-128r17, version 1.3): its geometry binary, metadata tables and R-tree.

Only the format stands here, because migrations of every age use it; how the store works on such a file is in
`dialect_geopackage`. The R-tree triggers call `ST_MinX` and its kin, which every connection of ours
registers.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.store.types import SRID

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "INSERT_TRIGGER",
    "create_metadata",
    "decode_geometry",
    "encode_geometry",
    "insert_trigger",
    "register_attributes",
    "register_functions",
    "register_layer",
]

_APPLICATION_ID = 0x47504B47  # "GPKG"
_USER_VERSION = 10300
_HEADER = np.dtype(
    [("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srid", "<i4"), ("envelope", "<f8", 4)]
)
_LITTLE_ENDIAN_WITH_BOX = 0b0000_0011
_EMPTY = 0b0001_0000
_EMPTY_HEADER = struct.pack("<2sBBi", b"GP", 0, 1 | _EMPTY, SRID)
#: Length of the header by its envelope code (none, xy, xyz, xym, xyzm).
_HEADER_BYTES = (8, 40, 56, 56, 72)

_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)

_METADATA = (
    """CREATE TABLE gpkg_spatial_ref_sys (
    srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    """CREATE TABLE gpkg_contents (
    table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
    description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
    CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_geometry_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
    srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
    CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
    CONSTRAINT uk_gc_table_name UNIQUE (table_name),
    CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
    CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    """CREATE TABLE gpkg_extensions (
    table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
    scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)

_REFERENCE_SYSTEMS = (
    ("WGS 84 geodetic", SRID, "EPSG", SRID, _WGS84, "longitude/latitude coordinates in decimal degrees"),
    (
        "Undefined cartesian SRS",
        -1,
        "NONE",
        -1,
        "undefined",
        "undefined cartesian coordinate reference system",
    ),
    (
        "Undefined geographic SRS",
        0,
        "NONE",
        0,
        "undefined",
        "undefined geographic coordinate reference system",
    ),
)

#: Name of the trigger that a bulk load puts aside.
INSERT_TRIGGER = "rtree_{table}_geom_insert"

# The triggers of the standard's annex F.3 for a table whose key is `fid` and whose geometry is `geom`.
_BOX = "ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
_FILLED = "(NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))"
_BARE = "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
_INSERT = f"""CREATE TRIGGER rtree_{{table}}_geom_insert AFTER INSERT ON {{table}}
    WHEN {_FILLED}
    BEGIN INSERT OR REPLACE INTO rtree_{{table}}_geom VALUES (NEW.fid, {_BOX}); END"""
_TRIGGERS = (
    _INSERT,
    f"""CREATE TRIGGER rtree_{{table}}_geom_update1 AFTER UPDATE OF geom ON {{table}}
    WHEN OLD.fid = NEW.fid AND {_FILLED}
    BEGIN INSERT OR REPLACE INTO rtree_{{table}}_geom VALUES (NEW.fid, {_BOX}); END""",
    f"""CREATE TRIGGER rtree_{{table}}_geom_update2 AFTER UPDATE OF geom ON {{table}}
    WHEN OLD.fid = NEW.fid AND {_BARE}
    BEGIN DELETE FROM rtree_{{table}}_geom WHERE id = OLD.fid; END""",
    f"""CREATE TRIGGER rtree_{{table}}_geom_update3 AFTER UPDATE ON {{table}}
    WHEN OLD.fid != NEW.fid AND {_FILLED}
    BEGIN DELETE FROM rtree_{{table}}_geom WHERE id = OLD.fid;
    INSERT OR REPLACE INTO rtree_{{table}}_geom VALUES (NEW.fid, {_BOX}); END""",
    f"""CREATE TRIGGER rtree_{{table}}_geom_update4 AFTER UPDATE ON {{table}}
    WHEN OLD.fid != NEW.fid AND {_BARE}
    BEGIN DELETE FROM rtree_{{table}}_geom WHERE id IN (OLD.fid, NEW.fid); END""",
    """CREATE TRIGGER rtree_{table}_geom_delete AFTER DELETE ON {table}
    WHEN OLD.geom NOT NULL
    BEGIN DELETE FROM rtree_{table}_geom WHERE id = OLD.fid; END""",
)


def create_metadata(connection: Connection) -> None:
    """Make an empty database a GeoPackage: its application id and metadata tables."""
    connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {_USER_VERSION}")
    for statement in _METADATA:
        connection.exec_driver_sql(statement)
    for row in _REFERENCE_SYSTEMS:
        connection.exec_driver_sql("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", row)


def register_layer(connection: Connection, table: str, geometry_type: str) -> None:
    """Declare a table with the key `fid` and the column `geom` as a layer, with its R-tree and triggers."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)",
        (table, table, SRID),
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (table, geometry_type, SRID)
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', ?, 'write-only')",
        (table, "http://www.geopackage.org/spec120/#extension_rtree"),
    )
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE rtree_{table}_geom USING rtree(id, minx, maxx, miny, maxy)"
    )
    for trigger in _TRIGGERS:
        connection.exec_driver_sql(trigger.format(table=table))


def register_attributes(connection: Connection, table: str) -> None:
    """Declare a table without geometry; OGR then lists no table that is not declared."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
        (table, table),
    )


def insert_trigger(table: str) -> str:
    """Return the statement that makes the insert trigger of a layer again."""
    return _INSERT.format(table=table)


def encode_geometry(geometry: NDArray[np.object_]) -> list[bytes]:
    """Return geometries (2D, EPSG:4326) as GeoPackage binary, each with its box in the header.

    Coordinates are kept bit by bit; a third dimension is dropped.
    """
    bodies = shapely.to_wkb(geometry, byte_order=1, output_dimension=2)
    headers = np.zeros(len(geometry), dtype=_HEADER)
    headers["magic"] = b"GP"
    headers["flags"] = _LITTLE_ENDIAN_WITH_BOX
    headers["srid"] = SRID
    headers["envelope"] = shapely.bounds(geometry)[:, [0, 2, 1, 3]]
    empty = shapely.is_empty(geometry)
    size = _HEADER.itemsize
    packed = headers.tobytes()
    return [
        _EMPTY_HEADER + body if bare else packed[at : at + size] + body
        for at, body, bare in zip(range(0, len(packed), size), bodies, empty, strict=True)
    ]


def decode_geometry(blobs: Iterable[bytes]) -> NDArray[np.object_]:
    """Return the geometries of GeoPackage binaries, whoever wrote them."""
    bodies = [blob[_HEADER_BYTES[(blob[3] >> 1) & 7] :] for blob in blobs]
    return (
        np.atleast_1d(shapely.from_wkb(np.array(bodies, dtype=object)))
        if bodies
        else np.empty(0, dtype=object)
    )


def _box(blob: bytes) -> tuple[float, float, float, float] | None:
    """Return (minx, maxx, miny, maxy) of a GeoPackage binary, None where it is empty."""
    flags = blob[3]
    if flags & _EMPTY:
        return None
    if (flags >> 1) & 7:
        box: tuple[float, float, float, float] = struct.unpack_from("<4d" if flags & 1 else ">4d", blob, 8)
        return box
    west, south, east, north = decode_geometry([blob])[0].bounds
    return (west, east, south, north)


@lru_cache(maxsize=64)
def _query_shape(wkb: bytes) -> tuple[Any, tuple[float, float, float, float]]:
    shape = shapely.from_wkb(wkb)
    shapely.prepare(shape)
    return shape, shape.bounds


def _intersects(blob: bytes, wkb: bytes) -> bool:
    """Tell whether a geometry touches the query box; most are settled by their own box alone."""
    box = _box(blob)
    if box is None:
        return False
    shape, (west, south, east, north) = _query_shape(wkb)
    minx, maxx, miny, maxy = box
    if minx > east or maxx < west or miny > north or maxy < south:
        return False
    if minx >= west and maxx <= east and miny >= south and maxy <= north:
        return True
    return bool(shapely.intersects(shape, decode_geometry([blob])[0]))


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the R-tree triggers and spatial filters call."""

    def part_of_box(position: int) -> Any:
        def part(blob: bytes | None) -> float | None:
            box = _box(blob) if blob else None
            return box[position] if box else None

        return part

    for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, part_of_box(position), deterministic=True)
    connection.create_function(
        "ST_IsEmpty", 1, lambda blob: None if blob is None else _box(blob) is None, deterministic=True
    )
    connection.create_function("wangge_intersects", 2, _intersects, deterministic=True)
