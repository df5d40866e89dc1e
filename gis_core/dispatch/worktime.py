"""Working time: which hours count, and when so many of them have passed. Holidays are data.

A calendar never changes; times carry a zone and come back in that of the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import ParameterError

__all__ = ["AROUND_THE_CLOCK", "WorkCalendar", "calendar_from", "worked_minutes"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_LEAST_WEEK = 60
#: A calendar whose next working hour is farther away than this has none.
_FARTHEST = timedelta(days=400)

Span = tuple[int, int]


@dataclass(frozen=True)
class WorkCalendar:
    """The hours of a week, without holidays, with days that are worked instead.

    Attributes
    ----------
    hours : tuple of tuple of (int, int)
        For each day from Monday: spans in minutes from midnight, ascending, apart.
    holidays : frozenset of date
        Days that do not count.
    workdays : frozenset of date
        Days that count as a Monday would, whatever day of the week they are.
    zone : str
        Time zone in which days and hours are read.
    """

    hours: tuple[tuple[Span, ...], ...] = (((540, 1020),),) * 5 + ((),) * 2
    holidays: frozenset[date] = field(default_factory=frozenset)
    workdays: frozenset[date] = field(default_factory=frozenset)
    zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        _require_spans(self.hours)
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ParameterError(f"There is no time zone {self.zone!r}; write it as Asia/Shanghai.") from None
        if sum(end - start for spans in self.hours for start, end in spans) < _LEAST_WEEK:
            raise ParameterError("A calendar needs at least one working hour a week.")

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the working hours of a day, in minutes from midnight."""
        if day in self.workdays:
            return self.hours[0] or next(spans for spans in self.hours if spans)
        return () if day in self.holidays else self.hours[day.weekday()]

    def add(self, at: datetime, minutes: float) -> datetime:
        """Return when so many working minutes after a moment have passed; never before it.

        Raises
        ------
        ParameterError
            Where the moment has no zone, minutes are negative, or no working hour follows within a year.
        """
        if minutes < 0:
            raise ParameterError(f"Minutes must be 0 or more, not {minutes:g}.")
        left = timedelta(minutes=minutes)
        last = _aware(at)
        if minutes == 0:
            return at.astimezone(ZoneInfo(self.zone))
        for start, end in self.spans_from(at):
            if left <= end - start:
                return (start + left).astimezone(ZoneInfo(self.zone))
            left -= end - start
            last = end
        raise ParameterError(f"The calendar has no working hour after {last.date().isoformat()}.")

    def between(self, start: datetime, end: datetime) -> float:
        """Return the working minutes from one moment to another; 0 where the second is not later."""
        total = timedelta()
        if _aware(end) <= _aware(start):
            return 0.0
        for begin, stop in self.spans_from(start):
            if begin >= end:
                break
            total += min(stop, _aware(end)) - begin
        return total.total_seconds() / 60

    def is_open(self, at: datetime) -> bool:
        """Tell whether a moment is working time."""
        here = _aware(at).astimezone(ZoneInfo(self.zone))
        minute = here.hour * 60 + here.minute + here.second / 60
        return any(start <= minute < end for start, end in self.spans(here.date()))

    def spans_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans of working time after a moment, until there was none for more than a year."""
        zone = ZoneInfo(self.zone)
        utc = ZoneInfo("UTC")
        now = _aware(at).astimezone(utc)
        day, found = now.astimezone(zone).date(), now
        while True:
            for first, last in self.spans(day):
                # In UTC, so that a day on which clocks change is as long as it is.
                start = max(_moment(day, first, zone).astimezone(utc), now)
                end = _moment(day, last, zone).astimezone(utc)
                if end > start:
                    found = end
                    yield start, end
            if datetime.combine(day, time(), utc) - found > _FARTHEST:
                return
            day += timedelta(days=1)


def worked_minutes(
    calendar: WorkCalendar, start_ms: NDArray[np.float64], end_ms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what `calendar.between` says of many pairs of moments at once.

    Parameters
    ----------
    start_ms, end_ms : float64, shape (n,), milliseconds since 1970

    Returns
    -------
    float64, shape (n,), working minutes
        0 where the second moment is not later.
    """
    if not len(start_ms):
        return np.zeros(0)
    spans = []
    for begin, stop in calendar.spans_from(datetime.fromtimestamp(start_ms.min() / 1000, ZoneInfo("UTC"))):
        if begin.timestamp() * 1000 >= end_ms.max():
            break
        spans.append((begin.timestamp() * 1000, stop.timestamp() * 1000))
    if not spans:
        return np.zeros(len(start_ms))
    first, last = np.array(spans).T
    before = np.concatenate([[0.0], np.cumsum(last - first)])

    def until(moments: NDArray[np.float64]) -> NDArray[np.float64]:
        place = np.maximum(np.searchsorted(first, moments, side="right") - 1, 0)
        return before[place] + np.clip(moments, first[place], last[place]) - first[place]

    return np.maximum(until(end_ms) - until(start_ms), 0.0) / 60_000


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minute, _DAY_MINUTES)
    return datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ParameterError(f"The time {at.isoformat()} has no zone; add one, such as +08:00.")
    return at


