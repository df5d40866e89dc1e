"""A stored plan keeps its levels: parents and codes come back and follow edits; it is rebalanced as a file is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from small_town import block_town
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.errors import EditError
from gis_core.fabric import build_fabric
from gis_core.plan import Plan
from gis_core.plan.levels import make_levels, parse_levels
from gis_core.plan.rebalance_levels import rebalance_levels
from gis_core.store import Store
from gis_core.town import make_town, write_town


def leveled(asked: str) -> Plan:
    town = block_town(8, 6, per_block=6, households=20)
    buildings = town.buildings.copy()
    buildings["id"] = [f"H{row}" for row in buildings["row"]]
    town = replace(town, buildings=buildings)
    return make_levels(town, build_fabric(town, processes=1), parse_levels(asked), seed=1, processes=1)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return leveled("community:550:1300,grid:200:330")


def put(store: Store, plan: Plan) -> int:
    town = block_town(8, 6, per_block=6, households=20)
    town = replace(town, buildings=plan.dataset.buildings)
    dataset_id = store.add_dataset(town, build_fabric(town, processes=1))
    return store.add_plan(plan.frames, dataset_id=dataset_id, name="p")


def test_levels_come_back(store: Store, plan: Plan) -> None:
    found = store.plan_file(put(store, plan))
    assert list(found.levels) == ["communities"]
    given, back = (each.levels["communities"].set_index("code") for each in (plan.frames, found))
    back = back.loc[given.index]
    for column in ("households", "boundary_code"):
        assert back[column].tolist() == given[column].tolist()
    for column in ("area_m2", "perimeter_m", "polsby_popper", "deviation"):
        np.testing.assert_allclose(
            back[column].astype(float), given[column].astype(float), rtol=1e-3, atol=1e-9
        )
    shapes = given.to_crs(4326).geometry.array
    assert (shapely.area(shapely.symmetric_difference(back.geometry.array, shapes)) < 1e-12).all()
    assert found.report == plan.frames.report


def test_three_levels_and_names_come_back(store: Store) -> None:
    plan = leveled("district:1100:3000,community:550:1300,grid:200:330")
    named = plan.frames.levels["communities"].assign(name="翠苑")
    frames = replace(plan.frames, levels=plan.frames.levels | {"communities": named})
    found = store.plan_file(put(store, replace(plan, frames=frames)))
    assert list(found.levels) == ["districts", "communities"]
    for layer, given in frames.levels.items():
        back = found.levels[layer].set_index("code").loc[given["code"]]
        assert back["boundary_code"].tolist() == given["boundary_code"].tolist()
    assert set(found.levels["communities"]["name"]) == {"翠苑"}


def test_levels_follow_the_grids(store: Store, plan: Plan) -> None:
    # As an edit leaves it: a grid was given to another community, and the report is that of before.
    grids = plan.frames.grids.copy()
    one, other = (
        grids.iloc[0],
        next(row for _, row in grids.iterrows() if row.boundary_code != grids.boundary_code[0]),
    )
    grids.loc[0, "boundary_code"] = other.boundary_code
    back = store.plan_file(put(store, replace(plan, frames=replace(plan.frames, grids=grids)))).levels[
        "communities"
    ]
    back, was = back.set_index("code"), plan.frames.levels["communities"].set_index("code")
    gain = back["households"] - was["households"]
    assert gain[[other.boundary_code, one.boundary_code]].tolist() == [one.households, -one.households]
    inside = plan.frames.grids.to_crs(4326).geometry.array[0]
    assert shapely.area(shapely.difference(inside, back.geometry[other.boundary_code])) < 1e-12
    assert back["boundary_code"].tolist() == was["boundary_code"].loc[back.index].tolist()


def test_a_stored_plan_is_rebalanced_level_by_level(store: Store, plan: Plan) -> None:
    town = replace(block_town(8, 6, per_block=6, households=20), buildings=plan.dataset.buildings)
    before = store.plan_file(put(store, plan))
    after = rebalance_levels(town, build_fabric(town, processes=1), before, bounds=(200, 330))
    assert sorted(after.codes) == sorted(plan.codes)
    assert after.report["rebalance"]["households_moved"] == 0
    assert set(after.frames.levels["communities"]["code"]) == set(plan.frames.levels["communities"]["code"])


def test_the_command_takes_a_stored_plan(tmp_path: Path) -> None:
    town, old, db = (tmp_path / name for name in ("town.gpkg", "old.gpkg", "store.gpkg"))
    write_town(make_town(400, seed=5), town)
    runner, new = CliRunner(), tmp_path / "new.gpkg"
    for arguments in (
        ["partition", town, "--out", old, "--levels", "community:700:1500,grid:300:500"],
        ["load", town, "--db", db],
        ["load", old, "--db", db],
        ["rebalance", "plan:1", town, "--db", db, "--out", new, "--report", tmp_path / "r.json"],
    ):
        done = runner.invoke(app, [str(each) for each in arguments])
        assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in report["levels"]] == ["community", "grid"]
    assert report["rebalance"]["households_moved"] == report["levels"][0]["households_moved"] == 0


def test_a_cell_leaves_its_community_only_by_a_word_of_its_own(store: Store, plan: Plan) -> None:
    plan_id = put(store, plan)
    above = store.grids(plan_id).set_index("grid_ix")["boundary_code"]
    home = store.layer(store.plan(plan_id).dataset_id, "cells")["area_ix"].to_numpy()
    assignment, graph = store.assignment(plan_id), store.graph(store.plan(plan_id).dataset_id)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    across = (above[assignment[owner]].to_numpy() != above[assignment[graph.indices]].to_numpy()) & (
        home[owner] == home[graph.indices]
    )
    cell, beside = int(owner[across][0]), int(graph.indices[across][0])
    old, new = int(assignment[cell]), int(assignment[beside])
    with pytest.raises(EditError, match=f"belongs to {above[old]}.*take it out of its grid first") as refused:
        store.add_edit(plan_id, expected_revision=0, who="a", kind="paint", cell_ix=[cell], grid_ix=[new])
    assert refused.value.context["cell_ix"] == [cell] and store.plan(plan_id).revision == 0
    same = next(grid for grid in above.index if above[grid] == above[old] and grid != old)
    store.add_edit(plan_id, expected_revision=0, who="a", kind="paint", cell_ix=[cell], grid_ix=[int(same)])
    store.add_edit(plan_id, expected_revision=1, who="a", kind="paint", cell_ix=[cell], grid_ix=[-1])
    store.add_edit(plan_id, expected_revision=2, who="a", kind="paint", cell_ix=[cell], grid_ix=[new])
    gained = store.plan_file(plan_id).levels["communities"].set_index("code")["households"]
    was = plan.frames.levels["communities"].set_index("code")["households"]
    moved = int(store.layer(store.plan(plan_id).dataset_id, "cells")["households"].iloc[cell])
    assert gained[above[new]] - was[above[new]] == was[above[old]] - gained[above[old]] == moved
    # To return to a point before is no such change.
    store.restore(plan_id, 0, expected_revision=3, who="a")
    assert np.array_equal(store.assignment(plan_id), assignment)
