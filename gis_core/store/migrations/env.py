"""Runs the numbered migrations on the connection that `gis_core.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="wangge_version")
with context.begin_transaction():
    context.run_migrations()
