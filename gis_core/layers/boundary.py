"""The boundary layer: codes that are unique, and polygons that fit together exactly.

Polygons are mended (`shapely.coverage_clean`) only where they do not fit: it splits good input now and
then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import some_of
from gis_core.layers.faultlog import FaultLog

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit_together", "unique_codes"]

#: Gaps between polygons narrower than this are closed, metres.
CLOSED_GAP_M = 1.0
#: Strips narrower than this are rounding, metres.
_ROUNDING_M = 0.01
#: Overlaps and gaps below this are rounding and are mended without a number, m2.
_ROUNDING_M2 = 0.01


def unique_codes(codes: pd.Series, rows: NDArray[np.int64], log: FaultLog) -> NDArray[np.object_]:
    """Return codes that are unique: blanks become the 0-based row, later ones of a kind get `-2`, `-3`."""
    result = codes.to_numpy(dtype=object).copy()
    blank = np.array([code is None for code in result], dtype=bool)
    result[blank] = [str(row) for row in rows[blank]]
    seen: dict[str, int] = {}
    taken = set(result)
    twins = [i for i, code in enumerate(result) if seen.setdefault(code, i) != i]
    if not twins:
        return result
    places = np.array(twins)
    names = [str(result[i]) for i in twins]
    for i in twins:
        number = 2
        while f"{result[i]}-{number}" in taken:
            number += 1
        result[i] = f"{result[i]}-{number}"
        taken.add(result[i])
    log.mend(
        "duplicate-code",
        "boundary",
        f"several polygons have the code {some_of(sorted(set(names)))}",
        f"later ones became {some_of([result[i] for i in twins])}",
        "Give every polygon its own code, or merge the polygons of one code.",
        rows=rows[places],
        ids=names,
        left="the rows are kept under the code with a number behind it",
    )
    return result


def fit_together(
    geometry: NDArray[np.object_], rows: NDArray[np.int64], codes: NDArray[np.object_], log: FaultLog
) -> NDArray[np.object_]:
    """Return polygons that are a valid coverage; report what overlapped, what gaped, what stays open."""
    result = geometry
    valid = bool(shapely.coverage_is_valid(geometry))
    union = shapely.union_all(geometry)
    slits = _holes_between(union, geometry)
    slits = slits[_widths(slits) < CLOSED_GAP_M]
    if not valid or len(slits):
        result = _mend(geometry, rows, codes, log, union, slits)
    _report_holes(result, log)
    _report_slots(result, codes, log)
    return result


def _mend(
    geometry: NDArray[np.object_],
    rows: NDArray[np.int64],
    codes: NDArray[np.object_],
    log: FaultLog,
    union: object,
    slits: NDArray[np.object_],
) -> NDArray[np.object_]:
    overlap_m2 = float(shapely.area(geometry).sum() - shapely.area(union))
    gap_m2 = float(shapely.area(slits).sum())
    pairs, partners = _overlapping(geometry, rows)
    cleaned = _cleaned(geometry)
    rounding = max(overlap_m2, gap_m2) <= _ROUNDING_M2
    sound = shapely.coverage_is_valid(cleaned) and not shapely.is_empty(cleaned).any()
    if not sound or (log.policy == "report" and not rounding):
        log.add(
            "boundary-overlap",
            "boundary",
            f"the polygons do not fit together ({overlap_m2:,.2f} m2 overlap, {gap_m2:,.2f} m2 of gaps)",
            "Redraw them with snapping so that neighbours share their border, or use --on-invalid repair.",
            "error",
            rows=rows[partners],
            ids=codes[partners],
        )
        return geometry
    if overlap_m2 > _ROUNDING_M2:
        what = f"polygons overlap by {overlap_m2:,.2f} m2 ({some_of(pairs)})"
        log.mend(
            "boundary-overlap",
            "boundary",
            what,
            "each overlap went to the neighbour with the longest border",
            "Redraw them with snapping so that neighbours share their border.",
            rows=rows[partners],
            ids=codes[partners],
        )
    if gap_m2 > _ROUNDING_M2:
        log.mend(
            "boundary-gap",
            "boundary",
            f"{len(slits)} {'gap' if len(slits) == 1 else 'gaps'} between polygons, {gap_m2:,.2f} m2 in all",
            "they were closed",
            "Redraw them with snapping so that neighbours share their border.",
            rows=(),
            ids=(),
        )
    if rounding:
        log.mend(
            "boundary-mismatch",
            "boundary",
            "neighbours do not have the same points along their common border (rounding)",
            "points were matched, no area changed hands",
            "Nothing needs to be done.",
            rows=(),
            ids=(),
            left="points were matched all the same, no area changed hands",
        )
    return cleaned


def _cleaned(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Clean a coverage, with a coarser snap each time that the result is not valid yet."""
    cleaned = geometry
    for snap_m in (-1.0, 1e-4, 1e-3, 1e-2):
        cleaned = np.asarray(
            shapely.coverage_clean(geometry, snapping_distance=snap_m, gap_width=CLOSED_GAP_M), dtype=object
        )
        if shapely.coverage_is_valid(cleaned):
            break
    return cleaned


