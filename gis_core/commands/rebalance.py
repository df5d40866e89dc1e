"""`wangge rebalance`: the plan in force on newer data, inside the bounds again with the least change."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._asked import BordersOf, Bound, Seeds, Weight, WishFiles, read_asked
from gis_core.commands._common import (
    EXIT_NO,
    command,
    compound_lines,
    fault_line,
    print_json,
    reason_lines,
    terminal_progress,
)
from gis_core.commands._ground import BarrierPolicy, PiecePolicy
from gis_core.commands._options import Db, Estimate, Mapping, OnInvalid, Policy, Within
from gis_core.commands._output import require_output
from gis_core.commands.partition import _all_kept, _plan_crs, _require_bounds, _require_positive
from gis_core.errors import ParameterError, counted

if TYPE_CHECKING:
    from gis_core.plan.file import PlanFile

#: Lines of who moves where that are shown on a terminal.
_SHOWN = 20


@command
def rebalance(
    plan: Annotated[str, typer.Argument(help="Plan in force: a plan file or plan:ID.")],
    dataset: Annotated[Path, typer.Argument(help="Container or folder with the data of now.")],
    out: Annotated[Path, typer.Option("--out", help="Plan file to write (.gpkg).")],
    max_moved: Annotated[
        int | None, typer.Option("--max-moved", help="Most households that may change hands.")
    ] = None,
    minimum: Annotated[
        float | None, typer.Option("--min", help="Least households of a grid; default: as PLAN was made.")
    ] = None,
    maximum: Annotated[
        float | None, typer.Option("--max", help="Most households of a grid; default: as PLAN was made.")
    ] = None,
    weight: Weight = None,
    bound: Bound = None,
    lock: Annotated[
        list[str] | None,
        typer.Option("--lock", metavar="CODE", help="A grid that keeps its ground; may be repeated."),
    ] = None,
    wishes: WishFiles = None,
    seeds: Seeds = None,
    borders: BordersOf = None,
    barriers: Annotated[
        BarrierPolicy | None,
        typer.Option("--barriers", metavar="cost|cut", help="As for partition; default: as PLAN was made."),
    ] = None,
    pieces: Annotated[
        PiecePolicy | None,
        typer.Option(
            "--pieces", metavar="alone|nearest|crossings", help="As for partition; default: as PLAN was made."
        ),
    ] = None,
    max_walk: Annotated[
        float | None,
        typer.Option(
            "--max-walk", metavar="M", help="As for partition; default: as PLAN was made; inf lifts it."
        ),
    ] = None,
    within: Within = None,
    on_invalid: Policy = OnInvalid.repair,
    mapping: Mapping = None,
    estimate_households: Estimate = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where a bound or wish is not kept.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="One seed, one plan.")] = 0,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", help="Seconds for search, proof and reasons.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", help="For the cells; default: one per core.")
    ] = None,
    crs: Annotated[str, typer.Option("--crs", help="Coordinate system of the plan file.")] = "wgs84",
    moves: Annotated[
        Path | None, typer.Option("--moves", help="Write who moves where as CSV (UTF-8 with BOM).")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the report as JSON.")] = None,
    db: Db = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Meet the bounds again on newer data, with the fewest households changing hands.

    Example: wangge rebalance plan.gpkg town-2027.gpkg --out new.gpkg --max-moved 2000 --moves moves.csv
    """
    from gis_core.commands._plan_ref import stored_plan_id
    from gis_core.fabric import build_fabric
    from gis_core.layers import parse_mapping, read_dataset
    from gis_core.layers.sources import find_files
    from gis_core.layers.write import writing
    from gis_core.plan import write_plan
    from gis_core.plan.file import require_plan_path
    from gis_core.plan.in_force import HOUSEHOLDS, made_with
    from gis_core.plan.rebalance import rebalance_plan
    from gis_core.plan.rebalance_levels import rebalance_levels

    _require_usable(max_moved, time_limit=time_limit, processes=processes)
    require_plan_path(out)
    inputs = [file.path for file in find_files(dataset).files]
    inputs += [] if stored_plan_id(plan) is not None else [Path(plan)]
    files = read_asked(
        dataset, weight=None, bounds=bound or [], locks=[], start=None, code_col="code", wishes=wishes or [],
        seeds=seeds, borders=borders or [],
    )  # fmt: skip
    inputs += files.inputs
    for number, path in enumerate([out, moves, report]):
        if path is not None:
            require_output(path, inputs=[*inputs, *[p for p in [out, moves][:number] if p is not None]])
    plan_crs = _plan_crs(crs)
    before = _in_force(plan, db, lock or [])
    made = made_with(before.report).changed(
        weight, minimum, maximum, files.bounds, None if barriers is None else barriers.value,
        None if pieces is None else pieces.value, max_walk,
    )  # fmt: skip
    _require_bounds(*made.bounds)
    files.weight = None if made.weight == HOUSEHOLDS else made.weight
    files.bounds = list(made.further)
    seconds: dict[str, float] = {}
    with terminal_progress(not json_) as progress:
        started = time.perf_counter()
        layers = read_dataset(
            dataset,
            mapping=parse_mapping(mapping or []),
            on_invalid=on_invalid.value,
            estimate_households=estimate_households,
            within=within,
            progress=progress,
        )
        seconds["read"] = time.perf_counter() - started
        files.require_usable(layers)
        started = time.perf_counter()
        fabric = build_fabric(layers, processes=processes, progress=progress)
        seconds["fabric"] = time.perf_counter() - started
        redraw = rebalance_levels if made.levels else rebalance_plan
        after = redraw(
            layers,
            fabric,
            before,
            bounds=made.bounds,
            asked=files.gather(layers, fabric),
            ground=made.ground,
            max_moved=max_moved,
            locked=lock or (),
            seed=seed,
            time_limit_s=time_limit,
            seconds=seconds,
            progress=progress,
        )
        started = time.perf_counter()
        progress("writing", 0, 1)
        with writing(out):
            write_plan(after.frames, out, crs=plan_crs)
        progress("writing", 1, 1)
        after.report["seconds"]["write"] = round(time.perf_counter() - started, 3)
    _write(after.report, moves, report)
    if json_:
        print_json(after.report)
    else:
        _say(after.report, out)
    too_few = max_moved is not None and after.report["rebalance"]["mending"] > max_moved
    if too_few or (strict and not _all_kept(after.report)):
        raise typer.Exit(EXIT_NO)


