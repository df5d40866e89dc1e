"""What the store answers besides frames: frozen records of plain values.

Times are aware and in UTC; boxes are (west, south, east, north) in degrees of WGS 84. Must not import
SQLAlchemy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gis_core.plan.edit import Change

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from gis_core.plan.checks import CheckItem

__all__ = [
    "AssetRecord",
    "BBox",
    "BaseResult",
    "Change",
    "CheckList",
    "DatasetRecord",
    "EditRecord",
    "EditResult",
    "GridAttributes",
    "GridFigures",
    "HitKind",
    "InForce",
    "JobRecord",
    "JobState",
    "PlanMark",
    "PlanRecord",
    "PlanState",
    "SearchHit",
    "StaffRecord",
    "StateRecord",
]

BBox = tuple[float, float, float, float]
PlanState = Literal["draft", "published", "superseded"]
JobState = Literal["running", "done", "failed", "cancelled"]
HitKind = Literal["grid", "building", "street", "facility"]


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """Somebody of the register: number in it, the data that it came with, and where and when the person works."""

    id: str
    dataset_id: int
    name: str
    role: str
    grid_code: str | None
    building_id: str | None
    phone: str
    hours: str


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """Something that stands in a place (degrees), what it is and whose."""

    id: str
    category: str
    owner: str | None
    name: str | None
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class PlanMark:
    """Where a plan stands: what is looked at often, by whom who watches it."""

    revision: int
    state: PlanState
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """Long work on a plan.

    Attributes
    ----------
    id : str
        Name that it is asked for by.
    revision : int
        Revision of the plan that the work was begun on.
    progress : float
        0 to 1.
    result : dict or None
        As the wire has it; only where `state` is `done`.
    error, code : str or None
        What went wrong, only where `state` is `failed`.
    """

    id: str
    plan_id: int
    kind: str
    revision: int
    started_at: datetime
    state: JobState = "running"
    progress: float = 0.0
    ended_at: datetime | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One data version: what was imported, from where, when.

    Attributes
    ----------
    id : int
        Number of the data version in this store; greater is newer.
    name, source : str
        Short name; file name that it was read from.
    imported_at : datetime
        Aware, UTC, in whole milliseconds.
    attribution : str
        Text that must be shown with the data; empty where unknown.
    work_crs : str
        Projected CRS in which all work happens, as `EPSG:n` or WKT.
    bbox : tuple of float
        Box of the boundary polygons, degrees.
    counts : dict
        Rows of each layer.
    imported_by : str
        Who imported it; empty where unknown.
    derived_from : int or None
        Data version that it was made of by changes of base data; None where it was imported.
    """

    id: int
    name: str
    source: str
    imported_at: datetime
    attribution: str
    work_crs: str
    bbox: BBox
    counts: dict[str, int]
    imported_by: str
    derived_from: int | None = None


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """One plan without its grids and cells.

    Attributes
    ----------
    id, dataset_id : int
        Number of the plan; the data version that it was made on.
    state : {"draft", "published", "superseded"}
        Only a draft takes edits.
    revision : int
        0 when added; every edit adds 1.
    valid_from, valid_to : datetime or None
        Time in force; None where it never was, or still is. A plan of several boundary polygons that were
        superseded one by one is over with the last of them.
    n_grids : int
        Living grids; those that were dissolved do not count.
    households : int
        Households of all cells of the plan, assigned or not.
    bounds : tuple of int or None
        Fewest and most households of a grid that were asked for.
    seed : int or None
        Seed of the run.
    bbox : tuple of float or None
        Box of the grids, degrees; None where there is no grid.
    report : dict
        Report of the run that made it; empty where unknown.
    based_on : int or None
        Plan that it was branched from.
    """

    id: int
    dataset_id: int
    name: str
    state: PlanState
    revision: int
    created_at: datetime
    created_by: str
    valid_from: datetime | None
    valid_to: datetime | None
    n_grids: int
    n_cells: int
    households: int
    bounds: tuple[int, int] | None
    seed: int | None
    bbox: BBox | None
    report: dict[str, Any] = field(default_factory=dict)
    based_on: int | None = None


@dataclass(frozen=True)
class EditRecord:
    """One edit of a plan: what it set, and what stood there before.

    Attributes
    ----------
    revision : int
        Revision of the plan after this edit.
    cell_ix, grid_ix : int32, shape (n,)
        Cells that were set, and to which grid (-1: to none).
    inverse_grid_ix : int32, shape (n,)
        Grid of each of those cells before; setting it again undoes the edit exactly.
    changes : tuple of Change
        Attributes that were set, each with its value before.
    key : str or None
        Name that the client gave the edit; sent again it is not applied twice.
    undoes, undone_by : int or None
        Revision that this edit takes back; revision that last took this edit back.
    """

    id: int
    plan_id: int
    revision: int
    at: datetime
    who: str
    kind: str
    cell_ix: NDArray[np.int32]
    grid_ix: NDArray[np.int32]
    inverse_grid_ix: NDArray[np.int32]
    changes: tuple[Change, ...] = ()
    key: str | None = None
    undoes: int | None = None
    undone_by: int | None = None

    @property
    def n_cells(self) -> int:
        """How many cells the edit names."""
        return len(self.cell_ix)


