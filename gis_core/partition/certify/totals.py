"""Reasons that need no more than a sum: too few households, too many, a gap between two numbers of grids."""

from __future__ import annotations

import math

import numpy as np

from gis_core.model import Infeasible, Numbers
from gis_core.partition.bounds import grain_of
from gis_core.partition.certify.words import Piece, capital, first_cells, grids, households, number, widened
from gis_core.partition.counts import count_range, fits_count
from gis_core.partition.objective import Bounds

__all__ = ["grain_reason", "piece_total_reason", "total_reason", "weightless_reason"]


def _gap(total: float, bounds: Bounds) -> str | None:
    """Say why no number of parts fits a total; None where one does."""
    least, most = count_range(total, bounds)
    if least <= most:
        return None
    if most < 1:
        return f"fewer than the minimum of {number(bounds.minimum)}"
    return (
        f"too many for {grids(most)} of at most {number(bounds.maximum)} and too few for {grids(most + 1)} of at "
        f"least {number(bounds.minimum)}"
    )


def _gap_mend(total: float, bounds: Bounds) -> str:
    """Say which bounds the two numbers of grids around a gap need; for one grid they are enough."""
    _, most = count_range(total, bounds)
    least = f"a minimum of {number(math.floor(total / (most + 1) + 1e-9))} or less"
    high = number(math.ceil(total / most - 1e-9))
    if most == 1:
        return f"Raise the maximum to {high} (for 1 grid); 2 grids would need {least}."
    return f"{grids(most).capitalize()} would need a maximum of {high} or more, {grids(most + 1)} {least}."


def _room(total: float, bounds: Bounds) -> str:
    """Say how many grids a total has room for."""
    least, most = count_range(total, bounds)
    return grids(least) if least == most else f"{least:,} to {grids(most)}"


def total_reason(
    code: str, total: float, n_parts: int, bounds: Bounds, *, asked: bool, n_locked: int = 0
) -> Infeasible | None:
    """Say why the total of a boundary polygon cannot be shared inside the bounds; None where it can.

    Parameters
    ----------
    code : str
    total : float
        What is to be shared; without what locked grids hold.
    n_parts : int
        Without locked grids.
    bounds : Bounds
    asked : bool
        Whether that number was asked for.
    n_locked : int
        Number of locked grids.
    """
    if n_locked:
        return _rest_reason(code, total, n_parts, bounds, asked, n_locked)
    if total == 0:
        if bounds.minimum <= 0:
            return None
        reason = (
            f"{code!r} has no households, so that its grid is below the minimum of {number(bounds.minimum)}."
        )
        mend = f"Leave {code!r} out, or take the grid as it is: nobody lives there."
        said: Numbers = (("code", code), ("min", bounds.minimum))
        return Infeasible("boundary-total", code, reason, mend=mend, case="nobody", numbers=said)
    gap = _gap(total, bounds)
    if gap is not None:
        _, most = count_range(total, bounds)
        mend = (
            _gap_mend(total, bounds)
            if most >= 1
            else f"Lower the minimum to {number(math.floor(total))}, or make {code!r} and a neighbouring boundary "
            "polygon one."
        )
        said = (("code", code), ("total", total), *_bounds(bounds))
        return Infeasible(
            "boundary-total",
            code,
            f"{code!r} has {households(total)}, {gap}.",
            mend=mend,
            case="gap",
            numbers=said,
        )
    least, most = count_range(total, bounds)
    if asked and not fits_count(total, n_parts, bounds):
        side = "above the maximum" if n_parts < least else "below the minimum"
        limit = bounds.maximum if n_parts < least else bounds.minimum
        reason = (
            f"The number of grids asked for gives {code!r} {grids(n_parts)} for {households(total)}, "
            f"{number(round(total / n_parts, 1))} on average, {side} of {number(limit)}."
        )
        mend = (
            f"Ask for {'more' if n_parts < least else 'fewer'}: {code!r} has room for {_room(total, bounds)}."
        )
        said = (("code", code), ("total", total), ("grids", n_parts), ("least", least), ("most", most))
        return Infeasible("boundary-total", code, reason, mend=mend, case="count", numbers=said)
    return None


def _bounds(bounds: Bounds) -> Numbers:
    return (("min", bounds.minimum), ("max", bounds.maximum))


def _rest_reason(
    code: str, total: float, n_parts: int, bounds: Bounds, asked: bool, n_locked: int
) -> Infeasible | None:
    """Say why what locked grids leave cannot be shared inside the bounds."""
    if total == 0:
        return None
    least, most = count_range(total, bounds)
    which = "The locked grid leaves" if n_locked == 1 else f"The {n_locked:,} locked grids leave"
    head = f"{which} {households(total)} of {code!r} to share"
    gap = _gap(total, bounds)
    if gap is not None:
        one = "it" if n_locked == 1 else "one of them"
        return Infeasible(
            "boundary-total",
            code,
            f"{head}, {gap}.",
            mend=f"Release {one}, or change the bounds.",
            case="locked-gap",
            numbers=(("code", code), ("total", total), ("locked", n_locked), *_bounds(bounds)),
        )
    if not asked or fits_count(total, n_parts, bounds):
        return None
    more = "more" if n_parts < least else "fewer"
    reason = (
        f"{head}, and the number of grids asked for leaves {grids(n_parts)} for them, which cannot all be inside "
        f"{number(bounds.minimum)} to {number(bounds.maximum)}."
    )
    low, high = least + n_locked, most + n_locked
    room = grids(low) if low == high else f"{low:,} to {grids(high)}"
    return Infeasible(
        "boundary-total",
        code,
        reason,
        mend=f"Ask for {more}: {code!r} has room for {room}, locked ones included.",
        case="locked-count",
        numbers=(("code", code), ("total", total), ("locked", n_locked), ("least", low), ("most", high)),
    )


