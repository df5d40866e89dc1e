"""`wangge partition`: from the files of a dataset to a plan file."""

from __future__ import annotations

import math
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._asked import (
    BordersOf,
    Bound,
    CodeCol,
    From,
    Grids,
    Levels,
    Lock,
    Seeds,
    Weight,
    WishFiles,
    parse_numbers,
    read_asked,
    read_levels,
)
from gis_core.commands._common import (
    EXIT_NO,
    command,
    compound_lines,
    fault_line,
    print_json,
    reason_lines,
    terminal_progress,
)
from gis_core.commands._ground import BarrierPolicy, Barriers, MaxWalk, PiecePolicy, Pieces, ground_options
from gis_core.commands._options import Counts, Estimate, Mapping, OnInvalid, Policy, SourceCrs, Within
from gis_core.commands._output import require_output
from gis_core.errors import ParameterError, counted

if TYPE_CHECKING:
    from gis_core.model import Dataset, Fabric
    from gis_core.plan import Plan
    from gis_core.plan.levels import Level

#: Reasons that a wish of the planner is not fulfilled.
_WISHES = ("together", "apart", "seeds", "borders", "barrier-crossed", "max-walk")


class ObjectiveChoice(StrEnum):
    """What a plan is drawn with, inside the bounds."""

    plan = "plan"
    street = "street"
    border = "border"
    balance = "balance"


