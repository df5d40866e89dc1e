"""Grid codes at first division: the boundary's code and a sequence, west to east and north to south.

GB/T 30428.1 gives a unit grid 15 digits: 6 county, 3 street office, 3 community, 3 sequence. A boundary whose code is
the 12 digits of a community gets just that; any other code is taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError

__all__ = ["DEFAULT_TEMPLATE", "number_grids", "reading_order"]

#: `{boundary}` is the code of the boundary polygon, `{sequence}` the number of the grid in it.
DEFAULT_TEMPLATE = "{boundary}{sequence}"
DIGITS = 3


def number_grids(
    boundary_ix: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    boundary_codes: Sequence[str],
    template: str = DEFAULT_TEMPLATE,
    *,
    kept: Mapping[int, str] | None = None,
    reserved: Collection[str] = (),
) -> tuple[NDArray[np.int64], list[str]]:
    """Put grids in order and give each its code.

    Parameters
    ----------
    boundary_ix : int32, shape (n_grids,)
        Boundary polygon of each grid.
    x, y : float64, shape (n_grids,)
        A point of each grid in projected metres.
    boundary_codes : sequence of str
        Code of each boundary polygon.
    template : str
        Python format with `{boundary}` and `{sequence}`; the sequence has 3 digits, more where a boundary polygon holds
        over 999 grids.
    kept : mapping of int to str
        Grids that have a code already, which they keep.
    reserved : collection of str
        Codes that were given to other grids before; no grid gets one of them anew.

    Returns
    -------
    order : int64, shape (n_grids,)
        Positions of the grids: by boundary polygon, in rows from north to south, in each row from west to east, which
        is the order of the codes that are given here; with codes that are kept, by boundary polygon and code.
    codes : list of str
        Codes in that order.

    Raises
    ------
    ParameterError
        Where the template cannot be filled, or two grids would get one code.

    Examples
    --------
    >>> home = np.array([0, 0], dtype=np.int32)
    >>> order, codes = number_grids(home, np.array([5.0, 1.0]), np.array([0.0, 0.0]), ["110101001001"])
    >>> order.tolist(), codes
    ([1, 0], ['110101001001001', '110101001001002'])
    """
    kept = kept or {}
    taken = {*kept.values(), *reserved}
    order = reading_order(boundary_ix, x, y)
    codes = []
    for ix in np.unique(boundary_ix):
        grids = order[boundary_ix[order] == ix].tolist()
        fresh = iter(_fresh(template, str(boundary_codes[ix]), sum(g not in kept for g in grids), taken))
        codes += [kept[grid] if grid in kept else next(fresh) for grid in grids]
    if kept:
        by_code = sorted(range(len(codes)), key=lambda i: (int(boundary_ix[order[i]]), codes[i]))
        order, codes = order[by_code], [codes[i] for i in by_code]
    if len(set(codes)) < len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        raise ParameterError(
            f"Two grids would get the code {twice[0]}: give the boundary polygons codes of one length, "
            "or a template with a separator such as {boundary}-{sequence}."
        )
    return order, codes


def reading_order(
    boundary_ix: NDArray[np.int32], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Put grids in order: by boundary polygon, in rows from north to south, in each row from west to east.

    Returns
    -------
    int64, shape (n_grids,)
        Positions of the grids.
    """
    return np.lexsort((x, _rows(boundary_ix, y), boundary_ix))


def _fresh(template: str, boundary: str, count: int, taken: Collection[str]) -> list[str]:
    """Return codes of one boundary polygon in ascending order, leaving out those that are taken."""
    bare = _fill(template, boundary, "")
    width = max(DIGITS, len(str(count + sum(code.startswith(bare) for code in taken))))
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        code = _fill(template, boundary, f"{number:0{width}d}")
        if code not in taken or code == bare:  # a template without sequence gives one code only
            found.append(code)
    return found


def _fill(template: str, boundary: str, sequence: str) -> str:
    try:
        return template.format(boundary=boundary, sequence=sequence)
    except (KeyError, IndexError, ValueError):
        raise ParameterError(
            f"The code template {template!r} cannot be filled; it may hold {{boundary}} and {{sequence}} only."
        ) from None


def _rows(boundary_ix: NDArray[np.int32], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Sort the grids of each boundary polygon into about as many rows as columns, the northern row first."""
    row = np.zeros(len(y), dtype=np.int64)
    for ix in np.unique(boundary_ix):
        at = np.flatnonzero(boundary_ix == ix)
        per_row = max(1, round(float(np.sqrt(len(at)))))
        row[at[np.argsort(-y[at], kind="stable")]] = np.arange(len(at)) // per_row
    return row
