"""Bare graphs of any form: the number asked for, contiguity, true bounds, and a plan inside the bounds where one is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cell_graphs import connected_partitions, from_edges
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis_core.graph import component_labels
from gis_core.partition import Bounds, workers
from gis_core.partition.bare import ObjectiveName, measure, solve_instance
from gis_core.partition.instance import Instance


@pytest.fixture(autouse=True)
def _warm_once(monkeypatch: pytest.MonkeyPatch) -> None:
    workers.warm_up()
    monkeypatch.setattr(workers, "warm_up", lambda: None)


@st.composite
def instances(draw: Any) -> Instance:
    n = draw(st.integers(1, 8))
    cell = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(cell, cell), max_size=2 * n))
    if draw(st.booleans()):  # in one piece
        edges += [(i, draw(st.integers(0, i - 1))) for i in range(1, n)]
    weight = np.array(draw(st.lists(st.integers(0, 30), min_size=n, max_size=n)), dtype=float)
    k = draw(st.integers(1, n + 1))
    mean, room = weight.sum() / min(k, n), draw(st.sampled_from([0.05, 0.3, 0.6]))
    bounds = Bounds(float(np.floor(mean * (1 - room))), float(max(1, np.ceil(mean * (1 + room)))))
    return Instance("any", from_edges(n, edges), weight, k, bounds, has_shape=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instances(), st.sampled_from(["border", "street", "balance"]))
def test_what_holds_for_every_graph(instance: Instance, objective: ObjectiveName) -> None:
    graph, weight, bounds = instance.graph, instance.weight, instance.bounds
    found = solve_instance(instance, objective=objective)
    reached = measure(instance, found.part)
    assert reached.parts == min(instance.n_parts, graph.n_cells)
    assert reached.in_pieces == 0
    good = reached.in_bounds == reached.parts == instance.n_parts
    assert good == (not found.infeasible)
    assert found.lower_bound <= reached.max_deviation + 1e-9
    if component_labels(graph).max() == 0 and instance.n_parts <= graph.n_cells:
        totals = [np.bincount(part, weights=weight) for part in connected_partitions(graph, instance.n_parts)]
        mean = weight.sum() / instance.n_parts
        if mean > 0:
            assert found.lower_bound <= min(np.abs(total / mean - 1).max() for total in totals) + 1e-9
        possible = any(((total >= bounds.minimum) & (total <= bounds.maximum)).all() for total in totals)
        assert good == possible
