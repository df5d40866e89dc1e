"""`wangge serve` and `wangge demo`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import gis_core.plan
from gis_core.commands.demo import load_demo_areas
from gis_core.commands.serve import read_settings
from gis_core.errors import DatasetError, ParameterError
from gis_core.layers import write_layer
from gis_core.store import Store, open_store
from tests.api.lattice import build_lattice

AREAS = [
    {"file": "lattice.gpkg", "name": {"zh-CN": "格网", "en": "lattice"}, "attribution": "Generated data"}
]
RUN = "import typer; from gis_core.commands.{0} import {0} as run; typer.run(run)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small area as a dataset."""
    folder = tmp_path_factory.mktemp("areas")
    dataset, _ = build_lattice(20, 20)
    for layer in ("boundary", "buildings", "streets"):
        frame = getattr(dataset, layer).drop(columns=["row", "rank", "cuts"], errors="ignore")
        write_layer(frame, folder / "lattice.gpkg", format="gpkg", layer=layer)
    (folder / "demos.json").write_text(json.dumps(AREAS), encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with open_store(str(tmp_path / "demo.gpkg")) as store:
        yield store


def test_demo_loads_once(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    (plan_id,) = load_demo_areas(store, folder, say=lines.append)
    plan = store.plan(plan_id)
    assert plan.name == "格网 lattice"
    assert plan.n_grids > 1
    assert plan.households == int(build_lattice(20, 20)[1].households.sum())
    assert (store.assignment(plan_id) >= 0).all()
    assert f"{plan.n_grids} grids" in lines[-1]

    monkeypatch.setattr(
        gis_core.plan, "make_plan", lambda *_a, **_k: pytest.fail("made again"), raising=False
    )
    again: list[str] = []
    assert load_demo_areas(store, folder, say=again.append) == [plan_id]
    assert again == []
    assert len(store.datasets()) == len(store.plans()) == 1


def test_demo_goes_on_after_it_was_stopped(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_args: object, **_kwargs: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "add_plan", stop)
        with pytest.raises(KeyboardInterrupt):
            load_demo_areas(store, folder, say=lambda _: None)
    assert len(store.datasets()) == 1
    assert store.plans() == []
    (plan_id,) = load_demo_areas(store, folder, say=lambda _: None)
    assert store.plan(plan_id).dataset_id == store.datasets()[0].id
    assert len(store.datasets()) == 1


def test_demo_without_its_files(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"demos\.json"):
        load_demo_areas(store, tmp_path, say=lambda _: None)
    (tmp_path / "demos.json").write_text(json.dumps(AREAS), encoding="utf-8")
    with pytest.raises(DatasetError, match="scripts/build_demo"):
        load_demo_areas(store, tmp_path, say=lambda _: None)


def test_settings_of_the_command_line_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PORT", "8099")
    assert read_settings(port=None, db=None).port == 8099
    assert read_settings(port=8098, db=None).port == 8098


def test_a_bad_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PORT", "eighty")
    with pytest.raises(ParameterError, match="WANGGE_PORT"):
        read_settings()


def test_serve_says_what_it_serves_and_stops(folder: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        RUN.format("serve"),
        "--db",
        str(tmp_path / "new.gpkg"),
        "--port",
        "0",
        "--json",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, process.stderr.read() if process.stderr else ""
                text += line
            said = json.loads(text)
            assert said["plans"] == 0
            assert httpx.get(f"{said['url']}healthz").json()["store"] == "geopackage"
            assert "no plan" in httpx.get(f"{said['url']}api/locate?x=1&y=2").json()["detail"]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--host", "0.0.0.0"], "accounts come first"), (["--db", "nowhere.txt/x.gpkg"], "nowhere.txt")],
)
def test_serve_refuses_in_one_sentence(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "nowhere.txt").write_text("not a folder")
    done = subprocess.run(
        [sys.executable, "-c", RUN.format("serve"), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert says in done.stderr
