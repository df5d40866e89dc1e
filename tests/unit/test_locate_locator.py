"""The locator against shapely: inside, on borders, outside, holes, overlaps, circles, coordinate systems."""

from fractions import Fraction
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from gis_core.crs import convert, from_wgs84
from gis_core.errors import CrsError, DatasetError, ParameterError
from gis_core.locate import INSIDE, NO_POSITION, ON_BORDER, OUTSIDE, STATUS_NAMES, Located, build_locator
from gis_core.locate.areas import build_areas
from gis_core.locate.exact import side
from gis_core.locate.reference import circle_shares_plainly, locate_plainly

#: Metres of a UTM zone at its edge are this far from metres on the ground.
SCALE = 0.004
CHICAGO = Path(__file__).parents[2].parent / "shared" / "data" / "incidents-chicago"


def patchwork(n: int, seed: int = 5, crs: str = "EPSG:4326") -> gpd.GeoDataFrame:
    """Return an exact coverage of n x n crooked quadrilaterals with a kink in every side, codes in random order."""
    rng = np.random.default_rng(seed)
    lattice = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0))
    x, y = (axis + rng.uniform(-0.3, 0.3, (n + 1, n + 1)) for axis in lattice)
    corner = np.stack([x, y], axis=-1)
    flat = (corner[:, :-1] + corner[:, 1:]) / 2 + rng.uniform(-0.1, 0.1, (n + 1, n, 2))
    upright = (corner[:-1] + corner[1:]) / 2 + rng.uniform(-0.1, 0.1, (n, n + 1, 2))
    shapes = []
    for r in range(n):
        for c in range(n):
            ring = [corner[r, c], flat[r, c], corner[r, c + 1], upright[r, c + 1], corner[r + 1, c + 1],
                    flat[r + 1, c], corner[r + 1, c], upright[r, c]]  # fmt: skip
            shapes.append(shapely.Polygon(np.array(ring) * [0.012, 0.009] + [114.0, 30.0]))
    codes = [f"{i:03d}" for i in rng.permutation(len(shapes))]
    return gpd.GeoDataFrame({"code": codes}, geometry=shapes, crs="EPSG:4326").to_crs(crs)


def squares(*boxes: tuple[str, float, float, float, float], crs: str = "EPSG:32650") -> gpd.GeoDataFrame:
    """Return named boxes in metres."""
    return gpd.GeoDataFrame(
        {"code": [b[0] for b in boxes]}, geometry=[shapely.box(*b[1:]) for b in boxes], crs=crs
    )


def names(locator, found: Located) -> list[tuple[str, str]]:
    codes = [*locator.codes, ""]
    return [(STATUS_NAMES[s], codes[i]) for s, i in zip(found.status, found.code_ix, strict=True)]