def _in_force(plan: str, db: str | None, locked: list[str]) -> PlanFile:
    """Read the plan in force, and refuse one that lacks a layer of its levels, or a grid to lock."""
    from gis_core.commands._plan_ref import read_plan_ref
    from gis_core.plan.asked import require_codes
    from gis_core.plan.rebalance_levels import require_level_layers

    before = read_plan_ref(plan, db)
    require_level_layers(before)
    require_codes(Path(plan).name, [str(code) for code in before.grids["code"]], locked)
    return before


def _require_usable(max_moved: int | None, **positive: float | None) -> None:
    """Refuse a budget below 0, and other numbers that are not above it."""
    _require_positive(**positive)
    if max_moved is not None and max_moved < 0:
        raise ParameterError(f"--max-moved {max_moved} cannot be used; give 0 or more.")


def _write(values: dict[str, Any], moves: Path | None, report: Path | None) -> None:
    """Write the table of moves and the report, each beside its place and then renamed."""
    from gis_core.plan.compare import moves_as_csv

    texts = [
        (moves, "utf-8-sig", moves_as_csv(values["rebalance"]["moves"])),
        (report, "utf-8", json.dumps(values, ensure_ascii=False, indent=1) + "\n"),
    ]
    for path, encoding, text in texts:
        if path is not None:
            part = path.with_name(f".{path.name}.part")
            part.write_text(text, encoding=encoding, newline="")
            part.replace(path)


def _say(values: dict[str, Any], out: Path) -> None:
    change = values["rebalance"]
    first, *others = values["weights"]
    low, high = first["bounds"]
    of = "" if first["name"] == "households" else f" of {first['name']}"
    proof = ", proved" if change["proved"] else ""
    typer.echo(
        f"{out.name}: {counted(values['grids'], 'grid')}, {values['in_bounds']} inside [{low}, {high}]{of}; "
        f"{counted(change['households_moved'], 'household')} in {counted(change['buildings_moved'], 'building')} "
        f"{'changes' if change['households_moved'] == 1 else 'change'} hands "
        f"(at least {change['least_moved']:,} must{proof}); {counted(change['households_new'], 'household')} "
        f"{'is' if change['households_new'] == 1 else 'are'} new."
    )
    for row in others:
        low, high = ("any" if side is None else side for side in row["bounds"])
        typer.echo(f"  {row['name']}: {row['in_bounds']} of {values['grids']} grids inside [{low}, {high}]")
    for name, codes in (
        ("New grids", change["codes_new"]),
        ("Closed for good", change["codes_retired"]),
        ("Without ground in this dataset, left out", change["codes_outside"]),
    ):
        if codes:
            typer.echo(f"  {name}: {', '.join(codes[:_SHOWN])}{' ...' if len(codes) > _SHOWN else ''}")
    for row in change["moves"][:_SHOWN]:
        typer.echo(
            f"  {row['from'] or 'no grid'} -> {row['to'] or 'no grid'}: {counted(row['households'], 'household')}, "
            f"{counted(row['buildings'], 'building')}"
        )
    if len(change["moves"]) > _SHOWN:
        typer.echo(f"  and {len(change['moves']) - _SHOWN} more pairs; --moves writes them all")
    homeless = change["carried"]["homeless"]
    if homeless:
        were = "was" if homeless == 1 else "were"
        typer.echo(f"  {counted(homeless, 'cell')} had no grid before and {were} given one.", err=True)
    for fault in values["faults"]:
        if fault["severity"] in ("repaired", "warning"):
            typer.echo("  " + fault_line(fault["layer"], fault["message"]), err=True)
    for line in [*compound_lines(values), *reason_lines(values["infeasible"])]:
        typer.echo(f"  {line}", err=True)
