"""Redraw a plan on newer data with the least change: carry it over, meet the bounds again, keep the codes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_core import __version__
from gis_core.errors import NotFoundError, some_of
from gis_core.graph import component_labels, part_component_labels, subgraph
from gis_core.model import Dataset, Fabric, Infeasible
from gis_core.partition import Bounds, PartitionResult
from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.certify import Piece, explain_piece, total_reason
from gis_core.partition.rebalance import Rebalanced, rebalance
from gis_core.partition.rebalance_bound import Case, least_change_exactly, least_change_flow
from gis_core.partition.rebalance_region import without_crossings
from gis_core.plan.carry import CarryOver, carry_plan
from gis_core.plan.codes import DIGITS
from gis_core.plan.compare import compare_plans
from gis_core.plan.file import PlanFile
from gis_core.plan.frames import plan_frames
from gis_core.plan.make import Plan
from gis_core.plan.report import build_report

__all__ = ["next_codes", "rebalance_plan"]

#: Cells without a home that the report names.
_NAMED = 20

Progress = Callable[[str, int, int], None]


def rebalance_plan(
    dataset: Dataset,
    fabric: Fabric,
    before: PlanFile,
    *,
    bounds: tuple[int, int] = (300, 500),
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
    bounds : (int, int)
        Least and most households of a grid.
    max_moved : int or None
        Most households that may change hands; None: as few as the bounds need.
    locked : iterable of str
        Codes of grids that keep their ground as it is.
    seed : int
    time_limit_s : float or None
        Seconds that the search may take.
    prove_s : float
        Seconds at most for the proof that no smaller change does, on small cases; 0: none.
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
    carried = carry_plan(fabric, dataset, before)
    keep = _positions(locked, carried.codes)
    result = rebalance(
        fabric.graph, fabric.households, carried.assignment, bounds=rule, zone=fabric.boundary_ix,
        stay=carried.settled, n_parts=len(carried.codes), locked=keep, max_moved=max_moved, rng=seed,
        time_limit_s=time_limit_s, progress=progress,
    )  # fmt: skip
    result, least, proved = _judge(
        fabric, carried, result, rule, keep, 0.0 if max_moved is not None else prove_s
    )
    solved = time.perf_counter()
    assignment, codes, boundary_ix, fresh = _number(dataset, fabric, before, carried, result)
    frames = plan_frames(dataset, fabric, assignment, codes, boundary_ix)
    frames = replace(frames, grids=_named(frames, before), name=dataset.name)
    partition = PartitionResult(
        assignment, boundary_ix, tuple(_reasons(dataset, fabric, assignment, boundary_ix, rule)),
        _lower_bounds(dataset, fabric, boundary_ix), result.stopped_by, solved - started,
    )  # fmt: skip
    report = build_report(
        dataset, fabric, assignment, frames.grids, boundary_ix, partition, bounds=bounds,
        seconds={**(seconds or {}), "solve": solved - started}, seed=seed, version=__version__,
    )  # fmt: skip
    report["rebalance"] = _change(before, frames, carried, fresh, max_moved, least, proved)
    frames = replace(frames, report=report)
    return Plan(dataset, fabric, assignment, tuple(codes), boundary_ix, report, frames)


def _positions(locked: Iterable[str], codes: Sequence[str]) -> list[int]:
    """Return the positions of codes, or say which are not there."""
    place = {code: ix for ix, code in enumerate(codes)}
    missing = [code for code in locked if code not in place]
    if missing:
        raise NotFoundError(
            f"The plan has no grid {some_of(missing)}; its codes begin with {some_of(codes, 3)}."
        )
    return [place[code] for code in locked]


def _judge(
    fabric: Fabric, carried: CarryOver, result: Rebalanced, bounds: Bounds, locked: list[int], prove_s: float
) -> tuple[Rebalanced, float, bool]:
    """Return the plan, or a better one of the exact search; a lower bound on the change; whether it is reached."""
    case = Case(
        without_crossings(fabric.graph, fabric.boundary_ix),
        fabric.households.astype(np.float64),
        carried.settled,
        carried.assignment,
        result.assignment,
        result.n_parts,
        bounds,
        frozenset(locked),
    )
    least = least_change_flow(case)
    if least < case.moved and prove_s > 0:
        bound, part = least_change_exactly(case, time_limit_s=prove_s)
        least = max(least, bound)
        if part is not None:
            case = replace(case, part=part)
            result = replace(result, assignment=part, moved=case.moved)
    return result, least, least >= case.moved


def _number(
    dataset: Dataset, fabric: Fabric, before: PlanFile, carried: CarryOver, result: Rebalanced
) -> tuple[NDArray[np.int32], list[str], NDArray[np.int32], list[str]]:
    """Give new grids their codes and put all in order; return assignment, codes, boundary polygons, new codes."""
    used = np.unique(result.assignment)
    first = np.array([int(np.argmax(result.assignment == part)) for part in used], dtype=np.int64)
    home = fabric.boundary_ix[first].astype(np.int32)
    boundary = [str(code) for code in dataset.boundary["code"]]
    taken = {*carried.codes, *retired_codes(before)}
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


def retired_codes(plan: PlanFile) -> list[str]:
    """Return the codes that the plan and those before it gave up; they are never used again."""
    return [str(code) for code in plan.report.get("rebalance", {}).get("codes_retired", [])]


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
    gone = [code for code in carried.codes if code not in now]
    return {
        "plan": before.name,
        "carried": carried.counts,
        "homeless": carried.homeless[:_NAMED],
        "max_moved": max_moved,
        "households_moved": change["households"]["moved"],
        "buildings_moved": change["buildings"]["moved"],
        "households_new": change["households"]["new"],
        "least_moved": int(least) if least == int(least) else round(least, 3),
        "proved": proved,
        "codes_new": fresh,
        "codes_retired": sorted({*retired_codes(before), *gone}),
        "moves": change["moves"],
    }


def _pieces(fabric: Fabric, cells: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """List the connected pieces of some cells that hold households."""
    label = component_labels(subgraph(fabric.graph, cells))
    found = [cells[label == number] for number in range(int(label.max(initial=-1)) + 1)]
    return [piece for piece in found if fabric.households[piece].sum() > 0]


def _lower_bounds(dataset: Dataset, fabric: Fabric, boundary_ix: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the lower bound on the deviation of each boundary polygon with its number of grids."""
    lower = np.zeros(len(dataset.boundary))
    for ix in np.unique(boundary_ix):
        pieces = _pieces(fabric, np.flatnonzero(fabric.boundary_ix == ix))
        weights = [fabric.households[piece].astype(np.float64) for piece in pieces]
        if weights:
            lower[ix] = deviation_lower_bound(weights, int((boundary_ix == ix).sum()))
    return lower


