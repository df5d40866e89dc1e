"""Streets: main roads along the lattice, inner streets of superblocks, ways behind gates, roads along the river.

Streets share the vertices in which they meet. Where a corridor is in the way, they end at its bank or cross it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.town.blocks import DISTRICT_NAMES, Blocks, Superblocks
from gis_core.town.corridors import Corridor
from gis_core.town.kinds import ROADS
from gis_core.town.lattice import edge_points
from gis_core.town.names import NameBook, chinese_number

__all__ = ["StreetNames", "Streets", "build_streets", "gates", "main_roads", "name_streets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SERVICE = ROADS.index("service")
Piece = tuple[shapely.LineString, int, str]


@dataclass
class Streets:
    """Streets as parallel lists: line in metres, rank in `ROADS`, name (empty where none), bridge or not."""

    line: list[shapely.LineString] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    bridge: list[bool] = field(default_factory=list)

    def add(self, line: shapely.LineString, rank: int, name: str, *, bridge: bool = False) -> None:
        """Append one street."""
        self.line.append(line)
        self.rank.append(rank)
        self.name.append(name)
        self.bridge.append(bridge)


@dataclass(frozen=True)
class StreetNames:
    """Names of main roads by axis and line in stretches of eight superblocks, of rings, and of inner streets."""

    main: tuple[dict[tuple[int, int], str], dict[tuple[int, int], str]]
    lane: list[str]

    def edge(self, axis: int, row: int, col: int, ring: int) -> str:
        """Return the name of the main road on one edge."""
        if ring:
            return ("内环路", "一环路", "二环路", "三环路", "四环路", "五环路", "外环路")[min(ring, 7) - 1]
        line, place = (row, col) if axis == 0 else (col, row)
        return self.main[axis][line, place // 8]


def name_streets(superblocks: Superblocks, book: NameBook) -> StreetNames:
    """Name every main road, the one nearest to the middle first, and the lanes of every superblock."""
    rows, cols = superblocks.lattice.node.shape[:2]
    main: tuple[dict[tuple[int, int], str], ...] = ({}, {})
    middle = rows // 2
    for away in range(rows):
        for axis in range(2):
            for line in sorted({middle - away, middle + away}):
                for stretch in range((cols + 7) // 8):
                    main[axis][line, stretch] = book.street(east_west=axis == 0)
    return StreetNames((main[0], main[1]), [book.lane() for _ in superblocks.district])


def main_roads(superblocks: Superblocks) -> list[tuple[int, int, int, Floats]]:
    """List the edges around superblocks once each as (axis, row, column, points).

    There is a vertex wherever a street joins. Points are rounded to a centimetre, so that streets, blocks and
    boundaries meet exactly.
    """
    fractions: dict[tuple[int, int, int], list[Floats]] = {}
    lattice = superblocks.lattice
    for q in range(len(superblocks.district)):
        row, col = int(lattice.row[q]), int(lattice.col[q])
        for axis in range(2):
            cut = superblocks.cut[q, axis, : superblocks.parts[q, axis] + 1]
            joined = np.concatenate([cut, (cut[1:] + cut[:-1]) / 2])
            for far in range(2):
                key = (axis, row + far, col) if axis == 0 else (axis, row, col + far)
                fractions.setdefault(key, []).append(joined)
    keys = sorted(fractions)
    steps = [np.unique(np.concatenate([*fractions[key], [0.0, 1.0]])) for key in keys]
    counts = np.array([len(step) for step in steps])
    t = np.concatenate(steps)
    points = np.empty((len(t), 2))
    axes, rows, cols = (np.repeat([key[k] for key in keys], counts) for k in range(3))
    for axis in range(2):
        mine = axes == axis
        points[mine] = edge_points(lattice, axis, rows[mine], cols[mine], t[mine])
    points = np.round(points, 2)
    return [(*key, part) for key, part in zip(keys, np.split(points, np.cumsum(counts)[:-1]), strict=True)]


def gates(superblocks: Superblocks, blocks: Blocks, compound: NDArray[np.bool_]) -> tuple[Ints, Floats]:
    """Give each compound a gate in the middle of its south or north side, where the greater street runs.

    Returns
    -------
    side : int64, shape (n_blocks,)
        0 south, 2 north; -1 where the block is no compound.
    point : float64, shape (n_blocks, 2), metres
        Middle of that side, on the street.
    """
    north = blocks.side_rank[:, 2] > blocks.side_rank[:, 0]
    wide = np.hypot(*(blocks.quad[:, 1] - blocks.quad[:, 0]).T)
    side = np.where(compound & (wide > 105.0), np.where(north, 2, 0), -1)
    first = np.where(north, 3, 0)
    every = np.arange(len(side))
    point = (blocks.quad[every, first] + blocks.quad[every, np.where(north, 2, 1)]) / 2
    lattice, owner = superblocks.lattice, blocks.owner
    cut = superblocks.cut[owner, 0]
    middle = (cut[every, blocks.a] + cut[every, blocks.a + 1]) / 2
    outer = np.where(north, blocks.b == superblocks.parts[owner, 1] - 1, blocks.b == 0)
    row = lattice.row[owner] + np.where(north, 1, 0)
    on_road = edge_points(lattice, 0, row, lattice.col[owner], middle)
    return side.astype(np.int64), np.where(outer[:, None], on_road, point).round(2).astype(np.float64)


def build_streets(
    superblocks: Superblocks, blocks: Blocks, roads: list[tuple[int, int, int, Floats]], gate_side: Ints, gate: Floats,
    names: StreetNames, corridors: list[Corridor], outline: shapely.Geometry, rng: np.random.Generator,
) -> Streets:  # fmt: skip
    """Draw all streets and part them at corridors."""
    streets = Streets()
    lattice = superblocks.lattice
    for axis, row, col, points in roads:
        name = names.edge(axis, row, col, int(lattice.ring[axis][row, col]))
        streets.add(shapely.LineString(points), int(lattice.rank[axis][row, col]), name)
    _inner_streets(streets, superblocks, names, rng)
    _gate_ways(streets, blocks, gate_side, gate)
    ground = outline
    for corridor in corridors:
        streets = _part_at(streets, corridor, ground)
        ground = shapely.difference(ground, corridor.bank)
    return streets


def _inner_streets(
    streets: Streets, superblocks: Superblocks, names: StreetNames, rng: np.random.Generator
) -> None:
    """Draw one line a cut from main road to main road; some lose a stretch, and so end in the superblock."""
    gone = rng.random((len(superblocks.district), 2, superblocks.node.shape[1]))
    place = rng.random(gone.shape)
    for q in range(len(superblocks.district)):
        wide, high = (int(part) for part in superblocks.parts[q])
        rank = int(superblocks.inner[q])
        lanes = DISTRICT_NAMES[superblocks.district[q]] in ("old", "village", "mixed")
        number = 0
        for axis, count, length in ((0, high, wide), (1, wide, high)):
            for k in range(1, count):
                points = (
                    superblocks.node[q, k, : length + 1]
                    if axis == 0
                    else superblocks.node[q, : length + 1, k]
                )
                number += 1
                name = ""
                if rank > SERVICE:
                    name = names.lane[q] + (
                        chinese_number(number) + "巷" if lanes else ("街" if axis else "路")
                    )
                    name = name if lanes or k == count // 2 else names.lane[q] + chinese_number(number) + "街"
                missing = int(place[q, axis, k] * length) if gone[q, axis, k] < 0.22 and length > 2 else -1
                for piece in (points[: missing + 1], points[missing + 1 :]) if missing >= 0 else (points,):
                    if len(piece) > 1:
                        streets.add(shapely.LineString(_with_middles(piece)), rank, name)


def _with_middles(points: Floats) -> Floats:
    """Insert the middle of every stretch, where a gate may be."""
    result = np.empty((2 * len(points) - 1, 2))
    result[::2] = points
    result[1::2] = np.round((points[1:] + points[:-1]) / 2, 2)
    return result


def _gate_ways(streets: Streets, blocks: Blocks, gate_side: Ints, gate: Floats) -> None:
    """Run a service way from each gate straight through most of the compound."""
    from gis_core.town.footprints import row_angle

    with_gate = np.flatnonzero((gate_side >= 0) & ~np.isnan(blocks.plot[:, 0, 0]))
    angle = row_angle(blocks, with_gate)
    ahead = (
        np.stack([-np.sin(angle), np.cos(angle)], axis=1)
        * np.where(gate_side[with_gate] == 0, 1.0, -1.0)[:, None]
    )
    corners = blocks.plot[with_gate]
    side = np.roll(corners, -1, axis=1) - corners
    inward = np.stack([-side[..., 1], side[..., 0]], axis=-1)
    closing = -(inward * ahead[:, None]).sum(axis=2)
    room = (inward * (gate[with_gate][:, None] - corners)).sum(axis=2)
    reach = np.where(closing > 1e-6, room / np.where(closing > 1e-6, closing, 1.0), np.inf).min(axis=1)
    tips = np.round(gate[with_gate] + ahead * (0.78 * reach)[:, None], 2)
    for start, end, length in zip(gate[with_gate], tips, reach, strict=True):
        if length > 30.0:
            streets.add(shapely.LineString([start, end]), SERVICE, "")


def _part_at(streets: Streets, corridor: Corridor, outline: shapely.Geometry) -> Streets:
    """Cut streets at the banks; those of a high enough class go on as a bridge. A river gets roads along its banks."""
    lines = np.array(streets.line, dtype=object)
    shapely.prepare(corridor.bank)
    touched = shapely.intersects(corridor.bank, lines)
    result = Streets()
    ends: list[Floats] = []
    over: list[Piece] = []
    for k in range(len(lines)):
        rank, name = streets.rank[k], streets.name[k]
        if not touched[k] or streets.bridge[k]:
            result.add(lines[k], rank, name, bridge=streets.bridge[k])
            continue
        for piece in _lines(shapely.difference(lines[k], corridor.bank)):
            ends.append(shapely.get_coordinates(piece)[[0, -1]])
            result.add(piece, rank, name)
        if rank >= corridor.lowest_rank:
            inside = _lines(shapely.intersection(lines[k], corridor.bank), shortest_m=0.0)
            over += [(piece, rank, name) for piece in inside]
    for piece, rank, name in over if corridor.kind == "rail" else _bridges(over, corridor):
        result.add(piece, rank, name, bridge=bool(shapely.intersects(piece, corridor.body)))
    if corridor.kind != "rail":
        _embankments(result, corridor, outline, np.concatenate(ends) if ends else np.empty((0, 2)))
    return result


def _bridges(over: list[Piece], corridor: Corridor) -> list[Piece]:
    """Join pieces of one road over the water, and keep those that lead from bank to bank and not along the water."""
    limit_m = 1.7 * corridor.bank.area / corridor.line.length + 90.0
    result = []
    for rank, name in sorted({(rank, name) for _, rank, name in over}):
        pieces = [piece for piece, *key in over if key == [rank, name]]
        for chain in _lines(shapely.union_all(pieces)):
            ends = shapely.get_coordinates(chain)[[0, -1]]
            spans = _is_left(corridor.line, ends[0]) != _is_left(corridor.line, ends[1])
            dry = not shapely.intersects(corridor.body, shapely.points(ends)).any()
            if not chain.intersects(corridor.body) or (spans and dry and chain.length < limit_m):
                result.append((chain, rank, name))
    return result


def _is_left(line: shapely.LineString, spot: Floats) -> bool:
    """Tell whether a spot lies left of a line."""
    at = shapely.line_locate_point(line, shapely.Point(spot))
    (x0, y0), (x1, y1) = shapely.get_coordinates(
        shapely.line_interpolate_point(line, [max(at - 1.0, 0.0), at + 1.0])
    )
    return bool((x1 - x0) * (spot[1] - y0) > (y1 - y0) * (spot[0] - x0))


def _lines(geometry: shapely.Geometry, shortest_m: float = 6.0) -> list[shapely.LineString]:
    parts = shapely.get_parts(shapely.line_merge(geometry))
    return [part for part in parts if part.geom_type == "LineString" and part.length > shortest_m]


def _embankments(streets: Streets, corridor: Corridor, outline: shapely.Geometry, ends: Floats) -> None:
    """Draw a road on each bank inside the town, with a vertex where a street ends at it."""
    shore = shapely.boundary(corridor.bank)
    rank = ROADS.index("secondary" if corridor.body.area > 60.0 * corridor.line.length else "residential")
    name = {"清江": "滨江大道", "清水河": "河滨路"}.get(corridor.name, "运河路")
    for line in _lines(shapely.intersection(shore, outline)):
        spots = shapely.points(ends)
        near = spots[shapely.distance(spots, line) < 0.001] if len(ends) else spots
        xy = shapely.get_coordinates(line)
        at = np.concatenate(
            [shapely.line_locate_point(line, shapely.points(xy)), shapely.line_locate_point(line, near)]
        )
        both = np.concatenate([xy, shapely.get_coordinates(near)])
        if line.is_closed:
            at[len(xy) - 1] = line.length
        order = np.argsort(at, kind="stable")
        kept = both[order][np.concatenate([[True], np.diff(at[order]) > 1e-6])]
        if len(kept) > 1:
            streets.add(shapely.LineString(kept), rank, name)
