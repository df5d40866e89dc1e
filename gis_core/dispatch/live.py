"""Open cases by place, in memory: an index that changes as cases are reported, moved on and ended."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from gis_core.dispatch.duplicates import Likeness, Report, find_duplicates, metres_between

if TYPE_CHECKING:
    from rtree.index import Index

__all__ = ["OpenCases"]

_M_PER_DEGREE = 111_195.0
#: Accuracy up to which cases around are looked at; what is vaguer repeats nothing.
_VAGUE_M = 500.0


class OpenCases:
    """The open cases of a place; one thread at a time.

    Notes
    -----
    Putting, taking away and asking take time in proportion to the logarithm of the number of open cases.
    """

    def __init__(self) -> None:
        from rtree.index import Index

        self._index: Index = Index()
        self._reports: dict[int, Report] = {}

    def __len__(self) -> int:
        return len(self._reports)

    def put(self, report: Report) -> None:
        """Add a case, or say how it stands now."""
        number = int(report.id)
        self.take(number)
        self._reports[number] = report
        self._index.insert(number, (report.lon, report.lat, report.lon, report.lat))

    def take(self, number: int) -> None:
        """Take away a case that has ended; one that is not there is none."""
        report = self._reports.pop(number, None)
        if report is not None:
            self._index.delete(number, (report.lon, report.lat, report.lon, report.lat))

    def near(self, lon: float, lat: float, within_m: float) -> list[tuple[Report, float]]:
        """Return the cases around a place and metres to each, the nearest first."""
        high = within_m / _M_PER_DEGREE * 1.01
        wide = high / max(math.cos(math.radians(lat)), 0.01)
        box = (lon - wide, lat - high, lon + wide, lat + high)
        found = [self._reports[int(number)] for number in self._index.intersection(box)]
        told = [(one, metres_between((lon, lat), (one.lon, one.lat))) for one in found]
        reached = [each for each in told if each[1] <= within_m]
        return sorted(reached, key=lambda each: (each[1], int(each[0].id)))

    def alike(self, new: Report, *, near_m: float, within: timedelta) -> dict[int, Likeness]:
        """Return the cases that a new one may repeat, by number."""
        others = [one for one, _ in self.near(new.lon, new.lat, near_m + new.accuracy_m + _VAGUE_M)]
        return {int(one.id): one for one in find_duplicates(new, others, near_m=near_m, within=within)}
