"""A plan with levels on newer data: each level inside its bounds again, grids nested in their communities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import shapely
from small_town import block_town
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.errors import ParameterError
from gis_core.fabric import build_fabric
from gis_core.model import Dataset, Fabric
from gis_core.plan import Plan, read_plan, write_plan
from gis_core.plan.levels import make_levels, parse_levels
from gis_core.plan.rebalance_levels import rebalance_levels
from gis_core.town import make_town, write_town

SCHEMA = Path(__file__).parents[2] / "gis_core" / "plan" / "report.schema.json"
LEVELS = parse_levels("community:550:1300,grid:200:330")


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = block_town(8, 6, per_block=6, households=20)
    buildings = town.buildings.copy()
    buildings["id"] = [f"H{row}" for row in buildings["row"]]
    town = replace(town, buildings=buildings)
    return make_levels(town, build_fabric(town, processes=1), LEVELS, seed=1, processes=1)


def with_households(plan: Plan, town: Dataset, households: np.ndarray) -> tuple[Dataset, Fabric]:
    """Return the town with other households on the same ground, and its own boundary polygons."""
    buildings = town.buildings.copy()
    buildings["households"] = households
    newer = replace(town, buildings=buildings)
    return newer, build_fabric(newer, processes=1)


@pytest.fixture(scope="module")
def town(plan: Plan) -> Dataset:
    return replace(block_town(8, 6, per_block=6, households=20), buildings=plan.dataset.buildings)


def require_nested(after: Plan) -> None:
    communities, grids = after.frames.levels["communities"].set_index("code"), after.grids
    for row in grids.itertuples():
        assert shapely.area(shapely.difference(row.geometry, communities.geometry[row.boundary_code])) < 1e-6
        assert row.geometry.geom_type == "Polygon"
    assert grids.groupby("boundary_code")["households"].sum().to_dict() == communities["households"].to_dict()
    jsonschema.validate(after.report, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_nothing_new_moves_nobody_on_any_level(plan: Plan, town: Dataset) -> None:
    households = town.buildings["households"].to_numpy()
    after = rebalance_levels(*with_households(plan, town, households), plan.frames, bounds=(200, 330))
    assert sorted(after.codes) == sorted(plan.codes)
    assert after.report["rebalance"]["households_moved"] == 0
    assert after.report["levels"][0]["households_moved"] == 0
    assert (
        after.frames.levels["communities"]["code"].tolist()
        == plan.frames.levels["communities"]["code"].tolist()
    )
    require_nested(after)


def test_grids_change_inside_their_communities(plan: Plan, town: Dataset) -> None:
    # One grid loses nearly half of its households; its community stays inside its bounds.
    households = town.buildings["households"].to_numpy().copy()
    code = plan.frames.buildings.set_index("id")["grid_code"].reindex(town.buildings["id"]).to_numpy()
    households[code == plan.codes[0]] = 12
    after = rebalance_levels(*with_households(plan, town, households), plan.frames, bounds=(200, 330))
    require_nested(after)
    community, grid = after.report["levels"]
    assert community["parts"] == community["in_bounds"] and grid["parts"] == grid["in_bounds"]
    assert community["households_moved"] == 0
    assert 0 < after.report["rebalance"]["households_moved"] < 200
    was = dict(zip(plan.grids["code"], plan.grids["boundary_code"], strict=True))
    now = dict(zip(after.grids["code"], after.grids["boundary_code"], strict=True))
    assert all(now[code] == was[code] for code in set(was) & set(now))


def test_a_community_that_starves_takes_ground_and_its_grids_follow(plan: Plan, town: Dataset) -> None:
    households = town.buildings["households"].to_numpy().copy()
    whose = dict(zip(plan.grids["code"], plan.grids["boundary_code"], strict=True))
    code = plan.frames.buildings.set_index("id")["grid_code"].reindex(town.buildings["id"])
    home = code.map(whose).to_numpy()
    least = plan.frames.levels["communities"].sort_values("households")["code"].iloc[0]
    households[home == least] = 8
    after = rebalance_levels(*with_households(plan, town, households), plan.frames, bounds=(200, 330))
    require_nested(after)
    community = after.report["levels"][0]
    assert community["parts"] == community["in_bounds"]
    assert community["households_moved"] > 0
    assert after.report["rebalance"]["households_moved"] >= community["households_moved"]


def test_a_locked_grid_keeps_its_ground_when_its_neighbors_community_starves(
    plan: Plan, town: Dataset
) -> None:
    households = town.buildings["households"].to_numpy().copy()
    code = plan.frames.buildings.set_index("id")["grid_code"].reindex(town.buildings["id"])
    home = code.map(dict(zip(plan.grids["code"], plan.grids["boundary_code"], strict=True))).to_numpy()
    least = plan.frames.levels["communities"].sort_values("households")["code"].iloc[0]
    households[home == least] = 8
    newer, fabric = with_households(plan, town, households)
    free = rebalance_levels(newer, fabric, plan.frames, bounds=(200, 330))
    moves = free.report["rebalance"]["moves"]
    giver = next(row["from"] for row in moves if row["from"] and not row["from"].startswith(least))
    held = rebalance_levels(newer, fabric, plan.frames, bounds=(200, 330), locked=[giver])
    require_nested(held)
    now = held.frames.buildings.set_index("id")["grid_code"].reindex(town.buildings["id"])
    assert ((now == giver).to_numpy() == (code == giver).to_numpy()).all()


def test_a_plan_without_the_layer_of_its_level_is_refused(plan: Plan, town: Dataset) -> None:
    bare = replace(plan.frames, levels={})
    with pytest.raises(ParameterError, match="not its layer 'communities'"):
        rebalance_levels(town, plan.fabric, bare, bounds=(200, 330))


def test_the_command_carries_levels(tmp_path: Path) -> None:
    write_town(make_town(400, seed=5), tmp_path / "town.gpkg")
    runner, old, new = CliRunner(), tmp_path / "old.gpkg", tmp_path / "new.gpkg"
    asked = [
        "partition",
        str(tmp_path / "town.gpkg"),
        "--out",
        str(old),
        "--levels",
        "community:700:1500,grid:300:500",
    ]
    done = runner.invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert list(read_plan(old).levels) == ["communities"]
    arguments = ["rebalance", str(old), str(tmp_path / "town.gpkg"), "--out", str(new), "--json"]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert [row["name"] for row in report["levels"]] == ["community", "grid"]
    assert report["rebalance"]["households_moved"] == 0
    again = read_plan(new)
    assert (
        again.levels["communities"]["code"].tolist() == read_plan(old).levels["communities"]["code"].tolist()
    )
    assert set(again.grids["boundary_code"]) == set(again.levels["communities"]["code"])
    write_plan(again, tmp_path / "copy.gpkg")
    assert (
        runner.invoke(app, [*arguments, "--weight", "population", "--min", "1", "--max", "9"]).exit_code == 2
    )
