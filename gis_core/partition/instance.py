"""Bare graphs to be cut, as they stand in an `.npz` file, and the checks that a file from a stranger needs.

Nothing is unpickled: each array is read by its header, which must name plain numbers and a size that the file can
hold. Must not import anything above `partition`.
"""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

from gis_core.errors import DatasetError, NotFoundError, some_of
from gis_core.graph.components import graph_from_pairs
from gis_core.model import AdjacencyGraph
from gis_core.partition.objective import Bounds

__all__ = ["Instance", "read_instance"]

#: What every instance must hold, and what it is.
_NEEDED = {
    "w": "the weight of each cell",
    "l": "the first cell of each adjacency",
    "r": "the second cell of each adjacency",
    "S": "the shared border of each adjacency in metres",
    "k": "the number of parts",
    "lo": "the least weight of a part",
    "hi": "the greatest weight of a part",
}
#: What it may hold besides.
_OPTIONAL = ("eid", "x", "y", "street", "per", "area")
#: Single numbers, and which of them can be used.
_SCALARS = {
    "k": "a whole number of parts, 1 or more",
    "lo": "0 or more (0: no minimum)",
    "hi": "a number above 0 (inf: no maximum)",
}
_PER_ADJACENCY = ("l", "r", "S", "street")
#: Together; more than any machine that could solve it would read.
_MOST_BYTES = 4 << 30
#: Sums above it are no longer exact in float64.
_MOST_SUM = 2.0**53
#: Squares of smaller sums, shared by many parts, are no longer told from 0.
_LEAST_SUM = 1e-9
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, TypeError, SyntaxError, OverflowError, RuntimeError,
    tokenize.TokenError, NotImplementedError, UnicodeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instance:
    """A graph of cells, and into what it is to be cut.

    Attributes
    ----------
    name : str
        Name of the file without its ending, for messages.
    graph : AdjacencyGraph
        Streets run along the whole of a border or not at all.
    weight : float64, shape (n_cells,)
    n_parts : int
        The number asked for; may be more than there are cells.
    bounds : Bounds
    has_shape : bool
        Whether the file gave areas and perimeters, so that compactness can be measured.
    """

    name: str
    graph: AdjacencyGraph
    weight: NDArray[np.float64]
    n_parts: int
    bounds: Bounds
    has_shape: bool


def read_instance(path: Path) -> Instance:
    """Read an instance and check it as if a stranger had written it.

    Parameters
    ----------
    path : Path
        A `.npz` file with, over n cells, `w` (weight) and optionally `x`, `y`, `area`, `per` (perimeter),
        `eid` (enclosure, only checked); over m adjacencies `l`, `r` (positions of the two cells), `S` (shared
        border in metres) and optionally `street` (true where it lies on a street); single numbers `k`, `lo`,
        `hi`. Other arrays are left alone.

    Returns
    -------
    Instance

    Raises
    ------
    NotFoundError
        Where there is no such file.
    DatasetError
        Where the file, an array or a value in it cannot be used; the message names the array and the first rows.

    Notes
    -----
    Time O(n + m log m). Without `x` and `y` the cells lie in a row in the order of Cuthill and McKee (1969), so
    that neighbours are near each other.
    """
    arrays = _read_arrays(path)
    name = path.name
    missing = [key for key in _NEEDED if key not in arrays]
    if missing:
        lacks = "; ".join(f"{key} ({_NEEDED[key]})" for key in missing)
        raise DatasetError(f"{name} lacks {lacks}. An instance needs the arrays {', '.join(_NEEDED)}.")
    n, m = _lengths(name, arrays)
    weight = _numbers(name, arrays, "w")
    if not weight.sum() <= _MOST_SUM:
        raise DatasetError(f"{name}: the weights in w add up to more than 2^53; give them in a larger unit.")
    if 0 < weight.sum() < _LEAST_SUM:
        raise DatasetError(f"{name}: the weights in w add up to less than 1e-9; give them in a smaller unit.")
    left, right = _cells(name, arrays, "l", n), _cells(name, arrays, "r", n)
    _require_simple(name, left, right, n)
    shared = _numbers(name, arrays, "S")
    street = _streets(name, arrays, m)
    if "eid" in arrays and arrays["eid"].dtype.kind not in "iu":
        raise DatasetError(f"{name}: eid must hold integers, the enclosure of each cell.")
    shape = {key: _numbers(name, arrays, key) for key in ("area", "per") if key in arrays}
    x, y = _places(name, arrays, left, right, n)
    graph = graph_from_pairs(
        left, right, n_cells=n, shared_length_m=shared, street_length_m=np.where(street, shared, 0.0),
        area_m2=shape.get("area"), perimeter_m=shape.get("per"), x=x, y=y,
    )  # fmt: skip
    n_parts, bounds = _question(name, arrays)
    return Instance(path.stem, graph, weight, n_parts, bounds, len(shape) == 2)


