"""Greatest walking distance inside a grid, as a bound.

The search does not know it; what it leaves over the bound is mended afterwards (`post`): each part that is too long on
foot is drawn anew together with a neighbour, along the line where one end of it becomes nearer than the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.components import component_labels, subgraph
from gis_core.graph.walks import WalkGround, greatest_walks, walk_matrix
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.constraints._moves import Referee
from gis_core.partition.problem import Problem

__all__ = ["MaxWalk"]

#: Rounds over all parts that are too long.
_ROUNDS = 6
#: Places where the line between two parts is tried, and what a better line may cost, in borders of a usual part.
_CUTS, _DEARER = 9, 4.0
#: Members of two parts beyond which they are not drawn anew: the matrix of their distances would be too large.
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
        """Return what is left of it for the subgraph of these cells; streets outside of it stay."""
        return replace(self, ground=self.ground.of_members(cell_ix))

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
        referee = Referee(problem)
        walk, _ = greatest_walks(self.ground, part, problem.n_parts)
        given_up: set[int] = set()
        for _ in range(_ROUNDS * problem.n_parts):
            long = [p for p in np.argsort(-walk, kind="stable").tolist() if walk[p] > self.max_walk_m]
            long = [p for p in long if p not in given_up]
            if not long:
                break
            changed = self._shorten(referee, part, walk, long[0])
            if changed:
                given_up.difference_update(changed)
            else:
                given_up.add(long[0])
        return part

    def _shorten(
        self, referee: Referee, part: NDArray[np.int32], walk: NDArray[np.float64], p: int
    ) -> list[int]:
        """Redraw a part with the neighbour that makes it shortest; return the parts around, none where it fails."""
        best: tuple[float, int, NDArray[np.int32], tuple[float, float]] | None = None
        before = part.copy()
        neighbors = _neighbors(referee, part, p)
        for q in neighbors:
            found = self._redraw(referee, before, p, q)
            if found is None:
                continue
            excess, after, pair = found
            gain = self._excess(walk[p]) + self._excess(walk[q]) - excess
            if gain > 1.0 and (best is None or gain > best[0] + 1e-9):
                best = (gain, q, after, pair)
        if best is None:
            return []
        _, q, after, pair = best
        part[:] = after
        walk[p], walk[q] = pair
        return [p, q, *neighbors, *_neighbors(referee, part, q)]

    def _excess(self, walk_m: float) -> float:
        return max(0.0, float(walk_m) - self.max_walk_m)

    def _redraw(
        self, referee: Referee, part: NDArray[np.int32], p: int, q: int
    ) -> tuple[float, NDArray[np.int32], tuple[float, float]] | None:
        """Find the best new line between two parts; return what is then over the bound, the plan, and both walks."""
        cells = np.flatnonzero((part == p) | (part == q))
        member = np.flatnonzero(self.ground.inhabited[cells])
        if not 2 <= len(member) <= _MOST_MEMBERS:
            return None
        matrix = walk_matrix(self.ground, cells[member])
        in_p = part[cells[member]] == p
        local = subgraph(referee.links, cells)
        best: tuple[float, float, NDArray[np.int32], tuple[float, float]] | None = None
        for a, b in _seeds(matrix, in_p):
            side = _spread_out(matrix[a] - matrix[b], member, local)
            for after in _lines(referee, part, cells, local, side, p, q):
                new = after[cells[member]] == p
                pair = (_longest(matrix, new), _longest(matrix, ~new))
                excess = self._excess(pair[0]) + self._excess(pair[1])
                key = (excess, max(pair))
                if best is None or key < best[:2]:
                    limit = _DEARER * referee.problem.usual_price
                    if referee.may(part, after, dearer_m=limit):
                        best = (*key, after, pair)
        return None if best is None else (best[0], best[2], best[3])


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


def _spread_out(
    value: NDArray[np.float64], member: NDArray[np.int64], graph: AdjacencyGraph
) -> NDArray[np.float64]:
    """Give cells where nobody lives the value of the inhabited cell that they are reached from first."""
    result = np.full(graph.n_cells, np.nan)
    result[member] = value
    queue = member.tolist()
    for cell in queue:
        for other in graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]].tolist():
            if np.isnan(result[other]):
                result[other] = result[cell]
                queue.append(other)
    return np.nan_to_num(result)


def _lines(
    referee: Referee, part: NDArray[np.int32], cells: NDArray[np.int64], local: AdjacencyGraph,
    side: NDArray[np.float64], p: int, q: int,
) -> list[NDArray[np.int32]]:  # fmt: skip
    """Cut two parts at several places of an order of their cells; both ways round, each side in one piece."""
    order = np.argsort(side, kind="stable")
    weight = referee.problem.weights[cells, 0]
    total = float(weight.sum())
    running = np.cumsum(weight[order])
    low, high = float(referee.problem.minimum[0]), float(referee.problem.maximum[0])
    least, most = max(low, total - high), min(high, total - low)
    if least > most:
        least, most = 0.4 * total, 0.6 * total
    plans = []
    for goal in np.linspace(least, most, _CUTS).tolist():
        n_first = int(np.searchsorted(running, goal, side="right"))
        first = np.zeros(len(cells), dtype=bool)
        first[order[:n_first]] = True
        first = _in_one_piece(local, first, weight)
        if not first.any() or first.all():
            continue
        # The first side keeps the number of the part that it shares more with.
        own = part[cells] == p
        one, other = (p, q) if weight[first & own].sum() >= weight[first & ~own].sum() else (q, p)
        after = part.copy()
        after[cells] = np.where(first, one, other)
        plans.append(after)
    return plans


def _in_one_piece(
    graph: AdjacencyGraph, first: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Give the lesser pieces of one side, and then of the other, to the opposite side."""
    result = first.copy()
    for value in (True, False):
        chosen = np.flatnonzero(result == value)
        if not len(chosen):
            continue
        label = component_labels(subgraph(graph, chosen))
        total = np.bincount(label, weights=weight[chosen] + 1e-6)
        result[chosen[label != np.argmax(total)]] = not value
    return result
