from __future__ import annotations

import json
from pathlib import Path

import broken_datasets as broken
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from typer import Typer
from typer.testing import CliRunner

from gis_core.commands.check import check
from gis_core.errors import ParameterError
from gis_core.layers import inspect_dataset, parse_mapping, read_dataset
from gis_core.layers.boundary import fit_together
from gis_core.layers.columns import address_column, as_text, recognise
from gis_core.layers.estimate import estimate_households
from gis_core.layers.faultlog import FaultLog, Policy
from gis_core.layers.numbers import parse_number, read_numbers
from gis_core.layers.streets import barrier_cuts, cuts, grade_separated, street_classes

DOCS = Path(__file__).parents[2] / "docs" / "dataset.md"


def frame(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_chinese_and_osm_names_are_recognised() -> None:
    table = frame(编号=[1], 户数=[2], 人口=[3], 楼层=[4], 名称=["x"], 小区=["y"])
    found, missing = recognise("buildings", table, {})
    expected = {
        "id": ["编号"],
        "households": ["户数"],
        "population": ["人口"],
        "levels": ["楼层"],
        "name": ["名称"],
        "compound": ["小区"],
    }
    assert found == expected
    assert missing == []
    assert recognise("streets", frame(HIGHWAY=["x"]), {})[0] == {"class": ["HIGHWAY"]}
    assert recognise("boundary", frame(ntacode=["x"], ntaname=["y"], boro_name=["z"]), {})[0] == {
        "code": ["ntacode"],
        "name": ["ntaname"],
        "parent": ["boro_name"],
    }


def test_exact_name_comes_before_others_and_counts_of_areas_are_no_households() -> None:
    assert recognise("buildings", frame(户数=[1], households=[2]), {})[0]["households"] == ["households"]
    assert "households" not in recognise("buildings", frame(households_est=[1]), {})[0]


def test_mapping_wins_and_a_missing_column_is_named() -> None:
    table = frame(households=[1], HU_CNT=[2])
    assert recognise("buildings", table, {"buildings.households": "HU_CNT"})[0]["households"] == ["HU_CNT"]
    assert recognise("buildings", table, {"buildings.households": "HU"})[1] == ["buildings.households"]


@pytest.mark.parametrize(
    "item", ["households", "buildings.household=X", "trees.id=X", "buildings.households="]
)
def test_wrong_mapping_is_refused(item: str) -> None:
    with pytest.raises(ParameterError, match="--map"):
        parse_mapping([item])


def test_mapped_column_is_used(tmp_path: Path) -> None:
    path = broken.no_households(tmp_path)
    dataset = read_dataset(path, mapping={"buildings.households": "HU_CNT"})
    assert dataset.buildings["households"].tolist() == [10, 20, 30, 40, 50, 60]
    found = inspect_dataset(path, mapping={"buildings.households": "NOPE"})
    assert "no-such-column" in {fault.code for fault in found.faults}


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("12", 12, "plain"),
        ("-5", -5, "plain"),
        ("1e3", 1000, "plain"),
        ("12户", 12, "read"),
        ("１２", 12, "read"),
        ("1,200", 1200, "read"),
        ("１，２００户", 1200, "read"),
        ("6层", 6, "read"),
        (" 7 ", 7, "plain"),
        ("6F", 6, "read"),
        ("1,5", None, "bad"),
        ("约120", None, "bad"),
        ("3-5", None, "bad"),
        ("abc", None, "bad"),
        ("1,2,3", None, "bad"),
        ("1e999", None, "bad"),
        ("", None, "blank"),
        ("无", None, "blank"),
        ("N/A", None, "blank"),
    ],
)
def test_numbers_typed_as_text(text: str, value: float | None, kind: str) -> None:
    number, found = parse_number(text)
    assert found == kind
    assert np.isnan(number) if value is None else number == value


