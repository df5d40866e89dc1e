"""Sheets of counts (XLSX, CSV) as rows of text; runs in the reading child, standard library and openpyxl only.

A sheet may have titles above its header, blank rows, cells merged downwards. Here columns are known only to find the
header. Must not import pandas or shapely.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gis_core.layers.columns import COLUMNS
from gis_core.layers.sources import plain

__all__ = ["ROW", "SHEET_COLUMNS", "SheetError", "read_sheet"]

#: Column of the result that holds the number of the row in the sheet, from 1.
ROW = "__row__"
MOST_ROWS, MOST_COLUMNS = 300_000, 300
#: Bytes that an XLSX file may unpack to.
MOST_UNPACKED = 300 << 20
#: Rows at the top among which the header is looked for.
_HEADER_WITHIN = 20

_BUILDINGS = COLUMNS["buildings"]
#: What a sheet may say -> names of its column, best first.
SHEET_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "building_id", "bldg_id", *_BUILDINGS["id"][4:]),
    "compound": (*_BUILDINGS["compound"], "小区(院落)", "自然小区", "物业小区", "住宅小区"),
    "building": (
        "楼栋", "楼栋号", "楼号", "栋号", "幢号", "楼幢", "楼幢号", "楼栋名称", "楼座", "栋", "幢", "楼",
        "building", "building_no", "building_number", "block", "bldg", "bldg_no",
    ),
    "address": _BUILDINGS["address"],
    "unit": ("单元", "单元号", "unit", "entrance"),
    "households": _BUILDINGS["households"],
    "population": _BUILDINGS["population"],
    "levels": _BUILDINGS["levels"],
}  # fmt: skip
_KNOWN = {plain(name) for names in SHEET_COLUMNS.values() for name in names}


class SheetError(Exception):
    """A sheet that is not read: code, sentence and what mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.fix = code, message, fix


def read_sheet(
    path: Path, kind: str, wanted: Sequence[str] = ()
) -> tuple[dict[str, list[str | None]], list[dict[str, str]]]:
    """Read a sheet.

    Parameters
    ----------
    kind : {"csv", "xlsx"}
    wanted : sequence of str
        Names of columns that were given by hand, which count as known when the header is looked for.

    Returns
    -------
    dict of str to list
        Column -> text of each row, None where blank; `ROW` among them.
    list of dict
        Notes, as of layers.

    Raises
    ------
    SheetError
        Where it is no such file, is too large, or has no header that is known.
    """
    notes: list[dict[str, str]] = []
    rows = _xlsx_rows(path, notes) if kind == "xlsx" else _csv_rows(path, notes)
    known = _KNOWN | {plain(name) for name in wanted}
    numbered = [(number, row) for number, row in enumerate(rows, 1) if any(row)]
    header = next(
        (
            at
            for at, (_, row) in enumerate(numbered[:_HEADER_WITHIN])
            if sum(plain(text or "") in known for text in row) >= 2
        ),
        None,
    )
    if header is None:
        seen = ", ".join(text for _, row in numbered[:1] for text in row[:12] if text) or "nothing"
        raise SheetError(
            "no-header",
            f"{path.name} has no row of column names that are known (it begins with: {seen})",
            "Name the columns 小区, 楼栋, 户数 (or compound, building, households), or say which they are.",
        )
    names = _unique(numbered[header][1])
    body = numbered[header + 1 :]
    columns: dict[str, list[str | None]] = {ROW: [str(number) for number, _ in body]}
    for place, name in names.items():
        columns[name] = [row[place] if place < len(row) else None for _, row in body]
    return columns, notes


def _unique(header: Sequence[str | None]) -> dict[int, str]:
    """Return the columns with a name; of two with one name the first."""
    names: dict[int, str] = {}
    for place, text in enumerate(header):
        if text and text not in names.values() and text != ROW:
            names[place] = text
    return names


