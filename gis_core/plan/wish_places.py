"""Wishes that are drawn: service points as seeds, lines and outlines as borders that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import CrsError, DatasetError, NotFoundError, counted, some_of
from gis_core.model import Dataset, Fabric, Fault
from gis_core.partition.constraints.borders import Borders
from gis_core.plan.carry import CarryOver
from gis_core.plan.wishes import outline_pairs

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "borders_of_lines",
    "borders_of_plan",
    "facilities_of",
    "facility_seeds",
    "point_seeds",
    "require_crs",
]


def facility_seeds(
    dataset: Dataset, fabric: Fabric, category: str
) -> tuple[list[tuple[int, str]], list[Fault]]:
    """Take the facilities of one category as seeds; see `facilities_of` and `point_seeds`."""
    return point_seeds(dataset, fabric, facilities_of(dataset, category))


def facilities_of(dataset: Dataset, category: str) -> GeoDataFrame:
    """Return the facilities of one category.

    Raises
    ------
    NotFoundError
        Where no facility has the category; the message names those that there are.
    """
    facilities = dataset.facilities
    have = facilities["category"].astype(str) if "category" in facilities else None
    chosen = facilities[have == category] if have is not None else facilities.iloc[:0]
    if len(chosen) == 0:
        there = some_of(sorted(set(have)), limit=12) if have is not None and len(have) else "none at all"
        raise NotFoundError(f"There are no facilities of the category {category!r}; there are {there}.")
    return chosen


def require_crs(layer: GeoDataFrame, label: str) -> None:
    """Refuse a layer that names no coordinate system.

    Raises
    ------
    CrsError
    """
    if layer.crs is None:
        raise CrsError(f"{label} names no coordinate system; write it again with one.")


def point_seeds(
    dataset: Dataset, fabric: Fabric, points: GeoDataFrame
) -> tuple[list[tuple[int, str]], list[Fault]]:
    """Find the cell of each service point.

    Parameters
    ----------
    dataset, fabric
    points : GeoDataFrame
        Points (of other shapes a point inside them) in any coordinate system; called by `name` or `id`, else by row.

    Returns
    -------
    list of (cell, label)
        In the order of the layer.
    list of Fault
        Points outside the boundary, which are left out.

    Raises
    ------
    CrsError
        Where the layer names no coordinate system.
    DatasetError
        Where none of the points lies in the boundary.
    """
    require_crs(points, "The layer of seeds")
    there = points[points.geometry.notna()].to_crs(dataset.work_crs)
    there = there[~there.geometry.is_empty]
    spot = shapely.point_on_surface(np.asarray(there.geometry.values, dtype=object))
    which, cell = shapely.STRtree(fabric.cells).query(spot, predicate="intersects")
    order = np.lexsort((cell, which))
    first = order[np.unique(which[order], return_index=True)[1]]
    labels = _labels(there)
    seeds = [(int(cell[i]), labels[which[i]]) for i in first]
    if not seeds:
        raise DatasetError(
            "None of the seeds lies inside the boundary; check the layer and its coordinate system."
        )
    outside = [label for row, label in enumerate(labels) if row not in set(which[first].tolist())]
    faults = []
    if outside:
        faults.append(
            Fault(
                "wish-outside", "seeds", f"{counted(len(outside), 'seed')} "
                f"{'lies' if len(outside) == 1 else 'lie'} outside the boundary: {some_of(outside)}; "
                f"{'it is' if len(outside) == 1 else 'they are'} left out.",
                "Nothing to do where only a part of the town is worked on.", "warning",
                ids=tuple(outside[:20]), count=len(outside),
            )
        )  # fmt: skip
    return seeds, faults


def _labels(points: GeoDataFrame) -> list[str]:
    """Call each point by its name, else its id, else its row."""
    found = [f"seed {row}" for row in points.index]
    for column in ("id", "name"):
        if column in points:
            values = points[column].tolist()
            found = [old if v is None or v != v else str(v) for old, v in zip(found, values, strict=True)]  # noqa: PLR0124
    return found


def borders_of_plan(fabric: Fabric, carried: CarryOver, label: str) -> Borders:
    """Keep the outlines of the grids of a plan as borders; where the plan has no grid nothing is kept."""
    left, right = outline_pairs(fabric.graph, carried.assignment)
    known = (carried.assignment[left] >= 0) & (carried.assignment[right] >= 0)
    return Borders(left[known], right[known], label)


def borders_of_lines(dataset: Dataset, fabric: Fabric, lines: GeoDataFrame, label: str) -> Borders:
    """Keep lines as borders between the cells on their two sides.

    Two neighbours are on different sides where the way from a point in one over the middle of their common border to
    a point in the other crosses a line. A line along a street follows cell borders exactly; one that runs through a
    cell leaves that cell on the side of its inner point.

    Parameters
    ----------
    dataset, fabric
    lines : GeoDataFrame
        Lines, or polygons whose outlines count, in any coordinate system.
    label : str
        What the lines are called in a sentence.

    Returns
    -------
    Borders

    Raises
    ------
    CrsError
        Where the layer names no coordinate system.
    DatasetError
        Where it parts no two cells.
    """
    require_crs(lines, label)
    drawn = np.asarray(lines[lines.geometry.notna()].to_crs(dataset.work_crs).geometry.values, dtype=object)
    drawn = drawn[shapely.get_dimensions(drawn) >= 1]
    polygons = shapely.get_dimensions(drawn) == 2
    drawn[polygons] = shapely.boundary(drawn[polygons])
    left, right = _near(fabric, drawn)
    ways = _ways(fabric, left, right)
    across = np.zeros(len(left), dtype=bool)
    if len(left):
        way, _line = shapely.STRtree(drawn).query(ways, predicate="intersects")
        across[way] = True
    if not across.any():
        raise DatasetError(f"{label} parts no two cells; it needs lines inside the boundary.")
    return Borders(left[across], right[across], label)


def _near(fabric: Fabric, lines: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the neighbours of which both have a line in or on them or next to them, each pair once."""
    graph = fabric.graph
    near = np.zeros(graph.n_cells, dtype=bool)
    near[shapely.STRtree(fabric.cells).query(lines, predicate="intersects")[1]] = True
    owner = np.repeat(np.arange(graph.n_cells, dtype=np.int64), np.diff(graph.indptr))
    pair = (owner < graph.indices) & (near[owner] | near[graph.indices])
    return owner[pair], graph.indices[pair].astype(np.int64)


