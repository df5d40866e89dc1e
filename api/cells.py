"""Cells of a plan: all as typed arrays, or one with its grid and buildings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from api.binary import RaggedPolygons, encode, polygons_to_ragged
from api.views import PlanView, clean
from gis_core.errors import ConflictError, NotFoundError
from gis_core.plan.base_cut import source_of

if TYPE_CHECKING:
    from gis_core.store import Store
    from gis_core.store.records import PlanRecord

__all__ = ["Outlines", "build_cells", "cell_at", "cell_detail", "read_outlines"]


@dataclass(frozen=True, eq=False)
class Outlines:
    """The cells of a data version as flat arrays, the same for all plans on it; see `RaggedPolygons`."""

    ragged: RaggedPolygons
    households: NDArray[np.int32]
    enclosure_ix: NDArray[np.int32]


def read_outlines(store: Store, dataset_id: int) -> Outlines:
    """Read the cells of a data version in the order of `cell_ix`."""
    cells = store.layer(dataset_id, "cells")
    return Outlines(
        polygons_to_ragged(np.asarray(cells.geometry.array, dtype=object)),
        cells["households"].to_numpy(dtype=np.int32),
        cells["enclosure_ix"].to_numpy(dtype=np.int32),
    )


def build_cells(store: Store, record: PlanRecord, outlines: Outlines) -> bytes:
    """Pack all cells of a plan in the order of `cell_ix`.

    Raises
    ------
    ConflictError
        Where the plan was changed while it was read.
    """
    assignment = store.assignment(record.id)
    codes = store.grid_codes(record.id)[:-1].tolist()
    if store.plan(record.id).revision != record.revision:
        raise ConflictError(f"Plan {record.id} was changed while it was read; ask again.", plan=record.id)
    ragged = outlines.ragged
    meta = {"plan": record.id, "revision": record.revision, "n_cells": len(assignment), "grids": codes}
    arrays = {
        "coords": ragged.coords,
        "ring_start": ragged.ring_start,
        "cell_ring_start": ragged.feature_start,
        "grid_ix": np.asarray(assignment, dtype=np.int32),
        "households": outlines.households,
        "enclosure_ix": outlines.enclosure_ix,
    }
    return encode(meta, arrays)


def cell_detail(store: Store, view: PlanView, cell_ix: int) -> dict[str, Any]:
    """Describe one cell with its grid and its buildings.

    Raises
    ------
    NotFoundError
        Where the plan has no such cell.
    """
    record = view.record
    page = store.layer(record.dataset_id, "cells", limit=1, offset=cell_ix)
    if cell_ix >= record.n_cells or len(page) == 0:
        raise NotFoundError(
            f"Plan {record.id} has no cell {cell_ix}; its cells are 0 to {record.n_cells - 1}."
        )
    row = page.iloc[0]
    near = store.layer(record.dataset_id, "buildings", bbox=tuple(row.geometry.bounds))
    buildings = near[near["cell_ix"] == cell_ix]
    names = ("id", "name", "address", "population", "levels", "use")
    return {
        "cell_ix": cell_ix,
        "households": int(row["households"]),
        "area_m2": round(float(view.cell_area_m2[cell_ix]), 2),
        "grid": view.grid(int(view.assignment[cell_ix])),
        "buildings": [
            {
                **{name: clean(building[name]) for name in names},
                "households": int(building["households"]),
                "source_id": source_of(building["extra"]),
            }
            for _, building in buildings.iterrows()
        ],
    }


def cell_at(store: Store, view: PlanView, lon: float, lat: float, *, grid_ix: int) -> int | None:
    """Find the cell that covers a point; on a border one of the given grid, and of these the lowest number."""
    near = store.layer(view.record.dataset_id, "cells", bbox=(lon, lat, lon, lat))
    if len(near) == 0:
        return None
    covers = shapely.intersects_xy(np.asarray(near.geometry.array, dtype=object), lon, lat)
    found = near["cell_ix"].to_numpy()[covers]
    own = found[view.assignment[found] == grid_ix]
    return int((own if len(own) else found).min()) if len(found) else None
