"""What several server processes on one store know of each other; an index of the changes of base data in the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store.types import Blob, Integer, Real, String, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the index; of jobs and people before, nothing is known."""
    _table(
        "server_jobs",
        _required("name", String),
        _required("plan_id", Integer),
        _required("kind", String),
        _required("revision", Integer),
        _required("state", String),
        _required("progress", Real),
        _required("started_at", UtcTime()),
        sa.Column("ended_at", UtcTime()),
        _required("beat_s", Real),
        sa.Column("result", Blob),
        sa.Column("error", String),
        sa.Column("code", String),
    )
    op.create_index("ux_server_jobs_name", "server_jobs", ["name"], unique=True)
    _table(
        "server_presence",
        _required("worker", String),
        _required("plan_id", Integer),
        _required("client", String),
        _required("name", String),
        _required("beat_s", Real),
    )
    op.create_index("ix_server_presence_plan", "server_presence", ["plan_id"])
    op.create_index("ix_server_presence_worker", "server_presence", ["worker"])
    only = sa.text("substr(changes, 1, 8) = '[[\"base\"'")
    op.create_index(
        "ix_edits_base", "edits", ["plan_id", "revision"], sqlite_where=only, postgresql_where=only
    )


def _required(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table that no other program has to see: it is not declared in a GeoPackage."""
    op.create_table(name, sa.Column("id", Integer, primary_key=True), *columns, sqlite_autoincrement=True)
