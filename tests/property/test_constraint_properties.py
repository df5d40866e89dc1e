"""A wish is broken exactly where its plain definition says so, and means the same on a subgraph."""

from __future__ import annotations

import numpy as np
from cell_graphs import lattice
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.graph import component_labels, subgraph
from gis_core.graph.links import change_adjacencies
from gis_core.model import AdjacencyGraph
from gis_core.partition.constraints import Constraint
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.weights import WeightBounds
from gis_core.partition.problem import Problem

GRAPH = lattice(5, 6)
N = GRAPH.n_cells
SETTINGS = settings(max_examples=60, deadline=None)


@st.composite
def wishes(draw: st.DrawFn) -> list[Constraint]:
    group = np.array(draw(st.lists(st.integers(-1, 2), min_size=N, max_size=N)))
    ends = draw(st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=6))
    pairs = np.array([pair for pair in ends if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
    seeds = np.full(N, None, dtype=object)
    for cell in draw(st.sets(st.integers(0, N - 1), max_size=5)):
        seeds[cell] = f"s{cell}"
    owner = np.repeat(np.arange(N), np.diff(GRAPH.indptr))
    slots = np.array(sorted(draw(st.sets(st.integers(0, len(owner) - 1), max_size=8))), dtype=np.int64)
    values = np.array(draw(st.lists(st.integers(0, 9), min_size=N, max_size=N)), dtype=float)
    low = draw(st.integers(0, 20))
    return [
        Together(group, ("g0", "g1", "g2")),
        Apart(pairs[:, 0], pairs[:, 1], tuple(f"p{i}" for i in range(len(pairs)))),
        Seeds(seeds),
        Borders(owner[slots], GRAPH.indices[slots].astype(np.int64), "line"),
        WeightBounds("w", values, low, low + draw(st.integers(0, 60))),
    ]


def obeyed(wish: Constraint, part: list[int]) -> bool:
    """Tell by the definition whether a plan obeys a wish."""
    if isinstance(wish, Together):
        return all(len({part[c] for c in range(len(part)) if wish.group[c] == g}) <= 1 for g in range(3))
    if isinstance(wish, Apart | Borders):
        return all(part[a] != part[b] for a, b in zip(wish.left.tolist(), wish.right.tolist(), strict=True))
    if isinstance(wish, Seeds):
        homes = [part[c] for c in range(len(part)) if wish.label_of[c] is not None]
        return len(homes) == len(set(homes))
    assert isinstance(wish, WeightBounds)
    sums = [0.0] * (max(part) + 1)
    for cell, home in enumerate(part):
        sums[home] += float(wish.values[cell])
    return all(wish.minimum <= total <= wish.maximum for total in sums)


def changes(wish: Constraint, graph: AdjacencyGraph) -> dict[str, object]:
    """Describe what a wish does to a problem without the size of its prices."""
    problem = Problem(graph, np.ones(graph.n_cells), n_parts=2, bounds=(1, 99), price=graph.shared_length_m)
    wish.apply(problem)
    left, right, price = problem.pairs
    return {
        "dearer": problem.price > graph.shared_length_m,
        "wished": problem.price < 0,
        "link": problem.link,
        "weights": problem.weights[:, 1:],
        "pairs": {(frozenset(p), bool(v > 0)) for *p, v in zip(left.tolist(), right.tolist(), price, strict=True)},
    }  # fmt: skip


@SETTINGS
@given(wishes(), st.lists(st.integers(0, 2), min_size=N, max_size=N))
def test_broken_is_the_opposite_of_obeyed(asked: list[Constraint], part: list[int]) -> None:
    part[0] = 2  # no part in between is empty by accident of its number alone
    for wish in asked:
        assert (wish.broken(GRAPH, np.array(part)) == []) == obeyed(wish, part), wish.name


@SETTINGS
@given(wishes(), st.permutations(range(N)), st.integers(4, N))
def test_a_subgraph_asks_for_the_same(asked: list[Constraint], order: list[int], size: int) -> None:
    cells = np.array(order[:size], dtype=np.int64)
    small = subgraph(GRAPH, cells)
    owner = np.repeat(np.arange(size), np.diff(small.indptr))
    whole_owner = np.repeat(np.arange(N), np.diff(GRAPH.indptr))
    place = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(whole_owner, GRAPH.indices, strict=True))}
    slot = np.array(
        [place[int(cells[a]), int(cells[b])] for a, b in zip(owner, small.indices, strict=True)], dtype=np.int64
    )  # fmt: skip
    for wish in asked:
        part, whole = changes(wish.restrict(cells), small), changes(wish, GRAPH)
        # Which links stay so that nothing floats depends on all of a graph.
        for name in ("dearer", "wished") if isinstance(wish, Borders) else ("dearer", "wished", "link"):
            assert np.array_equal(part[name], whole[name][slot]), (wish.name, name)  # type: ignore[index]
        if isinstance(wish, WeightBounds):
            assert np.array_equal(part["weights"], whole["weights"][cells])  # type: ignore[index]
        if isinstance(wish, Apart | Borders):
            named = {(frozenset(int(cells[c]) for c in pair), sign) for pair, sign in part["pairs"]}  # type: ignore[attr-defined]
            inside = {item for item in whole["pairs"] if item[0] <= set(cells.tolist())}  # type: ignore[attr-defined]
            assert named == inside


@SETTINGS
@given(wishes())
def test_both_directions_of_a_border_stay_equal(asked: list[Constraint]) -> None:
    problem = Problem(GRAPH, np.ones(N), n_parts=3, bounds=(1, 99), price=GRAPH.shared_length_m)
    for wish in asked:
        wish.apply(problem)
    owner = problem.owner
    there = {(int(a), int(b)): i for i, (a, b) in enumerate(zip(owner, GRAPH.indices, strict=True))}
    back = np.array([there[int(b), int(a)] for a, b in zip(owner, GRAPH.indices, strict=True)])
    assert np.array_equal(problem.price, problem.price[back])
    assert np.array_equal(problem.link, problem.link[back])


@SETTINGS
@given(wishes())
def test_ties_of_a_group_join_all_its_pieces(asked: list[Constraint]) -> None:
    together = asked[0]
    assert isinstance(together, Together)
    left, right = together.ties(GRAPH)
    root = list(range(N))

    def find(cell: int) -> int:
        while root[cell] != cell:
            cell = root[cell]
        return cell

    owner = np.repeat(np.arange(N), np.diff(GRAPH.indptr))
    same = [(a, b) for a, b in zip(owner.tolist(), GRAPH.indices.tolist(), strict=True)
            if together.group[a] == together.group[b] >= 0]  # fmt: skip
    for a, b in [*same, *zip(left.tolist(), right.tolist(), strict=True)]:
        assert together.group[a] == together.group[b]
        root[find(a)] = find(b)
    for group in range(3):
        assert len({find(c) for c in range(N) if together.group[c] == group}) <= 1


@SETTINGS
@given(wishes(), st.permutations(range(N)), st.integers(4, N))
def test_borders_never_let_ground_float(asked: list[Constraint], order: list[int], size: int) -> None:
    cells = np.array(order[:size], dtype=np.int64)
    small = subgraph(GRAPH, cells)
    problem = Problem(small, np.ones(size), n_parts=2, bounds=(1, 99), price=small.shared_length_m)
    border = asked[3].restrict(cells)
    assert isinstance(border, Borders)
    border.apply(problem)
    linked = change_adjacencies(small, keep=problem.link)
    assert component_labels(linked).max() == component_labels(small).max()
    assert border.slots(small)[~problem.link].all()
