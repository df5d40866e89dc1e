from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gis_core.store import Store, open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.api.support import TestClient, make_client

SIDE = 20


@pytest.fixture(scope="session")
def town_in_a_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A town of 20 by 20 cells and a plan of it, in a store."""
    with open_store(str(tmp_path_factory.mktemp("town") / "town.gpkg")) as store:
        yield _fill(store)


@pytest.fixture(scope="session", params=["geopackage", pytest.param("postgis", marks=pytest.mark.postgis)])
def town_in_each_store(request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """The same town in the embedded store, then in PostGIS."""
    if request.param == "geopackage":
        yield request.getfixturevalue("town_in_a_file")
        return
    with open_store(request.getfixturevalue("postgis_server").create_database()) as store:
        yield _fill(store)


@pytest.fixture
def town(town_in_a_file: SimpleNamespace) -> SimpleNamespace:
    """The town that most tests use; a module that wants each store overrides it."""
    return town_in_a_file


def _fill(store: Store) -> SimpleNamespace:
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    dataset_id = store.add_dataset(dataset, fabric)
    plan_id = store.add_plan(plan, dataset_id=dataset_id, name="格网 lattice")
    return SimpleNamespace(
        dataset=dataset, fabric=fabric, plan=plan, store=store, dataset_id=dataset_id, plan_id=plan_id
    )


@pytest.fixture(scope="session")
def town_to_copy(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The town in a closed file, for tests that change it."""
    path = tmp_path_factory.mktemp("own") / "town.gpkg"
    with open_store(str(path)) as store:
        made = _fill(store)
    return SimpleNamespace(**{**vars(made), "store": None, "path": path})


@pytest.fixture(scope="module", params=["geopackage", pytest.param("postgis", marks=pytest.mark.postgis)])
def town_in_each_own_store(
    request: pytest.FixtureRequest, town_to_copy: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The town in a store of each kind that the tests of a module may add plans to; its own plan stays as it is."""
    if request.param == "geopackage":
        path = tmp_path_factory.mktemp("module") / "town.gpkg"
        shutil.copy(town_to_copy.path, path)
        with open_store(str(path)) as store:
            yield SimpleNamespace(**{**vars(town_to_copy), "store": store, "path": path})
        return
    with open_store(request.getfixturevalue("postgis_server").create_database()) as store:
        yield _fill(store)


@pytest.fixture
def own_town(town_to_copy: SimpleNamespace, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A copy of the town that a test may change."""
    path = tmp_path / "town.gpkg"
    shutil.copy(town_to_copy.path, path)
    with open_store(str(path)) as store:
        yield SimpleNamespace(**{**vars(town_to_copy), "store": store, "path": path})


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        yield client
