"""Kernels kept on disk: several processes may start at once on an empty folder; a read-only one does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = (
    "import numpy as np; from gis_core.graph import component_labels, graph_from_pairs; "
    "print(component_labels(graph_from_pairs(np.array([0, 2]), np.array([1, 3]), n_cells=5)).tolist())"
)


def _start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CODE],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder)},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_three_processes_compile_into_one_empty_folder(tmp_path):
    runs = [_start(tmp_path) for _ in range(3)]
    runs += [_start(tmp_path)] if all(run.wait(120) == 0 for run in runs) else []
    for run in runs:
        out, err = run.communicate(timeout=120)
        assert (out.strip(), err) == ("[0, 0, 1, 1, 2]", "")
    assert list(tmp_path.rglob("*.nbi"))


def test_a_folder_that_cannot_be_made_only_costs_the_cache(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    out, err = _start(blocked / "below").communicate(timeout=120)
    assert (out.strip(), err) == ("[0, 0, 1, 1, 2]", "")
