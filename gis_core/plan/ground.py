"""What the ground asks of a plan (barriers, compounds, pieces, ways on foot): a graph, constraints, report rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError
from gis_core.fabric.ground import Compounds, cell_compounds, find_barriers
from gis_core.fabric.network import StreetNetwork, Way, door_points, street_network, ways_between, with_doors
from gis_core.graph.links import adjacency_slots, change_adjacencies, owners
from gis_core.graph.walks import WalkGround, greatest_walks
from gis_core.model import AdjacencyGraph, Dataset, Fabric
from gis_core.partition import Bounds, PartitionResult, count_range
from gis_core.partition.constraints.barriers import Barriers
from gis_core.partition.constraints.bridges import Bridges
from gis_core.partition.constraints.compounds import WholeCompounds, fitting_compounds, split_compounds
from gis_core.partition.constraints.walking import MaxWalk
from gis_core.partition.objective import violation
from gis_core.partition.pieces import Bridge, Pieces, bridge_pieces, find_pieces, require_policy
from gis_core.partition.problem import Constraint
from gis_core.plan.metrics import grids_in_pieces
from gis_core.plan.walk_reasons import LongWalks

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Ground", "GroundOptions", "add_ground", "lay_ground", "shorten_by_number"]

#: Metres on streets outside a boundary polygon that still join two pieces of it.
LONGEST_WAY_M = 1000.0
#: Grids that are added to a boundary polygon at most, so that ways become shorter.
_MORE_GRIDS = 3


@dataclass(frozen=True, slots=True)
class GroundOptions:
    """What a planner asks of the ground.

    Attributes
    ----------
    barriers : {"cost", "cut"}
        Barriers are cheap borders, or grids do not hang together across them but at known crossings.
    pieces : {"alone", "nearest", "crossings"}
        How the pieces of a boundary polygon are solved; see `bridge_pieces`.
    max_walk_m : float or None
        Greatest walking distance between two inhabited cells of a grid.

    Raises
    ------
    ParameterError
        Where one of them cannot be used.
    """

    barriers: Literal["cost", "cut"] = "cost"
    pieces: str = "alone"
    max_walk_m: float | None = None

    def __post_init__(self) -> None:
        if self.barriers not in ("cost", "cut"):
            raise ParameterError(f"Barriers can be a cost or a cut, not {self.barriers!r}.")
        require_policy(self.pieces)
        if self.max_walk_m is not None and not 0 < self.max_walk_m < np.inf:
            raise ParameterError(
                f"The walking distance {self.max_walk_m:g} m cannot be used; give more than 0."
            )


@dataclass(frozen=True, eq=False)
class Ground:
    """What the solver is given for the ground of one fabric.

    Attributes
    ----------
    options : GroundOptions
    graph : AdjacencyGraph
        The fabric's, without links between pieces and with bridges.
    constraints : tuple of Constraint
    pieces : Pieces
    bridges : tuple of Bridge
    compounds : Compounds
    barriers : (int, int, int)
        Borders on barriers, those with a known crossing, those that are closed.
    walks : WalkGround or None
    """

    options: GroundOptions
    graph: AdjacencyGraph
    constraints: tuple[Constraint, ...]
    pieces: Pieces
    bridges: tuple[Bridge, ...]
    compounds: Compounds
    barriers: tuple[int, int, int]
    walks: WalkGround | None

    @property
    def binds(self) -> bool:
        """Whether the ground asks for more than prices and pieces: closed barriers inside a piece, or short ways."""
        return self.walks is not None or self.options.barriers == "cut"


def lay_ground(
    dataset: Dataset,
    fabric: Fabric,
    options: GroundOptions,
    weight: NDArray[np.float64],
    bounds: Bounds,
    locked: NDArray[np.int64] | None = None,
    kept: NDArray[np.bool_] | None = None,
) -> Ground:
    """Find out what the ground asks for.

    Parameters
    ----------
    dataset, fabric
    options : GroundOptions
    weight : float64, shape (n_cells,)
        What is balanced.
    bounds : Bounds
    locked : int64, shape (n_cells,)
        Cells with one number of 0 or more are a grid already, which parts what is around it; None: all are free.
    kept : bool, shape (2 m,)
        Adjacencies that stay borders, the same both ways: no grid hangs together through them; None: there are none.

    Returns
    -------
    Ground
    """
    graph = fabric.graph
    barriers = find_barriers(dataset, fabric)
    shut = np.zeros(len(graph.indices), dtype=bool) if kept is None else kept.copy()
    if options.barriers == "cut":
        at = ~barriers.known
        shut[adjacency_slots(graph, barriers.left[at], barriers.right[at])] = True
        shut[adjacency_slots(graph, barriers.right[at], barriers.left[at])] = True
    home = fabric.boundary_ix.astype(np.int64)
    if locked is not None:
        home = np.where(locked >= 0, len(dataset.boundary) + locked, home)
    pieces = find_pieces(graph, home, weight, shut)
    if locked is not None:
        # Locked grids are as they are: nothing is counted or bridged in them.
        pieces.populated[pieces.label[locked >= 0]] = False
    needs_streets = options.max_walk_m is not None or options.pieces == "crossings"
    network = street_network(dataset) if needs_streets else None
    policy = require_policy(options.pieces)
    ways = [] if network is None or policy != "crossings" else _ways(network, fabric, home, pieces)
    bridges = tuple(bridge_pieces(graph, fabric.cells, home, pieces, policy, ways))
    ends = np.array([(bridge.left, bridge.right) for bridge in bridges], np.int64).reshape(-1, 2)
    shut = pieces.closed.copy()
    over = np.concatenate([adjacency_slots(graph, *ends.T), adjacency_slots(graph, *ends.T[::-1])])
    shut[over[over >= 0]] = False
    keep = ~(shut & (pieces.label[owners(graph)] != pieces.label[graph.indices]))
    closed = shut[adjacency_slots(graph, barriers.left, barriers.right)]
    compounds = cell_compounds(dataset, fabric)
    constraints: list[Constraint] = []
    if closed.any() or (barriers.water_m > 0).any():
        constraints.append(Barriers(barriers.left, barriers.right, closed, barriers.water_m))
    if len(compounds.names):
        constraints.append(
            WholeCompounds(compounds.compound_ix.astype(np.int64), weight, bounds.maximum, compounds.names)
        )
    if len(ends):
        constraints.append(Bridges(ends[:, 0], ends[:, 1]))
    walks = None
    if network is not None and options.max_walk_m is not None:
        x, y = door_points(dataset, fabric)
        x = np.where(fabric.households > 0, x, np.nan)
        doors = with_doors(network, x, y, dataset)
        walks = WalkGround.build(
            doors.indptr, doors.indices, doors.length_m, doors.x, doors.y, doors.door, doors.off_m, x, y
        )
        constraints.append(MaxWalk(walks, options.max_walk_m))
    return Ground(
        options,
        change_adjacencies(graph, keep=keep, left=ends[:, 0], right=ends[:, 1]),
        tuple(constraints),
        pieces,
        bridges,
        compounds,
        (len(barriers.left), int(barriers.known.sum()), int(closed.sum())),
        walks,
    )


def _ways(network: StreetNetwork, fabric: Fabric, home: NDArray[np.int64], pieces: Pieces) -> list[Way]:
    """List the ways on streets between the pieces with households of each boundary polygon."""
    first = np.unique(pieces.label, return_index=True)[1]
    count = np.bincount(home[first][pieces.populated])
    found = []
    for b in np.flatnonzero(count > 1).tolist():
        mine = (home == b) & pieces.populated[pieces.label]
        found += ways_between(network, fabric, np.where(mine, pieces.label, -1), at_most_m=LONGEST_WAY_M)
    return found


def _ground_report(
    ground: Ground,
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    grids: GeoDataFrame,
    weight: NDArray[np.float64],
    bounds: Bounds,
) -> dict[str, Any]:
    """Say what the ground did to a plan, as plain values for JSON."""
    codes = [str(code) for code in grids["code"]]
    names = [str(code) for code in dataset.boundary["code"]]
    borders, known, closed = ground.barriers
    first = np.unique(ground.pieces.label, return_index=True)[1]
    count = np.bincount(fabric.boundary_ix[first][ground.pieces.populated], minlength=len(names))
    bridged = [
        {
            "boundary": names[int(fabric.boundary_ix[bridge.left])],
            "length_m": round(bridge.length_m, 1),
            "cell_ix": [bridge.left, bridge.right],
            "used": bool(assignment[bridge.left] == assignment[bridge.right]),
        }
        for bridge in ground.bridges
    ]
    walk, walks = _walks(ground, dataset, fabric, assignment, codes)
    return {
        "barriers": {
            "policy": ground.options.barriers,
            "borders": borders,
            "crossings": known,
            "closed": closed,
        },
        "compounds": _compounds(ground.compounds, assignment, weight, bounds),
        "pieces": {
            "policy": ground.options.pieces,
            "polygons": {names[b]: int(count[b]) for b in np.flatnonzero(count > 1).tolist()},
            "bridges": bridged,
            "grids_in_pieces": len(grids_in_pieces(fabric.graph, assignment, fabric.boundary_ix)),
        },
        "max_walk_m": walk,
        "max_walk_bound_m": ground.options.max_walk_m,
        "walks": walks,
    }


def _compounds(
    compounds: Compounds, assignment: NDArray[np.int32], weight: NDArray[np.float64], bounds: Bounds
) -> dict[str, Any]:
    """Count the compounds that fit into one grid, and name those that are split all the same."""
    compound = compounds.compound_ix.astype(np.int64)
    fit = fitting_compounds(compound, weight, bounds.maximum)
    split = split_compounds(compound, weight, bounds.maximum, assignment)
    total = np.bincount(
        compound[compound >= 0], weights=weight[compound >= 0], minlength=len(compounds.names)
    )
    large = np.flatnonzero(total > bounds.maximum)
    return {
        "count": len(compounds.names),
        "fit": len(fit),
        "split": len(split),
        "names": [compounds.names[ix] for ix in split.tolist()],
        "too_large": [
            {
                "name": compounds.names[ix],
                "weight": round(float(total[ix]), 1),
                "grids": len(np.unique(assignment[compound == ix])),
            }
            for ix in large[np.argsort(-total[large], kind="stable")].tolist()
        ],
    }


def _walks(
    ground: Ground, dataset: Dataset, fabric: Fabric, assignment: NDArray[np.int32], codes: list[str]
) -> tuple[float | None, list[dict[str, Any]]]:
    """Measure the greatest walk of each grid; nothing where no bound was asked for."""
    if ground.walks is None or ground.options.max_walk_m is None:
        return None, []
    walk, ends = greatest_walks(ground.walks, assignment, len(codes))
    name = _door_names(dataset, fabric)
    listed = [
        {
            "code": codes[grid],
            "walk_m": round(float(walk[grid]), 1),
            "over": bool(walk[grid] > ground.options.max_walk_m),
            "buildings": [name[cell] for cell in ends[grid].tolist() if cell >= 0],
            "cell_ix": [cell for cell in ends[grid].tolist() if cell >= 0],
        }
        for grid in np.argsort(-walk, kind="stable").tolist()
    ]
    return round(float(walk.max(initial=0.0)), 1), listed


def _door_names(dataset: Dataset, fabric: Fabric) -> NDArray[np.object_]:
    """Name each inhabited cell by its building with most households; object, shape (n_cells,)."""
    ids = dataset.buildings["id"].to_numpy()
    households = dataset.buildings["households"].to_numpy()
    rows = np.flatnonzero((fabric.building_cell_ix >= 0) & (households > 0))
    rows = rows[np.lexsort((-rows, households[rows]))]
    name = np.full(fabric.n_cells, "", dtype=object)
    name[fabric.building_cell_ix[rows]] = [str(ids[row]) for row in rows]
    return name


def add_ground(
    report: dict[str, Any],
    ground: Ground,
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    grids: GeoDataFrame,
    weight: NDArray[np.float64],
    bounds: Bounds,
) -> None:
    """Add to the report what the ground did, the greatest walk of each boundary polygon, and what of it is broken.

    The keys `barriers`, `compounds`, `pieces`, `max_walk_m`, `max_walk_bound_m` and `walks`, and rows of `per_boundary`
    and `infeasible`.
    """
    report |= _ground_report(ground, dataset, fabric, assignment, grids, weight, bounds)
    home = dict(zip(grids["code"].astype(str), grids["boundary_code"].astype(str), strict=True))
    # Split compounds are counted, not complained of; long ways are told with the code of their grid.
    rows = [row for row in report["infeasible"] if row["what"] not in ("compound-split", "max-walk")]
    for row in report["per_boundary"]:
        own = [each["walk_m"] for each in report["walks"] if home[each["code"]] == row["code"]]
        row["max_walk_m"] = max(own, default=None)
    if any(row["over"] for row in report["walks"]):
        unit = report["weights"][0]["name"]
        rows += _long_rows(report["walks"], home, ground, dataset, fabric, assignment, weight, bounds, unit)
    report["infeasible"] = rows


def _long_rows(
    walks: list[dict[str, Any]], home: dict[str, str], ground: Ground, dataset: Dataset, fabric: Fabric,
    assignment: NDArray[np.int32], weight: NDArray[np.float64], bounds: Bounds, unit: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Tell which grids are too long on foot, which buildings are farthest apart, why, and what would mend it."""
    assert ground.walks is not None
    assert ground.options.max_walk_m is not None
    limit = ground.options.max_walk_m
    told = LongWalks(
        ground.walks, ground.graph, fabric.boundary_ix, assignment, weight, bounds, limit,
        _door_names(dataset, fabric), None if unit == "households" else unit,
    )  # fmt: skip
    rows, needed = [], []
    for row in walks:
        if not row["over"]:
            continue
        why, mend, least = told.why(int(assignment[row["cell_ix"][0]]))
        needed.append(least)
        fact = (
            f"The buildings {' and '.join(row['buildings'])} of grid {row['code']} are {row['walk_m']:,.0f} m apart on "
            f"foot; at most {limit:,.0f} m was asked for."
        )
        rows.append(
            {
                "what": "max-walk",
                "where": home[row["code"]],
                "reason": f"{fact} {why}".rstrip(),
                "mend": mend,
                "cell_ix": row["cell_ix"],
                "buildings": row["buildings"],
            }
        )
    # The one that needs most comes first: less than that is not enough for the others either.
    return [rows[i] for i in sorted(range(len(rows)), key=lambda i: -needed[i])]


