"""A store of the version before opens without loss: what was there is there, and can be edited as a new one."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from store_town import fill

from gis_core.errors import StoreUnavailableError
from gis_core.store import open_store

# What the migration 0002 added.
ADDED = ("plan_attributes", "grid_codes", "plan_areas")


def go_back(store):
    """Take away from a store what the versions after 0001 added."""
    with store._write() as connection:
        for table in ("buildings", "streets", "facilities", "grids"):
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN search_text TEXT NOT NULL DEFAULT 'x'"))
        for table in (
            "webhook_deliveries",
            "webhooks",
            "case_attachments",
            "case_steps",
            "cases",
            "dispatch_rules",
            "server_jobs",
            "server_presence",
        ):
            connection.execute(text(f"DROP TABLE {table}"))
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
        connection.execute(text("UPDATE wangge_version SET version_num = '0001'"))


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
        go_back(store)
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
