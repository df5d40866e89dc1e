"""The graph of the cells as typed arrays."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from api.binary import decode, units_to_lonlat
from tests.api.support import TestClient, assert_problem


@pytest.fixture
def town(town_in_each_store: SimpleNamespace) -> SimpleNamespace:
    return town_in_each_store


def test_graph(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get(f"/api/datasets/{town.dataset_id}/graph.bin")
    assert answer.headers["content-type"] == "application/octet-stream"
    meta, arrays = decode(answer.content)
    graph, n = town.fabric.graph, town.fabric.n_cells
    assert meta["dataset"] == town.dataset_id
    assert meta["n_cells"] == n
    assert meta["areas"] == [{"code": "101", "name": "西社区"}, {"code": "102", "name": "东社区"}]
    assert arrays["indptr"].tolist() == graph.indptr.tolist()
    assert arrays["indices"].tolist() == graph.indices.tolist()
    assert arrays["street"].tolist() == graph.street_rank.tolist()
    np.testing.assert_allclose(arrays["length_m"], graph.shared_length_m, rtol=1e-6)
    np.testing.assert_allclose(arrays["area_m2"], graph.area_m2, rtol=1e-6)
    np.testing.assert_allclose(arrays["outer_m"], graph.exterior_length_m, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(arrays["population"], town.fabric.population, rtol=1e-6)
    assert arrays["households"].tolist() == town.fabric.households.tolist()
    assert arrays["area_ix"].tolist() == town.fabric.boundary_ix.tolist()
    assert arrays["enclosure_ix"].tolist() == town.fabric.enclosure_ix.tolist()


def test_compounds_and_anchors(client: TestClient, town: SimpleNamespace) -> None:
    meta, arrays = decode(client.get(f"/api/datasets/{town.dataset_id}/graph.bin").content)
    named = [meta["compounds"][ix] if ix >= 0 else None for ix in arrays["compound_ix"].tolist()]
    assert named == town.dataset.buildings["compound"].tolist()
    places = shapely.points(units_to_lonlat(arrays["anchor"].reshape(-1, 2)))
    cells = np.asarray(town.store.layer(town.dataset_id, "cells").geometry.array, dtype=object)
    assert shapely.contains(cells, places).all()


def test_graph_is_kept(client: TestClient, town: SimpleNamespace) -> None:
    path = f"/api/datasets/{town.dataset_id}/graph.bin"
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304
    assert_problem(client.get("/api/datasets/99/graph.bin"), 404, "not-found")


def test_a_number_of_each_cell(client: TestClient, town: SimpleNamespace) -> None:
    path = f"/api/datasets/{town.dataset_id}/numbers.bin"
    answer = client.get(path, params={"formula": "2 * levels"})
    meta, arrays = decode(answer.content)
    assert meta == {"dataset": town.dataset_id, "n_cells": town.fabric.n_cells, "formula": "2 * levels"}
    levels = town.dataset.buildings["levels"].to_numpy()
    wanted = np.bincount(town.fabric.building_cell_ix, weights=2 * levels, minlength=town.fabric.n_cells)
    np.testing.assert_allclose(arrays["values"], wanted, rtol=1e-6)
    tag = answer.headers["ETag"]
    assert (
        client.get(path, params={"formula": "2 * levels"}, headers={"If-None-Match": tag}).status_code == 304
    )
    assert client.get(path, params={"formula": "levels"}).headers["ETag"] != tag
    assert_problem(
        client.get(path, params={"formula": "nothing_there"}), 400, "bad-parameter", says="nothing_there"
    )
