"""A case and its steps: what happened to it, when, by whom, why, from where. Nothing is ever taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

__all__ = ["LEVELS", "STEP_OF", "Case", "Event", "EventKind", "State", "Step"]

#: Who may be asked next where a level cannot help.
LEVELS: tuple[str, ...] = ("grid", "community", "street_office")


class State(StrEnum):
    """Where a case stands."""

    REPORTED = "reported"
    VERIFIED = "verified"
    OPENED = "opened"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    PARKED = "parked"
    DONE = "done"
    CHECKED = "checked"
    CLOSED = "closed"
    EVALUATED = "evaluated"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"


class EventKind(StrEnum):
    """What can happen to a case."""

    REPORT = "report"
    VERIFY = "verify"
    OPEN = "open"
    CANCEL = "cancel"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    RETURN = "return"
    HAND_OVER = "hand_over"
    EXTEND = "extend"
    ESCALATE = "escalate"
    PARK = "park"
    RESUME = "resume"
    URGE = "urge"
    DONE = "done"
    CHECK = "check"
    CLOSE = "close"
    EVALUATE = "evaluate"
    REOPEN = "reopen"
    LINK = "link"
    UNLINK = "unlink"
    NOTE = "note"


#: The step of the seven (GB/T 30428) that a state belongs to: 1 信息收集, 2 案卷建立, 3 任务派遣, 4 任务处理,
#: 5 处理反馈, 6 核查结案, 7 综合评价.
STEP_OF: Mapping[State, int] = MappingProxyType(
    {
        State.REPORTED: 1,
        State.VERIFIED: 2,
        State.OPENED: 2,
        State.CANCELLED: 2,
        State.DUPLICATE: 2,
        State.DISPATCHED: 3,
        State.ACCEPTED: 4,
        State.PARKED: 4,
        State.DONE: 5,
        State.CHECKED: 6,
        State.CLOSED: 6,
        State.EVALUATED: 7,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody wants to happen to a case.

    Attributes
    ----------
    kind : EventKind
    at : datetime
        With a zone.
    who : str
    why : str
        Reason; some events need one.
    where : str
        Where it came from: a seat, a device, an address.
    to : str or None
        Unit that gets the case: of `dispatch`, `return`, `hand_over`, `escalate`.
    minutes : float or None
        Working minutes more: of `extend`.
    passed : bool or None
        Of `check`: whether the place is as it should be.
    other : str or None
        The case that this one repeats: of `link`.
    key : str or None
        Made by the sender; an event whose key is known already changes nothing.
    data : mapping
        What else is kept with the step.
    """

    kind: EventKind
    at: datetime
    who: str = ""
    why: str = ""
    where: str = ""
    to: str | None = None
    minutes: float | None = None
    passed: bool | None = None
    other: str | None = None
    key: str | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Step:
    """An event that took place, with the case before and after it."""

    event: Event
    before: State | None
    after: State
    unit: str | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its steps have made it.

    Attributes
    ----------
    id : str
    category, grade : str
        What it is, and how grave.
    state : State
    steps : tuple of Step
        All that happened, oldest first; it only ever grows.
    unit : str or None
        Who has it.
    level : str
        One of `LEVELS`: how far up it has gone.
    dispatched_at : datetime or None
        When the clock of this round began.
    due_at, accept_by : datetime or None
        When it has to be done, and accepted; `due_at` never moves to an earlier time within a round.
    parked_at : datetime or None
        Since when its clock stands still.
    round : int
        1, and one more with every reopening.
    extensions, returns, urgings, failed_checks : int
        How often, in this round.
    duplicate_of : str or None
    before_link : State or None
        What it was before it was found to repeat another.
    """

    id: str
    category: str
    grade: str
    state: State
    steps: tuple[Step, ...]
    unit: str | None = None
    level: str = LEVELS[0]
    dispatched_at: datetime | None = None
    due_at: datetime | None = None
    accept_by: datetime | None = None
    parked_at: datetime | None = None
    round: int = 1
    extensions: int = 0
    returns: int = 0
    urgings: int = 0
    failed_checks: int = 0
    duplicate_of: str | None = None
    before_link: State | None = None

    @property
    def step(self) -> int:
        """Number of the step, 1 to 7, that it is at."""
        return STEP_OF[self.state]

    @property
    def last_at(self) -> datetime:
        """When something last happened to it."""
        return self.steps[-1].event.at

    @property
    def has_ended(self) -> bool:
        """Whether nobody has anything to do for it."""
        return self.state in (State.CLOSED, State.EVALUATED, State.CANCELLED, State.DUPLICATE)
