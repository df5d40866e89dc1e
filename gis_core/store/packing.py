"""Arrays as bytes: the adjacency graph of a data version, the assignment of a plan, the delta of an edit.

The form is a zlib stream of an npz without pickles (graph) or of little-endian int32 (the rest).
"""

from __future__ import annotations

import io
import zlib
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import StoreUnavailableError
from gis_core.model import AdjacencyGraph

__all__ = ["pack_delta", "pack_graph", "pack_ints", "unpack_delta", "unpack_graph", "unpack_ints"]

# Level 1 packs a city's graph in half a second; level 6 takes five times that for a tenth less.
_LEVEL = 1


def pack_graph(graph: AdjacencyGraph) -> bytes:
    """Return the graph as bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **{item.name: getattr(graph, item.name) for item in fields(AdjacencyGraph)})
    return zlib.compress(buffer.getbuffer(), _LEVEL)


def unpack_graph(data: bytes) -> AdjacencyGraph:
    """Return the graph that `pack_graph` packed.

    Raises
    ------
    StoreUnavailableError
        Where the bytes are damaged.
    """
    try:
        with np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False) as arrays:
            return AdjacencyGraph(**{item.name: arrays[item.name] for item in fields(AdjacencyGraph)})
    except (zlib.error, ValueError, KeyError, OSError) as error:
        raise StoreUnavailableError(
            f"The adjacency graph in the store is damaged ({error}): load the dataset again."
        ) from None


def pack_ints(values: NDArray[np.int32]) -> bytes:
    """Return int32 values as bytes."""
    return zlib.compress(np.ascontiguousarray(values, dtype="<i4").tobytes(), _LEVEL)


def unpack_ints(data: bytes) -> NDArray[np.int32]:
    """Return the int32 values that `pack_ints` packed; a copy that may be written to.

    Raises
    ------
    StoreUnavailableError
        Where the bytes are damaged.
    """
    try:
        return np.frombuffer(zlib.decompress(data), dtype="<i4").astype(np.int32)
    except (zlib.error, ValueError) as error:
        raise StoreUnavailableError(
            f"An array in the store is damaged ({error}): restore the store from a backup."
        ) from None


def pack_delta(cell_ix: NDArray[np.int32], grid_ix: NDArray[np.int32], before: NDArray[np.int32]) -> bytes:
    """Return an edit, its cells, their new and their old grids, as bytes."""
    return pack_ints(np.concatenate([cell_ix, grid_ix, before]))


def unpack_delta(data: bytes) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return cells, new grids and old grids of an edit.

    Raises
    ------
    StoreUnavailableError
        Where the bytes are damaged.
    """
    values = unpack_ints(data)
    n = len(values) // 3
    return values[:n], values[n : 2 * n], values[2 * n :]
