"""Take one dataset from files to plan in a process of its own; a line of JSON for each step on stdout.

`python run_city.py DATASET PLAN [PROCESSES]`. The steps are those of `wangge partition`; the processor time of
worker processes and their memory are watched from outside, by `bench_city.py`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.run_fabric import own_peak_kb
from gis_core.fabric import build_fabric
from gis_core.layers import read_dataset
from gis_core.plan import make_plan, write_plan


def say(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def forget_peak() -> None:
    """Start counting the most memory held anew; only Linux can."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


class Steps:
    """Tell of each step when it begins, and of its seconds and peak memory when it ends."""

    def __init__(self) -> None:
        self.name = ""
        self.started = 0.0

    def begin(self, name: str) -> None:
        self.end()
        forget_peak()
        self.name, self.started = name, time.perf_counter()
        say(begin=name)

    def end(self) -> None:
        if self.name:
            say(end=self.name, wall_s=time.perf_counter() - self.started, peak_gb=own_peak_kb() / 1e6)
        self.name = ""


def main() -> None:
    dataset, out = Path(sys.argv[1]), Path(sys.argv[2])
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else None
    steps = Steps()

    def follow(step: str, _done: int, _total: int) -> None:
        if step == "grids" and steps.name == "solve":
            steps.begin("frames")

    steps.begin("read")
    layers = read_dataset(dataset)
    steps.begin("fabric")
    fabric = build_fabric(layers, processes=processes)
    steps.begin("solve")
    plan = make_plan(layers, fabric, processes=processes, progress=follow)
    steps.begin("write")
    write_plan(plan.frames, out)
    steps.end()
    kept = ("grids", "households", "in_bounds", "street_share", "contiguous", "cells", "stopped_by")
    say(report={key: plan.report[key] for key in kept}, buildings=plan.report["buildings"]["inside"])


if __name__ == "__main__":
    main()
