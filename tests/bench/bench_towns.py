"""`wangge partition` from files to plan: seconds of each step, peak memory, and the quality of what came out."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from real_towns import SHARED, present_towns

from bench.results import save, towns_or


def run(name: str, path: Path, folder: Path) -> dict[str, Any]:
    """Partition one town and judge the plan where the judge is there."""
    plan, report = folder / "plan.gpkg", folder / "report.json"
    started = time.perf_counter()
    command = [Path(sys.executable).with_name("wangge"), "partition", path, "--out", plan, "--report", report]
    subprocess.run(command, capture_output=True, check=True)
    wall = time.perf_counter() - started
    values = json.loads(report.read_text(encoding="utf-8"))
    row = {
        "town": name,
        "buildings": values["buildings"]["inside"],
        "cells": values["cells"],
        "grids": values["grids"],
        "wall_s": round(wall, 1),
        **{f"{step}_s": round(seconds, 1) for step, seconds in values["seconds"].items()},
        "peak_gb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6, 2),
        **{key: values[key] for key in ("in_bounds", "max_deviation", "street_share", "polsby_popper_mean")},
    }
    judge = SHARED / "verify" / "verify_plan.py"
    if judge.exists():
        done = subprocess.run(
            [sys.executable, judge, path, plan, "--json"], capture_output=True, text=True, check=False
        )
        row["faults"] = len(json.loads(done.stdout)["faults"])
    return row


def main() -> None:
    rows = []
    for name, path in towns_or(sys.argv[1:], present_towns()).items():
        with tempfile.TemporaryDirectory() as folder:
            rows.append(run(name, path, Path(folder)))
    save("towns", rows)


if __name__ == "__main__":
    main()
