"""Child process that opens the files of strangers, with few readers and limits on what it may use.

Started by `raw.read_raw` as `python -m gis_core.layers.child REQUEST.json`. Writes one Arrow file per layer
and `manifest.json` into the folder of the request; hands over no code and no pickles. Imports neither
pandas nor shapely.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from gis_core.layers import drivers
from gis_core.layers.sources import TABLES, match_layer

#: Exit codes that the parent turns into sentences.
EXIT_MEMORY = 70
#: Geometry column of the hand-over.
GEOMETRY = "__wkb__"

_MAGIC = {"gpkg": b"SQLite format 3\0", "fgb": b"fgb\x03fgb", "shp": b"\0\0\x27\x0a", "parquet": b"PAR1"}
_NAMES = {
    "gpkg": "a GeoPackage",
    "fgb": "a FlatGeobuf file",
    "shp": "a Shapefile",
    "parquet": "a GeoParquet file",
    "geojson": "GeoJSON",
    "osm": "an OpenStreetMap extract",
    "kml": "KML",
    "kmz": "KMZ",
    "dxf": "a DXF drawing",
    "csv": "CSV",
    "xlsx": "XLSX",
}
#: Columns that a DXF drawing has for each thing drawn and that say nothing here.
_DXF_COLUMNS = ("PaperSpace", "SubClasses", "Linetype", "EntityHandle", "ExtendedEntity")


class RefusedError(Exception):
    """One file or layer that is not read, with the sentence that says why."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.fault = {"code": code, "message": message, "fix": fix}


class Session:
    """One run of the child: the limits, the folder of the hand-over, and what was read so far."""

    def __init__(self, request: dict[str, Any], pyogrio: Any) -> None:
        self.limits: dict[str, int] = request["limits"]
        self.out = Path(request["out"])
        self.pyogrio = pyogrio
        self.layers: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.ignored: list[str] = []
        self.rows = self.geometry_bytes = 0

    def add(self, table: Any, geometry: str | None, **about: Any) -> None:
        """Check one table against the limits and write it for the parent."""
        import pyarrow as pa

        names = [name for name in table.column_names if name != geometry]
        arrays = [_plain_column(table.column(name)) for name in names]
        nothing = pa.chunked_array([pa.nulls(len(table), pa.binary())])
        wkb = nothing if geometry is None else table.column(geometry)
        wkb = pa.chunked_array(
            [_storage(chunk).cast(pa.large_binary()) for chunk in wkb.chunks], pa.large_binary()
        )
        self.rows += len(table)
        self.geometry_bytes += wkb.nbytes
        if self.rows > self.limits["rows"]:
            raise RefusedError(
                "too-large",
                f"it holds more than {self.limits['rows']:,} rows in all",
                "Cut the town into smaller areas.",
            )
        if self.geometry_bytes > 16 * self.limits["vertices"]:
            raise RefusedError(
                "too-large",
                f"its outlines hold more than {self.limits['vertices']:,} points",
                "Simplify the outlines or cut the town into smaller areas.",
            )
        result = pa.table([*arrays, wkb], names=[*names, GEOMETRY])
        name = f"{len(self.layers)}.arrow"
        with pa.OSFile(str(self.out / name), "wb") as sink, pa.ipc.new_file(sink, result.schema) as writer:
            writer.write_table(result)
        self.layers.append({"arrow": name, "rows": len(table), **about})


def _storage(array: Any) -> Any:
    return getattr(array, "storage", array)


def _plain_column(column: Any) -> Any:
    """Return a column without extension types and with text that is UTF-8."""
    import pyarrow as pa

    chunks = [_storage(chunk) for chunk in column.chunks]
    kind = getattr(column.type, "storage_type", column.type)
    plain = pa.chunked_array(chunks, kind)
    if pa.types.is_dictionary(kind):
        plain = plain.cast(kind.value_type)
    if (
        pa.types.is_nested(plain.type)
        or pa.types.is_binary(plain.type)
        or pa.types.is_large_binary(plain.type)
    ):
        return pa.array([None if value is None else str(value) for value in plain.to_pylist()], pa.string())
    return plain


