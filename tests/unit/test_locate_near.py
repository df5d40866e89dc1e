"""Nearest facilities on foot: streets, bridges, barriers; and what each facility covers."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from pyproj import CRS

from gis_core.errors import NotFoundError, ParameterError
from gis_core.fabric.network import StreetNetwork
from gis_core.locate.near import WALK_M_PER_MINUTE, Roads, build_roads, walk_table
from gis_core.model import Dataset

CRS_M = CRS.from_epsg(32651)


def frame(geometry: list, **columns: list) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS_M)


def town(
    streets: list[list[tuple[float, float]]],
    facilities: list[tuple[str, float, float]],
    *,
    bridges: int = 0,
    barriers: list | None = None,
    water: list | None = None,
) -> Dataset:
    """Make a dataset; the last `bridges` streets are bridges."""
    n = len(streets)
    barriers = barriers or []
    return Dataset(
        name="near", source="near", work_crs=CRS_M, source_crs=CRS_M,
        boundary=frame([shapely.box(-2000, -2000, 4000, 4000)], code=["1"], name=["1"]),
        buildings=frame([]),
        streets=frame(
            [shapely.LineString(line) for line in streets],
            rank=[3] * n,
            grade_separated=[k >= n - bridges for k in range(n)],
        ),
        barriers=frame(barriers, cuts=[True] * len(barriers)),
        facilities=frame(
            [shapely.Point(x, y) for _, x, y in facilities], category=[name for name, _, _ in facilities]
        ),
        water=frame(water or []),
        green=frame([]),
    )  # fmt: skip


#: Two banks of a river along y = 500, a street on each (y = 400 and 600), one bridge at x = 1000.
BANKS = [[(0, 400), (1000, 400)], [(0, 600), (1000, 600)]]
BRIDGE = [(1000, 400), (1000, 600)]
RIVER = shapely.box(-1000, 450, 3000, 550)


def test_a_river_is_crossed_at_the_bridge_only() -> None:
    roads = build_roads(
        town([*BANKS, BRIDGE], [("clinic", 100, 610), ("clinic", 900, 390)], bridges=1, water=[RIVER])
    )
    (best, other) = roads.nearest(100, 390, count=2)["clinic"]
    assert best.facility == 1
    assert best.road_m == pytest.approx(10 + 800 + 10)
    assert best.minutes == pytest.approx(820 / WALK_M_PER_MINUTE)
    assert other.air_m == pytest.approx(220)
    assert other.road_m == pytest.approx(10 + 900 + 200 + 900 + 10)
    (single,) = roads.nearest(100, 390)["clinic"]
    assert (single.facility, single.road_m) == (1, pytest.approx(820))


def test_without_a_bridge_the_far_bank_is_told_by_air_only() -> None:
    roads = build_roads(town(BANKS, [("clinic", 100, 610)], water=[RIVER]))
    (only,) = roads.nearest(100, 390)["clinic"]
    assert (only.road_m, only.minutes, only.air_m) == (None, None, pytest.approx(220))


def test_snapping_never_jumps_a_barrier() -> None:
    wall = shapely.LineString([(-1000, 440), (3000, 440)])
    roads = build_roads(town([*BANKS, BRIDGE], [("shop", 500, 400)], bridges=1, barriers=[wall]))
    # 445 lies 45 m from the street behind the wall, 155 m from the one on its own side.
    (best,) = roads.nearest(500, 445)["shop"]
    assert best.road_m == pytest.approx(155 + 500 + 200 + 500)
    halves = [shapely.LineString([(-100, 450), (500, 450)]), shapely.LineString([(500, 450), (1100, 450)])]
    jointed = build_roads(town([*BANKS, BRIDGE], [("shop", 500, 400)], bridges=1, barriers=halves))
    assert jointed.nearest(500, 460)["shop"][0] == roads.nearest(500, 460)["shop"][0]
    shut = build_roads(town([BANKS[0]], [("shop", 500, 400)], barriers=[wall]))
    assert shut.nearest(500, 445)["shop"][0].road_m is None


def test_both_on_one_stretch_walk_straight_to_each_other() -> None:
    roads = build_roads(town([[(0, 0), (1000, 0)]], [("a", 300, 0), ("a", 420, 0)]))
    for x, row, metres in ((350, 0, 50), (390, 1, 30), (0, 0, 300), (1000, 1, 580)):
        (best,) = roads.nearest(x, 0)["a"]
        assert (best.facility, best.road_m) == (row, pytest.approx(metres, abs=1e-3))


def test_what_does_not_exist_is_named() -> None:
    roads = build_roads(town([[(0, 0), (1000, 0)]], [("a", 300, 0)]))
    with pytest.raises(NotFoundError, match="there are: a"):
        roads.nearest(0, 0, categories=["b"])
    with pytest.raises(ParameterError):
        roads.nearest(0, 0, count=0)
    assert build_roads(town([[(0, 0), (1000, 0)]], [])).nearest(0, 0) == {}
    (far,) = build_roads(town([], [("a", 3, 4)])).nearest(0, 0)["a"]
    assert (far.road_m, far.air_m) == (None, 5.0)


def lattice(side: int, seed: int = 1) -> StreetNetwork:
    """Make a lattice of streets of uneven lengths."""
    rng = np.random.default_rng(seed)
    ix = np.arange(side * side).reshape(side, side)
    a = np.concatenate([ix[:, :-1].ravel(), ix[:-1].ravel()])
    b = np.concatenate([ix[:, 1:].ravel(), ix[1:].ravel()])
    metres = rng.uniform(20, 200, len(a))
    rows, columns = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((columns, rows))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=side * side))])
    y, x = np.divmod(np.arange(side * side), side)
    return StreetNetwork(
        indptr.astype(np.int64), columns[order].astype(np.int32), np.tile(metres, 2)[order],
        x * 100.0, y * 100.0, np.zeros(0, np.int32), np.zeros(0),
    )  # fmt: skip


def test_the_table_of_all_nodes_is_what_single_searches_find() -> None:
    network = lattice(15)
    graph = nx.Graph()
    for node in range(network.n_nodes):
        for e in range(network.indptr[node], network.indptr[node + 1]):
            graph.add_edge(node, int(network.indices[e]), weight=network.length_m[e])
    sources, off = np.array([3, 77, 140, 140, 224]), np.array([5.0, 400.0, 60.0, 10.0, 0.0])
    metres, source = walk_table(network, sources, off)
    for node in range(0, network.n_nodes, 7):
        ways = [nx.dijkstra_path_length(graph, int(s), node) + o for s, o in zip(sources, off, strict=True)]
        assert metres[node] == pytest.approx(min(ways), abs=1e-3)
        assert ways[source[node]] == pytest.approx(min(ways), abs=1e-3)


def test_service_areas_are_the_nearest_by_road_within_the_minutes() -> None:
    roads = build_roads(town([*BANKS, BRIDGE], [("x", 0, 400), ("x", 1000, 600)], bridges=1, water=[RIVER]))
    x, y = np.array([10.0, 10.0, 990.0, 500.0]), np.array([395.0, 605.0, 395.0, 500.0])
    found = roads.cover(roads.places(x, y), "x")
    assert found.facility.tolist() == [0, 1, 1, -1]
    assert found.road_m[:3].tolist() == pytest.approx([15, 995, 10 + 5 + 200], abs=0.01)
    assert found.within(5).tolist() == [True, False, True, False]
    assert found.within(15).tolist() == [True, True, True, False]


def test_the_nearest_of_many_agrees_with_the_table() -> None:
    rng = np.random.default_rng(5)
    lines = [[(0, 100 * k), (1000, 100 * k)] for k in range(8)] + [
        [(150 * k, 0), (150 * k, 700)] for k in range(7)
    ]
    places = [("kiosk", *rng.uniform(0, 900, 2)) for _ in range(12)]
    roads: Roads = build_roads(town(lines, places))
    for x, y in rng.uniform(0, 900, (20, 2)):
        (one,) = roads.nearest(x, y)["kiosk"]
        many = roads.nearest(x, y, count=12)["kiosk"]
        assert one.road_m == pytest.approx(many[0].road_m, abs=1e-3)
        assert [each.road_m for each in many] == sorted(each.road_m for each in many)
        assert all(each.road_m >= each.air_m - 1e-6 for each in many)
