"""What is asked beside bounds: locks, codes that are kept, the best of a range of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from small_town import at, block_town

from gis_core.errors import InfeasiblePartitionError, NotFoundError
from gis_core.fabric import build_fabric
from gis_core.model import Fabric, Infeasible
from gis_core.partition import Bounds, Objective, PartitionResult
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.plan.asked import (
    Asked,
    best_of_range,
    kept_codes,
    lock_reasons,
    locks_of,
    number_reasons,
    wish_reasons,
)
from gis_core.plan.carry import CarryOver
from gis_core.plan.wishes import outline_pairs


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return build_fabric(block_town(6, 2, per_block=6, households=10))  # 60 households in each of 12 blocks


def columns(fabric: Fabric) -> np.ndarray:
    """Return the column of blocks of each cell, 0 in the west."""
    west = at((0, 0))[0][0]
    return np.floor((fabric.graph.x - west) / 90).astype(np.int64)


def carried(assignment: np.ndarray, *codes: str) -> CarryOver:
    return CarryOver(assignment.astype(np.int32), codes, {}, [], np.zeros(len(assignment)))


def test_all_or_some_grids_are_locked(fabric: Fabric) -> None:
    plan = carried(columns(fabric), *"abcdef")
    locked, codes = locks_of(fabric, [("p", plan, [])])
    assert codes == tuple("abcdef") and (locked == columns(fabric)).all()
    locked, codes = locks_of(fabric, [("p", plan, ["f", "b"])])
    assert codes == ("f", "b")
    assert (columns(fabric)[locked == 0] == 5).all() and (columns(fabric)[locked == 1] == 1).all()
    assert (locked == -1).sum() == (~np.isin(columns(fabric), [1, 5])).sum()


@pytest.mark.parametrize(
    ("second", "wanted", "error", "says"),
    [
        ("uvwxyz", ["q"], NotFoundError, "no grid q"),
        ("uvwxyz", ["u"], InfeasiblePartitionError, "grids a and u share"),
        ("uvwaxyz", ["z"], NotFoundError, "no ground"),
    ],
)
def test_locks_that_cannot_be(
    fabric: Fabric, second: str, wanted: list[str], error: type[Exception], says: str
) -> None:
    first = carried(columns(fabric), *"abcdef")
    with pytest.raises(error, match=says):
        locks_of(fabric, [("p", first, ["a"]), ("q", carried(columns(fabric), *second), wanted)])


def test_two_locks_with_one_code(fabric: Fabric) -> None:
    plans = [
        ("p", carried(columns(fabric), *"abcdef"), ["a"]),
        ("q", carried(columns(fabric), *"bacdef"), ["a"]),
    ]
    with pytest.raises(InfeasiblePartitionError, match="code a"):
        locks_of(fabric, plans)


def test_locks_that_cut_off_a_piece_are_named(fabric: Fabric) -> None:
    column = columns(fabric)
    locked = np.select([column == 0, column == 2], [0, 1], -1)  # column 1 of the western half lies between
    asked = Asked(locked=locked, lock_codes=("W", "M"))
    weight = fabric.households.astype(float)
    reason = lock_reasons(asked, fabric, ["B1", "B2"], weight, Bounds(125, 250))[-1]
    assert "W and M" in reason.reason and "120" in reason.reason and "'B1'" in reason.reason
    assert "elease W" in reason.mend and "elease M" in reason.mend
    assert set(column[list(reason.cell_ix)]) == {1}
    assert lock_reasons(asked, fabric, ["B1", "B2"], weight, Bounds(60, 130)) == []


def test_a_lock_out_of_bounds_is_named(fabric: Fabric) -> None:
    asked = Asked(locked=np.where(columns(fabric) == 0, 0, -1), lock_codes=("W",))
    weight = fabric.households.astype(float)
    (reason,) = lock_reasons(asked, fabric, ["B1", "B2"], weight, Bounds(100, 119))[:1]
    assert reason.what == "lock" and "W has 120, outside 100 to 119" in reason.reason


def test_codes_go_with_most_of_the_weight(fabric: Fabric) -> None:
    column = columns(fabric)
    asked = Asked(start=np.array([0, 0, 1, 2, 2, 2])[column], start_codes=("a", "b", "c"))
    part = np.array([4, 4, 4, 1, 0, 0])[
        column
    ]  # b lies in part 4 too, of which more was a; part 1 was c in part
    assert kept_codes(asked, part.astype(np.int32), fabric.households.astype(float)) == {4: "a", 0: "c"}


def test_locked_codes_win_over_those_to_start_from(fabric: Fabric) -> None:
    column = columns(fabric)
    asked = Asked(
        locked=np.where(column == 0, 0, -1),
        lock_codes=("a",),
        start=np.minimum(column, 2),
        start_codes=("x", "a", "y"),
    )
    part = np.minimum(column, 2).astype(np.int32)
    assert kept_codes(asked, part, fabric.households.astype(float)) == {0: "a", 2: "y"}


def test_best_of_a_range_takes_bounds_before_price(fabric: Fabric) -> None:
    column, west = columns(fabric), fabric.boundary_ix
    plans = {
        2: west.astype(np.int32),
        4: (2 * west + (column % 3 == 2)).astype(np.int32),  # 240 and 120
        6: column.astype(np.int32),
    }
    asked: list[int | None] = []
    broken: dict[int, tuple[Infeasible, ...]] = {}

    def solve(count: int | None) -> PartitionResult:
        asked.append(count)
        assignment = plans[min(plans, key=lambda n: (abs(n - (count or 0)), n))]
        homes = np.array([west[assignment == part][0] for part in range(assignment.max() + 1)], np.int32)
        return PartitionResult(assignment, homes, broken.get(len(homes), ()), np.zeros(2), "converged", 0.0)

    weight = fabric.households.astype(float)

    def best(bounds: Bounds) -> int:
        return best_of_range(solve, (2, 6), fabric.graph, west, weight, bounds, Objective()).n_parts

    assert best(Bounds(100, 130)) == 6
    assert best(Bounds(350, 400)) == 2
    assert best(Bounds(100, 400)) == 2
    broken[2] = (Infeasible("together", "", "The school is torn apart."),)
    assert best(Bounds(350, 400)) == 2
    assert best(Bounds(100, 400)) != 2
    assert set(asked) == {2, 3, 4, 5, 6}
    asked.clear()
    best_of_range(solve, (2, 40), fabric.graph, west, weight, Bounds(100, 130), Objective())
    assert len(asked) == 5 and 6 in asked


@pytest.mark.parametrize(
    ("wanted", "given", "says"),
    [
        (None, 5, None),
        (5, 5, None),
        ((4, 6), 5, None),
        (3, 5, "3 grids were asked for and 5 were made"),
        ((6, 8), 5, "6 to 8 grids"),
    ],
)
def test_another_number_than_asked_for_is_said(
    wanted: int | tuple[int, int] | None, given: int, says: str | None
) -> None:
    reasons = [reason.reason for reason in number_reasons(wanted, given)]
    assert reasons == [] if says is None else says in reasons[0]


def test_wishes_that_no_plan_can_fulfil_are_named(fabric: Fabric) -> None:
    column = columns(fabric)
    label = np.full(fabric.n_cells, None, dtype=object)
    label[np.flatnonzero(column < 3)[:4]] = ["s1", "s2", "s3", "s4"]
    label[np.flatnonzero(column == 5)[0]] = "s5"
    asked = Asked(constraints=(Together(np.where(column == 0, 0, -1), ("The school",)), Seeds(label)))
    weight = fabric.households.astype(float)
    heavy, crowded = wish_reasons(asked, fabric, ["B1", "B2"], weight, Bounds(110, 119))
    assert "The school" in heavy.reason and "120" in heavy.reason and "119" in heavy.reason
    assert set(column[list(heavy.cell_ix)]) == {0}
    assert "'B1' has 4 seeds" in crowded.reason and "make 3 grids" in crowded.reason
    assert wish_reasons(asked, fabric, ["B1", "B2"], weight, Bounds(60, 120)) == []


def test_a_border_that_leaves_too_little_is_given_up_there_only(fabric: Fabric) -> None:
    column = columns(fabric)
    house = int(np.flatnonzero((column == 5) & (fabric.households == 10))[0])
    left, right = outline_pairs(fabric.graph, np.where(np.arange(fabric.n_cells) == house, 2, column == 0))
    asked = Asked(constraints=(Borders(left, right, "the canal"),))
    (all_kept,) = asked.keepable(fabric, 10).constraints
    assert isinstance(all_kept, Borders) and len(all_kept.left) == len(left)
    (some,) = asked.keepable(
        fabric, 120
    ).constraints  # one house is too little for a grid, a column of blocks is not
    assert isinstance(some, Borders)
    round_the_house = (left == house) | (right == house)
    assert some.left.tolist() == left[~round_the_house].tolist() and round_the_house.any()
    (none,) = asked.keepable(fabric, 130).constraints
    assert isinstance(none, Borders) and len(none.left) == 0
    slots = asked.kept_borders(fabric)
    assert slots is not None and slots.sum() == 2 * len(left)
    assert Asked().kept_borders(fabric) is None
