"""Proposals for a draft: rebalance some of its grids, or cut a boundary polygon anew. Nothing is changed here.

A proposal is an edit that somebody may accept: cells with their new grids, and the attributes of grids that open or
close. Locks of the draft hold. Must not know HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gis_core.errors import ParameterError, some_of
from gis_core.graph.components import subgraph
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition import Bounds, PartitionResult, partition_fabric, preset
from gis_core.partition.constraints.together import Together
from gis_core.partition.objective import violation
from gis_core.partition.rebalance import rebalance
from gis_core.plan.asked import MOST_TRIES, best_of_range, number_reasons
from gis_core.plan.codes import reading_order
from gis_core.plan.metrics import grids_in_pieces
from gis_core.plan.rebalance import next_codes
from gis_core.plan.terms import Terms

__all__ = ["Draft", "Proposal", "choose_cells", "held_cells", "propose_cut", "propose_rebalance"]

Progress = Callable[[str, int, int], None]

#: What moving a held cell would cost, in greatest grids; it is put back all the same.
_HELD = 5.0
#: Rounds of putting back cells at locked borders, each of which can bring up others.
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan under work, as arrays.

    Attributes
    ----------
    graph : AdjacencyGraph
    weight : float64, shape (n_cells,)
        What is balanced.
    households : float64, shape (n_cells,)
    area_ix : int32, shape (n_cells,)
        Boundary polygon of each cell, or part of the level above (`zones_of`): a position in `area_codes`.
    area_codes : tuple of str
    compound_ix : int32, shape (n_cells,)
        Compound of each cell, a position in `compounds`; -1: none.
    compounds : tuple of str
    assignment : int32, shape (n_cells,)
        Grid of each cell; -1: none.
    codes : tuple of str
        Code of every grid that the plan ever had, by `grid_ix`.
    retired : frozenset of int
        Grids that were dissolved.
    taken : frozenset of str
        Codes that no new grid may get.
    locked : frozenset of int
        Grids that neither give nor take a cell.
    locked_cells : tuple of int
    locked_borders : tuple of (int, int)
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    households: NDArray[np.float64]
    area_ix: NDArray[np.int32]
    area_codes: tuple[str, ...]
    compound_ix: NDArray[np.int32]
    compounds: tuple[str, ...]
    assignment: NDArray[np.int32]
    codes: tuple[str, ...]
    retired: frozenset[int] = frozenset()
    taken: frozenset[str] = frozenset()
    locked: frozenset[int] = frozenset()
    locked_cells: tuple[int, ...] = ()
    locked_borders: tuple[tuple[int, int], ...] = ()

    def without_locks(self) -> Draft:
        """Return the draft as if nothing were locked."""
        return replace(self, locked=frozenset(), locked_cells=(), locked_borders=())

    def area_of(self, code: str) -> int:
        """Return the position of a boundary polygon.

        Raises
        ------
        ParameterError
            Where there is none of that code.
        """
        if code not in self.area_codes:
            raise ParameterError(
                f"There is no boundary polygon {code!r}; there are {some_of(self.area_codes)}.", boundary=code
            )
        return self.area_codes.index(code)


@dataclass(frozen=True, eq=False)
class Proposal:
    """An edit that somebody may accept.

    Attributes
    ----------
    cells, grids : int32, shape (n_changed,)
        Cells that would change grid, ascending, and their new grids.
    changes : tuple of (path, value)
        Attributes of grids that open or close.
    moved : float
        Households that would change grid.
    before_after : tuple of dict
        Each grid that gives or takes: `grid_ix`, `code`, `before` and `after` with `households`, `weight` and `cells`.
    in_bounds : (int, int, int)
        Grids of the proposal's ground inside the bounds before and after, and grids after.
    in_pieces : tuple of int
        Grids that would be in pieces.
    reasons : tuple of Infeasible
        Why grids stay out of bounds.
    """

    cells: NDArray[np.int32]
    grids: NDArray[np.int32]
    changes: tuple[tuple[str, Any], ...]
    moved: float
    before_after: tuple[dict[str, Any], ...]
    in_bounds: tuple[int, int, int]
    in_pieces: tuple[int, ...]
    reasons: tuple[Infeasible, ...] = ()


def held_cells(draft: Draft) -> NDArray[np.bool_]:
    """Mark the cells that locks hold: locked ones, and those on locked borders; not those of locked grids.

    Returns
    -------
    bool, shape (n_cells,)
    """
    held = np.zeros(draft.graph.n_cells, dtype=bool)
    held[list(draft.locked_cells)] = True
    for pair in draft.locked_borders:
        held |= _on_border(draft.graph, draft.assignment, pair)
    return held


def choose_cells(
    draft: Draft, grids: Collection[int] | None = None, cells: Sequence[int] = ()
) -> NDArray[np.int64]:
    """Return the cells that a rebalancing may move, ascending.

    Parameters
    ----------
    grids : collection of int or None
        Grids that may give and take, one alone together with its neighbours; None: all, unless there are `cells`.
    cells : sequence of int
        Further cells that may change grid: those of their grids, and unassigned ones.

    Raises
    ------
    ParameterError
        Where a grid or cell is not there, none was chosen, or all that was chosen is locked.
    """
    n = draft.graph.n_cells
    wrong = [cell for cell in cells if not 0 <= cell < n]
    if wrong:
        raise ParameterError(f"The plan has no cell {some_of(wrong)}.", cell_ix=wrong)
    own = set(grids or ()) | (set(draft.assignment[list(cells)].tolist()) - {-1})
    gone = sorted(ix for ix in own if not 0 <= ix < len(draft.codes) or ix in draft.retired)
    if gone:
        raise ParameterError(f"The plan has no grid {some_of(gone)}.", grid_ix=gone)
    if grids is None and not len(cells):
        own = set(np.unique(draft.assignment).tolist()) - {-1}
    elif len(own) == 1:
        own |= _neighbours(draft, next(iter(own)))
    if not own:
        raise ParameterError(
            "There is no grid to rebalance here; choose grids, or make some first.", case="no-grids"
        )
    if own <= draft.locked:
        raise ParameterError("All grids that were chosen are locked; unlock some first.", case="all-locked")
    mine = np.isin(draft.assignment, sorted(own)) | (
        (grids is None and not len(cells)) & (draft.assignment < 0)
    )
    mine[list(cells)] = True
    return np.flatnonzero(mine)


def propose_rebalance(
    draft: Draft,
    bounds: Bounds,
    *,
    chosen: NDArray[np.int64],
    terms: Terms | None = None,
    max_moved: float | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Proposal:
    """Bring grids inside the bounds with the fewest households changing grid.

    Parameters
    ----------
    draft : Draft
    bounds : Bounds
        On `draft.weight`.
    chosen : int64, shape (n_chosen,)
        Cells that may take part, as `choose_cells` gives them; they hold whole grids.
    terms : Terms or None
        What else is asked.
    max_moved : float or None
        Most households that may change grid; None: as few as the bounds need.
    progress : callable
        Called with (step, done, total); may raise to stop.
    """
    parts = np.unique(draft.assignment[chosen])
    parts = parts[parts >= 0]
    local = np.searchsorted(parts, draft.assignment[chosen]).astype(np.int32)
    local[draft.assignment[chosen] < 0] = -1
    weight, held = draft.weight[chosen], held_cells(draft)[chosen]
    groups = Together(np.where(held, local, -1).astype(np.int64), tuple(draft.codes[ix] for ix in parts))
    graph, wishes = (terms or Terms()).lay(draft, bounds)
    result = rebalance(
        subgraph(graph, chosen), weight, local, bounds=bounds, zone=draft.area_ix[chosen],
        stay=draft.households[chosen] + np.where(held, _HELD * bounds.maximum, 0.0), n_parts=len(parts),
        locked=[int(np.searchsorted(parts, ix)) for ix in sorted(draft.locked & set(parts.tolist()))],
        constraints=(*(wish.restrict(chosen) for wish in wishes), *([groups] if held.any() else [])),
        objective=preset("plan"), rng=seed, max_moved=max_moved, time_limit_s=time_limit_s, progress=progress,
    )  # fmt: skip
    fresh = np.arange(max(0, result.n_parts - len(parts))) + len(draft.codes)
    wanted = np.concatenate([parts, fresh])[result.assignment]
    return _proposal(draft, chosen, wanted.astype(np.int32), bounds, ())


def propose_cut(
    draft: Draft,
    bounds: Bounds,
    *,
    boundary: str | None = None,
    n_grids: int | tuple[int, int] | None = None,
    objective: Literal["plan", "street", "border", "balance"] = "plan",
    terms: Terms | None = None,
    seed: int = 0,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> Proposal:
    """Cut a boundary polygon into grids anew; each new grid takes the code of the old one that it shares most with.

    Parameters
    ----------
    draft : Draft
    bounds : Bounds
        On `draft.weight`.
    boundary : str or None
        Code of the boundary polygon; None: all of them, each on its own.
    n_grids : int, (int, int) or None
        Number of grids, locked ones included, or the least and most of it, of which the best is taken; None: as many
        as fit.
    objective : {"plan", "street", "border", "balance"}
        What counts inside the bounds.
    terms : Terms or None
        What else is asked.

    Raises
    ------
    ParameterError
        Where there is no such polygon, or the number of grids cannot be made.
    """
    area = None if boundary is None else draft.area_of(boundary)
    chosen = np.flatnonzero(np.ones(draft.graph.n_cells, bool) if area is None else draft.area_ix == area)
    now, held = draft.assignment[chosen], held_cells(draft)[chosen]
    fixed = np.where(np.isin(now, sorted(draft.locked)), now, -1).astype(np.int64)
    kept = np.where(held & (fixed < 0), now, -1).astype(np.int64)
    codes = draft.area_codes if area is None else (draft.area_codes[area],)
    graph, wishes = (terms or Terms()).lay(draft, bounds)
    ground, home, weight = subgraph(graph, chosen), draft.area_ix[chosen] - (area or 0), draft.weight[chosen]
    asked = (
        *(wish.restrict(chosen) for wish in wishes),
        *([Together(kept, draft.codes)] if held.any() else []),
    )
    tries = min(MOST_TRIES, n_grids[1] - n_grids[0] + 1) if isinstance(n_grids, tuple) else 1

    def solve(count: int | None) -> PartitionResult:
        return partition_fabric(
            ground, home, weight, boundary_codes=codes, bounds=bounds, n_grids=count, objective=objective,
            fixed=fixed, seed=seed, constraints=asked, progress=progress,
            time_limit_s=None if time_limit_s is None else time_limit_s / tries,
        )  # fmt: skip

    if isinstance(n_grids, tuple):
        result = best_of_range(solve, n_grids, ground, home, weight, bounds, preset(objective))
    else:
        result = solve(n_grids)
    wanted = _same_grids(draft, chosen, result.assignment, np.where(fixed >= 0, fixed, kept))
    reasons = (*result.infeasible, *number_reasons(n_grids, result.n_parts))
    return _proposal(draft, chosen, wanted, bounds, reasons)


def _neighbours(draft: Draft, grid: int) -> set[int]:
    """Return the grids of the same boundary polygon that touch a grid."""
    graph = draft.graph
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    near = (draft.assignment[owner] == grid) & (draft.area_ix[owner] == draft.area_ix[graph.indices])
    return set(draft.assignment[graph.indices[near]].tolist()) - {-1}


def _same_grids(
    draft: Draft, chosen: NDArray[np.int64], part: NDArray[np.int32], kept: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Give parts the numbers of grids: first of those whose cells are kept, then of those they share most with."""
    now = draft.assignment[chosen]
    # A part never takes the number of a grid of another boundary polygon, as no cell of it lies in the part.
    worth = draft.households[chosen] + 1e-3
    old, n_parts = np.unique(now[now >= 0]), int(part.max(initial=-1)) + 1
    shared = np.zeros((n_parts, len(old)))
    given = now >= 0
    np.add.at(shared, (part[given], np.searchsorted(old, now[given])), worth[given])
    must = kept >= 0
    np.add.at(shared, (part[must], np.searchsorted(old, kept[must])), worth.sum() + worth[must])
    number = np.full(n_parts, -1, np.int64)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    real = shared[rows, columns] > 0
    number[rows[real]] = old[columns[real]]
    order = _in_order(draft, chosen, part)
    fresh = order[number[order] < 0]
    number[fresh] = len(draft.codes) + np.arange(len(fresh))
    return number[part].astype(np.int32)


