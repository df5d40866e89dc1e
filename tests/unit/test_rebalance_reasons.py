"""Why a rebalanced plan is not as asked: in time, for grids in pieces too; proofs in work that is counted."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cell_graphs import chain, lattice

from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition import Bounds, rebalance_bound
from gis_core.partition.certify import Effort
from gis_core.partition.rebalance_bound import Case, least_change_exactly
from gis_core.plan.rebalance_reasons import bound_reasons, torn_lock_reasons

#: Three rows of three of which no plan is inside 200 to 250, though totals, necks and walls allow it.
KNOT = np.array([170.0, 80, 50, 80, 100, 170, 110, 50, 90])


def told(
    graph: AdjacencyGraph, weight: np.ndarray, bounds: Bounds, part: list[int], **more
) -> list[Infeasible]:
    """Say why the grids of one boundary polygon 'A' are out of bounds."""
    dataset = SimpleNamespace(boundary=pd.DataFrame({"code": ["A"]}))
    fabric = SimpleNamespace(boundary_ix=np.zeros(graph.n_cells, np.int32))
    grids = np.zeros(max(part) + 1, np.int32)
    return bound_reasons(
        dataset, fabric, graph, np.asarray(weight, float), bounds, np.array(part, np.int32), grids, None, **more
    )  # fmt: skip


def test_nothing_is_searched_for_after_the_time_limit():
    asked = (lattice(3, 3), KNOT, Bounds(200, 250), [0, 0, 1, 0, 2, 1, 3, 2, 1])
    assert [reason.what for reason in told(*asked)] == ["no-plan"]
    assert [reason.what for reason in told(*asked, until=time.perf_counter())] == ["not-found"]


def test_a_grid_in_pieces_does_not_hide_why_others_are_out_of_bounds():
    # Grid 0 is at both ends; the two in the middle share 500 households.
    (reason,) = told(chain(4), np.array([200.0, 250, 250, 200]), Bounds(300, 500), [0, 1, 2, 0])
    assert "2 of 3 grids of 'A' are outside the bounds" in reason.reason
    # One building is above the maximum whatever is done.
    (heavy,) = told(chain(4), np.array([150.0, 300, 700, 200]), Bounds(300, 500), [0, 1, 2, 0])
    assert heavy.what == "heavy-cell"


def test_a_piece_of_a_boundary_polygon_is_not_called_by_the_whole():
    two = np.concatenate([KNOT, [220.0]])
    graph = lattice(3, 3)
    apart = replace(
        graph, indptr=np.append(graph.indptr, graph.indptr[-1]),
        **{name: np.append(getattr(graph, name), 1.0)
           for name in ("area_m2", "perimeter_m", "exterior_length_m", "x", "y")},
    )  # fmt: skip
    (reason,) = told(apart, two, Bounds(200, 250), [0, 0, 1, 0, 2, 1, 3, 2, 1, 4])
    assert reason.reason.startswith("A piece of 'A' with 900 households cannot be cut into 4 grids")


def test_a_locked_grid_in_pieces_is_named():
    fabric = SimpleNamespace(boundary_ix=np.zeros(4, np.int32))
    part = np.array([0, 1, 0, 1], np.int32)
    (reason,) = torn_lock_reasons(fabric, chain(4), part, ["A-1", "A-2"], [1])
    assert (reason.what, reason.where, reason.cell_ix) == ("lock", "A-2", (1, 3))
    assert reason.reason.startswith("The locked grid A-2 is in pieces")
    assert torn_lock_reasons(fabric, chain(4), np.array([0, 0, 1, 1], np.int32), ["A-1", "A-2"], [0, 1]) == []


@pytest.fixture
def wasteful() -> Case:
    """Two halves of 6 x 6 cells, of which the plan at hand moves a column where three cells are enough."""
    home = (np.arange(36) % 6 // 3).astype(np.int32)
    weight = np.where(home == 0, 2.0, 1.0)
    part = np.where(np.arange(36) % 6 >= 2, 1, 0).astype(np.int32)
    return Case(lattice(6, 6), weight, weight, home, part, 2, Bounds(20, 30))


def test_the_proof_of_least_change_is_the_same_on_a_busy_machine(wasteful, monkeypatch):
    bound, better = least_change_exactly(wasteful)
    assert better is not None
    assert bound == replace(wasteful, part=better).moved == 6
    clock = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(rebalance_bound.time, "perf_counter", lambda: float(next(clock)))
    again, part = least_change_exactly(wasteful)
    assert again == bound
    assert part.tolist() == better.tolist()


def test_the_proof_takes_from_the_work_that_is_left_and_keeps_a_deadline(wasteful):
    effort = Effort(5.0)
    assert least_change_exactly(wasteful, effort=effort)[0] == 6
    assert effort.work_s < 5.0
    assert least_change_exactly(wasteful, effort=Effort(1e-6)) == (0.0, None)
    assert least_change_exactly(wasteful, effort=Effort(5.0, time.perf_counter())) == (0.0, None)
