"""`wangge solve`: the solver on a bare graph."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import EXIT_NO, command, print_json, terminal_progress
from gis_core.commands._options import Json
from gis_core.commands._output import require_output
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gis_core.partition.bare import BareSolution
    from gis_core.partition.instance import Instance


class ObjectiveChoice(StrEnum):
    """What is best, inside the bounds."""

    border = "border"
    street = "street"
    balance = "balance"


@command
def solve(
    instance: Annotated[Path, typer.Argument(help="Graph to cut (.npz), with k parts and bounds lo and hi.")],
    out: Annotated[Path, typer.Option("--out", help="Part of each cell to write (.npy, int32).")],
    objective: Annotated[
        ObjectiveChoice,
        typer.Option(
            "--objective",
            metavar="border|street|balance",
            help="Inside the bounds: least border, least border with streets at 0.2, or least deviation.",
        ),
    ] = ObjectiveChoice.border,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="S", help="Seconds to improve the plan in.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="One seed, one plan.")] = 0,
    json_: Json = False,
) -> None:
    """Cut a bare graph into k contiguous parts inside its bounds, and write the part of each cell.

    The least bad plan is written, and the reasons are given, where a part cannot be inside the bounds (exit 1).

    Example: wangge solve town.npz --out part.npy --objective street --time-limit 15
    """
    if out.suffix != ".npy":
        raise ParameterError(f"{out.name} must end in .npy, the format that the parts are written in.")
    if time_limit is not None and not 0 < time_limit < float("inf"):
        raise ParameterError(f"--time-limit {time_limit:g} cannot be used; give seconds, more than 0.")
    from gis_core.partition.bare import solve_instance
    from gis_core.partition.instance import read_instance

    require_output(out, inputs=[instance])
    started = time.perf_counter()
    question = read_instance(instance)
    read_s = time.perf_counter() - started
    with terminal_progress(not json_) as progress:
        found = solve_instance(
            question, objective=objective.value, seed=seed, time_limit_s=time_limit, progress=progress
        )
    started = time.perf_counter()
    _write(found.part, out)
    write_s = time.perf_counter() - started
    seconds = {"read": read_s, "solve": found.seconds, "proof": found.proof_seconds, "write": write_s}
    values = _values(question, found, objective.value, seed, seconds)
    if json_:
        print_json(values)
    else:
        _say(values, out)
    if values["in_bounds"] < values["parts"] or values["parts"] != values["wanted"]:
        raise typer.Exit(EXIT_NO)


def _write(part: NDArray[np.int32], out: Path) -> None:
    """Write the parts beside their place and move them there when they are whole."""
    import numpy as np

    from gis_core.layers.write import beside

    with beside(out) as folder:
        np.save(folder / out.name, part, allow_pickle=False)
        (folder / out.name).replace(out)


def _values(
    question: Instance, found: BareSolution, objective: str, seed: int, seconds: dict[str, float]
) -> dict[str, Any]:
    """Collect the numbers of a partition as plain values for JSON."""
    from gis_core import __version__
    from gis_core.partition.bare import measure

    measures = measure(question, found.part)
    border, compact = measures.border_m, measures.polsby_popper_mean
    return {
        "instance": question.name,
        "cells": question.graph.n_cells,
        "adjacencies": len(question.graph.indices) // 2,
        "parts": measures.parts,
        "wanted": question.n_parts,
        "bounds": [question.bounds.minimum, question.bounds.maximum],
        "in_bounds": measures.in_bounds,
        "contiguous": measures.in_pieces == 0,
        "parts_over_several_pieces": measures.over_pieces,
        "max_deviation": round(measures.max_deviation, 6),
        "deviation_lower_bound": round(found.lower_bound, 6),
        "deviation_is_optimal": measures.max_deviation <= found.lower_bound + 1e-9,
        "border_km": round(border / 1000, 3),
        "street_share": round(measures.street_border_m / border, 4) if border > 0 else None,
        "street_cost_km": round(measures.street_cost_m() / 1000, 3),
        "polsby_popper_mean": None if compact is None else round(compact, 4),
        "objective": objective,
        "seed": seed,
        "stopped_by": found.stopped_by,
        "seconds": {step: round(value, 3) for step, value in seconds.items()},
        "infeasible": [reason.as_dict() for reason in found.infeasible],
        "version": __version__,
    }


def _say(values: dict[str, Any], out: Path) -> None:
    """Print the summary, a line a measure, and the reasons on stderr."""
    low, high = values["bounds"]
    parts, share, compact = values["parts"], values["street_share"], values["polsby_popper_mean"]
    asked = "" if parts == values["wanted"] else f" of {values['wanted']:,} asked for"
    proof = (
        "proved to be the least that can be"
        if values["deviation_is_optimal"]
        else f"none below {_percent(values['deviation_lower_bound'])} can be"
    )
    rows = {
        "parts": f"{parts:,}{asked}, of {values['cells']:,} {'cell' if values['cells'] == 1 else 'cells'}",
        "in bounds": f"{values['in_bounds']:,} of {parts:,} inside {low:,g} to {high:,g}",
        "greatest deviation": f"{_percent(values['max_deviation'])} of the mean; {proof}",
        "inner border": f"{values['border_km']:,.3f} km"
        + ("" if share is None else f", {share:.0%} of it on streets"),
        "street cost": f"{values['street_cost_km']:,.3f} km (streets at 0.2)",
        "compactness": "not known without area and per"
        if compact is None
        else f"{compact:.3f} (mean Polsby-Popper)",
        "solving": f"{values['seconds']['solve']:.2f} s, stopped by "
        + ("the time limit" if values["stopped_by"] == "time-limit" else "convergence"),
    }
    typer.echo(f"{out.name}: the part of each cell of {values['instance']}, objective {values['objective']}")
    for name, text in rows.items():
        typer.echo(f"  {name:<19}{text}")
    over = values["parts_over_several_pieces"]
    if over:
        typer.echo(
            f"  {'separate pieces':<19}{over:,} {'part holds' if over == 1 else 'parts hold'} cells of several pieces "
            "of the graph, which could not be cut alone into parts inside the bounds"
        )
    for item in values["infeasible"]:
        typer.echo(f"  {item['reason']} {item['mend']}".rstrip(), err=True)


def _percent(fraction: float) -> str:
    return f"{fraction:.2%}" if fraction >= 0.01 else f"{fraction:.3%}"
