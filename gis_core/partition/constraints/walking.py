"""Greatest walking distance inside a grid, as a bound.

The search does not know it; what it leaves over the bound is mended afterwards (`post`): each part that is too long on
foot is drawn anew together with a neighbour, along the line where one end of it becomes nearer than the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.components import part_component_labels, subgraph
from gis_core.graph.walks import WalkGround, greatest_walks, walk_matrix, walk_rows
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._moves import Referee
from gis_core.partition.problem import Problem

__all__ = ["MaxWalk"]

#: Rounds over all parts that are too long.
_ROUNDS = 6
#: Places where the line between two parts is tried, and what a better line may cost, in borders of a usual part.
_CUTS, _DEARER = 9, 4.0
#: Inhabited cells beyond which no table of all their distances is kept, and two parts are not drawn anew.
_MOST_MEMBERS = 4000


@dataclass(frozen=True, eq=False)
class MaxWalk:
    """Two inhabited cells of one grid are at most so far from each other, along the streets.

    Attributes
    ----------
    ground : WalkGround
        One member a cell.
    max_walk_m : float
        Above 0.
    """

    name: ClassVar[str] = "max-walk"
    ground: WalkGround
    max_walk_m: float

    def restrict(self, cell_ix: NDArray[np.int64]) -> MaxWalk:
        """Return what is left of it for the subgraph of these cells, and the streets around them."""
        return replace(self, ground=self.ground.of_members(cell_ix, margin_m=2 * self.max_walk_m))

    def apply(self, problem: Problem) -> None:
        """Leave the problem as it is: short borders make short ways, and `post` mends the rest."""

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Name the parts that are too long on foot, with the two cells that are farthest apart."""
        n_parts = int(np.max(assignment, initial=-1)) + 1
        walk, ends = greatest_walks(self.ground, assignment, n_parts)
        return [
            Infeasible(
                "max-walk",
                "",
                f"Two buildings of one grid are {walk[p]:,.0f} m apart on foot; at most {self.max_walk_m:,.0f} m was "
                "asked for. Ask for more grids, or allow more.",
                (int(ends[p, 0]), int(ends[p, 1])),
            )
            for p in np.flatnonzero(walk > self.max_walk_m).tolist()
        ]

    def post(
        self, problem: Problem, assignment: NDArray[np.int32], rng: np.random.Generator
    ) -> NDArray[np.int32]:
        """Draw parts that are too long anew, each with one neighbour, while that makes ways shorter.

        Parameters
        ----------
        problem : Problem
            After `apply` of all constraints.
        assignment : int32, shape (n_cells,)
        rng : Generator
            Not used: parts are taken from the longest on.

        Returns
        -------
        int32, shape (n_cells,)
            A copy. No sum of a part is further outside its bounds, no part in more pieces than before.
        """
        part = assignment.copy()
        shortener = _Shortener(self.ground, self.max_walk_m, Referee(problem), part)
        for _ in range(_ROUNDS * problem.n_parts):
            p = shortener.longest()
            if p < 0:
                break
            shortener.shorten(p)
        return shortener.part


