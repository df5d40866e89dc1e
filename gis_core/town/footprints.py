"""Footprints: straight rows in compounds and yards, irregular plots in lanes and villages.

Every building fills a convex quad; quads of one block never meet, and lie inside the ground that its streets leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.town.blocks import Blocks, ragged
from gis_core.town.kinds import KIND_NAMES, KINDS

__all__ = ["SHAPES", "Footprints", "bilinear", "build_footprints", "footprint_polygons"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Outlines in the unit square, counter-clockwise, not closed.
_OUTLINES = {
    "rect": "0 0, 1 0, 1 1, 0 1",
    "ell": "0 0, 1 0, 1 0.55, 0.5 0.55, 0.5 1, 0 1",
    "u": "0 0, 0.28 0, 0.28 0.62, 0.72 0.62, 0.72 0, 1 0, 1 1, 0 1",
    "ring": "0 0, 0.4 0, 0.4 0.3, 0.27 0.3, 0.27 0.7, 0.73 0.7, 0.73 0.3, 0.6 0.3, 0.6 0, 1 0, 1 1, 0 1",
    "comb": "0 0, 1 0, 1 1, 0.72 1, 0.72 0.8, 0.6 0.8, 0.6 1, 0.32 1, 0.32 0.8, 0.2 0.8, 0.2 1, 0 1",
    "slab": "0 0, 1 0, 1 0.88, 0.86 0.88, 0.86 1, 0.64 1, 0.64 0.88, 0.36 0.88, 0.36 1, 0.14 1, 0.14 0.88, 0 0.88",
    "cross": "0.3 0, 0.7 0, 0.7 0.25, 1 0.25, 1 0.75, 0.7 0.75, 0.7 1, 0.3 1, 0.3 0.75, 0 0.75, 0 0.25, 0.3 0.25",
    "tee": "0 0, 1 0, 1 0.55, 0.68 0.55, 0.68 1, 0.32 1, 0.32 0.55, 0 0.55",
    "butterfly": "0 0.1, 0.3 0, 0.42 0.25, 0.58 0.25, 0.7 0, 1 0.1, "
    "0.9 0.75, 0.66 0.7, 0.62 1, 0.38 1, 0.34 0.7, 0.1 0.75",
}
SHAPES: dict[str, NDArray[np.float64]] = {
    name: np.array([point.split() for point in text.split(", ")], dtype=np.float64)
    for name, text in _OUTLINES.items()
}
SHAPE_NAMES = tuple(SHAPES)


@dataclass(frozen=True)
class Footprints:
    """Buildings in order of blocks.

    Attributes
    ----------
    block : int64, shape (n,)
        Block that the building stands in.
    quad : float64, shape (n, 4, 2), metres
        The convex quad that its outline fills.
    shape : int64, shape (n,)
        Position of the outline in `SHAPES`.
    """

    block: Ints
    quad: Floats
    shape: Ints

    def take(self, which: NDArray[np.bool_] | Ints) -> Footprints:
        """Return some of the buildings."""
        return Footprints(self.block[which], self.quad[which], self.shape[which])


def bilinear(quad: Floats, s: Floats, t: Floats) -> Floats:
    """Return the points at fractions (s, t) of quads, shape (..., 4, 2)."""
    s, t = s[..., None], t[..., None]
    south = quad[..., 0, :] * (1 - s) + quad[..., 1, :] * s
    north = quad[..., 3, :] * (1 - s) + quad[..., 2, :] * s
    return south * (1 - t) + north * t


def build_footprints(blocks: Blocks, gate_side: Ints, gate: Floats, rng: np.random.Generator) -> Footprints:
    """Build up all blocks.

    Parameters
    ----------
    blocks : Blocks
        What to build on.
    gate_side : int64, shape (n_blocks,)
        Side of the gate of a compound: 0 south, 2 north; -1 where there is none.
    gate : float64, shape (n_blocks, 2), metres
        Where it is; a way behind it runs straight in and keeps its ground free.
    rng : numpy.random.Generator
        Source of chance.
    """
    pattern = np.array([entry.pattern for entry in KINDS.values()])[blocks.kind]
    usable = ~np.isnan(blocks.plot[:, 0, 0])
    rows = _rows(blocks, np.flatnonzero(usable & (pattern == "rows")), gate_side, gate, rng)
    cells = _cells(blocks, np.flatnonzero(usable & (pattern == "cells")), rng)
    block = np.concatenate([rows[0], cells[0]])
    quad = np.concatenate([rows[1], cells[1]])
    order = np.argsort(block, kind="stable")
    block, quad = block[order], quad[order]
    return Footprints(block, quad, _shapes(blocks.kind[block], rng))


def _shapes(kind: Ints, rng: np.random.Generator) -> Ints:
    choice = rng.random(len(kind))
    shape = np.zeros(len(kind), dtype=np.int64)
    for number, entry in enumerate(KINDS.values()):
        mine = kind == number
        codes = np.array([SHAPE_NAMES.index(name) for name in entry.shapes])
        shape[mine] = codes[(choice[mine] * len(codes)).astype(np.int64)]
    return shape


def row_angle(blocks: Blocks, which: Ints) -> Floats:
    """Give the direction of rows in radians: along the block, but dwellings turn to the south."""
    quad = blocks.quad[which]
    along = (quad[:, 1] - quad[:, 0]) + (quad[:, 2] - quad[:, 3])
    angle = np.arctan2(along[:, 1], along[:, 0])
    dwelling = np.isin(blocks.kind[which], [KIND_NAMES.index("slab"), KIND_NAMES.index("tower")])
    return np.where(dwelling, np.clip(angle, -0.45, 0.45), angle)


def _rows(
    blocks: Blocks, which: Ints, gate_side: Ints, gate: Floats, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Fill convex plots with straight rows: the stretch of a row that fits is found exactly, then divided."""
    table = list(KINDS.values())
    kind = blocks.kind[which]
    width, depth, gap, pitch = (
        np.array([getattr(entry, name) for entry in table])[kind]
        for name in ("width", "depth", "gap", "pitch")
    )
    width = width * rng.uniform(0.72, 1.2, len(which))
    depth = depth * rng.uniform(0.92, 1.08, len(which))
    angle = row_angle(blocks, which)
    east = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    north = np.stack([-east[:, 1], east[:, 0]], axis=1)
    plot = blocks.plot[which]
    rise = (plot * north[:, None]).sum(axis=2)
    low, high = rise.min(axis=1), rise.max(axis=1)
    counts = np.maximum(np.floor((high - low - depth) / pitch) + 1, 0).astype(np.int64)
    counts[kind == KIND_NAMES.index("school")] = np.minimum(counts[kind == KIND_NAMES.index("school")], 3)
    row, place = ragged(counts)
    spare = (high - low - depth) - (counts - 1) * pitch
    stretch = np.where(counts > 1, spare * 0.5 / np.maximum(counts - 1, 1), 0.0)
    level = high[row] - depth[row] / 2 - spare[row] * 0.25 - (pitch + stretch)[row] * place
    start, end = _stretch_of_row(plot[row], east[row], north[row], level, depth[row])
    aisle = np.where(gate_side[which] >= 0, (gate[which] * east).sum(axis=1), 1e9)[row]
    starts = np.stack([start, np.maximum(start, aisle + 5.0)], axis=1).ravel()
    ends = np.stack([np.minimum(end, aisle - 5.0), end], axis=1).ravel()
    part = np.repeat(np.arange(len(row)), 2)
    room = ends - starts
    w, g = width[row][part], gap[row][part]
    fits = np.isfinite(room) & (room > 0.42 * w)
    room = np.where(fits, room, 0.0)
    number = np.where(fits, np.maximum(1, np.rint((room + g) / (w + g) - 0.1)), 0).astype(np.int64)
    w = np.minimum(w * 1.2, (room - (number - 1) * g) / np.maximum(number, 1))
    member, turn = ragged(number)
    step = (room - w) / np.maximum(number - 1, 1)
    middle = np.where(
        number[member] > 1, starts[member] + w[member] / 2 + step[member] * turn, (starts + ends)[member] / 2
    )
    line = part[member]
    half_w = w[member] / 2 * rng.uniform(0.86, 1.0, len(member))
    half_d = depth[row[line]] / 2 * rng.uniform(0.93, 1.0, len(member))
    e, n = east[row[line]], north[row[line]]
    centre = e * middle[:, None] + n * level[line][:, None]
    quad = np.stack(
        [
            centre + e * (half_w * x)[:, None] + n * (half_d * y)[:, None]
            for x, y in ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
        ],
        axis=1,
    )
    return which[row[line]], quad


