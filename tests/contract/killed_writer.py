"""Stops in the middle of a transaction and says so, to be killed there: `killed_writer.py URL MOMENT`."""

from __future__ import annotations

import sys
import time

import numpy as np
from store_town import build_town

from gis_core.store import applying, open_store


def stop(*_arguments: object, **_options: object) -> None:
    """Say that the middle is reached, and wait to be killed."""
    sys.stdout.write("in the middle\n")
    sys.stdout.flush()
    time.sleep(60)


def main() -> None:
    """Open the store and write half."""
    url, moment = sys.argv[1:]
    store = open_store(url)
    if moment == "in the load":
        insert = store._dialect.bulk_insert

        def half(connection: object, table: object, columns: object, geometry: object) -> None:
            insert(connection, table, columns, geometry)
            if table.name == "cells":
                stop()

        store._dialect.bulk_insert = half
        store.add_dataset(*build_town(80)[:2])
    else:
        applying.redraw = stop
        (plan,) = store.plans()
        store.add_edit(
            plan.id, expected_revision=0, who="a", kind="paint", cell_ix=np.arange(9), grid_ix=np.ones(9, int)
        )


if __name__ == "__main__":
    main()
