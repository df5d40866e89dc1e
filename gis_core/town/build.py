"""Make a town: plan, streets, buildings, households, communities, and the layers of the dataset contract.

Everything follows from the number of buildings and the seed. Work is done on whole arrays; time grows linearly.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.town.blocks import Blocks, Superblocks, build_blocks, build_superblocks
from gis_core.town.communities import Communities, build_communities
from gis_core.town.corridors import Corridor, build_corridors
from gis_core.town.footprints import Footprints, build_footprints, footprint_polygons
from gis_core.town.households import count_households
from gis_core.town.kinds import KIND_NAMES, KINDS, ROADS
from gis_core.town.labels import (
    BuildingLabels,
    building_labels,
    community_names,
    facility_points,
    office_names,
    park_names,
)  # fmt: skip
from gis_core.town.lattice import build_lattice
from gis_core.town.names import COUNTY_CODE, NameBook
from gis_core.town.streets import StreetNames, Streets, build_streets, gates, main_roads, name_streets

__all__ = ["ATTRIBUTION", "LARGEST", "SMALLEST", "make_town"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ATTRIBUTION = "Generated data, not a real place"
SMALLEST, LARGEST = 300, 1_000_000
#: Metres in which towns are planned, and the place of their middle in it (114.35 E 30.45 N).
PLAN_CRS = "EPSG:32650"
MIDDLE = (245_500.0, 3_371_800.0)
#: Buildings of a superblock as a first guess; more superblocks are planned where it was too high.
GUESS_SMALL, GUESS_CITY = 150, 190


@dataclass(frozen=True)
class _Plan:
    """A town in metres before it is written as layers."""

    superblocks: Superblocks
    blocks: Blocks
    corridors: list[Corridor]
    gate_side: Ints
    gate: Floats
    buildings: Footprints


def make_town(n_buildings: int, seed: int = 0) -> dict[str, gpd.GeoDataFrame]:
    """Generate a fictitious Chinese town as the layers of a dataset, in EPSG:4326.

    Footprints are valid, do not overlap, and lie on no street, water or railway. Communities form a valid polygon
    coverage that holds every building. One number and seed give one town.

    Parameters
    ----------
    n_buildings : int
        How many buildings, 300 to 1,000,000; the result has exactly that many.
    seed : int
        Which town of that size; not negative.

    Returns
    -------
    dict of layer name to GeoDataFrame
        `boundary` (`code`, `name`, `parent`), `buildings` (`id`, `households`, `population`, `levels`, `use`, `name`,
        `address`, `compound`), `streets` (`highway`, `name`, `bridge`), `barriers` (`kind`, `name`), `facilities`
        (`id`, `category`, `name`), `water` and `green` (`name`). `attrs["attribution"]` of each holds the notice.

    Raises
    ------
    ParameterError
        A number outside the range, or a negative seed.

    Notes
    -----
    Linear in `n_buildings`.
    """
    if not SMALLEST <= n_buildings <= LARGEST:
        raise ParameterError(
            f"A town has {SMALLEST} to {LARGEST:,} buildings, not {n_buildings:,}.", n_buildings=n_buildings
        )
    if seed < 0:
        raise ParameterError(f"The seed is a whole number from 0, not {seed}.", seed=seed)
    rng = np.random.default_rng([seed, n_buildings])
    scale = float(np.clip(np.log10(n_buildings / 1500) / 1.9, 0.0, 1.0))
    plan = _plan(n_buildings, scale, rng)
    book = NameBook(rng)
    roads = main_roads(plan.superblocks)
    names = name_streets(plan.superblocks, book)
    outline = _outline(roads)
    streets = build_streets(
        plan.superblocks, plan.blocks, roads, plan.gate_side, plan.gate, names, plan.corridors, outline, rng
    )
    quad, block = plan.buildings.quad, plan.buildings.block
    width = np.hypot(*(quad[:, 1] - quad[:, 0]).T)
    depth = np.hypot(*(quad[:, 3] - quad[:, 0]).T)
    numbers = count_households(plan.blocks.kind[block], block, width, depth, scale, rng)
    communities = build_communities(
        plan.superblocks,
        roads,
        outline,
        plan.corridors,
        quad.mean(axis=1),
        numbers[1],
        plan.blocks.owner[block],
    )
    return _layers(plan, streets, names, numbers, communities, outline, book, rng)


def _plan(n_buildings: int, scale: float, rng: np.random.Generator) -> _Plan:
    """Plan superblocks until they hold enough buildings, then keep the first ones and thin out what is too much."""
    guess = n_buildings / (GUESS_SMALL + (GUESS_CITY - GUESS_SMALL) * scale)
    seeds = rng.integers(0, 2**62, 6)
    while True:
        count = max(2, int(np.ceil(guess * 1.12)))
        lattice = build_lattice(count, scale, np.random.default_rng(seeds[0]))
        count = min(count, len(lattice.row))
        superblocks = build_superblocks(lattice, count, scale, np.random.default_rng(seeds[1]))
        radius_m = float(np.sqrt(count) * 0.5 * 400.0)
        corridors = build_corridors(radius_m, n_buildings, np.random.default_rng(seeds[2]))
        blocks = build_blocks(superblocks, scale, np.random.default_rng(seeds[3]))
        compound = np.isin(blocks.kind, [KIND_NAMES.index("slab"), KIND_NAMES.index("tower")])
        gate_side, gate = gates(superblocks, blocks, compound)
        buildings = build_footprints(blocks, gate_side, gate, np.random.default_rng(seeds[4]))
        buildings = buildings.take(_clear_of(corridors, buildings.quad))
        owner = blocks.owner[buildings.block]
        per_superblock = np.cumsum(np.bincount(owner, minlength=count))
        if per_superblock[-1] >= n_buildings:
            break
        guess *= max(1.1, n_buildings / max(per_superblock[-1], 1) * 1.05)
    last = int(np.searchsorted(per_superblock, n_buildings))
    return _cut_to(
        last + 1, n_buildings, superblocks, blocks, corridors, gate_side, gate, buildings, seeds[5]
    )


def _clear_of(corridors: list[Corridor], quad: Floats) -> NDArray[np.bool_]:
    """Find the buildings that stand clear of river, canal and railway."""
    clear = np.ones(len(quad), dtype=bool)
    middle = quad.mean(axis=1)
    for corridor in corridors:
        west, south, east, north = corridor.clear.bounds
        near = (middle > (west - 60, south - 60)).all(axis=1) & (middle < (east + 60, north + 60)).all(axis=1)
        shapely.prepare(corridor.clear)
        tree = np.flatnonzero(near)
        for part in np.array_split(tree, max(1, len(tree) // 100_000)):
            clear[part] &= ~shapely.intersects(corridor.clear, shapely.polygons(quad[part]))
    return clear


def _cut_to(
    count: int, n_buildings: int, superblocks: Superblocks, blocks: Blocks, corridors: list[Corridor],
    gate_side: Ints, gate: Floats, buildings: Footprints, seed: int,
) -> _Plan:  # fmt: skip
    """Keep the first `count` superblocks, and of their buildings exactly `n_buildings`; small houses go first."""
    kept_block = blocks.owner < count
    n_blocks = int(kept_block.sum())
    buildings = buildings.take(buildings.block < n_blocks)
    surplus = len(buildings.block) - n_buildings
    small = np.isin(
        blocks.kind[buildings.block], [KIND_NAMES.index(name) for name in ("village", "lane", "court")]
    )
    order = np.lexsort((np.random.default_rng(seed).random(len(small)), ~small))
    stay = np.ones(len(small), dtype=bool)
    stay[order[:surplus]] = False
    superblocks = Superblocks(
        superblocks.lattice, superblocks.district[:count], superblocks.parts[:count], superblocks.cut[:count],
        superblocks.node[:count], superblocks.inner[:count],
    )  # fmt: skip
    blocks = Blocks(*(getattr(blocks, name)[kept_block] for name in Blocks.__dataclass_fields__))
    return _Plan(superblocks, blocks, corridors, gate_side[:n_blocks], gate[:n_blocks], buildings.take(stay))


def _outline(roads: list[tuple[int, int, int, Floats]]) -> shapely.Polygon:
    """Return the outer border of all superblocks; ground that they surround is part of the town."""
    faces = shapely.polygonize([shapely.LineString(points) for *_, points in roads])
    whole = shapely.union_all(shapely.get_parts(faces), grid_size=0.01)
    return shapely.Polygon(max(shapely.get_parts(whole), key=shapely.area).exterior)


def _degrees(points: Floats) -> Floats:
    """Turn metres of the plan into longitude and latitude."""
    transformer = pyproj.Transformer.from_crs(PLAN_CRS, "EPSG:4326", always_xy=True)
    flat = points.reshape(-1, 2)
    lon, lat = transformer.transform(flat[:, 0] + MIDDLE[0], flat[:, 1] + MIDDLE[1])
    return np.stack([lon, lat], axis=1).reshape(points.shape)


def _frame(columns: dict[str, object], metres: NDArray[np.object_]) -> gpd.GeoDataFrame:
    geometry = shapely.transform(np.asarray(metres, dtype=object), _degrees)
    return _with_notice(gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326"))


def _with_notice(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.attrs["attribution"] = ATTRIBUTION
    return frame


def _layers(
    plan: _Plan, streets: Streets, names: StreetNames, numbers: tuple[Ints, Ints, Ints], communities: Communities,
    outline: shapely.Polygon, book: NameBook, rng: np.random.Generator,
) -> dict[str, gpd.GeoDataFrame]:  # fmt: skip
    blocks, buildings = plan.blocks, plan.buildings
    labels = building_labels(plan.superblocks, blocks, buildings.block, names, book)
    built = _buildings_layer(plan, numbers, labels)
    offices = office_names(int(communities.office.max()) + 1, rng)
    community = community_names(communities, buildings.block, labels, blocks, book)
    spots = facility_points(
        plan.superblocks, blocks, buildings, plan.gate_side, plan.gate, labels, communities, community, rng
    )
    parks = np.flatnonzero((blocks.kind == KIND_NAMES.index("park")) & ~np.isnan(blocks.plot[:, 0, 0]))
    ponds, lawns = _parks(blocks, parks, plan.corridors, rng)
    lines = np.array(streets.line, dtype=object)
    return {
        "boundary": _frame(
            {
                "code": _codes(communities.office),
                "name": community,
                "parent": [offices[number] for number in communities.office],
            },
            communities.polygon,
        ),
        "buildings": built,
        "streets": _frame(
            {
                "highway": np.array(ROADS, dtype=object)[streets.rank],
                "name": _text(streets.name),
                "bridge": _text(["yes" if bridge else "" for bridge in streets.bridge]),
            },
            lines,
        ),
        "barriers": _barriers_layer(plan.corridors, outline),
        "facilities": _frame(
            {
                "id": [f"F{number:06d}" for number in range(1, len(spots.name) + 1)],
                "category": _text(spots.category),
                "name": _text(spots.name),
            },
            shapely.points(np.asarray(spots.point)),
        ),
        "water": _water_layer(plan.corridors, ponds, outline),
        "green": _green(plan, parks, lawns, names, outline),
    }


def _buildings_layer(
    plan: _Plan, numbers: tuple[Ints, Ints, Ints], labels: BuildingLabels
) -> gpd.GeoDataFrame:
    levels, households, population = numbers
    buildings = plan.buildings
    uses = np.array([entry.use for entry in KINDS.values()], dtype=object)
    columns = {
        "id": [f"B{number:07d}" for number in range(1, len(buildings.block) + 1)],
        "households": households,
        "population": population,
        "levels": levels.astype(np.int32),
        "use": uses[plan.blocks.kind[buildings.block]],
        "name": labels.name,
        "address": labels.address,
        "compound": labels.compound,
    }
    outlines = footprint_polygons(_degrees(buildings.quad), buildings.shape)
    return _with_notice(gpd.GeoDataFrame(columns, geometry=outlines, crs="EPSG:4326"))


def _barriers_layer(corridors: list[Corridor], outline: shapely.Polygon) -> gpd.GeoDataFrame:
    """List water as polygons and the railway as a line, as far as they are in the town."""
    rail = [corridor.kind == "rail" for corridor in corridors]
    shapes = [
        corridor.line if on_rail else corridor.body for corridor, on_rail in zip(corridors, rail, strict=True)
    ]
    cut = shapely.intersection(np.array(shapes, dtype=object), outline)
    inside = np.flatnonzero(~shapely.is_empty(cut))
    columns: dict[str, object] = {
        "kind": ["rail" if rail[number] else "water" for number in inside],
        "name": [corridors[number].name for number in inside],
    }
    return _frame(columns, cut[inside])


def _water_layer(
    corridors: list[Corridor], ponds: list[shapely.Polygon], outline: shapely.Polygon
) -> gpd.GeoDataFrame:
    wet = [corridor for corridor in corridors if corridor.kind != "rail"]
    shapes = [*(shapely.intersection(corridor.body, outline) for corridor in wet), *ponds]
    names = [*(corridor.name for corridor in wet), *([""] * len(ponds))]
    inside = [number for number, shape in enumerate(shapes) if not shape.is_empty]
    columns = {"name": _text([names[number] for number in inside])}
    return _frame(columns, np.array(shapes, dtype=object)[inside])


def _text(values: list[str]) -> pd.Series:
    return pd.Series([value or None for value in values], dtype=object)


def _codes(office: Ints) -> list[str]:
    """Give 12-digit codes: a fictitious county, street office, community; 30 street offices a county."""
    codes, place = [], 0
    for number, value in enumerate(office.tolist()):
        place = place + 1 if number and value == office[number - 1] else 1
        county, within = divmod(value, 30)
        codes.append(f"{COUNTY_CODE + county + 1:06d}{within + 1:03d}{place:03d}")
    return codes


def _parks(
    blocks: Blocks, parks: Ints, corridors: list[Corridor], rng: np.random.Generator
) -> tuple[list[shapely.Polygon], NDArray[np.object_]]:
    """Draw lawns of parks up to the river, and a pond in the larger ones."""
    lawns = shapely.polygons(blocks.plot[parks]) if len(parks) else np.empty(0, dtype=object)
    for corridor in corridors:
        lawns = shapely.difference(lawns, corridor.bank) if len(lawns) else lawns
    ponds = []
    turn = np.linspace(0, 2 * np.pi, 40)[:-1]
    for plot, lawn in zip(blocks.plot[parks], lawns, strict=True):
        phase = rng.uniform(0, 2 * np.pi, 2)
        radius = 0.3 + 0.07 * np.sin(2 * turn + phase[0]) + 0.05 * np.sin(3 * turn + phase[1])
        middle = plot.mean(axis=0)
        east, north = (plot[1] + plot[2] - plot[0] - plot[3]) / 2, (plot[2] + plot[3] - plot[0] - plot[1]) / 2
        ring = middle + east * (radius * np.cos(turn))[:, None] + north * (radius * np.sin(turn))[:, None]
        pond = shapely.Polygon(ring)
        if rng.random() < 0.4 and lawn.area > 9000.0 and lawn.contains(pond):
            ponds.append(pond)
    return ponds, lawns


def _green(
    plan: _Plan, parks: Ints, lawns: NDArray[np.object_], names: StreetNames, outline: shapely.Polygon
) -> gpd.GeoDataFrame:
    labels = park_names(plan.superblocks, plan.blocks, parks, names)
    whole = [number for number, lawn in enumerate(lawns) if not lawn.is_empty]
    shore = _riverside(plan.corridors[0], outline)
    title = [labels[number] for number in whole] + ["河滨绿地"] * len(shore)
    return _frame({"name": _text(title)}, np.concatenate([lawns[whole], shore]))


def _riverside(corridor: Corridor, outline: shapely.Polygon) -> NDArray[np.object_]:
    """Draw the green between the water and the road along it."""
    strip = shapely.difference(corridor.bank.buffer(-8.0), corridor.body.buffer(3.0))
    parts = shapely.get_parts(shapely.intersection(strip, outline))
    return parts[(shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 400.0)]
