"""Writing one layer for other programs: GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, Shapefile, CSV.

A file is written beside its place and renamed when it is whole. What a format cannot hold is reported, never lost in
silence. GDAL's own tools read every file without a warning.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import CrsError, DatasetError, ParameterError, some_of
from gis_core.layers import drivers as _drivers  # noqa: F401  (sets the environment before GDAL is loaded)
from gis_core.layers.safe_cell import safe_cell
from gis_core.model import Fault

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "ENDINGS",
    "GEOPACKAGE_VERSION",
    "SHORT_NAMES",
    "WRITE_FORMATS",
    "beside",
    "plain_value",
    "round_degrees",
    "write_layer",
    "writing",
]

WRITE_FORMATS: tuple[str, ...] = ("geojson", "gpkg", "fgb", "parquet", "shp", "csv")

#: Ending of a file name -> format.
ENDINGS: dict[str, str] = {
    ".geojson": "geojson",
    ".json": "geojson",
    ".gpkg": "gpkg",
    ".fgb": "fgb",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".shp": "shp",
    ".csv": "csv",
}

#: Shapefiles hold ten bytes a name: the names of a plan, shortened always in the same way.
SHORT_NAMES: dict[str, str] = {
    "boundary_code": "bound_code",
    "boundary_name": "bound_name",
    "households_recorded": "hh_record",
    "households_planned": "hh_planned",
    "households_source": "hh_source",
    "floating_population": "float_pop",
    "perimeter_m": "perim_m",
    "polsby_popper": "polsby_pop",
    "street_share": "str_share",
    "nearest_code": "near_code",
}

DECIMALS = 9
#: GDAL 3.6 warns of newer ones.
GEOPACKAGE_VERSION = "1.3"
# GDAL does not always say that a disk is full; with less than this left it is.
_FULL_DISK_BYTES = 1 << 16
_SHP_TEXT_BYTES = 254
_POLYGONAL = (3, 6)


def write_layer(frame: GeoDataFrame, path: Path, *, format: str, layer: str) -> list[Fault]:  # noqa: A002 (agreed name)
    """Write one layer.

    Parameters
    ----------
    frame : GeoDataFrame
        With a coordinate system. GeoJSON is written in WGS 84 whatever it is; the others keep it.
    path : Path
        File to write; what stands there is replaced once the new one is whole. A GeoPackage that is there keeps its
        other layers.
    format : {"geojson", "gpkg", "fgb", "parquet", "shp", "csv"}
    layer : str
        Name of the layer, where the format has one.

    Returns
    -------
    list of Fault
        Notes and warnings: names and text that were shortened, more decimals than usual.

    Raises
    ------
    ParameterError
        Where the format is none of these.
    CrsError
        Where the frame names no coordinate system.
    DatasetError
        Where the folder is not there or the file cannot be written.
    """
    path = Path(path)
    if format not in _WRITERS:
        raise ParameterError(f"{format!r} is no format for layers; use one of {', '.join(WRITE_FORMATS)}.")
    if frame.crs is None:
        raise CrsError(
            f"Layer {layer} names no coordinate system, so {path.name} was not written; set it first."
        )
    if not path.parent.is_dir():
        raise DatasetError(f"There is no folder {path.parent} to write {path.name} in; make it first.")
    if path.is_dir():
        raise DatasetError(f"{path.name} is a folder; give the name of a file.")
    with beside(path) as folder:
        faults = _WRITERS[format](_plain(frame), folder / path.name, path, layer)
        for made in sorted(folder.iterdir()):
            made.replace(path.with_name(made.name))
    return faults


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what GDAL says when a file cannot be written into one sentence.

    Raises
    ------
    DatasetError
        Where GDAL could not write; a full disk is told from other reasons.
    """
    import pyogrio

    try:
        yield
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FieldError,
    ) as error:
        if "No space left" in str(error) or shutil.disk_usage(path.parent).free < _FULL_DISK_BYTES:
            reason = "the disk is full; free some space and try again"
        else:
            said = str(error).replace(f"{path.parent}/", "").rstrip(".")
            reason = f"{said}; look whether the disk has room"
        raise DatasetError(f"{path.name} could not be written: {reason}.") from None


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a folder on the same disk as the file, removed with all that is left in it."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plain(frame: GeoDataFrame) -> GeoDataFrame:
    """Return the frame with geometry last, two dimensions, text for mixed columns, and no index."""
    import pandas as pd

    name = frame.geometry.name
    frame = frame.reset_index(drop=True)
    columns = [column for column in frame.columns if column != name]
    frame = frame[[*columns, name]].rename(columns={column: str(column) for column in columns})
    if name != "geometry" and "geometry" not in columns:
        frame = frame.rename_geometry("geometry")
    frame = frame.set_geometry(shapely.force_2d(np.asarray(frame.geometry.values)), crs=frame.crs)
    for column in [column for column in frame.columns if column != frame.geometry.name]:
        kind = pd.api.types.infer_dtype(frame[column], skipna=True)
        if kind.startswith("mixed"):
            frame[column] = [None if _missing(value) else _text(value) for value in frame[column]]
    return frame


