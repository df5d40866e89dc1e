"""What many cases say together is what counting them one by one says."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from gis_core.dispatch import Case, Deadline, DeadlineTable, Event, EventKind, Policy, allowed, apply, report
from gis_core.dispatch.stats import GROUPINGS, CaseStats, count_cases, period
from gis_core.errors import ParameterError
from tests.plain_counts import columns_of, plain_counts

BEGIN = datetime(2026, 9, 25, 1, tzinfo=UTC)
POLICY = Policy(
    DeadlineTable([Deadline("water", "*", 30, 240, around_the_clock=True), Deadline("*", "*", 60, 480)]),
    max_returns=9,
)
#: What mostly happens; the others now and then.
USUAL = ("verify", "open", "dispatch", "accept", "done", "check", "close")


def walk(number: int, rng: random.Random) -> Case:
    now = BEGIN + timedelta(minutes=rng.randrange(60 * 24 * 20))
    event = Event(EventKind.REPORT, now)
    case = report(str(number), event, category=rng.choice(["water", "noise", "垃圾"]))
    for _ in range(rng.randrange(26)):
        possible = [kind for kind in allowed(case, POLICY) if kind != EventKind.NOTE]
        usual = [kind for kind in possible if kind in USUAL]
        kind = rng.choice(usual if usual and rng.random() < 0.6 else possible or [EventKind.NOTE])
        now += timedelta(minutes=rng.choice([0, 1, 50, 400, 3000]), milliseconds=rng.randrange(999))
        to = rng.choice([unit for unit in ("网格 1", "water company", "office") if unit != case.unit])
        event = Event(kind, now, "w", "why", to=to, minutes=60, passed=rng.random() < 0.5, other="0")
        case = apply(case, event, POLICY)
    return case


def told(row: CaseStats) -> dict[str, object]:
    values = {name: value for name, value in row.as_dict().items() if value}
    return {name: value for name, value in values.items() if name not in ("key", "return_rate")}


def test_counted_at_once_as_one_by_one() -> None:
    rng = random.Random(5)
    cases = [walk(number, rng) for number in range(1, 161)]
    grids: list[str | None] = [rng.choice(["310101001", "310101002", None]) for _ in cases]
    now = BEGIN + timedelta(days=25)
    of = {"unit": None, "grid": grids, "category": [case.category for case in cases]}
    columns = columns_of(cases, grids)
    for by in GROUPINGS:
        rows, total = count_cases(*columns, by, POLICY, now)
        plain = plain_counts(cases, of[by], POLICY, now)
        assert {row.key: told(row) for row in rows} == {
            key: {name: value for name, value in values.items() if value} for key, values in plain.items()
        }
        names = [row.key for row in rows]
        assert names == sorted(names, key=lambda name: (name is None, name))
        whole = plain_counts(cases, [None] * len(cases), POLICY, now)[None]
        assert told(total) == {name: value for name, value in whole.items() if value}
        assert total.cases == len(cases)
        assert min(total.returns, total.reopened, total.late, total.overdue, total.duplicates) > 3
        assert total.return_rate == pytest.approx(total.returns / total.dispatches)
    nothing, empty = count_cases(*columns_of([], []), "unit", POLICY, now)
    assert (nothing, empty.cases, empty.median_hours, empty.return_rate) == ([], 0, None, None)


def test_the_time_that_is_counted() -> None:
    first, last = period("2026-03-01", "2026-03-01T12:00:00+00:00", zone="Asia/Shanghai")
    assert first == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert last == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert period(None, None, zone="UTC") == (None, None)
    for since, until in (
        ("2026-03-02", "2026-03-01"),
        ("yesterday", None),
        (None, "2026-03-01T12:00"),
        ("9999-12-31", None),
    ):
        with pytest.raises(ParameterError, match=r"from|to"):
            period(since, until, zone="Asia/Shanghai")
