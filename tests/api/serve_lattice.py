"""Serve a generated lattice town: python -m tests.api.serve_lattice --port 8123 --cells 100000."""

from __future__ import annotations

import argparse
import logging
import math
import tempfile
from pathlib import Path

import uvicorn

from api.app import create_app
from api.settings import Settings
from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--grid-side", type=int, help="cells a side of a grid; without it 5 by 4")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    side = max(10, math.isqrt(arguments.cells))
    dataset, fabric = build_lattice(side, side)
    one = arguments.grid_side
    plan = build_lattice_plan(dataset, fabric, side, side, *([(one, one)] if one else []))
    with tempfile.TemporaryDirectory() as folder, open_store(str(Path(folder) / "lattice.gpkg")) as store:
        dataset_id = store.add_dataset(dataset, fabric)
        store.add_plan(plan, dataset_id=dataset_id, name="格网示例 lattice")
        app = create_app(Settings(port=arguments.port), store=store)
        uvicorn.run(app, host="127.0.0.1", port=arguments.port)


if __name__ == "__main__":
    main()
