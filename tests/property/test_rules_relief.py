"""What weights cost, beside plain NumPy; and weight outside the bounds sent to where there is room for it."""

from __future__ import annotations

import numpy as np
from cell_graphs import lattice
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import parts_in_pieces
from gis_core.partition import Objective
from gis_core.partition._random import new_state
from gis_core.partition.balance import into_bounds
from gis_core.partition.objective import border_cost
from gis_core.partition.problem import Problem
from gis_core.partition.rules import Rules
from gis_core.partition.search import Clock, Search, first_rules
from gis_core.partition.state import Level

_NUMBERS = st.floats(0.5, 1000)


@st.composite
def rules_and_weights(draw):
    """Rules for one or two weights, and the weights of a few cells."""
    d = draw(st.integers(1, 2))
    mean = np.array(draw(st.lists(_NUMBERS, min_size=d, max_size=d)))
    width = np.array(draw(st.lists(st.floats(0, 0.5), min_size=d, max_size=d)))
    soft = draw(st.sampled_from([0.0, 3.0]))
    rules = Rules(mean * (1 - width), mean * (1 + width), mean, draw(st.floats(0, 20)), draw(_NUMBERS), soft)
    cells = draw(st.integers(1, 6))
    weights = np.array(draw(st.lists(st.floats(0, 900), min_size=cells * d, max_size=cells * d)))
    return rules, weights.reshape(cells, d)


@given(rules_and_weights(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_the_rule_of_the_kernels_is_what_is_documented(given_rules, coarse):
    rules, weights = given_rules
    low, high = rules.minimum.copy(), rules.maximum.copy()
    if coarse:
        usual = (weights[:, 0] ** 2).sum() / max(weights[:, 0].sum(), 1e-300)
        missing = max(0.0, 1.5 * usual - (high[0] - low[0]) / 2)
        low[0], high[0] = low[0] - missing, high[0] + missing
    rule = rules.at(weights, coarse=coarse)
    assert np.allclose(rule[:, 0], low)
    assert np.allclose(rule[:, 1], high)
    assert np.allclose(rule[:, 2], rules.mean)
    assert np.allclose(rule[0, 3], rules.deviation * rules.unit / rules.mean[0] ** 2)
    assert (rule[1:, 3] == 0).all()
    assert np.allclose(rule[1:, 4] * rules.mean[1:], 10 * rules.unit)
    assert np.isclose(rule[0, 4], rules.soft or 10 * rules.unit / rules.mean[0])


@given(rules_and_weights(), st.floats(0, 1e4))
@settings(max_examples=80, deadline=None)
def test_the_score_is_weight_outside_in_means_and_then_the_price(given_rules, border):
    rules, sums = given_rules
    out = np.maximum(0.0, np.maximum(rules.minimum - sums, sums - rules.maximum))
    out[out <= 1e-9 * rules.mean] = 0.0
    price = (
        border + rules.deviation * rules.unit * (((sums[:, 0] - rules.mean[0]) / rules.mean[0]) ** 2).sum()
    )
    if rules.soft:
        price += (rules.soft * out[:, 0] * (1 + 40 * out[:, 0] / rules.mean[0])).sum()
        out[:, 0] = 0.0
    found = rules.score(sums, border)
    assert np.allclose(found, ((out / rules.mean).sum(), price))


@given(st.lists(st.floats(-1, 5), min_size=4, max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_usual_link_is_the_median_of_those_that_cost(prices):
    cost = np.array(prices)
    some = np.sort(cost[cost > 0])
    level = Level(np.zeros(2, np.int64), np.zeros(0, np.int32), cost, np.ones((1, 1)))
    assert level.usual_link() == (some[len(some) // 2] if len(some) else 1.0)


def _search(weight: np.ndarray, n_parts: int, room: float, seed: int) -> Search:
    graph = lattice(14, 15)
    mean = float(weight.sum()) / n_parts
    problem = Problem(
        graph, weight, n_parts=n_parts, bounds=(mean * (1 - room), mean * (1 + room)),
        price=border_cost(graph, Objective()),
    )  # fmt: skip
    level = problem.level()
    rules = first_rules(level, n_parts, problem.minimum, problem.maximum, np.array([mean]), 0.0)
    rng = np.random.default_rng(seed)
    return Search(level, n_parts, rules, new_state(rng), Clock(np.inf, None, graph.n_cells))


@given(st.integers(0, 10_000), st.integers(3, 7), st.sampled_from([0.02, 0.05, 0.2]))
@settings(max_examples=25, deadline=None)
def test_what_is_too_much_goes_to_where_there_is_room(seed, n_parts, room):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 30, 210) + 400 * (rng.random(210) < 0.04)
    search = _search(weight.astype(np.float64), n_parts, room, seed)
    # Strips of as many cells each, whose weights differ.
    plan = search.plan((np.arange(210) * n_parts // 210).astype(np.int32))
    found = into_bounds(search, plan)
    assert found.score <= plan.score
    assert len(np.unique(found.part)) == n_parts
    assert len(parts_in_pieces(lattice(14, 15), found.part)) == 0
    assert found.score == search.plan(found.part).score


def test_light_cells_leave_nothing_outside_the_bounds():
    weight = np.random.default_rng(1).integers(1, 9, 210).astype(np.float64)
    search = _search(weight, 6, 0.03, 1)
    plan = search.plan((np.arange(210) * 6 // 210).astype(np.int32))
    assert plan.score[0] > 0
    assert into_bounds(search, plan).score[0] == 0
