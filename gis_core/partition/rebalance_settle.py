"""Before anything is rebalanced: one piece for each part, and a part for each cell, with as little change as can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from gis_core.graph.components import component_labels, part_component_labels
from gis_core.partition.counts import parts_for_total
from gis_core.partition.objective import Bounds, Objective
from gis_core.partition.rebalance_region import Ground
from gis_core.partition.solve import solve

__all__ = ["open_parts", "settle"]


def settle(ground: Ground, zone: NDArray[np.integer], objective: Objective, rng: np.random.Generator) -> None:
    """Give every cell a part, so that all parts are in one piece.

    A part in pieces keeps the piece with most that would change hands. Pieces that lost their part, and ground that
    never had one, go whole to a neighbour; where they weigh enough, or have no neighbour, they become new parts.
    Whole islands that belong to a part elsewhere in their zone stay with it and are frozen.

    Parameters
    ----------
    ground : Ground
        Changed in place.
    zone : int, shape (n_cells,)
        Boundary polygon of each cell; no part lies in two.
    objective : Objective
        For new parts.
    rng : Generator
    """
    island = component_labels(ground.graph)
    _keep_main_pieces(ground, island)
    while (ground.part < 0).any():
        piece = part_component_labels(ground.graph, ground.part)
        without = np.flatnonzero(ground.part < 0)
        _, rank = np.unique(piece[without], return_inverse=True)
        heavy = np.bincount(rank, weights=ground.weight[without])
        chosen = int(np.argmax(heavy))
        _house(ground, without[rank == chosen], island, zone, objective, rng)


def _keep_main_pieces(ground: Ground, island: NDArray[np.int32]) -> None:
    """Take the cells away from parts in pieces, but those of the main piece and of whole islands."""
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
    lost = ~main & ~held & ~locked
    ground.part[lost[piece]] = -1


def _house(
    ground: Ground,
    cells: NDArray[np.int64],
    island: NDArray[np.int32],
    zone: NDArray[np.integer],
    objective: Objective,
    rng: np.random.Generator,
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
        open_parts(ground, cells, max(1, parts_for_total(weight, ground.bounds)), objective, rng)
        return
    totals = ground.part_weight()
    bounds = ground.bounds

    def price(part: int) -> tuple[float, float, int]:
        before, after = _outside(totals[part], bounds), _outside(totals[part] + weight, bounds)
        return after - before, -border[part], part

    ground.part[cells] = min(border, key=price)


def _outside(weight: float, bounds: Bounds) -> float:
    return max(0.0, bounds.minimum - weight, weight - bounds.maximum)


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
