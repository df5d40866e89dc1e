"""From files to plan on real towns, judged from the files alone by a program that knows nothing of this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from real_towns import SHARED, present_towns

JUDGE = SHARED / "verify" / "verify_plan.py"
WANGGE = Path(sys.executable).with_name("wangge")


def partition(dataset: Path, folder: Path, *options: str) -> tuple[Path, dict[str, object]]:
    plan, report = folder / "plan.gpkg", folder / "report.json"
    command = [WANGGE, "partition", dataset, "--out", plan, "--report", report, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return plan, json.loads(report.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name in {"newyork", "monaco"} else ())
        for name in present_towns()
    ],
)
def test_files_to_plan(name: str, tmp_path: Path) -> None:
    dataset = present_towns()[name]
    plan, report = partition(dataset, tmp_path)
    assert report["contiguous"] is True
    out_of_bounds = report["grids"] - report["in_bounds"]
    assert out_of_bounds == 0 or report["infeasible"]
    assert {item["what"] for item in report["infeasible"]} <= {
        "boundary-total",
        "piece-total",
        "heavy-cell",
        "pocket",
    }
    if not JUDGE.exists():
        return
    judged = subprocess.run(
        [sys.executable, JUDGE, dataset, plan, "--json"], capture_output=True, text=True, check=False
    )
    verdict = json.loads(judged.stdout)
    assert verdict["faults"] == []
    assert judged.returncode == 0
    assert verdict["in_bounds"] == report["in_bounds"]
    assert verdict["max_deviation"] == pytest.approx(report["max_deviation"], abs=1e-4)
    assert verdict["street_share"] >= 0.7
