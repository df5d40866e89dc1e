"""GeoJSON points, feature by feature: a FeatureCollection, also on one line, or a feature a line; never held whole.

The file is gone through twice: to learn the names and types of all properties, then to hand the features on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from gis_core.errors import DatasetError
from gis_core.locate.blocks import BLOCK_BYTES, Blocks
from gis_core.locate.json_kernels import MORE, UNREADABLE, find_objects
from gis_core.locate.points import Chunk, Kind, column_of, numbers_of

__all__ = ["GeoJsonPoints"]

#: A feature, or another member of the collection, that is longer is none.
_LONGEST = 64 << 20
#: Features that are held at once: what Python makes of them takes ten times as much memory as their text.
_CHUNK_ROWS, _CHUNK_BYTES = 20_000, 8 << 20
_SPACE = b" \t\r\n\x1e"
#: Numbers that orjson would not keep to the last digit.
_LONG_NUMBER = re.compile(rb"\d{19}")
_KINDS: dict[type, Kind] = {str: "text", int: "integer", float: "number", bool: "bool"}


class GeoJsonPoints:
    """Features, handed on as they are."""

    def __init__(self, path: Path, radius_col: str | None, chunk_rows: int) -> None:
        self.path = path
        self.geometry: str | None = None
        self.hinted_crs: str | None = None
        self.notes: list[str] = []
        self.total = 0
        self._chunk_rows = min(chunk_rows, _CHUNK_ROWS)
        self._blocks: Blocks | None = None
        names: dict[str, set[Kind]] = {}
        members: dict[str, bytes] = {}
        for features in self._features(members):
            self.total += len(features)
            _learn(features, names)
        self._blocks = None
        self.stated_crs = _crs_of(members.get("crs"))
        self.names = list(names)
        self.kinds: dict[str, Kind] = {name: _kind(found) for name, found in names.items()}
        if radius_col is not None:
            radius_col = self.names[column_of(self.names, radius_col, "--radius-col")]
        self._radius = radius_col

    def done(self) -> float:
        """Tell which part of the file was read."""
        return 0.0 if self._blocks is None else self._blocks.done()

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Give the features in order; what is no point has no position."""
        for number, features in enumerate(self._features({}, skip)):
            if number >= skip:
                yield self._chunk(features)

    def _features(self, members: dict[str, bytes], skip: int = 0) -> Iterator[list[dict[str, Any]]]:
        """Give features, some at a time; `members` gets the other members of the collection."""
        with Blocks(self.path) as blocks:
            self._blocks = blocks
            text = _Text(self.path.name, blocks)
            for number, batch in enumerate(text.batches(self._chunk_rows, members)):
                yield [] if number < skip else self._read(batch)
        if not text.is_sequence and "features" not in members:
            raise self._no_collection()

    def _read(self, batch: bytes) -> list[dict[str, Any]]:
        try:
            features = orjson.loads(batch) if not _LONG_NUMBER.search(batch) else json.loads(batch)
        except orjson.JSONDecodeError:
            try:
                features = json.loads(batch)  # NaN, and halves of characters, are not JSON but are found
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{self.path.name} is not GeoJSON: {error}.") from None
        except RecursionError:
            raise DatasetError(f"{self.path.name} is not GeoJSON: it is nested too deeply.") from None
        for feature in features:
            properties = feature.get("properties")
            if feature.get("type") != "Feature" or not (properties is None or isinstance(properties, dict)):
                raise self._no_collection()
        return list(features)

    def _no_collection(self) -> DatasetError:
        return DatasetError(f"{self.path.name} is not a GeoJSON FeatureCollection.")

    def _chunk(self, features: list[dict[str, Any]]) -> Chunk:
        places = [_point_of(feature.get("geometry")) for feature in features]
        x, y = numbers_of([x for x, _ in places]), numbers_of([y for _, y in places])
        radius = None
        if self._radius is not None:
            radius = numbers_of([(feature.get("properties") or {}).get(self._radius) for feature in features])

        def columns() -> list[Sequence[Any]]:
            rows = [feature.get("properties") or {} for feature in features]
            return [[row.get(name) for row in rows] for name in self.names]

        return Chunk(columns, x, y, radius, features=features)


def _learn(features: list[dict[str, Any]], names: dict[str, set[Kind]]) -> None:
    """Note the names of properties and the types of their values."""
    for feature in features:
        for name, value in (feature.get("properties") or {}).items():
            kinds = names.get(name)
            if kinds is None:
                kinds = names[name] = set()
            if value is not None:
                kind = _KINDS.get(type(value), "text")
                if kind == "text" and type(value) is not str:
                    kinds.update(("text", "bool"))  # nested: text, whatever the others are
                elif kind == "integer" and not -(2**63) <= value < 2**63:
                    kinds.add("text")
                kinds.add(kind)


def _kind(found: set[Kind]) -> Kind:
    """Return the type of a column."""
    if found and found <= {"integer", "number"}:
        return "number" if "number" in found else "integer"
    return "bool" if found == {"bool"} else "text"


