"""How a connected graph hangs together at single cells, and what part weights that allows: a relaxation that is true.

A cell whose loss cuts the graph (a gate) holds the pockets behind it together. The part of the gate takes from each
pocket what the parts inside the pocket leave over. Going up the tree of blocks (Hopcroft and Tarjan 1973,
doi:10.1145/362248.362272) from its leaves, this module carries the possible numbers of finished parts and the
possible weight left over as a few boxes, each a superset of what is possible: where no box stays, there is no plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit
from gis_core.graph.articulation import depth_first
from gis_core.model import AdjacencyGraph

__all__ = ["BOXES_A_SECOND", "BlockTree", "Verdict", "Work", "block_tree", "judge"]

#: (fewest, most) finished parts and (least, greatest) weight of the part still open.
Box = tuple[int, int, float, float]
#: More boxes than this are merged with their neighbours: less sharp, still true.
_MOST_BOXES = 48
#: Boxes that are handled in about a second.
BOXES_A_SECOND = 300_000


@dataclass(slots=True)
class Work:
    """Work that is left, counted and not timed, so that the answers are the same on every machine.

    Attributes
    ----------
    boxes : float
        What is used is taken from it.
    """

    boxes: float

    @classmethod
    def of_seconds(cls, seconds: float) -> Work:
        """Return about so many seconds of work, none where there are none."""
        return cls(max(0.0, seconds) * BOXES_A_SECOND)


@dataclass(frozen=True, slots=True)
class BlockTree:
    """Blocks of a connected graph as a tree: leaves first, each hanging on its gate.

    Attributes
    ----------
    root : int
    gate : int64, shape (n_blocks,)
        The cell that joins the block to what is above.
    entry : int64, shape (n_blocks,)
        One cell of the block other than the gate.
    size : int64, shape (n_blocks,)
        Cells of the block other than the gate.
    plain : float64, shape (n_blocks,)
        Weight of those of them that are no gates.
    gates_in : list of list of int
        The others: gates of blocks further down.
    behind : float64, shape (n_blocks,)
        All weight that the gate cuts off: of the block, but for the gate, and of the blocks further down.
    weight : float64, shape (n_cells,)
    """

    root: int
    gate: NDArray[np.int64]
    entry: NDArray[np.int64]
    size: NDArray[np.int64]
    plain: NDArray[np.float64]
    behind: NDArray[np.float64]
    gates_in: list[list[int]]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the pockets allow.

    Attributes
    ----------
    counts : tuple of (int, int)
        Ranges of numbers of parts that are not ruled out, ascending, apart; empty: no number is possible.
    stuck_at : int
        The cell at which nothing was left (the deepest found first); -1 where `counts` is not empty.
    """

    counts: tuple[tuple[int, int], ...]
    stuck_at: int = -1

    def allows(self, count: int) -> bool:
        """Tell whether a number of parts is not ruled out."""
        return any(low <= count <= high for low, high in self.counts)


