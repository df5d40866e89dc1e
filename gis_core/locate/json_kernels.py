"""Where the objects of a JSON text begin and end, without reading them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gis_core._compat import njit

__all__ = ["END_OF_ARRAY", "MORE", "UNREADABLE", "find_objects"]

#: How a search ended: the text did, the array did, or there is something else than objects.
MORE, END_OF_ARRAY, UNREADABLE = 0, 1, 2

_QUOTE, _BACKSLASH, _COMMA = 34, 92, 44
_OPEN_LIST, _CLOSE_LIST, _OPEN, _CLOSE = 91, 93, 123, 125


@njit
def find_objects(  # noqa: PLR0912  a kernel pays for every call
    text: NDArray[np.uint8], at: int, start: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Find objects that stand beside each other, until as many are found as there is room for.

    Parameters
    ----------
    text : uint8, shape (n,)
    at : int
        Where to begin; between objects.
    start, stop : int64, shape (m,)
        Filled: where each object begins, and the place after its end.

    Returns
    -------
    count, at, how : int
        How many were found, where to go on, and `MORE`, `END_OF_ARRAY` or `UNREADABLE`.
    """
    count, depth, begin = 0, 0, at
    in_text = False
    i = at
    n = len(text)
    while i < n:
        c = text[i]
        if in_text:
            if c == _BACKSLASH:
                i += 1
            elif c == _QUOTE:
                in_text = False
        elif c == _QUOTE:
            if depth == 0:
                return count, i, UNREADABLE
            in_text = True
        elif c in (_OPEN, _OPEN_LIST):
            if depth == 0:
                if c == _OPEN_LIST:
                    return count, i, UNREADABLE
                begin = i
            depth += 1
        elif c in (_CLOSE, _CLOSE_LIST):
            if depth == 0:
                return count, i, END_OF_ARRAY if c == _CLOSE_LIST else UNREADABLE
            depth -= 1
            if depth == 0:
                start[count], stop[count] = begin, i + 1
                count += 1
                if count == len(start):
                    return count, i + 1, MORE
        elif depth == 0 and c not in (_COMMA, 9, 10, 13, 30, 32):
            return count, i, UNREADABLE
        i += 1
    return count, begin if depth > 0 else n, MORE
