"""An OpenStreetMap extract sorted into the layers of a dataset.

Administrative borders become `boundary`, polygons with `building` become `buildings`, `highway` lines
`streets`, rivers, canals, large waters and railways `barriers`, amenities `facilities`. Households are not
in OpenStreetMap.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.layers.faultlog import FaultLog
from gis_core.layers.raw import RawLayer

__all__ = ["ATTRIBUTION", "osm_layers", "tag"]

ATTRIBUTION = "© OpenStreetMap contributors (ODbL)"

#: Finest administrative levels that may be a community, ward or municipality.
_LOCAL_LEVEL = 7
#: Finer polygons take the place of a coarser one where they cover this share of it.
_REPLACED_FRAC = 0.9
#: Waters from this size on are barriers, m2.
_BARRIER_WATER_M2 = 10_000

_FURNITURE_TEXT = """
bench waste_basket waste_disposal recycling parking_space bicycle_parking motorcycle_parking
vending_machine telephone post_box hunting_stand drinking_water grit_bin clock fountain bbq parking
parking_entrance shelter
"""
_FURNITURE = frozenset(_FURNITURE_TEXT.split())
_GREEN = {
    "leisure": ("park", "garden", "pitch", "golf_course", "nature_reserve", "playground", "common"),
    "landuse": (
        "grass",
        "forest",
        "meadow",
        "cemetery",
        "recreation_ground",
        "village_green",
        "orchard",
        "vineyard",
        "allotments",
    ),
    "natural": ("wood", "scrub", "grassland", "heath"),
}


def tag(table: pd.DataFrame, key: str) -> pd.Series:
    """Return the values of one tag from its column or from `other_tags` (`"key"=>"value",...`), or None."""
    if key in table.columns:
        return table[key].astype(object).where(table[key].notna(), None)
    pattern = rf'(?:^|,)"{key}"=>"((?:[^"\\]|\\.)*)"'
    found = (
        table["other_tags"]
        .astype(object)
        .where(table["other_tags"].notna(), "")
        .str.extract(pattern, expand=False)
    )
    text = found.astype(object).str.replace(r"\\(.)", r"\1", regex=True)
    return text.where(text.notna(), None)


def _ids(table: pd.DataFrame) -> pd.Series:
    """Return `w123` for ways and `r123` for relations."""
    pairs = zip(table["osm_id"], table["osm_way_id"], strict=True)
    return pd.Series(
        [f"r{relation}" if isinstance(relation, str) else f"w{way}" for relation, way in pairs], dtype=object
    )


def _take(raw: RawLayer, layer: str, mask: NDArray[np.bool_], columns: dict[str, pd.Series]) -> RawLayer:
    rows = np.flatnonzero(mask)
    table = pd.DataFrame({name: values.to_numpy(dtype=object)[rows] for name, values in columns.items()})
    return RawLayer(
        layer,
        raw.file,
        raw.sublayer,
        table,
        raw.geometry[rows],
        raw.unclosed[rows],
        raw.broken[rows],
        raw.crs,
    )


def osm_layers(raw: dict[str, RawLayer], log: FaultLog) -> dict[str, RawLayer]:
    """Sort points, lines and polygons of an extract into the layers of a dataset."""
    areas, lines, points = raw["osm:multipolygons"], raw["osm:lines"], raw["osm:points"]
    buildings = _buildings(areas)
    layers = {
        "boundary": _boundary(areas, buildings, log),
        "buildings": buildings,
        "streets": _streets(lines),
        "barriers": _barriers(lines, areas),
        "facilities": _facilities(points, areas),
        "water": _polygons(areas, "water", _is_water(areas.table)),
        "green": _green(areas),
    }
    return {
        name: layer
        for name, layer in layers.items()
        if len(layer.table) or name in ("boundary", "buildings", "streets")
    }


def _buildings(areas: RawLayer) -> RawLayer:
    table = areas.table
    building = tag(table, "building")
    uses = [tag(table, key) for key in ("amenity", "shop", "office", "tourism", "craft", "leisure")]
    use = uses[0]
    for other in uses[1:]:
        use = use.where(use.notna(), other)
    columns = {
        "id": _ids(table),
        "building": building,
        "use_tag": use,
        "name": tag(table, "name"),
        "name_zh": tag(table, "name:zh"),
        "levels": tag(table, "building:levels"),
        "addr_street": tag(table, "addr:street"),
        "addr_housenumber": tag(table, "addr:housenumber"),
    }
    mask = (building.notna() & ~building.isin(["no", "roof", "ruins", "construction"])).to_numpy(dtype=bool)
    return _take(areas, "buildings", mask, columns)


def _streets(lines: RawLayer) -> RawLayer:
    table = lines.table
    columns = {key: tag(table, key) for key in ("highway", "name", "bridge", "tunnel", "indoor", "layer")}
    columns["osm_id"] = table["osm_id"]
    return _take(lines, "streets", table["highway"].notna().to_numpy(dtype=bool), columns)


def _barriers(lines: RawLayer, areas: RawLayer) -> RawLayer:
    table = lines.table
    water = tag(table, "waterway").isin(["river", "canal"]).to_numpy(dtype=bool)
    rail = tag(table, "railway").isin(["rail", "light_rail", "narrow_gauge", "subway"]).to_numpy(dtype=bool)
    kind = pd.Series(np.where(water, "water", "rail"), dtype=object)
    subclass = tag(table, "waterway").where(pd.Series(water), tag(table, "railway"))
    columns = {"kind": kind, "class": subclass, "name": tag(table, "name")}
    columns |= {key: tag(table, key) for key in ("bridge", "tunnel", "layer")}
    own = _take(lines, "barriers", water | rail, columns)
    shore = _polygons(
        areas, "barriers", _is_water(areas.table) & (_area_m2(areas.geometry) >= _BARRIER_WATER_M2)
    )
    shore.table["kind"] = "water_edge"
    merged = pd.concat(
        [frame for frame in (own.table, shore.table) if len(frame)] or [own.table], ignore_index=True
    )
    return RawLayer(
        "barriers",
        own.file,
        own.sublayer,
        merged,
        np.concatenate([own.geometry, shore.geometry]),
        np.concatenate([own.unclosed, shore.unclosed]),
        np.concatenate([own.broken, shore.broken]),
        own.crs,
    )


def _facilities(points: RawLayer, areas: RawLayer) -> RawLayer:
    parts = []
    for raw, ids in (
        (points, pd.Series([f"n{node}" for node in points.table["osm_id"]], dtype=object)),
        (areas, _ids(areas.table)),
    ):
        category = tag(raw.table, "amenity")
        mask = (category.notna() & ~category.isin(list(_FURNITURE))).to_numpy(dtype=bool)
        parts.append(
            _take(raw, "facilities", mask, {"id": ids, "category": category, "name": tag(raw.table, "name")})
        )
    first, second = parts
    return RawLayer(
        "facilities",
        first.file,
        first.sublayer,
        pd.concat([first.table, second.table], ignore_index=True),
        np.concatenate([first.geometry, shapely.point_on_surface(second.geometry)]),
        np.concatenate([first.unclosed, second.unclosed]),
        np.concatenate([first.broken, second.broken]),
        first.crs,
    )


def _is_water(table: pd.DataFrame) -> NDArray[np.bool_]:
    water = (
        tag(table, "natural").eq("water")
        | tag(table, "waterway").eq("riverbank")
        | tag(table, "landuse").isin(["reservoir", "basin"])
    )
    return water.to_numpy(dtype=bool)


def _polygons(areas: RawLayer, layer: str, mask: NDArray[np.bool_]) -> RawLayer:
    return _take(areas, layer, mask, {"id": _ids(areas.table), "name": tag(areas.table, "name")})


def _green(areas: RawLayer) -> RawLayer:
    kind = pd.Series([None] * len(areas.table), dtype=object)
    for key, values in _GREEN.items():
        own = tag(areas.table, key)
        kind = kind.where(kind.notna(), own.where(own.isin(values), None))
    mask = (kind.notna() & tag(areas.table, "building").isna()).to_numpy(dtype=bool)
    return _take(areas, "green", mask, {"landuse": kind, "name": tag(areas.table, "name")})


def _area_m2(geometry: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return areas of polygons in degrees, good enough to compare with a threshold."""
    middle = shapely.bounds(geometry)[:, [1, 3]].mean(axis=1)
    area: NDArray[np.float64] = shapely.area(geometry) * 111_320.0**2 * np.cos(np.radians(middle))
    return area


