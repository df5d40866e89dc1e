"""The index of the locator: the borders of areas, and what finds the area of a point among them.

Areas that fit together exactly, as the grids of a plan do, get the cell index; any others the slower one that takes
overlaps. Both give the answer that exact arithmetic gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis_core.locate import band_kernels, cell_kernels, near_kernels
from gis_core.locate.bands import BandIndex, build_bands
from gis_core.locate.borders import Borders, build_borders
from gis_core.locate.cells import CellIndex, build_cells

__all__ = ["AreaIndex", "build_index"]

Floats = NDArray[np.float64]
Ixs = NDArray[np.int32]

#: Rows of the frame into which positions are sorted before borders are looked for.
_STRIPS = 256


@dataclass(frozen=True)
class AreaIndex:
    """Borders with one of the two indices over them; areas are in the order that they were given in.

    Attributes
    ----------
    borders : Borders
    cells : CellIndex or None
        Where the areas are a coverage.
    bands : BandIndex or None
        Where they are not.
    bounds : tuple of float
        Least x, least y, greatest x, greatest y.
    """

    borders: Borders
    cells: CellIndex | None
    bands: BandIndex | None
    bounds: tuple[float, float, float, float]

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return self.borders.nbytes + sum(part.nbytes for part in (self.cells, self.bands) if part is not None)

    def areas_of(self, x: Floats, y: Floats) -> tuple[Ixs, NDArray[np.uint8]]:
        """Return the lowest area that covers each finite point or -1, and 0 inside, 1 on a border, 2 outside."""
        area_ix, status = np.empty(len(x), np.int32), np.empty(len(x), np.uint8)
        if self.cells is not None:
            b, c = self.borders, self.cells
            cell_kernels.locate_many(
                x, y, b.vertices, b.run_start, b.left, b.right, c.frame, c.table, c.words, area_ix, status
            )
        elif self.bands is not None:
            k = self.bands
            band_kernels.locate_points(
                x, y, k.ends, k.frame, k.cell_start, k.cell_area, k.full, k.band_at, k.first_row, k.band_start,
                k.band_edge, area_ix, status,
            )  # fmt: skip
        return area_ix, status

    def asker(self) -> Callable[[float, float], int]:
        """Return a function that gives area + 1 at one point, 0 outside, negated on a border.

        It holds what it needs by itself, since looking up attributes would take as long as the answer.
        """
        if self.cells is None:
            return self._label_by_bands
        b, c = self.borders, self.cells
        quick, doubt, frame, table, words = (
            cell_kernels.locate_one, cell_kernels.DOUBT, c.frame, c.table, c.words,
        )  # fmt: skip
        exact = (b.vertices, b.run_start, b.left, b.right, frame, table, words)

        def label_at(x: float, y: float) -> int:
            label = quick(x, y, frame, table, words)
            return label if label != doubt else cell_kernels.locate_surely(x, y, *exact)

        return label_at

    def _label_by_bands(self, x: float, y: float) -> int:
        area_ix, status = self.areas_of(np.array([x], np.float64), np.array([y], np.float64))
        return -int(area_ix[0]) - 1 if status[0] == 1 else int(area_ix[0]) + 1

    def nearest_borders(self, x: Floats, y: Floats, kx: Floats, ky: Floats) -> tuple[Ixs, Floats]:
        """Return the area of the border nearest to each point, and the nearest point on it, shape (n, 2).

        `kx`, `ky` are metres per unit at each point. Of equally near borders the lowest area is given.
        """
        b = self.borders
        area, foot = np.empty(len(x), np.int32), np.empty((len(x), 2))
        near_kernels.nearest_borders(
            x, y, kx, ky, b.vertices, b.left, b.right, b.leaf_start, b.leaf_stop, b.leaf_run, b.boxes, b.levels,
            area, foot,
        )  # fmt: skip
        return area, foot

    def nearest_border(self, x: float, y: float, kx: float, ky: float) -> tuple[int, float, float]:
        """Return the same for one finite point: the area, and x and y of the nearest point."""
        b = self.borders
        return near_kernels.nearest_border(
            x,
            y,
            kx,
            ky,
            b.vertices,
            b.left,
            b.right,
            b.leaf_start,
            b.leaf_stop,
            b.leaf_run,
            b.boxes,
            b.levels,
        )

    def circle_shares(
        self, x: Floats, y: Floats, radius: Floats, kx: Floats, ky: Floats, area_ix: Ixs
    ) -> tuple[NDArray[np.int64], Ixs, Floats]:
        """Return where the areas that each circle touches begin, the areas, and their shares of it."""
        b = self.borders
        start = np.zeros(len(x) + 1, np.int64)
        area, share = near_kernels.circle_shares(
            x, y, radius, kx, ky, area_ix, b.vertices, b.run_start, b.left, b.right, b.area_start, b.area_run,
            b.leaf_start, b.leaf_stop, b.leaf_run, b.boxes, b.levels, start,
        )  # fmt: skip
        return start, area, share

    def neighborhood_of(self, x: Floats, y: Floats) -> NDArray[np.int64]:
        """Return a key that sorts positions into strips from south to north, west to east in each."""
        west, south, east, north = self.bounds
        row = np.clip((y - south) / max(north - south, 1e-300), 0.0, 1.0) * (_STRIPS - 1)
        column = np.clip((x - west) / max(east - west, 1e-300), 0.0, 1.0) * 2.0**31
        return (row.astype(np.int64) << 32) + column.astype(np.int64)


def build_index(areas: NDArray[np.object_]) -> AreaIndex:
    """Build the index over valid polygons, at least one.

    Parameters
    ----------
    areas : object, shape (n,)
        shapely Polygons and MultiPolygons, valid and not empty.

    Returns
    -------
    AreaIndex

    Notes
    -----
    O(m) in the number of edges of a coverage that are spread evenly, else O(m log m).
    """
    borders = build_borders(areas)
    west, south = borders.vertices.min(axis=0).tolist()
    east, north = borders.vertices.max(axis=0).tolist()
    cells = build_cells(borders)
    if cells is not None:
        return AreaIndex(borders, cells, None, (west, south, east, north))
    if borders.is_matched:
        borders = build_borders(areas, match=False)
    return AreaIndex(borders, None, build_bands(borders), (west, south, east, north))
