"""The busiest day of the emergency calls of Montgomery County through the desk at 100 times its speed, on both stores.

The server is killed in the middle. `scripts/bench desk --speed 1000 --hours 8-12 geopackage` runs a part, faster.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postgis_server import running_server

from bench.desk_day import CALLS, Served, onto, real_day, run_day
from bench.results import save
from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan

DAY = "2016-01-23"
SIDE = 60


@contextmanager
def place(kind: str, folder: Path) -> Iterator[str]:
    """Give a place for a store of a kind."""
    if kind == "geopackage":
        yield str(folder / "desk.gpkg")
        return
    with running_server() as server:
        yield server.create_database()


def fill(url: str, *, side: int = SIDE) -> tuple[float, float, float, float]:
    """Put a town with a plan in force into a store; return its box."""
    dataset, fabric = build_lattice(side, side)
    plan = build_lattice_plan(dataset, fabric, side, side)
    with open_store(url) as store:
        number = store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="lattice")
        store.publish_plan(number, expected_revision=0, except_=["without_staff", "out_of_bounds", "unnamed"])
        box = store.plan(number).bbox
    assert box is not None
    return box


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench desk", description=__doc__)
    parser.add_argument("stores", nargs="*", default=["geopackage", "postgis"])
    parser.add_argument("--speed", type=float, default=100.0)
    parser.add_argument("--hours", default="0-24")
    options = parser.parse_args()
    if not CALLS.is_file():
        sys.exit("The calls are not there: shared/data/incidents-montgomery beside the checkout.")
    first, last = (float(part) * 3600 for part in options.hours.split("-"))
    rows = []
    for kind in options.stores:
        with tempfile.TemporaryDirectory() as folder, place(kind, Path(folder)) as url:
            calls = [call for call in onto(real_day(DAY), fill(url)) if first <= call.second < last]
            shifted = [call.moved(-first) for call in calls]
            workers = 1 if kind == "geopackage" else 2
            served = Served(url, workers=workers)
            try:
                served.wait()
                rows.append(
                    {"store": kind, "workers": workers, **run_day(served, shifted, speed=options.speed)}
                )
            finally:
                served.kill()
    save("desk", rows)


if __name__ == "__main__":
    main()
