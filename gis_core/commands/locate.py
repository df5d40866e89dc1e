"""`wangge locate`: which grid is each of many points in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis_core.commands._common import command, print_json, terminal_progress
from gis_core.errors import CapabilityError, NotFoundError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.locate.bulk import BulkReport


@command
def locate(
    plan: Annotated[
        str, typer.Argument(help="Plan file, plan:ID of the store, or any polygon layer with --code-col.")
    ],
    points: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GBK), GeoJSON or GeoParquet.")],
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv, .geojson or .parquet.")],
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            metavar="wgs84|cgcs2000|gcj02|bd09|EPSG:n",
            help="System of the points. Default: what their file says, else wgs84.",
        ),
    ] = None,
    radius_col: Annotated[
        str | None, typer.Option("--radius-col", help="Column of the accuracy in metres; adds candidates.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="The plan in force on that day.")
    ] = None,
    code_col: Annotated[
        str, typer.Option("--code-col", help="Column of the codes in the polygon layer.")
    ] = "code",
    x: Annotated[str | None, typer.Option("--x", help="Column of the longitude or east (CSV).")] = None,
    y: Annotated[str | None, typer.Option("--y", help="Column of the latitude or north (CSV).")] = None,
    db: Annotated[str | None, typer.Option("--db", help="Store; default the embedded file.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Answer as one JSON document.")] = False,
) -> None:
    """Tell which grid each point is in; every row and column of the input is kept.

    Adds grid_code, status (inside, on_border, outside, no_position), border_m and nearest_code.

    Example: wangge locate plan.gpkg calls.csv --out located.csv --crs gcj02
    """
    if at is not None:
        raise CapabilityError(
            "--at needs a store with published plans, which this version cannot write yet; name the plan as plan:ID."
        )
    from gis_core.locate import build_locator
    from gis_core.locate.bulk import locate_file

    with terminal_progress(not json_) as progress:
        locator = build_locator(_areas(plan, db), code_col)
        report = locate_file(
            locator, points, out, crs=crs, x_col=x, y_col=y, radius_col=radius_col, progress=progress
        )
    for fault in report.faults:
        typer.echo(f"{fault.layer}: {fault.message} {fault.fix}", err=True)
    for note in report.notes:
        typer.echo(note, err=True)
    if json_:
        print_json(report.as_dict())
    else:
        typer.echo(_summary(report))


def _areas(plan: str, db: str | None) -> GeoDataFrame:
    """Return the polygons of PLAN: grids of a plan, or a layer of any file of polygons."""
    from gis_core.commands._plan_ref import read_plan_ref, stored_plan_id

    if stored_plan_id(plan) is not None:
        return read_plan_ref(plan, db).grids
    path = Path(plan)
    if not path.exists():
        raise NotFoundError(f"There is no file {plan}.")
    from gis_core.layers.raw import read_table

    return read_table(path, layer=_grids_layer(path))


def _grids_layer(path: Path) -> str | None:
    """Return `grids` where a GeoPackage has such a layer; None lets the reader take the only one."""
    if path.suffix.lower() != ".gpkg":
        return None
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM gpkg_contents WHERE table_name = 'grids'").fetchone()
    except sqlite3.Error:
        return None
    return "grids" if found else None


def _summary(report: BulkReport) -> str:
    parts = [f"{count:,} {name}" for name, count in report.counts.items() if count or name != "no_position"]
    return f"{report.out}: {report.rows:,} rows ({', '.join(parts)}), points in {report.crs}, {report.seconds:.1f} s."
