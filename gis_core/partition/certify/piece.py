"""The reasons for the parts of one piece that are out of bounds: proved ones first, an honest one where none is."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gis_core.model import Infeasible
from gis_core.partition.certify.neck import nested_pocket_reason, pocket_reasons
from gis_core.partition.certify.prove import Effort
from gis_core.partition.certify.settle import ADVICE_S, SETTLE_S, Settled, proof_reason, settle_piece
from gis_core.partition.certify.totals import grain_reason, piece_total_reason, weightless_reason
from gis_core.partition.certify.walls import shut_in
from gis_core.partition.certify.words import Piece, first_cells, grids, households, number, widened
from gis_core.partition.objective import Bounds, too_heavy, violation

__all__ = ["explain_piece"]


def explain_piece(
    piece: Piece,
    code: str,
    bounds: Bounds,
    *,
    heavy_names: Mapping[int, str],
    alone: bool,
    asked: bool,
    total_explained: bool,
    settled: Settled | None = None,
    until: float | None = None,
) -> list[Infeasible]:
    """Give the reasons for the parts of one piece that are out of bounds; proved ones first.

    Parameters
    ----------
    piece : Piece
    code : str
        Code of the boundary polygon.
    bounds : Bounds
    heavy_names : mapping
        Names (building ids) of cells by `cell_ix`; those that are known.
    alone : bool
        Whether the piece is all of the polygon that holds households.
    asked : bool
        Whether the number of grids was asked for.
    total_explained : bool
        Whether the polygon's total has been given as the reason already.
    settled : Settled
        What `settle_piece` said about this piece; None: it is asked here, if nothing simpler explains.
    until : float
        Deadline (a time of `time.perf_counter`); None: none.

    Returns
    -------
    list of Infeasible
        One sentence each, and one that says what would mend it.
    """
    part_weight = piece.part_weight
    out = set(np.flatnonzero(violation(part_weight, bounds) > 0).tolist())
    reasons = [] if settled is None else list(settled.reasons)
    if not out:
        return reasons
    if alone and total_explained:
        out.clear()
    elif not alone:
        reason = piece_total_reason(piece, code, bounds, asked=asked)
        if reason is not None:
            reasons.append(reason)
            out.clear()
    heavy = np.flatnonzero(too_heavy(piece.weight, bounds)).tolist()
    for cell in heavy:
        reasons.append(_heavy_reason(piece, code, bounds, heavy_names, cell))
        out.discard(int(piece.part[cell]))
    if out:
        proved = _proved(piece, code, bounds, heavy_names, out, asked, settled, Effort(ADVICE_S, until))
        if proved:
            # No plan is inside the bounds, so that it says nothing that this one has other parts outside them too.
            return [*reasons, *proved]
    if out and not (settled is not None and settled.reasons):
        reasons.append(_not_found(piece, code, part_weight, bounds, out))
    return reasons


def _proved(
    piece: Piece, code: str, bounds: Bounds, names: Mapping[int, str], out: set[int], asked: bool,
    settled: Settled | None, effort: Effort,
) -> list[Infeasible]:  # fmt: skip
    """Prove that no plan is inside the bounds, the simplest way first; empty where nothing was proved."""
    reason = weightless_reason(piece, code, bounds, asked=asked)
    if reason is not None:
        return [reason]
    found = pocket_reasons(piece, code, bounds, out, names, asked=asked, effort=effort)
    if found or too_heavy(piece.weight, bounds).any():
        return found
    found = shut_in(piece, code, bounds)
    if found:
        return found
    reason = grain_reason(piece, code, bounds, asked=asked)
    reason = reason or _deeper_reason(piece, code, bounds, names, asked, settled, effort)
    return [] if reason is None else [reason]


def _deeper_reason(
    piece: Piece, code: str, bounds: Bounds, names: Mapping[int, str], asked: bool, settled: Settled | None,
    effort: Effort,
) -> Infeasible | None:  # fmt: skip
    """Prove that there is no plan: by nested pockets, or by searching to the end where the piece is small."""
    reason = nested_pocket_reason(piece, code, bounds, names, asked=asked, effort=effort)
    if reason is not None:
        return reason
    settled = settled or settle_piece(piece, bounds, asked=asked, effort=Effort(SETTLE_S, effort.until))
    return (
        proof_reason(settled, code, bounds, asked=asked, effort=effort)
        if settled.status == "none" and settled.counts
        else None
    )


def _heavy_reason(piece: Piece, code: str, bounds: Bounds, names: Mapping[int, str], cell: int) -> Infeasible:
    """Name a cell that is above the maximum alone."""
    ix = int(piece.cell_ix[cell])
    own = float(piece.weight[cell])
    name = f"The cell of building {names[ix]} in {code!r}" if ix in names else f"Cell {ix} of {code!r}"
    reason = f"{name} holds {households(own)}, more than the maximum of {number(bounds.maximum)}."
    parts = math.ceil(own / bounds.maximum)
    held = float(piece.part_weight[piece.part[cell]])
    mend = (
        f"Divide the building into {parts:,} or more parts (for example by entrance), or raise the maximum to "
        f"{number(math.ceil(held))}, which its grid holds now."
    )
    said = (
        ("code", code),
        ("name", names.get(ix, "")),
        ("cell", ix),
        ("total", own),
        ("max", bounds.maximum),
        ("parts", parts),
    )
    return Infeasible("heavy-cell", f"{code}: cell {ix}", reason, (ix,), mend, "one", said)


def _not_found(
    piece: Piece, code: str, part_weight: NDArray[np.float64], bounds: Bounds, out: set[int]
) -> Infeasible:
    """Say that the search found no plan inside the bounds, without claiming that there is none."""
    worst = max(sorted(out), key=lambda p: float(violation(part_weight[p : p + 1], bounds)[0]))
    cells = piece.cell_ix[piece.part == worst]
    count = f"1 of {grids(piece.n_parts)}" if len(out) == 1 else f"{len(out)} of {grids(piece.n_parts)}"
    head = f"{count} of {piece.place(code)} {'is' if len(out) == 1 else 'are'} outside the bounds, the worst with "
    head += f"{households(float(part_weight[worst]))}: "
    tail = (
        "the time limit stopped the search."
        if piece.late
        else f"no plan inside the bounds was found in {piece.tries:,} tries; none of the provable reasons applies."
    )
    wide = widened(part_weight, float(piece.weight.sum()), bounds)
    first = "Give it more time" if piece.late else "Try another seed"
    mend = f"{first}, or {wide}: the plan that was made is inside those bounds." if wide else f"{first}."
    case = "late" if piece.late else "tried"
    said = (
        ("code", code), ("out", len(out)), ("grids", piece.n_parts), ("worst", float(part_weight[worst])),
        ("tries", piece.tries),
    )  # fmt: skip
    where = f"{code}: cell {int(cells[0])}"
    return Infeasible("not-found", where, head + tail, first_cells(cells), mend, case, said)
