"""Buildings, cells, graph and a plan into either store, each in one transaction."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from postgis_server import running_server
from store_town import build_town

from bench.results import save
from gis_core.store import open_store


def measure(url: str, n: int) -> dict[str, Any]:
    """Load one town of `n` buildings and its plan into an empty store, and read it back."""
    dataset, fabric, plan = build_town(n, block=20)
    with open_store(url) as store:
        started = time.perf_counter()
        dataset_id = store.add_dataset(dataset, fabric)
        loaded = time.perf_counter()
        store.add_plan(plan, dataset_id=dataset_id, name="bench")
        planned = time.perf_counter()
        rows = len(store.layer(dataset_id, "buildings"))
        return {
            "store": store.kind,
            "buildings": rows,
            "load_s": round(loaded - started, 2),
            "plan_s": round(planned - loaded, 2),
            "read_s": round(time.perf_counter() - planned, 2),
        }


def compare(n: int) -> list[dict[str, Any]]:
    """Measure both stores on one town."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(str(Path(folder) / "bench.gpkg"), n)]
    with running_server() as server:
        url = server.create_database()
        rows.append(measure(url, n))
    return rows


def main() -> None:
    save("store", compare(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))


if __name__ == "__main__":
    main()
