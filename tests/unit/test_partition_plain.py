"""The compiled search and the same search as plain Python make the same partition, cell by cell.

The plain run checks indices and shows errors that compiled code would not; it needs a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
# The plain random numbers wrap around on purpose, of which NumPy warns.
CODE = """
import json, sys, warnings
import numba, numpy as np
from cell_graphs import lattice
from gis_core.partition import Bounds, solve
warnings.filterwarnings("ignore", message="overflow encountered in scalar")
found = [
    solve(lattice(rows, columns, street_every=2), np.arange(rows * columns) % 7, n_parts=n_parts,
          bounds=Bounds(20, 40), rng=seed, effort=0.1)
    for rows, columns, n_parts, seed in ((5, 5, 2, 9), (6, 6, 3, 4))
]
json.dump([bool(numba.config.DISABLE_JIT), [each.assignment.tolist() for each in found]], sys.stdout)
"""


def _run(**environment: str) -> tuple[bool, list[list[int]]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plain, parts = json.loads(done.stdout)
    return plain, parts


def test_the_search_equals_itself_as_plain_python() -> None:
    compiled, parts = _run(NUMBA_DISABLE_JIT="0")
    plain, plain_parts = _run(NUMBA_DISABLE_JIT="1")
    assert (compiled, plain) == (False, True)
    assert [len(set(part)) for part in parts] == [2, 3]
    assert plain_parts == parts
