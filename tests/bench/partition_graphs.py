"""Graphs to cut, as instance files: those beside the project, generated lattices, and the cells of towns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from real_towns import SHARED, present_towns

from gis_core.fabric import build_fabric
from gis_core.graph import component_labels, subgraph
from gis_core.layers import read_dataset
from gis_core.partition import Bounds, parts_for_total

#: Short name -> file below the shared instances, and cells of the lattice that stands in where it is absent.
SHARED_INSTANCES = {"a": ("a_bubenec", 150), "b": ("b_liechtenstein", 9_000), "c": ("c_denver", 10_000)}
BOUNDS = Bounds(300, 500)
STREET_EVERY = 12
SIDE_M = 12.0


def lattice_arrays(cells: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A lattice of about so many cells with crooked sides, a street every 12 cells, 5 households a cell on average."""
    rng = np.random.default_rng(seed)
    side = max(2, round(cells**0.5))
    corner = np.stack(np.meshgrid(np.arange(side + 1.0), np.arange(side + 1.0)), axis=-1) * SIDE_M
    corner[1:-1, 1:-1] += rng.uniform(-0.25, 0.25, (side - 1, side - 1, 2)) * SIDE_M
    south = np.hypot(*np.moveaxis(np.diff(corner, axis=1), -1, 0))  # (side + 1, side): below each cell
    west = np.hypot(*np.moveaxis(np.diff(corner, axis=0), -1, 0))
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]
    cross = (c - a)[..., 0] * (d - b)[..., 1] - (c - a)[..., 1] * (d - b)[..., 0]
    cell = np.arange(side * side).reshape(side, side)
    weight = rng.integers(0, 12, side * side) * (rng.random(side * side) < 0.95)
    column = np.arange(1, side) % STREET_EVERY == 0
    middle = (a + b + c + d) / 4
    return {
        "w": weight,
        "l": np.r_[cell[:, :-1].ravel(), cell[:-1].ravel()].astype(np.int32),
        "r": np.r_[cell[:, 1:].ravel(), cell[1:].ravel()].astype(np.int32),
        "S": np.r_[west[:, 1:-1].ravel(), south[1:-1].ravel()],
        "street": np.r_[np.tile(column, side), np.repeat(column, side)],
        "area": (np.abs(cross) / 2).ravel(),
        "per": (south[:-1] + south[1:] + west[:, :-1] + west[:, 1:]).ravel(),
        "x": middle[..., 0].ravel(),
        "y": middle[..., 1].ravel(),
        "eid": ((cell // side) // STREET_EVERY * side + (cell % side) // STREET_EVERY).ravel(),
        "k": np.int64(parts_for_total(float(weight.sum()), BOUNDS)),
        "lo": np.int64(BOUNDS.minimum),
        "hi": np.int64(BOUNDS.maximum),
    }


def town_arrays(path: Path) -> dict[str, np.ndarray]:
    """The greatest connected piece of the boundary polygon with most cells: the peers know no pieces."""
    fabric = build_fabric(read_dataset(path))
    cells = np.flatnonzero(fabric.boundary_ix == np.bincount(fabric.boundary_ix).argmax())
    label = component_labels(subgraph(fabric.graph, cells))
    cells = cells[label == np.bincount(label).argmax()]
    graph = subgraph(fabric.graph, cells)
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    once = owner < graph.indices
    weight = fabric.households[cells]
    return {
        "w": weight,
        "l": owner[once].astype(np.int32),
        "r": graph.indices[once],
        "S": graph.shared_length_m[once],
        "street": graph.street_length_m[once] >= 0.5 * graph.shared_length_m[once],
        "area": graph.area_m2,
        "per": graph.perimeter_m,
        "x": graph.x,
        "y": graph.y,
        "eid": fabric.enclosure_ix[cells],
        "k": np.int64(parts_for_total(float(weight.sum()), BOUNDS)),
        "lo": np.int64(BOUNDS.minimum),
        "hi": np.int64(BOUNDS.maximum),
    }


def default_names() -> list[str]:
    return [*SHARED_INSTANCES, *(name for name in present_towns() if name != "newyork")]


def require_known(name: str) -> None:
    """Raise where a name is no instance, town, lattice or file."""
    lattice = name.startswith("lattice-") and name.removeprefix("lattice-").isdigit()
    if not (name in SHARED_INSTANCES or name in present_towns() or lattice or Path(name).suffix == ".npz"):
        known = [*SHARED_INSTANCES, *present_towns(), "lattice-N", "FILE.npz"]
        raise ValueError(f"There is no {name!r}; give one of {', '.join(known)}.")
    if Path(name).suffix == ".npz" and not Path(name).is_file():
        raise ValueError(f"There is no file {name}.")


def instance_file(name: str, folder: Path) -> Path:
    """Return the file of a named instance; those that must be made are made in `folder`."""
    if Path(name).suffix == ".npz":
        return Path(name)
    if name in SHARED_INSTANCES:
        stem, cells = SHARED_INSTANCES[name]
        there = SHARED / "data" / "partition-instances" / f"{stem}.npz"
        if there.exists():
            return there
        arrays = lattice_arrays(cells)
    elif name.startswith("lattice-"):
        arrays = lattice_arrays(int(name.removeprefix("lattice-")))
    else:
        arrays = town_arrays(present_towns()[name])
    path = folder / f"{name}.npz"
    np.savez(path, **arrays)
    return path
