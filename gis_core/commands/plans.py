"""`wangge plans`: the plans of a store, and the data versions that they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from gis_core.commands._common import command, print_json
from gis_core.commands._options import Db, Json

if TYPE_CHECKING:
    from gis_core.store import DatasetRecord, PlanRecord

_MOST = 10_000


@command
def plans(
    *,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """List the plans of a store and its data versions, the newest first.

    Other commands take a plan as plan:ID.

    Example: wangge plans --db town.gpkg
    """
    from gis_core.store import open_store

    with open_store(db, create=False) as store:
        found, versions = store.plans(limit=_MOST), store.datasets(limit=_MOST)
        where = store.where
    if as_json:
        print_json(
            {
                "store": where,
                "plans": [_plan(one) for one in found],
                "datasets": [_version(one) for one in versions],
            }
        )
        return
    typer.echo(f"{where} holds {_count(len(found), 'plan')} on {_count(len(versions), 'data version')}.")
    for plan in found:
        bounds = f", {plan.bounds[0]} to {plan.bounds[1]} households" if plan.bounds else ""
        typer.echo(
            f"  plan:{plan.id}  {plan.name}  ({_state(plan)}, revision {plan.revision}, {_day(plan)}): "
            f"{_count(plan.n_grids, 'grid')}{bounds}, on data version {plan.dataset_id}"
        )
    for version in versions:
        typer.echo(
            f"  data version {version.id}  {version.name}  ({version.imported_at:%Y-%m-%d}): "
            f"{_count(version.counts['buildings'], 'building')}, {_count(version.counts['cells'], 'cell')}"
        )


def _state(plan: PlanRecord) -> str:
    """Return the state of a plan, with its time in force on this machine's days."""
    if plan.valid_from is None:
        return plan.state
    end = "" if plan.valid_to is None else f" to {plan.valid_to.astimezone():%Y-%m-%d}"
    return f"{plan.state} from {plan.valid_from.astimezone():%Y-%m-%d}{end}"


def _day(plan: PlanRecord) -> str:
    return f"{plan.created_at:%Y-%m-%d}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _plan(plan: PlanRecord) -> dict[str, Any]:
    return {
        "ref": f"plan:{plan.id}",
        "id": plan.id,
        "dataset_id": plan.dataset_id,
        "name": plan.name,
        "state": plan.state,
        "revision": plan.revision,
        "valid_from": plan.valid_from.isoformat() if plan.valid_from else None,
        "valid_to": plan.valid_to.isoformat() if plan.valid_to else None,
        "based_on": plan.based_on,
        "created_at": plan.created_at.isoformat(),
        "created_by": plan.created_by,
        "grids": plan.n_grids,
        "cells": plan.n_cells,
        "households": plan.households,
        "bounds": plan.bounds,
        "bbox": plan.bbox,
    }


def _version(version: DatasetRecord) -> dict[str, Any]:
    return {
        "id": version.id,
        "name": version.name,
        "source": version.source,
        "imported_at": version.imported_at.isoformat(),
        "imported_by": version.imported_by,
        "attribution": version.attribution,
        "bbox": version.bbox,
        "counts": version.counts,
    }