def _reasons(
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    boundary_ix: NDArray[np.int32],
    bounds: Bounds,
) -> list[Infeasible]:
    """Say why grids are still out of bounds."""
    totals = np.bincount(assignment, weights=fabric.households, minlength=len(boundary_ix))
    out = (totals < bounds.minimum) | (totals > bounds.maximum)
    reasons: list[Infeasible] = []
    for ix in np.unique(boundary_ix[out]).tolist():
        code = str(dataset.boundary["code"].iloc[ix])
        cells = np.flatnonzero(fabric.boundary_ix == ix)
        count = int((boundary_ix == ix).sum())
        whole = total_reason(code, float(fabric.households[cells].sum()), count, bounds, asked=False)
        reasons += [] if whole is None else [whole]
        pieces = _pieces(fabric, cells)
        for piece in pieces:
            parts, number = np.unique(assignment[piece], return_inverse=True)
            graph = subgraph(fabric.graph, piece)
            if part_component_labels(graph, number).max(initial=0) + 1 > len(parts):
                continue
            shown = Piece(
                graph,
                fabric.households[piece].astype(np.float64),
                piece,
                len(parts),
                number.astype(np.int32),
                1,
                False,
            )
            reasons += explain_piece(
                shown, code, bounds, heavy_names={}, alone=len(pieces) == 1, asked=False,
                total_explained=whole is not None,
            )  # fmt: skip
    return reasons
