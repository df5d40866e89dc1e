"""What is asked of a plan beside the bounds: the weight, locks, grids to start from, kept codes, a range of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import InfeasiblePartitionError, NotFoundError, counted, known_or_near, some_of
from gis_core.graph.components import part_component_labels, subgraph
from gis_core.graph.links import change_adjacencies
from gis_core.model import AdjacencyGraph, Fabric, Fault, Infeasible
from gis_core.partition import Bounds, Objective, PartitionResult, count_range
from gis_core.partition.certify import blamed_locks, number
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.objective import border_cost, violation
from gis_core.partition.problem import Constraint
from gis_core.plan.carry import CarryOver
from gis_core.plan.workload import Workload

__all__ = [
    "MOST_TRIES",
    "Asked",
    "best_of_range",
    "kept_codes",
    "lock_reasons",
    "locks_of",
    "number_reasons",
    "require_codes",
    "wish_reasons",
]

#: Numbers of grids that a range is tried with at most.
MOST_TRIES = 5


@dataclass(frozen=True, eq=False)
class Asked:
    """Everything that is asked of a plan beside bounds and number.

    Attributes
    ----------
    weight : Workload or None
        What is balanced; None: households.
    further : tuple of (Workload, minimum, maximum)
        Other sums of every grid that must stay inside bounds.
    constraints : tuple of Constraint
    locked : int64, shape (n_cells,) or None
        Cells that are a grid already, a position in `lock_codes`; -1: free.
    lock_codes : tuple of str
    start : int64, shape (n_cells,) or None
        Grid of each cell to start from, a position in `start_codes`; -1: none.
    start_codes : tuple of str
    reserved : tuple of str
        Codes that new grids must not get.
    faults : tuple of Fault
        What was found in the files that say all this.
    """

    weight: Workload | None = None
    further: tuple[tuple[Workload, float, float], ...] = ()
    constraints: tuple[Constraint, ...] = ()
    locked: NDArray[np.int64] | None = None
    lock_codes: tuple[str, ...] = ()
    start: NDArray[np.int64] | None = None
    start_codes: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def balanced(self, fabric: Fabric) -> NDArray[np.float64]:
        """Return what is balanced, float64, shape (n_cells,)."""
        return fabric.households.astype(np.float64) if self.weight is None else self.weight.cells

    @property
    def all_constraints(self) -> tuple[Constraint, ...]:
        """The constraints with the further weights among them."""
        bounds = (WeightBounds(load.name, load.cells, low, high) for load, low, high in self.further)
        return (*self.constraints, *bounds)

    def keepable(self, fabric: Fabric, minimum: float) -> Asked:
        """Return the same without borders that would leave too little for a grid on one side."""
        weight = self.balanced(fabric)
        return replace(
            self,
            constraints=tuple(
                _keepable(wish, fabric, weight, minimum) if isinstance(wish, Borders) else wish
                for wish in self.constraints
            ),
        )

    def kept_borders(self, fabric: Fabric) -> NDArray[np.bool_] | None:
        """Return which adjacencies stay borders, bool, shape (2 m,); None where nobody asked for any."""
        lines = [wish.slots(fabric.graph) for wish in self.constraints if isinstance(wish, Borders)]
        return np.logical_or.reduce(lines) if lines else None


def _keepable(border: Borders, fabric: Fabric, weight: NDArray[np.float64], minimum: float) -> Borders:
    """Give up a border round each piece below the minimum where it is longest, the lightest piece first."""
    graph = fabric.graph
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    slots = border.slots(graph)
    open_graph = change_adjacencies(graph, keep=~slots)
    piece = part_component_labels(open_graph, fabric.boundary_ix)
    inner = slots & (fabric.boundary_ix[owner] == fabric.boundary_ix[graph.indices])
    ends = np.column_stack([piece[owner[inner]], piece[graph.indices[inner]]])
    total = np.bincount(piece, weights=weight)
    group = np.arange(len(total))
    while True:
        a, b = group[ends[:, 0]], group[ends[:, 1]]
        light = np.flatnonzero((a != b) & (total[a] < minimum))
        if not len(light):
            break
        lightest = int(a[light[np.argmin(total[a[light]])]])
        mine = light[a[light] == lightest]
        length = np.bincount(b[mine], weights=graph.shared_length_m[inner][mine])
        other = int(np.argmax(length))
        total[other] += total[lightest]
        group[group == lightest] = other
    same = (group[piece[border.left]] == group[piece[border.right]]) & (
        piece[border.left] != piece[border.right]
    )
    return replace(border, left=border.left[~same], right=border.right[~same])


def require_codes(name: str, codes: Sequence[str], wanted: Iterable[str]) -> None:
    """Refuse grids to lock that a plan does not have; the message names codes that are like the first of them.

    Raises
    ------
    NotFoundError
    """
    have = set(codes)
    unknown = [code for code in wanted if code not in have]
    if unknown:
        raise NotFoundError(
            f"{name} has no grid {some_of(unknown)} to lock; {known_or_near(unknown[0], codes)}."
        )


def locks_of(
    fabric: Fabric, carried: Sequence[tuple[str, CarryOver, Sequence[str]]]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Lock grids of plans.

    Parameters
    ----------
    fabric : Fabric
    carried : sequence of (name of the plan, plan on these cells, codes)
        No codes: all its grids.

    Returns
    -------
    locked : int64, shape (n_cells,)
        Position in the codes; -1: free.
    codes : tuple of str

    Raises
    ------
    NotFoundError
        A plan has no grid of that code, or none of its cells is here.
    InfeasiblePartitionError
        Two locked grids of different plans share a cell, or have one code.
    """
    locked = np.full(fabric.n_cells, -1, np.int64)
    codes: list[str] = []
    for name, plan, wanted in carried:
        require_codes(name, plan.codes, wanted)
        for code in wanted or plan.codes:
            cells = np.flatnonzero(plan.assignment == plan.codes.index(code))
            if len(cells) == 0 and wanted:
                raise NotFoundError(f"The grid {code} of {name} has no ground in this dataset; leave it out.")
            held = locked[cells]
            if (held >= 0).any():
                other = codes[int(held[held >= 0][0])]
                raise InfeasiblePartitionError(
                    f"The locked grids {other} and {code} share {int((held >= 0).sum())} cells; lock only one of them."
                )
            if code in codes:
                raise InfeasiblePartitionError(
                    f"Two locked grids have the code {code}; lock only one of them."
                )
            if len(cells):
                locked[cells] = len(codes)
                codes.append(code)
    return locked, tuple(codes)


