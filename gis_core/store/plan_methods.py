"""The methods of a store that concern plans: reading, editing, branching, publishing, comparing, searching.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gis_core.store import branching, datasets, edits, plans, publishing, search
from gis_core.store.search_index import SearchIndexes
from gis_core.store.session import Session

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from gis_core.model import AdjacencyGraph
    from gis_core.plan.edit import Change
    from gis_core.plan.file import PlanFile
    from gis_core.store.dialect import Dialect
    from gis_core.store.records import (
        BBox,
        CheckList,
        EditRecord,
        EditResult,
        InForce,
        PlanRecord,
        SearchHit,
        StateRecord,
    )

__all__ = ["PlanMethods"]

# Graphs that are kept for locks and checks; a data version never changes.
_KEPT_GRAPHS = 2


class PlanMethods(Session):
    """What a store does with plans."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._graphs: dict[int, AdjacencyGraph] = {}
        self._searched = SearchIndexes()

    def _graph_of(self, connection: Connection, dataset_id: int) -> AdjacencyGraph:
        """Return the graph of a data version, from memory where it was asked for before."""
        graph = self._graphs.get(dataset_id)
        if graph is None:
            graph = datasets.graph(connection, dataset_id)
            for old in list(self._graphs)[: 1 - _KEPT_GRAPHS]:
                self._graphs.pop(old, None)
            self._graphs[dataset_id] = graph
        return graph

    def plan_mismatch(self, dataset_id: int, plan: PlanFile) -> str | None:
        """Say in one sentence why a plan does not belong to a data version; None where it does.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        """
        with self._read() as connection:
            return plans.mismatch(connection, self._dialect, dataset_id, plan)

    def add_plan(self, plan: PlanFile, *, dataset_id: int, name: str, created_by: str = "") -> int:
        """Store a plan as a draft of revision 0, in one transaction.

        Parameters
        ----------
        plan : PlanFile
            In any CRS; its cells are those of the data version, in their order.
        dataset_id : int
            Data version that the plan was made on.
        name, created_by : str
            As they are to be shown.

        Returns
        -------
        int
            Number of the new plan.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        DatasetError
            Where the plan belongs to other data, or names one grid twice or not at all.
        """
        with self._write() as connection:
            return plans.add(
                connection, self._dialect, plan, dataset_id=dataset_id, name=name, created_by=created_by
            )

    def plans(self, *, limit: int = 100, offset: int = 0) -> list[PlanRecord]:
        """Return a page of the plans, the newest first."""
        with self._read() as connection:
            return plans.list_all(connection, limit=limit, offset=offset)

    def plan(self, plan_id: int) -> PlanRecord:
        """Return one plan.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        """
        with self._read() as connection:
            return plans.get(connection, plan_id)

    def grids(
        self, plan_id: int, *, bbox: BBox | None = None, limit: int | None = None, offset: int = 0
    ) -> GeoDataFrame:
        """Return the living grids of a plan in EPSG:4326 by `grid_ix`; box, page and errors as in `layer`.

        A grid that was dissolved has no row, so that rows are found by the column `grid_ix`, not by position.
        """
        with self._read() as connection:
            return plans.grids(connection, self._dialect, plan_id, bbox=bbox, limit=limit, offset=offset)

    def assignment(self, plan_id: int) -> NDArray[np.int32]:
        """Return the `grid_ix` of each cell, -1 where it has none; raises as `plan` does."""
        with self._read() as connection:
            return plans.assignment(connection, plan_id)

    def grid_codes(self, plan_id: int) -> NDArray[np.object_]:
        """Return the code of every grid that the plan ever had, by `grid_ix`, and None at the end, which -1 finds.

        Raises
        ------
        NotFoundError
            Where there is no such plan.
        """
        with self._read() as connection:
            plans.require(connection, plan_id)
            return plans.grid_codes(connection, plan_id)

    def plan_buildings(self, plan_id: int) -> GeoDataFrame:
        """Return the buildings inside the boundary: `id, households, cell_id, grid_code`, geometry."""
        with self._read() as connection:
            return plans.buildings(connection, self._dialect, plan_id)

    def plan_file(self, plan_id: int) -> PlanFile:
        """Return a plan in the form in which it is written and exported, all from one state."""
        with self._read() as connection:
            return plans.as_file(connection, self._dialect, plan_id)

    # Edits

    def add_edit(
        self,
        plan_id: int,
        *,
        expected_revision: int,
        who: str,
        kind: str,
        cell_ix: NDArray[np.integer] | Sequence[int],
        grid_ix: NDArray[np.integer] | Sequence[int],
        changes: Iterable[Change | tuple[str, Any]] = (),
        key: str | None = None,
        undoes: int | None = None,
    ) -> EditResult:
        """Apply an edit and log it with its inverse, in one transaction; figures and polygons of grids follow.

        Parameters
        ----------
        expected_revision : int
            Revision that the edit was made on.
        who, kind : str
            Who did it, and what it was (`paint`, `lasso`, `merge`, `undo`, ...).
        cell_ix, grid_ix : int, shape (n,)
            Cells, each once, and the grid of each; -1 takes the cell out of every grid.
        changes
            Paths of attributes and their new values, as `Change` or as pairs; None takes one away.
        key : str, optional
            Name that the client gave this edit; the same again is answered as before and not applied twice.
        undoes : int, optional
            Revision of the edit that this one takes back.

        Returns
        -------
        EditResult
            The edit with its revision, and the figures of the grids that it touched.

        Raises
        ------
        StaleRevisionError
            Where somebody else changed the plan since; it has the edits since.
        ConflictError
            Where the plan is no draft, or the key belongs to another edit.
        LockedError
            Where it moves what is locked.
        EditError
            Where a cell, grid or path is not in the plan, a cell would leave its boundary polygon, a code was used
            before, or a value is no such value.
        NotFoundError
            Where there is no such plan.
        """
        with self._write() as connection:
            return edits.add(
                connection,
                self._dialect,
                plan_id,
                expected_revision=expected_revision,
                who=who,
                kind=kind,
                cell_ix=cell_ix,
                grid_ix=grid_ix,
                changes=changes,
                key=key,
                undoes=undoes,
                graph_of=lambda dataset_id: self._graph_of(connection, dataset_id),
            )

    def edits(self, plan_id: int, *, since: int = 0, limit: int | None = None) -> list[EditRecord]:
        """Return the edits after a revision, the oldest first, at most `limit`; raises as `plan` does.

        Cells have the numbers that they have now, also where base data changed since; those that are gone are left out.
        """
        with self._read() as connection:
            return edits.list_in_numbers_of_now(connection, plan_id, since=since, limit=limit)

    def restore(
        self, plan_id: int, revision: int, *, expected_revision: int, who: str, key: str | None = None
    ) -> EditResult:
        """Return to an earlier revision by one edit of the kind `restore`, which can be undone as any other.

        Raises
        ------
        NotFoundError
            Where there is no such plan, or it never had that revision.
        StaleRevisionError, ConflictError, LockedError
            As in `add_edit`: what is locked then and now stays.
        """
        with self._write() as connection:
            return edits.restore(
                connection,
                self._dialect,
                plan_id,
                revision,
                expected_revision=expected_revision,
                who=who,
                key=key,
                graph_of=lambda dataset_id: self._graph_of(connection, dataset_id),
            )

    def plan_state(self, plan_id: int) -> StateRecord:
        """Return the attributes of a plan: its grids, locks and notes, all of one revision; raises as `plan` does."""
        with self._read() as connection:
            return branching.state(connection, plan_id)

    def branch_plan(self, plan_id: int, *, name: str, created_by: str = "") -> int:
        """Make a draft of revision 0 from any plan, with its assignment and attributes; return its number.

        Raises
        ------
        NotFoundError
            Where there is no such plan.
        ParameterError
            Where the name is empty or too long.
        """
        with self._write() as connection:
            return branching.branch(connection, self._dialect, plan_id, name=name, created_by=created_by)

    def begin_plan(
        self, dataset_id: int, *, name: str, bounds: tuple[int, int] | None = None, created_by: str = ""
    ) -> int:
        """Make a draft of revision 0 in which no cell has a grid; return its number.

        Parameters
        ----------
        dataset_id : int
            Data version that it stands on.
        bounds : (int, int), optional
            Fewest and most households of a grid.

        Raises
        ------
        NotFoundError
            Where there is no such data version.
        ParameterError
            Where the name is empty or too long, or the bounds are turned round.
        """
        with self._write() as connection:
            return branching.begin(connection, dataset_id, name=name, bounds=bounds, created_by=created_by)

    def rename_plan(self, plan_id: int, name: str) -> None:
        """Give a draft another name; its revision stays.

        Raises
        ------
        NotFoundError, ParameterError
            As in `branch_plan`.
        ConflictError
            Where the plan is no draft.
        """
        with self._write() as connection:
            branching.rename(connection, plan_id, name)

    # Publishing

    def checks(self, plan_id: int) -> CheckList:
        """Say what is open before a plan can be published; raises as `plan` does."""
        with self._read() as connection:
            return publishing.check_list(connection, plan_id, lambda one: self._graph_of(connection, one))

    def publish_plan(
        self,
        plan_id: int,
        *,
        expected_revision: int,
        valid_from: datetime | None = None,
        except_: Sequence[str] = (),
        who: str = "",
    ) -> PlanRecord:
        """Put a draft in force, in one transaction; nothing of an earlier plan is overwritten but its end.

        The plans in force in the same boundary polygons are superseded from that time, each in those polygons
        only. The publishing is logged as an edit without cells, so that the revision goes up by one.

        Parameters
        ----------
        valid_from : datetime, optional
            Aware; from when it holds. None is now.
        except_ : sequence of str
            What may stay open: `out_of_bounds`, `unnamed`, `without_staff`.

        Returns
        -------
        PlanRecord
            The plan as it is now.

        Raises
        ------
        NotPublishableError
            Where something is open that is not excepted; unassigned cells and grids in pieces never are.
        StaleRevisionError, ConflictError
            Where the plan changed since, is no draft, would hold before a plan that it supersedes began, or gives
            a code that was in force to other ground.
        NotFoundError
            Where there is no such plan.
        ParameterError
            Where the time is not aware, or an exception has no such name.
        """
        with self._write() as connection:
            return publishing.publish(
                connection,
                self._dialect,
                plan_id,
                expected_revision=expected_revision,
                valid_from=valid_from,
                except_=except_,
                who=who,
                graph_of=lambda dataset_id: self._graph_of(connection, dataset_id),
            )

    def plans_in_force(
        self, at: datetime | None = None, *, dataset_id: int | None = None, boundary_code: str | None = None
    ) -> list[InForce]:
        """Return the plans in force at a time with their boundary polygons, the last to come into force first.

        Parameters
        ----------
        at : datetime, optional
            Aware; None is now.
        dataset_id, boundary_code
            Only plans made on that data version; only that boundary polygon.
        """
        with self._read() as connection:
            return publishing.in_force(connection, at, dataset_id=dataset_id, boundary_code=boundary_code)

    def grids_in_force(self, plan_id: int, at: datetime | None = None) -> GeoDataFrame:
        """Return the grids in force at a time in the boundary polygons of a plan, whichever plans they are of.

        Columns and coordinate system are those of `grids`, and `plan_id`; `at` None is now.

        Raises
        ------
        NotFoundError
            Where there is no such plan, or no plan was in force there then.
        """
        with self._read() as connection:
            return publishing.grids_in_force(connection, self._dialect, plan_id, at)

    def compare(self, plan_id: int, with_id: int) -> dict[str, Any]:
        """Say which buildings change hands from one stored plan to another.

        Returns
        -------
        dict
            `households_moved`, `people_moved`, `buildings` (id, name, address, households, from, to) and `pairs`
            (from, to, households), the greatest first; grids by code, None for none.

        Raises
        ------
        NotFoundError
            Where a plan is not there.
        """
        with self._read() as connection:
            return branching.compare(connection, self._dialect, plan_id, with_id)

    # Search

    def search(self, plan_id: int, text: str, *, limit: int = 20) -> list[SearchHit]:
        """Find grids, buildings, streets and facilities as people type them, best first.

        By a part of a text, by name and number in any order and script, in pinyin or initials, with a letter wrong;
        see `gis_core.locate.address`. The first search of a data version builds its index (about 5 s for 100,000
        buildings), which is kept.

        Raises
        ------
        NotFoundError
            Where there is no such plan.
        ParameterError
            Where `limit` is negative.
        """
        with self._read() as connection:
            return search.find(connection, self._dialect, self._searched, plan_id, text, limit=limit)
