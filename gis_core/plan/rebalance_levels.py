"""Redraw a plan with levels on newer data: level by level with the least change, each nested in the one above.

Communities are brought back inside their bounds first, as a plan of their own whose parts are communities; their ground
is then what the grids in them are rebalanced on. A grid stays in its community, but for cells that changed community.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gis_core.errors import ParameterError
from gis_core.model import Dataset, Fabric
from gis_core.partition.constraints.together import Together
from gis_core.plan.asked import Asked
from gis_core.plan.carry import carry_plan
from gis_core.plan.file import PlanFile
from gis_core.plan.ground import GroundOptions
from gis_core.plan.levels import Level, attainable, level_row, part_polygons_as_boundary
from gis_core.plan.make import Plan, Progress
from gis_core.plan.rebalance import rebalance_plan

__all__ = ["levels_of", "rebalance_levels", "require_level_layers"]

#: What the row of a coarser level says of the change on it.
_CHANGE = (
    "households_moved",
    "least_moved",
    "proved",
    "mending",
    "codes_new",
    "codes_retired",
    "codes_outside",
)


def levels_of(report: Mapping[str, Any]) -> tuple[Level, ...]:
    """Return the levels that a plan was made with, the coarsest first; nothing for a plan of grids only."""
    return tuple(
        Level(str(row["name"]), float(row["bounds"][0]), float(row["bounds"][1]))
        for row in report.get("levels") or []
    )


def rebalance_levels(
    dataset: Dataset,
    fabric: Fabric,
    before: PlanFile,
    *,
    bounds: tuple[float, float],
    asked: Asked | None = None,
    ground: GroundOptions | None = None,
    max_moved: int | None = None,
    locked: Iterable[str] = (),
    seed: int = 0,
    time_limit_s: float | None = None,
    seconds: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Carry a plan with levels over to a dataset, and meet the bounds of each level again with the least change.

    Parameters
    ----------
    dataset, fabric, asked, ground, seed, seconds, progress
        As for `rebalance_plan`; the walking distance for the grids only.
    before : PlanFile
        The plan in force, with the layers of its coarser levels.
    bounds : (float, float)
        Of the grids; those of the coarser levels are as the plan says, narrowed to what the grids can share.
    max_moved : int or None
        As for `rebalance_plan`; who changes community changes grid, so that what communities use is not left for grids.
    locked : iterable of str
        Codes of grids that keep their ground; their community keeps it whole.
    time_limit_s : float or None
        Shared evenly by the levels.

    Returns
    -------
    Plan
        The grids. `report["levels"]` has a row for each level, with the change on the coarser ones.

    Raises
    ------
    ParameterError
        Where a layer of a level is missing; else as for `rebalance_plan` and `attainable`.
    """
    asked, locked = asked or Asked(), tuple(locked)
    *coarse, finest = levels_of(before.report)
    levels = attainable((*coarse, Level(finest.name, *bounds)))
    old = _plans_of(before)
    limit = None if time_limit_s is None else time_limit_s / len(levels)
    how: dict[str, Any] = {"ground": ground, "max_moved": max_moved, "seed": seed, "time_limit_s": limit}
    how |= {"seconds": seconds, "progress": progress}
    above = how | {"ground": None if ground is None else replace(ground, max_walk_m=None)}
    town, cells, layers, rows, reasons = dataset, fabric, {}, [], list[dict[str, Any]]()
    mending: float = 0
    solve_s = 0.0
    whole = _coarser(asked, dataset, fabric, before, locked)
    for level, plan_before, row in zip(levels[:-1], old, before.report["levels"], strict=False):
        span = (level.minimum, level.maximum)
        plan = rebalance_plan(town, cells, plan_before, bounds=span, asked=whole, **above)
        change = plan.report["rebalance"]
        wanted = Level(level.name, *row["bounds"])
        rows.append(
            level_row(wanted, level, plan, asked, row["layer"]) | {key: change[key] for key in _CHANGE}
        )
        layers[row["layer"]] = plan.grids
        reasons += _on_level(level.name, plan.report["infeasible"], finest=False)
        mending, solve_s = max(mending, change["mending"]), solve_s + plan.report["seconds"]["solve"]
        town, cells = part_polygons_as_boundary(dataset, fabric, plan)
    after = rebalance_plan(town, cells, before, bounds=bounds, asked=asked, locked=locked, **how)
    rows.append(level_row(levels[-1], levels[-1], after, asked, "grids"))
    own = _on_level(levels[-1].name, after.report["infeasible"], finest=True)
    report = {**after.report, "levels": rows, "infeasible": [*reasons, *own]}
    report["seconds"] = {**report["seconds"], "solve": round(solve_s + report["seconds"]["solve"], 3)}
    report["rebalance"] = {**report["rebalance"], "mending": max(mending, report["rebalance"]["mending"])}
    return replace(after, report=report, frames=replace(after.frames, report=report, levels=layers))


def _on_level(name: str, reasons: Iterable[Mapping[str, Any]], *, finest: bool) -> list[dict[str, Any]]:
    """Say of each reason on which level it is; only the parts of the finest level are grids."""
    said, part = [], "grid" if finest else "part"
    for row in reasons:
        reason = str(row["reason"])
        if row["what"] == "max-moved":
            reason = re.sub(r"\b(\d+|the) grid(s?)\b", rf"\1 {part}\2 (level {name})", reason, count=1)
        said.append({**row, "reason": reason if f"(level {name})" in reason else f"Level {name}: {reason}"})
    return said


def require_level_layers(before: PlanFile) -> None:
    """Refuse a plan without the layer of one of its coarser levels.

    Raises
    ------
    ParameterError
    """
    for row in (before.report.get("levels") or [])[:-1]:
        if row["layer"] not in before.levels:
            raise ParameterError(
                f"The plan has the level {row['name']} but not its layer {row['layer']!r}; give the plan file as "
                "wangge partition --levels wrote it, or load that file into the store again (wangge load)."
            )


def _plans_of(before: PlanFile) -> list[PlanFile]:
    """Return each coarser level as a plan, the coarsest first: its parts are the grids, with their buildings."""
    require_level_layers(before)
    found: list[PlanFile] = []
    frame, code = before.grids, before.buildings["grid_code"].astype("object")
    for row in reversed(before.report["levels"][:-1]):
        above = dict(zip(frame["code"].astype(str), frame["boundary_code"].astype(str), strict=True))
        code = pd.Series([above.get(str(one)) for one in code], index=before.buildings.index, dtype="object")
        frame = before.levels[row["layer"]]
        buildings = before.buildings.assign(grid_code=pd.array(code, dtype="str"))
        found.insert(0, PlanFile(frame, buildings, before.cells, report={"rebalance": row}, name=before.name))
    return found


def _coarser(
    asked: Asked, dataset: Dataset, fabric: Fabric, before: PlanFile, locked: Sequence[str]
) -> Asked:
    """Return what coarser levels need to know: the weight, and what must not be torn apart."""
    groups = [wish for wish in asked.constraints if isinstance(wish, Together)]
    if locked:
        carried = carry_plan(fabric, dataset, before)
        place = {code: ix for ix, code in enumerate(locked)}
        group = np.array([place.get(code, -1) for code in (*carried.codes, "")], np.int64)[carried.assignment]
        groups.append(Together(group, tuple(f"The locked grid {code}" for code in locked)))
    return Asked(weight=asked.weight, constraints=tuple(groups), faults=())
