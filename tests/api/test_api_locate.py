from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from api import models
from gis_core.crs import from_wgs84
from tests.api.support import TestClient, assert_problem, make_client


def _inside(town: SimpleNamespace, cell_ix: int) -> tuple[float, float]:
    point = town.plan.cells.geometry.iloc[cell_ix].representative_point()
    return point.x, point.y


@pytest.mark.parametrize("cell_ix", [0, 210, 399])
def test_inside(client: TestClient, town: SimpleNamespace, cell_ix: int) -> None:
    lon, lat = _inside(town, cell_ix)
    answer = models.LocateAnswer.model_validate_json(
        client.get("/api/locate", params={"x": lon, "y": lat}).content
    )
    assert answer.status == "inside"
    assert answer.grid_code == answer.nearest_code == town.plan.cells["grid_code"].iloc[cell_ix]
    assert answer.cell_ix == cell_ix
    assert answer.grid is not None
    assert answer.grid.code == answer.grid_code
    assert (answer.lon, answer.lat) == (lon, lat)
    grids = town.plan.grids.to_crs(town.dataset.work_crs)
    border = grids.set_index("code").geometry[answer.grid_code].exterior
    here = shapely.transform(
        shapely.points(lon, lat), lambda xy: np.column_stack(_to_work(town, xy)), interleaved=True
    )
    assert answer.border_m == pytest.approx(shapely.distance(border, here), rel=0.002, abs=0.05)


def _to_work(town: SimpleNamespace, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return from_wgs84(xy[:, 0], xy[:, 1], f"EPSG:{town.dataset.work_crs.to_epsg()}")


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:32650"])
def test_each_system_finds_the_same_grid(client: TestClient, town: SimpleNamespace, crs: str) -> None:
    lon, lat = _inside(town, 137)
    x, y = (float(value) for value in from_wgs84(lon, lat, crs))
    answer = client.get("/api/locate", params={"x": x, "y": y, "crs": crs}).json()
    assert answer["cell_ix"] == 137
    assert answer["crs"] == crs
    assert (answer["lon"], answer["lat"]) == pytest.approx((lon, lat), abs=1e-7)


def test_a_corner_of_grids_belongs_to_the_lowest_code(client: TestClient, town: SimpleNamespace) -> None:
    grids = town.plan.grids
    corners = shapely.get_coordinates(np.asarray(grids.geometry.array))
    unique, counts = np.unique(corners, axis=0, return_counts=True)
    x, y = unique[counts.argmax()]
    touching = grids["code"][shapely.intersects_xy(np.asarray(grids.geometry.array), x, y)]
    assert len(touching) > 2
    answer = client.get("/api/locate", params={"x": repr(float(x)), "y": repr(float(y))}).json()
    assert answer["status"] == "on_border"
    assert answer["grid_code"] == min(touching)
    assert answer["border_m"] == 0.0
    assert town.plan.cells["grid_code"].iloc[answer["cell_ix"]] == answer["grid_code"]


def test_outside_is_an_answer(client: TestClient, town: SimpleNamespace) -> None:
    west, south, _, _ = town.plan.grids.total_bounds
    answer = client.get("/api/locate", params={"x": west - 0.001, "y": south}).json()
    models.LocateAnswer.model_validate(answer)
    assert answer["status"] == "outside"
    assert answer["grid_code"] is answer["cell_ix"] is answer["grid"] is None
    assert answer["nearest_code"] in set(town.plan.grids["code"])
    assert 60 < answer["border_m"] < 110


def test_radius_gives_candidates(client: TestClient, town: SimpleNamespace) -> None:
    lon, lat = _inside(town, 84)
    assert "candidates" not in client.get("/api/locate", params={"x": lon, "y": lat}).json()
    answer = client.get("/api/locate", params={"x": lon, "y": lat, "radius": 60}).json()
    shares = [candidate["share"] for candidate in answer["candidates"]]
    assert len(shares) > 1
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0, abs=0.01)


def test_many_points_in_their_order(client: TestClient, town: SimpleNamespace) -> None:
    cells = [399, 3, 250, 3]
    points = [list(_inside(town, ix)) for ix in cells] + [[0.0, 0.0], [1000.0, 0.0]]
    answer = client.post("/api/locate", json={"points": points, "plan": 1})
    bulk = models.BulkAnswer.model_validate_json(answer.content)
    codes = town.plan.cells["grid_code"]
    assert [row.grid_code for row in bulk.results] == [*(codes.iloc[ix] for ix in cells), None, None]
    assert [row.status for row in bulk.results[4:]] == ["outside", "no_position"]
    assert bulk.results[5].lon is None
    alone = client.get("/api/locate", params={"x": points[2][0], "y": points[2][1]}).json()
    assert {key: alone[key] for key in answer.json()["results"][2]} == answer.json()["results"][2]


def test_no_points_no_results(client: TestClient) -> None:
    assert client.post("/api/locate", json={"points": []}).json()["results"] == []


@pytest.mark.parametrize(
    ("query", "status", "code", "says"),
    [
        ("y=39.9", 400, "bad-parameter", "query.x"),
        ("x=a&y=39.9", 400, "bad-parameter", "query.x"),
        ("x=nan&y=39.9", 400, "bad-parameter", "query.x"),
        ("x=inf&y=39.9", 400, "bad-parameter", "query.x"),
        ("x=1&y=100", 400, "bad-parameter", "no position"),
        ("x=1&y=2&crs=mars", 400, "bad-crs", "mars"),
        ("x=1&y=2&crs=EPSG:999999", 400, "bad-crs", "999999"),
        ("x=1&y=2&plan=99", 404, "not-found", "99"),
        ("x=1&y=2&radius=-1", 400, "bad-parameter", "query.radius"),
    ],
)
def test_bad_queries(client: TestClient, query: str, status: int, code: str, says: str) -> None:
    assert_problem(client.get(f"/api/locate?{query}"), status, code, says=says)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"points": 1}', b'{"points": [[1]]}', b'{"points": [[1, 2, 3]]}', b'{"points": [["a", 2]]}',
     b'{"points": [[1, 2], [3]]}', b'{"points": [[1, null]]}', b'{"points": [[1, NaN]]}', b'{"points": [[[1, 2]]]}',
     b'{"points": [[1, 2]], "radius": -1}', b'{"points": [[1, 2]], "extra": 1}'],
)  # fmt: skip
def test_bad_bodies(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/locate", content=body, headers={"content-type": "application/json"})
    assert assert_problem(answer, 400, "bad-parameter").errors


def test_too_many_points(town: SimpleNamespace) -> None:
    with make_client(town.store, max_points=3) as client:
        assert client.post("/api/locate", json={"points": [[0, 0]] * 3}).status_code == 200
        answer = client.post("/api/locate", json={"points": [[0, 0]] * 4})
        assert_problem(answer, 400, "bad-parameter", says="at most 3")


def test_without_a_plan_the_one_in_force_answers(own_town: SimpleNamespace) -> None:
    store = own_town.store
    draft = store.branch_plan(1, name="草案")
    x, y = store.layer(1, "cells").geometry.iloc[0].representative_point().coords[0]
    with make_client(store) as client:
        ask = {"x": x, "y": y}
        assert client.get("/api/locate", params=ask).json()["plan"] == draft
        store.publish_plan(1, expected_revision=0, except_=["without_staff", "out_of_bounds"])
        assert client.get("/api/locate", params=ask).json()["plan"] == 1