def _head(path: Path, size: int = 4096) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def require_kind(path: Path, kind: str) -> None:
    """Refuse a file whose content is not what its name says, before any reader sees it."""
    head = _head(path)
    if not head:
        raise RefusedError("unreadable-file", f"{path.name} is empty (0 bytes)", "Export the layer again.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<") or b"gdal_streamed_alg" in head or b"OGRVRT" in head:
        raise RefusedError(
            "not-its-kind",
            f"{path.name} is a text that points to other files, not {_NAMES[kind]}",
            "Give the data themselves.",
        )
    if head.startswith(b"PK\x03\x04"):
        raise RefusedError("not-its-kind", f"{path.name} is a zip archive", "Unpack it and give the folder.")
    right = text.startswith(b"{") if kind == "geojson" else b"OSMHeader" in head[:64]
    if kind in _MAGIC:
        right = head.startswith(_MAGIC[kind])
    if not right:
        raise RefusedError(
            "not-its-kind", f"{path.name} is not {_NAMES[kind]}", "Export it again, or correct its name."
        )


def require_dxf(path: Path) -> None:
    """Refuse a file that is no DXF text; drawings in other forms of CAD are named."""
    head = _head(path)
    if head.startswith((b"AutoCAD Binary DXF", b"AC10")):
        kind = "a binary DXF" if head.startswith(b"AutoCAD") else "a DWG"
        raise RefusedError(
            "not-its-kind", f"{path.name} is {kind}", "Save it as DXF (ASCII), version 2000 or later."
        )
    if b"SECTION" not in head or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise RefusedError(
            "not-its-kind", f"{path.name} is not a DXF drawing", "Export it again, or correct its name."
        )


def read_dxf(session: Session, path: Path, layer: str | None) -> None:
    """Read a drawing: as one layer where its file is named so, else by the names of its CAD layers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    meta, table = session.pyogrio.read_arrow(path, layer="entities", max_features=session.limits["rows"] + 1)
    geometry = meta["geometry_name"] or "wkb_geometry"
    table = table.drop_columns([name for name in _DXF_COLUMNS if name in table.column_names])
    about: dict[str, Any] = {"file": path.name, "notes": [], "crs": None}
    if layer is not None:
        session.add(table, geometry, layer=layer, sublayer="entities", **about)
        return
    names = [str(name) for name in table.column("Layer").unique().to_pylist() if name]
    for name in names:
        match = match_layer(name)
        if match is None:
            session.ignored.append(f"{path.name}: {name}")
    for match in sorted({found for name in names if (found := match_layer(name))}):
        mine = [name for name in names if match_layer(name) == match]
        rows = table.filter(pc.is_in(table.column("Layer"), pa.array(mine, pa.string())))
        session.add(rows, geometry, layer=match, sublayer=mine[0], **about)


def read_kml(session: Session, path: Path, kind: str, layer: str | None) -> None:
    """Read a KML or KMZ file: as one layer where it is named so, else by the names of its folders."""
    import pyarrow as pa

    from gis_core.layers.kml import KmlError, Placemark, read_placemarks, unpack_kmz

    groups: dict[str, list[Placemark]] = {}
    ignored: set[str] = set()
    try:
        opened = unpack_kmz(path, session.out) if kind == "kmz" else path
        for count, mark in enumerate(read_placemarks(opened)):
            if count >= session.limits["rows"]:
                raise RefusedError(
                    "too-large", f"{path.name} holds too many placemarks", "Cut it into smaller areas."
                )
            match = layer or next((found for name in reversed(mark[0]) if (found := match_layer(name))), None)
            if match is None:
                ignored.add(mark[0][-1] if mark[0] else "(no folder)")
            else:
                groups.setdefault(match, []).append(mark)
    except KmlError as error:
        raise RefusedError("not-its-kind", f"{path.name} {error}", "Export it again as KML.") from None
    session.ignored += [f"{path.name}: {name}" for name in sorted(ignored)]
    for match, marks in sorted(groups.items()):
        names = list(dict.fromkeys(name for _, columns, _ in marks for name in columns if name != GEOMETRY))[
            :500
        ]
        arrays = [pa.array([columns.get(name) for _, columns, _ in marks], pa.string()) for name in names]
        wkb = pa.array([shape for _, _, shape in marks], pa.binary())
        table = pa.table([*arrays, wkb], names=[*names, GEOMETRY])
        session.add(table, GEOMETRY, layer=match, file=path.name, sublayer=None, notes=[], crs="EPSG:4326")


def read_counts_sheet(session: Session, path: Path, kind: str, layer: str) -> None:
    """Read a sheet of counts as text; behind the name of the layer stand columns that were named by hand."""
    import pyarrow as pa

    from gis_core.layers.sheets import SheetError, read_sheet

    name, *wanted = layer.split("\n")
    try:
        columns, notes = read_sheet(path, kind, wanted)
    except SheetError as error:
        raise RefusedError(error.code, error.message, error.fix) from None
    table = pa.table([pa.array(values, pa.string()) for values in columns.values()], names=list(columns))
    session.add(table, None, layer=name, file=path.name, sublayer=None, notes=notes, crs=None)


def read_parquet(session: Session, path: Path, layer: str) -> None:
    """Read a GeoParquet file; its CRS is what its metadata say."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        info = file.metadata
        size = sum(info.row_group(i).total_byte_size for i in range(info.num_row_groups))
        if info.num_rows > session.limits["rows"] or size > session.limits["memory"] // 4:
            raise RefusedError(
                "too-large", f"{path.name} unpacks to more than can be held", "Cut it into smaller areas."
            )
        metadata = (info.metadata or {}).get(b"geo")
        if metadata is None:
            raise RefusedError(
                "not-its-kind",
                f"{path.name} is a Parquet table without geometry (no `geo` metadata)",
                "Write it with a tool that knows GeoParquet, such as geopandas or QGIS.",
            )
        geo = json.loads(metadata)
        name = geo["primary_column"]
        about = geo["columns"][name]
        table = file.read()
    if about.get("encoding", "WKB") != "WKB":
        table, name = _native_to_wkb(path, name)
    crs = about.get("crs", "OGC:CRS84")
    session.add(
        table,
        name,
        layer=layer,
        file=path.name,
        sublayer=None,
        notes=[],
        crs=None if crs is None else crs if isinstance(crs, str) else json.dumps(crs),
    )


