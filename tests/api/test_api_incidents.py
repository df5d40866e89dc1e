"""Cases over HTTP, on both stores: reported, moved on, returned to whom the rules name next, never lost."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from api import incident_models as models
from tests.api.support import TestClient, assert_problem, make_client


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_own_store


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        client.headers["X-Wangge-Who"] = "%E7%8E%8B%E4%BA%94"
        yield client


def place(town: SimpleNamespace, cell_ix: int) -> dict[str, float]:
    point = town.plan.cells.geometry.iloc[cell_ix].representative_point()
    return {"x": point.x, "y": point.y}


def report(
    client: TestClient, town: SimpleNamespace, cell_ix: int = 210, **more: object
) -> models.IncidentDetail:
    body = {**place(town, cell_ix), "category": "漏水", "words": f"{cell_ix}号楼漏水", **more}
    answer = client.post("/api/incidents", json=body)
    assert answer.status_code == 201, answer.text
    return models.IncidentDetail.model_validate_json(answer.content)


def step(client: TestClient, case: int, kind: str, **more: object) -> models.IncidentDetail:
    answer = client.post(f"/api/incidents/{case}/steps", json={"kind": kind, **more})
    assert answer.status_code == 200, answer.text
    return models.IncidentDetail.model_validate_json(answer.content)


def test_a_case_runs_its_course(client: TestClient, town: SimpleNamespace) -> None:
    case = report(client, town)
    grid = town.plan.cells["grid_code"].iloc[210]
    assert (case.grid_code, case.step, case.duty.unit) == (grid, 1, grid)
    assert "it lies in the grid" in case.duty.because
    assert set(case.allowed) == {"verify", "cancel", "link", "note"}
    for kind in ("verify", "open", "dispatch", "accept"):
        case = step(client, case.id, kind)
    assert (case.unit, case.clock, case.overdue, case.step) == (grid, "running", False, 4)
    case = step(client, case.id, "return", why="不归我管")
    assert case.unit == town.plan.grids.set_index("code")["boundary_code"][grid]
    case = step(client, case.id, "accept")
    case = step(client, case.id, "done", where="phone")
    case = step(client, case.id, "check", passed=True)
    case = step(client, case.id, "close")
    assert (case.state, case.clock, case.n_steps) == ("closed", "ended", 10)
    assert {one.who for one in case.steps} == {"王五"}
    assert case.steps[-3].where == "phone"
    listed = models.IncidentPage.model_validate_json(client.get("/api/incidents?open=false").content)
    assert listed.incidents[0].id == case.id
    assert client.get("/api/incidents", params={"grid": grid, "state": "closed"}).json()["total"] == 1


def test_near_a_border_it_asks_and_does_not_guess(client: TestClient, town: SimpleNamespace) -> None:
    case = report(client, town, accuracy_m=800)
    assert case.grid_code is None
    assert len(case.candidates) > 1
    assert "Nobody" in case.duty.because
    step(client, case.id, "verify")
    step(client, case.id, "open")
    assert_problem(
        client.post(f"/api/incidents/{case.id}/steps", json={"kind": "dispatch"}),
        400,
        "bad-parameter",
        says="Name the unit",
    )
    chosen = case.candidates[1].code
    case = step(client, case.id, "dispatch", grid=chosen)
    assert (case.grid_code, case.unit) == (chosen, chosen)
    wrong = {"kind": "note", "grid": "no-such-grid"}
    assert_problem(client.post(f"/api/incidents/{case.id}/steps", json=wrong), 404, "not-found")


def test_rules_say_whose_it_is_and_until_when(client: TestClient, town: SimpleNamespace) -> None:
    rules = {
        "deadlines": [
            {"category": "井盖", "accept_minutes": 5, "handle_minutes": 30, "around_the_clock": True}
        ],
        "duty": {"rules": [{"name": "井盖", "unit": "自来水公司", "assets": ["manhole"]}]},
    }
    put = client.put("/api/dispatch/rules", json=rules)
    assert put.status_code == 200, put.text
    assert (
        models.RulesBody.model_validate_json(client.get("/api/dispatch/rules").content).duty == rules["duty"]
    )
    case = report(client, town, category="井盖", asset="manhole")
    assert (case.duty.unit, case.duty.rule) == ("自来水公司", "井盖")
    for kind in ("verify", "open", "dispatch"):
        case = step(client, case.id, kind)
    assert case.due_at is not None
    assert case.dispatched_at is not None
    assert (case.due_at - case.dispatched_at).total_seconds() == 1800
    assert_problem(
        client.put("/api/dispatch/rules", json={"duty": {"rules": [{"name": "x"}]}}), 400, "bad-parameter"
    )
    assert client.put("/api/dispatch/rules", json={}).status_code == 200


def test_what_may_be_the_same_is_proposed_and_linked(client: TestClient, town: SimpleNamespace) -> None:
    first = report(client, town, 33, category="井盖", words="花园路井盖松动响声很大")
    again = report(client, town, 33, category="井盖", words="花园路井盖松动")
    assert [one.id for one in again.duplicates] == [first.id]
    linked = step(client, again.id, "link", other=first.id)
    assert (linked.state, linked.duplicate_of) == ("duplicate", first.id)
    assert step(client, again.id, "unlink", why="另一处").state == "reported"


def test_what_is_sent_twice_counts_once(client: TestClient, town: SimpleNamespace) -> None:
    first = report(client, town, key="abc")
    assert report(client, town, key="abc").id == first.id
    step(client, first.id, "verify", key="s")
    assert step(client, first.id, "verify", key="s").n_steps == 2
    stale = {"kind": "open", "seen": 1}
    assert_problem(
        client.post(f"/api/incidents/{first.id}/steps", json=stale), 409, "conflict", says="moved on"
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "done"}, 409, "conflict"),
        ({"kind": "report"}, 409, "conflict"),
        ({"kind": "cancel"}, 400, "bad-parameter"),
        ({"kind": "fly"}, 400, "bad-parameter"),
        ({"kind": "note", "to": "\x00"}, 400, "bad-parameter"),
        ({"kind": "note", "why": "\x00"}, 400, "bad-parameter"),
        ({"kind": "link", "other": 999999}, 400, "bad-parameter"),
    ],
)
def test_steps_that_cannot_be(
    client: TestClient, town: SimpleNamespace, body: dict, status: int, code: str
) -> None:
    case = report(client, town)
    assert_problem(client.post(f"/api/incidents/{case.id}/steps", json=body), status, code)
    assert client.get(f"/api/incidents/{case.id}").json()["n_steps"] == 1


def test_reports_that_cannot_be(client: TestClient) -> None:
    assert_problem(client.post("/api/incidents", json={"x": 1}), 400, "bad-parameter")
    assert_problem(
        client.post("/api/incidents", json={"x": 999, "y": 1, "category": "a"}), 400, "bad-parameter"
    )
    assert_problem(client.get("/api/incidents/999999"), 404, "not-found")
    far = client.post("/api/incidents", json={"x": 0, "y": 0, "category": "a"}).json()
    assert (far["grid_code"], far["candidates"], far["details"]["status"]) == (None, [], "outside")
