"""Geometry of one layer: what is missing, of the wrong kind, in the wrong coordinates, or crosses itself.

Works on whole arrays. Every row that changes or is left out stands in the log with its row and id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_core.layers.crs_check import in_degrees
from gis_core.layers.faultlog import FaultLog
from gis_core.layers.raw import RawLayer

__all__ = ["Kind", "Prepared", "mend_polygons", "prepare_geometry", "to_crs"]

Kind = Literal["polygon", "building", "line", "barrier", "point"]

#: Rings with more points are not mended: it took 3 GB for 200,000 points (measured).
MAX_MENDED_VERTICES = 50_000
#: Geometries with more points are not even tested.
MAX_VERTICES = 1_000_000

_TYPE_NAMES = (
    "points",
    "lines",
    "rings",
    "polygons",
    "multi-points",
    "multi-lines",
    "multi-polygons",
    "mixed collections",
)
_POINT, _LINE, _RING, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _COLLECTION = range(8)

_ALLOWED: dict[str, tuple[int, ...]] = {
    "polygon": (_POLYGON, _MULTIPOLYGON),
    "building": (_POLYGON, _MULTIPOLYGON, _POINT),
    "line": (_LINE, _MULTILINE),
    "barrier": (_LINE, _MULTILINE, _POLYGON, _MULTIPOLYGON),
    "point": (_POINT,),
}
_WANTED = {
    "polygon": "polygons",
    "building": "polygons or points",
    "line": "lines",
    "barrier": "lines or polygons",
    "point": "points",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Geometry of a layer that may be worked on.

    Attributes
    ----------
    geometry : object, shape (n,)
        2D, of the allowed types, in the work CRS where there is one; None where `keep` is False.
    keep : bool, shape (n,)
        Rows that stay in the work.
    """

    geometry: NDArray[np.object_]
    keep: NDArray[np.bool_]


