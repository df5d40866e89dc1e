"""From the layers of a dataset to its fabric: enclosures, cells, adjacency, in one call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_core.errors import CoverageError, some_of
from gis_core.fabric.adjacency import build_adjacency
from gis_core.fabric.coverage import beside_gaps, insert_junctions, mend, node_again
from gis_core.fabric.cuts import cuts_of, divide_cuts, join_parts, stand_for_all
from gis_core.fabric.enclosures import (
    Enclosures,
    build_enclosures,
    cutting_lines,
    minor_lines,
    spare_footprints,
    split_enclosures,
)
from gis_core.fabric.ownership import drop_covered_points, group_overlaps, home_enclosures, overlapping_pairs
from gis_core.fabric.sampling import sample_footprints
from gis_core.fabric.workers import divide_enclosures
from gis_core.graph import spatial_order
from gis_core.model import Dataset, Fabric, Fault

__all__ = ["build_fabric", "exact_coverage"]

Progress = Callable[[str, int, int], None]

#: Metres between the points from which the ground is divided.
SPACING_M = 2.0
#: Grids in metres on which all is noded again where the pieces do not fit together at once.
COARSER_GRIDS_M = (1e-5, 1e-4, 1e-3)
#: An enclosure with more buildings or households than this is cut along minor ways as well.
BIG_BUILDINGS, BIG_HOUSEHOLDS = 40, 120


def build_fabric(
    dataset: Dataset, *, processes: int | None = None, progress: Progress | None = None
) -> Fabric:
    """Cut the ground of a dataset into cells, one for each building, and find which cells touch.

    The cells are an exact polygon coverage of the boundary: no gap, no overlap, every shared border with the same
    vertices on both sides. Streets and barriers that cut are always borders of cells.

    Parameters
    ----------
    dataset : Dataset
        Checked layers in projected metres; `boundary` is a valid polygon coverage.
    processes : int or None
        How many processes divide enclosures; None takes one per core for large towns. The result is the same.
    progress : callable or None
        Called with (step, done, total); may raise to stop.

    Returns
    -------
    Fabric
        Cells sorted by boundary polygon and then along a space-filling curve.

    Raises
    ------
    CoverageError
        Where the cells do not fit together; that is a fault of this program or of the boundary layer.
    """
    say = progress or (lambda _step, _done, _total: None)
    say("street blocks", 0, 1)
    boundary = np.asarray(dataset.boundary.geometry.values, dtype=object)
    cuts = cuts_of(dataset.buildings)
    own = np.asarray(dataset.buildings.geometry.values, dtype=object)
    footprints = stand_for_all(own, cuts)
    first = np.ones(len(footprints), dtype=bool)
    first[[row for cut in cuts for row in cut.rows[1:]]] = False
    households = dataset.buildings["households"].to_numpy(dtype=np.int64)
    frame = shapely.union_all(boundary)
    lines, rank = cutting_lines(dataset.streets, dataset.barriers, frame)
    enclosures = build_enclosures(boundary, lines)
    home, share = home_enclosures(footprints, enclosures.polygons, frame)
    torn = (home >= 0) & (share < 0.5)
    if torn.any():
        lines, rank = spare_footprints(lines, rank, footprints[torn])
        enclosures = build_enclosures(boundary, lines)
        home, share = home_enclosures(footprints, enclosures.polygons, frame)
    enclosures, ways = _split_big(enclosures, dataset, frame, footprints, home, households, first)
    if len(ways):
        home, share = home_enclosures(footprints, enclosures.polygons, frame)
    lines, rank = np.concatenate([lines, ways]), np.concatenate([rank, np.ones(len(ways), dtype=np.uint8)])
    say("street blocks", 1, 1)

    left, right, common = overlapping_pairs(footprints, home)
    root = group_overlaps(len(footprints), left, right, common, shapely.area(footprints))
    placed = np.flatnonzero(home >= 0)
    xy, owner = sample_footprints(footprints[placed], SPACING_M)
    owner = placed[owner]
    keep = drop_covered_points(xy, owner, footprints, root, left, right)
    root = _join_covered(root, owner[keep], placed, left, right, common)
    root = join_parts(root, cuts, home)
    pieces = divide_enclosures(
        enclosures.polygons, xy[keep], root[owner[keep]], home, footprints, processes=processes, progress=say
    )
    pieces, root = divide_cuts(pieces, root, cuts, home, own)
    group = enclosures.boundary_ix[pieces.enclosure_ix]
    cells = exact_coverage(pieces.polygons, group, frame, dataset.work_crs)

    order = _space_order(cells, group)
    cells, enclosure_ix, cell_owner = cells[order], pieces.enclosure_ix[order], pieces.owner[order]
    say("neighbors", 0, 1)
    graph = build_adjacency(cells, enclosure_ix, lines, rank)
    say("neighbors", 1, 1)
    cell_of = _cells_of_buildings(root, home, cell_owner, cells, own, enclosures, share)
    population = dataset.buildings["population"].fillna(0).to_numpy(dtype=np.float64)
    faults = _faults(dataset, own, cells, cell_of, cell_owner, share, torn)
    return Fabric(
        cells=cells,
        boundary_ix=enclosures.boundary_ix[enclosure_ix],
        enclosure_ix=enclosure_ix,
        households=_sum_by_cell(cell_of, households, len(cells)).astype(np.int64),
        population=_sum_by_cell(cell_of, population, len(cells)),
        building_cell_ix=cell_of,
        graph=graph,
        faults=faults,
    )


def _split_big(
    enclosures: Enclosures,
    dataset: Dataset,
    frame: object,
    footprints: NDArray[np.object_],
    home: NDArray[np.int32],
    households: NDArray[np.int64],
    first: NDArray[np.bool_],
) -> tuple[Enclosures, NDArray[np.object_]]:
    """Cut enclosures that hold many buildings or households along minor ways; return those ways too.

    The parts of a divided building, of which one is `first`, count as one building.
    """
    inside = home >= 0
    n = len(enclosures.polygons)
    buildings = np.bincount(home[inside & first], minlength=n)
    people = np.bincount(home[inside], weights=households[inside], minlength=n)
    big = np.flatnonzero((buildings > BIG_BUILDINGS) | ((people > BIG_HOUSEHOLDS) & (buildings > 1)))
    ways = minor_lines(dataset.streets, frame)
    if not len(big) or not len(ways):
        return enclosures, ways[:0]
    return split_enclosures(enclosures, big, ways, footprints, home), ways


def _join_covered(
    root: NDArray[np.int64],
    owner: NDArray[np.int64],
    placed: NDArray[np.int64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    common: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Let groups that kept no point, being covered by several others, share the cell of the one they overlap most."""
    root = root.copy()
    bare = np.setdiff1d(np.unique(root[placed]), np.unique(root[owner]))
    for group in bare:
        touching = (root[left] == group) != (root[right] == group)
        at = np.flatnonzero(touching)
        best = at[np.argmax(common[at])]
        other = root[right[best]] if root[left[best]] == group else root[left[best]]
        root[root == group] = other
    return root


