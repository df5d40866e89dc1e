"""The sheets: pages, texts that can be searched, labels that do not overlap, links, orientation."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pypdf
import pytest
import shapely

from gis_core.errors import ConflictError, DatasetError, NotFoundError, ParameterError
from gis_core.publish import canvas as canvas_module
from gis_core.publish.atlas import make_atlas
from gis_core.publish.cover import draw_index, plan_index
from gis_core.publish.fonts import Typesetter, clean_text
from gis_core.publish.ground import fit_scale
from gis_core.publish.labels import house_number, place_names
from gis_core.publish.marks import scale_bar_m
from gis_core.publish.material import Material, file_material, stored_material
from gis_core.publish.pdf import write_pdf
from gis_core.publish.placing import Labels, along_line, box_corners
from gis_core.publish.sheet import Paper
from gis_core.publish.words import LANGUAGES, WORDS
from tests.unit.publish_town import CODES, Shelf, frame, plan, with_bare_grid

MADE = datetime(2026, 11, 22, tzinfo=UTC)


def read(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data))


def flat(page: pypdf.PageObject) -> str:
    return "".join(page.extract_text().split())


@pytest.fixture(scope="module")
def material() -> Material:
    return stored_material(Shelf(), 1)


@pytest.fixture(scope="module")
def sheets(material: Material) -> pypdf.PdfReader:
    return read(make_atlas(material, made=MADE).pdf)


def test_a_cover_and_a_sheet_for_each_grid(sheets: pypdf.PdfReader) -> None:
    assert len(sheets.pages) == 5
    cover = flat(sheets.pages[0])
    for word in ("东街方案", "草稿", "东门社区", "网格索引", "东门网格", "第1页，共5页", "数据：©测绘"):
        assert word in cover
    assert all(code in cover for code in CODES)


@pytest.mark.parametrize("ix", range(4))
def test_each_sheet_names_its_grid_its_neighbours_and_its_ground(sheets: pypdf.PdfReader, ix: int) -> None:
    text = flat(sheets.pages[ix + 1])
    assert f"网格{CODES[ix]}" in text
    assert all(CODES[each] in text for each in {0, 1, 2, 3} - {3 - ix})
    assert ("清水河" in text) == (ix in (1, 3))
    for word in ("四川北路", "12号", "图例", "北", "1:1,250", "草稿·未生效", "打印日期2026-11-22"):
        assert word in text
    assert f"第{ix + 2}页，共5页" in text


def test_figures_staff_and_bounds_are_on_the_sheet(sheets: pypdf.PdfReader) -> None:
    first, second, third, fourth = (flat(page) for page in sheets.pages[1:])
    for word in (
        "东门网格",
        "王小芳",
        "网格员",
        "021-55550101",
        "8:30-17:00",
        "替岗：李强",
        "在上下限之内",
        "−5.0%",
        "4.0ha",
    ):
        assert word in first
    assert "未登记，可手写填入" in second and "桂阳小区" in second and "王小芳" not in second
    assert "超出上限140户" in third and "A<b>&" in third and "未知" in third and "东门小学" in third
    assert "低于下限300户" in fourth


def test_the_index_leads_to_the_sheets(sheets: pypdf.PdfReader) -> None:
    places = {page.indirect_reference.idnum: number for number, page in enumerate(sheets.pages)}
    links = [each.get_object()["/Dest"][0].idnum for each in sheets.pages[0]["/Annots"]]
    assert [places[each] for each in links] == [1, 2, 3, 4]
    titles = [each.title for each in sheets.outline]
    assert titles[1:] == [f"{CODES[0]} 东门网格", CODES[1], f"{CODES[2]} A<b>&", CODES[3]]
    assert sheets.metadata is not None and sheets.metadata.title == "东街方案"


@pytest.mark.parametrize(("paper", "short", "long"), [("a4", 210, 297), ("a3", 297, 420)])
def test_paper(material: Material, paper: str, short: int, long: int) -> None:
    shapes = [*material.shapes[:3], shapely.union_all(material.shapes[2:])]
    wide = replace(material, shapes=np.array(shapes))
    pages = read(make_atlas(wide, paper=paper, made=MADE).pdf).pages
    sizes = [
        (round(page.mediabox.width / 72 * 25.4), round(page.mediabox.height / 72 * 25.4)) for page in pages
    ]
    assert sizes[:2] == [(short, long)] * 2
    assert sizes[4] == (long, short)


def test_small_files_and_the_same_bytes_again(material: Material) -> None:
    one, other = (make_atlas(material, made=MADE).pdf for _ in range(2))
    assert one == other
    assert len(one) < 250_000


def test_only_the_grids_that_are_asked_for_in_english(material: Material) -> None:
    pages = read(make_atlas(material, language="en", codes=[CODES[2]], made=MADE).pdf).pages
    assert len(pages) == 2
    text = pages[1].extract_text()
    for word in (f"Grid {CODES[2]}", "140 over the most", "Page 2 of 2", "DRAFT", "Households"):
        assert word in text


@pytest.mark.parametrize(
    ("state", "words", "absent"),
    [
        ("published", ["已发布", "自 2026-01-05 起生效"], "未生效"),
        ("superseded", ["已被替代 · 不再生效"], "草稿"),
    ],
)
def test_what_is_in_force_has_no_words_across(state: str, words: list[str], absent: str) -> None:
    shelf = Shelf(state, valid_from=datetime(2026, 1, 5, tzinfo=UTC))
    pages = read(make_atlas(stored_material(shelf, 1), codes=CODES[:1], made=MADE).pdf).pages
    for page in pages:
        assert all("".join(word.split()) in flat(page) for word in words) and absent not in flat(page)


def test_bounds_of_a_plan_that_was_made_from_the_page_stand_on_paper() -> None:
    shelf = Shelf(bounds=(100, 200))
    shelf.file = replace(shelf.file, report={})
    assert stored_material(shelf, 1).bounds == (100.0, 200.0)


def test_many_grids_have_an_index_of_their_own(material: Material) -> None:
    grids = tuple(replace(material.grids[0], code=f"{number:03d}", short="") for number in range(200))
    many = replace(material, grids=grids, shapes=np.repeat(material.shapes[:1], 200))
    paper = Paper(210.0, 297.0, 1.0, WORDS["zh-CN"], MADE.date(), 0)
    index, type_ = plan_index(200, paper), Typesetter()
    drawn = [
        draw_index(many, range(200), index, place, paper=paper, type_=type_).page("")
        for place in range(1, index.n_pages)
    ]
    links = [page.links[0].page_ix for page in drawn]
    data = write_pdf(
        [replace(page, links=[]) for page in drawn], type_.embed(), title="", language="zh-CN", made=MADE
    )
    rows = re.findall(r"\b(\d{3})\b\s+东门网格", "\n".join(page.extract_text() for page in read(data).pages))
    assert sorted(rows) == [f"{number:03d}" for number in range(200)]
    assert index.pages[0] == range(0) and [len(each) for each in index.pages[1:]] == [
        index.a_page,
        200 - index.a_page,
    ]
    assert links == [3, 3 + index.a_page]


def test_labels_on_a_map_do_not_overlap(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: list[shapely.Polygon] = []
    placed = Labels.place

    def place(
        self: Labels, x: float, y: float, w: float, h: float, angle: float = 0.0, *, gap: float = 0.3
    ) -> bool:
        done = placed(self, x, y, w, h, angle, gap=gap)
        if done:
            boxes.append(shapely.Polygon(box_corners(x, y, w, h, angle)))
        return done

    monkeypatch.setattr(Labels, "place", place)
    make_atlas(material, codes=CODES[:1], made=MADE)
    sheet = np.array(boxes[-20:])
    first, second = shapely.STRtree(sheet).query(sheet, predicate="intersects")
    assert len(sheet) == 20 and (first == second).all()


def test_text_stays_on_the_paper(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    write = canvas_module.Canvas.text

    def text(self, x, y, text, size, *, anchor="left", **more):
        if not more.get("angle"):
            left = x - {"left": 0, "middle": 0.5, "right": 1}[anchor] * self.text_width(text, size)
            seen.append(
                (
                    min(left, y - size / 3),
                    max((left + self.text_width(text, size)) / self.width, y / self.height),
                )
            )
        write(self, x, y, text, size, anchor=anchor, **more)

    monkeypatch.setattr(canvas_module.Canvas, "text", text)
    long_names = tuple(
        replace(grid, name="很长的网格名称" * 12, community="x" * 300) for grid in material.grids
    )
    make_atlas(replace(material, grids=long_names, title="方案" * 80, attribution="测" * 400), made=MADE)
    assert min(low for low, _ in seen) >= 5 and max(high for _, high in seen) <= 0.98


def test_a_file_without_ground_shows_what_it_has() -> None:
    material = file_material(plan())
    assert not material.has_ground and material.state == "file" and material.crs.is_projected
    pages = read(make_atlas(material, language="zh-CN", made=MADE).pdf).pages
    assert (
        "四川北路" not in flat(pages[1]) and "方案文件" in flat(pages[1]) and "未生效" not in flat(pages[1])
    )
    assert "来源甲" in flat(pages[1])


def test_bounds_of_another_weight_are_not_those_of_households() -> None:
    other = plan(weights=[{"name": "elderly", "bounds": [300, 500]}])
    assert file_material(other).bounds is None
    text = flat(read(make_atlas(file_material(other), language="zh-CN", made=MADE).pdf).pages[1])
    assert "未设户数上下限" in text


def test_estimates_and_cells_without_a_grid_are_said() -> None:
    file = plan(households_estimated=True)
    file.cells.loc[3, "grid_code"] = None
    pages = read(make_atlas(file_material(file), language="en", made=MADE).pdf).pages
    assert "Household counts are estimates." in pages[1].extract_text()
    assert "Not yet in any grid: 1 cells with 0 households." in pages[0].extract_text()


def test_grids_without_cells_have_no_sheet_and_that_is_said() -> None:
    material = file_material(with_bare_grid(plan()))
    assert [grid.code for grid in material.grids] == CODES
    (fault,) = material.faults
    assert fault.code == "grid-without-cells" and "990101001001005" in fault.message
    empty = plan()
    with pytest.raises(DatasetError, match="no grids to print"):
        file_material(replace(empty, grids=empty.grids.iloc[:0]))


def test_colours_and_people_of_planners_win(material: Material) -> None:
    assert material.grids[0].colour == 3 and material.grids[0].staff[0].deputy == "李强"
    assert not material.grids[0].staff[0].stands_in and material.grids[1].staff == ()


def test_a_plan_that_changes_while_it_is_read_is_refused() -> None:
    class Restless(Shelf):
        def plan(self, plan_id: int):
            self.record.revision += 1
            return type(self.record)(**self.record.__dict__)

    with pytest.raises(ConflictError, match="being changed faster"):
        stored_material(Restless(), 1)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"paper": "a5"}, ParameterError, "use one of a4, a3"),
        ({"language": "fr"}, ParameterError, "use one of zh-CN, en"),
        ({"codes": ["990101001001009"]}, NotFoundError, "near it are 99010100100100"),
    ],
)
def test_what_cannot_be_printed_is_said(material: Material, asked: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        make_atlas(material, **asked)


def test_progress_counts_sheets(material: Material) -> None:
    told: list[tuple[str, int, int]] = []
    make_atlas(material, made=MADE, progress=lambda *each: told.append(each))
    assert told == [("sheets", done, 5) for done in range(6)]


def test_characters_that_the_font_lacks_are_told(material: Material) -> None:
    named = replace(material, title="مدينة 方案")
    assert set("مدينة") <= set(make_atlas(named, codes=CODES[:1], made=MADE).missing)


def test_languages_have_the_same_words() -> None:
    first, *others = (set(WORDS[language]) for language in LANGUAGES)
    assert all(words == first for words in others)


def test_text_is_measured_broken_and_cut() -> None:
    type_ = Typesetter()
    assert type_.width("网格", 10) == 20.0
    assert type_.width(type_.fit("很长的网格名称", 10, 45), 10) <= 45
    assert type_.lines("四川北路社区服务中心", 10, 45, limit=3) == ["四川北路", "社区服务", "中心"]
    assert type_.lines("two words", 10, 32, limit=2) == ["two", "words"]
    assert clean_text("a\u202eb\x00 c\n") == "ab c"


def test_round_scales_and_bars() -> None:
    assert fit_scale((0, 0, 190, 100), 190, 190, room=1.0) == 1000.0
    assert fit_scale((0, 0, 191, 100), 190, 190, room=1.0) == 1250.0
    assert [scale_bar_m(scale, 34) for scale in (700, 2500, 15_000)] == [20.0, 50.0, 500.0]


def test_names_lie_along_straight_parts_and_never_upside_down() -> None:
    line = np.array([[100.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    places = along_line(line, 20.0)
    assert places[0][0] == pytest.approx(47.5, abs=0.1) and places[0][2] == 0.0
    assert all(-90 < angle <= 90 for _, _, angle in along_line(line[::-1], 20.0))
    assert along_line(line, 200.0) == []


def test_house_numbers_and_lanes() -> None:
    addresses = ["四川中路126弄5~15号", "四川中路106~110号", "松城胡同一弄8号", "Karhulantie 12", None]
    table = frame({"address": addresses}, [None] * 5)
    assert list(place_names(table)) == ["四川中路126弄", "四川中路", "松城胡同一弄", "Karhulantie", None]
    assert house_number("和平路18号3幢") == "3幢"
