"""Levels: a district into communities into grids in one run, each level nested in the one above.

Every level is a plan of its own, whose boundary polygons are the parts of the level above; so nesting, contiguity and
codes (the parent's code and a sequence) follow from the rules of a single plan.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_core.errors import InfeasiblePartitionError, ParameterError
from gis_core.model import Dataset, Fabric, Infeasible
from gis_core.partition import Bounds
from gis_core.partition.constraints.together import Together
from gis_core.partition.objective import Objective, violation
from gis_core.plan.asked import Asked
from gis_core.plan.codes import DEFAULT_TEMPLATE
from gis_core.plan.file import PLAN_COLUMNS, PlanFile
from gis_core.plan.ground import GroundOptions
from gis_core.plan.make import Plan, PresetName, Progress, make_plan

if TYPE_CHECKING:
    from gis_core.partition.workers import TaskRunner

__all__ = [
    "Level",
    "attainable",
    "layer_name",
    "level_row",
    "make_levels",
    "parse_levels",
    "part_polygons_as_boundary",
]

_NAME = re.compile(r"[^\W\d][\w-]{0,39}")


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a plan.

    Attributes
    ----------
    name : str
        What a part of it is called, such as `community`.
    minimum, maximum : float
        Least and most households (or of the weight that is balanced) of a part.
    """

    name: str
    minimum: float
    maximum: float


def parse_levels(text: str) -> tuple[Level, ...]:
    """Read `NAME:MIN:MAX,NAME:MIN:MAX`, the coarsest level first.

    Raises
    ------
    ParameterError
        Where it has another form, a name stands twice or is that of a layer of plan files, or the levels do not
        grow finer.

    Examples
    --------
    >>> [level.name for level in parse_levels("community:2000:4000,grid:300:500")]
    ['community', 'grid']
    """
    levels = tuple(_parse_level(part, text) for part in text.split(","))
    if len(levels) < 2:
        raise ParameterError("--levels needs at least two levels; for one use --min and --max.")
    layers = [layer_name(level.name) for level in levels[:-1]]
    if len({*layers, *PLAN_COLUMNS}) < len(layers) + len(PLAN_COLUMNS):
        raise ParameterError(
            f"The names of the levels in {text!r} must differ, and their layers must not be called "
            f"{', '.join(PLAN_COLUMNS)}; only the last level is `grids`."
        )
    for above, below in pairwise(levels):
        if above.maximum <= below.maximum or above.minimum < below.minimum:
            raise ParameterError(
                f"The level {above.name} ({above.minimum:g} to {above.maximum:g}) must be coarser than {below.name} "
                f"({below.minimum:g} to {below.maximum:g}); give the coarsest level first."
            )
    return levels


def _parse_level(part: str, text: str) -> Level:
    name, *sides = (piece.strip() for piece in part.split(":"))
    try:
        low, high = (float(side) for side in sides)
    except ValueError:
        low = high = math.nan
    if not _NAME.fullmatch(name) or not (math.isfinite(low) and math.isfinite(high)):
        raise ParameterError(
            f"The level {part.strip()!r} of {text!r} must have the form NAME:MIN:MAX, such as community:2000:4000."
        )
    if not 0 <= low <= high or high == 0:
        raise ParameterError(
            f"The level {part.strip()!r} leaves no room: give 0 <= MIN <= MAX and MAX above 0."
        )
    return Level(name, low, high)


def layer_name(level: str) -> str:
    """Return the name of the layer of a coarser level: its plural where the name is of plain letters.

    Examples
    --------
    >>> layer_name("community"), layer_name("district"), layer_name("社区")
    ('communities', 'districts', '社区')
    """
    if not level.isascii() or level.endswith("s"):
        return level
    if level.endswith("y") and level[-2:-1] not in "aeiou":
        return f"{level[:-1]}ies"
    return f"{level}s"