def exact_coverage(
    pieces: NDArray[np.object_], group: NDArray[np.int32], frame: object, crs: CRS
) -> NDArray[np.object_]:
    """Edge-match the pieces so that they cover the frame in metres, and stay a coverage when written in degrees."""
    pieces = shapely.orient_polygons(pieces)
    cells = insert_junctions(pieces)
    faulty = _faulty(cells, frame, crs)
    for grid_size in COARSER_GRIDS_M:
        if not faulty.any():
            return cells
        whole = shapely.is_valid(cells) & ~shapely.is_empty(cells)
        cells = insert_junctions(mend(np.where(whole, cells, pieces), faulty, group, grid_size))
        faulty = _faulty(cells, frame, crs)
    if not faulty.any():
        return cells
    for grid_size in COARSER_GRIDS_M:
        cells = insert_junctions(node_again(pieces, group, grid_size))
        faulty = _faulty(cells, frame, crs)
        if not faulty.any():
            return cells
    broken = np.flatnonzero(faulty)
    where = shapely.centroid(pieces[broken[0]])
    raise CoverageError(
        f"The cells do not fit together near {where.x:.1f}, {where.y:.1f}; please report this with the dataset.",
        cells=broken.tolist(),
    )


def _faulty(cells: NDArray[np.object_], frame: object, crs: CRS) -> NDArray[np.bool_]:
    """Mark the cells that are no polygons or do not fit, in metres or in degrees; where none are, those beside gaps."""
    faulty = np.zeros(len(cells), dtype=bool)
    for polygons in (cells, _in_degrees(cells, crs)):
        broken = shapely.is_empty(polygons) | ~shapely.is_valid(polygons)
        broken |= shapely.get_type_id(polygons) != shapely.GeometryType.POLYGON
        sound = np.flatnonzero(~broken)
        if not shapely.coverage_is_valid(polygons[sound]):
            broken[sound] = ~shapely.is_empty(shapely.coverage_invalid_edges(polygons[sound]))
        faulty |= broken
    return faulty if faulty.any() else beside_gaps(cells, frame)


