"""`wangge cases stats`: what the cases of a time say together, as a table, CSV or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from gis_core.commands._common import print_json
from gis_core.commands._output import require_output
from gis_core.errors import ParameterError

__all__ = ["show_stats"]

#: What stands in the table on a terminal: the figure, and its title.
_SHOWN = (
    ("cases", "cases"),
    ("open", "open"),
    ("overdue", "overdue"),
    ("closed", "closed"),
    ("cancelled", "cancelled"),
    ("duplicates", "duplicates"),
    ("reopened", "reopened"),
    ("dispatches", "sent"),
    ("returns", "returns"),
    ("return_rate", "rate"),
    ("done", "done"),
    ("late", "late"),
    ("median_hours", "median h"),
    ("p90_hours", "p90 h"),
)


def show_stats(
    file: Path | None, *, by: Any, since: str | None, until: str | None, db: str | None, as_json: bool
) -> None:
    """Count the cases of a store; into a file where one is named."""
    from api.case_counts import counts_csv, counts_of
    from gis_core.store import open_store

    if file is not None:
        if file.suffix.lower() != ".csv":
            raise ParameterError(f"Counts are written to .csv, not to {file.name}; --json prints JSON.")
        require_output(file)
    with open_store(db, create=False) as store:
        counts = counts_of(store, since=since, until=until, by=by)
    if file is not None:
        file.write_text(counts_csv(counts), encoding="utf-8", newline="")
    if as_json:
        print_json(counts if file is None else {"out": str(file), "rows": len(counts["rows"])})
    elif file is not None:
        typer.echo(f"{file}: {len(counts['rows'])} rows and one of all cases.")
    else:
        _print(counts)


def _print(counts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(counts["by"], overflow="fold")
    for _, title in _SHOWN:
        table.add_column(title, justify="right")
    for row in counts["rows"]:
        name = f"[dim]no {counts['by']}[/dim]" if row["key"] is None else escape(row["key"])
        table.add_row(name, *_cells(row))
    table.add_section()
    table.add_row("[bold]all cases[/bold]", *_cells(counts["total"]))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _cells(row: dict[str, Any]) -> list[str]:
    rate = row["return_rate"]
    told = {**row, "return_rate": None if rate is None else f"{rate:.1%}"}
    return ["" if told[name] is None else str(told[name]) for name, _ in _SHOWN]