def attainable(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Narrow the bounds of the coarser levels so that every part can be shared by parts of the level below.

    k parts of a to b hold k a to k b; where those spans leave gaps inside the bounds of the level above, the widest run
    without a gap is taken, of equals the one nearest to the middle.

    Raises
    ------
    InfeasiblePartitionError
        Where no total inside the bounds of a level fits any number of parts of the level below.

    Examples
    --------
    >>> attainable((Level("community", 500, 1500), Level("grid", 300, 400)))[0]
    Level(name='community', minimum=900.0, maximum=1500.0)
    """
    found = [levels[-1]]
    for level in reversed(levels[:-1]):
        below = found[0]
        runs = _runs(level, below)
        if not runs:
            raise InfeasiblePartitionError(
                f"No {level.name} of {level.minimum:g} to {level.maximum:g} can be shared by parts of "
                f"{below.minimum:g} to {below.maximum:g} ({below.name}); widen the bounds of one of them."
            )
        middle = (level.minimum + level.maximum) / 2
        low, high = min(runs, key=lambda run: (run[0] - run[1], abs((run[0] + run[1]) / 2 - middle)))
        found.insert(0, Level(level.name, low, high))
    return tuple(found)


def _runs(level: Level, below: Level) -> list[tuple[float, float]]:
    """List the spans inside the bounds of a level that parts of the level below can fill, without a gap in each."""
    least = max(1, math.ceil(level.minimum / below.maximum - 1e-9))
    if below.minimum <= 0:
        return [(float(level.minimum), float(level.maximum))]
    runs: list[tuple[float, float]] = []
    for count in range(least, math.floor(level.maximum / below.minimum + 1e-9) + 1):
        low = max(float(level.minimum), float(count * below.minimum))
        high = min(float(level.maximum), float(count * below.maximum))
        if runs and low <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(high, runs[-1][1]))
        elif low <= high:
            runs.append((low, high))
        if runs and runs[-1][1] >= level.maximum:
            break
    return runs


def make_levels(
    dataset: Dataset,
    fabric: Fabric,
    levels: tuple[Level, ...],
    *,
    objective: Objective | PresetName = "plan",
    asked: Asked | None = None,
    ground: GroundOptions | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    processes: int | None = None,
    template: str = DEFAULT_TEMPLATE,
    seconds: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    runner: TaskRunner | None = None,
) -> Plan:
    """Cut a fabric level by level, the coarsest first.

    Parameters
    ----------
    dataset, fabric, objective, seed, time_limit_s, processes, template, seconds, progress, runner
        As for `make_plan`; the time is shared evenly by the levels.
    levels : tuple of Level
        The coarsest first.
    asked : Asked or None
        As for `make_plan`, for the finest level; coarser ones keep together what it keeps together or locks.
    ground : GroundOptions or None
        As for `make_plan`; the walking distance for the finest level only.

    Returns
    -------
    Plan
        The finest level. Its `boundary_code` is the code of the part of the level above; `frames.levels` has a layer
        for each coarser level, and `report["levels"]` a row for each.

    Raises
    ------
    ParameterError, InfeasiblePartitionError
        As for `make_plan` and `attainable`.
    """
    asked = asked or Asked()
    narrowed = attainable(levels)
    limit = None if time_limit_s is None else time_limit_s / len(levels)
    town, cells, layers, rows, reasons, solve_s = dataset, fabric, {}, [], list[Infeasible](), 0.0
    for depth, (level, bounds) in enumerate(zip(levels, narrowed, strict=True)):
        finest = depth == len(levels) - 1
        plan = make_plan(
            town,
            cells,
            bounds=(bounds.minimum, bounds.maximum),
            objective=objective,
            asked=asked if finest else _coarser(asked),
            ground=ground if finest or ground is None else replace(ground, max_walk_m=None),
            seed=seed,
            time_limit_s=limit,
            processes=processes,
            template=template,
            seconds=seconds,
            progress=progress,
            runner=runner,
        )
        rows.append(level_row(level, bounds, plan, asked, "grids" if finest else layer_name(level.name)))
        solve_s += plan.report["seconds"]["solve"]
        if not finest:
            layers[layer_name(level.name)] = plan.grids
            reasons += plan.report["infeasible"]
            town, cells = part_polygons_as_boundary(dataset, fabric, plan)
    report = {**plan.report, "levels": rows, "infeasible": [*reasons, *plan.report["infeasible"]]}
    report["seconds"] = {**report["seconds"], "solve": round(solve_s, 3)}
    frames = PlanFile(
        plan.frames.grids,
        plan.frames.buildings,
        plan.frames.cells,
        report=report,
        name=dataset.name,
        levels=layers,
    )
    return replace(plan, report=report, frames=frames)


def _coarser(asked: Asked) -> Asked:
    """Return what coarser levels need to know: the weight, and what must not be torn apart."""
    groups = [wish for wish in asked.constraints if isinstance(wish, Together)]
    if asked.locked is not None and asked.lock_codes:
        groups.append(Together(asked.locked, tuple(f"The locked grid {code}" for code in asked.lock_codes)))
    return Asked(weight=asked.weight, constraints=tuple(groups), faults=())


def part_polygons_as_boundary(dataset: Dataset, fabric: Fabric, plan: Plan) -> tuple[Dataset, Fabric]:
    """Make the grids of a plan the boundary polygons of the next level."""
    grids = plan.grids
    boundary = gpd.GeoDataFrame(
        {
            "code": grids["code"].to_numpy(),
            "name": pd.array([None] * len(grids), dtype="str"),
            "parent": grids["boundary_code"].to_numpy(),
            "row": np.arange(len(grids)),
        },
        geometry=grids.geometry.values,
        crs=dataset.work_crs,
    )
    return replace(dataset, boundary=boundary), replace(fabric, boundary_ix=plan.assignment)


def level_row(level: Level, used: Level, plan: Plan, asked: Asked, layer: str) -> dict[str, Any]:
    """Say how one level went; `bounds` are those asked for, `narrowed` those that the level below left of them."""
    report = plan.report
    weight = (asked.weight.cells if asked.weight else plan.fabric.households).astype(np.float64)
    outside = violation(
        np.bincount(plan.assignment, weights=weight).astype(np.float64),
        Bounds(minimum=level.minimum, maximum=level.maximum),
    )
    return {
        "name": level.name,
        "layer": layer,
        "parts": report["grids"],
        "bounds": [level.minimum, level.maximum],
        "narrowed": report["bounds"]
        if (level.minimum, level.maximum) != (used.minimum, used.maximum)
        else None,
        "in_bounds": int((outside <= 1e-9 * max(1.0, float(weight.sum()))).sum()),
        "max_deviation": report["max_deviation"],
        "deviation_lower_bound": report["deviation_lower_bound"],
        "street_share": report["street_share"],
        "contiguous": report["contiguous"],
        "per_parent": [{"code": row["code"], "parts": row["grids"]} for row in report["per_boundary"]],
    }
