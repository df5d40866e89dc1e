"""What goes over the wire where cases are reported and handled."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import Field

from api.edit_models import Key
from api.models import Candidate, Model, NearFacility, StaffNear
from gis_core.dispatch import EventKind, State
from gis_core.dispatch.stats import Grouping

__all__ = ["Incident", "IncidentDetail", "IncidentPage", "ReportBody", "RulesBody", "StepBody"]

CaseId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the case.")]
Text = Annotated[str, Field(max_length=4000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]


class ReportBody(Model):
    """What is reported."""

    key: Key = None
    x: float = Field(allow_inf_nan=False, description="Longitude, or metres east.")
    y: float = Field(allow_inf_nan=False, description="Latitude, or metres north.")
    crs: str = Field("wgs84", max_length=40, description="wgs84, cgcs2000, gcj02, bd09 or EPSG:n")
    accuracy_m: float = Field(0.0, ge=0, le=10_000)
    plan: int | None = Field(
        None, ge=1, le=2**31 - 1, description="None: the plan that came into force last."
    )
    category: Word = Field(examples=["漏水"])
    grade: Word = Field("general", examples=["simple", "general", "prominent", "major"])
    words: Text = ""
    address: Text = ""
    road: Word | None = Field(None, description="Name of the road that it is on.")
    asset: Word | None = Field(None, description="Category, or id, of the asset that it is about.")
    owner: Word | None = Field(None, description="Who owns that asset.")
    where: Annotated[str, Field(max_length=200, description="Where the report came from.")] = ""


class StepBody(Model):
    """What is to happen to a case."""

    key: Key = None
    kind: EventKind
    why: Text = ""
    where: Annotated[str, Field(max_length=200, description="Where the step came from.")] = ""
    to: Word | None = Field(
        None, description="Unit that gets it; None: as the rules say (of dispatch, return, escalate)."
    )
    minutes: float | None = Field(None, gt=0, le=200_000, description="extend: working minutes more.")
    passed: bool | None = Field(None, description="check: whether the place is as it should be.")
    other: int | None = Field(None, ge=1, le=2**31 - 1, description="link: the case that this one repeats.")
    grid: Word | None = Field(None, description="The grid that it lies in, where that was not sure.")
    seen: int | None = Field(
        None, ge=1, description="Steps that the sender knows; refused where there are others."
    )


class RulesBody(Model):
    """The rules of handling cases; docs/dispatch.md has their form."""

    calendar: dict[str, Any] = Field(default_factory=dict)
    deadlines: list[dict[str, Any]] = Field(default_factory=list, max_length=10_000)
    duty: dict[str, Any] = Field(default_factory=dict)
    max_returns: int = Field(2, ge=0, le=100)
    max_extensions: int = Field(2, ge=0, le=100)
    open311: dict[str, Any] = Field(
        default_factory=dict, description="What residents may report; docs/open311.md."
    )


class Incident(Model):
    """A case as it stands."""

    id: int
    category: str
    grade: str
    state: State
    step: int = Field(ge=1, le=7, description="Of the seven steps.")
    unit: str | None
    level: str
    plan: int | None
    grid_code: str | None = Field(description="None where it is not sure, or outside.")
    lon: float
    lat: float
    accuracy_m: float
    words: str
    details: dict[str, Any]
    reported_at: datetime
    dispatched_at: datetime | None
    due_at: datetime | None
    accept_by: datetime | None
    round: int
    returns: int
    extensions: int
    urgings: int
    duplicate_of: int | None
    n_steps: int
    clock: Literal["none", "running", "stopped", "ended"]
    left_minutes: float | None = Field(description="Working minutes until it is due.")
    late_minutes: float
    overdue: bool
    soon: bool
    accept_overdue: bool


class IncidentPage(Model):
    """A page of cases, the newest first."""

    total: int
    incidents: list[Incident]
    serial: int = Field(description="Number of the newest step; `since` of a stream that is to miss nothing.")


class StepRow(Model):
    """A step of a case."""

    number: int
    kind: str
    at: datetime
    who: str
    why: str
    where: str
    to: str | None
    minutes: float | None
    passed: bool | None
    other: str | None
    data: dict[str, Any]
    before: str | None
    after: str
    unit: str | None
    due_at: datetime | None


class DutyRow(Model):
    """Whose a case is by the rules, and why."""

    unit: str | None
    because: str
    rule: str | None
    also: list[str] = Field(description="Rules as closely drawn that name somebody else.")


class LikeRow(Model):
    """A case that this one may repeat."""

    id: int
    metres: float
    score: float


class AttachmentRow(Model):
    """A file of a case."""

    number: int
    step: int = Field(description="Number of the step that it came with.")
    name: str
    type: str = Field(description="What it is by its content.")
    bytes: int
    width: int | None
    height: int | None
    sha256: str
    url: str
    thumb: str | None = Field(description="Where the small picture of a photo is.")
    at: datetime
    who: str
    why: str
    where: str


class Attachment(AttachmentRow):
    """A file that was kept."""

    n_steps: int = Field(description="Steps that the case has by now.")


class AttachmentList(Model):
    """The files of a case."""

    attachments: list[AttachmentRow]


class RejectRow(Model):
    """A row that was not imported."""

    row: int = Field(description="As a spreadsheet counts: the header is 1.")
    reason: str


class ImportAnswer(Model):
    """What came of a table of cases."""

    rows: int
    added: int
    known: int = Field(description="Cases that were there before.")
    rejected: list[RejectRow] = Field(description="At most 10,000.")
    n_rejected: int
    columns: dict[str, str] = Field(description="What each column was taken for.")
    unsure: int = Field(description="Cases at a border, or with a wide fix: their grid is left open.")
    outside: int
    without_plan: int = Field(description="Cases of a time when no plan was in force.")
    written: bool


class CaseCount(Model):
    """What the cases of one unit, grid or category say."""

    key: str | None = Field(description="Unit, grid or category; None: of cases that have none.")
    cases: int = Field(description="Of a unit: those that came to it.")
    open: int = Field(description="This and the next four: as they stand now; of a unit: those with it.")
    closed: int
    cancelled: int
    duplicates: int
    overdue: int
    reopened: int
    dispatches: int = Field(description="How often a case was sent to a unit, by whatever step.")
    returns: int = Field(description="How often one was given back.")
    returned: int = Field(description="How many cases were given back.")
    return_rate: float | None = Field(description="returns / dispatches")
    done: int
    late: int = Field(description="Done after their time.")
    median_hours: float | None = Field(description="Working hours from dispatch to done.")
    p90_hours: float | None = Field(description="Nine of ten took at most so long.")


class CaseCounts(Model):
    """What the cases reported in a time say together."""

    from_: datetime | None = Field(alias="from")
    to: datetime | None = Field(description="Not included.")
    at: datetime
    by: Grouping
    rows: list[CaseCount]
    total: CaseCount = Field(description="All cases, each once.")


class WebhookBody(Model):
    """Who is to be told of the steps of cases."""

    url: str = Field(min_length=1, max_length=2000, examples=["https://example.org/wangge"])
    events: list[EventKind] = Field(
        default_factory=list, max_length=50, description="Kinds of steps; none is all."
    )
    secret: Annotated[str, Field(min_length=16, max_length=200)] | None = Field(
        None, description="What deliveries are signed with; made where none is given."
    )


class Webhook(Model):
    """Who is told of the steps of cases."""

    id: int
    url: str
    events: list[str]
    at: datetime
    who: str
    waiting: int = Field(description="Deliveries that are still to be made.")
    failed: int = Field(description="Deliveries that were given up after a day.")


class NewWebhook(Webhook):
    """The same with its secret, once."""

    secret: str


class Delivery(Model):
    """One step that a webhook is told of."""

    serial: int
    kind: str
    state: Literal["waiting", "sending", "done", "failed"]
    attempts: int
    at: datetime
    last_at: datetime | None
    status: int | None = Field(description="Of the last answer; None where there was none.")
    answer: str | None = Field(description="Its beginning, or what went wrong.")


class WebhookDetail(Webhook):
    """The same with what was sent, the newest first."""

    deliveries: list[Delivery]


class CaseNear(Model):
    """What is near a case."""

    staff: list[StaffNear]
    near: list[NearFacility]


class CaseCandidate(Candidate):
    """A grid that a case may lie in."""

    plan: int | None = Field(None, description="Plan of the grid, where it is another than that of the case.")


class IncidentDetail(Incident):
    """A case with its history, and what can be done."""

    allowed: list[str]
    duty: DutyRow
    candidates: list[CaseCandidate] = Field(description="Grids that it may lie in, where that was not sure.")
    duplicates: list[LikeRow] = Field(description="Open cases that it may repeat, the likeliest first.")
    staff: list[StaffNear] = Field(description="Who can be sent now, the nearest grid first.")
    near: list[NearFacility] | None = Field(
        description="The nearest facility of each category; None while the streets are being read."
    )
    steps: list[StepRow]
    attachments: list[AttachmentRow]
