"""What a solver works on: one connected graph with prices, weights and bounds, which constraints may change.

A constraint says what it wants by changing these arrays before the search begins (`apply`), and tells afterwards
what a plan breaks (`broken`). The kernels know prices, links, weights with bounds, and homes; nothing else.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from gis_core.errors import ParameterError
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.state import Far, Level

__all__ = ["Constraint", "Problem", "pair_rows"]


class Problem:
    """One connected graph, and what is asked of its parts.

    Attributes
    ----------
    graph : AdjacencyGraph
        n cells, m adjacencies; never changed.
    n_parts : int
    price : float64, shape (2 m,), metres
        Price of each adjacency as a border, in the order of `graph.indices`; negative: the border is wished for.
        Both directions must stay equal (see `scale_price`).
    link : bool, shape (2 m,)
        Whether a part may hang together through the adjacency; the same in both directions.
    weights : float64, shape (n, n_weights)
        The first column is what is balanced; all are held inside their bounds.
    minimum, maximum : float64, shape (n_weights,)
    home : int32, shape (n,)
        Part (0 to n_parts - 1) that each cell should stay in; -1: none.
    stay : float64, shape (n,), metres
        Price of a cell outside its home.
    """

    def __init__(
        self,
        graph: AdjacencyGraph,
        weight: NDArray[np.float64],
        *,
        n_parts: int,
        bounds: tuple[float, float],
        price: NDArray[np.float64],
    ) -> None:
        n = graph.n_cells
        self.graph = graph
        self.n_parts = n_parts
        self.price = np.array(price, dtype=np.float64)
        self.link = np.ones(len(graph.indices), dtype=bool)
        self.weights = np.array(weight, dtype=np.float64).reshape(n, 1)
        self.minimum, self.maximum = np.array([bounds[0]], np.float64), np.array([bounds[1]], np.float64)
        self.home, self.stay = np.full(n, -1, np.int32), np.zeros(n)
        self._pairs: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []

    @property
    def owner(self) -> NDArray[np.int64]:
        """The cell in whose row each adjacency stands; int64, shape (2 m,)."""
        return np.repeat(np.arange(self.graph.n_cells), np.diff(self.graph.indptr))

    @property
    def usual_price(self) -> float:
        """Price of the border of a usual part, in metres: what a strong wish should cost several times over."""
        n = max(1, self.graph.n_cells)
        return float(np.abs(self.price).sum()) / max(1.0, n / self.n_parts) ** 0.5 / self.n_parts

    def add_weight(self, values: NDArray[np.floating], minimum: float, maximum: float) -> None:
        """Hold one more sum of every part inside bounds.

        Parameters
        ----------
        values : shape (n,), 0 or more
        minimum, maximum : float
            In the unit of `values`; the maximum may be infinite.

        Raises
        ------
        ParameterError
            Where the values or bounds cannot be used.
        """
        column = np.asarray(values, dtype=np.float64)
        if column.shape != (self.graph.n_cells,) or not np.isfinite(column).all() or (column < 0).any():
            raise ParameterError("A weight needs one number of 0 or more for every cell.")
        if not 0 <= minimum <= maximum:
            raise ParameterError(f"The bounds {minimum:g} to {maximum:g} of a weight cannot be used.")
        self.weights = np.column_stack([self.weights, column])
        self.minimum, self.maximum = np.append(self.minimum, minimum), np.append(self.maximum, maximum)

    def add_pairs(
        self, left: NDArray[np.integer], right: NDArray[np.integer], price: NDArray[np.float64] | float
    ) -> None:
        """Price pairs of cells, neighbours or not, that end in different parts.

        Parameters
        ----------
        left, right : int, shape (n_pairs,)
        price : float or float64, shape (n_pairs,), metres
            Above 0: the pair should stay together; below 0: it should be parted.
        """
        a, b = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
        self._pairs.append((a, b, np.broadcast_to(np.asarray(price, dtype=np.float64), a.shape).copy()))

    def scale_price(self, chosen: NDArray[np.bool_], factor: float) -> None:
        """Multiply the price of the chosen adjacencies, a mask of shape (2 m,) that is the same both ways."""
        self.price[chosen] *= factor

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """All pairs that were added: left, right, price."""
        if not self._pairs:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        left, right, price = (np.concatenate(column) for column in zip(*self._pairs, strict=True))
        return left, right, price

    def level(self) -> Level:
        """Return the arrays of the kernels: links, far pairs, weights, homes."""
        n, graph = self.graph.n_cells, self.graph
        owner = self.owner
        left, right, price = self.pairs
        cut = ~self.link
        # What does not hang together keeps its price as a border, as do pairs that need not touch.
        a = np.concatenate([owner[cut], left, right])
        b = np.concatenate([graph.indices[cut].astype(np.int64), right, left])
        far = Far(*pair_rows(n, a, b, np.concatenate([self.price[cut], price, price]))) if len(a) else Far()
        if cut.any():
            kept = self.link
            indptr = np.zeros(n + 1, np.int64)
            np.cumsum(np.bincount(owner[kept], minlength=n), out=indptr[1:])
            links = indptr, np.ascontiguousarray(graph.indices[kept]), np.ascontiguousarray(self.price[kept])
        else:
            links = graph.indptr, graph.indices, self.price
        away = (self.home >= 0) & (self.stay > 0)
        home, stay = (self.home, self.stay) if away.any() else (np.zeros(0, np.int32), np.zeros(0))
        return Level(*links, np.ascontiguousarray(self.weights), far, home, stay)


def pair_rows(
    n: int, left: NDArray[np.integer], right: NDArray[np.integer], price: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Sort pairs of cells into rows (CSR); the prices of equal pairs are added.

    Parameters
    ----------
    n : int
        Number of cells.
    left, right : int, shape (k,)
    price : float64, shape (k,)

    Returns
    -------
    indptr : int64, shape (n + 1,)
    indices : int32
        Ascending in each row.
    price : float64
    """
    rows = coo_array((price, (left, right)), shape=(n, n)).tocsr()
    return rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data.astype(np.float64)


class Constraint(Protocol):
    """One thing that is asked of a plan; a frozen dataclass in a module of `constraints`."""

    name: ClassVar[str]

    def restrict(self, cell_ix: NDArray[np.int64]) -> Constraint:
        """Return what is left of it for the subgraph of these cells, in the numbering of that subgraph."""

    def apply(self, problem: Problem) -> None:
        """Change the arrays of a problem so that the search obeys."""

    def broken(self, graph: AdjacencyGraph, assignment: NDArray[np.integer]) -> list[Infeasible]:
        """Say what a finished plan breaks, one clear sentence each; nothing where it is obeyed."""
