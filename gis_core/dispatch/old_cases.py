"""Cases of before as other programs wrote them down: columns found by name, each row as the steps that it stands for.

Nothing is guessed silently: a row that cannot be read is named with the reason. The steps of a case that had ended are
those that lead there, at the two times that a table knows, each marked as imported.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gis_core.dispatch.case import Event, EventKind
from gis_core.errors import ParameterError, some_of

__all__ = [
    "COLUMNS",
    "IMPORTED",
    "DateOrder",
    "OldCase",
    "Reading",
    "Reject",
    "events_of",
    "find_columns",
    "read_rows",
]

DateOrder = Literal["ymd", "mdy", "dmy"]
End = Literal["closed", "open", "cancelled"]

#: Marks a step that was imported.
IMPORTED = "imported"
#: What a table may hold -> names of its column, whatever the case, in the order in which they are looked for.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "number": ("案件编号", "案卷号", "案卷编号", "工单号", "编号", "case_id", "number", "service_request_id", "id"),
        "category": (
            "案件类别", "类别", "案件类型", "问题类型", "类型", "category", "service_name", "primary_type", "type",
            "service",
        ),
        "grade": ("等级", "级别", "grade", "severity", "priority"),
        "words": ("问题描述", "描述", "内容", "words", "description", "details", "reason"),
        "reported_at": (
            "上报时间", "受理时间", "登记时间", "报案时间", "发生时间", "时间", "reported_at", "requested_datetime",
            "created_at", "time", "date",
        ),
        "closed_at": ("结案时间", "办结时间", "完成时间", "closed_at", "closed_date", "end_time"),
        "state": ("案件状态", "状态", "state", "status"),
        "x": ("经度", "longitude", "lon", "lng", "long", "x", "x坐标", "easting"),
        "y": ("纬度", "latitude", "lat", "y", "y坐标", "northing"),
        "accuracy_m": ("精度", "accuracy_m", "accuracy"),
        "address": ("地址", "发生地点", "位置", "address", "block"),
        "road": ("道路", "路名", "road", "street"),
        "asset": ("部件", "asset"),
        "owner": ("权属", "权属单位", "owner"),
        "unit": ("处置部门", "责任单位", "承办单位", "处置单位", "单位", "unit", "agency_responsible", "agency"),
        "who": ("采集员", "上报人", "监督员", "reporter", "who"),
    }
)  # fmt: skip
_NEEDED = ("category", "reported_at", "x", "y")
_STATES: Mapping[End, frozenset[str]] = MappingProxyType(
    {
        "closed": frozenset(
            {"已结案", "结案", "办结", "已办结", "完成", "已完成", "关闭", "已关闭", "closed", "evaluated", "done",
             "checked", "complete", "completed", "resolved"}
        ),
        "open": frozenset(
            {"未结案", "处理中", "待处理", "受理", "已受理", "办理中", "open", "reported", "verified", "opened",
             "dispatched", "accepted", "parked", "pending", "new", "acknowledged", "in_progress", "in-progress"}
        ),
        "cancelled": frozenset(
            {"作废", "取消", "已取消", "不予立案", "不受理", "cancelled", "canceled", "rejected", "duplicate"}
        ),
    }
)  # fmt: skip
_LONGEST = {"words": 4000, "address": 4000}
_LONG = 200
_LATIN = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?\s*(AM|PM|上午|下午)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_CHINESE = (("年", "-"), ("月", "-"), ("日", " "), ("时", ":"), ("点", ":"), ("分", ":"), ("秒", ""))
_ENDED = (EventKind.VERIFY, EventKind.OPEN, EventKind.DISPATCH, EventKind.ACCEPT)
_ENDING = (EventKind.DONE, EventKind.CHECK, EventKind.CLOSE)


@dataclass(frozen=True)
class Reading:
    """How a table is read.

    Attributes
    ----------
    dates : {"ymd", "mdy", "dmy"}
        Order of days that do not begin with the year.
    zone : str
        Time zone of times that name none.
    ends : {"closed", "open"}
        What a case is whose row says nothing of its state.
    source : str
        Program or office that the numbers are of: the same number of the same source is the same case.
    now : datetime
        Nothing is reported later.
    """

    dates: DateOrder = "ymd"
    zone: str = "Asia/Shanghai"
    ends: End = "closed"
    source: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ParameterError(f"There is no time zone {self.zone!r}; write it as Asia/Shanghai.") from None


@dataclass(frozen=True, slots=True)
class OldCase:
    """One row that can be read; `row` as a spreadsheet counts, the header being 1."""

    row: int
    key: str
    number: str
    x: float
    y: float
    accuracy_m: float
    category: str
    grade: str
    words: str
    details: Mapping[str, str]
    unit: str
    who: str
    reported_at: datetime
    closed_at: datetime | None
    end: End


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that cannot be read, and why."""

    row: int
    reason: str


