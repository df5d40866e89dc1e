"""Make a plan: partition a fabric, number the grids, measure them, and say how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gis_core import __version__
from gis_core.errors import some_of
from gis_core.graph.components import subgraph
from gis_core.model import Dataset, Fabric
from gis_core.partition import Bounds, Objective, PartitionResult, partition_fabric, preset
from gis_core.partition.certify import usual_effort
from gis_core.partition.constraints import Constraint
from gis_core.partition.constraints.compounds import WholeCompounds
from gis_core.partition.run import broken_constraints
from gis_core.partition.workers import TaskRunner
from gis_core.plan.asked import Asked, best_of_range, kept_codes, lock_reasons, number_reasons, wish_reasons
from gis_core.plan.codes import DEFAULT_TEMPLATE, number_grids
from gis_core.plan.file import PlanFile
from gis_core.plan.frames import plan_frames
from gis_core.plan.ground import Ground, GroundOptions, add_ground, lay_ground, shorten_by_number
from gis_core.plan.reasons import building_name
from gis_core.plan.report import build_report
from gis_core.plan.start import improve_start, is_whole

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Plan", "PresetName", "make_plan"]

#: Shares of a time limit for the first plan, where others with more grids may follow, and for each of these.
_FIRST_SHARE, _NEXT_SHARE = 0.6, 0.2
#: With less than this share of a time limit left nothing is begun.
_LEAST_SHARE = 0.05

Progress = Callable[[str, int, int], None]
PresetName = Literal["plan", "street", "border", "balance"]


@dataclass(frozen=True)
class Plan:
    """Which grid each cell belongs to, and what is known of the grids.

    Attributes
    ----------
    dataset, fabric
        What the plan was made on.
    assignment : int32, shape (n_cells,)
        Position of the grid of each cell.
    codes : tuple of str
        Code of each grid, in order.
    boundary_ix : int32, shape (n_grids,)
        Row of `dataset.boundary` that each grid lies in.
    report : dict
        As in `report.schema.json`.
    frames : PlanFile
        The plan as it is written, in `dataset.work_crs`.
    """

    dataset: Dataset
    fabric: Fabric
    assignment: NDArray[np.int32]
    codes: tuple[str, ...]
    boundary_ix: NDArray[np.int32]
    report: dict[str, Any]
    frames: PlanFile

    @property
    def grids(self) -> GeoDataFrame:
        """The grids with their numbers and polygons."""
        return self.frames.grids


def make_plan(
    dataset: Dataset,
    fabric: Fabric,
    *,
    bounds: tuple[float, float] = (300, 500),
    n_grids: int | tuple[int, int] | None = None,
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
    """Cut a fabric into contiguous grids, each in one boundary polygon and inside the bounds wherever that can be.

    Parameters
    ----------
    dataset : Dataset
    fabric : Fabric
        Built from `dataset`.
    bounds : (float, float)
        Least and most households of a grid, or of what `asked.weight` balances instead.
    n_grids : int, (int, int) or None
        Total number of grids over all boundary polygons, or the least and most of it, of which the best is taken;
        None takes the number that fits the bounds best.
    objective : Objective or str
        Prices of borders and of unevenness, or the name of a preset.
    asked : Asked or None
        Other weights, constraints, locks, grids to start from.
    ground : GroundOptions or None
        Barriers, pieces of boundary polygons, walking distance; None takes the defaults.
    seed : int
        One seed gives one plan, however many processes work on it.
    time_limit_s : float or None
        Seconds that the solver may take.
    processes : int or None
        How many boundary polygons are solved side by side; None takes one per core.
    template : str
        How codes are made; see `number_grids`.
    seconds : mapping or None
        Seconds that reading and building the fabric took, for the report.
    progress : callable or None
        Called with (step, done, total); may raise to stop.
    runner : callable or None
        Solves the boundary polygons elsewhere, such as `gis_core.cluster.ClusterRunner`; None takes this machine.

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        Where bounds, number of grids or template cannot be used.
    """
    started = time.perf_counter()
    boundary_codes = [str(code) for code in dataset.boundary["code"]]
    asked = asked or Asked()
    weight, limits = asked.balanced(fabric), Bounds(minimum=bounds[0], maximum=bounds[1])
    names = _CellNames(dataset, fabric)
    told = asked.keepable(fabric, limits.minimum)
    laid = lay_ground(
        dataset, fabric, ground or GroundOptions(), weight, limits, asked.locked, told.kept_borders(fabric)
    )
    # What planners say comes last, so that it is not lost where a compound is priced anew.
    wishes, begin = (*laid.constraints, *told.all_constraints), told.start
    prices = preset(objective) if isinstance(objective, str) else objective
    if prices.balance_first:
        wishes = tuple(
            replace(each, even_first=True) if isinstance(each, WholeCompounds) else each for each in wishes
        )
    tries = min(5, n_grids[1] - n_grids[0] + 1) if isinstance(n_grids, tuple) else 1
    timer = _Timer(time_limit_s)
    # Ways that stay too long are tried with more grids after the first plan.
    share = _FIRST_SHARE if laid.walks is not None and n_grids is None else 1.0 / tries

    def solve(count: int | None) -> PartitionResult:
        return timer.timed(
            partition_fabric,
            laid.graph,
            fabric.boundary_ix,
            weight,
            boundary_codes=boundary_codes,
            cell_names=names,
            bounds=limits,
            n_grids=count,
            seed=seed,
            share=share,
            processes=processes,
            progress=progress,
            runner=runner,
            fixed=asked.locked,
            objective=prices,
            constraints=wishes,
            start=begin,
        )

    improved = None
    until = None if time_limit_s is None else time.perf_counter() + time_limit_s
    wished = bool(asked.all_constraints) or laid.binds
    whole = wished and asked.start is not None and is_whole(laid.graph, fabric.boundary_ix, asked.start)
    if asked.start is not None and n_grids is None and not whole:
        improved = improve_start(
            laid.graph, fabric.boundary_ix, weight, asked, limits,
            n_boundaries=len(boundary_codes), seed=seed, objective=prices, constraints=wishes,
            time_limit_s=time_limit_s,
        )  # fmt: skip
        timer.spent_s += improved.seconds
        begin = improved.assignment.astype(np.int64)
    if isinstance(n_grids, tuple):
        result = best_of_range(solve, n_grids, fabric.graph, fabric.boundary_ix, weight, limits, prices)
    elif improved is None or wished or prices != preset("plan"):
        result = solve(n_grids)
    else:
        result = improved
    if n_grids is None:

        def solve_again(cells: NDArray[np.int64], count: int) -> PartitionResult | None:
            if timer.over:
                return None
            return timer.timed(
                partition_fabric,
                subgraph(laid.graph, cells),
                np.zeros(len(cells), np.int64),
                weight[cells],
                boundary_codes=[boundary_codes[int(fabric.boundary_ix[cells[0]])]],
                cell_names=[names[cell] for cell in cells.tolist()],
                bounds=limits,
                n_grids=count,
                seed=seed,
                share=_NEXT_SHARE,
                processes=1,
                fixed=None if asked.locked is None else asked.locked[cells],
                objective=prices,
                constraints=[each.restrict(cells) for each in wishes],
                start=None if begin is None else begin[cells],
            )

        shorter = shorten_by_number(laid, fabric, result, weight, limits, boundary_codes, solve_again)
        result = _said_again(result, shorter, wishes, laid)
    told_until = usual_effort(until, time_limit_s).until
    reasons = lock_reasons(asked, fabric, boundary_codes, weight, limits, until=told_until)
    reasons += wish_reasons(asked, fabric, boundary_codes, weight, limits)
    reasons += number_reasons(n_grids, result.n_parts)
    solved = time.perf_counter()
    if progress is not None:
        progress("grids", 0, 1)
    assignment, codes, boundary_ix = _number(fabric, result, boundary_codes, template, asked)
    frames = plan_frames(dataset, fabric, assignment, codes, boundary_ix)
    report = build_report(
        dataset,
        fabric,
        assignment,
        frames.grids,
        boundary_ix,
        result,
        asked=asked,
        reasons=reasons,
        bounds=bounds,
        seconds={**(seconds or {}), "solve": solved - started},
        seed=seed,
        version=__version__,
    )
    add_ground(report, laid, dataset, fabric, assignment, frames.grids, weight, limits)
    frames = PlanFile(frames.grids, frames.buildings, frames.cells, report=report, name=dataset.name)
    if progress is not None:
        progress("grids", 1, 1)
    return Plan(dataset, fabric, assignment, tuple(codes), boundary_ix, report, frames)


class _Timer:
    """Shares a time limit between several searches, by the seconds that they say they took.

    Attributes
    ----------
    limit_s : float or None
    spent_s : float
    """

    def __init__(self, limit_s: float | None) -> None:
        self.limit_s, self.spent_s = limit_s, 0.0

    @property
    def over(self) -> bool:
        """Whether too little is left to begin anything."""
        return self.limit_s is not None and self.limit_s - self.spent_s < _LEAST_SHARE * self.limit_s

    def timed(
        self, search: Callable[..., PartitionResult], *what: Any, share: float, **how: Any
    ) -> PartitionResult:
        """Search in a share of the whole limit, or in what is left of it where that is less."""
        limit = self.limit_s
        if limit is not None:
            limit = max(_LEAST_SHARE * limit, min(share * limit, limit - self.spent_s))
        found = search(*what, time_limit_s=limit, **how)
        self.spent_s += found.seconds
        return found


def _said_again(
    before: PartitionResult, after: PartitionResult, wishes: Sequence[Constraint], laid: Ground
) -> PartitionResult:
    """Replace what the first plan breaks by what the last one does."""
    if after is before:
        return before
    old = set(broken_constraints(wishes, laid.graph, before.assignment))
    new = broken_constraints(wishes, laid.graph, after.assignment)
    kept = (item for item in after.infeasible if item not in old)
    return replace(after, infeasible=(*kept, *new))


class _CellNames(Sequence[str]):
    """Name of each cell by the ids of its buildings, for the reasons of the solver; made when it is asked for."""

    def __init__(self, dataset: Dataset, fabric: Fabric) -> None:
        self.dataset = dataset
        self.ids = dataset.buildings["id"].to_numpy()
        self.rows = np.argsort(fabric.building_cell_ix, kind="stable")
        self.start = np.searchsorted(fabric.building_cell_ix[self.rows], np.arange(fabric.n_cells + 1))

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, cell: Any) -> Any:
        rows = self.rows[self.start[cell] : self.start[cell + 1]]
        if len(rows) == 1:
            return building_name(self.dataset, int(rows[0]))
        return some_of([str(id_) for id_ in self.ids[rows].tolist()])


def _number(
    fabric: Fabric, result: PartitionResult, boundary_codes: list[str], template: str, asked: Asked
) -> tuple[NDArray[np.int32], list[str], NDArray[np.int32]]:
    """Put the parts in the order of their codes; return the renumbered assignment, codes and boundary polygons."""
    n_parts = len(result.part_boundary_ix)
    area = np.bincount(result.assignment, weights=fabric.graph.area_m2, minlength=n_parts)
    x = (
        np.bincount(result.assignment, weights=fabric.graph.area_m2 * fabric.graph.x, minlength=n_parts)
        / area
    )
    y = (
        np.bincount(result.assignment, weights=fabric.graph.area_m2 * fabric.graph.y, minlength=n_parts)
        / area
    )
    kept = kept_codes(asked, result.assignment, asked.balanced(fabric))
    reserved = {*asked.reserved, *asked.start_codes}
    order, codes = number_grids(
        result.part_boundary_ix, x, y, boundary_codes, template, kept=kept, reserved=reserved
    )
    position = np.empty(n_parts, dtype=np.int32)
    position[order] = np.arange(n_parts, dtype=np.int32)
    return position[result.assignment], codes, result.part_boundary_ix[order]
