"""Grids of before on the cells of now: by building id, else by ground; nothing is guessed, what is lost is listed."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from small_town import WORK_CRS, block_town, box, dataset

from gis_core.errors import CrsError, DatasetError, ParameterError
from gis_core.fabric import build_fabric
from gis_core.model import Dataset
from gis_core.plan import Plan, make_plan
from gis_core.plan.carry import carry_plan, carry_polygons


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = named(block_town(4, 3, per_block=6, households=25))
    return make_plan(town, build_fabric(town, processes=1), seed=1, processes=1)


def named(town: Dataset) -> Dataset:
    """Give the buildings ids of their own, so that they are not row numbers."""
    buildings = town.buildings.copy()
    buildings["id"] = [f"H{row}" for row in buildings["row"]]
    return replace(town, buildings=buildings)


def without(town: Dataset, rows: list[int]) -> Dataset:
    """Take buildings away and number the rows anew, as a newer file would."""
    buildings = town.buildings.drop(index=rows).reset_index(drop=True)
    buildings["row"] = np.arange(len(buildings))
    return replace(town, buildings=buildings)


def test_the_same_data_carry_every_cell(plan: Plan) -> None:
    carried = carry_plan(plan.fabric, plan.dataset, plan.frames)
    assert carried.assignment.tolist() == plan.assignment.tolist()
    assert carried.codes == plan.codes
    assert carried.counts["homeless"] == carried.counts["buildings_new"] == 0
    assert carried.counts["by_id"] + carried.counts["by_ground"] == plan.fabric.n_cells
    assert carried.settled.sum() == plan.fabric.households.sum()


def test_buildings_keep_their_grid_when_rows_shift(plan: Plan) -> None:
    newer = without(plan.dataset, [0, 7])
    fabric = build_fabric(newer, processes=1)
    carried = carry_plan(fabric, newer, plan.frames)
    code = np.array(carried.codes)[carried.assignment[fabric.building_cell_ix]]
    before = plan.frames.buildings.set_index("id")["grid_code"]
    assert code.tolist() == before.reindex(newer.buildings["id"]).tolist()
    assert carried.counts["buildings_gone"] == 2
    assert carried.counts["buildings_known"] == len(newer.buildings)


def test_row_numbers_are_no_ids_when_they_point_elsewhere() -> None:
    town = block_town(4, 3, per_block=6, households=25)
    old = make_plan(town, build_fabric(town, processes=1), seed=1, processes=1)
    newer = without(town, [0])
    newer.buildings["id"] = [str(row) for row in newer.buildings["row"]]
    fabric = build_fabric(newer, processes=1)
    carried = carry_plan(fabric, newer, old.frames)
    code = np.array(carried.codes)[carried.assignment[fabric.building_cell_ix]]
    before = old.frames.buildings["grid_code"].drop(index=0)
    assert (code == before.to_numpy()).mean() > 0.9


def test_new_buildings_go_with_their_ground_and_are_not_settled(plan: Plan) -> None:
    town = plan.dataset
    buildings = town.buildings.copy()
    fresh = buildings.index[3]
    buildings.loc[fresh, ["id", "households"]] = ["NEW", 60]
    newer = replace(town, buildings=buildings)
    fabric = build_fabric(newer, processes=1)
    carried = carry_plan(fabric, newer, plan.frames)
    cell = fabric.building_cell_ix[3]
    assert (
        carried.codes[carried.assignment[cell]]
        == plan.codes[plan.assignment[plan.fabric.building_cell_ix[3]]]
    )
    assert carried.counts["buildings_new"] == 1
    assert carried.settled[cell] == 0
    assert carried.settled.sum() == fabric.households.sum() - 60


def test_a_grid_stays_in_the_boundary_polygon_with_most_of_it(plan: Plan) -> None:
    # The line between the two communities moves one house to the east.
    town = plan.dataset
    boundary = town.boundary.copy()
    boundary["geometry"] = [box(0, 0, 213, 210), box(213, 0, 360, 210)]
    newer = replace(town, boundary=boundary)
    fabric = build_fabric(newer, processes=1)
    carried = carry_plan(fabric, newer, plan.frames)
    for grid in range(len(carried.codes)):
        assert len(set(fabric.boundary_ix[carried.assignment == grid].tolist())) <= 1
    assert carried.counts["across"] == carried.counts["homeless"] == len(carried.homeless) > 0
    assert {item["boundary_code"] for item in carried.homeless} <= {"B1", "B2"}
    lost = [id_ for item in carried.homeless for id_ in item["buildings"]]
    assert sum(item["households"] for item in carried.homeless) == 25 * len(lost)


def test_polygons_drawn_elsewhere_come_by_ground() -> None:
    town = block_town(4, 3)
    fabric = build_fabric(town, processes=1)
    frame = gpd.GeoDataFrame(
        {"code": [7.0, 8.0, 8.0, None]},
        geometry=[box(-9, -9, 180, 300), box(180, 0, 360, 70), box(180, 70, 360, 142), box(0, 0, 360, 210)],
        crs=WORK_CRS,
    ).to_crs("EPSG:4326")
    carried = carry_polygons(fabric, town, frame, "code")
    assert carried.codes == ("7", "8")
    x, y = shapely.get_coordinates(shapely.centroid(fabric.cells)).T - np.array([[440_000.0], [4_420_000.0]])
    expected = np.where(x < 180, 0, np.where(y < 140, 1, -1))
    assert carried.assignment.tolist() == expected.tolist()
    assert carried.counts["homeless"] == (expected < 0).sum() == len(carried.homeless)


def test_a_cell_mostly_on_bare_ground_has_no_home() -> None:
    town = dataset([box(0, 0, 100, 100)], [box(10, 10, 20, 20), box(80, 80, 90, 90)])
    fabric = build_fabric(town, processes=1)
    frame = gpd.GeoDataFrame({"c": ["a"]}, geometry=[box(0, 0, 30, 30)], crs=WORK_CRS)
    assert set(carry_polygons(fabric, town, frame, "c").assignment.tolist()) == {-1}


@pytest.mark.parametrize(
    ("column", "crs", "code", "error"),
    [
        ("grid", WORK_CRS, "a", ParameterError),
        ("geometry", WORK_CRS, "a", ParameterError),
        ("code", None, "a", CrsError),
        ("code", WORK_CRS, None, DatasetError),
    ],
)
def test_layers_that_cannot_be_used(column: str, crs: object, code: object, error: type[Exception]) -> None:
    town = dataset([box(0, 0, 100, 100)], [box(10, 10, 20, 20)])
    frame = gpd.GeoDataFrame({"code": [code]}, geometry=[box(0, 0, 100, 100)], crs=crs)
    with pytest.raises(error):
        carry_polygons(build_fabric(town, processes=1), town, frame, column)
