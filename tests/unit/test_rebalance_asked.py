"""Rebalancing under everything that is asked: further weights, wishes, closed borders, a hard budget."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import lattice
from numpy.typing import NDArray

from gis_core.graph import parts_in_pieces
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds, Objective, preset
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.objective import border_cost
from gis_core.partition.problem import Constraint
from gis_core.partition.rebalance import rebalance
from gis_core.partition.rebalance_asked import Terms
from gis_core.partition.rebalance_bound import Case, least_change_exactly, least_change_flow, split_case
from gis_core.partition.rebalance_region import Ground, Region

ROW, COLUMN = np.divmod(np.arange(64), 8)
QUARTERS = (ROW // 4 * 2 + COLUMN // 4).astype(np.int32)


def sums(values: NDArray[np.float64], part: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.bincount(part, weights=values)


def terms_of(
    graph: AdjacencyGraph, weight: NDArray[np.float64], bounds: Bounds, asked: list[Constraint],
    part: NDArray[np.int32],
) -> Terms:  # fmt: skip
    return Terms.of(graph, weight, bounds, Objective(), asked, part)


def test_every_weight_is_brought_inside_its_bounds() -> None:
    people = np.where(QUARTERS == 0, 4.0, 2.0)
    asked = WeightBounds("people", people, 30, 52)
    told: list[int] = []
    found = rebalance(
        lattice(8, 8), np.ones(64), QUARTERS, bounds=Bounds(12, 20), constraints=[asked],
        progress=lambda _step, done, _total: told.append(done),
    )  # fmt: skip
    # It begins at nothing, however many parts are inside their bounds from the start.
    assert told[0] == 0 and told == sorted(told)
    assert ((sums(np.ones(64), found.assignment) >= 12) & (sums(np.ones(64), found.assignment) <= 20)).all()
    assert asked.inside(sums(people, found.assignment)).all()
    # 64 people of the first quarter in cells of 4: three cells must leave it, and three are enough.
    assert found.moved == 3
    assert found.violation == 0
    assert len(parts_in_pieces(lattice(8, 8), found.assignment)) == 0


def test_change_is_counted_in_households_whatever_is_balanced() -> None:
    load = np.where(QUARTERS == 0, 2.0, 1.0)
    stay = np.where(COLUMN == 3, 1.0, 10.0)
    found = rebalance(lattice(8, 8), load, QUARTERS, bounds=Bounds(10, 26), stay=stay)
    assert found.violation == 0
    # Six of load must leave the first quarter: three cells, and the column at its side is cheap.
    assert found.moved == 3


def test_cells_that_stay_together_move_together() -> None:
    graph, part = lattice(2, 4), np.array([0, 0, 0, 1] * 2, np.int32)
    group = np.full(8, -1, np.int64)
    group[[2, 6]] = 0
    wish = Together(group, ("the pair",))
    found = rebalance(graph, np.ones(8), part, bounds=Bounds(4, 4), constraints=[wish])
    assert found.assignment.tolist() == [0, 0, 1, 1] * 2
    assert not wish.broken(graph, found.assignment)


def test_a_wish_is_not_given_up_for_a_bound() -> None:
    graph, part = lattice(1, 6), np.array([0, 0, 0, 0, 1, 1], np.int32)
    group = np.array([-1, 0, 0, 0, -1, -1], np.int64)
    wish = Together(group, ("the three",))
    free = rebalance(graph, np.ones(6), part, bounds=Bounds(3, 3))
    assert free.assignment.tolist() == [0, 0, 0, 1, 1, 1]
    held = rebalance(graph, np.ones(6), part, bounds=Bounds(3, 3), constraints=[wish])
    assert not wish.broken(graph, held.assignment)
    assert held.violation == 2


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_a_wish_that_is_not_fulfilled_is(kind: str) -> None:
    graph = lattice(8, 8)
    wish: Together | Apart
    if kind == "together":
        group = np.full(64, -1, np.int64)
        group[[27, 28]] = 0
        wish = Together(group, ("the two",))
    else:
        wish = Apart(np.array([26]), np.array([27]), ("the two",))
    assert wish.broken(graph, QUARTERS)
    found = rebalance(graph, np.ones(64), QUARTERS, bounds=Bounds(14, 18), constraints=[wish])
    assert not wish.broken(graph, found.assignment)
    assert found.violation == 0
    assert found.moved == 1


def test_no_grid_hangs_together_across_a_closed_barrier_or_a_border_that_stays() -> None:
    graph = lattice(4, 8)
    part = np.array([0, 0, 0, 0, 0, 1, 1, 1] * 4, np.int32)
    left, right = np.arange(4) * 8 + 3, np.arange(4) * 8 + 4
    closed = Barriers(left, right, np.ones(4, bool), np.zeros(4))
    found = rebalance(graph, np.ones(32), part, bounds=Bounds(10, 22), constraints=[closed])
    assert found.assignment.reshape(4, 8)[:, 4].tolist() == [1] * 4
    assert found.mending == found.moved == 4
    assert not closed.broken(graph, found.assignment)
    line = Borders(left, right, "the line")
    found = rebalance(graph, np.ones(32), part, bounds=Bounds(10, 22), constraints=[line])
    assert not line.broken(graph, found.assignment)


def test_the_budget_is_hard_where_mending_needs_more() -> None:
    graph = lattice(3, 8)
    part = np.repeat([0, 1, 2], 8).astype(np.int32)
    # A cell of part 2 in the first row with five, one of part 1 in the last row with three.
    part[[7, 8, 16]] = [2, 0, 1]
    weight = np.ones(24)
    weight[[7, 16]] = [5.0, 3.0]
    assert parts_in_pieces(graph, part).tolist() == [1, 2]
    for budget, left, most in ((2, (1, 2), 2.0), (3, (2,), 3.0), (8, (), 8.0)):
        found = rebalance(graph, weight, part, bounds=Bounds(1, 40), max_moved=budget)
        assert found.mending == 8
        assert found.in_pieces == left
        assert found.moved <= most
        assert parts_in_pieces(graph, found.assignment).tolist() == list(left)


def test_the_search_counts_weights_and_wishes_as_one_counts_by_hand() -> None:
    rng = np.random.default_rng(4)
    graph, part = lattice(8, 8), QUARTERS
    weight, people = rng.integers(1, 9, 64).astype(float), rng.integers(0, 5, 64).astype(float)
    group = np.full(64, -1, np.int64)
    group[[3, 4, 12]] = 0
    asked = [
        Together(group, ("three",)), Apart(np.array([20, 0]), np.array([43, 1]), ("a", "b")),
        WeightBounds("people", people, 25, 35),
    ]  # fmt: skip
    bounds = Bounds(70, 90)
    terms = terms_of(graph, weight, bounds, list(asked), part)
    ground = Ground(
        terms.links, terms.price, weight, weight, part, part.copy(), 4, bounds, bounds.middle, set(),
        np.zeros(64, bool), terms.more, terms.more_limit, terms.far,
    )  # fmt: skip
    region = Region(ground, np.arange(4))
    for seed in range(6):
        rule = region.rule(big=0.5, moved=1.0, border=0.0)
        found, violation, moved = region.anneal(
            part, rule, hot=60.0, cold=5.0, proposals=3000, state=np.array([seed + 1], np.uint64)
        )
        by_hand = 0.0
        for values, low, high, unit in ((weight, 70, 90, 1), (people, 25, 35, weight.sum() / people.sum())):
            total = sums(values, found)
            by_hand += unit * np.maximum(0, np.maximum(low - total, total - high)).sum()
        by_hand += 90 * ((found[3] != found[4]) + (found[4] != found[12]))
        by_hand += 90 * ((found[20] == found[43]) + (found[0] == found[1]))
        assert violation == pytest.approx(by_hand)
        assert moved == weight[found != part].sum()
        assert len(parts_in_pieces(graph, found)) == 0


def test_bounds_on_change_hold_for_several_weights() -> None:
    people = np.where(QUARTERS == 0, 4.0, 2.0)
    graph, weight, bounds = lattice(8, 8), np.ones(64), Bounds(12, 20)
    asked = WeightBounds("people", people, 30, 52)
    terms = terms_of(graph, weight, bounds, [asked], QUARTERS)
    now = rebalance(graph, weight, QUARTERS, bounds=bounds, constraints=[asked]).assignment
    case = Case(graph, weight, weight, QUARTERS, now, 4, bounds, frozenset(), terms.more, terms.more_limit)
    assert case.violation == 0
    assert least_change_flow(case) == 3
    # A plan that moves one cell too many is improved to the least.
    worse = QUARTERS.copy()
    worse[(QUARTERS == 0) & (ROW == 3)] = 2
    bound, better = least_change_exactly(
        Case(graph, weight, weight, QUARTERS, worse, 4, bounds, frozenset(), terms.more, terms.more_limit)
    )
    assert bound == 3
    assert better is not None
    assert (better != QUARTERS).sum() == 3
    assert sums(people, better).max() <= 52


def test_the_exact_search_keeps_wishes() -> None:
    graph, part = lattice(2, 4), np.array([0, 0, 0, 1] * 2, np.int32)
    group = np.full(8, -1, np.int64)
    group[[1, 2, 5]] = 0
    weight = np.array([1.0, 1, 1, 1, 1, 1, 2, 1])
    bounds = Bounds(3, 6)
    terms = terms_of(graph, weight, bounds, [Together(group, ("three",))], part)
    now = np.array([0, 1, 1, 1, 0, 1, 1, 1], np.int32)
    case = Case(graph, weight, weight, part, now, 2, Bounds(2, 7), far=terms.far)
    bound, better = least_change_exactly(case)
    assert better is not None
    assert better.tolist() == part.tolist()
    assert bound == 0
    tight = Case(
        graph, weight, weight, part, np.array([0, 0, 0, 1, 0, 0, 1, 1], np.int32), 2, bounds, far=terms.far
    )
    assert least_change_exactly(tight)[0] == 2


def test_what_is_least_in_each_boundary_polygon_is_least_in_all() -> None:
    zone = (ROW >= 4).astype(np.int64)
    weight = np.where(QUARTERS == 0, 2.0, np.where(QUARTERS == 2, 3.0, 1.0))
    found = rebalance(lattice(8, 8), weight, QUARTERS, bounds=Bounds(10, 40), zone=zone).assignment
    case = Case(lattice(8, 8), weight, weight, QUARTERS, found, 4, Bounds(10, 40))
    each = split_case(case, zone)
    assert [own.n_parts for _, own in each] == [2, 2]
    assert sum(own.moved for _, own in each) == case.moved
    assert sum(least_change_flow(own) for _, own in each) >= least_change_flow(case)


def test_prices_of_the_objective_decide_where_change_is_free() -> None:
    graph = lattice(8, 8, street_every=3)
    found = {
        name: rebalance(
            graph, np.ones(64), QUARTERS, bounds=Bounds(10, 22), max_moved=64, objective=preset(name)
        ).assignment
        for name in ("border", "street")
    }
    cost = {name: border_cost(graph, preset(name)) for name in found}
    owner = np.repeat(np.arange(64), np.diff(graph.indptr))

    def price(name: str, part: NDArray[np.int32]) -> float:
        return float(cost[name][part[owner] != part[graph.indices]].sum())

    assert price("border", found["border"]) < price("border", found["street"])
    assert price("street", found["street"]) < price("street", found["border"])
