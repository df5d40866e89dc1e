"""How much working time a case has, by category and grade, and which cases are to be urged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from gis_core.dispatch.case import Case, Event, EventKind, State
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from gis_core.dispatch.machine import Policy

__all__ = ["MOST_MINUTES", "Deadline", "DeadlineTable", "Standing", "standing", "urging"]

_ANY = "*"
#: Longest deadline and extension: about two years of working time.
MOST_MINUTES = 200_000
_RUNNING = (State.DISPATCHED, State.ACCEPTED)
#: Share of the time that is left when a case begins to press.
_SOON = 0.2


@dataclass(frozen=True, slots=True)
class Deadline:
    """Working minutes of a category and grade, each `*` for all.

    Attributes
    ----------
    accept_minutes, handle_minutes : float
        From dispatch until it must be accepted, and done.
    around_the_clock : bool
        Whether nights and holidays count.
    urge_every : float
        Minutes between one urging and the next once it is overdue.
    """

    category: str = _ANY
    grade: str = _ANY
    accept_minutes: float = 60.0
    handle_minutes: float = 960.0
    around_the_clock: bool = False
    urge_every: float = 240.0

    def __post_init__(self) -> None:
        if not (
            isinstance(self.category, str)
            and isinstance(self.grade, str)
            and isinstance(self.around_the_clock, bool)
        ):
            raise ParameterError(
                "Category and grade of a deadline are texts, around_the_clock is true or false."
            )
        minutes = (self.accept_minutes, self.handle_minutes, self.urge_every)
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in minutes):
            raise ParameterError("The minutes of a deadline are numbers.")
        if not 0 <= self.accept_minutes <= self.handle_minutes <= MOST_MINUTES or not self.urge_every > 0:
            raise ParameterError(
                f"The deadline of {self.category}, {self.grade} needs 0 <= accept_minutes <= handle_minutes <= "
                f"{MOST_MINUTES:,} and urge_every above 0."
            )


class DeadlineTable:
    """Deadlines as data: category and grade before category, that before grade, that before all.

    Parameters
    ----------
    rows : iterable of Deadline
        The last one of two for the same is refused.
    """

    def __init__(self, rows: Iterable[Deadline] = ()) -> None:
        self._rows: dict[tuple[str, str], Deadline] = {}
        for row in rows:
            if (row.category, row.grade) in self._rows:
                raise ParameterError(f"There are two deadlines for {row.category}, {row.grade}.")
            self._rows[row.category, row.grade] = row

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> DeadlineTable:
        """Read a table from plain values with the names of `Deadline`.

        Raises
        ------
        ParameterError
            Where a name or value cannot be used.
        """
        known = {each.name for each in fields(Deadline)}
        table = []
        for row in rows:
            if set(row) - known:
                raise ParameterError(f"A deadline has no {sorted(set(row) - known)[0]!r}.")
            table.append(Deadline(**row))
        return cls(table)

    def find(self, category: str, grade: str) -> Deadline:
        """Return the deadline of a case; the default one where the table names none."""
        for key in ((category, grade), (category, _ANY), (_ANY, grade), (_ANY, _ANY)):
            if key in self._rows:
                return self._rows[key]
        return Deadline()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands against its clock.

    Attributes
    ----------
    clock : {"none", "running", "stopped", "ended"}
        Not dispatched yet; running; parked; done.
    left_minutes : float or None
        Working minutes until it is due; 0 once it is.
    late_minutes : float
        Working minutes since it was due; of a case that is done: when it was done.
    overdue, soon, accept_overdue : bool
        Late; less than a fifth of its time left; not accepted in time.
    """

    clock: Literal["none", "running", "stopped", "ended"]
    left_minutes: float | None = None
    late_minutes: float = 0.0
    overdue: bool = False
    soon: bool = False
    accept_overdue: bool = False


def standing(case: Case, now: datetime, policy: Policy) -> Standing:
    """Say how a case stands at a moment."""
    if case.due_at is None:
        return Standing("none")
    calendar = policy.calendar_for(case)
    if case.state == State.PARKED and case.parked_at is not None:
        left = calendar.between(case.parked_at, case.due_at)
        return Standing(
            "stopped", left, calendar.between(case.due_at, case.parked_at), case.due_at < case.parked_at
        )
    if case.state not in _RUNNING:
        ended = next(
            (
                step.event.at
                for step in reversed(case.steps)
                if step.event.kind in (EventKind.DONE, EventKind.LINK)
            ),
            now,
        )
        late = calendar.between(case.due_at, ended)
        return Standing("ended", calendar.between(ended, case.due_at), late, late > 0)
    left, late = calendar.between(now, case.due_at), calendar.between(case.due_at, now)
    whole = policy.deadlines.find(case.category, case.grade).handle_minutes
    unanswered = case.state == State.DISPATCHED and case.accept_by is not None and now > case.accept_by
    return Standing("running", left, late, late > 0, late == 0 and left <= _SOON * whole, unanswered)


def urging(case: Case, now: datetime, policy: Policy) -> Event | None:
    """Return the urging that an overdue case is to get now; None where it is in time or was urged lately.

    A case that is handled by `apply` with each of these events is urged once when it is overdue, and again
    whenever `urge_every` working minutes have passed since.
    """
    if case.state not in _RUNNING or case.due_at is None:
        return None
    calendar = policy.calendar_for(case)
    late = calendar.between(case.due_at, now)
    if late <= 0:
        return None
    urged = [
        step.event.at
        for step in case.steps
        if step.event.kind == EventKind.URGE and step.event.at > case.due_at
    ]
    every = policy.deadlines.find(case.category, case.grade).urge_every
    if urged and calendar.between(urged[-1], now) < every:
        return None
    return Event(
        EventKind.URGE, now, who="", why=f"overdue by {late:.0f} working minutes", where="clock",
        key=f"urge-{case.id}-{case.round}-{case.urgings + 1}",
    )  # fmt: skip
