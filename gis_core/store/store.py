"""The store: one class over both databases.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import exc, select
from sqlalchemy.engine import make_url

from gis_core.errors import ParameterError
from gis_core.store import datasets, migrate, registers
from gis_core.store.dialect_geopackage import GeoPackageDialect
from gis_core.store.dialect_postgis import PostgisDialect
from gis_core.store.register_methods import RegisterMethods

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.model import AdjacencyGraph, Dataset, Fabric
    from gis_core.store.dialect import Dialect
    from gis_core.store.records import BBox, DatasetRecord

__all__ = ["DEFAULT_FILE", "ENVIRONMENT", "Store", "embedded_file", "open_store"]

#: Environment variable that names the store where no `--db` does.
ENVIRONMENT = "WANGGE_DB"
DEFAULT_FILE = Path("var") / "wangge.gpkg"


class Store(RegisterMethods):
    """Data versions, plans and edits in one database; what concerns plans stands in
    `PlanMethods`, what changes base data in `BaseMethods`, what server processes share in `ServerMethods`,
    cases in `CaseMethods`, what those ask who report them in `ReportedMethods`, the
    registers of staff and assets in `RegisterMethods`.

    Safe to share between threads. Every method may raise `StoreUnavailableError`; what it says is for users.

    Attributes
    ----------
    kind : str
        `geopackage` or `postgis`.
    capabilities : frozenset of str
        What this store can do beyond the contract: `parallel-writers`, `single-file`.
    """

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.kind = dialect.kind
        self.capabilities = dialect.capabilities

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def file(self) -> Path | None:
        """The file of an embedded store; None where the store is a database."""
        return self._dialect.path if isinstance(self._dialect, GeoPackageDialect) else None

    @property
    def where(self) -> str:
        """The store as messages name it, without a password."""
        return self._dialect.where

    @property
    def version(self) -> str:
        """The version of the tables, such as `0001`; an open store is of this program's version."""
        return migrate.program_version()

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
            number = datasets.add(connection, self._dialect, dataset, fabric, imported_by=imported_by)
            registers.add(connection, number, dataset)
            return number

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
