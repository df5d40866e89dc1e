"""Plans: codes, numbers of grids, the report, the file."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import shapely
from small_town import at, block_town, box, dataset

from gis_core.errors import DatasetError, ParameterError
from gis_core.fabric import build_fabric
from gis_core.plan import PLAN_COLUMNS, Plan, make_plan, read_plan, write_plan
from gis_core.plan.codes import number_grids
from gis_core.plan.metrics import deviation, grids_in_pieces

SCHEMA = Path(__file__).parents[2] / "gis_core" / "plan" / "report.schema.json"


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = block_town(6, 4, per_block=6, households=25)
    return make_plan(town, build_fabric(town), seed=3, processes=1)


def test_grids_hold_the_bounds_and_nest(plan: Plan) -> None:
    grids = plan.grids
    assert grids["households"].between(300, 500).all()
    assert grids["households"].sum() == plan.dataset.buildings["households"].sum()
    boundary = plan.dataset.boundary.set_index("code").geometry
    for row in grids.itertuples():
        assert row.geometry.difference(boundary[row.boundary_code]).area < 1e-3
        assert row.geometry.geom_type == "Polygon"
    assert shapely.coverage_is_valid(grids.geometry.values)


def test_numbers_of_grids_are_those_of_their_polygons(plan: Plan) -> None:
    grids = plan.grids
    area, length = shapely.area(grids.geometry.values), shapely.length(grids.geometry.values)
    assert grids["area_m2"].to_numpy() == pytest.approx(area)
    assert grids["perimeter_m"].to_numpy() == pytest.approx(length)
    assert grids["polsby_popper"].to_numpy() == pytest.approx(4 * np.pi * area / length**2)
    for _, group in grids.groupby("boundary_code"):
        expected = group["households"] / group["households"].mean() - 1
        assert group["deviation"].to_numpy() == pytest.approx(expected.to_numpy())


def test_report_says_what_the_grids_say(plan: Plan) -> None:
    report = plan.report
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert report["grids"] == len(plan.grids)
    assert report["in_bounds"] == len(plan.grids)
    assert report["contiguous"] is True
    assert report["max_deviation"] == pytest.approx(plan.grids["deviation"].abs().max(), abs=1e-6)
    assert report["deviation_lower_bound"] <= report["max_deviation"] + 1e-9
    assert 0.5 < report["street_share"] <= 1.0
    assert sum(row["grids"] for row in report["per_boundary"]) == report["grids"]


def test_same_seed_same_plan(plan: Plan) -> None:
    again = make_plan(plan.dataset, plan.fabric, seed=3, processes=2)
    assert np.array_equal(again.assignment, plan.assignment)
    assert again.codes == plan.codes


def test_plan_file_round_trip(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "方案 #1?.gpkg"
    write_plan(plan.frames, path)
    back = read_plan(path)
    for layer, columns in PLAN_COLUMNS.items():
        frame = getattr(back, layer)
        assert list(frame.columns) == [*columns, "geometry"]
        assert frame.crs.to_epsg() == 4326
        assert len(frame) == len(getattr(plan.frames, layer))
    assert back.report == json.loads(json.dumps(plan.report))
    assert shapely.coverage_is_valid(back.cells.geometry.values)
    assert shapely.coverage_is_valid(back.grids.geometry.values)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.gpkg"
    write_plan(plan.frames, path)
    before = path.read_bytes()
    broken = type(plan.frames)(
        plan.frames.grids, plan.frames.buildings, plan.frames.cells.drop(columns="geometry")
    )
    with pytest.raises(AttributeError):
        write_plan(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "words"), [("plan.shp", "must end in .gpkg"), ("no/plan.gpkg", "is not there")]
)
def test_places_that_cannot_be_written(plan: Plan, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        write_plan(plan.frames, tmp_path / name)


def test_a_file_that_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    with pytest.raises(DatasetError, match="no plan file"):
        read_plan(path)
    path.write_text("not a database")
    with pytest.raises(DatasetError, match="not a plan file"):
        read_plan(path)


def test_a_heavy_building_is_named() -> None:
    town = dataset(
        [box(0, 0, 100, 100)],
        [box(10, 10, 30, 30), box(60, 60, 80, 80)],
        households=[620, 400],
        ids=["T1", "T2"],
    )
    report = make_plan(town, build_fabric(town), processes=1).report
    (reason,) = [item for item in report["infeasible"] if item["what"] == "heavy-cell"]
    assert reason["buildings"] == ["T1"]
    assert "620" in reason["reason"]
    assert "T1" in reason["reason"]
    assert "第1社区 (B1)" in reason["reason"]


def test_a_boundary_without_households_is_one_grid() -> None:
    town = dataset([box(0, 0, 50, 50), box(50, 0, 100, 50)], [box(60, 10, 80, 30)], households=[400])
    plan = make_plan(town, build_fabric(town), processes=1)
    assert plan.grids["households"].tolist() == [0, 400]
    assert np.isnan(plan.grids["deviation"].iloc[0])


def test_an_island_without_households_joins_a_grid() -> None:
    islands = shapely.MultiPolygon([box(0, 0, 100, 100), box(200, 0, 220, 20)])
    town = dataset([islands], [box(10, 10, 30, 30)], households=[400])
    plan = make_plan(town, build_fabric(town), processes=1)
    assert plan.report["contiguous"] is True
    assert len(plan.grids) == 1
    assert plan.grids.geometry.iloc[0].geom_type == "MultiPolygon"


def test_pieces_are_counted_as_the_judge_counts_them() -> None:
    street = ("residential", shapely.LineString(at((0, 50), (300, 50))))
    town = dataset([box(0, 0, 300, 100)], [box(x, 10, x + 20, 30) for x in (10, 120, 230)], streets=[street])
    fabric = build_fabric(town)
    south = fabric.building_cell_ix
    split = np.zeros(fabric.n_cells, dtype=np.int32)
    split[south[1]] = 1
    assert grids_in_pieces(fabric.graph, split, fabric.boundary_ix).tolist() == []
    split[:] = 1
    split[[south[0], south[2]]] = 0
    assert grids_in_pieces(fabric.graph, split, fabric.boundary_ix).tolist() == [0]


def test_codes_run_west_to_east_and_north_to_south() -> None:
    home = np.zeros(4, dtype=np.int32)
    order, codes = number_grids(
        home, np.array([9.0, 1.0, 9.0, 1.0]), np.array([1.0, 1.0, 9.0, 9.0]), ["420111003002"]
    )
    assert order.tolist() == [3, 2, 1, 0]
    assert codes[0] == "420111003002001"
    assert {len(code) for code in codes} == {15}


def test_codes_widen_beyond_999() -> None:
    n = 1001
    home = np.zeros(n, dtype=np.int32)
    _, codes = number_grids(home, np.arange(n, dtype=float), np.zeros(n), ["A"])
    assert len(set(codes)) == n
    assert {len(code) for code in codes} == {5}


def test_codes_that_would_clash_are_refused() -> None:
    n = 1001
    home = np.r_[np.zeros(n), [1]].astype(np.int32)
    with pytest.raises(ParameterError, match="code 10001"):
        number_grids(home, np.arange(n + 1, dtype=float), np.zeros(n + 1), ["1", "10"])
    with pytest.raises(ParameterError, match="template"):
        number_grids(home, np.arange(n + 1, dtype=float), np.zeros(n + 1), ["1", "10"], "{grid}")


def test_deviation_without_weight_is_nan() -> None:
    got = deviation(np.array([0.0, 0.0, 3.0, 5.0]), np.array([0, 0, 1, 1], dtype=np.int32))
    assert np.isnan(got[:2]).all()
    assert got[2:] == pytest.approx([-0.25, 0.25])
