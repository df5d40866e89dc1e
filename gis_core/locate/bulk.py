"""A table of points located chunk by chunk: every row of the input is in the output, unchanged and in order."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gis_core.crs import convert, parse_crs, to_wgs84
from gis_core.errors import DatasetError, ParameterError
from gis_core.locate.locator import OUTSIDE, STATUS_NAMES, Located, Locator
from gis_core.locate.points import Chunk, PointSource, open_points
from gis_core.locate.resume import Progress, key_of, part_folder
from gis_core.locate.sinks import SINKS, Answers, Sink
from gis_core.model import Fault

__all__ = ["BulkReport", "locate_file"]

_OUT_FORMATS = {
    ".csv": "csv", ".geojson": "geojson", ".json": "geojson", ".parquet": "parquet", ".geoparquet": "parquet",
}  # fmt: skip


@dataclass
class BulkReport:
    """What became of a table of points.

    Attributes
    ----------
    out : str
    crs : str
        System that the positions were taken to be in.
    rows : int
    counts : dict
        Rows by status.
    added : list of str
        Names of the added columns, in order.
    notes : list of str
        Sentences for the user: clashes of names, swapped coordinates, unreadable positions, encodings.
    faults : tuple of Fault
        Of the polygon layer.
    seconds : float
    """

    out: str
    crs: str
    rows: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUS_NAMES, 0))
    added: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: tuple[Fault, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "out": self.out, "crs": self.crs, "rows": self.rows, **self.counts, "added": self.added,
            "notes": self.notes, "faults": [fault.as_dict() for fault in self.faults], "seconds": self.seconds,
        }  # fmt: skip


def locate_file(
    locator: Locator, source: Path, out: Path, *, crs: str | None = None, x_col: str | None = None,
    y_col: str | None = None, radius_col: str | None = None, resume: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> BulkReport:  # fmt: skip
    """Locate every row of a table of points and write the table with the answers.

    Parameters
    ----------
    locator : Locator
    source : Path
        CSV, GeoJSON or GeoParquet.
    out : Path
        `.csv` (UTF-8 with a byte-order mark), `.geojson` or `.parquet`; replaced once it is whole.
    crs : str, optional
        System of the positions, as in `parse_crs`; None for what the file says, else `wgs84`.
    x_col, y_col : str, optional
        Columns of the position in a CSV.
    radius_col : str, optional
        Column of the accuracy in metres; adds `candidates`.
    resume : bool
        Keep what is done where the work ends early, and go on from there where the same was asked before (CSV and
        GeoJSON).
    progress : callable, optional
        Called with ("locate", rows done, 0).

    Returns
    -------
    BulkReport

    Raises
    ------
    ParameterError, CrsError, DatasetError, NotFoundError
        Where an argument or a file cannot be used; nothing is written then.
    """
    began = time.perf_counter()
    kind = _OUT_FORMATS.get(out.suffix.lower())
    if kind is None:
        raise ParameterError(f"The ending of {out.name} names no format; write .csv, .geojson or .parquet.")
    if resume and kind == "parquet":
        raise ParameterError(
            "--resume is for .csv and .geojson, which grow row by row; Parquet is written whole."
        )
    if not out.parent.is_dir():
        raise DatasetError(f"There is no folder {out.parent} to write {out.name} in; make it first.")
    geographic = crs is None or parse_crs(crs).is_geographic
    points = open_points(source, x_col=x_col, y_col=y_col, radius_col=radius_col, geographic=geographic)
    report = BulkReport(str(out), parse_crs(crs or points.stated_crs or "wgs84").name, faults=locator.faults)
    if crs is not None and points.stated_crs is not None and points.stated_crs != report.crs:
        report.notes.append(
            f"{source.name} says {points.stated_crs}; its positions were taken as {report.crs}, as asked."
        )
    if points.hinted_crs not in (None, report.crs):
        report.notes.append(
            f"The columns of {source.name} sound like {points.hinted_crs}, but were taken as {report.crs}; "
            f"if they are, say --crs {points.hinted_crs}."
        )
    report.added = _free_names(points.names, radius_col is not None, report.notes)
    if resume:
        how = (report.crs, x_col, y_col, radius_col, kind)
        _locate_on(locator, points, out, kind, report, key_of(locator, source, how), progress)
    else:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            sink = SINKS[kind](folder / out.name, points, report.added, report.crs)
            try:
                _locate_chunks(locator, points, sink, report, progress)
            finally:
                sink.close()
            (folder / out.name).replace(out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    report.notes += points.notes
    if report.counts["no_position"]:
        report.notes.append(
            f"{report.counts['no_position']} rows have no readable position; they are kept with status no_position."
        )
    report.seconds = round(time.perf_counter() - began, 3)
    return report


def _free_names(taken: Sequence[str], candidates: bool, notes: list[str]) -> list[str]:
    """Name the added columns so that none of the input's is touched."""
    added = []
    for name in ("grid_code", "status", "border_m", "nearest_code", *(["candidates"] if candidates else [])):
        free, n = name, 1
        while free in taken or free in added:
            n += 1
            free = f"{name}_{n}"
        if free != name:
            notes.append(f"The input has a column {name} already, which is kept; the added one is {free}.")
        added.append(free)
    return added


