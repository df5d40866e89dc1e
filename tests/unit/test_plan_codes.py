"""Codes of grids where some are kept and some were given before."""

from __future__ import annotations

import numpy as np
import pytest

from gis_core.errors import ParameterError
from gis_core.plan.codes import number_grids


def number(n: int, **options: object) -> tuple[list[int], list[str]]:
    home = np.zeros(n, dtype=np.int32)
    order, codes = number_grids(home, np.arange(n, dtype=float), np.zeros(n), ["A"], **options)  # type: ignore[arg-type]
    return order.tolist(), codes


def test_kept_codes_stay_and_are_not_given_twice() -> None:
    order, codes = number(4, kept={2: "A001"})
    by_grid = dict(zip(order, codes, strict=True))
    assert by_grid[2] == "A001"
    assert sorted(codes) == codes == ["A001", "A002", "A003", "A004"]


def test_reserved_codes_are_not_given_again() -> None:
    _, codes = number(3, kept={0: "A002"}, reserved=["A001", "A003", "B001"])
    assert set(codes) == {"A002", "A004", "A005"}


def test_codes_of_another_form_are_kept() -> None:
    order, codes = number(3, kept={1: "old"})
    assert dict(zip(order, codes, strict=True))[1] == "old"
    assert set(codes) == {"old", "A001", "A002"}


def test_more_codes_than_digits_widen_the_sequence() -> None:
    _, codes = number(2, reserved=[f"A{i:03d}" for i in range(1000)])
    assert codes == ["A0001", "A0002"]


def test_a_template_without_sequence_is_refused() -> None:
    with pytest.raises(ParameterError, match="Two grids"):
        number(3, template="{boundary}")


def test_two_kept_codes_that_are_equal_are_refused() -> None:
    with pytest.raises(ParameterError, match="A001"):
        number(3, kept={0: "A001", 1: "A001"})
