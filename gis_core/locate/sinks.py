"""Writers of located tables: CSV, GeoJSON, GeoParquet, each adding the answers to the columns that were there."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from gis_core.crs import parse_crs
from gis_core.locate.locator import STATUS_NAMES, Located
from gis_core.locate.points import Chunk, Kind, PointSource

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SINKS", "Answers", "ParquetSink", "Sink", "parquet_writer", "point_wkb"]

#: GeoJSON and CSV give metres to the millimetre.
_METRE_DECIMALS = 3
#: Columns that are added whether or not a radius is given.
_ALWAYS_ADDED = 4


@dataclass
class Answers:
    """What was found for one chunk.

    Attributes
    ----------
    codes : tuple of str
        Of the areas.
    found : Located
    positions : callable
        Gives longitude and latitude of the rows in WGS 84.
    """

    codes: tuple[str, ...]
    found: Located
    positions: Callable[[], tuple[NDArray[np.float64], NDArray[np.float64]]]

    @cached_property
    def nearest_ix(self) -> NDArray[np.int32]:
        """Area of the nearest border where a row is outside, else -1."""
        return np.where(self.found.code_ix < 0, self.found.nearest_ix, -1).astype(np.int32)

    @cached_property
    def short_m(self) -> list[float | None]:
        """Metres to the border in millimetres; None without a position."""
        rounded = np.round(self.found.border_m, _METRE_DECIMALS)
        return [None if math.isnan(metres) else metres for metres in rounded.tolist()]

    @cached_property
    def candidates(self) -> list[list[dict[str, Any]]] | None:
        """Areas that the circle of each row touches; None where no radius was given."""
        if self.found.candidate_start is None:
            return None
        return [
            [{"code": self.codes[i], "share": round(share, 4)} for i, share in self.found.candidates(row)]
            for row in range(len(self.found.status))
        ]

    def values(self) -> list[list[Any]]:
        """Return grid_code, status, border_m in millimetres and nearest_code of each row."""
        codes = [*self.codes, None]
        return [
            [codes[i] for i in self.found.code_ix.tolist()],
            [STATUS_NAMES[i] for i in self.found.status.tolist()],
            self.short_m,
            [codes[i] for i in self.nearest_ix.tolist()],
        ]


class Sink(Protocol):
    """Writes the rows of the source with the added columns."""

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        ...

    def flush(self) -> None:
        """See to it that what was written is on the disk."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class CsvSink:
    """UTF-8 with a byte-order mark; a geometry of the input becomes WKT."""

    def __init__(
        self, path: Path, points: PointSource, added: list[str], crs: str, *, append: bool = False
    ) -> None:
        mode, encoding = ("a", "utf-8") if append else ("w", "utf-8-sig")
        self._file = path.open(mode, encoding=encoding, newline="", errors="backslashreplace")
        self._writer = csv.writer(self._file)
        self._header = [*points.names, *added]
        self._started = append
        self._quoted: list[str] = []

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        has_geometry = chunk.features is not None or chunk.table is not None
        self._start(has_geometry)
        if chunk.lines is not None and answers.candidates is None:
            self._write_lines(chunk.lines, answers)
            return
        columns = list(chunk.columns)
        if has_geometry:
            columns = [[_text(value) for value in column] for column in columns]
        added = [
            *answers.values(),
            *([] if answers.candidates is None else [[_text(each) for each in answers.candidates]]),
        ]
        wkt = [_wkt(chunk.x, chunk.y)] if has_geometry else []
        self._writer.writerows(zip(*columns, *added, *wkt, strict=True))

    def _write_lines(self, lines: list[str], answers: Answers) -> None:
        """Add the answers to rows that are lines already; gives what the writer of CSV would give."""
        if not self._quoted:
            self._quoted = [_as_field(code) for code in answers.codes] + [""]
        quoted, n_status = self._quoted, len(STATUS_NAMES)
        # What stands before the metres takes few values: each is made once.
        before = [f",{code},{status}," for code in quoted for status in STATUS_NAMES]
        after = [f",{code}\r\n" for code in quoted]
        ix = answers.found.code_ix.astype(np.int64)
        front = np.where(ix < 0, len(quoted) - 1, ix) * n_status + answers.found.status
        metres = orjson.dumps(
            np.round(answers.found.border_m, _METRE_DECIMALS), option=orjson.OPT_SERIALIZE_NUMPY
        )
        texts = metres[1:-1].decode().replace("null", "").split(",")
        self._file.write(
            "".join(
                [
                    f"{line}{before[k]}{text}{after[j]}"
                    for line, k, text, j in zip(
                        lines, front.tolist(), texts, answers.nearest_ix.tolist(), strict=True
                    )
                ]
            )
        )

    def _start(self, has_geometry: bool) -> None:
        if not self._started:
            self._writer.writerow([*self._header, *(["geometry"] if has_geometry else [])])
            self._started = True

    def flush(self) -> None:
        """See to it that what was written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Finish the file; a table without rows has its header."""
        self._start(False)
        self._file.close()


