"""Redraw a plan on newer data with the least change: carry it over, meet the bounds again, keep the codes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_core import __version__
from gis_core.errors import NotFoundError
from gis_core.model import Dataset, Fabric
from gis_core.partition import Bounds, PartitionResult, preset
from gis_core.partition.certify import Effort, usual_effort
from gis_core.partition.rebalance import Rebalanced, rebalance
from gis_core.partition.rebalance_bound import Case, least_change_exactly, least_change_flow, split_case
from gis_core.partition.run import broken_constraints
from gis_core.plan.asked import Asked, lock_reasons, require_codes, wish_reasons
from gis_core.plan.carry import CarryOver, carry_plan
from gis_core.plan.codes import DIGITS
from gis_core.plan.compare import compare_plans, match_buildings
from gis_core.plan.file import PlanFile
from gis_core.plan.frames import plan_frames
from gis_core.plan.ground import GroundOptions, add_ground, lay_ground
from gis_core.plan.in_force import walks_note
from gis_core.plan.lower import lower_bounds
from gis_core.plan.make import Plan
from gis_core.plan.rebalance_reasons import (
    bound_reasons,
    mend_without_number,
    mending_reasons,
    tell_long_walks,
    torn_lock_reasons,
)
from gis_core.plan.report import build_report

__all__ = ["next_codes", "rebalance_plan"]

#: Cells without a home that the report names.
_NAMED = 20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class _Held:
    """Who changes hands with each cell, counted by buildings.

    Attributes
    ----------
    stay : float64, shape (n_cells,)
        Households of buildings that were in the grid which the cell has now.
    forced : float64, shape (n_cells,)
        Households of buildings that were in another grid than the cell has now: they change hands as it is.
    """

    stay: NDArray[np.float64]
    forced: NDArray[np.float64]

    @property
    def least(self) -> NDArray[np.float64]:
        """What at least changes hands with each cell beside `forced`: some of those may come home with it."""
        return np.maximum(0.0, self.stay - self.forced)


@dataclass(frozen=True, eq=False)
class _Task:
    """What is rebalanced, and what it is held to."""

    fabric: Fabric
    carried: CarryOver
    held: _Held
    weight: NDArray[np.float64]
    bounds: Bounds
    locked: tuple[int, ...]


def rebalance_plan(
    dataset: Dataset,
    fabric: Fabric,
    before: PlanFile,
    *,
    bounds: tuple[float, float] = (300, 500),
    asked: Asked | None = None,
    ground: GroundOptions | None = None,
    max_moved: int | None = None,
    locked: Iterable[str] = (),
    seed: int = 0,
    time_limit_s: float | None = None,
    prove_s: float = 10.0,
    seconds: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Carry a plan over to a dataset and meet the bounds again with the fewest households changing hands.

    Parameters
    ----------
    dataset : Dataset
    fabric : Fabric
        Built from `dataset`.
    before : PlanFile
        The plan in force.
    bounds : (float, float)
        Least and most households of a grid, or of what `asked.weight` balances instead.
    asked : Asked or None
        Other weights and wishes; no locks and no grids to start from.
    ground : GroundOptions or None
        Barriers, pieces of boundary polygons, walking distance; None takes the defaults.
    max_moved : int or None
        Most households that may change hands, for mending too; None: as few as the bounds need.
    locked : iterable of str
        Codes of grids that keep their ground as it is.
    seed : int
    time_limit_s : float or None
        Seconds that search, proof and reasons may take together.
    prove_s : float
        Work for the proof that no smaller change does, on small cases: seconds, but counted in steps, so that the
        answer is the same on a busy machine; 0: none. Nothing of it is begun after the time limit.
    seconds : mapping or None
        Seconds that reading and building the fabric took, for the report.
    progress : callable or None
        Called with (step, done, total); may raise to stop.

    Returns
    -------
    Plan
        `report["rebalance"]` says what was carried, who moves where, and how few could have moved.

    Raises
    ------
    NotFoundError
        Where a grid to lock is not in the plan.
    ParameterError
        Where bounds cannot be used.
    """
    started = time.perf_counter()
    rule = Bounds(minimum=bounds[0], maximum=bounds[1])
    ground = ground or GroundOptions()
    carried = carry_plan(fabric, dataset, before)
    asked, keep = _with_locks(asked or Asked(), carried, locked)
    asked = replace(asked, faults=(*asked.faults, *walks_note(before.report, ground.max_walk_m)))
    weight = asked.balanced(fabric)
    told = asked.keepable(fabric, rule.minimum)
    laid = lay_ground(dataset, fabric, ground, weight, rule, asked.locked, told.kept_borders(fabric))
    held = _held(dataset, fabric, before, carried)
    wishes = (*laid.constraints, *told.all_constraints)
    task = _Task(fabric, carried, held, weight, rule, tuple(keep))
    forced = float(held.forced.sum())
    until = None if time_limit_s is None else time.perf_counter() + time_limit_s
    result = rebalance(
        laid.graph, weight, carried.assignment, bounds=rule, zone=fabric.boundary_ix, stay=held.stay,
        n_parts=len(carried.codes), locked=keep, constraints=wishes, objective=preset("plan"), rng=seed,
        max_moved=None if max_moved is None else max(0.0, max_moved - forced), time_limit_s=time_limit_s,
        progress=progress,
    )  # fmt: skip
    effort = Effort(0.0 if max_moved is not None else prove_s, until)
    result, least, proved = _judge(task, result, effort)
    solved = time.perf_counter()
    assignment, codes, boundary_ix, fresh = _number(dataset, fabric, before, carried, result)
    frames = plan_frames(dataset, fabric, assignment, codes, boundary_ix)
    frames = replace(frames, grids=_named(frames, before), name=dataset.name)
    assert result.terms is not None
    links = result.terms.links
    kept = [codes.index(code) for code in asked.lock_codes if code in codes]
    told_until = usual_effort(until, time_limit_s).until
    why = bound_reasons(
        dataset, fabric, links, weight, rule, assignment, boundary_ix, max_moved, kept, until=told_until
    )
    partition = PartitionResult(
        assignment, boundary_ix, tuple(why),
        lower_bounds(links, fabric.boundary_ix, weight, assignment, n_boundaries=len(dataset.boundary), locked=kept),
        result.stopped_by, solved - started,
    )  # fmt: skip
    names = [str(code) for code in dataset.boundary["code"]]
    reasons = mending_reasons(carried, result, forced, max_moved)
    reasons += lock_reasons(asked, fabric, names, weight, rule, until=told_until)
    reasons += torn_lock_reasons(fabric, links, assignment, codes, kept)
    reasons += wish_reasons(asked, fabric, names, weight, rule)
    reasons += broken_constraints(wishes, laid.graph, assignment)
    report = build_report(
        dataset, fabric, assignment, frames.grids, boundary_ix, partition, bounds=bounds, asked=asked,
        reasons=reasons, seconds={**(seconds or {}), "solve": solved - started}, seed=seed, version=__version__,
    )  # fmt: skip
    add_ground(report, laid, dataset, fabric, assignment, frames.grids, weight, rule)
    report["infeasible"] = mend_without_number(report["infeasible"], max_moved)
    tell_long_walks(report, laid, carried, max_moved)
    report["rebalance"] = {
        **_change(before, frames, carried, fresh, max_moved, least, proved),
        "mending": _whole(forced + result.mending),
        "in_pieces": [carried.codes[part] for part in result.in_pieces],
    }
    frames = replace(frames, report=report)
    return Plan(dataset, fabric, assignment, tuple(codes), boundary_ix, report, frames)


