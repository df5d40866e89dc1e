"""Constraints change the arrays of a problem, shrink to a subgraph, and say what a plan breaks."""

from __future__ import annotations

import numpy as np
import pytest
from cell_graphs import lattice

from gis_core.graph import subgraph
from gis_core.model import AdjacencyGraph
from gis_core.partition.constraints import CONSTRAINTS
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Problem

#: 4 rows of 6 cells; in `HALVES` the three western columns are part 0.
GRAPH = lattice(4, 6)
HALVES = (np.arange(24) % 6 >= 3).astype(np.int32)


def problem(graph: AdjacencyGraph = GRAPH, n_parts: int = 2) -> Problem:
    weight = np.full(graph.n_cells, 10.0)
    return Problem(graph, weight, n_parts=n_parts, bounds=(100, 140), price=graph.shared_length_m)


def group_of(n_cells: int, *groups: list[int]) -> np.ndarray:
    group = np.full(n_cells, -1, np.int64)
    for number, cells in enumerate(groups):
        group[cells] = number
    return group


def seeds_at(*cells: int) -> Seeds:
    label = np.full(24, None, dtype=object)
    for cell in cells:
        label[cell] = f"clinic {cell}"
    return Seeds(label)


def slot(graph: AdjacencyGraph, a: int, b: int) -> int:
    row = graph.indices[graph.indptr[a] : graph.indptr[a + 1]]
    return int(graph.indptr[a] + np.flatnonzero(row == b)[0])


def test_all_are_registered_by_their_name() -> None:
    for kind in (Together, Apart, Seeds, Borders, WeightBounds):
        assert CONSTRAINTS[kind.name] is kind


def test_together_prices_only_the_borders_inside_the_group() -> None:
    asked = problem()
    Together(group_of(24, [0, 1, 7]), ("the school",)).apply(asked)
    changed = np.flatnonzero(asked.price != GRAPH.shared_length_m)
    expected = {slot(GRAPH, *pair) for pair in [(0, 1), (1, 0), (1, 7), (7, 1)]}
    assert set(changed.tolist()) == expected
    assert (asked.price[changed] > 2 * GRAPH.shared_length_m[changed]).all()
    left, right, price = asked.pairs
    assert {frozenset(pair) for pair in zip(left.tolist(), right.tolist(), strict=True)} == {
        frozenset({0, 1}),
        frozenset({1, 7}),
    }
    assert (price > 10 * problem().usual_price).all()


def test_together_leaves_what_a_usual_border_costs() -> None:
    asked = problem()
    Together(group_of(24, list(range(6))), ("g",)).apply(asked)
    assert asked.usual_price < 1.5 * problem().usual_price


def test_together_ties_pieces_at_their_nearest_cells() -> None:
    asked = problem()
    Together(group_of(24, [0, 1, 4, 5, 23]), ("g",)).apply(asked)
    left, right, price = asked.pairs
    assert {frozenset(pair) for pair in zip(left.tolist(), right.tolist(), strict=True)} == {
        frozenset({0, 1}),
        frozenset({1, 4}),
        frozenset({4, 5}),
        frozenset({5, 23}),
    }
    assert (price > 10 * problem().usual_price).all()


def test_together_broken_names_the_strays() -> None:
    asked = Together(group_of(24, [0, 1, 2, 3], [6, 7]), ("the school", "the lane"))
    (reason,) = asked.broken(GRAPH, HALVES)
    assert reason.what == "together" and reason.cell_ix == (3,)
    assert "the school" in reason.reason and "1 of its 4 cells" in reason.reason


def test_apart_asks_for_pairs_in_different_parts() -> None:
    asked = problem()
    wish = Apart(np.array([0, 0]), np.array([1, 20]), ("a and b", "a and c"))
    wish.apply(asked)
    left, right, price = asked.pairs
    assert left.tolist() == [0, 0] and right.tolist() == [1, 20] and (price < 0).all()
    broken = wish.broken(GRAPH, HALVES)
    assert [reason.cell_ix for reason in broken] == [(0, 1), (0, 20)]
    assert wish.broken(GRAPH, np.arange(24)) == []


@pytest.mark.parametrize(
    ("cells", "n_parts", "bounds"),
    [((0, 5), 2, (1, 1)), ((0,), 2, (0, 1)), ((0, 5, 9), 2, (1, 2)), ((0, 5), 3, (0, 1))],
)
def test_seeds_are_a_weight(cells: tuple[int, ...], n_parts: int, bounds: tuple[int, int]) -> None:
    asked = problem(n_parts=n_parts)
    seeds_at(*cells).apply(asked)
    assert np.flatnonzero(asked.weights[:, 1]).tolist() == sorted(cells)
    assert (asked.minimum[1], asked.maximum[1]) == bounds


