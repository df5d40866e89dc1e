"""Ten inputs that cannot be met, as a new user would give them: what is blamed, and that the advice mends it."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from cell_graphs import chain, connected_partitions, from_edges, lattice, star

from gis_core.errors import ParameterError
from gis_core.partition import Bounds, partition_fabric
from gis_core.partition.certify import (
    Piece,
    Settled,
    blamed_locks,
    certify_deviation,
    explain_piece,
    settle,
    settle_piece,
    total_reason,
    usual_effort,
)


def solved(graph, households, bounds=None, **asked):
    """Cut one boundary polygon 'A' whose cells are the buildings b0, b1 ..."""
    households = np.asarray(households)
    names = [f"b{cell}" for cell in range(graph.n_cells)]
    return partition_fabric(
        graph, np.zeros(graph.n_cells, int), households, boundary_codes=["A"], bounds=bounds or Bounds(),
        cell_names=names, **asked,
    )  # fmt: skip


def the_reason(result):
    (reason,) = result.infeasible
    assert reason.as_dict()["mend"] == reason.mend
    assert reason.mend.endswith(".")
    return reason


def advised(mend, words):
    """Return the number that an advice gives after some words."""
    found = re.search(words + r" ([\d,]+)", mend)
    assert found, mend
    return int(found[1].replace(",", ""))


def block_and(extra_cells, edges):
    """A block of 4 x 4 cells, cells 16 and up beside it, and edges to them."""
    block = lattice(4, 4)
    inner = [(a, int(b)) for a in range(16) for b in block.indices[block.indptr[a] : block.indptr[a + 1]]]
    return from_edges(16 + extra_cells, [*inner, *edges])


def test_a_total_that_is_too_small():
    graph, households = lattice(4, 4), [10] * 16
    reason = the_reason(solved(graph, households))
    assert "160 households, fewer than the minimum of 300" in reason.reason
    low = advised(reason.mend, "Lower the minimum to")
    assert solved(graph, households, Bounds(low, 500)).infeasible == ()


def test_a_total_in_a_gap():
    graph, households = lattice(5, 5), [39] + [21] * 24
    reason = the_reason(solved(graph, households))
    assert "543 households, too many for 1 grid" in reason.reason
    high, low = advised(reason.mend, "Raise the maximum to"), advised(reason.mend, "minimum of")
    assert solved(graph, households, Bounds(300, high)).infeasible == ()
    assert solved(graph, households, Bounds(low + 1, 500)).infeasible != ()
    assert solved(lattice(5, 5), [39] + [21] * 24, Bounds(low - 20, 500)).infeasible == ()


def test_a_building_above_the_maximum():
    graph, households = lattice(10, 10), np.where(np.arange(100) == 55, 620, 20)
    reason = the_reason(solved(graph, households))
    assert (reason.what, reason.cell_ix) == ("heavy-cell", (55,))
    assert "The cell of building b55 in 'A' holds 620 households" in reason.reason
    assert "Divide the building into 2 or more" in reason.mend
    high = advised(reason.mend, "raise the maximum to")
    assert solved(graph, households, Bounds(300, high)).infeasible == ()


def test_an_island_below_the_minimum():
    graph, households = block_and(1, []), [50] * 16 + [140]
    reason = the_reason(solved(graph, households))
    assert (reason.what, reason.cell_ix) == ("piece-total", (16,))
    low = advised(reason.mend, "Lower the minimum to")
    assert solved(graph, households, Bounds(low, 500)).infeasible == ()
    assert "link it to the rest" in reason.mend
    assert solved(block_and(1, [(15, 16)]), households).infeasible == ()


def test_a_pocket_behind_a_neck():
    graph = block_and(4, [(15, 16), (16, 17), (17, 18), (18, 19), (17, 19)])
    households = [50] * 16 + [400, 60, 60, 60]
    reason = the_reason(solved(graph, households))
    assert (reason.what, set(reason.cell_ix)) == ("pocket", {16, 17, 18, 19})
    assert "only way to 3 others" in reason.reason and "at least 580 households" in reason.reason
    high, low = advised(reason.mend, "Raise the maximum to"), advised(reason.mend, "lower the minimum to")
    assert (high, low) == (580, 180)
    assert solved(graph, households, Bounds(300, high)).infeasible == ()
    assert solved(graph, households, Bounds(low, 500)).infeasible == ()
    assert solved(graph, households, Bounds(300, high - 1)).infeasible != ()
    assert solved(graph, households, Bounds(low + 1, 500)).infeasible != ()


@pytest.mark.parametrize(("asked", "word"), [(9, "fewer"), (2, "more")])
def test_a_number_of_grids_that_does_not_fit(asked, word):
    graph, households = lattice(6, 6), [56] * 36
    reason = the_reason(solved(graph, households, n_grids=asked))
    assert f"gives 'A' {asked} grids for 2,016 households" in reason.reason
    assert reason.mend == f"Ask for {word}: 'A' has room for 5 to 6 grids."
    for count in (5, 6):
        assert solved(graph, households, n_grids=count).infeasible == ()


def test_two_locks_that_leave_too_little():
    graph, weight = lattice(3, 10), np.full(30, 34.0)
    column = np.arange(30) % 10
    locked = np.select([column < 4, column >= 6], [0, 1], -1)
    (blame,) = blamed_locks(graph, weight, locked, Bounds())
    reason = blame.reason("A", ["A-001", "A-002"], Bounds())
    assert reason.reason == (
        "The locked grids A-001 and A-002 together leave a rest of 204 households in 'A', fewer than the minimum "
        "of 300."
    )
    assert set(column[list(reason.cell_ix)]) == {4, 5}
    assert "Release A-001 (then 612 are shared by 2 grids)" in reason.mend
    assert solved(graph, weight, fixed=np.where(locked == 0, -1, locked)).infeasible == ()
    low = advised(reason.mend, "lower the minimum to")
    assert solved(graph, weight, Bounds(low, 500), fixed=locked).infeasible == ()
    whole = total_reason("A", 204.0, 1, Bounds(), asked=False, n_locked=2)
    assert whole is not None and whole.reason.startswith("The 2 locked grids leave 204 households of 'A'")


def test_only_the_locks_that_matter_are_blamed():
    # A row: lock 0, a free cell of 200, lock 1, free cells of 400 in all, lock 2 at the far end.
    weight = np.array([250.0, 200, 250, 200, 200, 300])
    locked = np.array([0, -1, 1, -1, -1, 2])
    (blame,) = blamed_locks(chain(6), weight, locked, Bounds())
    assert blame.locks == (0, 1)
    assert blame.cells.tolist() == [1]
    assert [release[:2] for release in blame.releases] == [(0, 450.0), (1, 850.0)]
    assert blamed_locks(chain(6), weight, np.full(6, -1), Bounds()) == []
    # The cells of 400 on both sides keep 200 alone with or without the locks: they are not to blame.
    assert blamed_locks(chain(3), np.array([400.0, 200, 400]), np.array([0, -1, 1]), Bounds()) == []


def test_locks_are_not_looked_into_after_the_time_limit():
    weight, locked = np.array([250.0, 200, 250, 200, 200, 300]), np.array([0, -1, 1, -1, -1, 2])
    assert blamed_locks(chain(6), weight, locked, Bounds(), until=time.perf_counter()) == []
    late = replace(blamed_locks(chain(6), weight, locked, Bounds())[0], releases=(), late=True)
    assert late.reason("A", ["x", "y", "z"], Bounds()).mend.startswith("Lower the minimum")
    assert replace(late, total=1100.0).reason("A", ["x", "y", "z"], Bounds()).mend == "Release some of them."


def test_a_star_whose_middle_must_take_all():
    graph, households = star(8), [250] + [60] * 7
    reason = the_reason(solved(graph, households))
    assert reason.what == "pocket" and "at least 670 households" in reason.reason
    high = advised(reason.mend, "Raise the maximum to")
    assert solved(graph, households, Bounds(300, high)).infeasible == ()
    assert solved(graph, households, Bounds(300, high - 1)).infeasible != ()


def test_more_grids_than_cells():
    with pytest.raises(ParameterError, match=r"9 grids are too many for 4 cells.*ask for 4 or fewer"):
        solved(lattice(2, 2), [400] * 4, n_grids=9)
    assert solved(lattice(2, 2), [400] * 4, n_grids=4).infeasible == ()


@pytest.fixture
def knot():
    """Nine cells of which no plan is inside 200 to 250, though totals, necks and walls allow it."""
    weight = np.array([170.0, 80, 50, 80, 100, 170, 110, 50, 90])
    graph = lattice(3, 3)
    part = np.array([0, 0, 1, 0, 2, 1, 3, 2, 1], np.int32)
    return Piece(graph, weight, np.arange(9), 4, part, 12, False)


def _explained(piece, bounds, **more):
    usual = {"heavy_names": {}, "alone": True, "asked": False, "total_explained": False}
    return explain_piece(piece, "A", bounds, **{**usual, **more})


def test_what_is_searched_to_the_end_is_proved_and_mended(knot):
    bounds = Bounds(200, 250)
    (reason,) = _explained(knot, bounds)
    assert reason.what == "no-plan" and "9 cells" in reason.reason
    totals = {
        k: [np.bincount(p, weights=knot.weight, minlength=k) for p in connected_partitions(knot.graph, k)]
        for k in (3, 4, 5)
    }
    high, low = advised(reason.mend, "Raise the maximum to"), advised(reason.mend, "lower the minimum to")
    assert high == min(t.max() for plans in totals.values() for t in plans if t.min() >= 200)
    assert low == max(t.min() for plans in totals.values() for t in plans if t.max() <= 250)


def test_without_the_proof_nothing_is_called_impossible(knot, monkeypatch):
    monkeypatch.setattr(settle, "MOST_CELLS", 5)
    (reason,) = _explained(knot, Bounds(200, 250), settled=Settled("open", knot, ()))
    assert reason.what == "not-found"
    assert "was found in 12 tries; none of the provable reasons applies" in reason.reason
    assert "the plan that was made is inside those bounds" in reason.mend
    total = knot.part_weight
    assert advised(reason.mend, "raise the maximum to") == total.max()
    assert advised(reason.mend, "lower the minimum to") == total.min()


def test_a_plan_that_the_search_missed_is_found():
    # Two columns of 100 each way; the plan at hand cuts 100 from 500.
    graph = lattice(2, 3)
    part = np.array([0, 1, 1, 1, 1, 1], np.int32)
    piece = Piece(graph, np.full(6, 100.0), np.arange(6), 2, part, 1, False)
    settled = settle_piece(piece, Bounds(300, 300))
    assert settled.status == "plan"
    assert settled.piece.part_weight.tolist() == [300, 300]
    assert settle_piece(piece, Bounds(300, 300), most_cells=5).status == "open"
    assert settle_piece(settled.piece, Bounds(300, 300), most_cells=0).status == "plan"


def test_another_number_of_grids_is_advised_where_it_works():
    # A ring of 400, 410, 420 and 0: three grids, and never two.
    ring = from_edges(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    part = np.array([0, 0, 1, 1], np.int32)
    piece = Piece(ring, np.array([400.0, 410, 420, 0]), np.arange(4), 2, part, 1, False)
    (reason,) = _explained(piece, Bounds(390, 800), asked=True)
    assert (reason.what, "Ask for 3 grids here" in reason.mend) == ("no-plan", True)


def test_pockets_in_pockets_are_proved_without_a_search(monkeypatch):
    # A spider of three legs of two cells: 100 at each foot, 210 at each knee, 50 in the middle.
    monkeypatch.setattr(settle, "MOST_CELLS", 5)
    graph = from_edges(7, [(0, 1), (1, 2), (0, 3), (3, 4), (0, 5), (5, 6)])
    weight = np.array([50.0, 210, 100, 210, 100, 210, 100])
    bounds = Bounds(320, 490)
    assert not any(
        ((t >= 320) & (t <= 490)).all()
        for k in (2, 3)
        for t in (np.bincount(p, weights=weight, minlength=k) for p in connected_partitions(graph, k))
    )
    piece = Piece(graph, weight, np.arange(7), 3, np.array([0, 0, 0, 1, 1, 2, 2], np.int32), 1, False)
    (reason,) = _explained(piece, bounds)
    assert reason.what == "pocket"
    assert not reason.reason.startswith("not")


def test_a_certificate_says_what_is_proved():
    row, weight = chain(4), np.array([10.0, 20.0, 30.0, 41.0])
    best = certify_deviation(row, weight, np.array([0, 0, 0, 1]))
    assert (best.proved_optimal, best.lower_bound) == (True, best.deviation)
    assert "41 to 60" in best.words and "no plan with 2 parts is more even" in best.words
    worse = certify_deviation(row, weight, np.array([0, 0, 1, 1]))
    assert not worse.proved_optimal and worse.lower_bound < worse.deviation
    assert "can come below" in worse.words
    mended = certify_deviation(row, weight, np.array([0, 0, 1, 1]), most_cells=4)
    assert mended.proved_optimal and mended.part.tolist() in ([0, 0, 0, 1], [1, 1, 1, 0])


@pytest.mark.parametrize(("households", "bounds", "count"), [
    (np.full(36, 0.1), Bounds(0.9, 0.9), 4),
    (0.1 * np.array([7, 1, 2, 1, 2]), Bounds(0.4, 0.7), 2),
])  # fmt: skip
def test_what_rounding_does_to_fractions_is_no_reason(households, bounds, count):
    graph = (
        lattice(6, 6) if len(households) == 36 else from_edges(5, [(0, 4), (1, 2), (2, 3), (3, 4), (1, 3)])
    )
    # Nine tenths are a little less than 0.9, seven of them a little more than 0.7.
    assert np.bincount(np.zeros(9, int), weights=np.full(9, 0.1))[0] < 0.9 and 0.1 * 7 > 0.7
    assert solved(graph, households, bounds, n_grids=count).infeasible == ()


def test_grace_after_a_deadline_is_no_longer_than_the_time_limit():
    past = time.perf_counter() - 1
    short = usual_effort(past, 0.01)
    assert past < short.until <= time.perf_counter() + 0.01
    assert short.until < usual_effort(past).until
    assert usual_effort(None, 0.01).until is None
