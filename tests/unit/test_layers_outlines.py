"""KML, KMZ and DXF as layers of a dataset; what is hostile in them is refused."""

from __future__ import annotations

import zipfile

import pytest

from gis_core.errors import CrsError, DatasetError
from gis_core.layers import inspect_dataset, read_dataset, read_table

RING = "121.0,31.0,5 121.01,31.0,5 121.01,31.01,5 121.0,31.01,5 121.0,31.0,5"
HOUSE = "121.002,31.002 121.003,31.002 121.003,31.003 121.002,31.003 121.002,31.002"


def polygon(ring):
    edge = f"<LinearRing><coordinates>{ring}</coordinates></LinearRing>"
    return f"<Polygon><outerBoundaryIs>{edge}</outerBoundaryIs></Polygon>"


def placemark(name, shape, **data):
    values = "".join(f'<Data name="{key}"><value>{value}</value></Data>' for key, value in data.items())
    return f"<Placemark><name>{name}</name><ExtendedData>{values}</ExtendedData>{shape}</Placemark>"


def folder(name, *marks):
    return f"<Folder><name>{name}</name>{''.join(marks)}</Folder>"


def kml(*folders, head=""):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>图</name>{''.join(folders)}</Document></kml>"
    ).encode()


TOWN = kml(
    folder("社区边界", placemark("甲社区", polygon(RING), 编码="310101001")),
    folder(
        "图层",
        folder(
            "楼栋",
            placemark("1栋", f"<MultiGeometry>{polygon(HOUSE)}</MultiGeometry>", 户数="24", 小区="和阳里"),
        ),
    ),
    folder(
        "道路",
        placemark("和平路", "<LineString><coordinates>121.0,31.005 121.01,31.005</coordinates></LineString>"),
    ),
    folder("备注", placemark("看这里", "<Point><coordinates>121.001,31.001</coordinates></Point>")),
)


@pytest.mark.parametrize("packed", [False, True])
def test_a_kml_with_folders_is_a_dataset(tmp_path, packed):
    path = tmp_path / ("town.kmz" if packed else "town.kml")
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", TOWN)
    else:
        path.write_bytes(TOWN)
    dataset = read_dataset(path)
    assert dataset.boundary[["code", "name"]].iloc[0].tolist() == ["310101001", "甲社区"]
    assert dataset.buildings[["households", "name", "compound"]].iloc[0].tolist() == [24, "1栋", "和阳里"]
    assert dataset.streets["name"].tolist() == ["和平路"]
    assert not dataset.boundary.geometry.iloc[0].has_z
    assert any("备注" in fault.message for fault in dataset.faults)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.kml", kml(head='<!DOCTYPE x [<!ENTITY a "b">]>'), "entities"),
        ("a.kml", b" " * (2**20 - 4) + kml(head='<!DOCTYPE x [<!ENTITY a "b">]>'), "entities"),
        ("a.kml", kml(head='<!DOCTYPE x [<!ENTITY a "b">]>').decode().encode("utf-16"), "entities"),
        ("a.kml", b"<kml><Document>", "no sound XML"),
        ("a.kml", b"<OGRVRTDataSource/>", "is no KML"),
        ("a.kml", b"", "empty"),
        ("a.kml", b"<kml>" + b"<Folder>" * 50, "too deeply"),
        ("a.kmz", b"PK\3\4", "no KMZ"),
        ("a.dxf", b"AC1015 dwg", "a DWG"),
        ("a.dxf", b"<OGRVRTDataSource/>", "not a DXF"),
    ],
)
def test_what_is_no_outline_is_refused_in_a_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    found = inspect_dataset(tmp_path / name)
    assert found.dataset is None
    assert any(says in fault.message for fault in found.faults), [fault.message for fault in found.faults]


def dxf(*things):
    out = [
        "0",
        "SECTION",
        "2",
        "HEADER",
        "9",
        "$DWGCODEPAGE",
        "3",
        "ANSI_936",
        "0",
        "ENDSEC",
        "0",
        "SECTION",
        "2",
        "ENTITIES",
    ]
    for layer, points, closed in things:
        out += ["0", "LWPOLYLINE", "8", layer, "90", str(len(points)), "70", str(int(closed))]
        for x, y in points:
            out += ["10", str(x), "20", str(y)]
    out += ["0", "TEXT", "8", "注记", "10", "500010", "20", "3400010", "40", "2", "1", "1栋"]
    return "\n".join([*out, "0", "ENDSEC", "0", "EOF", ""]).encode("gbk")


def box(x, y, side):
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def test_a_drawing_is_a_dataset_once_its_coordinate_system_is_said(tmp_path):
    path = tmp_path / "town.dxf"
    drawn = [("边界", box(500000, 3400000, 200), True), ("建筑", box(500020, 3400020, 20), True)]
    path.write_bytes(dxf(*drawn, ("道路", [(500000, 3400100), (500200, 3400100)], False)))
    sheet = tmp_path / "counts.csv"
    sheet.write_text("id,户数\n0,36\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="--source-crs"):
        read_dataset(path, counts=sheet)
    dataset = read_dataset(path, counts=sheet, source_crs="EPSG:4549")
    assert dataset.boundary.area.sum() == pytest.approx(40_000, rel=1e-2)
    assert dataset.buildings["households"].tolist() == [36] and len(dataset.streets) == 1
    codes = {fault.code for fault in dataset.faults}
    assert {"crs-given", "counts-joined"} <= codes
    with pytest.raises(CrsError, match="gcj02"):
        read_dataset(path, source_crs="gcj02")


def test_a_file_named_like_a_layer_is_that_layer(tmp_path):
    (tmp_path / "boundary.kml").write_bytes(kml(placemark("甲", polygon(RING))))
    (tmp_path / "buildings.dxf").write_bytes(
        dxf(("0", [(121.002, 31.002), (121.003, 31.002), (121.003, 31.003)], True))
    )
    dataset = read_dataset(tmp_path, source_crs="wgs84", estimate_households=True)
    assert dataset.boundary["name"].tolist() == ["甲"] and len(dataset.buildings) == 1
    assert read_table(tmp_path / "boundary.kml").crs is not None


def test_counts_that_do_not_match_are_faults_and_counts_that_cannot_be_used_stop_the_work(tmp_path):
    path, sheet = tmp_path / "town.kml", tmp_path / "counts.csv"
    path.write_bytes(TOWN)
    sheet.write_text("小区,楼栋,户数\n和阳里,１幢,30\n和阳里,9栋,5\n", encoding="gbk")
    found = inspect_dataset(path, counts=sheet)
    assert found.dataset.buildings["households"].tolist() == [30]
    assert {"counts-unmatched-row", "sheet-read"} <= {fault.code for fault in found.faults}
    sheet.write_text("a,b\n", encoding="utf-8")
    assert any(fault.code == "unusable-counts" for fault in inspect_dataset(path, counts=sheet).faults)
