"""Bytes of a file, plain or gzip, block by block, with the part of it that was read."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from gis_core.errors import DatasetError

__all__ = ["BLOCK_BYTES", "Blocks"]

BLOCK_BYTES = 4 << 20


class Blocks:
    """A file that is read once from its begin to its end.

    Parameters
    ----------
    path : Path
        Unpacked while it is read where its name ends in `.gz`.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._raw = path.open("rb")
        self._size = max(path.stat().st_size, 1)
        packed = path.name.lower().endswith(".gz")
        self.stream: io.BufferedIOBase = gzip.GzipFile(fileobj=self._raw) if packed else self._raw

    def read(self, size: int = BLOCK_BYTES) -> bytes:
        """Return the next bytes; none at the end.

        Raises
        ------
        DatasetError
            Where the file cannot be read, or is cut off.
        """
        try:
            return self.stream.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(f"{self._name} cannot be read: {error}.") from None

    def done(self) -> float:
        """Tell which part of the file was read, 0 to 1."""
        return 1.0 if self._raw.closed else min(self._raw.tell() / self._size, 1.0)

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        self._raw.close()

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