def find_columns(header: Sequence[str], mapping: Mapping[str, str] | None = None) -> dict[str, int]:
    """Find what each column of a table holds.

    Parameters
    ----------
    header : sequence of str
    mapping : mapping, optional
        Columns that were named by hand: what it is to hold -> name; an empty name is none.

    Raises
    ------
    ParameterError
        Where a column that is needed, or one that was named, is not there.

    Examples
    --------
    >>> find_columns(["编号", "类别", "时间", "经度", "纬度"])["reported_at"]
    2
    """
    names = [name.strip().strip("\ufeff").lower() for name in header]
    mapping = dict(mapping or {})
    unknown = set(mapping) - set(COLUMNS)
    if unknown:
        raise ParameterError(
            f"There is nothing called {sorted(unknown)[0]!r} to map; there are: {', '.join(COLUMNS)}."
        )
    found: dict[str, int] = {}
    for what, known in COLUMNS.items():
        if what in mapping:
            wanted = mapping[what].strip().lower()
            if wanted and wanted not in names:
                raise ParameterError(
                    f"There is no column {mapping[what]!r}; there are: {some_of(list(header), 20)}."
                )
            known = (wanted,) if wanted else ()
        for name in known:
            if name in names:
                found[what] = names.index(name)
                break
    missing = [what for what in _NEEDED if what not in found]
    if missing:
        raise ParameterError(
            f"No column is recognised for {', '.join(missing)}; name it, such as {missing[0]}=NAME. There are: "
            f"{some_of(list(header), 20)}."
        )
    return found


def read_rows(
    rows: Iterable[Sequence[str]], columns: Mapping[str, int], reading: Reading
) -> tuple[list[OldCase], list[Reject]]:
    """Read the rows of a table below its header; blank ones are none.

    Returns
    -------
    cases, rejects
        Each in the order of the rows.
    """
    found: list[OldCase] = []
    rejects: list[Reject] = []
    keys: dict[str, int] = {}
    seen: dict[tuple[str, ...], int] = {}
    for row, values in enumerate(rows, start=2):
        if not any(value.strip() for value in values):
            continue
        try:
            case = _read_row(row, values, columns, reading, seen)
        except ParameterError as error:
            rejects.append(Reject(row, error.message))
            continue
        if case.key in keys:
            rejects.append(Reject(row, f"It has the number {case.number!r} of row {keys[case.key]}."))
            continue
        keys[case.key] = row
        found.append(case)
    return found, rejects


def _read_row(
    row: int,
    values: Sequence[str],
    columns: Mapping[str, int],
    reading: Reading,
    seen: dict[tuple[str, ...], int],
) -> OldCase:
    def text(what: str) -> str:
        place = columns.get(what)
        value = "" if place is None or place >= len(values) else _plain(values[place])
        longest = _LONGEST.get(what, _LONG)
        if len(value) > longest:
            raise ParameterError(f"{what} is longer than {longest} letters.")
        return value

    category = text("category")
    if not category:
        raise ParameterError("It has no category.")
    reported_at = _time("reported_at", text("reported_at"), reading)
    closed = text("closed_at")
    closed_at = _time("closed_at", closed, reading) if closed else None
    if reported_at > reading.now or (closed_at is not None and closed_at > reading.now):
        raise ParameterError("Its time lies in the future.")
    if closed_at is not None and closed_at < reported_at:
        raise ParameterError(f"It was closed on {closed_at.isoformat()}, before it was reported.")
    number = text("number")
    if number:
        named: tuple[str, ...] = ("number", reading.source, number)
    else:
        named = ("row", reading.source, *(value.strip() for value in values))
        seen[named] = seen.get(named, 0) + 1
        named = (*named, str(seen[named]))
    details = {what: value for what in ("address", "road", "asset", "owner") if (value := text(what))}
    return OldCase(
        row=row,
        key="import:" + hashlib.blake2b(repr(named).encode(), digest_size=16).hexdigest(),
        number=number,
        x=_number("x", text("x")),
        y=_number("y", text("y")),
        accuracy_m=_accuracy(text("accuracy_m")),
        category=category,
        grade=text("grade") or "general",
        words=text("words"),
        details=details,
        unit=text("unit"),
        who=text("who"),
        reported_at=reported_at,
        closed_at=closed_at,
        end=_end(text("state"), closed_at, reading),
    )


