"""Open311 GeoReport v2 on both stores: every path, both formats, keys, tokens, errors, and what is not kept."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api import open311_models as models
from tests.api.support import TestClient, make_client

V2 = "/open311/v2"
KEY = "a key of some town"
KEYS = f"app:{hashlib.sha256(KEY.encode()).hexdigest()}"
ASKED = {
    "jurisdiction": "heyang.example",
    "contact": "12345",
    "key_service": "热线 12345",
    "language": "en",
    "services": [
        {
            "code": "leak",
            "category": "漏水",
            "name": "Leaking water",
            "description": "Pipes & taps",
            "keywords": "water, pipe",
            "group": "utilities",
            "attributes": [
                {
                    "code": "where",
                    "datatype": "singlevaluelist",
                    "required": True,
                    "description": "Where?",
                    "values": [{"key": "in", "name": "Indoors"}, {"key": "out"}],
                },
                {
                    "code": "harm",
                    "datatype": "multivaluelist",
                    "values": [{"key": "road"}, {"key": "wall"}],
                },
                {"code": "since", "datatype": "datetime"},
                {"code": "litres", "datatype": "number"},
                {"code": "asset"},
                {"code": "thanks", "variable": False, "description": "Thank you."},
            ],
        },
        {"code": "lamp", "category": "路灯", "notice": "Mended within a week."},
    ],
}
#: The elements of a request in the order of the specification.
ORDER = [
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
]


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    town = town_in_each_own_store
    rules = {
        "open311": ASKED,
        "deadlines": [
            {"category": "漏水", "accept_minutes": 30, "handle_minutes": 240, "around_the_clock": True}
        ],
    }
    town.store.set_dispatch_rules(rules)
    return town


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store, open311_keys=KEYS) as client:
        yield client


def spark(element: ET.Element) -> Any:
    """Turn XML into JSON by the Spark convention: children of a container are a list, an empty element is null."""
    containers = {
        "services", "service_requests", "attributes", "values", "endpoints", "formats", "errors",
    }  # fmt: skip
    if element.tag in containers:
        return [spark(child) for child in element]
    if len(element):
        return {child.tag: spark(child) for child in element}
    return element.text


def texts(data: Any) -> Any:
    """Write JSON with all values as XML has them."""
    if isinstance(data, dict):
        return {name: texts(value) for name, value in data.items()}
    if isinstance(data, list):
        return [texts(value) for value in data]
    if isinstance(data, bool):
        return str(data).lower()
    return None if data is None else str(data)


def both(client: TestClient, path: str, **params: Any) -> Any:
    """Ask in both formats, check that they say the same, and give the JSON."""
    as_xml = client.get(f"{V2}/{path}.xml", params=params)
    as_json = client.get(f"{V2}/{path}.json", params=params)
    assert as_xml.status_code == as_json.status_code, as_xml.text
    assert as_xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert as_json.headers["content-type"] == "application/json; charset=utf-8"
    assert as_xml.text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<')
    assert spark(ET.fromstring(as_xml.content)) == texts(as_json.json())
    return as_json.json()


def fault(answer: httpx.Response, status: int, *says: str) -> None:
    """Check an error: its status, and a sentence for each fault."""
    assert answer.status_code == status, answer.text
    rows = answer.json() if "json" in answer.headers["content-type"] else None
    if rows is None:
        root = ET.fromstring(answer.content)
        assert root.tag == "errors"
        rows = [{"code": int(str(one[0].text)), "description": str(one[1].text)} for one in root]
    assert [row["code"] for row in rows] == [status] * max(len(says), 1)
    for row, words in zip(rows, says, strict=False):
        assert words in row["description"]


def place(town: SimpleNamespace, cell_ix: int = 210) -> dict[str, str]:
    point = town.plan.cells.geometry.iloc[cell_ix].representative_point()
    return {"lat": repr(point.y), "long": repr(point.x)}


def post(client: TestClient, form: dict[str, Any], *, kind: str = "json", **more: Any) -> httpx.Response:
    return client.post(f"{V2}/requests.{kind}", data={"api_key": KEY, **form}, **more)


def reported(client: TestClient, form: dict[str, Any]) -> models.Answer311:
    answer = post(client, form)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()
    assert ("token" in row) != ("service_request_id" in row)
    return models.Answer311(**row)


def step(client: TestClient, case: str | None, kind: str, **more: Any) -> None:
    assert client.post(f"/api/incidents/{case}/steps", json={"kind": kind, **more}).status_code == 200


def test_discovery_and_services(client: TestClient) -> None:
    found = models.Discovery311(**both(client, "discovery"))
    assert client.get("/open311/discovery.json").json() == found.model_dump()
    assert (found.contact, found.key_service) == ("12345", "热线 12345")
    (endpoint,) = found.endpoints
    assert endpoint.specification == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint.url == "http://127.0.0.1:8000/open311/v2"
    assert (endpoint.type, endpoint.formats) == ("production", ["text/xml", "application/json"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.changeset)
    leak, lamp = (models.Service311(**row) for row in both(client, "services"))
    assert (leak.service_code, leak.metadata, leak.type) == ("leak", True, "realtime")
    assert (lamp.service_name, lamp.metadata, lamp.description) == ("路灯", False, None)
    definition = models.Definition311(**both(client, "services/leak", jurisdiction_id="heyang.example"))
    assert [one.order for one in definition.attributes] == [1, 2, 3, 4, 5, 6]
    first = definition.attributes[0]
    assert (first.code, first.required, first.datatype) == ("where", True, "singlevaluelist")
    assert [(value.key, value.name) for value in first.values] == [("in", "Indoors"), ("out", "out")]
    assert definition.attributes[-1].variable is False
    assert models.Definition311(**both(client, "services/lamp")).attributes == []


def test_a_report_from_number_to_closed(client: TestClient, town: SimpleNamespace) -> None:
    form = {
        "service_code": "leak",
        **place(town),
        "description": "3号楼漏水 <b>&\r\nsecond line",
        "address_string": "花园路 3 号",
        "media_url": "https://photos.example/1.jpg",
        "attribute[where]": "in",
        "attribute[harm][]": ["road", "wall"],
        "attribute[asset]": "hydrant",
        "attribute[since]": "2026-01-31T08:00:00+08:00",
        "jurisdiction_id": "",
        "email": "li@private.example",
        "first_name": "李小姐",
        "phone": "13800000000",
        "device_id": "tt222111",
    }
    number = reported(client, form).service_request_id
    (row,) = both(client, f"requests/{number}")
    request = models.Request311(**row)
    assert list(row) == ORDER
    assert (request.status, request.status_notes) == ("open", "Received.")
    assert (request.service_name, request.service_code) == ("Leaking water", "leak")
    assert request.description == form["description"]
    assert (request.address, request.media_url) == ("花园路 3 号", "https://photos.example/1.jpg")
    assert (repr(request.lat), repr(request.long)) == (form["lat"], form["long"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", request.requested_datetime)
    assert request.requested_datetime == request.updated_datetime
    assert request.expected_datetime is None
    assert "30 minutes" in str(request.service_notice) and "4 hours" in str(request.service_notice)
    kept = client.get(f"/api/incidents/{number}")
    assert kept.json()["details"]["asset"] == "hydrant"
    assert kept.json()["details"]["open311"]["attributes"]["harm"] == ["road", "wall"]
    assert (kept.json()["category"], kept.json()["steps"][0]["who"]) == ("漏水", "app")
    for private in ("li@private", "李小姐", "13800000000", "tt222111", KEY):
        assert private not in kept.text and private not in str(row)
    for kind in ("verify", "open", "dispatch"):
        step(client, number, kind)
    (row,) = both(client, f"requests/{number}")
    assert row["agency_responsible"] == kept.json()["grid_code"]
    assert row["expected_datetime"] is not None and row["status_notes"] == "Sent to whoever is responsible."
    for kind in ("accept", "done", "check", "close"):
        step(client, number, kind, **({"passed": True} if kind == "check" else {}))
    closed = both(client, f"requests/{number}")
    step(client, number, "evaluate")
    (row,) = both(client, f"requests/{number}")
    assert (row["status"], row["updated_datetime"]) == ("closed", closed[0]["updated_datetime"])


def test_a_border_gives_a_token_until_somebody_decides(client: TestClient, town: SimpleNamespace) -> None:
    answer = reported(client, {"service_code": "lamp", **place(town), "attribute[accuracy_m]": "800"})
    assert (
        answer.service_notice
        == "Written down. Whose it is must be looked at first; the token gives the number as "
        "soon as that is done."
    )
    assert both(client, f"tokens/{answer.token}") == [{"service_request_id": None, "token": answer.token}]
    case = client.get("/api/incidents?limit=1").json()["incidents"][0]
    assert (case["grid_code"], case["accuracy_m"]) == (None, 800)
    step(client, case["id"], "note", grid=case["details"]["candidates"][0]["code"])
    (found,) = both(client, f"tokens/{answer.token}")
    assert found == {"service_request_id": str(case["id"]), "token": answer.token}
    (row,) = both(client, f"requests/{found['service_request_id']}")
    assert row["service_notice"] == "Mended within a week."


def test_places_by_building_and_by_address(client: TestClient, town: SimpleNamespace) -> None:
    building = town.dataset.buildings.iloc[7]
    number = reported(client, {"service_code": "lamp", "address_id": building["id"]}).service_request_id
    assert client.get(f"/api/incidents/{number}").json()["grid_code"] == town.plan.cells["grid_code"].iloc[7]
    (row,) = both(client, f"requests/{number}")
    assert row["address_id"] == building["id"]
    street = reported(client, {"service_code": "lamp", "address_string": "和平路"})
    nowhere = reported(client, {"service_code": "lamp", "address_string": "老槐树底下"})
    assert street.token and nowhere.token
    newest, before = both(client, "requests", page_size=2)
    assert (newest["lat"], newest["long"], newest["address"]) == (None, None, "老槐树底下")
    assert before["lat"] is not None
    case = client.get(f"/api/incidents/{before['service_request_id']}").json()
    assert case["accuracy_m"] >= 50 and case["details"]["status"] == "address"


def test_what_comes_again_is_written_once(client: TestClient, town: SimpleNamespace) -> None:
    form = {"service_code": "lamp", **place(town)}
    answers = [post(client, form, headers={"Idempotency-Key": key}).json() for key in ("1", "1", "2")]
    assert answers[0] == answers[1] != answers[2]


def test_lists(client: TestClient, town: SimpleNamespace) -> None:
    now = datetime.now(UTC)
    answers = {"leak": {"attribute[where]": "in"}, "lamp": {}}
    forms = [{"service_code": code, **place(town), **answers[code]} for code in ("lamp", "leak", "lamp")]
    numbers = [str(reported(client, form).service_request_id) for form in forms]
    desk = client.post(
        "/api/incidents",
        json={"x": float(place(town)["long"]), "y": float(place(town)["lat"]), "category": "漏水"},
    ).json()["id"]
    step(client, numbers[0], "cancel", why="a test lamp")

    def ids(**params: Any) -> list[str]:
        return [row["service_request_id"] for row in both(client, "requests", **params)]

    assert ids()[:3] == numbers[::-1]
    assert str(desk) not in ids() and client.get(f"{V2}/requests/{desk}.json").status_code == 404
    assert ids(service_code="leak", page_size=1) == [numbers[1]]
    assert set(ids(service_code="leak,lamp")) == set(ids())
    assert ids(service_request_id=f"{numbers[2]}, {numbers[0]},x,999999", status="open") == [
        numbers[2],
        numbers[0],
    ]
    assert numbers[0] in ids(status="closed") and numbers[0] not in ids(status="open")
    assert ids(status="open,closed") == ids(status="")
    assert ids(page=2, page_size=2)[0] == numbers[0]
    assert ids(service_code="nothing") == []
    day = timedelta(days=1)
    assert ids(start_date=(now - day).isoformat(), end_date=(now - day / 2).isoformat()) == []
    assert numbers[0] in ids(start_date=(now - day).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert ids(end_date="2020-01-01T00:00:00Z") == []
    (row,) = both(client, "requests", service_request_id=numbers[0])
    assert row["status_notes"] == "Not taken up: a test lamp"


def test_all_cases_are_shown_where_the_rules_say_so(client: TestClient, town: SimpleNamespace) -> None:
    before = town.store.dispatch_rules().data
    desk = client.post(
        "/api/incidents",
        json={"x": float(place(town)["long"]), "y": float(place(town)["lat"]), "category": "占道/停车"},
    ).json()["id"]
    town.store.set_dispatch_rules({"open311": {"show": "all", "url": "https://town.example/311/"}})
    try:
        (row,) = both(client, f"requests/{desk}")
        assert (row["service_code"], row["service_name"]) == ("占道-停车", "占道/停车")
        assert both(client, "discovery")["endpoints"][0]["url"] == "https://town.example/311"
        assert [one["service_code"] for one in both(client, "services")] == ["其他"]
    finally:
        town.store.set_dispatch_rules(before)


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_errors_have_the_form_of_the_specification(
    client: TestClient, town: SimpleNamespace, kind: str
) -> None:
    good = {"service_code": "lamp", **place(town)}

    def refused(form: dict[str, Any], status: int, *says: str) -> None:
        fault(post(client, form, kind=kind), status, *says)

    def ask(path: str, status: int, *says: str) -> None:
        stem, _, query = path.partition("?")
        fault(client.get(f"{V2}/{stem}.{kind}?{query}"), status, *says)

    refused({**good, "api_key": "guess"}, 403, "热线 12345")
    refused({**good, "api_key": ""}, 403, "api_key is missing")
    refused({**good, "jurisdiction_id": "other.example"}, 404, "other.example")
    refused({**place(town)}, 400, "service_code was not provided")
    refused({**good, "service_code": "nope"}, 404, "'nope' was not found")
    refused({"service_code": "lamp"}, 400, "place was not provided")
    refused({**good, "lat": ""}, 400, "lat and long")
    refused({**good, "lat": "91"}, 400, "lat and long")
    refused({**good, "lat": "nan"}, 400, "lat and long")
    refused({**good, "lat": "0", "long": "0"}, 400, "outside the area")
    refused({"service_code": "lamp", "address_id": "B?"}, 400, "address_id 'B?'")
    refused({**good, "description": "x" * 4001}, 400, "4000 characters")
    refused({**good, "description": "\x00"}, 400, "NUL")
    refused({**good, "media_url": "javascript:alert(1)"}, 400, "http://")
    refused({**good, "attribute[accuracy_m]": "-1"}, 400, "0 to 10000")
    refused(
        {
            **good,
            "service_code": "leak",
            "attribute[litres]": "many",
            "attribute[since]": "long ago",
            "attribute[harm][]": ["road", "sky"],
            "attribute[colour]": "blue",
            "attribute[asset]": ["a", "b"],
        },
        400,
        "must be a number",
        "must be a time",
        "one of the keys",
        "no attribute 'colour'",
        "takes one value",
        "attribute[where] is required",
    )
    ask("services?jurisdiction_id=other", 404, "'other' was not found")
    ask("services/nope", 404, "'nope'")
    ask("requests/999999", 404, "999999")
    ask("requests/x", 404)
    ask("tokens/none", 404, "none")
    ask("requests?status=new", 400, "open or closed")
    ask("requests?start_date=soon", 400, "start_date must be")
    ask("requests?end_date=0001-01-01T00:00:00Z", 400, "end_date must be")
    ask("requests?start_date=2026-01-01T00:00:00Z&end_date=2026-05-01T00:00:00Z", 400, "90 days")
    ask("requests?page=0", 400, "page must be")
    ask("requests?page_size=1001", 400, "page must be")
    ask("nothing", 404, "nothing at")
    fault(client.get(f"{V2}/services.yaml"), 404)
    fault(client.delete(f"{V2}/requests.{kind}"), 400)
    fault(client.post(f"{V2}/requests.{kind}", json={}), 400, "urlencoded")
    form = {"content": b"service_code=%ff", "headers": {"content-type": "application/x-www-form-urlencoded"}}
    fault(client.post(f"{V2}/requests.{kind}", **form), 400, "UTF-8")
    fault(
        post(client, good, kind=kind, headers={"origin": "https://evil.example"}), 403, "pages of this server"
    )
    chinese = post(client, {**good, "lat": ""}, kind=kind, headers={"accept-language": "zh-CN,zh;q=0.9"})
    fault(chinese, 400, "须同时提供")


def test_without_keys_only_this_machine_reports(town: SimpleNamespace) -> None:
    form = {"service_code": "lamp", **place(town)}
    with make_client(town.store) as client:
        assert reported(client, {**form, "api_key": ""}).service_request_id
        assert client.get(f"{V2}/discovery.json").json()["endpoints"][0]["type"] == "test"
    with make_client(town.store, behind_proxy=True, caller="192.0.2.7") as client:
        fault(post(client, form), 403, "no api keys yet")
        assert client.get(f"{V2}/services.json").status_code == 200
    with make_client(town.store, caller="192.0.2.7") as client:
        fault(post(client, form), 403, "this machine only")
