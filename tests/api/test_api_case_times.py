"""A case at a border is whose the plan in force at its time says, on both stores; a later plan moves none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapely

from api.case_place import place_case, place_cases
from gis_core.errors import NotFoundError, ParameterError
from gis_core.store import Store
from tests.api.support import TestClient, make_client

EXCEPT = ["without_staff", "out_of_bounds", "unnamed"]
MAY, JUNE, JULY, AUGUST = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7, 8))


@pytest.fixture(scope="module")
def periods(town_in_each_own_store: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """A plan from May, one from July in which a cell at the border changed hands, and a server."""
    store: Store = town_in_each_own_store.store
    first = store.branch_plan(1, name="May")
    store.publish_plan(first, expected_revision=0, valid_from=MAY, except_=EXCEPT)
    second = store.branch_plan(first, name="July")
    cell, grid = cell_to_move(store, second)
    store.add_edit(second, expected_revision=0, who="", kind="move", cell_ix=[cell], grid_ix=[grid])
    store.publish_plan(second, expected_revision=1, valid_from=JULY, except_=EXCEPT)
    codes = {row.grid_ix: row.code for row in store.plan_state(second).grids}
    shapes = store.layer(1, "cells").geometry
    with make_client(store) as client:
        yield SimpleNamespace(
            store=store,
            client=client,
            services=client.app.state.services,
            inside=shapes.iloc[cell].representative_point().coords[0],
            border=border_point(store, second, cell),
            before=(first, codes[int(store.assignment(first)[cell])]),
            after=(second, codes[grid]),
            cell=cell,
            grid=grid,
        )


def cell_to_move(store: Store, plan_id: int) -> tuple[int, int]:
    """Find a cell and a grid beside it that may take it, so that both stay whole."""
    graph, owner = store.graph(1), store.assignment(plan_id)
    area = {row.grid_ix: row.boundary_code for row in store.plan_state(plan_id).grids}
    for cell in range(len(owner)):
        around = owner[graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]]
        own = np.count_nonzero(around == owner[cell])
        for other in sorted(set(around.tolist()) - {int(owner[cell])}):
            if own == len(around) - 1 and area[other] == area[int(owner[cell])]:
                return cell, other
    raise AssertionError("no cell can change hands")


def border_point(store: Store, plan_id: int, cell: int) -> list[float]:
    """Give a corner that the cell shares with its former grid: on the border from July on, inside one before."""
    graph, owner = store.graph(1), store.assignment(plan_id)
    around = graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]
    shapes = store.layer(1, "cells").geometry
    other = next(one for one in around.tolist() if owner[one] != owner[cell])
    shared = shapes.iloc[cell].intersection(shapes.iloc[other])
    return shapely.get_coordinates(shared)[0].tolist()


def report(client: TestClient, x: float, y: float, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/incidents", json={"x": x, "y": y, "category": "漏水", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_each_period_has_its_grid(periods: SimpleNamespace) -> None:
    held = {
        month: place_case(periods.services, *periods.inside, at=month) for month in (MAY, JUNE, JULY, AUGUST)
    }
    told = {month: (place.plan_id, place.grid_code) for month, place in held.items()}
    assert told == {
        MAY: periods.before, JUNE: periods.before, JULY: periods.after, AUGUST: periods.after,
    }  # fmt: skip
    with pytest.raises(NotFoundError, match="No plan was in force"):
        place_case(periods.services, *periods.inside, at=datetime(2026, 4, 30, tzinfo=UTC))
    with pytest.raises(ParameterError, match="no position"):
        place_case(periods.services, 500.0, 0.0)
    placed, nowhere = place_cases(periods.services, [periods.inside, (500.0, 0.0)], at=JUNE)
    assert (placed, nowhere) == (held[JUNE], None)


def test_near_the_border_the_candidates_are_those_of_the_time(periods: SimpleNamespace) -> None:
    for month, (plan, code) in {JUNE: periods.before, AUGUST: periods.after}.items():
        place = place_case(periods.services, *periods.inside, accuracy_m=60, at=month)
        assert (place.plan_id, place.grid_code) == (plan, None)
        assert code in {row["code"] for row in place.details["candidates"]}
        assert sum(row["share"] for row in place.details["candidates"]) <= 1.001
    touching = place_case(periods.services, *periods.border, at=AUGUST)
    assert touching.grid_code is None and touching.details["status"] == "on_border"
    assert {periods.before[1], periods.after[1]} <= {row["code"] for row in touching.details["candidates"]}


def test_a_case_keeps_its_grid_when_another_plan_comes_into_force(periods: SimpleNamespace) -> None:
    client, store = periods.client, periods.store
    case = report(client, *periods.inside)
    assert (case["plan"], case["grid_code"]) == periods.after
    back = store.branch_plan(periods.after[0], name="back")
    owner = store.assignment(periods.before[0])
    store.add_edit(
        back, expected_revision=0, who="", kind="move", cell_ix=[periods.cell], grid_ix=[owner[periods.cell]]
    )
    store.publish_plan(back, expected_revision=1, except_=EXCEPT)
    ends = time.monotonic() + 30
    while (newer := report(client, *periods.inside))["plan"] != back:
        assert time.monotonic() < ends
        time.sleep(0.1)
    assert newer["grid_code"] == periods.before[1]
    kept = client.get(f"/api/incidents/{case['id']}").json()
    assert (kept["plan"], kept["grid_code"], kept["duty"]["unit"]) == (*periods.after, periods.after[1])
    assert place_case(periods.services, *periods.inside, at=AUGUST).grid_code == periods.after[1]