def _stretch_of_row(
    plot: Floats, east: Floats, north: Floats, level: Floats, depth: Floats
) -> tuple[Floats, Floats]:
    """Return where along `east` a row of that depth lies wholly inside each convex plot; NaN where nowhere."""
    side = np.roll(plot, -1, axis=1) - plot
    normal = np.stack([-side[..., 1], side[..., 0]], axis=-1)
    normal /= np.maximum(np.hypot(normal[..., 0], normal[..., 1]), 1e-9)[..., None]
    bound = (normal * plot).sum(axis=2)
    along = (normal * east[:, None]).sum(axis=2)
    up = (normal * north[:, None]).sum(axis=2)
    need = bound - np.minimum(up * (level - depth / 2)[:, None], up * (level + depth / 2)[:, None])
    flat = np.abs(along) < 1e-6
    at = need / np.where(flat, 1.0, along)
    start = np.where((along > 0) & ~flat, at, -np.inf).max(axis=1)
    end = np.where((along < 0) & ~flat, at, np.inf).min(axis=1)
    bad = (flat & (need > 0)).any(axis=1) | (end <= start)
    return np.where(bad, np.nan, start), np.where(bad, np.nan, end)


def _cells(blocks: Blocks, which: Ints, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Divide plots into crooked rows of small plots, back to back in pairs, and put a house on most of them."""
    table = list(KINDS.values())
    kind = blocks.kind[which]
    plot = blocks.plot[which]
    flip = rng.random(len(which)) < 0.3
    plot = np.where(flip[:, None, None], np.roll(plot, 1, axis=1), plot)
    wide = (_length(plot[:, 1] - plot[:, 0]) + _length(plot[:, 2] - plot[:, 3])) / 2
    high = (_length(plot[:, 3] - plot[:, 0]) + _length(plot[:, 2] - plot[:, 1])) / 2
    width = np.array([entry.width for entry in table])[kind] * rng.uniform(0.9, 1.12, len(which))
    depth = np.array([entry.depth for entry in table])[kind] * rng.uniform(0.9, 1.1, len(which))
    n_rows = np.maximum(np.rint(high / depth), 1).astype(np.int64)
    block_of_row, j = ragged(n_rows)
    n_houses = np.maximum(
        np.rint(wide[block_of_row] / width[block_of_row] + rng.uniform(-0.5, 0.5, len(j))), 1
    )
    row, i = ragged(n_houses.astype(np.int64))
    block = block_of_row[row]
    total = n_houses[row]
    left = np.where(i == 0, 0.0, i + rng.uniform(-0.2, 0.2, len(i))) / total
    right = np.where(i == total - 1, 1.0, np.roll(left, -1))
    gap = np.array([entry.gap for entry in table])[kind][block]
    alley = np.where(kind[block] == KIND_NAMES.index("village"), 1.8, 3.2)
    paired = (j[row] + rng.integers(0, 2, len(which))[block]) % 2 == 0
    below, above = np.where(paired, alley, 0.4), np.where(paired, 0.4, alley)
    yard = rng.uniform(0, 0.16, len(i)) * depth[block]
    below, above = below + np.where(paired, yard, 0.0), above + np.where(paired, 0.0, yard)
    below, above = np.where(j[row] == 0, 0.0, below), np.where(j[row] == n_rows[block] - 1, 0.0, above)
    ds, dt = 0.5 * gap / wide[block], 1.0 / high[block]
    s0, s1 = left + ds, right - ds
    t0, t1 = j[row] / n_rows[block] + below * dt, (j[row] + 1) / n_rows[block] - above * dt
    house = plot[block]
    quad = np.stack([bilinear(house, s, t) for s, t in ((s0, t0), (s1, t0), (s1, t1), (s0, t1))], axis=1)
    stands = (rng.random(len(i)) > 0.06) & ((s1 - s0) * wide[block] > 4.0) & ((t1 - t0) * high[block] > 4.0)
    return which[block[stands]], quad[stands]


def _length(vector: Floats) -> Floats:
    return np.hypot(vector[..., 0], vector[..., 1])


def footprint_polygons(quad: Floats, shape: Ints) -> NDArray[np.object_]:
    """Make the outlines as polygons, shape (n,); `quad` may be in metres or in degrees."""
    result = np.empty(len(quad), dtype=object)
    for number, outline in enumerate(SHAPES.values()):
        mine = np.flatnonzero(shape == number)
        if len(mine) == 0:
            continue
        unit = np.concatenate([outline, outline[:1]])
        points = bilinear(quad[mine][:, None], unit[None, :, 0], unit[None, :, 1])
        result[mine] = shapely.polygons(points)
    return result
