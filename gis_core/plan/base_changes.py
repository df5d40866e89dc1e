"""Changes of base data as people send them: draw, move, retire, set, cut, join; each is checked by itself here.

A change names a layer and a row in it (buildings by `id`, others by `ix`), and brings a geometry (GeoJSON, degrees) or
values. What it does to a data version stands in `base_apply`. Must not know HTTP or SQL.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import EditError, known_or_near, some_of
from gis_core.layers.streets import STREET_VALUES

__all__ = ["BASE_LAYERS", "LONGEST_TEXT", "MOST_CHANGES", "BaseChange", "PartWish", "parse_changes"]

Op = Literal["add", "move", "retire", "set", "cut", "join"]

#: Changes in one list: the counts of a city fit.
MOST_CHANGES = 200_000
#: Points of one outline or line.
MOST_POINTS = 10_000
MOST_PEOPLE = 1_000_000
LONGEST_TEXT = 4000
_MOST_EXTRA = 200

#: Parts that one cut makes.
MOST_PARTS = 50

#: Layer -> kinds of geometry that it holds. `gates` are facilities of the category `gate`.
BASE_LAYERS: dict[str, tuple[str, ...]] = {
    "buildings": ("Polygon", "MultiPolygon", "Point"),
    "streets": ("LineString", "MultiLineString"),
    "barriers": ("LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    "facilities": ("Point",),
    "gates": ("Point",),
}
#: What a building is cut along.
_CUTS = ("LineString", "MultiLineString")


@dataclass(frozen=True)
class PartWish:
    """What one part of a divided building is to hold.

    Attributes
    ----------
    at : shapely.Point
        A place on its ground, in degrees.
    households : int or None
        None: by its share of the ground.
    population : float or None
        None: as the households.
    """

    at: Any
    households: int | None
    population: float | None


@dataclass(frozen=True)
class BaseChange:
    """One change, checked by itself.

    Attributes
    ----------
    at : int
        Position in the list, for messages.
    layer : str
        A layer of the store: gates are `facilities`.
    id : str or None
        Building that it names.
    ix : int or None
        Row that it names; of `add` the row that it takes, None at the end.
    geometry : shapely geometry or None
        In degrees.
    values : dict
        Columns of the store's layer -> value.
    parts : tuple of PartWish
        Of a cut; none: shared out by ground.
    """

    at: int
    op: Op
    layer: str
    id: str | None
    ix: int | None
    geometry: Any
    values: dict[str, Any]
    parts: tuple[PartWish, ...] = ()

    @property
    def name(self) -> str:
        """The row as messages name it."""
        return f"building {self.id}" if self.id is not None else f"row {self.ix} of {self.layer}"


def parse_changes(items: Sequence[Mapping[str, Any]]) -> tuple[BaseChange, ...]:
    """Read a list of changes.

    Parameters
    ----------
    items
        `{"op": "add|move|retire|set", "layer", "id" or "ix", "geometry": GeoJSON, "values": {column: value}}`;
        of buildings also `{"op": "cut", "layer", "id", "geometry": line, "parts"}`, with parts of the form
        `{"at", "households", "population"}`, and `{"op": "join", "layer", "id"}`.

    Raises
    ------
    EditError
        Where one is no such change; `context["change"]` is its position.
    """
    if not 0 < len(items) <= MOST_CHANGES:
        raise EditError(f"A list of changes has 1 to {MOST_CHANGES:,} of them; this one has {len(items):,}.")
    return tuple(_parse(at, item) for at, item in enumerate(items))


def refuse(at: int, message: str, *, case: str = "", **said: object) -> EditError:
    """Return the error for the change at a position; `case` and what it says for those with words of their own."""
    more = {"case": case, **said} if case else {}
    return EditError(f"Change {at + 1}: {message}", change=at, **more)


def _parse(at: int, item: Mapping[str, Any]) -> BaseChange:
    unknown = sorted(set(item) - {"op", "layer", "id", "ix", "geometry", "values", "parts"})
    if unknown:
        raise refuse(at, f"it has the unknown field {some_of(unknown)}.")
    op, layer = item.get("op"), item.get("layer")
    if op not in get_args(Op):
        raise refuse(at, f"op is {', '.join(get_args(Op))}, not {str(op)[:40]!r}.")
    if layer not in BASE_LAYERS:
        raise refuse(at, f"layer is {', '.join(BASE_LAYERS)}, not {str(layer)[:40]!r}.")
    if op in ("cut", "join"):
        return _parse_cut(at, op, str(layer), item)
    if item.get("parts"):
        raise refuse(at, f"{op} takes no parts; use cut.")
    values = item.get("values") or {}
    if not isinstance(values, Mapping):
        raise refuse(at, "values is an object of columns.")
    if values and op in ("move", "retire"):
        raise refuse(at, f"{op} takes no values; use set.")
    if not values and op == "set":
        raise refuse(at, "set names no values.")
    stored = "facilities" if layer == "gates" else str(layer)
    found = {name: _value(at, stored, str(name), value) for name, value in values.items()}
    if layer == "gates" and op == "add":
        found.setdefault("category", "gate")
    geometry = None
    if op in ("add", "move"):
        geometry = _geometry(at, str(layer), item.get("geometry"))
    elif item.get("geometry") is not None:
        raise refuse(at, f"{op} takes no geometry; use move.")
    id_, ix = _named(at, str(op), stored, item, found)
    return BaseChange(at, op, stored, id_, ix, geometry, found)  # type: ignore[arg-type]


def _parse_cut(at: int, op: Op, layer: str, item: Mapping[str, Any]) -> BaseChange:
    """Read a cut of a building, or the joining of its parts."""
    if layer != "buildings":
        raise refuse(at, f"only buildings can be {'cut' if op == 'cut' else 'joined'}, not {layer}.")
    if item.get("ix") is not None or item.get("values"):
        raise refuse(at, f"{op} names a building by id and takes no values.")
    id_ = _text(at, "id", item.get("id"))
    parts = item.get("parts") or []
    if op == "join":
        if parts or item.get("geometry") is not None:
            raise refuse(at, "join takes neither geometry nor parts.")
        return BaseChange(at, op, layer, id_, None, None, {})
    if (
        not isinstance(parts, Sequence)
        or isinstance(parts, str)
        or len(parts) == 1
        or len(parts) > MOST_PARTS
    ):
        raise refuse(at, f"parts is a list of 2 to {MOST_PARTS} parts, or is left out.")
    line = _geometry(at, "cuts", item.get("geometry"))
    return BaseChange(at, op, layer, id_, None, line, {}, tuple(_part(at, part) for part in parts))


def _part(at: int, part: Any) -> PartWish:
    """Read what one part is to hold."""
    if not isinstance(part, Mapping) or set(part) - {"at", "households", "population"}:
        raise refuse(at, "a part is an object with at, households and population.")
    place = part.get("at")
    good = isinstance(place, Sequence) and not isinstance(place, str) and len(place) == 2
    if not good or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in place):  # type: ignore[union-attr]
        raise refuse(at, "at is a place on the part's ground: [longitude, latitude].")
    xy = np.array(place, dtype=np.float64).reshape(1, 2)
    if not _in_degrees(xy):
        raise refuse(at, "at is no place in degrees: longitude first, then latitude.")
    households = part.get("households")
    return PartWish(
        shapely.Point(xy[0]),
        None if households is None else _households(at, "households", households),
        _people(at, "population", part.get("population")),
    )


def _named(
    at: int, op: str, layer: str, item: Mapping[str, Any], values: dict[str, Any]
) -> tuple[str | None, int | None]:
    """Return the id and the row that a change names."""
    id_, ix = item.get("id"), item.get("ix")
    if ix is not None and (isinstance(ix, bool) or not isinstance(ix, int) or not 0 <= ix < 2**31):
        raise refuse(at, "ix is the number of a row, 0 or more.")
    if id_ is not None:
        if layer != "buildings":
            raise refuse(at, f"rows of {layer} are named by ix, not by id.")
        id_ = _text(at, "id", id_)
    if op == "add":
        if id_ is not None:
            values.setdefault("id", id_)
        return None, ix
    if (id_ is None) == (ix is None):
        raise refuse(at, "it names one row: a building by id, others by ix.")
    return id_, ix


def _geometry(at: int, layer: str, value: Any) -> Any:
    """Read a GeoJSON geometry and check it."""
    if not isinstance(value, Mapping):
        raise refuse(at, "geometry is a GeoJSON geometry in degrees of WGS 84.")
    try:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(value, allow_nan=False)))
    except (shapely.GEOSException, ValueError, TypeError):
        raise refuse(at, "its geometry cannot be read as GeoJSON.") from None
    kinds = BASE_LAYERS.get(layer, _CUTS)
    if shape is None or shape.geom_type not in kinds or shape.is_empty:
        raise refuse(at, f"{layer} hold {' or '.join(kinds)}, not {value.get('type')}.")
    xy = shapely.get_coordinates(shape)
    if len(xy) > MOST_POINTS:
        raise refuse(
            at,
            f"its geometry has {len(xy):,} points, more than {MOST_POINTS:,}.",
            case="points",
            most=MOST_POINTS,
        )
    if not _in_degrees(xy):
        raise refuse(at, "its coordinates are no degrees: longitude first, then latitude.", case="degrees")
    if not shape.is_valid:
        raise refuse(
            at,
            f"its outline is not sound ({shapely.is_valid_reason(shape)}); draw it again.",
            case="not-sound",
        )
    if shape.geom_type != "Point" and not (shape.area or shape.length):
        raise refuse(at, "its geometry has no extent.")
    return shape


def _in_degrees(xy: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(xy).all() and (np.abs(xy[:, 0]) <= 180).all() and (np.abs(xy[:, 1]) <= 90).all())


def _text(at: int, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refuse(at, f"{name} is a text that is not empty.")
    return str(_maybe_text(at, name, value))


def _maybe_text(at: int, name: str, value: Any) -> str | None:
    """Return a text that both databases hold, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\x00" in value or not _is_unicode(value):
        raise refuse(at, f"{name} is a text of at most {LONGEST_TEXT:,} characters, or null.")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(at: int, name: str, value: Any, most: float, *, whole: bool) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not 0 <= value <= most or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise refuse(
            at, f"{name} is {kind} from 0 to {most:,.0f}, not {str(value)[:40]}.", case="number", most=most
        )
    return int(value) if whole else float(value)


