"""Where cells are now, and what a plan was, across edits that cut the ground anew.

An edit of base data logs, beside where each cell went, the cells that are gone with their grid and a point; one that
takes another back logs which cells these are again. So taking back is exact, and older edits find their cells again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.plan.base import from_runs

if TYPE_CHECKING:
    from gis_core.store.records import EditRecord

__all__ = [
    "BASE_PATH",
    "assignment_before",
    "base_value",
    "found_again",
    "gone_rows",
    "places_before",
    "to_take_back",
]

#: Path under which the log keeps changes of the base data.
BASE_PATH = "base"
#: Decimals of degrees of the points: a millimetre.
_DECIMALS = 8
Ints = NDArray[np.int32]


def base_value(edit: EditRecord) -> dict[str, Any] | None:
    """Return what an edit logs of a change of base data; None where it made none."""
    return next((change.value for change in edit.changes if change.path == BASE_PATH), None)


def gone_rows(
    cells: NDArray[np.object_], assignment: Ints, gone: Ints, locked: frozenset[int]
) -> list[list[Any]]:
    """Write the cells that are gone: `[cell, grid, longitude, latitude, locked]`.

    Parameters
    ----------
    cells : object, shape (n_cells,)
        All cells before the change, in degrees.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(cells[gone])).round(_DECIMALS)
    columns = (gone.tolist(), assignment[gone].tolist(), points[:, 0].tolist(), points[:, 1].tolist())
    return [[cell, grid, x, y, int(cell in locked)] for cell, grid, x, y in zip(*columns, strict=True)]


def found_again(gone: Sequence[Sequence[Any]], cells: NDArray[np.object_], fresh: Ints) -> Ints:
    """Return the new cell in which the point of each cell lies that was gone; -1 where there is none."""
    found = np.full(len(gone), -1, np.int32)
    if len(gone) and len(fresh):
        points = shapely.points([row[2] for row in gone], [row[3] for row in gone])
        at, cell = shapely.STRtree(cells[fresh]).query(points, predicate="within")
        found[at] = fresh[cell]
    return found


def places_before(since: Sequence[EditRecord], n_cells: int) -> list[Ints]:
    """Return where each cell is now, for the numbers that were valid before each edit; -1: it is gone.

    Parameters
    ----------
    since
        Edits in their order, up to the last one.
    n_cells : int
        Cells of the plan now.
    """
    place = np.arange(n_cells, dtype=np.int32)
    taken_back: dict[int, tuple[Ints, list[list[int]]]] = {}
    found: list[Ints] = []
    for edit in reversed(since):
        value = base_value(edit)
        if value is not None and value["recut"]:
            if edit.undoes is not None:
                taken_back[edit.undoes] = place, value.get("back", [])
            went = from_runs(value["cells"])
            place = np.where(went < 0, -1, place[went]).astype(np.int32)
            if edit.revision in taken_back:
                later, back = taken_back.pop(edit.revision)
                for cell, again in back:
                    place[cell] = later[again]
        found.append(place)
    return found[::-1]


def assignment_before(since: Sequence[EditRecord], now: Ints) -> Ints:
    """Return the grid of each cell before some edits, in the numbers that cells had then."""
    result = now.copy()
    for edit in reversed(since):
        value = base_value(edit)
        if value is not None and value["recut"]:
            went = from_runs(value["cells"])
            result = np.where(went < 0, -1, result[went]).astype(np.int32)
            for cell, grid, *_ in value.get("gone", []):
                result[cell] = grid
        result[edit.cell_ix] = edit.inverse_grid_ix
    return result


def to_take_back(since: Sequence[EditRecord]) -> list[EditRecord]:
    """Return the changes of base data that still count after a revision, the newest first."""
    stack: list[EditRecord] = []
    for edit in since:
        if base_value(edit) is None:
            continue
        if stack and edit.undoes == stack[-1].revision:
            stack.pop()
        else:
            stack.append(edit)
    return stack[::-1]
