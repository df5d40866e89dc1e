"""Adjacency and half-edges: the same as the geometry says."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from small_town import block_town, box

from gis_core.fabric import build_fabric
from gis_core.fabric.coverage import half_edges, insert_junctions
from gis_core.fabric.sampling import sample_footprints, sample_rings, sample_rings_reference


def test_shared_lengths_equal_those_of_the_geometry() -> None:
    fabric = build_fabric(block_town(3, 2))
    graph = fabric.graph
    left, right = shapely.STRtree(fabric.cells).query(fabric.cells, predicate="intersects")
    expected = {}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        length = shapely.length(shapely.intersection(fabric.cells[a], fabric.cells[b]))
        if a != b and length > 1e-6:
            expected[a, b] = length
    focal = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    got = dict(
        zip(zip(focal.tolist(), graph.indices.tolist(), strict=True), graph.shared_length_m, strict=True)
    )
    assert got.keys() == expected.keys()
    assert all(got[pair] == pytest.approx(expected[pair], abs=1e-6) for pair in got)


def test_graph_is_symmetric_and_adds_up() -> None:
    fabric = build_fabric(block_town())
    graph = fabric.graph
    focal = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    pairs = set(zip(focal.tolist(), graph.indices.tolist(), strict=True))
    assert all((b, a) in pairs for a, b in pairs)
    assert all(a != b for a, b in pairs)
    inner = np.bincount(focal, weights=graph.shared_length_m, minlength=graph.n_cells)
    assert inner + graph.exterior_length_m == pytest.approx(graph.perimeter_m)
    assert graph.perimeter_m == pytest.approx(shapely.length(fabric.cells))
    frame = shapely.union_all(fabric.cells)
    assert graph.exterior_length_m.sum() == pytest.approx(frame.length, abs=1e-3)
    assert (graph.street_length_m <= graph.shared_length_m + 1e-9).all()


def test_junctions_are_inserted_on_both_sides() -> None:
    pieces = shapely.orient_polygons(
        np.array([box(0, 0, 10, 10), box(10, 0, 20, 4), box(10, 4, 20, 10)], dtype=object)
    )
    assert not shapely.coverage_is_valid(pieces)
    joined = insert_junctions(pieces)
    assert shapely.coverage_is_valid(joined)
    assert shapely.get_num_coordinates(joined[0]) == shapely.get_num_coordinates(pieces[0]) + 1
    assert joined[1] is pieces[1]


def test_junctions_on_holes() -> None:
    ring = shapely.Polygon(box(0, 0, 30, 30).exterior, [box(10, 10, 20, 20).exterior])
    inside = [box(10, 10, 20, 15), box(10, 15, 20, 20)]
    joined = insert_junctions(shapely.orient_polygons(np.array([ring, *inside], dtype=object)))
    assert shapely.coverage_is_valid(joined)
    assert len(joined[0].interiors) == 1


def test_vertices_that_are_nearly_the_same_become_one() -> None:
    left = shapely.Polygon([(0, 0), (10, 0), (10, 5), (10, 10), (0, 10)])
    right = [
        shapely.Polygon([(10, 0), (20, 0), (20, 5), (10, 5.000001)]),
        shapely.Polygon([(10, 5.000001), (20, 5), (20, 10), (10, 10)]),
    ]
    joined = insert_junctions(shapely.orient_polygons(np.array([left, *right], dtype=object)))
    assert shapely.coverage_is_valid(joined)
    assert shapely.is_valid(joined).all()


def test_half_edges_pair_exactly() -> None:
    sides = half_edges(
        shapely.orient_polygons(np.array([box(0, 0, 10, 10), box(10, 0, 20, 10)], dtype=object))
    )
    paired = np.flatnonzero(sides.twin >= 0)
    assert len(paired) == 2
    assert (sides.start_xy[paired] == sides.end_xy[sides.twin[paired]]).all()


@pytest.mark.parametrize("spacing", [0.5, 2.0, 7.0])
def test_sample_kernel_equals_its_reference(spacing: float) -> None:
    rng = np.random.default_rng(5)
    rings = [
        shapely.get_coordinates(
            shapely.buffer(shapely.Point(*rng.uniform(0, 900, 2)), rng.uniform(0.2, 30), quad_segs=k)
        )
        for k in (1, 2, 3, 5)
    ]
    coords = np.concatenate(rings)
    start = np.cumsum([0, *map(len, rings)])
    inset = np.full(len(rings), 0.3)
    xy, ring = sample_rings(coords, start, inset, spacing)
    xy_reference, ring_reference = sample_rings_reference(coords, start, inset, spacing)
    assert ring.tolist() == ring_reference.tolist()
    assert xy == pytest.approx(xy_reference, abs=1e-9)


def test_points_of_a_shared_wall_face_each_other() -> None:
    xy, owner = sample_footprints(np.array([box(0, 0, 20, 10), box(6, 10, 34, 20)], dtype=object), 2.0)
    south, north = box(0, 9, 20, 10), box(6, 10, 34, 11)
    one = xy[(owner == 0) & shapely.contains_xy(south, xy)]
    two = xy[(owner == 1) & shapely.contains_xy(north, xy)]
    middle = box(8, 0, 18, 20)
    shared_one = np.sort(one[shapely.contains_xy(middle, one)][:, 0])
    shared_two = np.sort(two[shapely.contains_xy(middle, two)][:, 0])
    assert len(shared_one) >= 4
    assert shared_one == pytest.approx(shared_two)
