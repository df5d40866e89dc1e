"""Sheets of counts: how they are read, how their rows find buildings, and what is said of the rest."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from gis_core.errors import DatasetError, NotFoundError, ParameterError
from gis_core.layers.join import building_key, compound_key, join_counts, read_counts

BUILDINGS = pd.DataFrame(
    {
        "id": ["a1", "a2", "a12", "b1", "b2", "d1", "d2", "x"],
        "compound": ["和阳里", "和阳里", "和阳里", "锦绣二村", "锦绣二村", "翠湖", "翠湖", None],
        "name": ["1栋", "和阳里2号楼", "12幢", "甲座", None, "5栋", "5栋", "门卫"],
        "address": [None, None, None, None, "化工大道1号锦绣二村3栋", None, None, None],
        "households": [10, 20, 30, 40, 50, 60, 60, 0],
        "population": [float("nan")] * 8,
    }
)


def sheet(rows, header=("小区", "楼栋", "户数")):
    table = pd.DataFrame(rows, columns=list(header), dtype=object)
    return table.assign(__row__=[str(row) for row in range(2, len(rows) + 2)])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3栋", "３幢"),
        ("三号楼", "第3座"),
        ("十二栋", "12#楼"),
        ("一百零五号楼", "105栋"),
        ("03号楼", "3 栋"),
        ("Block A", "a座"),
        ("贰拾壹幢", "21栋"),
        ("3-2栋", "３-２幢"),
    ],
)
def test_one_number_in_three_scripts_is_one_building(left, right):
    assert building_key(left) == building_key(right)


def test_other_numbers_are_other_buildings():
    keys = [building_key(text) for text in ("1栋", "11栋", "10栋", "A1栋", "1-1栋", "甲栋", "二十栋")]
    assert len(set(keys)) == len(keys)
    assert compound_key("阳光花园") != compound_key("阳光花园二期")


def test_rows_find_their_buildings_however_they_are_written():
    found = join_counts(
        sheet(
            [
                ["和阳里小区", "一号楼", "11"],
                [None, "２栋", "20"],
                ["锦绣2村", "甲栋", "41户"],
                ["锦绣二村", "３幢", "1,050"],
            ]
        ),
        BUILDINGS,
    )
    assert found.matched == 4 and found.households == 11 + 20 + 41 + 1050
    assert found.unmatched_rows == [] and found.doubles == [] and found.bad_numbers == []
    assert {one["id"]: one["values"] for one in found.changes} == {
        "a1": {"households": 11},
        "b1": {"households": 41},
        "b2": {"households": 1050},
    }
    assert [one["id"] for one in found.unmatched_buildings] == ["a12", "d1", "d2"]


def test_what_does_not_match_is_listed_with_its_row_and_what_is_near():
    found = join_counts(
        sheet([["和阳里", "3栋", "9"], ["和杨里", "2栋", "9"], ["天街", "1栋", "5"]]), BUILDINGS
    )
    near = [[one["id"] for one in row["candidates"]] for row in found.unmatched_rows]
    assert [row["row"] for row in found.unmatched_rows] == [2, 3, 4]
    assert near == [["a2", "a1", "a12"], ["a2", "a1", "a12"], []]
    assert "compound" in found.unmatched_rows[1]["why"]
    assert found.changes == [] and found.matched == 0


def test_doubles_on_either_side_and_bad_numbers_change_nothing():
    found = join_counts(
        sheet(
            [
                ["和阳里", "1栋", "5"],
                ["和阳里", "一幢", "6"],
                ["翠湖", "5栋", "7"],
                ["和阳里", "2栋", "约20"],
                ["和阳里", "12栋", "-3"],
            ]
        ),
        BUILDINGS,
    )
    assert found.changes == []
    assert {tuple(one["rows"]): one["buildings"] for one in found.doubles} == {
        (4,): ["d1", "d2"],
        (2, 3): ["a1"],
    }
    assert [(one["row"], one["text"]) for one in found.bad_numbers] == [(5, "约20"), (6, "-3")]


def test_units_of_a_building_are_summed_and_totals_are_no_building():
    header = ("小区", "楼栋", "单元", "户数", "人口")
    rows = [
        ["和阳里", "1栋", "1单元", "12", "30"],
        ["和阳里", "1栋", "2单元", "8", "21"],
        ["和阳里小计", None, None, "20", "51"],
        ["总计：", None, None, "20", "51"],
        ["Summit Court", "1栋", "1", "1", "1"],
    ]
    found = join_counts(sheet(rows, header), BUILDINGS)
    assert found.changes == [
        {"op": "set", "layer": "buildings", "id": "a1", "values": {"households": 20, "population": 51.0}}
    ]
    assert [one["compound"] for one in found.unmatched_rows] == ["Summit Court"]


def test_an_address_tells_buildings_of_one_name_apart():
    places = BUILDINGS.assign(address=[None] * 5 + ["翠湖路1号 5栋", "翠湖路２号5栋", None])
    rows = [
        ["翠湖", "5栋", "翠湖路一号5栋", "61"],
        ["翠湖", "5栋", "翠湖路2号5栋", "62"],
        ["翠湖", "5栋", "别处", "1"],
    ]
    found = join_counts(sheet(rows, ("小区", "楼栋", "地址", "户数")), places)
    assert {one["id"]: one["values"]["households"] for one in found.changes} == {"d1": 61, "d2": 62}
    assert [one["rows"] for one in found.doubles] == [[4]]


def test_an_id_counts_before_names_and_columns_can_be_named():
    rows = [["d2", "61"], ["nobody", "1"]]
    found = join_counts(sheet(rows, ("bldg", "N")), BUILDINGS, mapping={"id": "bldg", "households": "N"})
    assert found.changes == [{"op": "set", "layer": "buildings", "id": "d2", "values": {"households": 61}}]
    assert [one["id"] for one in found.unmatched_rows] == ["nobody"]
    with pytest.raises(ParameterError, match="no column 'M'"):
        join_counts(sheet(rows, ("bldg", "N")), BUILDINGS, mapping={"households": "M"})
    with pytest.raises(DatasetError, match="户数"):
        join_counts(sheet([["和阳里", "1栋"]], ("小区", "楼栋")), BUILDINGS)


def write_xlsx(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("other")
    book.save(path)


ROWS = [
    ["某街道楼栋户数表", None, None],
    [],
    ["小区", "楼栋", "户数"],
    ["和阳里", "1栋", 12],
    [None, 2.0, 20.0],
]


def test_a_workbook_with_a_title_and_merged_cells_is_read(tmp_path):
    write_xlsx(tmp_path / "c.xlsx", ROWS)
    table, notes = read_counts(tmp_path / "c.xlsx")
    assert table.astype(object).where(table.notna(), None).to_dict("list") == {
        "__row__": ["4", "5"], "小区": ["和阳里", None], "楼栋": ["1栋", "2"], "户数": ["12", "20"],
    }  # fmt: skip
    assert "other" in notes[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_text_sheets_are_read_in_every_encoding_and_with_every_mark(tmp_path, encoding, mark):
    if encoding == "utf-16" and mark != "\t":
        return
    text = "\r\n".join(mark.join(row) for row in (["小区", "楼栋", "户数"], ["和阳里", "１栋", "12"]))
    (tmp_path / "c.csv").write_bytes(text.encode(encoding))
    table, notes = read_counts(tmp_path / "c.csv")
    assert table["楼栋"].tolist() == ["１栋"] and table["户数"].tolist() == ["12"]
    assert bool(notes) == (encoding == "gbk")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.csv", b"", "empty"),
        ("c.csv", b"a,b\n1,2\n", "小区"),
        ("c.xlsx", b"PK\x03\x04broken", "no XLSX"),
        ("c.xlsx", b"\xd0\xcf\x11\xe0old", "old XLS"),
        ("c.txt", b"x", ".xlsx or .csv"),
    ],
)
def test_what_is_no_sheet_is_refused_in_a_sentence(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=says):
        read_counts(tmp_path / name)
    with pytest.raises(NotFoundError):
        read_counts(tmp_path / "gone.csv")
