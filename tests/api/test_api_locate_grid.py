"""The quick locator over HTTP: one place, tables of places, what held at a time, and plans that change under it."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
import shapely

from api import models
from api.force import STALE_S, Asked
from gis_core.crs import from_wgs84
from tests.api.support import TestClient, assert_problem, make_client

ARROW = "application/vnd.apache.arrow.stream"
EXCEPT = ["without_staff", "out_of_bounds"]


def _places(town: SimpleNamespace, n: int = 60) -> np.ndarray:
    rng = np.random.default_rng(5)
    west, south, east, north = town.plan.grids.total_bounds
    wide, high = (east - west) * 0.1, (north - south) * 0.1
    corners = shapely.get_coordinates(np.asarray(town.plan.grids.geometry.array))
    anywhere = rng.uniform((west - wide, south - high), (east + wide, north + high), (n, 2))
    return np.vstack([anywhere, corners[rng.integers(0, len(corners), 8)]])


def _arrow(x: np.ndarray, y: np.ndarray) -> bytes:
    out = io.BytesIO()
    table = pa.table({"x": x, "y": y})
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)
    return out.getvalue()


def test_quick_answers_are_those_of_the_route_and_of_locate(
    client: TestClient, town: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = client.app.state.services.force
    seen = set()
    for x, y in _places(town).tolist():
        ask = {"x": repr(x), "y": repr(y), "plan": 1}
        slow = client.get("/api/locate/grid", params={**ask, "border": "false"})
        kept = keeper.peek(Asked(1))
        assert kept is not None and kept[1] < STALE_S
        quick = client.get("/api/locate/grid", params=ask)
        assert quick.json() == slow.json()
        assert quick.headers["etag"] == slow.headers["etag"]
        assert quick.headers["content-security-policy"] == slow.headers["content-security-policy"]
        answer = models.GridAnswer.model_validate_json(quick.content)
        full = client.get("/api/locate", params=ask).json()
        for name in ("status", "grid_code", "border_m", "nearest_code", "lon", "lat", "plan"):
            assert getattr(answer, name) == full[name], name
        assert answer.name == (full["grid"] or {}).get("name")
        seen.add(answer.status)
    assert seen == {"inside", "on_border", "outside"}
    # What is too old is waited for, not handed on to the route.
    monkeypatch.setattr("api.quick.STALE_S", -1.0)
    monkeypatch.setattr("api.routes.locate.answer_with", None)
    assert client.get("/api/locate/grid", params=ask).json() == quick.json()


def test_the_polygon_comes_on_request_and_is_kept_by_its_tag(
    client: TestClient, town: SimpleNamespace
) -> None:
    point = town.plan.grids.geometry.iloc[3].representative_point()
    ask = {"x": point.x, "y": point.y, "border": "true", "radius": 40}
    answer = client.get("/api/locate/grid", params=ask)
    shape = shapely.from_geojson(answer.text[answer.text.index('{"type"') : answer.text.rindex("}")])
    expected = town.plan.grids.set_index("code").geometry[answer.json()["grid_code"]]
    assert shapely.equals(shape, expected)
    assert sum(one["share"] for one in answer.json()["candidates"]) == pytest.approx(1, abs=0.01)
    again = client.get("/api/locate/grid", params=ask, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    outside = client.get("/api/locate/grid", params={"x": 0, "y": 0, "border": "true"}).json()
    assert outside["border"] is None and outside["status"] == "outside"


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "EPSG:32650"])
def test_other_systems(client: TestClient, town: SimpleNamespace, crs: str) -> None:
    point = town.plan.grids.geometry.iloc[2].representative_point()
    x, y = (float(value) for value in from_wgs84(point.x, point.y, crs))
    straight = client.get("/api/locate/grid", params={"x": point.x, "y": point.y}).json()
    shifted = client.get("/api/locate/grid", params={"x": x, "y": y, "crs": crs}).json()
    assert shifted["grid_code"] == straight["grid_code"]
    assert shifted["crs"] == crs
    assert shifted["border_m"] == pytest.approx(straight["border_m"], abs=0.002)


@pytest.mark.parametrize(
    ("query", "status", "code", "says"),
    [
        ("y=1", 400, "bad-parameter", "query.x"),
        ("x=nan&y=1", 400, "bad-parameter", "query.x"),
        ("x=1&y=100", 400, "bad-parameter", "no position"),
        ("x=1&y=1&plan=0", 400, "bad-parameter", "query.plan"),
        ("x=1&y=1&plan=99", 404, "not-found", "99"),
        ("x=1&y=1&at=yesterday", 400, "bad-parameter", "at is a day"),
        ("x=1&y=1&at=1999-01-01", 404, "not-found", "No plan was in force"),
        ("x=1&y=1&crs=mars", 400, "bad-crs", "mars"),
    ],
)
def test_bad_questions(client: TestClient, query: str, status: int, code: str, says: str) -> None:
    for _ in range(2):
        assert_problem(client.get(f"/api/locate/grid?{query}"), status, code, says=says)


def test_foreign_hosts_and_callers_are_refused_as_elsewhere(town: SimpleNamespace) -> None:
    with make_client(town.store) as client:
        assert client.get("/api/locate/grid?x=1&y=1").status_code == 200
        answer = client.get("/api/locate/grid?x=1&y=1", headers={"host": "evil.example"})
        assert_problem(answer, 421, "foreign-host")
    with make_client(town.store, caller="192.0.2.7") as client:
        assert_problem(client.get("/api/locate/grid?x=1&y=1"), 403, "foreign-caller")


@pytest.mark.parametrize("borders", ["true", "false"])
def test_tables(client: TestClient, town: SimpleNamespace, borders: str) -> None:
    places = _places(town, 300)
    x, y = places.T.copy()
    sent = {"params": {"plan": 1, "borders": borders}}
    answer = client.post("/api/locate/table", content=_arrow(x, y), headers={"content-type": ARROW}, **sent)
    assert answer.status_code == 200 and answer.headers["content-type"] == ARROW
    rows = pa.ipc.open_stream(answer.content).read_all()
    text = "lng,lat\n" + "".join(f"{a!r},{b!r}\n" for a, b in places.tolist())
    as_csv = client.post("/api/locate/table", content=text, headers={"content-type": "text/csv"}, **sent)
    read = pyarrow.csv.read_csv(
        io.BytesIO(as_csv.content),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"grid_code": pa.string(), "nearest_code": pa.string()}, strings_can_be_null=True
        ),
    )
    expected = client.post("/api/locate", json={"points": places.tolist(), "plan": 1}).json()["results"]
    for name in rows.column_names:
        wanted = [row[name] for row in expected]
        if name == "border_m":
            assert rows[name].to_numpy() == pytest.approx(wanted, abs=0.0006)
        elif name == "nearest_code":
            assert [
                a or b for a, b in zip(rows["grid_code"].to_pylist(), rows[name].to_pylist(), strict=True)
            ] == wanted
        else:
            assert rows[name].to_pylist() == wanted == read[name].to_pylist()
    assert ("border_m" in rows.column_names) == (borders == "true")


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        (ARROW, b"nonsense", 400, "no Arrow stream"),
        (ARROW, b"", 400, "no Arrow stream"),
        ("text/csv", b"a,b\n1,2\n", 400, "call them x and y"),
        ("text/csv", b"x,y\nhere,2\n", 400, "hold no numbers"),
        ("text/csv", b"x,y\n1,2\n1,2\n1,2\n1,2\n", 400, "at most 3"),
        ("application/json", b"{}", 415, "text/csv"),
    ],
)
def test_bad_tables(town: SimpleNamespace, kind: str, body: bytes, status: int, says: str) -> None:
    with make_client(town.store, max_points=3) as client:
        answer = client.post("/api/locate/table", content=body, headers={"content-type": kind})
        assert_problem(
            answer, status, {415: "unsupported-media-type"}.get(status, "bad-parameter"), says=says
        )


def test_a_plan_that_comes_into_force_answers_within_a_second(own_town: SimpleNamespace) -> None:
    store = own_town.store
    x, y = store.layer(1, "cells").geometry.iloc[0].representative_point().coords[0]
    ask = {"x": x, "y": y}
    with make_client(store) as client:
        assert client.get("/api/locate/grid", params=ask).json()["valid_from"] is None
        store.publish_plan(1, expected_revision=0, except_=EXCEPT)
        first = _until(client, ask, lambda answer: answer["plan"] == 1 and answer["valid_from"])
        assert first["valid_to"] is None
        draft = store.branch_plan(1, name="next")
        assert client.get("/api/locate/grid", params=ask).json()["plan"] == 1
        time.sleep(0.01)
        store.publish_plan(draft, expected_revision=0, except_=EXCEPT)
        then = _until(client, ask, lambda answer: answer["plan"] == draft)
        held = client.get("/api/locate/grid", params={**ask, "at": first["valid_from"]}).json()
        assert (held["plan"], held["valid_to"]) == (1, then["valid_from"])


def _until(client: TestClient, ask: dict[str, float], holds) -> dict:
    """Ask until it holds, at most as long as an answer may be old, and a while to build; none may fail."""
    ends = time.monotonic() + STALE_S + 20
    while True:
        answer = client.get("/api/locate/grid", params=ask)
        assert answer.status_code == 200
        if holds(answer.json()):
            return answer.json()
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_pasted_coordinates(client: TestClient, town: SimpleNamespace) -> None:
    point = town.plan.grids.geometry.iloc[2].representative_point()
    x, y = (float(value) for value in from_wgs84(point.x, point.y, "gcj02"))
    ask = {"text": f"{y}, {x}", "crs": "gcj02", "plan": 1}
    (place,) = [models.Place(**row) for row in client.get("/api/locate/places", params=ask).json()]
    assert (place.lon, place.lat) == pytest.approx((point.x, point.y), abs=1e-8)
    assert (place.crs, place.crs_stated, place.order) == ("gcj02", False, "lat-lon")
    link = {"text": f"https://uri.amap.com/marker?position={x},{y}"}
    (linked,) = client.get("/api/locate/places", params=link).json()
    assert linked["crs_stated"] and linked["lon"] == place.lon
    both = client.get("/api/locate/places", params={"text": "9.52 47.14"}).json()
    assert [row["order"] for row in both] == ["lon-lat", "lat-lon"]
    assert client.get("/api/locate/places", params={"text": "渔人码头3号楼"}).json() == []
    assert_problem(client.get("/api/locate/places", params={"text": "1 2", "crs": "mars"}), 400, "bad-crs")
    assert_problem(client.get("/api/locate/places", params={"text": "SRID=99;POINT(1 2)"}), 400, "bad-crs")
