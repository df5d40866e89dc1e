"""What the store answers besides frames: frozen records of plain values.

Times are aware and in UTC; boxes are (west, south, east, north) in degrees of WGS 84. Must not import
SQLAlchemy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BBox", "DatasetRecord", "EditRecord", "HitKind", "PlanRecord", "PlanState", "SearchHit"]

BBox = tuple[float, float, float, float]
PlanState = Literal["draft", "published", "superseded"]
HitKind = Literal["grid", "building", "street", "facility"]


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
        Time in force; None where it never was, or still is.
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
