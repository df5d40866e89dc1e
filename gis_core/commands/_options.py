"""Options that several commands have, each with one name, one metavar and one sentence."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Counts", "Db", "Estimate", "Json", "Mapping", "OnInvalid", "Policy", "SourceCrs", "Within"]


class OnInvalid(StrEnum):
    """What to do about faulty rows."""

    repair = "repair"
    raise_ = "raise"
    report = "report"


Db = Annotated[str | None, typer.Option("--db", metavar="URL", help="Store; default the embedded file.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as one JSON document.")]
Mapping = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="LAYER.COL=NAME", help="Name a column; may be repeated."),
]
Policy = Annotated[
    OnInvalid,
    typer.Option(
        "--on-invalid",
        metavar="repair|raise|report",
        help="Mend faulty rows, stop at them, or leave them out.",
    ),
]
Estimate = Annotated[
    bool, typer.Option("--estimate-households", help="Estimate households where there are none.")
]
Within = Annotated[
    str | None,
    typer.Option("--within", metavar="NAME", help="Only the boundary polygons of this code or name."),
]
Counts = Annotated[
    Path | None,
    typer.Option(
        "--counts", metavar="SHEET", help="XLSX or CSV with 小区, 楼栋, 户数 to join onto the buildings."
    ),
]
SourceCrs = Annotated[
    str | None,
    typer.Option("--source-crs", metavar="EPSG:n", help="Coordinate system of layers that name none (DXF)."),
]
