"""25,000 incidents of Chicago into its beats as shapely finds them, and how many bear the official label."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from real_towns import SHARED
from typer.testing import CliRunner

from gis_core.cli import app

DATA = SHARED / "data" / "incidents-chicago"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the incidents of Chicago are not beside the project"
)


def codes_by_shapely(areas: gpd.GeoDataFrame, code_col: str, x: np.ndarray, y: np.ndarray) -> list[str]:
    """Return the lowest code of the areas that each point is in or on; empty where there is none."""
    codes = areas[code_col].astype(str).to_numpy()
    order = np.argsort(codes, kind="stable")
    shapes = np.asarray(areas.geometry.array, dtype=object)[order]
    point, area = shapely.STRtree(shapes).query(shapely.points(x, y), predicate="intersects")
    lowest = np.full(len(x), len(codes))
    np.minimum.at(lowest, point, area)
    names = [*codes[order].tolist(), ""]
    return [names[k] for k in lowest.tolist()]


@pytest.mark.parametrize(
    ("layer", "code_col", "label", "least"),
    [("beats", "beat", "beat", 0.91), ("districts", "district", "district", 0.98)],
)
def test_incidents_fall_into_the_areas_as_shapely_says(
    tmp_path: Path, record_property, layer: str, code_col: str, label: str, least: float
) -> None:
    areas, source, out = DATA / f"{layer}.parquet", DATA / "incidents.csv.gz", tmp_path / "out.csv"
    done = CliRunner().invoke(
        app, ["locate", str(areas), str(source), "--out", str(out), "--code-col", code_col, "--json"]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == 25_000
    given = pd.read_csv(source, dtype=str, keep_default_na=False)
    found = pd.read_csv(out, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert found[given.columns.tolist()].equals(given)
    x = pd.to_numeric(given["longitude"], errors="coerce").to_numpy()
    y = pd.to_numeric(given["latitude"], errors="coerce").to_numpy()
    expected = codes_by_shapely(gpd.read_parquet(areas), code_col, x, y)
    assert found["grid_code"].tolist() == expected
    placed = found["grid_code"] != ""
    same = pd.to_numeric(found["grid_code"][placed]) == pd.to_numeric(given[label][placed], errors="coerce")
    share = same.sum() / len(given)
    record_property(f"share that bears the official {label}", round(float(share), 4))
    sys.stdout.write(f"{layer}: {placed.mean():.2%} inside, {share:.2%} bear the official label\n")
    assert least <= share < least + 0.02
