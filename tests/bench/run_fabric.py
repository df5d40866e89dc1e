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


def main() -> None:
    processes = int(sys.argv[2])
    dataset = read_dataset(Path(sys.argv[1]))
    started = time.perf_counter()
    fabric = build_fabric(dataset, processes=processes)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
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