def _with_locks(asked: Asked, carried: CarryOver, locked: Iterable[str]) -> tuple[Asked, list[int]]:
    """Return what is asked with the locked grids among it, and the positions of these in the plan in force."""
    codes = tuple(dict.fromkeys(locked))
    require_codes("The plan", carried.codes, codes)
    keep = [carried.codes.index(code) for code in codes]
    for code, part in zip(codes, keep, strict=True):
        if not (carried.assignment == part).any():
            raise NotFoundError(f"The grid {code} has no ground in this dataset any more; do not lock it.")
    if not keep:
        return asked, keep
    place = np.full(len(carried.codes) + 1, -1, np.int64)
    place[keep] = np.arange(len(keep))
    return replace(asked, locked=place[carried.assignment], lock_codes=codes), keep


def _held(dataset: Dataset, fabric: Fabric, before: PlanFile, carried: CarryOver) -> _Held:
    """Count the households of each cell as plans are compared: by buildings that are known from the plan."""
    placed = np.flatnonzero(fabric.building_cell_ix >= 0)
    now = dataset.buildings.iloc[placed]
    match = match_buildings(before.buildings, now)
    had = before.buildings["grid_code"].astype("str").to_numpy(dtype=object)[match.before]
    cell = fabric.building_cell_ix[placed[match.after]]
    code = np.array([*carried.codes, None], dtype=object)[carried.assignment[cell]]
    households = now["households"].to_numpy(dtype=np.float64)[match.after]
    same = had == code
    stay, forced = (
        np.bincount(cell[at], weights=households[at], minlength=fabric.n_cells).astype(np.float64)
        for at in (same, ~same)
    )
    return _Held(stay, forced)


