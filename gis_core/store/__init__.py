"""The store: data versions, plans and edits in PostGIS or in one GeoPackage, behind one class.

`open_store` gives a `Store`. What the databases do differently stands in `dialect_geopackage` and
`dialect_postgis`; SQL stands nowhere else in the project. Must not import HTTP, commands or the solver.
"""

from __future__ import annotations

from gis_core.store.dialect_geopackage import is_store_file
from gis_core.store.records import (
    BaseResult,
    BBox,
    Change,
    CheckList,
    DatasetRecord,
    EditRecord,
    EditResult,
    GridAttributes,
    GridFigures,
    HitKind,
    InForce,
    PlanRecord,
    PlanState,
    SearchHit,
    StateRecord,
)
from gis_core.store.store import DEFAULT_FILE, ENVIRONMENT, Store, embedded_file, open_store

__all__ = [
    "DEFAULT_FILE",
    "ENVIRONMENT",
    "BBox",
    "BaseResult",
    "Change",
    "CheckList",
    "DatasetRecord",
    "EditRecord",
    "EditResult",
    "GridAttributes",
    "GridFigures",
    "HitKind",
    "InForce",
    "PlanRecord",
    "PlanState",
    "SearchHit",
    "StateRecord",
    "Store",
    "embedded_file",
    "is_store_file",
    "open_store",
]
