"""Editing and publishing: attributes of plans, codes that are spent, edits with keys and changes, plans in force."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from gis_core.store import geopackage
from gis_core.store.types import Flag, Integer, String, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Rows written at once: bounds the memory of an upgrade.
_CHUNK = 10_000


def upgrade() -> None:
    """Add what is new, and give the plans that are there the attributes that their grids have."""
    op.add_column("plans", sa.Column("based_on", Integer))
    for name, kind in (("key", String), ("changes", String), ("undoes", Integer)):
        op.add_column("edits", sa.Column(name, kind))
    op.create_index("ux_edits_key", "edits", ["plan_id", "key"], unique=True)
    op.create_index("ix_edits_undoes", "edits", ["plan_id", "undoes"])
    _attributes("plan_attributes", _required("path", String), _required("value", String))
    op.create_index("ux_plan_attributes_path", "plan_attributes", ["plan_id", "path"], unique=True)
    _attributes(
        "grid_codes",
        _required("code", String),
        _required("grid_ix", Integer),
        sa.Column("boundary_code", String),
        _required("retired", Flag),
        _required("in_force", Flag),
    )
    op.create_index("ux_grid_codes_code", "grid_codes", ["plan_id", "code"], unique=True)
    _attributes(
        "plan_areas",
        _required("boundary_code", String),
        _required("valid_from", UtcTime()),
        sa.Column("valid_to", UtcTime()),
    )
    op.create_index("ux_plan_areas_boundary", "plan_areas", ["plan_id", "boundary_code"], unique=True)
    op.create_index("ix_plan_areas_code", "plan_areas", ["boundary_code"])
    _fill_attributes()


def _required(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _attributes(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table of a plan without geometry."""
    op.create_table(
        name,
        sa.Column("id", Integer, primary_key=True),
        sa.Column("plan_id", Integer, sa.ForeignKey("plans.id", ondelete="CASCADE"), nullable=False),
        *columns,
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        geopackage.register_attributes(op.get_bind(), name)


def _fill_attributes() -> None:
    """Write code, boundary polygon and name of every grid that is there as attributes of its plan."""
    grids = sa.table(
        "grids", *(sa.column(name) for name in ("plan_id", "grid_ix", "code", "name", "boundary_code"))
    )
    table = sa.table("plan_attributes", *(sa.column(name) for name in ("plan_id", "path", "value")))
    rows = []
    for row in op.get_bind().execute(sa.select(grids).order_by(grids.c.plan_id, grids.c.grid_ix)):
        base = {"code": row.code, "boundary_code": row.boundary_code}
        values = {f"grid/{row.grid_ix}": base}
        if row.name:
            values[f"grid/{row.grid_ix}/name"] = row.name
        rows += [
            {"plan_id": row.plan_id, "path": path, "value": json.dumps(value, ensure_ascii=False)}
            for path, value in values.items()
        ]
    for start in range(0, len(rows), _CHUNK):
        op.bulk_insert(table, rows[start : start + _CHUNK])
