"""Base data under a draft: buildings, streets, barriers, gates drawn, moved, retired, counted; sheets of counts."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import Field, model_validator

from api.edit_models import Key
from api.editing import RevisionDep, WhoDep, json_answer
from api.models import Model
from api.routes.datasets import DatasetId
from api.routes.plans import PlanId
from api.services import ServicesDep
from gis_core.errors import ParameterError
from gis_core.layers.raw import DEFAULT_LIMITS

router = APIRouter(tags=["base data"])

#: Types of a sheet, and the ending that its reader knows.
SHEETS = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
#: What reading one sheet may use.
_LIMITS = replace(DEFAULT_LIMITS, memory=4 << 30, seconds=60, file_bytes=200 << 20)


class BaseChangeBody(Model):
    """One change of base data (docs/http.md)."""

    op: Literal["add", "move", "retire", "set"]
    layer: Literal["buildings", "streets", "barriers", "facilities", "gates"]
    id: str | None = Field(None, description="Id of a building.")
    ix: int | None = Field(None, ge=0, description="Row in the layer; of `add` the row that it takes.")
    geometry: dict[str, Any] | None = Field(None, description="GeoJSON geometry, of `add` and `move`.")
    values: dict[str, Any] | None = Field(None, description="Column -> value, of `add` and `set`.")


class BaseBody(Model):
    """Changes of base data, or another data version to move to."""

    key: Key = None
    changes: list[BaseChangeBody] = Field([], max_length=200_000)
    dataset: int | None = Field(None, ge=1, le=2**31 - 1, description="Data version, in place of `changes`.")
    undoes: Annotated[int | None, Field(ge=1, description="Revision that this takes back.")] = None

    @model_validator(mode="after")
    def one_of_both(self) -> BaseBody:
        """Take changes or a data version."""
        if bool(self.changes) == (self.dataset is not None):
            raise ValueError("give changes, or a dataset to move to")
        return self


class LostCell(Model):
    """A cell that was cut anew and found no grid."""

    cell_ix: int
    households: int
    buildings: list[str]


class BaseAnswer(Model):
    """What became of a draft whose base data changed."""

    plan: int
    dataset: int
    revision: int
    recut: bool = Field(description="Whether cells have other numbers now.")
    cells: list[list[int]] | None = Field(
        description="[first old cell, first new cell, how many]; only if recut."
    )
    unmatched: list[LostCell]
    inverse: list[dict[str, Any]]
    grids: dict[int, dict[str, Any]]
    repeated: bool


class CountsPreview(Model):
    """What a sheet says of the buildings of a data version, and what did not match."""

    matched: int
    households: int
    unmatched_rows: list[dict[str, Any]]
    unmatched_buildings: list[dict[str, Any]]
    doubles: list[dict[str, Any]]
    bad_numbers: list[dict[str, Any]]
    columns: dict[str, str]
    notes: list[str]
    changes: list[dict[str, Any]]


@router.post("/api/plans/{plan_id}/base", response_model=BaseAnswer)
def change_base(
    services: ServicesDep, plan_id: PlanId, body: BaseBody, revision: RevisionDep, who: WhoDep
) -> Response:
    """Change the base data under a draft; it moves onto a new data version with its grids."""
    if body.dataset is not None:
        result = services.store.carry_plan(plan_id, body.dataset, expected_revision=revision, who=who)
    else:
        changes = [change.model_dump(exclude_unset=True) for change in body.changes]
        result = services.store.change_base(
            plan_id, changes, expected_revision=revision, who=who, key=body.key, undoes=body.undoes
        )
    services.hub.wake()
    content = {
        "plan": plan_id,
        "dataset": result.dataset_id,
        "revision": result.revision,
        "recut": result.recut,
        "cells": result.edit.changes[0].value.get("cells"),
        "unmatched": list(result.unmatched),
        "inverse": list(result.inverse),
        "grids": {ix: asdict(figures) for ix, figures in result.figures.items()},
        "repeated": result.repeated,
    }
    return json_answer(content, revision=result.revision)


@router.post("/api/datasets/{dataset_id}/counts", response_model=CountsPreview)
def match_counts(
    services: ServicesDep,
    dataset_id: DatasetId,
    *,
    sheet: Annotated[bytes, Body(media_type="text/csv", description="The sheet itself: CSV or XLSX.")],
    content_type: Annotated[str, Header(max_length=200)],
    columns: Annotated[
        list[str] | None,
        Query(alias="map", max_length=10, description="A column by name: `households=总户数`."),
    ] = None,
) -> Response:
    """Match a sheet of counts with the buildings; nothing is changed, `changes` can be sent to `base`."""
    from gis_core.layers.join import join_counts, read_counts

    services.store.dataset(dataset_id)
    ending = SHEETS[content_type.partition(";")[0].strip().lower()]
    mapping = _mapping(columns or [])
    with tempfile.TemporaryDirectory(prefix="wangge-sheet-") as folder:
        path = Path(folder) / f"sheet.{ending}"
        path.write_bytes(sheet)
        table, notes = read_counts(path, wanted=tuple(mapping.values()), limits=_LIMITS)
    found = join_counts(table, services.store.layer(dataset_id, "buildings"), mapping=mapping)
    return json_answer({**vars(found), "notes": [*notes, *found.notes]})


def _mapping(items: list[str]) -> dict[str, str]:
    """Read columns that were named by hand.

    Raises
    ------
    ParameterError
        Where one is not of the form `households=NAME`.
    """
    mapping = {}
    for item in items:
        target, sign, name = item.partition("=")
        if not sign or not name.strip():
            raise ParameterError(f"map is written as households=总户数, not {item[:80]!r}.", map=item[:80])
        mapping[target.strip()] = name.strip()
    return mapping
