"""The methods of a store that change base data: new data versions, and plans that move onto them.

Reading and cutting happen before the transaction that writes; a version never changes, and the revision of the plan
says whether somebody else was quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import EditError
from gis_core.plan.base import Layers, NextVersion, change_version
from gis_core.plan.base_changes import BaseChange, parse_changes
from gis_core.plan.cut_again import plan_cuts, plan_on_cells
from gis_core.store import base_data, datasets, edits, plans
from gis_core.store.plan_methods import PlanMethods
from gis_core.store.rewinding import base_value

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gis_core.plan.file import PlanFile
    from gis_core.store.records import BaseResult, EditResult

__all__ = ["BaseMethods", "Progress"]

#: Gets the share that is done, 0 to 1.
Progress = Callable[[float], None]

_NO_CELLS = np.empty(0, np.int32)
#: Rows of all layers of a version that is kept in memory: some 200 MB.
_MOST_KEPT_ROWS = 400_000


class BaseMethods(PlanMethods):
    """What a store does with base data that change."""

    #: The version that was changed last, so that the next change of an hour of work need not read it; versions never
    #: change and no number is used twice.
    _last_layers: tuple[int, Layers] | None = None

    def _layers(self, connection: Connection, dataset_id: int) -> Layers:
        known = self._last_layers
        if known is not None and known[0] == dataset_id:
            return known[1]
        return base_data.read_layers(connection, self._dialect, dataset_id)

    def _keep_layers(self, dataset_id: int, layers: Layers) -> None:
        rows = sum(len(frame) for frame in layers.frames.values())
        self._last_layers = (dataset_id, layers) if rows <= _MOST_KEPT_ROWS else None

    def derive_dataset(self, dataset_id: int, changes: Sequence[Mapping[str, Any]], *, who: str = "") -> int:
        """Make a data version from another by changes of base data; the other stays as it is.

        Parameters
        ----------
        changes
            `{"op", "layer", "id" or "ix", "geometry", "values"}` each, as docs/http.md says.
        who : str
            Who did it, as it is to be shown.

        Returns
        -------
        int
            Number of the new version.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        EditError
            Where a change cannot be applied; nothing was written then.
        CoverageError
            Where the ground cannot be cut.
        """
        parsed = parse_changes(changes)
        with self._read() as connection:
            layers = base_data.read_layers(connection, self._dialect, dataset_id)
        after = change_version(layers, parsed)
        with self._write() as connection:
            datasets.require(connection, dataset_id)
            return base_data.add_version(
                connection, self._dialect, dataset_id, layers, after, changes=changes, who=who
            )

    def divide_for_plan(
        self, dataset_id: int, plan: PlanFile, *, who: str = ""
    ) -> tuple[int, PlanFile] | None:
        """Divide the buildings of a data version that a plan file has in parts, so that the plan fits it.

        Returns
        -------
        (int, PlanFile) or None
            The new version, and the plan on its cells; None where the plan has no divided building that stands whole
            there, or does not fit for another reason.
        """
        with self._read() as connection:
            layers = base_data.read_layers(connection, self._dialect, dataset_id)
        changes = plan_cuts(plan, layers.frames, layers.work_crs)
        if not changes:
            return None
        after = change_version(layers, parse_changes(changes))
        placed = plan_on_cells(plan, after.layers)
        if placed is None:
            return None
        with self._write() as connection:
            datasets.require(connection, dataset_id)
            made = base_data.add_version(
                connection, self._dialect, dataset_id, layers, after, changes=changes, who=who
            )
        return made, placed

    def delete_plan(self, plan_id: int) -> None:
        """Delete a draft with its grids and edits, and the data version that was made for it alone.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        ConflictError
            Where it is or was in force: such plans are kept.
        """
        with self._write() as connection:
            plan = plans.require(connection, plan_id)
            spare = base_data.is_spare(connection, plan.dataset_id, plan_id)
            plans.delete_draft(connection, self._dialect, plan_id)
            if spare:
                datasets.delete_version(connection, self._dialect, plan.dataset_id)

    def carry_plan(
        self, plan_id: int, dataset_id: int, *, expected_revision: int, who: str = ""
    ) -> BaseResult:
        """Move a draft onto another data version, in one transaction: by building id, else by ground.

        Buildings that were divided for the draft and stand whole there are divided again: the draft then stands on a
        version made from it, as `dataset_id` of the result says.

        Raises
        ------
        NotFoundError
            Where there is no such plan or data version.
        StaleRevisionError, ConflictError
            Where the plan changed since, or is no draft.
        EditError
            Where it stands on that version already.
        """
        with self._write() as connection:
            edits.raise_revision(connection, plan_id, expected_revision)
            plan = plans.require(connection, plan_id)
            datasets.require(connection, dataset_id)
            if plan.dataset_id == dataset_id:
                raise EditError(f"Plan {plan_id} stands on data version {dataset_id} already.")
            dataset_id, moved = base_data.carry_whole(connection, self._dialect, plan_id, dataset_id, who)
            return base_data.move_plan(
                connection,
                self._dialect,
                plan,
                plans.assignment(connection, plan_id),
                dataset_id,
                moved,
                value={"recut": True, "changes": [], "inverse": []},
                who=who,
                key=None,
                undoes=None,
            )

    def change_base(
        self,
        plan_id: int,
        changes: Sequence[Mapping[str, Any]],
        *,
        expected_revision: int,
        who: str = "",
        key: str | None = None,
        undoes: int | None = None,
        progress: Progress | None = None,
    ) -> BaseResult:
        """Change the base data under a draft: a new data version, and the draft on it, in one transaction.

        Published plans and other drafts stay on their version. The version that the draft leaves is deleted where it
        was made by changes too and no other plan or version needs it.

        Parameters
        ----------
        changes
            As for `derive_dataset`; rows are those of the version that the draft stands on.
        key : str, optional
            The same again is answered as before and not applied twice.
        undoes : int, optional
            Revision of the change that this one takes back: cells that were gone by it get their grids again.
        progress : callable, optional
            Called with the share that is done; what it raises ends the work, and nothing was written then.

        Returns
        -------
        BaseResult

        Raises
        ------
        StaleRevisionError, ConflictError
            Where the plan changed since, or is no draft.
        EditError
            Where a change cannot be applied; nothing was written then.
        NotFoundError
            Where there is no such plan.
        CoverageError
            Where the ground cannot be cut.
        """
        edits.require_key(key)
        parsed = parse_changes(changes)
        note = progress or _silent
        with self._read() as connection:
            same = base_data.repeated(connection, plan_id, key)
            if same is not None:
                return same
            plan = plans.require(connection, plan_id)
            edits.require_revision(connection, plan, expected_revision)
            note(0.02)
            layers = self._layers(connection, plan.dataset_id)
            before = plans.assignment(connection, plan_id)
            locked = base_data.locked_cells(connection, plan_id)
            gone = edits.gone_by(connection, plan_id, undoes)
        note(0.25)
        step = _step(layers, before, changes, parsed, locked, gone)
        note(0.5)
        with self._write() as connection:
            result = self._put(connection, plan_id, step, expected_revision, who=who, key=key, undoes=undoes)
            note(0.9)
        self._keep_layers(result.dataset_id, step.after.layers)
        return result

    def restore(
        self,
        plan_id: int,
        revision: int,
        *,
        expected_revision: int,
        who: str,
        key: str | None = None,
        progress: Progress | None = None,
    ) -> EditResult:
        """Return to an earlier revision: changes of base data since are taken back, then one edit of kind `restore`.

        All in one transaction. Where a draft was carried onto another data version since, its base data stay; `base`
        of the result says so.

        Parameters
        ----------
        progress : callable, optional
            As in `change_base`.

        Raises
        ------
        NotFoundError
            Where there is no such plan, or it never had that revision.
        StaleRevisionError, ConflictError, LockedError
            As in `add_edit`: what is locked then and now stays.
        CoverageError
            Where the ground cannot be cut.
        """
        with self._read() as connection:
            wanted = edits.base_since(connection, plan_id, revision, key)
            whole = all(base_value(edit)["inverse"] for edit in wanted)  # type: ignore[index]
            if wanted and whole:
                plan = plans.require(connection, plan_id)
                edits.require_revision(connection, plan, expected_revision)
                layers = self._layers(connection, plan.dataset_id)
                assignment = plans.assignment(connection, plan_id)
                locked = base_data.locked_cells(connection, plan_id)
        if not wanted or not whole:
            result = super().restore(plan_id, revision, expected_revision=expected_revision, who=who, key=key)
            return replace(result, base="kept" if wanted else "same")
        note, steps = progress or _silent, []
        for number, edit in enumerate(wanted):
            note(0.2 + 0.3 * number / len(wanted))
            value: dict[str, Any] = base_value(edit) or {}
            back = value["inverse"]
            step = _step(layers, assignment, back, parse_changes(back), locked, value.get("gone", ()))
            layers, assignment = step.after.layers, step.moved.assignment
            locked = base_data.locks_after(locked, step.moved)
            steps.append((edit.revision, step))
        with self._write() as connection:
            for number, (undone, step) in enumerate(steps):
                note(0.5 + 0.4 * number / len(steps))
                self._put(
                    connection, plan_id, step, expected_revision + number, who=who, key=None, undoes=undone
                )
            result = edits.restore(
                connection,
                self._dialect,
                plan_id,
                revision,
                expected_revision=expected_revision + len(steps),
                who=who,
                key=key,
                graph_of=lambda dataset_id: self._graph_of(connection, dataset_id),
            )
        self._last_layers = None
        return replace(result, base="restored")

    def _put(
        self,
        connection: Connection,
        plan_id: int,
        step: _Step,
        expected_revision: int,
        *,
        who: str,
        key: str | None,
        undoes: int | None,
    ) -> BaseResult:
        """Write the version that a step makes, and move the draft onto it."""
        edits.raise_revision(connection, plan_id, expected_revision)
        plan = plans.require(connection, plan_id)
        edits.require_undoable(connection, plan, undoes, _NO_CELLS)
        spare = base_data.is_spare(connection, plan.dataset_id, plan_id)
        after = step.after
        dataset_id = base_data.add_version(
            connection,
            self._dialect,
            plan.dataset_id,
            step.layers,
            after,
            changes=step.changes,
            who=who,
            replace=spare,
        )
        result = base_data.move_plan(
            connection,
            self._dialect,
            plan,
            step.before,
            dataset_id,
            step.moved,
            value={"recut": after.recut, "changes": list(step.changes), "inverse": list(after.inverse)},
            who=who,
            key=key,
            undoes=undoes,
        )
        if spare:
            datasets.delete_version(connection, self._dialect, plan.dataset_id)
        return result


@dataclass(frozen=True)
class _Step:
    """One change of base data, worked out and not written yet."""

    layers: Layers
    after: NextVersion
    before: NDArray[np.int32]
    moved: base_data.Moved
    changes: Sequence[Mapping[str, Any]]


def _step(
    layers: Layers,
    assignment: NDArray[np.int32],
    changes: Sequence[Mapping[str, Any]],
    parsed: Sequence[BaseChange],
    locked: frozenset[int],
    gone: Sequence[Sequence[Any]],
) -> _Step:
    after = change_version(layers, parsed)
    moved = base_data.moved_by(layers, after, assignment, locked, gone)
    return _Step(layers, after, assignment, moved, changes)


def _silent(progress: float) -> None:
    """Tell nobody how far the work is."""