def shorten_by_number(
    ground: Ground,
    fabric: Fabric,
    result: PartitionResult,
    weight: NDArray[np.float64],
    bounds: Bounds,
    boundary_codes: Sequence[str],
    solve: Callable[[NDArray[np.int64], int], PartitionResult | None],
) -> PartitionResult:
    """Give more grids to boundary polygons where ways stay too long, while the bounds allow it and it helps.

    Parameters
    ----------
    ground, fabric
    result : PartitionResult
    weight : float64, shape (n_cells,)
    bounds : Bounds
    boundary_codes : sequence of str
    solve : callable
        Takes the cells of one boundary polygon and a number of grids; returns None where no time is left.

    Returns
    -------
    PartitionResult
        The same one where nothing helps.
    """
    if ground.walks is None or ground.options.max_walk_m is None:
        return result
    for b in np.unique(result.part_boundary_ix).tolist():
        cells = np.flatnonzero(fabric.boundary_ix == b)
        walks = ground.walks.of_members(cells)
        _, most = count_range(float(weight[cells].sum()), bounds)
        part = np.unique(result.assignment[cells], return_inverse=True)[1].astype(np.int32)
        n_parts = int(part.max()) + 1
        best = _badness(walks, ground.options.max_walk_m, part, weight[cells], bounds)
        for count in range(n_parts + 1, min(most, n_parts + _MORE_GRIDS) + 1):
            if best[1] == 0:
                break
            found = solve(cells, count)
            if found is None:
                return replace(result, stopped_by="time-limit")
            if found.stopped_by == "time-limit":
                result = replace(result, stopped_by="time-limit")
            rank = _badness(walks, ground.options.max_walk_m, found.assignment, weight[cells], bounds)
            if rank < best:
                best = rank
                result = _replaced(result, b, boundary_codes[b], cells, found)
    return result


