"""Which files make up a dataset, and which layer each of them is. Standard library only."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from gis_core.errors import DatasetError, NotFoundError, some_of

__all__ = ["LAYER_ALIASES", "TABLES", "LayerFile", "SourceFiles", "find_files", "match_layer", "plain"]

#: Layer -> names that files and layers of containers may have (compared without case, spaces, `-` and `_`).
LAYER_ALIASES: dict[str, tuple[str, ...]] = {
    "boundary": (
        "boundary",
        "boundaries",
        "border",
        "borders",
        "communities",
        "community",
        "neighbourhoods",
        "neighborhoods",
        "admin",
        "边界",
        "社区边界",
        "社区",
        "行政区划",
        "行政区",
        "辖区",
        "范围",
    ),
    "buildings": (
        "buildings",
        "building",
        "footprints",
        "houses",
        "addresses",
        "建筑",
        "建筑物",
        "楼栋",
        "楼幢",
        "房屋",
        "住宅",
        "建筑轮廓",
        "房屋建筑",
    ),
    "streets": (
        "streets",
        "street",
        "roads",
        "road",
        "highways",
        "道路",
        "路网",
        "道路中心线",
        "街巷",
        "道路网",
    ),
    "barriers": ("barriers", "barrier", "障碍", "障碍物", "阻隔", "屏障"),
    "facilities": ("facilities", "facility", "amenities", "pois", "poi", "设施", "公共设施", "兴趣点"),
    "water": ("water", "waters", "waterbodies", "水系", "水体", "水域"),
    "green": ("green", "landuse", "parks", "绿地", "公园", "土地利用", "用地"),
    "assets": ("assets", "asset", "部件", "城市部件", "部件普查", "管理部件"),
    "staff": ("staff", "workers", "网格员", "网格人员", "人员", "工作人员", "值班表", "人员名册"),
}

#: Layers without geometry: a table of a container, or a sheet of its own.
TABLES = frozenset({"staff"})
_SHEETS = {".csv": "csv", ".xlsx": "xlsx"}

#: Ending -> format; the longest ending that fits counts.
FORMATS: dict[str, str] = {
    ".osm.pbf": "osm",
    ".pbf": "osm",
    ".gpkg": "gpkg",
    ".geojson": "geojson",
    ".json": "geojson",
    ".fgb": "fgb",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".shp": "shp",
    ".kml": "kml",
    ".kmz": "kmz",
    ".dxf": "dxf",
}

#: Formats of one file that may hold several layers, told apart by their names in it.
_CONTAINERS = frozenset({"gpkg", "osm"})
_MAY_HOLD_SEVERAL = _CONTAINERS | {"kml", "kmz", "dxf"}

#: Endings that belong to another file and are passed over without a word.
_COMPANIONS_TEXT = """
.dbf .shx .prj .cpg .cst .qix .qmd .qml .qgs .qgz .sbn .sbx .sld .idx .xml .md .txt .html .pdf .csv
.xlsx .npz .gpkg-wal .gpkg-shm .gz .png .jpg .lyr
"""
_COMPANIONS = frozenset(_COMPANIONS_TEXT.split())


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One file to read, its format, and the layer that it is (None: a container of named layers)."""

    path: Path
    format: str
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """The files of one dataset and the names of those beside them that are not read."""

    name: str
    source: str
    files: tuple[LayerFile, ...]
    ignored: tuple[str, ...] = field(default=())


def plain(name: str) -> str:
    """Fold a name for comparison: full-width to plain, small letters, without spaces, `-`, `_`, `:`."""
    folded = unicodedata.normalize("NFKC", name).strip().lower()
    return folded.translate({ord(mark): None for mark in " -_:."})


_BY_ALIAS = {plain(alias): layer for layer, aliases in LAYER_ALIASES.items() for alias in aliases}


def match_layer(name: str) -> str | None:
    """Return the layer that a file or layer name stands for, or None.

    Examples
    --------
    >>> match_layer("Roads"), match_layer("楼栋"), match_layer("tracts")
    ('streets', 'buildings', None)
    """
    return _BY_ALIAS.get(plain(name))


def format_of(path: Path) -> tuple[str, str] | None:
    """Return the format of a file by its name, and the name without the ending; None if unknown."""
    lower = path.name.lower()
    for ending in sorted(FORMATS, key=len, reverse=True):
        if lower.endswith(ending) and len(lower) > len(ending):
            return FORMATS[ending], path.name[: -len(ending)]
    return None


