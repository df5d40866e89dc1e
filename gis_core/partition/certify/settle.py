"""A failed search on a small piece turned into a plan or a proof by the exact solver (extra `exact`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gis_core.model import Infeasible
from gis_core.partition.certify.words import Piece, first_cells, grids, number
from gis_core.partition.counts import count_range, counts_to_try
from gis_core.partition.exact import ExactTask, exact_available, find_within, greatest_minimum, least_maximum
from gis_core.partition.objective import Bounds, violation

__all__ = ["MOST_CELLS", "Settled", "least_change", "proof_reason", "settle_piece"]

#: Larger pieces are not given to the exact solver unasked.
MOST_CELLS = 60


@dataclass(frozen=True, slots=True)
class Settled:
    """What the exact solver says about a piece.

    Attributes
    ----------
    status : {"plan", "none", "open"}
        A plan inside the bounds was found; it was proved that there is none with any of `counts`; neither.
    piece : Piece
        With the plan that was found, else as it came.
    counts : tuple of int
        Numbers of parts that were asked about: all that the total allows, or the one that was asked for.
    """

    status: Literal["plan", "none", "open"]
    piece: Piece
    counts: tuple[int, ...]


def settle_piece(
    piece: Piece,
    bounds: Bounds,
    *,
    asked: bool = False,
    time_limit_s: float = 5.0,
    most_cells: int = MOST_CELLS,
) -> Settled:
    """Find a plan inside the bounds for a small piece where the search did not, or prove that there is none.

    Parameters
    ----------
    piece : Piece
        Connected; without cells above the maximum (with one the answer is `none` at once).
    bounds : Bounds
    asked : bool
        Whether its number of parts is given; otherwise every number that the total allows is tried.
    time_limit_s : float
        For all numbers together.
    most_cells : int

    Returns
    -------
    Settled
        `open` too where the extra is not installed or the piece has more cells.
    """
    if not violation(piece.part_weight, bounds).any():
        return Settled("plan", piece, (piece.n_parts,))
    total = float(piece.weight.sum())
    least, most = count_range(total, bounds)
    most = min(most, piece.graph.n_cells)
    counts = [piece.n_parts] if asked else counts_to_try(piece.n_parts, least, most, at_most=most + 1)
    counts = [count for count in counts if least <= count <= most]
    if not counts or piece.weight.max(initial=0.0) > bounds.maximum:
        return Settled("none", piece, tuple(counts))
    if piece.graph.n_cells > most_cells or not exact_available():
        return Settled("open", piece, tuple(counts))
    share = time_limit_s / len(counts)
    sure = True
    for count in counts:
        found = find_within(ExactTask(piece.graph, piece.weight, count), bounds, time_limit_s=share)
        if found.part is not None:
            better = replace(piece, n_parts=count, part=found.part.astype(np.int32))
            return Settled("plan", better, tuple(counts))
        sure = sure and found.status == "none"
    return Settled("none" if sure else "open", piece, tuple(counts))


def proof_reason(
    settled: Settled, code: str, bounds: Bounds, *, asked: bool = False, time_limit_s: float = 4.0
) -> Infeasible:
    """Say that every plan was ruled out, and which change of one bound is enough."""
    piece, counts = settled.piece, settled.counts
    low, high = min(counts), max(counts)
    which = grids(low) if low == high else f"{low:,} to {grids(high)}"
    reason = (
        f"{code!r} cannot be cut into {which} inside {number(bounds.minimum)} to {number(bounds.maximum)}: every way "
        f"to put its {piece.graph.n_cells:,} cells together was ruled out."
    )
    cells = first_cells(piece.cell_ix)
    mend = least_change(piece, bounds, asked=asked, time_limit_s=time_limit_s)
    return Infeasible("no-plan", f"{code}: cell {cells[0]}", reason, cells, mend)


def least_change(piece: Piece, bounds: Bounds, *, asked: bool = False, time_limit_s: float = 4.0) -> str:
    """Say which change of one bound, or of the number of grids, a plan was found for; small pieces only.

    The numbers are those of plans in hand. They are also the least where the exact solver was done in time.

    Returns
    -------
    str
        A sentence; empty where the extra is not installed, the piece has many cells, or nothing was found.
    """
    if piece.graph.n_cells > MOST_CELLS or not exact_available():
        return ""
    said = []
    if asked:
        other = settle_piece(piece, bounds, time_limit_s=time_limit_s)
        if other.status == "plan":
            said.append(f"ask for {grids(other.piece.n_parts)} here")
    near = range(max(1, piece.n_parts - 1), min(piece.graph.n_cells, piece.n_parts + 1) + 1)
    counts = [piece.n_parts] if asked else list(near)
    most: list[tuple[float, int]] = []
    least: list[tuple[float, int]] = []
    for count in counts:
        task = ExactTask(piece.graph, piece.weight, count)
        raised = least_maximum(task, bounds.minimum, time_limit_s=time_limit_s / 6)
        if raised.part is not None:
            most.append((raised.value, count))
        lowered = greatest_minimum(task, bounds.maximum, time_limit_s=time_limit_s / 6)
        if lowered.part is not None:
            least.append((-lowered.value, count))
    if most:
        said.append(f"raise the maximum to {number(min(most)[0])} (for {grids(min(most)[1])})")
    if least:
        said.append(f"lower the minimum to {number(-min(least)[0])} (for {grids(min(least)[1])})")
    advice = ", or ".join(said)
    return f"{advice[:1].upper()}{advice[1:]}." if advice else ""
