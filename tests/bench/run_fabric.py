"""Build the fabric of one dataset in a process of its own: `python run_fabric.py DATASET PROCESSES` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import shapely

from gis_core.fabric import build_fabric
from gis_core.layers import read_dataset


def own_peak_kb() -> int:
    """Return the most memory this process has held; getrusage would count what it was forked from."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    processes = int(sys.argv[2])
    dataset = read_dataset(Path(sys.argv[1]))
    started = time.perf_counter()
    fabric = build_fabric(dataset, processes=processes)
    seconds = time.perf_counter() - started
    peak = own_peak_kb()
    if processes > 1:
        peak += processes * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    answer = {
        "seconds": round(seconds, 2),
        "cells": fabric.n_cells,
        "peak_gb": round(peak / 1e6, 2),
        "coverage_valid": bool(shapely.coverage_is_valid(fabric.cells)),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
