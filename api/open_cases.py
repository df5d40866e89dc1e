"""Open cases around a place, kept in memory and brought up to date from the steps that came since it was last asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gis_core.dispatch import Report
from gis_core.dispatch.live import OpenCases

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.cases import CaseRecord

__all__ = ["LiveCases"]

_PAGE = 1_000
#: How far apart, and how long after each other, two reports of one thing may be.
_NEAR_M, _WITHIN = 60.0, timedelta(days=7)


class LiveCases:
    """The open cases of a store.

    Parameters
    ----------
    store : callable
        Gives the open store.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._gate = threading.Lock()
        self._cases: OpenCases | None = None
        self._records: dict[int, CaseRecord] = {}
        self._serial = 0

    def near(
        self,
        lon: float,
        lat: float,
        *,
        within_m: float,
        accuracy_m: float = 0.0,
        category: str = "",
        words: str = "",
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """Give the open cases around a place: those that a new one may repeat first, then by distance."""
        new = Report("", lon, lat, datetime.now(UTC), category, words, accuracy_m)
        with self._gate:
            cases = self._fresh()
            around = {int(one.id): metres for one, metres in cases.near(lon, lat, within_m)}
            alike = cases.alike(new, near_m=_NEAR_M, within=_WITHIN) if category else {}
            around |= {number: one.metres for number, one in alike.items()}
            scores = {number: one.score for number, one in alike.items()}
            order = sorted(around, key=lambda number: (-scores.get(number, 0.0), around[number], number))[
                :limit
            ]
            return [_row(self._records[n], around[n], scores.get(n)) for n in order]

    def repeated_by(self, record: CaseRecord) -> list[dict[str, Any]]:
        """Give the open cases of before that a case may repeat, the likeliest first."""
        with self._gate:
            alike = self._fresh().alike(_report(record), near_m=_NEAR_M, within=_WITHIN)
        return [
            {"id": number, "metres": round(one.metres, 1), "score": round(one.score, 3)}
            for number, one in alike.items()
            if number < record.id
        ]

    def _fresh(self) -> OpenCases:
        """Take over what happened since; all open cases the first time."""
        store = self._store()
        if self._cases is None:
            self._serial = store.case_serial()
            fresh, last = OpenCases(), 0
            while found := store.cases_after(last, is_open=True, limit=_PAGE):
                for record in found:
                    self._put(fresh, record)
                last = found[-1].id
            self._cases = fresh
        while news := store.case_feed(self._serial, limit=_PAGE):
            for one in news:
                self._put(self._cases, one.record)
            self._serial = news[-1].serial
        return self._cases

    def _put(self, cases: OpenCases, record: CaseRecord) -> None:
        if record.case.has_ended:
            cases.take(record.id)
            self._records.pop(record.id, None)
            return
        self._records[record.id] = record
        cases.put(_report(record))


def _report(record: CaseRecord) -> Report:
    new = record.new
    return Report(
        str(record.id), new.lon, new.lat, record.reported_at, new.category, new.words, new.accuracy_m
    )


def _row(record: CaseRecord, metres: float, score: float | None) -> dict[str, Any]:
    new = record.new
    return {
        "id": record.id,
        "metres": round(metres, 1),
        "score": None if score is None else round(score, 3),
        "category": record.case.category,
        "state": str(record.case.state),
        "unit": record.case.unit,
        "grid_code": new.grid_code,
        "words": new.words,
        "lon": new.lon,
        "lat": new.lat,
        "reported_at": record.reported_at.isoformat(),
    }
