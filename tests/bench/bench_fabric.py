"""Files to cells, beside momepy's enclosed tessellation of the same buildings in the same enclosures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from gis_core.fabric import build_fabric
from gis_core.fabric.enclosures import build_enclosures, cutting_lines
from gis_core.layers import read_dataset
from gis_core.model import Dataset
from real_towns import present_towns

from bench.results import ROOT, save, towns_or

SPACING_M = 2.0
PEER = """
import sys, time, resource, json, geopandas as gpd, momepy, shapely, warnings
warnings.filterwarnings("ignore")
buildings, enclosures = gpd.read_parquet(sys.argv[1]), gpd.read_parquet(sys.argv[2])
started = time.perf_counter()
cells = momepy.enclosed_tessellation(buildings, enclosures.geometry, shrink=0.4, segment=float(sys.argv[3]), n_jobs=1)
seconds = time.perf_counter() - started
print(json.dumps({"seconds": round(seconds, 2), "cells": len(cells), "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
  "coverage_valid": bool(shapely.coverage_is_valid(cells.geometry.values)), "version": momepy.__version__}))
"""


def ours(path: Path, processes: int) -> dict[str, Any]:
    """Build the fabric in a process of its own, so that its peak memory is its own."""
    code = (
        "import sys,time,json,resource;from pathlib import Path;from gis_core.layers import read_dataset;"
        "from gis_core.fabric import build_fabric;import shapely\n"
        "if __name__=='__main__':\n"
        " d=read_dataset(Path(sys.argv[1]));t=time.perf_counter();f=build_fabric(d,processes=int(sys.argv[2]));s=time.perf_counter()-t\n"
        " k=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss+resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss*(int(sys.argv[2])>1)\n"
        " print(json.dumps({'seconds':round(s,2),'cells':f.n_cells,'peak_gb':round(k/1e6,2),"
        "'coverage_valid':bool(shapely.coverage_is_valid(f.cells))}))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "run.py"
        script.write_text(code)
        done = subprocess.run(
            [sys.executable, script, path, str(processes)], capture_output=True, text=True, check=True
        )
    return dict(json.loads(done.stdout))


def peer(dataset: Dataset) -> dict[str, Any]:
    """Run momepy on the buildings inside, with the enclosures that ours has before minor ways cut further."""
    boundary = np.asarray(dataset.boundary.geometry.values, dtype=object)
    frame = shapely.union_all(boundary)
    enclosures = build_enclosures(
        boundary, cutting_lines(dataset.streets, dataset.barriers, frame)[0]
    ).polygons
    inside = shapely.intersects(frame, shapely.point_on_surface(dataset.buildings.geometry.values))
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("buildings.parquet", "enclosures.parquet")]
        dataset.buildings.loc[inside, ["geometry"]].reset_index(drop=True).to_parquet(places[0])
        gpd.GeoDataFrame(geometry=enclosures, crs=dataset.work_crs).to_parquet(places[1])
        python = ROOT / ".venv-bench" / "bin" / "python"
        done = subprocess.run(
            [python, "-c", PEER, *places, str(SPACING_M)], capture_output=True, text=True, check=True
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    rows = []
    for name, path in towns_or(sys.argv[1:], present_towns()).items():
        dataset = read_dataset(path)
        build_fabric(
            dataset, processes=1
        ) if not rows else None  # compiles the kernels once, outside of the clock
        started = time.perf_counter()
        rows += [
            {
                "town": name,
                "buildings": len(dataset.buildings),
                "by": f"wangge, {n} process{'es' if n > 1 else ''}",
                **ours(path, n),
            }
            for n in (1, 2)
        ]
        theirs = peer(dataset)
        rows.append(
            {
                "town": name,
                "buildings": len(dataset.buildings),
                "by": f"momepy {theirs.pop('version')}",
                **theirs,
            }
        )
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    save("fabric", rows)


if __name__ == "__main__":
    main()
