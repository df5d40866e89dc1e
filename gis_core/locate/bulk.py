"""A table of points located chunk by chunk: every row of the input is in the output, unchanged and in order."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gis_core.crs import convert, parse_crs, to_wgs84
from gis_core.errors import DatasetError, ParameterError
from gis_core.locate.locator import OUTSIDE, STATUS_NAMES, Located, Locator
from gis_core.locate.parts import ParquetParts
from gis_core.locate.point_files import open_points
from gis_core.locate.points import CHUNK_ROWS, Chunk, PointSource
from gis_core.locate.resume import Progress, key_of, part_folder
from gis_core.locate.sinks import SINKS, Answers, Sink
from gis_core.model import Fault

__all__ = ["BulkReport", "Calls", "Spread", "locate_file", "locate_positions"]

Floats = NDArray[np.float64]


class Call(Protocol):
    """A call that is under way."""

    def result(self) -> Any:
        """Wait for the answer."""
        ...


class Calls(Protocol):
    """Where calls of one function are done, in any order."""

    #: How many are to be under way.
    depth: int

    def submit(self, *arguments: Any) -> Call:
        """Have the function called with what it shares with the others, and with these arguments."""
        ...


#: Opens a place for calls of a function; its first argument is the same for all of them.
Spread = Callable[[Callable[..., Any], Any], AbstractContextManager[Calls]]


def locate_positions(shared: tuple[Locator, str], x: Floats, y: Floats, radius: Floats | None) -> Located:
    """Locate one chunk; `shared` is the locator, and the system of the positions."""
    locator, crs = shared
    return locator.locate(x, y, radius, crs=crs)


class _Thread:
    """One thread beside the one that reads and writes; the kernels leave the interpreter to it."""

    depth = 2

    def __init__(self, function: Callable[..., Any], shared: Any, pool: ThreadPoolExecutor) -> None:
        self._call, self._pool = partial(function, shared), pool

    def submit(self, *arguments: Any) -> Call:
        """Have the function called."""
        return self._pool.submit(self._call, *arguments)


@contextmanager
def _beside(function: Callable[..., Any], shared: Any) -> Iterator[Calls]:
    with ThreadPoolExecutor(1, "locate") as pool:
        yield _Thread(function, shared, pool)


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
    y_col: str | None = None, radius_col: str | None = None, layer: str | None = None, resume: bool = False,
    chunk_rows: int = CHUNK_ROWS, spread: Spread | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> BulkReport:  # fmt: skip
    """Locate every row of a table of points and write the table with the answers.

    Parameters
    ----------
    locator : Locator
    source : Path
        As in `open_points`.
    out : Path
        `.csv` (UTF-8 with a byte-order mark), `.geojson` or `.parquet`; replaced once it is whole.
    crs : str, optional
        System of the positions, as in `parse_crs`; None for what the file says, else `wgs84`.
    x_col, y_col : str, optional
        Columns of the position in a CSV or plain Parquet.
    radius_col : str, optional
        Column of the accuracy in metres; adds `candidates`.
    layer : str, optional
        Layer of a GeoPackage that holds several.
    resume : bool
        Keep what is done where the work ends early, and go on from there where the same was asked before.
    chunk_rows : int
        Rows that are held at once.
    spread : callable, optional
        Where chunks are located; a thread of this process unless given. Rows are written in order whatever it is.
    progress : callable, optional
        Called with ("locate", rows done, rows in all as far as can be told), then, where a Parquet file is joined of
        its parts, with ("join", rows, rows in all).

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
    if not out.parent.is_dir():
        raise DatasetError(f"There is no folder {out.parent} to write {out.name} in; make it first.")
    geographic = crs is None or parse_crs(crs).is_geographic
    points = open_points(
        source, x_col=x_col, y_col=y_col, radius_col=radius_col, geographic=geographic, layer=layer,
        chunk_rows=chunk_rows,
    )  # fmt: skip
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
        how = (report.crs, x_col, y_col, radius_col, layer, chunk_rows, kind)
        _locate_on(
            locator, points, out, kind, report, key_of(locator, source, how), spread or _beside, progress
        )
    else:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            sink = SINKS[kind](folder / out.name, points, report.added, report.crs)
            try:
                _locate_chunks(locator, points, sink, report, spread or _beside, progress)
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
    locator: Locator, points: PointSource, out: Path, kind: str, report: BulkReport, key: str, spread: Spread,
    progress: Callable[[str, int, int], None] | None,
) -> None:  # fmt: skip
    """Locate in a folder that stays where the work ends early, from where it ended before."""
    folder = part_folder(out)
    folder.mkdir(exist_ok=True)
    grown = folder / out.name
    done = Progress.read(folder, key, grown)
    if done.rows:
        report.notes.append(f"{done.rows} rows were done before; the work went on from there.")
    parts: ParquetParts | None = None
    sink: Sink
    if kind == "parquet":
        sink = parts = ParquetParts(folder, points, report.added, report.crs, done.chunks)
    else:
        sink = SINKS[kind](grown, points, report.added, report.crs, append=done.chunks > 0)

    def keep(chunks: int, swapped: int) -> None:
        sink.flush()
        size = 0 if parts is not None else grown.stat().st_size
        Progress(key, chunks, report.rows, size, swapped, dict(report.counts)).write(folder)

    try:
        _locate_chunks(locator, points, sink, report, spread, progress, done, keep)
    finally:
        sink.close()  # whatever this adds to a file that is not whole is cut off when the work goes on
    if parts is not None:
        parts.join(grown, lambda rows: None if progress is None else progress("join", rows, report.rows))
    grown.replace(out)
    shutil.rmtree(folder, ignore_errors=True)


def _locate_chunks(
    locator: Locator, points: PointSource, sink: Sink, report: BulkReport, spread: Spread,
    progress: Callable[[str, int, int], None] | None, done: Progress | None = None,
    keep: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Locate every chunk that is not done and write it in its turn, telling `keep` after each."""
    swapped, number = 0, 0
    if done is not None and done.chunks:
        report.rows, swapped, number = done.rows, done.swapped, done.chunks
        report.counts |= done.counts
    read = report.rows
    under_way: deque[tuple[Chunk, Call]] = deque()

    def finish() -> None:
        nonlocal swapped, number
        chunk, future = under_way.popleft()
        found: Located = future.result()
        sink.write(chunk, Answers(locator.codes, found, lambda: to_wgs84(chunk.x, chunk.y, report.crs)))
        number += 1
        report.rows += len(chunk)
        counts = np.bincount(found.status, minlength=len(STATUS_NAMES)).tolist()
        for name, count in zip(STATUS_NAMES, counts, strict=True):
            report.counts[name] += count
        swapped += _swapped(locator, chunk, found, report.crs)
        if keep is not None:
            keep(number, swapped)
        if progress is not None:
            part = points.done()
            progress("locate", report.rows, points.total or (round(read / part) if part else 0))

    with spread(locate_positions, (locator, report.crs)) as calls:
        for chunk in points.chunks(number):
            read += len(chunk)
            under_way.append((chunk, calls.submit(chunk.x, chunk.y, chunk.radius)))
            if len(under_way) >= calls.depth:
                finish()
        while under_way:
            finish()
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