def kept_codes(asked: Asked, assignment: NDArray[np.int32], weight: NDArray[np.float64]) -> dict[int, str]:
    """Say which parts have a code already: locked ones, and those that took over most of a grid to start from.

    A grid to start from hands its code to the part with most of its weight; of two claims the heavier one wins.
    """
    found: dict[int, str] = {}
    if asked.locked is not None:
        for lock, code in enumerate(asked.lock_codes):
            found[int(assignment[np.argmax(asked.locked == lock)])] = code
    if asked.start is not None:
        both = (asked.start >= 0) & (assignment >= 0)
        pairs, at = np.unique(
            np.column_stack([asked.start[both], assignment[both]]), axis=0, return_inverse=True
        )
        # A cell without weight counts a little, so that empty grids keep their code too.
        shared = np.bincount(at.ravel(), weights=weight[both] + 1e-6)
        given = set(found.values())
        for row in np.argsort(-shared, kind="stable").tolist():
            code, part = asked.start_codes[pairs[row, 0]], int(pairs[row, 1])
            if part not in found and code not in given:
                found[part] = code
                given.add(code)
    return found


def lock_reasons(
    asked: Asked,
    fabric: Fabric,
    boundary_codes: Sequence[str],
    weight: NDArray[np.float64],
    bounds: Bounds,
    *,
    until: float | None = None,
) -> list[Infeasible]:
    """Name the locks that keep grids out of the bounds: by their own weight, or by what they cut off.

    After `until` (a time of `time.perf_counter`) nothing more is worked out.
    """
    if asked.locked is None or not asked.lock_codes:
        return []
    found = []
    for lock, code in enumerate(asked.lock_codes):
        cells = np.flatnonzero(asked.locked == lock)
        own = weight[cells].sum()
        if violation(np.array([own]), bounds)[0] > 0:
            sentence = (
                f"The locked grid {code} has {number(round(float(own), 1))}, outside {number(bounds.minimum)} to "
                f"{number(bounds.maximum)}."
            )
            mend = "Unlock it, or change the bounds."
            said = (
                ("grid", code),
                ("total", round(float(own), 1)),
                ("min", bounds.minimum),
                ("max", bounds.maximum),
            )
            blamed = tuple(cells[:20].tolist())
            found.append(Infeasible("lock", code, sentence, blamed, mend, "weight", said))
    return found + _blamed(asked, fabric, boundary_codes, weight, bounds, until)


def _blamed(
    asked: Asked, fabric: Fabric, boundary_codes: Sequence[str], weight: NDArray[np.float64], bounds: Bounds,
    until: float | None,
) -> list[Infeasible]:  # fmt: skip
    """Name the fewest locked grids that leave a rest which fits no number of grids, in each boundary polygon."""
    assert asked.locked is not None
    found = []
    for home in np.unique(fabric.boundary_ix[asked.locked >= 0]).tolist():
        cells = np.flatnonzero(fabric.boundary_ix == home)
        ground = subgraph(fabric.graph, cells)
        for blame in blamed_locks(ground, weight[cells], asked.locked[cells], bounds, until=until):
            item = blame.reason(boundary_codes[home], asked.lock_codes, bounds)
            found.append(replace(item, cell_ix=tuple(int(cells[cell]) for cell in item.cell_ix)))
    return found


