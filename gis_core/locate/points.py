"""Tables of points as people bring them: CSV in any usual encoding, GeoJSON, GeoParquet, read chunk by chunk.

Columns are handed on unchanged and in order. CSV and GeoParquet are never held whole in memory.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import DatasetError, NotFoundError, ParameterError, some_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Chunk", "PointSource", "open_points"]

#: Names of the columns of a position, in the order in which they are looked for (whatever the case).
DEGREE_NAMES: tuple[tuple[str, str], ...] = (
    ("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("经度", "纬度"),
    ("point_lon", "point_lat"), ("wgs84_lng", "wgs84_lat"), ("wgs_lng", "wgs_lat"), ("gcj_lng", "gcj_lat"),
    ("bd_lng", "bd_lat"), ("x", "y"), ("point_x", "point_y"), ("x坐标", "y坐标"),
)  # fmt: skip
METRE_NAMES: tuple[tuple[str, str], ...] = (
    ("x", "y"), ("easting", "northing"), ("east", "north"), ("point_x", "point_y"), ("x坐标", "y坐标"),
)  # fmt: skip

_CHUNK_ROWS = 100_000
_READ_BYTES = 1 << 20


@dataclass
class Chunk:
    """Some rows of a table: their values by column, and the positions in them.

    Attributes
    ----------
    columns : list of sequences
        Values of each column of `PointSource.names`.
    x, y, radius : float64, shape (n,)
        NaN where they cannot be read; `radius` None where it was not asked for.
    features : list of dict, optional
        The GeoJSON features themselves.
    table : pyarrow.Table, optional
        The rows of the GeoParquet file themselves.
    """

    columns: list[Sequence[Any]]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    radius: NDArray[np.float64] | None = None
    features: list[dict[str, Any]] | None = None
    table: pa.Table | None = None


class PointSource(Protocol):
    """A table of points that can be read once, chunk by chunk."""

    names: list[str]
    #: What the file itself says of its coordinates, as in `parse_crs`; None where it says nothing.
    stated_crs: str | None
    #: What the names of its columns suggest; never acted on, only said.
    hinted_crs: str | None
    #: Sentences about how the file was read, for the user.
    notes: list[str]

    def chunks(self) -> Iterator[Chunk]:
        """Give the rows in order."""
        ...


def open_points(
    path: Path, *, x_col: str | None, y_col: str | None, radius_col: str | None, geographic: bool
) -> PointSource:
    """Open a table of points by the ending of its name.

    Parameters
    ----------
    path : Path
        `.csv`, `.tsv`, `.txt` (also with `.gz`), `.geojson`, `.json`, `.parquet`, `.geoparquet`.
    x_col, y_col : str, optional
        Columns of the position in a CSV; found by their names where not given.
    radius_col : str, optional
        Column of the accuracy in metres.
    geographic : bool
        Whether positions are degrees, which decides the names looked for.

    Returns
    -------
    PointSource

    Raises
    ------
    NotFoundError
        Where there is no such file.
    DatasetError
        Where it cannot be read.
    ParameterError
        Where a column is not there, or the columns of the position cannot be told.
    """
    if path.is_dir():
        raise ParameterError(f"{path} is a folder; give the file of the points in it.")
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.")
    if (x_col is None) != (y_col is None):
        raise ParameterError("--x and --y go together; name both columns of the position.")
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        return CsvPoints(path, x_col, y_col, radius_col, geographic)
    if x_col is not None:
        raise ParameterError(f"--x and --y are for CSV; {path.name} has its positions in its geometry.")
    if name.endswith((".geojson", ".json")):
        return GeoJsonPoints(path, radius_col)
    if name.endswith((".parquet", ".geoparquet")):
        return ParquetPoints(path, radius_col)
    raise ParameterError(f"{path.name} is no table of points known here; bring CSV, GeoJSON or GeoParquet.")


def _numbers(values: Sequence[Any]) -> NDArray[np.float64]:
    """Read numbers from text or values; NaN where there is none."""
    import pandas as pd

    read = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    return np.where(np.isfinite(read), read, np.nan)


def _column(names: list[str], wanted: str, option: str) -> int:
    """Return the position of a column; an exact name before one in another case."""
    for candidates in (names, [name.strip().lower() for name in names]):
        key = wanted if candidates is names else wanted.strip().lower()
        if key in candidates:
            return candidates.index(key)
    raise ParameterError(f"There is no column {wanted!r} for {option}; the columns are {some_of(names, 20)}.")


def _hint(name: str) -> str | None:
    """Return the system that a column's name suggests.

    Examples
    --------
    >>> _hint("GCJ_lng"), _hint("bd09_x"), _hint("lng")
    ('gcj02', 'bd09', None)
    """
    key = name.strip().lower()
    return "gcj02" if key.startswith("gcj") else "bd09" if key.startswith(("bd_", "bd09")) else None


class CsvPoints:
    """A delimited text file; encoding and delimiter are found by looking."""

    def __init__(
        self, path: Path, x_col: str | None, y_col: str | None, radius_col: str | None, geographic: bool
    ) -> None:
        self.path = path
        self.stated_crs: str | None = None
        self.notes: list[str] = []
        self._encoding = self._find_encoding()
        self._delimiter = self._find_delimiter()
        with self._open() as text:
            header = next(self._rows(text), (0, []))[1]
        if not header:
            raise DatasetError(f"{path.name} is empty; its first line must name the columns.")
        self.names = header
        self._x, self._y = self._find_position(x_col, y_col, geographic)
        self.hinted_crs = _hint(header[self._x])
        self._radius = None if radius_col is None else _column(header, radius_col, "--radius-col")

    def _binary(self) -> gzip.GzipFile | io.BufferedReader:
        if self.path.name.lower().endswith(".gz"):
            return gzip.GzipFile(self.path, "rb")
        return self.path.open("rb")

    def _open(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._binary(), encoding=self._encoding, newline="")

    def _find_encoding(self) -> str:
        """Return UTF-8 (with or without a mark), UTF-16 with a mark, or GB18030, whichever the whole file is."""
        try:
            with self._binary() as file:
                head = file.read(4)
        except (OSError, EOFError) as error:
            raise DatasetError(f"{self.path.name} cannot be read: {error}.") from None
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        for encoding in ("utf-8-sig", "gb18030"):
            if self._decodes(encoding):
                if encoding == "gb18030":
                    self.notes.append(f"{self.path.name} is not UTF-8; it was read as GB18030 (GBK).")
                return encoding
        raise DatasetError(f"{self.path.name} is neither UTF-8 nor GB18030 (GBK); save it as UTF-8.")

    def _decodes(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with self._binary() as file:
                while data := file.read(_READ_BYTES):
                    decoder.decode(data)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        except (OSError, EOFError) as error:
            raise DatasetError(f"{self.path.name} cannot be read: {error}.") from None
        return True

    def _find_delimiter(self) -> str:
        """Return the delimiter that cuts the first lines into the most columns, all alike."""
        with self._open() as text:
            lines = [line for line in (text.readline(1 << 16) for _ in range(20)) if line.strip()]
        best, most = ",", 1
        for delimiter in (",", "\t", ";", "|"):
            try:
                widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
            except csv.Error:
                continue
            if widths and min(widths[0], *widths) > most:
                best, most = delimiter, min(widths)
        return best

    def _rows(self, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
        """Give line number and fields of each row that is not blank."""
        reader = csv.reader(text, delimiter=self._delimiter)
        try:
            for row in reader:
                if row and (len(row) > 1 or row[0].strip()):
                    yield reader.line_num, row
        except csv.Error as error:
            raise DatasetError(
                f"Line {reader.line_num} of {self.path.name} cannot be read: {error}."
            ) from None

    def _find_position(self, x_col: str | None, y_col: str | None, geographic: bool) -> tuple[int, int]:
        if x_col is not None and y_col is not None:
            return _column(self.names, x_col, "--x"), _column(self.names, y_col, "--y")
        lower = [name.strip().lower() for name in self.names]
        for x, y in DEGREE_NAMES if geographic else METRE_NAMES:
            if x in lower and y in lower:
                return lower.index(x), lower.index(y)
        raise ParameterError(
            f"No columns of a position are recognised in {self.path.name}; name them with --x and --y. "
            f"The columns are {some_of(self.names, 20)}."
        )

    def chunks(self) -> Iterator[Chunk]:
        """Give the rows in order; a row shorter than the header is filled with empty fields."""
        width = len(self.names)
        short = 0
        with self._open() as text:
            rows: list[list[str]] = []
            numbered = self._rows(text)
            next(numbered, None)
            for line, row in numbered:
                if len(row) > width:
                    raise DatasetError(
                        f"Line {line} of {self.path.name} has {len(row)} fields, the header {width}; "
                        "put the field with the delimiter in quotes."
                    )
                if len(row) < width:
                    short += 1
                    row += [""] * (width - len(row))
                rows.append(row)
                if len(rows) == _CHUNK_ROWS:
                    yield self._chunk(rows)
                    rows = []
            if rows:
                yield self._chunk(rows)
        if short:
            self.notes.append(
                f"{short} rows of {self.path.name} had too few fields; the missing ones are empty."
            )

    def _chunk(self, rows: list[list[str]]) -> Chunk:
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        radius = None if self._radius is None else _numbers(columns[self._radius])
        return Chunk(columns, _numbers(columns[self._x]), _numbers(columns[self._y]), radius)


class GeoJsonPoints:
    """A GeoJSON FeatureCollection of points, held in memory; features are handed on as they are."""

    def __init__(self, path: Path, radius_col: str | None) -> None:
        self.path = path
        self.hinted_crs: str | None = None
        self.notes: list[str] = []
        try:
            data = json.loads(path.read_bytes())
        except (ValueError, UnicodeDecodeError, RecursionError) as error:
            raise DatasetError(f"{path.name} is not GeoJSON: {error}.") from None
        features = data.get("features") if isinstance(data, dict) else None
        if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
            raise DatasetError(f"{path.name} is not a GeoJSON FeatureCollection.")
        self._features: list[dict[str, Any]] = features
        self.stated_crs = _geojson_crs(data)
        names: dict[str, None] = {}
        for feature in features:
            names.update(dict.fromkeys(feature.get("properties") or {}))
        self.names = list(names)
        if radius_col is not None:
            radius_col = self.names[_column(self.names, radius_col, "--radius-col")]
        self._radius = radius_col

    def chunks(self) -> Iterator[Chunk]:
        """Give all features at once; what is no point has no position."""
        if not self._features:
            return
        properties = [feature.get("properties") or {} for feature in self._features]
        columns: list[Sequence[Any]] = [[each.get(name) for each in properties] for name in self.names]
        places = [_point_of(feature.get("geometry")) for feature in self._features]
        radius = None if self._radius is None else _numbers([each.get(self._radius) for each in properties])
        yield Chunk(
            columns, _numbers([x for x, _ in places]), _numbers([y for _, y in places]), radius,
            features=self._features,
        )  # fmt: skip


def _point_of(geometry: Any) -> tuple[Any, Any]:
    """Return x, y of a point or of a multipoint of one; None where there is none."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    at = geometry.get("coordinates") if kind in ("Point", "MultiPoint") else None
    if kind == "MultiPoint" and isinstance(at, list) and len(at) == 1:
        at = at[0]
    if isinstance(at, list) and len(at) >= 2 and all(isinstance(each, int | float) for each in at[:2]):
        return at[0], at[1]
    return None, None


