"""Our solver on one instance, in a process of its own: `python run_partition.py INSTANCE PART OBJECTIVE LIMIT [SEEDS]`.

It prints JSON. LIMIT is in seconds, or `none`; of several SEEDS, the plan with the median border and the median of the
seconds. Kernels are warm (a small lattice was cut before, as METIS cuts a small
ring), and neither start-up nor reading the file counts.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from cell_graphs import lattice

from bench.run_fabric import own_peak_kb
from gis_core import __version__
from gis_core.partition import workers
from gis_core.partition.bare import BareSolution, ObjectiveName, measure, solve_instance
from gis_core.partition.instance import Instance, read_instance
from gis_core.partition.objective import Bounds


def small_lattice() -> Instance:
    """Return 10 by 10 cells of weight 1, to be cut in 4."""
    return Instance("lattice", lattice(10, 10), np.ones(100), 4, Bounds(20, 30), has_shape=False)


def main() -> None:
    path, out, limit = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4]
    objective: ObjectiveName = sys.argv[3]  # type: ignore[assignment]
    instance = read_instance(path)
    solve_instance(small_lattice(), time_limit_s=0.01)
    workers.warm_up = lambda: None  # once is enough
    seeds = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    runs: list[tuple[float, float, BareSolution]] = []
    for seed in range(seeds):
        cpu, wall = time.process_time(), time.perf_counter()
        found = solve_instance(
            instance, objective=objective, seed=seed, time_limit_s=None if limit == "none" else float(limit)
        )
        runs.append((time.process_time() - cpu, time.perf_counter() - wall, found))
    measured = [measure(instance, found.part) for *_, found in runs]
    borders = [each.border_m for each in measured]
    found = runs[borders.index(statistics.median_low(borders))][2]
    np.save(out, found.part, allow_pickle=False)
    answer = {
        "version": __version__,
        "cpu_s": round(statistics.median(cpu for cpu, *_ in runs), 5),
        "wall_s": round(statistics.median(wall for _, wall, _ in runs), 5),
        "proof_s": round(statistics.median(each.proof_seconds for *_, each in runs), 5),
        "seeds": seeds,
        "valid": sum(each.in_bounds == each.parts and not each.in_pieces for each in measured),
        "peak_gb": round(own_peak_kb() / 1e6, 3),
        "deviation_lower_bound": round(found.lower_bound, 5),
        "stopped_by": found.stopped_by,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
