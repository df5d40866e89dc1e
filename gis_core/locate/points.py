"""Tables of points: what their readers give, and what these share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError, some_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "Kind",
    "PointSource",
    "column_of",
    "hint_of",
    "numbers_of",
    "position_names",
]

#: Names of the columns of a position, in the order in which they are looked for (whatever the case).
DEGREE_NAMES: tuple[tuple[str, str], ...] = (
    ("longitude", "latitude"), ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("经度", "纬度"),
    ("point_lon", "point_lat"), ("wgs84_lng", "wgs84_lat"), ("wgs_lng", "wgs_lat"), ("gcj_lng", "gcj_lat"),
    ("bd_lng", "bd_lat"), ("x", "y"), ("point_x", "point_y"), ("x坐标", "y坐标"),
)  # fmt: skip
METRE_NAMES: tuple[tuple[str, str], ...] = (
    ("x", "y"), ("easting", "northing"), ("east", "north"), ("point_x", "point_y"), ("x坐标", "y坐标"),
)  # fmt: skip

#: Rows that are held and located at once.
CHUNK_ROWS = 100_000

#: Type of a column over the whole file; `text` where it is mixed or nested.
Kind = Literal["text", "integer", "number", "bool"]


class Chunk:
    """Some rows of a table: their values by column, and the positions in them.

    Parameters
    ----------
    columns : list of sequences, or callable
        Values of each column of `PointSource.names`; a callable is asked once, when they are needed.
    x, y, radius : float64, shape (n,)
        NaN where they cannot be read; `radius` None where it was not asked for.
    features : list of dict, optional
        The GeoJSON features themselves.
    table : pyarrow.Table, optional
        The rows themselves as the file has them, with their geometry where it has one.
    lines : list of str, optional
        The rows themselves as lines of a CSV with commas in which nothing is quoted.
    """

    def __init__(
        self, columns: list[Sequence[Any]] | Callable[[], list[Sequence[Any]]], x: NDArray[np.float64],
        y: NDArray[np.float64], radius: NDArray[np.float64] | None = None, *,
        features: list[dict[str, Any]] | None = None, table: pa.Table | None = None, lines: list[str] | None = None,
    ) -> None:  # fmt: skip
        self._columns = columns
        self.x, self.y, self.radius = x, y, radius
        self.features, self.table, self.lines = features, table, lines

    def __len__(self) -> int:
        return len(self.x)

    @property
    def columns(self) -> list[Sequence[Any]]:
        """Values of each column."""
        if callable(self._columns):
            self._columns = self._columns()
        return self._columns


class PointSource(Protocol):
    """A table of points that can be read chunk by chunk."""

    names: list[str]
    #: Types of the columns, where they are not those of a table and not text.
    kinds: dict[str, Kind]
    #: Column of the table that holds its geometry; None where there is none.
    geometry: str | None
    #: What the file itself says of its coordinates, as in `parse_crs`; None where it says nothing.
    stated_crs: str | None
    #: What the names of its columns suggest; never acted on, only said.
    hinted_crs: str | None
    #: Sentences about how the file was read, for the user.
    notes: list[str]
    #: Rows of the file; 0 where they are not counted before.
    total: int

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """Give the rows in order, without the first `skip` chunks."""
        ...

    def done(self) -> float:
        """Tell which part of the file was read, 0 to 1; 0 where it is not known."""
        ...


def numbers_of(values: Sequence[Any]) -> NDArray[np.float64]:
    """Read numbers from text or values; NaN where there is none."""
    import pandas as pd

    read = pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    return np.where(np.isfinite(read), read, np.nan)


def column_of(names: Sequence[str], wanted: str, option: str) -> int:
    """Return the position of a column; an exact name before one in another case.

    Raises
    ------
    ParameterError
        Where there is none.
    """
    exact = list(names)
    for candidates in (exact, [name.strip().lower() for name in exact]):
        key = wanted if candidates is exact else wanted.strip().lower()
        if key in candidates:
            return candidates.index(key)
    raise ParameterError(f"There is no column {wanted!r} for {option}; the columns are {some_of(exact, 20)}.")


def position_names(
    names: Sequence[str], x_col: str | None, y_col: str | None, *, geographic: bool, file: str
) -> tuple[int, int]:
    """Return the columns of the position: those named, else the first pair that is recognised.

    Raises
    ------
    ParameterError
        Where there are none.
    """
    if x_col is not None and y_col is not None:
        return column_of(names, x_col, "--x"), column_of(names, y_col, "--y")
    lower = [name.strip().lower() for name in names]
    for x, y in DEGREE_NAMES if geographic else METRE_NAMES:
        if x in lower and y in lower:
            return lower.index(x), lower.index(y)
    raise ParameterError(
        f"No columns of a position are recognised in {file}; name them with --x and --y. "
        f"The columns are {some_of(list(names), 20)}."
    )


def hint_of(name: str) -> str | None:
    """Return the system that a column's name suggests.

    Examples
    --------
    >>> hint_of("GCJ_lng"), hint_of("bd09_x"), hint_of("lng")
    ('gcj02', 'bd09', None)
    """
    key = name.strip().lower()
    return "gcj02" if key.startswith("gcj") else "bd09" if key.startswith(("bd_", "bd09")) else None
