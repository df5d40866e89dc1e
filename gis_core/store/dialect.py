"""What the two databases do differently, as one small protocol; everything else in the store is common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, Table

from gis_core.errors import GisCoreError

__all__ = ["Dialect"]


class Dialect(Protocol):
    """One kind of database behind the store.

    Attributes
    ----------
    kind : str
        `geopackage` or `postgis`.
    capabilities : frozenset of str
        What this kind can do beyond the contract: `parallel-writers`, `single-file`.
    where : str
        The store as it is named in messages, without a password.
    writing, reading : Engine
        Connections for one transaction; a reading one sees one state from its first query to its last.
    """

    kind: str
    capabilities: frozenset[str]
    where: str
    writing: Engine
    reading: Engine

    def prepare(self, *, create: bool) -> None:
        """Make or upgrade the tables; refuse what is not ours, or missing where `create` is false."""

    def encode(self, geometry: NDArray[np.object_]) -> Sequence[Any]:
        """Turn geometries into what the driver binds."""

    def decode(self, values: Sequence[Any]) -> NDArray[np.object_]:
        """Turn what the driver returns into geometries."""

    def intersects(self, table: Table, shape: Any) -> ColumnElement[bool]:
        """Return the exact filter on rows that touch a shape, served by the spatial index."""

    def bulk_insert(
        self,
        connection: Connection,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        geometry: NDArray[np.object_],
    ) -> None:
        """Insert many rows of a layer at the driver's best pace."""

    def copy_rows(
        self,
        connection: Connection,
        table: Table,
        source: int,
        target: int,
        runs: Sequence[tuple[int, int, int]],
    ) -> None:
        """Copy rows of a layer from one data version to another: first and last `ix`, and what is added to it."""

    def refresh_extent(self, connection: Connection, table: Table) -> None:
        """Set the stated extent of a layer right after rows changed or went."""

    def extend_extent(self, connection: Connection, table: Table, geometry: NDArray[np.object_]) -> None:
        """Make sure that the stated extent of a layer holds some geometries; it may stay larger than need be."""

    def lock_table(self, connection: Connection, table: Table) -> None:
        """Keep other writers out of a table until the transaction ends."""

    def order_steps(self, connection: Connection) -> None:
        """Keep other writers of steps waiting until the transaction ends: numbers come in the order of reading."""

    def now_s(self) -> ColumnElement[float]:
        """Return the time of the database in seconds, the same for all who ask it."""

    def millis(self, column: ColumnElement[Any]) -> ColumnElement[float]:
        """Return a time as whole milliseconds since 1970, read without making an object of each."""

    def explain(self, error: Exception) -> GisCoreError:
        """Turn an error of the driver into one of ours."""
