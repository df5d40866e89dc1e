"""Cells that are shut in by others which cannot be in their grid, with too little left for a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gis_core.model import Infeasible
from gis_core.partition.certify.demands import Demand
from gis_core.partition.certify.words import Piece, households, listed, number
from gis_core.partition.objective import Bounds

__all__ = ["shut_in"]

#: Up to so many cells every cell is looked at; in larger graphs only those beside a wall.
_ALL_CELLS = 2_000
_MOST_REASONS = 5
_TINY = 1e-9


@dataclass(slots=True)
class _Walls:
    """Which cells cannot share a part with which.

    Attributes
    ----------
    apart : dict
        Cells that are to stay apart, and seeds.
    names : dict
        What seeds are called.
    sums : list of (what it is the sum of, values, maximum)
        Two cells above the maximum together cannot share a part either.
    """

    apart: dict[int, set[int]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    sums: list[tuple[str, NDArray[np.float64], float]] = field(default_factory=list)

    @classmethod
    def of(cls, piece: Piece, bounds: Bounds, demands: Sequence[Demand]) -> _Walls:
        found = cls(sums=[("households", piece.weight, bounds.maximum)])
        for each in demands:
            for a, b in each.apart:
                found.apart.setdefault(a, set()).add(b)
                found.apart.setdefault(b, set()).add(a)
            if each.limit is None:
                continue
            cells = np.flatnonzero(each.limit[0] > 0).tolist()
            if not each.seeds:
                if math.isfinite(each.limit[2]):
                    found.sums.append((each.sum_of, each.limit[0], each.limit[2]))
            elif len(cells) <= piece.n_parts:
                found.names.update(
                    {cell: f"the seed {name}" for cell, name in zip(cells, each.names, strict=True)}
                )
                for cell in cells:
                    found.apart.setdefault(cell, set()).update(set(cells) - {cell})
        return found

    def looked_at(self, piece: Piece) -> list[int]:
        """Return the cells that may be shut in, ascending."""
        graph = piece.graph
        chosen = set(self.apart)
        owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
        for _, values, high in self.sums:
            if float(values.max(initial=0.0)) <= high / 2:
                continue
            beside = values[owner] + values[graph.indices] > high * (1 + _TINY)
            chosen |= set(owner[beside].tolist())
            if graph.n_cells <= _ALL_CELLS:
                chosen |= set(np.flatnonzero(values + values.max() > high * (1 + _TINY)).tolist())
        return sorted(chosen)

    def around(self, cell: int) -> set[int]:
        """Return the cells that cannot share a part with one."""
        found = set(self.apart.get(cell, ()))
        for _, values, high in self.sums:
            if values[cell] > 0:
                found |= set(np.flatnonzero(values + values[cell] > high * (1 + _TINY)).tolist())
        return found - {cell}


def shut_in(piece: Piece, code: str, bounds: Bounds, demands: Sequence[Demand] = ()) -> list[Infeasible]:
    """Name cells that others wall in, and the fewest of those that leave too little for a grid.

    Parameters
    ----------
    piece : Piece
        Without cells above a maximum.
    code : str
    bounds : Bounds
    demands : sequence of Demand

    Returns
    -------
    list of Infeasible
        True for every plan; the first few.
    """
    if bounds.minimum <= 0:
        return []
    walls = _Walls.of(piece, bounds, demands)
    found: list[Infeasible] = []
    told: set[int] = set()
    for cell in walls.looked_at(piece):
        around = walls.around(cell)
        if cell in told or not around:
            continue
        pocket = _pocket(piece, cell, around, bounds.minimum)
        if pocket is None:
            continue
        for wall in sorted(around):
            smaller = _pocket(piece, cell, around - {wall}, bounds.minimum)
            if smaller is not None:
                around, pocket = around - {wall}, smaller
        if not around:
            # Too little even without walls: told by the total.
            continue
        told |= set(pocket) | around
        found.append(_reason(piece, code, bounds, walls, cell, sorted(around), pocket))
        if len(found) == _MOST_REASONS:
            break
    return found


def _pocket(piece: Piece, cell: int, walls: set[int], minimum: float) -> list[int] | None:
    """Return what can be reached from a cell without passing walls; None where that is enough for a part."""
    graph, weight = piece.graph, piece.weight
    seen, stack, held = {cell}, [cell], float(weight[cell])
    while stack:
        if held >= minimum - _TINY * max(1.0, minimum):
            return None
        one = stack.pop()
        for other in graph.indices[graph.indptr[one] : graph.indptr[one + 1]].tolist():
            if other not in seen and other not in walls:
                seen.add(other)
                stack.append(other)
                held += float(weight[other])
    return None if held >= minimum - _TINY * max(1.0, minimum) else sorted(seen)


def _reason(
    piece: Piece, code: str, bounds: Bounds, walls: _Walls, cell: int, around: list[int], pocket: list[int]
) -> Infeasible:
    """Say who is shut in by whom, why they cannot share a grid, and what is left."""

    def name(one: int) -> str:
        return walls.names.get(one, f"cell {int(piece.cell_ix[one])}")

    held = float(piece.weight[pocket].sum())
    blamed = tuple(int(piece.cell_ix[one]) for one in (cell, *around))
    lower = f"lower the minimum to {number(math.floor(held + _TINY))} or less"
    wished = [one for one in around if one in walls.apart.get(cell, ())]
    other = "another grid" if len(around) == 1 else "other grids"
    if wished:
        why = f"which must be in {other}"
        mend = f"Take one of them out or move it, or {lower}."
        kind = "seeds" if cell in walls.names else "apart"
    else:
        of, sums, high = next(
            each for each in walls.sums if any(each[1][one] + each[1][cell] > each[2] for one in around)
        )
        both = number(math.ceil(min(float(sums[one] + sums[cell]) for one in around)))
        main = of == "households"
        said, which = (f"{both} households", "") if main else (f"{both} of {of}", f" of {of}")
        why = f"too heavy to share a grid with it ({said} together, the maximum is {number(high)})"
        mend = f"Raise the maximum{which} to {both} or more, or {lower}."
        kind = "pocket" if main else "weights"
    reason = (
        f"In {code!r}, {name(cell)} is shut in by {listed([name(one) for one in around])}, {why}: what is left for its "
        f"grid has {households(held)}, fewer than the minimum of {number(bounds.minimum)}."
    )
    return Infeasible(kind, f"{code}: cell {blamed[0]}", reason, blamed[:20], mend)
