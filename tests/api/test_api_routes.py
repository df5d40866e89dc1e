from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from pydantic import TypeAdapter

from api import models
from api.schema import openapi_text
from tests.api.support import TestClient, assert_problem


@pytest.fixture
def town(town_in_each_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_store


def test_health(client: TestClient, town: SimpleNamespace) -> None:
    answer = models.Health.model_validate_json(client.get("/healthz").content)
    assert answer.store == town.store.kind


def test_datasets(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get("/api/datasets")
    (row,) = TypeAdapter(list[models.Dataset]).validate_json(answer.content)
    assert row.counts["buildings"] == len(town.dataset.buildings)
    assert row.attribution == town.dataset.attribution
    assert row.imported_at.utcoffset() is not None
    assert client.get(f"/api/datasets/{row.id}").json() == answer.json()[0]
    assert client.get("/api/datasets?offset=1").json() == []


@pytest.mark.parametrize(
    "layer", ["areas", "buildings", "streets", "barriers", "facilities", "water", "green", "cells"]
)
def test_layer_page(client: TestClient, town: SimpleNamespace, layer: str) -> None:
    answer = client.get(f"/api/datasets/1/layers/{layer}", params={"limit": 5})
    assert answer.headers["content-type"] == "application/geo+json"
    page = models.FeaturePage.model_validate_json(answer.content)
    frame = town.store.layer(1, layer)
    assert page.numberMatched == len(frame)
    assert page.numberReturned == len(page.features) == min(5, len(frame))
    shape = shapely.from_geojson(answer.text)
    assert shapely.hausdorff_distance(shape.geoms[0], frame.geometry.iloc[0]) < 1e-8


def test_pages_follow_each_other(client: TestClient) -> None:
    path = "/api/datasets/1/layers/buildings"
    pages = [client.get(path, params={"limit": 150, "offset": offset}).json() for offset in (0, 150, 300)]
    ids = [feature["properties"]["id"] for page in pages for feature in page["features"]]
    assert [page["numberReturned"] for page in pages] == [150, 150, 100]
    assert len(set(ids)) == len(ids) == 400


def test_layer_in_a_box(client: TestClient, town: SimpleNamespace) -> None:
    west, south, east, north = town.store.layer(1, "cells").iloc[0].geometry.bounds
    box = f"{west},{south},{east},{north}"
    page = client.get("/api/datasets/1/layers/cells", params={"bbox": box}).json()
    assert 1 < page["numberMatched"] < 10
    assert page["features"][0]["properties"]["cell_ix"] == 0


def test_plans(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get("/api/plans")
    (plan,) = TypeAdapter(list[models.Plan]).validate_json(answer.content)
    assert plan.n_grids == len(town.plan.grids)
    assert plan.bounds == (300, 500)
    detail = models.PlanDetail.model_validate_json(client.get(f"/api/plans/{plan.id}").content)
    assert detail.report == town.plan.report
    assert [area.name for area in detail.boundaries] == list(town.dataset.boundary["name"])
    assert sum(area.n_grids for area in detail.boundaries) == plan.n_grids
    assert sum(area.households for area in detail.boundaries) == plan.households


def test_grids(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get("/api/plans/1/grids")
    grids = models.GridCollection.model_validate_json(answer.content)
    assert [grid.properties.code for grid in grids.features] == list(town.plan.grids["code"])
    assert [grid.properties.households for grid in grids.features] == town.plan.grids["households"].tolist()
    for grid in grids.features:
        assert grid.properties.in_bounds == (300 <= grid.properties.households <= 500)
    names = dict(zip(town.dataset.boundary["code"], town.dataset.boundary["name"], strict=True))
    assert all(
        grid.properties.boundary_name == names[grid.properties.boundary_code] for grid in grids.features
    )
    shapes = np.array(shapely.from_geojson(answer.text).geoms)
    assert shapely.coverage_is_valid(shapes)
    assert all(shapely.is_ccw(shape.exterior) for shape in shapes)
    labels = shapely.points([grid.properties.label for grid in grids.features])
    assert shapely.contains(shapes, labels).all()
    colours = np.array([grid.properties.colour for grid in grids.features])
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    apart = pairs[:, pairs[0] != pairs[1]]
    # Grids that touch in a point only may have the same colour.
    apart = apart[:, shapely.length(shapely.intersection(shapes[apart[0]], shapes[apart[1]])) > 0]
    assert apart.shape[1] > 0
    assert (colours[apart[0]] != colours[apart[1]]).all()


@pytest.mark.parametrize("cell_ix", [0, 137, 399])
def test_cell(client: TestClient, town: SimpleNamespace, cell_ix: int) -> None:
    cell = models.CellDetail.model_validate_json(client.get(f"/api/plans/1/cells/{cell_ix}").content)
    assert cell.households == town.fabric.households[cell_ix]
    assert cell.area_m2 == pytest.approx(shapely.area(town.fabric.cells[cell_ix]), abs=0.01)
    assert cell.grid is not None
    assert cell.grid.code == town.plan.cells["grid_code"][cell_ix]
    (building,) = cell.buildings
    assert building.id == town.dataset.buildings["id"][cell_ix]
    assert building.address == town.dataset.buildings["address"][cell_ix]


def test_search(client: TestClient, town: SimpleNamespace) -> None:
    name = town.dataset.buildings["name"][42]
    hits = TypeAdapter(list[models.Hit]).validate_json(
        client.get("/api/plans/1/search", params={"q": name, "limit": 100}).content
    )
    found = [hit for hit in hits if hit.cell_ix == 42]
    assert len(found) == 1
    assert found[0].kind == "building"
    assert found[0].title == name
    assert found[0].grid_code == town.plan.cells["grid_code"][42]
    west, south, east, north = found[0].bbox or [0, 0, 0, 0]
    assert west <= (found[0].lon or 0) <= east
    assert south <= (found[0].lat or 0) <= north
    kinds = {hit["kind"] for hit in client.get("/api/plans/1/search?q=和平路&limit=100").json()}
    assert {"building", "street"} <= kinds


def test_search_for_nothing_finds_nothing(client: TestClient) -> None:
    assert client.get("/api/plans/1/search", params={"q": "  "}).json() == []
    assert client.get("/api/plans/1/search", params={"q": "没有这个地方"}).json() == []


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        ("/api/datasets/99", 404, "not-found", "99"),
        ("/api/datasets/99/base.bin", 404, "not-found", "99"),
        ("/api/datasets/99/layers/cells", 404, "not-found", "99"),
        ("/api/datasets/1/layers/roofs", 400, "bad-parameter", "path.layer"),
        ("/api/datasets/1/layers/cells?bbox=1,2,3", 400, "bad-parameter", "four numbers"),
        ("/api/datasets/1/layers/cells?bbox=1,2,3,x", 400, "bad-parameter", "four numbers"),
        ("/api/datasets/1/layers/cells?bbox=1,2,nan,4", 400, "bad-parameter", "finite"),
        ("/api/datasets/1/layers/cells?bbox=3,2,1,4", 400, "bad-parameter", "west <= east"),
        ("/api/datasets/1/layers/cells?limit=0", 400, "bad-parameter", "query.limit"),
        ("/api/datasets/1/layers/cells?offset=-1", 400, "bad-parameter", "query.offset"),
        ("/api/datasets/0", 400, "bad-parameter", "path.dataset_id"),
        ("/api/plans/99", 404, "not-found", "99"),
        ("/api/plans/99/grids", 404, "not-found", "99"),
        ("/api/plans/99/cells.bin", 404, "not-found", "99"),
        ("/api/plans/99/cells/0", 404, "not-found", "99"),
        ("/api/plans/99/search?q=x", 404, "not-found", "99"),
        ("/api/plans/99/export", 404, "not-found", "99"),
        ("/api/plans/1/cells/400", 404, "not-found", "0 to 399"),
        ("/api/plans/1/cells/-1", 400, "bad-parameter", "path.cell_ix"),
        ("/api/plans/one", 400, "bad-parameter", "path.plan_id"),
        ("/api/plans/99999999999999999999", 400, "bad-parameter", "path.plan_id"),
        ("/api/plans/1/search", 400, "bad-parameter", "query.q"),
        ("/api/plans/1/export?format=dwg", 400, "bad-parameter", "query.format"),
        ("/api/plans/1/export?layer=roofs", 400, "bad-parameter", "query.layer"),
        ("/api/nothing", 404, "not-found", "/api/nothing"),
        ("/nothing%0d%0aX-Bad:1", 404, "not-found", ""),
        ("/assets/../api/app.py", 404, "not-found", ""),
        ("/assets/%2e%2e/%2e%2e/pyproject.toml", 404, "not-found", ""),
        ("/docs", 404, "not-found", ""),
        ("/redoc", 404, "not-found", ""),
    ],
)
def test_what_is_wrong_is_a_problem(client: TestClient, path: str, status: int, code: str, says: str) -> None:
    problem = assert_problem(client.get(path), status, code, says=says)
    if "." in says and " " not in says:
        assert problem.errors[0].where == says


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/plans/1"), ("DELETE", "/healthz"), ("PUT", "/")])
def test_wrong_method(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert_problem(answer, 405, "method-not-allowed", says=method)
    assert "GET" in answer.headers["allow"]


def test_committed_schema_is_that_of_the_app(client: TestClient) -> None:
    from pathlib import Path

    committed = Path(__file__).parents[2] / "api" / "openapi.json"
    assert committed.read_text(encoding="utf-8") == openapi_text(), "run scripts/build_openapi"
    paths = client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        kinds = {"application/problem+json"}
        if path.startswith("/open311/"):
            kinds = {"text/xml", "application/json"}
        for operation in operations.values():
            assert set(operation["responses"]["default"]["content"]) == kinds, path
            assert "422" not in operation["responses"]
