"""Edits over HTTP: strokes, revisions, keys, locks, the log, drafts, the check list, publishing, comparing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from pydantic import TypeAdapter

from api import edit_models, models
from api.binary import decode
from gis_core.store import Store
from tests.api.support import TestClient, assert_problem, make_client


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_own_store


@pytest.fixture(scope="module")
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        yield client


@pytest.fixture
def plan(client: TestClient, town: SimpleNamespace) -> Plan:
    """A draft of its own on the town."""
    answer = client.post("/api/plans", json={"from": town.plan_id, "name": "草案"})
    return Plan(client, answer.json()["id"], town.store)


class Plan:
    """A draft behind HTTP."""

    def __init__(self, client: TestClient, number: int, store: Store) -> None:
        self.client, self.number, self.store = client, number, store
        self.path = f"/api/plans/{number}"

    @property
    def revision(self) -> int:
        return int(self.client.get(self.path).json()["revision"])

    def send(self, revision: int | None = None, who: str = "", **edit: Any) -> httpx.Response:
        headers = {"If-Match": f'"{self.revision if revision is None else revision}"'}
        if who:
            headers["X-Wangge-Who"] = who
        return self.client.patch(f"{self.path}/assignment", json={"kind": "paint", **edit}, headers=headers)

    def change(self, **paths: Any) -> httpx.Response:
        changes = [{"path": path.replace("__", "/"), "value": value} for path, value in paths.items()]
        return self.send(kind="lock", changes=changes)

    def state(self) -> dict[str, Any]:
        return self.client.get(f"{self.path}/state").json()

    def post(self, what: str, body: dict[str, Any], revision: int | None = None) -> httpx.Response:
        headers = {"If-Match": f'"{self.revision if revision is None else revision}"'}
        return self.client.post(f"{self.path}/{what}", json=body, headers=headers)


def test_a_stroke(plan: Plan, town: SimpleNamespace) -> None:
    before = plan.store.assignment(plan.number)
    cells = np.flatnonzero(before == 1)[:3].tolist()
    answer = plan.send(0, who="%E6%9D%8E%E6%A2%85", cells=cells, grids=[0, 0, 0])
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"1"'
    done = edit_models.EditAnswer.model_validate_json(answer.content)
    assert (done.revision, done.who, done.repeated) == (1, "李梅", False)
    after = plan.store.assignment(plan.number)
    assert np.flatnonzero(before != after).tolist() == cells
    households = np.bincount(after, weights=town.fabric.households)
    assert {ix: row.households for ix, row in done.grids.items()} == {0: households[0], 1: households[1]}
    assert plan.state()["revision"] == 1


def test_one_grid_for_all_and_none(plan: Plan) -> None:
    assert plan.send(cells=[0, 1, 2], grid=1).status_code == 200
    assert plan.store.assignment(plan.number)[:3].tolist() == [1, 1, 1]
    assert plan.send(cells=[0, 1], grid=-1).status_code == 200
    assert plan.store.assignment(plan.number)[:3].tolist() == [-1, -1, 1]


def test_the_map_follows(plan: Plan, client: TestClient) -> None:
    tags = [client.get(f"{plan.path}/{what}").headers["etag"] for what in ("grids", "cells.bin")]
    code = client.get(f"{plan.path}/cells/0").json()["grid"]["code"]
    first = models.GridCollection.model_validate_json(client.get(f"{plan.path}/grids").content)
    plan.send(cells=[0, 1, 2], grid=1)
    grids = client.get(f"{plan.path}/grids", headers={"if-none-match": tags[0]})
    cells = client.get(f"{plan.path}/cells.bin", headers={"if-none-match": tags[1]})
    assert (grids.status_code, cells.status_code) == (200, 200)
    meta, arrays = decode(cells.content)
    assert meta["revision"] == 1
    assert arrays["grid_ix"].tolist() == plan.store.assignment(plan.number).tolist()
    assert client.get(f"{plan.path}/cells/0").json()["grid"]["code"] != code
    then = models.GridCollection.model_validate_json(grids.content)
    assert shapely.coverage_is_valid(np.array(shapely.from_geojson(grids.text).geoms))
    moved = [a.id for a, b in zip(first.features, then.features, strict=True) if a.geometry != b.geometry]
    assert moved == [0, 1]
    labels = {
        a.id
        for a, b in zip(first.features, then.features, strict=True)
        if a.properties.label != b.properties.label
    }
    assert labels <= {0, 1}


def test_new_and_dissolved_grids(plan: Plan, client: TestClient) -> None:
    new = {"path": "grid/20", "value": {"code": "1019", "boundary_code": "101"}}
    assert plan.send(kind="new", cells=[0, 1, 2], grid=20, changes=[new]).status_code == 200
    assert client.get(f"{plan.path}/cells/0").json()["grid"]["code"] == "1019"
    own = np.flatnonzero(plan.store.assignment(plan.number) == 2).tolist()
    gone = {"path": "grid/2", "value": None}
    assert plan.send(kind="dissolve", cells=own, grid=1, changes=[gone]).status_code == 200
    grids = client.get(f"{plan.path}/grids").json()["features"]
    assert [grid["id"] for grid in grids] == [0, 1, *range(3, 21)]
    assert client.get(f"{plan.path}/cells/{own[0]}").json()["grid"]["code"] == grids[1]["properties"]["code"]
    state = edit_models.PlanState.model_validate(plan.state())
    assert [grid.grid_ix for grid in state.grids if grid.retired] == [2]
    meta, _ = decode(client.get(f"{plan.path}/cells.bin").content)
    assert len(meta["grids"]) == 21
    assert meta["grids"][20] == "1019"
    detail = client.get(plan.path).json()
    assert detail["n_grids"] == sum(area["n_grids"] for area in detail["boundaries"]) == 20


def test_attributes(plan: Plan, client: TestClient) -> None:
    person = {"role": "网格员", "name": "王芳", "phone": "139", "hours": "8-17", "deputy": "李"}
    answer = plan.change(
        grid__3__name="和平里", grid__3__colour=7, grid__3__staff=[person], grid__4__locked=True,
        lock__cell__7=True, lock__border__0__1=True, note__a1={"lon": 116.39, "lat": 39.91, "text": "门"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    state = edit_models.PlanState.model_validate(plan.state())
    third, fourth = state.grids[3:5]
    assert (third.name, third.colour, third.staff) == ("和平里", 7, [person])
    assert fourth.locked
    assert state.locked_cells == [7]
    assert state.locked_borders == [(0, 1)]
    assert state.notes == [{"id": "a1", "lon": 116.39, "lat": 39.91, "text": "门"}]
    shown = client.get(f"{plan.path}/grids").json()["features"][3]["properties"]
    assert (shown["name"], shown["colour"]) == ("和平里", 7)


def test_a_revision_is_needed(plan: Plan, client: TestClient) -> None:
    for method, what, body in (
        ("PATCH", "assignment", {"kind": "paint", "cells": [0], "grid": 1}),
        ("POST", "restore", {"revision": 0}),
        ("POST", "publish", {}),
    ):
        answer = client.request(method, f"{plan.path}/{what}", json=body)
        assert_problem(answer, 428, "revision-required", says="If-Match")
    answer = client.patch(
        f"{plan.path}/assignment", json={"kind": "paint"}, headers={"If-Match": "yesterday"}
    )
    assert_problem(answer, 400, "bad-parameter", says="If-Match")
    assert plan.revision == 0


def test_a_stale_revision_is_told_what_changed(plan: Plan) -> None:
    plan.send(0, who="Anna", cells=[0, 1], grid=1, key="first")
    plan.change(grid__3__name="x")
    problem = assert_problem(plan.send(0, cells=[5], grid=2), 412, "stale-revision")
    assert problem.revision == 2
    edits = TypeAdapter(list[edit_models.EditRow]).validate_python(problem.edits)
    assert [(edit.revision, edit.who, edit.key) for edit in edits] == [(1, "Anna", "first"), (2, "", None)]
    assert (edits[0].cells, edits[0].grids, edits[0].before) == ([0, 1], [1, 1], [0, 0])
    assert [(each.path, each.value, each.before) for each in edits[1].changes] == [
        ("grid/3/name", "x", "第4网格")
    ]
    assert plan.store.assignment(plan.number)[5] != 2 or plan.revision == 2


def test_an_edit_sent_twice_counts_once(plan: Plan) -> None:
    first = plan.send(0, cells=[0, 1], grid=1, key="k1")
    plan.send(1, cells=[2], grid=1, key="k2")
    again = plan.send(0, cells=[0, 1], grid=1, key="k1")
    assert again.status_code == 200
    assert again.json()["repeated"] is True
    assert again.json()["revision"] == first.json()["revision"] == 1
    assert plan.revision == 2
    assert_problem(plan.send(2, cells=[9], grid=1, key="k1"), 409, "conflict")


def test_many_hands_at_once(plan: Plan) -> None:
    """Who was too late gets what changed, and sends again: every stroke counts, and counts once."""

    def stroke(cell: int) -> int:
        revision = 0
        for _ in range(100):
            answer = plan.send(revision, cells=[cell], grid=1, key=f"stroke-{cell}")
            if answer.status_code == 200:
                return int(answer.json()["revision"])
            assert answer.status_code in (412, 503), answer.text
            revision = answer.json().get("revision", revision)
        raise AssertionError("never got through")

    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(stroke, range(8)))
    assert sorted(revisions) == list(range(1, 9))
    assert (plan.store.assignment(plan.number)[:8] == 1).all()


def test_undo_is_an_edit(plan: Plan, client: TestClient) -> None:
    before = plan.store.assignment(plan.number)
    plan.send(cells=[0, 1, 2], grid=1)
    plan.send(kind="undo", cells=[0, 1, 2], grids=before[:3].tolist(), undoes=1)
    assert (plan.store.assignment(plan.number) == before).all()
    log = client.get(f"{plan.path}/edits").json()
    assert [(edit["undoes"], edit["undone_by"]) for edit in log] == [(None, 2), (1, None)]


def test_the_log(plan: Plan, client: TestClient) -> None:
    for cell in range(4):
        plan.send(cells=[cell], grid=1, key=f"k{cell}")
    rows = client.get(f"{plan.path}/edits?since=1&limit=2").json()
    assert [row["revision"] for row in rows] == [2, 3]
    assert all(row["n_cells"] == 1 and "cells" not in row for row in rows)
    whole = client.get(f"{plan.path}/edits?since=3&cells=true")
    (edit,) = TypeAdapter(list[edit_models.EditRow]).validate_json(whole.content)
    assert (edit.cells, edit.grids, edit.before, edit.key) == ([3], [1], [0], "k3")
    assert client.get(f"{plan.path}/edits?since=4").json() == []


def test_restore(plan: Plan) -> None:
    before = plan.store.assignment(plan.number)
    plan.send(cells=[0, 1], grid=1)
    plan.change(grid__3__name="x")
    answer = plan.post("restore", {"revision": 0})
    assert (answer.status_code, answer.json()["revision"]) == (200, 3)
    assert (plan.store.assignment(plan.number) == before).all()
    assert plan.state()["grids"][3]["name"] == "第4网格"
    assert_problem(plan.post("restore", {"revision": 99}), 404, "not-found")


def test_what_no_plan_can_take(plan: Plan) -> None:
    for edit, says in (
        ({"cells": [400], "grids": [0]}, "400"),
        ({"cells": [-1], "grids": [0]}, "cell"),
        ({"cells": [2**70], "grids": [0]}, "cell_ix"),
        ({"cells": [0], "grids": [20]}, "20"),
        ({"cells": [0, 0], "grids": [1, 1]}, "more than once"),
        ({"cells": [0, 1], "grids": [1]}, "2 cells"),
        ({"cells": [0], "grids": [19]}, "boundary"),
        ({"changes": [{"path": "grid/1/colour", "value": 8}]}, "grid/1/colour"),
        ({"changes": [{"path": "grid/20", "value": {"code": "1010002", "boundary_code": "101"}}]}, "1010002"),
        ({"changes": [{"path": "walls/1", "value": True}]}, "walls"),
    ):
        assert_problem(plan.send(0, **edit), 422, "bad-edit", says=says)
    assert plan.revision == 0


def test_edits_of_another_form(plan: Plan) -> None:
    for edit in (
        {"cells": [0], "grids": [1], "grid": 1},
        {"cells": [0]},
        {"cells": ["0"], "grid": 1},
        {"cells": [0.5], "grid": 1},
        {"cells": [True], "grid": 1},
        {"kind": "Paint it"},
        {"kind": "paint", "key": ""},
        {"cellz": []},
        {"undoes": -1},
    ):
        assert_problem(plan.send(0, **edit), 400, "bad-parameter")


def test_locks(plan: Plan) -> None:
    plan.change(grid__4__locked=True, lock__cell__0=True)
    own = np.flatnonzero(plan.store.assignment(plan.number) == 4).tolist()
    problem = assert_problem(plan.send(cells=own[:1], grid=3), 409, "locked")
    assert (problem.grids, problem.cells, problem.borders) == ([4], [], [])
    problem = assert_problem(plan.send(cells=[0], grid=1), 409, "locked")
    assert problem.cells == [0]
    plan.change(grid__4__locked=None)
    assert plan.send(cells=own[:1], grid=3).status_code == 200


def test_drafts(plan: Plan, client: TestClient, town: SimpleNamespace) -> None:
    made = client.post(
        "/api/plans", json={"from": str(plan.number), "name": "二稿"}, headers={"X-Wangge-Who": "Anna"}
    )
    assert made.status_code == 201
    row = models.Plan.model_validate_json(made.content)
    assert (row.based_on, row.revision, row.state, row.name) == (plan.number, 0, "draft", "二稿")
    assert made.headers["location"] == f"/api/plans/{row.id}"
    path = made.headers["location"]
    assert client.patch(path, json={"name": "三稿"}).json()["name"] == "三稿"
    assert client.get(path).json()["name"] == "三稿"
    assert client.delete(path).status_code == 204
    assert_problem(client.get(path), 404, "not-found")
    assert_problem(client.delete(path), 404, "not-found")
    assert_problem(client.post("/api/plans", json={"from": 999, "name": "x"}), 404, "not-found")
    assert_problem(client.post("/api/plans", json={"name": "x"}), 400, "bad-parameter")
    assert_problem(client.patch(plan.path, json={"name": ""}), 400, "bad-parameter")


def test_publishing(plan: Plan, client: TestClient) -> None:
    checks = edit_models.Checks.model_validate_json(client.get(f"{plan.path}/checks").content)
    assert not checks.publishable
    assert {item.kind for item in checks.items} == {"without_staff"}
    problem = assert_problem(plan.post("publish", {"valid_from": "2027-01-01"}), 409, "not-publishable")
    assert {item["kind"] for item in problem.items or []} == {"without_staff"}
    assert_problem(plan.post("publish", {"except": ["in_pieces"]}), 400, "bad-parameter")
    for wrong in ("2027-01-01T00:00:00", "2027-02-30", "tomorrow", ""):
        assert_problem(plan.post("publish", {"valid_from": wrong}), 400, "bad-parameter", says="offset")
    plan.send(cells=[0], grid=-1)
    assert client.get(f"{plan.path}/checks").json()["items"][0]["kind"] == "unassigned"
    wish = {"valid_from": "2027-01-01", "except": ["without_staff", "out_of_bounds"]}
    assert_problem(plan.post("publish", wish), 409, "not-publishable")
    plan.send(cells=[0], grid=0)
    assert_problem(plan.post("publish", wish, revision=0), 412, "stale-revision")
    answer = plan.post("publish", wish)
    row = models.Plan.model_validate_json(answer.content)
    assert row.state == "published"
    assert row.valid_from is not None
    assert row.valid_from.astimezone().isoformat().startswith("2027-01-01T00:00:00")
    assert_problem(plan.send(cells=[0], grid=1), 409, "conflict")
    assert_problem(client.delete(plan.path), 409, "conflict")


def test_comparing(plan: Plan, client: TestClient, town: SimpleNamespace) -> None:
    plan.send(cells=[0, 1], grid=1)
    answer = client.get(f"/api/plans/{town.plan_id}/compare", params={"with": plan.number})
    found = edit_models.Comparison.model_validate_json(answer.content)
    assert found.households_moved == town.fabric.households[:2].sum()
    assert {building.id for building in found.buildings} == set(town.dataset.buildings["id"][:2])
    assert [(pair.from_, pair.to) for pair in found.pairs] == [("1010001", "1010002")]
    assert sorted(building.cell_to for building in found.buildings) == [0, 1]
    assert_problem(client.get(f"{plan.path}/compare?with=999"), 404, "not-found")
    assert_problem(client.get(f"{plan.path}/compare"), 400, "bad-parameter")


def test_what_is_in_force_where_a_draft_lies(own_town: SimpleNamespace) -> None:
    with make_client(own_town.store) as client:
        plan = Plan(client, own_town.plan_id, own_town.store)
        path = f"{plan.path}/in-force"
        assert client.get(path).json() == {"type": "FeatureCollection", "plans": [], "features": []}
        draft = client.post("/api/plans", json={"from": plan.number, "name": "next"}).json()["id"]
        wish = {"valid_from": None, "except": ["out_of_bounds", "unnamed", "without_staff"]}
        assert plan.post("publish", wish).status_code == 200
        answer = client.get(f"/api/plans/{draft}/in-force")
        known = {"If-None-Match": answer.headers["etag"]}
        assert client.get(f"/api/plans/{draft}/in-force", headers=known).status_code == 304
        found = models.ForceCollection.model_validate_json(answer.content)
        assert found.plans == [plan.number]
        grids = client.get(f"/api/plans/{draft}/grids").json()["features"]
        codes = {each["properties"]["code"] for each in grids}
        assert {each.properties.code for each in found.features} == codes
        assert all(each.geometry for each in found.features)
        assert_problem(client.get("/api/plans/999/in-force"), 404, "not-found")


def test_plans_that_are_not_there(client: TestClient) -> None:
    for what in ("state", "edits", "checks", "compare?with=1"):
        assert_problem(client.get(f"/api/plans/999/{what}"), 404, "not-found")


def test_names_that_no_header_should_hold(town: SimpleNamespace, plan: Plan) -> None:
    plan.send(who="%00%0A" + "x" * 500, cells=[0], grid=1)
    plan.send(who="%FF%FE", cells=[1], grid=1)
    names = [edit.who for edit in plan.store.edits(plan.number)]
    assert names == ["x" * 100, "\ufffd\ufffd"]
