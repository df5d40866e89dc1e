"""Runs the numbered migrations on the connection that `gis_core.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

if hasattr(context, "config"):  # not where the module is only imported, as a doctest run does
    context.configure(connection=context.config.attributes["connection"], version_table="wangge_version")
    with context.begin_transaction():
        context.run_migrations()
