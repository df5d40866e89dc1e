"""A plan on newer data: a compound is built, a lane is demolished, communities merge; grids keep their codes."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import shapely
from small_town import block_town, box
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.fabric import build_fabric
from gis_core.layers import read_dataset
from gis_core.model import Dataset, Fabric
from gis_core.plan import Plan, make_plan, read_plan, write_plan
from gis_core.plan.compare import compare_plans
from gis_core.plan.metrics import grids_in_pieces
from gis_core.plan.rebalance import next_codes, rebalance_plan
from gis_core.town import make_town, write_town

SCHEMA = Path(__file__).parents[2] / "gis_core" / "plan" / "report.schema.json"


def named(town: Dataset) -> Dataset:
    """Give the buildings ids of their own."""
    buildings = town.buildings.copy()
    buildings["id"] = [f"H{row}" for row in buildings["row"]]
    return replace(town, buildings=buildings)


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = named(block_town(6, 4, per_block=6, households=25))
    return make_plan(town, build_fabric(town, processes=1), seed=3, processes=1)


def with_households(plan: Plan, households: np.ndarray) -> tuple[Dataset, Fabric]:
    """Return the town with other households on the same ground."""
    buildings = plan.dataset.buildings.copy()
    buildings["households"] = households
    fabric = plan.fabric
    cells = np.bincount(fabric.building_cell_ix, weights=households, minlength=fabric.n_cells)
    return replace(plan.dataset, buildings=buildings), replace(fabric, households=cells.astype(np.int64))


def require_sound(after: Plan) -> None:
    """Every grid whole, in one boundary polygon, every cell in a grid; the report as the schema says."""
    assert (after.assignment >= 0).all()
    assert len(grids_in_pieces(after.fabric.graph, after.assignment, after.fabric.boundary_ix)) == 0
    assert (after.boundary_ix[after.assignment] == after.fabric.boundary_ix).all()
    assert len(set(after.codes)) == len(after.codes)
    jsonschema.validate(after.report, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_nothing_new_moves_nobody(plan: Plan) -> None:
    after = rebalance_plan(plan.dataset, plan.fabric, plan.frames)
    assert after.codes == plan.codes
    assert after.assignment.tolist() == plan.assignment.tolist()
    assert after.report["rebalance"]["households_moved"] == 0
    assert after.report["rebalance"]["proved"] is True
    require_sound(after)


def test_a_new_compound_gets_grids_of_its_own_and_moves_nobody(plan: Plan) -> None:
    # The six houses of one block make way for 80 towers of 100 flats.
    town = plan.dataset
    west, south = 440_000.0, 4_420_000.0
    spot = shapely.get_coordinates(shapely.centroid(town.buildings.geometry.values)) - [west, south]
    old = (spot[:, 0] > 90) & (spot[:, 0] < 180) & (spot[:, 1] > 70) & (spot[:, 1] < 140)
    towers = [box(97 + 8 * i, 76 + 7.5 * k, 101 + 8 * i, 80 + 7.5 * k) for i in range(10) for k in range(8)]
    kept = town.buildings[~old]
    fresh = pd.concat([kept.iloc[:1]] * 80, ignore_index=True)
    fresh["id"], fresh["households"] = [f"NEW{i}" for i in range(80)], 100
    fresh["geometry"] = towers
    buildings = pd.concat([kept, fresh], ignore_index=True)
    buildings["row"] = np.arange(len(buildings))
    newer = replace(town, buildings=buildings)
    after = rebalance_plan(newer, build_fabric(newer, processes=1), plan.frames)
    require_sound(after)
    change = after.report["rebalance"]
    assert after.report["in_bounds"] == after.report["grids"]
    assert change["households_new"] == 8000
    assert 15 <= len(change["codes_new"]) <= 26
    assert change["households_moved"] <= 25 * 6
    assert set(plan.codes) | set(change["codes_new"]) == set(after.codes)
    assert not set(plan.codes) & set(change["codes_new"])
    tower_code = after.frames.buildings.set_index("id")["grid_code"].reindex([f"NEW{i}" for i in range(80)])
    assert set(change["codes_new"]) <= set(tower_code)


def test_a_demolished_lane_is_topped_up_with_the_least(plan: Plan) -> None:
    # One grid loses households until it is 40 below the minimum: two neighbouring cells of 25 must come.
    grid = plan.assignment[plan.fabric.building_cell_ix]
    households = plan.dataset.buildings["households"].to_numpy().copy()
    mine = np.flatnonzero(grid == 0)
    while households[mine].sum() > 260:
        households[mine[np.argmax(households[mine])]] -= min(25, households[mine].sum() - 260)
    after = rebalance_plan(*with_households(plan, households), plan.frames)
    require_sound(after)
    change = after.report["rebalance"]
    assert after.codes == plan.codes
    assert after.report["in_bounds"] == after.report["grids"]
    assert change["least_moved"] <= change["households_moved"] <= 50
    assert {row["to"] for row in change["moves"]} == {plan.codes[0]}


def test_a_grid_that_lost_nearly_all_is_merged_and_its_code_retired(plan: Plan) -> None:
    grid = plan.assignment[plan.fabric.building_cell_ix]
    households = plan.dataset.buildings["households"].to_numpy().copy()
    mine = np.flatnonzero(grid == 0)
    households[mine] = 0
    households[mine[:2]] = 10
    # Its neighbours have room for twenty households more, but nobody has 280 to give for little.
    dataset, fabric = with_households(plan, households)
    after = rebalance_plan(dataset, fabric, plan.frames)
    require_sound(after)
    change = after.report["rebalance"]
    assert change["codes_retired"] == [plan.codes[0]]
    assert change["households_moved"] == 20
    again = rebalance_plan(dataset, fabric, after.frames)
    assert again.report["rebalance"]["codes_retired"] == [plan.codes[0]]


def test_merged_communities_keep_the_grids_of_both(plan: Plan) -> None:
    boundary = plan.dataset.boundary.iloc[:1].copy()
    boundary["geometry"] = [shapely.coverage_union_all(plan.dataset.boundary.geometry.values)]
    newer = replace(plan.dataset, boundary=boundary)
    after = rebalance_plan(newer, build_fabric(newer, processes=1), plan.frames)
    require_sound(after)
    assert set(after.codes) == set(plan.codes)
    assert after.report["rebalance"]["households_moved"] == 0
    assert set(after.grids["boundary_code"]) == {"B1"}


def test_growth_moves_ten_times_fewer_than_solving_afresh(tmp_path: Path) -> None:
    write_town(make_town(1500, 3), tmp_path / "town.gpkg", form="gpkg", attribution="generated")
    town = read_dataset(tmp_path / "town.gpkg")
    before = make_plan(town, build_fabric(town, processes=1), bounds=(360, 440), processes=1)
    households = town.buildings["households"].to_numpy().copy()
    rng = np.random.default_rng(5)
    np.add.at(households, rng.choice(np.flatnonzero(households > 0), round(0.05 * households.sum())), 1)
    dataset, fabric = with_households(before, households)
    after = rebalance_plan(dataset, fabric, before.frames, bounds=(360, 440))
    afresh = make_plan(dataset, fabric, bounds=(360, 440), processes=1, seed=5)
    require_sound(after)
    assert after.report["in_bounds"] >= afresh.report["in_bounds"]
    people = compare_plans(before.frames, afresh.frames)["households"]
    moved = after.report["rebalance"]["households_moved"]
    assert after.report["rebalance"]["least_moved"] <= moved
    assert 10 * moved <= people["matched"] - people["kept_neighbors"]


def test_a_budget_is_kept_and_locked_grids_stay(plan: Plan) -> None:
    households = plan.dataset.buildings["households"].to_numpy().copy()
    grid = plan.assignment[plan.fabric.building_cell_ix]
    households[grid == 1] += 20
    dataset, fabric = with_households(plan, households)
    free = rebalance_plan(dataset, fabric, plan.frames).report["rebalance"]["households_moved"]
    assert free > 100
    capped = rebalance_plan(dataset, fabric, plan.frames, max_moved=100)
    require_sound(capped)
    assert 0 < capped.report["rebalance"]["households_moved"] <= 100
    locked = rebalance_plan(dataset, fabric, plan.frames, locked=[plan.codes[1]])
    code = np.array(locked.codes)[locked.assignment[fabric.building_cell_ix]]
    assert (code == plan.codes[1]).tolist() == (grid == 1).tolist()


def test_new_codes_come_after_all_that_were_given() -> None:
    assert next_codes("B1", ["B1001", "B1012", "B2030", "old"], 2) == ["B1013", "B1014"]
    assert next_codes("B9", [], 1) == ["B9001"]


def test_commands(plan: Plan, tmp_path: Path) -> None:
    before, town, after = tmp_path / "plan.gpkg", tmp_path / "town.gpkg", tmp_path / "new.gpkg"
    write_town(make_town(300, 1), town, form="gpkg", attribution="generated")
    runner = CliRunner()
    made = runner.invoke(app, ["partition", str(town), "--out", str(before), "--min", "150", "--max", "250"])
    assert made.exit_code == 0, made.output
    arguments = ["rebalance", str(before), str(town), "--out", str(after), "--max", "230", "--json"]
    done = runner.invoke(app, [*arguments, "--moves", str(tmp_path / "moves.csv"), "--max-moved", "400"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bounds"] == [150, 230]
    assert read_plan(after).report["rebalance"]["moves"] == report["rebalance"]["moves"]
    with (tmp_path / "moves.csv").open(encoding="utf-8-sig") as text:
        rows = list(csv.DictReader(text))
    assert sum(int(row["households"]) for row in rows) == report["rebalance"]["households_moved"] <= 400
    compared = runner.invoke(app, ["compare", str(before), str(after), "--json"])
    assert json.loads(compared.stdout)["moves"] == report["rebalance"]["moves"]
    table = runner.invoke(app, ["compare", str(before), str(after), "--out", str(tmp_path / "t.csv")])
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "moves.csv").read_bytes()
    assert "households" in table.stdout
    said = runner.invoke(app, [*arguments[:-1]])
    assert said.exit_code == 0
    assert "change hands" in said.stdout


@pytest.mark.parametrize(
    "extra",
    [["--max-moved", "-1"], ["--min", "400", "--max", "300"], ["--lock", "nowhere"], ["--out", "x.txt"]],
)
def test_wrong_use_is_one_sentence(plan: Plan, tmp_path: Path, extra: list[str]) -> None:
    write_plan(plan.frames, tmp_path / "plan.gpkg")
    write_town(make_town(300, 1), tmp_path / "town.gpkg", form="gpkg", attribution="generated")
    where = [str(tmp_path / "plan.gpkg"), str(tmp_path / "town.gpkg")]
    done = CliRunner().invoke(app, ["rebalance", *where, "--out", str(tmp_path / "new.gpkg"), *extra])
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new.gpkg").exists()
