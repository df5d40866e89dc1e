"""What the routes that change plans share: who asks, on which revision, and the form of what they answer."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

import orjson
from fastapi import Depends, Header, Response

from api.errors import ProblemError
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from gis_core.store.records import EditResult, StateRecord

__all__ = [
    "RevisionDep",
    "WhoDep",
    "answer_edit",
    "json_answer",
    "state_row",
]

_TAG = re.compile(r'^(?:W/)?"(\d{1,10})"$|^(\d{1,10})$')
_LONGEST_NAME = 100


def revision_of(if_match: Annotated[str | None, Header(max_length=40)] = None) -> int:
    """Read the revision that a write was made on.

    Raises
    ------
    ProblemError
        Where the header is missing.
    ParameterError
        Where it holds no revision.
    """
    if if_match is None:
        raise ProblemError(
            428,
            "revision-required",
            'Say on which revision of the plan this was made: If-Match: "12".',
        )
    match = _TAG.match(if_match.strip())
    if match is None:
        raise ParameterError('If-Match must hold one revision, such as "12".', header="If-Match")
    return int(match[1] or match[2])


def who_of(
    x_wangge_who: Annotated[
        str | None, Header(max_length=1000, description="Name to sign with, percent-encoded UTF-8.")
    ] = None,
) -> str:
    """Read the name that the caller gives; empty where there is none."""
    name = unquote(x_wangge_who or "", errors="replace")
    return "".join(letter for letter in name if letter.isprintable()).strip()[:_LONGEST_NAME]


RevisionDep = Annotated[int, Depends(revision_of)]
WhoDep = Annotated[str, Depends(who_of)]


def json_answer(
    content: Any, *, status: int = 200, revision: int | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Send plain values as JSON, past the models, which would take longer than the work; with the revision as tag."""
    given = {"Cache-Control": "no-store", **(headers or {})}
    if revision is not None:
        given["ETag"] = f'"{revision}"'
    body = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status, given, media_type="application/json")


def answer_edit(result: EditResult, **more: Any) -> Response:
    """Answer an edit with its revision and the figures of the grids that it touched."""
    edit = result.edit
    content = {
        **more,
        "revision": edit.revision,
        "at": edit.at,
        "who": edit.who,
        "repeated": result.repeated,
        "grids": {ix: asdict(figures) for ix, figures in result.figures.items()},
    }
    return json_answer(content, revision=edit.revision)


def state_row(state: StateRecord) -> dict[str, Any]:
    """Write the attributes of a plan as the wire has them."""
    return {
        "plan": state.plan_id,
        "revision": state.revision,
        "state": state.state,
        "grids": [{**asdict(grid), "staff": list(grid.staff)} for grid in state.grids],
        "locked_cells": list(state.locked_cells),
        "locked_borders": [list(pair) for pair in state.locked_borders],
        "notes": list(state.notes),
    }