def _judge(task: _Task, result: Rebalanced, effort: Effort) -> tuple[Rebalanced, float, bool]:
    """Return the plan, or a better one of the exact search; a lower bound on the change; whether it is reached.

    The proof does not know ways on foot, so that its bound is true with them too; its plan is taken where none suffers.
    """
    terms, forced = result.terms, float(task.held.forced.sum())
    assert terms is not None
    case = Case(
        terms.links, task.weight, task.held.least, task.carried.assignment, result.assignment, result.n_parts,
        task.bounds, frozenset(task.locked), terms.more, terms.more_limit, terms.wishes(),
    )  # fmt: skip
    part, least = result.assignment.copy(), 0.0
    cases = [each for each in split_case(case, task.fabric.boundary_ix) if each[1].moved > 0]
    cases.sort(key=lambda each: each[1].graph.n_cells)
    for left, (cells, own) in zip(range(len(cases), 0, -1), cases, strict=True):
        had = case.home[cells]
        number = np.unique(np.concatenate([had[had >= 0], part[cells]]))
        share = effort.part(1 / left)
        bound, better = _least(own, share)
        effort.work_s += share.work_s
        if better is not None:
            moved = replace(own, stay=task.held.stay[cells])
            other = part.copy()
            other[cells] = number[better]
            if replace(moved, part=better).moved < moved.moved and not terms.longer(part, other):
                part = other
        least += bound
    away = (case.home >= 0) & (case.home != part)
    moved_now = float(task.held.stay[away].sum())
    return replace(result, assignment=part, moved=moved_now), forced + least, least >= moved_now - 1e-9


def _least(case: Case, effort: Effort) -> tuple[float, NDArray[np.int32] | None]:
    """Bound the change of one boundary polygon, and look for a plan that changes less."""
    least, part = least_change_flow(case), None
    if least < case.moved and effort.work_s > 0:
        bound, part = least_change_exactly(case, effort=effort)
        least = max(least, bound)
    return least, part


