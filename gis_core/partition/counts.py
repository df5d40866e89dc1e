"""How many parts: the rule for one total, and how a number is shared between pieces and boundary polygons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gis_core.errors import ParameterError
from gis_core.partition.objective import Bounds

__all__ = [
    "count_range", "counts_to_try", "counts_with_wishes", "fits_count", "parts_for_total", "share_by_pieces",
    "share_grids",
]  # fmt: skip

_TINY = 1e-9


def count_range(total: float, bounds: Bounds) -> tuple[int, int]:
    """Return the least and the greatest number of parts that can all be inside the bounds; least > most: none.

    Examples
    --------
    >>> count_range(1000, Bounds(300, 500))
    (2, 3)
    >>> count_range(543, Bounds(300, 500))
    (2, 1)
    """
    least = max(1, math.ceil(total / bounds.maximum - _TINY))
    most = math.floor(total / bounds.minimum + _TINY) if bounds.minimum > 0 else max(least, math.ceil(total))
    return least, most


def fits_count(total: float, count: int, bounds: Bounds) -> bool:
    """Tell whether a total can be shared by so many parts inside the bounds; without a minimum parts may be empty.

    Examples
    --------
    >>> [fits_count(1000, count, Bounds(300, 500)) for count in (1, 2, 3, 4)]
    [False, True, True, False]
    >>> fits_count(3, 9, Bounds(0, 5))
    True
    """
    least, most = count_range(total, bounds)
    return least <= count and (count <= most or bounds.minimum <= 0)


def parts_for_total(total: float, bounds: Bounds) -> int:
    """Return the number of parts for a total: the one nearest to total / middle of the bounds that fits them.

    Where no number fits, the one whose parts together are the least outside the bounds; at least 1. Of two
    that are equally near, the greater one (its mean is nearer to the middle).

    Examples
    --------
    >>> [parts_for_total(h, Bounds(300, 500)) for h in (0, 140, 543, 590, 1000, 4100)]
    [1, 1, 1, 2, 3, 10]
    """
    least, most = count_range(total, bounds)
    if least > most:
        if most < 1:
            return 1
        return most if total - most * bounds.maximum < least * bounds.minimum - total else least
    return min(max(math.floor(total / bounds.middle + 0.5), least), most)


def counts_to_try(first: int, least: int, most: int, *, at_most: int = 5) -> list[int]:
    """Return `first` and then the other numbers from `least` to `most`, nearest first, the smaller of two before.

    A smaller number leaves more room in each part, and so is the likelier to fit.

    Examples
    --------
    >>> counts_to_try(12, 10, 13)
    [12, 11, 13, 10]
    """
    others = [count for count in range(max(1, least), most + 1) if count != first]
    return [first, *sorted(others, key=lambda count: (abs(count - first), count))][:at_most]


def counts_with_wishes(
    first: int, least: int, most: int, limits: tuple[int, float]
) -> tuple[list[int], list[int]]:
    """Return the numbers to try that wishes leave too, and the one to fall back on where none of these is in bounds.

    Parameters
    ----------
    first : int
        The number that the total alone would take.
    least, most : int
        What the bounds allow.
    limits : (int, float)
        Fewest and most parts that wishes need, such as 8 for 8 cells that are all to stay apart.

    Examples
    --------
    >>> counts_with_wishes(4, 3, 9, (8, math.inf))
    ([8, 9], [4])
    >>> counts_with_wishes(4, 3, 4, (8, math.inf))
    ([4, 3], [])
    """
    low, high = max(least, limits[0]), int(min(most, limits[1]))
    if low > high:
        return counts_to_try(first, least, most), []
    wished = counts_to_try(min(max(first, low), high), low, high)
    return wished, [] if first in wished else [first]


def share_by_pieces(
    wanted: int,
    totals: Sequence[float],
    ranges: Sequence[tuple[int, int]],
    limits: Sequence[int],
    bounds: Bounds,
    *,
    exact: bool,
) -> list[int]:
    """Share a number of parts between pieces that cannot exchange cells.

    Parameters
    ----------
    wanted : int
        Number for all pieces together.
    totals : sequence of float
        Weight of each piece, above 0.
    ranges : sequence of (int, int)
        Least and greatest number of parts of each piece that its bounds allow; least > most: none.
    limits : sequence of int
        Cells of each piece.
    bounds : Bounds
    exact : bool
        Whether `wanted` was asked for and must be met (if cells allow it) even where pieces leave their
        range.

    Returns
    -------
    list of int
        At least 1 each. The sum is `wanted` where the ranges allow it.
    """
    counts = []
    for total, (least, most), limit in zip(totals, ranges, limits, strict=True):
        count = parts_for_total(total, bounds)
        if least <= most:
            count = min(max(count, least), most)
        counts.append(max(1, min(count, limit)))

    def move(step: int, free: bool) -> bool:
        """Change the piece by one part whose mean then is nearest to the middle; tell whether there was one."""
        best, best_price = -1, math.inf
        for i, (total, (least, most), limit) in enumerate(zip(totals, ranges, limits, strict=True)):
            count = counts[i] + step
            if not 1 <= count <= limit or not (free or least <= count <= most):
                continue
            price = abs(math.log(max(total, _TINY) / count / bounds.middle))
            if price < best_price:
                best, best_price = i, price
        if best >= 0:
            counts[best] += step
        return best >= 0

    for free in (False, True) if exact else (False,):
        while sum(counts) != wanted and move(1 if sum(counts) < wanted else -1, free):
            pass
    return counts


def share_grids(
    n_grids: int, totals: Sequence[float], least: Sequence[int], most: Sequence[int]
) -> list[int]:
    """Share an asked number of grids between boundary polygons by households (largest remainder).

    Parameters
    ----------
    n_grids : int
    totals : sequence of float
        Households of each polygon.
    least, most : sequence of int
        Fewest (its pieces with households, at least 1) and most (its cells) grids of each polygon.

    Returns
    -------
    list of int
        With sum `n_grids`.

    Raises
    ------
    ParameterError
        Where there are fewer grids than pieces that need one, or more than cells.
    """
    if n_grids < sum(least):
        raise ParameterError(
            f"{n_grids} grids are too few: the boundary polygons and their separate pieces need {sum(least)}; "
            f"ask for at least that many."
        )
    if n_grids > sum(most):
        raise ParameterError(
            f"{n_grids} grids are too many for {sum(most)} cells, as a grid has one at least; "
            f"ask for {sum(most)} or fewer."
        )
    counts: list[int | None] = [None] * len(totals)
    while True:
        active = [i for i, count in enumerate(counts) if count is None]
        left = n_grids - sum(count for count in counts if count is not None)
        whole = sum(totals[i] for i in active)
        quota = {i: left * totals[i] / whole if whole > 0 else left / len(active) for i in active}
        low = [i for i in active if quota[i] < least[i]]
        high = [i for i in active if quota[i] > most[i]]
        # The side that is further out is settled first, so that the others can still take up the difference.
        short = sum(least[i] - quota[i] for i in low)
        over = sum(quota[i] - most[i] for i in high)
        if not low and not high:
            break
        for i in low if short >= over else high:
            counts[i] = least[i] if short >= over else most[i]
    floors = {i: max(least[i], math.floor(quota[i] + _TINY)) for i in active}
    rest = left - sum(floors.values())
    by_remainder = sorted(active, key=lambda i: (floors[i] - quota[i], i))
    for i in [i for i in by_remainder if floors[i] < most[i]][:rest]:
        floors[i] += 1
    return [floors[i] if count is None else count for i, count in enumerate(counts)]
