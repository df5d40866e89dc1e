"""`wangge export` from a plan file and from the store's form of it."""

import json
from pathlib import Path

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
import shapely
import typer
from typer.testing import CliRunner

from gis_core.commands._plan_ref import stored_plan_id
from gis_core.commands.export import export
from gis_core.errors import ParameterError
from gis_core.plan.file import PlanFile, write_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Path:
    """Write a plan of two grids, four cells and three buildings, one of them unassigned."""
    cells = [shapely.box(114 + i / 100, 30, 114 + (i + 1) / 100, 30.01) for i in range(4)]
    grids = gpd.GeoDataFrame(
        {
            "code": ["001", "002"], "name": ["一号网格", "=1+1"], "boundary_code": ["b", "b"],
            "households": [300, 310], "population": [800.0, None], "area_m2": [1.0, 2.0], "perimeter_m": [4.0, 5.0],
            "polsby_popper": [0.7, 0.6], "deviation": [-0.016, 0.016],
        },
        geometry=[shapely.union_all(cells[:2]), shapely.union_all(cells[2:])], crs="EPSG:4326",
    )  # fmt: skip
    buildings = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "households": [300, 310, 5], "grid_code": ["001", "002", None], "cell_id": [0, 2, 3]},
        geometry=[shapely.box(x, 30.001, x + 0.001, 30.002) for x in (114.001, 114.021, 114.031)], crs="EPSG:4326",
    )  # fmt: skip
    table = gpd.GeoDataFrame(
        {"cell_id": range(4), "grid_code": ["001", "001", "002", "002"], "households": [300, 0, 310, 5]},
        geometry=cells, crs="EPSG:4326",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("plan") / "plan.gpkg"
    write_plan(PlanFile(grids, buildings, table, {}, "plan"), path)
    return path


def run(*arguments: object):
    app = typer.Typer()
    app.command()(export)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("kind", ["geojson", "fgb", "parquet", "shp", "csv", "xlsx"])
def test_grids_are_what_is_written_unless_asked(tmp_path, plan, kind):
    out = tmp_path / f"out.{kind}"
    result = run(plan, "--format", kind, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["layers"] == {"grids": 2}
    made = sorted(path.suffix for path in tmp_path.iterdir())
    assert made == ([".cpg", ".dbf", ".prj", ".shp", ".shx"] if kind == "shp" else [f".{kind}"])


def test_a_geopackage_holds_all_layers_and_replaces_what_was_there(tmp_path, plan):
    out = tmp_path / "out.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(out, layer="old")
    result = run(plan, "--out", out, "--crs", "EPSG:4547")
    assert result.stdout == f"{out}: 2 grids, 3 buildings, 4 cells.\n"
    assert {name for name, _ in pyogrio.list_layers(out).tolist()} == {"grids", "buildings", "cells"}
    frame = gpd.read_file(out, layer="cells")
    assert frame.crs.to_epsg() == 4547 and shapely.coverage_is_valid(frame.geometry.values)
    assert gpd.read_file(out, layer="buildings")["grid_code"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(("layer", "rows"), [("buildings", 3), ("cells", 4)])
def test_another_layer_on_request(tmp_path, plan, layer, rows):
    for ending in ("geojson", "gpkg", "xlsx"):
        result = run(plan, "--layer", layer, "--out", tmp_path / f"out.{ending}", "--json")
        assert json.loads(result.stdout)["layers"] == {layer: rows}


def test_a_sheet_keeps_codes_as_text_and_formulas_asleep(tmp_path, plan):
    run(plan, "--out", tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["grids"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:4] == ("code", "name", "boundary_code", "households")
    assert [row[:4] for row in rows[1:]] == [("001", "一号网格", "b", 300), ("002", "=1+1", "b", 310)]
    assert rows[2][4] is None and sheet["B3"].data_type == "s"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "pdf", "--out", "{}/a.html"], "do not agree"),
        (["--paper", "a3", "--out", "{}/a.csv"], "--paper means nothing for csv"),
        (["--out", "{}/a.dwg"], "no format known here"),
        (["--format", "fgb", "--out", "{}/a.csv"], "do not agree"),
        (["--layer", "roads", "--out", "{}/a.csv"], "no layer of a plan"),
        (["--crs", "gcj02", "--out", "{}/a.csv"], "cannot say that they are in gcj02"),
        (["--out", "{}/none/a.csv"], "There is no folder"),
    ],
)
def test_wrong_arguments_end_with_one_sentence(tmp_path, plan, arguments, words):
    result = run(plan, *(each.format(tmp_path) for each in arguments))
    assert result.exit_code == 2 and words in result.stderr and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_plan_and_a_file_that_is_no_plan(tmp_path):
    assert "There is no plan file" in run(tmp_path / "x.gpkg", "--out", tmp_path / "a.csv").stderr
    (tmp_path / "x.gpkg").write_text("text", encoding="utf-8")
    result = run(tmp_path / "x.gpkg", "--out", tmp_path / "a.csv")
    assert result.exit_code == 2 and "is not a plan file" in result.stderr


def test_plans_of_the_store_are_named_by_number():
    assert stored_plan_id("plan:12") == 12 and stored_plan_id("town/plan.gpkg") is None
    with pytest.raises(ParameterError):
        stored_plan_id("plan:twelve")
