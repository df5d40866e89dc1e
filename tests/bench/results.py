"""What every benchmark shares: the machine, the versions, the file of results, the table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OUT = ROOT / "bench-results"


def environment() -> dict[str, Any]:
    """Return what must be known to read the figures."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip(),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "shapely", "scipy", "numba", "geopandas")},
    }


def save(name: str, rows: list[dict[str, Any]], *, text: str | None = None) -> Path:
    """Write the rows with the environment, and print them as a table, or `text` in its place."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(
        json.dumps({"environment": environment(), "rows": rows}, ensure_ascii=False, indent=1) + "\n",
        encoding="utf-8",
    )
    if text is not None:
        sys.stdout.write(text + "\n")
        return path
    columns = list(dict.fromkeys(key for row in rows for key in row))
    sys.stdout.write(" | ".join(columns) + "\n")
    for row in rows:
        sys.stdout.write(" | ".join(str(row.get(column, "")) for column in columns) + "\n")
    return path


def towns_or(names: list[str], towns: dict[str, Path]) -> dict[str, Path]:
    """Pick the towns named; without names all but the greatest."""
    chosen = names or [name for name in towns if name != "newyork"]
    missing = [name for name in chosen if name not in towns]
    if missing:
        sys.exit(f"No such town: {', '.join(missing)}; there are {', '.join(towns)}.")
    return {name: towns[name] for name in chosen}
