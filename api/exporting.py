"""A plan of the store as a file in a folder of its own, taken away after it was sent."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.store import Store

__all__ = ["ExportedFile", "export_file", "plan_frame"]

_MEDIA_TYPES = {
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "shp": "application/zip",
    "csv": "text/csv; charset=utf-8",
}
_LAYERS = ("grids", "buildings", "cells")


@dataclass(frozen=True)
class ExportedFile:
    """A file that waits to be sent.

    Attributes
    ----------
    path : Path
        Where it is.
    filename, media_type : str
        What the caller is told.
    """

    path: Path
    filename: str
    media_type: str

    def remove(self) -> None:
        """Take the file and its folder away."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def export_file(store: Store, plan_id: int, *, format: str, layer: str | None) -> ExportedFile:  # noqa: A002
    """Write a layer of a plan, or for `gpkg` without a layer the whole plan file.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ParameterError
        Where the format is unknown.
    """
    if format not in _MEDIA_TYPES:
        raise ParameterError(f"There is no export format {format}; use one of {', '.join(_MEDIA_TYPES)}.")
    record = store.plan(plan_id)
    suffix = "gpkg" if format == "gpkg" else format
    name = f"{_file_stem(record.name, plan_id)}-{layer or ('plan' if format == 'gpkg' else 'grids')}"
    folder = Path(tempfile.mkdtemp(prefix="wangge-export-"))
    try:
        path = folder / f"{name}.{suffix}"
        if format == "gpkg" and layer is None:
            _write_whole(store, record, path)
        else:
            from gis_core.layers import write_layer

            write_layer(
                plan_frame(store, plan_id, layer or "grids"), path, format=format, layer=layer or "grids"
            )
        if format == "shp":
            path = _zip(folder, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExportedFile(path, path.name, _MEDIA_TYPES[format])


def plan_frame(store: Store, plan_id: int, layer: str) -> GeoDataFrame:
    """Read a layer of a plan with the columns of the plan file (docs: plan file).

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    """
    from gis_core.plan.file import PLAN_COLUMNS

    grids = store.grids(plan_id)
    if layer == "grids":
        frame = grids
    elif layer == "buildings":
        frame = store.plan_buildings(plan_id)
    else:
        frame = store.layer(store.plan(plan_id).dataset_id, "cells").rename(columns={"cell_ix": "cell_id"})
        codes = np.array([*grids["code"].astype(str), None], dtype=object)
        frame["grid_code"] = codes[store.assignment(plan_id)]
    columns = [name for name in PLAN_COLUMNS[layer] if name in frame]
    return frame[[*columns, frame.geometry.name]]


def _write_whole(store: Store, record: Any, path: Path) -> None:
    from gis_core.plan.file import PlanFile, write_plan

    frames = {layer: plan_frame(store, record.id, layer) for layer in _LAYERS}
    write_plan(PlanFile(**frames, report=record.report or {}, name=record.name), path)


def _zip(folder: Path, name: str) -> Path:
    """Put the parts of a Shapefile into one archive."""
    path = folder / f"{name}.zip"
    parts = sorted(part for part in folder.iterdir() if part.is_file())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for part in parts:
            archive.write(part, part.name)
    return path


def _file_stem(name: str, plan_id: int) -> str:
    """Make a name of a plan safe for a file on any system; Chinese stays."""
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60]
    return stem or f"plan-{plan_id}"
