"""Frozen records that the rooms of the core hand to each other.

Arrays in them are never changed after they are built. Positions end in `_ix`, stable keys in `_id`; numbers carry
their unit in the name. Must not import from any other module of the project but `errors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pandas import DataFrame
    from pyproj import CRS

__all__ = [
    "STREET_CLASSES",
    "AdjacencyGraph",
    "Dataset",
    "Fabric",
    "Fault",
    "Infeasible",
    "Numbers",
    "Severity",
]

#: The numbers and names in a sentence, by what they are.
Numbers = tuple[tuple[str, float | str], ...]
Severity = Literal["error", "repaired", "warning", "note"]

#: Street classes from the least to the greatest; the position is the `street_rank` of an adjacency (0: no street).
STREET_CLASSES: tuple[str, ...] = (
    "none",
    "minor",
    "living_street",
    "residential",
    "tertiary",
    "secondary",
    "primary",
    "trunk",
    "motorway",
    "barrier",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault in one layer: what is wrong, where, and how to mend it.

    Attributes
    ----------
    code : str
        Stable kebab-case name of the kind of fault, such as `no-crs`.
    layer : str
        Name of the layer as the user knows it.
    message, fix : str
        One sentence each: what is wrong and where; how to mend it.
    severity : {"error", "repaired", "warning", "note"}
        `error` stops the work; `repaired` was mended by policy; `warning` changes the result; `note` only informs.
    rows, ids : tuple
        0-based rows of the source and ids of the first (at most 20) places.
    count : int
        How many places there are in all.
    """

    code: str
    layer: str
    message: str
    fix: str
    severity: Severity
    rows: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    count: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as plain values for JSON."""
        return {
            "code": self.code,
            "layer": self.layer,
            "message": self.message,
            "fix": self.fix,
            "severity": self.severity,
            "rows": list(self.rows),
            "ids": list(self.ids),
            "count": self.count,
        }


@dataclass(frozen=True)
class Dataset:
    """The checked layers of one town, every geometry valid and in `work_crs` (projected metres).

    Attributes
    ----------
    name : str
        Short name of the dataset (its file name without ending).
    source : str
        File name (no path) that it was read from.
    work_crs, source_crs : pyproj.CRS
        Projected metres in which all work happens; what `boundary` came in.
    boundary : GeoDataFrame
        Columns `code` (text, unique), `name`, `parent` (text or None), `row` (0-based source row); Polygon or
        MultiPolygon. A valid polygon coverage.
    buildings : GeoDataFrame
        Columns `id` (text, unique), `row` (0-based source row), `households` (int64), `population` (float64, NaN where
        unknown), `levels` (float64), `use`, `name`, `address`, `compound` (text or None), `households_source`
        ("source" or "estimated"), further numeric columns of the source kept under their own names; Polygon,
        MultiPolygon or Point.
    streets : GeoDataFrame
        Columns `street_class` (one of `STREET_CLASSES`), `rank` (uint8, position in it), `highway` (source value),
        `name`, `cuts` (bool: False for bridges, tunnels, indoor ways); LineString or MultiLineString.
    barriers : GeoDataFrame
        Columns `kind`, `name`, `cuts` (bool); lines or polygons.
    facilities : GeoDataFrame
        Columns `id`, `category`, `name`; Point.
    water, green : GeoDataFrame
        Backdrop polygons for the base map (column `name`); may be empty.
    attribution : str
        Text that must be shown with the data; empty where unknown.
    faults : tuple of Fault
        All that was found and what was done about it.
    assets : GeoDataFrame or None
        Columns `id`, `category`, `owner`, `name`; Point. None: the dataset has no such layer.
    staff : DataFrame or None
        Columns `id`, `name`, `role`, `grid_code`, `building_id`, `phone`, `hours`, all text or None.
    """

    name: str
    source: str
    work_crs: CRS
    source_crs: CRS
    boundary: GeoDataFrame
    buildings: GeoDataFrame
    streets: GeoDataFrame
    barriers: GeoDataFrame
    facilities: GeoDataFrame
    water: GeoDataFrame
    green: GeoDataFrame
    attribution: str = ""
    faults: tuple[Fault, ...] = ()
    assets: GeoDataFrame | None = None
    staff: DataFrame | None = None


@dataclass(frozen=True)
class AdjacencyGraph:
    """Rook contiguity of n cells as symmetric CSR: row i lists the neighbors of cell i in ascending order.

    Attributes
    ----------
    indptr : int64, shape (n + 1,)
    indices : int32, shape (2 m,)
        Neighbor positions; no loops, each adjacency stands in both rows.
    shared_length_m : float64, shape (2 m,)
        Length of the shared border in metres.
    street_rank : uint8, shape (2 m,)
        Greatest street class along at least half of that border, position in `STREET_CLASSES`; 0 where none runs there.
    street_length_m : float64, shape (2 m,)
        Metres of the shared border on which a street or barrier runs.
    area_m2, perimeter_m, exterior_length_m, x, y : float64, shape (n,)
        Area, full perimeter and the part of it on the outer frame of the cell; a representative point in it.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    shared_length_m: NDArray[np.float64]
    street_rank: NDArray[np.uint8]
    street_length_m: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    perimeter_m: NDArray[np.float64]
    exterior_length_m: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.indptr) - 1


