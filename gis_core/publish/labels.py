"""Colours and label places of grids on a map, and what is written on buildings.

Neighbours never share one of eight colours; a label stands at the pole of inaccessibility. Same input, same
result.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "N_COLOURS",
    "building_labels",
    "colour_graph",
    "colour_grids",
    "house_number",
    "label_points",
    "place_names",
    "texts_of",
]

N_COLOURS = 8
#: What stands between a lane and the last number of a range (5~15号).
_BEFORE = re.compile(r"(?:[\s,，、-]+|\d*\s*[~～－—至-])+$")
_NUMBER = re.compile(r"\d+[A-Za-z]?(?:[-/]\d+)?(?:号楼|号院|号|幢|栋|座|弄)?")


def colour_grids(polygons: NDArray[np.object_], chosen: Mapping[int, int] | None = None) -> NDArray[np.uint8]:
    """Give each polygon of a coverage one of eight colours so that neighbours differ.

    Polygons that meet in no more than a point are kept apart too wherever eight colours allow it. Those that
    share a border always differ where each polygon is in one piece: such a map is planar, and smallest-last
    order then needs six colours at most (Matula and Beck 1983, doi:10.1145/2402.322385).

    Parameters
    ----------
    polygons : object, shape (n,)
        Polygons or multipolygons whose common borders have the same vertices; empty ones touch nothing.
    chosen : mapping of int to int
        Colours that were chosen by hand, by position: they stay, and the others give way to them.

    Returns
    -------
    uint8, shape (n,)
        Colour 0 to 7 of each polygon.
    """
    tree = shapely.STRtree(polygons)
    first, second = tree.query(polygons, predicate="intersects")
    once = first < second
    pairs = np.column_stack([first[once], second[once]]).astype(np.int64)
    colours, clashes = colour_graph(len(polygons), pairs, chosen)
    if clashes:
        shared = shapely.intersection(polygons[pairs[:, 0]], polygons[pairs[:, 1]])
        colours, _ = colour_graph(len(polygons), pairs[shapely.get_dimensions(shared) >= 1], chosen)
    return colours


def colour_graph(
    n: int, pairs: NDArray[np.int64], chosen: Mapping[int, int] | None = None
) -> tuple[NDArray[np.uint8], int]:
    """Colour the nodes 0 .. n-1 of a graph with eight colours, smallest-last, the least used colour first.

    Where that leaves clashes, as colours chosen by hand can, the node with the fewest colours left comes next instead.

    Parameters
    ----------
    n : int
        Number of nodes.
    pairs : int64, shape (m, 2)
        Neighbors, each pair once, no loops.
    chosen : mapping of int to int
        Colours that stay.

    Returns
    -------
    colours : uint8, shape (n,)
        Colour of each node.
    clashes : int
        Nodes for which all eight colours were taken; 0 for every planar graph without chosen colours.
    """
    given = dict(chosen or {})
    neighbors: list[list[int]] = [[] for _ in range(n)]
    for one, other in pairs.tolist():
        neighbors[one].append(other)
        neighbors[other].append(one)
    colours, clashes = _in_order(neighbors, reversed(_smallest_first(neighbors)), given)
    if clashes and given:
        tighter = _in_order(neighbors, None, given)
        if tighter[1] < clashes:
            return tighter
    return colours, clashes


def _in_order(
    neighbors: list[list[int]], order: Iterable[int] | None, given: Mapping[int, int]
) -> tuple[NDArray[np.uint8], int]:
    """Colour nodes one after the other; without an order the one whose neighbours have most colours comes next."""
    n = len(neighbors)
    colours = np.full(n, 255, dtype=np.uint8)
    used = [0] * N_COLOURS
    taken = [[0] * N_COLOURS for _ in range(n)]
    clashes = 0

    def give(node: int, colour: int) -> None:
        colours[node] = colour
        used[colour] += 1
        for other in neighbors[node]:
            taken[other][colour] += 1

    for node, colour in given.items():
        give(node, colour)
    free = [node for node in range(n) if node not in given]
    queue = [(N_COLOURS - _kinds(taken[node]), -len(neighbors[node]), node) for node in free]
    heapq.heapify(queue)
    wanted = iter(order) if order is not None else None
    while True:
        if wanted is not None:
            node = next(wanted, -1)
            if node < 0:
                break
        else:
            if not queue:
                break
            left, degree, node = heapq.heappop(queue)
            now = N_COLOURS - _kinds(taken[node])
            if colours[node] == 255 and now != left:
                heapq.heappush(queue, (now, degree, node))
                continue
        if colours[node] != 255:
            continue
        colour = min(range(N_COLOURS), key=lambda c: (taken[node][c], used[c], c))
        clashes += taken[node][colour] > 0
        give(node, colour)
        if wanted is None:
            for other in neighbors[node]:
                if colours[other] == 255:
                    item = (N_COLOURS - _kinds(taken[other]), -len(neighbors[other]), other)
                    heapq.heappush(queue, item)
    return colours, clashes


def _kinds(taken: Sequence[int]) -> int:
    """Count the colours that neighbours have."""
    return sum(count > 0 for count in taken)


def label_points(polygons: NDArray[np.object_], *, detail: float = 0.01) -> NDArray[np.float64]:
    """Find the point of each polygon that is furthest from its border.

    Parameters
    ----------
    polygons : object, shape (n,)
        In degrees; distances are judged with the longitudes shrunk as at the middle of the polygon.
    detail : float
        How exact, as a fraction of the square root of the area.

    Returns
    -------
    float64, shape (n, 2)
        Longitude and latitude; NaN for a missing or empty polygon.
    """
    out = np.full((len(polygons), 2), np.nan)
    usable = np.flatnonzero(~shapely.is_missing(polygons) & ~shapely.is_empty(polygons))
    if len(usable) == 0:
        return out
    bounds = shapely.bounds(polygons[usable])
    scale = np.maximum(np.cos(np.radians((bounds[:, 1] + bounds[:, 3]) / 2)), 1e-6)
    counts = shapely.get_num_coordinates(polygons[usable])
    flat = shapely.get_coordinates(polygons[usable])
    flat[:, 0] *= np.repeat(scale, counts)
    stretched = shapely.set_coordinates(polygons[usable].copy(), flat)
    tolerance = np.maximum(np.sqrt(np.abs(shapely.area(stretched))) * detail, 1e-9)
    circles = shapely.maximum_inscribed_circle(stretched, tolerance=tolerance)
    centre = shapely.get_point(circles, 0)
    out[usable, 0] = shapely.get_x(centre) / scale
    out[usable, 1] = shapely.get_y(centre)
    return out


def texts_of(frame: GeoDataFrame, column: str) -> Sequence[str | None]:
    """Return a column as texts, None where there is none."""
    if column not in frame:
        return [None] * len(frame)
    values = frame[column].to_numpy(dtype=object, na_value=None)
    return [str(value) if value is not None else None for value in values.tolist()]


def building_labels(frame: GeoDataFrame) -> Sequence[str | None]:
    """Give each building its name, else the house number that ends or begins its address."""
    names, addresses = texts_of(frame, "name"), texts_of(frame, "address")
    return [name or house_number(address) for name, address in zip(names, addresses, strict=True)]


def place_names(frame: GeoDataFrame) -> Sequence[str | None]:
    """Give each building the compound or lane that its number counts in: its compound, else its address before it."""
    compounds, addresses = texts_of(frame, "compound"), texts_of(frame, "address")
    found: list[str | None] = []
    for compound, address in zip(compounds, addresses, strict=True):
        number = house_number(address)
        before = _BEFORE.sub("", address[: address.rindex(number)]) if address and number else ""
        found.append(compound or before or None)
    return found


def house_number(address: str | None) -> str | None:
    """Find the shortest part of an address that tells a house from its neighbours.

    Examples
    --------
    >>> house_number("Karhulantie 12")
    '12'
    >>> house_number("和平路18号3幢")
    '3幢'
    """
    if not address:
        return None
    parts = _NUMBER.findall(address)
    return str(parts[-1]) if parts else None


def _smallest_first(neighbors: list[list[int]]) -> list[int]:
    """Order nodes by taking away the one with the fewest neighbors left, lowest number first."""
    degree = [len(row) for row in neighbors]
    heap = [(d, node) for node, d in enumerate(degree)]
    heapq.heapify(heap)
    done = [False] * len(neighbors)
    order: list[int] = []
    while heap:
        d, node = heapq.heappop(heap)
        if done[node] or d != degree[node]:
            continue
        done[node] = True
        order.append(node)
        for other in neighbors[node]:
            if not done[other]:
                degree[other] -= 1
                heapq.heappush(heap, (degree[other], other))
    return order
