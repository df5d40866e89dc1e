"""Layers as the files hold them, fetched through the reading child; the data are not checked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gis_core
from gis_core.errors import CapabilityError, DatasetError
from gis_core.layers.child import EXIT_MEMORY, GEOMETRY
from gis_core.layers.columns import COLUMNS
from gis_core.layers.drivers import CHILD_MARK
from gis_core.layers.sources import TABLES, LayerFile, SourceFiles, find_files, format_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

__all__ = ["DEFAULT_LIMITS", "Limits", "RawDataset", "RawLayer", "read_raw", "read_table"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reading may use; a dataset of one million buildings stays well inside.

    Attributes
    ----------
    memory : int, bytes
    seconds : int
        Processor time of the child; it may take three times as long by the clock.
    file_bytes, rows, vertices : int
        Size of one file; rows and points of all layers together.
    """

    memory: int = 8 << 30
    seconds: int = 300
    file_bytes: int = 4 << 30
    rows: int = 10_000_000
    vertices: int = 200_000_000

    def as_dict(self) -> dict[str, int]:
        """Return the limits as plain values for the child."""
        return {name: getattr(self, name) for name in self.__slots__}


DEFAULT_LIMITS = Limits()


@dataclass
class RawLayer:
    """One layer of the source: its columns, its geometry, and what its file says of it.

    Attributes
    ----------
    table : DataFrame
        Columns of the source under their own names; row i is row i of the source.
    geometry : object, shape (n,)
        shapely geometries in the source's coordinates; None where the source has none.
    unclosed : bool, shape (n,)
        Rows with a ring whose last point is not its first; they are closed in `geometry`.
    broken : bool, shape (n,)
        Rows with a geometry that cannot be read at all; None in `geometry`.
    crs : str or None
        As the file states it.
    """

    layer: str
    file: str
    sublayer: str | None
    table: pd.DataFrame
    geometry: NDArray[np.object_]
    unclosed: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    crs: str | None
    notes: list[dict[str, str]] = field(default_factory=list)


@dataclass
class RawDataset:
    """All layers of a source, the faults of its files, and what is there but not read."""

    files: SourceFiles
    layers: dict[str, RawLayer]
    faults: list[dict[str, Any]]
    ignored: list[str]


