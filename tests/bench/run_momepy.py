"""The peer, in its own environment: `python run_momepy.py BUILDINGS ENCLOSURES SPACING` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path

import geopandas as gpd
import momepy
import shapely


def own_peak_kb() -> int:
    """Return the most memory this process has held; getrusage would count what it was forked from."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    warnings.filterwarnings("ignore")
    buildings, enclosures = gpd.read_parquet(sys.argv[1]), gpd.read_parquet(sys.argv[2])
    started = time.perf_counter()
    cells = momepy.enclosed_tessellation(
        buildings, enclosures.geometry, shrink=0.4, segment=float(sys.argv[3]), n_jobs=1
    )
    answer = {
        "seconds": round(time.perf_counter() - started, 2),
        "cells": len(cells),
        "peak_gb": round(own_peak_kb() / 1e6, 2),
        "coverage_valid": bool(shapely.coverage_is_valid(cells.geometry.values)),
        "version": momepy.__version__,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
