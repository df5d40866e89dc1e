"""The life of a case: its steps, whose it is, until when, what may be the same. Pure: no I/O, no clock of its own."""

from gis_core.dispatch.case import LEVELS, STEP_OF, Case, Event, EventKind, State, Step
from gis_core.dispatch.deadlines import Deadline, DeadlineTable, Standing, standing, urging
from gis_core.dispatch.duplicates import Likeness, Report, find_duplicates
from gis_core.dispatch.duty import Duty, DutyRule, DutyTable, Place
from gis_core.dispatch.machine import NEEDS_REASON, TRANSITIONS, Policy, allowed, apply, replay, report
from gis_core.dispatch.worktime import AROUND_THE_CLOCK, WorkCalendar, calendar_from

__all__ = [
    "AROUND_THE_CLOCK",
    "LEVELS",
    "NEEDS_REASON",
    "STEP_OF",
    "TRANSITIONS",
    "Case",
    "Deadline",
    "DeadlineTable",
    "Duty",
    "DutyRule",
    "DutyTable",
    "Event",
    "EventKind",
    "Likeness",
    "Place",
    "Policy",
    "Report",
    "Standing",
    "State",
    "Step",
    "WorkCalendar",
    "allowed",
    "apply",
    "calendar_from",
    "find_duplicates",
    "replay",
    "report",
    "standing",
    "urging",
]