def read_raw(files: SourceFiles, limits: Limits = DEFAULT_LIMITS) -> RawDataset:
    """Read the files of a dataset in a child process with limits.

    Raises
    ------
    DatasetError
        The child was stopped at a limit of memory or time, or crashed on the file.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-read-") as folder:
        manifest = _run_child(files, Path(folder), limits)
        layers = {about["layer"]: _load_layer(Path(folder), about) for about in manifest["layers"]}
    return RawDataset(files, layers, manifest["faults"], [*files.ignored, *manifest["ignored"]])


def _run_child(files: SourceFiles, folder: Path, limits: Limits) -> dict[str, Any]:
    request = folder / "request.json"
    items = [{"path": str(f.path.resolve()), "format": f.format, "layer": _asked(f)} for f in files.files]
    request.write_text(
        json.dumps({"files": items, "out": str(folder), "limits": limits.as_dict()}), encoding="utf-8"
    )
    root = str(Path(gis_core.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    # One thread: thread pools reserve address space, which the memory limit counts.
    environment = {
        **os.environ,
        CHILD_MARK: "1",
        "PYTHONPATH": paths,
        "OPENBLAS_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    command = [sys.executable, "-P", "-m", "gis_core.layers.child", str(request)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        import geopandas  # noqa: F401  (loaded while the child works)

        try:
            _out, error = child.communicate(timeout=3 * limits.seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            raise DatasetError(
                _stopped(files, f"took longer than {3 * limits.seconds} s"), code="too-large"
            ) from None
        except BaseException:
            child.kill()
            raise
    if child.returncode == 0:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest
    text = error.decode("utf-8", "replace")
    if child.returncode == EXIT_MEMORY or "MemoryError" in text or "bad_alloc" in text:
        raise DatasetError(
            _stopped(files, f"needs more than {limits.memory >> 20:,} MB of memory"), code="too-large"
        )
    if "not allowed stay registered" in text:
        raise CapabilityError(
            "The GDAL of this machine cannot be limited to the formats of the dataset; run scripts/setup."
        )
    if -child.returncode in (24, 9):  # SIGXCPU, and SIGKILL which follows it
        raise DatasetError(_stopped(files, f"took more than {limits.seconds} s"), code="too-large")
    raise DatasetError(_stopped(files, "made the reader fail"), code="unreadable-file")


def _asked(file: LayerFile) -> str | None:
    """Return the layer of a file, and behind that of a sheet the names by which its header is known."""
    if file.layer not in TABLES or file.format not in ("csv", "xlsx"):
        return file.layer
    return "\n".join([file.layer, *(name for names in COLUMNS[file.layer].values() for name in names)])


def _stopped(files: SourceFiles, what: str) -> str:
    return (
        f"{files.source} was not read: it {what}. It is damaged, or far larger than a town; export it "
        "again or cut it "
        "into smaller areas."
    )


def _load_layer(folder: Path, about: dict[str, Any]) -> RawLayer:
    import pyarrow as pa

    with pa.OSFile(str(folder / about["arrow"])) as source:
        table = pa.ipc.open_file(source).read_all()
    geometry, unclosed, broken = _geometry_from_wkb(table.column(GEOMETRY).to_numpy())
    return RawLayer(
        about["layer"],
        about["file"],
        about["sublayer"],
        table.drop_columns([GEOMETRY]).to_pandas(),
        geometry,
        unclosed,
        broken,
        about["crs"],
        about["notes"],
    )


def _geometry_from_wkb(
    wkb: NDArray[np.object_],
) -> tuple[NDArray[np.object_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read WKB; rings that are not closed are closed and marked, what cannot be read is None and marked."""
    import numpy as np
    import shapely

    null = np.array([value is None for value in wkb], dtype=bool)
    geometry = shapely.from_wkb(wkb, on_invalid="ignore")
    failed = np.flatnonzero(shapely.is_missing(geometry) & ~null)
    unclosed = np.zeros(len(wkb), dtype=bool)
    broken = np.zeros(len(wkb), dtype=bool)
    if len(failed):
        geometry = geometry.copy()
        geometry[failed] = shapely.from_wkb(wkb[failed], on_invalid="fix")
        missing = shapely.is_missing(geometry[failed]) | shapely.is_empty(geometry[failed])
        broken[failed[missing]] = True
        geometry[failed[missing]] = None
        unclosed[failed[~missing]] = True
    return geometry, unclosed, broken


def read_table(path: Path, *, layer: str | None = None, limits: Limits = DEFAULT_LIMITS) -> GeoDataFrame:
    """Read one layer of any file of the known formats as it is, through the reading child.

    Parameters
    ----------
    path : Path
        GeoPackage, Shapefile, GeoJSON, FlatGeobuf or GeoParquet.
    layer : str, optional
        Layer of a container; None where the file holds one.

    Returns
    -------
    GeoDataFrame
        Row i is row i of the file; geometry None where there is none or it cannot be read; `crs` None
        where the file states none.

    Raises
    ------
    DatasetError
        The file is of no known format or cannot be read; the message says why.
    NotFoundError
        There is no such file.
    """
    import geopandas as gpd

    known = format_of(path)
    if known is None or not path.exists():
        find_files(path)
    kind = known[0] if known else ""
    # `=` marks a layer of the file by its own name instead of one of the dataset contract.
    files = SourceFiles(path.name, path.name, (LayerFile(path, kind, f"={layer or ''}"),))
    raw = read_raw(files, limits)
    if raw.faults:
        fault: Mapping[str, Any] = raw.faults[0]
        raise DatasetError(f"{fault['message']}. {fault['fix']}", code=fault["code"])
    found = next(iter(raw.layers.values()))
    return gpd.GeoDataFrame(found.table, geometry=gpd.GeoSeries(found.geometry), crs=found.crs)
