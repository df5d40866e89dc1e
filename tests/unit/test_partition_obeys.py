"""What is asked is done: plans of the solver on a lattice town obey every constraint that can be obeyed."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import town
from numpy.typing import NDArray

from gis_core.graph import parts_in_pieces
from gis_core.partition import Bounds, solve
from gis_core.partition.constraints import Constraint
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds

ROWS, COLUMNS = 20, 30
GRAPH, HOUSEHOLDS = town(4, ROWS, COLUMNS)
N = GRAPH.n_cells
BOUNDS = Bounds(300, 500)
N_PARTS = round(float(HOUSEHOLDS.sum()) / 400)


def solved(
    *asked: Constraint, n_parts: int = N_PARTS, start: NDArray[np.int32] | None = None
) -> NDArray[np.int32]:
    """Solve and check what holds for every plan: parts in one piece, none empty, inside the bounds."""
    found = solve(
        GRAPH, HOUSEHOLDS, n_parts=n_parts, bounds=BOUNDS, constraints=asked, start=start, rng=3, effort=0.5
    )
    part = found.assignment
    totals = np.bincount(part, weights=HOUSEHOLDS, minlength=n_parts)
    assert len(parts_in_pieces(GRAPH, part)) == 0
    assert ((totals >= BOUNDS.minimum) & (totals <= BOUNDS.maximum)).all(), totals
    return part


def cell(row: int, column: int) -> int:
    return row * COLUMNS + column


def groups(*cells: list[int]) -> Together:
    group = np.full(N, -1, np.int64)
    for number, own in enumerate(cells):
        group[own] = number
    return Together(group, tuple(f"g{number}" for number in range(len(cells))))


def seeds(cells: list[int]) -> Seeds:
    label = np.full(N, None, dtype=object)
    label[cells] = [f"s{one}" for one in cells]
    return Seeds(label)


def border_ends(part: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the two cells of every border of a plan."""
    owner = np.repeat(np.arange(N), np.diff(GRAPH.indptr))
    cut = (owner < GRAPH.indices) & (part[owner] != part[GRAPH.indices])
    return owner[cut], GRAPH.indices[cut].astype(np.int64)


@pytest.fixture(scope="module")
def free() -> NDArray[np.int32]:
    """Give a plan that nobody asked anything of."""
    return solved()


def test_what_a_free_plan_parts_stays_together(free: NDArray[np.int32]) -> None:
    left, right = border_ends(free)
    asked = groups([left[0], right[0]], [left[len(left) // 2], right[len(left) // 2]], [left[-1], right[-1]])
    assert asked.broken(GRAPH, free)
    assert asked.broken(GRAPH, solved(asked)) == []


def test_cells_that_do_not_touch_stay_together() -> None:
    asked = groups([cell(4, 4), cell(4, 9)], [cell(15, 20), cell(12, 23), cell(17, 22)])
    assert asked.broken(GRAPH, solved(asked)) == []


def test_what_a_free_plan_joins_stays_apart(free: NDArray[np.int32]) -> None:
    cells = np.random.default_rng(0).permutation(N)[:12]
    pairs = [(a, a + 1) for a in cells.tolist() if (a + 1) % COLUMNS and free[a] == free[a + 1]]
    left, right = np.array(pairs, dtype=np.int64).T
    asked = Apart(left, right, tuple("p" for _ in pairs))
    assert len(asked.broken(GRAPH, free)) == len(pairs) > 3
    assert asked.broken(GRAPH, solved(asked)) == []


def test_as_many_seeds_as_grids_have_one_each(free: NDArray[np.int32]) -> None:
    asked = seeds(np.random.default_rng(2).permutation(N)[:N_PARTS].tolist())
    assert asked.broken(GRAPH, free)
    part = solved(asked)
    assert sorted(part[asked.cell_ix].tolist()) == list(range(N_PARTS))


def test_few_seeds_are_in_grids_of_their_own() -> None:
    asked = seeds([cell(5, 5), cell(5, 8), cell(8, 5)])
    assert asked.broken(GRAPH, solved(asked)) == []


def test_a_line_across_the_town_stays_a_border(free: NDArray[np.int32]) -> None:
    west = np.array(
        [cell(row, 13) for row in range(ROWS - 1)], dtype=np.int64
    )  # it ends one row before the edge
    asked = Borders(west, west + 1, "the canal")
    assert asked.broken(GRAPH, free)
    part = solved(asked)
    assert (part[west] != part[west + 1]).all()


def test_a_second_weight_holds_its_bounds(free: NDArray[np.int32]) -> None:
    column = np.arange(N) % COLUMNS
    people = HOUSEHOLDS * np.where(column < 8, 3.25, 1.5)
    mean = float(people.sum()) / N_PARTS
    asked = WeightBounds("people", people, 0.72 * mean, 1.3 * mean)
    assert asked.broken(GRAPH, free)
    assert asked.broken(GRAPH, solved(asked)) == []


def test_all_wishes_at_once() -> None:
    west = np.array([cell(row, 13) for row in range(ROWS - 1)], dtype=np.int64)
    asked: list[Constraint] = [
        groups([cell(3, 20), cell(4, 24)], [cell(15, 2), cell(15, 3), cell(16, 3)]),
        Apart(np.array([cell(10, 5)]), np.array([cell(10, 6)]), ("p",)),
        seeds([cell(3, 20), cell(3, 28), cell(18, 20)]),
        Borders(west, west + 1, "the canal"),
    ]
    part = solved(*asked)
    assert [reason.reason for wish in asked for reason in wish.broken(GRAPH, part)] == []


def test_a_start_is_improved_and_keeps_most_cells(free: NDArray[np.int32]) -> None:
    again = solved(start=free)
    shared = np.zeros((N_PARTS, N_PARTS))
    np.add.at(shared, (free, again), 1)
    assert shared.max(axis=1).sum() > 0.6 * N


def test_same_seed_same_plan_with_wishes() -> None:
    asked = groups([cell(4, 4), cell(4, 9)])
    assert np.array_equal(solved(asked), solved(asked))
