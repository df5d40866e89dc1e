"""Ways on foot: the street network, doors on it, walking distance as a bound, and the options of the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cell_graphs import lattice
from numpy.typing import NDArray
from small_town import WORK_CRS, at, block_town, box, dataset
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.fabric import build_fabric
from gis_core.fabric.ground import Compounds
from gis_core.fabric.network import door_points, street_network, with_doors
from gis_core.graph import parts_in_pieces
from gis_core.graph.walks import FAR_M, WalkGround, greatest_walks, walk_matrix
from gis_core.model import Dataset, Fabric, Infeasible
from gis_core.partition import Bounds, PartitionResult
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.pieces import find_pieces
from gis_core.partition.prices import class_prices
from gis_core.partition.problem import Problem
from gis_core.plan import make_plan
from gis_core.plan.ground import Ground, GroundOptions, shorten_by_number

DEMO = Path(__file__).parents[2] / "data" / "demo-suburb.gpkg"


def crossroads(*, over: bool = False) -> Dataset:
    """Two streets that cross in the middle, or one that goes over the other on a bridge."""
    streets = [
        ("residential", shapely.LineString(at((0, 100), (200, 100)))),
        ("residential", shapely.LineString(at((100, 0), (100, 200)))),
        ("motorway", shapely.LineString(at((0, 20), (200, 20)))),
    ]
    data = dataset([box(0, 0, 200, 200)], [box(20, 110, 40, 130), box(110, 20, 130, 40)], streets=streets)
    data.streets["grade_separated"] = [False, over, False]
    return data


def walks(data: Dataset) -> NDArray[np.float64]:
    """Walking distances among the inhabited cells, in the order of the buildings."""
    fabric = build_fabric(data)
    x, y = door_points(data, fabric)
    x = np.where(fabric.households > 0, x, np.nan)
    net = with_doors(street_network(data), x, y, data)
    ground = WalkGround.build(net.indptr, net.indices, net.length_m, net.x, net.y, net.door, net.off_m, x, y)
    return walk_matrix(ground, fabric.building_cell_ix)


def streets_of_lattice(rows: int, columns: int) -> WalkGround:
    """Every cell has its own node, 10 m from the next ones."""
    graph = lattice(rows, columns)
    n = graph.n_cells
    return WalkGround.build(
        graph.indptr, graph.indices, np.full(len(graph.indices), 10.0), graph.x, graph.y,
        np.arange(n, dtype=np.int32), np.zeros(n), graph.x, graph.y,
    )  # fmt: skip


class TestNetwork:
    def test_streets_that_cross_meet(self) -> None:
        # The middles of both houses are 20 m from their streets, 70 m west and south of the crossing.
        assert walks(crossroads())[0, 1] == pytest.approx(20 + 70 + 70 + 20, abs=2)

    def test_a_bridge_does_not_meet_what_it_crosses(self) -> None:
        straight = np.hypot(90, 90)
        assert walks(crossroads(over=True))[0, 1] == pytest.approx(1.3 * straight, rel=0.05)

    def test_nobody_walks_on_a_motorway(self) -> None:
        data = crossroads()
        net = street_network(replace(data, streets=data.streets.iloc[2:]))
        assert net.n_nodes == 0

    @pytest.mark.parametrize(("west", "metres"), [(0, 20), (-700, 60)])
    def test_the_way_to_the_door_does_not_cross_a_river(self, west: float, metres: float) -> None:
        # Beyond the river a street is 20 m away; one on the near side is 60 m away, but counts only where it is long.
        data = crossroads()
        data.streets.loc[1, "geometry"] = shapely.LineString(at((west, 180), (90, 180)))
        river = gpd.GeoDataFrame(
            {"kind": ["river"], "cuts": [True]},
            geometry=[shapely.LineString(at((0, 105), (95, 105), (95, 200)))],
            crs=WORK_CRS,
        )
        data.streets.loc[0, "geometry"] = shapely.LineString(at((-700, 100), (200, 100)))
        fabric = build_fabric(data)
        x, y = door_points(data, fabric)
        cell = fabric.building_cell_ix[0]
        assert with_doors(street_network(data), x, y, data).off_m[cell] == pytest.approx(20, abs=2)
        parted = with_doors(street_network(data), x, y, replace(data, barriers=river))
        assert parted.off_m[cell] == pytest.approx(metres, abs=2)


class TestMaxWalk:
    def problem(self, bounds: tuple[float, float]) -> Problem:
        graph = lattice(12, 12)
        return Problem(graph, np.ones(144), n_parts=4, bounds=bounds, price=class_prices(graph))

    def strips(self) -> NDArray[np.int32]:
        return (np.arange(144) % 12 // 3).astype(np.int32)

    def test_greatest_walk_of_strips(self) -> None:
        walk, ends = greatest_walks(streets_of_lattice(12, 12), self.strips(), 4)
        assert walk.tolist() == [130.0] * 4
        for p, (a, b) in enumerate(ends.tolist()):
            assert {self.strips()[a], self.strips()[b]} == {p}
            assert abs(a // 12 - b // 12) + abs(a % 12 - b % 12) == 13

    def test_long_strips_become_blocks(self) -> None:
        wish = MaxWalk(streets_of_lattice(12, 12), 110.0)
        problem = self.problem((30.0, 42.0))
        before = self.strips()
        after = wish.post(problem, before, np.random.default_rng(0))
        assert wish.broken(problem.graph, after) == []
        assert np.bincount(after).min() >= 30
        assert np.bincount(after).max() <= 42
        assert len(parts_in_pieces(problem.graph, after)) == 0
        assert before.tolist() == self.strips().tolist()

    def test_what_cannot_be_mended_is_told(self) -> None:
        wish = MaxWalk(streets_of_lattice(12, 12), 60.0)
        problem = self.problem((36.0, 36.0))
        after = wish.post(problem, self.strips(), np.random.default_rng(0))
        assert (np.bincount(after) == 36).all()
        told = wish.broken(problem.graph, after)
        assert len(told) == 4
        assert all(item.what == "max-walk" and "at most 60 m" in item.reason for item in told)

    def test_closed_links_are_respected(self) -> None:
        graph = lattice(12, 12)
        problem = self.problem((20.0, 50.0))
        owner = problem.owner
        across = (owner // 12 < 6) != (graph.indices // 12 < 6)
        problem.link[across & (np.maximum(owner, graph.indices) % 12 > 0)] = False
        comb = np.where(np.arange(144) // 12 < 6, np.arange(144) % 12 // 6, 2 + np.arange(144) % 12 // 6)
        after = MaxWalk(streets_of_lattice(12, 12), 90.0).post(
            problem, comb.astype(np.int32), np.random.default_rng(0)
        )
        linked = lattice(12, 12)
        for p in range(4):
            rows = np.flatnonzero(after == p) // 12
            crosses = (rows < 6).any() and (rows >= 6).any()
            assert not crosses or {0}.issubset(set((np.flatnonzero(after == p) % 12).tolist()))
        assert len(parts_in_pieces(linked, after)) == 0

    def test_restricted_to_some_cells(self) -> None:
        wish = MaxWalk(streets_of_lattice(2, 3), 15.0).restrict(np.array([5, 0]))
        told = wish.broken(lattice(1, 2), np.zeros(2, np.int64))
        assert [item.cell_ix for item in told] == [(0, 1)]
        assert "30 m" in told[0].reason

    def test_streets_far_away_are_left_out_and_near_ones_are_not(self) -> None:
        whole = streets_of_lattice(30, 30)
        members = np.array([0, 31, 65])
        near = whole.of_members(members, margin_m=40.0)
        assert len(near.node_x) < 200
        everyone = np.arange(3)
        assert (walk_matrix(near, everyone) == walk_matrix(whole, members)).all()

    def test_a_way_that_was_cut_off_is_far(self) -> None:
        # Two streets that meet 500 m to the east only.
        node_x = np.array([0.0, 500.0, 0.0])
        node_y = np.array([0.0, 0.0, 50.0])
        ground = WalkGround.build(
            np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1], np.int32), np.array([500.0, 500.0, 510.0, 510.0]),
            node_x, node_y, np.array([0, 2, 1], np.int32), np.zeros(3), node_x[[0, 2, 1]], node_y[[0, 2, 1]],
        )  # fmt: skip
        assert walk_matrix(ground, np.arange(2))[0, 1] == 1010.0
        assert walk_matrix(ground.of_members(np.arange(2), margin_m=100.0), np.arange(2))[0, 1] == FAR_M

    def test_a_plan_tells_its_walks(self) -> None:
        town = block_town(6, 3, per_block=10)
        fabric = build_fabric(town)
        plan = make_plan(town, fabric, seed=1, processes=1, ground=GroundOptions(max_walk_m=150.0))
        report = plan.report
        assert report["max_walk_m"] == max(row["walk_m"] for row in report["walks"])
        assert {row["code"] for row in report["walks"]} == set(plan.codes)
        over = [row for row in report["walks"] if row["walk_m"] > 150.0]
        told = [item for item in report["infeasible"] if item["what"] == "max-walk"]
        assert len(told) == len(over) == sum(row["over"] for row in report["walks"])
        assert max(row["max_walk_m"] for row in report["per_boundary"]) == report["max_walk_m"]
        usual = make_plan(town, fabric, seed=1, processes=1).report
        assert usual["max_walk_m"] is None
        assert usual["walks"] == []


class TestCommand:
    @pytest.mark.parametrize("wrong", [["--max-walk", "0"], ["--barriers", "wall"], ["--pieces", "glue"]])
    def test_wrong_use(self, tmp_path: Path, wrong: list[str]) -> None:
        result = CliRunner().invoke(app, ["partition", str(DEMO), "--out", str(tmp_path / "p.gpkg"), *wrong])
        assert result.exit_code == 2
        assert "Traceback" not in result.output

    def test_all_options_at_once(self, tmp_path: Path) -> None:
        out = tmp_path / "p.gpkg"
        result = CliRunner().invoke(
            app,
            [
                "partition", str(DEMO), "--out", str(out), "--barriers", "cut", "--pieces", "crossings", "--max-walk",
                "3500", "--json", "--processes", "1",
            ],
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert report["barriers"]["policy"] == "cut"
        assert report["pieces"]["policy"] == "crossings"
        assert report["max_walk_m"] > 0
        assert report["households"] > 0
        assert Bounds().minimum == report["bounds"][0]


class TestMoreGrids:
    def test_a_polygon_gets_more_grids_while_that_shortens_ways(self) -> None:
        fabric, ground, result = self.one_strip()
        asked: list[int] = []

        def solve(cells: NDArray[np.int64], count: int) -> PartitionResult:
            asked.append(count)
            part = (np.arange(len(cells)) * count // len(cells)).astype(np.int32)
            return replace(
                result,
                assignment=part,
                part_boundary_ix=np.zeros(count, np.int32),
                lower_bounds=np.array([0.25]),
                infeasible=(Infeasible("not-found", "B", "no", (1,)),),
            )

        weight = fabric.households.astype(float)
        found = shorten_by_number(ground, fabric, result, weight, Bounds(2, 12), ("A", "B"), solve)
        # 12 cells in a row, 10 m apart: 4 grids of 3 cells are 20 m long, which is enough.
        assert asked == [3, 4]
        assert found.assignment.tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
        assert found.part_boundary_ix.tolist() == [0, 1, 1, 1, 1]
        assert found.lower_bounds.tolist() == [0.0, 0.25]
        assert [(item.where, item.cell_ix) for item in found.infeasible] == [("A", (0,)), ("B", (2,))]

    def test_nothing_is_tried_when_the_time_is_over(self) -> None:
        fabric, ground, result = self.one_strip()
        weight = fabric.households.astype(float)
        found = shorten_by_number(
            ground, fabric, result, weight, Bounds(2, 12), ("A", "B"), lambda _cells, _count: None
        )
        assert found.stopped_by == "time-limit"
        assert found.assignment is result.assignment

    def test_the_minimum_is_not_given_up_for_short_ways(self) -> None:
        fabric, ground, result = self.one_strip()

        def solve(_cells: NDArray[np.int64], count: int) -> PartitionResult:
            raise AssertionError(f"{count} grids of at least 6 of 12 households were asked for")

        weight = fabric.households.astype(float)
        found = shorten_by_number(ground, fabric, result, weight, Bounds(6, 12), ("A", "B"), solve)
        assert found is result

    def one_strip(self) -> tuple[Fabric, Ground, PartitionResult]:
        """One cell of polygon A, twelve in a row of polygon B in two grids, at most 25 m on foot."""
        graph = lattice(1, 13)
        fabric = Fabric(
            cells=np.empty(13, dtype=object),
            boundary_ix=np.array([0] + [1] * 12, np.int32),
            enclosure_ix=np.zeros(13, np.int32),
            households=np.ones(13, np.int64),
            population=np.zeros(13),
            building_cell_ix=np.arange(13, dtype=np.int32),
            graph=graph,
        )
        ground = Ground(
            GroundOptions(max_walk_m=25.0), graph, (), find_pieces(graph, fabric.boundary_ix, np.ones(13)), (),
            Compounds(np.full(13, -1, np.int32), ()), (0, 0, 0), streets_of_lattice(1, 13),
        )  # fmt: skip
        result = PartitionResult(
            assignment=np.array([0] + [1] * 6 + [2] * 6, np.int32),
            part_boundary_ix=np.array([0, 1, 1], np.int32),
            infeasible=(
                Infeasible("not-found", "A", "no", (0,)),
                Infeasible("pocket", "B: cell 3", "no", (3,)),
            ),
            lower_bounds=np.zeros(2),
            stopped_by="converged",
            seconds=0.0,
        )
        return fabric, ground, result
