"""A sheet of counts in a dataset: what it says goes into the buildings, what did not match into the faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_core.errors import GisCoreError, some_of
from gis_core.layers.faultlog import FaultLog
from gis_core.layers.join import CountsMatch, join_counts, read_counts
from gis_core.layers.raw import Limits

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["add_counts"]

_LAYER = "counts"


def add_counts(
    buildings: GeoDataFrame, sheet: Path, mapping: Mapping[str, str], log: FaultLog, limits: Limits
) -> GeoDataFrame:
    """Join a sheet onto buildings and report what did not match; a sheet that cannot be used is an error fault.

    Parameters
    ----------
    mapping : mapping of str to str
        `counts.COLUMN` -> column of the sheet.
    """
    by_hand = {name.partition(".")[2]: column for name, column in mapping.items()}
    try:
        table, notes = read_counts(sheet, wanted=tuple(by_hand.values()), limits=limits)
        found = join_counts(table, buildings, mapping=by_hand)
    except GisCoreError as error:
        log.add(
            "unusable-counts",
            _LAYER,
            error.message.rstrip("."),
            "Mend the sheet, or leave --counts out.",
            "error",
        )
        return buildings
    _report(found, notes, log)
    return _changed(buildings, found)


def _changed(buildings: GeoDataFrame, found: CountsMatch) -> GeoDataFrame:
    row_of = {str(id_): row for row, id_ in enumerate(buildings["id"])}
    columns: dict[str, Any] = {
        name: buildings[name].to_numpy().copy()
        for name in ("households", "population", "levels", "households_source")
    }
    for change in found.changes:
        row = row_of[change["id"]]
        for name, value in change["values"].items():
            columns[name][row] = value
        if "households" in change["values"]:
            columns["households_source"][row] = "source"
    columns["households"] = columns["households"].astype(np.int64)
    return buildings.assign(**columns)


def _report(found: CountsMatch, notes: list[str], log: FaultLog) -> None:
    for note in notes:
        log.add("sheet-read", _LAYER, note, "Nothing to do where that is right.", "note")
    log.add(
        "counts-joined",
        _LAYER,
        f"{found.matched:,} buildings have their numbers from the sheet ({found.households:,} households)",
        "Nothing to do.",
        "note",
    )
    if found.unmatched_rows:
        rows = [f"row {one['row']}: {_said(one)}" for one in found.unmatched_rows]
        log.add(
            "counts-unmatched-row",
            _LAYER,
            f"{len(rows):,} rows of the sheet fit no building ({some_of(rows)})",
            "Correct compound or number in the sheet, or in the buildings.",
            "warning",
            rows=np.array([one["row"] for one in found.unmatched_rows]),
        )
    if found.unmatched_buildings:
        ids = np.array([one["id"] for one in found.unmatched_buildings], dtype=object)
        log.add(
            "counts-unmatched-building",
            _LAYER,
            f"{len(ids):,} buildings have no row in the sheet and keep what they had",
            "Add rows for them where people live there.",
            "warning",
            ids=ids,
        )
    if found.doubles:
        log.add(
            "counts-double",
            _LAYER,
            f"{len(found.doubles):,} times several rows stand for one building, or one row fits several: "
            f"{some_of([_double(one) for one in found.doubles])}; nothing was taken from them",
            "Keep one row for each building, or name it by its id; rows of units need a column 单元.",
            "warning",
        )
    if found.bad_numbers:
        texts = [f"row {one['row']} {one['column']} “{one['text']}”" for one in found.bad_numbers]
        log.add(
            "text-in-number",
            _LAYER,
            f"{len(texts):,} numbers of the sheet cannot be used ({some_of(texts)}); nothing was taken from these rows",
            "Write plain whole numbers.",
            "warning",
            rows=np.array([one["row"] for one in found.bad_numbers]),
        )


def _said(row: Mapping[str, Any]) -> str:
    name = (
        " ".join(str(row[key]) for key in ("compound", "building", "id", "address") if row.get(key))
        or "no building"
    )
    near = [str(one["id"]) for one in row["candidates"]]
    return f"{name}, {row['why']}" + (f", near it {some_of(near)}" if near else "")


def _double(one: Mapping[str, Any]) -> str:
    return f"rows {some_of(one['rows'])} for {some_of(one['buildings'])}"
