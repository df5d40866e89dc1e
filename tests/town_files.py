"""Small towns as files, as a user would bring them: rows of buildings on a raster, streets round every four."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

_CRS = CRS.from_epsg(32650)
_WEST, _SOUTH = 440_000.0, 4_420_000.0
_SIDE = 40.0


def write_raster_town(
    folder: Path, households: Sequence[int], columns: int, *, river_after: int = 0, **more: Sequence[object]
) -> Path:
    """Write boundary, buildings and streets.

    `households` is row by row from the north; -1 leaves the place out of the boundary. Buildings are B000, B001 ...
    With `river_after` a river without a bridge runs through the middle of that column (1 is the first).
    `more` are further columns of buildings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = len(households) // columns
    places = [place for place, count in enumerate(households) if count >= 0]
    south_west = [
        (_WEST + _SIDE * (place % columns), _SOUTH + _SIDE * (rows - 1 - place // columns))
        for place in places
    ]
    ground = shapely.union_all([shapely.box(x, y, x + _SIDE, y + _SIDE) for x, y in south_west])
    _write(folder / "boundary.geojson", [ground], code=["110101001"], name=["东街社区"])
    footprints = [shapely.box(x + 10, y + 10, x + 30, y + 30) for x, y in south_west]
    values = {name: [column[place] for place in places] for name, column in more.items()}
    _write(
        folder / "buildings.geojson", footprints, id=[f"B{place:03d}" for place in places],
        households=[int(households[place]) for place in places], **values,
    )  # fmt: skip
    east, north = _WEST + _SIDE * columns, _SOUTH + _SIDE * rows
    lines = [
        shapely.LineString([(x, _SOUTH), (x, north)]) for x in np.arange(_WEST, east + 1, 2 * _SIDE).tolist()
    ]
    lines += [
        shapely.LineString([(_WEST, y), (east, y)]) for y in np.arange(_SOUTH, north + 1, 2 * _SIDE).tolist()
    ]
    if river_after:
        x = _WEST + _SIDE * (river_after - 0.5)
        river = shapely.LineString([(x, _SOUTH - 50), (x, north + 50)])
        _write(folder / "barriers.geojson", [river], name=["东河"])
        lines = [part for line in lines for part in shapely.get_parts(line.difference(river.buffer(12)))]
    _write(folder / "streets.geojson", lines, **{"class": ["residential"] * len(lines)})
    return folder


def _write(path: Path, shapes: Sequence[shapely.Geometry], **columns: Sequence[object]) -> None:
    gpd.GeoDataFrame(dict(columns), geometry=list(shapes), crs=_CRS).to_crs(4326).to_file(
        path, driver="GeoJSON"
    )
