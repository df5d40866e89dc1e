"""What cannot be used is refused before the town is cut into cells, in one sentence that names what there is."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point
from typer.testing import CliRunner

import gis_core.fabric
from gis_core.cli import app
from gis_core.errors import known_or_near
from gis_core.town import make_town, write_town


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town, a plan of it, and files that ask for what is not there."""
    folder = tmp_path_factory.mktemp("early")
    write_town(make_town(300, 1), folder / "town.gpkg", form="gpkg", attribution="generated")
    made = CliRunner().invoke(
        app,
        [
            "partition",
            str(folder / "town.gpkg"),
            "--out",
            str(folder / "plan.gpkg"),
            "--min",
            "60",
            "--max",
            "150",
        ],
    )
    assert made.exit_code == 0, made.output
    files = {
        "unknown": [{"kind": "together", "group": "a", "building_id": ["B0000001", "B000O002"]}],
        "one": [{"kind": "together", "group": "a", "building_id": ["B0000001"]}],
        "alone": [{"kind": "apart", "group": "a", "building_id": ["B0000001"]}],
        "seed": [{"kind": "seed", "building_id": "nobody"}],
    }
    for name, rows in files.items():
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        gpd.GeoDataFrame({"id": ["1"]}, geometry=[Point(0, 0)]).to_file(
            folder / "nowhere.gpkg", driver="GPKG"
        )
    return folder


CASES = [
    (["--wishes", "{f}/unknown.json"], "does not have: B000O002; near it are B000"),
    (["--wishes", "{f}/one.json"], "has one building only"),
    (["--wishes", "{f}/alone.json"], "name 2 to 500"),
    (["--wishes", "{f}/seed.json"], "does not have: nobody; there are B0"),
    (["--seeds", "facilities:cinema-of-nobody"], "no facilities of the category"),
    (["--seeds", "{f}/nowhere.gpkg"], "layer of seeds names no coordinate system"),
    (["--borders", "{f}/nowhere.gpkg"], "names no coordinate system"),
    (["--bound", "nobody:1:2"], "no numeric column 'nobody'"),
    (["--weight", "households + nobody", "--min", "1", "--max", "9"], "no numeric column 'nobody'"),
]


@pytest.fixture(autouse=True)
def no_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the town was cut")

    monkeypatch.setattr(gis_core.fabric, "build_fabric", refuse)


def refused(folder: Path, arguments: list[str], says: str) -> None:
    out = folder / "out.gpkg"
    done = CliRunner().invoke(app, [*(text.format(f=folder) for text in arguments), "--out", str(out)])
    assert done.exit_code == 2, done.output
    assert says in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        *CASES,
        (["--lock", "{f}/plan.gpkg:99O101001001001"], "no grid 99O101001001001 to lock; near it are 9901"),
        (["--lock", "{f}/plan.gpkg:a,b"], "no grid a, b to lock; there are 9901"),
        (["--from", "{f}/town.gpkg:boundary", "--code-col", "kode"], "no column 'kode'"),
    ],
)
def test_partition(folder: Path, options: list[str], says: str) -> None:
    refused(folder, ["partition", "{f}/town.gpkg", *options], says)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        CASES[0],
        CASES[4],
        CASES[7],
        (["--lock", "99O101001001001"], "plan.gpkg has no grid 99O101001001001 to lock; near it are 9901"),
        (["--lock", ""], "to lock; there are 9901"),
        (["--max-walk", "-3"], "walking distance -3 m cannot be used"),
    ],
)
def test_rebalance(folder: Path, options: list[str], says: str) -> None:
    refused(folder, ["rebalance", "{f}/plan.gpkg", "{f}/town.gpkg", *options], says)


def test_what_is_near() -> None:
    assert known_or_near("B1O01", ["B1001", "C7"]) == "near it are B1001"
    assert known_or_near("x", [f"B{i}" for i in range(9)], limit=2) == "there are B0, B1 and 7 more"
    assert known_or_near("x", []) == "there are none"