def _native_to_wkb(path: Path, name: str) -> tuple[Any, str]:
    import geopandas
    import pyarrow as pa

    frame = geopandas.read_parquet(path)
    wkb = frame.geometry.to_wkb()
    table = pa.Table.from_pandas(frame.drop(columns=name), preserve_index=False)
    return table.append_column(name, pa.array(wkb.tolist(), pa.binary())), name


def read_ogr(session: Session, path: Path, kind: str, layer: str | None) -> None:
    """Read a file through GDAL: one layer, or every layer of a container whose name says what it is."""
    from gis_core.layers import encodings

    opened = path
    notes: list[dict[str, str]] = []
    if kind == "geojson":
        opened, notes = encodings.as_utf8_file(path, session.out)
    listed = [(str(name), shape) for name, shape in session.pyogrio.list_layers(opened).tolist()]
    spatial = [name for name, shape in listed if shape is not None]
    if layer is not None and layer.startswith("="):
        chosen = [(layer, _named_layer(path, spatial or [name for name, _shape in listed], layer[1:]))]
    elif layer is not None and len(listed) == 1:
        chosen = [(layer, listed[0][0])]
    else:
        chosen = [
            (match, name)
            for name, shape in listed
            if (match := match_layer(name))
            and layer in (None, match)
            and (shape is not None or match in TABLES)
        ]
        if not chosen and len(spatial) == 1 and (own := match_layer(path.stem)):
            chosen = [(own, spatial[0])]
    for match in {match for match, _name in chosen}:
        if [pair[0] for pair in chosen].count(match) > 1:
            names = ", ".join(name for other, name in chosen if other == match)
            raise RefusedError(
                "ambiguous-layer",
                f"{path.name} has several layers for {match} ({names})",
                "Keep one of them.",
            )
    session.ignored += [
        f"{path.name}: {name}" for name, _ in listed if name not in {name for _, name in chosen}
    ]
    for match, name in chosen:
        try:
            _read_ogr_layer(session, opened, path, kind, match, name, notes)
        except RefusedError as refused:
            session.faults.append({**refused.fault, "layer": match})


def _named_layer(path: Path, names: list[str], wanted: str) -> str:
    """Return the layer of a container that is asked for by its own name, or its only one."""
    if wanted in names:
        return wanted
    if not wanted and len(names) == 1:
        return names[0]
    have = ", ".join(names[:10])
    what = f"has no layer {wanted!r}" if wanted else "has several layers"
    raise RefusedError("missing-layer", f"{path.name} {what} (it has {have})", "Name one of them.")


def _read_ogr_layer(
    session: Session, opened: Path, path: Path, kind: str, layer: str, name: str, notes: list[dict[str, str]]
) -> None:
    from gis_core.layers import encodings

    options: dict[str, Any] = {"encoding": "ISO-8859-1"} if kind == "shp" else {}
    meta, table = session.pyogrio.read_arrow(
        opened, layer=name, max_features=session.limits["rows"] + 1, **options
    )
    geometry = meta["geometry_name"] or "wkb_geometry"
    if geometry not in table.column_names:
        geometry = None
    notes = list(notes)
    if kind == "shp":
        table, more = encodings.decode_shapefile(table, geometry, path)
        notes += more
    if kind == "gpkg":
        table = encodings.restore_text(table, path, name)
    session.add(table, geometry, layer=layer, file=path.name, sublayer=name, notes=notes, crs=meta["crs"])