@command
def partition(
    dataset: Annotated[
        Path, typer.Argument(help="Container or folder with boundary, buildings, streets ...")
    ],
    out: Annotated[Path, typer.Option("--out", help="Plan file to write (.gpkg).")],
    minimum: Annotated[
        float | None, typer.Option("--min", help="Least households (or weight) of a grid; default 300.")
    ] = None,
    maximum: Annotated[
        float | None, typer.Option("--max", help="Most households (or weight) of a grid; default 500.")
    ] = None,
    grids: Grids = None,
    weight: Weight = None,
    bound: Bound = None,
    lock: Lock = None,
    from_: From = None,
    code_col: CodeCol = "code",
    wishes: WishFiles = None,
    seeds: Seeds = None,
    borders: BordersOf = None,
    levels: Levels = None,
    barriers: Barriers = BarrierPolicy.cost,
    max_walk: MaxWalk = None,
    pieces: Pieces = PiecePolicy.alone,
    within: Within = None,
    on_invalid: Policy = OnInvalid.repair,
    mapping: Mapping = None,
    estimate_households: Estimate = False,
    counts: Counts = None,
    source_crs: SourceCrs = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a grid is out of bounds.")] = False,
    objective: Annotated[
        ObjectiveChoice,
        typer.Option(
            "--objective",
            metavar="plan|street|border|balance",
            help="Streets by class and even grids, borders on streets, short borders, or evenness first.",
        ),
    ] = ObjectiveChoice.plan,
    front: Annotated[
        bool,
        typer.Option("--front", help="Show what even grids cost in borders: a table, and OUT-front.svg."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="One seed, one plan.")] = 0,
    time_limit: Annotated[float | None, typer.Option("--time-limit", help="Seconds for the solver.")] = None,
    processes: Annotated[int | None, typer.Option("--processes", help="Default: one per core.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="Dask scheduler that solves, tcp://HOST:PORT (default: here)."),
    ] = None,
    crs: Annotated[str, typer.Option("--crs", help="Coordinate system of the plan file.")] = "wgs84",
    report: Annotated[Path | None, typer.Option("--report", help="Write the report as JSON.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Cut a dataset into balanced, contiguous grids and write the plan file.

    Example: wangge partition town.gpkg --out plan.gpkg --min 300 --max 500 --report report.json
    """
    from gis_core.fabric import build_fabric
    from gis_core.layers import parse_mapping, read_dataset
    from gis_core.layers.sources import find_files
    from gis_core.layers.write import writing
    from gis_core.plan import write_plan
    from gis_core.plan.file import require_plan_path
    from gis_core.plan.front import front_svg

    steps = read_levels(levels, min=minimum, max=maximum, grids=grids, front=front or None, **{"from": from_})
    bounds = (300.0 if minimum is None else minimum, 500.0 if maximum is None else maximum)
    _require_bounds(*bounds)
    numbers = parse_numbers(grids)
    _require_positive(time_limit=time_limit, processes=processes)
    ground = ground_options(barriers, pieces, max_walk)
    require_plan_path(out)
    inputs = [file.path for file in find_files(dataset).files]
    files = read_asked(
        dataset, weight=weight, bounds=bound or [], locks=lock or [], start=from_, code_col=code_col,
        wishes=wishes or [], seeds=seeds, borders=borders or [],
    )  # fmt: skip
    inputs += files.inputs
    require_output(out, inputs=inputs)
    picture = out.with_name(f"{out.stem}-front.svg")
    if front:
        require_output(picture, inputs=inputs)
    if report is not None:
        require_output(report, inputs=[*inputs, out, *([picture] if front else [])])
    plan_crs = _plan_crs(crs)
    runner = None if scheduler is None else _cluster(scheduler)
    seconds: dict[str, float] = {}
    with terminal_progress(not json_) as progress:
        started = time.perf_counter()
        layers = read_dataset(
            dataset,
            mapping=parse_mapping(mapping or []),
            on_invalid=on_invalid.value,
            estimate_households=estimate_households,
            within=within,
            counts=counts,
            source_crs=source_crs,
            progress=progress,
        )
        seconds["read"] = time.perf_counter() - started
        files.require_usable(layers)
        started = time.perf_counter()
        fabric = build_fabric(layers, processes=processes, progress=progress)
        seconds["fabric"] = time.perf_counter() - started
        how: dict[str, Any] = {
            "objective": objective.value,
            "asked": files.gather(layers, fabric),
            "ground": ground,
            "seed": seed,
            "time_limit_s": time_limit,
            "processes": processes,
            "seconds": seconds,
            "progress": progress,
            "runner": runner,
        }
        if steps is None:
            how.update(bounds=bounds, n_grids=numbers)
        plan = _draw(layers, fabric, steps, how, front=front)
        started = time.perf_counter()
        progress("writing", 0, 1)
        with writing(out):
            write_plan(plan.frames, out, crs=plan_crs)
        if front:
            _write_text(front_svg(plan.report["front"], f"{layers.name}: what even grids cost"), picture)
        progress("writing", 1, 1)
        plan.report["seconds"]["write"] = round(time.perf_counter() - started, 3)
    _say(plan.report, out, report, json_)
    if strict and not _all_kept(plan.report):
        raise typer.Exit(EXIT_NO)


def _draw(
    layers: Dataset, fabric: Fabric, steps: tuple[Level, ...] | None, how: dict[str, Any], *, front: bool
) -> Plan:
    """Make the plan: level by level, at several prices of unevenness, or once."""
    from gis_core.plan import make_plan
    from gis_core.plan.front import trace_front
    from gis_core.plan.levels import make_levels

    if steps is not None:
        return make_levels(layers, fabric, steps, **how)
    return trace_front(layers, fabric, **how).plan if front else make_plan(layers, fabric, **how)


def _cluster(address: str) -> Any:
    """Return what solves on a Dask cluster, once it is known that the cluster answers and can."""
    from gis_core.cluster import ClusterRunner, require_cluster

    require_cluster(address)
    return ClusterRunner(address)


def _plan_crs(name: str) -> str:
    """Return the EPSG name of a coordinate system that a GeoPackage can hold."""
    from gis_core.crs import parse_crs

    system = parse_crs(name)
    if system.crs is None:
        raise ParameterError(
            f"A plan file cannot be in {name}, which has no EPSG code; use wgs84, cgcs2000 or EPSG:n."
        )
    return str(system.crs.to_string())


def _all_kept(report: dict[str, Any]) -> bool:
    """Tell whether every part of every level is inside its bounds, for every weight, and every wish is fulfilled."""
    levels = all(level["in_bounds"] == level["parts"] for level in report.get("levels", []))
    weights = all(weight["in_bounds"] == report["grids"] for weight in report["weights"])
    return levels and weights and not any(item["what"] in _WISHES for item in report["infeasible"])


def _require_bounds(minimum: float, maximum: float) -> None:
    if not 0 <= minimum <= maximum < math.inf or maximum <= 0:
        raise ParameterError(
            f"--min {minimum:g} and --max {maximum:g} leave no room: give 0 <= min <= max and max above 0."
        )


def _require_positive(**options: float | None) -> None:
    """Fail before the long work on numbers that the solver could not use."""
    for name, value in options.items():
        if value is not None and not value > 0:
            raise ParameterError(f"--{name.replace('_', '-')} {value:g} cannot be used; give more than 0.")


def _write_text(text: str, path: Path) -> None:
    """Write beside the place of a file, and move it there when it is whole."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _say(values: dict[str, Any], out: Path, report: Path | None, as_json: bool) -> None:
    if report is not None:
        import json

        _write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", report)
    if as_json:
        print_json(values)
        return
    low, high = values["bounds"]
    share = values["street_share"]
    typer.echo(
        f"{out.name}: {counted(values['grids'], 'grid')}, {counted(values['households'], 'household')}; "
        f"{values['in_bounds']} of {values['grids']} inside [{low}, {high}]; "
        f"greatest deviation {values['max_deviation']:.1%}"
        + (f"; {share:.0%} of inner borders on streets" if share is not None else "")
        + "."
    )
    if "front" in values:
        from gis_core.plan.front import front_table

        typer.echo(f"\n{front_table(values['front'])}\n\nPicture: {out.stem}-front.svg")
    for fault in values["faults"]:
        if fault["severity"] in ("repaired", "warning"):
            typer.echo("  " + fault_line(fault["layer"], fault["message"]), err=True)
    for line in [*compound_lines(values), *reason_lines(values["infeasible"])]:
        typer.echo(f"  {line}", err=True)
