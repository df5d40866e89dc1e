"""The command `wangge check`: what is wrong with the files, layer by layer, and what would be repaired."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import EXIT_NO, command, print_json, terminal_progress
from gis_core.commands._options import Counts, Estimate, Json, Mapping, OnInvalid, Policy, SourceCrs, Within
from gis_core.errors import counted

if TYPE_CHECKING:
    from rich.console import Console

    from gis_core.layers import Inspection
    from gis_core.model import Fault

_MARKS = {
    "error": ("error", "bold red"),
    "repaired": ("mended", "cyan"),
    "warning": ("warning", "yellow"),
    "note": ("note", "dim"),
}
_ORDER = tuple(_MARKS)
_ANY_FIX = "Give a GeoPackage, a folder of layers or an .osm.pbf, as docs/dataset.md describes them."


@command
def check(
    dataset: Annotated[Path, typer.Argument(help="GeoPackage, folder of layers, or .osm.pbf.")],
    mapping: Mapping = None,
    on_invalid: Policy = OnInvalid.repair,
    estimate_households: Estimate = False,
    within: Within = None,
    counts: Counts = None,
    source_crs: SourceCrs = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with the files of a dataset and what would be repaired; nothing is changed.

    Ends with 0 where the dataset can be used (repairs and warnings included), else with 1.

    Example: wangge check town.gpkg --map buildings.households=HU_CNT
    """
    from gis_core.errors import DatasetError
    from gis_core.layers import Inspection, inspect_dataset, parse_mapping
    from gis_core.model import Fault

    columns = parse_mapping(mapping or [])
    try:
        with terminal_progress(not as_json) as progress:
            found = inspect_dataset(
                dataset,
                mapping=columns,
                on_invalid=on_invalid.value,
                estimate_households=estimate_households,
                within=within,
                counts=counts,
                source_crs=source_crs,
                progress=progress,
            )
    except DatasetError as error:
        code = str(error.context.get("code", error.code))
        what, _, fix = error.message.partition("; ")
        what, fix = (f"{what}.", f"{fix[:1].upper()}{fix[1:]}") if fix else (error.message, _ANY_FIX)
        fault = Fault(code, "dataset", what, fix, "error")
        found = Inspection(dataset.name, dataset.name, (), None, (fault,))
    if as_json:
        print_json(as_document(found))
    else:
        _print_report(found)
    if found.dataset is None:
        raise typer.Exit(EXIT_NO)


def as_document(found: Inspection) -> dict[str, Any]:
    """Return an inspection as plain values for JSON."""
    return {
        "dataset": found.source,
        "usable": found.dataset is not None,
        "work_crs": None if found.dataset is None else f"EPSG:{found.dataset.work_crs.to_epsg()}",
        "layers": [
            {
                "layer": each.layer,
                "file": each.file,
                "rows": each.rows,
                "crs": each.crs,
                "columns": each.columns,
            }
            for each in found.layers
        ],
        "households": None if found.dataset is None else int(found.dataset.buildings["households"].sum()),
        "faults": [fault.as_dict() for fault in found.faults],
    }


def _print_report(found: Inspection) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(f"[bold]{_safe(found.source)}[/bold]")
    _print_layers(console, found)
    by_severity = {name: [fault for fault in found.faults if fault.severity == name] for name in _ORDER}
    for name in _ORDER:
        for fault in by_severity[name]:
            _print_fault(console, fault)
    errors = len(by_severity["error"])
    if errors:
        console.print(
            f"\n[bold red]{errors} {'fault stops' if errors == 1 else 'faults stop'} the work.[/bold red]"
        )
    elif found.dataset is not None:
        warnings = len(by_severity["warning"])
        counts = f"{len(by_severity['repaired'])} mended, {warnings} warning{'' if warnings == 1 else 's'}"
        total = int(found.dataset.buildings["households"].sum())
        console.print(
            f"\n[green]Usable[/green]: {counted(len(found.dataset.boundary), 'boundary polygon')}, "
            f"{counted(len(found.dataset.buildings), 'building')}, "
            f"{counted(total, 'household')}; {counts}. Work happens in EPSG:{found.dataset.work_crs.to_epsg()}."
        )


def _print_layers(console: Console, found: Inspection) -> None:
    from rich.table import Table

    if not found.layers:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, justify in (("layer", "left"), ("rows", "right"), ("CRS", "left"), ("columns", "left")):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for each in found.layers:
        columns = ", ".join(
            target if target == source else f"{target} = {source}" for target, source in each.columns.items()
        )
        table.add_row(
            each.layer, f"{each.rows:,}", _safe(each.crs), _safe(columns) or "[dim]none recognised[/dim]"
        )
    console.print(table)
    if found.faults:
        console.print()


def _print_fault(console: Console, fault: Fault) -> None:
    from rich.table import Table

    word, style = _MARKS[fault.severity]
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8)
    grid.add_column(overflow="fold")
    count = f" [dim]({fault.count:,} rows)[/dim]" if fault.count > 1 else ""
    grid.add_row(f"[{style}]{word}[/{style}]", f"{_safe(fault.message)}{count}")
    if fault.severity != "note" and fault.fix not in fault.message:
        grid.add_row("", f"[dim]-> {_safe(fault.fix)}[/dim]")
    grid.add_row("", f"[dim]{fault.code}[/dim]") if fault.severity == "error" else None
    console.print(grid)


def _safe(text: str) -> str:
    """Escape text of the files, so that brackets in it are no markup."""
    from rich.markup import escape

    return escape(text)
