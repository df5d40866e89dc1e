"""A plan of the store as a file in a folder of its own, taken away after it was sent."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gis_core.errors import ParameterError
from gis_core.plan.file import PLAN_COLUMNS

if TYPE_CHECKING:
    from gis_core.store import Store

__all__ = ["ExportedFile", "export_file"]

_MEDIA_TYPES = {
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "shp": "application/zip",
    "csv": "text/csv; charset=utf-8",
}


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
        Where the format or layer is unknown.
    """
    if format not in _MEDIA_TYPES:
        raise ParameterError(f"There is no export format {format}; use one of {', '.join(_MEDIA_TYPES)}.")
    if layer not in {None, *PLAN_COLUMNS}:
        raise ParameterError(f"A plan has no layer {layer}; use one of {', '.join(PLAN_COLUMNS)}.")
    from gis_core.layers import write_layer
    from gis_core.plan import write_plan

    plan = store.plan_file(plan_id)
    name = f"{_file_stem(plan.name, plan_id)}-{layer or ('plan' if format == 'gpkg' else 'grids')}"
    folder = Path(tempfile.mkdtemp(prefix="wangge-export-"))
    try:
        path = folder / f"{name}.{format}"
        if format == "gpkg" and layer is None:
            write_plan(plan, path)
        else:
            write_layer(getattr(plan, layer or "grids"), path, format=format, layer=layer or "grids")
        if format == "shp":
            path = _zip(folder, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExportedFile(path, path.name, _MEDIA_TYPES[format])


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
