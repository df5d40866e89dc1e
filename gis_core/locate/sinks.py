"""Writers of located tables: CSV, GeoJSON, GeoParquet, each adding the answers to the columns that were there."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gis_core.locate.points import Chunk, PointSource

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SINKS", "Answers", "Sink"]

#: GeoJSON and CSV give metres to the millimetre.
_METRE_DECIMALS = 3


@dataclass
class Answers:
    """Values of the added columns for one chunk, and its positions in WGS 84."""

    values: list[list[Any]]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]


class Sink(Protocol):
    """Writes the rows of the source with the added columns."""

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        ...

    def flush(self) -> None:
        """See to it that what was written is in the file."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def _short(values: Sequence[Any]) -> list[Any]:
    return [None if value is None else round(value, _METRE_DECIMALS) for value in values]


class CsvSink:
    """UTF-8 with a byte-order mark; a geometry of the input becomes WKT."""

    def __init__(
        self, path: Path, points: PointSource, added: list[str], crs: str, *, append: bool = False
    ) -> None:
        mode, encoding = ("a", "utf-8") if append else ("w", "utf-8-sig")
        self._file = path.open(mode, encoding=encoding, newline="")
        self._writer = csv.writer(self._file)
        self._header = [*points.names, *added]
        self._started = append

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        columns = list(chunk.columns)
        has_geometry = chunk.features is not None or chunk.table is not None
        self._start(has_geometry)
        if has_geometry:
            columns = [[_text(value) for value in column] for column in columns]
        added = [*answers.values]
        added[2] = _short(added[2])
        wkt = [_wkt(chunk.x, chunk.y)] if has_geometry else []
        self._writer.writerows(zip(*columns, *added, *wkt, strict=True))

    def _start(self, has_geometry: bool) -> None:
        if not self._started:
            self._writer.writerow([*self._header, *(["geometry"] if has_geometry else [])])
            self._started = True

    def flush(self) -> None:
        """See to it that what was written is in the file."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file; a table without rows has its header."""
        self._start(False)
        self._file.close()


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
        self._file = path.open("a" if append else "w", encoding="utf-8", newline="\n")
        self._names, self._added, self._crs = points.names, added, crs
        self._first = not append
        if not append:
            self._file.write('{"type": "FeatureCollection", "features": [')

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        added = [*answers.values]
        added[2] = _short(added[2])
        if len(added) > 4:
            added[4] = [json.loads(text) for text in added[4]]
        rows = zip(zip(*chunk.columns, strict=True) if chunk.columns else [()] * len(chunk.x), zip(*added, strict=True),
                   strict=True)  # fmt: skip
        keep = chunk.features is not None and self._crs in ("wgs84", "cgcs2000")
        for i, (values, more) in enumerate(rows):
            feature: dict[str, Any] = {"type": "Feature"}
            own = _pairs(self._names, values)
            if chunk.features is not None:
                feature = dict(chunk.features[i])
                own = dict(feature.get("properties") or {})
            feature["properties"] = {**own, **dict(zip(self._added, more, strict=True))}
            if not keep:
                feature["geometry"] = _point(float(answers.longitude[i]), float(answers.latitude[i]))
            self._file.write(
                ("\n" if self._first else ",\n") + json.dumps(feature, ensure_ascii=False, default=str)
            )
            self._first = False

    def flush(self) -> None:
        """See to it that what was written is in the file."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        self._file.write("\n]}\n")
        self._file.close()


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

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        import pyarrow as pa

        table = chunk.table if chunk.table is not None else self._as_table(chunk, answers)
        kinds = [pa.string(), pa.string(), pa.float64(), pa.string(), pa.string()]
        for name, kind, values in zip(self._added, kinds, answers.values, strict=False):
            table = table.append_column(pa.field(name, kind), pa.array(values, kind))
        self._open(table.schema).write_table(table)

    def _open(self, schema: Any) -> Any:
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        return self._writer

    def _as_table(self, chunk: Chunk, answers: Answers) -> pa.Table:
        import pyarrow as pa
        import shapely

        known = np.isfinite(answers.longitude) & np.isfinite(answers.latitude)
        wkb = np.full(len(known), None, dtype=object)
        wkb[known] = shapely.to_wkb(shapely.points(answers.longitude[known], answers.latitude[known]))
        table = pa.table(
            [*(_arrow(column) for column in chunk.columns), pa.array(wkb.tolist(), pa.binary())],
            names=[*self._points.names, "geometry"],
        )
        about = {"encoding": "WKB", "geometry_types": ["Point"]}
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": about}}
        return table.replace_schema_metadata({"geo": json.dumps(geo)})

    def flush(self) -> None:
        """Row groups are in the file as they are written; the file is of use once it is closed."""

    def close(self) -> None:
        """Finish the file; a table without rows has its columns."""
        if self._writer is None:
            empty = np.empty(0)
            chunk = Chunk([[] for _ in self._points.names], empty, empty)
            self.write(chunk, Answers([[] for _ in self._added], empty, empty))
        self._writer.close()


def _arrow(values: Sequence[Any]) -> Any:
    """Return a column of one type; mixed and nested values become text."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {str}:
        return pa.array(values, pa.string())
    if kinds <= {int, float} or kinds == {bool}:
        return pa.array(values)
    return pa.array(
        [
            None if v is None else v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
            for v in values
        ]
    )


SINKS: dict[str, Callable[..., Sink]] = {
    "csv": CsvSink, "geojson": GeoJsonSink, "parquet": ParquetSink,
}  # fmt: skip