class _Table:
    """Walking distances among inhabited cells, each row measured when it is first needed."""

    def __init__(self, ground: WalkGround) -> None:
        self._ground = ground
        self._member = np.flatnonzero(ground.inhabited)
        self._place = np.full(len(ground.x), -1, np.int64)
        self._place[self._member] = np.arange(len(self._member))
        self._small = len(self._member) <= _MOST_MEMBERS
        size = len(self._member) if self._small else 0
        self._rows = np.empty((size, size), np.float32)
        self._known = np.zeros(size, dtype=bool)

    def among(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the distances among some inhabited cells, shape (k, k)."""
        if not self._small:
            return walk_matrix(self._ground, cells)
        at = self._place[cells]
        new = at[~self._known[at]]
        self._rows[new] = walk_rows(self._ground, self._member[new], self._member)
        self._known[new] = True
        return self._rows[np.ix_(at, at)].astype(np.float64)


class _Shortener:
    """A plan under way: its walks, which parts were given up, which pairs failed as they are.

    Attributes
    ----------
    part : int32, shape (n_cells,)
    walk : float64, shape (n_parts,), metres
    """

    def __init__(
        self, ground: WalkGround, max_walk_m: float, referee: Referee, part: NDArray[np.int32]
    ) -> None:
        self.part = part
        self._ground, self._limit, self._referee = ground, max_walk_m, referee
        self._table = _Table(ground)
        n_parts = referee.problem.n_parts
        self.walk, _ = greatest_walks(ground, part, n_parts)
        self._version = np.zeros(n_parts, np.int64)
        self._failed: set[tuple[int, int, int, int]] = set()
        self._given_up: set[int] = set()

    def longest(self) -> int:
        """Return the part with the greatest walk over the limit that was not given up; -1: none."""
        for p in np.argsort(-self.walk, kind="stable").tolist():
            if self.walk[p] <= self._limit:
                return -1
            if p not in self._given_up:
                return int(p)
        return -1

    def shorten(self, p: int) -> None:
        """Redraw a part with the neighbour with which that shortens both most, or give it up."""
        best: tuple[float, int, NDArray[np.int32], tuple[float, float]] | None = None
        neighbors = _neighbors(self._referee, self.part, p)
        for q in neighbors:
            key = (min(p, q), max(p, q), int(self._version[min(p, q)]), int(self._version[max(p, q)]))
            found = None if key in self._failed else self._redraw(p, q)
            if found is None or found[0] <= 1.0:
                self._failed.add(key)
            elif best is None or found[0] > best[0] + 1e-9:
                best = (found[0], q, found[1], found[2])
        if best is None:
            self._given_up.add(p)
            return
        _, q, self.part, pair = best
        self.walk[p], self.walk[q] = pair
        self._version[[p, q]] += 1
        self._given_up.difference_update([p, q, *neighbors, *_neighbors(self._referee, self.part, q)])

    def _excess(self, walk_m: float) -> float:
        return max(0.0, float(walk_m) - self._limit)

    def _redraw(self, p: int, q: int) -> tuple[float, NDArray[np.int32], tuple[float, float]] | None:
        """Find the best new line between two parts; return the metres over the limit that it saves, plan and walks."""
        referee = self._referee
        cells = np.flatnonzero((self.part == p) | (self.part == q))
        member = np.flatnonzero(self._ground.inhabited[cells])
        if not 2 <= len(member) <= _MOST_MEMBERS:
            return None
        matrix = self._table.among(cells[member])
        in_p = self.part[cells[member]] == p
        local = subgraph(referee.links, cells)
        best: tuple[tuple[float, float], NDArray[np.int32], tuple[float, float]] | None = None
        for a, b in _seeds(matrix, in_p):
            side = _spread_out(matrix[a] - matrix[b], member, local.indptr, local.indices)
            for first in _lines(referee, self.part[cells] == p, cells, local, side):
                new = first[member]
                pair = (_longest(matrix, new), _longest(matrix, ~new))
                key = (self._excess(pair[0]) + self._excess(pair[1]), max(pair))
                if best is None or key < best[0]:
                    after = self.part.copy()
                    after[cells] = np.where(first, p, q)
                    if referee.may(self.part, after, dearer_m=_DEARER * referee.problem.usual_price):
                        best = (key, after, pair)
        if best is None:
            return None
        before = self._excess(self.walk[p]) + self._excess(self.walk[q])
        return before - best[0][0], best[1], best[2]


def _neighbors(referee: Referee, part: NDArray[np.int32], p: int) -> list[int]:
    """List the parts that hang together with a part, ascending."""
    links = referee.links
    cells = np.flatnonzero(part == p)
    slots = np.concatenate([np.arange(links.indptr[c], links.indptr[c + 1]) for c in cells.tolist()])
    found = np.unique(part[links.indices[slots]])
    return [int(q) for q in found.tolist() if q != p]


def _longest(matrix: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    return float(matrix[np.ix_(chosen, chosen)].max(initial=0.0))


def _seeds(matrix: NDArray[np.float64], in_p: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """List pairs of far members to draw lines between: of both parts, of the first, and the middles of both."""
    pairs = [np.unravel_index(int(np.argmax(matrix)), matrix.shape)]
    own = np.flatnonzero(in_p)
    if len(own) > 1:
        a, b = np.unravel_index(int(np.argmax(matrix[np.ix_(own, own)])), (len(own), len(own)))
        pairs.append((own[a], own[b]))
    if 0 < len(own) < len(in_p):
        rest = np.flatnonzero(~in_p)
        middle = [each[int(np.argmin(matrix[np.ix_(each, each)].max(axis=1)))] for each in (own, rest)]
        pairs.append((middle[0], middle[1]))
    return [(int(a), int(b)) for a, b in pairs if a != b]


@njit
def _spread_out(
    value: NDArray[np.float64], member: NDArray[np.int64], indptr: NDArray[np.int64], indices: NDArray[np.int32]
) -> NDArray[np.float64]:  # fmt: skip
    """Give cells where nobody lives the value of the inhabited cell that they are reached from first."""
    n = len(indptr) - 1
    result, known = np.zeros(n), np.zeros(n, np.bool_)
    queue = np.empty(n, np.int64)
    n_known = len(member)
    for k in range(n_known):
        queue[k] = member[k]
        result[member[k]] = value[k]
        known[member[k]] = True
    head = 0
    while head < n_known:
        cell = queue[head]
        head += 1
        for e in range(indptr[cell], indptr[cell + 1]):
            other = indices[e]
            if not known[other]:
                known[other] = True
                result[other] = result[cell]
                queue[n_known] = other
                n_known += 1
    return result


def _lines(
    referee: Referee, in_p: NDArray[np.bool_], cells: NDArray[np.int64], local: AdjacencyGraph,
    side: NDArray[np.float64],
) -> list[NDArray[np.bool_]]:  # fmt: skip
    """Cut two parts at several places of an order of their cells, sides in one piece; say what the first part is."""
    order = np.argsort(side, kind="stable")
    weight = referee.problem.weights[cells, 0]
    total = float(weight.sum())
    running = np.cumsum(weight[order])
    low, high = float(referee.problem.minimum[0]), float(referee.problem.maximum[0])
    least, most = max(low, total - high), min(high, total - low)
    if least > most:
        least, most = 0.4 * total, 0.6 * total
    found: dict[bytes, NDArray[np.bool_]] = {}
    for goal in np.linspace(least, most, _CUTS).tolist():
        n_first = int(np.searchsorted(running, goal, side="right"))
        first = np.zeros(len(cells), dtype=bool)
        first[order[:n_first]] = True
        first = _in_one_piece(local, first, weight)
        if first.any() and not first.all():
            # Each side keeps the number of the part that it shares more with.
            same = weight[first == in_p].sum() >= weight[first != in_p].sum()
            first = first if same else ~first
            found.setdefault(first.tobytes(), first)
    return list(found.values())


def _in_one_piece(
    graph: AdjacencyGraph, first: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Give the lesser pieces of one side, and then of the other, to the opposite side."""
    result = first.copy()
    for value in (True, False):
        label = part_component_labels(graph, result.astype(np.int32))
        inside = result == value
        total = np.bincount(label[inside], weights=weight[inside] + 1e-6)
        if len(total):
            result[inside & (label != np.argmax(total))] = not value
    return result