def _badness(
    walks: WalkGround,
    limit_m: float,
    part: NDArray[np.int32],
    weight: NDArray[np.float64],
    bounds: Bounds,
) -> tuple[float, float]:
    """Return by how much parts are outside the bounds, and by how many metres over the walking distance."""
    n_parts = int(part.max()) + 1
    total = np.bincount(part, weights=weight, minlength=n_parts).astype(np.float64)
    walk, _ = greatest_walks(walks, part, n_parts)
    return round(float(violation(total, bounds).sum()), 6), float(np.maximum(walk - limit_m, 0.0).sum())


def _replaced(
    result: PartitionResult, b: int, code: str, cells: NDArray[np.int64], found: PartitionResult
) -> PartitionResult:
    """Put another answer for one boundary polygon in the place of the first."""
    before = int((result.part_boundary_ix < b).sum())
    old = int((result.part_boundary_ix == b).sum())
    assignment = result.assignment.copy()
    later = assignment >= before + old
    assignment[later] += found.n_parts - old
    assignment[cells] = found.assignment + before
    lower = result.lower_bounds.copy()
    lower[b] = found.lower_bounds[0]
    others = tuple(item for item in result.infeasible if item.where.partition(":")[0] != code)
    return replace(
        result,
        assignment=assignment,
        part_boundary_ix=np.concatenate(
            [
                result.part_boundary_ix[:before],
                np.full(found.n_parts, b, result.part_boundary_ix.dtype),
                result.part_boundary_ix[before + old :],
            ]
        ),
        infeasible=others
        + tuple(
            replace(item, cell_ix=tuple(int(cells[i]) for i in item.cell_ix))
            for item in found.infeasible
            # What wishes say is asked again of the whole plan.
            if item.where.partition(":")[0] == code
        ),
        lower_bounds=lower,
        seconds=result.seconds + found.seconds,
    )
