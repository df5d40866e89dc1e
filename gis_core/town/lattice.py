"""The main roads: a bent, uneven lattice with rings, and the superblocks of 250-560 m between them.

Positions are metres from the middle of the town, x east, y north. Must not import from other rooms of the core.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.town.kinds import ROADS

__all__ = ["Lattice", "build_lattice", "edge_points", "patch_points"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TRUNK, _PRIMARY, _SECONDARY, _TERTIARY = (
    ROADS.index(name) for name in ("trunk", "primary", "secondary", "tertiary")
)

#: How far the corners of ring roads are drawn in: 0 leaves squares, 1 makes circles.
ROUNDING = 0.5


@dataclass(frozen=True)
class Lattice:
    """Crossings of main roads, the edges between them, and the superblocks from the middle outwards.

    Attributes
    ----------
    node : float64, shape (n_rows + 1, n_cols + 1, 2), metres
    bulge : pair of float64, metres
        How far the middle of each edge lies left of its chord: of the edges along rows, shape (n_rows + 1, n_cols),
        and along columns, shape (n_rows, n_cols + 1).
    rank : pair of int64
        Position in `ROADS` of the same edges.
    ring : pair of int64
        Number of the ring road that the edge is part of; 0 where none.
    row, col : int64, shape (n_superblocks,)
        Superblocks in the order in which the town grew.
    reach : float64, shape (n_superblocks,)
        Distance from the middle as a fraction of the town's radius, bent by direction.
    """

    node: Floats
    bulge: tuple[Floats, Floats]
    rank: tuple[Ints, Ints]
    ring: tuple[Ints, Ints]
    row: Ints
    col: Ints
    reach: Floats


def edge_points(lattice: Lattice, axis: int, row: Ints, col: Ints, t: Floats) -> Floats:
    """Return points at the fractions `t` along edges; axis 0 runs along a row (east), 1 along a column (north)."""
    start = lattice.node[row, col]
    end = lattice.node[row + axis, col + 1 - axis]
    chord = end - start
    length = np.maximum(np.hypot(chord[..., 0], chord[..., 1]), 1e-9)
    left = np.stack([-chord[..., 1], chord[..., 0]], axis=-1) / length[..., None]
    bow = lattice.bulge[axis][row, col] * 4.0 * t * (1.0 - t)
    return start + chord * t[..., None] + left * bow[..., None]


def patch_points(lattice: Lattice, row: Ints, col: Ints, s: Floats, t: Floats) -> Floats:
    """Return points inside superblocks at fractions s (east) and t (north): Coons patches of their four edges."""
    south, north = edge_points(lattice, 0, row, col, s), edge_points(lattice, 0, row + 1, col, s)
    west, east = edge_points(lattice, 1, row, col, t), edge_points(lattice, 1, row, col + 1, t)
    s, t = s[..., None], t[..., None]
    node = lattice.node
    corners = (
        (1 - s) * (1 - t) * node[row, col] + s * (1 - t) * node[row, col + 1]
        + (1 - s) * t * node[row + 1, col] + s * t * node[row + 1, col + 1]
    )  # fmt: skip
    return (1 - t) * south + t * north + (1 - s) * west + s * east - corners


def build_lattice(n_superblocks: int, scale: float, rng: np.random.Generator) -> Lattice:
    """Lay out main roads for at least `n_superblocks` superblocks.

    Parameters
    ----------
    n_superblocks : int
        How many are needed; the lattice holds about twice as many.
    scale : float, in [0, 1]
        0 for a small town (short sides, few wide roads), 1 for a city.
    rng : numpy.random.Generator
        Source of chance.
    """
    side = max(4, int(np.ceil(np.sqrt(n_superblocks * 1.5))) + 2)
    side += side % 2
    node = _nodes(side, scale, rng)
    rank, ring = _ranks(side, n_superblocks, rng)
    lengths = (
        np.hypot(*np.moveaxis(node[:, 1:] - node[:, :-1], -1, 0)),
        np.hypot(*np.moveaxis(node[1:] - node[:-1], -1, 0)),
    )
    bulge = tuple(np.clip(rng.normal(0, 0.018, part.shape), -0.04, 0.04) * part for part in lengths)
    row, col, reach = _growth(node, n_superblocks, rng)
    return Lattice(node, (bulge[0], bulge[1]), rank, ring, row, col, reach)


def _nodes(side: int, scale: float, rng: np.random.Generator) -> Floats:
    lines = []
    for _axis in range(2):
        away = np.abs(np.arange(side) + 0.5 - side / 2) / (side / 2)
        step = (
            (300.0 + 90.0 * scale)
            * np.exp(rng.normal(0, 0.17, side))
            * (0.72 + 0.4 * np.minimum(1, away / 0.5))
        )
        place = np.concatenate([[0.0], np.cumsum(np.clip(step, 210.0, 560.0))])
        lines.append(place - place[side // 2])
    x, y = np.meshgrid(lines[0], lines[1])
    square, round_ = np.maximum(np.abs(x), np.abs(y)), np.maximum(np.hypot(x, y), 1.0)
    pull = 1 - ROUNDING * (1 - np.where(square > 0, square / round_, 1.0))
    x, y = x * pull, y * pull
    dx, dy = np.zeros_like(x), np.zeros_like(x)
    for wave_m, height_m in ((6000.0, 190.0), (2600.0, 90.0), (1300.0, 38.0)):
        for out in (dx, dy):
            for _ in range(2):
                turn, phase = rng.uniform(0, 2 * np.pi, 2)
                along = (x * np.cos(turn) + y * np.sin(turn)) / wave_m
                out += height_m * np.sin(2 * np.pi * along + phase) / np.sqrt(2)
    x, y = x + dx + rng.normal(0, 14, x.shape), y + dy + rng.normal(0, 14, x.shape)
    angle = rng.uniform(-0.16, 0.16)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    node = np.stack([x, y], axis=-1)
    return node - node[side // 2, side // 2]


def _ranks(
    side: int, n_superblocks: int, rng: np.random.Generator
) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    middle = side // 2
    ranks, rings = [], []
    radii = [k for k in (2, 5, 9, 14, 20, 27) if k <= np.sqrt(n_superblocks) / 2 - 0.2]
    for axis in range(2):
        shape = (side + 1, side) if axis == 0 else (side, side + 1)
        line, place = np.indices(shape) if axis == 0 else np.indices(shape)[::-1]
        level = np.full(side + 1, _SECONDARY)
        level[middle % 3 :: 3] = _PRIMARY
        level[(rng.random(side + 1) < 0.3) & (level == _SECONDARY)] = _TERTIARY
        level[middle] = _PRIMARY
        rank = level[line]
        lower = rng.random(shape) < np.where(rank == _PRIMARY, 0.0, 0.14)
        rank = np.where(lower, _TERTIARY, rank)
        ring = np.zeros(shape, dtype=np.int64)
        for number, k in enumerate(radii, start=1):
            on = (np.abs(line - middle) == k) & (place >= middle - k) & (place < middle + k)
            ring[on] = number
        ranks.append(np.where(ring > 0, np.where(ring == 1, _PRIMARY, _TRUNK), rank).astype(np.int64))
        rings.append(ring)
    return (ranks[0], ranks[1]), (rings[0], rings[1])


def _growth(node: Floats, n_superblocks: int, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    centre = (node[:-1, :-1] + node[1:, :-1] + node[:-1, 1:] + node[1:, 1:]) / 4
    x, y = centre[..., 0], centre[..., 1]
    turn = np.arctan2(y, x)
    stretch = 1.0 + sum(
        height * np.cos(k * turn + rng.uniform(0, 2 * np.pi))
        for k, height in ((2, 0.12), (3, 0.1), (5, 0.07), (9, 0.04))
    )
    far = np.hypot(x, y) / stretch
    limit = np.sort(far, axis=None)[min(n_superblocks, far.size) - 1]
    order = _connected_order(far)
    row, col = np.unravel_index(order, far.shape)
    return row.astype(np.int64), col.astype(np.int64), far.ravel()[order] / max(limit, 1.0)


def _connected_order(far: Floats) -> Ints:
    """Order superblocks by distance, each touching an earlier one by an edge."""
    start = int(np.argmin(far))
    rows, cols = far.shape
    seen = np.zeros(far.size, dtype=bool)
    seen[start] = True
    heap = [(float(far.ravel()[start]), start)]
    order = []
    while heap:
        _, here = heapq.heappop(heap)
        order.append(here)
        row, col = divmod(here, cols)
        for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
            there = r * cols + c
            if 0 <= r < rows and 0 <= c < cols and not seen[there]:
                seen[there] = True
                heapq.heappush(heap, (float(far[r, c]), there))
    return np.asarray(order, dtype=np.int64)
