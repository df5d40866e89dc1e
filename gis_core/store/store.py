"""The store: one class over both databases.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from sqlalchemy import Connection, exc, select
from sqlalchemy.engine import make_url

from gis_core.errors import ParameterError
from gis_core.store import datasets, edits, migrate, plans, search
from gis_core.store.dialect_geopackage import GeoPackageDialect
from gis_core.store.dialect_postgis import PostgisDialect

if TYPE_CHECKING:
    import numpy as np
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from gis_core.model import AdjacencyGraph, Dataset, Fabric
    from gis_core.plan.file import PlanFile
    from gis_core.store.dialect import Dialect
    from gis_core.store.records import BBox, DatasetRecord, EditRecord, PlanRecord, SearchHit

__all__ = ["DEFAULT_FILE", "ENVIRONMENT", "Store", "embedded_file", "open_store"]

#: Environment variable that names the store where no `--db` does.
ENVIRONMENT = "WANGGE_DB"
DEFAULT_FILE = Path("var") / "wangge.gpkg"
_DRIVER_ERRORS = (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, psycopg2.Error, OSError)


class Store:
    """Data versions, plans and edits in one database.

    Safe to share between threads. Every method may raise `StoreUnavailableError`; what it says is for users.

    Attributes
    ----------
    kind : str
        `geopackage` or `postgis`.
    capabilities : frozenset of str
        What this store can do beyond the contract: `parallel-writers`, `single-file`.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.kind = dialect.kind
        self.capabilities = dialect.capabilities

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The store as messages name it, without a password."""
        return self._dialect.where

    @property
    def version(self) -> str:
        """The version of the tables, such as `0001`; an open store is of this program's version."""
        return migrate.program_version()

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

    def prepare(self, *, create: bool) -> None:
        """Make or upgrade the tables; see `open_store`."""
        with self.translated():
            self._dialect.prepare(create=create)

    def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises
        ------
        StoreUnavailableError
            Where it gives none.
        """
        with self._read() as connection:
            connection.execute(select(1)).scalar_one()

    def close(self) -> None:
        """Give the connections back."""
        self._dialect.writing.dispose()

    # Data versions

    def add_dataset(self, dataset: Dataset, fabric: Fabric, *, imported_by: str = "") -> int:
        """Import a dataset with its cells and graph, in one transaction.

        Parameters
        ----------
        dataset, fabric
            Checked layers in projected metres, and the fabric built from them. They are stored in EPSG:4326.
        imported_by : str
            Who did it, as it is to be shown.

        Returns
        -------
        int
            Number of the new data version.

        Raises
        ------
        DatasetError, InvalidGeometryError, ParameterError
            Where a value or geometry cannot be stored, or the fabric belongs to another dataset.
        StoreUnavailableError, ConflictError
            Where the database refuses; nothing was written then.
        """
        with self._write() as connection:
            return datasets.add(connection, self._dialect, dataset, fabric, imported_by=imported_by)

    def datasets(self, *, limit: int = 100, offset: int = 0) -> list[DatasetRecord]:
        """Return a page of the data versions, the newest first."""
        with self._read() as connection:
            return datasets.list_all(connection, limit=limit, offset=offset)

    def dataset(self, dataset_id: int) -> DatasetRecord:
        """Return one data version.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        """
        with self._read() as connection:
            return datasets.get(connection, dataset_id)

    def layer(
        self,
        dataset_id: int,
        layer: str,
        *,
        bbox: BBox | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> GeoDataFrame:
        """Return rows of a layer in EPSG:4326 in the order of the dataset; the index is the row in the layer.

        Parameters
        ----------
        layer : str
            `areas`, `buildings`, `streets`, `barriers`, `facilities`, `water`, `green` or `cells`.
        bbox : tuple of float, optional
            (west, south, east, north), degrees: rows whose geometry touches the box, its edge included. A box
            without size is a point or a line; one across the antimeridian is refused.
        limit, offset : int
            Page; `limit` None is all.

        Raises
        ------
        NotFoundError
            Where there is no such data version or layer.
        ParameterError
            Where the box or the page makes no sense.
        """
        with self._read() as connection:
            return datasets.layer(
                connection, self._dialect, dataset_id, layer, bbox=bbox, limit=limit, offset=offset
            )

    def layer_count(self, dataset_id: int, layer: str, *, bbox: BBox | None = None) -> int:
        """Return how many rows `layer` would give without a limit; raises as it does."""
        with self._read() as connection:
            return datasets.layer_count(connection, self._dialect, dataset_id, layer, bbox=bbox)

    def graph(self, dataset_id: int) -> AdjacencyGraph:
        """Return the adjacency graph of the cells of a data version.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        """
        with self._read() as connection:
            return datasets.graph(connection, dataset_id)

    def delete_dataset(self, dataset_id: int) -> None:
        """Delete a data version with all its layers.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        ConflictError
            Where a plan was made on it.
        """
        with self._write() as connection:
            datasets.delete_version(connection, self._dialect, dataset_id)

    # Plans

    def plan_mismatch(self, dataset_id: int, plan: PlanFile) -> str | None:
        """Say in one sentence why a plan does not belong to a data version; None where it does.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        """
        with self._read() as connection:
            return plans.mismatch(connection, self._dialect, dataset_id, plan)

    def add_plan(self, plan: PlanFile, *, dataset_id: int, name: str, created_by: str = "") -> int:
        """Store a plan as a draft of revision 0, in one transaction.

        Parameters
        ----------
        plan : PlanFile
            In any CRS; its cells are those of the data version, in their order.
        dataset_id : int
            Data version that the plan was made on.
        name, created_by : str
            As they are to be shown.

        Returns
        -------
        int
            Number of the new plan.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        DatasetError
            Where the plan belongs to other data, or names one grid twice or not at all.
        """
        with self._write() as connection:
            return plans.add(
                connection, self._dialect, plan, dataset_id=dataset_id, name=name, created_by=created_by
            )

    def plans(self, *, limit: int = 100, offset: int = 0) -> list[PlanRecord]:
        """Return a page of the plans, the newest first."""
        with self._read() as connection:
            return plans.list_all(connection, limit=limit, offset=offset)

    def plan(self, plan_id: int) -> PlanRecord:
        """Return one plan.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        """
        with self._read() as connection:
            return plans.get(connection, plan_id)

    def grids(
        self, plan_id: int, *, bbox: BBox | None = None, limit: int | None = None, offset: int = 0
    ) -> GeoDataFrame:
        """Return the grids of a plan in EPSG:4326 by `grid_ix`; box, page and errors as in `layer`."""
        with self._read() as connection:
            return plans.grids(connection, self._dialect, plan_id, bbox=bbox, limit=limit, offset=offset)

    def assignment(self, plan_id: int) -> NDArray[np.int32]:
        """Return the `grid_ix` of each cell, -1 where it has none; raises as `plan` does."""
        with self._read() as connection:
            return plans.assignment(connection, plan_id)

    def plan_buildings(self, plan_id: int) -> GeoDataFrame:
        """Return the buildings inside the boundary: `id, households, cell_id, grid_code`, geometry."""
        with self._read() as connection:
            return plans.buildings(connection, self._dialect, plan_id)

    def plan_file(self, plan_id: int) -> PlanFile:
        """Return a plan in the form in which it is written and exported, all from one state."""
        with self._read() as connection:
            return plans.as_file(connection, self._dialect, plan_id)

    def delete_plan(self, plan_id: int) -> None:
        """Delete a draft with its grids and edits.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        ConflictError
            Where it is or was in force: such plans are kept.
        """
        with self._write() as connection:
            plans.delete_draft(connection, self._dialect, plan_id)

    # Edits

    def add_edit(
        self,
        plan_id: int,
        *,
        expected_revision: int,
        who: str,
        kind: str,
        cell_ix: NDArray[np.integer],
        grid_ix: NDArray[np.integer],
    ) -> int:
        """Give cells to other grids and log it, in one transaction; numbers and shapes of the grids follow.

        Parameters
        ----------
        expected_revision : int
            Revision that the edit was made on.
        who, kind : str
            Who did it, and what it was (`paint`, `lasso`, `merge`, `undo`, ...).
        cell_ix, grid_ix : int, shape (n,)
            Cells, each once, and the grid of each; -1 takes the cell out of every grid.

        Returns
        -------
        int
            The new revision.

        Raises
        ------
        ConflictError
            Where somebody else changed the plan since, or it is no draft.
        NotFoundError
            Where there is no such plan.
        ParameterError
            Where a cell or grid is not in the plan, or a cell is named twice.
        """
        with self._write() as connection:
            return edits.add(
                connection,
                self._dialect,
                plan_id,
                expected_revision=expected_revision,
                who=who,
                kind=kind,
                cell_ix=cell_ix,
                grid_ix=grid_ix,
            )

    def edits(self, plan_id: int, *, since: int = 0) -> list[EditRecord]:
        """Return the edits after a revision, the oldest first; raises as `plan` does."""
        with self._read() as connection:
            return edits.list_since(connection, plan_id, since=since)

    # Search

    def search(self, plan_id: int, text: str, *, limit: int = 20) -> list[SearchHit]:
        """Find grids, buildings, streets and facilities by a part of their text, best first.

        Case and width do not count; a whole match comes before one at the start of a text, that before any
        other.

        Raises
        ------
        NotFoundError
            Where there is no such plan.
        ParameterError
            Where `limit` is negative.
        """
        with self._read() as connection:
            return search.find(connection, self._dialect, plan_id, text, limit=limit)


def open_store(url: str | None = None, *, create: bool = True, lock_timeout_s: float = 10.0) -> Store:
    """Open a store, and make or upgrade its tables where needed.

    Parameters
    ----------
    url : str, optional
        `postgresql://user:password@host/database`, a path or `sqlite:///path` of an embedded store; None
        takes the environment variable `WANGGE_DB`, else `var/wangge.gpkg` under the current folder.
    create : bool
        Whether a store that is not there is made, and an older one upgraded.
    lock_timeout_s : float
        Seconds to wait for another writer.

    Returns
    -------
    Store
        To be closed.

    Raises
    ------
    ParameterError
        Where the URL names another kind of database.
    StoreUnavailableError
        Where the database cannot be reached, is not a store, is newer than this program, or is missing or
        older while `create` is false.
    """
    named = url or os.environ.get(ENVIRONMENT)
    store = Store(_dialect(named, create=create, lock_timeout_s=lock_timeout_s))
    try:
        store.prepare(create=create)
    except BaseException:
        store.close()
        raise
    return store


def embedded_file(url: str | None = None) -> Path | None:
    """Return the file of an embedded store as `open_store` would take it; None where the store is a database."""
    named = url or os.environ.get(ENVIRONMENT)
    if not named:
        return DEFAULT_FILE
    scheme, separator, rest = named.partition("://")
    if not separator:
        return Path(named)
    return Path(rest.removeprefix("/")) if scheme == "sqlite" else None


def _dialect(named: str | None, *, create: bool, lock_timeout_s: float) -> Dialect:
    path = embedded_file(named)
    if path is not None:
        if create and not named:
            DEFAULT_FILE.parent.mkdir(exist_ok=True)
        return GeoPackageDialect(path, lock_timeout_s=lock_timeout_s)
    scheme, _, rest = str(named).partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg2"):
        raise ParameterError(f"A store is a GeoPackage file or postgresql://..., not {scheme}://.")
    try:
        return PostgisDialect(make_url(f"postgresql://{rest}"), lock_timeout_s=lock_timeout_s)
    except (exc.ArgumentError, ValueError):
        raise ParameterError(
            "The database URL cannot be read: write postgresql://user:password@host:5432/name."
        ) from None
