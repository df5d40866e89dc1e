"""Every benchmark runs at a small size in the normal suite, so that none can rot; the peers are left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import (
    bench_fabric,
    bench_locate,
    bench_locate_stream,
    bench_partition,
    bench_rebalance,
    bench_store,
    bench_towns,
    partition_graphs,
    partition_score,
)

pytestmark = pytest.mark.slow
DEMO = Path(__file__).parents[2] / "data" / "demo-town.gpkg"


def test_fabric() -> None:
    row = bench_fabric.run(sys.executable, "run_fabric.py", DEMO, 1)
    assert row["coverage_valid"] is True
    assert row["cells"] >= 1500


def test_locate() -> None:
    row = bench_locate.measure(60, n_points=2_000, n_postgis=0)
    assert row["mismatches"] == 0
    assert row["memory_of_coordinates"] <= 2


@pytest.mark.parametrize(
    "kind", ["csv", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("parquet", "geojson"))]
)
def test_locate_stream(tmp_path: Path, kind: str) -> None:
    row = bench_locate_stream.measure(3_000, kind, 60, tmp_path)
    assert row["rows"] == 3_000
    assert not row.get("wrong")


def test_store(tmp_path: Path) -> None:
    row = bench_store.measure(str(tmp_path / "small.gpkg"), 100)
    assert row["buildings"] == 100


@pytest.mark.long
def test_towns(tmp_path: Path) -> None:
    row = bench_towns.run("demo", DEMO, tmp_path)
    assert row["grids"] == row["in_bounds"]


def test_rebalance() -> None:
    row = bench_rebalance.growth("demo", DEMO, (300, 500))
    assert row["least_moved"] <= row["moved"] <= row["moved_afresh"]
    row = bench_rebalance.edits(900, 6)
    assert row["mended"] >= 6


def test_partition(tmp_path: Path) -> None:
    instance = partition_graphs.instance_file("lattice-900", tmp_path)
    options = bench_partition.arguments(["lattice-900", "--no-peers", "--long", "1"])
    rows = bench_partition.compare("lattice-900", instance, tmp_path, options)
    assert [row["by"] for row in rows] == [
        "wangge border",
        "wangge street",
        "wangge balance",
        "wangge plan",
        "wangge border 1 s",
    ]
    assert all((row["in_bounds"], row["noncontiguous"]) == (1, 0) for row in rows)
    assert min(rows, key=lambda row: row["max_deviation"])["by"] == "wangge balance"
    assert min(rows, key=lambda row: row["street_cost_km"])["by"] == "wangge street"
    text = bench_partition.table(rows)
    parts = round(partition_graphs.lattice_arrays(900)["w"].sum() / 400)
    assert text.startswith(f"lattice-900: 900 cells, {parts} parts\n")
    assert len({len(line) for line in text.splitlines()[1:6]}) == 1
    written = bench_partition.markdown([*rows, {**rows[0], "by": "slow peer", "note": "no answer in 300 s"}])
    assert len({line.count("|") for line in written.splitlines() if "|" in line}) == 1
    assert "| slow peer | no answer in 300 s |" in written


def test_partition_says_how_it_compares() -> None:
    mine = {"by": "wangge border", "cpu_s": 1.0, "border_km": 9.0, "out_of_bounds": 0, "noncontiguous": 0}
    theirs = {"by": "metis-50", "cpu_s": 2.0, "border_km": 10.0, "out_of_bounds": 1, "noncontiguous": 0}
    said = bench_partition.verdicts([mine, theirs, {"by": "kahip-strong", "note": "no answer in 300 s"}])
    assert said == ["  wangge border against metis-50: border -10.0%, 0.50 of its time (not valid: metis-50)"]


def test_a_peer_that_hangs_or_fails_is_a_row(tmp_path: Path) -> None:
    part = tmp_path / "part.npy"
    hung = bench_partition.run([sys.executable, "-c", "import time; time.sleep(60)"], DEMO, part, 0.5)
    assert hung == {"note": "no answer in 0.5 s"}
    failed = bench_partition.run([sys.executable, "-c", "raise SystemExit('no such peer')"], DEMO, part, 60)
    assert failed == {"note": "failed: no such peer"}


def test_the_lattice_of_the_benchmark_is_a_polygon_coverage() -> None:
    arrays = partition_graphs.lattice_arrays(400)
    side = 20 * partition_graphs.SIDE_M
    assert arrays["area"].sum() == pytest.approx(side**2)
    assert arrays["per"].sum() - 2 * arrays["S"].sum() == pytest.approx(4 * side)
    assert int(arrays["street"].sum()) == 2 * 20  # one street each way
    assert sorted(zip(arrays["l"], arrays["r"], strict=True))[:2] == [(0, 1), (0, 20)]


def test_the_score_of_the_benchmark_counts_islands_as_the_graph_has_them() -> None:
    # Cells 0-1-2 and 3-4: parts {0, 2, 3} and {1, 4}; only the first is in more pieces than the graph forces.
    arrays = {
        "w": np.array([10, 20, 10, 20, 20]), "l": np.array([0, 1, 3]), "r": np.array([1, 2, 4]),
        "S": np.array([5.0, 7.0, 2.0]), "street": np.array([True, False, False]), "area": np.full(5, 9.0),
        "per": np.full(5, 12.0), "k": np.int64(2), "lo": np.int64(35), "hi": np.int64(39),
    }  # fmt: skip
    found = partition_score.score(arrays, np.array([4, 7, 4, 4, 7]))
    assert (found["parts"], found["wanted"], found["in_bounds"], found["out_of_bounds"]) == (2, 2, 0, 2)
    assert (found["noncontiguous"], found["max_deviation"]) == (1, 0)
    assert (found["border_km"], found["street_share"], found["street_cost_km"]) == (0.014, 0.3571, 0.01)
    assert found["polsby_popper"] == pytest.approx(np.pi * 2 * (27 / 36**2 + 18 / 24**2), abs=1e-4)


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
    *first, ours, peer = rows
    assert [(row["what"], row["cells"]) for row in first] == [("page, desktop", 400), ("page, phone", 400)]
    assert all(row["first_paint_ms"] >= row["decode_ms"] + row["index_ms"] > 0 for row in first)
    assert ours["cells"] == peer["cells"] == 400
    for name in ("stroke_ms", "frame_ms", "recolour_all_ms", "zoom_longest_frame_ms"):
        assert ours[name] >= 0
        assert peer[name] >= 0
    for name in (
        "lasso_all_ms",
        "lasso_all_cpu_ms",
        "frame_cpu_p95_ms",
        "split_ms",
        "recolour_all_cpu_ms",
        "zoom_cpu_ms",
    ):
        assert ours[name] > 0
