"""Open cases around a place, before one is reported there: always as they stand, on both stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import TypeAdapter

from api import models
from gis_core.dispatch import Report
from gis_core.dispatch.duplicates import metres_between
from gis_core.dispatch.live import OpenCases
from tests.api.support import TestClient, assert_problem, make_client

ROWS = TypeAdapter(list[models.CaseNear])


@pytest.fixture
def asking(town_in_each_own_store: SimpleNamespace):
    with make_client(town_in_each_own_store.store) as client:
        yield client


def report(client: TestClient, x: float, y: float, category: str, words: str) -> int:
    body = {"x": x, "y": y, "category": category, "words": words}
    return client.post("/api/incidents", json=body).json()["id"]


def ask(client: TestClient, x: float, y: float, **more: object) -> list[models.CaseNear]:
    return ROWS.validate_json(client.get("/api/locate/cases", params={"x": x, "y": y, **more}).content)


def test_cases_are_told_as_they_stand(asking: TestClient, town_in_each_own_store: SimpleNamespace) -> None:
    point = town_in_each_own_store.plan.grids.geometry.iloc[1].representative_point()
    x, y = point.x, point.y
    assert ask(asking, x, y) == []
    leak = report(asking, x, y, "漏水", "3号楼漏水")
    lamp = report(asking, x + 0.0005, y, "路灯", "路灯不亮")
    far = report(asking, x + 0.008, y, "漏水", "水管爆裂")
    near = ask(asking, x, y)
    assert [one.id for one in near] == [leak, lamp]
    assert near[0].metres == 0 and 40 < near[1].metres < 45
    assert {one.score for one in near} == {None}
    assert [one.id for one in ask(asking, x, y, within=1000)] == [leak, lamp, far]
    alike = ask(asking, x + 0.0005, y, category="漏水", words="三号楼又漏水了", accuracy=20)
    assert [one.id for one in alike] == [leak, lamp]
    assert alike[0].score is not None and alike[0].score > 0.5 and alike[1].score is None
    ended = asking.post(f"/api/incidents/{leak}/steps", json={"kind": "cancel", "why": "误报"})
    assert ended.status_code == 200, ended.text
    assert [one.id for one in ask(asking, x, y)] == [lamp]
    with make_client(town_in_each_own_store.store) as other:
        assert [one.id for one in ask(other, x, y, within=1000)] == [lamp, far]
        late = report(other, x, y, "漏水", "又漏水")
    assert [one.id for one in ask(asking, x, y, limit=1)] == [late]


@pytest.mark.parametrize("query", ["x=1", "x=1&y=100", "x=1&y=1&within=-1", "x=1&y=nan"])
def test_bad_questions(client: TestClient, query: str) -> None:
    assert_problem(client.get(f"/api/locate/cases?{query}"), 400, "bad-parameter")


def test_the_index_gives_what_looking_at_all_gives() -> None:
    rng = np.random.default_rng(2)
    cases, kept = OpenCases(), {}
    now = datetime(2026, 11, 22, tzinfo=UTC)
    for step in range(2_000):
        number = int(rng.integers(0, 400))
        if rng.random() < 0.3:
            cases.take(number)
            kept.pop(number, None)
            continue
        x, y = 121.5 + rng.normal(0, 0.01), 31.2 + rng.normal(0, 0.01)
        kept[number] = Report(str(number), x, y, now - timedelta(minutes=step), "漏水")
        cases.put(kept[number])
    assert len(cases) == len(kept)
    for _ in range(50):
        x, y = 121.5 + rng.normal(0, 0.01), 31.2 + rng.normal(0, 0.01)
        found = cases.near(x, y, 400.0)
        far = {number: metres_between((x, y), (one.lon, one.lat)) for number, one in kept.items()}
        expected = sorted((m, number) for number, m in far.items() if m <= 400.0)
        assert [(metres, int(one.id)) for one, metres in found] == expected
