"""`wangge locate` on generated points, from file to file: rows a second, and the memory that it takes at its peak.

    scripts/bench locate_stream [N ...] [--format csv|parquet|ndjson|geojson] [--grids G] [--kill]

The points are written first, and are not part of the figures. What comes out is checked: every row once and in its
place, and of every thousandth the grid that shapely finds. With --kill the command is killed (SIGKILL) once it is half
done, and goes on with --resume.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely
from grid_cover import grid_cover

from bench.results import save
from gis_core.locate.resume import part_folder

EPSG = 32650
AT_ONCE = 500_000
#: One row in so many is looked at.
CHECKED = 1_000
BEGIN = "from gis_core.cli import main; main()"


def tables(areas: np.ndarray, n: int) -> Iterator[pa.Table]:
    """Give n points over the areas and around them, some at a time."""
    west, south, east, north = shapely.total_bounds(areas)
    for start in range(0, n, AT_ONCE):
        rng = np.random.default_rng([7, start])
        size = min(AT_ONCE, n - start)
        yield pa.table(
            {
                "id": np.arange(start, start + size),
                "x": np.round(rng.uniform(west - 100, east + 100, size), 3),
                "y": np.round(rng.uniform(south - 100, north + 100, size), 3),
            }
        )


def write_points(path: Path, areas: np.ndarray, n: int) -> None:
    """Write the points in the format of the name."""
    if path.suffix in (".csv", ".parquet"):
        schema = pa.schema([("id", pa.int64()), ("x", pa.float64()), ("y", pa.float64())])
        make = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
        with make(path, schema) as writer:
            for table in tables(areas, n):
                writer.write_table(table)
        return
    with path.open("w", encoding="utf-8") as file:
        write_features(file, areas, n, between="\n" if path.suffix == ".ndjson" else ",")


def write_features(file: TextIO, areas: np.ndarray, n: int, *, between: str) -> None:
    """Write features, all on one line where they are a collection."""
    first = between == ","
    file.write('{"type":"FeatureCollection","features":[' if first else "")
    for k, table in enumerate(tables(areas, n)):
        rows = zip(*(table[name].to_pylist() for name in ("id", "x", "y")), strict=True)
        text = between.join(
            f'{{"type":"Feature","properties":{{"id":{i}}},"geometry":{{"type":"Point","coordinates":[{x!r},{y!r}]}}}}'
            for i, x, y in rows
        )
        file.write((between if k else "") + text)
    file.write("]}" if first else "\n")


@dataclass
class Usage:
    """What runs of the command took: seconds by the clock and of the processor, MB of memory at the peak."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    def run(self, command: list[str], *, killed_at: tuple[Path, int] | None = None) -> dict[str, Any]:
        """Run to the end and return what the command answered; or kill it once so many rows are noted in a file."""
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            if killed_at is not None:
                while process.poll() is None and rows_noted(killed_at[0]) < killed_at[1]:
                    time.sleep(0.02)
                process.kill()
            answer = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds += time.perf_counter() - began
        self.cpu_s += usage.ru_utime + usage.ru_stime
        self.peak_mb = max(self.peak_mb, usage.ru_maxrss / 1024)
        assert process.returncode == (0 if killed_at is None else -signal.SIGKILL), process.returncode
        return {} if killed_at is not None else json.loads(answer)


def rows_noted(state: Path) -> int:
    """Return how many rows are noted as done."""
    return json.loads(state.read_text(encoding="utf-8"))["rows"] if state.exists() else 0


def batches(out: Path) -> Iterator[pa.RecordBatch]:
    """Give the rows that came out, some at a time."""
    wanted = ["id", "x", "y", "grid_code"]
    if out.suffix == ".parquet":
        with pq.ParquetFile(out, pre_buffer=False, buffer_size=1 << 20) as file:
            yield from file.iter_batches(columns=wanted)
        return
    options = pyarrow.csv.ConvertOptions(
        column_types={"grid_code": pa.string()},
        include_columns=wanted,
        strings_can_be_null=True,
        null_values=[""],
    )
    with pyarrow.csv.open_csv(out, convert_options=options) as reader:
        yield from reader


def checked(out: Path, areas: np.ndarray, codes: list[str], n: int) -> int:
    """Return how many of the rows looked at have another grid than shapely finds; all must be there, in order."""
    tree = shapely.STRtree(areas)
    wrong = rows = 0
    for batch in batches(out):
        ids = batch["id"].to_numpy()
        assert np.array_equal(ids, np.arange(rows, rows + len(ids)))
        rows += len(ids)
        some = batch.take(pa.array(np.flatnonzero(ids % CHECKED == 0)))
        x, y = some["x"].to_numpy(), some["y"].to_numpy()
        lowest = np.full(len(x), len(areas))
        point, area = tree.query(shapely.points(x, y), predicate="intersects")
        np.minimum.at(lowest, point, area)
        expected = [codes[k] if k < len(areas) else None for k in lowest.tolist()]
        wrong += sum(a != b for a, b in zip(some["grid_code"].to_pylist(), expected, strict=True))
    assert rows == n, rows
    return wrong


def measure(n: int, kind: str, n_grids: int, folder: Path, *, kill: bool = False) -> dict[str, Any]:
    """Locate n points among some grids, from file to file; killed once it is half done where that is wanted."""
    areas = grid_cover(n_grids)
    codes = [f"{k:06d}" for k in range(n_grids)]
    frame = gpd.GeoDataFrame({"code": codes}, geometry=areas, crs=EPSG)
    frame.to_parquet(folder / "areas.parquet")
    source, out = folder / f"points.{kind}", folder / f"out.{'parquet' if kind == 'parquet' else 'csv'}"
    write_points(source, areas, n)
    command = [sys.executable, "-c", BEGIN, "locate", str(folder / "areas.parquet"), str(source), "--out", str(out),
               "--crs", f"EPSG:{EPSG}", "--json"]  # fmt: skip
    usage = Usage()
    if kill:
        command.append("--resume")
        usage.run(command, killed_at=(part_folder(out) / "state.json", n // 2))
        assert not out.exists()
    answer = usage.run(command)
    row = {
        "points": n,
        "format": kind,
        "grids": n_grids,
        "mb_in": round(source.stat().st_size / 1e6),
        "seconds": round(usage.seconds, 1),
        "cpu_s": round(usage.cpu_s, 1),
        "kpts_s": round(n / usage.seconds / 1e3),
        "peak_mb": round(usage.peak_mb),
        "inside": answer["inside"],
        "rows": answer["rows"],
    }
    if kill:
        (noted,) = [note for note in answer["notes"] if "done before" in note]
        row["done_before"] = int(noted.split()[0])
    source.unlink()
    if kind in ("csv", "parquet"):
        row["wrong"] = checked(out, areas, codes, n)
    out.unlink()
    return row


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench locate_stream")
    parser.add_argument("points", nargs="*", type=int, default=[1_000_000, 10_000_000])
    parser.add_argument("--format", default="csv", choices=["csv", "parquet", "ndjson", "geojson"])
    parser.add_argument("--grids", type=int, default=5_000)
    parser.add_argument("--kill", action="store_true")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="wangge-stream-") as folder:
        # Kernels are compiled before the clock starts.
        measure(1_000, asked.format, 60, Path(folder))
        for n in asked.points:
            rows.append(measure(n, asked.format, asked.grids, Path(folder), kill=asked.kill))
            save(f"locate_stream-{asked.format}", rows)


if __name__ == "__main__":
    main()
