"""Files to cells, beside momepy's enclosed tessellation of the same buildings in the same enclosures."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from real_towns import present_towns

from bench.results import ROOT, save, towns_or
from gis_core.fabric import build_fabric
from gis_core.fabric.build import SPACING_M
from gis_core.fabric.enclosures import build_enclosures, cutting_lines
from gis_core.layers import read_dataset
from gis_core.model import Dataset

HERE = Path(__file__).parent


def run(python: Path | str, script: str, *arguments: object) -> dict[str, Any]:
    """Run one side in a process of its own, so that its peak memory is its own."""
    command = [python, HERE / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peer(dataset: Dataset) -> dict[str, Any]:
    """Run momepy on the buildings inside, in the enclosures that ours has before minor ways cut further."""
    boundary = np.asarray(dataset.boundary.geometry.values, dtype=object)
    frame = shapely.union_all(boundary)
    enclosures = build_enclosures(
        boundary, cutting_lines(dataset.streets, dataset.barriers, frame)[0]
    ).polygons
    inside = shapely.intersects(frame, shapely.point_on_surface(dataset.buildings.geometry.values))
    with tempfile.TemporaryDirectory() as folder:
        buildings, blocks = Path(folder) / "buildings.parquet", Path(folder) / "enclosures.parquet"
        dataset.buildings.loc[inside, ["geometry"]].reset_index(drop=True).to_parquet(buildings)
        gpd.GeoDataFrame(geometry=enclosures, crs=dataset.work_crs).to_parquet(blocks)
        return run(ROOT / ".venv-bench" / "bin" / "python", "run_momepy.py", buildings, blocks, SPACING_M)


def compare(name: str, path: Path, dataset: Dataset) -> list[dict[str, Any]]:
    """Measure ours with one and two processes, and the peer."""
    town = {"town": name, "buildings": len(dataset.buildings)}
    ours = [{**town, "by": f"wangge x{n}", **run(sys.executable, "run_fabric.py", path, n)} for n in (1, 2)]
    theirs = peer(dataset)
    return [*ours, {**town, "by": f"momepy {theirs.pop('version')}", **theirs}]


def main() -> None:
    towns = towns_or(sys.argv[1:], present_towns())
    datasets = {name: read_dataset(path) for name, path in towns.items()}
    build_fabric(
        next(iter(datasets.values())), processes=1
    )  # compiles the kernels once, outside of the clock
    save("fabric", [row for name, path in towns.items() for row in compare(name, path, datasets[name])])


if __name__ == "__main__":
    main()