def _ways(fabric: Fabric, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.object_]:
    """Draw the way from a point in each left cell over the middle of the common border into the right one."""
    cells, graph = fabric.cells, fabric.graph
    shared = shapely.intersection(shapely.boundary(cells[left]), shapely.boundary(cells[right]))
    merged = shapely.line_merge(shared)
    middle = shapely.line_interpolate_point(_longest(merged), 0.5, normalized=True)
    ends = [np.column_stack([graph.x[side], graph.y[side]]) for side in (left, right)]
    points = np.stack(
        [ends[0], np.column_stack([shapely.get_x(middle), shapely.get_y(middle)]), ends[1]], axis=1
    )
    known = np.isfinite(points).all(axis=(1, 2))
    ways = np.full(len(left), None, dtype=object)
    ways[known] = shapely.linestrings(points[known])
    return ways


def _longest(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the longest line of each geometry; None where it has none."""
    parts, index = shapely.get_parts(lines, return_index=True)
    straight = shapely.get_type_id(parts) == 1
    parts, index = parts[straight], index[straight]
    order = np.lexsort((-shapely.length(parts), index))
    _, first = np.unique(index[order], return_index=True)
    found = np.full(len(lines), None, dtype=object)
    found[index[order[first]]] = parts[order[first]]
    return found
