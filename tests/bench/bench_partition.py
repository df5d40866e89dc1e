"""The solver beside its peers on the same graphs, in one run and on one core: speed and quality in one table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.partition_graphs import default_names, instance_file, require_known
from bench.partition_score import judged
from bench.results import OUT, ROOT, environment, save

HERE = Path(__file__).parent
PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
METIS = (
    "metis-1", "metis-1-full", "metis-50", "metis-50-even", "metis-50-tight", "metis-50-streets", "kahip-strong",
)  # fmt: skip
SPOPT = ("ward", "skater", "azp", "maxp", "kmeans")
#: Above so many cells METIS runs with one seed only, ours for border and streets; above the second number the slow
#: peers not at all: they would take hours.
SEVERAL_SEEDS, SLOW_PEERS = 50_000, 20_000
Row = dict[str, Any]


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench partition", description=__doc__,
        epilog="Names: a, b, c, a town, lattice-100000 (any number of cells), or FILE.npz. "
        "Without any: a, b, c and the towns but newyork.",
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="INSTANCE|TOWN")
    parser.add_argument("--quick", action="store_true", help="leave out GerryChain's bursts and spopt")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument(
        "--gerrychain-seconds", type=float, default=60, metavar="S", help="for its bursts (60)"
    )
    parser.add_argument("--spopt", default="ward", metavar="NAMES", help=f"some of {','.join(SPOPT)} (ward)")
    parser.add_argument("--long", type=float, default=15, metavar="S", help="time limit of the long run (15)")
    parser.add_argument(
        "--peer-limit", type=float, default=300, metavar="S", help="wall limit of a peer (300)"
    )
    parser.add_argument(
        "--add", action="store_true", help="keep the rows that the file has of other instances"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="run nothing, print the file as tables for the docs"
    )
    parser.add_argument("--core", type=int, help="core to run on (the last one)")
    options = parser.parse_args(given)
    options.spopt = [name for name in options.spopt.split(",") if name]
    for name in options.spopt:
        if name not in SPOPT:
            parser.error(f"there is no method {name!r} of spopt; give some of {','.join(SPOPT)}")
    options.names = options.names or default_names()
    for name in options.names:
        try:
            require_known(name)
        except ValueError as error:
            parser.error(str(error))
    return options


def run(
    command: list[object],
    instance: Path,
    part: Path,
    limit_s: float,
    environment: dict[str, str] | None = None,
) -> Row:
    """Run one side and score what it wrote; an answer that does not come is a row too."""
    part.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, timeout=limit_s,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"note": f"no answer in {limit_s:g} s"}
    if done.returncode != 0 or not part.exists():
        lines = done.stderr.strip().splitlines()
        return {"note": f"failed: {lines[-1] if lines else f'exit {done.returncode}'}"[:120]}
    return {**json.loads(done.stdout.splitlines()[-1]), **judged(instance, part)}


def ours(instance: Path, part: Path, objective: str, limit: float | None, seeds: int = 1) -> Row:
    command = [sys.executable, "-m", "bench.run_partition", instance, part, objective, limit or "none", seeds]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(ROOT)])}
    return run(command, instance, part, 3600, environment)


def peer(instance: Path, part: Path, method: str, seconds: float, limit_s: float) -> Row:
    command = [PEER_PYTHON, HERE / "run_partition_peers.py", method, instance, part, seconds]
    return run(command, instance, part, limit_s)


def peers_for(cells: int, options: argparse.Namespace) -> list[str]:
    """Name the peers that a graph of this size gets."""
    if options.no_peers:
        return []
    methods = list(METIS) if cells <= SEVERAL_SEEDS else ["metis-1", "metis-1-full"]
    if cells <= SLOW_PEERS:
        methods.append("gerrychain-tree")
        if not options.quick:
            methods += ["gerrychain-bursts", *(f"spopt-{name}" for name in options.spopt)]
    return methods


def compare(name: str, instance: Path, folder: Path, options: argparse.Namespace) -> list[Row]:
    """Measure every side on one instance."""
    with np.load(instance, allow_pickle=False) as arrays:
        head: Row = {"instance": name, "cells": len(arrays["w"]), "k": int(arrays["k"])}
    head["commit"] = environment()["commit"]
    part = folder / "part.npy"
    rows: list[Row] = []

    def add(by: str, row: Row) -> Row:
        rows.append({**head, "by": by, **row})
        sys.stderr.write(f"{name}: {by}: {row.get('note') or row['cpu_s']}\n")
        return row

    for method in peers_for(head["cells"], options):
        limit = (
            max(options.peer_limit, 2 * options.gerrychain_seconds)
            if "bursts" in method
            else options.peer_limit
        )
        add(method, peer(instance, part, method, options.gerrychain_seconds, limit))
    large = head["cells"] > SEVERAL_SEEDS
    for objective in ("border", "street", "plan") if large else ("border", "street", "balance", "plan"):
        add(f"wangge {objective}", ours(instance, part, objective, None))
    if not large:
        add(f"wangge border {options.long:g} s", ours(instance, part, "border", options.long))
    one = next((row for row in rows if row["by"] == "metis-1" and "cpu_s" in row), None)
    if one is not None:
        limit = max(0.001, 2 * one["cpu_s"])
        add("wangge in 2x metis-1", ours(instance, part, "border", limit, one["seeds"]))
    return rows


#: Column of the table -> (key of the row, how it is written).
COLUMNS: dict[str, tuple[str, str]] = {
    "by": ("by", "{}"),
    "CPU s": ("cpu_s", "{:.3f}"),
    "GB": ("peak_gb", "{:.2f}"),
    "in bounds %": ("in_bounds", "{:.1%}"),
    "in pieces": ("noncontiguous", "{}"),
    "deviation %": ("max_deviation", "{:.2%}"),
    "border km": ("border_km", "{:.3f}"),
    "streets %": ("street_share", "{:.0%}"),
    "street cost km": ("street_cost_km", "{:.3f}"),
    "Polsby-Popper": ("polsby_popper", "{:.3f}"),
}


def table(rows: list[Row]) -> str:
    """Lay the rows of one instance out in columns, and say what they come to."""
    head = f"{rows[0]['instance']}: {rows[0]['cells']:,} cells, {rows[0]['k']:,} parts"
    lines = [list(COLUMNS)]
    for row in rows:
        cells = [form.format(row[key]).rstrip("%") if key in row else "" for key, form in COLUMNS.values()]
        lines.append([row["by"], row["note"]] if "note" in row else cells)
    first = max(len(line[0]) for line in lines)
    rest = [max(len(line[i]) for line in lines if len(line) > 2) for i in range(1, len(COLUMNS))]
    text = []
    for line in lines:
        words = line[1:] if len(line) == 2 else map(str.rjust, line[1:], rest)
        text.append("  ".join([line[0].ljust(first), *words]))
    return "\n".join([head, *text, *verdicts(rows), ""])


#: Ours, the peer, and what is compared.
PAIRS = (
    ("wangge border", "metis-50", ("border_km",)),
    ("wangge border", "metis-1", ("border_km",)),
    ("wangge border", "metis-1-full", ("border_km",)),
    ("wangge street", "metis-50-streets", ("street_cost_km",)),
    ("wangge balance", "metis-50-tight", ("max_deviation", "border_km")),
    ("wangge balance", "metis-50-even", ("max_deviation", "border_km")),
    ("wangge in 2x metis-1", "metis-1", ("border_km",)),
    ("wangge in 2x metis-1", "metis-1-full", ("border_km",)),
)
WORDS = {"border_km": "border", "street_cost_km": "street cost"}


def verdicts(rows: list[Row]) -> list[str]:
    """Compare our rows with METIS, each by what it is for."""
    by = {row["by"]: row for row in rows if "cpu_s" in row}
    said = []
    for mine, theirs, keys in PAIRS:
        if mine not in by or theirs not in by:
            continue
        one, other = by[mine], by[theirs]
        parts = [
            f"deviation {one[key]:.2%} for {other[key]:.2%}"
            if key == "max_deviation"
            else f"{WORDS[key]} {one[key] / other[key] - 1 if other[key] else 0:+.1%}"
            for key in keys
        ]
        if other["cpu_s"]:
            parts.append(f"{one['cpu_s'] / other['cpu_s']:.2f} of its time")
            if "2x" in mine:
                parts.append(f"{(one['cpu_s'] - one['proof_s']) / other['cpu_s']:.2f} without the proof")
                parts.append(
                    f"medians of {one['seeds']} seeds, of which {one['valid']} and {other['valid']} valid"
                )
        faulty = [row["by"] for row in (one, other) if row["out_of_bounds"] + row["noncontiguous"]]
        note = f" (not valid: {', '.join(faulty)})" if faulty else ""
        said.append(f"  {mine} against {theirs}: {', '.join(parts)}{note}")
    return said


def markdown(rows: list[Row]) -> str:
    """Write the rows as the tables of docs/benchmarks.md."""
    lines = []
    for name in dict.fromkeys(row["instance"] for row in rows):
        mine = [row for row in rows if row["instance"] == name]
        lines += [f"**{name}**: {mine[0]['cells']:,} cells, {mine[0]['k']:,} parts", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "|" + " --- |" * len(COLUMNS)]
        for row in mine:
            cells = [
                form.format(row[key]).rstrip("%") if key in row else "" for key, form in COLUMNS.values()
            ]
            cells[1] = row.get("note", cells[1])
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def earlier() -> list[Row]:
    """Return the rows of the file of results, if there is one."""
    path = OUT / "partition.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path.exists() else []


def main() -> None:
    options = arguments(sys.argv[1:])
    if options.markdown:
        sys.stdout.write(markdown(earlier()))
        return
    if hasattr(os, "sched_setaffinity"):
        core = max(os.sched_getaffinity(0)) if options.core is None else options.core
        os.sched_setaffinity(0, {core})
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rows = [row for row in earlier() if row["instance"] not in options.names] if options.add else []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.names:
            instance = instance_file(name, Path(folder))
            fresh = compare(name, instance, Path(folder), options)
            rows += fresh
            save("partition", rows, text=table(fresh))


if __name__ == "__main__":
    main()
