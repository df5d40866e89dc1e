"""Cells: an exact coverage, one building each, streets as borders."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from pyproj import CRS
from small_town import at, block_town, box, dataset

from gis_core.errors import CoverageError
from gis_core.fabric import build_fabric
from gis_core.fabric.build import exact_coverage
from gis_core.fabric.coverage import beside_gaps, insert_junctions, mend, node_again
from gis_core.fabric.enclosures import build_enclosures
from gis_core.fabric.tessellation import divide_enclosure
from gis_core.model import STREET_CLASSES, Dataset, Fabric


def assert_exact(town: Dataset, fabric: Fabric) -> None:
    """Fail where cells leave a gap, overlap, are in pieces, or lose households."""
    boundary = town.boundary.geometry.values
    assert shapely.coverage_is_valid(fabric.cells)
    assert shapely.is_valid(fabric.cells).all()
    assert (shapely.get_type_id(fabric.cells) == 3).all()
    assert shapely.area(fabric.cells).sum() == pytest.approx(shapely.area(boundary).sum(), abs=1e-3)
    points = shapely.point_on_surface(fabric.cells)
    assert shapely.intersects(boundary[fabric.boundary_ix], points).all()
    placed = fabric.building_cell_ix >= 0
    assert fabric.households.sum() == town.buildings["households"].to_numpy()[placed].sum()


def kept_share(town: Dataset, fabric: Fabric) -> np.ndarray:
    """Return the part of each footprint that lies in its own cell."""
    footprints = town.buildings.geometry.values
    return shapely.area(
        shapely.intersection(footprints, fabric.cells[fabric.building_cell_ix])
    ) / shapely.area(footprints)


def test_every_house_has_its_own_cell_and_keeps_its_ground() -> None:
    town = block_town()
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert fabric.n_cells == len(town.buildings)
    assert len(np.unique(fabric.building_cell_ix)) == len(town.buildings)
    assert kept_share(town, fabric).min() > 0.97


def test_streets_are_cell_borders() -> None:
    town = block_town()
    fabric = build_fabric(town)
    for line in town.streets.geometry:
        crossed = shapely.length(shapely.intersection(shapely.buffer(fabric.cells, -0.01), line))
        assert crossed.max() == 0.0


def test_dead_ends_and_bridges_do_not_cut() -> None:
    houses = [box(10, 10, 30, 30), box(60, 10, 80, 30)]
    dead_end = ("residential", shapely.LineString(at((45, -10), (45, 50))))
    town = dataset([box(0, 0, 100, 100)], houses, streets=[dead_end])
    town.streets.loc[0, "cuts"] = True
    assert len(np.unique(build_fabric(town).enclosure_ix)) == 1
    through = ("residential", shapely.LineString(at((45, -10), (45, 110))))
    cut = dataset([box(0, 0, 100, 100)], houses, streets=[through])
    assert len(np.unique(build_fabric(cut).enclosure_ix)) == 2
    cut.streets["cuts"] = False
    assert len(np.unique(build_fabric(cut).enclosure_ix)) == 1


def test_nested_footprints_and_points_on_one_spot_share_a_cell() -> None:
    spot = shapely.Point(at((80, 80))[0])
    town = dataset(
        [box(0, 0, 100, 100)],
        [box(10, 10, 50, 50), box(20, 20, 30, 30), spot, spot, shapely.Point(at((25, 45))[0])],
        households=[1, 2, 4, 8, 16],
    )
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    cell = fabric.building_cell_ix
    assert cell[0] == cell[1] == cell[4] != cell[2] == cell[3]
    assert fabric.households[cell[0]] == 19
    (fault,) = [fault for fault in fabric.faults if fault.code == "shared-cell"]
    assert fault.count == 3


def test_a_footprint_across_a_street_belongs_where_most_of_it_lies() -> None:
    street = ("residential", shapely.LineString(at((50, -10), (50, 110))))
    town = dataset([box(0, 0, 100, 100)], [box(45, 40, 75, 60), box(10, 10, 20, 20)], streets=[street])
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    own = fabric.cells[fabric.building_cell_ix[0]]
    assert own.contains(shapely.Point(at((60, 50))[0]))


def test_a_building_that_streets_would_tear_apart_stays_whole() -> None:
    streets = [("residential", shapely.LineString(at((x, -10), (x, 110)))) for x in (40, 50, 60)]
    town = dataset([box(0, 0, 100, 100)], [box(30, 40, 70, 60)], streets=streets)
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert kept_share(town, fabric)[0] > 0.99
    assert [fault.code for fault in fabric.faults] == ["street-through-building"]


def test_buildings_outside_have_no_cell() -> None:
    town = dataset([box(0, 0, 100, 100)], [box(10, 10, 20, 20), box(92, 40, 112, 50), box(200, 0, 210, 9)])
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert fabric.building_cell_ix.tolist() == [0, -1, -1]


def test_the_boundary_alone_decides_what_is_inside() -> None:
    frame = shapely.Polygon(at((0.1234567, 0.7654321), (301.7654321, 17.1234567), (150.3333333, 260.6666667)))
    outline = shapely.boundary(frame)
    points = shapely.line_interpolate_point(outline, np.linspace(0, 1, 200), normalized=True)
    town = dataset([frame], [*points, frame.centroid])
    inside = shapely.covers(frame, np.array([*points, frame.centroid], dtype=object))
    assert 0 < inside.sum() < len(inside)
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert np.array_equal(fabric.building_cell_ix >= 0, inside)


def test_overlapping_footprints_are_named_where_one_loses_its_ground() -> None:
    big = [box(0, 40, 60, 80), box(40, 0, 80, 60)]
    covered = box(38, 38, 62, 62)
    town = dataset([box(-20, -20, 120, 120)], [*big, covered], ids=["A", "B", "C"])
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    kept = kept_share(town, fabric)
    named = {id_ for fault in fabric.faults for id_ in fault.ids}
    assert all(share >= 0.5 or id_ in named for share, id_ in zip(kept, town.buildings["id"], strict=True))


def test_ground_that_is_not_at_a_footprint_goes_to_a_neighbor() -> None:
    # The point of building 1 stands east of the enclosure; what is nearest to it is the north-eastern corner.
    enclosure = box(0, 0, 40, 100)
    xy = np.array(at((20, 20), (20, 80), (45, 95)))
    footprints = {0: box(10, 10, 30, 30), 1: box(35, 10, 60, 99), 2: box(10, 70, 30, 90)}
    owner = np.array([0, 2, 1])
    assert sorted(divide_enclosure(enclosure, xy, owner, footprints).owner) == [0, 1, 2]
    footprints[1] = box(35, 10, 60, 30)
    pieces = divide_enclosure(enclosure, xy, owner, footprints)
    own = dict(zip(pieces.owner.tolist(), pieces.polygons, strict=True))
    assert sorted(own) == [0, 2]
    assert shapely.area(pieces.polygons).sum() == pytest.approx(4000)
    assert shapely.covers(own[2], box(38, 92, 40, 100))


def test_an_enclosure_stays_whole_where_nobody_has_ground_at_a_footprint() -> None:
    enclosure = box(0, 0, 40, 40)
    far = {0: box(50, 0, 60, 10), 1: box(50, 20, 60, 30)}
    pieces = divide_enclosure(enclosure, np.array(at((55, 5), (55, 25))), np.array([0, 1]), far)
    assert pieces.owner.tolist() == [0]
    assert pieces.polygons[0].equals(enclosure)


@pytest.mark.parametrize("west_m", [-100, 0])
def test_a_building_drawn_twice_has_its_cell_where_most_of_it_lies(west_m: float) -> None:
    # A long wing reaches across the border at 0, a street or the boundary, and the middle of the building lies in it.
    shape = shapely.union(box(0, 0, 20, 100), box(-40, 48, 0, 52))
    boundary = [box(west_m, 0, 100, 100)] if west_m else [box(0, 0, 100, 100), box(-100, 0, 0, 100)]
    street = ("residential", shapely.LineString(at((0, -10), (0, 110))))
    town = dataset(boundary, [shape, shape], streets=[street] if west_m else [])
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert shapely.point_on_surface(shape).x < box(0, 0, 1, 1).bounds[0]
    own = fabric.cells[fabric.building_cell_ix]
    assert shapely.area(shapely.intersection(own, shape)) == pytest.approx(2000)


def test_no_buildings_no_streets() -> None:
    fabric = build_fabric(dataset([box(0, 0, 100, 100)], []))
    assert fabric.n_cells == 1
    assert fabric.households.tolist() == [0]
    assert fabric.graph.indptr.tolist() == [0, 0]


def test_big_blocks_are_cut_along_minor_ways_but_not_through_buildings() -> None:
    houses = [box(10 * k + 2, 20 if k % 2 else 60, 10 * k + 8, 26 if k % 2 else 66) for k in range(50)]
    path = shapely.LineString(at((-10, 45), (510, 45)))
    through_house = shapely.LineString(at((-10, 63), (510, 63)))
    town = dataset([box(0, 0, 500, 90)], houses, households=[5] * 50, minor=[path, through_house])
    fabric = build_fabric(town)
    assert_exact(town, fabric)
    assert kept_share(town, fabric).min() > 0.97
    assert shapely.length(shapely.intersection(shapely.buffer(fabric.cells, -0.01), path)).max() == 0.0


def test_the_plan_of_cells_does_not_depend_on_processes() -> None:
    town = block_town()
    one, two = build_fabric(town, processes=1), build_fabric(town, processes=2)
    assert shapely.equals_exact(one.cells, two.cells, tolerance=0.0).all()
    for field in dataclasses.fields(one.graph):
        assert np.array_equal(getattr(one.graph, field.name), getattr(two.graph, field.name))


def test_thin_slivers_are_joined() -> None:
    twin = [("residential", shapely.LineString(at((50 + d, -10), (50 + d, 110)))) for d in (0.0, 0.1)]
    lines = np.array([line for _, line in twin], dtype=object)
    enclosures = build_enclosures(np.array([box(0, 0, 100, 100)], dtype=object), lines)
    assert len(enclosures.polygons) == 2
    assert shapely.area(enclosures.polygons).sum() == pytest.approx(10_000, abs=1e-3)


def test_degrees_keep_the_coverage() -> None:
    town = block_town()
    cells = town.boundary.iloc[:0].geometry  # carries the CRS
    degrees = type(cells)(build_fabric(town).cells, crs=town.work_crs).to_crs(4326).to_numpy()
    assert shapely.coverage_is_valid(degrees)


def test_street_classes_reach_the_graph() -> None:
    town = block_town()
    graph = build_fabric(town).graph
    assert set(np.unique(graph.street_rank)) == {
        0,
        STREET_CLASSES.index("residential"),
        STREET_CLASSES.index("tertiary"),
    }


def test_a_speck_cut_off_by_noding_goes_to_the_other_boundary_polygon() -> None:
    neck = [(10, 4.99999), (10.5, 4.99999), (10.5, 4.95), (10.6, 4.95), (10.6, 5.05), (10.5, 5.05)]
    west = shapely.Polygon([(0, 0), (10, 0), *neck, (10.5, 5.00001), (10, 5.00001), (10, 10), (0, 10)])
    east = shapely.difference(shapely.box(10, 0, 20, 10), west)
    noded = node_again(np.array([west, east]), np.array([0, 1], dtype=np.int32), 1e-4)
    assert [polygon.geom_type for polygon in noded] == ["Polygon", "Polygon"]
    assert shapely.coverage_is_valid(noded)
    assert shapely.area(noded) == pytest.approx([100, 100], abs=0.02)
    assert shapely.area(noded).sum() == pytest.approx(200, abs=1e-6)


def nine_squares() -> np.ndarray:
    """A field of three by three squares of 10 m."""
    squares = [shapely.box(10 * i, 10 * j, 10 * i + 10, 10 * j + 10) for j in range(3) for i in range(3)]
    return shapely.orient_polygons(np.array(squares))


@pytest.mark.parametrize("width_m", [10.0, 1e-3, 1e-5])
def test_ground_without_a_cell_is_seen_however_narrow_it_is(width_m: float) -> None:
    frame, squares = shapely.box(0, 0, 30, 30), nine_squares()
    assert not beside_gaps(squares, frame).any()
    squares[4] = shapely.orient_polygons(shapely.box(10, 10, 20 - width_m, 20))
    cells = insert_junctions(squares if width_m < 10 else np.delete(squares, 4))
    assert shapely.coverage_is_valid(cells)
    assert shapely.area(cells).sum() == pytest.approx(900 - 10 * width_m, abs=1e-9)
    marked = beside_gaps(cells, frame)
    assert marked.any()
    assert shapely.touches(cells[marked], shapely.box(10, 10, 20, 20)).sum() >= marked.sum() - 1


def test_cells_that_leave_ground_out_are_refused() -> None:
    frame, group = shapely.box(440000, 4420000, 440030, 4420030), np.zeros(9, np.int32)
    squares = shapely.transform(nine_squares(), lambda xy: np.add(xy, [440000, 4420000]))
    assert len(exact_coverage(squares, group, frame, CRS.from_epsg(32650))) == 9
    with pytest.raises(CoverageError, match="do not fit together near"):
        exact_coverage(np.delete(squares, 4), group[:8], frame, CRS.from_epsg(32650))


def test_a_corner_that_does_not_fit_is_mended_where_it_is() -> None:
    squares = shapely.orient_polygons(
        np.array([shapely.box(10 * i, 10 * j, 10 * i + 10, 10 * j + 10) for i in range(8) for j in range(8)])
    )
    odd = 27
    xy = shapely.get_coordinates(squares[odd])
    corner = (xy == xy.max(axis=0)).all(axis=1)
    squares[odd] = shapely.Polygon(np.where(corner[:, None], xy + 3e-5, xy))
    assert not shapely.coverage_is_valid(insert_junctions(squares))
    faulty = np.zeros(len(squares), dtype=bool)
    faulty[[odd, odd + 1, odd + 8, odd + 9]] = True
    mended = insert_junctions(mend(squares, faulty, np.zeros(len(squares), np.int32), 1e-4))
    assert shapely.coverage_is_valid(mended)
    assert shapely.area(mended).sum() == pytest.approx(6400, abs=1e-6)
    # What is two rows away is not touched.
    far = shapely.distance(squares, squares[odd]) > 15
    assert far.sum() > 20
    assert shapely.equals_exact(mended[far], squares[far]).all()
