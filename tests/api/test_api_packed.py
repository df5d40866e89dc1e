"""Small bodies that unpack to large ones are refused before they are unpacked."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from api.packed import unpacked_bytes
from tests.api.support import TestClient, assert_problem, make_client

ARROW = "application/vnd.apache.arrow.stream"


def stream(table: pa.Table, codec: str | None) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=50_000)
    return out.getvalue()


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
def test_the_size_is_told_from_the_headers(codec: str | None) -> None:
    rng = np.random.default_rng(3)
    words = pa.array(["a", None, "渔人码头"] * 40_000)
    table = pa.table(
        {"x": rng.uniform(size=120_000), "y": np.zeros(120_000), "w": words, "d": words.dictionary_encode()}
    )
    size, rows = unpacked_bytes(stream(table, codec))
    assert rows == 120_000
    assert table.nbytes <= size <= 1.2 * table.nbytes + 10_000
    assert unpacked_bytes(stream(table[:0], codec))[1] == 0


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("packed", ["x", "words", "dictionary"])
def test_a_small_stream_that_unpacks_to_much_is_refused(
    client: TestClient, town: SimpleNamespace, codec: str, packed: str
) -> None:
    columns: dict[str, pa.Array] = {"x": pa.array([1.0]), "y": pa.array([1.0])}
    great = pa.array(np.zeros(2_500_000))
    if packed == "x":
        columns = {"x": great, "y": great}
    elif packed == "words":
        columns["words"] = pa.array(["a" * 40_000_000])
    else:
        columns["words"] = pa.DictionaryArray.from_arrays(
            pa.array([0], pa.int32()), pa.array(["a" * 40_000_000])
        )
    body = stream(pa.table(columns), codec)
    assert len(body) < 600_000
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    answer = client.post("/api/locate/table", content=body, headers={"content-type": ARROW})
    assert_problem(answer, 413, "too-large", says="unpacks to more than 16 MB")
    assert pa.total_allocated_bytes() - before < 5_000_000
    assert tracemalloc.get_traced_memory()[1] < 16_000_000
    tracemalloc.stop()


def test_rows_that_take_no_bytes_are_counted(client: TestClient, town: SimpleNamespace) -> None:
    many = pa.RunEndEncodedArray.from_arrays(pa.array([2**31 - 1], pa.int64()), pa.array([1.0]))
    body = io.BytesIO()
    batch = pa.record_batch([many, many], names=["x", "y"])
    with pa.ipc.new_stream(body, batch.schema) as writer:
        writer.write_batch(batch)
    answer = client.post("/api/locate/table", content=body.getvalue(), headers={"content-type": ARROW})
    assert_problem(answer, 400, "bad-parameter", says="too many at once")


def test_a_packed_stream_of_the_usual_size_is_taken(client: TestClient, town: SimpleNamespace) -> None:
    point = town.plan.grids.geometry.iloc[2].representative_point()
    table = pa.table({"x": [point.x] * 1000, "y": [point.y] * 1000})
    for codec in ("lz4", "zstd"):
        answer = client.post(
            "/api/locate/table",
            content=stream(table, codec),
            headers={"content-type": ARROW},
            params={"plan": 1},
        )
        codes = pa.ipc.open_stream(answer.content).read_all()["grid_code"].unique().to_pylist()
        assert codes == [town.plan.grids["code"].iloc[2]]


def test_streams_that_are_broken_anywhere_are_said(client: TestClient, town: SimpleNamespace) -> None:
    whole = stream(pa.table({"x": np.arange(9.0), "y": np.arange(9.0)}), "lz4")
    rng = np.random.default_rng(1)
    for at in rng.integers(0, len(whole), 150).tolist():
        broken = bytearray(whole)
        broken[at] ^= int(rng.integers(1, 256))
        answer = client.post("/api/locate/table", content=bytes(broken), headers={"content-type": ARROW})
        assert answer.status_code in (200, 400, 413), (at, answer.text)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/api/locate", "application/json", b'{"points": [[1, 2]]}'),
        ("/api/locate/table", "text/csv", b"x,y\n1,2\n"),
        ("/api/incidents", "application/json", b"{}"),
        ("/api/datasets/1/counts", "text/csv", b"a,b\n"),
    ],
)
def test_bodies_are_not_unpacked(client: TestClient, path: str, kind: str, body: bytes) -> None:
    headers = {"content-type": kind, "content-encoding": "gzip"}
    answer = client.post(path, content=gzip.compress(body), headers=headers)
    assert_problem(answer, 415, "unsupported-media-type", says="without Content-Encoding")


def test_a_sheet_that_unpacks_to_much_is_refused(town: SimpleNamespace) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(320):
                part.write(b" " * (1 << 20))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    with make_client(town.store) as client:
        answer = client.post(
            "/api/datasets/1/counts", content=book.getvalue(), headers={"content-type": kind}
        )
    assert_problem(answer, 413, "too-large", says="unpacks to more than can be held")
