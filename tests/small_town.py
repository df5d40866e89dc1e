"""A town small enough to be drawn by hand, as the records that the rooms of the core hand to each other."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis_core.model import STREET_CLASSES, Dataset

WORK_CRS = CRS.from_epsg(32650)
ORIGIN = (440_000.0, 4_420_000.0)


def at(*coords: tuple[float, float]) -> list[tuple[float, float]]:
    """Move coordinates in metres to the place of the town."""
    return [(ORIGIN[0] + x, ORIGIN[1] + y) for x, y in coords]


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """Return a rectangle in metres from the town's corner."""
    return shapely.box(ORIGIN[0] + west, ORIGIN[1] + south, ORIGIN[0] + east, ORIGIN[1] + north)


def frame(columns: dict[str, object], geometry: Sequence[object]) -> gpd.GeoDataFrame:
    """Return a layer in the town's coordinate system."""
    return gpd.GeoDataFrame(columns, geometry=list(geometry), crs=WORK_CRS)


def dataset(
    boundary: Sequence[object],
    buildings: Sequence[object],
    *,
    households: Sequence[int] | None = None,
    streets: Sequence[tuple[str, object]] = (),
    minor: Sequence[object] = (),
    barriers: Sequence[object] = (),
    ids: Sequence[str] | None = None,
) -> Dataset:
    """Build a Dataset; streets are (class, line) and cut, minor ways do not, barriers cut."""
    n = len(buildings)
    text = pd.array([None] * n, dtype="str")
    ways = [*streets, *(("minor", line) for line in minor)]
    nothing = frame({"name": pd.array([], dtype="str")}, [])
    return Dataset(
        name="small",
        source="small",
        work_crs=WORK_CRS,
        source_crs=WORK_CRS,
        boundary=frame(
            {
                "code": [f"B{ix + 1}" for ix in range(len(boundary))],
                "name": [f"第{ix + 1}社区" for ix in range(len(boundary))],
                "parent": pd.array([None] * len(boundary), dtype="str"),
                "row": np.arange(len(boundary)),
            },
            boundary,
        ),
        buildings=frame(
            {
                "id": list(ids) if ids is not None else [str(ix) for ix in range(n)],
                "row": np.arange(n),
                "households": np.asarray(households if households is not None else [10] * n, dtype=np.int64),
                "population": np.full(n, np.nan),
                "levels": np.full(n, np.nan),
                "use": text,
                "name": text,
                "address": text,
                "compound": text,
                "households_source": ["source"] * n,
            },
            buildings,
        ),
        streets=frame(
            {
                "street_class": [name for name, _ in ways],
                "rank": np.array([STREET_CLASSES.index(name) for name, _ in ways], dtype=np.uint8),
                "highway": [name for name, _ in ways],
                "name": pd.array([None] * len(ways), dtype="str"),
                "cuts": np.array([name != "minor" for name, _ in ways], dtype=bool),
                "grade_separated": np.zeros(len(ways), dtype=bool),
            },
            [line for _, line in ways],
        ),
        barriers=frame(
            {"kind": ["water"] * len(barriers), "cuts": np.ones(len(barriers), dtype=bool)}, barriers
        ),
        facilities=nothing,
        water=nothing,
        green=nothing,
    )


def block_town(columns: int = 4, rows: int = 3, *, per_block: int = 6, households: int = 25) -> Dataset:
    """Build a town of rectangular blocks, each with two rows of houses wall to wall, in two communities."""
    width, height = 90.0, 70.0
    whole_w, whole_h = columns * width, rows * height
    half = width * (columns // 2)
    streets: list[tuple[str, object]] = [
        ("residential", shapely.LineString(at((x * width, -5), (x * width, whole_h + 5))))
        for x in range(1, columns)
    ]
    streets += [
        ("tertiary", shapely.LineString(at((-5, y * height), (whole_w + 5, y * height))))
        for y in range(1, rows)
    ]
    houses = []
    for column in range(columns):
        for row in range(rows):
            west, south = column * width + 10, row * height + 10
            step = (width - 20) / (per_block // 2)
            for k in range(per_block // 2):
                houses.append(box(west + k * step, south, west + (k + 1) * step, south + 15))
                houses.append(box(west + k * step + 1, south + 30, west + (k + 1) * step - 1, south + 42))
    boundary = [box(0, 0, half, whole_h), box(half, 0, whole_w, whole_h)]
    return dataset(boundary, houses, households=[households] * len(houses), streets=streets)
