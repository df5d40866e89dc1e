"""Who is on duty near a place: the staff of its grid, then of the grids around it, by distance, with who stands in.

Pure: no clock, no store. Where hours are not given or cannot be read, that is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.locate.hours import read_hours

__all__ = ["OnDuty", "Shifts", "Staff", "StaffMap", "staff_of"]

Duty = Literal["on", "unsaid"]


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who works in a grid.

    Attributes
    ----------
    deputy : str
        Name of whoever stands in.
    stands_in : bool
        Whether this person is only a deputy.
    """

    name: str
    role: str = ""
    phone: str = ""
    hours: str = ""
    deputy: str = ""
    stands_in: bool = False


def staff_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Staff, ...]:
    """Read the attribute `staff` of a grid.

    Examples
    --------
    >>> staff_of([{"name": "王芳", "role": "网格员", "deputy": "李明"}])[0].deputy
    '李明'
    """
    people = []
    for row in rows:
        texts = {key: str(row.get(key) or "").strip() for key in ("name", "role", "phone", "hours")}
        deputy = row.get("deputy")
        known = deputy.strip() if isinstance(deputy, str) else ""
        if texts["name"]:
            people.append(Staff(**texts, deputy=known, stands_in=deputy is True))
    return tuple(people)


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody who can be sent.

    Attributes
    ----------
    code : str
        Grid that the person works in.
    metres : float
        From the place to that grid; 0 in it.
    duty : str
        `on`, or `unsaid` where hours are not given or cannot be read.
    until : datetime or None
        When the duty ends, where it is known.
    stands_in_for : str or None
        Who is not on duty, where the person is a deputy.
    deputy : Staff or None
        Who stands in for this person.
    """

    code: str
    metres: float
    staff: Staff
    duty: Duty
    until: datetime | None = None
    stands_in_for: str | None = None
    deputy: Staff | None = None


@dataclass(frozen=True)
class Shifts:
    """How hours are read: the zone, days off, and days worked instead."""

    zone: str = "Asia/Shanghai"
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def state(self, staff: Staff, at: datetime) -> tuple[Duty | Literal["off"], datetime | None]:
        """Tell whether somebody is on duty, and until when."""
        hours = read_hours(staff.hours)
        if hours is None:
            return "unsaid", None
        until = hours.until(at, zone=self.zone, holidays=self.holidays, workdays=self.workdays)
        return ("off", None) if until is None else ("on", until)


class StaffMap:
    """Where the staff of all grids work; nothing in it changes.

    Parameters
    ----------
    codes : sequence of str
        Of the grids.
    shapes : object, shape (n_grids,)
        Their polygons, in metres.
    staff : sequence of sequences of Staff
        Of each grid.
    """

    def __init__(
        self, codes: Sequence[str], shapes: NDArray[np.object_], staff: Sequence[Sequence[Staff]]
    ) -> None:
        kept = [row for row, people in enumerate(staff) if people]
        self._codes = [codes[row] for row in kept]
        self._staff = [tuple(staff[row]) for row in kept]
        self._shapes = np.asarray(shapes, dtype=object)[kept]
        shapely.prepare(self._shapes)
        self._by_name: dict[str, Staff] = {}
        for people in self._staff:
            for person in people:
                self._by_name.setdefault(person.name, person)

    def near(
        self,
        x: float,
        y: float,
        at: datetime,
        *,
        count: int = 3,
        within_m: float = 3_000.0,
        first: str | None = None,
        shifts: Shifts | None = None,
    ) -> list[OnDuty]:
        """Return who can be sent, the nearest grid first; in a grid those surely on duty before those of unsaid hours.

        Parameters
        ----------
        x, y : float, metres
        at : datetime
            With its zone.
        count : int
            At most so many people.
        within_m : float
            How far away a grid may be.
        first : str, optional
            Code of the grid that the place is in, which goes first where several touch the place.
        """
        shifts = shifts or Shifts()
        if not self._codes:
            return []
        metres = shapely.distance(self._shapes, shapely.Point(x, y))
        rows = [row for row in np.argsort(metres, kind="stable").tolist() if metres[row] <= within_m]
        rows.sort(key=lambda row: (float(metres[row]), self._codes[row] != first))
        found: list[OnDuty] = []
        seen: set[tuple[str, str]] = set()
        for row in rows:
            for one in self._in_grid(row, float(metres[row]), at, shifts):
                who = (one.staff.name, one.staff.phone)
                if who not in seen:
                    seen.add(who)
                    found.append(one)
            if len(found) >= count:
                break
        return found[:count]

    def _in_grid(self, row: int, metres: float, at: datetime, shifts: Shifts) -> list[OnDuty]:
        """Return who can be sent of one grid: who is on duty, then deputies of who is not, then unsaid hours."""
        people = self._staff[row]
        states = {person: shifts.state(person, at) for person in people}
        on_roles = {p.role for p in people if not p.stands_in and states[p][0] == "on"}
        found: list[OnDuty] = []
        for person in people:
            duty, until = states[person]
            if person.stands_in and person.role in on_roles:
                continue
            if duty == "off":
                found += self._in_place_of(person, row, metres, at, shifts)
                continue
            absent = next((p.name for p in people if not p.stands_in and p.role == person.role
                           and states[p][0] == "off"), None) if person.stands_in else None  # fmt: skip
            deputy = self._deputy(person, people)
            found.append(OnDuty(self._codes[row], metres, person, duty, until, absent, deputy))
        return sorted(found, key=lambda one: (one.duty != "on", one.staff.stands_in))

    def _in_place_of(
        self, person: Staff, row: int, metres: float, at: datetime, shifts: Shifts
    ) -> Iterator[OnDuty]:
        """Give the deputy of somebody who is not on duty, unless the deputy is not, either."""
        deputy = self._deputy(person, self._staff[row])
        if deputy is None or person.stands_in:
            return
        duty, until = shifts.state(deputy, at)
        if duty != "off":
            yield OnDuty(self._codes[row], metres, deputy, duty, until, person.name)

    def _deputy(self, person: Staff, people: Sequence[Staff]) -> Staff | None:
        """Return who stands in for somebody: by name, else the deputy of the same role in the grid."""
        if person.deputy:
            near = next((one for one in people if one.name == person.deputy), None)
            return (
                near or self._by_name.get(person.deputy) or Staff(person.deputy, person.role, stands_in=True)
            )
        if person.stands_in:
            return None
        return next((one for one in people if one.stands_in and one.role == person.role), None)
