"""The locator gives shapely's answer on any polygons: covers, overlaps, points on lattice lines, any order of rows."""

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_core.locate import STATUS_NAMES, build_locator
from gis_core.locate.areas import build_areas
from gis_core.locate.reference import locate_plainly

#: Small whole numbers make shared vertices, collinear edges and points on borders common.
STEPS = st.integers(0, 8)
BOXES = st.tuples(STEPS, STEPS, st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.booleans())
POINTS = st.lists(st.tuples(st.integers(-2, 26), st.integers(-2, 26)), min_size=1, max_size=30)


def shape_of(x: int, y: int, wide: int, high: int, cut: int) -> shapely.Polygon:
    """Return a box, a triangle, a box with a notch or a box with a hole."""
    box = shapely.box(x, y, x + wide, y + high)
    if cut == 1:
        return shapely.Polygon([(x, y), (x + wide, y), (x, y + high)])
    if cut == 2:
        return box.difference(shapely.box(x, y, x + wide / 2, y + high / 2))
    if cut == 3:
        return box.difference(shapely.box(x + wide / 4, y + high / 4, x + wide / 2, y + high / 2))
    return box


@settings(max_examples=100, deadline=None)
@given(st.lists(BOXES, min_size=1, max_size=8), POINTS, st.randoms(use_true_random=False))
def test_answers_equal_shapely_for_any_polygons(boxes, points, random):
    shapes = [shape_of(*box[:5]) for box in boxes]
    codes = ["shared" if box[5] else f"{i}" for i, box in enumerate(boxes)]
    rows = list(zip(codes, shapes, strict=True))
    random.shuffle(rows)
    frame = gpd.GeoDataFrame({"code": [c for c, _ in rows]}, geometry=[s for _, s in rows], crs="EPSG:32650")
    locator, areas = build_locator(frame), build_areas(frame).geometry
    x, y = (np.array([point[i] for point in points]) / 2 for i in (0, 1))
    found = locator.locate(x, y, crs="EPSG:32650")
    for i in range(len(points)):
        plain = locate_plainly(areas, x[i], y[i], frame.crs)
        assert (STATUS_NAMES[found.status[i]], int(found.code_ix[i])) == (plain.status, plain.code_ix)
        assert abs(found.border_m[i] - plain.border_m) < 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 6))
def test_shares_of_a_cover_add_up_to_the_part_of_the_circle_in_it(seed, radius):
    rng = np.random.default_rng(seed)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(rng.uniform(0, 10, (12, 2)))))
    frame = gpd.GeoDataFrame({"code": range(len(cells))}, geometry=cells, crs="EPSG:32650").translate(
        5e5, 3.3e6
    )
    frame = gpd.GeoDataFrame({"code": range(len(cells))}, geometry=frame, crs="EPSG:32650")
    x, y = np.add(rng.uniform(0, 10, 2), (5e5, 3.3e6))
    found = build_locator(frame).locate([x], [y], radius, crs="EPSG:32650")
    whole = shapely.union_all(frame.geometry.values)
    circle = shapely.Point(x, y).buffer(radius * 0.9996, quad_segs=128)
    inside = shapely.area(shapely.intersection(whole, circle)) / circle.area
    assert abs(sum(share for _, share in found.candidates(0)) - inside) < 2e-3
