from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.publish.labels import N_COLOURS, colour_graph, colour_grids, label_points


def _lattice(columns: int, rows: int) -> np.ndarray:
    return np.array([shapely.box(x, y, x + 1, y + 1) for x in range(columns) for y in range(rows)])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 60))
def test_planar_graphs_never_clash(seed: int, n: int) -> None:
    points = np.random.default_rng(seed).uniform(size=(n, 2))
    edges = shapely.get_coordinates(
        shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(points), only_edges=True))
    )
    index = {tuple(point): ix for ix, point in enumerate(points.tolist())}
    ends = np.array([index[tuple(point)] for point in edges.tolist()]).reshape(-1, 2)
    colours, clashes = colour_graph(n, ends)
    assert clashes == 0
    assert colours.max() < N_COLOURS
    assert (colours[ends[:, 0]] != colours[ends[:, 1]]).all()


def test_nine_that_all_meet_clash_once() -> None:
    pairs = np.array(list(nx.complete_graph(9).edges))
    colours, clashes = colour_graph(9, pairs)
    assert clashes == 1
    assert sorted(np.bincount(colours, minlength=8).tolist()) == [1] * 7 + [2]


def test_no_nodes_and_no_neighbours() -> None:
    assert len(colour_graph(0, np.empty((0, 2), dtype=np.int64))[0]) == 0
    colours, clashes = colour_graph(20, np.empty((0, 2), dtype=np.int64))
    assert clashes == 0
    assert np.bincount(colours).max() == 3  # 20 spread over 8


def test_grids_that_meet_in_a_point_differ_too() -> None:
    grids = _lattice(12, 9)
    colours = colour_grids(grids)
    first, second = shapely.STRtree(grids).query(grids, predicate="intersects")
    apart = first != second
    assert (colours[first[apart]] != colours[second[apart]]).all()


def test_many_wedges_around_a_point_fall_back_to_borders() -> None:
    angles = np.linspace(0, 2 * np.pi, 13)
    rim = np.column_stack([np.cos(angles), np.sin(angles)])
    rim[-1] = rim[0]
    wedges = np.array([shapely.Polygon([(0, 0), rim[i], rim[i + 1]]) for i in range(12)])
    colours = colour_grids(wedges)
    assert (colours != np.roll(colours, 1)).all()


def test_colours_do_not_depend_on_anything_but_the_input() -> None:
    grids = _lattice(7, 7)
    np.testing.assert_array_equal(colour_grids(grids), colour_grids(grids.copy()))


def test_empty_and_missing_grids_have_a_colour() -> None:
    colours = colour_grids(np.array([shapely.box(0, 0, 1, 1), shapely.Polygon(), None], dtype=object))
    assert colours.max() < N_COLOURS


def test_label_stands_where_there_is_room() -> None:
    spoon = shapely.union(shapely.Point(116.5, 39.5).buffer(0.05), shapely.box(116.5, 39.499, 117.5, 39.501))
    ring = shapely.difference(shapely.Point(116.5, 39.5).buffer(0.2), shapely.Point(116.48, 39.5).buffer(0.1))
    labels = label_points(np.array([spoon, ring]))
    assert shapely.distance(shapely.points(labels[0]), shapely.Point(116.5, 39.5)) < 0.005
    shrink = np.array([np.cos(np.radians(39.5)), 1.0])
    plane = shapely.transform(ring, lambda xy: xy * shrink)
    places = np.random.default_rng(0).uniform([116.3, 39.3], [116.7, 39.7], (4000, 2))
    inside = shapely.points(places[shapely.contains_xy(ring, places)] * shrink)
    best = shapely.distance(inside, plane.boundary).max()
    assert shapely.contains_xy(ring, *labels[1])
    assert shapely.distance(shapely.points(labels[1] * shrink), plane.boundary) >= 0.97 * best


def test_label_judges_distance_in_metres_not_degrees() -> None:
    # 1 degree by 1 degree at 60 N with an arm to the east is half as wide as it looks.
    tall = shapely.union(shapely.box(0, 60, 0.5, 60.5), shapely.box(2, 60, 2.8, 60.4))
    flat = shapely.box(0, 60, 4, 60.2)
    (label,) = label_points(np.array([shapely.union(tall, shapely.box(0.5, 60.19, 2, 60.2))]))
    assert shapely.contains_xy(shapely.box(2, 60, 2.8, 60.4), *label)
    (middle,) = label_points(np.array([flat]))
    assert middle[1] == pytest.approx(60.1, abs=0.01)


def test_label_of_nothing() -> None:
    labels = label_points(np.array([None, shapely.Polygon(), shapely.box(0, 0, 1, 1)], dtype=object))
    assert np.isnan(labels[:2]).all()
    assert labels[2] == pytest.approx([0.5, 0.5], abs=0.02)
    assert label_points(np.array([], dtype=object)).shape == (0, 2)


def test_label_of_parts_is_in_the_widest() -> None:
    parts = shapely.union(shapely.box(0, 0, 1, 1), shapely.box(5, 5, 8, 8))
    (label,) = label_points(np.array([parts]))
    assert shapely.contains_xy(shapely.box(5, 5, 8, 8), *label)


def test_colours_chosen_by_hand_stay_and_the_others_give_way() -> None:
    rng = np.random.default_rng(7)
    squares = shapely.box(
        *np.divmod(np.arange(400), 20), *(part + 1 for part in np.divmod(np.arange(400), 20))
    )
    left, right = shapely.STRtree(squares).query(squares, predicate="intersects")
    for _ in range(10):
        chosen = {int(at): int(rng.integers(8)) for at in rng.choice(400, 60, replace=False)}
        colours = colour_grids(squares, chosen)
        assert all(colours[at] == colour for at, colour in chosen.items())
        by_hand = np.isin(left, list(chosen)) & np.isin(right, list(chosen))
        clash = (left < right) & (colours[left] == colours[right]) & ~by_hand
        border = shapely.get_dimensions(shapely.intersection(squares[left], squares[right])) == 1
        assert not (clash & border).any()
