"""Why bounds cannot be met: reasons that are proved, and an honest one where no proof was found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.articulation import find_pockets, pocket_cells
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.counts import count_range
from gis_core.partition.objective import Bounds, violation

__all__ = ["Piece", "explain_piece", "forced_gates", "number", "total_reason"]

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
    """

    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    cell_ix: NDArray[np.int64]
    n_parts: int
    part: NDArray[np.int32]
    tries: int
    late: bool


def number(value: float) -> str:
    """Write a weight for a sentence: thousands with commas, no decimals where it is whole."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _grids(count: int) -> str:
    return f"{count:,} grid" if count == 1 else f"{count:,} grids"


def _households(count: float) -> str:
    return f"{number(count)} household" if count == 1 else f"{number(count)} households"


def _gap(total: float, bounds: Bounds) -> str | None:
    """Say why no number of parts fits a total; None where one does."""
    least, most = count_range(total, bounds)
    if least <= most:
        return None
    if most < 1:
        return f"fewer than the minimum of {number(bounds.minimum)}"
    return (
        f"too many for {_grids(most)} of at most {number(bounds.maximum)} and too few for {_grids(most + 1)} of at "
        f"least {number(bounds.minimum)}"
    )


def _first(cells: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(cell) for cell in cells[:_MOST_CELLS])


def total_reason(code: str, total: float, n_parts: int, bounds: Bounds, *, asked: bool) -> Infeasible | None:
    """Say why the total of a boundary polygon cannot be shared inside the bounds; None where it can."""
    if total == 0:
        if bounds.minimum <= 0:
            return None
        reason = (
            f"{code!r} has no households, so that its grid is below the minimum of {number(bounds.minimum)}."
        )
        return Infeasible("boundary-total", code, reason)
    gap = _gap(total, bounds)
    if gap is not None:
        return Infeasible("boundary-total", code, f"{code!r} has {_households(total)}, {gap}.")
    least, most = count_range(total, bounds)
    if asked and not least <= n_parts <= most:
        side = "above the maximum" if n_parts < least else "below the minimum"
        limit = bounds.maximum if n_parts < least else bounds.minimum
        reason = (
            f"The number of grids asked for gives {code!r} {_grids(n_parts)} for {_households(total)}, "
            f"{number(round(total / n_parts, 1))} on average, {side} of {number(limit)}."
        )
        return Infeasible("boundary-total", code, reason)
    return None


def forced_gates(
    graph: AdjacencyGraph, weight: NDArray[np.float64], bounds: Bounds
) -> list[tuple[int, float, NDArray[np.int64]]]:
    """Find cells whose part must be above the maximum if all other parts are to be inside the bounds.

    Parts that do not hold the gate lie in one pocket behind it. So many of them fit into a pocket of weight W
    as leave at least W - m * maximum (m the greatest number with m * minimum <= W) to the part of the gate.

    Returns
    -------
    list of (gate, least weight of its part, cells of the pockets that it must take whole)
        Gates that are above the maximum alone are not among them.
    """
    pockets = find_pockets(graph, weight)
    rooms = (
        np.floor(pockets.weight / bounds.minimum + 1e-9)
        if bounds.minimum > 0
        else np.full(len(pockets.weight), np.inf)
    )
    with np.errstate(invalid="ignore"):
        rest = np.where(np.isinf(rooms), 0.0, np.maximum(0.0, pockets.weight - rooms * bounds.maximum))
    load = np.bincount(pockets.gate_ix, weights=rest, minlength=graph.n_cells) + weight
    gates = np.flatnonzero((load > bounds.maximum) & (weight <= bounds.maximum))
    found = []
    for gate in gates.tolist():
        rows = np.flatnonzero((pockets.gate_ix == gate) & (rest > 0) & (rooms < 1))
        behind = [pocket_cells(graph, gate, int(pockets.entry_ix[row])) for row in rows]
        cells = np.concatenate(behind) if behind else np.zeros(0, np.int64)
        found.append((gate, float(load[gate]), cells))
    return found


def explain_piece(
    piece: Piece,
    code: str,
    bounds: Bounds,
    *,
    heavy_names: Mapping[int, str],
    alone: bool,
    asked: bool,
    total_explained: bool,
) -> list[Infeasible]:
    """Give the reasons for the parts of one piece that are out of bounds; proved ones first.

    Parameters
    ----------
    piece : Piece
    code : str
        Code of the boundary polygon.
    bounds : Bounds
    heavy_names : mapping
        Names of cells above the maximum, by `cell_ix`; those that are known.
    alone : bool
        Whether the piece is all of the polygon that holds households.
    asked : bool
        Whether the number of grids was asked for.
    total_explained : bool
        Whether the polygon's total has been given as the reason already.
    """
    part_weight = np.bincount(piece.part, weights=piece.weight, minlength=piece.n_parts).astype(np.float64)
    out = set(np.flatnonzero(violation(part_weight, bounds) > 0).tolist())
    if not out:
        return []
    total = float(piece.weight.sum())
    reasons: list[Infeasible] = []
    if alone and total_explained:
        out.clear()
    elif not alone:
        reason = _piece_reason(piece, code, total, bounds, asked=asked)
        if reason is not None:
            reasons.append(reason)
            out.clear()
    heavy = np.flatnonzero(piece.weight > bounds.maximum)
    for cell in heavy.tolist():
        ix = int(piece.cell_ix[cell])
        name = (
            f"The cell of building {heavy_names[ix]} in {code!r}"
            if ix in heavy_names
            else f"One cell of {code!r}"
        )
        sentence = (
            f"{name} holds {_households(float(piece.weight[cell]))}, more than the maximum of "
            f"{number(bounds.maximum)}; divide the building or raise the maximum."
        )
        reasons.append(Infeasible("heavy-cell", f"{code}: cell {ix}", sentence, (ix,)))
        out.discard(int(piece.part[cell]))
    if out:
        reasons += _pocket_reasons(piece, code, bounds, out)
    if out:
        reasons.append(_not_found(piece, code, part_weight, bounds, out))
    return reasons


def _piece_reason(piece: Piece, code: str, total: float, bounds: Bounds, *, asked: bool) -> Infeasible | None:
    """Say why the total of a separate piece cannot be shared inside the bounds; None where it can."""
    where = f"{code}: piece at cell {int(piece.cell_ix[0])}"
    least, most = count_range(total, bounds)
    head = f"The piece of {_households(total)} is cut off from the rest of {code!r} and "
    if least > most:
        if most < 1:
            tail = f"below the minimum of {number(bounds.minimum)}."
        else:
            tail = (
                f"is too large for {_grids(most)} of at most {number(bounds.maximum)} and too small for "
                f"{_grids(most + 1)} of at least {number(bounds.minimum)}."
            )
        return Infeasible("piece-total", where, head + tail, _first(piece.cell_ix))
    if asked and not least <= piece.n_parts <= most:
        side = "above the maximum" if piece.n_parts < least else "below the minimum"
        limit = bounds.maximum if piece.n_parts < least else bounds.minimum
        tail = (
            f"gets {_grids(piece.n_parts)} of the number asked for, {number(round(total / piece.n_parts, 1))} on "
            f"average, {side} of {number(limit)}."
        )
        return Infeasible("piece-total", where, head + tail, _first(piece.cell_ix))
    return None


def _pocket_reasons(piece: Piece, code: str, bounds: Bounds, out: set[int]) -> list[Infeasible]:
    """Prove that gates and their pockets force a part out of bounds; take those parts from `out`."""
    reasons = []
    for gate, load, behind in forced_gates(piece.graph, piece.weight, bounds):
        touched = {int(p) for p in piece.part[np.append(behind, gate)]} & out
        if not touched:
            continue
        out -= touched
        reasons.append(
            Infeasible(
                "pocket",
                f"{code}: cell {int(piece.cell_ix[gate])}",
                f"In {code!r}, what lies behind one cell can be reached only through it, and the grid of that cell "
                f"needs at least {_households(math.ceil(load - 1e-9))} if no grid is to be below "
                f"{number(bounds.minimum)}, more than the maximum of {number(bounds.maximum)}.",
                _first(piece.cell_ix[np.append(gate, behind).astype(np.int64)]),
            )
        )
    return reasons


def _not_found(
    piece: Piece, code: str, part_weight: NDArray[np.float64], bounds: Bounds, out: set[int]
) -> Infeasible:
    """Say that the search found no plan inside the bounds, without claiming that there is none."""
    worst = max(sorted(out), key=lambda p: float(violation(part_weight[p : p + 1], bounds)[0]))
    cells = piece.cell_ix[piece.part == worst]
    count = f"1 of {_grids(piece.n_parts)}" if len(out) == 1 else f"{len(out)} of {_grids(piece.n_parts)}"
    head = f"{count} of {code!r} {'is' if len(out) == 1 else 'are'} outside the bounds, the worst with "
    head += f"{_households(float(part_weight[worst]))}: "
    tail = (
        "the time limit stopped the search; raise it."
        if piece.late
        else f"no plan inside the bounds was found in {piece.tries:,} tries; none of the provable reasons applies."
    )
    return Infeasible("not-found", f"{code}: cell {int(cells[0])}", head + tail, _first(cells))
