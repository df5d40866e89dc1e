from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
import shapely

from gis_core.plan import read_plan
from tests.api.support import TestClient, assert_problem


def _save(client: TestClient, folder: Path, query: str) -> Path:
    answer = client.get(f"/api/plans/1/export?{query}")
    assert answer.status_code == 200, answer.text
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment;")
    assert "%E6%A0%BC%E7%BD%91-lattice-" in disposition
    path = folder / f"got.{disposition.rsplit('.', 1)[1].strip(chr(34))}"
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("format_", ["geojson", "gpkg", "fgb", "parquet"])
@pytest.mark.parametrize("layer", ["grids", "buildings", "cells"])
def test_each_layer_in_each_format(
    client: TestClient, town: SimpleNamespace, tmp_path: Path, format_: str, layer: str
) -> None:
    path = _save(client, tmp_path, f"format={format_}&layer={layer}")
    frame = gpd.read_parquet(path) if format_ == "parquet" else gpd.read_file(path)
    expected = getattr(town.plan, layer)
    assert frame.crs.to_epsg() == 4326
    key = {"grids": "code", "buildings": "id", "cells": "cell_id"}[layer]
    got = frame.set_index(key).sort_index()
    want = expected.set_index(key).sort_index()
    assert list(got.index) == list(want.index)
    assert got["households"].tolist() == want["households"].tolist()
    difference = shapely.symmetric_difference(got.geometry.to_numpy(), want.geometry.to_numpy())
    assert shapely.area(difference).max() < 1e-11  # nine decimals along 600 m of border
    if layer != "grids":
        assert got["grid_code"].tolist() == want["grid_code"].tolist()


def test_defaults_are_grids_as_geojson(client: TestClient, town: SimpleNamespace, tmp_path: Path) -> None:
    path = _save(client, tmp_path, "")
    assert path.suffix == ".geojson"
    assert sorted(gpd.read_file(path)["code"]) == sorted(town.plan.grids["code"])


def test_geopackage_without_a_layer_is_a_plan_file(
    client: TestClient, town: SimpleNamespace, tmp_path: Path
) -> None:
    plan = read_plan(_save(client, tmp_path, "format=gpkg"))
    assert plan.report == town.plan.report
    assert plan.cells["grid_code"].tolist() == town.plan.cells["grid_code"].tolist()


def test_shapefile_comes_zipped(client: TestClient, town: SimpleNamespace, tmp_path: Path) -> None:
    path = _save(client, tmp_path, "format=shp")
    assert path.suffix == ".zip"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    (shape,) = tmp_path.glob("*.shp")
    assert {"shp", "shx", "dbf", "prj", "cpg"} <= {part.suffix[1:] for part in tmp_path.iterdir()}
    frame = pyogrio.read_dataframe(shape)
    assert sorted(frame["code"]) == sorted(town.plan.grids["code"])
    assert set(frame["name"]) == set(town.plan.grids["name"])


def test_csv_has_a_mark_for_excel(client: TestClient, town: SimpleNamespace, tmp_path: Path) -> None:
    path = _save(client, tmp_path, "format=csv&layer=buildings")
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert len(raw.decode("utf-8-sig").splitlines()) == len(town.plan.buildings) + 1


def test_nothing_is_left_behind(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for query in ("format=geojson", "format=shp", "format=gpkg"):
        assert client.get(f"/api/plans/1/export?{query}").status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_the_table_as_a_sheet(client: TestClient, town: SimpleNamespace, tmp_path: Path) -> None:
    path = _save(client, tmp_path, "format=xlsx&layer=buildings")
    header, *rows = openpyxl.load_workbook(path)["buildings"].values
    assert header[:3] == ("id", "households", "grid_code")
    assert [row[0] for row in rows] == town.dataset.buildings["id"].tolist()


def test_an_export_tells_how_far_it_is_and_can_be_ended(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gis_core.publish import atlas

    path, heard = "/api/exports/0123456789ab", []

    def slow(material: object, *, progress: Callable[[str, int, int], None], **_: object) -> None:
        progress("sheets", 3, 21)
        heard.append(client.get(path).json())
        assert_problem(client.get("/api/plans/1/export?format=pdf&key=0123456789ab"), 409, "conflict")
        assert client.delete(path).status_code == 204
        progress("sheets", 4, 21)

    monkeypatch.setattr(atlas, "make_atlas", slow)
    assert_problem(client.get("/api/plans/1/export?format=pdf&key=0123456789ab"), 409, "cancelled")
    assert heard == [{"done": 3, "total": 21}]
    assert client.get(path).json() == {"done": 0, "total": 0}
    assert client.delete(path).status_code == 204
    assert_problem(client.get("/api/plans/1/export?key=*"), 400, "bad-parameter")
