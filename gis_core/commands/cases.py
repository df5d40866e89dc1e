"""`wangge cases`: cases of before into the store, all cases out of it, and what they say together."""

from __future__ import annotations

import csv
import getpass
import gzip
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import EXIT_NO, command, print_json, terminal_progress
from gis_core.commands._options import Db, Json
from gis_core.commands._output import require_output
from gis_core.errors import NotFoundError, ParameterError
from gis_core.errors import counted as counted_of

if TYPE_CHECKING:
    from api.case_import import ImportReport

#: Rejected rows that are shown on a terminal.
_SHOWN = 20


class Action(StrEnum):
    """What is to be done."""

    import_ = "import"
    export = "export"
    stats = "stats"


class Dates(StrEnum):
    """Order of days that do not begin with the year."""

    ymd = "ymd"
    mdy = "mdy"
    dmy = "dmy"


class Ends(StrEnum):
    """What a case is whose row does not say."""

    closed = "closed"
    open = "open"


class By(StrEnum):
    """What rows of counts are of."""

    unit = "unit"
    grid = "grid"
    category = "category"


class Table(StrEnum):
    """What a CSV holds."""

    cases = "cases"
    steps = "steps"


@command
def cases(
    action: Annotated[Action, typer.Argument(metavar="import|export|stats")],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="CSV (or .csv.gz) to import; .csv, .geojson or .xlsx to export to; CSV for stats, or none.",
        ),
    ] = None,
    *,
    crs: Annotated[
        str | None,
        typer.Option(
            metavar="wgs84|cgcs2000|gcj02|bd09|EPSG:n",
            help="System of the positions to import; must be said.",
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COL=NAME", help="Name a column to import; may be repeated."),
    ] = None,
    dates: Annotated[
        Dates, typer.Option(metavar="ymd|mdy|dmy", help="Order of days that do not begin with the year.")
    ] = Dates.ymd,
    zone: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Time zone of times that name none; default the calendar's."),
    ] = None,
    ends: Annotated[
        Ends, typer.Option("--as", metavar="closed|open", help="What a case is whose row does not say.")
    ] = Ends.closed,
    source: Annotated[
        str, typer.Option(metavar="TEXT", help="Whose numbers these are: the same number is the same case.")
    ] = "",
    plan: Annotated[
        str | None,
        typer.Option(metavar="plan:ID", help="Places what is of a time when no plan was in force."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing where a row is rejected.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be imported.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV to write the rejected rows to, with the reasons.")
    ] = None,
    table: Annotated[
        Table, typer.Option(metavar="cases|steps", help="Export to CSV: a row a case, or a row a step.")
    ] = Table.cases,
    by: Annotated[
        By, typer.Option(metavar="unit|grid|category", help="What rows of stats are of.")
    ] = By.unit,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="stats: reported on this day or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="stats: reported on this day or earlier.")
    ] = None,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Import cases of before from a CSV, export all cases with all their steps, or count them.

    Each imported case is placed by the plan that was in force at its time. Columns are found by name, Chinese or
    English. The same file again adds nothing, so work that was stopped is begun again in the same way.

    Example: wangge cases import old.csv --crs gcj02 --map words=案情 --rejects rejected.csv
    """
    if action == Action.stats:
        from gis_core.commands._case_stats import show_stats

        show_stats(file, by=by.value, since=since, until=until, db=db, as_json=json_)
        return
    if file is None:
        raise ParameterError(f"wangge cases {action.value} needs the name of a file.")
    if action == Action.export:
        _export(file, table.value, db=db, as_json=json_)
        return
    if crs is None:
        raise ParameterError(
            "Say which system the positions of the table are in: --crs wgs84, cgcs2000, gcj02, bd09 or EPSG:n."
        )
    if not file.is_file():
        raise NotFoundError(f"There is no file {file}.")
    if rejects is not None:
        require_output(rejects, inputs=[file])
    report = _import(
        file, db=db, crs=crs, mapping=_mapping(mapping or []), dates=dates.value, zone=zone, ends=ends.value,
        source=source, plan=plan, strict=strict, dry_run=dry_run, quiet=json_,
    )  # fmt: skip
    if rejects is not None:
        _write_rejects(report, rejects)
    if json_:
        print_json(report.as_dict())
    else:
        _say(report, dry_run=dry_run)
    if report.rejected and strict:
        raise typer.Exit(EXIT_NO)


def _import(
    file: Path,
    *,
    db: str | None,
    crs: str,
    mapping: dict[str, str],
    dates: Any,
    zone: str | None,
    ends: Any,
    source: str,
    plan: str | None,
    strict: bool,
    dry_run: bool,
    quiet: bool,
) -> ImportReport:
    from api.case_import import import_cases
    from api.services import Services
    from api.settings import Settings
    from gis_core.commands._plan_ref import stored_plan_id
    from gis_core.dispatch.old_cases import Reading
    from gis_core.store import open_store

    plan_id = None if plan is None else stored_plan_id(plan)
    if plan is not None and plan_id is None:
        raise ParameterError(f"{plan} is no plan of a store; write plan:ID, as `wangge plans` lists it.")
    with open_store(db, create=False) as store, terminal_progress(not quiet) as progress:
        services = Services(Settings(db=db), store)
        zone = zone or store.dispatch_rules().policy.calendar.zone
        return import_cases(
            services,
            gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes(),
            crs=crs,
            reading=Reading(dates, zone, ends, source),
            mapping=mapping,
            plan=plan_id,
            file=file.name,
            who=_user(),
            strict=strict,
            dry_run=dry_run,
            progress=lambda done, total: progress("cases", done, total),
        )


def _export(file: Path, table: str, *, db: str | None, as_json: bool) -> None:
    from api.case_export import FORMATS, export_cases, pages_of
    from gis_core.store import open_store

    form: Any = file.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise ParameterError(f"Cases are exported to .csv, .geojson or .xlsx, not to {file.name}.")
    require_output(file)
    count = 0
    with open_store(db, create=False) as store, _beside(file) as out:
        pages = pages_of(store)

        def counted() -> Iterator[Any]:
            nonlocal count
            for page in pages():
                count += len(page)
                yield page

        for piece in export_cases(counted, form, table=table):  # type: ignore[arg-type]
            out.write(piece)
    if as_json:
        print_json({"out": str(file), "cases": count})
    else:
        typer.echo(f"{file}: {counted_of(count, 'case')}.")


@contextmanager
def _beside(file: Path) -> Iterator[IO[bytes]]:
    """Open a file beside a place, which takes it once it is whole."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as out:
            yield out
        os.replace(part, file)  # noqa: PTH105
    finally:
        part.unlink(missing_ok=True)


