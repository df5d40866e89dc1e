"""Apply changes of base data to the layers of a data version: new layers, what they touch, and how to take it back.

All changes of a list name rows of the version before the list. Rows keep their order; a row that is taken back takes
its old place again, so that the inverse of a list restores every layer row by row. Must not know HTTP or SQL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.errors import EditError, known_or_near
from gis_core.layers.streets import cuts as streets_cut
from gis_core.layers.streets import street_classes
from gis_core.plan.base_changes import BaseChange, refuse
from gis_core.plan.base_cut import not_divided

__all__ = ["Applied", "apply_changes"]

#: Layers whose geometry borders of cells follow.
_OF_GROUND = frozenset({"buildings", "streets", "barriers"})
#: Columns that decide whether a line cuts the ground and how much it counts.
_OF_BORDERS = {"streets": frozenset({"class", "grade_separated"}), "barriers": frozenset({"cuts"})}
#: What `add` fills in where nothing is said.
_BLANK: dict[str, dict[str, Any]] = {
    "buildings": {"households": 0, "households_source": "source"},
    "streets": {"class": "residential", "grade_separated": False},
    "barriers": {"kind": "barrier", "cuts": True},
    "facilities": {},
}


@dataclass(frozen=True)
class Applied:
    """Layers after a list of changes.

    Attributes
    ----------
    frames : dict of str to GeoDataFrame
        Every layer of the store by name, in degrees, rows 0, 1, 2, ...
    building_from : int64, shape (n_buildings,)
        Row that each building had before; -1 where it is new or moved.
    changed : object, shape (k,)
        Shapes in degrees along which the ground must be cut anew; empty where cells stay as they are.
    inverse : tuple of dict
        The changes, as `parse_changes` reads them, that restore the layers.
    sources : dict of str to int64
        Of the layers that changed: row that each row had before; -1 where it is new.
    touched : dict of str to bool
        Of the same: whether a row is new, moved or has other values.
    """

    frames: dict[str, gpd.GeoDataFrame]
    building_from: NDArray[np.int64]
    changed: NDArray[np.object_]
    inverse: tuple[dict[str, Any], ...]
    sources: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    touched: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass
class _Layer:
    """One layer while it is changed."""

    name: str
    frame: gpd.GeoDataFrame
    set_to: dict[int, dict[str, Any]] = field(default_factory=dict)
    shapes: Any = None
    retired: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)
    added: list[BaseChange] = field(default_factory=list)
    touched: list[Any] = field(default_factory=list)
    before: dict[int, dict[str, Any]] = field(default_factory=dict)
    old_shapes: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = self.frame.drop(columns=self.frame.geometry.name)
        self.columns: dict[str, NDArray[Any]] = {str(name): plain[name].to_numpy() for name in plain.columns}
        self.shapes = np.asarray(self.frame.geometry.array, dtype=object).copy()

    def row(self, change: BaseChange, row_of: Mapping[str, int]) -> int:
        """Find the row that a change names."""
        if change.id is not None:
            if change.id not in row_of:
                near = known_or_near(change.id, list(row_of))
                raise refuse(change.at, f"there is no building {change.id[:80]!r} ({near}).")
            row = row_of[change.id]
        else:
            row = -1 if change.ix is None else change.ix
            if not 0 <= row < len(self.shapes):
                raise refuse(change.at, f"{self.name} have no row {row}; there are {len(self.shapes):,}.")
        if row in self.retired:
            raise refuse(change.at, f"{change.name} is retired by a change before it.")
        return row

    def set(self, row: int, values: Mapping[str, Any]) -> None:
        """Set columns of a row and remember what stood there."""
        was = self.values(row)
        self.before.setdefault(row, {}).update(
            {name: was[name] for name in values if name not in self.before.get(row, {})}
        )
        if _OF_BORDERS.get(self.name, frozenset()) & {n for n in values if values[n] != was[n]}:
            self.touched.append(self.shapes[row])
        self.set_to[row] = _stored(self.name, {**was, **values})

    def values(self, row: int) -> dict[str, Any]:
        """Return the values of a row as changes name them."""
        stored = self.set_to.get(row)
        if stored is None:
            cells = {name: column[row] for name, column in self.columns.items()}
            # NaN is not itself.
            cells = {name: None if value != value else value for name, value in cells.items()}  # noqa: PLR0124
            stored = {
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in cells.items()
            }
        return _named(self.name, {name: stored.get(name) for name in self.columns})

    def id_of(self, row: int) -> Any:
        """Return the id of a row."""
        return self.columns["id"][row]

    def finish(self) -> tuple[gpd.GeoDataFrame, list[int]]:
        """Return the layer after the changes, and the row that each of its rows had before (-1: added)."""
        source: list[int] = [row for row in range(len(self.shapes)) if row not in self.retired]
        placed = sorted((one for one in self.added if one.ix is not None), key=lambda one: one.ix or 0)
        new = [*placed, *(one for one in self.added if one.ix is None)]
        for number, change in enumerate(new):
            at = len(source) if change.ix is None else change.ix
            if at > len(source):
                raise refuse(change.at, f"it would take row {at} of {self.name}, which end before that.")
            source.insert(at, -1 - number)
        added = [_stored(self.name, {**_BLANK[self.name], **one.values}) for one in new]
        rows = np.array(source, dtype=np.int64)
        fresh, kept = np.flatnonzero(rows < 0), np.flatnonzero(rows >= 0)
        now = np.full(len(self.shapes), -1, np.int64)
        now[rows[kept]] = kept
        others = {int(now[row]): values for row, values in self.set_to.items() if now[row] >= 0}
        others |= {at: added[-1 - int(rows[at])] for at in fresh.tolist()}
        places = np.array(list(others), dtype=np.int64)
        data = {
            name: _taken(column, rows, places, [each.get(name) for each in others.values()])
            for name, column in self.columns.items()
        }
        shapes = _taken(self.shapes, rows, fresh, [new[-1 - int(rows[at])].geometry for at in fresh])
        table = pd.DataFrame(data, index=pd.RangeIndex(len(source)))
        return gpd.GeoDataFrame(table, geometry=shapes, crs=self.frame.crs), source

    def differing(self, source: Sequence[int]) -> NDArray[np.bool_]:
        """Tell of the rows after the changes which are new, moved or have other values."""
        rows = np.array(source, dtype=np.int64)
        return (rows < 0) | np.isin(rows, list(self.moved | set(self.set_to)))


def _taken(
    column: NDArray[Any], rows: NDArray[np.int64], places: NDArray[np.int64], values: list[Any]
) -> NDArray[Any]:
    """Return the values of some rows (-1: none yet), others in some places; of the same type where it holds them."""
    kind = column.dtype
    if kind.kind in "iu" and any(value is None for value in values):
        kind = np.dtype(np.float64)
    result = np.empty(len(rows), dtype=kind)
    known = rows >= 0
    result[known] = column[rows[known]]
    if kind.kind == "f":
        values = [np.nan if value is None else value for value in values]
    elif kind.kind == "b":
        values = [bool(value) for value in values]
    for place, value in zip(places.tolist(), values, strict=True):
        result[place] = value
    return result


def apply_changes(frames: Mapping[str, gpd.GeoDataFrame], changes: Sequence[BaseChange]) -> Applied:
    """Apply changes to the layers of a data version.

    Parameters
    ----------
    frames : mapping of str to GeoDataFrame
        Every layer as the store gives it; not changed.
    changes : sequence of BaseChange

    Returns
    -------
    Applied

    Raises
    ------
    EditError
        Where a change names what is not there, gives an id twice, or contradicts another.
    """
    layers: dict[str, _Layer] = {}
    row_of: dict[str, int] = {}
    for change in changes:
        if change.layer not in layers:
            layers[change.layer] = _Layer(change.layer, frames[change.layer])
            if change.layer == "buildings":
                row_of = {str(id_): row for row, id_ in enumerate(layers["buildings"].columns["id"].tolist())}
        _apply(layers[change.layer], change, row_of)
    if "buildings" in layers:
        _name_added(layers["buildings"], row_of)
    result = dict(frames)
    building_from = np.arange(len(frames["buildings"]), dtype=np.int64)
    sources: dict[str, list[int]] = {}
    for name, layer in layers.items():
        result[name], sources[name] = layer.finish()
        if name == "buildings":
            stay = [row if row >= 0 and row not in layer.moved else -1 for row in sources[name]]
            building_from = np.array(stay, dtype=np.int64)
    touched = [shape for name in sorted(_OF_GROUND & set(layers)) for shape in layers[name].touched]
    shapes = np.empty(len(touched), dtype=object)
    shapes[:] = touched
    inverse = tuple(item for name, layer in layers.items() for item in _inverse(layer, sources[name]))
    rows = {name: np.array(source, dtype=np.int64) for name, source in sources.items()}
    differs = {name: layer.differing(sources[name]) for name, layer in layers.items()}
    return Applied(result, building_from, shapes, inverse, rows, differs)


def _apply(layer: _Layer, change: BaseChange, row_of: Mapping[str, int]) -> None:
    if change.op == "add":
        layer.added.append(change)
        layer.touched.append(change.geometry)
        return
    row = layer.row(change, row_of)
    if change.op == "retire":
        if row in layer.before or row in layer.moved:
            raise refuse(change.at, f"{change.name} is changed before it is retired; retire it alone.")
        layer.retired.add(row)
        layer.touched.append(layer.shapes[row])
    elif change.op == "move":
        layer.old_shapes.setdefault(row, layer.shapes[row])
        layer.touched += [layer.shapes[row], change.geometry]
        layer.shapes[row] = change.geometry
        layer.moved.add(row)
        _set_apart(layer, row)
    else:
        values = dict(change.values)
        if "id" in values and layer.name == "buildings":
            raise refuse(change.at, "a building keeps its id; retire it and draw another.")
        if "households" in values:
            values.setdefault("households_source", "source")
        layer.set(row, values)


def _set_apart(layer: _Layer, row: int) -> None:
    """Make the part of a divided building that moves a building of its own."""
    if layer.name == "buildings":
        extra = layer.values(row)["extra"]
        if not_divided(extra) != extra:
            layer.set(row, {"extra": not_divided(extra)})


def _name_added(layer: _Layer, row_of: Mapping[str, int]) -> None:
    """Give buildings without an id one, and refuse an id that is taken."""
    taken = {id_ for id_, row in row_of.items() if row not in layer.retired}
    number = 1
    for change in layer.added:
        id_ = change.values.get("id")
        if id_ is None:
            while f"new-{number}" in taken or f"new-{number}" in row_of:
                number += 1
            id_ = change.values["id"] = f"new-{number}"
        elif id_ in taken:
            raise refuse(
                change.at,
                f"there is a building {id_[:80]!r} already.",
                case="building-taken",
                building=id_[:80],
            )
        taken.add(id_)


def _named(layer: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a stored row as changes name them."""
    values = dict(stored)
    values.pop("cell_ix", None)
    if layer == "streets":
        apart = bool(values.get("grade_separated"))
        rank = int(values.pop("rank"))
        flag = bool(streets_cut(np.array([rank], np.uint8), np.array([False]))[0])
        values = {
            "class": values["street_class"],
            "highway": values["highway"],
            "name": values["name"],
            "grade_separated": apart or (flag and not values["cuts"]),
        }
    elif layer == "buildings":
        text = values.get("extra")
        values["extra"] = json.loads(text) if isinstance(text, str) and text else {}
        if values.get("row") is not None:
            values["row"] = int(values["row"])
    return values


