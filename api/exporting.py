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
    from collections.abc import Callable

    from gis_core.publish.words import Language
    from gis_core.store import Store

__all__ = ["MEDIA_TYPES", "ExportedFile", "PrintAsked", "export_file"]

MEDIA_TYPES = {
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "shp": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
}
#: For paper and mail: all of a plan, not a layer of it.
_PRINTED = ("pdf", "html")


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


@dataclass(frozen=True)
class PrintAsked:
    """What was asked of `pdf` and `html`; None where it was not.

    Attributes
    ----------
    paper : {"a4", "a3"} or None
        `pdf` only.
    lang : {"zh-CN", "en"} or None
    codes : tuple of str
        Grids to print, `pdf` only; none for all.
    """

    paper: str | None = None
    lang: Language | None = None
    codes: tuple[str, ...] = ()


def export_file(
    store: Store,
    plan_id: int,
    *,
    format: str,  # noqa: A002 (the name on the wire)
    layer: str | None,
    printed: PrintAsked | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> ExportedFile:
    """Write a layer of a plan, or for `gpkg` without a layer the whole plan file; `pdf` and `html` show all of it.

    `progress` is called with ("sheets", done, total) for `pdf`; what it raises ends the export.

    Raises
    ------
    NotFoundError
        Where there is no such plan, or no grid of a code.
    ParameterError
        Where the format or layer is unknown, or something means nothing for the format.
    """
    if format not in MEDIA_TYPES:
        raise ParameterError(f"There is no export format {format}; use one of {', '.join(MEDIA_TYPES)}.")
    if layer not in {None, *PLAN_COLUMNS}:
        raise ParameterError(f"A plan has no layer {layer}; use one of {', '.join(PLAN_COLUMNS)}.")
    asked = printed or PrintAsked()
    _require_fitting(format, layer, asked)
    if format in _PRINTED:
        return _print(store, plan_id, format, asked, progress)
    from gis_core.layers import write_layer
    from gis_core.layers.tables import write_xlsx
    from gis_core.plan import write_plan

    plan = store.plan_file(plan_id)
    name = f"{_file_stem(plan.name, plan_id)}-{layer or ('plan' if format == 'gpkg' else 'grids')}"
    folder = Path(tempfile.mkdtemp(prefix="wangge-export-"))
    try:
        path = folder / f"{name}.{format}"
        if format == "gpkg" and layer is None:
            write_plan(plan, path)
        elif format == "xlsx":
            write_xlsx(getattr(plan, layer or "grids"), path, layer or "grids")
        else:
            write_layer(getattr(plan, layer or "grids"), path, format=format, layer=layer or "grids")
        if format == "shp":
            path = _zip(folder, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExportedFile(path, path.name, MEDIA_TYPES[format])


def _require_fitting(kind: str, layer: str | None, asked: PrintAsked) -> None:
    """Refuse what means nothing for a format."""
    given = {"layer": layer} if kind in _PRINTED else {"lang": asked.lang}
    if kind != "pdf":
        given |= {"paper": asked.paper, "grid": ", ".join(asked.codes) or None}
    for name, value in given.items():
        if value is not None:
            raise ParameterError(f"{name} means nothing for {kind}; leave it out.", parameter=name)


def _print(
    store: Store,
    plan_id: int,
    kind: str,
    asked: PrintAsked,
    progress: Callable[[str, int, int], None] | None,
) -> ExportedFile:
    """Write the sheets or the page of a plan."""
    from gis_core.publish.atlas import make_atlas
    from gis_core.publish.material import stored_material
    from gis_core.publish.page import make_page

    material = stored_material(store, plan_id)
    if kind == "pdf":
        atlas = make_atlas(
            material, paper=asked.paper or "a4", language=asked.lang, codes=asked.codes, progress=progress
        )
        data = atlas.pdf
    else:
        data = make_page(material, language=asked.lang).encode()
    folder = Path(tempfile.mkdtemp(prefix="wangge-export-"))
    path = folder / f"{_file_stem(material.title, plan_id)}{_of_paper(kind, asked)}.{kind}"
    try:
        path.write_bytes(data)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ExportedFile(path, path.name, MEDIA_TYPES[kind])


def _of_paper(kind: str, asked: PrintAsked) -> str:
    """Return what tells sheets of one plan apart by their name: the paper, and the grid where it is one."""
    if kind != "pdf":
        return ""
    name = (asked.paper or "a4").upper()
    if len(asked.codes) == 1:
        name += "-" + re.sub(r"[^\w.-]+", "-", asked.codes[0])
    return f"-{name}"


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
