"""An edit of a plan: cells that change grid, and attributes by path; what it may hold, and its inverse.

A plan is an assignment of cells to grids and a flat map from path to JSON value, where null is absent. An edit
sets cells and paths, and keeps what stood there before, so that its inverse is an edit as well. Numbers of grids
are only ever appended. Must not know HTTP or SQL.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import EditError, some_of

__all__ = [
    "N_COLOURS",
    "Change",
    "Place",
    "changed_grids",
    "code_of",
    "net_cells",
    "net_changes",
    "parse_path",
    "require_arrays",
    "require_changes",
    "require_living",
]

#: Colours that a grid can be given: 0 to 7.
N_COLOURS = 8
_LONGEST_CODE, _LONGEST_NAME, _LONGEST_NOTE, _MOST_STAFF = 64, 200, 2000, 100
_STAFF_KEYS = ("role", "name", "phone", "hours", "deputy")

Kind = Literal["grid", "name", "code", "colour", "locked", "staff", "cell", "border", "note"]
_NUMBER = r"(0|[1-9]\d{0,8})"
_PATHS: tuple[tuple[re.Pattern[str], Kind | None], ...] = (
    (re.compile(rf"grid/{_NUMBER}"), "grid"),
    (re.compile(rf"grid/{_NUMBER}/(name|code|colour|locked|staff)"), None),
    (re.compile(rf"lock/cell/{_NUMBER}"), "cell"),
    (re.compile(rf"lock/border/{_NUMBER}/{_NUMBER}"), "border"),
    (re.compile(r"note/([A-Za-z0-9_-]{1,64})"), "note"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute that an edit sets; None is absent, before and after."""

    path: str
    value: Any
    before: Any = None


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: the kind of attribute, and the numbers of its grids or cell."""

    kind: Kind
    numbers: tuple[int, ...]


def parse_path(path: str) -> Place:
    """Read a path.

    Raises
    ------
    EditError
        Where there is no attribute of that form.

    Examples
    --------
    >>> parse_path("grid/12/name")
    Place(kind='name', numbers=(12,))
    """
    for pattern, kind in _PATHS:
        match = pattern.fullmatch(path) if isinstance(path, str) else None
        if match is None:
            continue
        if kind is None:
            return Place(match[2], (int(match[1]),))  # type: ignore[arg-type]
        numbers = () if kind == "note" else tuple(int(group) for group in match.groups())
        if kind == "border" and numbers[0] >= numbers[1]:
            raise EditError(
                f"The path {path} names the lesser grid last: write the lesser number first.", path=path
            )
        return Place(kind, numbers)
    raise EditError(
        f"A plan has no attribute {str(path)[:80]!r}: paths are as docs/http.md names them.", path=path
    )


def require_arrays(
    cell_ix: NDArray[np.integer] | Sequence[int], grid_ix: NDArray[np.integer] | Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the cells and grids of an edit as int32.

    Raises
    ------
    EditError
        Where they are no whole numbers, differ in length, or name a cell twice.
    """
    arrays = [np.asarray(cell_ix), np.asarray(grid_ix)]
    for name, array in zip(("cell_ix", "grid_ix"), arrays, strict=True):
        if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
            raise EditError(f"{name} of an edit is a list of whole numbers.")
        if array.size and (array.min() < -1 or array.max() > np.iinfo(np.int32).max):
            raise EditError(f"{name} of an edit holds numbers that no plan has.")
    if len(arrays[0]) != len(arrays[1]):
        raise EditError(
            f"An edit names {len(arrays[0])} cells but {len(arrays[1])} grids; there is one for each."
        )
    cells, counts = np.unique(arrays[0], return_counts=True)
    if (counts > 1).any():
        twice = cells[counts > 1].tolist()
        raise EditError(f"An edit names cell {some_of(twice)} more than once.", cell_ix=twice)
    return arrays[0].astype(np.int32), arrays[1].astype(np.int32)


def require_changes(
    changes: Iterable[Change | tuple[str, Any]], *, n_cells: int, n_grids: int
) -> dict[str, tuple[Place, Any]]:
    """Check the attributes of an edit one by one.

    Parameters
    ----------
    changes
        Paths with their new values.
    n_cells, n_grids : int
        Cells of the plan; grids that it ever had. New grids take the next numbers.

    Returns
    -------
    dict
        Path -> what it names, and its value.

    Raises
    ------
    EditError
        Where a path is unknown or named twice, names a cell or grid that is not there, or its value is no such
        value.
    """
    found: dict[str, tuple[Place, Any]] = {}
    for change in changes:
        path, value = (change.path, change.value) if isinstance(change, Change) else change
        if path in found:
            raise EditError(f"An edit sets {path} more than once.", path=path)
        place = parse_path(path)
        found[path] = (place, None if value is None else _VALUES[place.kind](path, value))
    fresh = sorted(
        place.numbers[0]
        for place, value in found.values()
        if place.kind == "grid" and place.numbers[0] >= n_grids and value is not None
    )
    if fresh != list(range(n_grids, n_grids + len(fresh))):
        raise EditError(f"A new grid takes the next number, {n_grids}, not {some_of(fresh)}.", grid_ix=fresh)
    for path, (place, _) in found.items():
        limit = n_cells if place.kind == "cell" else n_grids + len(fresh)
        if any(number >= limit for number in place.numbers):
            what = "cell" if place.kind == "cell" else "grid"
            raise EditError(f"The plan has no such {what}: {path}.", path=path)
    return found