def test_number_columns_keep_their_rows() -> None:
    read = read_numbers(pd.Series(["3", None, "x", "4户"]))
    assert read.values[[0, 3]].tolist() == [3, 4]
    assert (read.blank.tolist(), read.bad.tolist()) == (
        [False, True, False, False],
        [False, False, True, False],
    )
    assert read_numbers(pd.Series([1.5, np.nan, np.inf])).bad.tolist() == [False, False, True]


def test_text_loses_no_digit_and_blanks_are_none() -> None:
    assert as_text(pd.Series([420103001.0, np.nan])).tolist() == ["420103001", None]
    assert as_text(pd.Series([1.5])).tolist() == ["1.5"]
    assert as_text(pd.Series(["  a ", "", None])).tolist() == ["a", None, None]


def test_addresses_are_put_together_in_the_language_of_the_street() -> None:
    table = pd.DataFrame(
        {"addr_street": ["潍坊路", "Hauptstrasse", None, "Weg"], "addr_housenumber": ["20号", "5", "3", None]}
    )
    assert address_column(table, [])[0].tolist() == ["潍坊路20号", "Hauptstrasse 5", None, "Weg"]


def test_street_classes_and_what_cuts() -> None:
    values = pd.Series(
        ["motorway_link", "次干路", "footway", "construction", "['residential', 'service']", None, "lane?"]
    )
    names, rank, missing, unknown = street_classes(values)
    assert names.tolist() == [
        "motorway",
        "secondary",
        "minor",
        "none",
        "residential",
        "residential",
        "residential",
    ]
    assert missing.tolist() == [False] * 5 + [True, False]
    assert unknown == ["lane?"]
    table = pd.DataFrame(
        {"bridge": ["yes", "F", None, "no", "T", "False", "0"], "layer": [0, 0, -1, 0, 0, 0, 0]}
    )
    separated = grade_separated(table)
    assert separated.tolist() == [True, False, True, False, True, False, False]
    assert cuts(rank, separated).tolist() == [False, True, False, False, False, True, True]


def test_barriers_below_ground_do_not_cut() -> None:
    table = pd.DataFrame({"kind": ["rail", "rail", "water", "rail"], "tunnel": ["yes", None, None, "no"]})
    subclass = pd.Series(["rail", "subway", "river", "subway"])
    assert barrier_cuts(table, table["kind"], subclass).tolist() == [False, False, True, True]


def test_estimate_follows_its_rule() -> None:
    shapes = np.array(
        [shapely.box(0, 0, 10, 12), shapely.box(0, 0, 20, 30), shapely.box(0, 0, 3, 3), shapely.Point(0, 0)]
    )
    use = pd.Series(["house", "apartments", None, None], dtype=object)
    levels = np.array([np.nan, 5.0, np.nan, np.nan])
    # 600 m2 x 5 levels x 0.8 / 120 m2
    assert estimate_households(shapes, use, levels).tolist() == [1, 20, 0, 1]


