"""Prices by street class, barriers and their crossings, compounds, pieces: small grounds drawn by hand."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from cell_graphs import from_edges, lattice
from numpy.typing import NDArray
from small_town import WORK_CRS, at, box, dataset

from gis_core.errors import ParameterError
from gis_core.fabric import build_fabric
from gis_core.fabric.ground import cell_compounds, find_barriers
from gis_core.graph import component_labels, parts_in_pieces, subgraph
from gis_core.graph.links import adjacency_slots, change_adjacencies, owners
from gis_core.model import STREET_CLASSES, Dataset, Fabric
from gis_core.partition import Bounds
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.bridges import Bridges
from gis_core.partition.constraints.compounds import WholeCompounds, split_compounds
from gis_core.partition.pieces import bridge_pieces, find_pieces
from gis_core.partition.prices import CLASS_FACTORS, class_prices, compound_prices
from gis_core.partition.problem import Problem
from gis_core.plan.ground import GroundOptions, lay_ground


def with_streets(data: Dataset, bridges: list[object]) -> Dataset:
    """Add bridges, which do not cut."""
    rows = data.streets.iloc[[0] * len(bridges)].copy()
    rows["cuts"], rows["grade_separated"], rows["geometry"] = False, True, bridges
    streets = gpd.GeoDataFrame(
        {name: [*data.streets[name], *rows[name]] for name in data.streets.columns}, crs=WORK_CRS
    )
    streets["rank"] = streets["rank"].astype(np.uint8)
    return replace(data, streets=streets)


def river_town(*, bridge: bool = False, ending: bool = False, boundary: object | None = None) -> Dataset:
    """Two banks of 8 houses each, a river line between them, streets that end at its banks."""
    houses = [box(20 + 50 * k, y, 50 + 50 * k, y + 30) for y in (30, 140) for k in range(8)]
    streets = [("residential", shapely.LineString(at((100 * k, -5), (100 * k, 100)))) for k in (1, 2, 3)]
    streets += [("tertiary", shapely.LineString(at((-5, 120), (405, 120))))]
    river = shapely.LineString(at((-5, 100), (405, 100)))
    data = dataset([boundary or box(0, 0, 400, 200)], houses, streets=streets, barriers=[river])
    more = [shapely.LineString(at((250, 60), (250, 125)))] if bridge else []
    more += [shapely.LineString(at((350, 60), (350, 100)))] if ending else []
    return with_streets(data, more) if more else data


def banks(fabric: Fabric) -> NDArray[np.int64]:
    """0 south of the river, 1 north of it."""
    return (shapely.get_y(shapely.centroid(fabric.cells)) - 4_420_000 > 100).astype(np.int64)


class TestPrices:
    def test_a_greater_street_is_the_cheaper_border(self) -> None:
        factors = [CLASS_FACTORS[name] for name in STREET_CLASSES]
        assert factors == sorted(factors, reverse=True)
        assert factors[0] == 1.0

    def test_price_counts_the_metres_on_and_off_the_street(self) -> None:
        graph = replace(
            from_edges(3, [(0, 1), (1, 2)]),
            shared_length_m=np.array([10.0, 10.0, 20.0, 20.0]),
            street_length_m=np.array([8.0, 8.0, 5.0, 5.0]),
            street_rank=np.array([6, 6, 0, 0], dtype=np.uint8),
        )
        price = class_prices(graph, {"primary": 0.5, "residential": 0.1})
        assert price.tolist() == pytest.approx([2 + 4.0, 2 + 4.0, 15 + 0.5, 15 + 0.5])

    @pytest.mark.parametrize("wrong", [{"lane": 0.1}, {"minor": -1.0}, {"minor": float("nan")}])
    def test_factors_that_cannot_be_used(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ParameterError, match=r"street class|factor"):
            class_prices(lattice(2, 2), wrong)

    def test_compounds_that_fit_are_dear_and_others_split_along_their_ways(self) -> None:
        graph = lattice(2, 8, street_every=2)
        column = np.arange(16) % 8
        compound = np.where(column < 4, 0, 1)
        weight = np.where(compound == 0, 10.0, 100.0)
        usual = class_prices(graph)
        price = compound_prices(graph, compound, weight, 500, usual)
        owner, other = owners(graph), graph.indices
        inside = compound[owner] == compound[other]
        assert (price[~inside] == usual[~inside]).all()
        assert (price[inside & (compound[owner] == 0)] > 10 * usual.max() / 2).all()
        way = inside & (compound[owner] == 1) & (graph.street_length_m > 0)
        assert (price[way] == usual[way]).all()
        assert (price[inside & (compound[owner] == 1) & ~way] > 2 * usual.max()).all()


class TestBarriers:
    def test_without_a_bridge_nothing_is_known_and_every_border_lies_on_the_river(self) -> None:
        data = river_town()
        fabric = build_fabric(data)
        found, side = find_barriers(data, fabric), banks(fabric)
        owner = owners(fabric.graph)
        across = (side[owner] != side[fabric.graph.indices]) & (owner < fabric.graph.indices)
        assert len(found.left) == across.sum() > 0
        assert (side[found.left] != side[found.right]).all()
        assert not found.known.any()

    def test_a_street_that_ends_at_the_river_is_no_crossing(self) -> None:
        data = river_town(ending=True)
        assert not find_barriers(data, build_fabric(data)).known.any()

    def test_a_bridge_links_the_cells_at_its_place(self) -> None:
        data = river_town(bridge=True)
        fabric = build_fabric(data)
        found = find_barriers(data, fabric)
        assert 1 <= found.known.sum() < len(found.left)
        spot = shapely.Point(at((250, 100))[0])
        for left, right in zip(found.left[found.known], found.right[found.known], strict=True):
            assert shapely.distance(fabric.cells[[left, right]], spot).max() < 1

    def test_a_gate_is_a_crossing_and_a_shop_is_not(self) -> None:
        data = river_town()
        for category, known in (("gate", True), ("大门", True), ("shop", False)):
            facilities = gpd.GeoDataFrame(
                {"id": ["1"], "category": [category], "name": [""]},
                geometry=[shapely.Point(at((150, 108))[0])],
                crs=WORK_CRS,
            )
            with_gate = replace(data, facilities=facilities)
            assert find_barriers(with_gate, build_fabric(with_gate)).known.any() == known

    def test_water_polygons_are_barriers_too(self) -> None:
        data = river_town()
        data = replace(
            data,
            barriers=data.barriers.iloc[:0],
            streets=data.streets[data.streets["street_class"] != "tertiary"],
            water=gpd.GeoDataFrame({"name": ["河"]}, geometry=[box(-5, 80, 405, 120)], crs=WORK_CRS),
        )
        fabric = build_fabric(data)
        found, side = find_barriers(data, fabric), banks(fabric)
        assert (side[found.left] != side[found.right]).any()
        assert (found.water_m > 0).all()

    def test_cut_takes_links_away_and_leaves_the_bridge(self) -> None:
        data = river_town(bridge=True)
        fabric = build_fabric(data)
        weight = fabric.households.astype(float)
        ground = lay_ground(data, fabric, GroundOptions("cut"), weight, Bounds(40, 60))
        wish = next(each for each in ground.constraints if isinstance(each, Barriers))
        problem = Problem(ground.graph, weight, n_parts=2, bounds=(40, 60), price=class_prices(ground.graph))
        wish.apply(problem)
        links = change_adjacencies(ground.graph, keep=problem.link)
        assert component_labels(links).max() == 0
        side, owner = banks(fabric), owners(links)
        crossing = (side[owner] != side[links.indices]) & (owner < links.indices)
        assert crossing.sum() == find_barriers(data, fabric).known.sum()

    def test_cut_without_a_bridge_makes_two_pieces(self) -> None:
        data = river_town()
        fabric = build_fabric(data)
        weight = fabric.households.astype(float)
        ground = lay_ground(data, fabric, GroundOptions("cut"), weight, Bounds(40, 60))
        assert (component_labels(ground.graph) == component_labels(ground.graph)[0]).tolist() == (
            banks(fabric) == banks(fabric)[0]
        ).tolist()
        nearest = lay_ground(data, fabric, GroundOptions("cut", "nearest"), weight, Bounds(40, 60))
        assert component_labels(nearest.graph).max() == 0
        assert [bridge.length_m for bridge in nearest.bridges] == [0.0]

    def test_a_locked_grid_on_the_bridge_parts_the_banks(self) -> None:
        data = river_town(bridge=True)
        fabric = build_fabric(data)
        weight = fabric.households.astype(float)
        known = find_barriers(data, fabric)
        locked = np.full(fabric.n_cells, -1)
        locked[known.left[known.known]] = locked[known.right[known.known]] = 0
        ground = lay_ground(data, fabric, GroundOptions("cut"), weight, Bounds(40, 60), locked)
        free = np.flatnonzero(locked < 0)
        label = component_labels(subgraph(ground.graph, free))
        for piece in range(label.max() + 1):
            assert len(np.unique(banks(fabric)[free[label == piece]])) == 1

    def test_a_grid_across_a_closed_barrier_is_told(self) -> None:
        graph = lattice(2, 4)
        left, right = np.arange(4), np.arange(4) + 4
        wish = Barriers(left, right, np.array([True, True, True, False]), np.zeros(4))
        assert wish.broken(graph, np.zeros(8, np.int64)) == []
        parts = np.array([0, 0, 1, 1, 0, 0, 1, 1])
        told = wish.broken(graph, parts)
        assert [(item.what, item.case, dict(item.numbers)["far"] > 0) for item in told] == [
            ("barrier-crossed", "grid", True)
        ]
        assert "across a barrier" in told[0].reason
        part_of = wish.restrict(np.array([7, 3, 2, 6]))
        assert sorted(part_of.closed.tolist()) == [False, True]

    @pytest.mark.parametrize("wrong", [("wall", "alone", None), ("cut", "some", None), ("cut", "alone", 0.0)])
    def test_options_that_cannot_be_used(self, wrong: tuple[str, str, float | None]) -> None:
        with pytest.raises(ParameterError, match=r"[Bb]arriers|pieces|walking"):
            GroundOptions(*wrong)  # type: ignore[arg-type]


class TestPieces:
    def test_a_piece_without_households_hangs_on_its_longest_border(self) -> None:
        graph = lattice(1, 3)
        graph = replace(graph, shared_length_m=np.array([5.0, 5.0, 9.0, 9.0]))
        shut = np.ones(4, dtype=bool)
        found = find_pieces(graph, np.zeros(3, int), np.array([10, 0, 10]), shut)
        assert found.label.tolist() == [0, 1, 1]
        assert found.closed.tolist() == [True, True, False, False]

    def test_nearest_links_join_all_pieces_and_are_the_shortest(self) -> None:
        squares = np.array([shapely.box(x, 0, x + 10, 10) for x in (0, 25, 30 + 25, 100)], dtype=object)
        graph = replace(
            from_edges(4, []), perimeter_m=np.full(4, 40.0), x=np.array([5.0, 30, 60, 105]), y=np.full(4, 5.0)
        )
        found = find_pieces(graph, np.zeros(4, int), np.ones(4))
        links = bridge_pieces(graph, squares, np.zeros(4, int), found, "nearest")
        assert sorted(round(link.length_m) for link in links) == [15, 20, 35]
        assert bridge_pieces(graph, squares, np.zeros(4, int), found, "alone") == []
        two = bridge_pieces(graph, squares, np.array([0, 0, 1, 1]), found, "nearest")
        assert sorted(round(link.length_m) for link in two) == [15, 35]

    def test_crossings_are_ways_on_streets_between_islands(self) -> None:
        islands = shapely.MultiPolygon([box(0, 0, 400, 90), box(0, 110, 400, 200)])
        data = river_town(boundary=islands)
        data = replace(data, barriers=data.barriers.iloc[:0])
        fabric = build_fabric(data)
        weight = fabric.households.astype(float)
        alone = lay_ground(data, fabric, GroundOptions("cost", "crossings"), weight, Bounds(40, 60))
        assert alone.bridges == ()
        bridged = with_streets(data, [shapely.LineString(at((250, 60), (250, 125)))])
        ground = lay_ground(bridged, fabric, GroundOptions("cost", "crossings"), weight, Bounds(40, 60))
        assert [round(bridge.length_m) for bridge in ground.bridges] == [20]
        assert component_labels(ground.graph).max() == 0
        wish = next(each for each in ground.constraints if isinstance(each, Bridges))
        problem = Problem(ground.graph, weight, n_parts=2, bounds=(40, 60), price=class_prices(ground.graph))
        wish.apply(problem)
        slot = adjacency_slots(ground.graph, wish.left, wish.right)
        assert (problem.price[slot] < 0).all()
        assert (
            np.delete(problem.price, [*slot, *adjacency_slots(ground.graph, wish.right, wish.left)]) > 0
        ).all()


class TestCompounds:
    def compounds(self, names: list[str | None]) -> tuple[Dataset, Fabric]:
        data = river_town()
        data.buildings["compound"] = names
        return data, build_fabric(data)

    def test_cells_of_one_name_are_a_compound_unless_far_apart(self) -> None:
        data, fabric = self.compounds(["翠苑", "翠苑", *[None] * 5, "翠苑", " 翠苑 ", *[None] * 7])
        found = cell_compounds(data, fabric)
        cells = fabric.building_cell_ix
        assert found.names == ("翠苑", "翠苑")
        assert found.compound_ix[cells[0]] == found.compound_ix[cells[1]] == found.compound_ix[cells[8]] >= 0
        assert found.compound_ix[cells[7]] not in (-1, found.compound_ix[cells[0]])
        assert (found.compound_ix[cells[2:7]] == -1).all()

    def test_ground_without_buildings_inside_belongs_to_the_compound(self) -> None:
        ring = [box(x, y, x + 20, y + 20) for x in (40, 80, 120) for y in (40, 80, 120) if (x, y) != (80, 80)]
        # Streets close off the middle, where nobody lives.
        streets = [
            ("residential", shapely.LineString(at(*ends)))
            for ends in (
                ((70, 0), (70, 200)),
                ((110, 0), (110, 200)),
                ((0, 70), (200, 70)),
                ((0, 110), (200, 110)),
            )
        ]
        data = dataset([box(0, 0, 200, 200)], ring, streets=streets)
        data.buildings["compound"] = ["花园"] * 8
        fabric = build_fabric(data)
        middle = next(
            ix for ix, cell in enumerate(fabric.cells) if cell.contains(shapely.Point(at((90, 90))[0]))
        )
        assert fabric.households[middle] == 0
        assert cell_compounds(data, fabric).compound_ix[middle] == 0
        data.buildings.loc[1, "compound"] = "别苑"
        assert cell_compounds(data, fabric).compound_ix[middle] == -1

    def test_a_split_compound_is_named_and_mended_where_bounds_allow(self) -> None:
        graph = lattice(1, 6)
        weight = np.full(6, 10.0)
        wish = WholeCompounds(np.array([-1, -1, 0, 0, -1, -1]), weight, 40.0, ("翠苑",))
        part = np.array([0, 0, 0, 1, 1, 1], np.int32)
        told = wish.broken(graph, part)
        assert [(item.what, item.case, dict(item.numbers)["compounds"]) for item in told] == [
            ("compound-split", "whole", 1)
        ]
        assert "翠苑" in told[0].reason
        for bounds, mended in (((20.0, 40.0), True), ((25.0, 35.0), False)):
            problem = Problem(graph, weight, n_parts=2, bounds=bounds, price=class_prices(graph))
            wish.apply(problem)
            after = wish.post(problem, part, np.random.default_rng(0))
            assert (wish.broken(graph, after) == []) == mended
            assert len(parts_in_pieces(graph, after)) == 0
        assert part.tolist() == [0, 0, 0, 1, 1, 1]

    def test_patches_that_do_not_touch_are_tied_at_their_nearest_cells(self) -> None:
        graph = lattice(1, 8)
        wish = WholeCompounds(
            np.array([0, 0, -1, 0, -1, -1, -1, 1]), np.full(8, 10.0), 40.0, ("翠苑", "花园")
        )
        problem = Problem(graph, np.full(8, 10.0), n_parts=2, bounds=(20, 60), price=class_prices(graph))
        wish.apply(problem)
        left, right, price = problem.pairs
        assert (left.tolist(), right.tolist()) == ([1], [3])
        assert price[0] > 0

    def test_compounds_that_do_not_fit_are_not_counted_as_split(self) -> None:
        compound, weight = np.zeros(4, int), np.full(4, 200.0)
        assert len(split_compounds(compound, weight, 500, np.array([0, 0, 1, 1]))) == 0
        assert len(split_compounds(compound, weight, 800, np.array([0, 0, 1, 1]))) == 1
