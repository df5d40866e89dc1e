"""A layer as a table for people: XLSX, without its geometry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_core.layers.write import plain_value

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["write_xlsx"]


def write_xlsx(frame: GeoDataFrame, path: Path, layer: str) -> None:
    """Write the table of a layer without its geometry; codes stay text, and nothing in it is a formula."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    names = [name for name in frame.columns if name != frame.geometry.name]
    book = Workbook()
    sheet = book.active
    sheet.title = layer
    sheet.append(names)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for row in frame[names].itertuples(index=False, name=None):
        sheet.append([_cell(plain_value(value)) for value in row])
        for cell in sheet[sheet.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"
    for i, name in enumerate(names):
        sheet.column_dimensions[sheet.cell(1, i + 1).column_letter].width = max(10, len(str(name)) + 2)
    book.save(path)


def _cell(value: Any) -> Any:
    """Return a value for a sheet, without the control characters that it cannot hold."""
    if not isinstance(value, str):
        return value if value is None or isinstance(value, int | float | bool) else str(value)
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub("", value)