def _as_field(text: str) -> str:
    """Write a text as a field of CSV, quoted where it must be."""
    out = io.StringIO()
    csv.writer(out).writerow([text, ""])
    return out.getvalue().removesuffix(",\r\n")


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value


def _wkt(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[str]:
    return [
        "" if math.isnan(a) or math.isnan(b) else f"POINT ({a!r} {b!r})"
        for a, b in zip(x.tolist(), y.tolist(), strict=True)
    ]


class GeoJsonSink:
    """RFC 7946, one feature a line; features of a GeoJSON input keep their geometry in WGS 84."""

    def __init__(
        self, path: Path, points: PointSource, added: list[str], crs: str, *, append: bool = False
    ) -> None:
        self._file = path.open("ab" if append else "wb")
        self._names, self._added, self._crs = points.names, added, crs
        self._first = not append
        if not append:
            self._file.write(b'{"type":"FeatureCollection","features":[')

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        added = [*answers.values(), *([] if answers.candidates is None else [answers.candidates])]
        keep = chunk.features is not None and self._crs in ("wgs84", "cgcs2000")
        longitude, latitude = ([], []) if keep else (each.tolist() for each in answers.positions())
        columns = [] if chunk.features is not None else chunk.columns
        rows = zip(*columns, strict=True) if columns else iter([()] * len(chunk))
        texts = []
        for i, (values, more) in enumerate(zip(rows, zip(*added, strict=True), strict=False)):
            feature: dict[str, Any] = {"type": "Feature"}
            if chunk.features is not None:
                feature = dict(chunk.features[i])
                own = dict(feature.get("properties") or {})
            else:
                own = _pairs(self._names, values)
            feature["properties"] = {**own, **dict(zip(self._added, more, strict=True))}
            if not keep:
                feature["geometry"] = _point(longitude[i], latitude[i])
            texts.append(_feature_text(feature))
        if texts:
            self._file.write((b"\n" if self._first else b",\n") + b",\n".join(texts))
            self._first = False

    def flush(self) -> None:
        """See to it that what was written is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Finish the file."""
        self._file.write(b"\n]}\n")
        self._file.close()


def _feature_text(feature: dict[str, Any]) -> bytes:
    """Write a feature; what orjson cannot is written by the slower writer, which keeps numbers of any length."""
    try:
        return orjson.dumps(feature, default=str)
    except (TypeError, orjson.JSONEncodeError):
        text = json.dumps(feature, ensure_ascii=False, default=str, separators=(",", ":"))
        return text.encode("utf-8", errors="backslashreplace")


def _pairs(names: list[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the properties; NaN is null, and of columns with one name each keeps its own."""
    pairs: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        free, n = name, 1
        while free in pairs:
            n += 1
            free = f"{name}_{n}"
        pairs[free] = None if isinstance(value, float) and not np.isfinite(value) else value
    return pairs


def _point(longitude: float, latitude: float) -> dict[str, Any] | None:
    if math.isnan(longitude) or math.isnan(latitude):
        return None
    return {"type": "Point", "coordinates": [round(longitude, 9), round(latitude, 9)]}


class ParquetSink:
    """GeoParquet; the rows of a GeoParquet input keep their types and geometry, others get points in WGS 84."""

    def __init__(
        self, path: Path, points: PointSource, added: list[str], crs: str, *, append: bool = False
    ) -> None:
        self._path, self._points, self._added = path, points, added
        self._writer: Any = None
        self._codes: Any = None

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        import pyarrow as pa

        if self._codes is None:
            self._codes = pa.array(answers.codes, pa.string())
        found = answers.found
        table = self._with_geometry(chunk, answers)
        added: list[tuple[Any, Any]] = [
            (pa.string(), self._coded(found.code_ix)),
            (pa.string(), pa.array(STATUS_NAMES, pa.string()).take(pa.array(found.status))),
            (pa.float64(), pa.array(found.border_m, from_pandas=True)),
            (pa.string(), self._coded(answers.nearest_ix)),
        ]
        if answers.candidates is not None:
            added.append((pa.string(), pa.array([_text(each) for each in answers.candidates], pa.string())))
        for name, (kind, values) in zip(self._added, added, strict=True):
            table = table.append_column(pa.field(name, kind), values)
        self._open(table.schema).write_table(table)

    def _coded(self, ix: NDArray[np.int32]) -> Any:
        import pyarrow as pa

        return self._codes.take(pa.array(ix, mask=ix < 0))

    def _open(self, schema: Any) -> Any:
        if self._writer is None:
            self._writer = parquet_writer(self._path, schema)
        return self._writer

    def _with_geometry(self, chunk: Chunk, answers: Answers) -> pa.Table:
        """Return the rows as a table with a geometry: the own one of the input, else points in WGS 84."""
        table, own = chunk.table, self._points.geometry
        if table is not None and own is not None:
            known = b"geo" in (table.schema.metadata or {})
            return table if known else table.replace_schema_metadata(_geo(own, self._points.stated_crs))
        return self._as_table(chunk, answers)

    def _as_table(self, chunk: Chunk, answers: Answers) -> pa.Table:
        import pyarrow as pa

        if chunk.table is not None:
            arrays, fields = list(chunk.table.columns), list(chunk.table.schema)
        else:
            kinds = self._points.kinds
            arrays = [
                _arrow(column, kinds.get(name, "text"))
                for name, column in zip(self._points.names, chunk.columns, strict=True)
            ]
            fields = [
                pa.field(name, each.type) for name, each in zip(self._points.names, arrays, strict=True)
            ]
        name, n = "geometry", 1
        while name in self._points.names:
            n += 1
            name = f"geometry_{n}"
        schema = pa.schema([*fields, pa.field(name, pa.binary())], metadata=_geo(name, None))
        return pa.table([*arrays, point_wkb(*answers.positions())], schema=schema)

    def flush(self) -> None:
        """Do nothing: the file is of use once it is closed."""

    def close(self) -> None:
        """Finish the file; a table without rows has its columns."""
        if self._writer is None:
            empty = np.empty(0)
            found = Located(empty.astype(np.uint8), empty.astype(np.int32), empty, empty.astype(np.int32))
            if len(self._added) > _ALWAYS_ADDED:
                found = replace(found, candidate_start=np.zeros(1, np.int64))
            chunk = Chunk([[] for _ in self._points.names], empty, empty)
            self.write(chunk, Answers((), found, lambda: (empty, empty)))
        self._writer.close()


def parquet_writer(path: Path, schema: pa.Schema) -> Any:
    """Open a Parquet file; no dictionary is tried where hardly a value comes twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    often = [
        field.name
        for field in schema
        if not (
            pa.types.is_floating(field.type)
            or pa.types.is_binary(field.type)
            or pa.types.is_nested(field.type)
        )
    ]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=often)


def point_wkb(x: NDArray[np.float64], y: NDArray[np.float64]) -> pa.Array:
    """Write points as WKB, byte for byte as shapely does; null where a number is missing."""
    import pyarrow as pa

    known = np.isfinite(x) & np.isfinite(y)
    points = np.empty(int(known.sum()), [("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    points["order"], points["kind"], points["x"], points["y"] = 1, 1, x[known], y[known]
    ends = np.concatenate(([0], np.cumsum(known))) * points.itemsize
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(
        pa.binary(), len(known), [valid, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(points)]
    )


def _geo(column: str, crs: str | None) -> dict[str, str]:
    """Return the metadata that make a table GeoParquet."""
    about: dict[str, Any] = {"encoding": "WKB", "geometry_types": []}
    system = None if crs is None else parse_crs(crs).crs
    if system is not None:
        about["crs"] = json.loads(system.to_json())
    return {"geo": json.dumps({"version": "1.1.0", "primary_column": column, "columns": {column: about}})}


def _arrow(values: Sequence[Any], kind: Kind) -> Any:
    """Return a column of one type; mixed and nested values become text."""
    import pyarrow as pa

    if kind != "text":
        types = {"integer": pa.int64(), "number": pa.float64(), "bool": pa.bool_()}
        return pa.array(values, types[kind])
    return pa.array(
        [
            v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False, default=str)
            for v in values
        ],
        pa.string(),
    )


SINKS: dict[str, Callable[..., Sink]] = {
    "csv": CsvSink, "geojson": GeoJsonSink, "parquet": ParquetSink,
}  # fmt: skip
