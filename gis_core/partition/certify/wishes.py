"""Why further weights, seeds and cells that stay together or apart cannot be had: proofs that need no search.

Each is a sum or a path: numbers of grids that exclude each other, a single cell above a further maximum,
cells that can be joined only through too much; `walls` has those that are shut in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gis_core.model import Infeasible
from gis_core.partition.certify.demands import Demand, apart_clique
from gis_core.partition.certify.joined import joined_weight
from gis_core.partition.certify.walls import shut_in
from gis_core.partition.certify.words import Piece, capital, first_cells, grids, households, listed, number
from gis_core.partition.objective import Bounds

__all__ = ["wish_proofs"]

#: Cells times floods or paths that are looked at.
_MOST_WORK = 20_000_000
_TINY = 1e-9


def wish_proofs(
    piece: Piece, code: str, bounds: Bounds, demands: Sequence[Demand], *, asked: bool
) -> list[Infeasible]:
    """Prove that some demands cannot be met by any plan inside the bounds.

    Parameters
    ----------
    piece : Piece
    code : str
        Code of the boundary polygon.
    bounds : Bounds
    demands : sequence of Demand
        In the numbering of the piece.
    asked : bool
        Whether the number of parts is given.

    Returns
    -------
    list of Infeasible
        One for each thing that cannot be; empty where nothing was proved.
    """
    found = []
    for each in demands:
        reason = _heavy(piece, code, each) or _far(piece, code, bounds, each)
        if reason is not None:
            found.append(reason)
    if found:
        return found
    number_reason = _numbers(piece, code, bounds, demands, asked)
    if number_reason is not None:
        return [number_reason]
    return shut_in(piece, code, bounds, demands)


def _heavy(piece: Piece, code: str, demand: Demand) -> Infeasible | None:
    """Name cells above the maximum of a further weight."""
    if demand.limit is None or demand.seeds:
        return None
    values, _, high = demand.limit
    cells = np.flatnonzero(values > high * (1 + _TINY))
    if len(cells) == 0:
        return None
    worst = int(cells[np.argmax(values[cells])])
    ix, own = int(piece.cell_ix[worst]), float(values[worst])
    more = f"; {len(cells) - 1:,} more are above it too" if len(cells) > 1 else ""
    reason = (
        f"Cell {ix} of {code!r} has {number(round(own, 1))} of {demand.sum_of}, more than the maximum of "
        f"{number(high)}{more}."
    )
    parts = math.ceil(own / high) if high > 0 else 0
    divide = f"Divide the building into {parts:,} or more parts, or raise" if parts else "Raise"
    mend = f"{divide} the maximum of {demand.sum_of} to {number(math.ceil(own))}."
    said = (("code", code), ("sum", demand.sum_of), ("has", round(own, 1)), ("most", float(high)))
    where = f"{code}: cell {ix}"
    return Infeasible("weights", where, reason, first_cells(piece.cell_ix[cells]), mend, "heavy", said)


def _far(piece: Piece, code: str, bounds: Bounds, demand: Demand) -> Infeasible | None:
    """Say that cells can share a grid only with so many others that it is above the maximum."""
    own = list(demand.together)
    if len(own) < 2 or len(own) * piece.graph.n_cells > _MOST_WORK:
        return None
    held = float(piece.weight[own].sum())
    between, a, b = _farthest(piece, own, bounds)
    least = max(joined_weight(piece.graph, piece.weight, own), held + between)
    if least <= bounds.maximum * (1 + 1e-6) or not np.isfinite(least):
        return None
    least = math.ceil(least - 1e-6)
    head, tail = (
        f"{capital(demand.label)} is to stay together, but",
        f"the maximum of {number(bounds.maximum)}.",
    )
    need = f"with all of it a grid needs a maximum of {number(least)} or more."
    if held > bounds.maximum * (1 + _TINY):
        with_ways = (
            f", {number(least)} with what lies between them at least" if least > math.ceil(held) else ""
        )
        reason = f"{head} its {len(own):,} cells have {households(held)}{with_ways}, more than {tail}"
        mend = (
            f"Take buildings with {number(math.ceil(held - bounds.maximum))} or more out of the group; {need}"
        )
        return Infeasible("together", code, reason, first_cells(piece.cell_ix[own]), mend)
    if held + between <= bounds.maximum * (1 + 1e-6):
        reason = (
            f"{head} a grid that joins its {len(own):,} cells has {households(least)} at least, with what lies between "
            f"them, more than {tail}"
        )
        mend = f"Take one or more of them out of the group; {need}"
        return Infeasible("together", code, reason, first_cells(piece.cell_ix[own]), mend)
    ends = (int(piece.cell_ix[own[a]]), int(piece.cell_ix[own[b]]))
    reason = (
        f"{head} cell {ends[0]} and cell {ends[1]} are so far apart that a grid with "
        f"{'both' if len(own) == 2 else 'all of it'} has {households(least)} at least, more than {tail}"
    )
    mend = f"Take one of the two out of the group, or more; {need}"
    return Infeasible("together", code, reason, ends, mend)


def _farthest(piece: Piece, own: list[int], bounds: Bounds) -> tuple[float, int, int]:
    """Return the weight between the two cells of a group that are farthest from each other, and their positions."""
    entry = piece.weight.copy()
    entry[own] = 0.0
    graph = piece.graph
    # A step onto a cell costs what it holds; a little more, as zeros would be no step at all.
    little = _TINY * bounds.maximum / graph.n_cells
    step = entry[graph.indices] + little
    matrix = csr_array((step, graph.indices, graph.indptr), shape=(graph.n_cells, graph.n_cells))
    way = dijkstra(matrix, indices=own)[:, own]
    a, b = np.unravel_index(int(np.argmax(way)), way.shape)
    return float(way[a, b]) - little * graph.n_cells, int(a), int(b)


@dataclass(frozen=True, slots=True)
class _Claim:
    """At least, or at most, so many grids, because of one thing; and what would change that to another number."""

    count: int
    why: str
    ease: Callable[[int], str]
    kind: str = "weights"
    cells: tuple[int, ...] = ()


def _numbers(
    piece: Piece, code: str, bounds: Bounds, demands: Sequence[Demand], asked: bool
) -> Infeasible | None:
    """Say that one thing needs more grids than another leaves room for."""
    lows: list[_Claim] = []
    highs: list[_Claim] = []
    total = float(piece.weight.sum())
    known = _sum_claims(households(total), "", total, bounds.minimum, bounds.maximum)
    if asked:
        said = _asked_claim(piece)
        known = [*known[0], said], [*known[1], said]
    for each in demands:
        if each.limit is None:
            continue
        values, low, high = each.limit
        if each.seeds:
            lows.append(_seed_claim(piece, each))
        else:
            sums = float(values.sum())
            said_of = f"{number(round(sums, 1))} of {each.sum_of}"
            below, above = _sum_claims(said_of, f" of {each.sum_of}", sums, low, high)
            lows += below
            highs += above
    clique = apart_clique(demands)
    if len(clique) > 1:
        lows.append(_apart_claim(piece, clique))
    # One of the two at least is a wish; what the total and the number asked for exclude is told elsewhere.
    told = [
        (need, room)
        for need in (*lows, *known[0])
        for room in (*highs, *known[1])
        if need.count > room.count and (need in lows or room in highs)
    ]
    if not told:
        return None
    need, room = max(told, key=lambda one: one[0].count - one[1].count)
    # Only what is enough; where each way is stopped by a third thing, both are named.
    least = max((one.count for one in (*lows, *known[0]) if one is not need), default=0)
    most = min((one.count for one in (*highs, *known[1]) if one is not room), default=math.inf)
    ways = [need.ease(room.count)] if least <= room.count <= most else []
    ways += [room.ease(need.count)] if least <= need.count <= most else []
    mend = ", or ".join(way for way in ways or (need.ease(room.count), room.ease(need.count)) if way)
    reason = f"No number of grids fits {piece.place(code)}: {need.why}, but {room.why}."
    kind = need.kind if need.kind != "weights" else room.kind
    return Infeasible(kind, code, reason, need.cells or room.cells, f"{capital(mend)}." if mend else "")


def _sum_claims(
    said: str, of: str, total: float, low: float, high: float
) -> tuple[list[_Claim], list[_Claim]]:
    """Return the least and the greatest number of grids that a sum and its bounds allow."""
    lows, highs = [], []
    if math.isfinite(high) and high > 0:
        least = max(1, math.ceil(total / high - _TINY))
        lows.append(
            _Claim(
                least,
                f"its {said} need at least {grids(least)} of at most {number(high)}",
                lambda to: (
                    f"raise the maximum{of} to {number(math.ceil(total / to - _TINY))} or more"
                    if to > 0
                    else ""
                ),
            )
        )
    if low > 0:
        most = math.floor(total / low + _TINY)
        highs.append(
            _Claim(
                most,
                f"its {said} are enough for at most {grids(most)} of at least {number(low)}",
                lambda to: f"lower the minimum{of} to {number(math.floor(total / to + _TINY))} or less",
            )
        )
    return lows, highs


def _asked_claim(piece: Piece) -> _Claim:
    """Return the number of grids that was asked for, or what of it a piece gets."""
    if piece.whole:
        why = f"{grids(piece.n_parts)} {'was' if piece.n_parts == 1 else 'were'} asked for"
        return _Claim(piece.n_parts, why, lambda to: f"ask for {to:,}")
    return _Claim(
        piece.n_parts,
        f"it gets {grids(piece.n_parts)} of the number asked for",
        lambda to: f"ask for {'more' if to > piece.n_parts else 'fewer'} grids",
    )


def _seed_claim(piece: Piece, demand: Demand) -> _Claim:
    assert demand.limit is not None
    cells = np.flatnonzero(demand.limit[0] > 0)
    return _Claim(
        len(cells),
        f"its {len(cells):,} seeds ({listed(demand.names)}) need a grid each",
        lambda to: f"take {len(cells) - to:,} or more of the seeds out",
        "seeds",
        first_cells(piece.cell_ix[cells]),
    )


def _apart_claim(piece: Piece, clique: list[int]) -> _Claim:
    cells = piece.cell_ix[np.array(sorted(clique))]
    names = listed([f"cell {cell}" for cell in cells.tolist()], 8)
    return _Claim(
        len(clique),
        f"{names} are all to stay apart from each other and need {grids(len(clique))}",
        lambda to: f"take {len(clique) - to:,} or more of them out" if to > 0 else "",
        "apart",
        first_cells(cells),
    )
