"""Proofs against every plan there is: what is called impossible is, and no lower bound is above the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import connected_partitions, from_edges, lattice
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.partition import Bounds, partition_fabric
from gis_core.partition.certify import Effort, certify_deviation
from gis_core.partition.certify.exhaust import search_all
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.exact import ExactTask, exact_available, find_within


@st.composite
def questions(draw, most=7):
    """A small connected graph with two weights, a number of parts, bounds, and cells together, apart and with seeds."""
    n = draw(st.integers(3, most))
    edges = [(i, draw(st.integers(max(0, i - 3), i - 1))) for i in range(1, n)]
    cell = st.integers(0, n - 1)
    edges += draw(st.lists(st.tuples(cell, cell), max_size=6))
    weight = np.array(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
    further = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    n_parts = draw(st.integers(1, min(4, n)))
    low = draw(st.integers(0, int(weight.sum() / n_parts) + 1))
    pair = st.tuples(cell, cell).filter(lambda ends: ends[0] != ends[1])
    return {
        "graph": from_edges(n, edges),
        "weight": weight,
        "n_parts": n_parts,
        "bounds": Bounds(low, low + draw(st.integers(1, 8))),
        "limit": (further, *draw(st.tuples(st.integers(0, 3), st.integers(3, 12)))) if draw(st.booleans()) else None,
        "together": draw(st.lists(pair, max_size=1)),
        "apart": draw(st.lists(pair, max_size=3)),
        "seeds": draw(st.lists(cell, max_size=3, unique=True)),
    }  # fmt: skip


def _plans(asked):
    """Return every plan that meets the wishes, and those of them that are inside the bounds."""
    met, inside = [], []
    k, weight = asked["n_parts"], asked["weight"]
    for plan in connected_partitions(asked["graph"], k):
        part = np.array(plan)
        if any(part[a] != part[b] for a, b in asked["together"]):
            continue
        if any(part[a] == part[b] for a, b in asked["apart"]):
            continue
        count = np.bincount(part[asked["seeds"]], minlength=k) if asked["seeds"] else np.zeros(k)
        if count.max() > 1:
            continue
        if asked["limit"] is not None:
            values, low, high = asked["limit"]
            sums = np.bincount(part, weights=values, minlength=k)
            if (sums < low).any() or (sums > high).any():
                continue
        met.append(part)
        total = np.bincount(part, weights=weight, minlength=k)
        if (total >= asked["bounds"].minimum).all() and (total <= asked["bounds"].maximum).all():
            inside.append(part)
    return met, inside


def _constraints(asked):
    n = asked["graph"].n_cells
    found = []
    if asked["together"]:
        group = np.full(n, -1)
        group[list(asked["together"][0])] = 0
        found.append(Together(group, ("The pair",)))
    if asked["apart"]:
        left, right = np.array(asked["apart"]).T
        found.append(Apart(left, right, tuple(f"Cells {a} and {b}" for a, b in asked["apart"])))
    if asked["seeds"]:
        label = np.full(n, None, dtype=object)
        label[asked["seeds"]] = [f"s{cell}" for cell in asked["seeds"]]
        found.append(Seeds(label))
    if asked["limit"] is not None:
        found.append(WeightBounds("people", *asked["limit"]))
    return found


@given(questions(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_the_search_finds_a_plan_exactly_where_there_is_one(asked, locks):
    asked["seeds"] = []
    limit = asked["limit"]
    limits = [] if limit is None else [(limit[0], Bounds(limit[1], limit[2]))]
    locked = None
    _, inside = _plans(asked)
    if locks and inside:
        # One part of a plan is given, without the cells of pairs.
        locked = np.where(inside[-1] == inside[-1][0], 0, -1)
        if any(locked[cell] >= 0 for pair in (*asked["together"], *asked["apart"]) for cell in pair):
            locked = None
    task = ExactTask(
        asked["graph"], asked["weight"], asked["n_parts"], limits=limits, locked=locked,
        together=asked["together"], apart=asked["apart"],
    )  # fmt: skip
    found = search_all(task, asked["bounds"])
    assert found.status == ("plan" if inside else "none")
    if found.part is not None:
        code = np.unique(found.part, return_index=True)[1]
        canonical = np.argsort(np.argsort(code))[found.part]
        assert canonical.tolist() in [part.tolist() for part in inside]
        if locked is not None:
            assert len(np.unique(found.part[locked == 0])) == 1
            assert not np.isin(found.part[locked < 0], found.part[locked == 0]).any()


@given(questions())
@settings(max_examples=40, deadline=None)
def test_what_is_called_impossible_is_impossible(asked):
    met, inside = _plans(asked)
    bounds, weight = asked["bounds"], asked["weight"]
    result = partition_fabric(
        asked["graph"], np.zeros(len(weight), int), weight, boundary_codes=["A"], bounds=bounds,
        n_grids=asked["n_parts"] if weight.sum() > 0 else 1, constraints=_constraints(asked), processes=1,
    )  # fmt: skip
    proofs = [
        each for each in result.infeasible if each.where.partition(":")[0] == "A" and each.what != "not-found"
    ]
    if weight.sum() > 0:
        assert not (proofs and inside), [each.reason for each in proofs]
        if met:
            mean = weight.sum() / asked["n_parts"]
            totals = [np.bincount(part, weights=weight, minlength=asked["n_parts"]) for part in met]
            assert result.lower_bounds[0] <= min(np.abs(t / mean - 1).max() for t in totals) + 1e-9
        # What small graphs have is found, wishes and all.
        assert inside == [] or result.infeasible == ()


@given(questions(), st.data())
@settings(max_examples=60, deadline=None)
def test_the_least_deviation_is_proved_and_never_exceeded(asked, data):
    graph, weight, k = asked["graph"], asked["weight"], asked["n_parts"]
    plans = [np.array(plan) for plan in connected_partitions(graph, k)]
    given_plan = data.draw(st.sampled_from(plans))
    locked = None
    if data.draw(st.booleans()):
        locked = np.where(given_plan == given_plan[0], 0, -1)
        plans = [plan for plan in plans if ((plan == plan[0]) == (locked == 0)).all()]
    found = certify_deviation(graph, weight, given_plan, locked=locked, most_cells=20, solver=False)
    cheap = certify_deviation(graph, weight, given_plan, locked=locked)
    if weight.sum() == 0:
        return
    mean = weight.sum() / k
    best = min(np.abs(np.bincount(plan, weights=weight, minlength=k) / mean - 1).max() for plan in plans)
    assert cheap.lower_bound <= best + 1e-9
    assert found.proved_optimal
    assert found.lower_bound == pytest.approx(best, abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_the_search_and_the_solver_agree_on_larger_graphs(seed):
    if not exact_available():
        pytest.fail("the extra `exact` is not installed")
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 40, 20).astype(float)
    fair = weight.sum() / 5
    for width in (1, 4, 9):
        task, bounds = ExactTask(lattice(4, 5), weight, 5), Bounds(fair - width, fair + width)
        answer = find_within(task, bounds).status
        assert search_all(task, bounds).status == {"proved": "plan", "none": "none"}[answer]


def test_too_little_work_leaves_a_true_bound_and_the_same_answer_each_time():
    weight = np.random.default_rng(5).integers(1, 400, 81).astype(float)
    graph = lattice(9, 9)
    part = (np.arange(81) // 9 // 3).astype(np.int32)
    answers = [
        certify_deviation(graph, weight, part, most_cells=81, effort=Effort(0.02), solver=False)
        for _ in range(2)
    ]
    assert answers[0].lower_bound == answers[1].lower_bound <= answers[0].deviation
    assert answers[0].part.tolist() == answers[1].part.tolist()
    late = certify_deviation(graph, weight, part, most_cells=81, effort=Effort(5.0, until=0.0), solver=False)
    assert late.part.tolist() == part.tolist()
    assert late.lower_bound <= answers[0].lower_bound