def _in_degrees(polygons: NDArray[np.object_], crs: CRS) -> NDArray[np.object_]:
    transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    return shapely.transform(polygons, transformer.transform, interleaved=False)


def _space_order(cells: NDArray[np.object_], boundary_ix: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sort by boundary polygon, then so that neighbors stand near each other in memory."""
    points = shapely.centroid(cells)
    order = spatial_order(shapely.get_x(points), shapely.get_y(points))
    return order[np.argsort(boundary_ix[order], kind="stable")]


def _cells_of_buildings(
    root: NDArray[np.int64],
    home: NDArray[np.int32],
    cell_owner: NDArray[np.int64],
    cells: NDArray[np.object_],
    footprints: NDArray[np.object_],
    enclosures: Enclosures,
    share: NDArray[np.float64],
) -> NDArray[np.int32]:
    """Find the cell of each building: its own, or for those that have none of their own the one under their point.

    That point lies in the home of the building: where a border crosses the footprint, what lies across has other cells
    or none.
    """
    cell_of_owner = np.full(len(root), -1, dtype=np.int32)
    owned = np.flatnonzero(cell_owner >= 0)
    cell_of_owner[cell_owner[owned]] = owned
    cell_of = np.where(root == np.arange(len(root)), cell_of_owner, -1).astype(np.int32)
    cell_of[home < 0] = -1
    guests = np.flatnonzero((cell_of < 0) & (home >= 0))
    ground = footprints[guests]
    across = share[guests] < 1
    ground[across] = shapely.intersection(ground[across], enclosures.polygons[home[guests[across]]])
    cell_of[guests] = shapely.STRtree(cells).nearest(shapely.point_on_surface(ground))
    return cell_of


def _sum_by_cell(cell_of: NDArray[np.int32], value: NDArray[np.generic], n: int) -> NDArray[np.float64]:
    inside = cell_of >= 0
    return np.bincount(cell_of[inside], weights=value[inside], minlength=n).astype(np.float64, copy=False)


def _faults(
    dataset: Dataset,
    footprints: NDArray[np.object_],
    cells: NDArray[np.object_],
    cell_of: NDArray[np.int32],
    cell_owner: NDArray[np.int64],
    share: NDArray[np.float64],
    torn: NDArray[np.bool_],
) -> tuple[Fault, ...]:
    """Report buildings that share a cell, that a street tore, and that lost more than half to a neighbor's cell."""
    ids = dataset.buildings["id"].to_numpy()
    rows = dataset.buildings["row"].to_numpy()
    inside = np.flatnonzero((cell_of >= 0) & (shapely.get_dimensions(footprints) == 2))
    mine = cells[cell_of[inside]]
    whole = shapely.covers(mine, footprints[inside])
    at = inside[~whole]
    kept = shapely.area(shapely.intersection(footprints[at], cells[cell_of[at]])) / shapely.area(
        footprints[at]
    )
    lost = at[kept < 0.5]
    by_border = lost[share[lost] < 0.5]
    overlapped = np.setdiff1d(lost, by_border)
    sharing = np.flatnonzero(
        (np.bincount(cell_of[cell_of >= 0], minlength=len(cells))[cell_of] > 1) & (cell_of >= 0)
    )
    sharing = sharing[cell_owner[cell_of[sharing]] != sharing]
    found = []
    for code, where, message, fix, severity in (
        (
            "shared-cell",
            sharing,
            "buildings lie for the most part in another building, or on one spot with it, and share its cell",
            "nothing needs mending where they are parts of one building; else correct their footprints",
            "note",
        ),
        (
            "street-through-building",
            np.flatnonzero(torn),
            "buildings would be torn by streets so that no part holds half of them; those lines do not cut there",
            "move the line off the building, or mark it as tunnel or bridge",
            "note",
        ),
        (
            "footprint-cut-by-boundary",
            by_border,
            "buildings are cut so that no part holds half of them; each has its cell in the largest part",
            "move the boundary, or the lines that cross there, off the building",
            "warning",
        ),
        (
            "footprint-lost",
            overlapped,
            "buildings have more than half of their footprint in a neighbour's cell, because footprints overlap there",
            "correct the overlapping footprints",
            "warning",
        ),
    ):
        if len(where):
            found.append(
                Fault(
                    code=code,
                    layer="buildings",
                    message=f"{len(where)} {message}: {some_of(ids[where].tolist())}.",
                    fix=fix[0].upper() + fix[1:] + ".",
                    severity=severity,  # type: ignore[arg-type]
                    rows=tuple(int(row) for row in rows[where[:20]]),
                    ids=tuple(str(id_) for id_ in ids[where[:20]]),
                    count=len(where),
                )
            )
    return tuple(found)