def test_no_seeds_ask_nothing() -> None:
    asked = problem()
    seeds_at().apply(asked)
    assert asked.weights.shape == (24, 1)


def test_seeds_broken_names_the_points_of_one_grid() -> None:
    (reason,) = seeds_at(0, 1, 5).broken(GRAPH, HALVES)
    assert "clinic 0, clinic 1" in reason.reason and "clinic 5" not in reason.reason
    assert seeds_at(0, 5).broken(GRAPH, HALVES) == []


def test_borders_cut_links_and_reward_borders() -> None:
    asked = problem()
    Borders(np.array([2, 8]), np.array([3, 9]), "the canal").apply(asked)
    chosen = np.flatnonzero(~asked.link)
    assert set(chosen.tolist()) == {slot(GRAPH, *pair) for pair in [(2, 3), (3, 2), (8, 9), (9, 8)]}
    assert (asked.price[chosen] == 0).all() and (np.delete(asked.price, chosen) > 0).all()
    left, right, price = asked.pairs
    assert left.tolist() == [2, 8] and right.tolist() == [3, 9] and (price < 0).all()


def test_borders_broken_measures_what_is_crossed() -> None:
    line = Borders(np.array([2, 8, 0]), np.array([3, 9, 1]), "the canal")
    (reason,) = line.broken(GRAPH, HALVES)
    assert "the canal" in reason.reason and "10 m" in reason.reason and reason.cell_ix == (0, 1)
    assert Borders(np.array([2]), np.array([3]), "x").broken(GRAPH, HALVES) == []


def test_weights_are_added_with_their_bounds() -> None:
    asked = problem()
    WeightBounds("population", np.arange(24.0), 0.0, np.inf).apply(asked)
    assert asked.weights[:, 1].tolist() == list(range(24))
    assert asked.maximum[1] == np.inf


@pytest.mark.parametrize(
    ("values", "low", "high", "says"),
    [
        (np.full(24, 1.0), 0, 11.0, "at least 3 grids"),
        (np.full(24, 1.0), 13, 20, "enough for 1 at most"),
        (np.where(np.arange(24) == 0, 30.0, 0.0), 0, 20, "alone holds more"),
        (np.where(HALVES == 0, 2.0, 0.5), 0, 20, "No proof"),
    ],
)
def test_weights_broken_says_why(values: np.ndarray, low: float, high: float, says: str) -> None:
    (reason,) = WeightBounds("population", values, low, high).broken(GRAPH, HALVES)
    assert says in reason.mend and "population" in reason.reason
    assert WeightBounds("population", values, 0, np.inf).broken(GRAPH, HALVES) == []


def test_restrict_follows_the_numbering_of_the_subgraph() -> None:
    kept = np.array([9, 3, 2, 8, 0])
    small = subgraph(GRAPH, kept)
    wishes = [
        Together(group_of(24, [2, 3, 20]), ("g",)),
        Apart(np.array([2, 0]), np.array([9, 1]), ("p", "q")),
        seeds_at(3, 9, 23),
        Borders(np.array([2, 8, 0]), np.array([3, 9, 1]), "line"),
        WeightBounds("w", np.arange(24.0), 0, 5),
    ]
    together, apart, seeds, borders, weights = (wish.restrict(kept) for wish in wishes)
    assert together.group.tolist() == [-1, 0, 0, -1, -1]
    assert apart.left.tolist() == [2] and apart.right.tolist() == [0] and apart.labels == ("p",)
    assert seeds.cell_ix.tolist() == [0, 1]
    assert sorted(zip(borders.left.tolist(), borders.right.tolist(), strict=True)) == [(2, 1), (3, 0)]
    assert weights.values.tolist() == [9.0, 3.0, 2.0, 8.0, 0.0]
    for wish in (together, apart, seeds, borders, weights):
        wish.apply(problem(small))


def test_the_strength_of_a_wish_does_not_depend_on_those_before_it() -> None:
    alone, after = problem(), problem()
    Together(group_of(24, list(range(12))), ("g",)).apply(after)
    for asked in (alone, after):
        Apart(np.array([0]), np.array([20]), ("p",)).apply(asked)
    assert alone.pairs[2][-1] == after.pairs[2][-1]


def test_a_border_round_ground_leaves_it_one_link() -> None:
    asked = problem()
    Borders(np.array([0, 0, 2, 8]), np.array([1, 6, 3, 9]), "the canal").apply(asked)
    owner = np.repeat(np.arange(24), np.diff(GRAPH.indptr))
    linked = {(int(a), int(b)) for a, b in zip(owner[~asked.link], GRAPH.indices[~asked.link], strict=True)}
    assert {(2, 3), (3, 2), (8, 9), (9, 8)} < linked
    assert len(linked) == 6 and {(0, 1), (0, 6)} & linked and not {(0, 1), (0, 6)} <= linked
