"""PLAN on the command line: a plan file, or `plan:ID` of the store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gis_core.errors import NotFoundError, ParameterError

if TYPE_CHECKING:
    from gis_core.plan.file import PlanFile

__all__ = ["read_plan_ref", "stored_plan_id"]


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
    """
    plan_id = stored_plan_id(ref)
    if plan_id is None:
        from gis_core.plan.file import read_plan

        if not Path(ref).exists():
            raise NotFoundError(f"There is no plan file {ref}.")
        return read_plan(Path(ref))
    from gis_core.store import open_store

    with open_store(db, create=False) as store:
        return store.plan_file(plan_id)
