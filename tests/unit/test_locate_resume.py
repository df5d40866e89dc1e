"""Bulk work that ends early goes on where it ended, and gives the file that it would have given."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis_core.locate import Locator, build_locator
from gis_core.locate.bulk import BulkReport, locate_file
from gis_core.locate.resume import part_folder

ROWS = 57


class BrokenError(Exception):
    pass


@pytest.fixture
def locator() -> Locator:
    boxes = [shapely.box(x, 0, x + 1, 1) for x in range(4)]
    return build_locator(gpd.GeoDataFrame({"code": list("abcd")}, geometry=boxes, crs="EPSG:4326"))


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    x = np.random.default_rng(1).uniform(-0.5, 4.5, ROWS)
    path.write_text(
        "id,lon,lat\n" + "".join(f"{i},{v!r},0.5\n" for i, v in enumerate(x.tolist())), encoding="utf-8"
    )
    return path


def run(
    locator: Locator, calls: Path, out: Path, *, break_at: int | None = None, resume: bool = True
) -> BulkReport:
    def progress(step: str, rows: int, _total: int) -> None:
        if break_at is not None and (rows >= break_at if step == "locate" else break_at > ROWS):
            raise BrokenError

    return locate_file(locator, calls, out, resume=resume, progress=progress, chunk_rows=10)


@pytest.mark.parametrize("name", ["out.csv", "out.geojson", "out.parquet"])
def test_the_work_goes_on_where_it_ended(locator: Locator, calls: Path, tmp_path: Path, name: str) -> None:
    whole, out = tmp_path / f"whole-{name}", tmp_path / name
    expected = run(locator, calls, whole, resume=False)
    for rows in (20, 40):
        with pytest.raises(BrokenError):
            run(locator, calls, out, break_at=rows)
        assert not out.exists()
    grown = part_folder(out) / (name if name != "out.parquet" else "000004.parquet")
    with grown.open("a", encoding="utf-8") as file:
        file.write("half a row of a chunk that was not finish")
    report = run(locator, calls, out)
    assert out.read_bytes() == whole.read_bytes()
    assert (report.rows, report.counts) == (ROWS, expected.counts)
    assert "40 rows were done before" in report.notes[0]
    assert not part_folder(out).exists()


def test_an_end_while_parts_are_joined(locator: Locator, calls: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    run(locator, calls, whole, resume=False)
    with pytest.raises(BrokenError):
        run(locator, calls, out, break_at=ROWS + 1)
    assert not out.exists()
    assert f"{ROWS} rows were done before" in run(locator, calls, out).notes[0]
    assert out.read_bytes() == whole.read_bytes()


def test_other_points_begin_anew(locator: Locator, calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(BrokenError):
        run(locator, calls, out, break_at=30)
    calls.write_text("id,lon,lat\n1,0.5,0.5\n", encoding="utf-8")
    report = run(locator, calls, out)
    assert report.rows == 1 and not report.notes
    assert len(out.read_text(encoding="utf-8-sig").splitlines()) == 2
