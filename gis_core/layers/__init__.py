"""Reading and checking what users bring, writing what they take.

Names are loaded when they are first used, so that the reading child and `wangge --help` start fast.
Importing this package restricts the readers that GDAL may use (see `drivers`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gis_core.layers import drivers as _drivers  # noqa: F401  (sets the environment before GDAL is loaded)

if TYPE_CHECKING:
    from gis_core.layers.columns import parse_mapping
    from gis_core.layers.dataset import Inspection, inspect_dataset, read_dataset
    from gis_core.layers.raw import read_table
    from gis_core.layers.write import write_layer

__all__ = ["Inspection", "inspect_dataset", "parse_mapping", "read_dataset", "read_table", "write_layer"]

_HOMES = {
    "Inspection": "dataset",
    "inspect_dataset": "dataset",
    "parse_mapping": "columns",
    "read_dataset": "dataset",
    "read_table": "raw",
    "write_layer": "write",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