@dataclass(frozen=True)
class Fabric:
    """Cells of one dataset and how they touch: an exact polygon coverage of the boundary.

    Attributes
    ----------
    cells : object, shape (n_cells,)
        shapely Polygons in `Dataset.work_crs`, each in one piece, `coverage_is_valid` as a whole.
    boundary_ix : int32, shape (n_cells,)
        Row of `Dataset.boundary` that the cell lies in; cells are sorted by it.
    enclosure_ix : int32, shape (n_cells,)
        Enclosure (street block) that the cell was cut from.
    households : int64, shape (n_cells,)
    population : float64, shape (n_cells,)
        Sum over the buildings of the cell; NaN counts as 0.
    building_cell_ix : int32, shape (n_buildings,)
        Cell of each row of `Dataset.buildings`; -1 where the building lies outside the boundary.
    graph : AdjacencyGraph
        Adjacency within and across boundary polygons; those that cross are part of it.
    faults : tuple of Fault
        Footprints that overlap, buildings that share a cell, buildings outside.
    """

    cells: NDArray[np.object_]
    boundary_ix: NDArray[np.int32]
    enclosure_ix: NDArray[np.int32]
    households: NDArray[np.int64]
    population: NDArray[np.float64]
    building_cell_ix: NDArray[np.int32]
    graph: AdjacencyGraph
    faults: tuple[Fault, ...] = field(default=())

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cells)


@dataclass(frozen=True, slots=True)
class Infeasible:
    """One reason why a bound cannot be met.

    Attributes
    ----------
    what : str
        Kebab-case kind: `boundary-total`, `piece-total`, `heavy-cell`, `pocket`, `no-plan`, `not-found`, and those
        of wishes (docs/reference.md).
    where : str
        Code of the boundary polygon, and the building, cell or piece in it.
    reason : str
        One sentence with the numbers in it, shown to planners as it is.
    cell_ix : tuple of int
        Cells to blame (at most 20), to zoom to.
    mend : str
        One or two sentences: what would mend it, with numbers that hold; empty where nothing is known to.
    case : str
        Which of the sentences of its kind this is, for those who say it in other words; empty where nobody does.
    numbers : tuple of (str, number or str)
        The numbers and names in that sentence.
    """

    what: str
    where: str
    reason: str
    cell_ix: tuple[int, ...] = ()
    mend: str = ""
    case: str = ""
    numbers: Numbers = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the reason as plain values for JSON."""
        return {
            "what": self.what,
            "where": self.where,
            "reason": self.reason,
            "cell_ix": list(self.cell_ix),
            "mend": self.mend,
            "case": self.case,
            "numbers": {
                name: value if isinstance(value, str) else _plain(value) for name, value in self.numbers
            },
        }


def _plain(value: float) -> float | int:
    """Return a number as JSON has it: whole ones without a fraction."""
    return int(value) if float(value).is_integer() else float(value)
