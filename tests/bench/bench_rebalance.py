"""Least change: against solving afresh after growth, and the time of one edit in a large plan.

`scripts/bench rebalance [TOWN ...]`: each town is partitioned, its households grow by 5 % at random buildings, and the
plan is rebalanced and solved afresh; households that change hands are counted under the best matching of the new grids
to the old ones. Beside them stand what at least must move (`least_moved`), how many times fewer than afresh that would
be (`most_times`), and the grids out of bounds with their households, before and after. Then a few hundred edits of a
plan of 100,000 cells (a lattice with streets) are repaired and rebalanced one by one.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from real_towns import present_towns

from bench.results import save, towns_or
from gis_core.fabric import build_fabric
from gis_core.graph import graph_from_pairs
from gis_core.layers import read_dataset
from gis_core.model import AdjacencyGraph, Dataset, Fabric
from gis_core.partition import Bounds
from gis_core.partition.local import LocalPlan
from gis_core.plan import Plan, make_plan
from gis_core.plan.compare import compare_plans
from gis_core.plan.rebalance import rebalance_plan

GROWTH = 0.05


def grown(dataset: Dataset, fabric: Fabric, seed: int) -> tuple[Dataset, Fabric]:
    """Add 5 % of households, one at a time, to random buildings that have some."""
    rng = np.random.default_rng(seed)
    households = dataset.buildings["households"].to_numpy(dtype=np.int64).copy()
    chosen = rng.choice(np.flatnonzero(households > 0), round(GROWTH * households.sum()))
    np.add.at(households, chosen, 1)
    buildings = dataset.buildings.copy()
    buildings["households"] = households
    inside = fabric.building_cell_ix >= 0
    cells = np.bincount(fabric.building_cell_ix[inside], weights=households[inside], minlength=fabric.n_cells)
    return replace(dataset, buildings=buildings), replace(fabric, households=cells.astype(np.int64))


def growth(name: str, path: Path, bounds: tuple[int, int], seed: int = 1) -> dict[str, Any]:
    """Partition a town, let it grow, and change as little as can be, beside solving afresh."""
    dataset = read_dataset(path, estimate_households=True)
    fabric = build_fabric(dataset)
    plan = make_plan(dataset, fabric, bounds=bounds, processes=1)
    before = _outside(plan.assignment, fabric, bounds)
    dataset, fabric = grown(dataset, fabric, seed)
    started = time.perf_counter()
    least = rebalance_plan(dataset, fabric, plan.frames, bounds=bounds)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    afresh = make_plan(dataset, fabric, bounds=bounds, processes=1, seed=seed)
    afresh_seconds = time.perf_counter() - started
    moved, fresh = _moved(plan, least), _moved(plan, afresh)
    change = least.report["rebalance"]
    return {
        "town": name,
        "bounds": f"{bounds[0]}-{bounds[1]}",
        "cells": fabric.n_cells,
        "households": int(fabric.households.sum()),
        "grids": f"{plan.report['grids']} > {least.report['grids']}",
        "outside_before": before,
        "outside_grown": _outside(plan.assignment, fabric, bounds),
        "outside": _outside(least.assignment, fabric, bounds),
        "outside_afresh": _outside(afresh.assignment, fabric, bounds),
        "moved": moved,
        "least_moved": change["least_moved"],
        "moved_afresh": fresh,
        "times_fewer": round(fresh / moved, 1) if moved else None,
        "most_times": round(fresh / change["least_moved"], 1) if change["least_moved"] else None,
        "rebalance_s": round(seconds, 2),
        "afresh_s": round(afresh_seconds, 2),
    }


def _outside(assignment: NDArray[np.int32], fabric: Fabric, bounds: tuple[int, int]) -> str:
    """Count the grids out of bounds, and the households by which they are."""
    totals = np.bincount(assignment, weights=fabric.households)
    off = np.maximum(0, np.maximum(bounds[0] - totals, totals - bounds[1]))
    return f"{int((off > 0).sum())} by {int(off.sum())}"


def _moved(before: Plan, after: Plan) -> int:
    """Count the households that leave their neighbours, whatever the codes are."""
    people = compare_plans(before.frames, after.frames)["households"]
    return int(people["matched"] - people["kept_neighbors"])


def lattice_plan(n_cells: int) -> tuple[AdjacencyGraph, NDArray[np.float64], NDArray[np.int32]]:
    """Return a square lattice with a street every 12 cells, households, and square parts of about 400."""
    side = round(n_cells**0.5)
    cell = np.arange(side * side).reshape(side, side)
    left = np.concatenate([cell[:, :-1].ravel(), cell[:-1].ravel()])
    right = np.concatenate([cell[:, 1:].ravel(), cell[1:].ravel()])
    row, column = np.divmod(np.arange(side * side), side)
    block = row // 12 * side + column // 12
    graph = graph_from_pairs(
        left, right, n_cells=side * side, shared_length_m=np.full(len(left), 10.0),
        street_length_m=np.where(block[left] != block[right], 10.0, 0.0), x=column * 10.0, y=row * 10.0,
    )  # fmt: skip
    weight = np.random.default_rng(0).integers(1, 8, side * side).astype(np.float64)
    of = (row // 10) * (-(-side // 10)) + column // 10
    return graph, weight, np.unique(of, return_inverse=True)[1].astype(np.int32)


def edits(n_cells: int, n_edits: int) -> dict[str, Any]:
    """Paint a few cells from part to part, and time what mends the neighbourhood."""
    graph, weight, part = lattice_plan(n_cells)
    bounds = Bounds(300, 500)
    plan = LocalPlan(graph, weight, part, bounds=bounds)
    rng = np.random.default_rng(1)
    took, mended, moved = [], 0, []
    for _number in range(n_edits + 3):
        now = plan.assignment
        cell = int(rng.integers(len(now)))
        other = now[graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]]
        target = int(other[other != now[cell]][0]) if (other != now[cell]).any() else -1
        brush = np.flatnonzero(
            (np.abs(graph.x - graph.x[cell]) <= 30)
            & (np.abs(graph.y - graph.y[cell]) <= 30)
            & (now == now[cell])
        )
        target = target if target >= 0 else int(rng.choice(np.unique(now)))
        near = _beside(graph, now, brush, target)
        if near is None:
            continue
        touched = [int(now[cell]), near]
        started = time.perf_counter()
        plan.assign(brush, near)
        delta = plan.suggest(touched, pinned=brush)
        plan.assign(delta.cells, delta.parts)
        took.append(1000 * (time.perf_counter() - started))
        totals = plan.part_weight[touched]
        mended += bool((totals >= bounds.minimum).all() and (totals <= bounds.maximum).all())
        moved.append(delta.moved)
    millis = np.array(took[3:])
    return {
        "cells": len(weight),
        "edits": len(millis),
        "p50_ms": round(float(np.median(millis)), 1),
        "p99_ms": round(float(np.quantile(millis, 0.99)), 1),
        "worst_ms": round(float(millis.max()), 1),
        "mended": mended,
        "households_moved": round(float(np.mean(moved)), 1),
    }


def _beside(
    graph: AdjacencyGraph, part: NDArray[np.int32], cells: NDArray[np.int64], wish: int
) -> int | None:
    """Return the wished part where the cells touch it, else another that they touch; None: none."""
    near = np.unique(
        part[np.concatenate([graph.indices[graph.indptr[i] : graph.indptr[i + 1]] for i in cells])]
    )
    near = near[near != part[cells[0]]]
    if len(near) == 0:
        return None
    return wish if wish in near else int(near[0])


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table."""
    columns = list(rows[0])
    lines = [columns, ["---"] * len(columns)]
    lines += [["" if row[column] is None else str(row[column]) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    edits(900, 6)  # compiles what would be timed
    rows = []
    for name, path in towns_or(sys.argv[1:], present_towns()).items():
        rows += [growth(name, path, bounds) for bounds in ((300, 500), (360, 440))]
    edited = {"town": "lattice", **edits(100_000, 300)}
    save("rebalance", [*rows, edited], text=f"{table(rows)}\n\n{table([edited])}")


if __name__ == "__main__":
    main()