def _in_order(draft: Draft, chosen: NDArray[np.int64], part: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the parts in the order in which codes are given: by boundary polygon, north to south, west to east."""
    graph, n_parts = draft.graph, int(part.max(initial=-1)) + 1
    area = graph.area_m2[chosen]
    whole = np.bincount(part, weights=area, minlength=n_parts)
    x, y = (
        np.bincount(part, weights=area * at[chosen], minlength=n_parts) / whole for at in (graph.x, graph.y)
    )
    home = np.zeros(n_parts, np.int32)
    home[part] = draft.area_ix[chosen]
    return reading_order(home, x, y)


def _put_back(draft: Draft, after: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the plan with what locks hold in its place."""
    before = draft.assignment
    locked = sorted(draft.locked)
    stays = held_cells(draft) | np.isin(before, locked) | np.isin(after, locked)
    result = np.where(stays, before, after).astype(np.int32)
    for _ in range(_ROUNDS):
        moved = result != before
        near = np.zeros_like(moved)
        for pair in draft.locked_borders:
            near |= moved & _on_border(draft.graph, result, pair)
        if not near.any():
            return result
        result[near] = before[near]
    return before.copy()


def _on_border(
    graph: AdjacencyGraph, assignment: NDArray[np.int32], pair: tuple[int, int]
) -> NDArray[np.bool_]:
    """Mark the cells of either grid of a pair that touch the other."""
    found = np.zeros(graph.n_cells, dtype=bool)
    for mine, other in (pair, pair[::-1]):
        cells = np.flatnonzero(assignment == mine)
        first, degree = graph.indptr[cells], np.diff(graph.indptr)[cells]
        slot = np.repeat(first - (np.cumsum(degree) - degree), degree) + np.arange(int(degree.sum()))
        found[np.repeat(cells, degree)[assignment[graph.indices[slot]] == other]] = True
    return found


def _proposal(
    draft: Draft,
    chosen: NDArray[np.int64],
    wanted: NDArray[np.int32],
    bounds: Bounds,
    reasons: tuple[Infeasible, ...],
) -> Proposal:
    """Compare the wanted plan with the draft, and open and close grids."""
    before, after = draft.assignment, draft.assignment.copy()
    after[chosen] = wanted
    after = _closed_up(draft, _put_back(draft, after))
    n = max(len(draft.codes), int(after.max(initial=-1)) + 1)
    changed = np.flatnonzero(before != after)
    area_of = np.full(n, -1, np.int64)
    area_of[after[after >= 0]] = draft.area_ix[after >= 0]
    changes, codes = _openings(draft, n, area_of)
    here = np.unique(np.concatenate([before[chosen], after[chosen]]))
    here = here[here >= 0]
    was, now = _figures(draft, before, n), _figures(draft, after, n)
    closed = [ix for ix in here.tolist() if was["cells"][ix] > 0 and now["cells"][ix] == 0]
    changes += [(f"grid/{ix}", None) for ix in closed]
    touched = np.unique(np.concatenate([before[changed], after[changed]]))
    rows = [
        {
            "grid_ix": ix,
            "code": codes[ix],
            "before": {name: _plain(column[ix]) for name, column in was.items()}
            if was["cells"][ix]
            else None,
            "after": {name: _plain(column[ix]) for name, column in now.items()} if now["cells"][ix] else None,
        }
        for ix in touched[touched >= 0].tolist()
    ]
    counts = [
        int((violation(side["weight"][here], bounds) == 0)[side["cells"][here] > 0].sum())
        for side in (was, now)
    ]
    return Proposal(
        cells=changed.astype(np.int32),
        grids=after[changed],
        changes=tuple(changes),
        moved=float(draft.households[changed[before[changed] >= 0]].sum()),
        before_after=tuple(rows),
        in_bounds=(counts[0], counts[1], int((now["cells"][here] > 0).sum())),
        in_pieces=_torn(draft, after, touched),
        reasons=reasons,
    )


def _closed_up(draft: Draft, after: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number new grids without a gap."""
    fresh = np.unique(after[after >= len(draft.codes)])
    result = after.copy()
    result[after >= len(draft.codes)] = len(draft.codes) + np.searchsorted(
        fresh, after[after >= len(draft.codes)]
    )
    return result


def _openings(draft: Draft, n: int, area_of: NDArray[np.int64]) -> tuple[list[tuple[str, Any]], list[str]]:
    """Give new grids their codes; return the changes that open them, and the codes of all."""
    codes, taken = list(draft.codes), {*draft.taken, *draft.codes}
    changes: list[tuple[str, Any]] = []
    for ix in range(len(draft.codes), n):
        boundary = draft.area_codes[int(area_of[ix])]
        code = next_codes(boundary, taken, 1)[0]
        taken.add(code)
        codes.append(code)
        changes.append((f"grid/{ix}", {"code": code, "boundary_code": boundary}))
    return changes, codes


def _figures(draft: Draft, assignment: NDArray[np.int32], n: int) -> dict[str, NDArray[np.float64]]:
    """Sum households, weight and cells of each grid; each of shape (n,)."""
    given = assignment >= 0
    own = assignment[given]
    return {
        "households": np.bincount(own, weights=draft.households[given], minlength=n).astype(np.float64),
        "weight": np.bincount(own, weights=draft.weight[given], minlength=n).astype(np.float64),
        "cells": np.bincount(own, minlength=n).astype(np.float64),
    }


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else round(float(value), 3)


def _torn(draft: Draft, after: NDArray[np.int32], touched: NDArray[np.int32]) -> tuple[int, ...]:
    """List the touched grids that are in pieces; whole islands of their polygon are forgiven, as publishing does."""
    torn = grids_in_pieces(draft.graph, after, draft.area_ix)
    return tuple(np.intersect1d(torn, touched[touched >= 0]).tolist())
