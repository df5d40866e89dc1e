"""Writes a small OpenStreetMap extract (.osm.pbf) byte by byte, so that tests need no file from elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Tags = Mapping[str, str]


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _block(tag: int, data: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(data)) + data


def _packed(tag: int, values: Iterable[int]) -> bytes:
    return _block(tag, b"".join(_varint(value) for value in values))


def _deltas(values: Sequence[int]) -> list[int]:
    return [_zigzag(value - before) for value, before in zip(values, [0, *values[:-1]], strict=True)]


@dataclass
class TinyPbf:
    """Nodes, ways and relations of a small extract."""

    texts: list[str] = field(default_factory=lambda: [""])
    nodes: list[bytes] = field(default_factory=list)
    ways: list[bytes] = field(default_factory=list)
    relations: list[bytes] = field(default_factory=list)

    def _text(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def _tags(self, tags: Tags) -> bytes:
        if not tags:
            return b""
        return _packed(2, [self._text(key) for key in tags]) + _packed(
            3, [self._text(value) for value in tags.values()]
        )

    def node(self, lon: float, lat: float, tags: Tags | None = None) -> int:
        number = len(self.nodes) + 1
        place = _number(8, _zigzag(round(lat * 1e7))) + _number(9, _zigzag(round(lon * 1e7)))
        self.nodes.append(_number(1, _zigzag(number)) + self._tags(tags or {}) + place)
        return number

    def way(self, nodes: Sequence[int], tags: Tags) -> int:
        number = 1000 + len(self.ways)
        self.ways.append(_number(1, number) + self._tags(tags) + _packed(8, _deltas(nodes)))
        return number

    def area(self, x0: float, y0: float, x1: float, y1: float, tags: Tags) -> int:
        corners = [self.node(x0, y0), self.node(x1, y0), self.node(x1, y1), self.node(x0, y1)]
        return self.way([*corners, corners[0]], tags)

    def multipolygon(self, ways: Sequence[int], tags: Tags) -> int:
        number = 5000 + len(self.relations)
        members = (
            _packed(8, [self._text("outer")] * len(ways))
            + _packed(9, _deltas(ways))
            + _packed(10, [1] * len(ways))
        )
        self.relations.append(_number(1, number) + self._tags(tags) + members)
        return number

    def write(self, path: Path) -> None:
        header = _block(4, b"OsmSchema-V0.6")
        groups = [
            _block(2, b"".join(_block(tag, each) for each in members))
            for tag, members in ((1, self.nodes), (3, self.ways), (4, self.relations))
            if members
        ]
        strings = _block(1, b"".join(_block(1, text.encode()) for text in self.texts))
        data = b""
        for kind, content in (("OSMHeader", header), ("OSMData", strings + b"".join(groups))):
            blob = _block(1, content) + _number(2, len(content))
            about = _block(1, kind.encode()) + _number(3, len(blob))
            data += struct.pack(">I", len(about)) + about + blob
        path.write_bytes(data)