def _require_spans(hours: tuple[tuple[Span, ...], ...]) -> None:
    if len(hours) != len(_DAYS):
        raise ParameterError("A calendar has the hours of seven days, from Monday.")
    for name, spans in zip(_DAYS, hours, strict=True):
        before = 0
        for start, end in spans:
            if not before <= start < end <= _DAY_MINUTES:
                raise ParameterError(
                    f"The hours of {name} must ascend, apart from each other, from 00:00 to 24:00."
                )
            before = end


def calendar_from(data: Mapping[str, Any]) -> WorkCalendar:
    """Read a calendar from plain values.

    Parameters
    ----------
    data : mapping
        `hours`: {"mon": ["09:00-12:00", "13:00-17:00"], ...}, days that are not named are free; `holidays`, `workdays`:
        lists of ISO days; `zone`.

    Raises
    ------
    ParameterError
        Where something cannot be read.

    Examples
    --------
    >>> calendar = calendar_from({"hours": {"mon": ["09:00-12:00"]}, "holidays": ["2026-10-05"]})
    >>> calendar.add(datetime.fromisoformat("2026-09-28T11:00+08:00"), 90).isoformat()
    '2026-10-12T09:30:00+08:00'
    """
    unknown = set(data) - {"hours", "holidays", "workdays", "zone"}
    given = data.get("hours", {})
    if not isinstance(given, Mapping) or not all(isinstance(spans, list | tuple) for spans in given.values()):
        raise ParameterError('The hours of a calendar are lists by day, such as {"mon": ["09:00-17:00"]}.')
    unknown |= {str(day) for day in given} - set(_DAYS)
    if unknown:
        raise ParameterError(f"A calendar has no {sorted(unknown)[0]!r}.")
    base = WorkCalendar()
    hours = tuple(tuple(_span(text) for text in given.get(day, ())) for day in _DAYS) if given else base.hours
    days = {}
    for name in ("holidays", "workdays"):
        try:
            listed = data.get(name, [])
            if not isinstance(listed, list | tuple):
                raise TypeError
            days[name] = frozenset(date.fromisoformat(text) for text in listed)
        except (TypeError, ValueError):
            raise ParameterError(f"The {name} of a calendar are days such as 2026-10-01.") from None
    return WorkCalendar(hours, days["holidays"], days["workdays"], str(data.get("zone", base.zone)))


def _span(text: str) -> Span:
    try:
        start, end = (part.split(":") for part in str(text).split("-"))
        return int(start[0]) * 60 + int(start[1]), int(end[0]) * 60 + int(end[1])
    except (IndexError, ValueError):
        raise ParameterError(f"Hours are written 09:00-17:00, not {text!r}.") from None


#: Every minute counts: for what cannot wait.
AROUND_THE_CLOCK = WorkCalendar(hours=(((0, _DAY_MINUTES),),) * 7)
