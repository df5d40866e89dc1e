"""The one door to numba: `njit` compiles a kernel without the GIL and keeps it on disk.

The folder of the compiled kernels carries a digest of the sources that a kernel may call, because numba
itself looks only at the file of the outermost function and would go on using a stale helper. Processes that
start at once write equal files by atomic renames. Where no folder can be written, kernels are compiled in
memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["njit", "prefetch"]

P = ParamSpec("P")
R = TypeVar("R")

_HERE = Path(__file__).resolve().parent


@cache
def _digest(room: Path) -> str:
    """Digest the kernel sources of one room and of `graph`, whose kernels every room may call."""
    sources = sorted({*room.glob("*.py"), *(_HERE / "graph").glob("*.py"), Path(__file__).resolve()})
    total = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        total.update(source.name.encode())
        total.update(source.read_bytes())
    return total.hexdigest()[:12]


@cache
def _writable_base() -> Path | None:
    """Return the first folder that can hold compiled kernels, None where there is none."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    wishes = (
        [Path(chosen)] if chosen else [_HERE / "__pycache__" / "kernels", Path(user).expanduser() / "wangge"]
    )
    for wish in wishes:
        try:
            wish.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            continue
        if os.access(wish, os.W_OK | os.X_OK):
            return wish
    return None


def njit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: no Python objects, no GIL, kept on disk between runs.

    Compilation happens at the first call. Callers hand over C-contiguous arrays of fixed dtypes, so that
    there is one compiled version of each kernel and several processes can start on an empty folder at once.

    Parameters
    ----------
    function : callable
        Written in the part of Python that numba compiles.

    Returns
    -------
    callable
        The compiled kernel; the plain function where `NUMBA_DISABLE_JIT` is set.
    """
    base = _writable_base()
    if base is None:
        return numba.njit(nogil=True, error_model="numpy")(function)
    # The folder is read from the configuration once, while the kernel is decorated.
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(base / _digest(Path(function.__code__.co_filename).resolve().parent))
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before


@intrinsic
def prefetch(_typing: Any, array: Any, index: Any) -> Any:
    """Ask the processor to have an element of an array at hand soon; for use in kernels only."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        data = context.make_array(array_type)(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, index), write
