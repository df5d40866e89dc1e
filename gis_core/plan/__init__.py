"""A plan in memory and as a file: grids, codes, metrics, report."""

from gis_core.plan.file import PLAN_COLUMNS, PlanFile, read_plan, write_plan
from gis_core.plan.make import Plan, make_plan

__all__ = ["PLAN_COLUMNS", "Plan", "PlanFile", "make_plan", "read_plan", "write_plan"]
