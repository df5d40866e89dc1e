"""`wangge publish` on an embedded store."""

from __future__ import annotations

import json

import pytest
from store_town import build_two_communities, fill
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.store import open_store

EXCEPT = ("--except", "out_of_bounds", "--except", "unnamed", "--except", "without_staff")


def wangge(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "store.gpkg"
    with open_store(str(path)) as store:
        fill(store, build_two_communities())
    return path


def test_what_is_open_is_named_and_nothing_is_published(db):
    done = wangge("publish", "plan:1", "--db", db, "--except", "unnamed")
    assert done.exit_code == 1
    assert "not published; open are 32 things" in done.stdout
    assert "out_of_bounds: Grid 310101001001 has" in done.stdout
    assert "and 12 more" in done.stdout
    listed = json.loads(wangge("publish", "plan:1", "--db", db, "--json").stdout)
    assert (listed["published"], len(listed["items"])) == (False, 47)
    with open_store(str(db)) as store:
        assert store.plan(1).state == "draft"


def test_a_draft_is_published_from_a_day_on(db):
    done = wangge(
        "publish", "plan:1", "--db", db, "--valid-from", "2026-05-01T00:00:00+08:00", *EXCEPT, "--json"
    )
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["plan"], answer["published"], answer["valid_from"]) == (
        1,
        True,
        "2026-04-30T16:00:00+00:00",
    )
    again = wangge("publish", "plan:1", "--db", db, *EXCEPT)
    assert again.exit_code == 2
    assert "only a draft" in again.stderr
    with open_store(str(db)) as store:
        assert [one.plan.id for one in store.plans_in_force()] == [1]
        branch = store.branch_plan(1, name="b")
    assert "is published, with 16 grids" in wangge("publish", f"plan:{branch}", "--db", db, *EXCEPT).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan.gpkg",), "load it with `wangge load plan.gpkg`"),
        (("plan:9",), "no plan 9"),
        (("plan:1", "--valid-from", "tomorrow", *EXCEPT), "valid_from is a day"),
        (("plan:1", "--except", "in_pieces"), "in_pieces"),
    ],
)
def test_what_cannot_be_used_is_told(db, arguments, sentence):
    done = wangge("publish", *arguments, "--db", db)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_points_are_asked_for_what_was_in_force_on_a_day(db, tmp_path):
    with open_store(str(db)) as store:
        middle = store.grids(1).geometry[0].representative_point()
    points = tmp_path / "points.csv"
    points.write_text(f"lon,lat\n{middle.x},{middle.y}\n", encoding="utf-8")
    assert wangge("publish", "plan:1", "--db", db, "--valid-from", "2026-05-01", *EXCEPT).exit_code == 0
    with open_store(str(db)) as store:
        draft = store.branch_plan(1, name="b")
        change = [("grid/0/code", "neu")]
        store.add_edit(
            draft, expected_revision=0, who="", kind="number", cell_ix=[], grid_ix=[], changes=change
        )
    assert (
        wangge("publish", f"plan:{draft}", "--db", db, "--valid-from", "2026-06-01", *EXCEPT).exit_code == 0
    )
    found = {}
    for day in ("2026-05-31", "2026-06-01"):
        out = tmp_path / f"{day}.csv"
        done = wangge("locate", "plan:1", points, "--out", out, "--at", day, "--db", db)
        assert done.exit_code == 0, done.stderr
        found[day] = out.read_text(encoding="utf-8-sig").splitlines()[1].split(",")[2]
    assert found == {"2026-05-31": "310101001001", "2026-06-01": "neu"}
    early = wangge("locate", "plan:1", points, "--out", tmp_path / "x.csv", "--at", "2026-04-30", "--db", db)
    assert early.exit_code == 2
    assert "No plan was in force on" in early.stderr
    wrong = wangge("locate", "plan:1", points, "--out", tmp_path / "x.csv", "--at", "yesterday", "--db", db)
    assert "--at is a day" in wrong.stderr
    listed = json.loads(wangge("plans", "--db", db, "--json").stdout)["plans"]
    assert [(row["id"], row["state"], row["based_on"]) for row in listed] == [
        (draft, "published", 1),
        (1, "superseded", None),
    ]
    assert listed[1]["valid_to"] == listed[0]["valid_from"]
    assert "published from 2026-06-01" in wangge("plans", "--db", db).stdout
