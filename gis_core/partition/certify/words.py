"""Numbers and things in the words of planners, and the record that reasons are about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.model import AdjacencyGraph
from gis_core.partition.counts import count_range, counts_to_try, parts_for_total
from gis_core.partition.objective import Bounds

__all__ = [
    "Piece",
    "capital",
    "cell_name",
    "first_cells",
    "grids",
    "households",
    "listed",
    "number",
    "widened",
]

_MOST_CELLS = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One connected piece of a boundary polygon, and how it was cut.

    Attributes
    ----------
    graph : AdjacencyGraph
    weight : float64, shape (n_cells,)
    cell_ix : int64, shape (n_cells,)
        Position of each cell in the numbering of the caller.
    n_parts : int
    part : int32, shape (n_cells,)
    tries : int
        Attempts that were made.
    late : bool
        Whether the time limit stopped the search.
    whole : bool
        Whether it is the whole boundary polygon: no other piece has households, and no part is locked.
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    cell_ix: NDArray[np.int64]
    n_parts: int
    part: NDArray[np.int32]
    tries: int
    late: bool
    whole: bool = True

    def place(self, code: str) -> str:
        """Say inside a sentence what it is: the boundary polygon, or a piece of that."""
        held = households(float(self.weight.sum()))
        return repr(code) if self.whole else f"a piece of {code!r} with {held}"

    @property
    def part_weight(self) -> NDArray[np.float64]:
        """Weight of each part."""
        return np.bincount(self.part, weights=self.weight, minlength=self.n_parts).astype(np.float64)


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def number(value: float) -> str:
    """Write a weight for a sentence: thousands with commas, no decimals where it is whole."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def grids(count: int) -> str:
    """Write a number of grids."""
    return f"{count:,} grid" if count == 1 else f"{count:,} grids"


def households(count: float) -> str:
    """Write a number of households."""
    return f"{number(count)} household" if count == 1 else f"{number(count)} households"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Join names for a sentence, the first few and the number of the others.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 1)
    ('a, b and c', 'a and 2 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def first_cells(cells: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the first cells to zoom to."""
    return tuple(int(cell) for cell in cells[:_MOST_CELLS])


def cell_name(names: Mapping[int, str], cell: int) -> str:
    """Name a cell by its building where that is known."""
    return f"the cell of building {names[cell]}" if cell in names else f"cell {cell}"


def widened(part_weight: NDArray[np.float64], total: float, bounds: Bounds) -> str:
    """Say which bounds the parts of a plan keep, as advice; the number of grids too where the rule gives another.

    True by its making: inside those bounds the plan with these parts lies.
    """
    low, high = math.floor(float(part_weight.min()) + 1e-9), math.ceil(float(part_weight.max()) - 1e-9)
    wide = Bounds(min(bounds.minimum, low), max(bounds.maximum, high))
    said = []
    if high > bounds.maximum:
        said.append(f"raise the maximum to {number(wide.maximum)}")
    if low < bounds.minimum:
        said.append(f"lower the minimum to {number(wide.minimum)}")
    advice = " and ".join(said)
    count = len(part_weight)
    if count not in counts_to_try(parts_for_total(total, wide), *count_range(total, wide)):
        advice += f", and ask for {grids(count)} here"
    return advice
