"""From the rows of a polygon layer to areas: one a code, codes as text in order, faults reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import CrsError, DatasetError, ParameterError, some_of
from gis_core.model import Fault, Severity

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Areas", "area_code_text", "build_areas"]

_POLYGON, _MULTIPOLYGON = 3, 6
_LAYER = "grids"


@dataclass(frozen=True)
class Areas:
    """Areas in ascending order of their codes.

    Attributes
    ----------
    codes : tuple of str
    geometry : object, shape (n,)
        Valid Polygons and MultiPolygons in the CRS of the layer.
    faults : tuple of Fault
    """

    codes: tuple[str, ...]
    geometry: NDArray[np.object_]
    faults: tuple[Fault, ...]


def area_code_text(value: Any) -> str | None:
    """Return a code as text; None where it is missing.

    Examples
    --------
    >>> area_code_text(7.0), area_code_text("007"), area_code_text(float("nan")), area_code_text("  ")
    ('7', '007', None, None)
    """
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    text = str(value)
    return text if text.strip() and text != "<NA>" else None


def build_areas(frame: GeoDataFrame, code_col: str = "code") -> Areas:
    """Make one area of all rows with one code.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons with a coordinate system.
    code_col : str
        Column of the codes; they compare as text.

    Returns
    -------
    Areas

    Raises
    ------
    CrsError
        Where the layer names no coordinate system.
    ParameterError
        Where there is no such column.
    DatasetError
        Where no polygon with a code is left.
    """
    if frame.crs is None:
        raise CrsError("The polygon layer names no coordinate system; write one into the file (.prj, srs).")
    if code_col not in frame.columns:
        columns = [str(name) for name in frame.columns if name != frame.geometry.name]
        raise ParameterError(
            f"The polygon layer has no column {code_col!r}; "
            f"name the column of the codes with --code-col: {some_of(columns, 12)}."
        )
    faults: list[Fault] = []
    codes = np.array([area_code_text(value) for value in frame[code_col]], dtype=object)
    shapes = shapely.force_2d(np.asarray(frame.geometry.values, dtype=object))
    kinds = shapely.get_type_id(shapes)
    usable = np.ones(len(codes), bool)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~np.isin(kinds, (_POLYGON, _MULTIPOLYGON))
    missing = np.array([each is None for each in codes], dtype=bool)
    for code, message, fix, bad in (
        ("empty-geometry", "have no geometry", "Draw them, or delete the rows.", empty),
        ("not-polygon", "are not polygons", "Keep polygons only in this layer.", other),
        ("no-code", f"have no {code_col}", "Give every polygon a code.", missing),
    ):
        rows = np.flatnonzero(bad & usable)
        usable &= ~bad
        if len(rows):
            faults.append(
                _fault(code, f"{len(rows)} rows {message} and are left out", fix, "error", rows, codes)
            )
    shapes = _mend(shapes, usable, codes, faults)
    rows = np.flatnonzero(usable)
    if not len(rows):
        raise DatasetError("The polygon layer holds no polygon with a code; nothing can be located in it.")
    names = sorted(set(codes[rows].tolist()))
    position = {name: i for i, name in enumerate(names)}
    merged = _merge(shapes[rows], np.array([position[code] for code in codes[rows]]), len(names))
    overlap = _overlap_fault(merged, names)
    return Areas(tuple(names), merged, (*faults, *([overlap] if overlap else [])))


def _fault(
    code: str, message: str, fix: str, severity: Severity, rows: NDArray[np.int64], codes: NDArray[np.object_]
) -> Fault:
    first = rows[:20].tolist()
    ids = tuple(str(codes[row]) for row in first if codes[row] is not None)
    return Fault(code, _LAYER, message + ".", fix, severity, tuple(first), ids, len(rows))


def _mend(
    shapes: NDArray[np.object_], usable: NDArray[np.bool_], codes: NDArray[np.object_], faults: list[Fault]
) -> NDArray[np.object_]:
    """Make invalid polygons valid and report them; what has no area left is taken out of `usable`."""
    invalid = usable & ~shapely.is_valid(shapes)
    rows = np.flatnonzero(invalid)
    if not len(rows):
        return shapes
    shapes = shapes.copy()
    for row in rows:
        parts = shapely.get_parts(shapely.make_valid(shapes[row]))
        inner = shapely.get_parts(parts)
        polygons = inner[shapely.get_type_id(inner) == _POLYGON]
        shapes[row] = shapely.union_all(polygons) if len(polygons) else None
    usable &= ~shapely.is_missing(shapes)
    message = f"{len(rows)} polygons cross themselves and were made valid"
    faults.append(_fault("invalid-geometry", message, "Correct their outlines.", "repaired", rows, codes))
    return shapes


def _merge(shapes: NDArray[np.object_], area: NDArray[np.int64], n_areas: int) -> NDArray[np.object_]:
    """Unite the rows of each area; an exact coverage keeps every vertex, so no neighbour is disturbed."""
    order = np.argsort(area, kind="stable")
    groups = np.split(shapes[order], np.searchsorted(area[order], np.arange(1, n_areas)))
    merged = np.empty(n_areas, dtype=object)
    for i, group in enumerate(groups):
        if len(group) == 1:
            merged[i] = group[0]
        else:
            exact = bool(shapely.coverage_is_valid(group))
            merged[i] = shapely.coverage_union_all(group) if exact else shapely.union_all(group)
            if shapely.get_type_id(merged[i]) not in (_POLYGON, _MULTIPOLYGON):
                merged[i] = shapely.multipolygons(shapely.get_parts(merged[i]))
    return merged


def _overlap_fault(areas: NDArray[np.object_], names: list[str]) -> Fault | None:
    """Report which areas share ground; those that fit together exactly are not looked at again."""
    if shapely.coverage_is_valid(areas):
        return None
    suspect = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(areas)))
    tree = shapely.STRtree(areas)
    left, right = tree.query(areas[suspect], predicate="intersects")
    left = suspect[left]
    pair = np.column_stack([np.minimum(left, right), np.maximum(left, right)])[left != right]
    pair = np.unique(pair, axis=0)
    shared = shapely.relate_pattern(areas[pair[:, 0]], areas[pair[:, 1]], "2********")
    pair = pair[shared]
    if not len(pair):
        return None
    shown = some_of([f"{names[i]} and {names[j]}" for i, j in pair.tolist()])
    return Fault(
        "overlap", _LAYER, f"{len(pair)} pairs of areas overlap ({shown}); the lowest code wins there.",
        "Correct the borders, so that every place is in one area.", "warning",
        ids=tuple(f"{names[i]},{names[j]}" for i, j in pair[:20].tolist()), count=len(pair),
    )  # fmt: skip
