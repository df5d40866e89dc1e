"""Points in files that have columns with types: GeoParquet, Parquet with x and y, GeoPackage, FlatGeobuf."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import DatasetError
from gis_core.locate.points import Chunk, Kind, column_of, hint_of, numbers_of, position_names

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LayerPoints", "ParquetPoints"]


#: Read from a Parquet file at once: by itself the reader would hold all that it has read until the end.
_READ_BYTES = 1 << 20


class _TablePoints:
    """What tables with types have in common."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.kinds: dict[str, Kind] = {}
        self.geometry: str | None = None
        self.stated_crs: str | None = None
        self.hinted_crs: str | None = None
        self.notes: list[str] = []
        self.total = 0
        self._read = 0
        self._radius: str | None = None
        self._xy: tuple[str, str] | None = None

    def done(self) -> float:
        """Tell which part of the rows was read."""
        return self._read / self.total if self.total else 0.0

    def _chunk(self, table: pa.Table) -> Chunk:
        self._read += table.num_rows
        x, y = self._position(table)
        radius = None if self._radius is None else _numbers(table.column(self._radius))

        def columns() -> list[Sequence[Any]]:
            return [table.column(name).to_pylist() for name in self.names]

        return Chunk(columns, x, y, radius, table=table)

    def _position(self, table: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self._xy is not None:
            x, y = (_numbers(table.column(name)) for name in self._xy)
            return x, y
        import shapely

        shapes = shapely.from_wkb(
            table.column(self.geometry).to_numpy(zero_copy_only=False), on_invalid="ignore"
        )
        single = (shapely.get_type_id(shapes) == 4) & (shapely.get_num_geometries(shapes) == 1)
        shapes[single] = shapely.get_geometry(shapes[single], 0)
        at = np.where(shapely.get_type_id(shapes) == 0, shapes, None)
        return shapely.get_x(at), shapely.get_y(at)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return a column as numbers; NaN where there is none."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = column.cast(pa.float64(), safe=False).to_numpy()
        return np.where(np.isfinite(values), values, np.nan)
    return numbers_of(column.to_pylist())


class ParquetPoints(_TablePoints):
    """A GeoParquet file of points, or a Parquet file with columns of a position."""

    def __init__(
        self, path: Path, x_col: str | None, y_col: str | None, radius_col: str | None, geographic: bool,
        chunk_rows: int,
    ) -> None:  # fmt: skip
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(path)
        self._chunk_rows = chunk_rows
        try:
            with pq.ParquetFile(path) as file:
                self.total = file.metadata.num_rows
                names = list(file.schema_arrow.names)
                text = (file.schema_arrow.metadata or {}).get(b"geo")
            geo = None if text is None else json.loads(text)
            about = None if geo is None else geo["columns"][str(geo["primary_column"])]
        except (pa.ArrowInvalid, OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path.name} is not a Parquet file that can be read: {error}.") from None
        if about is None or x_col is not None:
            x, y = position_names(names, x_col, y_col, geographic=geographic, file=path.name)
            self._xy, self.hinted_crs = (names[x], names[y]), hint_of(names[x])
        elif about.get("encoding") != "WKB":
            raise DatasetError(f"{path.name} holds its geometry as {about.get('encoding')}; write it as WKB.")
        if about is not None and geo is not None:
            self.geometry = str(geo["primary_column"])
        if about is not None and self._xy is None:
            self.stated_crs = _parquet_crs(about)
        self.names = [name for name in names if name != self.geometry]
        if radius_col is not None:
            self._radius = self.names[column_of(self.names, radius_col, "--radius-col")]

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Give the rows in order, unchanged; what is no point has no position."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._read = 0
        with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=_READ_BYTES) as file:
            if not self.total:
                yield self._chunk(file.read())
            for number, batch in enumerate(file.iter_batches(batch_size=self._chunk_rows)):
                if number >= skip:
                    yield self._chunk(pa.Table.from_batches([batch]))
                else:
                    self._read += batch.num_rows


class LayerPoints(_TablePoints):
    """A layer of points in a GeoPackage or FlatGeobuf file, read by the child that reads strangers' files."""

    def __init__(
        self, path: Path, kind: str, layer: str | None, radius_col: str | None, chunk_rows: int
    ) -> None:
        from gis_core.layers.stream import open_layer

        super().__init__(path)
        self._kind, self._layer, self._chunk_rows = kind, layer, chunk_rows
        with open_layer(path, kind, layer=layer, batch_rows=chunk_rows) as stream:
            self.geometry = stream.geometry
            self.names = [name for name in stream.schema.names if name != stream.geometry]
            self.total = max(stream.rows, 0)
            self.stated_crs = _layer_crs(stream.crs)
        if radius_col is not None:
            self._radius = self.names[column_of(self.names, radius_col, "--radius-col")]

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Give the rows in order, unchanged; what is no point has no position."""
        import pyarrow as pa

        from gis_core.layers.stream import open_layer

        self._read = 0
        with open_layer(self.path, self._kind, layer=self._layer, batch_rows=self._chunk_rows) as stream:
            number = -1
            for number, batch in enumerate(stream.batches()):
                if number >= skip:
                    yield self._chunk(pa.Table.from_batches([batch]))
                else:
                    self._read += batch.num_rows
            if number < 0:
                yield self._chunk(stream.schema.empty_table())
        if self._kind == "fgb" and self._read < self.total:
            raise DatasetError(
                f"{self.path.name} is cut off: it says that it has {self.total} rows, but holds {self._read}; "
                "export it again."
            )


def _parquet_crs(about: dict[str, Any]) -> str | None:
    """Return `EPSG:n` of the geometry column; None for the default, WGS 84, or where none is named."""
    return None if about.get("crs") is None else _layer_crs(about["crs"])


def _layer_crs(stated: Any) -> str | None:
    """Return `EPSG:n` or `cgcs2000`; None for WGS 84, or where none is named."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    from gis_core.crs import is_wgs84_like

    if not stated:
        return None
    try:
        crs = CRS.from_user_input(stated)
    except CRSError:
        return None
    code = crs.to_epsg()
    if is_wgs84_like(crs):
        return "cgcs2000" if code == 4490 else None
    return None if code is None else f"EPSG:{code}"