def _point_of(geometry: Any) -> tuple[Any, Any]:
    """Return x, y of a point or of a multipoint of one; None where there is none."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    at = geometry.get("coordinates") if kind in ("Point", "MultiPoint") else None
    if kind == "MultiPoint" and isinstance(at, list) and len(at) == 1:
        at = at[0]
    if isinstance(at, list) and len(at) >= 2 and all(isinstance(each, int | float) for each in at[:2]):
        return at[0], at[1]
    return None, None


def _crs_of(member: bytes | None) -> str | None:
    """Return the system of an old-style `crs` member; None where there is none or it says WGS 84."""
    try:
        name = str(json.loads(member or b"null")["properties"]["name"])
    except (KeyError, TypeError, ValueError):
        return None
    code = name.replace("::", ":").rsplit(":", 1)[-1]
    return None if code in ("CRS84", "4326") else f"EPSG:{code}" if code.isdigit() else None


class _Text:
    """The text of a file, read as far as it is needed."""

    def __init__(self, name: str, blocks: Blocks) -> None:
        self._name, self._blocks = name, blocks
        self._text, self._at, self._ended = b"", 0, False
        self.is_sequence = False

    def batches(self, most: int, members: dict[str, bytes]) -> Iterator[bytes]:
        """Give arrays of at most so many features, as JSON.

        Raises
        ------
        DatasetError
            Where the text is neither a collection of features nor features one after the other.
        """
        self._more()
        if self._text.startswith(b"\xef\xbb\xbf"):
            self._at = 3
        if self._text[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DatasetError(f"{self._name} is UTF-16; GeoJSON is UTF-8, so save it as that.")
        begin = self._at
        if not self._enter_collection(members):
            # The first object was a feature: they stand one after the other.
            self._at, self.is_sequence = begin, True
            yield from self._objects(most)
            return
        yield from self._objects(most)
        self._skip_space()
        self._at += 1
        self._read_members(members)

    def _enter_collection(self, members: dict[str, bytes]) -> bool:
        """Go to the features of a collection; False where the text is none but may be a sequence."""
        if self._skip_space() != b"{":
            raise self._unreadable()
        self._keep = True
        self._at += 1
        found = self._read_members(members)
        self._keep = False
        if found:
            members["features"] = b""
            return True
        if members.get("type") == b'"Feature"':
            members.clear()
            return False
        raise DatasetError(f"{self._name} is not a GeoJSON FeatureCollection.")

    _keep = False

    def _read_members(self, members: dict[str, bytes]) -> bool:
        """Read the members of the outermost object; stop in the array of features and return True."""
        while True:
            mark = self._skip_space(b",")
            if mark in (b"}", b""):
                if not mark:
                    raise self._unreadable("it ends too early")
                return False
            if mark != b'"':
                raise self._unreadable()
            name = json.loads(self._value())
            if self._skip_space() != b":":
                raise self._unreadable()
            self._at += 1
            if self._skip_space() == b"[" and name == "features":
                self._at += 1
                return True
            members[str(name)] = self._value()

    def _objects(self, most: int) -> Iterator[bytes]:
        """Give the objects from here on, some at a time, until the array or the text ends."""
        start, stop = np.empty(most, np.int64), np.empty(most, np.int64)
        waiting: list[bytes] = []
        size = 0
        while True:
            text = np.frombuffer(self._text, np.uint8)
            count, at, how = find_objects(text, self._at, start, stop)
            for a, b in zip(start[:count].tolist(), stop[:count].tolist(), strict=True):
                waiting.append(self._text[a:b])
                size += b - a
                if len(waiting) == most or size >= _CHUNK_BYTES:
                    yield b"[" + b",".join(waiting) + b"]"
                    waiting, size = [], 0
            self._at = at
            if how == UNREADABLE:
                raise self._unreadable()
            if how != MORE:
                break
            if count < most and not self._more():
                if not self.is_sequence or self._text[self._at :].strip(_SPACE):
                    raise self._unreadable("it ends too early")
                break
        if waiting:
            yield b"[" + b",".join(waiting) + b"]"

    def _value(self) -> bytes:
        """Return the text of the value that begins here, and go behind it."""
        opening = self._text[self._at : self._at + 1]
        if opening == b'"':
            end = self._find(re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL))
        elif opening in (b"{", b"["):
            end = self._nested()
        else:
            end = self._find(re.compile(rb"[-+.\w]+(?=[\s,}\]])"))
        value = self._text[self._at : end]
        self._at = end
        return value

    def _find(self, pattern: re.Pattern[bytes]) -> int:
        while True:
            match = pattern.match(self._text, self._at)
            if match:
                return match.end()
            if not self._more():
                raise self._unreadable()

    def _nested(self) -> int:
        """Return where the object or array ends that begins here."""
        start, stop = np.empty(1, np.int64), np.empty(1, np.int64)
        while True:
            # An array is looked for as the object that it would be with other brackets.
            text = np.frombuffer(b"{" + self._text[self._at + 1 :], np.uint8)
            count, _, _ = find_objects(text, 0, start, stop)
            if count:
                return self._at + int(stop[0])
            if not self._more():
                raise self._unreadable("it ends too early")

    def _skip_space(self, also: bytes = b"") -> bytes:
        """Go to the next mark and return it; nothing at the end of the text."""
        while True:
            while self._at < len(self._text):
                mark = self._text[self._at : self._at + 1]
                if mark not in _SPACE + also:
                    return mark
                self._at += 1
            if not self._more():
                return b""

    def _more(self) -> bool:
        """Read on, and forget what is behind; False at the end."""
        if self._ended:
            return False
        begin = 0 if self._keep else self._at
        left = len(self._text) - begin
        if left > _LONGEST:
            raise self._unreadable(f"one feature is longer than {_LONGEST >> 20} MB")
        # Twice as much each time, so that a long feature is not gone through again and again.
        fresh = self._blocks.read(max(BLOCK_BYTES, left))
        self._ended = not fresh
        self._text, self._at = self._text[begin:] + fresh, self._at - begin
        return not self._ended

    def _unreadable(self, why: str = "") -> DatasetError:
        return DatasetError(f"{self._name} is not GeoJSON: {why or 'it cannot be read'}.")
