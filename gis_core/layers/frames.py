"""Each layer of a dataset from raw columns and geometry: checked, mended by policy, in metres."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.errors import NotFoundError, some_of
from gis_core.layers import streets as ways
from gis_core.layers.attributes import extra_numbers, households, number_column, source_ids, unique_ids
from gis_core.layers.boundary import fit_together, unique_codes
from gis_core.layers.columns import address_column, recognise, text_column
from gis_core.layers.crs_check import require_crs
from gis_core.layers.estimate import estimate_households as estimate_by_rule
from gis_core.layers.faultlog import FaultLog
from gis_core.layers.geometry import Kind, prepare_geometry
from gis_core.layers.raw import RawLayer
from gis_core.layers.registers import read_assets, read_staff

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["LayerSummary", "Reading", "build_frames"]

_GREEN_KINDS_TEXT = """
park garden grass forest wood meadow cemetery recreation_ground village_green scrub grassland heath
nature_reserve pitch golf_course playground common orchard vineyard allotments farmland farm
greenfield 公园 绿地 草地 林地 森林 耕地 农田 广场绿地
"""
_GREEN_KINDS = frozenset(_GREEN_KINDS_TEXT.split())

#: Reach beyond the chosen boundary polygons in which other layers are kept, metres.
_WITHIN_MARGIN_M = 100.0
#: A boundary wider than this is not measured in one zone of projected metres.
MAX_WIDTH_DEG = 20.0


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """What one layer of the source holds.

    Attributes
    ----------
    columns : dict of str to str
        Column of the contract -> columns of the source that it was made from.
    """

    layer: str
    file: str
    rows: int
    crs: str
    columns: dict[str, str]


@dataclass
class Reading:
    """State of one reading."""

    log: FaultLog
    mapping: Mapping[str, str]
    estimate: bool
    within: str | None
    given_crs: CRS | None = None
    counted_elsewhere: bool = False
    work_crs: CRS | None = None
    reach: Any = None
    in_metres: set[str] = field(default_factory=set)
    summaries: list[LayerSummary] = field(default_factory=list)

    def columns(self, raw: RawLayer) -> dict[str, list[str]]:
        """Recognise the columns of a layer and report mapped ones that are not there."""
        found, missing = recognise(raw.layer, raw.table, self.mapping)
        for target in missing:
            have = some_of([str(name) for name in raw.table.columns], limit=12) or "none"
            self.log.add(
                "no-such-column",
                raw.layer,
                f"--map {target}={self.mapping[target]}: there is no such column (columns: {have})",
                "Name a column that the layer has.",
                "error",
            )
        return found

    def summarise(
        self, raw: RawLayer, crs: CRS | None, columns: Mapping[str, list[str]], without: str = "not usable"
    ) -> None:
        """Note what the layer holds, for people; `without` stands where it has no coordinate system."""
        code = None if crs is None else crs.to_epsg()
        name = without if crs is None else f"EPSG:{code}" if code else crs.name
        used = {target: " + ".join(names) for target, names in columns.items()}
        self.summaries.append(LayerSummary(raw.layer, raw.file, len(raw.table), name, used))

    def near(self, geometry: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Tell which geometries are wanted: all, or with `within` those near the chosen polygons."""
        if self.reach is None:
            return np.ones(len(geometry), dtype=bool)
        result: NDArray[np.bool_] = shapely.intersects(self.reach, geometry)
        return result