def _number(
    dataset: Dataset, fabric: Fabric, before: PlanFile, carried: CarryOver, result: Rebalanced
) -> tuple[NDArray[np.int32], list[str], NDArray[np.int32], list[str]]:
    """Give new grids their codes and put all in order; return assignment, codes, boundary polygons, new codes."""
    used = np.unique(result.assignment)
    first = np.array([int(np.argmax(result.assignment == part)) for part in used], dtype=np.int64)
    home = fabric.boundary_ix[first].astype(np.int32)
    boundary = [str(code) for code in dataset.boundary["code"]]
    taken = {*carried.codes, *given_codes(before)}
    codes: list[str] = []
    fresh: list[str] = []
    for part, ix in zip(used.tolist(), home.tolist(), strict=True):
        if part < len(carried.codes):
            codes.append(carried.codes[part])
            continue
        code = next_codes(boundary[ix], taken, 1)[0]
        taken.add(code)
        fresh.append(code)
        codes.append(code)
    order = sorted(range(len(codes)), key=lambda i: (int(home[i]), codes[i]))
    place = np.empty(int(used.max()) + 1, np.int32)
    place[used[order]] = np.arange(len(order), dtype=np.int32)
    return place[result.assignment], [codes[i] for i in order], home[order], fresh


def given_codes(plan: PlanFile, keys: Sequence[str] = ("codes_retired", "codes_outside")) -> list[str]:
    """Return codes that grids before the plan had, closed ones and those outside its data; none is used again."""
    change = plan.report.get("rebalance", {})
    return [str(code) for key in keys for code in change.get(key, [])]


def next_codes(boundary: str, taken: Iterable[str], count: int) -> list[str]:
    """Return the next free codes of a boundary polygon: after the greatest number, so that none is used again.

    Examples
    --------
    >>> next_codes("B1", ["B1001", "B1007", "B2009"], 2)
    ['B1008', 'B1009']
    >>> next_codes("B3", ["B3-02"], 1)
    ['B3-03']
    """
    pattern = re.compile(re.escape(boundary) + r"(\D?)(\d+)")
    found = [match for code in taken if (match := pattern.fullmatch(code))]
    last = max((int(match[2]) for match in found), default=0)
    width = max((len(match[2]) for match in found), default=DIGITS)
    between = found[0][1] if found else ""
    return [f"{boundary}{between}{last + step:0{width}d}" for step in range(1, count + 1)]


def _named(frames: PlanFile, before: PlanFile) -> Any:
    """Return the grids with the names that they had before."""
    grids = frames.grids.copy()
    if "name" in before.grids:
        names = dict(zip(before.grids["code"].astype(str), before.grids["name"], strict=True))
        grids["name"] = pd.array(
            [None if pd.isna(names.get(code)) else str(names[code]) for code in grids["code"]], dtype="str"
        )
    return grids


def _change(
    before: PlanFile,
    after: PlanFile,
    carried: CarryOver,
    fresh: list[str],
    max_moved: int | None,
    least: float,
    proved: bool,
) -> dict[str, Any]:
    """Say what was carried over, what became of the codes, and who moves where."""
    change = compare_plans(before, after)
    now = set(after.grids["code"].astype(str))
    here = set(np.unique(carried.assignment).tolist())
    gone = [(ix in here, code) for ix, code in enumerate(carried.codes) if code not in now]
    outside = {*given_codes(before, ["codes_outside"]), *(code for inside, code in gone if not inside)}
    return {
        "plan": before.name,
        "carried": carried.counts,
        "homeless": carried.homeless[:_NAMED],
        "max_moved": max_moved,
        "households_moved": change["households"]["moved"],
        "buildings_moved": change["buildings"]["moved"],
        "households_new": change["households"]["new"],
        "least_moved": _whole(min(least, change["households"]["moved"])),
        "proved": proved,
        "codes_new": fresh,
        "codes_retired": sorted(
            {*given_codes(before, ["codes_retired"]), *(code for inside, code in gone if inside)}
        ),
        "codes_outside": sorted(outside - now),
        "moves": change["moves"],
    }


def _whole(value: float) -> int | float:
    """Write a whole number without its point."""
    return int(value) if value == int(value) else round(value, 3)
