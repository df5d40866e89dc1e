"""GCJ-02 and BD-09 there and back: under a millimetre where the shift applies, exact elsewhere."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from gis_core.crs import from_wgs84, in_mainland, mainland, to_wgs84

GEOD = Geod(ellps="WGS84")
LONGITUDES = st.floats(74, 135)
LATITUDES = st.floats(18, 53.5)


def _gap_m(name: str, lon: float, lat: float) -> float:
    back = to_wgs84(*from_wgs84(lon, lat, name), name)
    return float(GEOD.inv(float(back[0]), float(back[1]), lon, lat)[2])


@settings(max_examples=150, deadline=None)
@given(LONGITUDES, LATITUDES, st.sampled_from(["gcj02", "bd09"]))
def test_round_trip_on_the_mainland(lon, lat, name):
    assume(bool(in_mainland(np.array(lon), np.array(lat))))
    assert _gap_m(name, lon, lat) < 1e-3


@settings(max_examples=100, deadline=None)
@given(st.floats(-180, 180), st.floats(-85, 85), st.sampled_from(["gcj02", "bd09"]))
def test_round_trip_outside_is_exact_beyond_the_ambiguous_strip(lon, lat, name):
    import shapely

    assume(shapely.distance(mainland(), shapely.Point(lon, lat)) > 0.03)
    assert _gap_m(name, lon, lat) == 0


@settings(max_examples=60, deadline=None)
@given(st.floats(112.6, 115.4), st.floats(20, 40))
def test_round_trip_through_a_projected_system(lon, lat):
    assert _gap_m("EPSG:4547", lon, lat) < 1e-3