def _overlapping(
    geometry: NDArray[np.object_], rows: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """Return pairs of source rows that overlap, as text with their m2, and the positions in them."""
    left, right = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    ahead = left < right
    left, right = left[ahead], right[ahead]
    area = shapely.area(shapely.intersection(geometry[left], geometry[right]))
    big = np.flatnonzero(area > _ROUNDING_M2)
    big = big[np.argsort(-area[big], kind="stable")]
    pairs = [f"rows {rows[left[k]]} and {rows[right[k]]}: {area[k]:,.2f} m2" for k in big]
    return pairs, np.unique(np.concatenate([left[big], right[big]])).astype(np.int64)


def _holes_between(union: object, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return holes of the union that no single polygon has as its own hole."""
    rings = [shapely.get_rings(part)[1:] for part in shapely.get_parts(union)]
    holes = (
        shapely.polygons(np.concatenate(rings))
        if rings and sum(map(len, rings))
        else np.array([], dtype=object)
    )
    own = [shapely.get_rings(part)[1:] for part in shapely.get_parts(geometry)]
    if len(holes) and sum(map(len, own)):
        tree = shapely.STRtree(shapely.polygons(np.concatenate(own)))
        held = np.unique(tree.query(holes, predicate="covered_by")[0])
        holes = np.delete(holes, held)
    return holes


def _widths(polygons: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the mean width of long thin polygons, twice the area by the perimeter, metres."""
    widths: NDArray[np.float64] = 2 * shapely.area(polygons) / np.maximum(shapely.length(polygons), 1e-9)
    return widths


def _report_holes(geometry: NDArray[np.object_], log: FaultLog) -> None:
    holes = _holes_between(shapely.union_all(geometry), geometry)
    holes = holes[shapely.area(holes) > _ROUNDING_M2]
    if len(holes):
        log.add(
            "boundary-hole",
            "boundary",
            f"the polygons enclose {len(holes)} open area{'' if len(holes) == 1 else 's'} "
            f"({shapely.area(holes).sum():,.0f} m2 in all), which no grid will cover",
            "Add polygons for them if people live there.",
            "warning",
        )


def _report_slots(geometry: NDArray[np.object_], codes: NDArray[np.object_], log: FaultLog) -> None:
    """Warn of narrow strips between neighbours that are open at an end: those cannot be closed."""
    near = np.nan_to_num(shapely.length(shapely.coverage_invalid_edges(geometry, gap_width=CLOSED_GAP_M)))
    # What is flagged at a centimetre already is rounding along a mended border, no strip of ground.
    rounding = np.nan_to_num(shapely.length(shapely.coverage_invalid_edges(geometry, gap_width=_ROUNDING_M)))
    length = near - rounding
    found = np.flatnonzero(length > 20 * CLOSED_GAP_M)
    if len(found):
        log.add(
            "boundary-gap",
            "boundary",
            f"along {length.sum() / 2:,.0f} m the polygons {some_of(list(codes[found]))} run less than "
            f"{CLOSED_GAP_M:g} m apart "
            "without touching; the strip between them belongs to no grid",
            "Redraw them with snapping so that neighbours share their border.",
            "warning",
            rows=found,
            ids=codes[found],
        )
