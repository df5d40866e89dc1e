"""Which readers GDAL may use: those of the dataset contract and no other.

GDAL opens by content, not by name: a text that points to another file of the machine (VRT, GDALG) may be
called `.geojson`. The readers must be switched off in the environment before GDAL starts; later has no
effect. This module is imported with `gis_core.layers`, imports nothing heavy, and is the only one that
imports pyogrio.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["ALLOWED_DRIVERS", "import_pyogrio", "restrict_drivers", "skip_list"]

#: Readers of the dataset contract; `MEM` and `Memory` open no file.
ALLOWED_DRIVERS = frozenset({"GPKG", "GeoJSON", "FlatGeobuf", "ESRI Shapefile", "OSM", "MEM", "Memory"})

#: Every other vector reader that GDAL 3.4 to 3.12 may hold; more are found and added when the child starts.
_OTHER_DRIVERS_TEXT = """
PCIDSK PDS4 VICAR PDF MBTiles EEDA OGCAPI GDALG OGR_VRT VRT LVBAG S57 DGN CSV GML GPX LIBKML KML
GeoJSONSeq ESRIJSON TopoJSON OGR_GMT SQLite WAsP OpenFileGDB DXF GeoRSS VFK PGDUMP GPSBabel OGR_PDS
WFS OAPIF EDIGEO Idrisi ODS XLSX XLS Elasticsearch Carto AmigoCloud SXF Selafin JML PLSCENES CSW VDV
MVT NGW MapML GTFS PMTiles JSONFG MiraMonVector ADBC AVCBin AVCE00 AIVector HTTP CAD Parquet Arrow
netCDF HDF5 GMLAS ILI NAS PostgreSQL MySQL MSSQL MSSQLSpatial ODBC PGeo OCI MongoDBv3 HANA TIGER
UK_.NTF SDTS REC Memory_VRT GTI STACTA STACIT DAAS LIBERTIFF WMS WMTS WCS XODR SOSI FileGDB GeoTIFF
JP2OpenJPEG
"""
_OTHER_DRIVERS = frozenset(_OTHER_DRIVERS_TEXT.split())


def skip_list(extra: Iterable[str] = ()) -> str:
    """Return the value of `OGR_SKIP`: all known readers but the allowed ones, then `extra`."""
    names = ["MapInfo File", "Interlis 1", "Interlis 2", *_OTHER_DRIVERS, *extra]
    return ",".join(sorted({name for name in names if name not in ALLOWED_DRIVERS}))


def restrict_drivers(extra: Iterable[str] = ()) -> None:
    """Set the environment so that a GDAL loaded from now on registers the allowed readers only."""
    skip = skip_list(extra)
    os.environ["OGR_SKIP"] = skip
    os.environ["GDAL_SKIP"] = skip
    os.environ["GDAL_DRIVER_PATH"] = "disable"
    os.environ["GDAL_DISABLE_READDIR_ON_OPEN"] = "FALSE"
    os.environ["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] = ".none"


def import_pyogrio() -> tuple[Any, list[str]]:
    """Import pyogrio without pandas and geopandas, which it does not need here.

    Returns
    -------
    module, list of str
        pyogrio, and the readers that are registered although they are not allowed (empty where all is well).
    """
    absent = [name for name in ("geopandas", "pandas", "shapely") if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    import pyogrio

    for name in absent:
        del sys.modules[name]
    return pyogrio, sorted(set(pyogrio.list_drivers()) - ALLOWED_DRIVERS)


restrict_drivers()
