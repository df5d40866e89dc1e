"""One edit on its way into a draft: checked against the plan as it stands, then written to cells, attributes, grids.

Everything happens in the caller's transaction, which has raised the revision of the plan and so holds its row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from gis_core.errors import EditError, LockedError, some_of
from gis_core.plan.edit import Change, Kind, Place, changed_grids, code_of, require_changes, require_living
from gis_core.plan.locks import require_unlocked
from gis_core.store import attributes
from gis_core.store.models import Area, Cell, Grid, table_of
from gis_core.store.redraw import redraw, set_deviation

if TYPE_CHECKING:
    from gis_core.model import AdjacencyGraph
    from gis_core.store.dialect import Dialect

__all__ = ["CheckedEdit", "Draft"]

_GRID, _CELL, _AREA = table_of(Grid), table_of(Cell), table_of(Area)
# Beyond this many cells one pass over the table is quicker than asking by number.
_FEW = 500
Ints = NDArray[np.int32]
Found = dict[str, tuple[Place, Any]]


@dataclass(frozen=True)
class CheckedEdit:
    """An edit that the plan takes.

    Attributes
    ----------
    before : int32, shape (n,)
        Grid of each cell of the edit before it.
    moved : int32, shape (m,)
        Cells whose grid changes.
    assignment : int32, shape (n_cells,)
        Of the whole plan after the edit.
    changes : tuple of Change
        Attributes with their values before.
    was, becomes : dict
        The attributes around the edit, before and after it.
    touched : list of int
        Grids whose figures may change.
    n_living : int
        Living grids after the edit.
    """

    before: Ints
    moved: Ints
    assignment: Ints
    changes: tuple[Change, ...]
    was: dict[str, Any]
    becomes: dict[str, Any]
    touched: list[int]
    n_living: int


class Draft:
    """A plan that takes an edit.

    Parameters
    ----------
    plan : Row
        The plan's row, locked.
    assignment : int32, shape (n_cells,)
        As it stands; not changed here.
    graph_of : callable
        Gives the graph of a data version.
    restoring : bool
        Whether the edit returns to an earlier revision: codes and what dissolved grids carried are then as they were.
    undoing : bool
        Whether it takes back another: what that took from a dissolved grid may be given back.
    """

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        plan: Row[Any],
        assignment: Ints,
        *,
        graph_of: Callable[[int], AdjacencyGraph],
        restoring: bool = False,
        undoing: bool = False,
    ) -> None:
        self._connection, self._dialect, self._plan = connection, dialect, plan
        self._assignment = assignment
        self._graph_of = graph_of
        self._restoring = restoring
        self._undoing = undoing or restoring
        self._n_grids = attributes.n_grids_ever(connection, plan.id)

    def checked(self, cells: Ints, wanted: Ints, changes: Iterable[Change | tuple[str, Any]]) -> CheckedEdit:
        """Check an edit against the plan.

        Raises
        ------
        EditError
            Where it names what is not there, or breaks a rule.
        LockedError
            Where it moves what is locked.
        """
        plan = self._plan
        found = require_changes(changes, n_cells=plan.n_cells, n_grids=self._n_grids)
        self._require_inside("cell", cells, 0, plan.n_cells)
        fresh = [grid for grid in changed_grids(found, "grid") if grid >= self._n_grids]
        self._require_inside("grid", wanted, -1, self._n_grids + len(fresh))
        before = self._assignment[cells]
        move = before != wanted
        named = {*before[move].tolist(), *wanted.tolist(), *changed_grids(found, *_OF_GRIDS)} - {-1}
        was = self._read(found, named, cells[move])
        becomes = {path: value for path, value in was.items() if path not in found}
        becomes.update({path: value for path, (_, value) in found.items() if value is not None})
        self._require_targets(wanted, becomes)
        if not self._undoing:
            require_living(found, {grid: f"grid/{grid}" in becomes for grid in named})
        assignment = self._assignment.copy()
        assignment[cells] = wanted
        self._require_boundaries(found, was, becomes)
        self._require_nested(cells[move], wanted[move], becomes)
        self._require_same_part(cells[move], before[move], wanted[move], was, becomes)
        self._require_unlocked(cells[move], before[move], assignment, was, becomes)
        ended = self._require_empty(found, was, becomes, assignment)
        begun = [g for g in changed_grids(found, "grid") if f"grid/{g}" in becomes and f"grid/{g}" not in was]
        self._require_codes(found, was, becomes)
        return CheckedEdit(
            before=before,
            moved=cells[move],
            assignment=assignment,
            changes=tuple(Change(path, value, was.get(path)) for path, (_, value) in found.items()),
            was=was,
            becomes=becomes,
            touched=sorted({*before[move].tolist(), *wanted[move].tolist(), *ended, *begun} - {-1}),
            n_living=plan.n_grids + len(begun) - len(ended),
        )

    def _require_inside(self, what: str, numbers: Ints, lowest: int, count: int) -> None:
        outside = numbers[(numbers < lowest) | (numbers >= count)].tolist()
        if outside:
            raise EditError(
                f"Plan {self._plan.id} has no {what} {some_of(outside)}.",
                case="unknown",
                **{f"{what}_ix": outside},
            )

    def _read(self, found: Found, named: Collection[int], moved: Ints) -> dict[str, Any]:
        """Return the attributes that the edit may meet: of its grids, of its own paths, and the locks."""
        paths = {f"grid/{grid}{end}" for grid in named for end in ("", "/code", "/name", "/locked")} | set(
            found
        )
        few = len(moved) <= _FEW
        if few:
            paths |= {f"lock/cell/{cell}" for cell in moved.tolist()}
        was = attributes.read(self._connection, self._plan.id, paths)
        if len(moved):
            was |= attributes.read(self._connection, self._plan.id, below="lock/border/" if few else "lock/")
        return was

    def _require_targets(self, wanted: Ints, becomes: dict[str, Any]) -> None:
        gone = [grid for grid in np.unique(wanted).tolist() if grid >= 0 and f"grid/{grid}" not in becomes]
        if gone:
            raise EditError(
                f"Grid {some_of(gone)} is dissolved: it takes no cell.", case="dissolved", grid_ix=gone
            )

    def _require_boundaries(self, found: Found, was: dict[str, Any], becomes: dict[str, Any]) -> None:
        """Refuse a grid without a boundary polygon of the data, and one that changes to another."""
        grids = [grid for grid in changed_grids(found, "grid") if f"grid/{grid}" in becomes]
        if not grids:
            return
        known = {*self._area_codes(), *self._codes_above()} - {None}
        ended = attributes.retired(self._connection, self._plan.id, grids)
        for grid in grids:
            code = becomes[f"grid/{grid}"]["boundary_code"]
            if f"grid/{grid}" in was or grid in ended:
                old = was[f"grid/{grid}"]["boundary_code"] if f"grid/{grid}" in was else ended[grid][1]
                if code != old:
                    raise EditError(
                        f"Grid {grid} stays in boundary polygon {old}.", path=f"grid/{grid}", grid_ix=[grid]
                    )
            elif code not in known:
                raise EditError(
                    f"Grid {grid} names the boundary polygon {code}; there is no such code in the data.",
                    path=f"grid/{grid}",
                    grid_ix=[grid],
                )

    def _area_codes(self) -> list[str]:
        query = select(_AREA.c.code).where(_AREA.c.dataset_id == self._plan.dataset_id).order_by(_AREA.c.ix)
        return list(self._connection.execute(query).scalars())

    def _codes_above(self) -> list[str | None]:
        """Return the boundary polygons, or parts of a level above, that grids of the plan name."""
        query = select(_GRID.c.boundary_code).where(_GRID.c.plan_id == self._plan.id).distinct()
        return list(self._connection.execute(query).scalars())

    def _require_nested(self, moved: Ints, wanted: Ints, becomes: dict[str, Any]) -> None:
        """Refuse a cell given to a grid of another boundary polygon."""
        moved, wanted = moved[wanted >= 0], wanted[wanted >= 0]
        codes = self._area_codes()
        if len(moved) == 0 or len(codes) < 2:
            return
        area_ix = self._area_ix(moved)
        for grid in np.unique(wanted).tolist():
            code, mine = becomes[f"grid/{grid}"]["boundary_code"], wanted == grid
            home = codes.index(code) if code in codes else self._home_of(grid)
            wrong = np.sort(moved[mine][area_ix[mine] != home]).tolist() if home is not None else []
            if wrong:
                raise EditError(
                    f"Cell {some_of(wrong)} lies outside boundary polygon {codes[home or 0]}, and so cannot be in grid "
                    f"{code_of(becomes, grid)}: grids stay inside their boundary polygon.",
                    case="nesting",
                    boundary=codes[home or 0],
                    code=code_of(becomes, grid),
                    cell_ix=wrong,
                    grid_ix=[grid],
                )

    def _require_same_part(
        self, moved: Ints, before: Ints, wanted: Ints, was: dict[str, Any], becomes: dict[str, Any]
    ) -> None:
        """Refuse a cell that goes straight to a grid of another part of the level above.

        A cell without grid belongs to no part: who takes it out of its grid first, and gives it then, says that the
        level above is to change.
        """
        if self._restoring:
            return
        given = (before >= 0) & (wanted >= 0)
        pairs = np.unique(np.column_stack([before[given], wanted[given]]), axis=0)
        for old, new in pairs.tolist():
            mine, other = was[f"grid/{old}"]["boundary_code"], becomes[f"grid/{new}"]["boundary_code"]
            if mine is None or other is None or mine == other:
                continue
            wrong = np.sort(moved[(before == old) & (wanted == new)]).tolist()
            raise EditError(
                f"Cell {some_of(wrong)} belongs to {mine} and grid {code_of(becomes, new)} to {other}: take it out of "
                f"its grid first if it is to change from {mine} to {other}.",
                case="part",
                mine=mine,
                other=other,
                cell_ix=wrong,
                grid_ix=[new],
            )

    def _home_of(self, grid: int) -> int | None:
        """Return the boundary polygon that a grid lies in where its code names none; None where it has no cell."""
        cells = np.flatnonzero(self._assignment == grid)[:1].astype(np.int32)
        return int(self._area_ix(cells)[0]) if len(cells) else None

    def _area_ix(self, cells: Ints) -> NDArray[np.int64]:
        """Return the boundary polygon of cells, in their order."""
        query = select(_CELL.c.ix, _CELL.c.area_ix).where(_CELL.c.dataset_id == self._plan.dataset_id)
        if len(cells) > _FEW:
            rows = self._connection.execute(query).all()
        else:
            rows = self._connection.execute(query.where(_CELL.c.ix.in_(cells.tolist()))).all()
        area_of = np.full(self._plan.n_cells, -1, dtype=np.int64)
        area_of[[row.ix for row in rows]] = [row.area_ix for row in rows]
        return area_of[cells]

    def _require_unlocked(
        self, moved: Ints, before: Ints, assignment: Ints, was: dict[str, Any], becomes: dict[str, Any]
    ) -> None:
        held = [path for path in was if path in becomes]
        require_unlocked(
            moved,
            before,
            assignment[moved],
            locked_grids={int(path.split("/")[1]) for path in held if path.endswith("/locked")},
            locked_cells={int(path[10:]) for path in held if path.startswith("lock/cell/")},
            locked_borders={_pair(path) for path in held if path.startswith("lock/border/")},
            around=lambda: (self._graph_of(self._plan.dataset_id), self._assignment, assignment),
        )

    def _require_empty(
        self, found: Found, was: dict[str, Any], becomes: dict[str, Any], assignment: Ints
    ) -> list[int]:
        """Return the grids that the edit dissolves; each is unlocked and holds no cell."""
        ended = [g for g in changed_grids(found, "grid") if f"grid/{g}" in was and f"grid/{g}" not in becomes]
        for grid in ended:
            if f"grid/{grid}/locked" in becomes:
                raise LockedError(f"Grid {grid} is locked: unlock it first.", grids=[grid])
            n_cells = int((assignment == grid).sum())
            if n_cells:
                raise EditError(
                    f"Grid {code_of(was, grid)} still holds {n_cells} cell{'' if n_cells == 1 else 's'}: give them "
                    "to others before it is dissolved.",
                    case="not-empty",
                    cells=n_cells,
                    path=f"grid/{grid}",
                    grid_ix=[grid],
                )
        return ended

    def _require_codes(self, found: Found, was: dict[str, Any], becomes: dict[str, Any]) -> None:
        """Refuse a code that another grid carries, or carried when it was in force or dissolved."""
        changing = changed_grids(found, "grid", "code")
        taken: dict[str, int] = {}
        for grid in changing:
            code = code_of(becomes, grid)
            if code is not None and taken.setdefault(code, grid) != grid:
                raise EditError(
                    f"Grids {taken[code]} and {grid} would both have the code {code}.",
                    case="code-taken",
                    code=code,
                    grid_ix=[grid],
                )
        if not taken:
            return
        query = select(_GRID.c.code, _GRID.c.grid_ix).where(
            _GRID.c.plan_id == self._plan.id,
            _GRID.c.code.in_(sorted(taken)),
            _GRID.c.grid_ix.not_in(changing),
        )
        for code, other in self._connection.execute(query):
            raise EditError(
                f"Grid {other} has the code {code} already.",
                case="code-taken",
                code=code,
                grid_ix=[taken[code]],
            )
        spent = attributes.bound_codes(self._connection, self._plan.id, taken, in_force=self._restoring)
        if not self._restoring:
            gone = [g for g in changing if f"grid/{g}" in was and f"grid/{g}" not in becomes]
            spent.update({code: g for g in gone if (code := code_of(was, g)) is not None})
        for code, owner in sorted(spent.items()):
            if taken.get(code, owner) != owner:
                raise EditError(
                    f"The code {code} was used before by grid {owner}; codes are not given twice.",
                    case="code-used",
                    code=code,
                    grid_ix=[taken[code]],
                )

    def apply(self, edit: CheckedEdit) -> None:
        """Write an edit: attributes, the rows of grids, their figures and polygons; not the assignment."""
        connection, plan = self._connection, self._plan
        attributes.write(connection, plan.id, edit.changes)
        self._revive(edit)
        self._end_grids(edit)
        self._rename_grids(edit)
        self._begin_grids(edit)
        living = [grid for grid in edit.touched if f"grid/{grid}" in edit.becomes]
        redraw(
            connection,
            self._dialect,
            plan.id,
            plan.dataset_id,
            edit.assignment,
            np.array(living, dtype=np.int32),
        )
        if edit.touched:
            bases = [
                (edit.becomes.get(f"grid/{grid}") or edit.was[f"grid/{grid}"])["boundary_code"]
                for grid in edit.touched
            ]
            set_deviation(connection, plan.id, set(bases))

    def _revive(self, edit: CheckedEdit) -> None:
        for grid in edit.touched:
            if f"grid/{grid}" in edit.becomes and f"grid/{grid}" not in edit.was:
                attributes.revive(self._connection, self._plan.id, grid)

    def _end_grids(self, edit: CheckedEdit) -> None:
        ended: dict[int, tuple[str, str | None]] = {}
        for grid in edit.touched:
            if f"grid/{grid}" in edit.becomes or f"grid/{grid}" not in edit.was:
                continue
            own = (_GRID.c.plan_id == self._plan.id, _GRID.c.grid_ix == grid)
            self._connection.execute(delete(_GRID).where(*own))
            base = edit.was[f"grid/{grid}"]
            code = base["code"] if self._restoring else code_of(edit.was, grid)
            ended[grid] = (str(code), base["boundary_code"])
        if self._restoring:
            attributes.settle_retired(self._connection, self._plan.id, ended)
        else:
            attributes.retire(self._connection, self._plan.id, ended)

    def _rename_grids(self, edit: CheckedEdit) -> None:
        """Bring code and name of the rows of living grids up to date; codes may change places."""
        rows = []
        for grid in sorted({int(c.path.split("/")[1]) for c in edit.changes if c.path.startswith("grid/")}):
            if f"grid/{grid}" not in edit.was or f"grid/{grid}" not in edit.becomes:
                continue
            code, name = code_of(edit.becomes, grid), edit.becomes.get(f"grid/{grid}/name")
            if code != code_of(edit.was, grid) or name != edit.was.get(f"grid/{grid}/name"):
                rows.append({"of_grid": grid, "code": code, "name": name})
        if not rows:
            return
        own = (_GRID.c.plan_id == self._plan.id) & (_GRID.c.grid_ix == bindparam("of_grid"))
        aside = [{"of_grid": row["of_grid"], "code": f"\x01{row['of_grid']}"} for row in rows]
        self._connection.execute(update(_GRID).where(own), aside)
        self._connection.execute(update(_GRID).where(own), rows)

    def _begin_grids(self, edit: CheckedEdit) -> None:
        for grid in edit.touched:
            if f"grid/{grid}" in edit.was or f"grid/{grid}" not in edit.becomes:
                continue
            base = edit.becomes[f"grid/{grid}"]
            code, name = code_of(edit.becomes, grid), edit.becomes.get(f"grid/{grid}/name")
            values = {
                "plan_id": self._plan.id,
                "grid_ix": grid,
                "code": code,
                "name": name,
                "boundary_code": base["boundary_code"],
                "households": 0,
                "population": None,
                "area_m2": 0.0,
                "perimeter_m": 0.0,
                "geom": self._dialect.encode(np.array([shapely.MultiPolygon()], dtype=object))[0],
            }
            self._connection.execute(insert(_GRID).values(**values))


#: Kinds of attributes whose numbers are grids.
_OF_GRIDS: tuple[Kind, ...] = ("grid", "name", "code", "colour", "locked", "staff", "border")


def _pair(path: str) -> tuple[int, int]:
    lesser, greater = path.split("/")[2:]
    return int(lesser), int(greater)
