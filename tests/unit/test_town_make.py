"""Generated towns: sizes, geometry, names, communities, and that one seed gives one town."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_core.errors import ParameterError
from gis_core.town import ATTRIBUTION, make_town

METRES = "EPSG:32650"
LAYERS = {
    "boundary": {"code", "name", "parent"},
    "buildings": {"id", "households", "population", "levels", "use", "name", "address", "compound"},
    "streets": {"highway", "name", "bridge"},
    "barriers": {"kind", "name"},
    "facilities": {"id", "category", "name"},
    "water": {"name"},
    "green": {"name"},
}
Town = dict[str, gpd.GeoDataFrame]


@pytest.fixture(scope="module", params=[(300, 1), (3000, 0), (9000, 4)], ids=["300", "3000", "9000"])
def town(request: pytest.FixtureRequest) -> Town:
    n_buildings, seed = request.param
    layers = make_town(n_buildings, seed)
    layers["buildings"].attrs["asked"] = n_buildings
    return layers


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_layers_have_the_columns_of_the_contract_in_degrees(town: Town) -> None:
    assert set(town) == set(LAYERS)
    for name, columns in LAYERS.items():
        frame = town[name]
        assert columns <= set(frame.columns), name
        assert frame.crs.to_epsg() == 4326
        assert frame.is_valid.all() and not frame.is_empty.any(), name
        assert frame.attrs["attribution"] == ATTRIBUTION
        west, south, east, north = frame.total_bounds
        assert 113.5 < west <= east < 115.2 and 29.8 < south <= north < 31.1, name


def test_number_of_buildings_is_what_was_asked(town: Town) -> None:
    buildings = town["buildings"]
    assert abs(len(buildings) - buildings.attrs["asked"]) <= 0.02 * buildings.attrs["asked"]
    assert buildings["id"].is_unique
    assert set(buildings.geom_type) == {"Polygon"}


def test_buildings_keep_apart_from_each_other_and_from_streets_and_barriers(town: Town) -> None:
    footprints = town["buildings"].to_crs(METRES).geometry.values
    first, second = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    assert (first == second).all()
    for layer, metres in (("streets", 1.5), ("barriers", 3.0)):
        others = town[layer].to_crs(METRES).geometry.values
        _, distance = shapely.STRtree(others).query_nearest(footprints, return_distance=True)
        assert distance.min() > metres, layer
    assert footprints.area.min() > 10.0
    assert footprints.area.max() < 10_000.0


def test_communities_are_a_coverage_that_holds_every_building(town: Town) -> None:
    boundary = town["boundary"]
    assert set(boundary.geom_type) == {"Polygon"}
    assert shapely.coverage_is_valid(boundary.geometry.values)
    assert shapely.coverage_is_valid(boundary.to_crs(METRES).geometry.values)
    tree = shapely.STRtree(boundary.geometry.values)
    building, _ = tree.query(town["buildings"].geometry.values, predicate="within")
    assert sorted(building) == list(range(len(town["buildings"])))


def test_communities_have_a_usual_number_of_households(town: Town) -> None:
    buildings, boundary = town["buildings"], town["boundary"]
    point = gpd.GeoDataFrame(buildings[["households"]], geometry=buildings.representative_point())
    households = gpd.sjoin(point, boundary, predicate="within").groupby("code")["households"].sum()
    if households.sum() < 1300:
        assert len(boundary) == 1
        return
    assert len(households) == len(boundary)
    assert households.min() >= 600
    assert households.max() <= 4600
    assert 1300 <= households.median() <= 4000


def test_codes_are_unique_and_of_no_real_county(town: Town) -> None:
    boundary = town["boundary"]
    assert boundary["code"].is_unique and boundary["name"].is_unique
    assert boundary["code"].str.fullmatch(r"99\d{10}").all()
    office = boundary["code"].str[:9]
    assert (boundary.groupby(office)["parent"].nunique() == 1).all()


def test_names_are_chinese(town: Town) -> None:
    assert all(is_chinese(name) for name in town["boundary"]["name"])
    assert all(is_chinese(name) for name in town["streets"]["name"].dropna())
    assert all(is_chinese(address) for address in town["buildings"]["address"])
    assert town["streets"]["name"].notna().mean() > 0.6
    compounds = town["buildings"]["compound"].dropna()
    assert len(compounds) and all(is_chinese(name) for name in compounds)
    assert town["buildings"]["name"].dropna().str.contains("栋").any()


def test_households_fit_the_use(town: Town) -> None:
    buildings = town["buildings"]
    assert (buildings["households"] >= 0).all()
    assert buildings["households"].max() <= 300
    assert (buildings["levels"].between(1, 40)).all()
    assert (buildings["population"] >= buildings["households"]).all()
    empty = buildings["use"].isin(["school", "hospital", "industrial", "market", "office"])
    assert (buildings.loc[empty, "households"] == 0).all()
    mean = buildings.groupby("use")["households"].mean()
    assert 1.0 <= mean["village"] <= 8.0
    assert 10.0 <= mean["residential"] <= 150.0


def test_streets_meet_in_common_vertices(town: Town) -> None:
    lines = town["streets"].to_crs(METRES).geometry.values
    ends = shapely.get_coordinates(shapely.boundary(lines))
    vertices = shapely.get_coordinates(lines)
    keys = pd.Series(map(tuple, np.round(vertices, 1))).value_counts()
    shared = np.array([keys[tuple(end)] > 1 for end in np.round(ends, 1)])
    assert shared.mean() > 0.75


def test_main_roads_cross_water_by_bridges(town: Town) -> None:
    streets = town["streets"].to_crs(METRES)
    water = town["barriers"].to_crs(METRES).query("kind == 'water'").union_all()
    crossing = streets[streets.intersects(water.buffer(-1.0))]
    assert (crossing["bridge"] == "yes").all()
    assert len(crossing) < 0.2 * len(streets)


def test_bridges_lead_from_bank_to_bank(town: Town) -> None:
    streets = town["streets"].to_crs(METRES)
    water = town["barriers"].to_crs(METRES).query("kind == 'water'").union_all()
    bridges = streets[(streets["bridge"] == "yes") & streets.intersects(water)]
    assert len(bridges) >= 1
    ends = shapely.points(shapely.get_coordinates(shapely.boundary(bridges.geometry.values)))
    assert not shapely.intersects(ends, water).any()
    assert bridges.length.max() < 700.0


def test_cities_have_rings_towers_and_facilities() -> None:
    city = make_town(9000, 4)
    assert city["streets"]["name"].str.contains("环路", na=False).any()
    assert (city["buildings"]["levels"] > 8).any()
    categories = set(city["facilities"]["category"])
    assert {"gate", "school", "community_centre", "clinic", "kindergarten", "police"} <= categories
    assert {"rail", "water"} == set(city["barriers"]["kind"])


def test_one_seed_gives_one_town_and_another_seed_another() -> None:
    first, again, other = make_town(700, 3), make_town(700, 3), make_town(700, 4)
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame.drop(columns="geometry"), again[name].drop(columns="geometry"))
        assert (shapely.to_wkb(frame.geometry.values) == shapely.to_wkb(again[name].geometry.values)).all()
    same = shapely.to_wkb(first["buildings"].geometry.values) == shapely.to_wkb(
        other["buildings"].geometry.values
    )
    assert not same.all()


def test_global_random_state_is_not_used() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_town(300, 0)
    assert (before == np.random.get_state()[1]).all()  # noqa: NPY002


@pytest.mark.parametrize("n_buildings", [0, 299, 1_000_001])
def test_sizes_out_of_range_are_refused(n_buildings: int) -> None:
    with pytest.raises(ParameterError, match="300 to 1,000,000"):
        make_town(n_buildings)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(ParameterError, match="seed"):
        make_town(300, -1)
