"""Files of cases over HTTP, on both stores, in a folder and in S3: kept once, without what they hide, never lost."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from PIL import Image

from api import incident_models as models
from gis_core.store.case_files import MOST_FILES
from tests.api.support import TestClient, assert_problem, make_client
from tests.photos import SECRET, photo

JPEG = {"Content-Type": "image/jpeg"}


class FakeS3(BaseHTTPRequestHandler):
    """Objects in memory; what is not signed is refused, and the first request of each kind fails."""

    objects: dict[str, bytes]
    failed: set[str]

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._is_fine(data):
            self.objects[self.path] = data
            self._answer(200, b"")

    def do_GET(self) -> None:
        if self._is_fine(b""):
            found = self.objects.get(self.path)
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>") if found is None else self._answer(
                200, found
            )

    def _is_fine(self, data: bytes) -> bool:
        if self.command not in self.failed:
            self.failed.add(self.command)
            self._answer(503, b"<Error><Code>SlowDown</Code></Error>")
            return False
        signed = self.headers.get("Authorization", "")
        same = self.headers.get("x-amz-content-sha256") == hashlib.sha256(data).hexdigest()
        if (
            not same
            or not signed.startswith("AWS4-HMAC-SHA256 Credential=key/")
            or "/s3/aws4_request" not in signed
        ):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return False
        return True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def s3() -> Iterator[SimpleNamespace]:
    handler = type("OwnS3", (FakeS3,), {"objects": {}, "failed": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(objects=handler.objects, url=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_own_store


@pytest.fixture
def client(town: SimpleNamespace, tmp_path: Path) -> Iterator[TestClient]:
    with make_client(town.store, attachments=str(tmp_path / "files"), attachment_mb=0.5) as client:
        client.headers["X-Wangge-Who"] = "%E7%8E%8B%E4%BA%94"
        yield client


def report(client: TestClient) -> str:
    answer = client.post("/api/incidents", json={"x": 121.5, "y": 31.2, "category": "漏水"})
    return f"/api/incidents/{answer.json()['id']}"


def send(client: TestClient, case: str, data: bytes, **query: str) -> models.Attachment:
    answer = client.post(f"{case}/attachments", params=query, content=data, headers=JPEG)
    assert answer.status_code == 201, answer.text
    return models.Attachment.model_validate_json(answer.content)


def test_a_photo_is_kept_clean_and_stands_in_the_history(client: TestClient, tmp_path: Path) -> None:
    case = report(client)
    row = send(client, case, photo(), name="井盖.HEIC.jpg", why="现场", where="phone", key="k1")
    assert (row.number, row.name, row.type, row.width, row.height) == (
        1,
        "井盖.HEIC.jpg",
        "image/jpeg",
        40,
        60,
    )
    assert (row.who, row.why, row.where, row.step, row.n_steps) == ("王五", "现场", "phone", 1, 2)
    full, thumb = client.get(row.url), client.get(row.thumb or "")
    assert hashlib.sha256(full.content).hexdigest() == row.sha256
    assert len(full.content) == row.bytes
    for answer in (full, thumb):
        assert SECRET not in answer.content
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''%E4%BA%95")
        assert Image.open(io.BytesIO(answer.content)).size == (40, 60)
    again = client.get(row.url, headers={"If-None-Match": full.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    detail = models.IncidentDetail.model_validate_json(client.get(case).content)
    assert [each.url for each in detail.attachments] == [row.url]
    assert (detail.steps[1].kind, detail.steps[1].data) == (
        "note",
        {"attachment": 1, "name": "井盖.HEIC.jpg"},
    )
    assert not any(SECRET in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_the_same_key_counts_once_and_each_file_is_told(client: TestClient) -> None:
    case = report(client)
    first = send(client, case, photo(), key="k1")
    assert send(client, case, photo(), key="k1").number == first.number == 1
    text = client.post(
        f"{case}/attachments?name=a/b%0D%0A.html",
        content="<b>说明</b>".encode("gb18030"),
        headers={"Content-Type": "text/plain"},
    ).json()
    assert (text["number"], text["name"], text["type"], text["thumb"]) == (2, "b.txt", "text/plain", None)
    answer = client.get(text["url"])
    assert answer.content.decode() == "<b>说明</b>"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment;")
    listed = models.AttachmentList.model_validate_json(client.get(f"{case}/attachments").content)
    assert [each.number for each in listed.attachments] == [1, 2]
    assert client.get(case).json()["n_steps"] == 3
    client.post(f"{case}/steps", json={"kind": "verify", "key": "k9"})
    taken = client.post(f"{case}/attachments?key=k9", content=photo(), headers=JPEG)
    assert_problem(taken, 409, "conflict", says="another step")


def test_what_is_refused(client: TestClient) -> None:
    case = report(client)
    path = f"{case}/attachments"
    assert_problem(client.post(path, content=b"", headers=JPEG), 400, "bad-parameter", says="empty")
    assert_problem(client.post(path, content=b"MZ\x00", headers=JPEG), 400, "bad-parameter", says="not known")
    assert_problem(client.post(path, content=b"x" * 500_001, headers=JPEG), 413, "too-large", says="0.5 MB")
    assert_problem(client.post(path, json={}), 415, "unsupported-media-type")
    foreign = {**JPEG, "Origin": "http://evil.example"}
    assert_problem(client.post(path, content=photo(), headers=foreign), 403, "foreign-origin")
    nobody = "/api/incidents/999999/attachments"
    assert_problem(client.post(nobody, content=photo(), headers=JPEG), 404, "not-found")
    assert_problem(client.get(nobody), 404, "not-found")
    assert_problem(client.get(f"{path}/1"), 404, "not-found")
    note = client.post(path, content=b"note", headers={"Content-Type": "text/plain"}).json()
    assert_problem(client.get(f"{note['url']}?size=thumb"), 404, "not-found", says="no small picture")
    assert client.get(case).json()["n_steps"] == 2


def test_a_case_has_so_many_files_at_most(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis_core.store.case_files.MOST_FILES", 2)
    assert MOST_FILES > 2
    case = report(client)
    for number in (1, 2):
        assert send(client, case, photo(), key=str(number)).number == number
    full = client.post(f"{case}/attachments?key=3", content=photo(), headers=JPEG)
    assert_problem(full, 409, "conflict", says="the most there can be")
    assert send(client, case, photo(), key="1").number == 1


def test_files_in_s3(town: SimpleNamespace, s3: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis_core.attachments.s3._PAUSE_S", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = {"attachments": "s3://files/照片/2026", "s3_endpoint": s3.url}
    with make_client(town.store, **settings) as client:
        row = send(client, report(client), photo())
        assert (
            client.get(row.url).content
            == s3.objects[f"/files/%E7%85%A7%E7%89%87/2026/{row.sha256[:2]}/{row.sha256[2:]}"]
        )
        assert len(s3.objects) == 2
        s3.objects.update(dict.fromkeys(s3.objects, b"changed"))
        assert_problem(client.get(row.url), 503, "store-unavailable", says="another file")
        s3.objects.clear()
        assert_problem(client.get(row.url), 404, "not-found", says="has lost a file")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    with make_client(town.store, **settings) as client:
        case = report(client)
        refused = client.post(f"{case}/attachments", content=photo(), headers=JPEG)
        problem = assert_problem(refused, 503, "store-unavailable", says="SignatureDoesNotMatch")
        assert "secret" not in problem.detail
        assert client.get(case).json()["n_steps"] == 1
