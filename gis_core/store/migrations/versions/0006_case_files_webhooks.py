"""Files that belong to cases, and who else is told of their steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store.types import Integer, Real, String, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; there were none before."""
    _table(
        "case_attachments",
        sa.Column("case_id", Integer, sa.ForeignKey("cases.id"), nullable=False),
        _required("number", Integer),
        _required("step", Integer),
        _required("name", String),
        _required("media_type", String),
        _required("n_bytes", Integer),
        _required("digest", String),
        sa.Column("thumb", String),
        sa.Column("width", Integer),
        sa.Column("height", Integer),
    )
    op.create_index("ux_case_attachments_number", "case_attachments", ["case_id", "number"], unique=True)
    _table(
        "webhooks",
        _required("url", String),
        _required("secret", String),
        _required("events", String),
        _required("at", UtcTime()),
        _required("who", String),
        _required("serial", Integer),
        sa.Column("removed_at", UtcTime()),
    )
    _table(
        "webhook_deliveries",
        sa.Column("webhook_id", Integer, sa.ForeignKey("webhooks.id"), nullable=False),
        _required("serial", Integer),
        _required("kind", String),
        _required("body", String),
        _required("state", String),
        _required("attempts", Integer),
        _required("next_s", Real),
        _required("at", UtcTime()),
        sa.Column("last_at", UtcTime()),
        sa.Column("status", Integer),
        sa.Column("answer", String),
    )
    op.create_index(
        "ux_webhook_deliveries_serial", "webhook_deliveries", ["webhook_id", "serial"], unique=True
    )
    op.create_index("ix_webhook_deliveries_due", "webhook_deliveries", ["state", "next_s"])


def _required(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table that no other program has to see: it is not declared in a GeoPackage."""
    op.create_table(name, sa.Column("id", Integer, primary_key=True), *columns, sqlite_autoincrement=True)
