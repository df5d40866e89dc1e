"""Checks of a file to write, before the work begins: its folder, and that nothing of the user's is lost by it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from gis_core.errors import DatasetError, ParameterError

__all__ = ["require_output"]


def require_output(out: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Fail early where a file could not be written, or would take the place of an input or a store.

    Parameters
    ----------
    out : Path
        File to write.
    inputs : iterable of Path
        Files that the work reads.

    Raises
    ------
    DatasetError
        Where `out` is a folder, or its folder is missing or cannot be written to.
    ParameterError
        Where `out` is one of the inputs, or a store.
    """
    if not out.parent.is_dir():
        raise DatasetError(f"There is no folder {out.parent} to write {out.name} in; make it first.")
    if out.is_dir():
        raise DatasetError(f"{out.name} is a folder; give the name of a file.")
    try:
        # Asking the system for its permission is not enough: root may all, and some file systems still refuse.
        tempfile.TemporaryDirectory(prefix=".wangge-", dir=out.parent).cleanup()
    except OSError:
        raise DatasetError(
            f"The folder {out.parent} cannot be written to; write {out.name} elsewhere."
        ) from None
    if any(_same(out, path) for path in inputs):
        raise ParameterError(f"{out} is read for this and would be replaced; give another name to write to.")
    if out.suffix.lower() == ".gpkg" and out.exists():
        from gis_core.store import is_store_file

        if is_store_file(out):
            raise ParameterError(
                f"{out} is a Wangge store and would be replaced; give another name to write to."
            )


def _same(one: Path, other: Path) -> bool:
    """Tell whether two names are of one file, there or not."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
