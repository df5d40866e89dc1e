"""Levels: what is asked, what bounds leave room for the level below, and plans that nest."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pyogrio
import pytest
import shapely
from small_town import block_town

from gis_core.errors import InfeasiblePartitionError, ParameterError
from gis_core.fabric import build_fabric
from gis_core.plan import Plan, read_plan, write_plan
from gis_core.plan.levels import Level, attainable, make_levels, parse_levels

SCHEMA = Path(__file__).parents[2] / "gis_core" / "plan" / "report.schema.json"
LEVELS = parse_levels("community:550:1300,grid:200:330")


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = block_town(8, 6, per_block=6, households=20)
    return make_levels(town, build_fabric(town), LEVELS, seed=1, processes=1)


def test_levels_are_read() -> None:
    text = "district:9000:20000, 社区:2000:4000 ,grid:300:500.5"
    assert parse_levels(text) == (
        Level("district", 9000, 20000),
        Level("社区", 2000, 4000),
        Level("grid", 300, 500.5),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("grid:300:500", "at least two"),
        ("", "form NAME"),
        ("a:1:2:3,b:1:2", "form NAME"),
        ("a:x:2,b:1:2", "form NAME"),
        ("a:inf:inf,b:1:2", "form NAME"),
        ("a/b:10:20,b:1:2", "form NAME"),
        ("a:20:10,b:1:2", "no room"),
        ("a:300:500,b:2000:4000", "coarser"),
        ("a:10:20,a:5:10,b:1:2", "differ"),
        ("cell:10:20,b:1:2", "must not be called"),
        ("grid:10:20,b:1:2", "must not be called"),
    ],
)
def test_levels_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        parse_levels(text)


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ((2000, 4000), (300, 500), (2000, 4000)),
        ((500, 1500), (300, 400), (900, 1500)),
        ((350, 1000), (300, 310), (900, 930)),
        ((100, 450), (100, 105), (400, 420)),
        ((700, 900), (0, 500), (700, 900)),
    ],
)
def test_bounds_are_narrowed_to_what_the_level_below_can_fill(
    above: tuple[int, int], below: tuple[int, int], expected: tuple[int, int]
) -> None:
    narrowed = attainable((Level("a", *above), Level("b", *below)))[0]
    assert (narrowed.minimum, narrowed.maximum) == expected
    for total in np.linspace(narrowed.minimum, narrowed.maximum, 50):
        assert any(k * below[0] - 1e-6 <= total <= k * below[1] + 1e-6 for k in range(1, 30))


def test_bounds_without_room_name_both_levels() -> None:
    with pytest.raises(InfeasiblePartitionError, match=r"No community of 510 to 590.*300 to 500 \(grid\)"):
        attainable((Level("community", 510, 590), Level("grid", 300, 500)))


def test_levels_nest_and_hold_their_bounds(plan: Plan) -> None:
    communities, grids = plan.frames.levels["communities"], plan.grids
    assert communities["households"].between(550, 1300).all()
    assert grids["households"].between(200, 330).all()
    area = communities.set_index("code")
    for row in grids.itertuples():
        assert row.code.startswith(row.boundary_code) and len(row.code) == len(row.boundary_code) + 3
        assert shapely.area(shapely.difference(row.geometry, area.geometry[row.boundary_code])) < 1e-6
        assert row.geometry.geom_type == "Polygon"
    sums = grids.groupby("boundary_code")["households"].sum()
    assert sums.to_dict() == area["households"].to_dict()
    for row in communities.itertuples():
        assert row.boundary_code in {"B1", "B2"} and row.code.startswith(row.boundary_code)
    for code, group in grids.groupby("boundary_code"):
        expected = group["households"] / group["households"].mean() - 1
        assert group["deviation"].to_numpy() == pytest.approx(expected.to_numpy()), code


def test_report_has_a_row_for_each_level(plan: Plan) -> None:
    report = plan.report
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    community, grid = report["levels"]
    assert (community["name"], community["layer"]) == ("community", "communities")
    assert community["parts"] == community["in_bounds"] == len(plan.frames.levels["communities"])
    assert (grid["name"], grid["layer"], grid["parts"]) == ("grid", "grids", len(plan.grids))
    assert [row["code"] for row in grid["per_parent"]] == plan.frames.levels["communities"]["code"].tolist()
    assert report["bounds"] == [200, 330] and report["contiguous"] is True


def test_plan_file_has_a_layer_for_each_level(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    write_plan(plan.frames, path)
    assert set(pyogrio.list_layers(path)[:, 0]) == {"grids", "buildings", "cells", "communities"}
    assert len(pyogrio.read_dataframe(path, layer="communities")) == len(plan.frames.levels["communities"])
    assert len(read_plan(path).grids) == len(plan.grids)


def test_a_level_that_does_not_fit_says_so() -> None:
    town = block_town(4, 3, per_block=6, households=10)  # 360 households in each half
    plan = make_levels(
        town, build_fabric(town), parse_levels("community:500:1300,grid:100:200"), seed=1, processes=1
    )
    assert plan.report["levels"][0]["in_bounds"] == 0
    assert any("360" in item["reason"] and "500" in item["reason"] for item in plan.report["infeasible"])
