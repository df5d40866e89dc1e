"""The embedded store as a GeoPackage: GDAL's own tools open it without a warning, and its R-tree is kept in step."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from sqlalchemy import text
from store_town import build_town

from gis_core.errors import ParameterError, StoreUnavailableError
from gis_core.store import embedded_file, geopackage, models, open_store

SHAPES = [
    shapely.Point(121.5, 31.2),
    shapely.LineString([(121.1, 31.1), (121.3, 31.4)]),
    shapely.box(121, 31, 122, 32),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
    shapely.Polygon(),
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.gpkg"


@pytest.fixture
def store(path):
    with open_store(str(path)) as opened:
        dataset, fabric, plan = build_town(60)
        opened.add_plan(plan, dataset_id=opened.add_dataset(dataset, fabric), name="x")
        yield opened


def ogrinfo(*arguments):
    done = subprocess.run(
        [shutil.which("ogrinfo") or "ogrinfo", "-ro", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "Warning" not in done.stdout
    return done.stdout


def check_rtree(store):
    """Compare the R-tree of every layer with the boxes of its rows."""
    with store._read() as connection:
        for table in models.SPATIAL_TABLES:
            rows = connection.execute(text(f"SELECT fid, geom FROM {table} ORDER BY fid")).all()
            shapes = geopackage.decode_geometry([row.geom for row in rows])
            wanted = {
                row.fid: shape.bounds for row, shape in zip(rows, shapes, strict=True) if not shape.is_empty
            }
            found = {
                row[0]: row[1:]
                for row in connection.execute(
                    text(f"SELECT id, minx, miny, maxx, maxy FROM rtree_{table}_geom")
                )
            }
            assert found.keys() == wanted.keys(), table
            for fid, (west, south, east, north) in wanted.items():
                minx, miny, maxx, maxy = found[fid]
                assert west - 1e-4 < minx <= west <= east <= maxx < east + 1e-4
                assert south - 1e-4 < miny <= south <= north <= maxy < north + 1e-4


def stated_extents(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT table_name, min_x, min_y, max_x, max_y FROM gpkg_contents WHERE data_type = 'features'"
        )
        return {name: box for name, *box in rows}


def test_ogrinfo_opens_it_without_a_warning(store, path):
    text_ = ogrinfo("-al", "-so", path)
    for layer in (*models.SPATIAL_TABLES, "datasets", "plans", "edits"):
        assert f"Layer name: {layer}\n" in text_
    assert "wangge_version" not in text_
    assert "dataset_graphs" not in text_


def test_every_column_has_a_type_that_gdal_knows(store, path):
    names = {name for name, _ in pyogrio.list_layers(path).tolist()}
    tables = {"datasets", "plans", "edits", "plan_attributes", "plan_areas", "grid_codes"}
    assert names == {*models.SPATIAL_TABLES, *tables}
    for name in names:
        table = models.Base.metadata.tables[name]
        info = pyogrio.read_info(path, layer=name)
        key = {"fid"} if name in models.SPATIAL_TABLES else {"id"}
        assert set(info["fields"]) == {column.name for column in table.columns} - key - {"geom"}
        for field, kind in zip(info["fields"], info["ogr_types"], strict=True):
            declared = type(table.c[field].type).__name__
            expected = {
                "BigInteger": "OFTInteger64",
                "Double": "OFTReal",
                "Text": "OFTString",
                "UtcTime": "OFTDateTime",
                "LargeBinary": "OFTBinary",
                "Boolean": "OFTInteger",
            }
            assert kind == expected[declared], (name, field)


def test_declared_geometry_types_are_those_of_the_models(store, path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT table_name, geometry_type_name, srs_id FROM gpkg_geometry_columns"
        ).fetchall()
    tables = models.Base.metadata.tables
    assert set(rows) == {
        (name, tables[name].c.geom.type.geometry_type, 4326) for name in models.SPATIAL_TABLES
    }


def test_extents_are_right_and_rows_come_back_by_gdal(store, path):
    for layer in ("buildings", "cells", "grids", "streets"):
        frame = pyogrio.read_dataframe(path, layer=layer)
        info = pyogrio.read_info(path, layer=layer, force_total_bounds=True)
        assert info["total_bounds"] == tuple(frame.total_bounds.tolist())
        assert stated_extents(path)[layer] == frame.total_bounds.tolist()
        assert frame.crs == "EPSG:4326"
    west, south, *_ = pyogrio.read_dataframe(path, layer="cells").total_bounds
    box = (west, south, west + 0.0004, south + 0.0004)
    by_gdal = pyogrio.read_dataframe(path, layer="cells", bbox=box)
    assert sorted(by_gdal["ix"]) == store.layer(1, "cells", bbox=box).index.tolist()
    assert 0 < len(by_gdal) < 60


def test_rtree_follows_load_edit_and_delete(store, path):
    check_rtree(store)
    mine = np.flatnonzero(store.assignment(1) == 0)
    store.add_edit(1, expected_revision=0, who="a", kind="x", cell_ix=mine, grid_ix=np.ones_like(mine))
    check_rtree(store)
    store.add_edit(1, expected_revision=1, who="a", kind="x", cell_ix=mine[:4], grid_ix=np.zeros(4, int))
    check_rtree(store)
    dataset, fabric, _ = build_town(30)
    second = store.add_dataset(dataset, fabric)
    check_rtree(store)
    store.delete_plan(1)
    store.delete_dataset(1)
    check_rtree(store)
    assert stated_extents(path)["buildings"] == store.layer(second, "buildings").total_bounds.tolist()
    assert stated_extents(path)["grids"] == [None] * 4
    assert store.layer_count(second, "cells", bbox=(121, 31, 122, 32)) == 30


def test_rtree_follows_single_statements(store):
    far, empty = (
        store._dialect.encode(np.array([shape], dtype=object))[0]
        for shape in (shapely.box(5, 5, 6, 6), shapely.Polygon())
    )
    steps = [
        ("UPDATE water SET geom = :geom", far),
        ("UPDATE water SET geom = :geom", empty),
        ("UPDATE water SET geom = :geom", far),
        ("UPDATE water SET fid = fid + 100", far),
        ("UPDATE water SET geom = :geom, fid = fid + 100", empty),
        ("INSERT INTO water (dataset_id, ix, geom) VALUES (1, 7, :geom)", far),
        ("INSERT INTO water (dataset_id, ix, geom) VALUES (1, 8, :geom)", empty),
        ("DELETE FROM water WHERE ix = 7", far),
    ]
    for statement, geom in steps:
        with store._write() as connection:
            connection.execute(text(statement), {"geom": geom} if ":geom" in statement else {})
        check_rtree(store)


def test_rtree_follows_an_append_by_gdal(store, path):
    frame = pyogrio.read_dataframe(path, layer="water").assign(ix=50)
    pyogrio.write_dataframe(frame.set_geometry(frame.translate(0.5)), path, layer="water", append=True)
    check_rtree(store)
    assert store.layer(1, "water").index.tolist() == [0, 50]
    assert ogrinfo("-al", "-so", path)


def test_the_spatial_index_is_used(store):
    table = models.table_of(models.Building)
    statement = f"EXPLAIN QUERY PLAN SELECT fid FROM {table.name} WHERE " + str(
        store._dialect.intersects(table, shapely.box(121, 31, 122, 32)).compile(
            compile_kwargs={"literal_binds": False}
        )
    ).replace(":wangge_intersects_1", "x''")
    with store._read() as connection:
        steps = connection.execute(
            text(statement), {"west": 121, "south": 31, "east": 122, "north": 32}
        ).all()
    assert any("VIRTUAL TABLE INDEX" in str(step) for step in steps)


def test_application_id_and_journal(store, path):
    with path.open("rb") as file:
        header = file.read(100)
    assert header[68:72] == b"GPKG"
    assert struct.unpack(">I", header[60:64])[0] == 10300
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_fresh_store_is_a_good_geopackage_at_once(path):
    with open_store(str(path)):
        ogrinfo("-al", "-so", path)
    assert [item.name for item in path.parent.iterdir() if ".part" in item.name] == []


@pytest.mark.parametrize(
    "shape", SHAPES, ids=lambda shape: shape.geom_type + ("-empty" if shape.is_empty else "")
)
def test_binary_round_trip_and_box(shape):
    (blob,) = geopackage.encode_geometry(np.array([shape], dtype=object))
    (back,) = geopackage.decode_geometry([blob])
    assert shapely.to_wkb(back) == shapely.to_wkb(shape)
    box = geopackage._box(blob)
    assert box == (None if shape.is_empty else tuple(np.array(shape.bounds)[[0, 2, 1, 3]]))


@pytest.mark.parametrize("shape", SHAPES[:4], ids=lambda shape: shape.geom_type)
@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_of_others_is_read(shape, order):
    """A header without a box, or with its numbers the other way round, is as good."""
    wkb, (west, south, east, north) = shapely.to_wkb(shape), shape.bounds
    little = order == "<"
    bare = struct.pack(f"{order}2sBBi", b"GP", 0, int(little), 4326) + wkb
    boxed = struct.pack(f"{order}2sBBi4d", b"GP", 0, 2 | little, 4326, west, east, south, north) + wkb
    for blob in (bare, boxed):
        assert shapely.equals(geopackage.decode_geometry([blob])[0], shape)
        assert geopackage._box(blob) == (west, east, south, north)


def test_no_geometry_at_all():
    assert geopackage.decode_geometry([]).tolist() == []


# Files that are no store


def test_a_foreign_file_is_refused_and_left_alone(tmp_path):
    foreign = {
        "empty.gpkg": b"",
        "text.gpkg": b"hello, this is no database at all",
        "short.gpkg": b"SQLite format 3\0",
    }
    frame = build_town(4)[0].buildings.to_crs(4326)
    pyogrio.write_dataframe(frame, tmp_path / "other.gpkg", layer="buildings")
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    for name in (*foreign, "other.gpkg"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(StoreUnavailableError, match=r"Wangge store|damaged"):
            open_store(str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted([*foreign, "other.gpkg"])


def test_a_place_that_cannot_be_is_named(tmp_path):
    with pytest.raises(StoreUnavailableError, match=r"folder .*nowhere.* is not there"):
        open_store(str(tmp_path / "nowhere" / "store.gpkg"))
    with pytest.raises(StoreUnavailableError, match="is a folder"):
        open_store(str(tmp_path))
    with pytest.raises(ParameterError, match="not mysql"):
        open_store("mysql://localhost/x")


def test_a_store_that_moved_away_does_not_come_back_empty(store, path):
    store.close()
    path.rename(path.with_name("away.gpkg"))
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        store.datasets()
    assert not path.exists()


def test_names_with_signs_that_mean_something_in_urls(tmp_path):
    path = tmp_path / "a b#c?d%20[é] 网格.gpkg"
    open_store(str(path)).close()
    with open_store(f"sqlite:///{path}", create=False) as store:
        assert store.datasets() == []
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_where_the_embedded_file_is(monkeypatch, tmp_path):
    monkeypatch.delenv("WANGGE_DB", raising=False)
    monkeypatch.chdir(tmp_path)
    assert embedded_file() == Path("var/wangge.gpkg")
    assert embedded_file("sqlite:///a.gpkg") == Path("a.gpkg")
    assert embedded_file("sqlite:////b/a.gpkg") == Path("/b/a.gpkg")
    assert embedded_file("postgresql://host/x") is None
    open_store().close()
    assert (tmp_path / "var" / "wangge.gpkg").exists()
    monkeypatch.setenv("WANGGE_DB", str(tmp_path / "other.gpkg"))
    open_store().close()
    assert (tmp_path / "other.gpkg").exists()


def test_extra_columns_are_json(store):
    assert [json.loads(value) for value in store.layer(1, "buildings", limit=2)["extra"]] == [
        {"dogs": 0.0},
        {"dogs": 0.5},
    ]
