"""The examples that the page's own check list is tested with (web_map/tests/pieces.json) are answers of this one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gis_core.model import AdjacencyGraph
from gis_core.plan.checks import GridOfPlan, check_plan

SHARED = json.loads(
    (Path(__file__).parents[2] / "web_map" / "tests" / "pieces.json").read_text(encoding="utf-8")
)


def graph_of(neighbours: list[list[int]]) -> AdjacencyGraph:
    n, links = len(neighbours), [other for row in neighbours for other in row]
    nothing, ones = np.zeros(n), np.ones(len(links))
    return AdjacencyGraph(
        indptr=np.cumsum([0, *map(len, neighbours)]),
        indices=np.array(links, dtype=np.int32),
        shared_length_m=ones,
        street_rank=np.zeros(len(links), np.uint8),
        street_length_m=0 * ones,
        area_m2=nothing + 1,
        perimeter_m=nothing + 4,
        exterior_length_m=nothing,
        x=nothing,
        y=nothing,
    )


@pytest.mark.parametrize("case", SHARED["cases"])
def test_shared_example(case: dict[str, Any]) -> None:
    items = check_plan(
        graph_of(case["neighbours"]),
        np.array(case["gridOf"], np.int32),
        np.array(case["areaIx"], np.int32),
        [GridOfPlan(ix, f"g{ix}", 1, "name", True) for ix in range(case["nGrids"])],
        (0, 10),
    )
    assert [item.grid_ix for item in items if item.kind == "in_pieces"] == case["inPieces"]