def build_frames(layers: Mapping[str, RawLayer], reading: Reading) -> dict[str, Any]:
    """Check every layer and return the frames of the dataset, empty ones included."""
    frames: dict[str, Any] = {"source_crs": None}
    boundary = layers.get("boundary")
    if boundary is not None and len(boundary.table):
        frames["boundary"], frames["source_crs"] = _boundary(boundary, reading)
    if "buildings" in layers and len(layers["buildings"].table):
        frames["buildings"] = _buildings(layers["buildings"], reading)
        if "boundary" in frames and "buildings" in reading.in_metres:
            _report_outside(frames["buildings"], frames["boundary"], reading.log)
    frames["streets"] = _streets(layers.get("streets"), reading)
    frames["barriers"] = _barriers(layers.get("barriers"), reading)
    frames["facilities"] = _facilities(layers.get("facilities"), reading)
    frames["water"] = _backdrop(layers.get("water"), reading)
    frames["green"] = _backdrop(layers.get("green"), reading)
    frames["assets"] = _assets(layers.get("assets"), reading)
    frames["staff"] = read_staff(layers.get("staff"), reading)
    return frames


def _frame(columns: Mapping[str, Any], geometry: NDArray[np.object_], crs: CRS | None) -> gpd.GeoDataFrame:
    data = {
        name: pd.Series(values, dtype=object) if _is_object(values) else values
        for name, values in columns.items()
    }
    return gpd.GeoDataFrame(pd.DataFrame(data, index=range(len(geometry))), geometry=list(geometry), crs=crs)


def _is_object(values: Any) -> bool:
    return isinstance(values, list) or getattr(values, "dtype", None) == np.dtype(object)


def _check_width(whole: gpd.GeoSeries, log: FaultLog) -> None:
    """Say where the boundary is too wide to be measured in one zone of projected metres."""
    if not len(whole):
        return
    west, _, east, _ = whole.to_crs(4326).total_bounds
    if east - west > MAX_WIDTH_DEG:
        log.add(
            "too-wide",
            "boundary",
            f"the polygons reach over {east - west:.0f} degrees of longitude, from {west:.2f} to {east:.2f}, and one "
            f"area may reach over {MAX_WIDTH_DEG:.0f}",
            "Leave out polygons that lie far away; move an area across the 180th meridian to one side of it.",
            "error",
        )


def _boundary(raw: RawLayer, reading: Reading) -> tuple[gpd.GeoDataFrame, CRS | None]:
    log = reading.log
    columns = reading.columns(raw)
    code = text_column(raw.table, columns.get("code", []))
    labels = code.where(
        code.notna(), pd.Series([str(row) for row in range(len(code))], dtype=object)
    ).to_numpy(dtype=object)
    source = require_crs(raw, log, reading.given_crs)
    reading.summarise(raw, source, columns)
    if source is not None:
        whole = gpd.GeoSeries(
            [each for each in raw.geometry if each is not None and not each.is_empty], crs=source
        )
        reading.work_crs = whole.estimate_utm_crs() if len(whole) else None
        _check_width(whole, log)
    ready = prepare_geometry(raw, "polygon", labels, log, source, reading.work_crs)
    rows = np.flatnonzero(ready.keep)
    if len(rows) == 0 and not log.has_errors:
        log.add(
            "empty-layer",
            "boundary",
            "no polygon of the layer can be used",
            "Draw the polygons again.",
            "error",
        )
    codes = unique_codes(code.iloc[rows].reset_index(drop=True), rows, log)
    geometry = ready.geometry[rows]
    if reading.work_crs is not None and len(rows):
        geometry = fit_together(geometry, rows, codes, log)
    name = text_column(raw.table, columns.get("name", [])).to_numpy(dtype=object)[rows]
    name = np.array(
        [code if text is None else text for text, code in zip(name, codes, strict=True)], dtype=object
    )
    frame = _frame(
        {
            "code": codes,
            "name": name,
            "parent": text_column(raw.table, columns.get("parent", [])).to_numpy(dtype=object)[rows],
            "row": rows.astype(np.int64),
        },
        geometry,
        reading.work_crs,
    )
    if reading.within is not None and len(frame):
        frame = _choose_within(frame, reading)
    return frame, source


