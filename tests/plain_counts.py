"""Cases as columns, and what they say counted one by one: the reference of `gis_core.dispatch.stats`."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from gis_core.dispatch import Case, EventKind, Policy, State, standing
from gis_core.dispatch.stats import STEP_KINDS, CaseColumns, StepColumns

ENDED = {
    State.CLOSED: "closed",
    State.EVALUATED: "closed",
    State.CANCELLED: "cancelled",
    State.DUPLICATE: "duplicates",
}
SENT = (EventKind.DISPATCH, EventKind.RETURN, EventKind.HAND_OVER, EventKind.ESCALATE)


def millis(moment: datetime | None) -> float:
    return math.nan if moment is None else round(moment.timestamp() * 1000)


def texts(values: Sequence[Any]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = [None if value is None else str(value) for value in values]
    return column


def columns_of(cases: Sequence[Case], grids: Sequence[str | None]) -> tuple[CaseColumns, StepColumns]:
    kept = [(int(case.id), step) for case in cases for step in case.steps if step.event.kind in STEP_KINDS]
    return (
        CaseColumns(
            np.array([int(case.id) for case in cases], dtype=np.int64),
            *(texts([getattr(case, name) for case in cases]) for name in ("category", "grade", "state")),
            texts(grids),
            texts([case.unit for case in cases]),
            np.array([millis(case.due_at) for case in cases]),
        ),
        StepColumns(
            np.array([number for number, _ in kept], dtype=np.int64),
            np.array([STEP_KINDS.index(step.event.kind) for _, step in kept], dtype=np.int64),
            np.array([millis(step.event.at) for _, step in kept]),
            np.array([millis(step.due_at if step.event.kind == "done" else None) for _, step in kept]),
            texts([step.unit for _, step in kept]),
        ),
    )


def plain_counts(
    cases: Sequence[Case], groups: Sequence[str | None] | None, policy: Policy, now: datetime
) -> dict[str | None, dict[str, Any]]:
    """Count by a group of each case, or by unit where there are none."""
    counts: dict[str | None, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    hours: dict[str | None, list[float]] = defaultdict(list)
    for place, case in enumerate(cases):

        def of(unit: str | None, place: int = place) -> str | None:
            return unit if groups is None else groups[place]

        came, returned, reopened = set(), set(), set()
        holder: str | None = None
        worked: dict[str, Any] = {}
        for step in case.steps:
            event = step.event
            if event.kind in SENT and (step.unit != holder or event.kind in (SENT[0], SENT[3])):
                counts[of(step.unit)]["dispatches"] += 1
                came.add(of(step.unit))
            if event.kind == EventKind.RETURN:
                counts[of(holder)]["returns"] += 1
                returned.add(of(holder))
            if event.kind == EventKind.REOPEN:
                reopened.add(of(holder))
                count_work(worked, counts, hours)
                worked = {}
            follow_clock(worked, step, of(step.unit), policy.calendar_for(case))
            holder = step.unit
        count_work(worked, counts, hours)
        if case.unit is None or groups is not None:
            came.add(of(case.unit))
        for name, found in (("cases", came), ("returned", returned), ("reopened", reopened)):
            for group in found:
                counts[group][name] += 1
        now_with = counts[of(case.unit)]
        now_with[ENDED.get(case.state, "open")] += 1
        stand = standing(case, now, policy)
        now_with["overdue"] += stand.clock in ("running", "stopped") and stand.late_minutes > 0
    for group, values in hours.items():
        counts[group]["median_hours"] = round(statistics.median(values), 2)
        counts[group]["p90_hours"] = round(sorted(values)[math.ceil(len(values) * 9 / 10) - 1], 2)
    return {group: dict(values) for group, values in counts.items()}


def follow_clock(worked: dict[str, Any], step: Any, group: str | None, calendar: Any) -> None:
    """Keep when the round was dispatched and last done, and how long it was parked until then."""
    kind, at = step.event.kind, step.event.at
    if kind == EventKind.DISPATCH:
        worked["from"] = at
    elif kind == EventKind.PARK:
        worked["parked"] = at
    elif kind in (EventKind.RESUME, EventKind.ESCALATE) and "parked" in worked:
        worked["stood"] = worked.get("stood", 0.0) + calendar.between(worked.pop("parked"), at)
    elif kind == EventKind.DONE:
        minutes = calendar.between(worked["from"], at) - worked.get("stood", 0.0)
        late = calendar.between(step.due_at, at) > 0
        worked["done"] = (group, minutes / 60, late)


def count_work(worked: dict[str, Any], counts: dict, hours: dict) -> None:
    if "done" in worked:
        group, spent, late = worked["done"]
        counts[group]["done"] += 1
        counts[group]["late"] += late
        hours[group].append(spent)
