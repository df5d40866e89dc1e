"""Numbers that people typed as text: what is unambiguous is read, the rest is named, nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NumberColumn", "parse_number", "read_numbers"]

_BLANK = frozenset(
    {
        "",
        "-",
        "--",
        "—",
        "/",
        "\\",
        "无",
        "空",
        "none",
        "null",
        "nan",
        "n/a",
        "na",
        "<na>",
        "未知",
        "不详",
        "暂无",
    }
)
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_UNIT = re.compile(r"(户|人|口|层|楼|家|f|households?|people|persons?|floors?|levels?)$")


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers of one column.

    Attributes
    ----------
    values : float64, shape (n,)
        NaN where the source is blank or holds no number.
    blank, bad, read : bool, shape (n,)
        Nothing there; text that is no number; text that was read as a number although it
        is not written as one.
    examples : tuple of str
        The first texts that are bad.
    """

    values: NDArray[np.float64]
    blank: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    read: NDArray[np.bool_]
    examples: tuple[str, ...] = ()
    read_examples: tuple[str, ...] = ()


def parse_number(text: str) -> tuple[float, str]:
    """Read one text as a number: the value, and `plain`, `read`, `blank` or `bad`.

    Full-width digits, a thousands separator in its place and a unit behind the number are read.
    `1,5`, `约120` and `3-5` could mean several things and are bad.

    Examples
    --------
    >>> parse_number("12"), parse_number("12户"), parse_number("１，２００")
    ((12.0, 'plain'), (12.0, 'read'), (1200.0, 'read'))
    >>> parse_number("abc"), parse_number("1,5")[1], parse_number(" ")[1]
    ((nan, 'bad'), 'bad', 'blank')
    """
    stripped = text.strip()
    folded = unicodedata.normalize("NFKC", stripped).strip().lower()
    if folded in _BLANK:
        return float("nan"), "blank"
    if _PLAIN.fullmatch(folded):
        kind = "plain" if folded == stripped.lower() else "read"
        value = float(folded)
        return (value, kind) if np.isfinite(value) else (float("nan"), "bad")
    bare = _UNIT.sub("", folded.replace(" ", "")).strip()
    if _PLAIN.fullmatch(bare) or _THOUSANDS.fullmatch(bare):
        return float(bare.replace(",", "")), "read"
    return float("nan"), "bad"


def read_numbers(column: pd.Series) -> NumberColumn:
    """Read a column of numbers or text; each different text is parsed once."""
    import pandas as pd

    n = len(column)
    nothing = np.zeros(n, dtype=bool)
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        infinite = np.isinf(values)
        values = np.where(infinite, np.nan, values)
        return NumberColumn(
            values, np.isnan(values) & ~infinite, infinite, nothing, ("infinite",) * int(infinite.any())
        )
    codes, uniques = pd.factorize(column.astype(object))
    parsed = [parse_number(str(each)) for each in uniques]
    values = np.append(np.array([value for value, _kind in parsed], dtype=np.float64), np.nan)[codes]
    kinds = np.array([kind for _value, kind in parsed] + ["blank"], dtype="U5")[codes]
    bad, read = kinds == "bad", kinds == "read"
    return NumberColumn(values, kinds == "blank", bad, read, _first(column, bad), _first(column, read))


def _first(column: pd.Series, mask: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"“{text}”" for text in column[mask].head(50)))[:5]
