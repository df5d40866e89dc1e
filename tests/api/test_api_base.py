"""Base data over HTTP: changes under a draft, their inverse, and sheets of counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import anyio
import numpy as np
import orjson
import pytest
import shapely
from fastapi import Request

from api.edit_models import RestoreAnswer
from api.routes.base import BaseAnswer, CountsPreview, OutlinesPreview
from api.streaming import WorkStream
from tests.api.support import TestClient, assert_problem, make_client

CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
def desk(own_town: SimpleNamespace) -> Iterator[SimpleNamespace]:
    with make_client(own_town.store) as client:
        yield SimpleNamespace(**{**vars(own_town), "client": client})


def change(client: TestClient, plan: int, revision: int, *changes: dict, **more: object):
    headers = {"If-Match": f'"{revision}"', "X-Wangge-Who": "%E6%9D%8E%E6%A2%85"}
    return client.post(f"/api/plans/{plan}/base", json={"changes": list(changes), **more}, headers=headers)


def outline(desk: SimpleNamespace, row: int, east: float = 0.0) -> dict:
    shape = desk.store.layer(desk.dataset_id, "buildings").geometry.iloc[row]
    return shapely.geometry.mapping(shapely.affinity.translate(shape, east, 0))


def test_a_count_changes_a_draft_and_nothing_else(desk):
    other = desk.client.post("/api/plans", json={"from": desk.plan_id, "name": "b"}).json()["id"]
    before = desk.client.get(f"/api/plans/{desk.plan_id}/state").json()
    item = {"op": "set", "layer": "buildings", "id": "B000007", "values": {"households": 500}}
    answer = change(desk.client, desk.plan_id, 0, item, key="k1")
    found = BaseAnswer.model_validate(answer.json())
    assert answer.headers["etag"] == '"1"' and (found.revision, found.recut, found.unmatched) == (
        1,
        False,
        [],
    )
    assert found.dataset != desk.dataset_id and len(found.grids) == 1
    plan = desk.client.get(f"/api/plans/{desk.plan_id}").json()
    assert (plan["dataset_id"], plan["revision"]) == (found.dataset, 1)
    assert desk.client.get(f"/api/plans/{other}").json()["dataset_id"] == desk.dataset_id
    old = int(desk.store.layer(desk.dataset_id, "buildings")["households"].iloc[7])
    assert plan["households"] == desk.store.plan(other).households + 500 - old
    detail = desk.client.get(f"/api/plans/{desk.plan_id}/cells/7").json()
    assert detail["buildings"][0]["households"] == 500
    assert desk.client.get(f"/api/plans/{desk.plan_id}/state").json()["grids"] == before["grids"]
    again = change(desk.client, desk.plan_id, 0, item, key="k1").json()
    assert again["repeated"] and again["revision"] == 1
    (edit,) = desk.client.get(f"/api/plans/{desk.plan_id}/edits").json()
    assert (edit["kind"], edit["who"], edit["changes"][0]["path"]) == ("base", "李梅", "base")
    assert found.inverse[0]["values"]["households"] == old


def test_ground_is_cut_anew_and_the_inverse_restores_it(desk):
    first = desk.store.assignment(desk.plan_id)
    moved = {"op": "move", "layer": "buildings", "id": "B000045", "geometry": outline(desk, 45, 0.00003)}
    street = {"op": "retire", "layer": "streets", "ix": 1}
    found = BaseAnswer.model_validate(change(desk.client, desk.plan_id, 0, moved, street).json())
    assert found.recut and found.unmatched == [] and sum(run[2] for run in found.cells) == 400
    assert desk.store.assignment(desk.plan_id).min() >= 0
    assert (
        len(desk.store.layer(found.dataset, "streets"))
        == len(desk.store.layer(desk.dataset_id, "streets")) - 1
    )
    back = change(desk.client, desk.plan_id, 1, *found.inverse, undoes=1).json()
    assert back["revision"] == 2 and desk.store.layer(back["dataset"], "streets").drop(
        columns="grade_separated"
    ).equals(desk.store.layer(desk.dataset_id, "streets").drop(columns="grade_separated"))
    by_id = desk.store.plan_buildings(desk.plan_id).set_index("id")["grid_code"]
    codes = desk.store.grid_codes(desk.plan_id)
    assert by_id.loc["B000045"] == codes[first[45]]
    assert {record.id for record in desk.store.datasets()} == {desk.dataset_id, back["dataset"]}
    binary = desk.client.get(f"/api/datasets/{back['dataset']}/graph.bin")
    assert binary.status_code == 200


def test_a_painted_cell_is_found_again_after_the_ground_was_cut(desk):
    headers = {"If-Match": '"0"'}
    paint = {"kind": "paint", "cells": [399], "grid": -1}
    desk.client.patch(f"/api/plans/{desk.plan_id}/assignment", json=paint, headers=headers)
    gone = {"op": "retire", "layer": "buildings", "id": "B000003"}
    found = change(desk.client, desk.plan_id, 1, gone).json()
    assert found["recut"] and [one["cell_ix"] for one in found["unmatched"]] == []
    stale = {"kind": "undo", "cells": [399], "grid": 3, "undoes": 1}
    answer = desk.client.patch(
        f"/api/plans/{desk.plan_id}/assignment", json=stale, headers={"If-Match": '"2"'}
    )
    assert_problem(answer, 422, "bad-edit", says="other numbers")
    restored = desk.client.post(
        f"/api/plans/{desk.plan_id}/restore", json={"revision": 0}, headers={"If-Match": '"2"'}
    )
    assert RestoreAnswer.model_validate(restored.json()).base == "restored"
    codes = desk.store.plan_buildings(desk.plan_id).set_index("id")["grid_code"]
    assert codes.loc["B000399"] is not None and codes.notna().all() and "B000003" in codes.index


def lines(desk, revision, *changes, **more):
    headers = {"If-Match": f'"{revision}"', "Accept": "application/x-ndjson"}
    body = {"changes": list(changes), **more}
    answer = desk.client.post(f"/api/plans/{desk.plan_id}/base", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [orjson.loads(line) for line in answer.content.splitlines()]


def test_progress_comes_as_lines_and_at_last_the_answer_or_the_problem(desk):
    gone = {"op": "retire", "layer": "buildings", "id": "B000003"}
    *told, last = lines(desk, 0, gone)
    found = BaseAnswer.model_validate(last["answer"])
    assert found.cells_gone > found.cells_new > 0 and found.households < 0
    shares = [line["progress"] for line in told]
    assert shares and shares == sorted(shares)
    (*_, refused) = lines(desk, 1, gone)
    assert (refused["problem"]["status"], refused["problem"]["code"]) == (422, "bad-edit")
    assert {"where": "change", "message": "0", "kind": "bad-edit"} in refused["problem"]["errors"]
    (*_, stale) = lines(desk, 0, gone)
    assert stale["problem"]["code"] == "stale-revision" and stale["problem"]["revision"] == 1


def test_who_hangs_up_cancels(desk):
    """The stream as the server runs it, with a caller who is gone before the work is done."""
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""})
    begun, sent = threading.Event(), []

    def work(progress):
        begun.set()
        for _ in range(500):
            time.sleep(0.01)
            progress(0.5)
        raise AssertionError("nobody stopped it")

    stream = WorkStream(request, work)

    async def receive():
        while not begun.is_set():
            await anyio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    # In a thread of its own: another test may have left a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, stream, {}, receive, send).result(30)
    assert b"problem" in stream._last and b"cancelled" in stream._last
    assert all(message.get("more_body", True) for message in sent)


def test_outlines_are_matched_and_applied(desk):
    shape = outline(desk, 45, 0.0)
    new = shapely.geometry.mapping(shapely.geometry.shape(shape).buffer(-2e-5).envelope)
    rows = [
        ({"id": "B000045"}, outline(desk, 45, 0.00003)),
        ({"name": "棚"}, new),
        ({"id": "far"}, outline(desk, 45, 3)),
    ]
    features = [{"type": "Feature", "properties": values, "geometry": where} for values, where in rows]
    body = orjson.dumps({"type": "FeatureCollection", "features": features})
    path = f"/api/datasets/{desk.dataset_id}/outlines?layer=buildings&name=../a.b.geojson"
    answer = desk.client.post(path, content=body, headers={"Content-Type": "application/geo+json"})
    found = OutlinesPreview.model_validate(answer.json())
    assert (found.added, found.moved, len(found.left_out)) == (0, 1, 2)
    assert "B000045 stands there" in found.left_out[0]["why"] and found.crs == "wgs84"
    applied = change(desk.client, desk.plan_id, 0, *found.changes)
    assert applied.status_code == 200 and applied.json()["recut"]
    gcj = desk.client.post(
        path + "&crs=gcj02", content=body, headers={"Content-Type": "application/geo+json"}
    )
    assert gcj.json()["crs"] == "gcj02"
    kml = {"Content-Type": "application/vnd.google-earth.kml+xml"}
    assert_problem(desk.client.post(path, content=b"<a/>", headers=kml), 422, "bad-dataset", says="a_b.kml")
    assert_problem(desk.client.post(path, content=body, headers=CSV), 415, "unsupported-media-type")
    assert_problem(
        desk.client.post(path + "&crs=mars", content=body, headers={"Content-Type": "application/geo+json"}),
        400,
        "bad-crs",
    )


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"op": "set", "layer": "buildings", "id": "nobody", "values": {"households": 1}}, "no building"),
        ({"op": "set", "layer": "buildings", "id": "B000001", "values": {"households": -1}}, "whole number"),
        ({"op": "set", "layer": "buildings", "id": "B000001", "values": {"hauses": 1}}, "no column"),
        ({"op": "retire", "layer": "streets", "ix": 99}, "no row 99"),
        (
            {"op": "add", "layer": "streets", "geometry": {"type": "Point", "coordinates": [116.4, 39.9]}},
            "LineString",
        ),
        (
            {"op": "add", "layer": "buildings", "geometry": {"type": "Point", "coordinates": [1.0, 1.0]}},
            "outside",
        ),
        (
            {"op": "add", "layer": "gates", "geometry": {"type": "Point", "coordinates": [39.9, 116.4]}},
            "no degrees",
        ),
    ],
)
def test_what_cannot_be_is_refused_whole(desk, item, says):
    good = {"op": "set", "layer": "buildings", "id": "B000002", "values": {"households": 1}}
    assert_problem(change(desk.client, desk.plan_id, 0, good, item), 422, "bad-edit", says=says)
    assert desk.store.plan(desk.plan_id).revision == 0 and len(desk.store.datasets()) == 1


def test_a_stale_revision_a_missing_one_and_a_published_plan_are_refused(desk):
    item = {"op": "set", "layer": "buildings", "id": "B000002", "values": {"households": 1}}
    assert_problem(change(desk.client, desk.plan_id, 5, item), 412, "stale-revision")
    answer = desk.client.post(f"/api/plans/{desk.plan_id}/base", json={"changes": [item]})
    assert_problem(answer, 428, "revision-required")
    assert_problem(change(desk.client, desk.plan_id, 0), 400, "bad-parameter")
    desk.store.publish_plan(
        desk.plan_id, expected_revision=0, except_=["out_of_bounds", "without_staff", "unnamed"]
    )
    assert_problem(change(desk.client, desk.plan_id, 1, item), 409, "conflict")


def test_a_sheet_is_matched_and_its_changes_are_applied(desk):
    buildings = desk.store.layer(desk.dataset_id, "buildings")
    place, wanted = buildings.iloc[5], int(buildings["households"].iloc[5]) + 3
    number = place["name"].removeprefix(place["compound"])
    text = f"小区,楼栋,户数\n{place['compound']}小区,{number},{wanted}\n没有的小区,1栋,7\n"
    path = f"/api/datasets/{desk.dataset_id}/counts"
    found = CountsPreview.model_validate(
        desk.client.post(path, content=text.encode("gbk"), headers=CSV).json()
    )
    assert found.matched + len(found.doubles) == 1 and len(found.unmatched_rows) == 1
    assert found.unmatched_rows[0]["row"] == 3 and len(found.unmatched_buildings) >= 398
    by_id = f"id,households\nB000005,{wanted}\n"
    found = CountsPreview.model_validate(desk.client.post(path, content=by_id.encode(), headers=CSV).json())
    assert found.changes == [
        {"op": "set", "layer": "buildings", "id": "B000005", "values": {"households": wanted}}
    ]
    applied = change(desk.client, desk.plan_id, 0, *found.changes).json()
    assert desk.store.layer(applied["dataset"], "buildings")["households"].iloc[5] == wanted


def test_what_is_no_sheet_is_refused(desk):
    path = f"/api/datasets/{desk.dataset_id}/counts"
    assert_problem(desk.client.post(path, json={}), 415, "unsupported-media-type")
    assert_problem(desk.client.post(path, content=b"a,b\n1,2", headers=CSV), 422, "bad-dataset", says="小区")
    assert_problem(
        desk.client.post(path + "?map=x", content=b"id,households\n", headers=CSV), 400, "bad-parameter"
    )
    assert_problem(desk.client.post("/api/datasets/99/counts", content=b"id", headers=CSV), 404, "not-found")
    xlsx = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
    assert_problem(desk.client.post(path, content=b"PK\3\4", headers=xlsx), 422, "bad-dataset")


def test_a_draft_moves_to_a_newer_data_version(desk):
    newer = desk.store.add_dataset(desk.dataset, desk.fabric)
    answer = desk.client.post(
        f"/api/plans/{desk.plan_id}/base", json={"dataset": newer}, headers={"If-Match": '"0"'}
    )
    found = BaseAnswer.model_validate(answer.json())
    assert (found.dataset, found.unmatched) == (newer, [])
    assert np.array_equal(
        desk.store.assignment(desk.plan_id),
        np.unique(desk.store.assignment(desk.plan_id), return_inverse=True)[1],
    )


def test_a_cell_is_cut_and_joined_over_http(desk):
    before = desk.client.get(f"/api/plans/{desk.plan_id}").json()
    west, south, east, north = desk.store.layer(desk.dataset_id, "cells").geometry.iloc[45].bounds
    building = desk.store.layer(desk.dataset_id, "buildings").iloc[45]
    x, total = (west + east) / 2, int(building["households"])
    cut = {
        "op": "cut", "layer": "buildings", "id": building["id"],
        "geometry": {"type": "LineString", "coordinates": [[x, south - 1e-5], [x, north + 1e-5]]},
        "parts": [
            {"at": [(west + x) / 2, (south + north) / 2], "households": total},
            {"at": [(east + x) / 2, (south + north) / 2], "households": 0},
        ],
    }  # fmt: skip
    wrong = {**cut, "parts": [{**cut["parts"][0], "households": total + 1}, cut["parts"][1]]}
    assert_problem(change(desk.client, desk.plan_id, 0, wrong), 422, "bad-edit")
    found = BaseAnswer.model_validate(change(desk.client, desk.plan_id, 0, cut).json())
    assert found.recut and found.unmatched == []
    plan = desk.client.get(f"/api/plans/{desk.plan_id}").json()
    assert (plan["n_cells"], plan["households"]) == (before["n_cells"] + 1, before["households"])
    parts = desk.store.layer(found.dataset, "buildings").set_index("id")
    assert parts.loc[[f"{building['id']}#1", f"{building['id']}#2"], "households"].tolist() == [total, 0]
    back = change(desk.client, desk.plan_id, 1, {"op": "join", "layer": "buildings", "id": building["id"]})
    assert back.json()["recut"]
    assert desk.client.get(f"/api/plans/{desk.plan_id}").json()["n_cells"] == before["n_cells"]