def _read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read the arrays that an instance may hold, and no others."""
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    if not path.is_file():
        raise DatasetError(f"{path} is no file; give an instance (.npz).")
    found: dict[str, NDArray[np.generic]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info for info in archive.infolist()}
            wanted = [key for key in (*_NEEDED, *_OPTIONAL) if f"{key}.npy" in members]
            if sum(members[f"{key}.npy"].file_size for key in wanted) > _MOST_BYTES:
                raise DatasetError(
                    f"{path.name} would unpack to more than {_MOST_BYTES >> 30} GB; it is no instance."
                )
            for key in wanted:
                info = members[f"{key}.npy"]
                with archive.open(info) as stream:
                    found[key] = _read_array(path.name, key, stream, info.file_size)
    except DatasetError:
        raise
    except _BROKEN:
        raise DatasetError(
            f"{path.name} is no .npz file that can be read, or is damaged; write it with numpy.savez_compressed."
        ) from None
    return found


def _read_array(name: str, key: str, stream: IO[bytes], size: int) -> NDArray[np.generic]:
    """Read one array of plain numbers, of which the file says that it has `size` bytes with its header."""
    version = npy.read_magic(stream)
    readers: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype]]] = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(version)
    shape, _, dtype = readers[version](stream)
    if dtype.hasobject or dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise DatasetError(f"{name}: {key} holds {dtype.name} values; give plain numbers of at most 64 bits.")
    count = 1
    for side in shape:
        count *= side
    if count < 0 or count * dtype.itemsize > size:
        raise EOFError
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize or stream.read(1):  # the last read also checks the sum of the file
        raise EOFError
    values = np.frombuffer(data, dtype=dtype).reshape(shape)
    return values.reshape(()) if key in _SCALARS and values.size == 1 else values


def _lengths(name: str, arrays: dict[str, NDArray[np.generic]]) -> tuple[int, int]:
    """Return the numbers of cells and adjacencies, which every array must agree with."""
    for key, values in arrays.items():
        wanted = 0 if key in _SCALARS else 1
        if values.ndim != wanted:
            kind = "one number" if wanted == 0 else "a row of numbers"
            raise DatasetError(f"{name}: {key} has the shape {values.shape}; it must be {kind}.")
    n, m = len(arrays["w"]), len(arrays["l"])
    if n == 0:
        raise DatasetError(f"{name} has no cells (w is empty); there is nothing to cut.")
    if n > np.iinfo(np.int32).max:
        raise DatasetError(f"{name} has {n:,} cells, more than can be numbered; cut it in two.")
    for key, values in arrays.items():
        length, what = (m, "adjacencies (l)") if key in _PER_ADJACENCY else (n, "cells (w)")
        if key not in _SCALARS and len(values) != length:
            raise DatasetError(f"{name}: {key} has {len(values):,} values for {length:,} {what}.")
    return n, m


def _numbers(
    name: str, arrays: dict[str, NDArray[np.generic]], key: str, *, signed: bool = False
) -> NDArray[np.float64]:
    """Return an array as numbers that can be reckoned with: no NaN, no infinity, 0 or more unless `signed`."""
    if arrays[key].dtype.kind == "b":
        raise DatasetError(f"{name}: {key} holds true and false; give numbers.")
    values = arrays[key].astype(np.float64)
    for bad, what in ((~np.isfinite(values), "no finite number"), (values < 0, "negative")):
        if what == "negative" and signed:
            continue
        rows = np.flatnonzero(bad)
        if len(rows):
            where = "" if key in _SCALARS else f" at {some_of(rows.tolist())}"
            give = "finite numbers" if signed else _SCALARS.get(key, "numbers of 0 or more")
            raise DatasetError(f"{name}: {key} is {what}{where}; give {give}.")
    if (np.abs(values) > _MOST_SUM).any():
        raise DatasetError(f"{name}: {key} holds values above 2^53; give them in a larger unit.")
    return values


def _cells(name: str, arrays: dict[str, NDArray[np.generic]], key: str, n: int) -> NDArray[np.int64]:
    """Return positions of cells, each of 0 to n - 1."""
    values = arrays[key]
    if values.dtype.kind not in "iu" and len(values):
        raise DatasetError(
            f"{name}: {key} holds {values.dtype.name} values; give the positions of cells as integers."
        )
    rows = np.flatnonzero((values < 0) | (values >= n))  # type: ignore[operator]
    if len(rows):
        raise DatasetError(
            f"{name}: {key} names cell {values[rows[0]]} at row {rows[0]}, but cells are numbered 0 to {n - 1}."
        )
    return values.astype(np.int64)


def _require_simple(name: str, left: NDArray[np.int64], right: NDArray[np.int64], n: int) -> None:
    """Fail where an adjacency joins a cell to itself or stands twice, in either direction."""
    rows = np.flatnonzero(left == right)
    if len(rows):
        raise DatasetError(
            f"{name}: l and r name the same cell at row {some_of(rows.tolist())}; a cell does not adjoin itself."
        )
    key = np.minimum(left, right) * n + np.maximum(left, right)
    order = np.argsort(key, kind="stable")
    again = np.flatnonzero(np.diff(key[order]) == 0)
    if len(again):
        a, b = order[again[0]], order[again[0] + 1]
        raise DatasetError(
            f"{name}: rows {a} and {b} of l and r are the same adjacency, of cells {left[a]} and {right[a]}"
            f"{f' ({len(again):,} stand twice)' if len(again) > 1 else ''}; give each once, with its whole border."
        )


def _streets(name: str, arrays: dict[str, NDArray[np.generic]], m: int) -> NDArray[np.bool_]:
    """Return whether each border lies on a street; where the file does not say, none does."""
    if "street" not in arrays:
        return np.zeros(m, dtype=bool)
    values = arrays["street"]
    if values.dtype.kind != "b" and not np.isin(values, (0, 1)).all():
        raise DatasetError(f"{name}: street must hold true and false (or 1 and 0), one for each adjacency.")
    return values.astype(bool)


def _places(
    name: str,
    arrays: dict[str, NDArray[np.generic]],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a point for each cell: the one given, or its place in an order in which neighbours are near."""
    given = [key for key in ("x", "y") if key in arrays]
    if len(given) == 1:
        raise DatasetError(
            f"{name} has {given[0]} but not the other coordinate; give both x and y or neither."
        )
    if given:
        return _numbers(name, arrays, "x", signed=True), _numbers(name, arrays, "y", signed=True)
    links = coo_array(
        (np.ones(2 * len(left), np.int8), (np.r_[left, right], np.r_[right, left])), shape=(n, n)
    )
    place = np.empty(n)
    place[reverse_cuthill_mckee(links.tocsr(), symmetric_mode=True)] = np.arange(n)
    return place, np.zeros(n)


def _question(name: str, arrays: dict[str, NDArray[np.generic]]) -> tuple[int, Bounds]:
    """Return the number of parts and the bounds."""
    if arrays["hi"].dtype.kind == "f" and float(arrays["hi"]) == np.inf:
        # As much as there is, and more than nothing: no maximum.
        arrays = {**arrays, "hi": np.array(max(1.0, float(arrays["w"].sum()), float(arrays["lo"])))}
    k, lo, hi = (float(_numbers(name, {key: np.atleast_1d(arrays[key])}, key)[0]) for key in _SCALARS)
    if k < 1 or k != round(k):
        raise DatasetError(f"{name}: k is {k:g}; give a whole number of parts, 1 or more.")
    if lo > hi:
        raise DatasetError(f"{name}: lo {lo:g} is above hi {hi:g}; exchange them.")
    if hi <= 0:
        raise DatasetError(f"{name}: hi is 0, so that no part could hold anything; give more than 0.")
    return int(k), Bounds(minimum=lo, maximum=hi)