def require_whole_pbf(path: Path) -> None:
    """Refuse an extract that is cut off: GDAL returns what it has so far, without a word."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while head := file.read(4):
            header = file.read(min(int.from_bytes(head, "big"), 1 << 16))
            # The last field of a blob header is its data size: tag 0x18, then a number of 7 bits a byte.
            place = header.rfind(b"\x18", max(0, len(header) - 6))
            digits = header[place + 1 :] if place >= 0 else b""
            length = sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(digits))
            if not digits or file.tell() + length > size:
                raise RefusedError(
                    "unreadable-file", f"{path.name} is cut off or damaged", "Download or export it again."
                )
            file.seek(length, 1)


def read_osm(session: Session, path: Path) -> None:
    """Read points, lines and polygons of an extract as they are; `osm.py` sorts them into layers."""
    require_whole_pbf(path)
    for name in ("points", "lines", "multipolygons"):
        meta, table = session.pyogrio.read_arrow(path, layer=name, max_features=session.limits["rows"] + 1)
        geometry = meta["geometry_name"] or "wkb_geometry"
        session.add(
            table, geometry, layer=f"osm:{name}", file=path.name, sublayer=name, notes=[], crs=meta["crs"]
        )


def read_file(session: Session, path: Path, kind: str, layer: str | None) -> None:
    """Read one file of the request."""
    if path.stat().st_size > session.limits["file_bytes"]:
        raise RefusedError(
            "too-large",
            f"{path.name} is larger than {session.limits['file_bytes'] >> 20:,} MB",
            "Cut it into smaller areas.",
        )
    if kind in ("csv", "xlsx"):
        read_counts_sheet(session, path, kind, str(layer))
        return
    if kind in ("kml", "kmz"):
        if not path.stat().st_size:
            require_kind(path, kind)
        read_kml(session, path, kind, layer)
        return
    if kind == "dxf":
        require_dxf(path)
        read_dxf(session, path, layer)
        return
    require_kind(path, kind)
    if kind == "parquet":
        read_parquet(session, path, str(layer))
    elif kind == "osm":
        read_osm(session, path)
    else:
        if kind == "shp":
            for ending in (".shx", ".dbf"):
                if not any(path.with_suffix(each).exists() for each in (ending, ending.upper())):
                    raise RefusedError(
                        "unreadable-file",
                        f"{path.name} has no {ending} file beside it",
                        "Copy all files of the Shapefile (.shp, .shx, .dbf, .prj, .cpg) into the folder.",
                    )
        read_ogr(session, path, kind, layer)


def limit_process(limits: dict[str, int]) -> None:
    """Ask the operating system to stop this process at the limits, where it can."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: limits["memory"],
        resource.RLIMIT_CPU: limits["seconds"],
        resource.RLIMIT_FSIZE: limits["memory"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _soft, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, hard))


def _sentence(error: Exception, path: Path) -> str:
    """Return the first line of a reader's message without the path of the machine in it."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text.replace(str(path), path.name).replace(str(path.parent), "")[:200].strip(" .")


def main(request_path: str) -> int:
    """Read what the request names, write the manifest, return the exit code."""
    warnings.simplefilter("ignore")
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    limit_process(request["limits"])
    skip = sys.argv[2:]
    pyogrio, extra = drivers.import_pyogrio(skip, alone=True)
    if extra and not skip:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "gis_core.layers.child", request_path, *extra])
    if extra:
        raise SystemExit(f"readers that are not allowed stay registered: {', '.join(extra)}")
    session = Session(request, pyogrio)
    for item in request["files"]:
        path = Path(item["path"])
        about = {"layer": (item["layer"] or "dataset").partition("\n")[0]}
        try:
            read_file(session, path, item["format"], item["layer"])
        except RefusedError as refused:
            session.faults.append({**refused.fault, **about})
        except MemoryError:
            return EXIT_MEMORY
        except Exception as error:
            message = f"{path.name} cannot be read as {_NAMES[item['format']]} ({_sentence(error, path)})"
            session.faults.append(
                {
                    "code": "unreadable-file",
                    "message": message,
                    "fix": "Export the layer again from the program that made it.",
                    **about,
                }
            )
    manifest = {"layers": session.layers, "faults": session.faults, "ignored": session.ignored}
    (session.out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
