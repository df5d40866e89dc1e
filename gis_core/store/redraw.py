"""Counts and draws grids anew from their cells after an edit; grids that it did not touch are left alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from geopandas import GeoSeries
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, func, literal, null, select, update

from gis_core.store.models import Cell, DatasetVersion, Grid, table_of
from gis_core.store.records import GridFigures
from gis_core.store.rows import WGS84
from gis_core.store.types import Real

if TYPE_CHECKING:
    from gis_core.store.dialect import Dialect

__all__ = ["figures", "redraw", "set_deviation"]

_GRID, _CELL = table_of(Grid), table_of(Cell)
# Beyond this many cells one pass over the table is quicker than asking by number.
_MANY_CELLS = 20_000
_ASKED_AT_ONCE = 500


def redraw(
    connection: Connection,
    dialect: Dialect,
    plan_id: int,
    dataset_id: int,
    assignment: NDArray[np.int32],
    touched: NDArray[np.int32],
) -> None:
    """Count and draw living grids anew from their cells.

    Parameters
    ----------
    assignment : int32, shape (n_cells,)
    touched : int32, shape (n,)
        Grids, each once.
    """
    if len(touched) == 0:
        return
    wanted = np.zeros(int(max(assignment.max(initial=0), touched.max())) + 2, dtype=np.bool_)
    wanted[touched] = True
    members = np.flatnonzero(wanted[assignment])  # -1 finds the last, which no grid has
    rows = _cells(connection, dataset_id, members)
    owner = assignment[members]
    households = np.array([row.households for row in rows], dtype=np.int64)
    population = np.array([row.population for row in rows], dtype=np.float64)
    shapes = dialect.decode([row.geom for row in rows])
    polygons = [shapely.coverage_union_all(shapes[owner == grid]) for grid in touched]
    # A grid in one piece stays a Polygon; the union is a collection otherwise only where it has no cell.
    drawn = np.array(
        [shapely.MultiPolygon() if shape.is_empty else shape for shape in polygons], dtype=object
    )
    values = []
    # Where nobody counted people, no grid has a number of them, not 0.
    of_plan = select(_GRID.c.grid_ix).where(_GRID.c.plan_id == plan_id, _GRID.c.population.is_not(None))
    counted = bool(population.any()) or connection.execute(of_plan.limit(1)).first() is not None
    measured = _measure(connection, dataset_id, drawn)
    for grid, blob, (area, perimeter) in zip(touched.tolist(), dialect.encode(drawn), measured, strict=True):
        mine = owner == grid
        values.append(
            {
                "of_plan": plan_id,
                "of_grid": grid,
                "households": int(households[mine].sum()),
                "population": float(population[mine].sum()) if counted else None,
                "area_m2": area,
                "perimeter_m": perimeter,
                "polsby_popper": 4 * np.pi * area / perimeter**2 if perimeter else None,
                "geom": blob,
            }
        )
    own = (_GRID.c.plan_id == bindparam("of_plan")) & (_GRID.c.grid_ix == bindparam("of_grid"))
    connection.execute(update(_GRID).where(own), values)
    dialect.extend_extent(connection, _GRID, drawn)


def _cells(connection: Connection, dataset_id: int, members: NDArray[np.intp]) -> list[Any]:
    """Return the rows of cells in ascending order of `ix`, as `members` are."""
    query = (
        select(_CELL.c.ix, _CELL.c.households, _CELL.c.population, _CELL.c.geom)
        .where(_CELL.c.dataset_id == dataset_id)
        .order_by(_CELL.c.ix)
    )
    if len(members) > _MANY_CELLS:
        wanted = set(members.tolist())
        return [row for row in connection.execute(query) if row.ix in wanted]
    found: list[Any] = []
    for start in range(0, len(members), _ASKED_AT_ONCE):
        some = members[start : start + _ASKED_AT_ONCE].tolist()
        found += connection.execute(query.where(_CELL.c.ix.in_(some))).all()
    return found


def _measure(
    connection: Connection, dataset_id: int, shapes: NDArray[np.object_]
) -> list[tuple[float, float]]:
    """Return area in m2 and perimeter in m of shapes in degrees."""
    version = table_of(DatasetVersion)
    work_crs = connection.execute(select(version.c.work_crs).where(version.c.id == dataset_id)).scalar_one()
    placed = GeoSeries(shapes, crs=WGS84).to_crs(work_crs)
    return list(zip(placed.area.tolist(), placed.length.tolist(), strict=True))


def set_deviation(connection: Connection, plan_id: int, boundary_codes: Collection[str | None]) -> None:
    """Set the deviation of the grids of some boundary polygons, where it changed."""
    for code in boundary_codes:
        mine = (_GRID.c.plan_id == plan_id) & _GRID.c.boundary_code.is_not_distinct_from(code)
        total, count = connection.execute(
            select(func.sum(_GRID.c.households), func.count()).where(mine)
        ).one()
        mean = float(total) / count if total else None
        wanted = (_GRID.c.households - literal(mean, Real)) / literal(mean, Real) if mean else null()
        changed = _GRID.c.deviation.is_distinct_from(wanted)
        connection.execute(update(_GRID).where(mine, changed).values(deviation=wanted))


def figures(
    connection: Connection, plan_id: int, assignment: NDArray[np.int32], grids: Collection[int]
) -> dict[int, GridFigures]:
    """Return the figures of some grids; zeros for one that is dissolved."""
    wanted = sorted({int(grid) for grid in grids})
    n_cells = np.bincount(assignment[assignment >= 0], minlength=(wanted[-1] + 1) if wanted else 0)
    found = {grid: GridFigures(0, 0, 0.0, 0.0, 0.0, None, None) for grid in wanted}
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        some = _GRID.c.grid_ix.in_(wanted[start : start + _ASKED_AT_ONCE])
        query = select(
            _GRID.c.grid_ix,
            _GRID.c.households,
            _GRID.c.population,
            _GRID.c.area_m2,
            _GRID.c.perimeter_m,
            _GRID.c.polsby_popper,
            _GRID.c.deviation,
        )
        for row in connection.execute(query.where(_GRID.c.plan_id == plan_id, some)):
            found[row.grid_ix] = GridFigures(
                n_cells=int(n_cells[row.grid_ix]),
                households=row.households,
                population=row.population or 0.0,
                area_m2=row.area_m2 or 0.0,
                perimeter_m=row.perimeter_m or 0.0,
                polsby_popper=row.polsby_popper,
                deviation=row.deviation,
            )
    return found
