"""Scores a partition of a graph instance from its arrays alone: the same numbers as the independent judge gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from real_towns import SHARED
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

JUDGE = SHARED / "verify" / "judge_partition.py"
Arrays = dict[str, np.ndarray]


def labels(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    links = coo_array((np.ones(len(left)), (left, right)), shape=(n, n))
    return connected_components(links, directed=False)[1]


def score(arrays: Arrays, part: np.ndarray) -> dict[str, Any]:
    """Measure balance, contiguity, borders and shape; fractions and kilometres."""
    weight, left, right, shared = (arrays[key] for key in ("w", "l", "r", "S"))
    names, part = np.unique(part, return_inverse=True)
    n, parts = len(weight), len(names)
    total = np.bincount(part, weights=weight, minlength=parts)
    same = part[left] == part[right]
    pieces = labels(n, left[same], right[same])
    first = np.unique(pieces, return_index=True)[1]
    forced = np.unique(np.c_[part, labels(n, left, right)], axis=0)[:, 0]
    broken = np.bincount(part[first], minlength=parts) > np.bincount(forced, minlength=parts)
    border = float(shared[~same].sum())
    on_street = float(shared[~same & arrays["street"].astype(bool)].sum())
    inner = np.bincount(part[left[same]], weights=shared[same], minlength=parts)
    perimeter = np.bincount(part, weights=arrays["per"], minlength=parts) - 2 * inner
    area = np.bincount(part, weights=arrays["area"], minlength=parts)
    outside = (total < arrays["lo"]) | (total > arrays["hi"])
    return {
        "parts": parts,
        "wanted": int(arrays["k"]),
        "in_bounds": round(float(1 - outside.mean()), 4),
        "max_deviation": round(float(np.abs(total / total.mean() - 1).max()), 5),
        "out_of_bounds": int(outside.sum()),
        "noncontiguous": int(broken.sum()),
        "border_km": round(border / 1000, 3),
        "street_share": round(on_street / border, 4) if border else 0.0,
        "street_cost_km": round((border - 0.8 * on_street) / 1000, 3),
        "polsby_popper": round(float((4 * np.pi * area / perimeter**2).mean()), 4),
    }


def judged(instance: Path, part: Path) -> dict[str, Any]:
    """Score by our own hand and, where the judge is there, let it confirm every number."""
    with np.load(instance, allow_pickle=False) as file:
        own = score(dict(file), np.load(part, allow_pickle=False))
    if JUDGE.exists():
        command = [sys.executable, str(JUDGE), str(instance), str(part), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        theirs = json.loads(done.stdout)
        apart = {key: (own[key], theirs[key]) for key in own if abs(own[key] - theirs[key]) > 1.1e-3}
        if apart:
            raise AssertionError(f"Our score and the judge's are not the same: {apart}")
    return own
