from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import broken_datasets as broken
import geopandas as gpd
import pandas as pd
import pytest
from pyproj import CRS
from tiny_pbf import TinyPbf

from gis_core.errors import DatasetError, NotFoundError
from gis_core.layers import inspect_dataset, read_dataset, read_table
from gis_core.layers.drivers import ALLOWED_DRIVERS, skip_list
from gis_core.layers.encodings import find_encoding
from gis_core.layers.sources import find_files
from gis_core.model import STREET_CLASSES

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def chinese_town(folder: Path, encoding: str, cpg: str | None) -> Path:
    frames = broken.sound_town()
    frames["buildings"] = (
        frames["buildings"].rename(columns={"households": "户数"}).assign(小区=["光谷花园"] * 6)
    )
    target = folder / "town"
    target.mkdir()
    for layer, frame in frames.items():
        path = target / f"{layer}.shp"
        frame.to_file(path, encoding=encoding)
        path.with_suffix(".cpg").unlink()
        if cpg is not None:
            path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    return target


@pytest.mark.parametrize("ending", ["geojson", "fgb", "parquet", "shp"])
def test_folders_of_every_format_give_the_same_town(ending: str, tmp_path: Path) -> None:
    dataset = read_dataset(broken.write_folder(tmp_path, broken.sound_town(), ending))
    whole = read_dataset(broken.sound(tmp_path))
    # FlatGeobuf sorts its rows by place.
    ours, theirs = (each.buildings.sort_values("id") for each in (dataset, whole))
    assert ours["id"].tolist() == theirs["id"].tolist()
    assert ours["households"].tolist() == theirs["households"].tolist()
    assert ours.geometry.area.to_numpy() == pytest.approx(theirs.geometry.area.to_numpy(), rel=1e-6)
    assert dataset.work_crs == whole.work_crs == CRS.from_epsg(32650)


def test_formats_may_be_mixed_and_names_chinese(tmp_path: Path) -> None:
    frames = broken.sound_town()
    folder = tmp_path / "town"
    folder.mkdir()
    frames["boundary"].to_parquet(folder / "社区边界.parquet")
    frames["buildings"].to_file(folder / "楼栋.gpkg")
    frames["streets"].to_file(folder / "道路.geojson")
    (folder / "README.md").write_text("about", encoding="utf-8")
    frames["boundary"].to_parquet(folder / "tracts.parquet")
    dataset = read_dataset(folder)
    assert len(dataset.boundary) == 2
    assert len(dataset.buildings) == 6
    assert len(dataset.streets) == 2
    (note,) = dataset.faults
    assert (note.code, note.severity) == ("not-read", "note")
    assert "README.md" in note.message
    assert "tracts.parquet" in note.message


@pytest.mark.parametrize(
    ("encoding", "cpg", "says"),
    [
        ("UTF-8", "UTF-8", None),
        ("UTF-8", None, "UTF-8"),
        ("GBK", "GBK", None),
        ("GB18030", "GB18030", None),
        ("GBK", "936", None),
        ("GBK", None, "GB18030"),
        ("GBK", "UTF-8", "GB18030"),
    ],
)
def test_shapefile_encodings(encoding: str, cpg: str | None, says: str | None, tmp_path: Path) -> None:
    found = inspect_dataset(chinese_town(tmp_path, encoding, cpg))
    assert found.dataset is not None
    assert found.dataset.boundary["name"].tolist() == ["东社区", "西社区"]
    assert set(found.dataset.buildings["compound"]) == {"光谷花园"}
    assert found.dataset.buildings["households"].sum() == 210
    notes = [fault.message for fault in found.faults if fault.code == "encoding-guessed"]
    assert bool(notes) == (says is not None)
    assert all(str(says) in note for note in notes)


def test_geojson_in_gb18030_is_read_with_a_note(tmp_path: Path) -> None:
    path = broken.write_folder(tmp_path, broken.sound_town())
    file = path / "boundary.geojson"
    file.write_bytes(file.read_text(encoding="utf-8").encode("gb18030"))
    dataset = read_dataset(path)
    assert dataset.boundary["name"].tolist() == ["东社区", "西社区"]
    assert "encoding-guessed" in {fault.code for fault in dataset.faults}


def test_encoding_is_found_strictly() -> None:
    text = "光谷花园"
    assert find_encoding([text.encode("gbk")], "utf-8") == "gb18030"
    assert find_encoding([text.encode("utf-8")], None) == "utf-8"
    assert find_encoding([text.encode("gbk")[:-1]], None) == "gb18030"
    assert find_encoding([b"\xff\xff\xff"], None) is None


