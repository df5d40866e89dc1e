"""Cases of before from a table: read, placed by what was in force at the time of each, written with all their steps.

All rows are read and placed before the first is written. Cases are written some hundred at a time, each time all or
none; one that is there already, by its number or its row, is passed over, so that the same table can be sent again.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.case_place import CasePlace, place_cases
from gis_core.dispatch.duty import Place
from gis_core.dispatch.old_cases import OldCase, Reading, Reject, events_of, find_columns, read_rows
from gis_core.errors import NotFoundError, ParameterError
from gis_core.store.cases import NewCase

if TYPE_CHECKING:
    from api.services import Services
    from gis_core.dispatch import Event

__all__ = ["ImportReport", "import_cases"]

#: Cases of one transaction.
_AT_ONCE = 500
#: Rejected rows that the answer lists.
_MOST_TOLD = 10_000
_PAGE = 1_000
#: Said of the details of a case from before any plan was in force.
_NO_PLAN = "no_plan"
_BOM16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class ImportReport:
    """What came of a table.

    Attributes
    ----------
    rows, added, known : int
        Rows that are no blank lines; cases that were written, and that were there before.
    rejected : list of Reject
    columns : dict
        What each column was taken for.
    unsure, outside, without_plan : int
        Cases at a border or with a wide fix, outside of all grids, of a time when no plan was in force.
    """

    rows: int = 0
    added: int = 0
    known: int = 0
    rejected: list[Reject] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    unsure: int = 0
    outside: int = 0
    without_plan: int = 0
    written: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as the wire has it."""
        told = [{"row": one.row, "reason": one.reason} for one in self.rejected[:_MOST_TOLD]]
        return {**vars(self), "rejected": told, "n_rejected": len(self.rejected)}


