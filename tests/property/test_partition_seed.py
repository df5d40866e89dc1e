"""The best cut of a spanning tree against the plain way: take every edge of the tree out and price what falls apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis_core.partition._random import new_state
from gis_core.partition.refine import part_sums, penalty, total_cost
from gis_core.partition.rules import Rules
from gis_core.partition.seed import sorted_places, tree_seed

SEEDS = st.integers(0, 2**32 - 1)
#: Links that every spanning tree by price takes.
_STRONG = 1e9


def _csr(
    n: int, links: dict[tuple[int, int], float]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Write links as symmetric CSR."""
    rows = [(a, b, cost) for (a, b), cost in links.items()] + [(b, a, cost) for (a, b), cost in links.items()]
    rows.sort()
    count = np.bincount([row[0] for row in rows], minlength=n)
    return (
        np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.float64),
    )


def _side(n: int, tree: list[tuple[int, int]], out: tuple[int, int]) -> NDArray[np.int32]:
    """Return 1 for the cells that hang together with the first end of the link that is taken out."""
    beside: list[list[int]] = [[] for _ in range(n)]
    for a, b in tree:
        if (a, b) != out:
            beside[a].append(b)
            beside[b].append(a)
    part, queue = np.zeros(n, np.int32), [out[0]]
    part[out[0]] = 1
    while queue:
        for other in beside[queue.pop()]:
            if not part[other]:
                part[other] = 1
                queue.append(other)
    return part


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_two_parts_are_the_cheapest_cut_of_the_tree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_weights = int(rng.integers(2, 40)), int(rng.integers(1, 3))
    tree = [(int(rng.integers(max(0, i - 5), i)), i) for i in range(1, n)]
    links = dict.fromkeys(tree, _STRONG)
    for a, b in rng.integers(0, n, (2 * n, 2)).tolist():
        if a < b:
            links.setdefault((a, b), float(rng.uniform(0, 50)))
    indptr, indices, cost = _csr(n, links)
    weights = rng.integers(0, 30, (n, n_weights)).astype(np.float64)
    mean = np.maximum(weights.sum(axis=0) / 2, 1.0)
    rules = Rules(0.8 * mean, 1.2 * mean, mean, deviation=3.0, unit=40.0)
    rule = rules.at(weights, coarse=False)

    def price(part: NDArray[np.int32]) -> float:
        sums = part_sums(part, weights, 2)
        own = sum(penalty(sums, p, weights, 0, 0.0, rule) for p in (0, 1))
        return total_cost(indptr, indices, cost, part) - _STRONG + own

    part = tree_seed(indptr, indices, cost, weights, 2, rule, 1, 1, new_state(rng))
    assert set(part.tolist()) == {0, 1}
    assert sum(part[a] != part[b] for a, b in tree) == 1
    cheapest = min(price(_side(n, tree, edge)) for edge in tree)
    assert price(part) == pytest.approx(cheapest, abs=1e-3, rel=1e-9)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_places_are_sorted_and_ties_keep_their_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = rng.integers(0, 20, int(rng.integers(0, 70))).astype(np.float64)
    assert sorted_places(key).tolist() == np.argsort(key, kind="stable").tolist()
