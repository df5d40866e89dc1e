"""Outlines from KML, DXF and GeoJSON as changes of base data: added, moved, left out with why."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis_core.crs import from_wgs84
from gis_core.errors import CrsError, DatasetError
from gis_core.layers.outlines import match_outlines, read_outlines
from gis_core.plan.base_changes import parse_changes

WEST, SOUTH, STEP = 121.0, 31.0, 0.001
WORK = "EPSG:32651"


def house(column, row, size=0.3):
    x, y = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(x, y, x + size * STEP, y + size * STEP)


AREAS = gpd.GeoDataFrame(geometry=[shapely.box(WEST, SOUTH, WEST + 10 * STEP, SOUTH + 10 * STEP)], crs=4326)
KNOWN = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[house(1, 1), house(3, 1)], crs=4326)
STREETS = gpd.GeoDataFrame(
    {"name": ["和平路"]},
    geometry=[shapely.LineString([(WEST, SOUTH + 0.005), (WEST + 0.01, SOUTH + 0.005)])],
    crs=4326,
)


def geojson(path, *features):
    rows = [
        {"type": "Feature", "properties": values, "geometry": shapely.geometry.mapping(shape)}
        for values, shape in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    return path


def shifted(shape, crs):
    return shapely.transform(shape, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], crs)))


def matched(path, layer="buildings", known=KNOWN, **more):
    return match_outlines(read_outlines(path, layer, **more), layer, known=known, areas=AREAS, work_crs=WORK)


def test_buildings_are_added_moved_or_left_out_with_why(tmp_path):
    path = geojson(
        tmp_path / "any name.geojson",
        ({"id": "a", "name": "甲楼"}, house(1.2, 1)),
        ({"id": "n1", "households": 24, "小区": "和阳里"}, house(5, 5)),
        ({"id": "n1"}, house(6, 6)),
        ({"id": "n2"}, house(3.05, 1)),
        ({"id": "b"}, house(3, 1)),
        ({"id": "far", "name": "远"}, house(50, 5)),
    )
    found = matched(path)
    assert (found.added, found.moved) == (1, 1)
    parse_changes(found.changes)
    move, add = found.changes
    assert (move["op"], move["id"]) == ("move", "a")
    assert add["values"] == {"id": "n1", "households": 24, "compound": "和阳里"}
    why = {each["row"]: each["why"] for each in found.left_out}
    assert "twice" in why[2] and "building b stands there" in why[3]
    assert "same" in why[4] and "outside" in why[5]
    assert found.left_out[2]["near"] == "b" and found.left_out[-1]["name"] == "远"
    cases = {each["case"] for each in found.left_out}
    assert "building-there" in cases <= {"outside", "twice", "same", "building-there"}


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000"])
def test_what_is_said_counts_before_what_the_file_states(tmp_path, crs):
    path = geojson(tmp_path / "a.json", ({}, shifted(house(5, 5), crs)))
    found = matched(path, crs=crs)
    assert found.crs == crs and found.added == 1 and found.changes[0]["values"] == {}
    drawn = shapely.geometry.shape(found.changes[0]["geometry"])
    assert shapely.hausdorff_distance(drawn, house(5, 5)) < 2e-8


def test_a_wrong_system_is_told_by_the_distance(tmp_path):
    path = geojson(tmp_path / "a.json", ({}, shapely.box(100, 20, 100.001, 20.001)))
    found = matched(path)
    assert (
        found.changes == [] and "km away" in found.notes[0] and "wgs84" in found.notes[0].lower() + found.crs
    )
    with pytest.raises(CrsError, match="no coordinate system"):
        read_outlines(path, "buildings", crs="mars")


def dxf(path, *things):
    out = ["0", "SECTION", "2", "HEADER", "9", "$DWGCODEPAGE", "3", "ANSI_936", "0", "ENDSEC", "0", "SECTION"]
    out += ["2", "ENTITIES"]
    for layer, points, closed in things:
        out += ["0", "LWPOLYLINE", "8", layer, "90", str(len(points)), "70", str(int(closed))]
        for x, y in points:
            out += ["10", str(x), "20", str(y)]
    out += ["0", "TEXT", "8", "注记", "10", "500010", "20", "3400010", "40", "2", "1", "1栋"]
    path.write_bytes("\n".join([*out, "0", "ENDSEC", "0", "EOF", ""]).encode("gbk"))
    return path


def in_metres(shape):
    return list(gpd.GeoSeries([shape], crs=4326).to_crs(4549).iloc[0].exterior.coords)[:-1]


def test_a_drawing_needs_its_system_and_offers_its_layers(tmp_path):
    path = dxf(
        tmp_path / "town.dxf",
        ("新建", in_metres(house(5, 5)), True),
        ("树木", in_metres(house(7, 7, 0.1)), True),
    )
    with pytest.raises(DatasetError, match="look like metres"):
        read_outlines(path, "buildings")
    found = matched(path, crs="EPSG:4549")
    assert found.added == 2
    assert {each["name"]: each["rows"] for each in found.parts} == {"新建": 1, "树木": 1, "注记": 1}
    found = matched(path, crs="EPSG:4549", parts=["新建"])
    assert found.added == 1
    drawn = shapely.geometry.shape(found.changes[0]["geometry"])
    assert shapely.hausdorff_distance(drawn, house(5, 5)) < 1e-7
    with pytest.raises(DatasetError, match=r"no layer 房屋.*新建"):
        read_outlines(path, "buildings", crs="EPSG:4549", parts=["房屋"])


def kml(path, *folders):
    text = "".join(f"<Folder><name>{name}</name>{marks}</Folder>" for name, marks in folders)
    path.write_text(
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{text}</Document></kml>', encoding="utf-8"
    )
    return path


def line(name, points, **data):
    values = "".join(f'<Data name="{key}"><value>{value}</value></Data>' for key, value in data.items())
    where = " ".join(f"{x},{y}" for x, y in points)
    shape = f"<LineString><coordinates>{where}</coordinates></LineString>"
    return f"<Placemark><name>{name}</name><ExtendedData>{values}</ExtendedData>{shape}</Placemark>"


def test_streets_of_a_kml_are_those_of_its_folder(tmp_path):
    new = [(WEST + 0.002, SOUTH), (WEST + 0.002, SOUTH + 0.01)]
    old = [(WEST + 0.001, SOUTH + 0.00501), (WEST + 0.009, SOUTH + 0.00501)]
    path = kml(
        tmp_path / "a.kml",
        ("道路", line("新巷", new, highway="living_street") + line("和平路", old)),
        ("备注", line("看这里", old)),
    )
    found = matched(path, "streets", STREETS)
    assert found.added == 1 and found.changes[0]["values"] == {"name": "新巷", "class": "living_street"}
    assert [each["why"] for each in found.left_out] == ["the street 和平路 runs there already"]
    parse_changes(found.changes)
    path = kml(tmp_path / "b.kml", ("随便", line("新巷", new)))
    assert matched(path, "streets", STREETS).added == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"<kml/>", "nothing"), (b"<a/>", "no KML"), (b"PK\3\4", "no sound XML")],
)
def test_what_is_no_outline_is_refused(tmp_path, content, says):
    path = tmp_path / "a.kml"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=says):
        read_outlines(path, "buildings")
