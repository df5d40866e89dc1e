"""Why a rebalanced plan is not as it was asked to be: grids out of bounds, grids in pieces, too few that may move."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import counted, some_of
from gis_core.graph import subgraph
from gis_core.graph.walks import greatest_walks
from gis_core.model import AdjacencyGraph, Dataset, Fabric, Infeasible
from gis_core.partition import Bounds
from gis_core.partition.certify import Piece, explain_piece, total_reason
from gis_core.partition.rebalance import Rebalanced
from gis_core.plan.carry import CarryOver
from gis_core.plan.ground import Ground
from gis_core.plan.lower import inhabited_pieces
from gis_core.plan.metrics import grids_in_pieces

__all__ = ["bound_reasons", "mend_without_number", "mending_reasons", "tell_long_walks", "torn_lock_reasons"]

_MORE_HANDS = "Let more of them change hands, or leave --max-moved out to see how many the bounds need."
#: Sums of fractions may miss a bound by so much.
_SLACK = 1e-6


def mending_reasons(
    carried: CarryOver, result: Rebalanced, forced: float, max_moved: int | None
) -> list[Infeasible]:
    """Say where the households that may change hands are too few to mend the grids."""
    needed = forced + result.mending
    if max_moved is None or needed <= max_moved:
        return []
    said = []
    if result.in_pieces:
        codes = some_of([carried.codes[part] for part in result.in_pieces])
        said.append(
            f"the grids {codes} stay in pieces"
            if len(result.in_pieces) > 1
            else f"the grid {codes} stays in pieces"
        )
    if forced > max_moved:
        said.append(
            f"{forced:,.0f} of them change hands whatever is done, because their cells hold buildings of several grids "
            "or lie in another boundary polygon now"
        )
    return [
        Infeasible(
            "max-moved", "",
            f"Mending the grids moves {counted(needed, 'household')}, more than the {max_moved:,} that may "
            f"change hands: {'; '.join(said)}.",
            mend=f"Give --max-moved {int(np.ceil(needed))} or more.",
        )
    ]  # fmt: skip


def bound_reasons(
    dataset: Dataset,
    fabric: Fabric,
    links: AdjacencyGraph,
    weight: NDArray[np.float64],
    bounds: Bounds,
    assignment: NDArray[np.int32],
    boundary_ix: NDArray[np.int32],
    max_moved: int | None,
    locked: Collection[int] = (),
    *,
    until: float | None = None,
) -> list[Infeasible]:
    """Say why grids are still out of bounds; locked ones are spoken of elsewhere.

    Nothing is searched for after `until`, a time of `time.perf_counter`.
    """
    home = fabric.boundary_ix
    totals = np.bincount(assignment, weights=weight, minlength=len(boundary_ix))
    out = (totals < bounds.minimum - _SLACK) | (totals > bounds.maximum + _SLACK)
    out[list(locked)] = False
    reasons: list[Infeasible] = []
    for ix in np.unique(boundary_ix[out]).tolist():
        code = str(dataset.boundary["code"].iloc[ix])
        cells = np.flatnonzero(home == ix)
        count = int((boundary_ix == ix).sum())
        whole = total_reason(code, float(weight[cells].sum()), count, bounds, asked=False)
        reasons += [] if whole is None else [whole]
        pieces = inhabited_pieces(links, weight, cells)
        for piece in pieces:
            parts, number = np.unique(assignment[piece], return_inverse=True)
            alone, own = len(pieces) == 1, number.astype(np.int32)
            shown = Piece(subgraph(links, piece), weight[piece], piece, len(parts), own, 1, False, alone)
            reasons += explain_piece(
                shown, code, bounds, heavy_names={}, alone=alone, asked=False, total_explained=whole is not None,
                until=until,
            )  # fmt: skip
    if max_moved is None or not out.any():
        return reasons
    # That the search found nothing is no wonder where little may change hands.
    known = [item for item in reasons if item.what != "not-found"]
    return [*known, _too_few(int(out.sum()), max_moved)]


def torn_lock_reasons(
    fabric: Fabric,
    links: AdjacencyGraph,
    assignment: NDArray[np.int32],
    codes: Sequence[str],
    locked: Collection[int],
) -> list[Infeasible]:
    """Say which locked grids are in pieces: they keep their ground, so that nobody mends them."""
    torn = grids_in_pieces(links, assignment, fabric.boundary_ix)
    found = []
    for grid in sorted(set(torn.tolist()) & set(locked)):
        cells = np.flatnonzero(assignment == grid)
        reason = f"The locked grid {codes[grid]} is in pieces, and stays so because it keeps its ground."
        mend = "Unlock it: it then keeps the piece with most households, and the others go to its neighbours."
        blamed = tuple(cells[:20].tolist())
        said = (("grid", codes[grid]),)
        found.append(Infeasible("lock", codes[grid], reason, blamed, mend, "pieces", said))
    return found


def _too_few(n_out: int, max_moved: int) -> Infeasible:
    many = f"{n_out} grids stay" if n_out > 1 else "1 grid stays"
    return Infeasible(
        "max-moved", "",
        f"{many} outside the bounds with at most {counted(max_moved, 'household')} changing hands.",
        mend=_MORE_HANDS, case="few", numbers=(("out", n_out), ("moved", max_moved)),
    )  # fmt: skip


def mend_without_number(rows: Sequence[dict[str, Any]], max_moved: int | None) -> list[dict[str, Any]]:
    """Put what `wangge rebalance` can be asked for in the place of a number of grids, which it does not take.

    Parameters
    ----------
    rows : sequence of dict
        `infeasible` of a report.
    max_moved : int or None
        Where few households may change hands, that is the cause that comes first.
    """
    return [{**row, "mend": _without_number(row["mend"], max_moved)} for row in rows]


def _without_number(mend: str, max_moved: int | None) -> str:
    mend = mend.replace("Ask for more grids, lower", "Lower")
    more, fewer = "; ask for more of them.", "; ask for fewer grids."
    if not mend.endswith((more, fewer)) and "another number of grids" not in mend:
        return mend
    if max_moved is not None:
        return _MORE_HANDS
    if mend.endswith(more):
        return mend.removesuffix(more) + "; raise that maximum, or lower --min so that there can be as many."
    if mend.endswith(fewer):
        return mend.removesuffix(fewer) + "; lower that minimum, or raise --max so that there can be as few."
    return "No proof was found that this must be so; wider bounds may help."


def tell_long_walks(
    report: dict[str, Any], ground: Ground, carried: CarryOver, max_moved: int | None
) -> None:
    """Say of each grid that stays too long on foot how long it was before, and what of rebalancing would mend it.

    Parameters
    ----------
    report : dict
        With the rows of `add_ground`; changed in place.
    ground : Ground
    carried : CarryOver
    max_moved : int or None
    """
    if ground.walks is None:
        return
    code = {tuple(row["cell_ix"]): row["code"] for row in report["walks"]}
    walk, _ = greatest_walks(ground.walks, carried.assignment, len(carried.codes))
    was = dict(zip(carried.codes, walk.tolist(), strict=True))
    for row in report["infeasible"]:
        if row["what"] != "max-walk":
            continue
        before = round(was.get(code[tuple(row["cell_ix"])], 0.0), 1)
        if before > 0:
            row["reason"] = row["reason"].replace(
                " m apart on foot;", f" m apart on foot ({before:,.0f} m before);", 1
            )
        if "--grids" in row["mend"]:
            more = (
                "Let more households change hands (--max-moved), lower" if max_moved is not None else "Lower"
            )
            anew = "draw the grids anew (wangge partition --from PLAN --max-walk M)"
            row["mend"] = f"{more} --min, allow more (--max-walk), or {anew}."