def wish_reasons(
    asked: Asked, fabric: Fabric, boundary_codes: Sequence[str], weight: NDArray[np.float64], bounds: Bounds
) -> list[Infeasible]:
    """Name the wishes that no plan inside the bounds fulfils: groups too heavy for one grid, more seeds than grids."""
    found = []
    for wish in asked.constraints:
        if isinstance(wish, Together):
            found += _heavy_groups(wish, weight, bounds)
        elif isinstance(wish, Seeds):
            found += _crowded(wish, fabric, boundary_codes, weight, bounds)
    return found


def _heavy_groups(wish: Together, weight: NDArray[np.float64], bounds: Bounds) -> list[Infeasible]:
    found = []
    for group, label in enumerate(wish.labels):
        cells = np.flatnonzero(wish.group == group)
        own = float(weight[cells].sum())
        if own > bounds.maximum:
            sentence = (
                f"{label} is to stay together but has {number(round(own, 1))}, more than the maximum of "
                f"{number(bounds.maximum)}."
            )
            mend = f"Divide the group, or raise the maximum to {number(np.ceil(own))} or more."
            found.append(Infeasible("together", label, sentence, tuple(cells[:20].tolist()), mend))
    return found


def _crowded(
    wish: Seeds, fabric: Fabric, boundary_codes: Sequence[str], weight: NDArray[np.float64], bounds: Bounds
) -> list[Infeasible]:
    found = []
    seeds = np.bincount(fabric.boundary_ix[wish.cell_ix], minlength=len(boundary_codes))
    for home in np.flatnonzero(seeds).tolist():
        code, total = boundary_codes[home], float(weight[fabric.boundary_ix == home].sum())
        most = max(1, count_range(total, bounds)[1])
        if seeds[home] > most:
            sentence = (
                f"{code!r} has {counted(int(seeds[home]), 'seed')}, but its {number(round(total, 1))} make "
                f"{counted(most, 'grid')} of at least {number(bounds.minimum)} at most."
            )
            lower = number(np.floor(total / seeds[home]))
            mend = f"Lower the minimum to {lower} or less, or take {int(seeds[home]) - most} or more of the seeds out."
            found.append(Infeasible("seeds", code, sentence, mend=mend))
    return found


def number_reasons(wanted: int | tuple[int, int] | None, given: int) -> list[Infeasible]:
    """Say that another number of grids was made than was asked for; nothing where it is the one."""
    low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    if low is None or high is None or low <= given <= high:
        return []
    span = str(low) if low == high else f"{low} to {high}"
    why = (
        "every locked grid, and every separate piece with households, is a grid at least"
        if given > high
        else "there are not enough cells to be shared by more grids"
    )
    case, said = "more" if given > high else "fewer", (("span", span), ("given", given))
    sentence = f"{span} grids were asked for and {given} were made: {why}."
    return [Infeasible("number", "", sentence, case=case, numbers=said)]


def best_of_range(
    solve: Callable[[int | None], PartitionResult], numbers: tuple[int, int], graph: AdjacencyGraph,
    boundary_ix: NDArray[np.int32], weight: NDArray[np.float64], bounds: Bounds, objective: Objective,
) -> PartitionResult:  # fmt: skip
    """Solve for several numbers of grids and take the best: least outside the bounds, most wishes kept, least price.

    The price is that of the borders, and of unevenness in borders of a usual grid, as the solver counts it; where
    evenness comes first, the greatest deviation takes its place. At most 5
    numbers are tried, those nearest to the number that the bounds suggest.

    Parameters
    ----------
    solve : callable
        Takes a number of grids, or None for the one that the bounds suggest.
    numbers : (int, int)
        Least and greatest number of grids of all boundary polygons together.
    """
    low, high = numbers
    usual = round(float(weight.sum()) / bounds.middle) if bounds.middle > 0 else low
    near = min(max(usual, low), high)
    tried = sorted(range(low, high + 1), key=lambda count: (abs(count - near), count))[:MOST_TRIES]
    price = border_cost(graph, objective)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    inner = boundary_ix[owner] == boundary_ix[graph.indices]

    def rank(found: PartitionResult) -> tuple[float, int, float, int]:
        total = np.bincount(found.assignment, weights=weight, minlength=found.n_parts).astype(np.float64)
        count = np.bincount(found.part_boundary_ix)[found.part_boundary_ix]
        mean = np.bincount(found.part_boundary_ix, weights=total)[found.part_boundary_ix] / count
        off = (total - mean) / np.where(mean > 0, mean, 1.0)
        uneven = float((off**2).sum())
        cut = inner & (found.assignment[owner] != found.assignment[graph.indices])
        border = float(price[cut].sum()) / 2
        outside = float(violation(total, bounds).sum())
        per_grid = 2 * border / found.n_parts
        rest = border + objective.deviation_factor * per_grid * uneven
        if objective.balance_first:
            rest = round(float(np.abs(off).max(initial=0.0)), 9)
        return round(outside, 6), len(found.infeasible), rest, found.n_parts

    return min((solve(count) for count in tried), key=rank)
