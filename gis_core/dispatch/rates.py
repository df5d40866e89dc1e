"""What the steps of many cases say of the units that had them: returns, time, urgings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gis_core.dispatch.case import Case, EventKind

__all__ = ["UnitRecord", "unit_records"]


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """How a unit did.

    Attributes
    ----------
    received, returned, handed_over, done, done_late, failed_checks, urged : int
        Times that a case came to it, that it gave one back, passed one on, finished one, finished one late, that the
        check on the spot of one failed, that it was urged.
    """

    unit: str
    received: int = 0
    returned: int = 0
    handed_over: int = 0
    done: int = 0
    done_late: int = 0
    failed_checks: int = 0
    urged: int = 0

    @property
    def return_rate(self) -> float | None:
        """Share of the cases that it received that it gave back; None where it received none."""
        return self.returned / self.received if self.received else None


def unit_records(cases: Iterable[Case]) -> list[UnitRecord]:
    """Count what each unit did, in the order of their names."""
    counts: dict[str, dict[str, int]] = {}

    def add(unit: str | None, what: str) -> None:
        if unit is not None:
            mine = counts.setdefault(unit, {})
            mine[what] = mine.get(what, 0) + 1

    for case in cases:
        holder: str | None = None
        for step in case.steps:
            kind = step.event.kind
            if kind == EventKind.RETURN:
                add(holder, "returned")
            elif kind == EventKind.HAND_OVER:
                add(holder, "handed_over")
            elif kind == EventKind.URGE:
                add(holder, "urged")
            elif kind == EventKind.DONE:
                add(holder, "done")
                if step.due_at is not None and step.event.at > step.due_at:
                    add(holder, "done_late")
            elif kind == EventKind.CHECK and not step.event.passed:
                add(holder, "failed_checks")
            if step.unit != holder or kind in (EventKind.DISPATCH, EventKind.ESCALATE):
                add(step.unit, "received")
            holder = step.unit
    return [UnitRecord(unit, **counts[unit]) for unit in sorted(counts)]
