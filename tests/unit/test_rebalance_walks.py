"""Rebalancing with a greatest walking distance: no grid becomes too long, and those that are too long are mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cell_graphs import lattice
from numpy.typing import NDArray
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.graph import parts_in_pieces
from gis_core.graph.walk_pairs import walk_pairs
from gis_core.graph.walks import WalkGround, greatest_walks, walk_matrix
from gis_core.model import AdjacencyGraph
from gis_core.partition import Bounds
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.together import Together
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.rebalance import rebalance
from gis_core.town import make_town, write_town


def streets_of(
    graph: AdjacencyGraph, member: NDArray[np.bool_] | None = None, *, cut: int = -1
) -> WalkGround:
    """Every cell has its own node, 10 m from the next ones; no street leads over the line after column `cut`."""
    n = graph.n_cells
    length = np.full(len(graph.indices), 10.0)
    owner = np.repeat(np.arange(n), np.diff(graph.indptr))
    column = (graph.x // 10).astype(np.int64)
    keep = np.minimum(column[owner], column[graph.indices]) != cut
    keep |= column[owner] == column[graph.indices]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner[keep], minlength=n))]).astype(np.int64)
    x = graph.x if member is None else np.where(member, graph.x, np.nan)
    return WalkGround.build(
        indptr, graph.indices[keep], length[keep], graph.x, graph.y, np.arange(n, dtype=np.int32), np.zeros(n), x,
        graph.y,
    )  # fmt: skip


class TestPairs:
    @pytest.mark.parametrize(("cut", "limit"), [(-1, 35.0), (3, 35.0), (3, 12.0), (-1, 200.0)])
    def test_they_are_those_of_the_matrix(self, cut: int, limit: float) -> None:
        graph = lattice(5, 9)
        rng = np.random.default_rng(4)
        member, group = rng.random(45) < 0.7, (np.arange(45) % 9 // 5).astype(np.int64)
        ground = streets_of(graph, member, cut=cut)
        ground.door[7] = -1
        ix = np.flatnonzero(member)
        walk = walk_matrix(ground, ix)
        near = np.zeros((45, 45), dtype=bool)
        near[np.repeat(np.arange(45), np.diff(graph.indptr)), graph.indices] = True
        listed = (walk > limit) & ((walk <= 2 * limit) | near[np.ix_(ix, ix)])
        listed &= group[ix][:, None] == group[ix][None, :]
        wanted = {(int(ix[i]), int(ix[j])) for i, j in zip(*np.nonzero(np.triu(listed)), strict=True)}
        left, right = walk_pairs(ground, graph, group, limit, 2 * limit)
        assert set(zip(left.tolist(), right.tolist(), strict=True)) == wanted
        assert len(left) == len(wanted)


ROW, COLUMN = np.divmod(np.arange(64), 8)
QUARTERS = (ROW // 4 * 2 + COLUMN // 4).astype(np.int32)
GRAPH = lattice(8, 8)
ONES = np.ones(64)


def longest(part: NDArray[np.int32]) -> float:
    return float(greatest_walks(streets_of(GRAPH), part, int(part.max()) + 1)[0].max())


class TestSearch:
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_a_cell_moves_only_where_the_receiving_part_stays_short(self, seed: int) -> None:
        # The first quarter must give three cells. A neighbour of 4 x 4 cells that takes one at the side or at a far
        # corner becomes 70 m long or more; only one in the middle of a border leaves it at 60 m.
        load = np.where(QUARTERS == 0, 2.0, 1.0)
        wish = MaxWalk(streets_of(GRAPH), 60.0)
        found = rebalance(
            GRAPH, load, QUARTERS, bounds=Bounds(10, 26), stay=ONES, constraints=[wish], rng=seed
        )
        assert found.violation == 0
        assert found.moved == 3
        assert longest(found.assignment) == longest(QUARTERS) == 60
        assert len(parts_in_pieces(GRAPH, found.assignment)) == 0

    def test_bounds_that_would_need_long_parts_stay_broken(self) -> None:
        # Two squares of 2 x 2 cells on a strip; whatever the light one takes makes it longer than 20 m.
        graph, part = lattice(2, 4), np.array([0, 0, 1, 1] * 2, np.int32)
        load = np.array([1.0, 1.0, 4.0, 1.0] * 2)
        wish = MaxWalk(streets_of(graph), 20.0)
        free = rebalance(graph, load, part, bounds=Bounds(5, 9))
        assert free.violation == 0 and free.moved > 0
        held = rebalance(graph, load, part, bounds=Bounds(5, 9), constraints=[wish])
        assert held.violation == 2
        assert held.assignment.tolist() == part.tolist()

    def test_long_parts_are_mended_inside_the_bounds(self) -> None:
        strips = (ROW // 2).astype(np.int32)
        assert longest(strips) == 80
        bounds = Bounds(4, 20)
        wish = MaxWalk(streets_of(GRAPH), 60.0)
        found = rebalance(GRAPH, ONES, strips, bounds=bounds, constraints=[wish])
        assert found.violation == 0
        assert longest(found.assignment) <= 60
        assert len(parts_in_pieces(GRAPH, found.assignment)) == 0
        # Each strip must give up one of each pair that is 70 or 80 m apart: three cells at least.
        assert 4 * 3 <= found.moved <= 24

    def test_nobody_moves_for_a_way_that_stays_too_long(self) -> None:
        # Every part of 12 cells or more is longer than 30 m: nothing can be mended.
        wish = MaxWalk(streets_of(GRAPH), 30.0)
        found = rebalance(GRAPH, ONES, QUARTERS, bounds=Bounds(12, 20), constraints=[wish])
        assert found.moved == 0
        assert found.assignment.tolist() == QUARTERS.tolist()

    def test_the_budget_and_locks_hold(self) -> None:
        strips = (ROW // 2).astype(np.int32)
        wish = MaxWalk(streets_of(GRAPH), 60.0)
        for budget in (0, 5, 9):
            found = rebalance(GRAPH, ONES, strips, bounds=Bounds(4, 20), constraints=[wish], max_moved=budget)
            assert found.moved <= budget
        found = rebalance(GRAPH, ONES, strips, bounds=Bounds(4, 20), constraints=[wish], locked=[1])
        assert np.flatnonzero(found.assignment == 1).tolist() == np.flatnonzero(strips == 1).tolist()

    def test_other_wishes_hold_beside_it(self) -> None:
        load = np.where(QUARTERS == 0, 2.0, 1.0)
        group = np.full(64, -1, np.int64)
        group[[3, 11]] = 0
        asked = [
            MaxWalk(streets_of(GRAPH), 70.0),
            Together(group, ("the two",)),
            Apart(np.array([27]), np.array([28]), ("x",)),
        ]
        found = rebalance(GRAPH, load, QUARTERS, bounds=Bounds(10, 26), stay=ONES, constraints=asked)
        assert found.violation == 0
        for wish in asked:
            assert not wish.broken(GRAPH, found.assignment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated town, plans of it with a walking distance and without, and the town a year later."""
    folder, rng = tmp_path_factory.mktemp("walks"), np.random.default_rng(3)
    town = make_town(600, 1)
    write_town(town, folder / "town.gpkg", form="gpkg", attribution="generated")
    households = town["buildings"]["households"].to_numpy()
    changed = np.where(rng.random(600) < 0.12, households * rng.integers(0, 4, 600), households)
    newer = {**town, "buildings": town["buildings"].assign(households=changed)}
    write_town(newer, folder / "newer.gpkg", form="gpkg", attribution="generated")
    run("partition", folder / "town.gpkg", "--out", folder / "short.gpkg", "--max-walk", "700")
    run("partition", folder / "town.gpkg", "--out", folder / "free.gpkg")
    return folder


