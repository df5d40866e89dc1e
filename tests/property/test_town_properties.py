"""What holds for every generated town, whatever its size and seed."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis_core.town import make_town
from gis_core.town.blocks import inset

SETTINGS = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@SETTINGS
@given(n_buildings=st.integers(300, 5000), seed=st.integers(0, 2**32))
def test_every_town_is_sound(n_buildings: int, seed: int) -> None:
    town = make_town(n_buildings, seed)
    footprints = town["buildings"].to_crs("EPSG:32650").geometry.values
    assert abs(len(footprints) - n_buildings) <= 0.02 * n_buildings
    assert shapely.is_valid(footprints).all()
    first, second = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    assert (first == second).all()
    streets = town["streets"].to_crs("EPSG:32650").geometry.values
    assert len(shapely.STRtree(streets).query(footprints, predicate="intersects")[0]) == 0
    boundary = town["boundary"].geometry.values
    assert shapely.coverage_is_valid(boundary)
    inside, _ = shapely.STRtree(boundary).query(town["buildings"].geometry.values, predicate="within")
    assert sorted(inside) == list(range(len(footprints)))


corner = st.floats(-15.0, 15.0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    shift=st.lists(st.tuples(corner, corner), min_size=4, max_size=4),
    keep=st.tuples(*[st.floats(0.5, 30.0)] * 4),
)
def test_inset_keeps_its_distance_from_every_side(
    shift: list[tuple[float, float]], keep: tuple[float, float, float, float]
) -> None:
    quad = np.array([[(0.0, 0.0), (100.0, 0.0), (100.0, 80.0), (0.0, 80.0)]]) + np.array([shift])
    result = inset(quad, np.array([keep]))[0]
    if np.isnan(result).any():
        assert sum(keep) > 20.0
        return
    plot = shapely.Polygon(result)
    assert plot.is_valid
    assert shapely.Polygon(quad[0]).buffer(1e-6).contains(plot)
    for number in range(4):
        side = shapely.LineString([quad[0][number], quad[0][(number + 1) % 4]])
        assert plot.distance(side) > keep[number] - 1e-6
