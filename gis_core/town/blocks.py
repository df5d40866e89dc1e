"""Superblocks are given a character, and inner streets cut them into blocks of one kind of ground each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.town.kinds import DISTRICTS, HALF_WIDTH_M, KIND_NAMES, KINDS
from gis_core.town.lattice import Lattice, patch_points

__all__ = ["Blocks", "Superblocks", "build_blocks", "build_superblocks", "ragged"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: No superblock has more inner parts a side than this.
MOST_PARTS = 8
DISTRICT_NAMES = tuple(DISTRICTS)


@dataclass(frozen=True)
class Superblocks:
    """Superblocks in order of growth, cut into `parts` blocks; `node[q, b, a]` are the corners of the blocks.

    Attributes
    ----------
    district : int64, shape (n,)
        Position in `DISTRICTS`.
    parts : int64, shape (n, 2)
        Blocks from west to east and from south to north.
    cut : float64, shape (n, 2, MOST_PARTS + 1)
        Fractions at which inner streets meet the main roads, by axis.
    node : float64, shape (n, MOST_PARTS + 1, MOST_PARTS + 1, 2), metres
        First index after the superblock counts northwards, the second eastwards.
    inner : int64, shape (n,)
        Rank of the inner streets.
    """

    lattice: Lattice
    district: Ints
    parts: Ints
    cut: Floats
    node: Floats
    inner: Ints


@dataclass(frozen=True)
class Blocks:
    """Blocks of one kind of ground, in order of superblocks.

    Attributes
    ----------
    owner : int64, shape (n,)
        Superblock that the block lies in.
    a, b : int64, shape (n,)
        Place in the superblock, eastwards and northwards.
    kind : int64, shape (n,)
        Position in `KINDS`.
    quad : float64, shape (n, 4, 2), metres
        Corners: south-west, south-east, north-east, north-west.
    side_rank : int64, shape (n, 4)
        Rank of the street on each side: south, east, north, west.
    plot : float64, shape (n, 4, 2), metres
        Corners of what may be built on; NaN where streets leave nothing.
    """

    owner: Ints
    a: Ints
    b: Ints
    kind: Ints
    quad: Floats
    side_rank: Ints
    plot: Floats


def ragged(counts: Ints) -> tuple[Ints, Ints]:
    """Spread rows with a number of members each: row of every member, and its place in that row.

    Examples
    --------
    >>> [part.tolist() for part in ragged(np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [0, 1, 0, 1, 2]]
    """
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return rows, np.arange(len(rows)) - starts[rows]


def build_superblocks(lattice: Lattice, count: int, scale: float, rng: np.random.Generator) -> Superblocks:
    """Give the first `count` superblocks a district, and cut them by inner streets.

    `scale` is 0 for a small town, where superblocks are mixed, and 1 for a city, where they differ.
    """
    row, col = lattice.row[:count], lattice.col[:count]
    district = _districts(lattice.reach[:count], scale, rng)
    table = [DISTRICTS[name] for name in DISTRICT_NAMES]
    cut_m = np.array([entry.cut_m for entry in table])[district]
    wobble = np.array([entry.wobble for entry in table])[district]
    node = lattice.node
    wide = np.hypot(*np.moveaxis(node[row, col + 1] - node[row, col], -1, 0))
    high = np.hypot(*np.moveaxis(node[row + 1, col] - node[row, col], -1, 0))
    parts = np.stack([wide, high], axis=1) / (cut_m[:, None] * np.exp(rng.normal(0, 0.12, (len(row), 2))))
    parts = np.clip(np.rint(parts), 2, MOST_PARTS).astype(np.int64)
    step = np.arange(MOST_PARTS + 1)
    cut = (step + rng.normal(0, 0.09, (len(row), 2, MOST_PARTS + 1))) / parts[:, :, None]
    cut[:, :, 0] = 0.0
    cut = np.where(step >= parts[:, :, None], 1.0, cut)
    s = np.broadcast_to(cut[:, 0, None, :], (len(row), MOST_PARTS + 1, MOST_PARTS + 1)).copy()
    t = np.broadcast_to(cut[:, 1, :, None], s.shape).copy()
    within = (s > 0) & (s < 1) & (t > 0) & (t < 1)
    stray = rng.normal(0, 1, (2, *s.shape)) * wobble[:, None, None]
    s += np.where(within, np.clip(stray[0], -0.2, 0.2) / parts[:, 0, None, None], 0.0)
    t += np.where(within, np.clip(stray[1], -0.2, 0.2) / parts[:, 1, None, None], 0.0)
    corner = patch_points(lattice, row[:, None, None], col[:, None, None], s, t)
    inner = np.array([entry.inner for entry in table])[district]
    return Superblocks(lattice, district, parts, cut, np.round(corner, 2), inner)


def _districts(reach: Floats, scale: float, rng: np.random.Generator) -> Ints:
    table = [DISTRICTS[name] for name in DISTRICT_NAMES]
    weight = np.array([entry.weight for entry in table])
    weight[DISTRICT_NAMES.index("tower")] *= 0.2 + 0.8 * scale
    likely = weight * np.exp(
        -0.5 * ((reach[:, None] - [entry.centre for entry in table]) / [entry.spread for entry in table]) ** 2
    )
    likely[:, DISTRICT_NAMES.index("mixed")] = likely.sum(axis=1) * (0.05 + 6.0 * max(0.0, 0.5 - scale) ** 2)
    share = np.cumsum(likely, axis=1) / likely.sum(axis=1, keepdims=True)
    district = (rng.random(len(reach))[:, None] > share).sum(axis=1)
    if scale < 0.15:
        district[:] = DISTRICT_NAMES.index("mixed")
    return np.minimum(district, len(table) - 1)


def build_blocks(superblocks: Superblocks, scale: float, rng: np.random.Generator) -> Blocks:
    """List the blocks of all superblocks, each with its kind and with the ground that may be built on."""
    wide, high = superblocks.parts[:, 0], superblocks.parts[:, 1]
    owner, place = ragged(wide * high)
    a, b = place % wide[owner], place // wide[owner]
    node = superblocks.node
    quad = np.stack(
        [node[owner, b, a], node[owner, b, a + 1], node[owner, b + 1, a + 1], node[owner, b + 1, a]], axis=1
    )
    kind = _kinds(superblocks.district, owner, wide * high, scale, rng)
    rank = _side_ranks(superblocks, owner, a, b)
    keep = (
        np.asarray(HALF_WIDTH_M)[rank] + np.array([entry.margin for entry in KINDS.values()])[kind][:, None]
    )
    return Blocks(owner, a, b, kind, quad, rank, inset(quad, keep))


def _kinds(district: Ints, owner: Ints, counts: Ints, scale: float, rng: np.random.Generator) -> Ints:
    """Draw kinds by quota within each superblock, so that even one superblock has its shares."""
    shares = np.zeros((len(DISTRICT_NAMES), len(KIND_NAMES)))
    for number, name in enumerate(DISTRICT_NAMES):
        for kind, share in DISTRICTS[name].shares.items():
            shares[number, KIND_NAMES.index(kind)] = share
    shares[DISTRICT_NAMES.index("mixed"), KIND_NAMES.index("tower")] = 3.0 * scale
    bounds = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
    order = np.lexsort((rng.random(len(owner)), owner))
    quota = np.empty(len(owner))
    quota[order] = ragged(counts)[1]
    shift = rng.random(len(counts))
    level = ((quota + shift[owner]) / counts[owner]) % 1.0
    return np.minimum((level[:, None] > bounds[district[owner]]).sum(axis=1), len(KIND_NAMES) - 1)


def _side_ranks(superblocks: Superblocks, owner: Ints, a: Ints, b: Ints) -> Ints:
    lattice = superblocks.lattice
    row, col = lattice.row[owner], lattice.col[owner]
    along, across = lattice.rank
    inner = superblocks.inner[owner]
    wide, high = superblocks.parts[owner, 0], superblocks.parts[owner, 1]
    return np.stack(
        [
            np.where(b == 0, along[row, col], inner),
            np.where(a == wide - 1, across[row, col + 1], inner),
            np.where(b == high - 1, along[row + 1, col], inner),
            np.where(a == 0, across[row, col], inner),
        ],
        axis=1,
    )


def inset(quad: Floats, keep: Floats) -> Floats:
    """Move the sides of convex quads inwards; NaN where nothing is left.

    Parameters
    ----------
    quad : float64, shape (n, 4, 2), metres
        Corners, counter-clockwise.
    keep : float64, shape (n, 4), metres
        How far side k (from corner k to corner k + 1) moves.
    """
    side = np.roll(quad, -1, axis=1) - quad
    length = np.maximum(np.hypot(side[..., 0], side[..., 1]), 1e-9)
    normal = np.stack([-side[..., 1], side[..., 0]], axis=-1) / length[..., None]
    level = (normal * quad).sum(axis=-1) + keep
    before, before_level = np.roll(normal, 1, axis=1), np.roll(level, 1, axis=1)
    cross = before[..., 0] * normal[..., 1] - before[..., 1] * normal[..., 0]
    cross = np.where(np.abs(cross) < 0.05, np.nan, cross)
    x = (before_level * normal[..., 1] - level * before[..., 1]) / cross
    y = (level * before[..., 0] - before_level * normal[..., 0]) / cross
    corner = np.stack([x, y], axis=-1)
    moved = np.roll(corner, -1, axis=1) - corner
    turn = (
        moved[..., 0] * np.roll(moved, -1, axis=1)[..., 1]
        - moved[..., 1] * np.roll(moved, -1, axis=1)[..., 0]
    )
    good = ((moved * side).sum(axis=-1) > 0).all(axis=1) & (turn > 1.0).all(axis=1)
    return np.where(good[:, None, None], corner, np.nan)
