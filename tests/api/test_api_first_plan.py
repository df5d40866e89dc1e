"""From data without a plan to the first one: the draft without grids, its polygons, the proposal that fills it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.api.support import assert_problem
from tests.api.test_api_jobs import wait_for


@pytest.fixture
def town(own_town: SimpleNamespace) -> SimpleNamespace:
    """A town that a test may change."""
    return own_town


def test_boundary_polygons_are_listed_with_what_lies_in_them(client, town):
    rows = client.get(f"/api/datasets/{town.dataset_id}/boundaries").json()
    assert [row["code"] for row in rows] == town.dataset.boundary["code"].tolist()
    assert sum(row["households"] for row in rows) == int(town.fabric.households.sum())
    assert sum(row["n_cells"] for row in rows) == town.fabric.n_cells
    assert_problem(client.get("/api/datasets/999/boundaries"), 404, "not-found")


def test_every_question_about_a_draft_without_grids_is_answered(client, town):
    begun = client.post(f"/api/datasets/{town.dataset_id}/plans", json={"name": "第一", "bounds": [120, 200]})
    assert begun.status_code == 201
    plan = begun.json()
    assert begun.headers["location"] == f"/api/plans/{plan['id']}"
    assert (plan["state"], plan["n_grids"], plan["bounds"], plan["name"]) == ("draft", 0, [120, 200], "第一")
    assert plan["bbox"] is not None
    at = f"/api/plans/{plan['id']}"
    detail = client.get(at).json()
    assert all(row["n_grids"] == 0 for row in detail["boundaries"])
    assert client.get(f"{at}/grids").json()["features"] == []
    assert client.get(f"{at}/state").json()["grids"] == []
    assert client.get(f"{at}/checks").json()["publishable"] is False
    assert client.get(f"{at}/cells/0").json()["grid"] is None
    paths = ["cells.bin", "in-force", "search?q=1", "edits", "export?format=geojson&layer=grids"]
    paths += [
        "export?format=gpkg",
        "export?format=csv&layer=grids",
        "export?format=xlsx",
        f"compare?with={town.plan_id}",
    ]
    for path in paths:
        assert client.get(f"{at}/{path}").status_code == 200, path
    # Nothing is near a place where no grid is.
    assert_problem(client.get(f"/api/locate?x=0&y=0&plan={plan['id']}"), 422, "bad-dataset")


def test_its_grids_come_from_a_job(client, town):
    name = {"name": "a", "bounds": [120, 200]}
    plan = client.post(f"/api/datasets/{town.dataset_id}/plans", json=name).json()
    at = f"/api/plans/{plan['id']}"
    job = client.post(f"{at}/solve", json={}).json()["job"]
    ended = wait_for(lambda: (row := client.get(f"/api/jobs/{job}").json())["state"] != "running" and row)
    assert ended["state"] == "done", ended["error"]
    found = ended["result"]
    assert found["moved"] == 0
    assert len(found["cells"]) == town.fabric.n_cells
    edit = {name: found[name] for name in ("cells", "grids", "changes")} | {"kind": "partition"}
    answer = client.patch(f"{at}/assignment", json=edit, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    assert client.get(at).json()["n_grids"] == found["in_bounds"]["grids"] == len(found["changes"])
    assert client.get(f"{at}/suggest").status_code == 405
    assert not [item for item in client.get(f"{at}/checks").json()["items"] if item["kind"] == "unassigned"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": ""}, "name"),
        ({"name": "a", "bounds": [500, 300]}, "bounds"),
        ({"name": "a", "bounds": [-1, 300]}, "bounds"),
        ({}, "name"),
    ],
)
def test_what_cannot_be_a_plan_is_refused(client, town, body, says):
    answer = client.post(f"/api/datasets/{town.dataset_id}/plans", json=body)
    assert_problem(answer, 400, "bad-parameter", says=says)
    assert_problem(client.post("/api/datasets/999/plans", json={"name": "a"}), 404, "not-found")
