"""Every format is read back by GDAL's own tools without a word of warning, and nothing is lost in silence."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from gis_core.errors import CrsError, DatasetError, ParameterError
from gis_core.layers.write import SHORT_NAMES, WRITE_FORMATS, write_layer

OGR_FORMATS = [each for each in WRITE_FORMATS if each != "parquet"]


def grids(crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
    """Return three grids that fit together, one in two pieces, one with a hole filled by nothing."""
    holed = shapely.box(114.02, 30, 114.04, 30.02).difference(shapely.box(114.025, 30.005, 114.03, 30.01))
    frame = gpd.GeoDataFrame(
        {
            "code": ["001", "002", "003"],
            "name": ["一号网格", "", None],
            "boundary_code": ["420106", "420106", "420106"],
            "boundary_name": ["珞珈山", "珞珈山", "珞珈山"],
            "households": np.array([410, 0, 2_500_000_000], np.int64),
            "population": [1200.5, np.nan, 3.0],
            "deviation": [0.1, -0.25, np.nan],
        },
        geometry=[
            shapely.box(114, 30, 114.02, 30.02),
            holed,
            shapely.MultiPolygon(
                [shapely.box(114, 30.02, 114.02, 30.04), shapely.box(114.1, 30.1, 114.11, 30.11)]
            ),
        ],
        crs="EPSG:4326",
    )
    return frame.to_crs(crs)


def fine_cover() -> gpd.GeoDataFrame:
    """Return small triangles around crooked points: rounding to nine decimals could fold the thinnest."""
    rng = np.random.default_rng(11)
    points = shapely.MultiPoint(np.add(rng.uniform(0, 3e-7, (60, 2)), (114.3, 30.5)))
    triangles = shapely.get_parts(shapely.delaunay_triangles(points))
    return gpd.GeoDataFrame({"code": range(len(triangles))}, geometry=triangles, crs="EPSG:4326")


def ogrinfo(path: Path) -> str:
    """Return what GDAL's own tool says of a file; a warning fails."""
    tool = shutil.which("ogrinfo")
    assert tool, "ogrinfo is missing; install the Debian package gdal-bin"
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("OGR_", "GDAL_", "CPL_"))}
    done = subprocess.run(
        [tool, "-ro", "-al", "-so", path], capture_output=True, text=True, env=plain, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("kind", OGR_FORMATS)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4547"])
def test_gdal_reads_it_without_a_warning(tmp_path, kind, crs):
    path = tmp_path / f"grids.{kind}"
    write_layer(grids(crs), path, format=kind, layer="grids")
    told = ogrinfo(path)
    assert "Layer name: grids" in told and "Feature Count: 3" in told
    if kind != "csv":
        assert "Polygon" in told or kind == "geojson"
        assert ("CGCS2000" in told) == (crs == "EPSG:4547" and kind != "geojson")


@pytest.mark.parametrize("kind", [each for each in WRITE_FORMATS if each != "csv"])
def test_values_and_shapes_come_back(tmp_path, kind):
    frame, path = grids(), tmp_path / f"grids.{kind}"
    write_layer(frame, path, format=kind, layer="grids")
    back = gpd.read_parquet(path) if kind == "parquet" else gpd.read_file(path)
    if kind == "shp":
        back = back.rename(columns={short: name for name, short in SHORT_NAMES.items()})
    if kind == "fgb":  # its spatial index sorts the rows in space
        back = back.sort_values("code", ignore_index=True)
    assert list(back.columns) == list(frame.columns)
    assert back["code"].tolist() == ["001", "002", "003"]
    assert back["name"].fillna("").tolist() == ["一号网格", "", ""]
    assert back["households"].tolist() == [410, 0, 2_500_000_000]
    assert np.allclose(back["population"], frame["population"], equal_nan=True)
    assert back.crs.to_epsg() == 4326
    assert shapely.equals(back.geometry.values, frame.geometry.values).all()


@pytest.mark.parametrize("kind", WRITE_FORMATS)
def test_an_empty_layer_is_written(tmp_path, kind):
    path = tmp_path / f"grids.{kind}"
    write_layer(grids().iloc[:0], path, format=kind, layer="grids")
    if kind == "parquet":
        assert len(gpd.read_parquet(path)) == 0
    else:
        assert "Feature Count: 0" in ogrinfo(path)


def test_geojson_is_rfc_7946(tmp_path):
    path = tmp_path / "grids.geojson"
    write_layer(grids("EPSG:4547"), path, format="geojson", layer="grids")
    data = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in data and data["bbox"] == pytest.approx([114, 30, 114.11, 30.11], abs=1e-8)
    for feature in data["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        for polygon in shapely.get_parts(shape):
            assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)
    numbers = np.array(data["features"][0]["geometry"]["coordinates"][0]).ravel()
    assert np.array_equal(numbers, np.round(numbers, 9))
    assert data["features"][1]["properties"]["population"] is None


def test_geojson_keeps_a_cover_exact_with_as_many_decimals_as_it_takes(tmp_path):
    frame = fine_cover()
    nine = shapely.transform(frame.geometry.values, lambda xy: np.round(xy, 9))
    assert not (shapely.is_valid(nine).all() and shapely.coverage_is_valid(nine))
    path = tmp_path / "cells.geojson"
    faults = write_layer(frame, path, format="geojson", layer="cells")
    assert [fault.code for fault in faults] == ["more-decimals"]
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    shapes = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features])
    assert shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)


