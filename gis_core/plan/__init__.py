"""A plan in memory and as a file: grids, codes, metrics, report.

Names are loaded when they are first used: the plan file alone must not bring in the solver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gis_core.plan.file import PLAN_COLUMNS, PlanFile, read_plan, write_plan
    from gis_core.plan.make import Plan, make_plan

__all__ = ["PLAN_COLUMNS", "Plan", "PlanFile", "make_plan", "read_plan", "write_plan"]

_HOMES = {
    "PLAN_COLUMNS": "file",
    "Plan": "make",
    "PlanFile": "file",
    "make_plan": "make",
    "read_plan": "file",
    "write_plan": "file",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
