"""Columns of the buildings: ids that are unique, numbers that are numbers, households known or estimated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import some_of
from gis_core.layers.faultlog import FaultLog
from gis_core.layers.numbers import NumberColumn, read_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["extra_numbers", "households", "number_column", "source_ids", "unique_ids"]

#: Columns of `Dataset.buildings` that a numeric column of the source may not overwrite.
_RESERVED = frozenset(
    [
        "id",
        "row",
        "households",
        "population",
        "levels",
        "use",
        "name",
        "address",
        "compound",
        "households_source",
        "geometry",
        "fid",
    ]
)


def source_ids(
    table: pd.DataFrame, columns: Mapping[str, list[str]]
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the id of every row as text, exactly as the source writes it, and which rows have none.

    Without an id column the id is the 0-based row; a row whose id is blank gets `row-N`.
    """
    rows = np.arange(len(table))
    if "id" not in columns:
        return rows.astype(str).astype(object), np.zeros(len(table), dtype=bool)
    column = table[columns["id"][0]]
    ids = np.array(column.astype(str).tolist(), dtype=object)
    blank = column.isna().to_numpy(dtype=bool) | np.array([not str(each).strip() for each in ids], dtype=bool)
    ids[blank] = [f"row-{row}" for row in rows[blank]]
    return ids, blank


def unique_ids(
    ids: NDArray[np.object_], blank: NDArray[np.bool_], layer: str, log: FaultLog
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return ids that are unique and the rows to keep; later rows of one id get `#2`, `#3` behind it."""
    import pandas as pd

    keep = np.ones(len(ids), dtype=bool)
    rows = np.flatnonzero(blank)
    if len(rows):
        log.mend(
            "missing-id",
            layer,
            "there is no id",
            "they are called row-N by their row",
            "Give every row an id.",
            rows=rows,
            ids=ids[rows],
            left="they are called row-N by their row",
        )
    later = pd.Series(ids, dtype=object).duplicated().to_numpy(dtype=bool)
    rows = np.flatnonzero(later)
    if len(rows) == 0:
        return ids, keep
    mended = ids.copy()
    taken = set(ids)
    numbers: dict[str, int] = {}
    for row in rows:
        number = numbers.get(ids[row], 1) + 1
        while f"{ids[row]}#{number}" in taken:
            number += 1
        numbers[ids[row]] = number
        mended[row] = f"{ids[row]}#{number}"
        taken.add(mended[row])
    if not log.mend(
        "duplicate-id",
        layer,
        "an earlier row has the same id",
        "all rows are kept; the later ones got #2, #3 behind their id",
        "Give every building its own id; where two rows are the same building, delete one.",
        rows=rows,
        ids=ids[rows],
    ):
        keep[rows] = False
    return mended, keep


def number_column(
    table: pd.DataFrame, names: list[str], target: str, ids: NDArray[np.object_], log: FaultLog, *, left: str
) -> NumberColumn:
    """Read a number column of the buildings and report text in it; blanks are filled from the later names."""
    layer, name = "buildings", names[0]
    result = read_numbers(table[name])
    fix = f"Write plain numbers into column {name}, or name another one with --map buildings.{target}=COLUMN."
    rows = np.flatnonzero(result.read)
    if len(rows):
        log.add(
            "number-as-text",
            layer,
            f"numbers in column {name} are written as text ({some_of(result.read_examples)}) and were "
            "read as numbers",
            fix,
            "note",
            rows=rows,
            ids=ids[rows],
        )
    rows = np.flatnonzero(result.bad)
    if len(rows):
        log.drop(
            "text-in-number",
            layer,
            f"column {name} holds text that is no number ({some_of(result.examples)})",
            fix,
            rows=rows,
            ids=ids[rows],
            left=left,
        )
    values = result.values
    for other in names[1:]:
        more = read_numbers(table[other])
        values = np.where(np.isnan(values), more.values, values)
    return NumberColumn(values, np.isnan(values) & ~result.bad, result.bad, result.read, result.examples)


def households(
    table: pd.DataFrame,
    columns: Mapping[str, list[str]],
    ids: NDArray[np.object_],
    log: FaultLog,
    *,
    estimate: bool,
    elsewhere: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return household counts (NaN: to be estimated, else 0 where unknown) and the rows to keep.

    With `elsewhere` a sheet brings the counts, and the layer need not have any.
    """
    keep = np.ones(len(table), dtype=bool)
    layer = "buildings"
    if "households" not in columns and elsewhere and not estimate:
        return np.zeros(len(table)), keep
    if "households" not in columns:
        if not estimate:
            have = some_of([str(name) for name in table.columns], limit=12) or "none"
            log.add(
                "no-households",
                layer,
                f"no column holds households (columns: {have})",
                "Name the column with --map buildings.households=COLUMN, or estimate them with "
                "--estimate-households, or bring a sheet of counts with --counts.",
                "error",
            )
            return np.zeros(len(table)), keep
        return np.full(len(table), np.nan), keep
    name = columns["households"][0]
    unknown = "they are estimated" if estimate else "they count as 0 households"
    read = number_column(table, [name], "households", ids, log, left=unknown)
    values = read.values.copy()
    rows = np.flatnonzero(read.blank)
    if len(rows):
        log.add(
            "missing-households",
            layer,
            f"{len(rows)} of {len(table)} buildings {'has' if len(rows) == 1 else 'have'} no number "
            f"in column {name}; {unknown}",
            "Fill in the numbers" + ("." if estimate else ", or estimate them with --estimate-households."),
            "note" if estimate else "warning",
            rows=rows,
            ids=ids[rows],
        )
    rows = np.flatnonzero(values < 0)
    if len(rows):
        examples = some_of([f"{value:g}" for value in values[rows]])
        if log.mend(
            "negative-households",
            layer,
            f"column {name} holds negative numbers ({examples})",
            "they count as 0 households",
            "Correct the numbers.",
            rows=rows,
            ids=ids[rows],
        ):
            values[rows] = 0.0
        else:
            keep[rows] = False
    rounded = np.rint(values)
    rows = np.flatnonzero(np.abs(values - rounded) > 1e-9)
    if len(rows):
        examples = some_of([f"{value:g}" for value in values[rows]])
        log.mend(
            "fraction-of-household",
            layer,
            f"column {name} holds fractions ({examples})",
            "they were rounded",
            "Write whole numbers.",
            rows=rows,
            ids=ids[rows],
            left="they were rounded",
        )
    return (rounded if estimate else np.nan_to_num(rounded)), keep


def extra_numbers(table: pd.DataFrame, used: set[str]) -> dict[str, NDArray[np.generic]]:
    """Return numeric columns that no column of the contract was made from, under their own names."""
    import pandas as pd

    return {
        str(name): values.to_numpy(dtype=np.float64, na_value=np.nan)
        if values.isna().any()
        else values.to_numpy()
        for name, values in table.items()
        if str(name) not in used
        and str(name).lower() not in _RESERVED
        and pd.api.types.is_numeric_dtype(values.dtype)
        and not pd.api.types.is_bool_dtype(values.dtype)
    }