def _flag(at: int, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(at, f"{name} is true or false.")
    return value


def _people(at: int, name: str, value: Any) -> float | None:
    return None if value is None else _number(at, name, value, MOST_PEOPLE, whole=False)


def _levels(at: int, name: str, value: Any) -> float | None:
    return None if value is None else _number(at, name, value, 1000, whole=False)


def _households(at: int, name: str, value: Any) -> int:
    return int(_number(at, name, value, MOST_PEOPLE, whole=True))


def _row(at: int, name: str, value: Any) -> int | None:
    return None if value is None else int(_number(at, name, value, 2**53, whole=True))


def _class(at: int, name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in STREET_VALUES:
        known = known_or_near(str(value)[:40], sorted(STREET_VALUES))
        raise refuse(at, f"{name} is a class of docs/dataset.md, not {str(value)[:40]!r} ({known}).")
    return value


def _extra(at: int, name: str, value: Any) -> dict[str, Any]:
    """Return further values of a building by column."""
    if not isinstance(value, Mapping) or len(value) > _MOST_EXTRA:
        raise refuse(at, f"{name} is an object of at most {_MOST_EXTRA} values.")
    for key, one in value.items():
        _text(at, name, key)
        if not isinstance(one, int | float | bool):
            _maybe_text(at, f"{name}.{key}", one)
        elif not math.isfinite(one):
            raise refuse(at, f"{name}.{key} is no finite number.")
    return dict(value)


def _source(at: int, name: str, value: Any) -> str:
    if value not in ("source", "estimated"):
        raise refuse(at, f"{name} is source or estimated.")
    return str(value)


_Reader = Callable[[int, str, Any], Any]
_VALUES: dict[str, dict[str, _Reader]] = {
    "buildings": {
        "id": _text,
        "row": _row,
        "households": _households,
        "population": _people,
        "levels": _levels,
        "use": _maybe_text,
        "name": _maybe_text,
        "address": _maybe_text,
        "compound": _maybe_text,
        "households_source": _source,
        "extra": _extra,
    },
    "streets": {"class": _class, "highway": _maybe_text, "name": _maybe_text, "grade_separated": _flag},
    "barriers": {"kind": _maybe_text, "name": _maybe_text, "cuts": _flag},
    "facilities": {"id": _maybe_text, "category": _maybe_text, "name": _maybe_text},
}


def _value(at: int, layer: str, name: str, value: Any) -> Any:
    reader = _VALUES[layer].get(name)
    if reader is None:
        raise refuse(at, f"{layer} have no column {name!r} ({known_or_near(name, list(_VALUES[layer]))}).")
    return reader(at, name, value)
