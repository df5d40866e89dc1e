"""Write a town as a container that the dataset contract reads: one GeoPackage or a folder of GeoParquet.

The same layers give the same bytes: the date that GeoPackage keeps of the last change is a fixed one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyogrio
from geopandas import GeoDataFrame

from gis_core.errors import ParameterError

__all__ = ["write_town"]

#: A GeoPackage must hold a date of the last change; a fixed one keeps files comparable.
CHANGE_DATE = "2020-01-01T00:00:00.000Z"


def write_town(
    layers: Mapping[str, GeoDataFrame],
    path: Path,
    *,
    form: Literal["gpkg", "parquet"] = "gpkg",
    attribution: str = "",
) -> Path:
    """Write all layers to `path`, which is replaced only once everything is written.

    Parameters
    ----------
    layers : mapping of layer name to frame
        As from `make_town`.
    path : Path
        GeoPackage to write, or folder that gets one `LAYER.parquet` a layer.
    form : {"gpkg", "parquet"}
        Which of the two.
    attribution : str
        Text that must be shown with the data, kept in the GeoPackage as the description of each layer.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    ParameterError
        The format is not known, or a folder is wanted where a file is, or the reverse.
    OSError
        The place cannot be written to.
    """
    if form not in ("gpkg", "parquet"):
        raise ParameterError(f"Format {form!r} is not known; use gpkg or parquet.", format=form)
    if path.exists() and path.is_dir() != (form == "parquet"):
        kind = "a folder" if path.is_dir() else "a file"
        raise ParameterError(f"{path.name} is {kind}; give another name for format {form}.", format=form)
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "gpkg":
        _write_geopackage(layers, path, attribution)
    else:
        path.mkdir(exist_ok=True)
        for name, frame in layers.items():
            frame.to_parquet(path / f"{name}.parquet")
    return path


def _write_geopackage(layers: Mapping[str, GeoDataFrame], path: Path, attribution: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder, _fixed_date():
        draft = Path(folder) / path.name
        for name, frame in layers.items():
            described = {"DESCRIPTION": attribution} if attribution else {}
            pyogrio.write_dataframe(
                frame,
                draft,
                layer=name,
                driver="GPKG",
                append=draft.exists(),
                geometry_type=_layer_type(frame),
                promote_to_multi=False,
                dataset_options={"VERSION": "1.2"},
                layer_options=described,
            )
        draft.replace(path)


@contextmanager
def _fixed_date() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": CHANGE_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _layer_type(frame: GeoDataFrame) -> str:
    kinds = sorted(set(frame.geom_type.dropna()))
    if not kinds:
        return "Unknown"
    return kinds[0] if len(kinds) == 1 else "Unknown"