def _csv_rows(path: Path, notes: list[dict[str, str]]) -> list[list[str | None]]:
    data = path.read_bytes()
    if not data.strip():
        raise SheetError("unreadable-file", f"{path.name} is empty", "Export the sheet again.")
    if b"\0" in data[:4096] and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SheetError(
            "not-its-kind", f"{path.name} is no CSV text", "Save the sheet as CSV UTF-8, or as XLSX."
        )
    text = _decoded(data, path, notes)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count) if any(mark in first for mark in ",;\t") else _delimiter(text)
    csv.field_size_limit(100_000)
    try:
        return _limited(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), path)
    except csv.Error as error:
        raise SheetError(
            "unreadable-file", f"{path.name} cannot be read as CSV ({error})", "Save it again."
        ) from None


def _delimiter(text: str) -> str:
    """Return the mark between fields where the first line is a title."""
    head = text[:20_000]
    return max(",;\t", key=head.count)


def _decoded(data: bytes, path: Path, notes: list[dict[str, str]]) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        raise SheetError(
            "encoding-unknown",
            f"{path.name} is neither UTF-8 nor GBK",
            "Save the sheet as CSV UTF-8, or as XLSX.",
        ) from None
    notes.append(
        {
            "code": "encoding-guessed",
            "severity": "note",
            "message": f"{path.name} is not UTF-8; it was read as GB18030 (GBK)",
            "fix": "Save it as CSV UTF-8.",
        }
    )
    return text


def _xlsx_rows(path: Path, notes: list[dict[str, str]]) -> list[list[str | None]]:
    _require_tame(path)
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise SheetError(
            "unreadable-file",
            f"{path.name} cannot be read as XLSX ({type(error).__name__})",
            "Save it again.",
        ) from None
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    if not sheets:
        raise SheetError("unreadable-file", f"{path.name} holds no sheet", "Save it again.")
    if len(sheets) > 1:
        others = ", ".join(str(sheet.title) for sheet in sheets[1:6])
        notes.append(
            {
                "code": "not-read",
                "severity": "note",
                "message": f"of {path.name} the sheet {sheets[0].title} was read, not {others}",
                "fix": "Put the sheet that you mean first.",
            }
        )
    sheets[0].reset_dimensions()
    rows = _limited(sheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS), path)
    book.close()
    return rows


def _require_tame(path: Path) -> None:
    """Refuse what is no XLSX, unpacks to too much, or declares entities."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > MOST_UNPACKED or len(parts) > 5000:
                raise SheetError(
                    "too-large",
                    f"{path.name} unpacks to more than can be held",
                    "Cut it into smaller sheets.",
                )
            if not any(part.filename == "xl/workbook.xml" for part in parts):
                raise SheetError(
                    "not-its-kind", f"{path.name} is no XLSX file", "Save the sheet as XLSX or as CSV."
                )
            for part in parts:
                with archive.open(part) as file:
                    if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in file.read(4096):
                        raise SheetError(
                            "not-its-kind", f"{path.name} declares entities", "Save the sheet again."
                        )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        old = path.read_bytes()[:4] == b"\xd0\xcf\x11\xe0"
        why = "is in the old XLS format" if old else f"is no XLSX file ({type(error).__name__})"
        raise SheetError(
            "not-its-kind", f"{path.name} {why}", "Save the sheet as XLSX or as CSV UTF-8."
        ) from None


def _limited(rows: Iterable[Iterable[Any]], path: Path) -> list[list[str | None]]:
    found: list[list[str | None]] = []
    for row in rows:
        texts = [_text(value) for value in row]
        while texts and texts[-1] is None:
            texts.pop()
        found.append(texts)
        if len(found) > MOST_ROWS or len(texts) > MOST_COLUMNS:
            raise SheetError(
                "too-large",
                f"{path.name} has more than {MOST_ROWS:,} rows or {MOST_COLUMNS} columns",
                "Cut it into smaller sheets.",
            )
    return found


def _text(value: Any) -> str | None:
    """Return a cell as text; whole numbers without a point, blanks as None."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value).strip()
    return text[:1000] or None
