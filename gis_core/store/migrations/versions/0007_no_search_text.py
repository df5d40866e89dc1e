"""The search has indexes of its own, made from names and addresses; the column that it once read goes."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the column; nothing is lost, for it repeated what other columns of its row say."""
    for table in ("buildings", "streets", "facilities", "grids"):
        op.drop_column(table, "search_text")