@njit
def _block_of(
    order: NDArray[np.int32], parent: NDArray[np.int32], low: NDArray[np.int32], entered: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return for each cell the entry of the block that joins it to its parent (-1: root)."""
    block = np.full(len(order), -1, np.int64)
    for cell in order:
        above = parent[cell]
        if above >= 0:
            block[cell] = cell if low[cell] >= entered[above] else block[above]
    return block


@njit
def _behind(
    gate: NDArray[np.int64],
    above: NDArray[np.int64],
    plain: NDArray[np.float64],
    is_gate: NDArray[np.bool_],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum what hangs on the gate of each block, leaves first; `above` is the block that each cell is in."""
    behind = plain.copy()
    for cell in range(len(weight)):
        if is_gate[cell] and above[cell] >= 0:
            behind[above[cell]] += weight[cell]
    for i in range(len(gate)):
        if above[gate[i]] >= 0:
            behind[above[gate[i]]] += behind[i]
    return behind


def block_tree(graph: AdjacencyGraph, weight: NDArray[np.float64], root: int = 0) -> BlockTree:
    """Build the tree of blocks of a connected graph with at least one cell.

    Notes
    -----
    Linear in cells and adjacencies.
    """
    order, entered, parent, low = depth_first(graph, root)
    block = _block_of(order, parent, low, entered)
    n = graph.n_cells
    entries = np.flatnonzero(block == np.arange(n))
    entries = entries[np.argsort(-entered[entries], kind="stable")]
    gate = parent[entries].astype(np.int64)
    is_gate = np.zeros(n, dtype=bool)
    is_gate[gate] = True
    member = np.flatnonzero(block >= 0)
    plain = np.bincount(
        block[member], weights=np.where(is_gate[member], 0.0, weight[member]), minlength=n
    ).astype(np.float64)
    size = np.bincount(block[member], minlength=n)
    place = np.full(n, -1, np.int64)
    place[entries] = np.arange(len(entries))
    gates_in: list[list[int]] = [[] for _ in entries]
    for cell in member[is_gate[member]].tolist():
        gates_in[place[block[cell]]].append(cell)
    behind = _behind(gate, np.where(block >= 0, place[block], -1), plain[entries], is_gate, weight)
    return BlockTree(root, gate, entries, size[entries], plain[entries], behind, gates_in, weight)


def _merge(boxes: Iterable[Box]) -> list[Box]:
    """Sort boxes, join those with one number of parts that touch, and merge neighbours where there are too many."""
    joined: list[Box] = []
    for box in sorted(set(boxes)):
        if joined and joined[-1][:2] == box[:2] and box[2] <= joined[-1][3]:
            last = joined[-1]
            joined[-1] = (last[0], last[1], last[2], max(last[3], box[3]))
        else:
            joined.append(box)
    while len(joined) > _MOST_BOXES:
        joined = _halved(joined)
    return joined


def _halved(boxes: list[Box]) -> list[Box]:
    """Merge sorted boxes two by two."""
    pairs = [boxes[i : i + 2] for i in range(0, len(boxes), 2)]
    return [
        (
            min(box[0] for box in pair), max(box[1] for box in pair),
            min(box[2] for box in pair), max(box[3] for box in pair),
        )
        for pair in pairs
    ]  # fmt: skip


def _add(left: list[Box], right: list[Box], most: float, room: float) -> list[Box]:
    """Add every box to every other; what is above `most` is left out. At most `room` pairs, fewer boxes for that."""
    while len(left) * len(right) > max(1.0, room):
        left, right = (_halved(left), right) if len(left) >= len(right) else (left, _halved(right))
    if len(left) == len(right) == 1:
        (a,), (b,) = left, right
        least = a[2] + b[2]
        return [(a[0] + b[0], a[1] + b[1], least, min(a[3] + b[3], most))] if least <= most else []
    return _merge(
        (a[0] + b[0], a[1] + b[1], a[2] + b[2], min(a[3] + b[3], most))
        for a in left
        for b in right
        if a[2] + b[2] <= most
    )


def _left_over(pool: Box, size: int, least: float, most: float, room: float, most_boxes: float) -> list[Box]:
    """Finish parts inside a block, and return what that leaves to the part of its gate.

    Parameters
    ----------
    pool : Box
        Parts finished below, and the weight in the block that is not in them.
    size : int
        Cells of the block that can begin a part.
    least, most : float
        Weight of a part.
    room : float
        Weight that the part of the gate can still take.
    most_boxes : float
        As many as this are one.
    """
    below, above, low, high = pool
    found: list[Box] = [(below, above, low, min(high, room))] if low <= room else []
    if size == 1:
        return [*found, (below + 1, above + 1, 0.0, 0.0)] if high >= least and low <= most else found
    first = max(1, math.ceil((low - room) / most))
    last = min(size, math.floor(high / least)) if least > 0 else size
    if last - first >= most_boxes:
        return [*found, (below + first, above + last, 0.0, room)]
    for count in range(first, last + 1):
        rest, limit = max(0.0, low - count * most), min(room, high - count * least)
        if rest <= limit:
            found.append((below + count, above + count, rest, limit))
    return found


class _Pot:
    """The work of one walk, given to its steps as they come: what early ones leave is there for the later ones."""

    def __init__(self, work: Work, steps: int) -> None:
        self.work, self.steps = work, steps

    def _room(self) -> float:
        """Return how many boxes the next step may handle."""
        room = self.work.boxes / max(1, self.steps)
        self.steps -= 1
        return room

    def add(self, left: list[Box], right: list[Box], most: float) -> list[Box]:
        """Do as `_add`."""
        room = self._room()
        self.work.boxes -= max(1.0, min(room, len(left) * len(right)))
        return _add(left, right, most, room)

    def left_over(self, pool: list[Box], size: int, least: float, most: float, room: float) -> list[Box]:
        """Do as `_left_over` for each box."""
        allowed = self._room()
        while len(pool) > max(1.0, allowed):
            pool = _halved(pool)
        most_boxes = max(1.0, min(_MOST_BOXES, allowed / len(pool) - 1))
        found = [box for entry in pool for box in _left_over(entry, size, least, most, room, most_boxes)]
        self.work.boxes -= max(1, len(found))
        return _merge(found)


def judge(tree: BlockTree, least: float, most: float, *, work: Work | None = None) -> Verdict:
    """Tell which numbers of connected parts with weights from `least` to `most` the pockets do not rule out.

    Parameters
    ----------
    tree : BlockTree
    least, most : float
        Both allowed, with a tolerance of 1e-9 of the total.
    work : Work
        Shared by what is still to be walked: where it is short, boxes are merged, so that the verdict is less sharp.
        Exceeded by some boxes for each block at most. None: as much as it takes.

    Returns
    -------
    Verdict
        True for every partition: a number that is not in it is impossible. The reverse does not hold, but for
        trees of whole weights with few boxes.
    """
    slack = 1e-9 * max(1.0, float(tree.weight.sum()))
    least, most = max(0.0, least - slack), most + slack
    # What cannot have a part of its own goes with its gate.
    light = tree.behind < least
    weight = tree.weight + np.bincount(tree.gate[light], tree.behind[light], minlength=len(tree.weight))
    if len(weight) and weight.max() > most:
        return Verdict((), int(weight.argmax()))
    states: dict[int, list[Box]] = {}
    heavy = np.flatnonzero(~light).tolist()
    pot = _Pot(work or Work(math.inf), sum(2 + len(tree.gates_in[i]) for i in heavy))
    for i in heavy:
        gate, size = int(tree.gate[i]), int(tree.size[i])
        own = float(weight[gate])
        plain = float(tree.plain[i] + sum(weight[cell] for cell in tree.gates_in[i] if cell not in states))
        pool: list[Box] = [(0, 0, plain, plain)]
        for cell in tree.gates_in[i]:
            if cell in states:
                pool = pot.add(pool, states.pop(cell), math.inf)
        rest = pot.left_over(pool, size, least, most, most - own)
        state = pot.add(states.get(gate, [(0, 0, own, own)]), rest, most)
        if not state:
            return Verdict((), gate)
        states[gate] = state
    own = float(weight[tree.root])
    closed = [
        (box[0] + 1, box[1] + 1)
        for box in states.get(tree.root, [(0, 0, own, own)])
        if box[3] >= least and box[2] <= most
    ]
    counts: list[tuple[int, int]] = []
    for low, high in sorted(closed):
        if counts and low <= counts[-1][1] + 1:
            counts[-1] = (counts[-1][0], max(counts[-1][1], high))
        else:
            counts.append((low, high))
    return Verdict(tuple(counts), -1 if counts else tree.root)