def _choose_within(frame: gpd.GeoDataFrame, reading: Reading) -> gpd.GeoDataFrame:
    """Return the polygons of one code or name, and remember where they are.

    Raises
    ------
    NotFoundError
        No polygon has it; the message names near ones.
    """
    wanted = str(reading.within).strip()
    chosen = ((frame["code"] == wanted) | (frame["name"] == wanted)).to_numpy(dtype=bool)
    if not chosen.any():
        known = list(dict.fromkeys([*frame["name"], *frame["code"]]))
        near = difflib.get_close_matches(wanted, known, n=5, cutoff=0.4) or known[:5]
        raise NotFoundError(
            f"No boundary polygon has the code or name {wanted!r}; there are {some_of(near)}.", name=wanted
        )
    result = frame[chosen].reset_index(drop=True)
    if reading.work_crs is not None:
        reading.reach = shapely.buffer(shapely.union_all(result.geometry.to_numpy()), _WITHIN_MARGIN_M)
        shapely.prepare(reading.reach)
    reading.log.add(
        "within",
        "boundary",
        f"the work is limited to {len(result)} of {len(frame)} polygons ({some_of(list(result['name']))})",
        "Leave out --within to work on all of them.",
        "note",
    )
    return result


def _open(
    raw: RawLayer, kind: Kind, ids: NDArray[np.object_], columns: Mapping[str, list[str]], reading: Reading
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Check the coordinate system and geometry of a layer; return geometry and the rows to keep."""
    source = require_crs(raw, reading.log, reading.given_crs)
    reading.summarise(raw, source, columns)
    ready = prepare_geometry(raw, kind, ids, reading.log, source, reading.work_crs)
    keep = ready.keep
    if source is not None and reading.work_crs is not None:
        reading.in_metres.add(raw.layer)
    if reading.reach is not None and source is not None:
        keep = keep & reading.near(ready.geometry)
    return ready.geometry, keep


def _buildings(raw: RawLayer, reading: Reading) -> gpd.GeoDataFrame:
    log, table = reading.log, raw.table
    columns = reading.columns(raw)
    ids, blank = source_ids(table, columns)
    address, address_columns = address_column(table, columns.get("address", []))
    if address_columns:
        columns["address"] = address_columns
    geometry, keep = _open(raw, "building", ids, columns, reading)
    unique, keep_ids = unique_ids(ids, blank, "buildings", log)
    counts, keep_counts = households(
        table, columns, ids, log, estimate=reading.estimate, elsewhere=reading.counted_elsewhere
    )
    unknown = np.full(len(table), np.nan)
    numbers = {
        target: number_column(table, columns[target], target, ids, log, left="taken as unknown").values
        if target in columns
        else unknown
        for target in ("population", "levels")
    }
    use = text_column(table, columns.get("use", []))
    use = use.where(~use.isin(["yes", "Yes"]), None)
    if "use" in columns and use.isna().any():
        use = _second_use(table, columns["use"][0], use)
    source = np.where(np.isnan(counts), "estimated", "source").astype(object)
    missing = np.flatnonzero(np.isnan(counts) & keep)
    if len(missing) and reading.work_crs is not None:
        counts = counts.copy()
        counts[missing] = estimate_by_rule(geometry[missing], use.iloc[missing], numbers["levels"][missing])
        log.add(
            "households-estimated",
            "buildings",
            f"{int(counts[missing].sum()):,} households of {len(missing):,} buildings are estimates "
            "(rule: docs/dataset.md)",
            "Bring real counts as soon as there are some.",
            "warning",
        )
    rows = np.flatnonzero(keep & keep_ids & keep_counts)
    names = {target: text_column(table, columns.get(target, [])) for target in ("name", "compound")}
    data: dict[str, Any] = {
        "id": unique,
        "row": np.arange(len(table), dtype=np.int64),
        "households": np.nan_to_num(counts).astype(np.int64),
        **numbers,
        "use": use.to_numpy(dtype=object),
        "name": names["name"].to_numpy(dtype=object),
        "address": address.to_numpy(dtype=object),
        "compound": names["compound"].to_numpy(dtype=object),
        "households_source": source,
    }
    for target in ("households_recorded", "households_planned", "floating_population"):
        if target in columns:
            data[target] = number_column(
                table, columns[target], target, ids, log, left="taken as unknown"
            ).values
    taken = {columns[target][0] for target in columns if target not in ("use", "name", "address", "compound")}
    taken |= set(address_columns)
    data |= {name: values for name, values in extra_numbers(table, taken).items() if name not in data}
    return _frame({name: values[rows] for name, values in data.items()}, geometry[rows], reading.work_crs)


def _second_use(table: pd.DataFrame, first: str, use: pd.Series) -> pd.Series:
    """Fill unknown uses from the OSM tags `building` and `use_tag`; `yes` says nothing."""
    for name in ("building", "use_tag"):
        if name in table.columns and name != first:
            more = text_column(table, [name])
            use = use.where(use.notna(), more.where(more != "yes", None))
    return use.where(use.notna(), None)


def _report_outside(buildings: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame, log: FaultLog) -> None:
    """Count the buildings that have less than half of their footprint inside the boundary."""
    if len(buildings) == 0 or len(boundary) == 0:
        return
    whole = shapely.union_all(boundary.geometry.to_numpy())
    shapely.prepare(whole)
    geometry = buildings.geometry.to_numpy()
    inside = shapely.covers(whole, geometry)
    across = np.flatnonzero(~inside)
    across = across[shapely.intersects(whole, geometry[across])]
    area = shapely.area(geometry[across])
    share = shapely.area(shapely.intersection(geometry[across], whole)) / np.maximum(area, 1e-9)
    inside[across] = (share >= 0.5) | (area == 0)
    outside = np.flatnonzero(~inside)
    if len(outside) == 0:
        return
    rows, ids = buildings["row"].to_numpy()[outside], buildings["id"].to_numpy()[outside]
    if len(outside) == len(buildings):
        distance_km = float(shapely.distance(whole, geometry).min()) / 1000
        log.add(
            "outside-boundary",
            "buildings",
            f"none of the {len(buildings)} buildings lies inside the boundary (the nearest is "
            f"{distance_km:,.1f} km away)",
            "Check the coordinate systems of both layers, and that they are of the same town.",
            "error",
        )
        return
    lost = int(buildings["households"].to_numpy()[outside].sum())
    lies, gets = ("lies", "gets") if len(outside) == 1 else ("lie", "get")
    log.add(
        "outside-boundary",
        "buildings",
        f"{len(outside):,} of {len(buildings):,} buildings ({lost:,} households) {lies} outside "
        f"every boundary polygon and {gets} no grid",
        "Nothing to do where they belong to others; else add or correct boundary polygons.",
        "warning",
        rows=rows,
        ids=ids,
    )


def _row_names(raw: RawLayer) -> NDArray[np.object_]:
    """Return what a row of a lesser layer is called in messages: its id, else its row."""
    name = next((name for name in ("id", "osm_id") if name in raw.table.columns), None)
    rows = np.arange(len(raw.table)).astype(str).astype(object)
    if name is None:
        return rows
    text = text_column(raw.table, [name]).to_numpy(dtype=object)
    return np.array(
        [row if each is None else each for each, row in zip(text, rows, strict=True)], dtype=object
    )


def _streets(raw: RawLayer | None, reading: Reading) -> gpd.GeoDataFrame:
    names = ("street_class", "rank", "highway", "name", "cuts", "grade_separated")
    if raw is None or len(raw.table) == 0:
        empty: dict[str, Any] = {name: np.array([], dtype=object) for name in names}
        empty |= {
            "rank": np.array([], dtype=np.uint8),
            "cuts": np.array([], dtype=bool),
            "grade_separated": np.array([], dtype=bool),
        }
        return _frame(empty, np.array([], dtype=object), reading.work_crs)
    log = reading.log
    columns = reading.columns(raw)
    geometry, keep = _open(raw, "line", _row_names(raw), columns, reading)
    value = text_column(raw.table, columns.get("class", []))
    classes, rank, missing, unknown = ways.street_classes(value)
    if missing.any():
        log.add(
            "street-class-missing",
            "streets",
            f"{int(missing.sum()):,} of {len(missing):,} streets have no class and count as residential",
            "Fill in the column class or highway, or name it with --map streets.class=COLUMN.",
            "warning",
        )
    if unknown:
        log.add(
            "street-class-unknown",
            "streets",
            f"classes that are not known count as residential: {some_of(unknown)}",
            "Use the classes of docs/dataset.md.",
            "warning",
        )
    separated = ways.grade_separated(raw.table)
    rows = np.flatnonzero(keep)
    data = {
        "street_class": classes,
        "rank": rank,
        "highway": value.to_numpy(dtype=object),
        "name": text_column(raw.table, columns.get("name", [])).to_numpy(dtype=object),
        "cuts": ways.cuts(rank, separated),
        "grade_separated": separated,
    }
    return _frame({name: values[rows] for name, values in data.items()}, geometry[rows], reading.work_crs)


def _barriers(raw: RawLayer | None, reading: Reading) -> gpd.GeoDataFrame:
    if raw is None or len(raw.table) == 0:
        empty = {
            "kind": np.array([], dtype=object),
            "name": np.array([], dtype=object),
            "cuts": np.array([], dtype=bool),
        }
        return _frame(empty, np.array([], dtype=object), reading.work_crs)
    columns = reading.columns(raw)
    geometry, keep = _open(raw, "barrier", _row_names(raw), columns, reading)
    kind = text_column(raw.table, columns.get("kind", []))
    subclass = text_column(raw.table, columns.get("class", []))
    cuts = ways.barrier_cuts(raw.table, kind, subclass)
    rows = np.flatnonzero(keep)
    data = {
        "kind": kind.where(kind.notna(), "barrier").to_numpy(dtype=object),
        "name": text_column(raw.table, columns.get("name", [])).to_numpy(dtype=object),
        "cuts": cuts,
    }
    return _frame({name: values[rows] for name, values in data.items()}, geometry[rows], reading.work_crs)


def _facilities(raw: RawLayer | None, reading: Reading) -> gpd.GeoDataFrame:
    names = ("id", "category", "name")
    if raw is None or len(raw.table) == 0:
        return _frame(
            {name: np.array([], dtype=object) for name in names}, np.array([], dtype=object), reading.work_crs
        )
    columns = reading.columns(raw)
    ids, _blank = source_ids(raw.table, columns)
    geometry, keep = _open(raw, "point", ids, columns, reading)
    rows = np.flatnonzero(keep)
    data = {"id": ids} | {
        name: text_column(raw.table, columns.get(name, [])).to_numpy(dtype=object)
        for name in ("category", "name")
    }
    return _frame({name: values[rows] for name, values in data.items()}, geometry[rows], reading.work_crs)


def _assets(raw: RawLayer | None, reading: Reading) -> gpd.GeoDataFrame | None:
    if raw is None:
        return None
    columns = reading.columns(raw)
    ids, _blank = source_ids(raw.table, columns)
    geometry, keep = _open(raw, "point", ids, columns, reading)
    return read_assets(raw, columns, ids, geometry, keep, reading)


def _backdrop(raw: RawLayer | None, reading: Reading) -> gpd.GeoDataFrame:
    """Return polygons for the base map; of a land-use layer the green ones only."""
    if raw is None or len(raw.table) == 0:
        return _frame({"name": np.array([], dtype=object)}, np.array([], dtype=object), reading.work_crs)
    columns = reading.columns(raw)
    geometry, keep = _open(raw, "polygon", _row_names(raw), columns, reading)
    if "kind" in columns:
        kind = text_column(raw.table, columns["kind"])
        keep = keep & kind.isin(_GREEN_KINDS).to_numpy(dtype=bool)
    rows = np.flatnonzero(keep)
    name = text_column(raw.table, columns.get("name", [])).to_numpy(dtype=object)[rows]
    return _frame({"name": name}, geometry[rows], reading.work_crs)
