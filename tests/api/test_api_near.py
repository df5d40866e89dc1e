"""What is near a place, and what facilities cover, over HTTP."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import TypeAdapter

from api import models
from tests.api.support import TestClient, assert_problem


@pytest.fixture(scope="module")
def town(town_in_each_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_store


def place_of_cell(town: SimpleNamespace, cell_ix: int) -> tuple[float, float]:
    point = town.store.layer(town.dataset_id, "cells").geometry.iloc[cell_ix].centroid
    return point.x, point.y


def test_the_locate_answer_names_what_is_near(client: TestClient, town: SimpleNamespace) -> None:
    x, y = place_of_cell(town, 42)
    query = {"x": x, "y": y, "near": "all", "near_count": 3}
    answer = models.LocateAnswer.model_validate_json(client.get("/api/locate", params=query).content)
    assert answer.grid_code == town.plan.cells["grid_code"][42]
    assert answer.near
    known = set(town.dataset.facilities["category"])
    assert {one.category for one in answer.near} == known
    for one in answer.near:
        assert one.road_m is None or one.road_m >= one.air_m - 0.2
        assert (one.minutes is None) == (one.road_m is None)
    assert "near" not in client.get("/api/locate", params={"x": x, "y": y}).json()
    category = sorted(known)[0]
    picked = client.get("/api/locate", params={"x": x, "y": y, "near": category}).json()["near"]
    assert [one["category"] for one in picked] == [category]
    assert picked[0] == next(
        one for one in client.get("/api/locate", params=query).json()["near"] if one["category"] == category
    )


def test_service_areas_add_up(client: TestClient, town: SimpleNamespace) -> None:
    category = str(town.dataset.facilities["category"].iloc[0])
    path = f"/api/plans/{town.plan_id}/service-areas"
    reply = client.get(path, params={"category": category, "minutes": "1,5,60"})
    areas = TypeAdapter(models.ServiceAreas).validate_json(reply.content)
    n_cells = len(town.fabric.cells)
    assert len(areas.facility) == len(areas.metres) == n_cells
    households = town.fabric.households
    for one in areas.facilities:
        mine = np.array(areas.facility) == one.facility
        near = np.array(areas.metres) <= 60 * 80
        assert one.households[2] == households[mine & near & (np.array(areas.metres) >= 0)].sum()
        assert one.cells == sorted(one.cells)
    assert (
        sum(one.households[-1] for one in areas.facilities) + areas.beyond.households[0] == households.sum()
    )
    tag = {"If-None-Match": reply.headers["ETag"]}
    assert (
        client.get(path, params={"category": category, "minutes": "1,5,60"}, headers=tag).status_code == 304
    )


@pytest.mark.parametrize("minutes", ["", "x", "5,5", "10,5", "-1", "nan", "1,2,3,4,5,6,7", "1e9"])
def test_minutes_that_make_no_sense(client: TestClient, town: SimpleNamespace, minutes: str) -> None:
    query = {"category": str(town.dataset.facilities["category"].iloc[0]), "minutes": minutes}
    assert_problem(client.get(f"/api/plans/{town.plan_id}/service-areas", params=query), 400, "bad-parameter")


def test_a_category_that_is_not_there(client: TestClient, town: SimpleNamespace) -> None:
    assert_problem(client.get(f"/api/plans/{town.plan_id}/service-areas?category=zoo"), 404, "not-found")
    assert_problem(client.get("/api/locate?x=116.4&y=39.9&near=zoo"), 404, "not-found")