def _plain(value: str) -> str:
    """Return a cell without the mark that keeps spreadsheets from running it."""
    value = value.strip()
    return value[1:] if value[:1] == "'" and value[1:2] in ("=", "+", "-", "@") else value


def _number(what: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f"{what} is no number: {text[:40]!r}." if text else f"It has no {what}.")
    return value


def _accuracy(text: str) -> float:
    value = _number("accuracy_m", text) if text else 0.0
    if not 0 <= value <= 10_000:
        raise ParameterError(f"An accuracy is 0 to 10,000 metres, not {value:g}.")
    return value


def _end(state: str, closed_at: datetime | None, reading: Reading) -> End:
    if not state:
        return "closed" if closed_at is not None else reading.ends
    for end, words in _STATES.items():
        if state.lower().replace(" ", "_") in words:
            return end
    known = ", ".join(sorted(word for words in _STATES.values() for word in words))
    raise ParameterError(f"What state {state[:40]!r} is, is not known; known are: {known}.")


def _time(what: str, text: str, reading: Reading) -> datetime:
    if not text:
        raise ParameterError(f"It has no {what}.")
    plain = text
    for sign, other in _CHINESE:
        plain = plain.replace(sign, other)
    match = _LATIN.fullmatch(plain.strip().rstrip(":").strip())
    fault = ParameterError(f"{what} is no time that can be read: {text[:40]!r}; write 2024-03-01 08:30.")
    if match is None:
        raise fault
    first, second, third = match[1], match[2], match[3]
    if len(first) == 4:
        year, month, day = first, second, third
    elif len(third) == 4 and reading.dates != "ymd":
        year = third
        month, day = (first, second) if reading.dates == "mdy" else (second, first)
    elif len(third) == 4:
        raise ParameterError(f"{what}: {text[:40]!r} is day or month first; say which (mdy or dmy).")
    else:
        raise fault
    hour, noon = int(match[4] or 0), (match[8] or "").upper()
    if noon and not 1 <= hour <= 12:
        raise fault
    if noon:
        hour = hour % 12 + (12 if noon in ("PM", "下午") else 0)
    try:
        moment = datetime(int(year), int(month), int(day), hour, int(match[5] or 0), int(match[6] or 0))
        if match[9]:
            offset = match[9].upper().replace("Z", "+00:00")
            return datetime.fromisoformat(f"{moment.isoformat()}{offset}").astimezone(UTC)
        return moment.replace(tzinfo=ZoneInfo(reading.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise fault from None


def events_of(case: OldCase, *, unit: str, file: str, by: str) -> list[Event]:
    """Return the steps that a case of before stands for.

    Parameters
    ----------
    unit : str
        Who had it, where the table does not say.
    file, by : str
        What was imported, and by whom; kept with each step.
    """
    data: dict[str, Any] = {IMPORTED: True, "file": file, "row": case.row, "by": by}

    def event(kind: EventKind, at: datetime, **more: Any) -> Event:
        return Event(kind, at, where="import", data=data, **more)

    events = [event(EventKind.REPORT, case.reported_at, who=case.who)]
    if case.end == "cancelled":
        events.append(event(EventKind.CANCEL, case.closed_at or case.reported_at, why="as imported"))
    if case.end == "closed":
        to = case.unit or unit
        named: dict[EventKind, dict[str, Any]] = {
            EventKind.DISPATCH: {"to": to},
            EventKind.CHECK: {"passed": True},
        }
        events += [event(kind, case.reported_at, **named.get(kind, {})) for kind in _ENDED]
        ended_at = case.closed_at or case.reported_at
        events += [event(kind, ended_at, **named.get(kind, {})) for kind in _ENDING]
    return events
