"""Cases of before in, all cases out, on both stores: placed by the plan of their time, none twice, none that runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from api import incident_models as models
from gis_core.cli import app as cli
from gis_core.store import open_store
from tests.api.support import TestClient, assert_problem, make_client

CSV = {"Content-Type": "text/csv"}
HEADER = "编号,类别,上报时间,经度,纬度,描述,结案时间\n"
PUBLISHED = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(town_in_each_own_store: SimpleNamespace) -> SimpleNamespace:
    """The town, whose plan is in force since June 2024."""
    store = town_in_each_own_store.store
    number = store.branch_plan(town_in_each_own_store.plan_id, name="old")
    store.publish_plan(
        number,
        expected_revision=store.plan(number).revision,
        valid_from=PUBLISHED,
        except_=["out_of_bounds", "unnamed", "without_staff"],
    )
    town_in_each_own_store.published = number
    return town_in_each_own_store


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        yield client


def place(town: SimpleNamespace, cell_ix: int = 210) -> str:
    point = town.plan.cells.geometry.iloc[cell_ix].representative_point()
    return f"{point.x},{point.y}"


def send(client: TestClient, text: str | bytes, **query: Any) -> models.ImportAnswer:
    answer = client.post("/api/incidents/table", params={"crs": "wgs84", **query}, content=text, headers=CSV)
    assert answer.status_code == 200, answer.text
    return models.ImportAnswer.model_validate_json(answer.content)


def test_old_cases_are_placed_by_the_plan_of_their_time(client: TestClient, town: SimpleNamespace) -> None:
    here = place(town)
    rows = (
        f"A1,漏水,2024-05-01 08:00,{here},before,\nA2,漏水,2024-07-01 08:00,{here},=1+1,2024-07-02 09:00\n"
        f"A3,漏水,2024-07-01 08:00,0,0,far,\nA4,漏水,nonsense,{here},x,\n\nA5,漏水,2024-07-01,999,99,x,\n"
    )
    before = town.store.cases()[1]
    only = send(client, HEADER + rows, dry_run=True)
    assert (only.written, only.rows, only.added, town.store.cases()[1]) == (False, 5, 0, before)
    strict = send(client, HEADER + rows, strict=True)
    assert (strict.written, strict.n_rejected, town.store.cases()[1]) == (False, 2, before)
    report = send(client, (HEADER + rows).encode("gb18030"), source="s1", name="old.csv")
    assert (report.added, report.known, report.without_plan, report.outside) == (3, 0, 1, 1)
    assert [one.row for one in report.rejected] == [5, 7]
    assert "no position" in report.rejected[1].reason
    assert report.columns["reported_at"] == "上报时间"
    found = {row["words"]: row for row in client.get("/api/incidents?limit=3").json()["incidents"]}
    code = str(town.plan.cells["grid_code"].iloc[210])
    assert (found["=1+1"]["grid_code"], found["=1+1"]["plan"]) == (code, town.published)
    assert (found["before"]["grid_code"], found["before"]["plan"]) == (None, None)
    assert found["before"]["details"]["status"] == "no_plan"
    assert found["=1+1"]["state"] == "closed"
    assert found["=1+1"]["reported_at"] == "2024-07-01T00:00:00+00:00"
    case = models.IncidentDetail.model_validate_json(
        client.get(f"/api/incidents/{found['=1+1']['id']}").content
    )
    assert (case.steps[-1].kind, case.steps[-1].at) == ("close", datetime(2024, 7, 2, 1, 0, tzinfo=UTC))
    assert case.steps[3].unit == code
    assert case.details["imported"] == {"file": "old.csv", "row": 3, "number": "A2", "source": "s1"}
    again = send(client, HEADER + rows, source="s1")
    assert (again.added, again.known) == (0, 3)
    other = send(
        client, HEADER + f"A1,漏水,2024-05-01 08:00,{here},before,\n", source="s2", plan=town.plan_id
    )
    assert (other.added, other.without_plan) == (1, 0)


def test_a_table_that_cannot_be_used(client: TestClient, town: SimpleNamespace) -> None:
    path = "/api/incidents/table"
    assert_problem(client.post(path, content=HEADER, headers=CSV), 400, "bad-parameter", says="crs")
    for body, query, says in (
        (HEADER, {}, "no rows"),
        ("a,b\n1,2\n", {}, "recognised for category"),
        (b"\x00\x01\x02", {}, "no text"),
        (HEADER + "1,a,2024-01-01,1,1,,\n", {"map": "words"}, "map is written"),
        (HEADER + "1,a,2024-01-01,1,1,,\n", {"zone": "Moon"}, "time zone"),
        (HEADER + "1,a,2024-01-01,1,1,,\n", {"crs": "mars"}, "mars"),
    ):
        answer = client.post(path, params={"crs": "wgs84", **query}, content=body, headers=CSV)
        assert answer.status_code == 400, body
        assert says in answer.json()["detail"]
    lost = client.post(
        f"{path}?crs=wgs84&plan=999999", content=HEADER + "1,a,2024-01-01,1,1,,\n", headers=CSV
    )
    assert_problem(lost, 404, "not-found")
    with make_client(town.store, max_points=1) as small:
        many = small.post(f"{path}?crs=wgs84", content=HEADER + "1,a,2024-01-01,1,1,,\n" * 2, headers=CSV)
        assert_problem(many, 400, "bad-parameter", says="too many")


def test_imports_are_not_told_to_webhooks(client: TestClient, town: SimpleNamespace) -> None:
    record = town.store.add_webhook(url="https://example.org/", secret="x" * 16)
    send(client, HEADER + f"W1,漏水,2024-07-01,{place(town)},,\n")
    town.store.queue_deliveries(lambda news: "{}")
    assert town.store.deliveries(record.id) == []
    town.store.remove_webhook(record.id)


def test_all_that_is_there_goes_out_and_nothing_in_it_runs(client: TestClient, town: SimpleNamespace) -> None:
    words = '=HYPERLINK("http://evil.example"),"quoted"\nsecond line'
    x, y = place(town).split(",")
    body = {"x": float(x), "y": float(y), "category": "@漏水", "words": words, "road": "-路"}
    case = client.post("/api/incidents", json=body, headers={"X-Wangge-Who": "%2B86"}).json()
    client.post(f"/api/incidents/{case['id']}/steps", json={"kind": "verify", "why": "\tx"})
    answer = client.get("/api/incidents/export?format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="cases.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert [int(row["id"]) for row in rows] == sorted(int(row["id"]) for row in rows)
    assert len(rows) == town.store.cases()[1]
    mine = rows[-1]
    assert (mine["words"], mine["category"], mine["road"]) == (f"'{words}", "'@漏水", "'-路")
    assert (mine["reporter"], mine["state"], mine["n_steps"]) == ("'+86", "verified", "2")
    assert float(mine["lon"]) == float(x)
    steps = client.get("/api/incidents/export?format=csv&table=steps&state=verified").content.decode(
        "utf-8-sig"
    )
    last = list(csv.DictReader(io.StringIO(steps, newline="")))[-1]
    assert (last["kind"], last["why"], last["before"]) == ("verify", "'\tx", "reported")
    features = orjson.loads(client.get("/api/incidents/export?format=geojson&open=true").content)["features"]
    assert features[-1]["properties"]["words"] == words
    assert [step["kind"] for step in features[-1]["properties"]["steps"]] == ["report", "verify"]
    assert features[-1]["geometry"]["coordinates"] == [float(x), float(y)]
    book = load_workbook(io.BytesIO(client.get("/api/incidents/export?format=xlsx").content))
    cells = {cell.value: cell.data_type for row in book["cases"].iter_rows() for cell in row}
    assert cells[words] == "s"
    assert book["steps"].max_row > book["cases"].max_row
    none = client.get("/api/incidents/export?format=geojson&unit=nobody")
    assert orjson.loads(none.content) == {"type": "FeatureCollection", "features": []}
    assert_problem(client.get("/api/incidents/export?format=pdf"), 400, "bad-parameter")


def test_what_all_cases_say_together(client: TestClient, town: SimpleNamespace) -> None:
    here = place(town)
    rows = [f"S{day},统计,2024-09-0{day} 08:00,{here},,2024-09-0{day} {8 + day}:00\n" for day in range(2, 5)]
    send(
        client, HEADER + "".join(rows) + f"S9,统计,2024-09-09 08:00,{here},,\n", source="counts", ends="open"
    )
    asked = {"from": "2024-09-02", "to": "2024-09-04", "by": "category"}
    counts = client.get("/api/incidents/stats", params=asked).json()
    models.CaseCounts.model_validate(counts)
    assert (counts["from"], counts["to"]) == ("2024-09-02T00:00:00+08:00", "2024-09-05T00:00:00+08:00")
    row = next(row for row in counts["rows"] if row["key"] == "统计")
    assert (row["cases"], row["closed"], row["open"], row["done"]) == (3, 3, 0, 3)
    assert (row["median_hours"], row["p90_hours"], row["return_rate"]) == (2.0, 3.0, 0.0)
    sheet = client.get("/api/incidents/stats", params={**asked, "format": "csv"})
    assert sheet.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert {one["category"]: one["cases"] for one in table}["统计"] == "3"
    assert table[-1]["category"] == "*"
    for wrong in ({"from": "2024-09-05", "to": "2024-09-01"}, {"from": "soon"}, {"by": "moon"}):
        assert_problem(client.get("/api/incidents/stats", params=wrong), 400, "bad-parameter")


def test_what_went_out_comes_in_elsewhere(client: TestClient, town: SimpleNamespace) -> None:
    send(client, HEADER + f"R1,漏水,2024-07-01 08:00,{place(town)},=round trip,2024-07-03\n", source="r")
    out = client.get("/api/incidents/export?format=csv&state=closed").content
    back = send(client, out, source="elsewhere")
    assert (back.n_rejected, back.added) == (0, back.rows)
    listed = client.get("/api/incidents?state=closed&limit=1000").json()["incidents"]
    same = [row for row in listed if row["words"] == "=round trip"]
    assert len(same) == 2
    assert same[0]["reported_at"] == same[1]["reported_at"]
    assert same[0]["grid_code"] == same[1]["grid_code"] is not None


def test_the_command(tmp_path: Path, own_town: SimpleNamespace) -> None:
    here = place(own_town)
    table = tmp_path / "old.csv"
    table.write_text(HEADER + f"C1,漏水,2024-07-01,{here},a,\nC2,,2024-07-01,{here},=b,\n", encoding="utf-8")
    db = ["--db", str(own_town.path)]
    rejects = tmp_path / "rejects.csv"

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli, ["cases", *arguments])

    assert "--crs" in run("import", str(table), *db).output
    refused = run("import", str(table), *db, "--crs", "wgs84", "--strict", "--rejects", str(rejects))
    assert (refused.exit_code, "nothing was imported" in refused.output) == (1, True)
    assert rejects.read_text(encoding="utf-8-sig").splitlines() == ["row,reason", "3,It has no category."]
    done = run("import", str(table), *db, "--crs", "gcj02", "--plan", f"plan:{own_town.plan_id}", "--json")
    assert done.exit_code == 0, done.output
    report = orjson.loads(done.stdout)
    assert (report["added"], report["n_rejected"], report["without_plan"]) == (1, 1, 0)
    for name, begins in (
        ("out.csv", "\ufeffid,category"),
        ("out.geojson", '{"type":"Feat'),
        ("out.xlsx", ""),
    ):
        out = tmp_path / name
        told = run("export", str(out), *db)
        assert (told.exit_code, "1 case." in told.output) == (0, True), told.output
        assert begins == "" or out.read_text(encoding="utf-8").startswith(begins)
    assert run("export", str(tmp_path / "out.pdf"), *db).exit_code == 2
    counts = orjson.loads(run("stats", *db, "--by", "category", "--json").stdout)
    assert [(row["key"], row["cases"]) for row in counts["rows"]] == [("漏水", 1)]
    assert "all cases" in run("stats", *db, "--from", "2024-07-01", "--to", "2024-07-01").stdout
    assert run("stats", str(tmp_path / "counts.csv"), *db).exit_code == 0
    assert (tmp_path / "counts.csv").read_text(encoding="utf-8-sig").startswith("unit,cases,open,closed,")
    for wrong in (("stats", str(tmp_path / "counts.pdf")), ("stats", "--from", "soon"), ("export",)):
        assert run(*wrong, *db).exit_code == 2
    with open_store(str(own_town.path)) as store:
        assert store.cases()[1] == 1
    assert not list(tmp_path.glob(".*part"))
