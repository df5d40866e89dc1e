"""Delimited text as a table of points: encoding and delimiter are found by looking, rows come back as they were.

Most files quote nothing. Their rows are kept as lines, and only the columns of the position are read; where something
is quoted, or a row is not as long as the header, the rows of that chunk are taken apart one by one.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import DatasetError
from gis_core.locate.blocks import Blocks
from gis_core.locate.points import Chunk, Kind, column_of, hint_of, numbers_of, position_names

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CsvPoints"]

_LOOKED_AT = 1 << 16
#: A chunk ends where it has so many bytes, however few rows; a longer line is none.
_CHUNK_BYTES = 64 << 20
_DELIMITERS = (",", "\t", ";", "|")


class CsvPoints:
    """A delimited text file."""

    def __init__(
        self, path: Path, x_col: str | None, y_col: str | None, radius_col: str | None, geographic: bool,
        chunk_rows: int,
    ) -> None:  # fmt: skip
        self.path = path
        self.stated_crs: str | None = None
        self.geometry: str | None = None
        self.kinds: dict[str, Kind] = {}
        self.notes: list[str] = []
        self.total = 0
        self._chunk_rows = chunk_rows
        self._blocks: Blocks | None = None
        self._encoding = self._find_encoding()
        self._delimiter = self._find_delimiter()
        with Blocks(path) as blocks:
            self.names = _Rows(path.name, blocks, self._encoding, self._delimiter).header()
        if not self.names:
            raise DatasetError(f"{path.name} is empty; its first line must name the columns.")
        self._x, self._y = position_names(self.names, x_col, y_col, geographic=geographic, file=path.name)
        self.hinted_crs = hint_of(self.names[self._x])
        self._radius = None if radius_col is None else column_of(self.names, radius_col, "--radius-col")

    def done(self) -> float:
        """Tell which part of the file was read."""
        return 0.0 if self._blocks is None else self._blocks.done()

    def _find_encoding(self) -> str:
        """Return UTF-8 (with or without a mark), UTF-16 with a mark, or GB18030, whichever the whole file is."""
        with Blocks(self.path) as blocks:
            head = blocks.read(4)
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        for encoding in ("utf-8-sig", "gb18030"):
            if self._decodes(encoding):
                if encoding == "gb18030":
                    self.notes.append(f"{self.path.name} is not UTF-8; it was read as GB18030 (GBK).")
                return encoding
        raise DatasetError(f"{self.path.name} is neither UTF-8 nor GB18030 (GBK); save it as UTF-8.")

    def _decodes(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        with Blocks(self.path) as blocks:
            try:
                while data := blocks.read():
                    if encoding != "utf-8-sig" or not data.isascii():
                        decoder.decode(data)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return False
        return True

    def _find_delimiter(self) -> str:
        """Return the delimiter that cuts the first lines into the most columns, all alike."""
        with Blocks(self.path) as blocks:
            text = io.TextIOWrapper(blocks.stream, encoding=self._encoding, newline="")  # type: ignore[type-var]
            lines = [line for line in (text.readline(_LOOKED_AT) for _ in range(20)) if line.strip()]
        best, most = ",", 1
        for delimiter in _DELIMITERS:
            try:
                widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
            except csv.Error:
                continue
            if widths and min(widths[0], *widths) > most:
                best, most = delimiter, min(widths)
        return best

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Give the rows in order; a row shorter than the header is filled with empty fields."""
        width, short, number = len(self.names), 0, 0
        with Blocks(self.path) as blocks:
            self._blocks = blocks
            rows = _Rows(self.path.name, blocks, self._encoding, self._delimiter)
            rows.header()
            while rows.take(self._chunk_rows):
                if number < skip and rows.is_plain and rows.skip():
                    number += 1
                    continue
                chunk = self._plain_chunk(rows) if rows.is_plain else None
                if chunk is None:
                    taken, filled = rows.split(width)
                    short += filled
                    chunk = self._chunk(taken) if taken else None
                if chunk is not None:
                    number += 1
                    if number > skip:
                        yield chunk
        if short:
            self.notes.append(
                f"{short} rows of {self.path.name} had too few fields; the missing ones are empty."
            )

    def _plain_chunk(self, rows: _Rows) -> Chunk | None:
        """Return rows as lines, with their positions; None where they are not that simple."""
        wanted = [self._x, self._y, *([] if self._radius is None else [self._radius])]
        lines = rows.lines()
        table = rows.numbers(len(self.names), sorted(set(wanted)))
        if table is None or table.num_rows != len(lines):
            return None
        x, y, *radius = (_finite(table.column(str(ix)).to_numpy()) for ix in wanted)
        delimiter = self._delimiter

        def columns() -> list[Sequence[Any]]:
            return list(zip(*(line.split(delimiter) for line in lines), strict=True))

        rows.done_with(len(lines))
        return Chunk(columns, x, y, radius[0] if radius else None, lines=lines if delimiter == "," else None)

    def _chunk(self, rows: list[list[str]]) -> Chunk:
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        radius = None if self._radius is None else numbers_of(columns[self._radius])
        return Chunk(columns, numbers_of(columns[self._x]), numbers_of(columns[self._y]), radius)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)


