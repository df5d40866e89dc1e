"""`wangge export`: a plan for other programs, one layer or all of them in a file; or for paper and mail."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis_core.commands._common import command, fault_line, print_json, terminal_progress
from gis_core.commands._options import Db, Json, Mapping
from gis_core.commands._output import require_output
from gis_core.commands._print import PRINTED, PrintOptions, export_printed, require_fitting
from gis_core.errors import CapabilityError, ParameterError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.model import Fault
    from gis_core.plan.file import PlanFile

_LAYERS = ("grids", "buildings", "cells")
_FORMATS = ("geojson", "gpkg", "fgb", "parquet", "shp", "csv", "xlsx", *PRINTED)


@command
def export(
    plan: Annotated[str, typer.Argument(help="Plan file, or plan:ID of the store.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; replaced where it exists.")],
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="|".join(_FORMATS), help="Default: by the ending of --out."),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option("--layer", metavar="grids|buildings|cells", help="Default: grids; gpkg: all three."),
    ] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="wgs84|EPSG:n", help="Default: as in the plan.")
    ] = None,
    paper: Annotated[
        str | None, typer.Option("--paper", metavar="a4|a3", help="pdf: size of the sheets; default a4.")
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="zh-CN|en", help="pdf, html: default that of the names in the data."),
    ] = None,
    grid: Annotated[
        list[str] | None, typer.Option("--grid", metavar="CODE", help="pdf: only this grid; may be repeated.")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="pdf, html: dataset of a plan file, for streets, names, water."),
    ] = None,
    mapping: Mapping = None,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Write a plan as GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, Shapefile, CSV, XLSX, PDF sheets or HTML page.

    Example: wangge export plan.gpkg --format geojson --out grids.geojson
    """
    from gis_core.commands._plan_ref import read_plan_ref
    from gis_core.model import Fault

    kind = _format_of(format_, out)
    options = PrintOptions(paper, lang, tuple(grid or ()), dataset, tuple(mapping or ()))
    require_fitting(kind, plan, options, {"--layer": layer, "--crs": crs})
    if kind in PRINTED:
        require_output(out, inputs=[Path(plan), *([dataset] if dataset else [])])
        _print(kind, plan, db, options, out, json_)
        return
    layers = _layers_of(layer, kind)
    require_output(out, inputs=[Path(plan)])
    frames = _frames(read_plan_ref(plan, db), layers, crs)
    faults = _write(frames, kind, out)
    if kind == "geojson" and crs is not None and not next(iter(frames.values())).crs.equals("EPSG:4326"):
        faults.append(
            Fault("always-wgs84", layers[0], f"GeoJSON is always in WGS 84, so {crs} was not used.",
                  "Take another format to keep it.", "note")
        )  # fmt: skip
    for fault in faults:
        typer.echo(f"{fault_line(fault.layer, fault.message)} {fault.fix}", err=True)
    rows = {name: len(frame) for name, frame in frames.items()}
    if json_:
        first = next(iter(frames.values()))
        written = "EPSG:4326" if kind == "geojson" else first.crs.to_string()
        print_json({"out": str(out), "format": kind, "layers": rows, "crs": written,
                    "faults": [fault.as_dict() for fault in faults]})  # fmt: skip
    else:
        counts = ", ".join(f"{count} {name}" for name, count in rows.items())
        typer.echo(f"{out}: {counts}.")


def _print(kind: str, plan: str, db: str | None, options: PrintOptions, out: Path, json_: bool) -> None:
    """Write sheets or page and say what was made."""
    with terminal_progress(not json_) as progress:
        facts, faults = export_printed(kind, plan, db, options, out, progress)
    for fault in faults:
        typer.echo(f"{fault_line(fault.layer, fault.message)} {fault.fix}", err=True)
    if json_:
        print_json({"out": str(out), "format": kind, **facts, "faults": [each.as_dict() for each in faults]})
        return
    size = f"{facts['bytes'] / 1e6:.1f} MB"
    pages = f"{facts['pages']} pages, " if "pages" in facts else ""
    typer.echo(f"{out}: {facts['grids']} grids, {pages}{size}.")


def _format_of(given: str | None, out: Path) -> str:
    """Return the format asked for, else the one that the file's ending says."""
    from gis_core.layers.write import ENDINGS

    endings = {**ENDINGS, ".xlsx": "xlsx", ".pdf": "pdf", ".html": "html", ".htm": "html"}
    kind = (given or "").lower() or endings.get(out.suffix.lower()) or out.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        said = f"--format {given!r}" if given else f"The ending of {out.name}"
        raise ParameterError(
            f"{said} is no format known here; use one of {', '.join(_FORMATS)}.", format=kind
        )
    if given and endings.get(out.suffix.lower(), kind) != kind:
        raise ParameterError(
            f"--format {kind} and the ending of {out.name} do not agree; change one of them."
        )
    if kind == "shp" and out.suffix.lower() != ".shp":
        raise ParameterError(f"A Shapefile's name ends in .shp; {out.name} does not.")
    return kind


def _layers_of(given: str | None, kind: str) -> tuple[str, ...]:
    if given is None:
        return _LAYERS if kind == "gpkg" else ("grids",)
    if given not in _LAYERS:
        raise ParameterError(f"--layer {given!r} is no layer of a plan; use one of {', '.join(_LAYERS)}.")
    return (given,)


def _frames(plan: PlanFile, layers: tuple[str, ...], crs: str | None) -> dict[str, GeoDataFrame]:
    """Return the layers asked for in the system asked for."""
    from gis_core.crs import parse_crs

    frames = {name: getattr(plan, name) for name in layers}
    if crs is None:
        return frames
    target = parse_crs(crs).crs
    if target is None:
        raise CapabilityError(
            f"Files cannot say that they are in {crs}, so areas are not written in it; take wgs84 or EPSG:4490."
        )
    return {name: frame.to_crs(target) for name, frame in frames.items()}


def _write(frames: dict[str, GeoDataFrame], kind: str, out: Path) -> list[Fault]:
    """Write beside the place and move there once all layers are in."""
    from gis_core.layers.tables import write_xlsx
    from gis_core.layers.write import write_layer

    faults: list[Fault] = []
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        part = Path(folder) / out.name
        for name, frame in frames.items():
            if kind == "xlsx":
                write_xlsx(frame, part, name)
            else:
                faults += write_layer(frame, part, format=kind, layer=name)
        for made in sorted(Path(folder).iterdir()):
            made.replace(out.with_name(made.name))
    return faults
