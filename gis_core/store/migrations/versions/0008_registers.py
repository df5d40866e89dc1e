"""Registers that come with data: who works where, and what stands where and whose it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store.types import Integer, Real, String

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; there were none before."""
    _table(
        "staff",
        _required("staff_id"),
        _required("name"),
        *(sa.Column(name, String) for name in ("role", "grid_code", "building_id", "phone", "hours")),
    )
    _table(
        "assets",
        _required("asset_id"),
        _required("category"),
        sa.Column("owner", String),
        sa.Column("name", String),
        sa.Column("lon", Real, nullable=False),
        sa.Column("lat", Real, nullable=False),
    )
    op.create_index("ix_assets_lat", "assets", ["lat"])
    op.create_index("ix_assets_asset_id", "assets", ["asset_id"])


def _required(name: str) -> sa.Column[str]:
    return sa.Column(name, String, nullable=False)


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    """Make a table that no other program has to see: it is not declared in a GeoPackage."""
    op.create_table(
        name,
        sa.Column("id", Integer, primary_key=True),
        _required("town"),
        sa.Column("dataset_id", Integer, nullable=False),
        *columns,
        sqlite_autoincrement=True,
    )