def test_frames_have_the_columns_of_the_model(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"]["height_m"] = 12.5
    dataset = read_dataset(broken.write_gpkg(tmp_path, frames))
    assert dataset.boundary.columns.tolist() == ["code", "name", "parent", "row", "geometry"]
    expected = (
        "id row households population levels use name address compound households_source height_m geometry"
    )
    assert dataset.buildings.columns.tolist() == expected.split()
    assert str(dataset.buildings["households"].dtype) == "int64"
    expected = "street_class rank highway name cuts grade_separated geometry"
    assert dataset.streets.columns.tolist() == expected.split()
    assert dataset.streets["name"].tolist() == ["光谷街", None]
    assert [STREET_CLASSES[rank] for rank in dataset.streets["rank"]] == dataset.streets[
        "street_class"
    ].tolist()
    assert dataset.barriers.columns.tolist() == ["kind", "name", "cuts", "geometry"]
    assert dataset.facilities.columns.tolist() == ["id", "category", "name", "geometry"]
    for frame in (
        dataset.boundary,
        dataset.buildings,
        dataset.streets,
        dataset.barriers,
        dataset.water,
        dataset.green,
    ):
        assert frame.crs == dataset.work_crs


def test_registers_of_staff_and_assets_come_with_the_town(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["部件"] = gpd.GeoDataFrame(
        {
            "部件编号": ["M1", "M2", "M3"],
            "小类名称": ["井盖", None, "路灯"],
            "权属单位": ["自来水公司", "x", None],
        },
        geometry=gpd.points_from_xy(*zip(*[broken.at(1, 1), broken.at(2, 2), broken.at(3, 3)], strict=True)),
        crs=4326,
    )
    people = pd.DataFrame(
        {
            "工号": ["1", "2", "3", "4"],
            "姓名": ["王芳", "李明", None, "赵六"],
            "岗位": ["网格员", "楼栋长", "网格员", "网格员"],
            "网格编码": ["A001", None, "A001", None],
            "楼栋编号": [None, "b3", None, None],
            "身份证号": ["secret"] * 4,
        }
    )
    town = broken.write_folder(tmp_path, frames)
    people.to_csv(town / "网格员.csv", index=False, encoding="gb18030")
    container = broken.write_gpkg(tmp_path, frames)
    with sqlite3.connect(container) as connection:
        people.to_sql("staff", connection, index=False)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('staff', 'attributes', 'staff')"
        )
    for source in (town, container):
        dataset = read_dataset(source)
        assert dataset.assets is not None
        assert dataset.assets.drop(columns="geometry").to_numpy(na_value=None).tolist() == [
            ["M1", "井盖", "自来水公司", None],
            ["M3", "路灯", None, None],
        ]
        assert dataset.assets.crs == dataset.work_crs
        assert dataset.staff is not None
        assert dataset.staff.to_numpy(na_value=None).tolist() == [
            ["1", "王芳", "网格员", "A001", None, None, None],
            ["2", "李明", "楼栋长", None, "b3", None, None],
        ]
        faults = {fault.code: (fault.rows, fault.severity) for fault in dataset.faults}
        assert faults["staff-without-name"] == ((2,), "warning")
        assert faults["staff-nowhere"] == ((3,), "warning")
        assert faults["asset-without-category"] == ((1,), "warning")
        assert faults["asset-without-owner"][1] == "warning"


def test_three_dimensions_become_two(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"] = frames["buildings"].set_geometry(frames["buildings"].force_3d(10.0))
    assert not read_dataset(broken.write_gpkg(tmp_path, frames)).buildings.has_z.any()


def test_ids_are_what_pandas_writes(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"]["id"] = [7, -3, 10**12, 4, 5, 6]
    path = broken.write_gpkg(tmp_path, frames)
    source = gpd.read_file(path, layer="buildings")
    assert read_dataset(path).buildings["id"].tolist() == source["id"].astype(str).tolist()


def test_without_id_the_row_is_the_id(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"] = frames["buildings"].drop(columns="id")
    geometry = list(frames["buildings"].geometry)
    geometry[1] = None
    frames["buildings"] = frames["buildings"].set_geometry(geometry, crs=4326)
    assert read_dataset(broken.write_gpkg(tmp_path, frames)).buildings["id"].tolist() == [
        "0",
        "2",
        "3",
        "4",
        "5",
    ]


def test_duplicate_ids_get_a_number_that_nobody_has(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"]["id"] = ["a", "a", "a#2", "a", "b", "c"]
    ids = read_dataset(broken.write_gpkg(tmp_path, frames)).buildings["id"].tolist()
    assert ids == ["a", "a#3", "a#2", "a#4", "b", "c"]


@pytest.mark.parametrize("name", ["B", "西社区"])
def test_within_limits_every_layer(name: str, tmp_path: Path) -> None:
    dataset = read_dataset(broken.sound(tmp_path), within=name)
    assert dataset.boundary["code"].tolist() == ["B"]
    assert dataset.buildings["id"].tolist() == ["b3", "b4", "b5"]
    assert "within" in {fault.code for fault in dataset.faults}


def test_within_unknown_names_near_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="西社区"):
        read_dataset(broken.sound(tmp_path), within="西社")


def test_sources_that_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file or folder"):
        find_files(tmp_path / "nothing.gpkg")
    with pytest.raises(DatasetError, match="holds no dataset"):
        find_files(tmp_path)
    (tmp_path / "town.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DatasetError, match="unpack it"):
        find_files(tmp_path / "town.zip")
    for name in ("a.gpkg", "b.gpkg"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match=r"several datasets \(a.gpkg, b.gpkg\)"):
        find_files(tmp_path)
    for name in ("roads.geojson", "streets.fgb"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match="several files for the layer streets"):
        find_files(tmp_path)


def test_folder_with_one_container_opens_it(tmp_path: Path) -> None:
    path = broken.sound(tmp_path)
    assert [file.path for file in find_files(tmp_path).files] == [path]


def test_read_table_reads_one_layer_as_it_is(tmp_path: Path) -> None:
    path = broken.sound(tmp_path)
    frame = read_table(path, layer="streets")
    assert frame["highway"].tolist() == ["residential", "primary"]
    assert frame.crs == CRS.from_epsg(4326)
    with pytest.raises(DatasetError, match="has several layers"):
        read_table(path)
    with pytest.raises(DatasetError, match="has no layer 'trees'"):
        read_table(path, layer="trees")


def test_cut_off_extract_is_refused(tmp_path: Path) -> None:
    extract = TinyPbf()
    extract.area(*broken.at(1, 1), *broken.at(2, 2), {"building": "yes"})
    path = tmp_path / "town.osm.pbf"
    extract.write(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match="cut off"):
        read_dataset(path, estimate_households=True)


def test_only_the_readers_of_the_contract_are_registered() -> None:
    code = "import gis_core.layers, pyogrio; print(','.join(pyogrio.list_drivers()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.strip().split(",")) <= ALLOWED_DRIVERS
    assert done.stderr == ""


def test_environment_of_other_programs_is_left_alone() -> None:
    assert os.environ.get("OGR_SKIP") != skip_list()


def test_child_is_safe_where_gdal_was_loaded_before(tmp_path: Path) -> None:
    path = broken.pipeline_text(tmp_path)
    code = (
        "import sys, pyogrio, pathlib; assert 'CSV' in pyogrio.list_drivers(); import gis_core.layers as layers; "
        "found = layers.inspect_dataset(pathlib.Path(sys.argv[1])); print([fault.code for fault in found.faults])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "not-its-kind" in done.stdout


@pytest.mark.parametrize(
    ("name", "buildings", "households"),
    [
        ("shanghai-osm/shanghai-bund-lujiazui.gpkg", 1278, 30867),
        ("wuhan-osm", 230, 6120),
        ("tokyo-households", 2783, 4480),
        ("newyork-osm", 92802, 709687),
    ],
)
def test_real_towns_are_read_whole(name: str, buildings: int, households: int) -> None:
    if not (DATA / name).exists():
        # The real towns live beside the repository; the generated ones above cover every rule without them.
        return
    dataset = read_dataset(DATA / name)
    assert (len(dataset.buildings), dataset.buildings["households"].sum()) == (buildings, households)
    assert not [fault for fault in dataset.faults if fault.severity == "error"]


def test_missing_layer_names_what_is_there(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["my_houses"] = frames.pop("buildings")
    with pytest.raises(DatasetError, match=r"no layer buildings \(there are my_houses\)"):
        read_dataset(broken.write_gpkg(tmp_path, frames))


def test_empty_layers_of_text_formats_are_empty(tmp_path: Path) -> None:
    path = broken.write_folder(tmp_path, broken.sound_town())
    (path / "streets.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    dataset = read_dataset(path)
    assert len(dataset.streets) == 0
    assert [(fault.code, fault.layer) for fault in dataset.faults] == [("empty-layer", "streets")]
