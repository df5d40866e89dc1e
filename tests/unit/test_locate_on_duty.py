"""Who is on duty near a place, and hours as people write them."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
import shapely

from gis_core.locate.hours import read_hours
from gis_core.locate.on_duty import Shifts, Staff, StaffMap, staff_of

MONDAY, TUESDAY, SUNDAY = "2026-11-23", "2026-11-24", "2026-11-22"


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}+08:00")


@pytest.mark.parametrize(
    ("text", "on", "off"),
    [
        ("周一至周五 8:30-17:30", [(MONDAY, "08:30"), (MONDAY, "17:29")], [(MONDAY, "17:30"), (SUNDAY, "10:00")]),
        ("周一到周五8：30—17：30", [(MONDAY, "08:30")], [(SUNDAY, "08:30")]),
        ("8:00-12:00，14:00-18:00", [(SUNDAY, "11:59"), (MONDAY, "14:00")], [(MONDAY, "13:00")]),
        ("Mon-Fri 9am-5pm; Sun 9-12", [(MONDAY, "16:59"), (SUNDAY, "11:00")], [(SUNDAY, "13:00")]),
        ("夜班 20:00-次日8:00", [(MONDAY, "23:00"), (MONDAY, "07:59")], [(MONDAY, "12:00")]),
        ("周日 20:00-02:00", [(SUNDAY, "20:00"), (MONDAY, "01:59")], [(MONDAY, "02:00"), (SUNDAY, "01:00")]),
        ("24小时", [(SUNDAY, "03:00")], []),
        ("24/7", [(SUNDAY, "03:00")], []),
        ("9-5", [(MONDAY, "16:30")], [(MONDAY, "17:00")]),
        ("周一、三、五 8点-17点半", [(MONDAY, "17:29")], [(TUESDAY, "10:00")]),
        ("每天 8:00-18:00，周日休息", [(MONDAY, "10:00")], [(SUNDAY, "10:00")]),
        ("早上八点到下午五点", [(MONDAY, "08:00"), (MONDAY, "16:59")], [(MONDAY, "07:59"), (MONDAY, "17:00")]),
        ("周一至周五8:00-12:00、14:00-17:30；周日8:00-12:00", [(SUNDAY, "08:00")], [(SUNDAY, "14:00")]),
        ("9:00-17:00 Mon-Fri", [(MONDAY, "09:00")], [(SUNDAY, "09:00")]),
        ("weekdays 22:00-6:00", [(TUESDAY, "05:00"), (MONDAY, "23:00")], [(MONDAY, "05:00")]),
    ],
)  # fmt: skip
def test_hours_are_read_as_people_write_them(
    text: str, on: list[tuple[str, str]], off: list[tuple[str, str]]
) -> None:
    hours = read_hours(text)
    assert hours is not None
    assert [hours.until(at(*one)) is not None for one in on] == [True] * len(on)
    assert [hours.until(at(*one)) is not None for one in off] == [False] * len(off)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "问门卫",
        "8:00",
        "8:00-8:00",
        "25:00-26:00",
        "周一至周五 8:00-17:00,周六",
        "周一至周五",
        "-",
        "9" * 500,
    ],
)
def test_hours_that_are_not_clear_are_not_guessed(text: str) -> None:
    assert read_hours(text) is None


def test_days_off_and_days_worked_instead() -> None:
    off, instead = frozenset({date.fromisoformat(MONDAY)}), frozenset({date.fromisoformat(SUNDAY)})
    working, named = read_hours("工作日 9:00-17:00"), read_hours("8:00-18:00，节假日除外")
    plain = read_hours("周一至周五 9:00-17:00")
    assert working and named and plain
    monday, sunday = at(MONDAY, "10:00"), at(SUNDAY, "10:00")
    assert working.until(monday) and not working.until(monday, holidays=off)
    assert not working.until(sunday) and working.until(sunday, workdays=instead)
    assert named.until(monday) and not named.until(monday, holidays=off)
    assert plain.until(monday, holidays=off)


def test_a_duty_ends_where_nothing_follows_at_once() -> None:
    hours = read_hours("8:00-12:00,12:00-18:00")
    assert hours and hours.until(at(MONDAY, "09:00")) == at(MONDAY, "18:00")
    assert hours.until(at(MONDAY, "09:00"), zone="Europe/Berlin") is None


def people(*rows: dict[str, object]) -> tuple[Staff, ...]:
    return staff_of(rows)


@pytest.fixture
def three_grids() -> StaffMap:
    """Three squares of 100 m beside each other, the third 1 km away."""
    shapes = np.array(
        [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.box(1200, 0, 1300, 100)]
    )
    return StaffMap(
        ["G1", "G2", "G3"],
        shapes,
        [
            people(
                {"name": "王芳", "role": "网格员", "phone": "1", "hours": "8:00-17:00", "deputy": "李明"},
                {"name": "李明", "role": "网格员", "phone": "2", "hours": "17:00-23:00", "deputy": True},
                {"name": "赵强", "role": "楼栋长", "phone": "3"},
            ),
            people({"name": "孙丽", "role": "网格员", "phone": "4", "hours": "24小时"}),
            people({"name": "周杰", "role": "网格员", "phone": "5", "hours": "24小时", "deputy": "吴敏"}),
        ],
    )  # fmt: skip


def names(found: list) -> list[tuple[str, str, str | None]]:
    return [(one.staff.name, one.duty, one.stands_in_for) for one in found]


def test_who_is_on_duty_goes_first_and_the_deputy_after_hours(three_grids: StaffMap) -> None:
    day = three_grids.near(50, 50, at(MONDAY, "10:00"), count=9)
    assert names(day) == [
        ("王芳", "on", None),
        ("赵强", "unsaid", None),
        ("孙丽", "on", None),
        ("周杰", "on", None),
    ]
    assert day[0].until == at(MONDAY, "17:00") and day[0].deputy is not None and day[0].deputy.phone == "2"
    assert [one.metres for one in day] == [0, 0, 50, 1150]
    assert day[3].deputy == Staff("吴敏", "网格员", stands_in=True)
    evening = three_grids.near(50, 50, at(MONDAY, "19:00"), count=3)
    assert names(evening) == [("李明", "on", "王芳"), ("赵强", "unsaid", None), ("孙丽", "on", None)]
    night = three_grids.near(50, 50, at(MONDAY, "23:30"), count=2)
    assert names(night) == [("赵强", "unsaid", None), ("孙丽", "on", None)]


def test_on_a_border_the_grid_of_the_answer_goes_first(three_grids: StaffMap) -> None:
    for first in ("G1", "G2"):
        found = three_grids.near(100, 50, at(MONDAY, "10:00"), count=1, first=first)
        assert [one.code for one in found] == [first]


def test_how_many_and_how_far(three_grids: StaffMap) -> None:
    moment = at(MONDAY, "10:00")
    assert len(three_grids.near(50, 50, moment, count=1)) == 1
    assert {one.code for one in three_grids.near(50, 50, moment, count=9, within_m=500)} == {"G1", "G2"}
    assert three_grids.near(50, 50_000, moment) == []
    assert StaffMap([], np.empty(0, object), []).near(0, 0, moment) == []


def test_a_person_of_two_grids_is_named_once() -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    both = people({"name": "王芳", "phone": "1", "hours": "全天"})
    found = StaffMap(["A", "B"], shapes, [both, both]).near(0.5, 0.5, at(MONDAY, "10:00"), count=5)
    assert [(one.code, one.staff.name) for one in found] == [("A", "王芳")]


def test_hours_hold_in_the_zone_of_the_place(three_grids: StaffMap) -> None:
    moment = at(MONDAY, "10:00")
    abroad = three_grids.near(50, 50, moment, count=1, shifts=Shifts("America/Chicago"))
    assert names(abroad) == [("李明", "on", "王芳")]  # eight in the evening of the day before
