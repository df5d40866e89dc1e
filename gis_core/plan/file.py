"""The plan file: a GeoPackage with the layers `grids`, `buildings` and `cells`.

The contract of its columns is in docs/plan-file.md. A file is written beside its place and then renamed, so that a plan
is there whole or not at all. The report of the plan travels in the metadata of the layer `grids` (in that
of the file, GDAL would leave an .aux.xml beside it whenever somebody reads it).
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_core.errors import CrsError, DatasetError
from gis_core.layers.write import GEOPACKAGE_VERSION, beside, writing

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["PLAN_COLUMNS", "PlanFile", "read_plan", "write_plan"]

#: Columns of each layer of a plan file, besides the geometry.
PLAN_COLUMNS: dict[str, tuple[str, ...]] = {
    "grids": (
        "code",
        "name",
        "boundary_code",
        "households",
        "population",
        "area_m2",
        "perimeter_m",
        "polsby_popper",
        "deviation",
    ),
    "buildings": ("id", "households", "grid_code", "cell_id"),
    "cells": ("cell_id", "grid_code", "households"),
}

_REQUIRED = {
    "grids": ("code", "households"),
    "buildings": ("id", "households", "grid_code"),
    "cells": ("cell_id", "grid_code"),
}
_METADATA_KEY = "wangge_report"


@dataclass(frozen=True)
class PlanFile:
    """A plan as frames, the form in which it is written, read, stored and exported.

    Attributes
    ----------
    grids, buildings, cells : GeoDataFrame
        Columns as in `PLAN_COLUMNS`; `cells` is in cell order (`cell_id` 0, 1, ...); `grid_code` is null where a cell
        or building is unassigned. All three share one CRS.
    report : dict
        The report of the run that made the plan; empty where unknown.
    name : str
        Short name for lists.
    levels : dict of str to GeoDataFrame
        Layer name -> parts of a coarser level, with the columns of `grids`; the coarsest first.
    """

    grids: GeoDataFrame
    buildings: GeoDataFrame
    cells: GeoDataFrame
    report: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    levels: dict[str, GeoDataFrame] = field(default_factory=dict)


def write_plan(plan: PlanFile, path: Path, *, crs: str = "EPSG:4326") -> None:
    """Write a plan file; what stood there before is replaced only once the new file is whole.

    Parameters
    ----------
    plan : PlanFile
    path : Path
        Ends in `.gpkg`; its folder exists.
    crs : str
        Coordinate system of the layers in the file.

    Raises
    ------
    DatasetError
        Where the folder is missing or the name does not end in `.gpkg`.
    """
    path = Path(path)
    require_plan_path(path)
    with beside(path) as folder, writing(path):
        draft = folder / path.name
        for layer in (*PLAN_COLUMNS, *plan.levels):
            _write_layer(plan, layer, draft, crs)
        draft.replace(path)


def _write_layer(plan: PlanFile, layer: str, draft: Path, crs: str) -> None:
    import pyogrio

    report = {_METADATA_KEY: json.dumps(plan.report, ensure_ascii=False)}
    frame = plan.levels[layer] if layer in plan.levels else getattr(plan, layer)
    pyogrio.write_dataframe(
        frame.to_crs(crs),
        draft,
        layer=layer,
        driver="GPKG",
        append=draft.exists(),
        dataset_options=None if draft.exists() else {"VERSION": GEOPACKAGE_VERSION},
        geometry_type={"buildings": "Unknown", "cells": "Polygon"}.get(layer, "MultiPolygon"),
        promote_to_multi=layer not in ("buildings", "cells"),
        layer_metadata=report if layer == "grids" else None,
    )


def require_plan_path(path: Path) -> None:
    """Fail early where a plan file could not be written at the end of a long run.

    Raises
    ------
    DatasetError
        Where the name does not end in `.gpkg`, is a folder, or its folder is missing.
    """
    if path.suffix.lower() != ".gpkg":
        raise DatasetError(f"A plan file is a GeoPackage: {path.name} must end in .gpkg.")
    if path.is_dir():
        raise DatasetError(f"{path.name} is a folder; name a file that ends in .gpkg.")
    if not path.parent.is_dir():
        raise DatasetError(f"The folder {path.parent} for {path.name} is not there; make it first.")


def read_plan(path: Path) -> PlanFile:
    """Read a plan file into frames, in the CRS that it is stored in.

    Raises
    ------
    DatasetError
        Where the file is missing, cannot be read, or lacks a layer or column of the contract.
    CrsError
        Where a layer names no coordinate system.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(f"There is no plan file {path}.")
    frames = {layer: _read_layer(path, layer) for layer in PLAN_COLUMNS}
    report = _read_report(path)
    layers = [str(row["layer"]) for row in (report.get("levels") or [])[:-1]]
    levels = {layer: _read_layer(path, layer) for layer in _present(path, layers)}
    return PlanFile(**frames, report=report, name=path.stem, levels=levels)


def _present(path: Path, layers: list[str]) -> list[str]:
    """Return the layers that are in a file; none is asked about where there are none to look for."""
    import pyogrio

    have = set(pyogrio.list_layers(path)[:, 0]) if layers else set()
    return [layer for layer in layers if layer in have]


def _read_layer(path: Path, layer: str) -> GeoDataFrame:
    import pyogrio

    try:
        frame = pyogrio.read_dataframe(path, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise DatasetError(
            f"{path.name} is not a plan file: its layer {layer!r} cannot be read ({error})."
        ) from None
    missing = [column for column in _REQUIRED.get(layer, _REQUIRED["grids"]) if column not in frame]
    if missing:
        raise DatasetError(
            f"{path.name} is not a plan file: layer {layer!r} has no column {', '.join(missing)}."
        )
    if frame.crs is None:
        raise CrsError(f"Layer {layer!r} of {path.name} names no coordinate system; write the plan again.")
    return frame.sort_values("cell_id", ignore_index=True) if layer == "cells" else frame


def _read_report(path: Path) -> dict[str, Any]:
    """Return the report that `write_plan` put into the file; empty where there is none."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            rows = connection.execute(
                "SELECT metadata FROM gpkg_metadata WHERE metadata LIKE '%wangge_report%'"
            ).fetchall()
        except sqlite3.Error:
            return {}
    from xml.etree import ElementTree

    for (text,) in rows:
        try:
            for item in ElementTree.fromstring(text).iter("MDI"):
                if item.get("key") == _METADATA_KEY and item.text:
                    return dict(json.loads(item.text))
        except (ElementTree.ParseError, ValueError):
            continue
    return {}
