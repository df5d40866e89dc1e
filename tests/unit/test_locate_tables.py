"""`wangge locate` end to end: encodings, delimiters, columns kept, formats, what is said, nothing half written."""

import csv
import gzip
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
import typer
from typer.testing import CliRunner

from gis_core.commands.locate import locate
from gis_core.crs import from_wgs84
from gis_core.locate import build_locator
from gis_core.locate.bulk import locate_file

#: Two grids side by side; west one "2", east one "1".
GRIDS = gpd.GeoDataFrame(
    {"code": ["2", "1"], "no": [20, 10]},
    geometry=[shapely.box(114.0, 30.0, 114.1, 30.1), shapely.box(114.1, 30.0, 114.2, 30.1)],
    crs="EPSG:4326",
)
ROWS = [("甲", 114.05, 30.05), ("乙", 114.1, 30.05), ("丙", 114.3, 30.05), ("丁", "", "x")]
ANSWERS = [("2", "inside"), ("1", "on_border"), ("", "outside"), ("", "no_position")]


@pytest.fixture
def locator():
    return build_locator(GRIDS)


@pytest.fixture
def plan(tmp_path) -> Path:
    path = tmp_path / "areas.parquet"
    GRIDS.to_parquet(path)
    return path


def text_of(header: str = "名称,经度,纬度", delimiter: str = ",") -> str:
    rows = [header, *(",".join(str(value) for value in row) for row in ROWS)]
    return "\r\n".join(rows).replace(",", delimiter) + "\r\n"


def read_csv(path: Path) -> list[list[str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def run(*arguments: object):
    app = typer.Typer()
    app.command()(locate)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_of_any_usual_kind(tmp_path, locator, encoding, delimiter):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(text_of(delimiter=delimiter).encode(encoding))
    report = locate_file(locator, source, out)
    header, *rows = read_csv(out)
    assert header == ["名称", "经度", "纬度", "grid_code", "status", "border_m", "nearest_code"]
    assert [row[:3] for row in rows] == [[str(value) for value in row] for row in ROWS]
    assert [(row[3], row[4]) for row in rows] == ANSWERS
    assert [row[6] for row in rows] == ["", "", "1", ""]
    assert rows[1][5] == "0.0" and float(rows[2][5]) > 9000 and rows[3][5] == ""
    assert report.counts == {"inside": 1, "on_border": 1, "outside": 1, "no_position": 1}
    assert any("1 rows have no readable position" in note for note in report.notes)
    assert any("GB18030" in note for note in report.notes) == (encoding in ("gbk", "gb18030"))


def test_ten_columns_come_back_unchanged_and_in_order(tmp_path, locator):
    source, out = tmp_path / "in.csv.gz", tmp_path / "out.csv"
    header = ["id", "备注", "lat", "lng", "empty", "number", "code", "date", "quoted", "id"]
    row = [
        "007",
        "  a ",
        "30.05",
        "114.05",
        "",
        "1e3",
        "0012",
        "2024-03-03",
        'say "no", twice\nplease',
        "second",
    ]
    with gzip.open(source, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row])
    locate_file(locator, source, out)
    assert [each[:10] for each in read_csv(out)] == [header, row]
    assert read_csv(out)[1][10:12] == ["2", "inside"]


def test_a_clash_of_names_leaves_the_inputs_alone(tmp_path, locator):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat,status,grid_code,grid_code_2\n114.05,30.05,open,old,older\n", encoding="utf-8")
    report = locate_file(locator, source, out)
    header, row = read_csv(out)
    assert header[:5] == ["lon", "lat", "status", "grid_code", "grid_code_2"]
    assert row[2:5] == ["open", "old", "older"]
    assert header[5:] == ["grid_code_3", "status_2", "border_m", "nearest_code"] == report.added
    assert sum("which is kept" in note for note in report.notes) == 2


def test_exchanged_columns_are_said_and_not_mended(tmp_path, locator):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("lon,lat\n30.05,114.05\n30.02,114.15\n", encoding="utf-8")
    report = locate_file(locator, source, out)
    assert any("x and y exchanged" in note for note in report.notes)
    assert {row[2] for row in read_csv(out)[1:]} == {""}
    assert not any(
        "exchanged" in note for note in locate_file(locator, source, out, x_col="lat", y_col="lon").notes
    )


def test_a_table_of_the_header_alone(tmp_path, locator):
    source = tmp_path / "in.csv"
    source.write_text("a,x,y\n", encoding="utf-8")
    for ending in ("csv", "geojson", "parquet"):
        assert locate_file(locator, source, tmp_path / f"out.{ending}").rows == 0
    assert read_csv(tmp_path / "out.csv") == [
        ["a", "x", "y", "grid_code", "status", "border_m", "nearest_code"]
    ]
    assert json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))["features"] == []
    assert list(gpd.read_parquet(tmp_path / "out.parquet").columns)[:3] == ["a", "x", "y"]


