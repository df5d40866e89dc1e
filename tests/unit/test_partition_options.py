"""`wangge partition`: weights, bounds, numbers, locks, levels; what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
from small_town import block_town
from typer.testing import CliRunner, Result

from gis_core.cli import app
from gis_core.commands._asked import parse_numbers
from gis_core.errors import ParameterError


def wangge(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a town of 24 blocks with people and old people, some of them unknown."""
    path = tmp_path_factory.mktemp("options") / "town.gpkg"
    data = block_town(6, 4, per_block=6, households=25)
    n = len(data.buildings)
    buildings = data.buildings[["id", "households", "geometry"]].assign(
        population=[60.0] * n, elderly=[np.nan if ix % 10 == 0 else float(ix % 3) for ix in range(n)]
    )
    for layer, frame in (
        ("boundary", data.boundary[["code", "name", "geometry"]]),
        ("buildings", buildings),
        ("streets", data.streets[["highway", "geometry"]]),
    ):
        frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
    return path


@pytest.fixture(scope="module")
def plan(town: Path) -> Path:
    path = town.with_name("plan.gpkg")
    assert wangge("partition", town, "--out", path).exit_code == 0
    return path


def run(town: Path, tmp_path: Path, *options: object) -> tuple[dict[str, Any], Path]:
    out = tmp_path / "out.gpkg"
    done = wangge("partition", town, "--out", out, "--json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout), out


def sums(out: Path, town: Path, formula: str) -> list[float]:
    """Work a formula out with pandas for every grid of a plan."""
    placed = pyogrio.read_dataframe(out, layer="buildings").set_index("id")
    source = pyogrio.read_dataframe(town, layer="buildings").set_index("id").fillna({"elderly": 0.0})
    return source.eval(formula).groupby(placed["grid_code"]).sum().tolist()  # type: ignore[no-any-return]


def test_a_formula_is_balanced_and_bounded(town: Path, tmp_path: Path) -> None:
    formula = "households + 2*elderly"
    report, out = run(town, tmp_path, "--weight", formula, "--min", "310.5", "--max", "520")
    totals = sums(out, town, formula)
    assert all(310.5 <= total <= 520 for total in totals)
    (row,) = report["weights"]
    assert row["name"] == formula and row["bounds"] == [310.5, 520] == report["bounds"]
    assert row["in_bounds"] == report["in_bounds"] == len(totals)
    assert row["missing"] == {"elderly": 15}
    assert row["total"] == pytest.approx(sum(totals))


@pytest.mark.parametrize(
    ("number", "given"), [("7", {7}), ("12", {12}), ("8-9", {8, 9}), ("11:12", {11, 12})]
)
def test_the_number_asked_for_is_the_number_given(
    town: Path, tmp_path: Path, number: str, given: set[int]
) -> None:
    report, out = run(town, tmp_path, "--grids", number)
    assert report["grids"] == len(pyogrio.read_dataframe(out, layer="grids"))
    assert report["grids"] in given


def test_a_range_takes_a_number_that_holds_the_bounds(town: Path, tmp_path: Path) -> None:
    report, _ = run(town, tmp_path, "--grids", "5-8", "--min", "300", "--max", "500")
    assert report["grids"] == 8 == report["in_bounds"]  # 3,600 households: 7 grids or fewer are too heavy


def test_locked_grids_keep_cells_and_codes(town: Path, plan: Path, tmp_path: Path) -> None:
    before = pyogrio.read_dataframe(plan, layer="cells")
    codes = sorted(before["grid_code"].unique())
    kept = [codes[0], codes[-1]]
    _, out = run(town, tmp_path, "--lock", f"{plan}:{','.join(kept)}", "--seed", "9")
    after = pyogrio.read_dataframe(out, layer="cells")
    for code in kept:
        assert set(after.cell_id[after.grid_code == code]) == set(before.cell_id[before.grid_code == code])
    fresh = set(after["grid_code"]) - set(kept)
    assert fresh and not fresh & set(codes)


def test_a_whole_plan_is_locked(town: Path, plan: Path, tmp_path: Path) -> None:
    _, out = run(town, tmp_path, "--lock", plan, "--seed", "9")
    before, after = (pyogrio.read_dataframe(path, layer="cells") for path in (plan, out))
    assert after["grid_code"].tolist() == before["grid_code"].tolist()


def test_a_lock_out_of_bounds_is_said(town: Path, plan: Path, tmp_path: Path) -> None:
    code = str(pyogrio.read_dataframe(plan, layer="grids")["code"][0])
    report, _ = run(town, tmp_path, "--lock", f"{plan}:{code}", "--min", "100", "--max", "200")
    reasons = [item["reason"] for item in report["infeasible"] if item["what"] == "lock"]
    assert any(code in reason and "100 to 200" in reason for reason in reasons)


def test_levels_are_written_and_said(town: Path, tmp_path: Path) -> None:
    report, out = run(town, tmp_path, "--levels", "community:700:1300,grid:200:330", "--strict")
    communities, grids = (pyogrio.read_dataframe(out, layer=name) for name in ("communities", "grids"))
    assert set(grids["boundary_code"]) == set(communities["code"])
    assert [row["parts"] for row in report["levels"]] == [len(communities), len(grids)]


def test_strict_minds_further_weights(town: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gpkg"
    done = wangge("partition", town, "--out", out, "--strict", "--bound", "population::10")
    assert done.exit_code == 1 and out.exists()
    assert "population" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--weight", "households + oldies"], "population, levels, elderly"),
        (["--weight", "households("], "cannot be read"),
        (["--bound", "population"], "COL:MIN:MAX"),
        (["--bound", "oldies:1:2"], "no numeric column"),
        (["--grids", "a"], "range such as"),
        (["--grids", "9-5"], "smaller number first"),
        (["--grids", "0"], "more than 0"),
        (["--min", "nan"], "leave no room"),
        (["--lock", "no.gpkg"], "no plan file"),
        (["--lock", "{plan}:"], "no grid after the colon"),
        (["--lock", "{plan}:nobody"], "has no grid nobody"),
        (["--lock", "{plan}", "--lock", "{plan}"], "share"),
        (["--lock", "{town}"], "not a plan file"),
        (["--wishes", "no.csv"], "no wishes file"),
        (["--seeds", "facilities:clinic"], "none at all"),
        (["--seeds", "nowhere"], "neither a file nowhere nor a layer"),
        (["--borders", "{town}:boundary", "--seeds", "facilities:x"], "none at all"),
        (["--levels", "grid:300:500"], "at least two"),
        (["--levels", "c:700:1300,g:200:330", "--grids", "5"], "--grids does not go with --levels"),
        (["--levels", "c:700:1300,g:200:330", "--min", "5"], "--min does not go with --levels"),
        (["--levels", "c:500:590,g:300:450"], "No c of 500 to 590"),
        (["--from", "{town}:boundary", "--code-col", "kode"], "no column 'kode'"),
    ],
)
def test_wrong_use_is_one_sentence(
    town: Path, plan: Path, tmp_path: Path, options: list[str], says: str
) -> None:
    out = tmp_path / "out.gpkg"
    done = wangge("partition", town, "--out", out, *(text.format(plan=plan, town=town) for text in options))
    assert done.exit_code == 2, done.output
    assert says in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not out.exists()


