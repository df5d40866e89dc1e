"""Before anything is rebalanced: one piece for each part, and a part for each cell, with as little change as can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.graph.components import component_labels, part_component_labels
from gis_core.partition.counts import parts_for_total
from gis_core.partition.objective import Objective
from gis_core.partition.problem import Constraint
from gis_core.partition.rebalance_region import Ground
from gis_core.partition.solve import solve

__all__ = ["mend", "open_parts", "settle"]


def mend(ground: Ground, budget: float) -> tuple[float, tuple[int, ...]]:
    """Take the cells away from parts in pieces, but those of the main piece and of whole islands.

    A part in pieces keeps the piece with most that would change hands. Whole islands that belong to a part elsewhere in
    their zone stay with it and are frozen. So are pieces that cost more than the budget, the dearest first.

    Parameters
    ----------
    ground : Ground
        Changed in place: `part` and `frozen`.
    budget : float
        What may change hands at most.

    Returns
    -------
    needed : float
        What changes hands where all pieces are taken away.
    in_pieces : tuple of int
        Parts that are left in pieces.
    """
    island = component_labels(ground.graph)
    piece = part_component_labels(ground.graph, ground.part)
    n = int(piece.max(initial=-1)) + 1
    first = np.unique(piece, return_index=True)[1]
    part = ground.part[first].astype(np.int64)
    size = np.bincount(piece, minlength=n)
    stay = np.bincount(piece, weights=ground.stay, minlength=n)
    weight = np.bincount(piece, weights=ground.weight, minlength=n)
    order = np.lexsort((-size, -weight, -stay, part))
    main = np.zeros(n, dtype=bool)
    main[order[np.unique(part[order], return_index=True)[1]]] = True
    whole = size == np.bincount(island)[island[first]]
    locked = np.isin(part, list(ground.locked))
    held = ~main & whole & (part >= 0)
    ground.frozen |= held[piece] | (locked & ~main)[piece]
    lost = np.flatnonzero(~main & ~held & ~locked & (part >= 0))
    lost = lost[np.argsort(stay[lost], kind="stable")]
    paid = np.cumsum(stay[lost])
    torn = lost[paid > budget + 1e-9]
    ground.frozen |= np.isin(piece, torn)
    ground.part[np.isin(piece, np.setdiff1d(lost, torn))] = -1
    needed = float(paid[-1]) if len(lost) else 0.0
    return needed, tuple(np.unique(part[torn]).tolist())


def settle(
    ground: Ground, zone: NDArray[np.integer], objective: Objective, rng: np.random.Generator,
    constraints: Sequence[Constraint] = (),
) -> None:  # fmt: skip
    """Give every cell a part.

    Pieces that lost their part, and ground that never had one, go whole to a neighbour, where the bounds and wishes
    suffer least; where they weigh enough, or have no neighbour, they become new parts.

    Parameters
    ----------
    ground : Ground
        Changed in place; its parts are mended.
    zone : int, shape (n_cells,)
        Boundary polygon of each cell; no part lies in two.
    objective : Objective
        For new parts.
    rng : Generator
    constraints : sequence of Constraint
        For new parts.
    """
    island = component_labels(ground.graph)
    while (ground.part < 0).any():
        piece = part_component_labels(ground.graph, ground.part)
        without = np.flatnonzero(ground.part < 0)
        _, rank = np.unique(piece[without], return_inverse=True)
        heavy = np.bincount(rank, weights=ground.weight[without])
        chosen = int(np.argmax(heavy))
        _house(ground, without[rank == chosen], island, zone, objective, rng, constraints)


def _house(
    ground: Ground,
    cells: NDArray[np.int64],
    island: NDArray[np.int32],
    zone: NDArray[np.integer],
    objective: Objective,
    rng: np.random.Generator,
    constraints: Sequence[Constraint],
) -> None:
    """Find a part for one piece of ground without."""
    weight = float(ground.weight[cells].sum())
    border = _touching(ground, cells)
    alone = not border and not (ground.part[island == island[cells[0]]] >= 0).any()
    if alone and weight == 0:
        near = np.flatnonzero((zone == zone[cells[0]]) & (ground.part >= 0))
        near = near[~np.isin(ground.part[near], list(ground.locked))]
        if len(near):
            points = np.column_stack([ground.graph.x, ground.graph.y])
            distance, nearest = cKDTree(points[near]).query(points[cells])
            ground.part[cells] = ground.part[near[nearest[np.argmin(distance)]]]
            ground.frozen[cells] = True
            return
    if not border or (weight >= ground.bounds.minimum and weight > 0):
        count = max(1, parts_for_total(weight, ground.bounds))
        open_parts(ground, cells, count, objective, rng, constraints=constraints)
        return
    sums = np.column_stack([ground.part_sum(column) for column in range(len(ground.limit))])
    own = ground.weights[cells].sum(axis=0)

    def price(part: int) -> tuple[float, float, int]:
        wishes = 0.0
        if ground.far is not None:
            ground.part[cells] = part
            wishes = ground.broken_around(cells)
        return _outside(sums[part] + own, ground) - _outside(sums[part], ground) + wishes, -border[part], part

    ground.part[cells] = min(border, key=price)


def _outside(sums: NDArray[np.float64], ground: Ground) -> float:
    low, high, unit = ground.limit.T
    return float((unit * np.maximum(0.0, np.maximum(low - sums, sums - high))).sum())


def _touching(ground: Ground, cells: NDArray[np.int64]) -> dict[int, float]:
    """Return the parts that some cells touch, with the metres of border; locked ones left out."""
    inside = np.zeros(len(ground.part), dtype=bool)
    inside[cells] = True
    owner = np.repeat(np.arange(len(ground.part)), np.diff(ground.graph.indptr))
    at = np.flatnonzero(inside[owner] & (ground.part[ground.graph.indices] >= 0))
    at = at[~inside[ground.graph.indices[at]]]
    part = ground.part[ground.graph.indices[at]]
    found: dict[int, float] = {}
    for p in np.unique(part).tolist():
        if p not in ground.locked:
            found[p] = float(ground.graph.shared_length_m[at[part == p]].sum())
    return found


def open_parts(
    ground: Ground,
    cells: NDArray[np.int64],
    count: int,
    objective: Objective,
    rng: np.random.Generator,
    keeps: int = -1,
    constraints: Sequence[Constraint] = (),
) -> list[int]:
    """Cut some connected cells into new parts; `keeps`, where it is a part, stays with its most settled piece.

    Returns
    -------
    list of int
        The new parts.
    """
    count = min(count, len(cells))
    if count > 1:
        found = solve(
            ground.graph if len(cells) == len(ground.part) else ground.subgraph(cells), ground.weight[cells],
            n_parts=count, bounds=ground.bounds, objective=objective, rng=rng, effort=0.3,
            constraints=[each.restrict(cells) for each in constraints],
        )  # fmt: skip
        piece = found.assignment
    else:
        piece = np.zeros(len(cells), np.int32)
    kept = -1
    if keeps >= 0:
        own = ground.home[cells] == keeps
        kept = int(np.argmax(np.bincount(piece[own], weights=ground.stay[cells[own]], minlength=count)))
    fresh = []
    for number in range(count):
        if number == kept:
            ground.part[cells[piece == number]] = keeps
            continue
        ground.part[cells[piece == number]] = ground.n_parts
        fresh.append(ground.n_parts)
        ground.n_parts += 1
    return fresh