def test_blank_households_are_estimated_when_asked(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"]["households"] = [10, None, 30, 40, 50, 60]
    path = broken.write_gpkg(tmp_path, frames)
    plain = read_dataset(path).buildings
    assert plain["households"].tolist() == [10, 0, 30, 40, 50, 60]
    asked = read_dataset(path, estimate_households=True).buildings
    assert asked["households_source"].tolist() == [
        "source",
        "estimated",
        "source",
        "source",
        "source",
        "source",
    ]
    assert asked["households"].iloc[1] > 0


def test_boundary_is_a_valid_coverage_after_mending() -> None:
    polygons = np.array(
        [shapely.box(0, 0, 100, 100), shapely.box(99.5, 0, 200, 100), shapely.box(0, 100, 200, 200)]
    )
    log = FaultLog("repair")
    mended = fit_together(polygons, np.arange(3), np.array(["a", "b", "c"], dtype=object), log)
    assert shapely.coverage_is_valid(mended)
    assert shapely.area(mended).sum() == pytest.approx(40_000)
    assert [fault.code for fault in log.faults] == ["boundary-overlap"]
    assert "50.00 m2" in log.faults[0].message


@pytest.mark.parametrize(
    ("policy", "severity"), [("repair", "repaired"), ("report", "warning"), ("raise", "error")]
)
def test_rounding_between_neighbours_is_matched(policy: Policy, severity: str) -> None:
    left = shapely.Polygon([(0, 0), (100, 0), (100 + 1e-7, 50), (100, 100), (0, 100)])
    polygons = np.array([left, shapely.box(100, 0, 200, 100)])
    log = FaultLog(policy)
    mended = fit_together(polygons, np.arange(2), np.array(["a", "b"], dtype=object), log)
    assert shapely.coverage_is_valid(mended)
    assert [(fault.code, fault.severity) for fault in log.faults] == [("boundary-mismatch", severity)]


def test_sound_boundary_is_not_touched() -> None:
    polygons = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    log = FaultLog("repair")
    assert fit_together(polygons, np.arange(2), np.array(["a", "b"], dtype=object), log) is polygons
    assert log.faults == []


def test_open_strip_and_enclosed_area_are_named() -> None:
    log = FaultLog("repair")
    apart = np.array([shapely.box(0, 0, 100, 100), shapely.box(100.4, 0, 200, 100)])
    fit_together(apart, np.arange(2), np.array(["a", "b"], dtype=object), log)
    assert [(fault.code, fault.severity) for fault in log.faults] == [("boundary-gap", "warning")]
    log = FaultLog("repair")
    ring = np.array([
        shapely.union_all([shapely.box(0, 0, 30, 10), shapely.box(0, 0, 10, 30)]),
        shapely.union_all([shapely.box(20, 10, 30, 30), shapely.box(10, 20, 30, 30)]),
    ])  # fmt: skip
    fit_together(ring, np.arange(2), np.array(["a", "b"], dtype=object), log)
    assert [fault.code for fault in log.faults][-1] == "boundary-hole"
    assert "100 m2" in log.faults[-1].message


def test_check_command_prints_faults_and_ends_with_1_at_errors(tmp_path: Path) -> None:
    app = Typer()
    app.command()(check)
    runner = CliRunner()
    good = runner.invoke(app, [str(broken.sound(tmp_path))])
    assert good.exit_code == 0
    assert "210 households" in good.stdout
    bad = runner.invoke(app, [str(broken.no_crs(tmp_path)), "--json"])
    assert bad.exit_code == 1
    document = json.loads(bad.stdout)
    assert document["usable"] is False
    assert [fault["code"] for fault in document["faults"]] == ["no-crs"]
    (tmp_path / "town.zip").write_bytes(b"PK\x03\x04")
    packed = runner.invoke(app, [str(tmp_path / "town.zip")])
    assert (packed.exit_code, "Unpack it into a folder" in packed.stdout) == (1, True)
    assert runner.invoke(app, [str(tmp_path / "none.gpkg")]).exit_code == 2


def test_every_fault_code_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    folder = Path(__file__).parents[2] / "gis_core" / "layers"
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    import re

    calls = re.findall(
        r"(?:log\.(?:add|mend|drop)|_drop|RefusedError|_report_absent)\(\s*(?:log,\s*|name,\s*)?\"([a-z-]+)\"",
        source,
    )
    codes = set(calls) | set(re.findall(r'code"?[:=] ?"([a-z]+(?:-[a-z]+)+)"', source))
    assert len(codes) > 25
    assert sorted(code for code in codes if f"`{code}`" not in text) == []


def test_made_points_are_noted(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["facilities"] = gpd.GeoDataFrame(
        {"category": ["school"]}, geometry=[broken.rectangle(1, 4, 2, 4.5)], crs=4326
    )
    dataset = read_dataset(broken.write_gpkg(tmp_path, frames))
    assert dataset.facilities.geom_type.tolist() == ["Point"]
    assert [fault.code for fault in dataset.faults] == ["made-points"]
