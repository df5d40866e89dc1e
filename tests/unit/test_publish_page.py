"""The page to send, and both formats through `wangge export`."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
import typer
from typer.testing import CliRunner

from gis_core.commands.export import export
from gis_core.plan.file import write_plan
from gis_core.publish import atlas
from gis_core.publish.material import stored_material
from gis_core.publish.page import make_page
from tests.unit.publish_town import CODES, Shelf, plan, write_dataset

MADE = datetime(2026, 11, 22, tzinfo=UTC)


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert found
    return json.loads(found.group(1))


def run(*arguments: object):
    app = typer.Typer()
    app.command()(export)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def page() -> str:
    return make_page(stored_material(Shelf(), 1), made=MADE)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("print")
    write_plan(plan(), folder / "plan.gpkg")
    return folder / "plan.gpkg", write_dataset(folder / "town.gpkg")


def test_the_page_asks_nobody(page: str) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", page) == []
    assert not re.findall(r"\b(?:src|href|action)=", page) and "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_the_page_holds_grids_figures_and_ground(page: str) -> None:
    data = data_of(page)
    assert [grid["code"] for grid in data["grids"]] == CODES
    first, third = data["grids"][0], data["grids"][2]
    assert first["facts"][0] == ["户数", "310", False] and third["facts"][1] == [
        "上下限 300–500",
        "超出上限 140 户",
        True,
    ]
    assert (
        first["staff"] == ["网格员  王小芳  021-5555 0101  8:30-17:00  替岗：李强"] and first["colour"] == 3
    )
    assert [street.get("n") for street in data["streets"]] == ["四川北路", None]
    assert len(data["buildings"]) == 48 and data["buildings"][0]["n"] == "百货大楼"
    assert len(data["rails"]) == 1 and data["facilities"][0]["n"] == "东门小学"
    assert data["across"] == "草稿 · 未生效"
    for word in ("东街方案", "草稿", "数据：© 测绘", "2026-11-22", 'lang="zh-CN"'):
        assert word in page


def test_coordinates_come_back_in_decimetres(page: str) -> None:
    (ring,) = data_of(page)["grids"][0]["p"]
    xs, ys = ring[0::2], ring[1::2]
    corners = {(sum(xs[: i + 1]), sum(ys[: i + 1])) for i in range(len(xs))}
    assert {(x, y) for x in (0, 2000) for y in (0, 2000)} == corners


def test_names_cannot_leave_their_place() -> None:
    evil = "</script><script>alert(1)</script><!--"
    shelf = Shelf()
    shelf.file = replace(shelf.file, name=evil)
    shelf.frames["streets"]["name"] = evil
    text = make_page(stored_material(shelf, 1), made=MADE)
    assert "<script>alert" not in text and "<!--" not in text
    assert text.count("<script") == 2 and data_of(text)["streets"][0]["n"] == evil


def test_export_writes_sheets_with_the_ground_of_a_dataset(tmp_path: Path, files: tuple[Path, Path]) -> None:
    plan_file, town = files
    out = tmp_path / "sheets.pdf"
    result = run(plan_file, "--out", out, "--dataset", town, "--paper", "a3", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert (said["format"], said["grids"], said["pages"], said["faults"]) == ("pdf", 4, 5, [])
    text = "".join(pypdf.PdfReader(io.BytesIO(out.read_bytes())).pages[1].extract_text().split())
    assert "四川北路" in text and "12号" in text and said["bytes"] == out.stat().st_size
    assert list(tmp_path.iterdir()) == [out]


def test_export_without_a_dataset_says_what_is_missing(tmp_path: Path, files: tuple[Path, Path]) -> None:
    out = tmp_path / "page.html"
    result = run(files[0], "--out", out, "--lang", "en")
    assert result.exit_code == 0 and re.fullmatch(
        rf"{re.escape(str(out))}: 4 grids, 0\.\d MB\.\n", result.stdout
    )
    assert "has no streets, names and water" in result.stderr and "Add --dataset" in result.stderr
    assert 'lang="en"' in out.read_text(encoding="utf-8")


def test_buildings_that_the_dataset_lacks_are_told(tmp_path: Path, files: tuple[Path, Path]) -> None:
    _, town = files
    file = plan()
    file.buildings.loc[0, "id"] = "elsewhere"
    write_plan(file, tmp_path / "other.gpkg")
    result = run(tmp_path / "other.gpkg", "--dataset", town, "--out", tmp_path / "a.html")
    assert result.exit_code == 0 and "1 of 48 buildings of the plan are not in the dataset" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "{}/a.pdf", "--paper", "a5"], "There is no paper 'a5'; use one of a4, a3."),
        (["--out", "{}/a.pdf", "--lang", "zh"], "There is no language 'zh'"),
        (["--out", "{}/a.pdf", "--layer", "cells"], "--layer means nothing for pdf"),
        (["--out", "{}/a.html", "--crs", "wgs84"], "--crs means nothing for html"),
        (["--out", "{}/a.html", "--grid", CODES[0]], "--grid means nothing for html"),
        (["--out", "{}/a.geojson", "--grid", CODES[0]], "--grid means nothing for geojson"),
        (["--out", "{}/a.pdf", "--map", "buildings.name=N"], "give --dataset too"),
        (["--out", "{}/a.pdf", "--grid", "000"], "The plan has no grid 000; there are 99"),
        (["--out", "{}/a.pdf", "--dataset", "{}/none.gpkg"], "There is no file or folder"),
        (["--out", "{}/none/a.pdf"], "There is no folder"),
        (["--out", "{}/a.txt", "--format", "html"], None),
    ],
)
def test_wrong_arguments_end_with_one_sentence(tmp_path, files, arguments, words) -> None:
    result = run(files[0], *(each.format(tmp_path) for each in arguments))
    if words is None:
        assert result.exit_code == 0
        return
    assert result.exit_code == 2 and words in result.stderr and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_stored_plan_brings_its_own_dataset(tmp_path: Path) -> None:
    result = run("plan:1", "--out", tmp_path / "a.pdf", "--dataset", tmp_path)
    assert result.exit_code == 2 and "brings the dataset of its store" in result.stderr


def test_a_stop_leaves_nothing_and_keeps_what_was_there(tmp_path, files, monkeypatch) -> None:
    def stop(*_arguments: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atlas, "draw_grid_sheet", stop)
    out = tmp_path / "a.pdf"
    out.write_bytes(b"before")
    result = run(files[0], "--out", out)
    assert result.exit_code == 130 and "Stopped; nothing was written." in result.stderr
    assert out.read_bytes() == b"before" and list(tmp_path.iterdir()) == [out]
