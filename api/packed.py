"""How large a packed Arrow stream is once it is unpacked, told from its own headers before a byte of it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["unpacked_bytes"]

_BATCH, _DICTIONARY = "record batch", "dictionary"
#: Fields of the tables of an Arrow message that say how it is packed.
_HEADER, _DATA, _BUFFERS, _COMPRESSION = 2, 1, 2, 3
#: Bytes before each packed part that say how large it is; -1: it is not packed.
_SIZE = 8


def unpacked_bytes(body: bytes) -> tuple[int, int]:
    """Return bytes and rows that an Arrow stream says it has once it is unpacked.

    Raises
    ------
    pyarrow.ArrowException
        Where it is no Arrow stream.
    """
    import pyarrow as pa

    total = rows = 0
    reader = pa.ipc.MessageReader.open_stream(body)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return total, rows
        if message.type not in (_BATCH, _DICTIONARY):
            continue
        try:
            table = _Table.root(memoryview(message.metadata)).table(_HEADER)
            if message.type == _DICTIONARY:
                table = None if table is None else table.table(_DATA)
            if table is None:
                raise pa.ArrowInvalid("a message without content")
            total += sum(_sizes(table, message.body))
            rows += table.number(0) if message.type == _BATCH else 0
        except (struct.error, IndexError) as error:
            raise pa.ArrowInvalid(f"a message that cannot be read ({error})") from None


def _sizes(batch: _Table, body: pa.Buffer | None) -> Iterator[int]:
    """Give the size of each part of a batch once it is unpacked."""
    packed = batch.table(_COMPRESSION) is not None
    data = memoryview(b"" if body is None else body)
    for offset, length in batch.pairs(_BUFFERS):
        if not packed or length < _SIZE:
            yield max(length, 0)
            continue
        (size,) = struct.unpack_from("<q", data, offset)
        yield length - _SIZE if size < 0 else size


class _Table:
    """A table of a FlatBuffer: where it begins, and where each of its fields is."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - int(struct.unpack_from("<i", data, at)[0])
        if self._fields < 0:
            raise IndexError("a field before the begin")
        self._n_bytes = int(struct.unpack_from("<H", data, self._fields)[0])

    @classmethod
    def root(cls, data: memoryview) -> _Table:
        """Return the outermost table."""
        return cls(data, int(struct.unpack_from("<I", data, 0)[0]))

    def _place(self, field: int) -> int | None:
        at = 4 + 2 * field
        if at + 2 > self._n_bytes:
            return None
        (offset,) = struct.unpack_from("<H", self._data, self._fields + at)
        return self._at + int(offset) if offset else None

    def _target(self, field: int) -> int | None:
        place = self._place(field)
        return None if place is None else place + int(struct.unpack_from("<I", self._data, place)[0])

    def table(self, field: int) -> _Table | None:
        """Return a table that a field holds."""
        target = self._target(field)
        return None if target is None else _Table(self._data, target)

    def number(self, field: int) -> int:
        """Return a number of 64 bits."""
        place = self._place(field)
        return 0 if place is None else int(struct.unpack_from("<q", self._data, place)[0])

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """Give the pairs of numbers of 64 bits in an array."""
        target = self._target(field)
        if target is None:
            return
        (n,) = struct.unpack_from("<I", self._data, target)
        if target + 4 + 16 * n > len(self._data):
            raise IndexError("an array behind the end")
        for k in range(n):
            offset, length = struct.unpack_from("<qq", self._data, target + 4 + 16 * k)
            yield int(offset), int(length)