def _stored(layer: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the columns of the store's layer."""
    row = dict(values)
    if layer == "streets":
        wanted = row.pop("class")
        names, rank, _, _ = street_classes(pd.Series([wanted], dtype=object))
        apart = np.array([bool(row["grade_separated"])])
        row |= {
            "street_class": str(names[0]),
            "rank": int(rank[0]),
            "highway": row.get("highway") or wanted,
            "cuts": bool(streets_cut(rank, apart)[0]),
        }
    elif layer == "buildings":
        row["extra"] = json.dumps(row["extra"], ensure_ascii=False) if row.get("extra") else None
        row["cell_ix"] = -1
    return row


def _inverse(layer: _Layer, source: Sequence[int]) -> list[dict[str, Any]]:
    """Return the changes that restore a layer; rows that were moved or set are named as they are numbered now."""
    now = {row: at for at, row in enumerate(source) if row >= 0}
    items: list[dict[str, Any]] = []

    def name(row: int) -> dict[str, Any]:
        if layer.name == "buildings":
            return {"id": layer.id_of(row)}
        return {"ix": now[row]}

    for at, row in enumerate(source):
        if row < 0:
            mine = {"ix": at}
            items.append({"op": "retire", "layer": layer.name, **mine})
    for row in sorted(layer.retired):
        values = {key: value for key, value in layer.values(row).items() if value is not None}
        items.append(
            {
                "op": "add",
                "layer": layer.name,
                "ix": row,
                "geometry": _geojson(layer.shapes[row]),
                "values": values,
            }
        )
    for row, shape in layer.old_shapes.items():
        items.append({"op": "move", "layer": layer.name, **name(row), "geometry": _geojson(shape)})
    for row, values in layer.before.items():
        items.append({"op": "set", "layer": layer.name, **name(row), "values": values})
    return items


def _geojson(shape: Any) -> dict[str, Any]:
    return dict(shapely.geometry.mapping(shape))


def require_inside(ids: Sequence[str], cell_ix: NDArray[np.int32]) -> None:
    """Refuse buildings that were drawn or moved to where no boundary polygon is.

    Raises
    ------
    EditError
        Where one of them has no cell.
    """
    outside = [id_ for id_, cell in zip(ids, cell_ix.tolist(), strict=True) if cell < 0]
    if outside:
        raise EditError(
            f"Building {outside[0]} lies outside every boundary polygon, or for the most part: draw it inside.",
            case="outside",
            building=outside[0],
        )