def to_crs(geometry: NDArray[np.object_], source: CRS, target: CRS) -> NDArray[np.object_]:
    """Convert geometries; coordinates that cannot be converted become infinite."""
    if source == target:
        return geometry
    transformer = Transformer.from_crs(source, target, always_xy=True)

    def convert(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    result: NDArray[np.object_] = shapely.transform(geometry, convert)
    return result


def prepare_geometry(
    raw: RawLayer, kind: Kind, ids: NDArray[np.object_], log: FaultLog, source: CRS | None, target: CRS | None
) -> Prepared:
    """Check the geometry of a layer, mend it by policy, and convert it to the work CRS.

    Where `source` or `target` is None the checks run on the coordinates as they are.
    """
    layer = raw.layer
    geometry: NDArray[np.object_] = shapely.force_2d(raw.geometry)
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    broken = raw.broken
    keep = ~empty & ~broken
    _drop(log, "unreadable-geometry", layer, broken, ids, "the geometry cannot be read", "Draw it again.")
    _drop(
        log,
        "empty-geometry",
        layer,
        empty & ~broken,
        ids,
        "there is no geometry",
        "Draw it, or delete the row.",
    )
    huge = keep & (shapely.get_num_coordinates(geometry) > MAX_VERTICES)
    what = f"the geometry has more than {MAX_VERTICES:,} points"
    _drop(log, "too-many-vertices", layer, huge, ids, what, "Simplify it or cut it into parts.")
    keep &= ~huge
    unclosed = np.flatnonzero(raw.unclosed & keep)
    if len(unclosed) and not log.mend(
        "unclosed-ring",
        layer,
        "the ring is not closed (its last point is not its first)",
        "it was closed",
        "Repeat the first point at the end of the ring.",
        rows=unclosed,
        ids=ids[unclosed],
    ):
        keep[unclosed] = False
    geometry, keep = _require_types(geometry, keep, kind, layer, ids, log)
    geometry, keep = _require_range(geometry, keep, layer, ids, log, source)
    before = geometry
    if source is not None and target is not None:
        geometry = _blank_out(geometry, keep)
        geometry[keep] = to_crs(geometry[keep], source, target)
        infinite = keep & ~np.isfinite(shapely.bounds(geometry)).all(axis=1)
        _drop(
            log,
            "wrong-crs",
            layer,
            infinite,
            ids,
            "the coordinates do not exist in the coordinate system of the town",
            "Correct the coordinates or the coordinate system of the layer.",
        )
        keep &= ~infinite
    # Once only: it takes seconds where a stranger's outline has 100,000 crossings.
    invalid = keep & ~shapely.is_valid(geometry)
    if source is not None and target is not None:
        geometry, invalid = _mend_rounding(geometry, invalid, before)
    geometry, keep = mend_polygons(
        geometry, keep, invalid, layer, ids, log, exact=kind == "polygon", crs=target if source else None
    )
    return Prepared(_blank_out(geometry, keep), keep)


def _blank_out(geometry: NDArray[np.object_], keep: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return a copy with None in the rows that do not stay."""
    result = geometry.copy()
    result[~keep] = None
    return result


def _drop(
    log: FaultLog,
    code: str,
    layer: str,
    mask: NDArray[np.bool_],
    ids: NDArray[np.object_],
    what: str,
    fix: str,
) -> None:
    rows = np.flatnonzero(mask)
    if len(rows):
        log.drop(code, layer, what, fix, rows=rows, ids=ids[rows])


def _require_range(
    geometry: NDArray[np.object_],
    keep: NDArray[np.bool_],
    layer: str,
    ids: NDArray[np.object_],
    log: FaultLog,
    source: CRS | None,
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Leave out rows with coordinates that are no numbers, or no degrees where degrees are stated."""
    bounds = shapely.bounds(geometry)
    bad = keep & ~np.isfinite(bounds).all(axis=1)
    if source is not None and source.is_geographic:
        bad |= keep & ~in_degrees(np.nan_to_num(bounds, nan=0.0))
    _drop(
        log,
        "wrong-crs",
        layer,
        bad,
        ids,
        "the coordinates are out of range (longitude within 180, latitude within 90 degrees)",
        "Correct the coordinates of these rows.",
    )
    return geometry, keep & ~bad


def _require_types(
    geometry: NDArray[np.object_],
    keep: NDArray[np.bool_],
    kind: Kind,
    layer: str,
    ids: NDArray[np.object_],
    log: FaultLog,
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    types = shapely.get_type_id(geometry)
    wrong = keep & ~np.isin(types, _ALLOWED[kind])
    if not wrong.any():
        return geometry, keep
    geometry = geometry.copy()
    rows = np.flatnonzero(wrong)
    turned = np.array([_turn(each, kind) for each in geometry[rows]], dtype=object)
    can = ~shapely.is_missing(turned)
    fix = f"Layer {layer} holds {_WANTED[kind]}: export it again with {_WANTED[kind]} only."
    found = ", ".join(sorted({_TYPE_NAMES[types[row]] for row in rows}))
    good, lost = rows[can], rows[~can]
    geometry[good] = turned[can]
    if kind == "point" and len(good):
        log.add(
            "made-points", layer, f"{len(good)} {found} became points inside them", "Nothing to do.", "note"
        )
    elif len(good) and not log.mend(
        "wrong-geometry-type",
        layer,
        f"{found} where {_WANTED[kind]} belong",
        f"turned into {_WANTED[kind]}",
        fix,
        rows=good,
        ids=ids[good],
    ):
        keep = keep & ~np.isin(np.arange(len(keep)), good)
    if len(lost):
        if len(lost) == np.count_nonzero(keep):
            log.add(
                "wrong-geometry-type",
                layer,
                f"all {len(lost)} rows are {found}, not {_WANTED[kind]}",
                fix,
                "error",
            )
        else:
            log.drop(
                "wrong-geometry-type",
                layer,
                f"{found} where {_WANTED[kind]} belong",
                fix,
                rows=lost,
                ids=ids[lost],
            )
        keep = keep & ~np.isin(np.arange(len(keep)), lost)
    return geometry, keep


def _turn(geometry: Any, kind: Kind) -> Any:
    """Return one geometry as the kind that its layer wants where that loses nothing, else None."""
    if kind == "point":
        return geometry.representative_point()
    type_id = shapely.get_type_id(geometry)
    parts = shapely.get_parts(geometry)
    if type_id == _COLLECTION:
        wanted = (_LINE, _MULTILINE) if kind == "line" else (_POLYGON, _MULTIPOLYGON)
        parts = parts[np.isin(shapely.get_type_id(parts), wanted)]
        return shapely.union_all(parts) if len(parts) else None
    if kind == "building" and type_id == _MULTIPOINT and len(parts) == 1:
        return parts[0]
    if kind in ("building", "polygon") and type_id in (_LINE, _RING, _MULTILINE):
        closed = shapely.is_closed(parts) & (shapely.get_num_points(parts) >= 4)
        return (
            shapely.union_all(shapely.polygons(shapely.get_coordinates(parts[0])))
            if len(parts) == 1 and closed.all()
            else None
        )
    if kind == "line" and type_id in (_RING, _POLYGON, _MULTIPOLYGON):
        return (
            shapely.boundary(geometry)
            if type_id != _RING
            else shapely.linestrings(shapely.get_coordinates(geometry))
        )
    return None


def _mend_rounding(
    geometry: NDArray[np.object_], invalid: NDArray[np.bool_], before: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Mend outlines that are sound in the source and touch themselves only after conversion (rounding)."""
    bad = np.flatnonzero(invalid)
    bad = bad[shapely.get_num_coordinates(before[bad]) <= MAX_MENDED_VERTICES]
    bad = bad[shapely.is_valid(before[bad])]
    bad = bad[np.isin(shapely.get_type_id(before[bad]), (_POLYGON, _MULTIPOLYGON))]
    if len(bad) == 0:
        return geometry, invalid
    mended = _polygons_only(shapely.make_valid(geometry[bad]))
    good = ~shapely.is_missing(mended)
    geometry, invalid = geometry.copy(), invalid.copy()
    geometry[bad[good]] = mended[good]
    invalid[bad[good]] = False
    return geometry, invalid


def mend_polygons(
    geometry: NDArray[np.object_],
    keep: NDArray[np.bool_],
    invalid: NDArray[np.bool_],
    layer: str,
    ids: NDArray[np.object_],
    log: FaultLog,
    *,
    exact: bool,
    crs: CRS | None = None,
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Mend outlines that cross themselves, by policy.

    `exact` keeps the line of every ring, so that parts covered twice become holes.
    """
    bad = np.flatnonzero(invalid & keep)
    if len(bad) == 0:
        return geometry, keep
    geometry, keep = geometry.copy(), keep.copy()
    lines = np.isin(shapely.get_type_id(geometry[bad]), (_LINE, _MULTILINE))
    huge = shapely.get_num_coordinates(geometry[bad]) > MAX_MENDED_VERTICES
    mended = np.full(len(bad), None, dtype=object)
    can = ~lines & ~huge
    method = {"method": "linework"} if exact else {"method": "structure", "keep_collapsed": False}
    mended[can] = _polygons_only(shapely.make_valid(geometry[bad[can]], **method))
    flat = can & (shapely.is_missing(mended) | (shapely.area(mended) <= 0))
    many = f"the outline crosses itself and has more than {MAX_MENDED_VERTICES:,} points"
    for code, mask, what in (
        ("no-extent", lines | flat, "the geometry has no extent"),
        ("too-many-vertices", huge & ~lines, many),
    ):
        _drop(log, code, layer, np.isin(np.arange(len(keep)), bad[mask]), ids, what, "Draw it again.")
        keep[bad[mask]] = False
    good = can & ~flat
    rows = bad[good]
    if len(rows):
        point = shapely.is_valid_reason(geometry[rows[0]])
        what = "the outline crosses or touches itself" + _spot(point, crs)
        if log.mend(
            "self-crossing",
            layer,
            what,
            "it was mended (make_valid)",
            "Redraw the outline so that it does not cross itself.",
            rows=rows,
            ids=ids[rows],
        ):
            geometry[rows] = mended[good]
        else:
            keep[rows] = False
    return geometry, keep


def _spot(reason: str, crs: CRS | None) -> str:
    """Return the place that GEOS names in its reason, in degrees where the coordinate system is known."""
    place = reason.partition("[")[2].rstrip("]").split()
    if len(place) < 2:
        return ""
    x, y = float(place[0]), float(place[1])
    if crs is not None:
        x, y = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return f" near {x:.6f}, {y:.6f}" if np.isfinite([x, y]).all() else ""


def _polygons_only(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Keep the polygons of what make_valid returns, one geometry a row."""
    mixed = np.flatnonzero(shapely.get_type_id(geometry) == _COLLECTION)
    for row in mixed:
        parts = shapely.get_parts(shapely.get_parts(geometry[row]))
        parts = parts[shapely.get_type_id(parts) == _POLYGON]
        geometry[row] = shapely.union_all(parts) if len(parts) else None
    other = ~np.isin(shapely.get_type_id(geometry), (_POLYGON, _MULTIPOLYGON))
    geometry[other] = None
    return geometry
