"""The exact solver against every partition of small graphs, and against an enumeration that others made."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import chain, connected_partitions, from_edges, lattice
from real_towns import SHARED

from gis_core.errors import ParameterError
from gis_core.graph import parts_in_pieces
from gis_core.partition import Bounds, exact
from gis_core.partition.exact import (
    ExactTask,
    find_within,
    least_deviation,
)

FLORIDA = SHARED / "data" / "districting-benchmarks" / "fl25_all_plans.npz"


def _case(seed):
    """A small graph with uneven weights, a number of parts, and the part weights of all its plans."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 10))
    edges = [(i, int(rng.integers(max(0, i - 3), i))) for i in range(1, n)]
    edges += [tuple(pair) for pair in rng.integers(0, n, (n, 2)).tolist()]
    graph, weight = from_edges(n, edges), rng.integers(0, 40, n).astype(float)
    n_parts = int(rng.integers(2, 5))
    plans = connected_partitions(graph, n_parts)
    return graph, weight, n_parts, plans, [np.bincount(p, weights=weight, minlength=n_parts) for p in plans]


def _totals(answer, weight):
    return np.bincount(answer.part, weights=weight)


@pytest.mark.parametrize("seed", range(8))
def test_the_least_deviation_is_that_of_the_best_plan_there_is(seed):
    graph, weight, n_parts, _, totals = _case(seed)
    answer = least_deviation(ExactTask(graph, weight, n_parts))
    mean = weight.sum() / n_parts
    best = min(np.abs(total / mean - 1).max() for total in totals)
    assert answer.status == "proved"
    assert answer.value == pytest.approx(best, abs=1e-12)
    assert answer.bound == pytest.approx(best, abs=1e-12)
    assert len(parts_in_pieces(graph, answer.part)) == 0
    assert np.abs(_totals(answer, weight) / mean - 1).max() == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("seed", range(8, 14))
def test_a_plan_inside_the_bounds_is_found_exactly_where_there_is_one(seed):
    graph, weight, n_parts, _, totals = _case(seed)
    fair = weight.sum() / n_parts
    for share in (0.05, 0.15, 0.4):
        bounds = Bounds(np.floor((1 - share) * fair), np.ceil((1 + share) * fair))
        possible = any(((t >= bounds.minimum) & (t <= bounds.maximum)).all() for t in totals)
        answer = find_within(ExactTask(graph, weight, n_parts), bounds)
        assert answer.status == ("proved" if possible else "none")
        if possible:
            found = _totals(answer, weight)
            assert ((found >= bounds.minimum) & (found <= bounds.maximum)).all()
            assert len(parts_in_pieces(graph, answer.part)) == 0


def test_locks_pairs_and_further_weights_bind():
    graph, weight = lattice(3, 3), np.arange(1.0, 10.0)
    people = np.array([9.0, 1, 1, 1, 1, 1, 1, 1, 9])
    locked = np.where(np.arange(9) == 8, 5, -1)
    task = ExactTask(
        graph, weight, 3, limits=[(people, Bounds(4, 13))], locked=locked, together=[(0, 1)], apart=[(0, 3)]
    )
    answer = least_deviation(task)
    best = np.inf
    for part in connected_partitions(graph, 3):
        label = np.array(part)
        heads = np.bincount(label, weights=people)
        alone = (label == label[8]).sum() == 1
        free = np.delete(heads, label[8])
        if (
            alone
            and label[0] == label[1]
            and label[0] != label[3]
            and (free >= 4).all()
            and (free <= 13).all()
        ):
            best = min(best, np.abs(np.bincount(label, weights=weight) / 15 - 1).max())
    assert np.isfinite(best)
    assert (answer.status, answer.value) == ("proved", pytest.approx(best))
    assert (answer.part == answer.part[8]).sum() == 1
    assert answer.part[0] == answer.part[1] != answer.part[3]


def test_fractions_are_counted_as_they_are():
    weight = np.array([0.1, 0.2, 0.3, 0.4, 1 / 3])
    answer = least_deviation(ExactTask(chain(5), weight, 2))
    mean = weight.sum() / 2
    best = min(abs(weight[:cut].sum() - mean) / mean for cut in range(1, 5))
    assert answer.value == pytest.approx(best)
    assert best - 1e-9 <= answer.bound + 1e-9 <= best + 2e-9


def test_a_plan_to_begin_with_is_kept_where_it_is_the_best():
    weight = np.array([40.0, 20.0, 40.0])
    start = np.array([3, 3, 7])
    answer = least_deviation(ExactTask(chain(3), weight, 2), start=start)
    assert (answer.status, answer.value, answer.bound) == ("proved", pytest.approx(0.2), pytest.approx(0.2))
    assert answer.part.tolist() == [0, 0, 1]
    with pytest.raises(ParameterError, match="has 2 parts, asked are 3"):
        least_deviation(ExactTask(chain(3), weight, 3), start=start)


def test_what_cannot_be_cut_is_none():
    assert least_deviation(ExactTask(chain(3), np.ones(3), 4)).status == "none"
    assert find_within(ExactTask(from_edges(4, [(0, 1)]), np.ones(4), 2), Bounds(1, 4)).status == "none"
    locked = np.array([0, -1, -1])
    assert find_within(ExactTask(chain(3), np.ones(3), 2, locked=locked), Bounds(2, 3)).status == "none"


def test_the_time_limit_leaves_a_true_bound():
    rng = np.random.default_rng(5)
    task = ExactTask(lattice(9, 9), rng.integers(1, 400, 81).astype(float), 7)
    answer = least_deviation(task, work_s=0.02)
    assert answer.status == "open"
    assert 0 <= answer.bound < 0.01


def test_without_the_extra_the_cheap_bound_stays(monkeypatch):
    monkeypatch.setattr(exact, "exact_available", lambda: False)
    weight = np.array([40.0, 20.0, 40.0])
    answer = least_deviation(ExactTask(chain(3), weight, 2))
    assert (answer.status, answer.part, answer.bound) == ("unavailable", None, pytest.approx(0.2))
    assert find_within(ExactTask(chain(3), weight, 2), Bounds(1, 99)).status == "unavailable"
    # Where the cheap bound is reached nothing more is needed.
    assert least_deviation(ExactTask(chain(3), weight, 2), start=np.array([0, 1, 1])).status == "proved"


@pytest.mark.parametrize(
    "task",
    [
        ExactTask(chain(3), np.ones(2), 1),
        ExactTask(chain(3), np.ones(3), 0),
        ExactTask(chain(3), np.ones(3), 1, limits=[(np.ones(2), Bounds(0, 1))]),
        ExactTask(chain(3), np.ones(3), 1, locked=np.zeros(1, int)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(task):
    with pytest.raises(ParameterError):
        find_within(task, Bounds(0, 1))


@pytest.mark.skipif(not FLORIDA.exists(), reason="the enumeration of 25 precincts is not beside the project")
def test_the_best_of_all_plans_of_25_precincts_is_found():
    data = np.load(FLORIDA)
    edges = list(zip(data["adj_src"].tolist(), data["adj_dst"].tolist(), strict=True))
    weight = data["pop"].astype(float)
    answer = least_deviation(ExactTask(from_edges(25, edges), weight, 3), work_s=120)
    assert answer.status == "proved"
    assert answer.value == pytest.approx(float(data["pop_dev"].min()), abs=1e-12)