def _boundary(areas: RawLayer, buildings: RawLayer, log: FaultLog) -> RawLayer:
    """Choose the finest administrative polygons that cover what they stand for and hold a building."""
    table = areas.table
    admin = tag(table, "boundary").eq("administrative").to_numpy(dtype=bool)
    level = pd.to_numeric(tag(table, "admin_level"), errors="coerce").to_numpy(dtype=np.float64)
    usable = admin & np.isfinite(level) & (shapely.area(areas.geometry) > 0)
    local = usable & (level >= _LOCAL_LEVEL)
    rows = np.flatnonzero(local if local.any() else usable)
    centres = shapely.point_on_surface(buildings.geometry)
    if len(rows):
        polygons = shapely.make_valid(areas.geometry[rows])
        lived_in = np.isin(
            np.arange(len(rows)), shapely.STRtree(polygons).query(centres, predicate="within")[1]
        )
        rows, polygons = rows[lived_in], polygons[lived_in]
        rows = rows[_finest(polygons, level[rows])]
    if len(rows) == 0:
        return _frame_of(areas, buildings, log)
    mask = np.isin(np.arange(len(table)), rows)
    return _take(
        areas,
        "boundary",
        mask,
        {"code": _ids(table), "name": tag(table, "name"), "admin_level": tag(table, "admin_level")},
    )


def _finest(polygons: NDArray[np.object_], level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the polygons to use: a coarser one gives way to finer ones where they cover it."""
    keep = np.ones(len(polygons), dtype=bool)
    inner = shapely.point_on_surface(polygons)
    for row in np.argsort(level, kind="stable"):
        if not keep[row]:
            continue
        finer = np.flatnonzero((level > level[row]) & shapely.within(inner, polygons[row]))
        covered = (
            shapely.area(shapely.intersection(shapely.union_all(polygons[finer]), polygons[row]))
            if len(finer)
            else 0.0
        )
        if covered >= _REPLACED_FRAC * shapely.area(polygons[row]):
            keep[row] = False
        else:
            keep[finer] = False
    return keep


def _frame_of(areas: RawLayer, buildings: RawLayer, log: FaultLog) -> RawLayer:
    """Return the hull of the buildings, for an extract without a closed administrative border."""
    hull = shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(buildings.geometry)))
    nothing = np.zeros(1, dtype=bool)
    if len(buildings.table):
        log.add(
            "boundary-guessed",
            "boundary",
            f"{areas.file} holds no closed administrative border; the convex hull of its buildings was taken",
            "Give a folder with a boundary layer of your own, or a GeoPackage.",
            "warning",
        )
    table = pd.DataFrame({"code": ["0"], "name": [areas.file.split(".")[0]]})
    rows = slice(0, int(len(buildings.table) > 0))
    geometry = np.array([shapely.buffer(hull, 1e-4)], dtype=object)
    return RawLayer(
        "boundary", areas.file, None, table[rows], geometry[rows], nothing[rows], nothing[rows], areas.crs
    )
