"""`wangge locate`: which grid is each of many points in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gis_core.commands._common import EXIT_STOPPED, command, fault_line, print_json, terminal_progress
from gis_core.commands._options import Db, Json
from gis_core.commands._output import require_output
from gis_core.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.locate.bulk import BulkReport, Spread


_GRIDS = "grids"


@command
def locate(
    plan: Annotated[
        str, typer.Argument(help="Plan file, plan:ID of the store, or any polygon layer with --code-col.")
    ],
    points: Annotated[
        Path,
        typer.Argument(
            help="CSV (UTF-8 or GBK), GeoJSON (also a feature a line), Parquet, GeoPackage or FlatGeobuf."
        ),
    ],
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
        str | None, typer.Option("--at", metavar="DATE", help="What was in force then where PLAN lies.")
    ] = None,
    code_col: Annotated[
        str, typer.Option("--code-col", help="Column of the codes in the polygon layer.")
    ] = "code",
    x: Annotated[
        str | None, typer.Option("--x", help="Column of the longitude or east (CSV, plain Parquet).")
    ] = None,
    y: Annotated[
        str | None, typer.Option("--y", help="Column of the latitude or north (CSV, plain Parquet).")
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            "--layer", help="Layer of the polygons in a GeoPackage. Default: grids, else the only one."
        ),
    ] = None,
    points_layer: Annotated[
        str | None, typer.Option("--points-layer", help="Layer of the points in a GeoPackage with several.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="URL",
            help="Locate on the workers of this Dask scheduler (tcp://HOST:PORT).",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what is done where the work ends early, and go on from there.",
        ),
    ] = False,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Tell which grid each point is in; every row and column of the input is kept.

    Adds grid_code, status (inside, on_border, outside, no_position), border_m and nearest_code.

    Example: wangge locate plan.gpkg calls.csv --out located.csv --crs gcj02
    """
    from gis_core.locate import build_locator
    from gis_core.locate.bulk import locate_file

    require_output(out, inputs=[points, Path(plan)])
    spread = None if scheduler is None else _on_cluster(scheduler)
    with terminal_progress(not json_, rate=True) as progress:
        locator = build_locator(_areas(plan, db, layer, at), code_col)
        try:
            report = locate_file(
                locator, points, out, crs=crs, x_col=x, y_col=y, radius_col=radius_col, layer=points_layer,
                resume=resume, spread=spread, progress=progress,
            )  # fmt: skip
        except KeyboardInterrupt:
            if not resume:
                raise
            typer.echo("Stopped; what is done is kept, and the same command goes on from there.", err=True)
            raise typer.Exit(EXIT_STOPPED) from None
    for fault in report.faults:
        typer.echo(f"{fault_line(fault.layer, fault.message)} {fault.fix}", err=True)
    for note in report.notes:
        typer.echo(note, err=True)
    if json_:
        print_json(report.as_dict())
    else:
        typer.echo(_summary(report))


def _on_cluster(address: str) -> Spread:
    """Return what locates on the workers of a scheduler, after asking once whether it is there."""
    from functools import partial

    from gis_core.cluster import LOCATING, cluster_calls, require_cluster

    require_cluster(address, LOCATING)
    return partial(cluster_calls, address, LOCATING)


def _in_force(plan: str, db: str | None, at: str) -> GeoDataFrame:
    """Return the grids that were in force at a time where a plan of the store lies."""
    from gis_core.commands._plan_ref import stored_plan_id
    from gis_core.plan.dates import begin_of
    from gis_core.store import open_store

    moment = begin_of(at, option="--at")
    with open_store(db, create=False) as store:
        return store.grids_in_force(stored_plan_id(plan) or 0, moment)


def _areas(plan: str, db: str | None, layer: str | None, at: str | None) -> GeoDataFrame:
    """Return the polygons of PLAN: grids of a plan or of what was in force there, or a layer of any file."""
    from gis_core.commands._plan_ref import layers_of, read_plan_ref, require_no_store, stored_plan_id

    if stored_plan_id(plan) is not None:
        if layer is not None:
            raise ParameterError(f"--layer is for files; {plan} has its grids.")
        return read_plan_ref(plan, db).grids if at is None else _in_force(plan, db, at)
    if at is not None:
        raise ParameterError(
            f"--at needs a store with published plans: name any plan of the place as plan:ID instead of {plan}."
        )
    path = Path(plan)
    if not path.exists():
        raise NotFoundError(f"There is no file {plan}.")
    if path.is_dir():
        raise ParameterError(f"{plan} is a folder; give the file of the polygon layer in it.")
    require_no_store(path)
    from gis_core.layers.raw import read_table

    names = layers_of(path)
    if layer is None and len(names) > 1:
        if _GRIDS not in names:
            raise ParameterError(
                f"{plan} has several layers ({', '.join(sorted(names))}); name that of the polygons with --layer."
            )
        layer = _GRIDS
    return read_table(path, layer=layer)


def _summary(report: BulkReport) -> str:
    parts = [f"{count:,} {name}" for name, count in report.counts.items() if count or name != "no_position"]
    return f"{report.out}: {report.rows:,} rows ({', '.join(parts)}), points in {report.crs}, {report.seconds:.1f} s."
