"""Runs every contract test on both stores, each on a fresh one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from postgis_server import PostgisServer
from sqlalchemy.engine import make_url
from store_town import build_town, build_two_communities, fill

from gis_core.model import Dataset, Fabric
from gis_core.plan.file import PlanFile
from gis_core.store import Store, open_store

Town = tuple[Dataset, Fabric, PlanFile]
Loaded = tuple[Store, int, int]
KINDS = ("geopackage", "postgis")


@pytest.fixture(scope="session")
def town() -> Town:
    """Give a town of 120 cells and its plan."""
    return build_town(120)


@pytest.fixture(scope="session")
def large_town() -> Town:
    """Give a town of 10,000 cells and its plan."""
    return build_town(10_000, block=10)


@pytest.fixture(scope="session")
def postgis_template(postgis_server: PostgisServer) -> str:
    """Give the name of a database with an empty store, to copy."""
    url = postgis_server.create_database()
    open_store(url).close()
    return str(make_url(url).database)


@contextmanager
def empty_place(kind: str, request: pytest.FixtureRequest, *, bare: bool = False) -> Iterator[str]:
    """Give the URL of an empty store of a kind, or of a place without one; PostGIS starts only where asked for."""
    if kind == "geopackage":
        folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        yield str(folders.mktemp("store") / "store.gpkg")
        return
    server: PostgisServer = request.getfixturevalue("postgis_server")
    template = None if bare else request.getfixturevalue("postgis_template")
    url = server.create_database(template=template)
    yield url
    server.drop_database(url)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of an empty store of each kind."""
    with empty_place(request.param, request) as url:
        yield url


@pytest.fixture(params=KINDS)
def bare_place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the URL of a place of each kind in which no store has been made."""
    with empty_place(request.param, request, bare=True) as url:
        yield url


@pytest.fixture
def opened(place: str) -> Iterator[Callable[..., Store]]:
    """Give a function that opens the store once more."""
    stores: list[Store] = []

    def once_more(**options: float) -> Store:
        stores.append(open_store(place, **options))
        return stores[-1]

    yield once_more
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    """Give the open store."""
    return opened()


@pytest.fixture
def filled(store: Store, town: Town) -> Loaded:
    """Give a store with one data version and one plan, to be changed."""
    return fill(store, town)


@pytest.fixture(scope="session", params=KINDS)
def loaded(request: pytest.FixtureRequest, town: Town) -> Iterator[Loaded]:
    """Give a store with one data version and one plan, only to be read."""
    with empty_place(request.param, request) as url, open_store(url) as store:
        yield fill(store, town)


@pytest.fixture(scope="session")
def two_communities() -> Town:
    """Give a town of 144 cells in two communities, 16 grids of 3 by 3 cells."""
    return build_two_communities()


@pytest.fixture
def planned(store: Store, two_communities: Town) -> Loaded:
    """Give a store with that town and its plan, to be edited."""
    return fill(store, two_communities)
