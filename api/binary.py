"""Typed arrays for the map: cells and base map as delta-coded integers behind a small JSON header.

The layout is the one of docs/http.md ("WGB1"). Everything is vectorised: no loop over geometries. Must not
import the store or FastAPI.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gis_core.errors import ParameterError

__all__ = [
    "RaggedLines",
    "RaggedPolygons",
    "decode",
    "encode",
    "lines_to_ragged",
    "mercator_units",
    "name_table",
    "points_to_units",
    "polygons_to_ragged",
    "restore_coords",
    "units_to_lonlat",
]

MAGIC = b"WGB1"
#: The unit square of web mercator has this many steps on a side: 3.7 cm at the equator.
UNITS = 2**30
#: Latitude where web mercator's square ends.
MAX_LATITUDE = 85.0511287798066

_DTYPES = {"i4": "<i4", "u4": "<u4", "u2": "<u2", "u1": "|u1", "f4": "<f4"}
_NAMES = {np.dtype(value): key for key, value in _DTYPES.items()}


@dataclass(frozen=True)
class RaggedPolygons:
    """Polygons of n features as flat arrays.

    Attributes
    ----------
    coords : int32, shape (2 n_vertices,)
        Delta-coded x, y; the first vertex of each ring is absolute and the closing vertex is left out.
    ring_start : uint32, shape (n_rings + 1,)
        First vertex of each ring.
    feature_start : uint32, shape (n + 1,)
        First ring of each feature; its first ring is an outer one.
    """

    coords: NDArray[np.int32]
    ring_start: NDArray[np.uint32]
    feature_start: NDArray[np.uint32]


@dataclass(frozen=True)
class RaggedLines:
    """Single lines as flat arrays; a feature of several lines gives several rows.

    Attributes
    ----------
    coords : int32, shape (2 n_vertices,)
        Delta-coded x, y; the first vertex of each line is absolute.
    line_start : uint32, shape (n_lines + 1,)
        First vertex of each line.
    feature_ix : int64, shape (n_lines,)
        Row of the input that each line came from.
    """

    coords: NDArray[np.int32]
    line_start: NDArray[np.uint32]
    feature_ix: NDArray[np.int64]


def encode(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Pack named arrays behind a header.

    Parameters
    ----------
    meta : mapping
        Plain values, written to the header as they are.
    arrays : mapping of name to one-dimensional array
        Of type int32, uint32, uint16, uint8 or float32.

    Raises
    ------
    ParameterError
        If an array has another type or shape.
    """
    entries: list[dict[str, Any]] = []
    chunks: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        kind = _NAMES.get(array.dtype.newbyteorder("<"))
        if kind is None or array.ndim != 1:
            raise ParameterError(
                f"Array {name} cannot be packed: {array.dtype}, {array.ndim} dimensions.", name=name
            )
        raw = np.ascontiguousarray(array, dtype=_DTYPES[kind]).tobytes()
        entries.append({"name": name, "dtype": kind, "length": len(array), "offset": offset})
        padding = -len(raw) % 8
        chunks += [raw, b"\0" * padding]
        offset += len(raw) + padding
    header = orjson.dumps({"meta": dict(meta), "arrays": entries})
    header += b" " * (-(8 + len(header)) % 8)
    return b"".join([MAGIC, struct.pack("<I", len(header)), header, *chunks])


def decode(body: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Unpack what `encode` packed; the arrays are views of `body`.

    Raises
    ------
    ParameterError
        If `body` does not begin with the mark of the format.
    """
    if body[:4] != MAGIC:
        raise ParameterError("These bytes are not typed arrays: they do not begin with WGB1.")
    (length,) = struct.unpack_from("<I", body, 4)
    header = orjson.loads(body[8 : 8 + length])
    start = 8 + length
    arrays = {
        entry["name"]: np.frombuffer(body, _DTYPES[entry["dtype"]], entry["length"], start + entry["offset"])
        for entry in header["arrays"]
    }
    return header["meta"], arrays


def mercator_units(lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn degrees, shape (n, 2), into steps of the unit square: x east from 180 W, y south from 85.05 N."""
    lat = np.radians(np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE))
    out = np.empty(lonlat.shape, dtype=np.float64)
    out[:, 0] = lonlat[:, 0] / 360.0 + 0.5
    out[:, 1] = 0.5 - np.arcsinh(np.tan(lat)) / (2.0 * np.pi)
    return np.rint(out * UNITS).astype(np.int64)


