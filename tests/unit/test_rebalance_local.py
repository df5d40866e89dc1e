"""One edit at a time: what was cut off finds a neighbour, what is too full gives, what is locked stays."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import lattice

from gis_core.errors import ParameterError
from gis_core.graph import parts_in_pieces
from gis_core.partition import Bounds
from gis_core.partition.local import LocalPlan


def quarters(**options: object) -> LocalPlan:
    """8 x 8 cells of weight 1 in four squares of 16."""
    row, column = np.divmod(np.arange(64), 8)
    return LocalPlan(lattice(8, 8), np.ones(64), row // 4 * 2 + column // 4, bounds=Bounds(14, 18), **options)


def test_a_sound_plan_needs_nothing():
    delta = quarters().suggest([0, 1, 2, 3])
    assert len(delta.cells) == 0
    assert delta.violation == delta.moved == 0


def test_a_piece_that_was_cut_off_goes_to_its_neighbour():
    # The second column of the first square goes over: the first column, four cells, has no way to its own.
    plan = quarters()
    column = np.array([1, 9, 17, 25])
    plan.assign(column, 2)
    delta = plan.suggest([0, 2], balance=False, pinned=column)
    plan.assign(delta.cells, delta.parts)
    assert len(parts_in_pieces(lattice(8, 8), plan.assignment)) == 0
    assert (plan.assignment[column] == 2).all()


def borders(part: np.ndarray) -> int:
    square = part.reshape(8, 8)
    return int((square[1:] != square[:-1]).sum() + (square[:, 1:] != square[:, :-1]).sum())


def test_the_neighbourhood_is_brought_inside_the_bounds_with_little_and_borders_stay_short():
    # The painted column walls the first square off from the second: it gives three cells to the south, and the
    # second takes three from there. With six cells borders are 21 links at least, with one more they are 20.
    plan = quarters()
    painted = np.array([4, 12, 20, 28, 5])
    plan.assign(painted, 0)
    assert plan.part_weight.tolist() == [21, 11, 16, 16]
    delta = plan.suggest([0, 1], pinned=painted)
    plan.assign(delta.cells, delta.parts)
    assert delta.violation == 0
    assert delta.moved <= 7
    assert borders(plan.assignment) <= 20
    assert (plan.assignment[painted] == 0).all()
    assert plan.part_weight.min() >= 14
    assert plan.part_weight.max() <= 18


def test_locked_parts_neither_give_nor_take():
    plan = quarters(locked=[1])
    with pytest.raises(ParameterError, match="locked"):
        plan.assign(np.array([4]), 0)
    plan.assign(np.array([24, 25, 26]), 2)
    delta = plan.suggest([0, 2])
    before = plan.assignment
    assert 1 not in before[delta.cells]
    assert 1 not in delta.parts


def test_zones_are_never_crossed():
    zone = (np.arange(64) % 8 >= 4).astype(int)
    plan = quarters(zone=zone)
    plan.assign(np.array([24, 25, 26, 27]), 2)
    delta = plan.suggest([0, 2])
    plan.assign(delta.cells, delta.parts)
    after = plan.assignment
    assert {int(p) for p in after[zone == 0]} == {0, 2}
    assert delta.violation == 0


def test_new_parts_and_cells_without():
    plan = quarters()
    plan.assign(np.array([0, 1]), 4)
    plan.assign(np.array([63]), -1)
    assert plan.part_weight.tolist() == [14, 16, 16, 15, 2]
    assert plan.assignment[63] == -1


def test_arrays_that_do_not_fit():
    with pytest.raises(ParameterError):
        LocalPlan(lattice(2, 2), np.ones(3), np.zeros(4, int), bounds=Bounds(1, 5))
