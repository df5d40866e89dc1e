"""Proposals obey locks, open and close grids by the rules of codes, and say truly what they do."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from cell_graphs import lattice

from gis_core.errors import ParameterError
from gis_core.graph.components import parts_in_pieces
from gis_core.partition import Bounds
from gis_core.plan.propose import Draft, Proposal, choose_cells, held_cells, propose_cut, propose_rebalance
from gis_core.plan.zones import zones_of

SIDE = 12


@pytest.fixture
def draft() -> Draft:
    """A square of 144 cells with 10 households each, in two halves, six grids of 6 by 4 cells in all."""
    column, row = np.divmod(np.arange(SIDE * SIDE), SIDE)
    grid = (column // 6) * 3 + row // 4
    weight = np.full(SIDE * SIDE, 10.0)
    return Draft(
        graph=lattice(SIDE, SIDE),
        weight=weight,
        households=weight,
        area_ix=(column // 6).astype(np.int32),
        area_codes=("A", "B"),
        compound_ix=np.full(SIDE * SIDE, -1, np.int32),
        compounds=(),
        assignment=grid.astype(np.int32),
        codes=("A001", "A002", "A003", "B001", "B002", "B003"),
    )


def accepted(draft: Draft, proposal: Proposal) -> np.ndarray:
    after = draft.assignment.copy()
    after[proposal.cells] = proposal.grids
    return after


def painted(draft: Draft, cells: list[int], grid: int) -> Draft:
    assignment = draft.assignment.copy()
    assignment[cells] = grid
    return replace(draft, assignment=assignment)


def test_a_rebalancing_says_what_it_does(draft: Draft) -> None:
    bad = painted(draft, [4, 16, 28, 40, 52, 64], 0)
    proposal = propose_rebalance(bad, Bounds(220, 260), chosen=choose_cells(bad))
    after = accepted(bad, proposal)
    total = np.bincount(after, weights=draft.weight)
    assert ((total >= 220) & (total <= 260)).all()
    assert proposal.in_bounds == (4, 6, 6)
    assert proposal.moved == 10.0 * len(proposal.cells)
    assert not len(parts_in_pieces(draft.graph, after))
    assert proposal.changes == ()
    for row in proposal.before_after:
        assert row["after"]["households"] == total[row["grid_ix"]]
    again = propose_rebalance(bad, Bounds(220, 260), chosen=choose_cells(bad))
    assert (again.cells.tolist(), again.grids.tolist()) == (proposal.cells.tolist(), proposal.grids.tolist())


def test_unassigned_cells_get_a_grid(draft: Draft) -> None:
    bad = painted(draft, [0, 1, 13], -1)
    proposal = propose_rebalance(bad, Bounds(200, 260), chosen=choose_cells(bad))
    assert (accepted(bad, proposal) >= 0).all()
    assert proposal.moved == 0.0


def test_an_overfull_grid_may_be_divided_under_a_new_code(draft: Draft) -> None:
    bad = replace(draft, assignment=np.where(draft.area_ix == 0, 0, draft.assignment).astype(np.int32))
    bad = replace(bad, retired=frozenset({1, 2}), taken=frozenset({"A009"}))
    proposal = propose_rebalance(bad, Bounds(200, 280), chosen=choose_cells(bad, [0]))
    assert [path for path, _ in proposal.changes] == ["grid/6", "grid/7"]
    assert [value["code"] for _, value in proposal.changes] == ["A010", "A011"]
    assert {value["boundary_code"] for _, value in proposal.changes} == {"A"}
    assert set(proposal.grids.tolist()) == {6, 7}


@pytest.mark.parametrize("how", ["grid", "cell", "border"])
def test_locks_hold(draft: Draft, how: str) -> None:
    locks = {
        "grid": {"locked": frozenset({1})},
        "cell": {"locked_cells": (4, 5, 67, 79)},
        "border": {"locked_borders": ((0, 1),)},
    }[how]
    for bad in (painted(draft, [7, 19, 31, 43, 55, 67], 2), draft):
        held = replace(bad, **locks)
        mask = held_cells(held) | np.isin(held.assignment, list(held.locked))
        assert mask.any()
        for proposal in (
            propose_rebalance(held, Bounds(230, 250), chosen=choose_cells(held)),
            propose_cut(held, Bounds(150, 250), boundary="A"),
        ):
            after = accepted(held, proposal)
            assert (after[mask] == held.assignment[mask]).all()
            assert (held_cells(replace(held, assignment=after)) & (after != held.assignment)).sum() == 0
            torn = parts_in_pieces(draft.graph, after)
            assert proposal.in_pieces == tuple(torn[torn >= 0].tolist())
    free = held.without_locks()
    assert not held_cells(free).any()


def test_a_cut_keeps_codes_where_ground_stays(draft: Draft) -> None:
    proposal = propose_cut(draft, Bounds(300, 400), boundary="B", n_grids=2)
    after = accepted(draft, proposal)
    assert (after[draft.area_ix == 0] == draft.assignment[draft.area_ix == 0]).all()
    left = np.unique(after[draft.area_ix == 1])
    assert len(left) == 2
    assert set(left.tolist()) < {3, 4, 5}
    (gone,) = {3, 4, 5} - set(left.tolist())
    assert proposal.changes == ((f"grid/{gone}", None),)
    for number in left.tolist():
        shared = np.bincount(draft.assignment[after == number], minlength=6)
        assert shared[number] > 0
    assert [row["after"] is None for row in proposal.before_after if row["grid_ix"] == gone] == [True]


def test_one_grid_brings_its_neighbours(draft: Draft) -> None:
    cells = choose_cells(draft, [0])
    assert np.unique(draft.assignment[cells]).tolist() == [0, 1]
    assert np.unique(draft.assignment[choose_cells(draft, [0, 2])]).tolist() == [0, 2]
    assert np.unique(draft.assignment[choose_cells(draft, None, [0, 8])]).tolist() == [0, 2]
    assert len(choose_cells(draft)) == SIDE * SIDE


def test_what_cannot_be_chosen(draft: Draft) -> None:
    gone = replace(draft, retired=frozenset({2}), locked=frozenset({0, 1}))
    for grids, cells, says in (
        ([9], [], "no grid 9"),
        ([2], [], "no grid 2"),
        (None, [-1], "no cell -1"),
        ([], [], "choose grids"),
        ([0, 1], [], "unlock"),
    ):
        with pytest.raises(ParameterError, match=says):
            choose_cells(gone, grids, cells)
    with pytest.raises(ParameterError, match="there are A, B"):
        draft.area_of("C")


def test_with_levels_grids_stay_in_their_part_of_the_level_above(draft: Draft) -> None:
    parts = ["A0001", "A0001", "A0002", "B", "B", "B"]
    loose = draft.assignment.copy()
    loose[[0, 143]] = -1
    zone, codes = zones_of(draft.graph, draft.area_ix, draft.area_codes, loose, parts)
    assert codes == ("B", "A0001", "A0002") and zone[0] == 1 and zone[143] == 0
    assert zones_of(draft.graph, draft.area_ix, draft.area_codes, loose, ["A"] * 3 + ["B"] * 3) == (
        draft.area_ix,
        draft.area_codes,
    )
    leveled = replace(draft, assignment=loose, area_ix=zone, area_codes=codes)
    again = propose_cut(leveled, Bounds(100, 140), boundary="A0001")
    after = accepted(leveled, again)
    assert (zone[again.cells] == 1).all() and len(again.cells)
    made = [value for path, value in again.changes if value is not None]
    assert made and all(
        value["boundary_code"] == "A0001" and value["code"].startswith("A0001") for value in made
    )
    for grid in np.unique(after[after >= 0]):
        assert len(np.unique(zone[after == grid])) == 1


def test_the_grids_of_a_first_plan_are_numbered_row_by_row(draft: Draft) -> None:
    empty = replace(draft, assignment=np.full(SIDE * SIDE, -1, np.int32), codes=())
    proposal = propose_cut(empty, Bounds(150, 250))
    after = accepted(empty, proposal)
    assert len(proposal.cells) == SIDE * SIDE
    assert proposal.moved == 0
    codes = [value["code"] for _, value in proposal.changes]
    assert codes == sorted(codes)
    count = np.bincount(after)
    x, y = (np.bincount(after, weights=at) / count for at in (draft.graph.x, draft.graph.y))
    for area in ("A", "B"):
        own = [ix for ix, code in enumerate(codes) if code.startswith(area)]
        per_row = max(1, round(len(own) ** 0.5))
        rows = [own[at : at + per_row] for at in range(0, len(own), per_row)]
        assert all(x[row].tolist() == sorted(x[row].tolist()) for row in rows)
        assert all(y[high].min() >= y[low].max() for high, low in pairwise(rows))
