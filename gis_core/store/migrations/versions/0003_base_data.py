"""Base data that change: versions made of others, and which streets run above or below the ground."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store.types import Flag, Integer, String

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; of streets that are there it is not known, and they count as on the ground."""
    op.add_column("datasets", sa.Column("derived_from", Integer))
    op.add_column("datasets", sa.Column("changes", String))
    op.add_column("streets", sa.Column("grade_separated", Flag))
