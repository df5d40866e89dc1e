"""A store of the version before opens without loss: what was there is there, and can be edited as a new one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from store_town import fill

from gis_core.dispatch import Event, EventKind
from gis_core.errors import StoreUnavailableError
from gis_core.store import open_store
from gis_core.store.case_files import NewFile
from gis_core.store.cases import NewCase

# What the migration 0002 added.
ADDED = ("plan_attributes", "grid_codes", "plan_areas")
#: Tables of the versions after the one they stand beside, those that name others first.
TABLES = {
    "0007": ("staff", "assets"),
    "0005": ("webhook_deliveries", "webhooks", "case_attachments"),
    "0003": ("case_steps", "cases", "dispatch_rules", "server_jobs", "server_presence"),
}
NOW = datetime(2026, 3, 2, 1, 0, 0, 123000, tzinfo=UTC)


def go_back(store, version):
    """Take away from a store what the versions after 0001, or after 0005, added."""
    with store._write() as connection:
        for table in ("buildings", "streets", "facilities", "grids"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN search_text TEXT NOT NULL DEFAULT 'x'"))
        for _, tables in filter(lambda item: item[0] >= version, TABLES.items()):
            for table in tables:
                connection.execute(text(f"DROP TABLE {table}"))
        if version == "0001":
            take_editing_away(store, connection)
        connection.execute(text(f"UPDATE wangge_version SET version_num = '{version}'"))


def take_editing_away(store, connection):
    for index in ("ux_edits_key", "ix_edits_undoes", "ix_edits_base"):
        connection.execute(text(f"DROP INDEX {index}"))
    for table, column in (
        ("edits", "key"),
        ("edits", "changes"),
        ("edits", "undoes"),
        ("plans", "based_on"),
        ("datasets", "derived_from"),
        ("datasets", "changes"),
        ("streets", "grade_separated"),
    ):
        connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    for table in ADDED:
        connection.execute(text(f"DROP TABLE {table}"))
        if store.kind == "geopackage":
            connection.execute(text(f"DELETE FROM gpkg_contents WHERE table_name = '{table}'"))


def everything(store, plan_id):
    plan, edits = store.plan(plan_id), store.edits(plan_id)
    return (
        plan,
        store.assignment(plan_id).tolist(),
        store.grids(plan_id).to_wkt().to_dict("list"),
        [(e.revision, e.who, e.kind, e.at, e.cell_ix.tolist(), e.inverse_grid_ix.tolist()) for e in edits],
        store.plan_state(plan_id),
    )


def test_an_old_store_is_upgraded_without_loss(place, two_communities):
    with open_store(place) as store:
        _, dataset_id, plan_id = fill(store, two_communities)
        options = {"who": "王五", "kind": "paint"}
        store.add_edit(plan_id, expected_revision=0, cell_ix=[0, 1], grid_ix=[1, -1], **options)
        before = everything(store, plan_id)
        buildings = store.layer(dataset_id, "buildings")
        go_back(store, "0001")
    with pytest.raises(StoreUnavailableError, match="older version"):
        open_store(place, create=False)
    with open_store(place) as store:
        assert everything(store, plan_id) == before
        assert store.layer(dataset_id, "buildings").equals(buildings)
        state = store.plan_state(plan_id)
        assert [(grid.code, grid.name) for grid in state.grids][:2] == [
            ("310101001001", "第一网格"),
            ("310101001002", None),
        ]
        store.add_edit(
            plan_id,
            expected_revision=1,
            cell_ix=[],
            grid_ix=[],
            changes=[("grid/1/name", "x")],
            key="k",
            **options,
        )
        store.restore(plan_id, 0, expected_revision=2, who="a")
        assert store.plan_state(plan_id).grids == state.grids
        branch = store.branch_plan(plan_id, name="b")
        assert store.assignment(branch).tolist() == store.assignment(plan_id).tolist()
        cases_outlive_an_upgrade(place, store, plan_id)


def cases_outlive_an_upgrade(place, store, plan_id):
    """Work on cases in a store of the version that had them first, then in the newest."""
    store.set_dispatch_rules({"duty": {"fallback": [{"unit": "街道"}]}}, who="张三")
    new = NewCase(lon=121.5, lat=31.25, category="漏水", words="3号楼漏水 🚰", plan_id=plan_id, key="k1")
    case_id = store.add_case(new, Event(EventKind.REPORT, NOW, "王五")).id
    before = store.step_case(case_id, Event(EventKind.VERIFY, NOW, "王五", key="s1"))
    rules, serial = store.dispatch_rules().data, store.case_serial()
    go_back(store, "0005")
    with open_store(place) as newer:
        assert newer.case(case_id) == before
        assert (newer.dispatch_rules().data, newer.case_serial()) == (rules, serial)
        assert newer.step_case(case_id, Event(EventKind.VERIFY, NOW, "王五", key="s1")) == before
        file = NewFile("a.txt", "text/plain", 3, "0" * 64, None, None, None)
        newer.attach_to_case(case_id, file, Event(EventKind.NOTE, NOW, "王五"))
        assert [each.file for each in newer.case_attachments(case_id)] == [file]
        hook = newer.add_webhook(url="https://example.org/", secret="s", events=[], who="a")
        newer.step_case(case_id, Event(EventKind.OPEN, NOW, "王五"))
        assert newer.queue_deliveries(lambda news: str(news.serial)) == 1
        assert newer.claim_delivery().webhook_id == hook.id
