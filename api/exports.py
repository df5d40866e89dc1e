"""Exports on their way: how far each is, and a way to end it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gis_core.errors import CancelledError, ConflictError

__all__ = ["Export", "Exports"]


@dataclass(eq=False)
class Export:
    """One export that a caller waits for.

    Attributes
    ----------
    done, total : int
        Sheets that are drawn, and how many there will be; 0 of 0 where that is not known.
    """

    done: int = 0
    total: int = 0
    ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def tell(self, _step: str, done: int, total: int) -> None:
        """Note how far it is.

        Raises
        ------
        CancelledError
            Where the caller does not want it any more.
        """
        self.done, self.total = done, total
        if self.ended.is_set():
            raise CancelledError("The export was cancelled.")


class Exports:
    """All exports of this server process that were given a key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Export] = {}

    @contextmanager
    def follow(self, key: str | None) -> Iterator[Export]:
        """Hold an export under its key while it is made; without one nobody can ask for it.

        Raises
        ------
        ConflictError
            Where an export has that key.
        """
        export = Export()
        if key is None:
            yield export
            return
        with self._lock:
            if key in self._running:
                raise ConflictError(
                    "An export with this key is on its way; give each a key of its own.", key=key
                )
            self._running[key] = export
        try:
            yield export
        finally:
            with self._lock:
                self._running.pop(key, None)

    def get(self, key: str) -> Export:
        """Give an export that is on its way; one of which nothing is known where there is none (any more)."""
        with self._lock:
            return self._running.get(key) or Export()
