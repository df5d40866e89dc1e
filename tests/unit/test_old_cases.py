"""Old cases from tables: columns by name, times, states, numbers; what cannot be read is named, nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gis_core.dispatch import State, replay
from gis_core.dispatch.old_cases import Reading, events_of, find_columns, read_rows
from gis_core.errors import ParameterError

HEADER = ["编号", "类别", "上报时间", "经度", "纬度", "描述", "状态", "结案时间", "单位"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def read(*rows, header=HEADER, mapping=None, **reading):
    return read_rows(rows, find_columns(header, mapping), Reading(**{"now": NOW, **reading}))


def row(number="1", category="漏水", at="2024-03-01 08:30", x="121.5", y="31.2", *more):
    return [number, category, at, x, y, *more]


def test_columns_are_found_by_name_and_named_by_hand():
    assert find_columns(["ID", " Date", "Primary_Type", "Longitude", "LATITUDE"]) == {
        "number": 0,
        "reported_at": 1,
        "category": 2,
        "x": 3,
        "y": 4,
    }
    found = find_columns([*HEADER, "案情"], {"words": "案情", "state": ""})
    assert found["words"] == 9
    assert "state" not in found
    with pytest.raises(ParameterError, match=r"recognised for category, x"):
        find_columns(["编号", "时间", "纬度"])
    with pytest.raises(ParameterError, match="no column 'nothing'"):
        find_columns(HEADER, {"words": "nothing"})
    with pytest.raises(ParameterError, match="nothing called 'color'"):
        find_columns(HEADER, {"color": "x"})


@pytest.mark.parametrize(
    ("text", "dates", "moment"),
    [
        ("2024-03-01 08:30", "ymd", "2024-03-01T00:30:00+00:00"),
        ("2024/3/1 8:30:15", "mdy", "2024-03-01T00:30:15+00:00"),
        ("2024-03-01T08:30:00.250Z", "ymd", "2024-03-01T08:30:00+00:00"),
        ("2024-03-01T08:30:00+0200", "ymd", "2024-03-01T06:30:00+00:00"),
        ("2024年3月1日8时30分", "ymd", "2024-03-01T00:30:00+00:00"),
        ("2024年3月1日", "ymd", "2024-02-29T16:00:00+00:00"),
        ("2024-03-01 08:30 下午", "ymd", "2024-03-01T12:30:00+00:00"),
        ("3/4/2024 12:05 AM", "mdy", "2024-03-03T16:05:00+00:00"),
        ("3.4.2024 12:05", "dmy", "2024-04-03T04:05:00+00:00"),
    ],
)
def test_times(text, dates, moment):
    (case,), rejects = read(row(at=text), dates=dates)
    assert rejects == []
    assert case.reported_at == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (row(category=" "), "no category"),
        (row(at=""), "no reported_at"),
        (row(at="gestern"), "no time that can be read"),
        (row(at="2024-02-30 08:00"), "no time that can be read"),
        (row(at="3/4/2024"), "mdy or dmy"),
        (row(at="2026-02-01"), "in the future"),
        (row(at="2024-03-01 13:30 PM"), "no time that can be read"),
        (row(x=""), "no x"),
        (row(y="north"), "y is no number"),
        (row(y="nan"), "y is no number"),
        (row("1", "漏水", "2024-03-01", "121", "31", "x" * 4001), "longer than 4000"),
        (row("1", "漏水", "2024-03-01", "121", "31", "", "half done"), "is not known"),
        (row("1", "漏水", "2024-03-01", "121", "31", "", "", "2024-02-01"), "before it was reported"),
        (["1"], "no category"),
    ],
)
def test_rows_that_cannot_be_read(values, reason):
    cases, (reject,) = read(["", " "], values)
    assert cases == []
    assert reject.row == 3
    assert reason in reject.reason


def test_a_number_is_a_case_once_and_so_is_a_row_without_number():
    cases, (reject,) = read(row("7"), row("7", "噪音"), row(""), row(""), row("8"))
    assert [case.row for case in cases] == [2, 4, 5, 6]
    assert (reject.row, "row 2" in reject.reason) == (3, True)
    again, _ = read(row("8"), row(""), row("7", "其他"))
    keys = {case.number: case.key for case in cases if case.number}
    assert {case.number: case.key for case in again if case.number} == keys
    assert [case.key for case in again if not case.number] == [cases[1].key]
    other, _ = read(row("7"), source="12345")
    assert other[0].key not in keys.values()


def test_cells_that_were_made_safe_are_read_as_they_were():
    (case,), _ = read(row("1", "'-其他", "2024-03-01", "121", "31", "'=1+1"))
    assert (case.category, case.words) == ("-其他", "=1+1")
    (case,), _ = read(row("1", "a", "2024-03-01", "121", "31", "'quoted'"))
    assert case.words == "'quoted'"


@pytest.mark.parametrize(
    ("state", "closed", "ends", "after"),
    [
        ("已结案", "2024-03-02", "open", State.CLOSED),
        ("", "2024-03-02", "open", State.CLOSED),
        ("", "", "open", State.REPORTED),
        ("", "", "closed", State.CLOSED),
        ("In Progress", "", "closed", State.REPORTED),
        ("不予立案", "2024-03-02", "closed", State.CANCELLED),
    ],
)
def test_the_steps_that_a_row_stands_for(state, closed, ends, after):
    (case,), rejects = read(row("1", "漏水", "2024-03-01", "121", "31", "", state, closed, "水务"), ends=ends)
    assert rejects == []
    events = events_of(case, unit="-", file="old.csv", by="me")
    made = replay("1", events, category=case.category)
    assert made.state == after
    assert (made.unit or "水务") == "水务"
    assert all(event.data["imported"] is True and event.where == "import" for event in events)
    assert events[0].at == case.reported_at
    assert events[-1].at == (case.closed_at or case.reported_at if len(events) > 1 else case.reported_at)


def test_a_zone_that_is_none():
    with pytest.raises(ParameterError, match="no time zone"):
        Reading(zone="Moon/Base")