def test_chunks_give_what_one_piece_gives(tmp_path, locator):
    source = tmp_path / "in.csv"
    rng = np.random.default_rng(4)
    pd.DataFrame({"x": rng.uniform(114, 114.2, 250), "y": rng.uniform(30, 30.1, 250)}).to_csv(
        source, index=False
    )
    for ending in ("csv", "geojson", "parquet"):
        locate_file(locator, source, tmp_path / f"whole.{ending}")
    for ending in ("csv", "geojson", "parquet"):
        locate_file(locator, source, tmp_path / f"parts.{ending}", chunk_rows=99)
    for ending in ("csv", "geojson"):
        assert (tmp_path / f"whole.{ending}").read_bytes() == (tmp_path / f"parts.{ending}").read_bytes()
    assert pq.read_table(tmp_path / "whole.parquet").equals(pq.read_table(tmp_path / "parts.parquet"))


def test_geojson_features_stay_as_they_are(tmp_path, locator):
    features = [
        {"type": "Feature", "id": 7, "properties": {"a": {"b": [1, 2]}, "n": 1.50}, "extra": "kept",
         "geometry": {"type": "Point", "coordinates": [114.05, 30.05, 12.0]}},
        {"type": "Feature", "properties": None, "geometry": None},
        {"type": "Feature", "properties": {"n": "text"},
         "geometry": {"type": "MultiPoint", "coordinates": [[114.1, 30.0]]}},
        {"type": "Feature", "properties": {},
         "geometry": {"type": "LineString", "coordinates": [[114, 30], [115, 31]]}},
    ]  # fmt: skip
    source = tmp_path / "in.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    locate_file(locator, source, tmp_path / "out.geojson")
    written = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))["features"]
    assert [f["properties"].pop("status") for f in written] == [
        "inside",
        "no_position", "on_border", "no_position",
    ]  # fmt: skip
    for before, after in zip(features, written, strict=True):
        for name in ("grid_code", "border_m", "nearest_code"):
            del after["properties"][name]
        assert {**before, "properties": before["properties"] or {}} == after
    locate_file(locator, source, tmp_path / "out.csv")
    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["a", "n", "grid_code", "status", "border_m", "nearest_code", "geometry"]
    assert [row[0] for row in rows] == ['{"b": [1, 2]}', "", "", ""]
    assert rows[0][6] == "POINT (114.05 30.05)"


def test_parquet_keeps_types_geometry_and_its_own_system(tmp_path, locator):
    x, y = from_wgs84([114.05, 114.15], [30.05, 30.05], "EPSG:4547")
    frame = gpd.GeoDataFrame(
        {"n": np.array([1, 2], np.int16), "day": pd.to_datetime(["2024-03-03", None])},
        geometry=shapely.points(x, y), crs="EPSG:4547",
    )  # fmt: skip
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame.to_parquet(source)
    report = locate_file(locator, source, out)
    back = gpd.read_parquet(out)
    assert report.crs == "EPSG:4547" and back.crs == frame.crs
    assert back["n"].dtype == np.int16 and back["day"].dtype == frame["day"].dtype
    assert back.geometry.geom_equals(frame.geometry).all()
    assert back["grid_code"].tolist() == ["2", "1"]
    assert any("says EPSG:4547" in n for n in locate_file(locator, source, out, crs="EPSG:4549").notes)


