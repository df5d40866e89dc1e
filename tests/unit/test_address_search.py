"""Addresses typed the way people type them are found in real and generated towns."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyogrio
import pytest
from real_towns import ROOT, town_path

from gis_core.locate.address import AddressIndex, Entry
from gis_core.locate.address_names import Names
from gis_core.locate.address_text import parse_address
from gis_core.town.names import NameBook

COLUMNS = ("name", "name_zh", "address", "compound", "name_en")

#: What was typed, and what the first hit must hold.
DEMO = [
    ("高家店22号", "高家店22号"),
    ("高家店二十二号", "高家店22号"),
    ("高家店２２", "高家店22号"),
    ("高家店贰拾贰号", "高家店22号"),
    ("高佳店22号", "高家店22号"),
    ("gaojiadian22", "高家店22号"),
    ("gao jia dian 22 hao", "高家店22号"),
    ("gaojiadan22hao", "高家店22号"),
    ("gjd22", "高家店22号"),
    ("GJD22H", "高家店22号"),
    ("福江里二弄16号", "福江里二弄16号"),
    ("福江里2弄16", "福江里二弄16号"),
    ("福江里 2 弄 16 号", "福江里二弄16号"),
    ("fujianglierlong16hao", "福江里二弄16号"),
    ("fujiangli2nong16", "福江里二弄16号"),
    ("学府路", "学府路"),
    ("xuefulu", "学府路"),
    ("xfl", "学府路"),
    ("清庆小区一区3栋", "化工大道63号清庆小区一区3栋"),
    ("清庆小区一区三号楼2单元501室", "化工大道63号清庆小区一区3栋"),
    ("清庆小区1区3-2-501", "化工大道63号清庆小区一区3栋"),
    ("清庆小区三幢", "清庆小区一区3栋"),
    ("清庆小区3#", "清庆小区一区3栋"),
    ("清庆小趋一区3＃楼", "清庆小区一区3栋"),
    ("清庆3栋", "清庆小区一区3栋"),
    ("qqxq3d", "清庆小区一区3栋"),
    ("qingqing xiaoqu 3 dong", "清庆小区一区3栋"),
    ("化工大道63号3栋", "化工大道63号清庆小区一区3栋"),
    ("宋家桥社区林家寨3号", "林家寨3号"),
    ("上海市浦东新区宋家桥街道林家寨叁号", "林家寨3号"),
    ("林家寨3号漏水", "林家寨3号"),
    ("书港医院", "书港医院"),
    ("shugangyiyuan", "书港医院"),
    ("金香一巷", "金香一巷"),
    ("jinxiangyixiang", "金香一巷"),
    ("B0000092", "高家店22号"),
    ("清慶小區一區三號樓2單元501室", "化工大道63号清庆小区一区3栋"),
    ("化工大道63號3棟", "化工大道63号清庆小区一区3栋"),
    ("學府路", "学府路"),
    ("書港醫院", "书港医院"),
    ("高家店貳拾貳號", "高家店22号"),
]
SUBURB = [
    ("Kangaskatu 12", "Kangaskatu 12"),
    ("12 Kangaskatu", "Kangaskatu 12"),
    ("kangaskatu12", "Kangaskatu 12"),
    ("Kangaskaty 12", "Kangaskatu 12"),
    ("Virsumaentie", "Virsumäentie"),
    ("Hirvenkelonkatu", "Hirvenkellonkatu"),
    ("Ristikalliontie 9 A 4", "Ristikalliontie 9"),
    ("heliln koulu", "Helilän koulu"),
]
SHANGHAI = [
    ("延安东路一百一十号", "延安东路110"),
    ("上海市黄浦区延安东路110号", "延安东路110"),
    ("yanandonglu110", "延安东路110"),
    ("110 East Yan'an Rd.", "延安东路110"),
    ("333 Lujiazui Ring Road", "陆家嘴环路333"),
    ("20 Zhongshan East 1st Road", "中山东一路20"),
    ("四川大楼", "四川大楼"),
    ("yddl", "懿德大楼"),
    ("世界大道", "世纪大道"),
    ("陆家嘴环路1318号", "陆家嘴环路1318"),
    ("陸家嘴環路1318號", "陆家嘴环路1318"),
    ("延安東路一百一十號", "延安东路110"),
    ("世紀大道", "世纪大道"),
    ("ljzhl", "陆家嘴环路"),
    ("shanghai tower", "上海中心大厦"),
    ("zhongshan dong yi lu", "中山东一路"),
]
WUHAN = [
    ("教工宿舍十八栋", "教工宿舍18号楼"),
    ("jgss18", "教工宿舍18号楼"),
    ("西12楼", "西十二楼"),
    ("学生公寓 9号楼", "学生公寓9栋"),
    ("luoyulu", "珞喻路"),
]


@cache
def town(path: str) -> tuple[AddressIndex, list[str]]:
    """Read the texts of a town; what is shown of each entry is all its texts."""
    layers = [name for name, _ in pyogrio.list_layers(path)]
    frames = {
        layer: pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
        for layer in ("buildings", "streets", "facilities")
        if layer in layers
    }
    entries = []
    for layer, frame in frames.items():
        if "addr_street" in frame:
            frame["address"] = frame["addr_street"].fillna("") + frame["addr_housenumber"].fillna("")
        columns = [frame[name].fillna("").tolist() for name in COLUMNS if name in frame]
        codes = frame["id"].astype(str).tolist() if layer == "buildings" else [""] * len(frame)
        entries += [Entry(texts, (code,)) for *texts, code in zip(*columns, codes, strict=True)]
    return AddressIndex(entries, ["宋家桥社区"]), [" ".join(entry.texts) for entry in entries]


def first(path: str, typed: str) -> str:
    index, shown = town(path)
    found = index.find(typed, limit=5)
    return shown[found[0].entry] if found else ""


@pytest.mark.parametrize(("typed", "wanted"), DEMO)
def test_addresses_of_the_demo_town(typed: str, wanted: str) -> None:
    assert wanted in first(str(ROOT / "data" / "demo-town.gpkg"), typed)


@pytest.mark.parametrize(("typed", "wanted"), SUBURB)
def test_addresses_of_the_demo_suburb(typed: str, wanted: str) -> None:
    assert wanted in first(str(ROOT / "data" / "demo-suburb.gpkg"), typed)


@pytest.mark.parametrize(("name", "cases"), [("shanghai", SHANGHAI), ("wuhan", WUHAN)])
def test_addresses_of_real_towns(name: str, cases: list[tuple[str, str]]) -> None:
    path = town_path(name)
    if path is not None:
        missed = {typed: got for typed, wanted in cases if wanted not in (got := first(str(path), typed))}
        assert missed == {}


@pytest.mark.parametrize("typed", ["没有这个地方", "", "  ", "，。", "%zz%", "火星大道9999号", "\x00"])
def test_what_is_not_there_is_not_found(typed: str) -> None:
    assert first(str(ROOT / "data" / "demo-town.gpkg"), typed) == ""


@pytest.mark.parametrize(
    "typed", ["3", "号", "a", "((((", "第", "#", "-", "1-2-3-4-5", "栋" * 200, "🏠3栋", "٣号"]
)
def test_odd_questions_do_no_harm(typed: str) -> None:
    index, _ = town(str(ROOT / "data" / "demo-town.gpkg"))
    assert len(index.find(typed, limit=7)) <= 7


def test_an_empty_town_has_no_hits() -> None:
    assert AddressIndex([]).find("学府路1号") == []


def test_equal_hits_come_by_number_and_do_not_depend_on_the_limit() -> None:
    index = AddressIndex([Entry((f"{k}栋", f"和平路5号阳光花园{k}栋", "阳光花园")) for k in (7, 3, 12, 1, 5)])
    assert [hit.entry for hit in index.find("阳光花园")] == [3, 1, 4, 0, 2]
    for limit in range(1, 6):
        assert [hit.entry for hit in index.find("阳光花园", limit=limit)] == [3, 1, 4, 0, 2][:limit]


def test_a_number_that_is_not_there_gives_its_neighbors_after_the_street() -> None:
    index = AddressIndex([Entry(("人民路",)), *(Entry((f"人民路{k}号",)) for k in (11, 13, 99))])
    found = index.find("人民路15号")
    assert [hit.entry for hit in found] == [0, 2, 1, 3]
    assert found[0].score < 0.8


def test_the_community_before_an_address_tells_two_of_one_name_apart() -> None:
    entries = [Entry((f"新村{k}号",), area=k % 2) for k in (1, 1, 2, 2)]
    index = AddressIndex(
        [Entry(("新村5号",), area=0), Entry(("新村5号",), area=1), *entries], ["东苑社区", "西苑社区"]
    )
    assert [hit.entry for hit in index.find("西苑社区新村5号", limit=2)] == [1, 0]
    assert [hit.entry for hit in index.find("东苑新村5号", limit=1)] == [0]
    assert index.find("东苑社区") == []


@pytest.mark.parametrize(
    ("text", "names", "numbers"),
    [
        ("漕溪路250弄3号", ["漕溪路250弄"], [("3", "house")]),
        ("中山东一路18号", ["中山东1路"], [("18", "house")]),
        ("南京东路12-14号", ["南京东路"], [("12", "house"), ("14", "house")]),
        ("地铁10号线", ["地铁10号线"], []),
        ("第三小学", ["第3小学"], []),
        ("陆家嘴环路1000号21楼", ["陆家嘴环路"], [("1000", "house"), ("21", "floor")]),
        ("恒隆广场B座", ["恒隆广场"], [("b", "building")]),
        ("12 Main St. Apt 4", ["mainstreet"], [("12", "bare"), ("4", "room")]),
        ("No. 15 Rose Ave", ["roseavenue"], [("15", "bare")]),
    ],
)
def test_addresses_are_taken_apart(text: str, names: list[str], numbers: list[tuple[str, str]]) -> None:
    parsed = parse_address(text)
    assert list(parsed.names) == names
    assert [(one.value, one.kind) for one in parsed.numerals] == numbers


def test_one_building_written_in_every_way_is_one() -> None:
    ways = (
        "3栋",
        "３幢",
        "三号楼",
        "叁号楼",
        "第三栋",
        "3座",
        "3#",
        "#3",
        "3＃楼",
        "Block 3",
        "bldg. 3",
        "03栋",
    )
    assert {parse_address(way).key for way in ways} == {"3栋"}


def test_names_by_sound_know_words_of_two_readings() -> None:
    names = Names(["重庆路", "重量街", "绿地", "金香1巷"])
    for typed, wanted in (("chongqinglu", 0), ("zhongliangjie", 1), ("lvdi", 2), ("jinxiangyixiang", 3)):
        best = max(names.find(typed), key=lambda hit: hit.score)
        assert (names.names[best.name], best.score > 0.8) == (names.names[wanted], True)


def test_every_address_of_a_town_finds_its_own_building() -> None:
    book = NameBook(np.random.default_rng(3))
    streets = [book.street(east_west=False) for _ in range(8)]
    addresses = [
        f"{streets[k % 8]}{2 * k + 1}号{book.compound('slab')}{n}栋" for k in range(40) for n in range(1, 9)
    ]
    index = AddressIndex([Entry((address,)) for address in addresses])
    for k in range(0, len(addresses), 7):
        typed = addresses[k].replace("栋", "号楼")
        assert index.find(typed, limit=1)[0].entry == k, typed