class _Rows:
    """Lines of a file, some at a time, whose ends are bytes 10; what UTF-16 holds is read as UTF-8."""

    def __init__(self, name: str, blocks: Blocks, encoding: str, delimiter: str) -> None:
        self._name, self._blocks, self._delimiter = name, blocks, delimiter
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding == "utf-16" else None
        self._encoding = "utf-8" if encoding != "gb18030" else encoding
        self._buffer, self._ended, self._before = b"", False, 0
        self._ends: tuple[bytes, bytes] | None = None
        self._data = b""
        self._waiting: list[list[str]] = []
        self._read(first=True)

    def _read(self, *, first: bool = False) -> None:
        """Read a block more."""
        data = self._blocks.read()
        self._ended = not data
        if self._decoder is not None:
            try:
                data = self._decoder.decode(data, final=self._ended).encode("utf-8")
            except UnicodeError:
                raise DatasetError(f"{self._name} is no valid UTF-16; save it as UTF-8.") from None
        if first:
            data = data.removeprefix(codecs.BOM_UTF8) if self._encoding == "utf-8" else data
            if b"\r" in data and b"\n" not in data:
                self._ends = (b"\r", b"\n")
        self._buffer += data if self._ends is None else data.replace(*self._ends)

    def take(self, n: int) -> bool:
        """Take the next lines, at most n; tell whether there are any."""
        parts: list[bytes] = []
        size = count = 0
        while True:
            ends = np.flatnonzero(np.frombuffer(self._buffer, np.uint8) == 10)
            if len(ends) >= n - count:
                cut = int(ends[n - count - 1]) + 1
                parts.append(self._buffer[:cut])
                self._buffer = self._buffer[cut:]
                break
            parts.append(self._buffer)
            size, count, self._buffer = size + len(self._buffer), count + len(ends), b""
            if size > _CHUNK_BYTES:
                data = b"".join(parts)
                cut = data.rfind(b"\n") + 1
                if not cut:
                    raise DatasetError(
                        f"Line {self._before + 1} of {self._name} is longer than {_CHUNK_BYTES >> 20} MB; "
                        "that is no table."
                    )
                parts, self._buffer = [data[:cut]], data[cut:]
                break
            if self._ended:
                break
            self._read()
        self._data = b"".join(parts)
        return bool(self._data or self._waiting)

    @property
    def is_plain(self) -> bool:
        """Whether each of the lines taken is a row in which nothing is quoted."""
        data = self._data
        return not self._waiting and b'"' not in data and data.count(b"\r") == data.count(b"\r\n")

    def skip(self) -> bool:
        """Leave out the lines taken, unless none of them holds anything."""
        if not self._data.strip():
            return False
        self.done_with(self._data.count(b"\n") + (not self._data.endswith(b"\n")))
        return True

    def done_with(self, n_lines: int) -> None:
        """Count lines that were handed on."""
        self._before += n_lines
        self._data = b""

    def lines(self) -> list[str]:
        """Return the lines taken, without their ends."""
        if b"\r" in self._data:
            self._data = self._data.replace(b"\r\n", b"\n")
        lines = self._data.decode(self._encoding).split("\n")
        if not lines[-1]:
            lines.pop()
        return lines

    def numbers(self, width: int, wanted: list[int]) -> pa.Table | None:
        """Read columns of numbers of the lines taken; None where that cannot be done without looking closer."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        data = self._data if self._encoding == "utf-8" else self._data.decode(self._encoding).encode("utf-8")
        names = [str(ix) for ix in range(width)]
        chosen = [str(ix) for ix in wanted]
        try:
            return pa_csv.read_csv(
                pa.py_buffer(data),
                pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
                pa_csv.ParseOptions(delimiter=self._delimiter, quote_char=False),
                pa_csv.ConvertOptions(
                    include_columns=chosen, column_types=dict.fromkeys(chosen, pa.float64()), check_utf8=False
                ),
            )
        except pa.ArrowInvalid:
            return None

    def header(self) -> list[str]:
        """Return the first row that holds anything."""
        rows: list[list[str]] = []
        while not rows and self.take(1):
            rows = self._rows()[0]
        if not rows:
            return []
        self._waiting = rows[1:]
        return rows[0]

    def split(self, width: int) -> tuple[list[list[str]], int]:
        """Take the lines apart; rows that are too short are filled, and counted."""
        rows, at = self._rows()
        short = 0
        for row, line in zip(rows, at, strict=True):
            if len(row) > width:
                raise DatasetError(
                    f"Line {line} of {self._name} has {len(row)} fields, the header {width}; "
                    "put the field with the delimiter in quotes."
                )
            if len(row) < width:
                short += 1
                row += [""] * (width - len(row))
        return rows, short

    def _rows(self) -> tuple[list[list[str]], list[int]]:
        """Return rows and their line numbers; a row goes on in lines that were not taken where a quote is open."""
        lines = self._data.decode(self._encoding)
        given = iter(io.StringIO(lines, newline=""))
        fresh = True

        def feed() -> Iterator[str]:
            nonlocal fresh
            for line in given:
                fresh = False
                yield line
            while not fresh and self.take(1):
                yield self._data.decode(self._encoding)

        rows, at = self._waiting, [self._before] * len(self._waiting)
        self._waiting = []
        reader = csv.reader(feed(), delimiter=self._delimiter)
        try:
            while (row := next(reader, None)) is not None:
                fresh = True
                if row and (len(row) > 1 or row[0].strip()):
                    rows.append(row)
                    at.append(self._before + reader.line_num)
        except csv.Error as error:
            line = self._before + reader.line_num
            raise DatasetError(f"Line {line} of {self._name} cannot be read: {error}.") from None
        self.done_with(reader.line_num)
        return rows, at
