"""Whose grid it was then, and who was on duty: two plans in force one after the other, on both stores."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from api import models
from tests.api.support import TestClient, assert_problem, make_client

EXCEPT = ["without_staff", "out_of_bounds", "unnamed"]
MAY, JULY = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
BEFORE, EARLY, LATE = "2026-04-30", "2026-06-01T12:00:00+08:00", "2026-08-03T10:00:00+08:00"
EVENING = "2026-08-03T20:00:00+08:00"
WORKER = {"name": "王芳", "role": "网格员", "phone": "1", "hours": "周一至周五 8:30-17:30", "deputy": "李明"}
DEPUTY = {"name": "李明", "role": "网格员", "phone": "2", "hours": "全天", "deputy": True}


@pytest.fixture(scope="module")
def times(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    """A plan from May, and from July one in which a cell at the border changed hands, with staff."""
    store = town_in_each_own_store.store
    first = store.branch_plan(1, name="May")
    store.publish_plan(first, expected_revision=0, valid_from=MAY, except_=EXCEPT)
    then = store.branch_plan(first, name="July")
    cell, grid = _movable(store, then)
    changes = [(f"grid/{grid}/staff", [WORKER, DEPUTY])]
    store.add_edit(
        then, expected_revision=0, who="", kind="move", cell_ix=[cell], grid_ix=[grid], changes=changes
    )
    store.publish_plan(then, expected_revision=1, valid_from=JULY, except_=EXCEPT)
    point = store.layer(1, "cells").geometry.iloc[cell].representative_point()
    codes = {row.grid_ix: row.code for row in store.plan_state(then).grids}
    return SimpleNamespace(
        store=store, x=point.x, y=point.y, cell=cell, plans={EARLY: first, LATE: then},
        codes={EARLY: codes[int(store.assignment(first)[cell])], LATE: codes[grid]},
    )  # fmt: skip


def _movable(store, plan_id: int) -> tuple[int, int]:
    """Find a cell and a grid beside it that may take it, so that both stay whole."""
    graph, owner = store.graph(1), store.assignment(plan_id)
    area = {row.grid_ix: row.boundary_code for row in store.plan_state(plan_id).grids}
    for cell in range(len(owner)):
        around = graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]
        own = np.count_nonzero(owner[around] == owner[cell])
        for other in sorted(set(owner[around].tolist()) - {int(owner[cell])}):
            if own == len(around) - 1 and area[other] == area[int(owner[cell])]:
                return cell, other
    raise AssertionError("no cell can change hands")


@pytest.fixture
def asking(times: SimpleNamespace):
    with make_client(times.store) as client:
        yield client


@pytest.mark.parametrize("at", [EARLY, LATE])
@pytest.mark.parametrize("plan", [None, 1])
def test_every_way_to_ask_answers_for_the_time(
    asking: TestClient, times: SimpleNamespace, at: str, plan: int | None
) -> None:
    query = {"x": times.x, "y": times.y, "at": at} | ({} if plan is None else {"plan": plan})
    expected = (times.codes[at], times.plans[at])
    one = models.LocateAnswer.model_validate_json(asking.get("/api/locate", params=query).content)
    assert (one.grid_code, one.plan, one.cell_ix) == (*expected, times.cell)
    assert one.grid is not None and one.grid.code == one.grid_code
    quick = asking.get("/api/locate/grid", params=query).json()
    assert (quick["grid_code"], quick["plan"]) == expected
    body = {"points": [[times.x, times.y], [0, 0]], "at": at} | ({} if plan is None else {"plan": plan})
    many = models.BulkAnswer.model_validate_json(asking.post("/api/locate", json=body).content)
    assert (many.results[0].grid_code, many.results[0].plan) == expected
    assert many.results[1].plan is None
    table = asking.post(
        "/api/locate/table",
        params={key: query[key] for key in ("at", "plan") if key in query},
        content=f"x,y\n{times.x!r},{times.y!r}\n",
        headers={"content-type": "text/csv"},
    )
    read = pyarrow.csv.ConvertOptions(column_types={"grid_code": pa.string()})
    assert (
        pyarrow.csv.read_csv(io.BytesIO(table.content), convert_options=read)["grid_code"][0].as_py()
        == expected[0]
    )


def test_without_a_time_what_is_in_force_now_answers(asking: TestClient, times: SimpleNamespace) -> None:
    for path in ("/api/locate", "/api/locate/grid"):
        answer = asking.get(path, params={"x": times.x, "y": times.y}).json()
        assert (answer["grid_code"], answer["plan"]) == (times.codes[LATE], times.plans[LATE])
    old = asking.get("/api/locate", params={"x": times.x, "y": times.y, "plan": times.plans[EARLY]}).json()
    assert old["grid_code"] == times.codes[EARLY]


@pytest.mark.parametrize(
    ("at", "status", "code"), [(BEFORE, 404, "not-found"), ("then", 400, "bad-parameter")]
)
def test_times_that_have_no_answer(
    asking: TestClient, times: SimpleNamespace, at: str, status: int, code: str
) -> None:
    query = {"x": times.x, "y": times.y, "at": at}
    for path in ("/api/locate", "/api/locate/grid"):
        assert_problem(asking.get(path, params=query), status, code)
    assert_problem(asking.post("/api/locate", json={"points": [[1, 2]], "at": at}), status, code)
    table = {"content": "x,y\n1,2\n", "headers": {"content-type": "text/csv"}}
    assert_problem(asking.post("/api/locate/table", params={"at": at}, **table), status, code)


def test_who_is_on_duty_then(asking: TestClient, times: SimpleNamespace) -> None:
    query = {"x": times.x, "y": times.y, "staff": 5}
    day = models.LocateAnswer.model_validate_json(
        asking.get("/api/locate", params={**query, "at": LATE}).content
    )
    assert day.staff is not None
    (worker,) = day.staff
    assert (worker.name, worker.duty, worker.metres, worker.grid_code) == ("王芳", "on", 0, times.codes[LATE])
    assert worker.until == "2026-08-03T17:30:00+08:00"
    assert worker.deputy is not None and worker.deputy.phone == "2"
    (evening,) = asking.get("/api/locate", params={**query, "at": EVENING}).json()["staff"]
    assert (evening["name"], evening["stands_in_for"], evening["phone"]) == ("李明", "王芳", "2")
    assert asking.get("/api/locate", params={**query, "at": EARLY}).json()["staff"] == []
    assert "staff" not in asking.get("/api/locate", params={"x": times.x, "y": times.y}).json()
    assert_problem(asking.get("/api/locate", params={**query, "staff": 0}), 400, "bad-parameter")