def import_cases(
    services: Services,
    data: bytes,
    *,
    crs: str,
    reading: Reading,
    mapping: Mapping[str, str] | None = None,
    plan: int | None = None,
    file: str = "",
    who: str = "",
    strict: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ImportReport:
    """Import a table of cases.

    Parameters
    ----------
    data : bytes
        CSV in UTF-8, UTF-16 or GB18030, with a header; comma, semicolon, tab or bar between its fields.
    crs : str
        System of the positions.
    plan : int, optional
        Plan that places what is of a time when none was in force.
    file, who : str
        What is imported, and by whom.
    strict : bool
        Whether nothing is written where a row is rejected.
    dry_run : bool
        Whether nothing is written at all.
    limit : int, optional
        Most rows.
    progress : callable
        Gets cases written, and all of them.

    Raises
    ------
    ParameterError
        Where the table, the system or a column cannot be used.
    NotFoundError
        Where there is no such plan.
    """
    header, rows = _read_csv(data, limit)
    columns = find_columns(header, mapping)
    found, rejects = read_rows(rows, columns, reading)
    report = ImportReport(
        rows=len(found) + len(rejects), columns={what: header[place] for what, place in columns.items()}
    )
    items = []
    for case, place in _placed(services, found, crs, plan):
        if place is None:
            rejects.append(Reject(case.row, f"{case.x:g}, {case.y:g} is no position in {crs}."))
            continue
        report.unsure += place.grid_code is None and bool(place.details.get("candidates"))
        report.outside += place.is_outside
        report.without_plan += place.details.get("status") == _NO_PLAN
        items.append((case, place))
    report.rejected = sorted(rejects, key=lambda one: one.row)
    if dry_run or (strict and rejects):
        return report
    _write(services, items, report, file=file, who=who, source=reading.source, progress=progress)
    return report


def _read_csv(data: bytes, limit: int | None) -> tuple[list[str], list[list[str]]]:
    text = _text(data)
    head = text[:20_000].partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ParameterError(f"The table cannot be read as CSV: {error}.") from None
    if len(rows) < 2:
        raise ParameterError("The table has no rows below its header.")
    if limit is not None and len(rows) - 1 > limit:
        raise ParameterError(
            f"{len(rows) - 1:,} rows are too many at once; send at most {limit:,}.", limit=limit
        )
    return rows[0], rows[1:]


def _text(data: bytes) -> str:
    for encoding in ("utf-16",) if data.startswith(_BOM16) else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise ParameterError("The table is no text in UTF-8, UTF-16 or GBK; save it as CSV UTF-8.")


def _placed(
    services: Services, found: Sequence[OldCase], crs: str, plan: int | None
) -> list[tuple[OldCase, CasePlace | None]]:
    """Place each case by what was in force at its time, those of one time in force together."""
    if plan is not None:
        services.store.plan(plan)
    moments = _moments(services)
    spans: dict[int, list[OldCase]] = {}
    for case in found:
        spans.setdefault(bisect_right(moments, case.reported_at), []).append(case)
    placed: dict[int, CasePlace | None] = {}
    for number, some in spans.items():
        at = None if number == 0 else some[0].reported_at
        for case, place in zip(some, _places(services, some, crs, plan, at), strict=True):
            placed[case.row] = place
    return [(case, placed[case.row]) for case in found]


def _moments(services: Services) -> list[datetime]:
    """Return when what is in force changed, ascending."""
    moments: set[datetime] = set()
    offset = 0
    while records := services.store.plans(limit=_PAGE, offset=offset):
        offset += len(records)
        for record in records:
            moments |= {each for each in (record.valid_from, record.valid_to) if each is not None}
    return sorted(moments)


def _places(
    services: Services, some: Sequence[OldCase], crs: str, plan: int | None, at: datetime | None
) -> list[CasePlace | None]:
    points = [(case.x, case.y) for case in some]
    accuracy = [case.accuracy_m for case in some]
    if at is not None:
        try:
            return place_cases(services, points, crs=crs, accuracy_m=accuracy, at=at)
        except NotFoundError:
            pass
    if plan is not None:
        return place_cases(services, points, crs=crs, accuracy_m=accuracy, plan=plan)
    return _nowhere(points, crs)


def _nowhere(points: Sequence[tuple[float, float]], crs: str) -> list[CasePlace | None]:
    """Place cases of a time when no plan was in force."""
    from gis_core.crs import to_wgs84

    lons, lats = to_wgs84([x for x, _ in points], [y for _, y in points], crs)
    return [
        CasePlace(lon, lat, 0, None, {"status": _NO_PLAN}) if abs(lon) <= 180.0 and abs(lat) <= 90.0 else None
        for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True)
    ]


def _write(
    services: Services,
    items: Sequence[tuple[OldCase, CasePlace]],
    report: ImportReport,
    *,
    file: str,
    who: str,
    source: str,
    progress: Callable[[int, int], None],
) -> None:
    rules = services.store.dispatch_rules()
    progress(0, len(items))
    for start in range(0, len(items), _AT_ONCE):
        some: list[tuple[NewCase, list[Event]]] = []
        for case, place in items[start : start + _AT_ONCE]:
            new = _new_case(case, place, file=file, source=source)
            unit = case.unit
            if not unit:
                where = Place(grid=place.grid_code, **_named(case))
                unit = rules.duty.find(where, case.category, case.reported_at).unit or "-"
            some.append((new, events_of(case, unit=unit, file=file, by=who)))
        ids = services.store.add_cases(some)
        report.added += sum(number is not None for number in ids)
        report.known += sum(number is None for number in ids)
        progress(min(start + _AT_ONCE, len(items)), len(items))
    report.written = True
    services.case_hub.wake()


def _named(case: OldCase) -> dict[str, str | None]:
    return {name: case.details.get(name) for name in ("road", "asset", "owner")}


def _new_case(case: OldCase, place: CasePlace, *, file: str, source: str) -> NewCase:
    said = {"file": file, "row": case.row, "number": case.number, "source": source}
    imported = {name: value for name, value in said.items() if value != ""}
    return NewCase(
        place.lon,
        place.lat,
        case.category,
        case.grade,
        case.words,
        case.accuracy_m,
        place.plan_id or None,
        place.grid_code,
        {**case.details, **place.details, "imported": imported},
        case.key,
    )