def by_shapely(areas: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the lowest area that covers each point, -1 where none does."""
    point, area = shapely.STRtree(areas).query(shapely.points(x, y), predicate="intersects")
    lowest = np.full(len(x), len(areas))
    np.minimum.at(lowest, point, area)
    return np.where(lowest == len(areas), -1, lowest)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4547", "EPSG:3857"])
def test_answers_equal_shapely(crs):
    frame = patchwork(8, crs=crs)
    areas = build_areas(frame).geometry
    locator = build_locator(frame)
    rng = np.random.default_rng(1)
    x = rng.uniform(113.99, 114.11, 20_000)
    y = rng.uniform(29.99, 30.085, 20_000)
    found = locator.locate(x, y)
    px, py = convert(x, y, "wgs84", frame.crs)
    assert np.array_equal(found.code_ix, by_shapely(areas, px, py))
    assert set(found.status) == {INSIDE, OUTSIDE}
    for i in range(0, 20_000, 199):
        plain = locate_plainly(areas, px[i], py[i], frame.crs)
        assert (STATUS_NAMES[found.status[i]], found.code_ix[i]) == (plain.status, plain.code_ix)
        assert found.border_m[i] == pytest.approx(plain.border_m, abs=0.02)


def test_vertices_edges_and_corners_are_on_the_border_and_the_lowest_code_wins():
    frame = patchwork(6)
    areas = build_areas(frame).geometry
    locator = build_locator(frame)
    vertices = np.unique(shapely.get_coordinates(areas), axis=0)
    found = locator.locate(vertices[:, 0], vertices[:, 1])
    assert np.all(found.status == ON_BORDER) and np.all(found.border_m == 0)
    assert np.array_equal(found.code_ix, by_shapely(areas, vertices[:, 0], vertices[:, 1]))
    plain = [locate_plainly(areas, x, y, frame.crs) for x, y in vertices[:40].tolist()]
    assert [p.status for p in plain] == ["on_border"] * 40


def test_points_of_an_edge_that_floats_can_hold_are_on_it_and_their_neighbours_are_not():
    locator = build_locator(squares(("b", 0, 0, 10, 10), ("a", 10, 0, 20, 10)))
    x = np.array([10.0, np.nextafter(10.0, 0), np.nextafter(10.0, 20), 0.0, 20.0, 5.0, 15.0])
    y = np.array([5.0, 5.0, 5.0, 0.0, 10.0, 0.0, np.nextafter(10.0, 11)])
    found = locator.locate(x, y, crs="EPSG:32650")
    assert names(locator, found) == [
        ("on_border", "a"), ("inside", "b"), ("inside", "a"), ("on_border", "b"), ("on_border", "a"),
        ("on_border", "b"), ("outside", ""),
    ]  # fmt: skip


def test_side_test_is_exact_where_plain_arithmetic_is_not():
    wrong = 0
    for i in range(64):
        for j in range(64):
            px, py = 0.5 + i * 2.0**-53, 0.5 + j * 2.0**-53
            exact = Fraction(py) - Fraction(px)
            assert np.sign(side(12.0, 12.0, 24.0, 24.0, px, py)) == (exact > 0) - (exact < 0)
            naive = (12.0 - px) * (24.0 - py) - (12.0 - py) * (24.0 - px)
            wrong += np.sign(naive) != (exact > 0) - (exact < 0)
    assert wrong > 0


def test_holes_are_outside_and_have_their_border():
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    locator = build_locator(gpd.GeoDataFrame({"code": ["A"]}, geometry=[ring], crs="EPSG:32650"))
    found = locator.locate([50, 40, 30, 45], [50, 50, 50, 50], crs="EPSG:32650")
    assert names(locator, found) == [("outside", ""), ("on_border", "A"), ("inside", "A"), ("outside", "")]
    assert found.border_m == pytest.approx([10, 0, 10, 5], rel=SCALE)
    assert found.nearest_ix.tolist() == [0, 0, 0, 0]


def test_outside_names_the_nearest_area_and_the_lowest_of_equals():
    locator = build_locator(squares(("007", 0, 0, 10, 10), ("003", 10, 0, 20, 10), ("001", 100, 0, 110, 10)))
    found = locator.locate([10, 4, 16, 60.1, -5000], [14, 13, 13, 5, 5], crs="EPSG:32650")
    assert [locator.codes[i] for i in found.nearest_ix] == ["003", "007", "003", "001", "007"]
    assert found.border_m == pytest.approx([4, 3, 3, 39.9, 5000], rel=SCALE)
    assert np.all(found.code_ix == -1)


def test_distance_is_geodesic_in_any_system_of_the_layer():
    expected = Geod(ellps="WGS84").inv(114.05, 30.04, 114.05, 30.05)[2]
    frame = gpd.GeoDataFrame(
        {"code": ["1"]}, geometry=[shapely.box(114.049, 30.05, 114.051, 30.1)], crs="EPSG:4326"
    )
    for crs in ("EPSG:4326", "EPSG:3857", "EPSG:4547"):
        found = build_locator(frame.to_crs(crs)).locate([114.05], [30.04])
        assert found.border_m[0] == pytest.approx(expected, abs=0.2)


def test_rows_with_one_code_are_one_area_without_borders_between_them():
    locator = build_locator(squares(("A", 0, 0, 10, 10), ("A", 10, 0, 20, 10), ("A", 50, 0, 60, 10)))
    assert locator.codes == ("A",)
    found = locator.locate([10, 10, 55], [5, 10, 5], crs="EPSG:32650")
    assert names(locator, found) == [("inside", "A"), ("on_border", "A"), ("inside", "A")]
    assert found.border_m[0] == pytest.approx(5, rel=SCALE)


def test_overlaps_are_reported_and_the_lowest_code_wins():
    boxes = ("B", 0, 0, 10, 10), ("A", 8, 0, 20, 10), ("C", 30, 0, 40, 10), ("D", 32, 2, 38, 8)
    locator = build_locator(squares(*boxes))
    assert [(f.code, f.count, f.ids) for f in locator.faults] == [("overlap", 2, ("A,B", "C,D"))]
    found = locator.locate([9, 5, 15, 35, 32], [5] * 5, crs="EPSG:32650")
    assert names(locator, found) == [
        ("inside", "A"), ("inside", "B"), ("inside", "A"), ("inside", "C"), ("on_border", "C"),
    ]  # fmt: skip


def test_areas_that_only_touch_are_no_overlap():
    assert build_locator(squares(("A", 0, 0, 10, 10), ("B", 10, 5, 20, 15))).faults == ()


def test_codes_are_text_and_compare_as_text():
    frame = squares(("x", 0, 0, 10, 10), ("x", 10, 0, 20, 10))
    assert build_locator(frame.assign(code=[9, 10])).codes == ("10", "9")
    assert build_locator(frame.assign(code=[9.0, 10.0])).codes == ("10", "9")
    assert build_locator(frame.assign(beat=["09", "9"]), "beat").codes == ("09", "9")


def test_faulty_rows_are_left_out_and_reported():
    frame = squares(("A", 0, 0, 10, 10), ("B", 10, 0, 20, 10), ("C", 20, 0, 30, 10), ("D", 30, 0, 40, 10))
    shapes = frame.geometry.tolist()
    shapes[1] = None
    shapes[2] = shapely.Point(1, 1)
    shapes[3] = shapely.Polygon([(30, 0), (40, 10), (40, 0), (30, 10)])
    frame = gpd.GeoDataFrame({"code": ["A", "B", "C", "D"]}, geometry=shapes, crs=frame.crs)
    frame.loc[4] = [None, shapely.box(50, 0, 60, 10)]
    locator = build_locator(frame)
    assert locator.codes == ("A", "D")
    assert {f.code: f.rows for f in locator.faults} == {
        "empty-geometry": (1,), "not-polygon": (2,), "no-code": (4,), "invalid-geometry": (3,),
    }  # fmt: skip


def test_unusable_layers_are_refused_with_a_sentence():
    frame = squares(("A", 0, 0, 10, 10))
    with pytest.raises(ParameterError, match="no column 'beat'"):
        build_locator(frame, "beat")
    with pytest.raises(CrsError):
        build_locator(frame.set_crs(None, allow_override=True))
    with pytest.raises(DatasetError):
        build_locator(frame.iloc[:0])


def test_missing_positions_have_a_status_of_their_own():
    locator = build_locator(patchwork(2))
    found = locator.locate([np.nan, np.inf, 114.01, 114.01], [30.0, 30.0, np.nan, 95.0], [5, 5, 5, 5])
    assert found.status.tolist() == [NO_POSITION] * 4
    assert found.code_ix.tolist() == [-1] * 4 and found.nearest_ix.tolist() == [-1] * 4
    assert np.all(np.isnan(found.border_m)) and found.candidates(0) == []


def test_no_points_give_no_answers():
    found = build_locator(patchwork(2)).locate([], [], [])
    assert len(found.status) == len(found.border_m) == 0


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000", "EPSG:4547"])
def test_positions_in_other_systems_get_the_same_answer(crs):
    locator = build_locator(patchwork(4))
    rng = np.random.default_rng(3)
    x, y = rng.uniform(114.0, 114.05, 500), rng.uniform(30.0, 30.04, 500)
    straight, shifted = locator.locate(x, y), locator.locate(*from_wgs84(x, y, crs), crs=crs)
    assert np.array_equal(straight.code_ix, shifted.code_ix)
    assert np.allclose(straight.border_m, shifted.border_m, atol=1e-3)


def test_shares_of_circles_equal_shapely():
    frame = patchwork(5).to_crs("EPSG:4547")
    areas = build_areas(frame).geometry
    locator = build_locator(frame)
    rng = np.random.default_rng(2)
    west, south, east, north = locator.bounds
    x, y = rng.uniform(west - 100, east + 100, 60), rng.uniform(south - 100, north + 100, 60)
    radius = rng.uniform(5, 900, 60)
    found = locator.locate(x, y, radius, crs="EPSG:4547")
    for i in range(60):
        shares = np.zeros(len(areas))
        for area, share in found.candidates(i):
            shares[area] = share
        assert np.allclose(shares, circle_shares_plainly(areas, x[i], y[i], radius[i]), atol=2e-4)
        listed = [share for _, share in found.candidates(i)]
        assert listed == sorted(listed, reverse=True)


def test_radius_zero_negative_missing_and_wide():
    locator = build_locator(squares(("A", 0, 0, 100, 100), ("B", 100, 0, 200, 100)))
    found = locator.locate([50, 50, 50, 100, 500], [50] * 5, [0, -1, np.nan, 10, 10], crs="EPSG:32650")
    assert [found.candidates(i) for i in range(3)] == [[(0, 1.0)], [], []]
    assert found.candidates(3) == [(0, pytest.approx(0.5)), (1, pytest.approx(0.5))]
    assert found.candidates(4) == []


def test_radius_is_metres_on_the_ground_also_in_web_mercator():
    frame = patchwork(5)
    x, y = np.full(1, 114.03), np.full(1, 30.02)
    flat = build_locator(frame).locate(x, y, 400.0).candidates(0)
    mercator = build_locator(frame.to_crs("EPSG:3857")).locate(x, y, 400.0).candidates(0)
    assert [area for area, _ in flat] == [area for area, _ in mercator]
    assert [s for _, s in flat] == pytest.approx([s for _, s in mercator], abs=0.002)


@pytest.mark.skipif(not CHICAGO.is_dir(), reason="the Chicago incidents are not here")
def test_chicago_equals_shapely():
    frame = gpd.read_parquet(CHICAGO / "beats.parquet")
    rows = pd.read_csv(CHICAGO / "incidents.csv.gz")
    x, y = rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
    locator = build_locator(frame, "beat")
    found = locator.locate(x, y)
    assert np.array_equal(found.code_ix, by_shapely(build_areas(frame, "beat").geometry, x, y))
    answered = pd.Series([*locator.codes, ""]).to_numpy()[found.code_ix]
    assert np.mean(answered == rows["beat"].astype(str).to_numpy()) > 0.9