def _locate_on(
    locator: Locator, points: PointSource, out: Path, kind: str, report: BulkReport, key: str,
    progress: Callable[[str, int, int], None] | None,
) -> None:  # fmt: skip
    """Locate in a folder that stays where the work ends early, from where it ended before."""
    folder = part_folder(out)
    folder.mkdir(exist_ok=True)
    grown = folder / out.name
    done = Progress.read(folder, key, grown)
    if done.rows:
        report.notes.append(f"{done.rows} rows were done before; the work went on from there.")
    sink = SINKS[kind](grown, points, report.added, report.crs, append=done.chunks > 0)

    def keep(chunks: int, swapped: int) -> None:
        sink.flush()
        Progress(key, chunks, report.rows, grown.stat().st_size, swapped, dict(report.counts)).write(folder)

    try:
        _locate_chunks(locator, points, sink, report, progress, done, keep)
    finally:
        sink.close()  # whatever this adds to a file that is not whole is cut off when the work goes on
    grown.replace(out)
    shutil.rmtree(folder, ignore_errors=True)


def _locate_chunks(
    locator: Locator, points: PointSource, sink: Sink, report: BulkReport,
    progress: Callable[[str, int, int], None] | None, done: Progress | None = None,
    keep: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Locate every chunk that is not done, telling `keep` after each."""
    swapped, skipped = 0, 0
    if done is not None and done.chunks:
        report.rows, swapped, skipped = done.rows, done.swapped, done.chunks
        report.counts |= done.counts
    for number, chunk in enumerate(points.chunks(), 1):
        if number <= skipped:
            continue
        found = locator.locate(chunk.x, chunk.y, chunk.radius, crs=report.crs)
        longitude, latitude = to_wgs84(chunk.x, chunk.y, report.crs)
        sink.write(chunk, Answers(_values(locator, found), longitude, latitude))
        report.rows += len(chunk.x)
        counts = np.bincount(found.status, minlength=len(STATUS_NAMES)).tolist()
        for name, count in zip(STATUS_NAMES, counts, strict=True):
            report.counts[name] += count
        swapped += _swapped(locator, chunk, found, report.crs)
        if keep is not None:
            keep(number, swapped)
        if progress is not None:
            progress("locate", report.rows, 0)
    if swapped * 2 > report.rows:
        report.notes.append(
            f"{swapped} of {report.rows} positions are far from the areas, but among them with x and y exchanged; "
            "look at the columns (--x, --y). Nothing was exchanged."
        )


def _swapped(locator: Locator, chunk: Chunk, found: Located, crs: str) -> int:
    """Count positions outside that would be in the frame of the areas with x and y exchanged."""
    outside = found.status == OUTSIDE
    outside |= (
        (found.status == STATUS_NAMES.index("no_position")) & np.isfinite(chunk.x) & np.isfinite(chunk.y)
    )
    if not np.any(outside):
        return 0
    west, south, east, north = locator.bounds
    x, y = convert(chunk.x[outside], chunk.y[outside], crs, locator.crs)
    u, v = convert(chunk.y[outside], chunk.x[outside], crs, locator.crs)
    here = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    there = (u >= west) & (u <= east) & (v >= south) & (v <= north)
    return int(np.count_nonzero(there & ~here))


def _values(locator: Locator, found: Located) -> list[list[Any]]:
    """Return grid_code, status, border_m, nearest_code and, where asked for, candidates of each row."""
    codes = [*locator.codes, None]
    outside = (found.status == OUTSIDE).tolist()
    nearest = found.nearest_ix.tolist()
    values: list[list[Any]] = [
        [codes[i] for i in found.code_ix.tolist()],
        [STATUS_NAMES[i] for i in found.status.tolist()],
        [None if math.isnan(metres) else metres for metres in found.border_m.tolist()],
        [codes[i] if out else None for i, out in zip(nearest, outside, strict=True)],
    ]
    if found.candidate_start is not None:
        values.append(
            [
                json.dumps([{"code": codes[i], "share": round(share, 4)} for i, share in found.candidates(row)],
                           ensure_ascii=False)
                for row in range(len(found.status))
            ]
        )  # fmt: skip
    return values