def find_files(source: Path) -> SourceFiles:
    """Find the files of a dataset: a container, a layer file, or a folder with layer files or a container.

    Raises
    ------
    NotFoundError
        Nothing is there.
    DatasetError
        The file is of no known format; the folder holds no dataset, several, or two files for one layer.
    """
    if source.is_dir():
        return _find_in_folder(source)
    if not source.exists():
        raise NotFoundError(f"There is no file or folder {source.name!r}; check the path.", path=source.name)
    known = format_of(source)
    if known is None:
        raise DatasetError(_unknown_format(source), code="unknown-format")
    kind, stem = known
    layer = None if kind in _CONTAINERS else match_layer(stem)
    if layer is None and kind not in _MAY_HOLD_SEVERAL:
        raise DatasetError(
            f"{source.name} holds one layer, and its name does not say which: rename it to buildings, "
            "boundary or "
            "streets, or give the folder that holds all layers.",
            code="not-a-dataset",
        )
    return SourceFiles(stem, source.name, (LayerFile(source, kind, layer),))


def _unknown_format(path: Path) -> str:
    if path.suffix.lower() in (".zip", ".7z", ".rar", ".gz", ".tar"):
        return f"{path.name} is packed; unpack it into a folder and give the folder."
    return (
        f"{path.name} is none of the formats that can be read: GeoPackage (.gpkg), Shapefile (.shp), GeoJSON "
        "(.geojson), FlatGeobuf (.fgb), GeoParquet (.parquet), OpenStreetMap extract (.osm.pbf), KML (.kml, .kmz), "
        "DXF (.dxf)."
    )


def _find_in_folder(folder: Path) -> SourceFiles:
    layers: dict[str, list[LayerFile]] = {}
    containers: dict[str, list[LayerFile]] = {"gpkg": [], "osm": []}
    others: list[str] = []
    for path in sorted(folder.iterdir()):
        known = format_of(path)
        if path.suffix.lower() in _SHEETS and match_layer(path.stem) in TABLES:
            known = _SHEETS[path.suffix.lower()], path.stem
        if known is None or not path.is_file():
            if (
                path.suffix.lower() not in _COMPANIONS and not path.name.startswith(".")
            ) or path.suffix.lower() == ".md":
                others.append(path.name)
            continue
        kind, stem = known
        layer = None if kind == "osm" else match_layer(stem)
        if layer is not None:
            layers.setdefault(layer, []).append(LayerFile(path, kind, layer))
        elif kind in containers:
            containers[kind].append(LayerFile(path, kind))
        else:
            others.append(path.name)
    if layers:
        files = _one_file_each(folder, layers)
        others += [file.path.name for kind in containers.values() for file in kind]
    else:
        chosen = containers["gpkg"] or containers["osm"]
        files = (_only_container(folder, chosen, others),)
        others += [file.path.name for kind in containers.values() for file in kind if file not in files]
    source = files[0].path.name if len(files) == 1 and files[0].layer is None else folder.name
    return SourceFiles(folder.resolve().name, source, files, tuple(sorted(others)))


def _one_file_each(folder: Path, layers: dict[str, list[LayerFile]]) -> tuple[LayerFile, ...]:
    for layer, files in layers.items():
        if len(files) > 1:
            names = some_of([file.path.name for file in files])
            raise DatasetError(
                f"Folder {folder.name} holds several files for the layer {layer} ({names}); keep one of "
                "them.",
                code="ambiguous-layer",
            )
    return tuple(layers[name][0] for name in LAYER_ALIASES if name in layers)


def _only_container(folder: Path, chosen: list[LayerFile], others: list[str]) -> LayerFile:
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        names = some_of([file.path.name for file in chosen])
        raise DatasetError(
            f"Folder {folder.name} holds several datasets ({names}); give the one that you mean.",
            code="several-datasets",
        )
    there = f" It holds {some_of(others)}." if others else ""
    raise DatasetError(
        f"Folder {folder.name} holds no dataset: no file is named boundary, buildings or streets, and "
        "there is no "
        f"GeoPackage or .osm.pbf in it.{there}",
        code="not-a-dataset",
    )