def test_geopackage_keeps_its_other_layers(tmp_path):
    path = tmp_path / "plan.gpkg"
    for layer in ("grids", "cells", "grids"):
        write_layer(grids(), path, format="gpkg", layer=layer)
    told = ogrinfo(path)
    assert told.count("Layer name:") == 2 and told.count("Feature Count: 3") == 2


def test_shapefile_reports_what_it_shortens(tmp_path):
    frame = grids().assign(备注说明文字=["字" * 100, "短", None], boundary_codes=1, flag=[True, False, True])
    path = tmp_path / "grids.shp"
    faults = {fault.code: fault for fault in write_layer(frame, path, format="shp", layer="grids")}
    assert set(faults) == {"short-names", "text-cut"}
    assert "boundary_code -> bound_code" in faults["short-names"].message
    assert faults["text-cut"].rows == (0,)
    assert path.with_suffix(".cpg").read_text(encoding="ascii") == "UTF-8"
    back = gpd.read_file(path)
    names = [name for name in back.columns if name != "geometry"]
    assert all(len(name.encode()) <= 10 for name in names) and len({name.lower() for name in names}) == len(
        names
    )
    assert back["备注说"].fillna("").tolist() == ["字" * 84, "短", ""]
    assert back["flag"].tolist() == [1, 0, 1]
    assert "Feature Count: 3" in ogrinfo(path)


def test_csv_has_a_mark_and_well_known_text(tmp_path):
    path = tmp_path / "grids.csv"
    notes = ['=HYPERLINK("http://x")', "＝1+1", "3号楼-2"]  # what a spreadsheet would run is text
    write_layer(grids().assign(note=notes), path, format="csv", layer="grids")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["note"] for row in rows] == [f"'{notes[0]}", f"'{notes[1]}", notes[2]]
    assert [row["code"] for row in rows] == ["001", "002", "003"] and rows[1]["population"] == ""
    assert shapely.equals(shapely.from_wkt([row["geometry"] for row in rows]), grids().geometry.values).all()


def test_geoparquet_carries_its_system_and_types(tmp_path):
    path = tmp_path / "grids.parquet"
    write_layer(grids("EPSG:4547"), path, format="parquet", layer="grids")
    geo = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert geo["version"].startswith("1.") and geo["columns"]["geometry"]["encoding"] == "WKB"
    assert gpd.read_parquet(path).crs.to_epsg() == 4547


def test_mixed_columns_and_missing_values_become_text_and_null(tmp_path):
    frame = grids().assign(
        note=[{"a": [1]}, "x", None], day=pd.to_datetime(["2024-03-03", None, "2024-03-04"])
    )
    for kind in WRITE_FORMATS:
        write_layer(frame, tmp_path / f"grids.{kind}", format=kind, layer="grids")
    back = gpd.read_file(tmp_path / "grids.gpkg")
    assert back["note"].fillna("").tolist() == ['{"a": [1]}', "x", ""]
    properties = json.loads((tmp_path / "grids.geojson").read_text(encoding="utf-8"))["features"][1][
        "properties"
    ]
    assert properties["note"] == "x" and properties["day"] is None


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "grids.shp"
    path.write_bytes(b"old")
    mixed = gpd.GeoDataFrame(
        {"code": [1, 2]}, geometry=[shapely.Point(0, 0), shapely.box(0, 0, 1, 1)], crs="EPSG:4326"
    )
    with pytest.raises(DatasetError, match="mixes"):
        write_layer(mixed, path, format="shp", layer="grids")
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="kml"):
        write_layer(grids(), tmp_path / "a.kml", format="kml", layer="grids")
    with pytest.raises(CrsError):
        write_layer(
            grids().set_crs(None, allow_override=True), tmp_path / "a.gpkg", format="gpkg", layer="grids"
        )
    with pytest.raises(DatasetError, match="no folder"):
        write_layer(grids(), tmp_path / "none" / "a.gpkg", format="gpkg", layer="grids")
    with pytest.raises(DatasetError, match="is a folder"):
        write_layer(grids(), tmp_path, format="gpkg", layer="grids")
