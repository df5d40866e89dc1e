"""A data version in memory: the arrays of its cells that edits, suggestions and searches work on, read once.

A data version never changes, so neither does anything here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from api.binary import encode, mercator_units
from api.views import clean
from gis_core.fabric.ground import cell_compounds
from gis_core.model import AdjacencyGraph, Dataset, Fabric

if TYPE_CHECKING:
    from gis_core.plan.base import Layers
    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord

__all__ = [
    "Town",
    "build_graph",
    "build_numbers",
    "load_town",
    "read_columns",
    "read_ground",
    "read_workload",
]

#: Layers of the store, and what a dataset calls them.
_LAYERS = {
    "areas": "boundary",
    "buildings": "buildings",
    "streets": "streets",
    "barriers": "barriers",
    "facilities": "facilities",
    "water": "water",
    "green": "green",
    "cells": "",
}


@dataclass(frozen=True, eq=False)
class Town:
    """The cells of a data version as arrays.

    Attributes
    ----------
    record : DatasetRecord
    graph : AdjacencyGraph
    households : int64, shape (n_cells,)
    population : float64, shape (n_cells,)
    area_ix : int32, shape (n_cells,)
        Boundary polygon of each cell, a position in `area_codes`.
    enclosure_ix : int32, shape (n_cells,)
        Street block of each cell.
    compound_ix : int32, shape (n_cells,)
        Compound (小区) of each cell, a position in `compounds`; -1: none. As the solver sees them.
    compounds : tuple of str
    area_codes : tuple of str
    area_names : tuple of str or None
    anchor : float64, shape (n_cells, 2)
        Longitude and latitude of a point inside each cell.
    """

    record: DatasetRecord
    graph: AdjacencyGraph
    households: NDArray[np.int64]
    population: NDArray[np.float64]
    area_ix: NDArray[np.int32]
    enclosure_ix: NDArray[np.int32]
    compound_ix: NDArray[np.int32]
    compounds: tuple[str, ...]
    area_codes: tuple[str, ...]
    area_names: tuple[str | None, ...]
    anchor: NDArray[np.float64]

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.graph.n_cells


def read_workload(store: Store, town: Town, formula: str) -> NDArray[np.float64]:
    """Work out a weight of each cell from the columns of its buildings; see `build_workload` for its form.

    Raises
    ------
    ParameterError
        Where the formula cannot be read, or names a column that is not there.
    """
    from gis_core.plan.workload import build_workload

    areas, buildings, cells = (store.layer(town.record.id, name) for name in ("areas", "buildings", "cells"))
    dataset = _dataset(
        town.record, {"areas": areas, "buildings": _with_extra(buildings).drop(columns="cell_ix")}
    )
    return build_workload(dataset, _fabric(cells, buildings, town.graph), formula).cells


def build_numbers(store: Store, town: Town, formula: str) -> bytes:
    """Pack what `read_workload` gives, in the order of `cell_ix`.

    Raises
    ------
    ParameterError
        Where the formula cannot be read, or names a column that is not there.
    """
    values = read_workload(store, town, formula).astype(np.float32)
    meta = {"dataset": town.record.id, "n_cells": town.n_cells, "formula": formula}
    return encode(meta, {"values": values})


def read_columns(store: Store, town: Town) -> list[dict[str, Any]]:
    """List the numeric columns of the buildings that weights may name, with their sums inside the boundary."""
    from gis_core.plan.workload import workload_columns

    buildings = _with_extra(store.layer(town.record.id, "buildings"))
    inside = buildings[buildings["cell_ix"] >= 0]
    return [
        {
            "name": name,
            "total": float(np.nansum(inside[name].to_numpy(dtype=np.float64))),
            "missing": int(inside[name].isna().sum()),
        }
        for name in workload_columns(buildings)
        if name != "cell_ix"
    ]


def read_ground(store: Store, town: Town) -> Layers:
    """Read all layers of a data version, for what is asked of the ground."""
    from gis_core.plan.base import Layers

    frames = {name: store.layer(town.record.id, name) for name in _LAYERS}
    return Layers(frames, town.graph, town.record.work_crs)


def _dataset(record: DatasetRecord, frames: dict[str, GeoDataFrame]) -> Dataset:
    """Put layers together; those that were not read are empty."""
    crs = CRS.from_user_input(record.work_crs)
    empty = GeoDataFrame(geometry=[], crs=crs)
    given = {_LAYERS[name]: frames.get(name, empty) for name in _LAYERS if _LAYERS[name]}
    return Dataset(
        name=record.name,
        source=record.source,
        work_crs=crs,
        source_crs=crs,
        attribution=record.attribution,
        **given,
    )


def _fabric(cells: GeoDataFrame, buildings: GeoDataFrame, graph: AdjacencyGraph) -> Fabric:
    return Fabric(
        cells=np.asarray(cells.geometry.array, dtype=object),
        boundary_ix=cells["area_ix"].to_numpy(dtype=np.int32),
        enclosure_ix=cells["enclosure_ix"].to_numpy(dtype=np.int32),
        households=cells["households"].to_numpy(dtype=np.int64),
        population=cells["population"].to_numpy(dtype=np.float64),
        building_cell_ix=buildings["cell_ix"].to_numpy(dtype=np.int32),
        graph=graph,
    )


def load_town(store: Store, record: DatasetRecord) -> Town:
    """Read the arrays of a data version; its polygons are not kept."""
    areas, buildings, cells = (store.layer(record.id, name) for name in ("areas", "buildings", "cells"))
    fabric = _fabric(cells, buildings, store.graph(record.id))
    compounds = cell_compounds(_dataset(record, {"areas": areas, "buildings": buildings}), fabric)
    lon, lat = Transformer.from_crs(CRS.from_user_input(record.work_crs), 4326, always_xy=True).transform(
        fabric.graph.x, fabric.graph.y
    )
    return Town(
        record=record,
        graph=fabric.graph,
        households=fabric.households,
        population=fabric.population,
        area_ix=fabric.boundary_ix,
        enclosure_ix=fabric.enclosure_ix,
        compound_ix=compounds.compound_ix,
        compounds=tuple(compounds.names),
        area_codes=tuple(str(code) for code in areas["code"]),
        area_names=tuple(clean(name) for name in areas["name"]),
        anchor=np.column_stack([lon, lat]),
    )


def build_graph(town: Town) -> bytes:
    """Pack the adjacency of the cells and their figures, in the order of `cell_ix`."""
    graph = town.graph
    areas = [
        {"code": code, "name": name} for code, name in zip(town.area_codes, town.area_names, strict=True)
    ]
    meta = {
        "dataset": town.record.id,
        "n_cells": town.n_cells,
        "areas": areas,
        "compounds": list(town.compounds),
    }
    arrays: dict[str, NDArray[Any]] = {
        "indptr": graph.indptr.astype(np.uint32),
        "indices": graph.indices.astype(np.uint32),
        "length_m": graph.shared_length_m.astype(np.float32),
        "street": graph.street_rank.astype(np.uint8),
        "area_m2": graph.area_m2.astype(np.float32),
        "outer_m": graph.exterior_length_m.astype(np.float32),
        "population": town.population.astype(np.float32),
        "households": town.households.astype(np.int32),
        "area_ix": town.area_ix,
        "enclosure_ix": town.enclosure_ix,
        "compound_ix": town.compound_ix,
        "anchor": mercator_units(town.anchor).astype(np.int32).ravel(),
    }
    return encode(meta, arrays)


def _with_extra(buildings: GeoDataFrame) -> GeoDataFrame:
    """Give the columns that the store keeps as one JSON text back their own places."""
    texts = buildings["extra"].to_numpy(dtype=object, na_value=None).tolist()
    plain = buildings.drop(columns="extra")
    rows = [json.loads(text) if text else {} for text in texts]
    names = sorted({name for row in rows for name in row} - set(plain.columns))
    if not names:
        return plain
    more = pd.DataFrame({name: [row.get(name) for row in rows] for name in names}, index=plain.index)
    return plain.join(more)
