"""Names of coordinate systems, published values of the shifts, and where they apply."""

import numpy as np
import pytest
from pyproj import CRS, Geod

from gis_core.crs import CRS_NAMES, convert, from_wgs84, in_mainland, is_wgs84_like, parse_crs, to_wgs84
from gis_core.crs.china import bd09_from_gcj02, gcj02_from_wgs84
from gis_core.errors import CrsError

GEOD = Geod(ellps="WGS84")

#: (WGS 84, GCJ-02) pairs that several public converters give as their test values.
PUBLISHED_GCJ02 = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
]

#: Both banks of the border at places where it matters: name, longitude, latitude, on the mainland.
BANKS = [
    ("Luohu, Shenzhen", 114.118, 22.537, True),
    ("Lo Wu, Hong Kong", 114.113, 22.528, False),
    ("Shekou, Shenzhen", 113.915, 22.485, True),
    ("Tin Shui Wai, Hong Kong", 114.000, 22.460, False),
    ("Lantau, Hong Kong", 113.920, 22.310, False),
    ("Gongbei, Zhuhai", 113.549, 22.222, True),
    ("Hengqin, Zhuhai", 113.525, 22.120, True),
    ("Macau peninsula", 113.543, 22.190, False),
    ("Coloane, Macau", 113.560, 22.120, False),
    ("Xiamen", 118.165, 24.430, True),
    ("Kinmen", 118.320, 24.430, False),
    ("Huangqi, Fujian", 119.880, 26.335, True),
    ("Nangan, Matsu", 119.930, 26.155, False),
    ("Taipei", 121.560, 25.030, False),
    ("Sanya, Hainan", 109.510, 18.250, True),
    ("Heihe", 127.490, 50.240, True),
    ("Blagoveshchensk", 127.540, 50.275, False),
    ("Dandong", 124.380, 40.130, True),
    ("Sinuiju", 124.410, 40.095, False),
    ("Manzhouli", 117.440, 49.590, True),
    ("Zabaykalsk", 117.330, 49.650, False),
    ("Khorgos", 80.420, 44.200, True),
    ("Hekou", 103.960, 22.510, True),
    ("Lao Cai", 103.975, 22.490, False),
    ("Ruili", 97.850, 24.010, True),
    ("Muse", 97.900, 23.980, False),
    ("Kashgar", 75.990, 39.470, True),
    ("Seoul", 127.000, 37.550, False),
    ("Hanoi", 105.850, 21.030, False),
    ("Ulaanbaatar", 106.900, 47.900, False),
    ("Thimphu", 89.640, 27.470, False),
]


@pytest.mark.parametrize(("wgs", "gcj"), PUBLISHED_GCJ02)
def test_gcj02_gives_the_published_values(wgs, gcj):
    assert np.allclose(from_wgs84(*wgs, "gcj02"), gcj, rtol=0, atol=1e-11)


def test_bd09_gives_the_published_value():
    shifted = bd09_from_gcj02(np.array([116.404]), np.array([39.915]))
    assert np.allclose(np.ravel(shifted), (116.41036949371029, 39.92133699351021), rtol=0, atol=1e-11)


def test_the_usual_one_step_inverse_is_metres_off_and_ours_is_not():
    lon, lat = np.array([116.404]), np.array([39.915])
    gcj = gcj02_from_wgs84(lon, lat)
    again = gcj02_from_wgs84(*gcj)
    one_step = 2 * gcj[0] - again[0], 2 * gcj[1] - again[1]
    assert GEOD.inv(*one_step, lon, lat)[2][0] > 0.05
    assert GEOD.inv(*to_wgs84(*gcj, "gcj02"), lon, lat)[2][0] < 1e-5


@pytest.mark.parametrize(("place", "lon", "lat", "mainland"), BANKS, ids=[row[0] for row in BANKS])
def test_shifts_apply_on_the_mainland_only(place, lon, lat, mainland):
    assert bool(in_mainland(np.array(lon), np.array(lat))) is mainland
    for name in ("gcj02", "bd09"):
        x, y = from_wgs84(lon, lat, name)
        moved_m = GEOD.inv(lon, lat, float(x), float(y))[2]
        assert (15 < moved_m < 2000) if mainland else moved_m == 0


def test_names_are_read_in_any_case():
    assert [parse_crs(name).name for name in ("WGS84", " GCJ-02", "bd-09", "epsg:4490")] == [
        "wgs84", "gcj02", "bd09", "cgcs2000",
    ]  # fmt: skip
    assert parse_crs("EPSG:3857").name == "EPSG:3857"
    assert parse_crs("cgcs2000").crs == CRS.from_epsg(4490)
    assert [parse_crs(name).is_geographic for name in (*CRS_NAMES, "EPSG:4547")] == [True] * 4 + [False]


@pytest.mark.parametrize("name", ["", "wgs 85", "EPSG:", "EPSG:999999", "EPSG:5773", "4326", "EPSG:4978"])
def test_unknown_names_are_refused_with_a_sentence(name):
    with pytest.raises(CrsError) as caught:
        parse_crs(name)
    assert caught.value.code == "bad-crs"
    assert caught.value.message.endswith(".")


def test_cgcs2000_keeps_its_numbers_and_projected_systems_follow_pyproj():
    lon, lat = np.array([114.3, 114.4]), np.array([30.5, 30.6])
    assert np.array_equal(to_wgs84(lon, lat, "cgcs2000"), (lon, lat))
    x, y = from_wgs84(lon, lat, "EPSG:4547")
    assert np.all((x > 300_000) & (x < 700_000)) and np.all((y > 3_000_000) & (y < 4_000_000))
    assert np.allclose(to_wgs84(x, y, "EPSG:4547"), (lon, lat), rtol=0, atol=1e-11)


def test_convert_leaves_numbers_alone_within_one_system():
    x, y = np.array([500_000.1]), np.array([3_000_000.2])
    assert np.array_equal(convert(x, y, "EPSG:4547", CRS.from_epsg(4547)), (x, y))
    assert np.array_equal(
        convert([114.123456789], [30.1], "wgs84", CRS.from_epsg(4490)), ([114.123456789], [30.1])
    )
    gcj = from_wgs84(114.3, 30.5, "gcj02")
    assert np.allclose(
        convert(*gcj, "gcj02", CRS.from_epsg(4547)), from_wgs84(114.3, 30.5, "EPSG:4547"), rtol=0, atol=1e-4
    )


def test_missing_positions_stay_missing_and_inputs_are_not_changed():
    x, y = np.array([np.nan, 116.4]), np.array([30.0, np.inf])
    for name in (*CRS_NAMES, "EPSG:4547"):
        lon, lat = to_wgs84(x, y, name)
        assert not np.any(np.isfinite(lon) & np.isfinite(lat))
    assert np.isnan(x[0]) and y[1] == np.inf


def test_what_counts_as_wgs84_numbers():
    assert is_wgs84_like(CRS.from_user_input("OGC:CRS84"))
    assert is_wgs84_like(CRS.from_epsg(4490))
    assert not is_wgs84_like(CRS.from_epsg(3857))
    assert not is_wgs84_like(CRS.from_epsg(4214))