def _mapping(items: list[str]) -> dict[str, str]:
    mapping = {}
    for item in items:
        what, sign, name = item.partition("=")
        if not sign:
            raise ParameterError(f"--map is written as words=案情, not {item!r}.")
        mapping[what.strip()] = name.strip()
    return mapping


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _write_rejects(report: ImportReport, file: Path) -> None:
    from gis_core.layers.safe_cell import safe_cell

    with _beside(file) as out:
        text = io.StringIO(newline="")
        rows = [("row", "reason"), *((one.row, safe_cell(one.reason)) for one in report.rejected)]
        csv.writer(text).writerows(rows)
        out.write(b"\xef\xbb\xbf" + text.getvalue().encode())


def _say(report: ImportReport, *, dry_run: bool) -> None:
    columns = ", ".join(f"{what} = {name}" for what, name in report.columns.items())
    typer.echo(f"Columns: {columns}")
    if not report.written:
        readable = report.rows - len(report.rejected)
        why = "only looked at" if dry_run else "nothing was imported"
        typer.echo(f"{report.rows:,} rows, {readable:,} of them readable; {why}.")
    else:
        typer.echo(
            f"{report.rows:,} rows: {report.added:,} cases imported, {report.known:,} were there before."
        )
    for number, words in (
        (report.unsure, "lie at a border or have a wide fix: their grid is left open"),
        (report.outside, "lie outside of all grids"),
        (report.without_plan, "are of a time when no plan was in force (--plan places them)"),
    ):
        if number:
            typer.echo(f"  {number:,} {words}.")
    for one in report.rejected[:_SHOWN]:
        typer.echo(f"Row {one.row} is left out: {one.reason}", err=True)
    if len(report.rejected) > _SHOWN:
        typer.echo(
            f"... and {len(report.rejected) - _SHOWN:,} more; --rejects FILE lists them all.", err=True
        )
