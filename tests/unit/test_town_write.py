"""Writing towns, the command of scripts/make_town, and the committed demo areas."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from gis_core.errors import ParameterError
from gis_core.town import ATTRIBUTION, make_town, write_town
from gis_core.town.__main__ import main

ROOT = Path(__file__).parents[2]
DEMOS = json.loads((ROOT / "data" / "demos.json").read_text(encoding="utf-8"))


def test_geopackage_is_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_town(make_town(300, 2), tmp_path / name / "town.gpkg", attribution=ATTRIBUTION)
    assert (tmp_path / "a" / "town.gpkg").read_bytes() == (tmp_path / "b" / "town.gpkg").read_bytes()
    assert os.listdir(tmp_path / "a") == ["town.gpkg"]  # noqa: PTH208


def test_written_layers_are_read_back_as_they_were(tmp_path: Path) -> None:
    layers = make_town(300, 2)
    write_town(layers, tmp_path / "town.gpkg", attribution=ATTRIBUTION)
    write_town(layers, tmp_path / "town", form="parquet")
    for name, frame in layers.items():
        packed = pyogrio.read_dataframe(tmp_path / "town.gpkg", layer=name)
        folder = gpd.read_parquet(tmp_path / "town" / f"{name}.parquet")
        for read in (packed, folder):
            assert len(read) == len(frame)
            assert (shapely.to_wkb(read.geometry.values) == shapely.to_wkb(frame.geometry.values)).all()
            assert read.crs.to_epsg() == 4326
        info = pyogrio.read_info(tmp_path / "town.gpkg", layer=name)
        assert ATTRIBUTION in str(info["layer_metadata"])


def test_an_old_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "town.gpkg"
    write_town(make_town(400, 0), target)
    write_town(make_town(300, 0), target)
    assert pyogrio.read_info(target, layer="buildings")["features"] == 300


def test_wrong_targets_are_refused(tmp_path: Path) -> None:
    layers = make_town(300, 0)
    with pytest.raises(ParameterError, match="folder"):
        write_town(layers, tmp_path)
    with pytest.raises(ParameterError, match="gpkg or parquet"):
        write_town(layers, tmp_path / "x", form="shp")  # type: ignore[arg-type]


def test_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["300", str(tmp_path / "out.gpkg"), "--seed", "5"]) == 0
    said = capsys.readouterr().out
    assert "buildings 300" in said and ATTRIBUTION in said
    assert main(["300", str(tmp_path / "folder")]) == 0
    assert (tmp_path / "folder" / "buildings.parquet").exists()


def test_command_refuses_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["5", str(tmp_path / "out.gpkg")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert not (tmp_path / "out.gpkg").exists()


def test_script_runs_in_the_environment(tmp_path: Path) -> None:
    if not (ROOT / ".venv" / "bin" / "python").exists():
        command = [sys.executable, "-m", "gis_core.town"]
    else:
        command = [str(ROOT / "scripts" / "make_town")]
    done = subprocess.run(
        [*command, "300", str(tmp_path / "t.gpkg")], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "t.gpkg").exists()


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo["file"])
def test_demos_are_small_complete_and_labelled(demo: dict[str, object]) -> None:
    path = ROOT / "data" / str(demo["file"])
    assert path.stat().st_size < 3_000_000
    for key in ("name", "description"):
        assert set(demo[key]) == {"zh-CN", "en"}  # type: ignore[call-overload]
    assert demo["attribution"] == (ATTRIBUTION if demo["generated"] else "© OpenStreetMap contributors")
    names = set(pyogrio.list_layers(path)[:, 0])
    assert names == {"boundary", "buildings", "streets", "barriers", "facilities", "water", "green"}
    for name in names:
        assert str(demo["attribution"]) in str(pyogrio.read_info(path, layer=name)["layer_metadata"])
        frame = pyogrio.read_dataframe(path, layer=name)
        assert len(frame) and frame.is_valid.all() and not frame.is_empty.any(), name


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo["file"])
def test_demos_can_be_divided(demo: dict[str, object]) -> None:
    path = ROOT / "data" / str(demo["file"])
    boundary = pyogrio.read_dataframe(path, layer="boundary")
    buildings = pyogrio.read_dataframe(path, layer="buildings")
    assert shapely.coverage_is_valid(boundary.geometry.values)
    assert buildings["id"].is_unique
    assert buildings["households"].max() < 300
    point = gpd.GeoDataFrame(
        buildings[["households"]], geometry=shapely.point_on_surface(buildings.geometry.values)
    )
    joined = gpd.sjoin(point.set_crs(4326), boundary, predicate="within")
    assert len(joined) >= 0.995 * len(buildings)
    households = joined.groupby("code")["households"].sum()
    assert (households >= 300).all()
    assert 3000 <= households.sum() <= 8000


def test_generated_demo_is_what_the_generator_makes() -> None:
    layers = make_town(1500, 1)
    kept = pyogrio.read_dataframe(ROOT / "data" / "demo-town.gpkg", layer="buildings")
    made = layers["buildings"]
    assert kept["id"].tolist() == made["id"].tolist()
    assert kept["households"].tolist() == made["households"].tolist()
    assert kept["address"].tolist() == made["address"].tolist()
    assert shapely.equals_exact(kept.geometry.values, made.geometry.values, 1e-7).all()


def test_suburb_households_follow_the_written_rule() -> None:
    buildings = pyogrio.read_dataframe(ROOT / "data" / "demo-suburb.gpkg", layer="buildings")
    area = buildings.to_crs("EPSG:32635").area
    lived_in = buildings["households"] > 0
    expected = (area * buildings["levels"] * 0.8 / 90 + 0.5).floordiv(1).clip(lower=1)
    assert (buildings["households"][lived_in] == expected[lived_in]).all()
    assert (area[lived_in] >= 40).all()
    assert (buildings["use"][lived_in].dropna().isin(["residential", "house", "terrace", "apartments"])).all()
