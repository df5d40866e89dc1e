"""What a clerk does wrong with the commands: nothing of theirs is lost, and one sentence says what mends it."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import broken_datasets
import geopandas as gpd
import pytest
from store_town import build_town
from typer.testing import CliRunner, Result

from gis_core.cli import app
from gis_core.commands._common import _os_sentence
from gis_core.commands._output import require_output
from gis_core.errors import DatasetError
from gis_core.layers import write as writing_room
from gis_core.plan.file import write_plan
from gis_core.store import is_store_file, open_store

TOWN = build_town(40)


def wangge(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.gpkg"
    write_plan(TOWN[2], path)
    return path


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text("lon,lat\n114.3,30.5\n", encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.gpkg"
    with open_store(str(path)) as opened:
        dataset_id = opened.add_dataset(*TOWN[:2])
        opened.add_plan(TOWN[2], dataset_id=dataset_id, name="plan")
    return path


def test_a_plan_never_takes_the_place_of_its_dataset(tmp_path: Path) -> None:
    dataset = broken_datasets.sound(tmp_path)
    before = dataset.read_bytes()
    done = wangge("partition", dataset, "--out", dataset)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "would be replaced" in done.stderr
    report = wangge("partition", dataset, "--out", tmp_path / "plan.gpkg", "--report", dataset)
    assert report.exit_code == 2
    assert dataset.read_bytes() == before


def test_a_plan_never_takes_the_place_of_a_dataset_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    dataset = broken_datasets.sound(folder)
    before = dataset.read_bytes()
    assert wangge("partition", folder, "--out", dataset).exit_code == 2
    assert dataset.read_bytes() == before


def test_export_and_locate_leave_what_they_read(plan: Path, points: Path) -> None:
    before = plan.read_bytes(), points.read_bytes()
    for arguments in (("export", plan, "--out", plan), ("locate", plan, points, "--out", points)):
        done = wangge(*arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "would be replaced" in done.stderr
    assert (plan.read_bytes(), points.read_bytes()) == before


def test_no_file_takes_the_place_of_a_store(tmp_path: Path, plan: Path, store: Path) -> None:
    dataset = broken_datasets.sound(tmp_path)
    for arguments in (("export", plan, "--out", store), ("partition", dataset, "--out", store)):
        done = wangge(*arguments)
        assert done.exit_code == 2
        assert "is a Wangge store and would be replaced" in done.stderr
    with open_store(str(store)) as opened:
        assert len(opened.plans()) == 1


def test_a_store_is_no_file_of_a_plan(tmp_path: Path, points: Path, store: Path) -> None:
    out = tmp_path / "out.csv"
    for arguments in (
        ("export", store, "--out", out),
        ("locate", store, points, "--out", out),
        ("load", store, "--db", tmp_path / "other.gpkg"),
    ):
        done = wangge(*arguments)
        assert done.exit_code == 2
        assert "plan:ID" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("name", ["town.gpkg", "calls.csv"])
def test_what_is_no_plan_is_said_without_the_words_of_gdal(tmp_path: Path, points: Path, name: str) -> None:
    broken_datasets.sound(tmp_path)
    done = wangge("export", tmp_path / name, "--out", tmp_path / "out.geojson")
    assert done.exit_code == 2
    assert "is not a plan file" in done.stderr
    assert "wangge partition" in done.stderr
    assert "driver" not in done.stderr


def test_work_that_fails_makes_no_store(tmp_path: Path, plan: Path) -> None:
    db = tmp_path / "new.gpkg"
    broken = tmp_path / "broken"
    broken.mkdir()
    alone = wangge("load", plan, "--db", db)
    assert "load the plan's dataset first" in alone.stderr
    for source in (tmp_path / "nothing.gpkg", broken_datasets.no_households(broken)):
        assert wangge("load", source, "--db", db).exit_code == 2
    assert not db.exists()


def test_a_place_without_a_folder_fails_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = broken_datasets.sound(tmp_path)
    monkeypatch.setattr("gis_core.layers.read_dataset", lambda *_a, **_k: pytest.fail("the work began"))
    lost = tmp_path / "no" / "report.json"
    done = wangge("partition", dataset, "--out", tmp_path / "plan.gpkg", "--report", lost)
    assert done.exit_code == 2
    assert "There is no folder" in done.stderr
    assert "There is no folder" in wangge("load", dataset, "--db", tmp_path / "no" / "store.gpkg").stderr


@pytest.mark.parametrize("option", ["--grids", "--time-limit", "--processes"])
def test_numbers_that_leave_no_work_are_refused(tmp_path: Path, option: str) -> None:
    dataset = broken_datasets.sound(tmp_path)
    done = wangge("partition", dataset, "--out", tmp_path / "plan.gpkg", option, "0")
    assert done.exit_code == 2
    assert f"{option} 0 cannot be used" in done.stderr


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(DatasetError, match="cannot be written to"):
        require_output(tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("error", "words", "hidden"),
    [
        (OSError(errno.ENOSPC, "x", "town/.o.gpkg.a1b2c3d4/o.gpkg"), "town: no space left", "a1b2"),
        (
            OSError(errno.EROFS, "Read-only file system", "town/.o.csv.a1b2c3d4"),
            "town: the system does not",
            "a1b2",
        ),
        (OSError(errno.ENOSPC, "x"), "no space left", "None"),
        (OSError(errno.ENOSPC, "x", "town/.r.json.part"), "town: no space left", "part"),
        (OSError(errno.EACCES, "x", ".data/plan.gpkg"), ".data/plan.gpkg: the system", "part"),
        (OSError(errno.EIO, "Input/output error", "town/plan.gpkg"), "town/plan.gpkg: cannot be", "system"),
    ],
)
def test_the_system_is_quoted_without_hidden_names(error: OSError, words: str, hidden: str) -> None:
    sentence = _os_sentence(error)
    assert words in sentence
    assert hidden not in sentence


def test_a_full_disk_is_said_by_the_writers(
    tmp_path: Path, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyogrio

    dataset = broken_datasets.sound(tmp_path)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise pyogrio.errors.DataSourceError("Failed to commit transaction")

    monkeypatch.setattr("pyogrio.write_dataframe", refuse)
    done = wangge("export", plan, "--out", tmp_path / "out.fgb")
    assert "look whether the disk has room" in done.stderr
    used = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(writing_room.shutil, "disk_usage", lambda _path: used._replace(free=0))
    assert "the disk is full" in wangge("export", plan, "--out", tmp_path / "out.fgb").stderr
    done = wangge("partition", dataset, "--out", tmp_path / "other.gpkg")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the disk is full" in done.stderr


def test_check_says_what_and_how_once(tmp_path: Path) -> None:
    notes = tmp_path / "Notes.GPKG.txt"
    notes.write_text("x", encoding="utf-8")
    for source in (tmp_path, notes):
        (fault,) = json.loads(wangge("check", source, "--json").stdout)["faults"]
        assert fault["fix"] != fault["message"]
        assert "geopackage" not in fault["fix"]
    packed = tmp_path / "Town.zip"
    packed.write_bytes(b"PK")
    (fault,) = json.loads(wangge("check", packed, "--json").stdout)["faults"]
    assert (fault["message"], fault["fix"]) == (
        "Town.zip is packed.",
        "Unpack it into a folder and give the folder.",
    )


def test_one_is_not_spoken_of_as_many(tmp_path: Path) -> None:
    said = wangge("check", broken_datasets.outside_boundary(tmp_path)).stdout
    assert "1 of 6 buildings (60 households) lies outside" in " ".join(said.split())
    assert "1 warning." in said


def test_a_mended_overlap_leaves_no_warning_of_a_strip(tmp_path: Path) -> None:
    faults = json.loads(wangge("check", broken_datasets.boundary_overlap(tmp_path), "--json").stdout)[
        "faults"
    ]
    assert [fault["code"] for fault in faults] == ["boundary-overlap"]


def test_points_are_located_in_a_named_layer(tmp_path: Path, points: Path) -> None:
    dataset, out = broken_datasets.sound(tmp_path), tmp_path / "out.csv"
    asked = wangge("locate", dataset, points, "--out", out)
    assert asked.exit_code == 2
    assert "boundary, buildings, streets" in asked.stderr
    assert "--layer" in asked.stderr
    frame = broken_datasets.sound_town()["boundary"]
    x, y = frame.geometry.iloc[1].centroid.coords[0]
    points.write_text(f"lon,lat\n{x},{y}\n", encoding="utf-8")
    done = wangge("locate", dataset, points, "--out", out, "--layer", "boundary", "--json")
    assert done.exit_code == 0, done.stderr
    assert out.read_text(encoding="utf-8-sig").splitlines()[1].split(",")[2:4] == ["B", "inside"]


def test_folders_are_told_from_missing_files(tmp_path: Path, plan: Path, points: Path) -> None:
    out = tmp_path / "out.csv"
    assert "is a folder" in wangge("locate", tmp_path, points, "--out", out).stderr
    assert "is a folder" in wangge("locate", plan, tmp_path, "--out", out).stderr
    assert "is a folder" in wangge("plans", "--db", tmp_path).stderr


def test_geojson_says_that_another_system_is_not_used(tmp_path: Path, plan: Path) -> None:
    out = tmp_path / "out.geojson"
    done = wangge("export", plan, "--out", out, "--crs", "EPSG:32650")
    assert done.exit_code == 0
    assert "always in WGS 84" in done.stderr
    assert gpd.read_file(out).crs == 4326
    assert wangge("export", plan, "--out", out, "--crs", "wgs84").stderr == ""


def test_a_store_is_told_from_other_files(tmp_path: Path, plan: Path, store: Path) -> None:
    assert is_store_file(store)
    assert not is_store_file(plan)
    assert not is_store_file(tmp_path)
    assert not is_store_file(tmp_path / "nothing.gpkg")


def test_doctor_gives_the_mend_of_a_wrong_store(points: Path) -> None:
    findings = json.loads(wangge("doctor", "--db", points, "--json").stdout)["findings"]
    (found,) = [finding for finding in findings if finding["what"] == "Store"]
    assert found["detail"].endswith("is not a Wangge store")
    assert "--db" in found["fix"]
