"""Cases, their steps, and the rules by which they are handled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store.types import Integer, Real, String, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; there were no cases before."""
    _table(
        "cases",
        sa.Column("key", String),
        sa.Column("plan_id", Integer),
        _required("category", String),
        _required("grade", String),
        _required("state", String),
        sa.Column("unit", String),
        sa.Column("grid_code", String),
        _required("lon", Real),
        _required("lat", Real),
        _required("accuracy_m", Real),
        _required("reported_at", UtcTime()),
        sa.Column("due_at", UtcTime()),
        _required("words", String),
        _required("details", String),
        _required("standing", String),
        _required("n_steps", Integer),
    )
    op.create_index("ux_cases_key", "cases", ["key"], unique=True)
    op.create_index("ix_cases_state", "cases", ["state"])
    op.create_index("ix_cases_reported", "cases", ["reported_at"])
    op.create_table(
        "case_steps",
        sa.Column("id", Integer, primary_key=True),
        sa.Column("case_id", Integer, sa.ForeignKey("cases.id"), nullable=False),
        _required("number", Integer),
        _required("kind", String),
        _required("at", UtcTime()),
        _required("who", String),
        _required("why", String),
        _required("source", String),
        _required("data", String),
        sa.Column("key", String),
        sa.Column("before", String),
        _required("after", String),
        sa.Column("unit", String),
        sa.Column("due_at", UtcTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ux_case_steps_number", "case_steps", ["case_id", "number"], unique=True)
    op.create_index("ux_case_steps_key", "case_steps", ["case_id", "key"], unique=True)
    _table("dispatch_rules", _required("at", UtcTime()), _required("who", String), _required("rules", String))


def _required(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table that no other program has to see: it is not declared in a GeoPackage."""
    op.create_table(name, sa.Column("id", Integer, primary_key=True), *columns, sqlite_autoincrement=True)
