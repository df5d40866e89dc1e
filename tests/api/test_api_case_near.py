"""What the answer about a case says besides: who can be sent, what is near, whose it may be; on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from api import incident_models as models
from gis_core.plan.edit import Change
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
    return town


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


def test_a_border_case_names_who_is_at_both_sides(client: TestClient, town: SimpleNamespace) -> None:
    case = report(client, town, 210, accuracy_m=800)
    assert case.grid_code is None
    assert len(case.candidates) >= 2
    assert abs(case.candidates[0].share) >= abs(case.candidates[1].share) > 0
    assert {one.name for one in case.staff} == {"张三"}
