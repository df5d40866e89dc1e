"""Which readers GDAL may use: those of the dataset contract and no other.

GDAL opens by content, not by name: a text that points to another file of the machine (VRT, GDALG) may be called
`.geojson`. Readers must be switched off in the environment before GDAL is loaded; later has no effect. So GDAL is
loaded here, when `gis_core.layers` is imported, and the environment is put back for other programs. Where GDAL was
loaded before, only the reading child is safe; strangers' files are read there in any case.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ALLOWED_DRIVERS", "CHILD_MARK", "import_pyogrio", "skip_list"]

#: Readers of the dataset contract; `MEM` and `Memory` open no file.
ALLOWED_DRIVERS = frozenset(
    {"GPKG", "GeoJSON", "FlatGeobuf", "ESRI Shapefile", "OSM", "DXF", "MEM", "Memory"}
)

#: Set in the environment of the reading child, which loads GDAL itself, after its limits are set.
CHILD_MARK = "WANGGE_READING_CHILD"

#: Every other reader of vector files in GDAL 3.12; the child finds those of another version and starts again.
_OTHER_DRIVERS_TEXT = """
PCIDSK PDS4 VICAR PDF MBTiles EEDA OGCAPI GDALG OGR_VRT LVBAG S57 DGN CSV GML GPX LIBKML KML
GeoJSONSeq ESRIJSON TopoJSON OGR_GMT SQLite WAsP OpenFileGDB GeoRSS VFK PGDUMP GPSBabel OGR_PDS
WFS OAPIF EDIGEO Idrisi ODS Elasticsearch XLSX Carto AmigoCloud SXF Selafin JML PLSCENES CSW VDV MVT
NGW MapML GTFS PMTiles JSONFG MiraMonVector ADBC AVCBin AVCE00 AIVector HTTP
"""
_OTHER_DRIVERS = ("MapInfo File", *_OTHER_DRIVERS_TEXT.split())


def skip_list(extra: Iterable[str] = ()) -> str:
    """Return the value of `OGR_SKIP`: all known readers but the allowed ones, then `extra`."""
    return ",".join(sorted({*_OTHER_DRIVERS, *extra} - ALLOWED_DRIVERS))


@contextmanager
def _environment(extra: Iterable[str]) -> Iterator[None]:
    """Hold the environment in which GDAL must be loaded, and put back what was there before."""
    # GDAL complains on its log of names that this version does not have; errors reach Python in another way.
    wanted = {"OGR_SKIP": skip_list(extra), "GDAL_DRIVER_PATH": "disable", "CPL_LOG": os.devnull}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def import_pyogrio(extra: Iterable[str] = (), *, alone: bool = False) -> tuple[Any, list[str]]:
    """Load pyogrio, and GDAL with it, with the allowed readers only.

    Parameters
    ----------
    extra : iterable of str
        Further readers to switch off.
    alone : bool
        Load it without geopandas and pandas, which takes a third of the time.

    Returns
    -------
    module, list of str
        pyogrio, and the readers that are registered although they are not allowed: none where this was the first
        import of pyogrio in the process and the version of GDAL is a known one.
    """
    absent = [
        name for name in ("geopandas", "pandas", "pyproj", "shapely") if alone and name not in sys.modules
    ]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    with _environment(extra):
        import pyogrio
    for name in absent:
        del sys.modules[name]
    return pyogrio, sorted(set(pyogrio.list_drivers()) - ALLOWED_DRIVERS)


if CHILD_MARK not in os.environ:
    import_pyogrio()
