"""Every benchmark runs at a small size in the normal suite, so that none can rot; the peers are left out."""

from __future__ import annotations

import sys
from pathlib import Path

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
