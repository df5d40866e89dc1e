from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from broken_datasets import at
from tiny_pbf import TinyPbf

from gis_core.errors import DatasetError
from gis_core.layers import read_dataset
from gis_core.layers.osm import tag

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
REAL = [
    path
    for path in (
        DATA / "liechtenstein-osm" / "liechtenstein.osm.pbf",
        DATA / "monaco-riviera-osm" / "monaco_riviera.osm.pbf",
    )
    if path.exists()
]


def small_extract(folder: Path, *, border: bool = True) -> Path:
    extract = TinyPbf()
    if border:
        west = extract.area(*at(0, 0), *at(5, 5), {})
        east = extract.area(*at(5, 0), *at(10, 5), {})
        whole = extract.area(*at(0, 0), *at(10, 5), {})
        for way, name, level in ((whole, "Town", "8"), (west, "West", "10"), (east, "East", "10")):
            tags = {"type": "boundary", "boundary": "administrative", "admin_level": level, "name": name}
            extract.multipolygon([way], tags)
    extract.area(
        *at(1, 1),
        *at(1.3, 1.2),
        {
            "building": "apartments",
            "building:levels": "6",
            "addr:street": "光谷街",
            "addr:housenumber": "12",
            "name": 'Hof "A"',
        },
    )
    extract.area(*at(6, 1), *at(6.2, 1.1), {"building": "house"})
    extract.area(*at(7, 1), *at(7.5, 1.5), {"building": "yes", "amenity": "school"})
    street = [extract.node(*at(0, 2)), extract.node(*at(5, 2)), extract.node(*at(10, 2))]
    extract.way(street[:2], {"highway": "residential", "name": "光谷街"})
    extract.way(street[1:], {"highway": "primary", "bridge": "yes"})
    extract.way([extract.node(*at(0, 4)), extract.node(*at(10, 4))], {"waterway": "river", "name": "河"})
    extract.way([extract.node(*at(0, 4.5)), extract.node(*at(10, 4.5))], {"railway": "subway"})
    extract.area(*at(8, 3), *at(9, 3.5), {"leisure": "park", "name": "公园"})
    extract.node(*at(2, 2.5), {"amenity": "clinic", "name": "诊所"})
    path = folder / "small.osm.pbf"
    extract.write(path)
    return path


def test_extract_is_sorted_into_layers(tmp_path: Path) -> None:
    dataset = read_dataset(small_extract(tmp_path), estimate_households=True)
    assert sorted(dataset.boundary["name"]) == ["East", "West"]
    assert set(dataset.buildings["households_source"]) == {"estimated"}
    named = dataset.buildings.set_index("use")
    assert named.loc["apartments", "address"] == "光谷街12"
    assert named.loc["apartments", "name"] == 'Hof "A"'
    assert named.loc["apartments", "levels"] == 6
    assert named.loc["house", "households"] == 1
    assert named.loc["school", "households"] == 0
    # 28.8 m x 22.2 m, six levels: 640 x 6 x 0.8 / 120
    assert named.loc["apartments", "households"] == pytest.approx(25.6, abs=1)
    streets = dataset.streets.set_index("highway")
    assert (streets["cuts"]["residential"], streets["cuts"]["primary"]) == (True, False)
    barriers = dataset.barriers.set_index("kind")
    assert (barriers["cuts"]["water"], barriers["cuts"]["rail"]) == (True, False)
    assert sorted(dataset.facilities["category"]) == ["clinic", "school"]
    assert dataset.green["name"].tolist() == ["公园"]
    assert "OpenStreetMap" in dataset.attribution


def test_households_must_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--estimate-households"):
        read_dataset(small_extract(tmp_path))


def test_extract_without_border_takes_the_hull_and_says_so(tmp_path: Path) -> None:
    dataset = read_dataset(small_extract(tmp_path, border=False), estimate_households=True)
    assert "boundary-guessed" in {fault.code for fault in dataset.faults}
    assert len(dataset.boundary) == 1
    assert dataset.boundary.geometry.iloc[0].covers(dataset.buildings.geometry.union_all())


def test_tags_come_out_of_other_tags() -> None:
    text = '"addr:street"=>"光谷街","note"=>"a \\"quoted\\" word, with comma","bridge"=>"yes"'
    table = pd.DataFrame({"name": ["x", None], "other_tags": [text, None]})
    assert tag(table, "bridge").tolist() == ["yes", None]
    assert tag(table, "note").tolist() == ['a "quoted" word, with comma', None]
    assert tag(table, "name").tolist() == ["x", None]
    assert tag(table, "street").tolist() == [None, None]


@pytest.mark.parametrize("path", REAL, ids=[path.stem for path in REAL])
def test_real_extract_is_read(path: Path) -> None:
    dataset = read_dataset(path, estimate_households=True)
    assert dataset.boundary["code"].is_unique
    assert len(dataset.boundary) > 1
    assert dataset.buildings["households"].sum() > 10_000
    assert not [fault for fault in dataset.faults if fault.severity == "error"]
