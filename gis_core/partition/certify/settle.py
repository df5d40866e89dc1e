"""A failed search on a small piece turned into a plan or a proof, by searching to the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gis_core.model import Infeasible
from gis_core.partition.certify.demands import Demand, count_limits, task_with
from gis_core.partition.certify.prove import Effort, find_plan, great_minimum, small_maximum
from gis_core.partition.certify.words import Piece, capital, first_cells, grids, listed, number, widened
from gis_core.partition.counts import count_range, counts_to_try, fits_count
from gis_core.partition.objective import Bounds, too_heavy, violation

__all__ = [
    "ADVICE_S", "MOST_CELLS", "SETTLE_S", "Settled", "blamed_demands", "least_change", "proof_reason", "settle_piece",
    "usual_effort",
]  # fmt: skip

#: Larger pieces are not searched to the end.
MOST_CELLS = 160
#: Seconds of work (counted in steps) for one question, and for the advice after it.
SETTLE_S, ADVICE_S = 2.0, 1.0
#: A deadline is passed by so many seconds at most, to say why.
_GRACE_S = 0.2
#: Of more demands than this the smallest set to blame is not looked for.
_MOST_DEMANDS = 60


def usual_effort(until: float | None, limit_s: float | None = None) -> Effort:
    """Return the work that a question may take, a little of it after a deadline too, so that there is a reason.

    Parameters
    ----------
    until : float or None
        Deadline, a time of `time.perf_counter`.
    limit_s : float or None
        The time limit that ends there, which many pieces share: it is passed by no more than as much again.
    """
    if until is None:
        return Effort(SETTLE_S)
    grace = _GRACE_S if limit_s is None else min(_GRACE_S, limit_s)
    return Effort(SETTLE_S, max(until, time.perf_counter() + grace))


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known about a piece after it was searched to the end.

    Attributes
    ----------
    status : {"plan", "none", "open"}
        A plan inside the bounds was found; it was proved that there is none with any of `counts`; neither.
    piece : Piece
        With the plan that was found, else as it came.
    counts : tuple of int
        Numbers of parts that were asked about: all that the total allows, or the one that was asked for.
    reasons : tuple of Infeasible
        Why what was asked beside the bounds cannot be met.
    """

    status: Literal["plan", "none", "open"]
    piece: Piece
    counts: tuple[int, ...]
    reasons: tuple[Infeasible, ...] = ()


def settle_piece(
    piece: Piece,
    bounds: Bounds,
    *,
    asked: bool = False,
    demands: Sequence[Demand] = (),
    effort: Effort | None = None,
    most_cells: int | None = None,
) -> Settled:
    """Find a plan inside the bounds for a small piece where the search did not, or prove that there is none.

    Parameters
    ----------
    piece : Piece
        Connected; without cells above the maximum (with one the answer is `none` at once).
    bounds : Bounds
    asked : bool
        Whether its number of parts is given; otherwise every number that the total allows is tried.
    demands : sequence of Demand
        What the plan must meet too.
    effort : Effort
        For all numbers together; None: the usual.
    most_cells : int
        None: `MOST_CELLS`.

    Returns
    -------
    Settled
        `open` too where the piece has more cells.
    """
    if not violation(piece.part_weight, bounds).any() and all(each.kept(piece.part) for each in demands):
        return Settled("plan", piece, (piece.n_parts,))
    counts = _counts(piece, bounds, asked)
    few, many = count_limits(demands)
    if not counts or too_heavy(piece.weight, bounds).any():
        return Settled("none", piece, counts)
    if piece.graph.n_cells > (MOST_CELLS if most_cells is None else most_cells):
        return Settled("open", piece, counts)
    effort = effort or usual_effort(None)
    sure = True
    tried = [count for count in counts if few <= count <= many]
    for left, count in zip(range(len(tried), 0, -1), tried, strict=True):
        task = task_with(piece.graph, piece.weight, count, demands)
        found = find_plan(task, bounds, effort, most_s=effort.work_s / left)
        if found.part is not None:
            return Settled("plan", replace(piece, n_parts=count, part=found.part), counts)
        sure = sure and found.status == "none"
    return Settled("none" if sure else "open", piece, counts)


def _counts(piece: Piece, bounds: Bounds, asked: bool) -> tuple[int, ...]:
    """Return the numbers of parts that come into question, the one at hand first."""
    total = float(piece.weight.sum())
    least, most = count_range(total, bounds)
    most = min(most, piece.graph.n_cells)
    counts = [piece.n_parts] if asked else counts_to_try(piece.n_parts, least, most, at_most=most + 1)
    return tuple(
        count for count in counts if fits_count(total, count, bounds) and count <= piece.graph.n_cells
    )


