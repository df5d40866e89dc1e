"""What surrounds every route: headers, hosts, sizes, errors, the page, the memory."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.bodies import warm
from api.cache import Lru
from api.errors import STATUS, status_of
from api.server import listen, require_safe_host
from api.settings import Settings
from gis_core import errors as core
from tests.api.support import TestClient, assert_problem, make_client


class BrokenStore:
    """A store that raises what it is told to."""

    kind = "geopackage"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise self.error

        return broken


def _all_errors(kind: type[core.GisCoreError]) -> list[type[core.GisCoreError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _all_errors(child))]


@pytest.mark.parametrize("kind", _all_errors(core.GisCoreError), ids=lambda kind: kind.code)
def test_every_error_of_the_core_has_its_status(kind: type[core.GisCoreError]) -> None:
    with make_client(BrokenStore(kind("The sentence of the error."))) as client:
        answer = client.get("/api/plans")
    status = status_of(kind("x"))
    problem = assert_problem(answer, status, kind.code)
    assert (problem.detail == "The sentence of the error.") == (status != 500)


def test_table_names_every_class() -> None:
    named = {kind for kind in _all_errors(core.GisCoreError) if kind.__module__ == core.__name__}
    assert named == set(STATUS)


def test_unexpected_errors_say_nothing_and_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.INFO, logger="wangge.api"),
        make_client(BrokenStore(ZeroDivisionError("secret"))) as client,
    ):
        answer = client.get("/api/plans")
    problem = assert_problem(answer, 500, "error")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == problem.request_id
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert problem.request_id in record.getMessage()


def test_callers_faults_are_logged_without_traceback(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="wangge.api"):
        client.get("/api/plans/99")
    (record,) = [record for record in caplog.records if record.name == "wangge.api"]
    assert record.levelno == logging.INFO
    assert record.exc_info is None


def test_store_that_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    with make_client(BrokenStore(core.StoreUnavailableError("The database is locked."))) as client:
        answer = client.get("/healthz")
    assert_problem(answer, 503, "store-unavailable", says="locked")
    assert answer.headers["retry-after"] == "5"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "a b", "[::1", "::1:80:1"]
)
def test_foreign_names_are_refused(client: TestClient, host: str) -> None:
    assert_problem(
        client.get("/healthz", headers={"host": host}), 421, "foreign-host", says="WANGGE_ALLOWED_HOSTS"
    )


def test_named_hosts_are_answered(town: SimpleNamespace) -> None:
    with make_client(town.store, allowed_hosts=("grid.example",)) as client:
        assert client.get("/healthz", headers={"host": "grid.example:443"}).status_code == 200
        assert client.get("/healthz", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize("caller", ["192.168.1.20", "2001:db8::7", "::ffff:10.0.0.1", "somewhere"])
def test_other_machines_are_refused_unless_a_proxy_lets_them_in(town: SimpleNamespace, caller: str) -> None:
    with make_client(town.store, caller=caller) as client:
        for path in ("/healthz", "/api/plans", "/"):
            assert_problem(client.get(path), 403, "foreign-caller", says="WANGGE_BEHIND_PROXY=1")
    with make_client(town.store, caller=caller, behind_proxy=True) as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("caller", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_answered(town: SimpleNamespace, caller: str) -> None:
    with make_client(town.store, caller=caller) as client:
        assert client.get("/healthz").status_code == 200


def test_large_bodies_are_refused(town: SimpleNamespace) -> None:
    with make_client(town.store, max_body_mb=0.001) as client:
        headers = {"content-type": "application/json"}
        declared = client.post("/api/locate", content=b" " * 1001, headers=headers)
        assert_problem(declared, 413, "too-large", says="0.001 MB")
        streamed = client.post("/api/locate", content=(b" " * 100 for _ in range(11)), headers=headers)
        assert "content-length" not in streamed.request.headers
        assert_problem(streamed, 413, "too-large")


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/plans", "/api/plans/1/cells.bin", "/nothing", "/openapi.json"]
)
def test_headers_on_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert len(headers["x-request-id"]) == 16
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/api/plans/1/cells.bin", "/api/plans/1/export", "/nothing"]
)
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_page_before_the_front_end_is_built(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "scripts/run" in answer.text


@pytest.fixture
def built(tmp_path: Path) -> Path:
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html><title>网格</title>", encoding="utf-8")
    (tmp_path / "dist" / "phone.html").write_text("<!doctype html><title>案件</title>", encoding="utf-8")
    (tmp_path / "dist" / "phone-sw.js").write_text("self.skipWaiting();")
    (tmp_path / "dist" / "phone.webmanifest").write_text('{"start_url": "phone"}')
    (assets / "app-1A2B3C4D.js").write_text("let map = 1;")
    (assets / "app-1A2B3C4D.js.gz").write_bytes(gzip.compress(b"let map = 1;"))
    (assets / "worker.js").write_text("let worker = 1;")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "dist"


def test_page_and_files(town: SimpleNamespace, built: Path) -> None:
    with make_client(town.store, web_root=built) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "网格" in page.text
        assert page.headers["cache-control"] == "no-cache"
        assert client.get("/", headers={"if-none-match": page.headers["etag"]}).status_code == 304
        hashed = client.get("/assets/app-1A2B3C4D.js", headers={"accept-encoding": "gzip"})
        assert hashed.text == "let map = 1;"
        assert hashed.headers["content-encoding"] == "gzip"
        assert hashed.headers["content-type"].startswith("text/javascript")
        assert "immutable" in hashed.headers["cache-control"]
        plain = client.get("/assets/app-1A2B3C4D.js", headers={"accept-encoding": "gzip;q=0"})
        assert "content-encoding" not in plain.headers
        assert plain.text == "let map = 1;"
        assert client.get("/assets/worker.js").headers["cache-control"] == "no-cache"
        versioned = client.get("/assets/worker.js?v=0123456789ab").headers["cache-control"]
        assert versioned == hashed.headers["cache-control"]
        assert client.head("/").status_code == 200


def test_the_worker_s_page_and_its_service_worker(town: SimpleNamespace, built: Path) -> None:
    with make_client(town.store, web_root=built) as client:
        page = client.get("/phone")
        assert page.status_code == 200
        assert "案件" in page.text
        worker = client.get("/phone-sw.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        manifest = client.get("/phone.webmanifest")
        assert manifest.headers["content-type"] == "application/manifest+json"
        # None of them may be old, or all that they name would be.
        for answer in (page, worker, manifest):
            assert answer.headers["cache-control"] == "no-cache"
            assert "worker-src 'self'" in answer.headers["content-security-policy"]
            assert (
                client.get(str(answer.url), headers={"if-none-match": answer.headers["etag"]}).status_code
                == 304
            )


@pytest.mark.parametrize(
    "path",
    ["/assets/", "/assets/none.js", "/assets/%2e%2e/index.html", "/assets/..%2f..%2fsecret.txt", "/assets/%00",
     "/assets/app-1A2B3C4D.js.gz", "/assets//etc/passwd", "/assets/" + 300 * "a", "/favicon.ico"],
)  # fmt: skip
def test_files_outside_are_not_found(town: SimpleNamespace, built: Path, path: str) -> None:
    with make_client(town.store, web_root=built) as client:
        assert_problem(client.get(path), 404, "not-found")


def test_lru_builds_once_and_drops_the_oldest() -> None:
    kept: Lru[str] = Lru(10, len)
    assert kept.get("a", lambda: "x" * 4) == "xxxx"
    assert kept.get("a", lambda: pytest.fail("built twice")) == "xxxx"
    kept.get("b", lambda: "y" * 4)
    kept.get("a", lambda: "again")
    kept.get("c", lambda: "z" * 4)
    assert kept.get("b", lambda: "new") == "new"
    assert kept.get("big", lambda: "v" * 11) == "v" * 11
    assert kept.get("big", lambda: "w" * 11) == "w" * 11


def test_lru_lets_others_wait_for_one_builder() -> None:
    kept: Lru[int] = Lru(10)
    started, go, calls = threading.Event(), threading.Event(), []

    def build() -> int:
        calls.append(1)
        started.set()
        assert go.wait(5)
        return 7

    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(kept.get("k", build))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert started.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert results == [7] * 4
    assert len(calls) == 1


def test_lru_survives_a_builder_that_fails() -> None:
    kept: Lru[int] = Lru(10)
    with pytest.raises(ZeroDivisionError):
        kept.get("k", lambda: 1 // 0)
    assert kept.get("k", lambda: 5) == 5


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_PORT", "8099")
    monkeypatch.setenv("WANGGE_ALLOWED_HOSTS", "Grid.Example, other.example ,")
    settings = Settings()
    assert settings.port == 8099
    assert settings.allowed_hosts == ("grid.example", "other.example")
    assert settings.is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "grid.example"])
def test_other_addresses_need_a_proxy(host: str) -> None:
    with pytest.raises(core.ParameterError, match="accounts come first"):
        require_safe_host(Settings(host=host))
    require_safe_host(Settings(host=host, behind_proxy=True))


def test_a_port_in_use_is_one_sentence() -> None:
    with listen(Settings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(core.ParameterError, match=f"listens on port {port} of 127.0.0.1"):
            listen(Settings(port=port))


def test_the_newest_plan_is_prepared_when_the_server_starts(town: SimpleNamespace) -> None:
    services = make_client(town.store).app.state.services
    warm(services)
    assert len(services.kept) == 4
    with make_client(BrokenStore(core.StoreUnavailableError("Gone."))) as client:
        warm(client.app.state.services)  # says so in the log and goes on


def test_many_at_once_get_the_same(town: SimpleNamespace) -> None:
    paths = [
        "/api/plans/1/cells.bin",
        "/api/plans/1/grids",
        "/api/datasets/1/base.bin",
        "/api/plans/1/cells/7",
    ] * 6
    with make_client(town.store) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, paths))
    assert {answer.status_code for answer in answers} == {200}
    for first, answer in zip(answers[:4] * 6, answers, strict=True):
        assert answer.content == first.content


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("127.example.org", False), ("0.0.0.0", False)],
)
def test_only_addresses_of_this_machine_count_as_loopback(host: str, alone: bool) -> None:
    assert Settings(host=host).is_loopback is alone


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "https://grid.example"}, False),
        ({"origin": "http://127.0.0.1:3000"}, True),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
    ],
)
def test_pages_of_other_sites_cannot_write(
    town: SimpleNamespace, headers: dict[str, str], refused: bool
) -> None:
    with make_client(town.store, allowed_hosts=("grid.example",)) as client:
        answer = client.post("/api/locate", json={"points": []}, headers=headers)
        link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
        assert client.get("/api/plans", headers=link).status_code == 200
        picture = client.get("/api/plans", headers={**link, "sec-fetch-dest": "image"})
        assert_problem(picture, 403, "foreign-origin")
    if refused:
        assert_problem(answer, 403, "foreign-origin")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_writes_are_json(client: TestClient, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = client.post("/api/locate", content=b'{"points": []}', headers=headers)
    assert_problem(answer, 415, "unsupported-media-type", says="application/json")
