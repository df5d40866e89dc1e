"""The methods of a store that change base data: new data versions, and plans that move onto them.

Reading and cutting happen before the transaction that writes; a version never changes, and the revision of the plan
says whether somebody else was quicker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_core.errors import EditError
from gis_core.plan.base import carry_assignment, change_version
from gis_core.plan.base_changes import parse_changes
from gis_core.store import base_data, datasets, edits, plans
from gis_core.store.plan_methods import PlanMethods

if TYPE_CHECKING:
    from gis_core.store.records import BaseResult

__all__ = ["BaseMethods"]

_NO_CELLS = np.empty(0, np.int32)


class BaseMethods(PlanMethods):
    """What a store does with base data that change."""

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
            moved = base_data.carry_whole(connection, self._dialect, plan_id, dataset_id)
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
            Revision of the change that this one takes back.

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
        with self._read() as connection:
            same = base_data.repeated(connection, plan_id, key)
            if same is not None:
                return same
            plan = plans.require(connection, plan_id)
            edits.require_revision(connection, plan, expected_revision)
            layers = base_data.read_layers(connection, self._dialect, plan.dataset_id)
            before = plans.assignment(connection, plan_id)
        after = change_version(layers, parsed)
        assignment = carry_assignment(layers, after, before)
        lost = (assignment < 0) & (after.old_cell_ix < 0)
        moved = base_data.Moved(assignment, after.new_cell_ix, lost, after.redrawn)
        with self._write() as connection:
            edits.raise_revision(connection, plan_id, expected_revision)
            plan = plans.require(connection, plan_id)
            edits.require_undoable(connection, plan, undoes, _NO_CELLS)
            spare = base_data.is_spare(connection, plan.dataset_id, plan_id)
            dataset_id = base_data.add_version(
                connection,
                self._dialect,
                plan.dataset_id,
                layers,
                after,
                changes=changes,
                who=who,
                replace=spare,
            )
            result = base_data.move_plan(
                connection,
                self._dialect,
                plan,
                before,
                dataset_id,
                moved,
                value={"recut": after.recut, "changes": list(changes), "inverse": list(after.inverse)},
                who=who,
                key=key,
                undoes=undoes,
            )
            if spare:
                datasets.delete_version(connection, self._dialect, plan.dataset_id)
            return result
