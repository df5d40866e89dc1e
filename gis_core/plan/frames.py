"""The frames of a plan: grids, buildings and cells with the columns of the plan file."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_core.model import Dataset, Fabric
from gis_core.plan.file import PLAN_COLUMNS, PlanFile
from gis_core.plan.metrics import deviation, polsby_popper, shapes

__all__ = ["plan_frames"]


def plan_frames(
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    codes: Sequence[str],
    boundary_ix: NDArray[np.int32],
) -> PlanFile:
    """Lay out an assignment as the three layers of a plan file.

    Parameters
    ----------
    dataset, fabric
        What the plan was made on.
    assignment : int32, shape (n_cells,)
        Position of the grid of each cell; -1 unassigned.
    codes : sequence of str
        Code of each grid.
    boundary_ix : int32, shape (n_grids,)
        Boundary polygon of each grid.

    Returns
    -------
    PlanFile
        Without report and name, in `dataset.work_crs`.
    """
    code_of = np.array([*codes, None], dtype=object)  # -1 reads the last: no grid
    cell_code = code_of[assignment]
    placed = fabric.building_cell_ix >= 0
    at = fabric.building_cell_ix[placed]
    cells = gpd.GeoDataFrame(
        {
            "cell_id": np.arange(fabric.n_cells, dtype=np.int64),
            "grid_code": pd.array(cell_code, dtype="str"),
            "households": fabric.households,
        },
        geometry=fabric.cells,
        crs=dataset.work_crs,
    )
    source = dataset.buildings[placed]
    buildings = gpd.GeoDataFrame(
        {
            "id": source["id"].to_numpy(),
            "households": source["households"].to_numpy(dtype=np.int64),
            "grid_code": pd.array(cell_code[at], dtype="str"),
            "cell_id": at.astype(np.int64),
        },
        geometry=source.geometry.values,
        crs=dataset.work_crs,
    )
    return PlanFile(_grids(dataset, fabric, assignment, codes, boundary_ix), buildings, cells)


def _grids(
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    codes: Sequence[str],
    boundary_ix: NDArray[np.int32],
) -> gpd.GeoDataFrame:
    n = len(codes)
    polygons = shapes(fabric.cells, assignment, n)
    inside = assignment >= 0
    households = np.bincount(assignment[inside], weights=fabric.households[inside], minlength=n)
    people = np.bincount(assignment[inside], weights=fabric.population[inside], minlength=n)
    known = bool(dataset.buildings["population"].notna().any())
    area, perimeter = shapely.area(polygons), shapely.length(polygons)
    frame = gpd.GeoDataFrame(
        {
            "code": list(codes),
            "name": pd.array([None] * n, dtype="str"),
            "boundary_code": dataset.boundary["code"].to_numpy()[boundary_ix],
            "households": households.astype(np.int64),
            "population": people if known else np.full(n, np.nan),
            "area_m2": area,
            "perimeter_m": perimeter,
            "polsby_popper": polsby_popper(area, perimeter),
            "deviation": deviation(households.astype(np.float64), boundary_ix),
        },
        geometry=polygons,
        crs=dataset.work_crs,
    )
    return frame[[*PLAN_COLUMNS["grids"], "geometry"]]