def units_to_lonlat(units: NDArray[Any]) -> NDArray[np.float64]:
    """Turn steps of the unit square, shape (n, 2), back into degrees."""
    scaled = np.asarray(units, dtype=np.float64) / UNITS
    lon = (scaled[:, 0] - 0.5) * 360.0
    lat = np.degrees(np.arctan(np.sinh((0.5 - scaled[:, 1]) * 2.0 * np.pi)))
    return np.column_stack([lon, lat])


def points_to_units(points: NDArray[np.object_]) -> NDArray[np.int32]:
    """Give absolute x, y, x, y, ... of points; an empty or missing one stands at 0, 0."""
    lonlat = np.column_stack([shapely.get_x(points), shapely.get_y(points)]).astype(np.float64)
    lonlat[~np.isfinite(lonlat).all(axis=1)] = (-180.0, MAX_LATITUDE)
    return mercator_units(lonlat).astype(np.int32).ravel()


def polygons_to_ragged(polygons: NDArray[np.object_]) -> RaggedPolygons:
    """Flatten polygons and multipolygons in degrees; the rings of all parts of a feature are its rings.

    Vertices that fall on the step of the one before them are left out, the same ones in both of two cells
    that share a border. A feature without area keeps its row and has no ring.
    """
    parts, part_feature = shapely.get_parts(polygons, return_index=True)
    keep = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    keep &= ~shapely.is_empty(parts)
    rings, ring_part = shapely.get_rings(parts[keep], return_index=True)
    coords, vertex_ring = shapely.get_coordinates(rings, return_index=True)
    sizes = np.bincount(vertex_ring, minlength=len(rings))
    open_vertex = np.ones(len(coords), dtype=bool)
    open_vertex[np.cumsum(sizes) - 1] = False
    units, starts = _without_repeats(mercator_units(coords[open_vertex]), sizes - 1)
    ring_feature = part_feature[keep][ring_part]
    rings_of = np.bincount(ring_feature, minlength=len(polygons))
    return RaggedPolygons(
        _deltas(units, starts), starts.astype(np.uint32), _starts(rings_of).astype(np.uint32)
    )


def lines_to_ragged(lines: NDArray[np.object_]) -> RaggedLines:
    """Flatten lines and multilines in degrees; of polygons the rings are taken, closed."""
    parts, feature = shapely.get_parts(lines, return_index=True)
    is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    if is_area.any():
        rings, ring_part = shapely.get_rings(parts[is_area], return_index=True)
        feature = np.concatenate([feature[~is_area], feature[is_area][ring_part]])
        parts = np.concatenate([parts[~is_area], rings])
        order = np.argsort(feature, kind="stable")
        parts, feature = parts[order], feature[order]
    keep = (shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)
    coords, vertex_line = shapely.get_coordinates(parts[keep], return_index=True)
    sizes = np.bincount(vertex_line, minlength=int(keep.sum()))
    units, starts = _without_repeats(mercator_units(coords), sizes)
    return RaggedLines(_deltas(units, starts), starts.astype(np.uint32), feature[keep].astype(np.int64))


def restore_coords(coords: NDArray[np.int32], starts: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Undo the delta coding: absolute steps, shape (n_vertices, 2)."""
    deltas = np.asarray(coords, dtype=np.int64).reshape(-1, 2)
    total = np.cumsum(deltas, axis=0)
    begin = np.asarray(starts, dtype=np.int64)
    sizes = np.diff(begin)
    first = begin[:-1][sizes > 0]
    before = total[first] - deltas[first]
    return total - np.repeat(before, sizes[sizes > 0], axis=0)


def name_table(columns: Sequence[Sequence[str | None]]) -> tuple[list[str], list[NDArray[np.int32]]]:
    """Number the texts of several columns in one table, in order of first use.

    Returns
    -------
    names : list of str
        Each text once.
    positions : list of int32 arrays
        For each column the position of its texts in `names`; -1 where there is none.
    """
    index: dict[str, int] = {}
    positions = [
        np.array([index.setdefault(text, len(index)) if text else -1 for text in column], dtype=np.int32)
        for column in columns
    ]
    return list(index), positions


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _without_repeats(
    units: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drop vertices equal to the one before them in their run; give the rest and the new starts."""
    starts = _starts(sizes)
    keep = np.ones(len(units), dtype=bool)
    keep[1:] = (units[1:] != units[:-1]).any(axis=1)
    keep[starts[:-1][sizes > 0]] = True
    run = np.repeat(np.arange(len(sizes)), sizes)
    return units[keep], _starts(np.bincount(run[keep], minlength=len(sizes)))


def _deltas(units: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int32]:
    out = units.copy()
    out[1:] -= units[:-1]
    first = starts[:-1][np.diff(starts) > 0]
    out[first] = units[first]
    return out.astype(np.int32).ravel()
