"""The examples that the page counts working time with (web_map/tests/worktime.json) are answers of this one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gis_core.dispatch import calendar_from

SHARED = json.loads(
    (Path(__file__).parents[2] / "web_map" / "tests" / "worktime.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("example", SHARED, ids=lambda example: example["calendar"].get("zone", "China"))
def test_working_minutes_are_those_of_the_page(example: dict[str, Any]) -> None:
    calendar = calendar_from(example["calendar"])
    for start, end, minutes in example["spans"]:
        first, last = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (start, end))
        assert calendar.between(first, last) == pytest.approx(minutes, abs=1e-6)
