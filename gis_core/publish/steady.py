"""Colours of the grids of a plan that stay where they are: the same plan has the same colours, whoever looks at it.

Each grid wishes for one of eight colours by its number alone and gives way to lower numbers beside it, so that an edit
changes colours near it at most. web_map/src/kernels/colouring.ts does the same; web_map/tests/colouring.json holds both
together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.publish.labels import N_COLOURS

__all__ = ["bordering", "steady_colours"]

_NONE = 255


def steady_colours(
    numbers: Sequence[int],
    pairs: NDArray[np.int64],
    chosen: Mapping[int, int] | None = None,
) -> NDArray[np.uint8]:
    """Give each grid one of eight colours so that grids with a common border differ.

    Where all eight are taken around a grid, those beside it make room if they can; else it takes the colour that the
    fewest of them have, which only colours chosen by hand or grids in pieces can bring about.

    Parameters
    ----------
    numbers : sequence of int
        `grid_ix` of each grid, ascending.
    pairs : int64, shape (m, 2)
        Positions of grids with a common border, each pair once.
    chosen : mapping of int to int
        Colours that were chosen by hand, by position: they stay.

    Returns
    -------
    uint8, shape (n,)
        Colour 0 to 7 of each grid.
    """
    given = dict(chosen or {})
    beside: list[list[int]] = [[] for _ in numbers]
    for one, other in pairs.tolist():
        beside[one].append(other)
        beside[other].append(one)
    for row in beside:
        row.sort()
    colours = [given.get(at, _NONE) for at in range(len(numbers))]
    for at, number in enumerate(numbers):
        if at in given:
            continue
        wishes = _wishes(number)
        taken = {colours[other] for other in beside[at]}
        free = next((colour for colour in wishes if colour not in taken), None)
        if free is None:
            free = next((c for c in wishes if _make_room(at, c, numbers, beside, colours, given)), None)
        if free is None:
            around = [colours[other] for other in beside[at]]
            free = min(wishes, key=around.count)
        colours[at] = free
    return np.array(colours, dtype=np.uint8)


def _wishes(number: int) -> list[int]:
    """List the colours in the order in which a grid would have them; eight grids in a row wish for eight."""
    first = number + 3 * (number // N_COLOURS)
    return [(first + step) % N_COLOURS for step in range(N_COLOURS)]


def _make_room(
    at: int,
    colour: int,
    numbers: Sequence[int],
    beside: list[list[int]],
    colours: list[int],
    given: Mapping[int, int],
) -> bool:
    """Give the grids beside one that have a colour other ones, where all of them can; whether they could."""
    holders = [other for other in beside[at] if colours[other] == colour]
    if any(holder in given for holder in holders):
        return False
    for holder in holders:
        taken = {colours[other] for other in beside[holder]}
        free = (c for c in _wishes(numbers[holder]) if c != colour and c not in taken)
        colours[holder] = next(free, colour)
        if colours[holder] == colour:
            for each in holders:
                colours[each] = colour
            return False
    return True


def bordering(polygons: NDArray[np.object_]) -> NDArray[np.int64]:
    """Find the polygons of a coverage that share a part of their borders.

    Parameters
    ----------
    polygons : object, shape (n,)
        Polygons or multipolygons whose common borders have the same vertices.

    Returns
    -------
    int64, shape (m, 2)
        Positions, the lower first, each pair once, in ascending order.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    _, vertex = np.unique(coordinates[:, 0] + 1j * coordinates[:, 1], return_inverse=True)
    inside = ring[1:] == ring[:-1]
    ends = np.sort(np.column_stack([vertex[:-1][inside], vertex[1:][inside]]), axis=1).astype(np.int64)
    edges = ends[:, 0] * (len(vertex) + 1) + ends[:, 1]
    owners = owner[part[ring[1:][inside]]].astype(np.int64)
    order = np.lexsort([owners, edges])
    edges, owners = edges[order], owners[order]
    pairs = np.column_stack([owners[:-1], owners[1:]])[edges[:-1] == edges[1:]]
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