def test_inputs_are_never_replaced(town: Path, plan: Path) -> None:
    before = plan.read_bytes()
    done = wangge("partition", town, "--out", plan, "--lock", plan)
    assert done.exit_code == 2 and "would be replaced" in done.stderr
    assert plan.read_bytes() == before


@pytest.mark.parametrize("text", ["", "1.5", "5-", "-", "1-2-3", "0-4", "-3"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_numbers(text)


def test_grids_to_start_from_are_improved_and_hand_on_their_codes(
    town: Path, plan: Path, tmp_path: Path
) -> None:
    report, out = run(town, tmp_path, "--from", plan)
    before, after = (pyogrio.read_dataframe(path, layer="cells") for path in (plan, out))
    assert report["in_bounds"] == report["grids"] and report["contiguous"]
    # Codes go with the ground: a grid drawn anew may get a new one; far more ground than by chance keeps its code.
    codes = set(before["grid_code"])
    assert len(set(after["grid_code"]) & codes) >= 0.8 * len(codes)
    assert (after["grid_code"] == before["grid_code"]).mean() > 0.4


def test_polygons_to_start_from_are_mended(town: Path, tmp_path: Path) -> None:
    report, out = run(town, tmp_path, "--from", f"{town}:boundary", "--code-col", "code")
    codes = set(pyogrio.read_dataframe(out, layer="grids")["code"])
    assert report["in_bounds"] == report["grids"] > 2 and {"B1", "B2"} < codes
