"""Evenness of coarse cells: bounds around the mean that are narrowed as long as plans are found inside them.

Where single cells weigh a good part of a grid (towers, whole compounds), no exchange brings two parts to the mean, and
making all of them a little more even leaves one far off. Bounds hold for every part, so they are narrowed instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gis_core.partition.balance import greatest_deviation
from gis_core.partition.refine import part_sums
from gis_core.partition.search import Plan, Search

__all__ = ["is_coarse", "narrowed"]

#: Cells are coarse where a usual household lives in a cell of more than this share of a mean part.
_COARSE = 0.12
#: First deviation that is asked for, in weights of such a cell; what is asked for next, as a share of that and of what
#: was reached; how often; and how many of the searches begin again where they find nothing. Searches that do not reach
#: what they were asked for may still be the most even.
_FIRST, _STEP, _SEARCHES, _INSISTENT = 0.4, 0.75, 8, 3
#: Price of deviation meanwhile (see `Rules.deviation`): what is far off costs most, and so one part is not left behind.
_DEVIATION = 20.0


def usual_cell(search: Search) -> float:
    """Return the weight of the cell that a usual household lives in, as a share of a mean part."""
    weight = search.level.weights[:, 0]
    return float((weight**2).sum() / max(weight.sum(), 1e-300) ** 2 * search.n_parts)


def is_coarse(search: Search) -> bool:
    """Tell whether cells are too heavy for exchanges to even parts out."""
    return usual_cell(search) > _COARSE


def narrowed(
    search: Search, find: Callable[[Plan | None], Plan], insist: Callable[[], Plan], lower_bound: float
) -> Plan:
    """Find a plan with the smallest greatest deviation that bounds around the mean can be narrowed to.

    Parameters
    ----------
    search : Search
        Its rules are the bounds that parts must keep in any case; they are its rules again in the end.
    find : callable
        Searches by the rules that the search has, from nothing or from a plan.
    insist : callable
        Searches from nothing, again and again where it finds nothing inside the rules.
    lower_bound : float
        Proven lower bound on the greatest deviation, in the unit of the weight.

    Returns
    -------
    Plan
        Of those with the least weight outside the rules, the most even that was met, with the shortest border met.
    """
    hard, weights = search.rules, search.level.weights
    mean = float(weights[:, 0].sum() / search.n_parts)
    least = lower_bound * (1 + 1e-9) + 1e-9 * mean

    def key(plan: Plan) -> tuple[float, float, float]:
        off = greatest_deviation(part_sums(plan.part, weights, search.n_parts)[:, 0], mean)
        search.rules = hard
        outside, price = search.plan(plan.part).score
        return outside, max(off, least), price

    width, best = _FIRST * usual_cell(search) * mean, None
    for round_ in range(_SEARCHES):
        asked = hard.between(max(mean - max(width, least), 0.0), mean + max(width, least))
        search.rules = replace(asked, deviation=_DEVIATION)
        found = find(None) if round_ >= _INSISTENT else insist()
        now = key(found)
        if best is None or now < best[0]:
            best = now, found
        if best[0][1] <= least or search.clock.late:
            break
        width = _STEP * min(width, best[0][1])
    assert best is not None
    width = best[0][1]
    if not search.clock.late:
        search.rules = hard.between(max(mean - width, 0.0), mean + width * (1 + 1e-9))
        for start in (best[1], None):
            found = find(start)
            best = min(best, (key(found), found), key=lambda each: each[0])
    search.rules = hard
    return search.plan(best[1].part)