def _head(piece: Piece, code: str, bounds: Bounds, counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    which = grids(low) if low == high else f"{low:,} to {grids(high)}"
    span = f"{number(bounds.minimum)} to {number(bounds.maximum)}"
    return f"{capital(piece.place(code))} cannot be cut into {which} inside {span}"


def proof_reason(
    settled: Settled, code: str, bounds: Bounds, *, asked: bool = False, effort: Effort | None = None
) -> Infeasible:
    """Say that every plan was ruled out, and which change of one bound is enough."""
    piece = settled.piece
    reason = (
        f"{_head(piece, code, bounds, settled.counts)}: every way to put its {piece.graph.n_cells:,} cells together "
        "was ruled out."
    )
    cells = first_cells(piece.cell_ix)
    mend = least_change(piece, bounds, asked=asked, effort=effort)
    if not mend:
        wide = widened(piece.part_weight, float(piece.weight.sum()), bounds)
        mend = f"{capital(wide)}: the plan that was made is inside those bounds."
    said = (("code", code), ("cells", piece.graph.n_cells), ("min", bounds.minimum), ("max", bounds.maximum))
    return Infeasible("no-plan", f"{code}: cell {cells[0]}", reason, cells, mend, "proven", said)


def blamed_demands(
    settled: Settled, code: str, bounds: Bounds, demands: Sequence[Demand], effort: Effort, *, asked: bool
) -> Infeasible:
    """Name the fewest demands that no plan inside the bounds meets together.

    One demand after the other is given up, and stays given up where there is no plan all the same (a deletion filter).

    Parameters
    ----------
    settled : Settled
        `none` with all demands; there is a plan without any, as far as is known.
    code : str
    bounds : Bounds
    demands : sequence of Demand
    effort : Effort
    asked : bool
    """
    piece, needed = settled.piece, list(demands)
    for left, each in zip(range(len(demands) + 1, 1, -1), demands, strict=True):
        if len(demands) > _MOST_DEMANDS:
            break
        others = [one for one in needed if one is not each]
        share = Effort(effort.at_most(effort.work_s / left), effort.until)
        if others and settle_piece(piece, bounds, asked=asked, demands=others, effort=share).status == "none":
            needed = others
        effort.work_s -= effort.work_s / left
    reason = (
        f"{_head(piece, code, bounds, settled.counts)} with {listed([each.label for each in needed], 6)}: every way "
        f"to put its {piece.graph.n_cells:,} cells together was ruled out."
    )
    mend = least_change(piece, bounds, asked=asked, demands=needed, effort=Effort(ADVICE_S, effort.until))
    back = "Take one of these wishes back" if len(needed) > 1 else "Take it back"
    mend = f"{back}, or {mend[:1].lower()}{mend[1:]}" if mend else f"{back}, or widen the bounds."
    cells = [cell for each in needed for cell in (*each.together, *sum(each.apart, ()))]
    for each in needed:
        cells += [] if each.limit is None or not each.seeds else each.limit[0].nonzero()[0].tolist()
    blamed = piece.cell_ix[sorted(set(cells))] if cells else piece.cell_ix
    return Infeasible("wishes", code, reason, first_cells(blamed), mend)


def least_change(
    piece: Piece,
    bounds: Bounds,
    *,
    asked: bool = False,
    demands: Sequence[Demand] = (),
    effort: Effort | None = None,
) -> str:
    """Say which change of one bound, or of the number of grids, a plan was found for; small pieces only.

    The numbers are those of plans in hand. They are also the least wherever the search came to its end.

    Returns
    -------
    str
        A sentence; empty where the piece has many cells, or nothing was found.
    """
    if piece.graph.n_cells > MOST_CELLS:
        return ""
    effort = effort or Effort(ADVICE_S)
    said = []
    if asked:
        other = settle_piece(piece, bounds, demands=demands, effort=effort.part(0.3))
        if other.status == "plan":
            said.append(f"ask for {grids(other.piece.n_parts)} here")
    near = range(max(1, piece.n_parts - 1), min(piece.graph.n_cells, piece.n_parts + 1) + 1)
    counts = [piece.n_parts] if asked else list(near)
    most: list[tuple[float, int]] = []
    least: list[tuple[float, int]] = []
    for left, count in zip(range(len(counts), 0, -1), counts, strict=True):
        task = task_with(piece.graph, piece.weight, count, demands)
        raised = small_maximum(task, bounds, effort.part(1 / (2 * left)))
        if raised is not None:
            most.append((raised[0], count))
        lowered = great_minimum(task, bounds, effort.part(1 / (2 * left - 1)))
        if lowered is not None:
            least.append((-lowered[0], count))
    if most:
        said.append(f"raise the maximum to {number(min(most)[0])} (for {grids(min(most)[1])})")
    if least:
        said.append(f"lower the minimum to {number(-min(least)[0])} (for {grids(min(least)[1])})")
    advice = ", or ".join(said)
    return f"{capital(advice)}." if advice else ""
