from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan
from tests.api.support import TestClient, make_client

SIDE = 20


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A town of 20 by 20 cells and a plan of it, in a store."""
    dataset, fabric = build_lattice(SIDE, SIDE)
    plan = build_lattice_plan(dataset, fabric, SIDE, SIDE)
    with open_store(str(tmp_path_factory.mktemp("town") / "town.gpkg")) as store:
        dataset_id = store.add_dataset(dataset, fabric)
        plan_id = store.add_plan(plan, dataset_id=dataset_id, name="格网 lattice")
        yield SimpleNamespace(
            dataset=dataset, fabric=fabric, plan=plan, store=store, dataset_id=dataset_id, plan_id=plan_id
        )


@pytest.fixture
def client(town: SimpleNamespace) -> Iterator[TestClient]:
    with make_client(town.store) as client:
        yield client