def piece_total_reason(piece: Piece, code: str, bounds: Bounds, *, asked: bool) -> Infeasible | None:
    """Say why the total of a separate piece cannot be shared inside the bounds; None where it can."""
    total = float(piece.weight.sum())
    where = f"{code}: piece at cell {int(piece.cell_ix[0])}"
    least, most = count_range(total, bounds)
    cells = len(piece.cell_ix)
    about = f"cell {int(piece.cell_ix[0])}" + (f" and {cells - 1:,} more" if cells > 1 else "")
    head = f"The piece of {households(total)} ({about}) is cut off from the rest of {code!r} and "
    link = "or link it to the rest by a crossing (--pieces crossings) or by the shortest line (--pieces nearest)."
    if least > most:
        if most < 1:
            tail = f"below the minimum of {number(bounds.minimum)}."
        else:
            tail = (
                f"is too large for {grids(most)} of at most {number(bounds.maximum)} and too small for "
                f"{grids(most + 1)} of at least {number(bounds.minimum)}."
            )
    elif asked and not fits_count(total, piece.n_parts, bounds):
        side = "above the maximum" if piece.n_parts < least else "below the minimum"
        limit = bounds.maximum if piece.n_parts < least else bounds.minimum
        tail = (
            f"gets {grids(piece.n_parts)} of the number asked for, {number(round(total / piece.n_parts, 1))} on "
            f"average, {side} of {number(limit)}."
        )
        more = "more" if piece.n_parts < least else "fewer"
        link = f"or ask for {more}: the piece has room for {_room(total, bounds)}."
    else:
        return None
    advice = widened(piece.part_weight, total, bounds)
    advice = capital(advice)
    return Infeasible(
        "piece-total",
        where,
        head + tail,
        first_cells(piece.cell_ix),
        mend=f"{advice}, {link}" if advice else "",
        case="gap" if least > most else "count",
        numbers=(
            ("code", code),
            ("total", total),
            ("cells", cells),
            ("grids", piece.n_parts),
            *_bounds(bounds),
        ),
    )


def weightless_reason(piece: Piece, code: str, bounds: Bounds, *, asked: bool) -> Infeasible | None:
    """Say that fewer cells have households than grids need one; None where there are enough."""
    if bounds.minimum <= 0:
        return None
    cells = np.flatnonzero(piece.weight > 0)
    wanted = piece.n_parts if asked else count_range(float(piece.weight.sum()), bounds)[0]
    if len(cells) >= wanted:
        return None
    have = "Only 1 cell" if len(cells) == 1 else f"Only {len(cells):,} cells"
    reason = (
        f"{have} of {piece.place(code)} {'has' if len(cells) == 1 else 'have'} any households, and each of "
        f"{grids(wanted)} needs at least {number(bounds.minimum)}."
    )
    most = f"raise the maximum to {number(math.ceil(float(piece.weight.sum())))}"
    fewer = f"at most {grids(len(cells))}" if piece.whole else "fewer grids"
    mend = f"Ask for {fewer}, or set the minimum to 0." if asked else f"{most.capitalize()}."
    said: Numbers = (("code", code), ("cells", len(cells)), ("grids", wanted), ("min", bounds.minimum))
    return Infeasible(
        "boundary-total",
        code,
        reason,
        first_cells(piece.cell_ix[cells]),
        mend,
        case="few-cells",
        numbers=said,
    )


def grain_reason(piece: Piece, code: str, bounds: Bounds, *, asked: bool) -> Infeasible | None:
    """Say that all weights are multiples of one number, of which the bounds leave too few; None where they do not."""
    grain, total = grain_of(piece.weight), float(piece.weight.sum())
    if grain <= 0:
        return None
    low = math.ceil(bounds.minimum / grain - 1e-9) * grain
    high = math.floor(bounds.maximum / grain + 1e-9) * grain
    whole = "a whole number of households" if grain == 1 else f"a multiple of {households(grain)}"
    head = f"Every cell of {piece.place(code)} has {whole}"
    span = f"{number(bounds.minimum)} to {number(bounds.maximum)}"
    if low > high:
        some = "whole number" if grain == 1 else f"multiple of {number(grain)}"
        reason = f"{head}, and no {some} lies in {span}."
        below, above = max(0.0, high), low
        mend = f"Lower the minimum to {number(below)}, or raise the maximum to {number(above)}."
        told: Numbers = (("code", code), ("grain", grain), *_bounds(bounds))
        return Infeasible("boundary-total", code, reason, mend=mend, case="grain", numbers=told)
    least, most = count_range(total, Bounds(low, high)) if high > 0 else (1, 0)
    if least <= most and (not asked or fits_count(total, piece.n_parts, Bounds(low, high))):
        return None
    inside = f"{number(low)}" if low == high else f"{number(low)} to {number(high)}"
    reason = (
        f"{head}, so that a grid inside {span} has {inside}; {grids(piece.n_parts)} of that cannot make up "
        f"{households(total)}."
    )
    fair = total / piece.n_parts
    below, above = math.floor(fair / grain + 1e-9) * grain, math.ceil(fair / grain - 1e-9) * grain
    said = [f"lower the minimum to {number(below)}"] if below < bounds.minimum else []
    said += [f"raise the maximum to {number(above)}"] if above > bounds.maximum else []
    mend = " and ".join(said)
    if least <= most:
        mend = f"ask for {grids(least)} here" + (f", or {mend}" if mend else "")
    told = (("code", code), ("grain", grain), ("total", total), ("grids", piece.n_parts), *_bounds(bounds))
    mend = f"{capital(mend)}." if mend else ""
    return Infeasible("boundary-total", code, reason, mend=mend, case="grain-count", numbers=told)
