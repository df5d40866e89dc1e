"""All cases with all their steps as CSV, GeoJSON or XLSX, page by page, so that memory does not grow with their number.

Text that a spreadsheet would run (it begins with = + - @, a tab or a line end) is marked with an apostrophe in CSV, and
is text in XLSX.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from api.incidents import step_row
from gis_core.dispatch import EventKind
from gis_core.layers.safe_cell import safe_cell

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.cases import CaseRecord

__all__ = [
    "CASE_COLUMNS",
    "FORMATS",
    "STEP_COLUMNS",
    "ExportFormat",
    "Pages",
    "export_cases",
    "pages_of",
]

ExportFormat = Literal["csv", "geojson", "xlsx"]
FORMATS: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
CASE_COLUMNS: tuple[str, ...] = (
    "id", "category", "grade", "state", "unit", "level", "grid_code", "plan", "lon", "lat", "accuracy_m", "words",
    "address", "road", "asset", "owner", "reported_at", "reporter", "dispatched_at", "due_at", "closed_at", "round",
    "returns", "extensions", "urgings", "duplicate_of", "n_steps", "n_files",
)  # fmt: skip
STEP_COLUMNS: tuple[str, ...] = (
    "id", "number", "kind", "at", "who", "why", "where", "to", "minutes", "passed", "other", "before", "after", "unit",
    "due_at", "attachment", "name",
)  # fmt: skip
_DETAILS = ("address", "road", "asset", "owner")
_PAGE = 500
#: Rows of a sheet, which takes a third of a second a thousand to write.
_MOST_SHEET_ROWS = 100_000

#: Gives the cases page by page.
Pages = Callable[[], Iterator[list["CaseRecord"]]]


def pages_of(store: Store, **wanted: Any) -> Pages:
    """Return what gives the cases of a store in the order of their numbers; `wanted` as in `Store.cases_after`."""
    first = store.cases_after(
        0, limit=_PAGE, **wanted
    )  # what cannot be asked is refused before anything is sent

    def pages() -> Iterator[list[CaseRecord]]:
        found = first
        while found:
            yield found
            found = store.cases_after(found[-1].id, limit=_PAGE, **wanted)

    return pages


def export_cases(
    pages: Pages, form: ExportFormat, *, table: Literal["cases", "steps"] = "cases"
) -> Iterator[bytes]:
    """Give the file in pieces; `table` says which of the two a CSV holds."""
    if form == "csv":
        return _csv(pages, table)
    return _geojson(pages) if form == "geojson" else _xlsx(pages)


def _csv_cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else safe_cell(value)


def _case_row(record: CaseRecord) -> dict[str, Any]:
    case, new = record.case, record.new
    steps = case.steps
    closed = [step.event.at for step in steps if step.event.kind == EventKind.CLOSE]
    named = (
        "category",
        "grade",
        "unit",
        "level",
        "dispatched_at",
        "due_at",
        "round",
        "returns",
        "extensions",
        "urgings",
    )
    return {
        "id": record.id,
        **{name: getattr(case, name) for name in named},
        "state": str(case.state),
        "grid_code": new.grid_code,
        "plan": new.plan_id,
        "lon": new.lon,
        "lat": new.lat,
        "accuracy_m": new.accuracy_m,
        "words": new.words,
        **{name: new.details.get(name) for name in _DETAILS},
        "reported_at": record.reported_at,
        "reporter": steps[0].event.who if steps else None,
        "closed_at": closed[-1] if closed and case.has_ended else None,
        "duplicate_of": None if case.duplicate_of is None else int(case.duplicate_of),
        "n_steps": record.n_steps,
        "n_files": sum("attachment" in step.event.data for step in steps),
    }


def _step_rows(record: CaseRecord) -> Iterator[dict[str, Any]]:
    for number, step in enumerate(record.case.steps):
        row = step_row(number, step)
        data = row.pop("data")
        texts = {name: None if row[name] is None else str(row[name]) for name in ("kind", "before", "after")}
        yield {
            "id": record.id,
            **row,
            **texts,
            "attachment": data.get("attachment"),
            "name": data.get("name"),
        }


def _tables(record: CaseRecord, table: str) -> Iterator[dict[str, Any]]:
    if table == "cases":
        yield _case_row(record)
    else:
        yield from _step_rows(record)


def _csv(pages: Pages, table: str) -> Iterator[bytes]:
    names = CASE_COLUMNS if table == "cases" else STEP_COLUMNS
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    yield b"\xef\xbb\xbf" + _taken(out)
    for page in pages():
        for record in page:
            writer.writerows([_csv_cell(row[name]) for name in names] for row in _tables(record, table))
        yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return text


def _geojson(pages: Pages) -> Iterator[bytes]:
    yield b'{"type":"FeatureCollection","features":['
    first = True
    for page in pages():
        features = b",\n".join(orjson.dumps(_feature(record)) for record in page)
        yield features if first else b",\n" + features
        first = False
    yield b"]}\n"


def _feature(record: CaseRecord) -> dict[str, Any]:
    row = _case_row(record)
    details = {name: value for name, value in record.new.details.items() if name not in _DETAILS}
    steps = [step_row(number, step) for number, step in enumerate(record.case.steps)]
    return {
        "type": "Feature",
        "id": record.id,
        "geometry": {"type": "Point", "coordinates": [row.pop("lon"), row.pop("lat")]},
        "properties": {**row, "details": details, "steps": steps},
    }


def _xlsx(pages: Pages) -> Iterator[bytes]:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheets = {
        "cases": (book.create_sheet("cases"), CASE_COLUMNS),
        "steps": (book.create_sheet("steps"), STEP_COLUMNS),
    }
    for sheet, names in sheets.values():
        sheet.freeze_panes = "A2"
        sheet.append(list(names))
    rows = dict.fromkeys(sheets, 0)
    for page in pages():
        for record in page:
            for table, (sheet, names) in sheets.items():
                for row in _tables(record, table):
                    rows[table] += 1
                    _require_room(rows[table])
                    sheet.append([_sheet_cell(sheet, row[name]) for name in names])
    with tempfile.TemporaryDirectory(prefix="wangge-cases-") as folder:
        path = Path(folder) / "cases.xlsx"
        book.save(path)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece


def _require_room(rows: int) -> None:
    from gis_core.errors import CapabilityError

    if rows > _MOST_SHEET_ROWS:
        raise CapabilityError(
            f"A sheet gets {_MOST_SHEET_ROWS:,} rows at most, and there are more; take CSV or GeoJSON."
        )


def _sheet_cell(sheet: Any, value: Any) -> Any:
    """Return a cell that is text where the value is, whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    if not text.startswith("="):  # a cell of its own costs more than the rest of the row
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell
