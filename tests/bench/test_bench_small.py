"""Every benchmark runs at a small size in the normal suite, so that none can rot; the peers are left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import bench_fabric, bench_store, bench_towns

DEMO = Path(__file__).parents[2] / "data" / "demo-town.gpkg"


def test_fabric() -> None:
    row = bench_fabric.run(sys.executable, "run_fabric.py", DEMO, 1)
    assert row["coverage_valid"] is True
    assert row["cells"] >= 1500


def test_store(tmp_path: Path) -> None:
    row = bench_store.measure(str(tmp_path / "small.gpkg"), 100)
    assert row["buildings"] == 100


def test_towns(tmp_path: Path) -> None:
    row = bench_towns.run("demo", DEMO, tmp_path)
    assert row["grids"] == row["in_bounds"]


@pytest.mark.browser
def test_map() -> None:
    # In a process of its own: one process drives one browser at a time.
    code = "import json; from bench.bench_map import measure; print(json.dumps(measure(400, 1)))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=DEMO.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["size"], row["cells"]) for row in rows] == [("desktop", 400), ("phone", 400)]
    assert all(row["first_paint_ms"] >= row["decode_ms"] + row["index_ms"] > 0 for row in rows)