class TestCommand:
    def test_the_bound_of_the_plan_holds_for_the_next(self, folder: Path) -> None:
        report = rebalanced(folder, "short", "--max-moved", "300")
        assert report["max_walk_bound_m"] == 700
        assert report["in_bounds"] == report["grids"]
        assert report["rebalance"]["households_moved"] > 0
        assert 0 < report["max_walk_m"] <= 700
        lifted = rebalanced(folder, "short", "--max-walk", "inf", "--max-moved", "300")
        assert (lifted["max_walk_bound_m"], lifted["max_walk_m"], lifted["walks"]) == (None, None, [])
        # Without the bound the same year makes a grid too long.
        assert over(run("partition", folder / "newer.gpkg", "--lock", folder / "new.gpkg", "--out",
                        folder / "again.gpkg", "--max-walk", "700")) == 1  # fmt: skip

    def test_what_breaks_it_is_mended_or_told(self, folder: Path) -> None:
        after = rebalanced(folder, "free", "--max-walk", "700", "--max-moved", "500")
        assert over(after) == 0
        assert after["in_bounds"] == after["grids"]
        held = rebalanced(folder, "free", "--max-walk", "700", "--max-moved", "0")
        told = [item for item in held["infeasible"] if item["what"] == "max-walk"]
        assert len(told) == over(held) > 0
        for item, row in zip(told, held["walks"], strict=False):
            metres = f"{row['walk_m']:,.0f} m"
            assert f"of grid {row['code']} are {metres} apart on foot ({metres} before)" in item["reason"]
            assert "--grids" not in item["mend"]


def over(report: Any) -> int:
    return sum(row["over"] for row in report["walks"])


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(app, [str(each) for each in arguments] + ["--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def rebalanced(folder: Path, plan: str, *options: str) -> Any:
    return run(
        "rebalance", folder / f"{plan}.gpkg", folder / "newer.gpkg", "--out", folder / "new.gpkg", *options
    )
