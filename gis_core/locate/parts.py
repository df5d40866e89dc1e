"""A Parquet file that can be taken up again: each chunk is a file of its own until all are there and are joined.

A Parquet file says at its end what is in it, so that one which is not whole is of no use.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gis_core.locate.points import Chunk, PointSource
from gis_core.locate.sinks import Answers, ParquetSink, parquet_writer

__all__ = ["ParquetParts"]


class ParquetParts:
    """Writes each chunk to a file of its own in a folder.

    Parameters
    ----------
    folder : Path
    done : int
        Chunks that are there already.
    """

    def __init__(self, folder: Path, points: PointSource, added: list[str], crs: str, done: int) -> None:
        self._folder, self._sink, self._n = folder, (points, added, crs), done

    def write(self, chunk: Chunk, answers: Answers) -> None:
        """Add the rows of one chunk."""
        sink = ParquetSink(self._part(self._n), *self._sink)
        sink.write(chunk, answers)
        sink.close()
        self._n += 1

    def flush(self) -> None:
        """See to it that what was written is on the disk."""
        file = os.open(self._part(self._n - 1), os.O_RDWR)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def close(self) -> None:
        """Do nothing: every part is whole."""

    def join(self, out: Path, told: Callable[[int], None]) -> None:
        """Write the one file of all parts, a row group each, as it would have been written at once; tell the rows."""
        import pyarrow.parquet as pq

        if not self._n:
            ParquetSink(out, *self._sink).close()
            return
        writer: Any = None
        rows = 0
        try:
            for number in range(self._n):
                with pq.ParquetFile(self._part(number)) as part:
                    table = part.read()
                writer = writer or parquet_writer(out, table.schema)
                writer.write_table(table)
                rows += table.num_rows
                told(rows)
        finally:
            if writer is not None:
                writer.close()

    def _part(self, number: int) -> Path:
        return self._folder / f"{number:06d}.parquet"
