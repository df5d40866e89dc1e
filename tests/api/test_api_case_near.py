"""What the answer about a case says besides: who can be sent, what is near, whose it may be; on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import geopandas as gpd
import pandas as pd
import pytest

from api import incident_models as models
from gis_core.plan.edit import Change
from gis_core.store import registers
from tests.api.support import TestClient, assert_problem, make_client


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    """The town of each store, with two people in the grid of cell 210."""
    town = town_in_each_own_store
    code = town.plan.cells["grid_code"].iloc[210]
    number = {grid.code: grid.grid_ix for grid in town.store.plan_state(town.plan_id).grids}[code]
    people = [
        {"role": "网格员", "name": "张三", "phone": "1", "hours": "24小时", "deputy": "李四"},
        {"role": "网格员", "name": "李四", "phone": "2", "deputy": True},
    ]
    town.store.add_edit(
        town.plan_id,
        expected_revision=town.store.plan(town.plan_id).revision,
        who="a",
        kind="staff",
        cell_ix=[],
        grid_ix=[],
        changes=[Change(f"grid/{number}/staff", people)],
    )
    add_registers(town)
    return town


def add_registers(town: SimpleNamespace) -> None:
    """Load the town's data again with people of a register and with manholes, in the middle of cells."""
    codes = town.plan.cells["grid_code"].astype(str)
    rows = [
        {
            "id": "1",
            "name": "张三",
            "role": "网格员",
            "grid_code": codes.iloc[210],
            "phone": "9",
            "hours": "24小时",
        },
        {"id": "2", "name": "赵六", "role": "网格员", "grid_code": codes.iloc[0], "hours": "每天0:00-24:00"},
        {"id": "3", "name": "钱七", "role": "楼栋长", "building_id": town.dataset.buildings["id"].iloc[210]},
    ]
    staff = pd.DataFrame(rows, columns=["id", "name", "role", "grid_code", "building_id", "phone", "hours"])
    points = [town.plan.cells.geometry.iloc[cell].representative_point() for cell in (210, 215, 215)]
    assets = gpd.GeoDataFrame(
        {
            "id": ["M1", "M2", "M3"],
            "category": ["井盖"] * 3,
            "owner": ["自来水公司", "电信公司", "自来水公司"],
            "name": [None] * 3,
        },
        geometry=points,
        crs=4326,
    )
    dataset = replace(town.dataset, name="registers", staff=staff.astype(object), assets=assets)
    with town.store._write() as connection:
        registers.add(connection, town.dataset_id, dataset)


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        yield client


def report(client: TestClient, town: SimpleNamespace, cell_ix: int, **more: object) -> models.IncidentDetail:
    point = town.plan.cells.geometry.iloc[cell_ix].representative_point()
    body = {"x": point.x, "y": point.y, "category": "漏水", **more}
    answer = client.post("/api/incidents", json=body)
    assert answer.status_code == 201, answer.text
    return models.IncidentDetail.model_validate_json(answer.content)


def test_who_can_be_sent_and_what_is_near(client: TestClient, town: SimpleNamespace) -> None:
    code = str(town.plan.cells["grid_code"].iloc[210])
    case = report(client, town, 210)
    (first, *_) = case.staff
    assert (first.name, first.duty, first.grid_code, first.metres) == ("张三", "on", code, 0)
    assert first.deputy is not None
    assert first.deputy.name == "李四"
    assert case.duty.because.startswith(code)
    near = models.CaseNear.model_validate_json(client.get(f"/api/incidents/{case.id}/near?count=2").content)
    assert near.staff[0].name == "张三"
    kinds = [one.category for one in near.near]
    assert near.near
    assert all(kinds.count(kind) <= 2 for kind in kinds)
    # Once the streets are read, the case itself says it.
    detail = models.IncidentDetail.model_validate_json(client.get(f"/api/incidents/{case.id}").content)
    assert detail.near is not None
    assert {one.category for one in detail.near} == set(kinds)
    helping = ("clinic", "hospital", "police", "community_centre")
    helps = [one.category in helping for one in detail.near]
    assert helps == sorted(helps, reverse=True)
    metres = [one.road_m for one in detail.near if one.road_m is not None and one.category not in helping]
    assert metres == sorted(metres)
    none = client.get(f"/api/incidents/{case.id}/near?category=no-such")
    assert_problem(none, 404, "not-found")
    assert_problem(client.get("/api/incidents/999999/near"), 404, "not-found")


def test_the_register_says_who_else_can_be_sent(client: TestClient, town: SimpleNamespace) -> None:
    people = {one.name: one for one in report(client, town, 210).staff}
    assert people["张三"].phone == "1"  # as the plan says
    assert people["钱七"].duty == "unsaid"
    assert people["钱七"].grid_code == str(town.plan.cells["grid_code"].iloc[210])
    first = report(client, town, 0).staff[0]
    assert (first.name, first.duty, first.metres) == ("赵六", "on", 0)


def test_an_asset_is_its_owners_wherever_it_lies(client: TestClient, town: SimpleNamespace) -> None:
    rule = {"name": "井盖", "unit": "{owner}", "assets": ["井盖"]}
    assert client.put("/api/dispatch/rules", json={"duty": {"rules": [rule]}}).status_code == 200
    code = str(town.plan.cells["grid_code"].iloc[210])
    try:
        for more in ({"category": "井盖"}, {"asset": "井盖"}, {"category": "破损", "asset": "M1"}):
            case = report(client, town, 210, **more)
            assert (case.duty.unit, case.details["asset_id"], case.details["asset"]) == (
                "自来水公司",
                "M1",
                "井盖",
            )
            assert case.grid_code == code
        unsure = report(client, town, 215, asset="井盖")
        assert "owner" not in unsure.details
        assert {one["owner"] for one in unsure.details["assets"]} == {"电信公司", "自来水公司"}
        assert unsure.duty.unit == unsure.grid_code
        assert report(client, town, 215, asset="M2").duty.unit == "电信公司"
        assert report(client, town, 210, asset="井盖", owner="区政府").duty.unit == "区政府"
        assert "asset" not in report(client, town, 0, category="井盖").details
    finally:
        assert client.put("/api/dispatch/rules", json={}).status_code == 200


def test_a_border_case_names_who_is_at_both_sides(client: TestClient, town: SimpleNamespace) -> None:
    case = report(client, town, 210, accuracy_m=800)
    assert case.grid_code is None
    assert len(case.candidates) >= 2
    assert abs(case.candidates[0].share) >= abs(case.candidates[1].share) > 0
    assert "张三" in {one.name for one in case.staff}