@dataclass(frozen=True, slots=True)
class GridFigures:
    """What a grid holds: counts, and measures of its polygon in metres of the data version's own CRS.

    Attributes
    ----------
    polsby_popper : float or None
        None where the grid has no cell.
    deviation : float or None
        Signed fraction of households against the mean of the living grids of its boundary polygon.
    """

    n_cells: int
    households: int
    population: float
    area_m2: float
    perimeter_m: float
    polsby_popper: float | None
    deviation: float | None


@dataclass(frozen=True)
class EditResult:
    """What an edit came to.

    Attributes
    ----------
    figures : dict
        Figures of each grid that it touched, by `grid_ix`, as they are now; a dissolved grid has zeros.
    repeated : bool
        The key was known: the edit had been applied before, and was not applied again.
    base : str
        Of a return to an earlier revision: whether base data changed since and were `restored`, or `kept` as they are.
    """

    edit: EditRecord
    figures: dict[int, GridFigures]
    repeated: bool = False
    base: Literal["same", "restored", "kept"] = "same"

    @property
    def revision(self) -> int:
        """Revision of the plan after the edit."""
        return self.edit.revision


@dataclass(frozen=True)
class BaseResult:
    """What a change of base data did to a draft.

    Attributes
    ----------
    edit : EditRecord
        As it is logged, with the path `base`.
    dataset_id : int
        Data version that the draft stands on now.
    recut : bool
        Whether ground was cut anew: then cells have other numbers than before.
    unmatched : tuple of dict
        Cells that were cut anew and found no grid: `cell_ix`, `households`, `buildings` (ids).
    inverse : tuple of dict
        The changes that take this one back.
    cells_new, cells_gone : int
        Cells that were cut anew, and cells of before that are no more.
    households : int
        Households of the plan after it, less those before.
    figures : dict of int to GridFigures
        Of the grids that differ.
    repeated : bool
        Whether the key was known, so that nothing was changed.
    """

    edit: EditRecord
    dataset_id: int
    recut: bool
    unmatched: tuple[dict[str, Any], ...]
    inverse: tuple[dict[str, Any], ...]
    cells_new: int
    cells_gone: int
    households: int
    figures: dict[int, GridFigures]
    repeated: bool = False

    @property
    def revision(self) -> int:
        """Revision of the plan after the change."""
        return self.edit.revision


@dataclass(frozen=True, slots=True)
class GridAttributes:
    """What a planner gave a grid.

    Attributes
    ----------
    first_code : str
        Code that it was made with; it has that again where the change of its code is taken back.
    boundary_code : str or None
        Boundary polygon that it stays in.
    colour : int or None
        0 to 7, where one was chosen.
    staff : tuple of dict
        `role`, `name`, `phone`, `hours`, `deputy`, as far as known.
    retired : bool
        Dissolved: its number and code go to no other grid.
    """

    grid_ix: int
    code: str
    first_code: str
    boundary_code: str | None
    name: str | None
    colour: int | None
    locked: bool
    staff: tuple[dict[str, Any], ...]
    retired: bool


@dataclass(frozen=True, slots=True)
class StateRecord:
    """The attributes of a plan, all of one revision.

    Attributes
    ----------
    grids : tuple of GridAttributes
        All grids that the plan ever had; position i is grid_ix i.
    locked_cells, locked_borders : tuple
        Cells; pairs of grids, the lesser number first.
    notes : tuple of dict
        `id`, `lon`, `lat`, `text`.
    bound_codes : dict of str to int
        Codes that were in force or were retired, with the only grid that may carry each.
    """

    plan_id: int
    revision: int
    state: PlanState
    grids: tuple[GridAttributes, ...]
    locked_cells: tuple[int, ...]
    locked_borders: tuple[tuple[int, int], ...]
    notes: tuple[dict[str, Any], ...]
    bound_codes: dict[str, int]


@dataclass(frozen=True, slots=True)
class CheckList:
    """What is open before a plan can be published; `publishable` where nothing is, without any exception."""

    revision: int
    items: tuple[CheckItem, ...]

    @property
    def publishable(self) -> bool:
        """Whether nothing is open."""
        return not self.items


@dataclass(frozen=True, slots=True)
class InForce:
    """A plan and the boundary polygons in which it is in force."""

    plan: PlanRecord
    boundary_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One place found by its text.

    Attributes
    ----------
    title, detail : str
        What to show first; the rest that tells it from others.
    grid_code : str or None
        Grid that holds it, where it lies in one.
    cell_ix : int or None
        Cell of a building.
    lon, lat : float
        A point on it, degrees.
    bbox : tuple of float
        Box to zoom to, degrees.
    """

    kind: HitKind
    title: str
    detail: str
    grid_code: str | None
    cell_ix: int | None
    lon: float
    lat: float
    bbox: BBox
