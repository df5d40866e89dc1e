"""Webhooks: signed, sent until they are taken, kept over a restart, one at a time, never into private networks."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from api import incident_models as models
from api import webhook_post, webhooks
from gis_core.dispatch import Event, EventKind
from gis_core.store import Store
from gis_core.store.cases import NewCase
from tests.api.support import TestClient, assert_problem, make_client

ALLOW = {"webhook_allow": "127.0.0.0/8"}
SECRET = "a-secret-of-the-test"


class Receiver(BaseHTTPRequestHandler):
    """Answers with the statuses that the test lays down, then 200; keeps what came, and how many came at once."""

    server: Any

    def do_POST(self) -> None:
        desk = self.server.desk
        with desk.lock:
            desk.now += 1
            desk.most = max(desk.most, desk.now)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = desk.statuses.pop(0) if desk.statuses else 200
        if desk.hold is not None:
            desk.hold.wait(20)
        with desk.lock:
            desk.got.append((dict(self.headers.items()), body, status))
            desk.now -= 1
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"said")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def desk() -> Iterator[SimpleNamespace]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.desk = SimpleNamespace(  # type: ignore[attr-defined]
        lock=threading.Lock(), got=[], statuses=[], now=0, most=0, hold=None,
        url=f"http://127.0.0.1:{server.server_port}/hook?town=1",
    )  # fmt: skip
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.desk  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(webhooks, "_PAUSES_S", (0.05,))
    monkeypatch.setattr(webhooks, "_POLL_S", 0.05)


@pytest.fixture
def store(town_in_each_own_store: SimpleNamespace) -> Iterator[Store]:
    yield town_in_each_own_store.store
    for record in town_in_each_own_store.store.webhooks():
        town_in_each_own_store.store.remove_webhook(record.id)


def until(done: Callable[[], Any]) -> Any:
    ends = time.monotonic() + 90  # never waited for where all is well
    while not (value := done()):
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)
    return value


def report(client: TestClient) -> int:
    return client.post(
        "/api/incidents", json={"x": 121.5, "y": 31.2, "category": "漏水", "words": "水"}
    ).json()["id"]


def hook(client: TestClient, desk: SimpleNamespace, **more: Any) -> models.NewWebhook:
    answer = client.post("/api/webhooks", json={"url": desk.url, **more})
    assert answer.status_code == 201, answer.text
    return models.NewWebhook.model_validate_json(answer.content)


def detail(client: TestClient, number: int) -> models.WebhookDetail:
    return models.WebhookDetail.model_validate_json(client.get(f"/api/webhooks/{number}").content)


def test_steps_are_told_signed_and_again_until_they_are_taken(store: Store, desk: SimpleNamespace) -> None:
    with make_client(store, **ALLOW) as client:
        report(client)
        made = hook(client, desk, secret=SECRET, events=["report", "verify"])
        assert made.secret == SECRET
        desk.statuses += [500, 302]
        case_id = report(client)
        client.post(f"/api/incidents/{case_id}/steps", json={"kind": "note"})
        # A step that fails does not hold up the next ones, so the next one comes after the last refusal.
        until(lambda: len(desk.got) == 3)
        client.post(f"/api/incidents/{case_id}/steps", json={"kind": "verify"})
        until(lambda: len(desk.got) == 4)
        until(lambda: detail(client, made.id).waiting == 0)
        shown = detail(client, made.id)
    kinds = [(headers["X-Wangge-Event"], status) for headers, _, status in desk.got]
    assert sorted(kinds) == [
        ("case.report", 200),
        ("case.report", 302),
        ("case.report", 500),
        ("case.verify", 200),
    ]
    for headers, body, _ in desk.got:
        signed = hmac.new(
            SECRET.encode(), headers["X-Wangge-Timestamp"].encode() + b"." + body, hashlib.sha256
        )
        assert headers["X-Wangge-Signature"] == f"v1={signed.hexdigest()}"
        assert abs(int(headers["X-Wangge-Timestamp"]) - time.time()) < 60
    told = [(headers["X-Wangge-Delivery"], body) for headers, body, _ in desk.got if b'"case.report"' in body]
    assert len(set(told)) == 1  # the same each time
    body = json.loads(told[0][1])
    assert (body["case"]["id"], body["case"]["words"], body["step"]["kind"]) == (case_id, "水", "report")
    models.Incident.model_validate(body["case"])
    assert [(one.kind, one.state, one.attempts, one.status) for one in shown.deliveries] == [
        ("verify", "done", 1, 200),
        ("report", "done", 3, 200),
    ]
    assert shown.deliveries[0].answer == "said"
    assert SECRET not in shown.model_dump_json()


def test_what_waits_outlives_the_server(store: Store, desk: SimpleNamespace) -> None:
    with make_client(store, **ALLOW) as client:
        made = hook(client, desk)
        assert len(made.secret) >= 32
        desk.statuses += [503] * 10_000
        report(client)
        until(lambda: detail(client, made.id).deliveries)
        until(lambda: detail(client, made.id).deliveries[0].status == 503)
    desk.statuses.clear()
    before = len(desk.got)
    with make_client(store, **ALLOW) as client:
        until(lambda: detail(client, made.id).deliveries[0].state == "done")
    assert len(desk.got) == before + 1


def test_what_was_taken_and_not_sent_is_left_to_others_when_a_server_stops(
    store: Store, desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go_on = threading.Event(), threading.Event()
    claim = type(store).claim_delivery

    def slow(itself: Store) -> Any:
        found = claim(itself)
        if found is not None and not taken.is_set():
            taken.set()
            go_on.wait(20)
        return found

    monkeypatch.setattr(type(store), "claim_delivery", slow)
    with make_client(store, **ALLOW) as client:
        made = hook(client, desk)
        report(client)
        assert taken.wait(60)
        threading.Timer(0.3, go_on.set).start()
    (left,) = store.deliveries(made.id)
    assert (left.state, left.attempts, desk.got) == ("waiting", 0, [])
    with make_client(store, **ALLOW) as client:
        until(lambda: detail(client, made.id).waiting == 0)
    assert len(desk.got) == 1


def test_one_at_a_time_whatever_servers_there_are(store: Store, desk: SimpleNamespace) -> None:
    with make_client(store, **ALLOW) as client, make_client(store, **ALLOW) as other:
        made = hook(client, desk)
        desk.hold = threading.Event()
        for one in (client, other, client):
            report(one)
        until(lambda: desk.now)
        time.sleep(0.3)  # both servers look several times meanwhile
        desk.hold.set()
        until(lambda: len(desk.got) == 3)
        until(lambda: detail(client, made.id).waiting == 0)
    assert desk.most == 1
    assert len({headers["X-Wangge-Delivery"] for headers, _, _ in desk.got}) == 3


def test_a_server_that_died_while_sending_is_made_up_for(
    store: Store, desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_client(store, **ALLOW) as client:
        made = hook(client, desk)
    store.add_case(NewCase(121.5, 31.2, "漏水"), Event(EventKind.REPORT, datetime.now(UTC)))
    monkeypatch.setattr("gis_core.store.webhooks.LEASE_S", 0.2)
    store.queue_deliveries(lambda news: "{}")
    taken = store.claim_delivery()
    assert taken is not None
    assert store.claim_delivery() is None
    with make_client(store, **ALLOW) as client:
        until(lambda: detail(client, made.id).waiting == 0)
    # Who died says nothing any more; and if it does, it is too late.
    assert store.end_delivery(taken, "failed", status=None, answer="") is False
    assert store.deliveries(made.id)[0].state == "done"


def test_after_a_day_it_is_given_up(
    store: Store, desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_TRIED_FOR", webhooks._TRIED_FOR * 0)
    with make_client(store, **ALLOW) as client:
        made = hook(client, desk)
        desk.statuses += [500]
        report(client)
        until(lambda: detail(client, made.id).failed == 1)
        assert detail(client, made.id).deliveries[0].state == "failed"
        assert client.delete(f"/api/webhooks/{made.id}").status_code == 204
        assert_problem(client.get(f"/api/webhooks/{made.id}"), 404, "not-found")
        assert_problem(client.delete(f"/api/webhooks/{made.id}"), 404, "not-found")
        report(client)
    assert len(desk.got) == 1


URLS = (
    "http://127.0.0.1/",
    "http://localhost:8000/",
    "https://[::1]/",
    "https://10.1.2.3/x",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://0/",
    "https://2130706433/",
    "http://8.8.8.8/",
    "ftp://8.8.8.8/",
    "https://user:password@8.8.8.8/",
    "https://8.8.8.8/#x",
    "https://8.8.8.8:99999/",
    "https://8.8.8.8/a b",
    "https://",
    "file:///etc/passwd",
)


def test_addresses_that_are_not_called(town: SimpleNamespace) -> None:
    with make_client(town.store) as client:
        for url in URLS:
            assert_problem(client.post("/api/webhooks", json={"url": url}), 400, "bad-parameter")
        assert client.get("/api/webhooks").json() == []


def test_a_name_that_leads_elsewhere_later_is_not_followed(
    store: Store, desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is judged when something is sent, and the connection goes to the address that was judged."""
    store.add_webhook(url=desk.url, secret=SECRET)
    with make_client(store) as client:
        report(client)
        (record,) = store.webhooks()
        sent = until(lambda: [one for one in detail(client, record.id).deliveries if one.answer])
    assert "private network" in (sent[0].answer or "")
    assert desk.got == []
    asked = []

    def lookup(host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(webhook_post.socket, "getaddrinfo", lookup)
    port = desk.url.split(":")[2].split("/")[0]
    networks = make_client(store, **ALLOW).app.state.services.webhooks.allowed  # type: ignore[attr-defined]
    status, answer = webhook_post.post(
        f"http://town.example:{port}/x", b"{}", {}, secret=SECRET, allowed=networks
    )
    assert (status, answer, asked) == (200, "said", ["town.example", "127.0.0.1"])
    assert desk.got[-1][0]["Host"] == f"town.example:{port}"


def test_a_receiver_that_never_ends_is_cut_off(
    desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_post, "_WHOLE_S", 0.3)
    desk.hold = threading.Event()
    networks = make_client(None, **ALLOW).app.state.services.webhooks.allowed  # type: ignore[attr-defined]
    with pytest.raises((OSError, webhook_post.http.client.HTTPException)):
        webhook_post.post(desk.url, b"{}", {}, secret=SECRET, allowed=networks)
    desk.hold.set()
