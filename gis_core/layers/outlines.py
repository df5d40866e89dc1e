"""Outlines of buildings and lines of streets drawn elsewhere (KML, KMZ, DXF, GeoJSON), as changes of base data.

A file is read through the reading child, placed by the coordinate system that it states or that is said, and compared
with what stands there already: what is known by its id is moved, what is new is added, the rest is listed with why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.crs import parse_crs, to_wgs84
from gis_core.errors import DatasetError, some_of
from gis_core.layers.attributes import number_column, source_ids
from gis_core.layers.columns import recognise, text_column
from gis_core.layers.crs_check import in_degrees
from gis_core.layers.faultlog import FaultLog
from gis_core.layers.geometry import Kind, prepare_geometry
from gis_core.layers.raw import DEFAULT_LIMITS, Limits, RawLayer, read_raw
from gis_core.layers.sources import LayerFile, SourceFiles, match_layer
from gis_core.layers.streets import STREET_VALUES

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame

__all__ = ["OUTLINE_FORMATS", "DrawnOutlines", "OutlineLayer", "Outlines", "match_outlines", "read_outlines"]

OutlineLayer = Literal["buildings", "streets"]
OUTLINE_FORMATS = ("kml", "kmz", "dxf", "geojson")
#: Outlines that one file may bring.
MOST_OUTLINES = 20_000
#: Share of the smaller of two footprints that both cover, from which on they are one building.
_SAME_GROUND = 0.5
#: A line is a street that is known where this share of it runs within so many metres of known ones.
_SAME_STREET, _BESIDE_M = 0.9, 3.0
#: Decimals of degrees that are kept: a tenth of a millimetre.
_DECIMALS = 9
_KINDS: dict[str, Kind] = {"buildings": "building", "streets": "line"}


@dataclass(frozen=True)
class Outlines:
    """What a file of outlines brings to a data version.

    Attributes
    ----------
    changes : list of dict
        `add` and `move` (docs/http.md).
    added, moved : int
    left_out : list of dict
        `row` (0-based, in the file), `name`, `why` (and which: `case`), `near` (id of the building that stands there,
        or None).
    parts : list of dict
        `name`, `rows` of each CAD layer of a drawing, and whether it was `taken`; empty for other files.
    crs : str
        Coordinate system that was taken.
    columns : dict of str to str
        What the file says -> its column.
    notes : list of str
        What was mended or taken for granted.
    """

    changes: list[dict[str, Any]] = field(default_factory=list)
    added: int = 0
    moved: int = 0
    left_out: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    crs: str = "wgs84"
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class DrawnOutlines:
    """The usable rows of a file, in degrees of WGS 84."""

    rows: NDArray[np.intp]
    shapes: NDArray[np.object_]
    names: list[str | None]
    values: list[dict[str, Any]]
    found: Outlines


def read_outlines(
    path: Path,
    layer: OutlineLayer,
    *,
    crs: str | None = None,
    parts: Sequence[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> DrawnOutlines:
    """Read the outlines of a file.

    Parameters
    ----------
    path : Path
        Its ending says the format.
    crs : str, optional
        As in `parse_crs`; counts before what the file states. A drawing states none.
    parts : sequence of str
        CAD layers of a drawing to take; none: those named like the layer, else all.

    Returns
    -------
    DrawnOutlines
        For `match_outlines`.

    Raises
    ------
    DatasetError
        Where the file cannot be read, states no coordinate system, or holds no outline that can be used.
    CrsError
        Where `crs` is unknown.
    """
    raw = _read(path, layer, limits)
    listed, chosen = _parts(raw, layer, parts)
    if chosen is not None:
        raw = _only(raw, chosen)
    if layer == "buildings" and raw.file.lower().endswith(".dxf"):
        # Texts and marks of a drawing are points and no houses.
        raw = _only(raw, shapely.get_dimensions(raw.geometry) > 0)
    if len(raw.table) > MOST_OUTLINES:
        raise DatasetError(
            f"{raw.file} holds {len(raw.table):,} outlines, more than {MOST_OUTLINES:,}: cut it into smaller areas.",
            case="too-many",
            most=MOST_OUTLINES,
        )
    log = FaultLog("repair")
    columns, _ = recognise(layer, raw.table, {})
    ids, _ = source_ids(raw.table, columns)
    label = text_column(raw.table, columns.get("name", []))
    name = _system(raw, crs)
    placed = RawLayer(**{**vars(raw), "geometry": _placed(raw.geometry, name)})
    ready = prepare_geometry(placed, _KINDS[layer], ids, log, None, None)
    bounds = shapely.bounds(ready.geometry)
    rows = np.flatnonzero(ready.keep & np.isfinite(bounds).all(axis=1))
    if len(rows) == 0:
        why = next((fault.message for fault in log.faults), f"{raw.file} holds none.")
        raise DatasetError(f"No outline of {layer} can be used. {why}")
    number = np.asarray(_number_of_rows(raw), dtype=np.intp)
    values = _values(layer, raw.table, columns, ids, log)
    found = Outlines(
        parts=listed,
        crs=name,
        columns={target: names[0] for target, names in columns.items()},
        notes=[fault.message for fault in log.faults],
    )
    return DrawnOutlines(
        number[rows],
        shapely.transform(ready.geometry[rows], lambda xy: np.round(xy, _DECIMALS)),
        [label.iloc[row] for row in rows],
        [values[row] for row in rows],
        found,
    )


def _read(path: Path, layer: OutlineLayer, limits: Limits) -> RawLayer:
    kind = path.suffix.lower().lstrip(".")
    kind = "geojson" if kind == "json" else kind
    # A KML that sorts its placemarks into folders says itself which of them are buildings.
    wanted: list[str | None] = [None, layer] if kind in ("kml", "kmz") else [layer]
    faults: list[dict[str, Any]] = []
    for name in wanted:
        raw = read_raw(SourceFiles(path.name, path.name, (LayerFile(path, kind, name),)), limits)
        faults = raw.faults
        if layer in raw.layers and len(raw.layers[layer].table):
            found = raw.layers[layer]
            return RawLayer(**{**vars(found), "table": found.table.reset_index(drop=True)})
    if faults:
        raise DatasetError(
            f"{faults[0]['message']}. {faults[0]['fix']}", code=faults[0]["code"], case=faults[0]["code"]
        )
    raise DatasetError(f"{path.name} holds nothing that is drawn.", case="nothing-drawn")


def _only(raw: RawLayer, mask: NDArray[np.bool_]) -> RawLayer:
    """Return some rows of a layer; `_row` keeps their numbers."""
    table = raw.table.assign(_row=_number_of_rows(raw))[mask].reset_index(drop=True)
    per_row = {name: getattr(raw, name)[mask] for name in ("geometry", "unclosed", "broken")}
    return RawLayer(**{**vars(raw), **per_row, "table": table})


def _number_of_rows(raw: RawLayer) -> Any:
    return raw.table["_row"] if "_row" in raw.table else np.arange(len(raw.table))


def _parts(
    raw: RawLayer, layer: OutlineLayer, wanted: Sequence[str]
) -> tuple[list[dict[str, Any]], NDArray[np.bool_] | None]:
    """List the CAD layers of a drawing, and say which rows are taken."""
    if not raw.file.lower().endswith(".dxf") or "Layer" not in raw.table:
        return [], None
    names = raw.table["Layer"].fillna("").astype(str)
    known = names.unique().tolist()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise DatasetError(f"The drawing has no layer {some_of(unknown)}; it has {some_of(known, limit=12)}.")
    taken = set(wanted) or {name for name in known if match_layer(name) == layer} or set(known)
    counts = names.value_counts()
    listed = [{"name": name, "rows": int(counts[name]), "taken": name in taken} for name in known]
    return listed, names.isin(taken).to_numpy(dtype=bool)


def _system(raw: RawLayer, crs: str | None) -> str:
    """Return the name of the coordinate system that is taken."""
    if crs:
        return parse_crs(crs).name
    if raw.crs:
        from pyproj import CRS
        from pyproj.exceptions import CRSError

        try:
            code = CRS.from_user_input(raw.crs).to_epsg()
        except CRSError:
            code = None
        if code is not None:
            return parse_crs(f"EPSG:{code}").name
    bounds = shapely.bounds(raw.geometry)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    looks = "degrees" if len(bounds) and np.mean(in_degrees(bounds)) >= 0.5 else "metres"
    raise DatasetError(
        f"{raw.file} does not say in which coordinate system it is (its numbers look like {looks}): say which.",
        code="no-crs",
        case="no-crs",
    )


def _placed(geometry: NDArray[np.object_], name: str) -> NDArray[np.object_]:
    def to_degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], name))

    result: NDArray[np.object_] = shapely.transform(shapely.force_2d(geometry), to_degrees)
    return result


def _values(
    layer: OutlineLayer,
    table: pd.DataFrame,
    columns: dict[str, list[str]],
    ids: NDArray[np.object_],
    log: FaultLog,
) -> list[dict[str, Any]]:
    """Return what the file says of each row, as changes name it."""
    texts = ("name", "use", "compound", "address") if layer == "buildings" else ("name",)
    named: dict[str, Any] = {
        target: text_column(table, columns[target]).tolist() for target in texts if target in columns
    }
    if layer == "buildings":
        if "id" in columns:
            named["id"] = [str(each) for each in ids]
        for target in ("households", "population", "levels"):
            if target in columns:
                read = number_column(table, columns[target], target, ids, log, left="left blank").values
                good = np.isfinite(read) & (read >= 0)
                named[target] = [
                    (int(value) if target == "households" else float(value)) if ok else None
                    for value, ok in zip(read.tolist(), good.tolist(), strict=True)
                ]
    elif "class" in columns:
        said = text_column(table, columns["class"]).tolist()
        named["class"] = [value if value in STREET_VALUES else None for value in said]
    rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    plain = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return plain or [{} for _ in range(len(table))]


def match_outlines(
    drawn: DrawnOutlines, layer: OutlineLayer, *, known: GeoDataFrame, areas: GeoDataFrame, work_crs: str
) -> Outlines:
    """Say what outlines mean for a data version: buildings known by id move, others are new, or stand there already.

    Parameters
    ----------
    drawn
        As `read_outlines` gives it.
    known : GeoDataFrame
        The layer as it is, in degrees.
    areas : GeoDataFrame
        The boundary polygons, in degrees.
    work_crs : str
        Projected metres in which outlines are compared.

    Returns
    -------
    Outlines
        With nothing to change where all lie elsewhere; `notes` then says how far away.
    """
    from geopandas import GeoSeries

    found = drawn.found
    shapes = np.asarray(GeoSeries(drawn.shapes, crs=4326).to_crs(work_crs).array, dtype=object)
    there = np.asarray(known.geometry.to_crs(work_crs).array, dtype=object)
    whole = shapely.union_all(np.asarray(areas.geometry.to_crs(work_crs).array, dtype=object))
    shapely.prepare(whole)
    inside = _inside(shapes, whole)
    if not inside.any():
        metres = float(np.min(shapely.distance(whole, shapes)))
        found.notes.insert(
            0,
            f"Nothing lies in the area of the plan; the nearest is {metres / 1000:,.1f} km away. Is {found.crs} right?",
        )
    said = list(zip(drawn.rows.tolist(), drawn.names, strict=True))
    for at in np.flatnonzero(~inside).tolist():
        _leave(found, said[at], "outside", "it lies outside every boundary polygon, or for the most part")
    counts = {"add": 0, "move": 0}
    match = _match_buildings if layer == "buildings" else _match_streets
    for change in match(drawn, np.flatnonzero(inside), shapes, known, there):
        found.changes.append(change)
        counts[change["op"]] = counts.get(change["op"], 0) + 1
    found.left_out.sort(key=lambda each: int(each["row"]))
    return Outlines(**{**vars(found), "added": counts["add"], "moved": counts["move"]})


def _leave(
    found: Outlines, said: tuple[int, str | None], case: str, why: str, near: str | None = None
) -> None:
    found.left_out.append({"row": said[0], "name": said[1], "why": why, "case": case, "near": near})


def _inside(shapes: NDArray[np.object_], whole: Any) -> NDArray[np.bool_]:
    """Tell which shapes lie in the area by half or more; of lines any part does."""
    result: NDArray[np.bool_] = shapely.intersects(whole, shapes)
    across = np.flatnonzero(result & ~shapely.covers(whole, shapes))
    area = shapely.area(shapes[across])
    share = shapely.area(shapely.intersection(shapes[across], whole))
    result[across[(area > 0) & (share < 0.5 * area)]] = False
    return result


def _match_buildings(
    drawn: DrawnOutlines,
    rows: NDArray[np.intp],
    shapes: NDArray[np.object_],
    known: GeoDataFrame,
    there: NDArray[np.object_],
) -> list[dict[str, Any]]:
    found = drawn.found
    ids = [str(each) for each in known["id"]]
    row_of = {id_: row for row, id_ in enumerate(ids)}
    tree = shapely.STRtree(there)
    changes: list[dict[str, Any]] = []
    seen: set[str] = set()
    for at in rows.tolist():
        said, values = (int(drawn.rows[at]), drawn.names[at]), dict(drawn.values[at])
        id_ = values.get("id")
        if id_ is not None and id_ in seen:
            _leave(found, said, "twice", f"the id {id_} stands in the file twice")
            continue
        if id_ is not None:
            seen.add(id_)
        if id_ in row_of:
            if shapely.equals_exact(there[row_of[id_]], shapes[at], 0.01, normalize=True):
                _leave(found, said, "same", "its outline is the same already", id_)
                continue
            changes.append(
                {"op": "move", "layer": "buildings", "id": id_, "geometry": _geojson(drawn.shapes[at])}
            )
            continue
        other = _stands_there(shapes[at], there, tree)
        if other is not None:
            _leave(found, said, "building-there", f"building {ids[other]} stands there already", ids[other])
            continue
        changes.append(
            {"op": "add", "layer": "buildings", "geometry": _geojson(drawn.shapes[at]), "values": values}
        )
    return changes


def _stands_there(shape: Any, there: NDArray[np.object_], tree: shapely.STRtree) -> int | None:
    near = tree.query(shape, predicate="intersects")
    if len(near) == 0:
        return None
    both = shapely.area(shapely.intersection(there[near], shape))
    least = np.minimum(shapely.area(there[near]), shape.area)
    # A point inside an outline is the same building as well.
    share = np.where(least > 0, both / np.maximum(least, 1e-9), 1.0)
    best = int(np.argmax(share))
    return int(near[best]) if share[best] > _SAME_GROUND else None


def _match_streets(
    drawn: DrawnOutlines,
    rows: NDArray[np.intp],
    shapes: NDArray[np.object_],
    known: GeoDataFrame,
    there: NDArray[np.object_],
) -> list[dict[str, Any]]:
    tree = shapely.STRtree(there)
    changes: list[dict[str, Any]] = []
    for at in rows.tolist():
        near = tree.query(shapes[at], predicate="dwithin", distance=_BESIDE_M)
        beside = shapely.buffer(shapely.union_all(there[near]), _BESIDE_M)
        if len(near) and shapely.intersection(shapes[at], beside).length >= _SAME_STREET * shapes[at].length:
            name = known["name"].iloc[int(near[0])]
            said = (int(drawn.rows[at]), drawn.names[at])
            _leave(drawn.found, said, "street-there", f"the street {name or 'there'} runs there already")
            continue
        geometry, values = _geojson(drawn.shapes[at]), drawn.values[at]
        changes.append({"op": "add", "layer": "streets", "geometry": geometry, "values": values})
    return changes


def _geojson(shape: Any) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))
