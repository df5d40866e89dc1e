"""`plan:ID` on the command line: what the store holds is exported and asked just as a plan file is."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import typer
from small_town import block_town
from typer.testing import CliRunner

from gis_core.commands.export import export
from gis_core.commands.locate import locate
from gis_core.fabric import build_fabric
from gis_core.plan import make_plan
from gis_core.plan.file import PlanFile
from gis_core.store import open_store


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> tuple[Path, PlanFile]:
    """Give an embedded store that holds one plan, and the plan."""
    path = tmp_path_factory.mktemp("store") / "store.gpkg"
    town = block_town()
    fabric = build_fabric(town)
    frames = make_plan(town, fabric).frames
    plan = PlanFile(
        *(getattr(frames, layer).to_crs(4326) for layer in ("grids", "buildings", "cells")), {}, "p"
    )
    with open_store(str(path)) as store:
        dataset_id = store.add_dataset(town, fabric)
        store.add_plan(plan, dataset_id=dataset_id, name="p")
    return path, plan


def run(function, *arguments: object):
    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_stored_plan_is_exported_as_it_was_made(tmp_path, stored):
    db, plan = stored
    result = run(export, "plan:1", "--db", db, "--out", tmp_path / "out.gpkg")
    assert result.exit_code == 0, result.stderr
    back = gpd.read_file(tmp_path / "out.gpkg", layer="grids").sort_values("code", ignore_index=True)
    made = plan.grids.sort_values("code", ignore_index=True)
    assert back["code"].tolist() == made["code"].tolist()
    assert back["households"].tolist() == made["households"].tolist()
    assert shapely.coverage_is_valid(back.geometry.values)
    assert np.allclose(shapely.area(back.geometry.values), shapely.area(made.geometry.values), rtol=1e-9)


def test_every_building_is_located_in_its_grid(tmp_path, stored):
    db, plan = stored
    places = shapely.get_coordinates(shapely.point_on_surface(plan.buildings.geometry.values))
    rows = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "want": plan.buildings["grid_code"]})
    rows.to_csv(tmp_path / "in.csv", index=False)
    result = run(locate, "plan:1", tmp_path / "in.csv", "--db", db, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.stderr
    answered = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert len(answered) > 10 and answered["grid_code"].tolist() == answered["want"].tolist()


def test_a_plan_or_store_that_is_not_there_is_one_sentence(tmp_path, stored):
    for ref, db in (("plan:99", stored[0]), ("plan:1", tmp_path / "none.gpkg"), ("plan:x", stored[0])):
        result = run(export, ref, "--db", db, "--out", tmp_path / "out.csv")
        assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