def _geojson_crs(data: dict[str, Any]) -> str | None:
    """Return the system of an old-style `crs` member; None where there is none or it says WGS 84."""
    try:
        name = str(data["crs"]["properties"]["name"])
    except (KeyError, TypeError):
        return None
    code = name.replace("::", ":").rsplit(":", 1)[-1]
    return None if code in ("CRS84", "4326") else f"EPSG:{code}" if code.isdigit() else None


class ParquetPoints:
    """A GeoParquet file of points, or a plain Parquet table is refused with a sentence."""

    def __init__(self, path: Path, radius_col: str | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self.hinted_crs: str | None = None
        self.notes: list[str] = []
        try:
            self._file = pq.ParquetFile(path)
            geo = json.loads((self._file.schema_arrow.metadata or {})[b"geo"])
            self._geometry = str(geo["primary_column"])
            about = geo["columns"][self._geometry]
        except KeyError:
            raise DatasetError(
                f"{path.name} is Parquet without geometry; write it as GeoParquet or CSV."
            ) from None
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise DatasetError(f"{path.name} is not a GeoParquet file: {error}.") from None
        if about.get("encoding") != "WKB":
            raise DatasetError(f"{path.name} holds its geometry as {about.get('encoding')}; write it as WKB.")
        self.stated_crs = _parquet_crs(about)
        self.names = [name for name in self._file.schema_arrow.names if name != self._geometry]
        if radius_col is not None:
            radius_col = self.names[_column(self.names, radius_col, "--radius-col")]
        self._radius = radius_col

    def chunks(self) -> Iterator[Chunk]:
        """Give the rows in order, unchanged; what is no point has no position."""
        import pyarrow as pa

        if not self._file.metadata.num_rows:
            yield self._chunk(self._file.read())
        for batch in self._file.iter_batches(batch_size=_CHUNK_ROWS):
            yield self._chunk(pa.Table.from_batches([batch]))

    def _chunk(self, table: pa.Table) -> Chunk:
        import shapely

        wkb = table.column(self._geometry).to_numpy(zero_copy_only=False)
        shapes = shapely.from_wkb(wkb, on_invalid="ignore")
        at = np.where(shapely.get_type_id(shapes) == 0, shapes, None)
        radius = None if self._radius is None else _numbers(table.column(self._radius).to_pylist())
        columns: list[Sequence[Any]] = [table.column(name).to_pylist() for name in self.names]
        return Chunk(columns, shapely.get_x(at), shapely.get_y(at), radius, table=table)


def _parquet_crs(about: dict[str, Any]) -> str | None:
    """Return `EPSG:n` of the geometry column; None for the default, WGS 84, or where none is named."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    from gis_core.crs import is_wgs84_like

    if about.get("crs") is None:
        return None
    try:
        crs = CRS.from_user_input(about["crs"])
    except CRSError:
        return None
    code = crs.to_epsg()
    if is_wgs84_like(crs):
        return "cgcs2000" if code == 4490 else None
    return None if code is None else f"EPSG:{code}"
