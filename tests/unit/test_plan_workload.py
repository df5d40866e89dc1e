"""Weights of cells from formulas over the columns of buildings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_town import block_town

from gis_core.errors import ParameterError
from gis_core.fabric import build_fabric
from gis_core.model import Dataset, Fabric
from gis_core.plan.workload import build_workload, parse_bound, workload_columns


@pytest.fixture(scope="module")
def town() -> tuple[Dataset, Fabric]:
    plain = block_town(2, 2, per_block=4)
    n = len(plain.buildings)
    buildings = plain.buildings.assign(
        elderly=np.arange(n) % 5,
        cases=np.where(np.arange(n) % 3 == 0, np.nan, 2.0),
        population=np.arange(n) * 1.5,
        **{"老人": np.arange(n), "over 80": np.ones(n)},
    )
    data = replace(plain, buildings=buildings)
    return data, build_fabric(data)


def by_cell(data: Dataset, fabric: Fabric, values: np.ndarray) -> list[float]:
    """Sum what each building has, one after the other."""
    sums = [0.0] * fabric.n_cells
    for cell, value in zip(fabric.building_cell_ix.tolist(), values.tolist(), strict=True):
        if cell >= 0:
            sums[cell] += value
    return sums


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("elderly", lambda b: b["elderly"]),
        ("households + 2*elderly + 0.5*cases", lambda b: b["households"] + 2 * b["elderly"] + b["cases"].fillna(0) / 2),
        ("(households - elderly) / 4", lambda b: (b["households"] - b["elderly"]) / 4),
        ("老人", lambda b: b["老人"]),
        ("+households*2 - -`over 80`", lambda b: b["households"] * 2 + 1),
        ("over 80", lambda b: b["over 80"]),
        ("1", lambda b: b["households"] * 0 + 1),
    ],
)  # fmt: skip
def test_formula_is_summed_for_every_cell(town, formula, expected) -> None:  # type: ignore[no-untyped-def]
    data, fabric = town
    found = build_workload(data, fabric, formula)
    assert found.name == formula
    assert found.cells.tolist() == pytest.approx(
        by_cell(data, fabric, expected(data.buildings).to_numpy(float))
    )


def test_households_are_those_of_the_fabric(town: tuple[Dataset, Fabric]) -> None:
    data, fabric = town
    assert build_workload(data, fabric, "households").cells.tolist() == fabric.households.tolist()


def test_missing_numbers_are_counted_for_the_columns_that_are_used(town: tuple[Dataset, Fabric]) -> None:
    data, fabric = town
    n_missing = int(data.buildings["cases"].isna().sum())
    assert build_workload(data, fabric, "cases + households").missing == {"cases": n_missing}
    assert build_workload(data, fabric, "households").missing == {}


def test_unknown_column_is_answered_with_those_that_are_there(town: tuple[Dataset, Fabric]) -> None:
    with pytest.raises(ParameterError, match=r"no numeric column 'oldies'.*households.*elderly.*cases"):
        build_workload(*town, "households + oldies")
    assert "geometry" not in workload_columns(town[0].buildings)
    assert "row" not in workload_columns(town[0].buildings)


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').getcwd()",
        "households.__class__",
        "households ** 2",
        "households if 1 else 2",
        "[households]",
        "'a'",
        "True",
        "households[0]",
        "1j",
        "households // 2",
        "households +",
        "a = 1",
        "",
        "   ",
        "x" * 501,
        "(" * 300 + "1" + ")" * 300,
        "households\x00",
        "1e999",
        "9" * 400,
        "lambda: 1",
        "households @ elderly",
        "~households",
        "_quoted_5_ + `over 80`",
    ],
)
def test_anything_else_is_refused_in_one_sentence(town: tuple[Dataset, Fabric], formula: str) -> None:
    with pytest.raises(ParameterError) as refused:
        build_workload(*town, formula)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("formula", "says"), [("households / elderly", "division"), ("elderly - 3", "below 0")]
)
def test_a_weight_needs_0_or_more_for_every_building(
    town: tuple[Dataset, Fabric], formula: str, says: str
) -> None:
    with pytest.raises(ParameterError, match=says):
        build_workload(*town, formula)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("population:800:1200", ("population", 800.0, 1200.0)),
        ("population::1200", ("population", 0.0, 1200.0)),
        ("population:800:", ("population", 800.0, float("inf"))),
        ("a + 2*b:0.5:1e3", ("a + 2*b", 0.5, 1000.0)),
    ],
)
def test_bounds_are_read(text: str, expected: tuple[str, float, float]) -> None:
    assert parse_bound(text) == expected


@pytest.mark.parametrize(
    "text", ["population", "population:3", ":1:2", "p:5:4", "p:-1:4", "p:a:4", "p:nan:4", "p::", "p:0:0", ""]
)
def test_bounds_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_bound(text)