def require_living(changes: Mapping[str, tuple[Place, Any]], living: Mapping[int, bool]) -> None:
    """Refuse attributes for grids that are dissolved, after the edit.

    Parameters
    ----------
    living : mapping of int to bool
        Whether each grid that the changes name lives after the edit.

    Raises
    ------
    EditError
        Where a value is set on a dissolved grid.
    """
    for path, (place, value) in changes.items():
        if value is None or place.kind in ("grid", "cell", "note"):
            continue
        gone = [number for number in place.numbers if not living[number]]
        if gone:
            raise EditError(f"Grid {gone[0]} is dissolved; {path} cannot be set.", path=path, grid_ix=gone)


def changed_grids(changes: Mapping[str, tuple[Place, Any]], *kinds: Kind) -> list[int]:
    """Return the grids that changes of some kinds name, in order."""
    return sorted(
        {number for place, _ in changes.values() if place.kind in kinds for number in place.numbers}
    )


def code_of(attributes: Mapping[str, Any], grid_ix: int) -> str | None:
    """Return the code that a grid carries; None where it is dissolved."""
    base = attributes.get(f"grid/{grid_ix}")
    return None if base is None else str(attributes.get(f"grid/{grid_ix}/code") or base["code"])


def net_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Join changes that follow each other into one for each path; those that come to nothing are left out."""
    first: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for one in changes:
        first.setdefault(one.path, one.before)
        last[one.path] = one.value
    return tuple(Change(path, last[path], first[path]) for path in first if last[path] != first[path])


def net_cells(
    deltas: Iterable[tuple[NDArray[np.int32], NDArray[np.int32]]],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return each cell of deltas that follow each other once, with the grid that it had before the first.

    Parameters
    ----------
    deltas
        Cells, and the grid of each before, the oldest first.

    Returns
    -------
    cell_ix, before : int32, shape (n,)
        In ascending order of the cells.
    """
    known = list(deltas)
    if not known:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    cells = np.concatenate([cells for cells, _ in known])
    before = np.concatenate([before for _, before in known])
    unique, first = np.unique(cells, return_index=True)
    return unique, before[first]


def _text(path: str, value: Any, longest: int, part: str = "") -> str:
    """Return a text that both databases hold and a page shows."""
    name = f"{path}: {part}" if part else path
    if not isinstance(value, str) or not value.strip():
        raise EditError(f"{name} is a text that is not empty; null takes it away.", path=path)
    if len(value) > longest:
        raise EditError(f"{name} has {len(value)} characters, more than {longest}.", path=path)
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in value) or not _is_unicode(value):
        raise EditError(f"{name} holds characters that cannot be stored.", path=path)
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _grid(path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= {"code", "boundary_code"} or "code" not in value:
        raise EditError(f"{path} is {{code, boundary_code}}, or null to dissolve the grid.", path=path)
    boundary = value.get("boundary_code")
    return {
        "code": _text(path, value["code"], _LONGEST_CODE, "code"),
        "boundary_code": None if boundary is None else _text(path, boundary, _LONGEST_CODE, "boundary_code"),
    }


def _colour(path: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < N_COLOURS:
        raise EditError(f"{path} is a number from 0 to {N_COLOURS - 1}.", path=path)
    return value


def _true(path: str, value: Any) -> bool:
    if value is not True:
        raise EditError(f"{path} is true, or null to unlock.", path=path)
    return True


def _staff(path: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > _MOST_STAFF:
        raise EditError(f"{path} is a list of at most {_MOST_STAFF} people.", path=path)
    people = []
    for person in value:
        if not isinstance(person, dict) or not set(person) <= set(_STAFF_KEYS) or not person.get("name"):
            raise EditError(
                f"{path}: a person has a name and may have {', '.join(_STAFF_KEYS)}, and nothing else.",
                path=path,
            )
        people.append({key: _staff_value(path, key, person[key]) for key in _STAFF_KEYS if key in person})
    return people


def _staff_value(path: str, key: str, value: Any) -> Any:
    if value is None or (key == "deputy" and isinstance(value, bool)):
        return value
    return "" if value == "" else _text(path, value, _LONGEST_NAME, key)


def _note(path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != {"lon", "lat", "text"}:
        raise EditError(f"{path} is {{lon, lat, text}}, or null to take the note away.", path=path)
    place = {}
    for name, limit in (("lon", 180), ("lat", 90)):
        number = value[name]
        good = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        if not good or abs(number) > limit:
            raise EditError(f"{path}: {name} is a number from -{limit} to {limit}.", path=path)
        place[name] = float(number)
    return {**place, "text": _text(path, value["text"], _LONGEST_NOTE, "text")}


_VALUES = {
    "grid": _grid,
    "name": lambda path, value: _text(path, value, _LONGEST_NAME),
    "code": lambda path, value: _text(path, value, _LONGEST_CODE),
    "colour": _colour,
    "locked": _true,
    "staff": _staff,
    "cell": _true,
    "border": _true,
    "note": _note,
}
