"""`wangge locate` on files of any length: every format gives the same answers, piece by piece, and ends cleanly."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gis_core.errors import DatasetError, ParameterError
from gis_core.locate import build_locator
from gis_core.locate.bulk import locate_file
from gis_core.locate.point_files import open_points
from gis_core.locate.resume import part_folder

GRIDS = gpd.GeoDataFrame(
    {"code": ["2", "1"]},
    geometry=[shapely.box(114.0, 30.0, 114.1, 30.1), shapely.box(114.1, 30.0, 114.2, 30.1)],
    crs="EPSG:4326",
)
N = 250
RNG = np.random.default_rng(8)
FRAME = gpd.GeoDataFrame(
    {"id": [f"n{i}" for i in range(N)], "名称": ["渔人码头"] * N, "number": np.arange(N) * 1.5},
    geometry=shapely.points(RNG.uniform(113.95, 114.25, N), RNG.uniform(29.98, 30.12, N)),
    crs="EPSG:4326",
)


@pytest.fixture(scope="module")
def locator():
    return build_locator(GRIDS)


def feature(row: int) -> dict:
    point = FRAME.geometry[row]
    return {
        "type": "Feature",
        "properties": {"id": FRAME["id"][row], "名称": FRAME["名称"][row], "number": FRAME["number"][row]},
        "geometry": {"type": "Point", "coordinates": [point.x, point.y]},
    }


FEATURES = [feature(row) for row in range(N)]


def collection(**members: object) -> str:
    return json.dumps({"type": "FeatureCollection", **members}, ensure_ascii=False)


def write_points(path: Path) -> Path:
    """Write the points in the format of a name."""
    name = path.name
    if name == "line.geojson":
        path.write_text(collection(features=FEATURES), encoding="utf-8")
    elif name == "pretty.geojson":
        text = json.dumps({"name": "a [{", "features": FEATURES, "type": "FeatureCollection"}, indent=2)
        path.write_text("\ufeff" + text, encoding="utf-8")
    elif name == "packed.geojson.gz":
        path.write_bytes(gzip.compress(collection(features=FEATURES).encode()))
    elif name in ("rows.ndjson", "rows.geojson"):
        path.write_text("\n".join(json.dumps(each) for each in FEATURES), encoding="utf-8")
    elif name == "sequence.geojsonseq":
        path.write_text("".join(f"\x1e{json.dumps(each)}\n" for each in FEATURES), encoding="utf-8")
    elif name == "geo.parquet":
        FRAME.to_parquet(path, row_group_size=60)
    elif name == "plain.parquet":
        plain = pd.DataFrame(FRAME.drop(columns="geometry")).assign(
            lng=FRAME.geometry.x, lat=FRAME.geometry.y
        )
        plain.to_parquet(path)
    elif name in ("points.gpkg", "points.fgb"):
        options = {"SPATIAL_INDEX": "NO"} if name.endswith("fgb") else {}
        FRAME.to_file(path, engine="pyogrio", **options)
    else:
        rows = FRAME.drop(columns="geometry").assign(lng=FRAME.geometry.x, lat=FRAME.geometry.y)
        rows.to_csv(path, index=False)
    return path


NAMES = ["line.geojson", "pretty.geojson", "packed.geojson.gz", "rows.ndjson", "rows.geojson", "sequence.geojsonseq",
         "geo.parquet", "plain.parquet", "points.gpkg", "points.fgb", "calls.csv"]  # fmt: skip


@pytest.fixture(scope="module")
def answers(locator) -> pd.DataFrame:
    found = locator.locate(FRAME.geometry.x, FRAME.geometry.y)
    codes = np.array([*locator.codes, None], dtype=object)
    nearest = np.where(found.code_ix < 0, found.nearest_ix, -1)
    return pd.DataFrame(
        {"grid_code": codes[found.code_ix], "border_m": found.border_m, "nearest_code": codes[nearest]}
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_same_answers(tmp_path, locator, answers, name):
    source = write_points(tmp_path / name)
    seen = []
    report = locate_file(
        locator, source, tmp_path / "out.parquet", chunk_rows=40, progress=lambda *state: seen.append(state)
    )
    assert report.rows == N and len(seen) == 7
    assert seen[-1] == ("locate", N, N)
    back = gpd.read_parquet(tmp_path / "out.parquet")
    assert back["id"].tolist() == FRAME["id"].tolist() and set(back["名称"]) == {"渔人码头"}
    assert back["number"].astype(float).tolist() == FRAME["number"].tolist()
    assert back["grid_code"].tolist() == answers["grid_code"].tolist()
    assert back["nearest_code"].tolist() == answers["nearest_code"].tolist()
    assert np.allclose(back["border_m"], answers["border_m"], atol=1e-6)
    assert back.crs.is_geographic and np.allclose(back.geometry.x, FRAME.geometry.x, atol=1e-9)
    locate_file(locator, source, tmp_path / "parts.csv", chunk_rows=40)
    locate_file(locator, source, tmp_path / "whole.csv")
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("name", ["line.geojson", "rows.ndjson", "geo.parquet", "points.gpkg", "calls.csv"])
def test_what_is_not_asked_for_is_not_read(tmp_path, name):
    points = open_points(
        write_points(tmp_path / name), x_col=None, y_col=None, radius_col=None, geographic=True, chunk_rows=30
    )
    chunks = points.chunks()
    assert len(next(chunks)) == 30
    skipped = list(points.chunks(7))
    assert [len(chunk) for chunk in skipped] == [30, 10]
    assert list(skipped[0].columns[points.names.index("id")]) == [f"n{i}" for i in range(210, 240)]


@pytest.mark.parametrize("name", ["line.geojson", "rows.ndjson", "points.fgb", "calls.csv"])
def test_work_that_ended_early_goes_on(tmp_path, locator, name):
    source, out = write_points(tmp_path / name), tmp_path / "out.csv"
    locate_file(locator, source, tmp_path / "whole.csv", chunk_rows=40)

    def stop(_step, rows, _total):
        if rows >= 120:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        locate_file(locator, source, out, resume=True, chunk_rows=40, progress=stop)
    assert part_folder(out).is_dir() and not out.exists()
    report = locate_file(locator, source, out, resume=True, chunk_rows=40)
    assert any("120 rows were done before" in note for note in report.notes)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_simple_lines_give_what_the_reader_of_csv_gives(tmp_path, locator):
    """One quoted field sends all rows of a chunk the long way; the bytes are the same."""
    rows = [
        f"n{i},{x!r},{y!r}, {i:03d},,渔"
        for i, (x, y) in enumerate(FRAME.geometry.get_coordinates().to_numpy())
    ]
    rows[3] = "n3,,30.05,a,b,c"
    rows[4] = "n4,hier,30.05,a,b,c"
    rows[5] = "n5, 114.05 ,30.05,a,b,c"
    rows[6] = "n6,inf,1e3,a,b,c"
    (tmp_path / "plain.csv").write_bytes("\n".join(["id,lng,lat,a,b,c", *rows]).encode())
    rows[0] = rows[0].replace("n0", '"n0"')
    for ends in ("\n", "\r\n", "\r"):
        (tmp_path / "quoted.csv").write_bytes((ends.join(["id,lng,lat,a,b,c", *rows]) + ends).encode())
        locate_file(locator, tmp_path / "quoted.csv", tmp_path / "quoted-out.csv")
        for size in (7, 1000):
            locate_file(locator, tmp_path / "plain.csv", tmp_path / "plain-out.csv", chunk_rows=size)
            assert (tmp_path / "plain-out.csv").read_bytes() == (tmp_path / "quoted-out.csv").read_bytes()


def test_a_field_goes_on_behind_the_end_of_a_chunk(tmp_path, locator):
    rows = [f'"first\nsecond of {i}",114.05,30.05' if i % 3 == 0 else f"{i},114.15,30.05" for i in range(20)]
    source = tmp_path / "in.csv"
    source.write_text("\n\nnote,x,y\n" + "\n".join(rows) + "\n\n", encoding="utf-8")
    locate_file(locator, source, tmp_path / "whole.csv")
    for size in (1, 2, 5):
        locate_file(locator, source, tmp_path / "parts.csv", chunk_rows=size)
        assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert pd.read_csv(tmp_path / "whole.csv", dtype=str)["grid_code"].tolist() == [
        "2" if i % 3 == 0 else "1" for i in range(20)
    ]
    source.write_text("note,x,y\na,114.05,30.05\n\nb,1,2,3\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"Line 4 of in\.csv has 4 fields"):
        locate_file(locator, source, tmp_path / "parts.csv", chunk_rows=1)


def test_codes_that_need_quotes(tmp_path):
    odd = GRIDS.assign(code=['a,"b"', "一\n二"])
    source = write_points(tmp_path / "calls.csv")
    locate_file(build_locator(odd), source, tmp_path / "out.csv")
    assert set(pd.read_csv(tmp_path / "out.csv")["grid_code"].dropna()) == {'a,"b"', "一\n二"}


def test_types_of_properties_hold_for_the_whole_file(tmp_path, locator):
    values = [1, 2.5, None, True, "a", [1], 2**70]
    kinds = {"number": [0, 1, 2], "mixed": [0, 4, 3], "nested": [5, 2, 2], "bool": [3, 2, 3], "whole": [0, 2, 0],
             "great": [6, 0, 2]}  # fmt: skip
    rows = [
        {
            "type": "Feature",
            "geometry": None,
            "properties": {name: values[ix[k]] for name, ix in kinds.items()},
        }
        for k in range(3)
    ]
    source = tmp_path / "in.geojson"
    source.write_text(collection(features=rows), encoding="utf-8")
    locate_file(locator, source, tmp_path / "out.parquet", chunk_rows=1)
    table = pq.read_table(tmp_path / "out.parquet")
    assert {name: table.schema.field(name).type for name in kinds} == {
        "number": pa.float64(), "mixed": pa.string(), "nested": pa.string(), "bool": pa.bool_(), "whole": pa.int64(),
        "great": pa.string(),
    }  # fmt: skip
    assert table["mixed"].to_pylist() == ["1", "a", "true"]
    assert table["great"].to_pylist() == [str(2**70), "1", None]
    locate_file(locator, source, tmp_path / "out.geojson", chunk_rows=1)
    back = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))["features"]
    assert [row["properties"]["great"] for row in back] == [2**70, 1, None]


def test_odd_json_is_kept(tmp_path, locator):
    row = (
        '{"type":"Feature","properties":{"a":"\\ud800","n":NaN,"t":"]}\\"{["},'
        '"geometry":{"type":"Point","coordinates":[114.05,30.05]}}'
    )
    source = tmp_path / "in.geojson"
    crs = '{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}}'
    source.write_text(
        f'{{"features":[{row}],"type":"FeatureCollection","crs":{crs},"bbox":[1,2,3,4]}}', encoding="utf-8"
    )
    report = locate_file(locator, source, tmp_path / "out.geojson")
    assert report.crs == "EPSG:4490" or report.crs == "cgcs2000"
    (back,) = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))["features"]
    assert (back["properties"]["a"], back["properties"]["t"]) == ("\ud800", ']}"{[')
    assert back["properties"]["grid_code"] == "2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not GeoJSON"),
        ("[]", "is not GeoJSON"),
        ("{", "ends too early"),
        ("{}", "is not a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection"}', "is not a GeoJSON FeatureCollection"),
        ('{"features": {}}', "is not a GeoJSON FeatureCollection"),
        ('{"features": [1]}', "is not GeoJSON"),
        ('{"features": [{"type": "Feature"}', "ends too early"),
        ('{"features": [{"type": "Point"}]}', "is not a GeoJSON FeatureCollection"),
        ('{"features": [{"type": "Feature", "properties": 7}]}', "is not a GeoJSON FeatureCollection"),
        ('{"features": [{"type": "Feature", "properties": {"a": }}]}', "is not GeoJSON"),
        ('{"features": [' + '{"a":' * 3000 + "1" + "}" * 3000 + "]}", "is not"),
        ('{"type": "Feature"}\n{"type": "Fea', "ends too early"),
        ('{"type": "Feature"}\n7', "is not GeoJSON"),
    ],
)
def test_what_is_no_geojson_is_said(tmp_path, locator, text, words):
    (tmp_path / "in.geojson").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=words):
        locate_file(locator, tmp_path / "in.geojson", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.geojson"]


def test_layers_are_named_and_strangers_files_refused(tmp_path, locator):
    path = tmp_path / "two.gpkg"
    FRAME.to_file(path, layer="calls", engine="pyogrio")
    FRAME[:5].to_file(path, layer="others", engine="pyogrio")
    with pytest.raises(DatasetError, match="has several layers"):
        locate_file(locator, path, tmp_path / "out.csv")
    assert locate_file(locator, path, tmp_path / "out.csv", layer="others").rows == 5
    (tmp_path / "not.gpkg").write_text("<OGRVRTDataSource/>", encoding="utf-8")
    with pytest.raises(DatasetError, match="points to other files"):
        locate_file(locator, tmp_path / "not.gpkg", tmp_path / "out.csv")
    (tmp_path / "cut.fgb").write_bytes(write_points(tmp_path / "points.fgb").read_bytes()[:4000])
    with pytest.raises(DatasetError, match=r"cut\.fgb"):
        locate_file(locator, tmp_path / "cut.fgb", tmp_path / "cut.csv")
    with pytest.raises(ParameterError, match="positions in its geometry"):
        locate_file(locator, path, tmp_path / "out.csv", x_col="a", y_col="b")


def test_a_layer_in_metres_keeps_its_own_system(tmp_path, locator, answers):
    metres = FRAME.to_crs("EPSG:4547")
    metres.to_file(tmp_path / "in.gpkg", engine="pyogrio")
    report = locate_file(locator, tmp_path / "in.gpkg", tmp_path / "out.parquet")
    back = gpd.read_parquet(tmp_path / "out.parquet")
    assert report.crs == "EPSG:4547" == f"EPSG:{back.crs.to_epsg()}"
    assert back.geometry.geom_equals_exact(metres.geometry, 0).all()
    assert back["grid_code"].tolist() == answers["grid_code"].tolist()


def test_ctrl_c_leaves_nothing_behind_or_what_is_done(tmp_path):
    GRIDS.to_parquet(tmp_path / "areas.parquet")
    with (tmp_path / "in.csv").open("w", encoding="utf-8") as file:
        file.write("lng,lat\n" + "114.05,30.05\n" * 1_500_000)
    command = [
        sys.executable,
        "-c",
        "from gis_core.cli import main; main()",
        "locate",
        "areas.parquet",
        "in.csv",
        "--out",
        "out.csv",
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for more, words, left in (
        ([], "nothing was written", []),
        (["--resume"], "goes on from there", [".out.csv.part"]),
    ):
        with subprocess.Popen(
            [*command, *more], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
        ) as running:
            end = time.monotonic() + 60
            while not any(path.stat().st_size > 1_000_000 for path in tmp_path.glob(".out.csv.*/out.csv")):
                assert running.poll() is None and time.monotonic() < end
                time.sleep(0.01)
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
        assert running.returncode == 130 and words in told.decode()
        assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == left


@pytest.mark.parametrize("groups", [1, 40])
def test_what_was_read_of_parquet_is_let_go(tmp_path, groups):
    rows, path = 1_000_000, tmp_path / "calls.parquet"
    x = np.random.default_rng(3).uniform(0, 1, (2, rows))
    pq.write_table(pa.table({"x": x[0], "y": x[1]}), path, row_group_size=rows // groups)
    points = open_points(path, x_col=None, y_col=None, radius_col=None, geographic=True, chunk_rows=20_000)
    before, most = pa.total_allocated_bytes(), 0
    for chunk in points.chunks():
        most = max(most, pa.total_allocated_bytes() - before)
        del chunk
    assert most < path.stat().st_size / 2
