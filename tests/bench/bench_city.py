"""Generated cities from files to plan: wall and processor seconds and peak memory of each step, and how they grow."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.results import save
from gis_core.town import ATTRIBUTION, make_town, write_town

HERE = Path(__file__).parent
STEPS = ("read", "fabric", "solve", "frames", "write")
#: Seconds between two looks at the processes.
BEAT_S = 0.5


class Watch(threading.Thread):
    """Add up the processor time of a process and all that it started, and the most memory that those held at once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.ticks: dict[tuple[int, str], int] = {}
        self.children_kb = 0

    def run(self) -> None:
        while not self.over.wait(BEAT_S):
            self.look()

    def look(self) -> None:
        with self.lock:
            below = 0
            for pid, is_child in self._family().items():
                try:
                    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                    self.ticks[pid, stat[19]] = int(stat[11]) + int(stat[12])
                    if is_child:
                        below += _proportional_kb(pid)
                except OSError:
                    continue
            self.children_kb = max(self.children_kb, below)

    def _family(self) -> dict[int, bool]:
        """Return the process itself (False) and all below it (True)."""
        parents: dict[int, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(entry.name)] = int(stat[1])
        family = {self.pid: False}
        grown = True
        while grown:
            found = {pid: True for pid, parent in parents.items() if parent in family and pid not in family}
            grown = bool(found)
            family |= found
        return family

    def take(self) -> tuple[float, float]:
        """Return the processor seconds so far, and the peak of the children in GB since the last call."""
        self.look()
        with self.lock:
            peak, self.children_kb = self.children_kb, 0
            return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK"), peak / 1e6


def _proportional_kb(pid: int) -> int:
    """Return the memory of a process, shared pages in parts: the sum over processes is what the machine gives away."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def run(path: Path, folder: Path, processes: int | None = None) -> list[dict[str, Any]]:
    """Measure one dataset; a row for each step, the last with what came out."""
    command = [sys.executable, HERE / "run_city.py", path, folder / "plan.gpkg"]
    command += [] if processes is None else [str(processes)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    rows: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        watch = Watch(child.pid)
        watch.start()
        assert child.stdout is not None
        before = 0.0
        for line in child.stdout:
            values = json.loads(line)
            if "begin" in values:
                before = watch.take()[0]
            elif "end" in values:
                cpu, children_gb = watch.take()
                rows.append(
                    {
                        "step": values["end"],
                        "wall_s": round(values["wall_s"], 1),
                        "cpu_s": round(cpu - before, 1),
                        "peak_gb": round(values["peak_gb"], 2),
                        "children_gb": round(children_gb, 2),
                    }
                )
            else:
                rows = [{"buildings": values["buildings"], **row} for row in rows]
                rows[-1] |= values["report"]
        watch.over.set()
    if child.returncode:
        sys.exit(f"{path.name} ended with exit code {child.returncode}.")
    return rows


def growth(rows: list[dict[str, Any]]) -> list[str]:
    """Say how processor time and memory grow from each size to the next; an exponent of 1 is linear."""
    lines = []
    sizes = sorted({row["buildings"] for row in rows})
    of = {(row["buildings"], row["step"]): row for row in rows}
    for small, large in pairwise(sizes):
        for step in STEPS:
            a, b = of[small, step], of[large, step]
            exponent = math.log(max(b["cpu_s"], 0.1) / max(a["cpu_s"], 0.1)) / math.log(large / small)
            lines.append(
                f"{step}: {small:,} -> {large:,} buildings: {1000 * a['cpu_s'] / small:.3f} -> "
                f"{1000 * b['cpu_s'] / large:.3f} ms of processor time a building (exponent {exponent:.2f})"
            )
    return lines


def city(size: int, folder: Path) -> Path:
    """Generate the city of one size, unless the folder has it."""
    path = folder / f"city-{size}.gpkg"
    if not path.exists():
        write_town(make_town(size, 0), path, form="gpkg", attribution=ATTRIBUTION)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench city", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, metavar="N", help="buildings (default 10000 100000)")
    parser.add_argument("--processes", type=int, help="default: one a core")
    parser.add_argument("--cities", type=Path, help="folder that keeps the generated cities between runs")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for size in options.sizes or [10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            source = city(size, options.cities or Path(folder))
            rows += [{"city": size, **row} for row in run(source, Path(folder), options.processes)]
        save("city", rows)
    sys.stdout.write("\n".join(growth(rows)) + "\n")


if __name__ == "__main__":
    main()