def _missing(value: Any) -> bool:
    if value is None or isinstance(value, list | dict | tuple | np.ndarray):
        return value is None
    return str(value) in ("nan", "NaT", "<NA>") and not isinstance(value, str)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def plain_value(value: Any) -> Any:
    """Return a value as JSON knows it: NaN, infinity and missing are None, odd types are text."""
    if isinstance(value, list | dict | tuple | np.ndarray):
        return list(value) if not isinstance(value, dict) else value
    if _missing(value):
        return None
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


def _oriented(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Turn outer rings counter-clockwise and holes clockwise, as RFC 7946 has it."""
    return np.asarray(shapely.orient_polygons(geometry), dtype=object)


def round_degrees(geometry: NDArray[np.object_]) -> tuple[NDArray[np.object_], int]:
    """Round degrees for GeoJSON: nine decimals, or as many more as keep polygons valid and a cover exact.

    Parameters
    ----------
    geometry : object, shape (n,)
        In degrees.

    Returns
    -------
    rounded : object, shape (n,)
    decimals : int
        How many decimals they have.
    """
    polygonal = bool(len(geometry)) and bool(np.all(np.isin(shapely.get_type_id(geometry), _POLYGONAL)))
    exact = polygonal and bool(shapely.coverage_is_valid(geometry))
    for decimals in range(DECIMALS, 16):
        rounded = shapely.transform(geometry, lambda xy, n=decimals: np.round(xy, n) + 0.0)
        good = not polygonal or bool(np.all(shapely.is_valid(rounded) >= shapely.is_valid(geometry)))
        if good and (not exact or shapely.coverage_is_valid(rounded)):
            return rounded, decimals
    return geometry, 16


def _rounded(geometry: NDArray[np.object_], layer: str) -> tuple[NDArray[np.object_], int, list[Fault]]:
    """Round degrees for GeoJSON, and say where nine decimals were not enough."""
    rounded, decimals = round_degrees(geometry)
    if decimals == DECIMALS:
        return rounded, decimals, []
    message = (
        f"Coordinates have {decimals} decimals, because with {DECIMALS} the areas would not fit together."
    )
    return rounded, decimals, [Fault("more-decimals", layer, message, "Nothing needs to be done.", "note")]


def _write_geojson(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write RFC 7946: WGS 84, right-hand rule, no `crs` member, one feature a line."""
    geometry = np.asarray(frame.to_crs("EPSG:4326").geometry.values, dtype=object)
    geometry, decimals, faults = _rounded(geometry, layer)
    geometry = _oriented(geometry)
    names = [name for name in frame.columns if name != frame.geometry.name]
    known = geometry[~(shapely.is_missing(geometry) | shapely.is_empty(geometry))]
    columns = [frame[name].tolist() for name in names]
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type": "FeatureCollection", "name": ' + json.dumps(layer, ensure_ascii=False))
        if len(known):
            file.write(
                f', "bbox": {json.dumps([round(v, decimals) for v in shapely.total_bounds(known).tolist()])}'
            )
        file.write(', "features": [')
        for i, shape in enumerate(geometry):
            properties = {name: plain_value(column[i]) for name, column in zip(names, columns, strict=True)}
            file.write(",\n" if i else "\n")
            file.write('{"type": "Feature", "properties": ' + json.dumps(properties, ensure_ascii=False))
            file.write(f', "geometry": {_geojson_geometry(shape)}}}')
        file.write("\n]}\n")
    return faults


def _geojson_geometry(shape: Any) -> str:
    """Return the geometry as JSON; numbers are the shortest that read back as the same."""
    return "null" if shape is None or shape.is_empty else json.dumps(shapely.geometry.mapping(shape))


def _ogr(frame: GeoDataFrame, part: Path, driver: str, layer: str, **options: Any) -> None:
    """Write with GDAL; a failure is one sentence."""
    import pyogrio

    with writing(part):
        pyogrio.write_dataframe(frame, part, driver=driver, layer=layer, encoding="UTF-8", **options)


def _single_type(frame: GeoDataFrame) -> dict[str, Any]:
    """Name one geometry type for the layer, so that polygons and multipolygons stand together."""
    kinds = set(shapely.get_type_id(np.asarray(frame.geometry.values)).tolist()) - {-1}
    for single, multi, name in ((0, 4, "Point"), (1, 5, "LineString"), (3, 6, "Polygon")):
        if kinds == {single}:
            return {"geometry_type": name}
        if kinds and kinds <= {single, multi}:
            return {"geometry_type": f"Multi{name}", "promote_to_multi": True}
    return {"geometry_type": "Unknown"}


def _write_gpkg(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write a layer of a GeoPackage; other layers of a file that is there are kept."""
    if path.is_file():
        shutil.copyfile(path, part)
    # GDAL 3.6 warns of files that say a later version.
    options = {} if part.is_file() else {"dataset_options": {"VERSION": GEOPACKAGE_VERSION}}
    _ogr(frame, part, "GPKG", layer, append=False, **options, **_single_type(frame))
    return []


def _write_fgb(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write FlatGeobuf without its spatial index where the layer is empty, with it elsewhere."""
    _ogr(frame, part, "FlatGeobuf", layer, layer_options={"SPATIAL_INDEX": "YES" if len(frame) else "NO"},
         **_single_type(frame))  # fmt: skip
    return []


def _write_parquet(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write GeoParquet 1.1 with WKB."""
    frame.to_parquet(part, index=False, compression="zstd", schema_version="1.1.0")
    return []


def _write_shp(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write a Shapefile with UTF-8 text; names and texts that do not fit are shortened and reported."""
    names = [name for name in frame.columns if name != frame.geometry.name]
    short = _short_names(names)
    faults = []
    renamed = [f"{old} -> {new}" for old, new in short.items() if old != new]
    if renamed:
        faults.append(Fault("short-names", layer, f"Shapefile names hold 10 bytes: {', '.join(renamed)}.",
                            "Take GeoPackage to keep the names.", "note", count=len(renamed)))  # fmt: skip
    frame = frame.copy()
    for name in names:
        faults += _fit_column(frame, name, layer)
    kinds = _single_type(frame)
    kinds["geometry_type"] = str(kinds["geometry_type"]).removeprefix("Multi")
    if not len(frame):
        kinds["geometry_type"] = "Polygon"
    if kinds["geometry_type"] == "Unknown":
        raise DatasetError(
            f"Layer {layer} mixes points, lines or polygons, which a Shapefile cannot; take gpkg."
        )
    if kinds["geometry_type"] == "Point":
        kinds = (
            {"geometry_type": "MultiPoint", "promote_to_multi": True}
            if kinds.pop("promote_to_multi", 0)
            else kinds
        )
    else:
        kinds.pop("promote_to_multi", None)
    _ogr(frame.rename(columns=short), part, "ESRI Shapefile", part.stem, **kinds)
    part.with_suffix(".cpg").write_text("UTF-8", encoding="ascii")
    return faults


def _short_names(names: list[str]) -> dict[str, str]:
    """Give every column a name of at most ten bytes, unique whatever the case."""
    taken: set[str] = set()
    short: dict[str, str] = {}
    for name in names:
        base = SHORT_NAMES.get(name, name)
        new, n = _cut(base, 10), 1
        while new.lower() in taken:
            n += 1
            new = _cut(base, 10 - len(str(n)) - 1) + f"_{n}"
        taken.add(new.lower())
        short[name] = new
    return short


def _cut(text: str, size: int) -> str:
    """Cut a text to so many bytes of UTF-8 without halving a character."""
    return text.encode("utf-8")[:size].decode("utf-8", "ignore")


def _fit_column(frame: GeoDataFrame, name: str, layer: str) -> list[Fault]:
    """Make one column fit a dBASE table: yes and no as 1 and 0, text of at most 254 bytes."""
    import pandas as pd

    column = frame[name]
    if pd.api.types.is_bool_dtype(column):
        frame[name] = column.astype("int32")
    if pd.api.types.is_datetime64_any_dtype(column):
        frame[name] = column.astype(str).where(column.notna(), None)
    if not (pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)):
        return []
    values = [None if _missing(value) else _text(value) for value in column]
    rows = [i for i, v in enumerate(values) if v is not None and len(v.encode("utf-8")) > _SHP_TEXT_BYTES]
    frame[name] = pd.Series([None if v is None else _cut(v, _SHP_TEXT_BYTES) for v in values], dtype=object)
    if not rows:
        return []
    message = f"{len(rows)} texts in {name} were cut to {_SHP_TEXT_BYTES} bytes (rows {some_of(rows)})."
    return [Fault("text-cut", layer, message, "Take GeoPackage to keep them whole.", "warning",
                  rows=tuple(rows[:20]), count=len(rows))]  # fmt: skip


def _write_csv(frame: GeoDataFrame, part: Path, path: Path, layer: str) -> list[Fault]:
    """Write UTF-8 with a byte-order mark, so that spreadsheets know it, and the geometry as WKT."""
    geometry = np.asarray(frame.geometry.values, dtype=object)
    faults: list[Fault] = []
    if frame.crs.is_geographic:
        geometry, _, faults = _rounded(geometry, layer)
    names = [name for name in frame.columns if name != frame.geometry.name]
    wkt = shapely.to_wkt(geometry, rounding_precision=-1, trim=True)
    columns = [[_csv_value(value) for value in frame[name].tolist()] for name in names]
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "geometry"])
        writer.writerows(zip(*columns, ["" if text is None else text for text in wkt], strict=True))
    return faults


def _csv_value(value: Any) -> Any:
    value = plain_value(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else safe_cell(value)


_WRITERS: dict[str, Callable[[GeoDataFrame, Path, Path, str], list[Fault]]] = {
    "geojson": _write_geojson,
    "gpkg": _write_gpkg,
    "fgb": _write_fgb,
    "parquet": _write_parquet,
    "shp": _write_shp,
    "csv": _write_csv,
}
