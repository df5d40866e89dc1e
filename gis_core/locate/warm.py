"""Compiles the kernels of the locator and keeps them on disk: `python -m gis_core.locate.warm`.

Compiling takes a quarter of a minute of work, once for each version; `scripts/setup` does it, so that the first server
on a machine answers the first report at once.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from gis_core.graph import component_labels, graph_from_pairs
from gis_core.locate.locator import build_locator

__all__ = ["compile_kernels"]

_WGS84 = "EPSG:4326"


def compile_kernels() -> None:
    """Ask two tiny towns everything that can be asked: one whose areas fit together, one whose overlap."""
    component_labels(graph_from_pairs(np.array([0]), np.array([1]), n_cells=2))
    fit = [shapely.box(121.0, 31.0, 121.01, 31.01), shapely.box(121.01, 31.0, 121.02, 31.01)]
    overlap = [fit[0], shapely.box(121.005, 31.005, 121.015, 31.015)]
    for shapes in (fit, overlap):
        locator = build_locator(gpd.GeoDataFrame({"code": ["1", "2"]}, geometry=shapes, crs=_WGS84))
        locator.code_at(121.005, 31.002)
        locator.nearest_at(121.05, 31.002)
        locator.locate([121.005, 121.01, 121.05], [31.002, 31.005, 31.002], [20.0, 20.0, 20.0])
        locator.locate([121.005], [31.002], [20.0], borders=False)


if __name__ == "__main__":
    compile_kernels()
