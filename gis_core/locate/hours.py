"""Hours of duty as people write them: `周一至周五 8:30-17:30`, `Mon-Fri 9am-5pm; Sat 9-12`, `20:00-次日8:00`.

What cannot be read with certainty is not guessed: `read_hours` gives None, and the answer says that it is not known.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["Hours", "read_hours"]

_DAY = 24 * 60
_EVERY_DAY = frozenset(range(7))
#: Stands for holidays among the days of the week.
_HOLIDAY = 7
_LONGEST = 400

Span = tuple[int, int]


@dataclass(frozen=True)
class Hours:
    """When somebody is on duty.

    Attributes
    ----------
    spans : tuple of tuple of (int, int)
        For each day from Monday: minutes from midnight; an end after 1440 is on the next day.
    holidays : tuple of (int, int), or None
        Spans of holidays; None: as on any such day.
    working : bool
        Whether the days were given as working days, which holidays and days worked instead change.
    """

    spans: tuple[tuple[Span, ...], ...]
    holidays: tuple[Span, ...] | None = None
    working: bool = False

    def on_day(
        self, day: date, holidays: frozenset[date] = frozenset(), workdays: frozenset[date] = frozenset()
    ) -> tuple[Span, ...]:
        """Return the spans that begin on a day."""
        if day in workdays and self.working:
            return self.spans[0]
        if day in holidays:
            return self.holidays if self.holidays is not None else () if self.working else self._usual(day)
        return self._usual(day)

    def _usual(self, day: date) -> tuple[Span, ...]:
        return self.spans[day.weekday()]

    def until(
        self,
        at: datetime,
        *,
        zone: str = "Asia/Shanghai",
        holidays: frozenset[date] = frozenset(),
        workdays: frozenset[date] = frozenset(),
    ) -> datetime | None:
        """Return when the duty ends that runs at a moment; None where none runs.

        Parameters
        ----------
        at : datetime
            With its zone.
        zone : str
            In which hours are read.
        holidays, workdays : frozenset of date
            Days off, and days that are worked instead.
        """
        here = at.astimezone(ZoneInfo(zone))
        end: datetime | None = None
        for _ in range(8):
            now = end or here
            reached = self._end_of(now, holidays, workdays)
            if reached is None or reached <= now:
                break
            end = reached
        return end

    def _end_of(
        self, here: datetime, holidays: frozenset[date], workdays: frozenset[date]
    ) -> datetime | None:
        minute = here.hour * 60 + here.minute + here.second / 60
        ends = []
        for back in (0, 1):
            day = here.date() - timedelta(days=back)
            for start, end in self.on_day(day, holidays, workdays):
                if start <= minute + back * _DAY < end:
                    days, rest = divmod(end, _DAY)
                    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))
                    ends.append(wall.replace(tzinfo=here.tzinfo))
        return max(ends, default=None)


_WORDS: dict[str, frozenset[int]] = {
    **dict.fromkeys(("每天", "每日", "天天", "daily", "everyday", "every day", "全周"), _EVERY_DAY),
    **dict.fromkeys(("工作日", "平日", "weekdays", "weekday", "workdays", "workday"), frozenset(range(5))),
    **dict.fromkeys(("双休日", "双休", "周末", "weekends", "weekend"), frozenset((5, 6))),
    **dict.fromkeys(
        ("法定节假日", "节假日", "假日", "public holidays", "holidays", "holiday"), frozenset((_HOLIDAY,))
    ),
}
_WORKING = frozenset(("工作日", "weekdays", "weekday", "workdays", "workday"))
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE_DAYS = {**{c: i for i, c in enumerate("一二三四五六")}, "日": 6, "天": 6, "7": 6,
                 **{str(n): n - 1 for n in range(1, 7)}}  # fmt: skip
_CHINESE_HOURS = {name: n for n, name in enumerate("零一二三四五六七八九十")} | {"十一": 11, "十二": 12}
_CLOCK = (
    r"(?:(?P<{0}next>次日|第二天|翌日|next day)\s*)?"
    r"(?P<{0}half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|早|晚|am|pm)?\s*"
    r"(?P<{0}h>\d{{1,2}})\s*(?:[:.](?P<{0}m>\d{{2}})(?!\d)|[点时](?:(?P<{0}hm>半)|(?P<{0}cm>\d{{1,2}})分?)?)?"
    r"\s*(?P<{0}ap>am|pm)?"
)
_SPAN = re.compile(_CLOCK.format("a") + r"\s*(?:-|to|至|到)\s*" + _CLOCK.format("b"))
_ALWAYS = re.compile(r"24\s*/\s*7|24\s*(?:小时|hours|hour|h)|全天候?|昼夜|around the clock|always|all day")
_LATIN_DAY = (
    r"(?:mon|tue|wed|thu|fri|sat|sun)(?:days?|sdays?|nesdays?|rsdays?|urdays?|rs|s|r|nes)?\.?(?![a-z])"
)
_ENGLISH = re.compile(rf"({_LATIN_DAY})(?:\s*(?:-|to|through)\s*({_LATIN_DAY}))?")
_CHINESE = re.compile(
    r"(?:周|星期|礼拜)([一二三四五六日天1-7])(?:\s*(?:-|至|到)\s*(?:(?:周|星期|礼拜)([一二三四五六日天1-7])"
    r"|([一二三四五六日天1-7])(?![\d:点时]))|((?:[、,]?[一二三四五六日天])+)(?![点时]))?"
)
_OFF = re.compile(r"休息|休|除外|不上班|closed|off")
_FILL = re.compile(r"\s+|[,、.()\[\]:]|值班|上班|工作|时间|白班|夜班|早班|中班|晚班|和|及|与|and|&")


@functools.lru_cache(maxsize=4096)
def read_hours(text: str) -> Hours | None:
    """Read hours of duty.

    Parameters
    ----------
    text : str
        In Chinese or English.

    Returns
    -------
    Hours or None
        None where the text is empty or cannot be read with certainty.

    Examples
    --------
    >>> read_hours("周一至周五 8:30-17:30").spans[4]
    ((510, 1050),)
    >>> read_hours("20:00-次日8:00").spans[0]
    ((1200, 1920),)
    >>> read_hours("问门卫") is None
    True
    """
    plain = _plain(text)
    if not plain or len(plain) > _LONGEST:
        return None
    spans: list[list[Span]] = [[] for _ in range(8)]
    named, working = set(), False
    for part in re.split(r"[;\n]", plain):
        if not part.strip():
            continue
        tokens = _tokens(part)
        rows = None if tokens is None else _pairs(tokens)
        if rows is None:
            return None
        for days, times in rows:
            working |= any(kind == "works" for kind, _ in tokens or ())
            for day in days:
                named.add(day)
                spans[day] = [] if times is None else spans[day] + times
    if not any(spans):
        return None
    whole = tuple(tuple(sorted(set(each))) for each in spans)
    return Hours(whole[:7], whole[_HOLIDAY] if _HOLIDAY in named else None, working)


def _plain(text: str) -> str:
    """Fold widths, cases and dashes, and write hours in digits."""
    plain = unicodedata.normalize("NFKC", text).lower().strip()
    plain = re.sub(r"[~〜～—–―−]+|-{2,}", "-", plain)
    plain = (
        re.sub(r"[；|/](?!\s*7)", ";", plain).replace("。", ";").replace("a.m.", "am").replace("p.m.", "pm")
    )
    return re.sub(
        r"(十[一二]?|[一二三四五六七八九零])(?=[点时])", lambda found: str(_CHINESE_HOURS[found[1]]), plain
    )


def _tokens(part: str) -> list[tuple[str, object]] | None:
    """Take one sentence apart into days, times, and days off; None where something in it is not known."""
    tokens: list[tuple[str, object]] = []
    at = 0
    while at < len(part):
        found, end = _next(part, at)
        if end == at:
            return None
        tokens += found
        at = end
    return tokens


def _next(part: str, at: int) -> tuple[list[tuple[str, object]], int]:
    """Return what stands at a place and where it ends; the same place where it is not known."""
    for word, days in _WORDS.items():
        if part.startswith(word, at):
            mark: list[tuple[str, object]] = [("works", True)] if word in _WORKING else []
            return [*mark, ("days", days)], at + len(word)
    if match := _ALWAYS.match(part, at):
        return [("time", (0, _DAY))], match.end()
    if match := _CHINESE.match(part, at):
        return [("days", _chinese_days(match))], match.end()
    if match := _SPAN.match(part, at):
        span = _span(match)
        return ([], at) if span is None else ([("time", span)], match.end())
    if match := _ENGLISH.match(part, at):
        first = _NAMES.index(match[1][:3])
        return [("days", _run(first, _NAMES.index(match[2][:3]) if match[2] else first))], match.end()
    if match := _OFF.match(part, at):
        return [("off", True)], match.end()
    match = _FILL.match(part, at)
    return [], match.end() if match else at


def _chinese_days(match: re.Match[str]) -> frozenset[int]:
    first = _CHINESE_DAYS[match[1]]
    if last := match[2] or match[3]:
        return _run(first, _CHINESE_DAYS[last])
    return frozenset((first, *(_CHINESE_DAYS[c] for c in match[4] or "" if c in _CHINESE_DAYS)))


def _run(first: int, last: int) -> frozenset[int]:
    return frozenset((first + k) % 7 for k in range((last - first) % 7 + 1))


def _span(match: re.Match[str]) -> Span | None:
    """Read one span of a day; None where it is none, or could be two."""
    start, start_sure = _minute(match, "a")
    end, end_sure = _minute(match, "b")
    if start is None or end is None or start >= _DAY or match["anext"]:
        return None
    if match["bnext"]:
        return start, end + _DAY
    if end > start:
        return start, end
    if start_sure or end_sure or start >= _DAY // 2:
        return (start, end + _DAY) if end < start else None
    # 9-5 is until five in the afternoon.
    return (start, end + _DAY // 2) if end < start else None


def _minute(match: re.Match[str], side: str) -> tuple[int | None, bool]:
    """Return minutes from midnight, and whether the half of the day was said."""
    hour = int(match[f"{side}h"])
    minute = 30 if match[f"{side}hm"] else int(match[f"{side}m"] or match[f"{side}cm"] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None, False
    half = match[f"{side}ap"] or match[f"{side}half"]
    if half in ("pm", "下午", "傍晚", "晚上", "夜里", "晚") and hour < 12:
        hour += 12
    elif half in ("晚上", "夜里", "晚") and hour == 12:
        hour = 24
    elif half in ("am", "凌晨") and hour == 12:
        hour = 0
    return hour * 60 + minute, half is not None


def _pairs(tokens: Iterable[tuple[str, object]]) -> list[tuple[frozenset[int], list[Span] | None]] | None:
    """Join days to their times, in the order in which they stand; None where that is not clear."""
    groups: list[tuple[str, list[object]]] = []
    for kind, value in tokens:
        if kind == "works":
            continue
        if groups and groups[-1][0] == kind:
            groups[-1][1].append(value)
        else:
            groups.append((kind, [value]))
    kinds = "".join({"days": "d", "time": "t", "off": "o"}[kind] for kind, _ in groups)
    if kinds == "t":
        return [(_EVERY_DAY, _times(groups[0][1]))]
    if kinds == "td":
        groups.reverse()
    elif re.fullmatch(r"t(?:do)+|(?:do)+t", kinds):
        times = groups.pop(kinds.index("t"))
        groups = [("days", [_EVERY_DAY]), times, *groups]
    elif not re.fullmatch(r"(?:d[to])+", kinds):
        return None
    return [
        (_days(days), _times(times) if kind == "time" else None)
        for (_, days), (kind, times) in zip(groups[::2], groups[1::2], strict=True)
    ]


def _days(values: list[object]) -> frozenset[int]:
    return frozenset().union(*(value for value in values if isinstance(value, frozenset)))


def _times(values: list[object]) -> list[Span]:
    return [value for value in values if isinstance(value, tuple)]
