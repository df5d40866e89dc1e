"""The check list of a plan: what is open before it can be published.

Unassigned cells and grids in pieces always stand in the way; bounds, names and staff can be excepted by name. Must
not know HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError, some_of
from gis_core.graph import part_component_labels
from gis_core.plan.metrics import grids_in_pieces

if TYPE_CHECKING:
    from gis_core.model import AdjacencyGraph

__all__ = [
    "DEFAULT_BOUNDS",
    "EXCEPTABLE",
    "CheckItem",
    "CheckKind",
    "GridOfPlan",
    "check_plan",
    "require_exceptions",
]

CheckKind = Literal["unassigned", "in_pieces", "out_of_bounds", "unnamed", "without_staff"]
#: Kinds that a planner may except by name; the others always stand in the way.
EXCEPTABLE: tuple[CheckKind, ...] = ("out_of_bounds", "unnamed", "without_staff")
#: Fewest and most households of a grid where a plan names none.
DEFAULT_BOUNDS = (300, 500)


@dataclass(frozen=True)
class CheckItem:
    """One thing that is open.

    Attributes
    ----------
    kind : str
        One of `CheckKind`.
    grid_ix : int or None
        The grid; None for unassigned cells.
    grid_code : str or None
        Its code.
    cells : int32, shape (n,)
        Cells to zoom to: those unassigned, those outside the greatest piece, else all of the grid.
    message : str
        One sentence.
    """

    kind: CheckKind
    grid_ix: int | None
    grid_code: str | None
    cells: NDArray[np.int32]
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the item as plain values for JSON."""
        return {
            "kind": self.kind,
            "grid_ix": self.grid_ix,
            "grid_code": self.grid_code,
            "cells": self.cells.tolist(),
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class GridOfPlan:
    """What the check list asks of a living grid."""

    grid_ix: int
    code: str
    households: int
    name: str | None
    has_staff: bool


def check_plan(
    graph: AdjacencyGraph,
    assignment: NDArray[np.int32],
    boundary_ix: NDArray[np.int32],
    grids: Sequence[GridOfPlan],
    bounds: tuple[int, int],
) -> tuple[CheckItem, ...]:
    """Say what is open, what stands in the way first, each kind in the order of the grids.

    Parameters
    ----------
    assignment, boundary_ix : int32, shape (n_cells,)
        Grid of each cell, -1 for none; boundary polygon of each cell.
    grids : sequence of GridOfPlan
        The living grids.
    bounds : tuple of int
        Fewest and most households of a grid.

    Returns
    -------
    tuple of CheckItem
        Empty where the plan can be published as it is. A grid without cells counts as in pieces.

    Notes
    -----
    Linear in cells and adjacencies. A grid may take whole islands of its boundary polygon, as the solver does.
    """
    order = np.argsort(assignment, kind="stable").astype(np.int32)
    number = assignment[order]
    members = {
        grid.grid_ix: order[slice(*np.searchsorted(number, [grid.grid_ix, grid.grid_ix + 1]))]
        for grid in grids
    }
    pieces = part_component_labels(graph, assignment)
    return (
        *_unassigned(assignment, pieces),
        *_in_pieces(graph, assignment, boundary_ix, grids, members, pieces),
        *_out_of_bounds(grids, members, bounds),
        *(
            _item("unnamed", grid, members, f"Grid {grid.code} has no name.")
            for grid in grids
            if not grid.name
        ),
        *(
            _item("without_staff", grid, members, f"Grid {grid.code} has nobody in charge.")
            for grid in grids
            if not grid.has_staff
        ),
    )


def _item(
    kind: CheckKind, grid: GridOfPlan, members: Mapping[int, NDArray[np.int32]], message: str
) -> CheckItem:
    return CheckItem(kind, grid.grid_ix, grid.code, members[grid.grid_ix], message)


def _unassigned(assignment: NDArray[np.int32], pieces: NDArray[np.int32]) -> list[CheckItem]:
    """Return an item for each connected piece of unassigned ground, in the order of its first cell."""
    free = np.flatnonzero(assignment < 0).astype(np.int32)
    order = free[np.argsort(pieces[free], kind="stable")]
    starts = np.flatnonzero(np.diff(pieces[order])) + 1
    return [
        CheckItem("unassigned", None, None, cells, f"{_count(len(cells), 'cell')} in no grid.")
        for cells in np.split(order, starts)
        if len(cells)
    ]


def _in_pieces(
    graph: AdjacencyGraph,
    assignment: NDArray[np.int32],
    boundary_ix: NDArray[np.int32],
    grids: Sequence[GridOfPlan],
    members: Mapping[int, NDArray[np.int32]],
    pieces: NDArray[np.int32],
) -> list[CheckItem]:
    torn = set(grids_in_pieces(graph, assignment, boundary_ix).tolist())
    items = []
    for grid in grids:
        cells = members[grid.grid_ix]
        if len(cells) == 0:
            text = f"Grid {grid.code} holds no cell: give it some or dissolve it."
            items.append(_item("in_pieces", grid, members, text))
        elif grid.grid_ix in torn:
            labels, sizes = np.unique(pieces[cells], return_counts=True)
            off = cells[pieces[cells] != labels[np.argmax(sizes)]]
            text = f"Grid {grid.code} is in {len(labels)} pieces; {_count(len(off), 'cell')} outside the greatest."
            items.append(CheckItem("in_pieces", grid.grid_ix, grid.code, off, text))
    return items


def _out_of_bounds(
    grids: Sequence[GridOfPlan], members: Mapping[int, NDArray[np.int32]], bounds: tuple[int, int]
) -> list[CheckItem]:
    low, high = bounds
    return [
        _item(
            "out_of_bounds",
            grid,
            members,
            f"Grid {grid.code} has {_count(grid.households, 'household')}, "
            + (f"fewer than {low}." if grid.households < low else f"more than {high}."),
        )
        for grid in grids
        if not low <= grid.households <= high
    ]


def require_exceptions(names: Sequence[str]) -> frozenset[str]:
    """Return the kinds that are excepted.

    Raises
    ------
    ParameterError
        Where a name is none of `EXCEPTABLE`.
    """
    wrong = sorted(set(names) - set(EXCEPTABLE))
    if wrong:
        always = [name for name in wrong if name in get_args(CheckKind)]
        why = "always stands in the way of publishing" if always else "is no kind of check"
        raise ParameterError(f"{some_of(always or wrong)} {why}; excepted can be {', '.join(EXCEPTABLE)}.")
    return frozenset(names)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
