"""`wangge compare`: what changed from one plan to another, by buildings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gis_core.commands._common import command, print_json
from gis_core.commands._options import Db, Json
from gis_core.commands._output import require_output
from gis_core.errors import counted

#: Pairs of grids that are shown on a terminal.
_SHOWN = 20


@command
def compare(
    before: Annotated[str, typer.Argument(metavar="A", help="Plan of before: a plan file or plan:ID.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Plan of after: a plan file or plan:ID.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the table as CSV (UTF-8 with BOM).")
    ] = None,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Say what changed from plan A to plan B: households and buildings, per pair of grids.

    Example: wangge compare plan.gpkg new.gpkg --out moves.csv
    """
    from gis_core.commands._plan_ref import read_plan_ref, stored_plan_id
    from gis_core.plan.compare import compare_plans, moves_as_csv

    if out is not None:
        require_output(out, inputs=[Path(ref) for ref in (before, after) if stored_plan_id(ref) is None])
    change = compare_plans(read_plan_ref(before, db), read_plan_ref(after, db))
    if out is not None:
        part = out.with_name(f".{out.name}.part")
        part.write_text(moves_as_csv(change["moves"]), encoding="utf-8-sig", newline="")
        part.replace(out)
    if json_:
        print_json(change)
        return
    _say(change)


def _say(change: dict[str, Any]) -> None:
    people, houses, grids = change["households"], change["buildings"], change["grids"]
    typer.echo(
        f"{people['moved']:,} of {counted(people['matched'], 'household')} ({people['moved_share']:.1%}) in "
        f"{counted(houses['moved'], 'building')} {'is' if people['moved'] == 1 else 'are'} in another grid."
    )
    typer.echo(
        f"{people['kept_neighbors']:,} households stay together with most of their grid, whatever it is called."
    )
    typer.echo(
        f"Buildings: {houses['by_id']:,} matched by id, {houses['by_position']:,} by position; {houses['new']:,} new "
        f"({counted(people['new'], 'household')}), {houses['removed']:,} removed "
        f"({counted(people['removed'], 'household')})."
    )
    typer.echo(
        f"Grids: {grids['kept']:,} kept, {len(grids['added']):,} added, {len(grids['removed']):,} removed."
    )
    for name in ("before", "after"):
        typer.echo(f"Balance {name}: {_balance(change['balance'][name])}.")
    for row in change["moves"][:_SHOWN]:
        typer.echo(
            f"  {row['from'] or 'no grid'} -> {row['to'] or 'no grid'}: {counted(row['households'], 'household')}, "
            f"{counted(row['buildings'], 'building')}"
        )
    if len(change["moves"]) > _SHOWN:
        typer.echo(f"  and {len(change['moves']) - _SHOWN} more pairs; --out writes them all")


def _balance(row: dict[str, Any]) -> str:
    if row["least"] is None:
        return "no grids"
    text = f"{row['least']:,} to {row['most']:,} households"
    if row["bounds"] is not None:
        text += f", {row['in_bounds']} inside [{row['bounds'][0]:g}, {row['bounds'][1]:g}]"
    if row["max_deviation"] is not None:
        text += f", greatest deviation {row['max_deviation']:.1%}"
    return text
