"""Bulk work that can be taken up again: what is done so far stands in a folder beside the output, chunk by chunk."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gis_core.locate.locator import Locator

__all__ = ["Progress", "key_of", "part_folder"]

_STATE = "state.json"


@dataclass
class Progress:
    """How far a piece of work is; written after each chunk.

    Attributes
    ----------
    key : str
        What is worked on; other work begins anew.
    chunks, rows, size : int
        Chunks and rows that are done, and the bytes of the output that hold them; 0 where each chunk has its own file.
    swapped : int
        Positions that would be among the areas with x and y exchanged.
    counts : dict
        Rows by status.
    """

    key: str
    chunks: int = 0
    rows: int = 0
    size: int = 0
    swapped: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, key: str, out: Path) -> Progress:
        """Read what was done of this work, and cut an output that grows to it; else begin anew."""
        try:
            found = cls(**json.loads((folder / _STATE).read_text(encoding="utf-8")))
            if found.key == key and not found.size:
                return found
            if found.key == key and out.stat().st_size >= found.size:
                os.truncate(out, found.size)
                return found
        except (OSError, ValueError, TypeError):
            pass
        return cls(key)

    def write(self, folder: Path) -> None:
        """Write it in one step, so that an end in between leaves the one before."""
        fresh = folder / f"{_STATE}.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / _STATE)


def part_folder(out: Path) -> Path:
    """Return the folder in which an output grows."""
    return out.with_name(f".{out.name}.part")


def key_of(locator: Locator, source: Path, how: tuple[object, ...]) -> str:
    """Name the work: the areas, the file of the points as it stands, and what was asked."""
    about = source.stat()
    digest = hashlib.blake2b(digest_size=16)
    digest.update(locator.index.borders.vertices.tobytes())
    digest.update("\n".join((locator.crs.to_string(), *locator.codes)).encode())
    digest.update(repr((str(source.resolve()), about.st_size, about.st_mtime_ns, *how)).encode())
    return digest.hexdigest()
