"""The number of parts: the rule of the contract, and how a number is shared."""

from __future__ import annotations

import pytest

from gis_core.errors import ParameterError
from gis_core.partition import Bounds, Objective, count_range, parts_for_total, preset
from gis_core.partition.counts import share_by_pieces, share_grids

BOUNDS = Bounds(300, 500)


@pytest.mark.parametrize(
    ("households", "parts"),
    [(0, 1), (1, 1), (300, 1), (500, 1), (600, 2), (799, 2), (800, 2), (1300, 3), (1400, 4), (40_000, 100)],
)
def test_the_number_nearest_to_the_middle_inside_the_range(households, parts):
    assert parts_for_total(households, BOUNDS) == parts


@pytest.mark.parametrize(("households", "parts"), [(543, 1), (549, 1), (551, 2), (599, 2), (299, 1)])
def test_where_no_number_fits_the_least_violation_decides(households, parts):
    least, most = count_range(households, BOUNDS)
    assert least > most
    assert parts_for_total(households, BOUNDS) == parts


def test_the_rule_equals_a_search_over_all_numbers():
    for households in range(300, 6000, 7):
        fitting = [k for k in range(1, 30) if 300 * k <= households <= 500 * k]
        if fitting:
            best = min(abs(k - households / 400) for k in fitting)
            assert abs(parts_for_total(households, BOUNDS) - households / 400) == best


def test_pieces_take_their_own_numbers_and_sum_to_the_whole_where_they_can():
    totals = [1000.0, 1000.0, 450.0]
    ranges = [count_range(total, BOUNDS) for total in totals]
    assert sum(share_by_pieces(6, totals, ranges, [50] * 3, BOUNDS, exact=False)) == 6
    # 8 would push a piece below the minimum: only asked numbers may do that.
    assert sum(share_by_pieces(8, totals, ranges, [50] * 3, BOUNDS, exact=False)) == 7
    assert sum(share_by_pieces(8, totals, ranges, [50] * 3, BOUNDS, exact=True)) == 8


def test_a_piece_never_gets_more_parts_than_cells():
    assert share_by_pieces(5, [4000.0, 100.0], [(8, 13), (1, 0)], [3, 1], BOUNDS, exact=True) == [3, 1]


def test_grids_are_shared_by_largest_remainder_with_one_at_least():
    assert share_grids(10, [700.0, 200.0, 100.0], [1, 1, 1], [99] * 3) == [7, 2, 1]
    assert share_grids(4, [1000.0, 1.0, 0.0], [1, 1, 1], [99, 99, 1]) == [2, 1, 1]
    assert share_grids(7, [500.0, 500.0], [1, 1], [2, 99]) == [2, 5]


@pytest.mark.parametrize(("asked", "words"), [(2, "too few"), (100, "too many")])
def test_numbers_that_cannot_be_shared_are_refused(asked, words):
    with pytest.raises(ParameterError, match=words):
        share_grids(asked, [10.0, 10.0, 10.0], [1, 1, 1], [5, 5, 5])


@pytest.mark.parametrize("bounds", [(500, 300), (-1, 5), (0, 0), (float("nan"), 5)])
def test_bounds_that_cannot_be_are_refused(bounds):
    with pytest.raises(ParameterError):
        Bounds(*bounds)


def test_objectives_have_names_and_limits():
    assert preset("border").street_factor == 1.0
    with pytest.raises(ParameterError, match="no objective 'best'"):
        preset("best")
    with pytest.raises(ParameterError):
        Objective(street_factor=2)
