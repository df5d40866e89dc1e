"""`wangge load`: a dataset or a plan file into the store."""

from __future__ import annotations

import getpass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import command, fault_line, print_json, terminal_progress
from gis_core.commands._options import (
    Counts,
    Db,
    Estimate,
    Json,
    Mapping,
    OnInvalid,
    Policy,
    SourceCrs,
    Within,
)
from gis_core.errors import DatasetError, NotFoundError, ParameterError

if TYPE_CHECKING:
    from gis_core.plan.file import PlanFile
    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord

_PAGE = 100
_NO_DATA = "The store holds no data yet: load the plan's dataset first with `wangge load DATASET`."


@command
def load(
    source: Annotated[
        Path,
        typer.Argument(metavar="DATASET|PLAN.gpkg", help="Dataset as for `wangge check`, or a plan file."),
    ],
    *,
    db: Db = None,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name in lists; default the file's.")
    ] = None,
    dataset: Annotated[
        int | None, typer.Option(metavar="ID", help="Data version of a plan; default the newest that fits.")
    ] = None,
    mapping: Mapping = None,
    on_invalid: Policy = OnInvalid.repair,
    estimate_households: Estimate = False,
    within: Within = None,
    counts: Counts = None,
    source_crs: SourceCrs = None,
    as_json: Json = False,
) -> None:
    """Load a dataset as a new data version, or a plan file as a draft; all of it or nothing.

    A store that is not there is made, an older one brought up to date.

    Example: wangge load town.gpkg --name "August" && wangge load plan.gpkg
    """
    from gis_core.commands._plan_ref import is_plan_file, require_no_store

    require_no_store(source)
    if is_plan_file(source):
        answer = load_plan(db, source, name=name, dataset_id=dataset)
    elif dataset is not None:
        raise ParameterError(f"--dataset is for plan files, and {source.name} is none.")
    else:
        options = {
            "on_invalid": on_invalid.value,
            "estimate_households": estimate_households,
            "within": within,
            "counts": counts,
            "source_crs": source_crs,
        }
        answer = load_dataset(db, source, name=name, mapping=mapping or [], options=options)
    _say(answer, as_json=as_json)


def load_dataset(
    db: str | None, source: Path, *, name: str | None, mapping: list[str], options: dict[str, Any]
) -> dict[str, Any]:
    """Read a dataset, cut it into cells and store both; return what was done.

    A store that is not there is made last, so that work that fails or is stopped leaves none.
    """
    from gis_core.fabric import build_fabric
    from gis_core.layers import parse_mapping, read_dataset
    from gis_core.store import open_store

    _require_store(db)
    with terminal_progress(True) as progress:
        checked = read_dataset(source, mapping=parse_mapping(mapping), progress=progress, **options)
        if name:
            checked = replace(checked, name=name)
        fabric = build_fabric(checked, progress=progress)
        progress("store", 0, 1)
        with open_store(db) as store:
            dataset_id = store.add_dataset(checked, fabric, imported_by=_user())
            record, where = store.dataset(dataset_id), store.where
        progress("store", 1, 1)
    faults = [fault.as_dict() for fault in (*checked.faults, *fabric.faults)]
    return {
        "kind": "dataset",
        "id": dataset_id,
        "name": record.name,
        "store": where,
        "counts": record.counts,
        "faults": faults,
    }


def _require_store(db: str | None) -> None:
    """Fail before the long work where the store could not be opened, or made, after it."""
    from gis_core.commands._output import require_output
    from gis_core.store import DEFAULT_FILE, embedded_file, open_store

    file = embedded_file(db)
    if file is None or file.exists():
        open_store(db).close()
    elif file != DEFAULT_FILE or file.parent.exists():
        require_output(file)


def load_plan(db: str | None, source: Path, *, name: str | None, dataset_id: int | None) -> dict[str, Any]:
    """Store a plan file on the data version that it belongs to; return what was done.

    Raises
    ------
    NotFoundError
        Where the store holds no data yet; none is made for a plan alone.
    DatasetError
        Where the plan belongs to no data version of the store, or not to the named one.
    """
    from gis_core.plan.file import read_plan
    from gis_core.store import embedded_file, open_store

    file = embedded_file(db)
    if file is not None and not file.exists():
        raise NotFoundError(_NO_DATA)
    plan = read_plan(source)
    with open_store(db) as store:
        dataset_id, plan = _place_for(store, plan, dataset_id)
        plan_id = store.add_plan(plan, dataset_id=dataset_id, name=name or plan.name, created_by=_user())
        record, where = store.plan(plan_id), store.where
    return {
        "kind": "plan",
        "id": plan_id,
        "name": record.name,
        "store": where,
        "dataset": dataset_id,
        "grids": record.n_grids,
        "cells": record.n_cells,
        "faults": [],
    }


def _place_for(store: Store, plan: PlanFile, dataset_id: int | None) -> tuple[int, PlanFile]:
    """Find the newest data version that a plan fits, or that it fits once its divided buildings are divided there.

    Raises
    ------
    NotFoundError
        Where the store holds no data.
    DatasetError
        Where it fits none, or not the named one.
    """
    versions = [store.dataset(dataset_id)] if dataset_id is not None else _versions(store)
    reason = ""
    for version in versions:
        mismatch = store.plan_mismatch(version.id, plan)
        if mismatch is None:
            return version.id, plan
        reason = reason or mismatch
    if not reason:
        raise NotFoundError(_NO_DATA)
    if plan.buildings["id"].astype(str).str.contains("#", regex=False).any():
        for version in versions:
            divided = store.divide_for_plan(version.id, plan, who=_user())
            if divided is not None:
                return divided
    if dataset_id is not None:
        raise DatasetError(reason)
    raise DatasetError(
        f"{reason} No other fits either: load the plan's dataset first with `wangge load DATASET`."
    )


def _versions(store: Store) -> list[DatasetRecord]:
    """List all data versions, the newest first."""
    found: list[DatasetRecord] = []
    while page := store.datasets(limit=_PAGE, offset=len(found)):
        found += page
    return found


def _user() -> str:
    """Return who runs the command; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _say(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    for fault in answer["faults"]:
        if fault["severity"] != "note":
            typer.echo(fault_line(fault["layer"], fault["message"]), err=True)
    if answer["kind"] == "plan":
        size = f"{answer['grids']:,} grids on data version {answer['dataset']}"
        typer.echo(f"plan:{answer['id']} {answer['name']}: {size}, in {_lower(answer['store'])}.")
    else:
        counts = answer["counts"]
        size = f"{counts['buildings']:,} buildings, {counts['cells']:,} cells"
        typer.echo(f"Data version {answer['id']} {answer['name']}: {size}, in {_lower(answer['store'])}.")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
