"""Brings a store to this program's version: numbered Alembic migrations, run in the caller's transaction.

A store that is newer than the program is refused in one sentence; the version stands in the table
`wangge_version`.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gis_core.errors import StoreUnavailableError

__all__ = ["VERSION_TABLE", "is_current", "program_version", "store_version", "upgrade"]

VERSION_TABLE = "wangge_version"
_FOLDER = Path(__file__).parent / "migrations"
# Alembic keeps the migration that runs in a global, so one thread at a time.
_one_at_a_time = threading.Lock()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _known_versions() -> tuple[str, ...]:
    """Name every version that this program knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def program_version() -> str:
    """Return the version of the store that this program works with."""
    return _known_versions()[0]


def store_version(connection: Connection) -> str | None:
    """Return the version of a store; None where there is none yet."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def is_current(connection: Connection, where: str) -> bool:
    """Tell whether a store is of this program's version; False where it is older or has none.

    Raises
    ------
    StoreUnavailableError
        Where it is newer.
    """
    version = store_version(connection)
    if version is not None and version not in _known_versions():
        raise StoreUnavailableError(
            f"{where} was made by a newer Wangge (store version {version}; this program knows up to "
            f"{program_version()}): update the program.",
            version=version,
        )
    return version == program_version()


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of the connection."""
    config = _config()
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, "head")
