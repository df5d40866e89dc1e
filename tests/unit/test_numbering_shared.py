"""The examples that the page's own numbering is tested with (web_map/tests/numbering.json) are answers of this one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gis_core.errors import ParameterError
from gis_core.plan.codes import DEFAULT_TEMPLATE, number_grids

SHARED = json.loads(
    (Path(__file__).parents[2] / "web_map" / "tests" / "numbering.json").read_text(encoding="utf-8")
)


def numbered(case: dict[str, Any]) -> tuple[list[int], list[str]]:
    """Number the grids of one example."""
    order, codes = number_grids(
        np.array(case["areaIx"], dtype=np.int32),
        np.array(case["x"], dtype=np.float64),
        np.array(case["y"], dtype=np.float64),
        case["areaCodes"],
        case.get("template", DEFAULT_TEMPLATE),
        kept=dict(case.get("kept", [])),
        reserved=case.get("reserved", ()),
    )
    return order.tolist(), codes


@pytest.mark.parametrize("case", SHARED["cases"])
def test_shared_example(case: dict[str, Any]) -> None:
    if "fails" in case:
        with pytest.raises(ParameterError, match="Two grids" if case["fails"] == "duplicate" else "template"):
            numbered(case)
    else:
        assert numbered(case) == (case["order"], case["codes"])


def test_shared_example_of_many() -> None:
    i = np.arange(1003)
    many = {"areaIx": np.zeros(1003), "x": i * 7919 % 1009, "y": i * 104729 % 997, "areaCodes": ["5"]}
    order, codes = numbered(many)
    total = sum((place + 1) * grid for place, grid in enumerate(order))
    assert {"sum": total, "first": codes[0], "last": codes[-1]} == SHARED["many"]
