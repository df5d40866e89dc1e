"""A draft on the table: what suggestions and long work on it start from, kept in memory and moved on by its edits."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ConflictError, LockedError, NotFoundError
from gis_core.partition import Bounds, preset
from gis_core.partition.local import LocalPlan
from gis_core.plan.propose import Draft, Proposal, held_cells
from gis_core.plan.zones import zones_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.town import Town
    from gis_core.store import Store
    from gis_core.store.records import EditRecord, PlanRecord, StateRecord

__all__ = ["Desk", "proposal_row", "read_draft", "require_draft"]

#: Edits that a desk is moved on by; after more of them it is laid anew.
_MOST_EDITS = 200
#: Attributes that a desk knows; a change of another one leaves it as it is.
_KNOWN = re.compile(r"grid/\d+(/code|/locked)?|lock/.+")


def require_draft(record: PlanRecord) -> None:
    """Refuse work on a plan that takes no edits.

    Raises
    ------
    ConflictError
        Where it is no draft.
    """
    if record.state != "draft":
        raise ConflictError(
            f"Plan {record.id} is {record.state}: only a draft can be changed; make a draft from it.",
            case="no-draft",
            state=record.state,
        )


def read_draft(store: Store, plan_id: int, town: Town) -> tuple[int, Draft]:
    """Read a plan as a draft with its revision; tries again where somebody edits it meanwhile.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ConflictError
        Where the plan changed three times while it was read.
    """
    for _ in range(3):
        state = store.plan_state(plan_id)
        assignment = store.assignment(plan_id)
        if store.plan(plan_id).revision == state.revision:
            return state.revision, _draft(town, state, assignment)
    raise ConflictError(
        f"Plan {plan_id} is being changed faster than it can be read; try again.", plan=plan_id
    )


def _draft(town: Town, state: StateRecord, assignment: NDArray[np.int32]) -> Draft:
    households = town.households.astype(np.float64)
    zone, codes = zones_of(
        town.graph, town.area_ix, town.area_codes, assignment, [grid.boundary_code for grid in state.grids]
    )
    return Draft(
        graph=town.graph,
        weight=households,
        households=households,
        area_ix=zone,
        area_codes=codes,
        compound_ix=town.compound_ix,
        compounds=town.compounds,
        assignment=assignment,
        codes=tuple(grid.code for grid in state.grids),
        retired=frozenset(grid.grid_ix for grid in state.grids if grid.retired),
        taken=frozenset(state.bound_codes),
        locked=frozenset(grid.grid_ix for grid in state.grids if grid.locked and not grid.retired),
        locked_cells=state.locked_cells,
        locked_borders=state.locked_borders,
    )


class Desk:
    """One draft, ready to answer what would mend a grid. Safe to share between threads."""

    def __init__(self, store: Store, record: PlanRecord, town: Town, bounds: tuple[float, float]) -> None:
        self._store, self._plan_id, self._town = store, record.id, town
        self._bounds = Bounds(*bounds)
        self._gate = threading.Lock()
        self._lay()

    def suggest(self, grid: int) -> dict[str, Any]:
        """Say which cells would mend a grid, as the wire has it, on the newest revision.

        Raises
        ------
        NotFoundError
            Where there is no such grid.
        LockedError
            Where it is locked.
        """
        with self._gate:
            self._catch_up()
            draft = self._draft
            if not 0 <= grid < len(draft.codes) or grid in draft.retired:
                raise NotFoundError(f"Plan {self._plan_id} has no grid {grid}.", grid_ix=grid)
            if grid in draft.locked:
                raise LockedError(f"Grid {draft.codes[grid]} is locked: unlock it first.", grids=[grid])
            delta = self._local.suggest([grid], pinned=self._held())
            return {
                "revision": self._revision,
                "cells": delta.cells.tolist(),
                "grids": delta.parts.tolist(),
                "moved": delta.moved,
                "in_pieces": list(delta.in_pieces),
            }

    def _lay(self) -> None:
        self._revision, self._draft = read_draft(self._store, self._plan_id, self._town)
        draft = self._draft
        self._local = LocalPlan(
            draft.graph,
            draft.households,
            draft.assignment,
            bounds=self._bounds,
            n_parts=len(draft.codes),
            zone=draft.area_ix,
            locked=draft.locked,
            objective=preset("plan"),
        )

    def _catch_up(self) -> None:
        """Take the edits over that were made since; lay everything anew where that is not enough."""
        revision = self._store.plan(self._plan_id).revision
        if revision == self._revision:
            return
        edits = self._store.edits(self._plan_id, since=self._revision, limit=_MOST_EDITS + 1)
        if any(change.path == "base" for edit in edits for change in edit.changes):
            raise ConflictError(f"The base data of plan {self._plan_id} changed just now; ask again.")
        if not 0 < len(edits) <= _MOST_EDITS or _beyond(edits):
            self._lay()
            return
        assignment = self._draft.assignment.copy()
        for edit in edits:
            self._local.assign(edit.cell_ix, edit.grid_ix)
            assignment[edit.cell_ix] = edit.grid_ix
            self._revision = edit.revision
        self._draft = replace(self._draft, assignment=assignment)

    def _held(self) -> NDArray[np.intp]:
        draft = self._draft
        if not draft.locked_cells and not draft.locked_borders:
            return np.zeros(0, np.intp)
        return np.flatnonzero(held_cells(draft))


def _beyond(edits: Iterable[EditRecord]) -> bool:
    """Tell whether edits open, close or lock grids, or lock cells and borders."""
    return any(_KNOWN.fullmatch(change.path) for edit in edits for change in edit.changes)


def proposal_row(proposal: Proposal, *, revision: int) -> dict[str, Any]:
    """Write a proposal as the wire has it."""
    before, after, total = proposal.in_bounds
    return {
        "revision": revision,
        "cells": proposal.cells.tolist(),
        "grids": proposal.grids.tolist(),
        "changes": [{"path": path, "value": value} for path, value in proposal.changes],
        "moved": proposal.moved,
        "before_after": list(proposal.before_after),
        "in_bounds": {"before": before, "after": after, "grids": total},
        "in_pieces": list(proposal.in_pieces),
        "reasons": [reason.as_dict() for reason in proposal.reasons],
    }
