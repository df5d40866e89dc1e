"""Reasons that rest on how a piece hangs together: pockets that can be reached only through one cell."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gis_core.graph.articulation import find_pockets, pocket_cells
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.certify.prove import Effort
from gis_core.partition.certify.settle import least_change
from gis_core.partition.certify.words import (
    Piece,
    capital,
    cell_name,
    first_cells,
    grids,
    households,
    number,
    widened,
)
from gis_core.partition.objective import Bounds, too_heavy
from gis_core.partition.pockets import Verdict, Work, block_tree, judge

__all__ = ["forced_gates", "nested_pocket_reason", "pocket_reasons"]

#: Times the maximum beyond which nobody would raise it for the sake of one cell.
_FAR = 2.0


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
    gates = np.flatnonzero(too_heavy(load, bounds) & ~too_heavy(weight, bounds))
    found = []
    for gate in gates.tolist():
        rows = np.flatnonzero((pockets.gate_ix == gate) & (rest > 0) & (rooms < 1))
        behind = [pocket_cells(graph, gate, int(pockets.entry_ix[row])) for row in rows]
        cells = np.concatenate(behind) if behind else np.zeros(0, np.int64)
        found.append((gate, float(load[gate]), cells))
    return found


def pocket_reasons(
    piece: Piece,
    code: str,
    bounds: Bounds,
    out: set[int],
    names: Mapping[int, str],
    *,
    asked: bool,
    effort: Effort | None = None,
) -> list[Infeasible]:
    """Prove that gates and their pockets force a part out of bounds; take those parts from `out`."""
    reasons = []
    mends: dict[bool, str] = {}
    for gate, load, behind in forced_gates(piece.graph, piece.weight, bounds):
        touched = {int(p) for p in piece.part[np.append(behind, gate)]} & out
        if not touched:
            continue
        out -= touched
        far = load > _FAR * bounds.maximum
        if far not in mends:
            mends[far] = _mend(piece, bounds, asked, effort, load)
        name = cell_name(names, int(piece.cell_ix[gate]))
        what = f"{len(behind):,} others" if len(behind) > 1 else "what lies behind it"
        reasons.append(
            Infeasible(
                "pocket",
                f"{code}: cell {int(piece.cell_ix[gate])}",
                f"In {code!r}, {name} is the only way to {what}; it holds {number(float(piece.weight[gate]))} itself, "
                f"and its grid needs at least {households(math.ceil(load - 1e-9))} if no other grid is to be below "
                f"{number(bounds.minimum)}, more than the maximum of {number(bounds.maximum)}.",
                first_cells(piece.cell_ix[np.append(gate, behind).astype(np.int64)]),
                mends[far],
                "gate",
                (
                    ("code", code),
                    ("name", name),
                    ("cells", len(behind)),
                    ("least", math.ceil(load - 1e-9)),
                    ("max", bounds.maximum),
                ),
            )
        )
    return reasons


def _mend(piece: Piece, bounds: Bounds, asked: bool, effort: Effort | None, load: float = 0.0) -> str:
    """Say with which bounds there is a plan, and what else helps; no bounds that nobody would choose.

    `load` is what one part has at least unless others are below the minimum.
    """
    way = "second way in (a crossing that the data lack)"
    far = f"Give it a {way}, or draw other cells there; bounds that help are far from those that were asked for."
    if load > _FAR * bounds.maximum:
        return far
    advice = least_change(piece, bounds, asked=asked, effort=effort)
    if not advice:
        if float(piece.part_weight.max()) > _FAR * bounds.maximum:
            return far
        wide = widened(piece.part_weight, float(piece.weight.sum()), bounds)
        advice = f"{capital(wide)}: the plan that was made is inside those bounds."
    return f"{advice} A {way} helps too."


def _middle(piece: Piece) -> int:
    """Return the gate whose heaviest pocket is lightest; the first cell where there is no gate."""
    pockets = find_pockets(piece.graph, piece.weight)
    if len(pockets.gate_ix) == 0:
        return 0
    heaviest = np.zeros(piece.graph.n_cells)
    np.maximum.at(heaviest, pockets.gate_ix, pockets.weight)
    gates = np.unique(pockets.gate_ix)
    return int(gates[np.argmin(heaviest[gates])])


def nested_pocket_reason(
    piece: Piece,
    code: str,
    bounds: Bounds,
    names: Mapping[int, str],
    *,
    asked: bool,
    effort: Effort | None = None,
) -> Infeasible | None:
    """Prove by pockets within pockets that no plan is inside the bounds, or none with the number asked for."""
    root = _middle(piece)
    tree = block_tree(piece.graph, piece.weight, root)
    if len(tree.gate) < 2:
        return None
    work = None if effort is None else Work.of_seconds(effort.at_most(effort.work_s))
    verdict = judge(tree, bounds.minimum, bounds.maximum, work=work)
    if verdict.counts and (not asked or verdict.allows(piece.n_parts)):
        return None
    if verdict.counts:
        return _count_reason(piece, code, bounds, verdict, effort)
    gate = verdict.stuck_at
    rows = np.flatnonzero(tree.gate == gate)
    behind = np.unique(
        np.concatenate([pocket_cells(piece.graph, gate, int(tree.entry[row])) for row in rows])
    )
    name = cell_name(names, int(piece.cell_ix[gate]))
    total = float(piece.weight[behind].sum() + piece.weight[gate])
    if gate == root:
        head = f"{capital(piece.place(code))} falls apart without {name}, which holds its pieces together"
    else:
        cells = "1 cell" if len(behind) == 1 else f"{len(behind):,} cells"
        head = f"In {code!r}, {cells} can be reached only through {name}"
    reason = (
        f"{head}; they have {households(total)} with it, and however they are cut a grid is below "
        f"{number(bounds.minimum)} or above {number(bounds.maximum)}."
    )
    blamed = first_cells(piece.cell_ix[np.append(gate, behind)])
    where = f"{code}: cell {int(piece.cell_ix[gate])}"
    said = (
        ("code", code),
        ("name", name),
        ("cells", len(behind)),
        ("total", total),
        ("min", bounds.minimum),
        ("max", bounds.maximum),
    )
    return Infeasible("pocket", where, reason, blamed, _mend(piece, bounds, asked, effort), "nested", said)


def _count_reason(
    piece: Piece, code: str, bounds: Bounds, verdict: Verdict, effort: Effort | None
) -> Infeasible:
    """Say that the pockets leave room for other numbers of grids only."""
    room = ", ".join(f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in verdict.counts)
    reason = (
        f"{capital(piece.place(code))} hangs together at single cells so that {grids(piece.n_parts)} cannot all be "
        f"inside {number(bounds.minimum)} to {number(bounds.maximum)}."
    )
    advice = least_change(piece, bounds, asked=True, effort=effort)
    if not advice:
        wide = widened(piece.part_weight, float(piece.weight.sum()), bounds)
        advice = f"Ask for another number (not ruled out: {room})"
        advice += "." if float(piece.part_weight.max()) > _FAR * bounds.maximum else f", or {wide}."
    said = (
        ("code", code),
        ("grids", piece.n_parts),
        ("room", room),
        ("min", bounds.minimum),
        ("max", bounds.maximum),
    )
    where = f"{code}: cell {int(piece.cell_ix[0])}"
    return Infeasible("pocket", where, reason, first_cells(piece.cell_ix), advice, "count", said)
