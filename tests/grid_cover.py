"""A generated town of grids that fit together exactly: bricks with crooked sides, about sixty vertices each."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["grid_cover", "points_over"]


def grid_cover(
    n: int, *, seed: int = 1, step: float = 470.0, origin: tuple[float, float] = (5e5, 3.3e6)
) -> NDArray[np.object_]:
    """Return n polygons in metres, six neighbours each, every border with the same vertices on both sides.

    Sides bend by at most a sixth of their length and corners by an eighth of a brick, so that none can cross.
    """
    columns = round(np.sqrt(n))
    rows, width = -(-n // columns), 2 * columns + 2
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[0 : rows + 1, 0:width]
    node = np.stack([column * 0.5, row * 1.0], -1) + rng.uniform(-0.12, 0.12, (rows + 1, width, 2))

    def side(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        at = np.linspace(0, 1, int(rng.integers(7, 14)))[1:-1]
        at = at + rng.uniform(-0.03, 0.03, len(at))
        along = b - a
        bend = rng.uniform(-0.32, 0.32, len(at)) * at * (1 - at)
        middle = a + at[:, None] * along + bend[:, None] * np.array([-along[1], along[0]])
        return np.vstack([a, middle, b]) * step + np.array(origin)

    flat = [[side(node[r, c], node[r, c + 1]) for c in range(width - 1)] for r in range(rows + 1)]
    upright = [{c: side(node[r, c], node[r + 1, c]) for c in range(r % 2, width, 2)} for r in range(rows)]
    rings = []
    for i in range(n):
        r, c = i // columns, 2 * (i % columns) + (i // columns) % 2
        ring = [flat[r][c][:-1], flat[r][c + 1][:-1], upright[r][c + 2][:-1], flat[r + 1][c + 1][::-1][:-1],
                flat[r + 1][c][::-1][:-1], upright[r][c][::-1]]  # fmt: skip
        rings.append(np.vstack(ring))
    lengths = [len(ring) for ring in rings]
    return np.asarray(
        shapely.polygons(shapely.linearrings(np.vstack(rings), indices=np.repeat(np.arange(n), lengths)))
    )


def points_over(
    areas: NDArray[np.object_], n: int, *, n_on_vertices: int, seed: int = 3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return n places over the areas and just around them: a tenth within 5 m of a border, some on vertices."""
    rng = np.random.default_rng(seed)
    west, south, east, north = shapely.total_bounds(areas)
    x, y = rng.uniform(west - 100, east + 100, n), rng.uniform(south - 100, north + 100, n)
    vertices = shapely.get_coordinates(areas)
    place = rng.permutation(n)
    near = place[: n // 10]
    start = rng.integers(0, len(vertices) - 1, len(near))
    step = vertices[start + 1] - vertices[start]
    step[np.abs(step).max(axis=1) > 200.0] = 0.0  # from one polygon to the next
    angle, away = rng.uniform(0, 2 * np.pi, len(near)), rng.uniform(0, 5, len(near))
    beside = vertices[start] + rng.uniform(0, 1, (len(near), 1)) * step
    x[near], y[near] = (beside + away[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])).T
    on = place[len(near) : len(near) + n_on_vertices]
    x[on], y[on] = vertices[rng.integers(0, len(vertices), len(on))].T
    return x, y
