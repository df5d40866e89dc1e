"""Tables of points as people bring them, read chunk by chunk; columns are handed on unchanged and in order.

CSV, GeoJSON (also one feature a line), GeoParquet and Parquet, GeoPackage, FlatGeobuf: none is held whole in memory.
"""

from __future__ import annotations

from pathlib import Path

from gis_core.errors import NotFoundError, ParameterError
from gis_core.locate.points import CHUNK_ROWS, PointSource

__all__ = ["open_points"]

#: What the endings of names say; `.gz` may follow those of texts.
_CSV = (".csv", ".tsv", ".txt")
_JSON = (".geojson", ".json", ".geojsonl", ".geojsonseq", ".geojsons", ".ndjson", ".jsonl", ".ndgeojson")
_PARQUET = (".parquet", ".geoparquet")
_LAYERS = {".gpkg": "gpkg", ".fgb": "fgb"}


def open_points(
    path: Path, *, x_col: str | None, y_col: str | None, radius_col: str | None, geographic: bool,
    layer: str | None = None, chunk_rows: int = CHUNK_ROWS,
) -> PointSource:  # fmt: skip
    """Open a table of points by the ending of its name.

    Parameters
    ----------
    path : Path
        `.csv`, `.tsv`, `.txt`, `.geojson`, `.json`, `.geojsonl`, `.ndjson` (these also with `.gz`), `.parquet`,
        `.geoparquet`, `.gpkg`, `.fgb`.
    x_col, y_col : str, optional
        Columns of the position in a table without geometry; found by their names where not given.
    radius_col : str, optional
        Column of the accuracy in metres.
    geographic : bool
        Whether positions are degrees, which decides the names looked for.
    layer : str, optional
        Layer of a GeoPackage that holds several.
    chunk_rows : int
        Rows of a chunk.

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
    name = path.name.lower()
    if name.removesuffix(".gz").endswith(_CSV):
        from gis_core.locate.points_csv import CsvPoints

        return CsvPoints(path, x_col, y_col, radius_col, geographic, chunk_rows)
    if name.endswith(_PARQUET):
        from gis_core.locate.points_table import ParquetPoints

        return ParquetPoints(path, x_col, y_col, radius_col, geographic, chunk_rows)
    if x_col is not None:
        raise ParameterError(
            f"--x and --y are for CSV and plain Parquet; {path.name} has its positions in its geometry."
        )
    if name.removesuffix(".gz").endswith(_JSON):
        from gis_core.locate.points_json import GeoJsonPoints

        return GeoJsonPoints(path, radius_col, chunk_rows)
    if path.suffix.lower() in _LAYERS:
        from gis_core.locate.points_table import LayerPoints

        return LayerPoints(path, _LAYERS[path.suffix.lower()], layer, radius_col, chunk_rows)
    raise ParameterError(
        f"{path.name} is no table of points known here; bring CSV, GeoJSON, GeoParquet, GeoPackage or FlatGeobuf."
    )
