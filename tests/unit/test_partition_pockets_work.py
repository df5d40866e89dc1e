"""Pockets: the work of a bound is counted, and a time limit holds for it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from cell_graphs import from_edges

from gis_core.model import AdjacencyGraph
from gis_core.partition import deviation_lower_bound, partition_fabric, pockets
from gis_core.partition.bounds import work_within
from gis_core.partition.pockets import BOXES_A_SECOND, Box, Work, block_tree, judge

#: Cells of a star, and what one walk handles of each leaf where boxes are merged into one: steps, and boxes of a step.
N, LEAST_A_LEAF = 326, 3


class Counter:
    """Counts the boxes that are sorted and merged, apart from what the module counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.boxes = 0
        merge = pockets._merge

        def counted(boxes: Iterable[Box]) -> list[Box]:
            listed = list(boxes)
            self.boxes += len(listed)
            return merge(listed)

        monkeypatch.setattr(pockets, "_merge", counted)


def star(n: int = N) -> tuple[AdjacencyGraph, np.ndarray]:
    """Return one cell with many neighbours, and weights of fractions, of which there are the most sums."""
    return from_edges(n, [(0, i) for i in range(1, n)]), np.random.default_rng(5).random(n) * 10


@pytest.mark.parametrize("boxes", [0, 2_000, 20_000])
def test_a_bound_keeps_to_its_work(boxes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, weight = star()
    counter, work = Counter(monkeypatch), Work(boxes)
    bound = deviation_lower_bound([weight], 6, graphs=[graph], work=work)
    assert counter.boxes <= boxes + LEAST_A_LEAF * N
    assert work.boxes <= 0 or counter.boxes <= boxes - work.boxes
    at_leisure = deviation_lower_bound([weight], 6, graphs=[graph])
    assert counter.boxes > 10 * boxes
    assert bound <= at_leisure
    assert (bound > 0) == (boxes > 0)


def test_a_time_limit_holds_for_the_bound_of_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, weight = star()
    counter = Counter(monkeypatch)
    result = partition_fabric(
        graph, np.zeros(N, np.int32), weight, boundary_codes=["A"], n_grids=6, time_limit_s=0.05
    )
    assert 0 < counter.boxes <= 0.05 * BOXES_A_SECOND + LEAST_A_LEAF * N
    assert 0 < result.lower_bounds[0] < 1


def test_the_work_beside_a_search_grows_with_its_limit_up_to_that_without_one() -> None:
    boxes = [work_within(limit).boxes for limit in (0.05, 0.3, 5.0, 1e6, None)]
    assert boxes == sorted(boxes)
    assert boxes[0] < 0.05 * BOXES_A_SECOND
    assert boxes[-2] == boxes[-1]


def test_enough_work_changes_no_verdict() -> None:
    graph, weight = star()
    tree = block_tree(graph, weight)
    mean, used = weight.sum() / 6, 0.0
    for share in (0.9, 0.99, 0.999):
        work = Work(1e9)
        given = judge(tree, mean * (1 - share), mean * (1 + share), work=work)
        assert given == judge(tree, mean * (1 - share), mean * (1 + share))
        used += 1e9 - work.boxes
    assert used > N
