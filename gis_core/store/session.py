"""A store with its connections: one transaction a method, and every error of the driver one of the core."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy import Connection, exc

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = ["Session"]

_DRIVER_ERRORS = (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, psycopg2.Error, OSError)


class Session:
    """What the methods of a store are built on.

    Parameters
    ----------
    dialect : Dialect
        The kind of database.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn every error of the driver into one of the core; the only place that does.

        Raises
        ------
        GisCoreError
            As the dialect explains the error: `StoreUnavailableError` or `ConflictError`.
        """
        try:
            yield
        except _DRIVER_ERRORS as error:
            raise self._dialect.explain(error) from error

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self.translated(), self._dialect.reading.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.translated(), self._dialect.writing.begin() as connection:
            yield connection
