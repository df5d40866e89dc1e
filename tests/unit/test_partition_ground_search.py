"""What is done after the search: ways made shorter, compounds brought together, proofs, and the time for all that."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from cell_graphs import lattice
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.graph import parts_in_pieces
from gis_core.graph.walks import WalkGround, greatest_walks, walk_matrix
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition import Bounds
from gis_core.partition._random import new_state
from gis_core.partition.constraints._groups import contracted, grown_group, with_pairs
from gis_core.partition.constraints._shorten import pair_price
from gis_core.partition.constraints._walk_table import WalkTable, reach_needed
from gis_core.partition.constraints.compounds import WholeCompounds, split_compounds
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.prices import class_prices
from gis_core.partition.problem import Problem
from gis_core.partition.search import Clock, Search, first_rules
from gis_core.partition.solve import solve
from gis_core.plan.walk_reasons import LongWalks

DEMO = Path(__file__).parents[2] / "data" / "demo-suburb.gpkg"


def streets_of(graph: AdjacencyGraph, inhabited: NDArray[np.bool_] | None = None) -> WalkGround:
    """Every cell has its own node, 10 m from the next ones."""
    n = graph.n_cells
    x = graph.x if inhabited is None else np.where(inhabited, graph.x, np.nan)
    return WalkGround.build(
        graph.indptr, graph.indices, np.full(len(graph.indices), 10.0), graph.x, graph.y,
        np.arange(n, dtype=np.int32), np.zeros(n), x, graph.y,
    )  # fmt: skip


def search_of(problem: Problem, *, deviation: float = 0.0, deadline: float = np.inf) -> Search:
    """Return a search with a price of unevenness and a deadline."""
    level, mean = problem.level(), problem.weights.sum(axis=0) / problem.n_parts
    rules = first_rules(level, problem.n_parts, problem.minimum, problem.maximum, mean, deviation)
    state = new_state(np.random.default_rng(1))
    return Search(level, problem.n_parts, rules, state, Clock(deadline, None, level.n_cells))


def plain_reach(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    distance: NDArray[np.float64],
    cell: int,
    minimum: float,
) -> float:
    """Try every distance in turn and flood what is nearer; the reference of the kernel."""
    for metres in np.unique(distance).tolist():
        seen, stack = {cell}, [cell]
        while stack:
            here = stack.pop()
            for other in graph.indices[graph.indptr[here] : graph.indptr[here + 1]].tolist():
                if other not in seen and distance[other] <= metres:
                    seen.add(other)
                    stack.append(other)
        if sum(weight[one] for one in seen) >= minimum:
            return float(metres)
    return float("inf")


class TestNetwork:
    @pytest.mark.parametrize("seed", range(5))
    def test_ways_without_bends_are_as_long_as_with_them(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = 60
        a, b = np.arange(1, n), np.array([rng.integers(max(0, i - 3), i) for i in range(1, n)])
        extra = rng.integers(0, n, (8, 2))
        left, right = np.append(a, extra[:, 0]), np.append(b, extra[:, 1])
        keep = left != right
        metres = csr_matrix((rng.uniform(1, 9, keep.sum()), (left[keep], right[keep])), shape=(n, n))
        whole = metres.maximum(metres.T).tocsr()
        door = rng.permutation(n)[:9].astype(np.int32)
        node = rng.uniform(0, 50, (n, 2))
        ground = WalkGround.build(
            whole.indptr.astype(np.int64), whole.indices.astype(np.int32), whole.data, node[:, 0], node[:, 1], door,
            np.zeros(9), node[door, 0], node[door, 1],
        )  # fmt: skip
        assert len(ground.node_x) < n
        expected = dijkstra(whole, indices=door)[:, door]
        assert walk_matrix(ground, np.arange(9)) == pytest.approx(expected)

    def test_a_ring_with_one_door_leads_nowhere(self) -> None:
        ring = csr_matrix(np.ones((3, 3)) - np.eye(3))
        xy = np.zeros(3)
        ground = WalkGround.build(
            ring.indptr.astype(np.int64), ring.indices.astype(np.int32), ring.data, xy, xy,
            np.array([0, -1], np.int32), np.zeros(2), np.array([0.0, 10.0]), np.zeros(2),
        )  # fmt: skip
        assert len(ground.indices) == 0
        assert walk_matrix(ground, np.arange(2))[0, 1] == pytest.approx(13.0)


class TestReach:
    @pytest.mark.parametrize("seed", range(4))
    def test_the_kernel_agrees_with_plain_python(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        graph = lattice(5, 6)
        inhabited = rng.random(30) < 0.6
        weight = np.where(inhabited, rng.integers(1, 9, 30), 0).astype(float)
        member = np.flatnonzero(inhabited)
        distance = rng.integers(0, 40, (len(member), len(member))).astype(float)
        np.fill_diagonal(distance, 0.0)
        for minimum in (1.0, 20.0, weight.sum(), weight.sum() + 1):
            got = reach_needed(graph, weight, member, member, distance, minimum)
            for i, cell in enumerate(member.tolist()):
                away = np.zeros(30)
                away[member] = distance[i]
                assert got[i] == plain_reach(graph, weight, away, cell, minimum)

    def test_pairs_that_every_plan_must_join_are_no_fault(self) -> None:
        # A row of cells 10 m apart: the last one needs two others, 20 m away, whatever was asked for.
        graph = lattice(1, 6)
        table = WalkTable(streets_of(graph), 15.0, graph, np.ones(6), 3.0)
        assert table.needed.tolist() == [20.0, 10.0, 10.0, 10.0, 10.0, 20.0]
        over = table.over(np.arange(6))
        assert over[0, 2] == 0.0
        assert over[1, 3] == pytest.approx(5.0, abs=0.01)
        assert over[0, 3] == pytest.approx(10.0)

    def test_few_pairs_stand_for_many(self) -> None:
        graph = lattice(1, 12)
        table = WalkTable(streets_of(graph), 15.0, graph, np.ones(12), 1.0)
        left, right, stands_for = table.far_pairs(10**6)
        assert (len(left), stands_for) == (sum(range(1, 11)), 1.0)
        assert (right - left >= 2).all()
        few, _, stands_for = table.far_pairs(10)
        assert len(few) <= 10
        assert len(few) * stands_for == pytest.approx(55, abs=stands_for)

    def test_all_pairs_of_large_parts_together_weigh_no_more(self) -> None:
        strength = [-pair_price(2.0, 100.0, m) * m * m / 2 for m in (8, 16, 64, 256)]
        assert strength[0] < strength[1] == pytest.approx(strength[2]) == pytest.approx(strength[3])


class TestShorter:
    def test_the_search_itself_makes_short_parts(self) -> None:
        graph = lattice(12, 12)
        wish = MaxWalk(streets_of(graph), 105.0)
        found = solve(graph, np.ones(144), n_parts=4, bounds=Bounds(30, 42), constraints=[wish], rng=3)
        assert wish.broken(graph, found.assignment) == []
        assert found.out_of_bounds == 0

    def test_no_part_gets_out_of_bounds_for_short_ways(self) -> None:
        graph = lattice(12, 12)
        problem = Problem(graph, np.ones(144), n_parts=4, bounds=(36, 36), price=class_prices(graph))
        wish = MaxWalk(streets_of(graph), 95.0)
        wish.apply(problem)
        strips = (np.arange(144) % 12 // 3).astype(np.int32)
        after = wish.post(problem, strips, np.random.default_rng(0))
        assert np.bincount(after).tolist() == [36] * 4
        was, now = (greatest_walks(wish.ground, part, 4)[0].sum() for part in (strips, after))
        assert now < was
        assert len(parts_in_pieces(graph, after)) == 0

    def test_when_time_is_up_nothing_is_changed(self) -> None:
        graph = lattice(12, 12)
        problem = Problem(graph, np.ones(144), n_parts=4, bounds=(20, 50), price=class_prices(graph))
        strips = (np.arange(144) % 12 // 3).astype(np.int32)
        compound = np.where(np.isin(np.arange(144), (2, 3)), 0, -1)
        wishes = [MaxWalk(streets_of(graph), 90.0), WholeCompounds(compound, np.ones(144), 50.0, ("翠苑",))]
        for wish in wishes:
            late = search_of(problem, deadline=0.0)
            assert wish.post(problem, strips, np.random.default_rng(0), late).tolist() == strips.tolist()
            timely = wish.post(problem, strips, np.random.default_rng(0), search_of(problem))
            assert timely.tolist() != strips.tolist()

    def test_what_comes_after_the_search_has_time_left(self) -> None:
        met: list[tuple[bool, float]] = []

        @dataclass(frozen=True)
        class Nosy:
            name: ClassVar[str] = "nosy"

            def restrict(self, cell_ix: NDArray[np.int64]) -> Nosy:
                return self

            def apply(self, problem: Problem) -> None:
                pass

            def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
                return []

            def post(
                self, problem: Problem, part: NDArray[np.int32], rng: np.random.Generator, search: Search
            ) -> NDArray[np.int32]:
                met.append((search.clock.late, search.rules.deviation))
                return part

        solve(lattice(8, 8), np.ones(64), n_parts=4, bounds=Bounds(10, 30), constraints=[Nosy()], rng=0,
              time_limit_s=0.05, use_time=True)  # fmt: skip
        assert met == [(False, 20.0)]


class TestGroups:
    def test_groups_grow_over_borders_and_end_where_nothing_touches(self) -> None:
        graph = lattice(1, 8)
        part = (np.arange(8) // 2).astype(np.int32)
        problem = Problem(graph, np.ones(8), n_parts=4, bounds=(1, 8), price=class_prices(graph))
        group = grown_group(problem.level(), part, [0], 3, np.random.default_rng(0))
        assert group.tolist() == [0, 1, 2]
        assert sorted(grown_group(problem.level(), part, [2], 9, np.random.default_rng(0))) == [0, 1, 2, 3]

    @pytest.mark.parametrize("seed", range(3))
    def test_plans_of_joined_cells_cost_the_same(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        graph = lattice(6, 6)
        problem = Problem(graph, rng.uniform(1, 5, 36), n_parts=3, bounds=(1, 99), price=class_prices(graph))
        problem.home[:], problem.stay[:] = np.arange(36) // 18, 7.0
        level = with_pairs(problem.level(), np.array([0, 3]), np.array([35, 20]), np.array([5.0, -2.0]))
        few, cluster = contracted(level, np.arange(36) // 2)
        assert few.n_cells == 18
        part = rng.integers(0, 3, 18).astype(np.int32)
        assert few.border_price(part) == pytest.approx(level.border_price(part[cluster]))
        assert few.weights.sum() == pytest.approx(level.weights.sum())

    def test_cells_with_other_homes_are_not_joined(self) -> None:
        problem = Problem(lattice(1, 4), np.ones(4), n_parts=2, bounds=(1, 4), price=np.ones(6))
        problem.home[:], problem.stay[:] = [0, 0, 0, 1], 1.0
        _, cluster = contracted(problem.level(), np.array([0, 1, 2, 2]))
        assert len(set(cluster.tolist())) == 4


class TestCompounds:
    def test_a_compound_changes_places_where_the_bounds_leave_no_room(self) -> None:
        graph = lattice(2, 4)
        weight = np.full(8, 10.0)
        part = (np.arange(8) % 4 // 2).astype(np.int32)
        wish = WholeCompounds(np.array([-1, 0, 0, -1, -1, -1, -1, -1]), weight, 40.0, ("翠苑",))
        problem = Problem(graph, weight, n_parts=2, bounds=(40, 40), price=class_prices(graph))
        wish.apply(problem)
        after = wish.post(problem, part, np.random.default_rng(0))
        assert wish.broken(graph, after) == []
        assert np.bincount(after, weights=weight).tolist() == [40, 40]
        assert len(parts_in_pieces(graph, after)) == 0

    @pytest.mark.parametrize(("deviation", "target"), [(20.0, 1), (0.0, None)])
    def test_the_more_even_plan_is_taken_where_unevenness_costs(
        self, deviation: float, target: int | None
    ) -> None:
        graph = lattice(1, 8)
        weight = np.full(8, 10.0)
        part = np.array([0, 0, 0, 0, 0, 1, 1, 1], np.int32)
        wish = WholeCompounds(np.array([-1, -1, -1, -1, 0, 0, -1, -1]), weight, 40.0, ("翠苑",))
        problem = Problem(graph, weight, n_parts=2, bounds=(20, 60), price=class_prices(graph))
        wish.apply(problem)
        after = wish.post(problem, part, np.random.default_rng(0), search_of(problem, deviation=deviation))
        assert after[4] == after[5]
        assert target is None or after[4] == target

    def test_none_is_left_split_on_a_lattice_with_room(self) -> None:
        graph = lattice(16, 16)
        weight = np.full(256, 5.0)
        block = np.arange(256) // 16 // 3 * 6 + np.arange(256) % 16 // 3
        wish = WholeCompounds(np.where(block % 3 == 0, -1, block), weight, 120.0, tuple(map(str, range(36))))
        found = solve(graph, weight, n_parts=13, bounds=Bounds(80, 120), constraints=[wish], rng=1)
        assert len(split_compounds(wish.compound, weight, 120.0, found.assignment)) == 0
        assert found.out_of_bounds == 0


class TestProofs:
    def told(
        self, minimum: float, part: list[int], limit_m: float = 15.0, unit: str | None = None
    ) -> LongWalks:
        graph = lattice(1, len(part))
        names = np.array([f"B{i}" for i in range(len(part))], dtype=object)
        return LongWalks(
            streets_of(graph), graph, np.zeros(len(part), np.int64), np.array(part, np.int32), np.ones(len(part)),
            Bounds(minimum, 9), limit_m, names, unit,
        )  # fmt: skip

    def test_a_building_with_too_few_around_it(self) -> None:
        reason, mend, least = self.told(3, [0, 0, 0, 1, 1, 1]).why(0)
        assert "Within 15 m of building B0 live only 2 households" in reason
        assert "20 m long or more" in reason
        assert (mend, least) == ("Allow 20 m or more (--max-walk), or lower --min to 2 or less.", 20.0)

    def test_nobody_is_told_to_lower_the_minimum_to_next_to_nothing(self) -> None:
        _, mend, _ = self.told(5, [0] * 5 + [1] * 5, limit_m=5.0).why(0)
        assert mend == "Allow 40 m or more (--max-walk)."

    def test_what_is_balanced_is_called_by_its_name(self) -> None:
        reason, _, _ = self.told(3, [0, 0, 0, 1, 1, 1], unit="population").why(0)
        assert "Within 15 m of building B0 are only 2 of population, and a grid needs 3" in reason

    def test_more_buildings_far_apart_than_grids(self) -> None:
        reason, mend, _ = self.told(1, [0] * 6).why(0)
        assert reason.startswith(
            "3 buildings here are each more than 15 m from all others on foot, and there is 1 grid."
        )
        assert mend == "Ask for at least 2 more grids (--grids), or allow more (--max-walk)."

    def test_what_is_not_proved_is_not_said(self) -> None:
        reason, mend, _ = self.told(1, [0, 0, 0, 1, 1, 2]).why(0)
        assert reason == ""
        assert "--grids" in mend

    def test_a_grid_over_the_bound_is_a_no_where_bounds_must_hold(self, tmp_path: Path) -> None:
        out = tmp_path / "p.gpkg"
        asked = ["partition", str(DEMO), "--out", str(out), "--max-walk", "1500", "--strict", "--json"]
        result = CliRunner().invoke(app, [*asked, "--processes", "1"])
        assert result.exit_code == 1
        report = json.loads(result.stdout)
        long = [row for row in report["infeasible"] if row["what"] == "max-walk"]
        assert len(long) == sum(row["over"] for row in report["walks"]) > 0
        assert all(row["mend"] and row["buildings"] for row in long)
        needed = [
            float(found[1]) for row in long if (found := re.search(r"Allow (\d+) m or more", row["mend"]))
        ]
        assert needed == sorted(needed, reverse=True)
