"""PLAN on the command line: a plan file, or `plan:ID` of the store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gis_core.errors import DatasetError, NotFoundError, ParameterError

if TYPE_CHECKING:
    from gis_core.plan.file import PlanFile

__all__ = ["is_plan_file", "layers_of", "read_plan_ref", "require_no_store", "stored_plan_id"]

_PLAN_LAYERS = {"grids", "buildings", "cells"}


def stored_plan_id(ref: str) -> int | None:
    """Return the number of a plan of the store; None where PLAN is a file.

    Raises
    ------
    ParameterError
        Where `plan:` is not followed by a number.

    Examples
    --------
    >>> stored_plan_id("plan:12"), stored_plan_id("plan.gpkg")
    (12, None)
    """
    if not ref.lower().startswith("plan:"):
        return None
    match = re.fullmatch(r"plan:(\d{1,9})", ref.lower())
    if not match:
        raise ParameterError(
            f"{ref!r} names no plan of the store; give plan: and a number, as `wangge plans` lists it."
        )
    return int(match[1])


def layers_of(path: Path) -> set[str]:
    """Name the layers of a GeoPackage; none where the file is no readable GeoPackage."""
    if path.suffix.lower() != ".gpkg" or not path.is_file():
        return set()
    import gis_core.layers  # noqa: F401  (first: it switches off the readers that strangers' files must not reach)

    import pyogrio  # isort: skip

    try:
        return set(pyogrio.list_layers(path)[:, 0])
    except pyogrio.errors.DataSourceError:
        return set()


def is_plan_file(path: Path) -> bool:
    """Tell whether a file is a GeoPackage with the layers of a plan, and no store."""
    if not layers_of(path) >= _PLAN_LAYERS:
        return False
    from gis_core.store import is_store_file

    return not is_store_file(path)


def require_no_store(path: Path) -> None:
    """Refuse a store where a file of a plan or dataset belongs.

    Raises
    ------
    ParameterError
        Where the file is a store; the message says how its plans are named.
    """
    if path.suffix.lower() != ".gpkg" or not path.is_file():
        return
    from gis_core.store import is_store_file

    if is_store_file(path):
        raise ParameterError(
            f"{path} is a Wangge store: name a plan of it as plan:ID with --db {path}; "
            f"`wangge plans --db {path}` lists them."
        )


def read_plan_ref(ref: str, db: str | None = None) -> PlanFile:
    """Read a plan from a file or from the store.

    Parameters
    ----------
    ref : str
        Path of a plan file, or `plan:ID`.
    db : str, optional
        Store; None for the embedded file.

    Returns
    -------
    PlanFile

    Raises
    ------
    NotFoundError
        Where there is no such file or plan.
    ParameterError
        Where `ref` cannot be read as either.
    DatasetError
        Where the file is no plan.
    """
    plan_id = stored_plan_id(ref)
    if plan_id is None:
        path = Path(ref)
        if not path.exists():
            raise NotFoundError(f"There is no plan file {ref}.")
        require_no_store(path)
        if not is_plan_file(path):
            raise DatasetError(
                f"{ref} is not a plan file (a GeoPackage with the layers grids, buildings and cells): "
                "`wangge partition` writes one."
            )
        from gis_core.plan.file import read_plan

        return read_plan(path)
    from gis_core.store import open_store

    with open_store(db, create=False) as store:
        return store.plan_file(plan_id)
