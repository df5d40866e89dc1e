"""`wangge load`, `plans`, `doctor` on an embedded store."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from store_town import build_town
from typer.testing import CliRunner

import gis_core.commands.doctor as doctor_module
from gis_core.cli import app
from gis_core.commands.doctor import Finding
from gis_core.plan.file import write_plan
from gis_core.store import open_store

TOWN = build_town(40)


def wangge(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def db(tmp_path):
    return tmp_path / "store.gpkg"


@pytest.fixture
def dataset_file(tmp_path):
    """Write a small dataset as users bring it."""
    path = tmp_path / "town.gpkg"
    dataset = TOWN[0]
    for layer, frame in (
        ("boundary", dataset.boundary),
        ("buildings", dataset.buildings),
        ("streets", dataset.streets),
    ):
        frame.to_file(path, layer=layer, engine="pyogrio", append=path.exists(), driver="GPKG")
    return path


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "plan.gpkg"
    write_plan(TOWN[2], path)
    return path


def fill(db, *, times=1):
    with open_store(str(db)) as store:
        return [store.add_dataset(*TOWN[:2]) for _ in range(times)]


def test_a_dataset_is_loaded_and_listed(db, dataset_file):
    done = wangge("load", dataset_file, "--db", db, "--name", "八月", "--json")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["id"], answer["name"]) == ("dataset", 1, "八月")
    assert answer["counts"]["buildings"] == 40
    listed = json.loads(wangge("plans", "--db", db, "--json").stdout)
    assert [version["name"] for version in listed["datasets"]] == ["八月"]
    assert listed["plans"] == []
    assert "八月" in wangge("plans", "--db", db).stdout


def test_a_plan_goes_to_the_newest_version_that_fits(db, plan_file):
    first, second = fill(db, times=2)
    with open_store(str(db)) as store:
        store.add_dataset(*build_town(41)[:2])
    done = wangge("load", plan_file, "--db", db)
    assert done.exit_code == 0, done.stderr
    assert f"on data version {second}" in done.stdout
    named = wangge("load", plan_file, "--db", db, "--dataset", first, "--name", "B", "--json")
    assert json.loads(named.stdout)["dataset"] == first
    listed = wangge("plans", "--db", db).stdout
    assert "plan:2  B" in listed
    assert "300 to 500 households" in listed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dataset", 2], "41"),
        (["--dataset", 9], "no data version 9"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(db, plan_file, arguments, sentence):
    fill(db)
    with open_store(str(db)) as store:
        store.add_dataset(*build_town(41)[:2])
    done = wangge("load", plan_file, "--db", db, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr
    with open_store(str(db)) as store:
        assert store.plans() == []


def test_a_plan_without_its_data_says_what_to_load(db, plan_file, tmp_path):
    empty = wangge("load", plan_file, "--db", db)
    assert empty.exit_code == 2
    assert "load the plan's dataset first" in empty.stderr
    fill(db)
    other = replace(TOWN[2], cells=TOWN[2].cells.assign(households=1))
    write_plan(other, tmp_path / "other.gpkg")
    done = wangge("load", tmp_path / "other.gpkg", "--db", db)
    assert done.exit_code == 2
    assert "households of its cells differ" in done.stderr


def test_wrong_use_is_told(db, dataset_file, tmp_path):
    assert "--dataset is for plan files" in wangge("load", dataset_file, "--db", db, "--dataset", 1).stderr
    assert "--on-invalid" in wangge("load", dataset_file, "--db", db, "--on-invalid", "maybe").stderr
    missing = wangge("load", tmp_path / "nothing.gpkg", "--db", db)
    assert missing.exit_code == 2
    assert missing.stderr.startswith("Error: ")
    nothing = wangge("plans", "--db", tmp_path / "no.gpkg")
    assert (nothing.exit_code, nothing.stdout) == (2, "")
    assert "wangge load" in nothing.stderr


def test_doctor_knows_a_good_store(db):
    open_store(str(db)).close()
    findings = json.loads(wangge("doctor", "--db", db, "--json").stdout)["findings"]
    store = next(finding for finding in findings if finding["what"] == "Store")
    assert store["status"] == "ok"
    assert "version 0008" in store["detail"]


def test_doctor_tells_a_missing_store_from_a_broken_one(db):
    missing = next(one for one in doctor_module.examine(str(db)) if one.what == "Store")
    assert missing.status == "note"
    db.write_bytes(b"not a database")
    broken = wangge("doctor", "--db", db)
    assert broken.exit_code == 1
    assert "LACK  Store: " in broken.stdout
    assert "not a Wangge store" in broken.stdout


def test_doctor_ends_with_1_only_where_something_needed_is_missing(monkeypatch, db):
    monkeypatch.setattr(
        doctor_module, "examine", lambda _db: iter([Finding("A", "ok", "x"), Finding("B", "note", "y", "z")])
    )
    assert wangge("doctor", "--db", db).exit_code == 0
    monkeypatch.setattr(doctor_module, "PACKAGES", ("no_such_package",))
    finding = doctor_module._packages()
    assert (finding.status, finding.fix) == ("missing", "run scripts/setup")
    monkeypatch.setattr(doctor_module, "examine", lambda _db: iter([finding]))
    done = wangge("doctor", "--db", db)
    assert done.exit_code == 1
    assert "no_such_package" in done.stdout
