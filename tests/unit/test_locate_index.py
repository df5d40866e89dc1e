"""The cell index: which areas it takes, and that 16 bits never decide what only exact arithmetic can."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from grid_cover import grid_cover
from pyproj import Geod

from gis_core.locate import build_locator
from gis_core.locate.index import AreaIndex, build_index
from gis_core.locate.locator import _geodesic_m


def lattice(n: int, step: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    """Return n x n squares."""
    at = np.arange(n + 1) * step
    west, south = (axis.ravel() for axis in np.meshgrid(x + at[:-1], y + at[:-1]))
    east, north = (axis.ravel() for axis in np.meshgrid(x + at[1:], y + at[1:]))
    return shapely.box(west, south, east, north)


def voronoi(n: int, seed: int = 4, size: float = 1000.0) -> np.ndarray:
    points = np.random.default_rng(seed).uniform(0, size, (n, 2))
    return shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points)))


def hard_points(areas: np.ndarray, seed: int = 1) -> np.ndarray:
    """Return places all over, on vertices, next to vertices and borders, and level with them."""
    rng = np.random.default_rng(seed)
    vertices = np.unique(shapely.get_coordinates(areas), axis=0)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    anywhere = rng.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low), (3000, 2))
    some = vertices[rng.integers(0, len(vertices), 2000)]
    level = np.column_stack([anywhere[:2000, 0], some[:, 1]])
    upright = np.column_stack([some[:, 0], anywhere[:2000, 1]])
    beside = np.nextafter(some, some + rng.choice([-1.0, 1.0], some.shape))
    along = 0.5 * (some + vertices[rng.integers(0, len(vertices), 2000)])
    return np.vstack([anywhere, vertices, level, upright, beside, along])


def assert_as_shapely(index: AreaIndex, areas: np.ndarray, points: np.ndarray) -> None:
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    at, area = shapely.STRtree(areas).query(shapely.points(points), predicate="intersects")
    lowest = np.full(len(points), len(areas))
    np.minimum.at(lowest, at, area)
    touched = np.zeros(len(points), bool)
    touched[at[shapely.touches(areas[area], shapely.points(points[at]))]] = True
    area_ix, status = index.areas_of(x, y)
    assert np.array_equal(area_ix, np.where(lowest == len(areas), -1, lowest))
    assert np.array_equal(status, np.where(lowest == len(areas), 2, touched))
    label_at = index.asker()
    labels = [label_at(*point) for point in points.tolist()]
    assert np.array_equal(labels, np.where(status == 1, -1, 1) * (area_ix + 1))


@pytest.mark.parametrize(
    "areas",
    [
        lattice(6, 1.0),
        lattice(5, 0.3, 1e-3, -0.7),
        lattice(9, 64.0, 499_968.0, 3_300_032.0),
        voronoi(300),
        grid_cover(30),
        voronoi(40, 9),
        np.array([shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 8, 8)), shapely.box(2, 2, 8, 8)]),
        np.array([shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 8, 8)), shapely.box(3, 3, 4, 4)]),
        np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2), shapely.box(5, 0, 6, 1)]),
        np.array([shapely.Polygon([(0, 0), (1e-9, 1), (1, 1)]), shapely.Polygon([(0, 0), (1, 1), (1, 0)])]),
        shapely.transform(voronoi(60, 2), lambda xy: xy @ np.array([[1.0, 0.01], [1.0, 0.010001]])),
    ],
    ids=[
        "squares",
        "degrees",
        "aligned",
        "voronoi",
        "bricks",
        "few",
        "filled",
        "island",
        "corners",
        "sliver",
        "flat",
    ],
)
def test_covers_get_cells_that_answer_as_shapely(areas: np.ndarray) -> None:
    index = build_index(areas)
    assert index.cells is not None
    assert_as_shapely(index, areas, hard_points(areas))


@pytest.mark.parametrize(
    "areas",
    [
        np.array([shapely.box(0, 0, 10, 10), shapely.box(2, 2, 8, 8)]),
        np.array([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 10)]),
        np.array([shapely.box(0, 0, 10, 10), shapely.box(8, 0, 20, 10)]),
        np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 2, 20, 8)]),
        np.append(lattice(6, 1.0), shapely.box(1.2, 1.2, 1.4, 1.4)),
        np.append(lattice(6, 1.0), shapely.Polygon([(1, 1), (2, 1), (1.5, 1.5)])),
    ],
    ids=["nested", "twice", "overlap", "half a side", "small inside", "inside, on a side"],
)
def test_what_is_no_cover_gets_bands_and_the_same_answers(areas: np.ndarray) -> None:
    index = build_index(areas)
    assert index.cells is None
    assert_as_shapely(index, areas, hard_points(areas))


def test_places_that_are_no_numbers_are_outside() -> None:
    index = build_index(lattice(3, 1.0))
    odd = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300])
    assert index.areas_of(odd, odd)[0].tolist() == [-1] * 5
    assert [index.asker()(x, x) for x in odd.tolist()] == [0] * 5


def test_memory_stays_near_that_of_the_coordinates() -> None:
    areas = grid_cover(1000)
    raw = int(shapely.get_num_coordinates(areas).sum()) * 16
    assert build_index(areas).nbytes <= 2 * raw


def test_the_quickest_answer_is_the_full_answer() -> None:
    areas = voronoi(50)
    locator = build_locator(gpd.GeoDataFrame({"code": range(len(areas))}, geometry=areas, crs="EPSG:32650"))
    points = hard_points(areas)[:400]
    found = locator.locate(points[:, 0], points[:, 1], crs="EPSG:32650")
    alone = locator.locate(points[:, 0], points[:, 1], crs="EPSG:32650", borders=False)
    assert np.array_equal(found.code_ix, alone.code_ix) and np.array_equal(found.status, alone.status)
    for i, (x, y) in enumerate(points.tolist()):
        code = None if found.code_ix[i] < 0 else locator.codes[found.code_ix[i]]
        assert locator.code_at(x, y) == (code, found.status[i] == 1)


def test_short_distances_are_geodesics_to_a_micrometre() -> None:
    from pyproj import CRS

    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(-179, 179, 2000), rng.uniform(-85, 85, 2000)
    east, north = lon + rng.uniform(-0.01, 0.01, 2000), lat + rng.uniform(-0.01, 0.01, 2000)
    expected = Geod(ellps="WGS84").inv(lon, lat, east, north)[2]
    assert np.max(np.abs(_geodesic_m(lon, lat, east, north, CRS.from_epsg(4326)) - expected)) < 1e-5
