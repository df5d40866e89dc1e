"""Colours of grids that stay; the page's own (web_map/tests/colouring.json) are answers of the same function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from gis_core.publish.steady import bordering, steady_colours

SHARED = json.loads(
    (Path(__file__).parents[2] / "web_map" / "tests" / "colouring.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", SHARED, ids=lambda case: f"{len(case['numbers'])} grids")
def test_shared_example(case: dict[str, Any]) -> None:
    chosen = {at: colour for at, colour in enumerate(case["chosen"]) if colour is not None}
    pairs = np.array(case["pairs"], dtype=np.int64).reshape(-1, 2)
    assert steady_colours(case["numbers"], pairs, chosen).tolist() == case["colours"]


def _town(seed: int, n: int) -> np.ndarray:
    """Make a coverage of Voronoi cells, put together to grids of any shape."""
    rng = np.random.default_rng(seed)
    points = shapely.multipoints(rng.uniform(size=(n, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(0, 0, 1, 1)))
    groups = rng.integers(0, n // 3, n)
    return np.array([shapely.coverage_union_all(cells[groups == group]) for group in range(n // 3)])


def test_grids_with_a_common_border_are_found_as_their_shapes_say() -> None:
    grids = np.append(_town(3, 90), [shapely.Polygon(), None])
    found = bordering(grids)
    first, second = shapely.STRtree(grids).query(grids, predicate="intersects")
    pairs = np.column_stack([first, second])[first < second]
    common = shapely.intersection(grids[pairs[:, 0]], grids[pairs[:, 1]])
    np.testing.assert_array_equal(found, np.unique(pairs[shapely.get_dimensions(common) == 1], axis=0))
    assert bordering(np.array([], dtype=object)).shape == (0, 2)


def test_neighbours_differ_and_an_edit_changes_colours_near_it() -> None:
    points = shapely.multipoints(np.random.default_rng(5).uniform(size=(400, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(0, 0, 1, 1)))
    numbers = list(range(400))
    pairs = bordering(cells)
    colours = steady_colours(numbers, pairs)
    assert (colours[pairs[:, 0]] != colours[pairs[:, 1]]).all()
    changes = []
    for at in range(0, len(pairs), 10):
        fewer = np.delete(pairs, at, axis=0)
        changes.append(int((steady_colours(numbers, fewer) != colours).sum()))
    assert max(changes) < 20 and sum(changes) < len(changes)


def test_colours_do_not_depend_on_grids_that_were_dissolved_elsewhere() -> None:
    pairs = np.array([[0, 1], [1, 2], [3, 4]])
    whole = steady_colours([0, 1, 2, 3, 4], pairs)
    assert steady_colours([3, 4], np.array([[0, 1]])).tolist() == whole[3:].tolist()