def test_csv_to_parquet_and_geojson_are_points_in_wgs84(tmp_path, locator):
    source = tmp_path / "in.csv"
    x, y = from_wgs84(114.05, 30.05, "gcj02")
    source.write_text(f"name,lng,lat\n甲,{x:.9f},{y:.9f}\n", encoding="utf-8")
    for ending in ("parquet", "geojson"):
        out = tmp_path / f"out.{ending}"
        assert locate_file(locator, source, out, crs="gcj02").crs == "gcj02"
        place = gpd.read_parquet(out) if ending == "parquet" else gpd.read_file(out)
        assert place.crs.is_geographic and place["name"].tolist() == ["甲"]
        assert place.geometry[0].distance(shapely.Point(114.05, 30.05)) < 2e-9


def test_a_name_that_sounds_like_another_datum_is_said_and_not_followed(tmp_path, locator):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("gcj_lng,gcj_lat\n114.05,30.05\n", encoding="utf-8")
    report = locate_file(locator, source, out)
    assert report.crs == "wgs84" and any("--crs gcj02" in note for note in report.notes)
    assert locate_file(locator, source, out, crs="gcj02").notes == []


def test_radius_adds_candidates(tmp_path, locator):
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(
        "x,y,acc\n114.1,30.05,50\n114.05,30.05,50\n114.05,30.05,\n114.2,30.05,20\n", encoding="utf-8"
    )
    locate_file(locator, source, out, radius_col="acc")
    assert [json.loads(row[-1]) for row in read_csv(out)[1:]] == [
        [{"code": "1", "share": 0.5}, {"code": "2", "share": 0.5}],
        [{"code": "2", "share": 1.0}],
        [],
        [{"code": "1", "share": 0.5}],
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\n", "No columns of a position"),
        (b"x,y\n1,2\n1,2,3\n", "Line 3 of in.csv has 3 fields"),
        (b"\xff\xff,x\n\x81\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_unusable_tables_end_with_one_sentence_and_no_file(tmp_path, plan, content, words):
    (tmp_path / "in.csv").write_bytes(content)
    result = run(plan, tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 2
    assert words in result.stderr and result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["areas.parquet", "in.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "{}/out.xyz"], "names no format"),
        (["--out", "{}/none/out.csv"], "There is no folder"),
        (["--out", "{}/out.csv", "--crs", "mars"], "is no coordinate system"),
        (["--out", "{}/out.csv", "--code-col", "beat"], "no column 'beat'"),
        (["--out", "{}/out.csv", "--x", "lon"], "go together"),
        (["--out", "{}/out.csv", "--x", "lon", "--y", "q"], "no column 'q' for --y"),
        (["--out", "{}/out.csv", "--radius-col", "acc"], "no column 'acc'"),
        (["--out", "{}/out.csv", "--at", "2024-03-03"], "needs a store with published plans"),
    ],
)
def test_wrong_arguments_end_with_one_sentence(tmp_path, plan, arguments, words):
    (tmp_path / "in.csv").write_text("lon,lat\n114.05,30.05\n", encoding="utf-8")
    result = run(plan, tmp_path / "in.csv", *(each.format(tmp_path) for each in arguments))
    assert result.exit_code == 2 and words in result.stderr
    assert len(list(tmp_path.iterdir())) == 2


def test_the_command_says_what_it_did(tmp_path, plan):
    (tmp_path / "in.csv").write_text("lon,lat\n114.05,30.05\n,\n", encoding="utf-8")
    plain = run(plan, tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--code-col", "no")
    assert plain.exit_code == 0
    assert "2 rows (1 inside, 0 on_border, 0 outside, 1 no_position), points in wgs84" in plain.stdout
    told = run(plan, tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--json")
    answer = json.loads(told.stdout)
    assert (answer["rows"], answer["inside"], answer["no_position"], answer["crs"]) == (2, 1, 1, "wgs84")
    assert [row[2] for row in read_csv(tmp_path / "out.csv")] == ["grid_code", "2", ""]


def test_an_old_answer_stays_when_the_new_one_fails(tmp_path, locator):
    out = tmp_path / "out.csv"
    out.write_text("old", encoding="utf-8")
    (tmp_path / "in.csv").write_text("x,y\n114.05,30.05\n1,2,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Line 3"):
        locate_file(locator, tmp_path / "in.csv", out)
    assert out.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
