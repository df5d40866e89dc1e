"""Repository of data versions: the layers, cells and graph of each import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from geopandas import GeoDataFrame, GeoSeries
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from gis_core.errors import ConflictError, NotFoundError, ParameterError
from gis_core.store.models import LAYERS, DatasetGraph, DatasetVersion, Plan, layer_columns, table_of
from gis_core.store.packing import pack_graph, unpack_graph
from gis_core.store.records import BBox, DatasetRecord
from gis_core.store.rows import (
    WGS84,
    by_ix,
    column_values,
    page,
    plain_text,
    query_shape,
    read_frame,
    require_geometry,
)

if TYPE_CHECKING:
    from gis_core.model import AdjacencyGraph, Dataset, Fabric
    from gis_core.store.dialect import Dialect

__all__ = [
    "TakenOver",
    "add",
    "delete_version",
    "get",
    "graph",
    "layer",
    "layer_count",
    "list_all",
    "require",
    "write",
]

#: Where more than this share of the rows of a layer differ, all are written anew.
_MOSTLY = 0.5
#: Where the rows that did not change come in more runs than this, too.
_MOST_RUNS = 5000
_VERSION = table_of(DatasetVersion)
_GRAPH = table_of(DatasetGraph)


def add(
    connection: Connection, dialect: Dialect, dataset: Dataset, fabric: Fabric, *, imported_by: str
) -> int:
    """Write a data version with its layers, cells and graph; return its number."""
    values = {
        "name": plain_text(dataset.name),
        "source": plain_text(dataset.source),
        "imported_by": plain_text(imported_by),
        "attribution": plain_text(dataset.attribution),
        "work_crs": dataset.work_crs.to_string(),
    }
    return write(connection, dialect, values, _frames(dataset, fabric), fabric.graph)


@dataclass(frozen=True)
class TakenOver:
    """A version whose rows are taken over by the one that is made from it.

    Attributes
    ----------
    dataset_id : int
    sources : mapping of str to int64
        Of the layers that differ: row that each row of the new version had; -1 where it is new.
    differs : mapping of str to bool
        Of the same: whether a row is new or has other values.
    moves : bool
        Whether it is deleted after that, so that its rows can be moved; else they are copied in the database.
    """

    dataset_id: int
    sources: Mapping[str, NDArray[np.int64]]
    differs: Mapping[str, NDArray[np.bool_]]
    moves: bool


def write(
    connection: Connection,
    dialect: Dialect,
    values: dict[str, Any],
    frames: Mapping[str, GeoDataFrame],
    graph: AdjacencyGraph,
    takes_over: TakenOver | None = None,
) -> int:
    """Write the row of a data version, its layers in degrees and its graph; return its number.

    Parameters
    ----------
    takes_over : TakenOver, optional
        The version that this one is made from: rows that did not change are not written again.
    """
    west, south, east, north = frames["areas"].total_bounds.tolist()
    values = {
        **values,
        "imported_at": datetime.now(UTC),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "counts": json.dumps({name: len(frame) for name, frame in frames.items()}),
    }
    dataset_id = int(
        connection.execute(insert(_VERSION).values(**values).returning(_VERSION.c.id)).scalar_one()
    )
    connection.execute(insert(_GRAPH).values(dataset_id=dataset_id, graph=pack_graph(graph)))
    for name, frame in frames.items():
        rows = np.arange(len(frame))
        if takes_over is not None:
            rows = _take_over(connection, dialect, name, takes_over, dataset_id, len(frame))
        _insert_rows(connection, dialect, name, dataset_id, frame, rows)
    return dataset_id


def _insert_rows(
    connection: Connection,
    dialect: Dialect,
    name: str,
    dataset_id: int,
    frame: GeoDataFrame,
    rows: NDArray[np.intp],
) -> None:
    """Write some rows of a layer."""
    table = table_of(LAYERS[name])
    frame = frame if len(rows) == len(frame) else frame.iloc[rows]
    columns = {column: column_values(table, column, frame[column]) for column in layer_columns(LAYERS[name])}
    keys = {"dataset_id": [dataset_id] * len(rows), "ix": rows.tolist()}
    dialect.bulk_insert(connection, table, keys | columns, require_geometry(name, frame))


def _take_over(
    connection: Connection, dialect: Dialect, name: str, taken: TakenOver, dataset_id: int, n_rows: int
) -> NDArray[np.intp]:
    """Take over the rows of a layer that did not change; return those to be written."""
    table = table_of(LAYERS[name])
    every = np.arange(n_rows)
    source, same = taken.sources.get(name, every), ~taken.differs.get(name, np.zeros(n_rows, bool))
    rows = np.flatnonzero(same)
    # Runs of rows that follow each other in both versions.
    breaks = (np.diff(rows) != 1) | (np.diff(source[rows]) != 1)
    starts = np.concatenate([[0], np.flatnonzero(breaks) + 1]) if len(rows) else np.empty(0, np.intp)
    if len(rows) < (1 - _MOSTLY) * n_rows or len(starts) > _MOST_RUNS:
        return np.arange(n_rows)
    ends = np.append(starts[1:], len(rows))[: len(starts)]
    runs = [
        (int(source[rows[start]]), int(source[rows[end - 1]]), int(rows[start] - source[rows[start]]))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    if not taken.moves:
        dialect.copy_rows(connection, table, taken.dataset_id, dataset_id, runs)
        return np.flatnonzero(~same)
    for first, last, shift in runs:
        mine = (table.c.dataset_id == taken.dataset_id) & table.c.ix.between(first, last)
        values = {"dataset_id": dataset_id} | ({"ix": table.c.ix + shift} if shift else {})
        connection.execute(update(table).where(mine).values(values))
    return np.flatnonzero(~same)


def _frames(dataset: Dataset, fabric: Fabric) -> dict[str, GeoDataFrame]:
    """Return every layer in EPSG:4326 with all columns of its table."""
    if len(fabric.building_cell_ix) != len(dataset.buildings):
        raise ParameterError(
            "The fabric was not built from this dataset: it has another number of buildings."
        )
    buildings = dataset.buildings.assign(extra=_extra(dataset.buildings), cell_ix=fabric.building_cell_ix)
    cells = GeoDataFrame(
        {
            "area_ix": fabric.boundary_ix,
            "enclosure_ix": fabric.enclosure_ix,
            "households": fabric.households,
            "population": np.nan_to_num(fabric.population),
        },
        geometry=GeoSeries(fabric.cells, crs=dataset.work_crs),
    )
    given = {
        "areas": dataset.boundary,
        "buildings": buildings,
        "streets": dataset.streets,
        "barriers": dataset.barriers,
        "facilities": dataset.facilities,
        "water": dataset.water,
        "green": dataset.green,
        "cells": cells,
    }
    return {name: _in_degrees(frame, layer_columns(LAYERS[name])) for name, frame in given.items()}


def _in_degrees(frame: GeoDataFrame, columns: tuple[str, ...]) -> GeoDataFrame:
    placed = frame.to_crs(WGS84) if frame.crs is not None else frame.set_crs(WGS84)
    data = {name: placed[name] if name in placed else [None] * len(placed) for name in columns}
    return GeoDataFrame(data, geometry=placed.geometry, index=placed.index)


def _extra(buildings: GeoDataFrame) -> list[str | None]:
    """Return the columns that have no place of their own as one JSON text a row."""
    known = {*layer_columns(LAYERS["buildings"]), buildings.geometry.name}
    others = [name for name in buildings.columns if name not in known]
    if not others:
        return [None] * len(buildings)
    table = buildings[others].astype(object).where(buildings[others].notna(), None)
    write = json.JSONEncoder(ensure_ascii=False, default=str).encode
    return [write(dict(zip(others, row, strict=True))) for row in table.to_numpy().tolist()]


def require(connection: Connection, dataset_id: int) -> None:
    """Fail where there is no such data version.

    Raises
    ------
    NotFoundError
        Where there is none.
    """
    query = select(_VERSION.c.id).where(_VERSION.c.id == dataset_id)
    if not 0 < dataset_id < 2**63 or connection.execute(query).first() is None:
        raise NotFoundError(
            f"There is no data version {dataset_id}: `wangge plans` lists what is there.", id=dataset_id
        )


def get(connection: Connection, dataset_id: int) -> DatasetRecord:
    """Return one data version."""
    require(connection, dataset_id)
    return _record(connection.execute(select(_VERSION).where(_VERSION.c.id == dataset_id)).one())


def list_all(connection: Connection, *, limit: int, offset: int) -> list[DatasetRecord]:
    """Return a page of the data versions, the newest first."""
    query = page(select(_VERSION).order_by(_VERSION.c.id.desc()), limit, offset)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> DatasetRecord:
    return DatasetRecord(
        id=row.id,
        name=row.name,
        source=row.source,
        imported_at=row.imported_at,
        attribution=row.attribution,
        work_crs=row.work_crs,
        bbox=(row.west, row.south, row.east, row.north),
        counts=json.loads(row.counts),
        imported_by=row.imported_by,
        derived_from=row.derived_from,
    )


def _layer_model(layer: str) -> Any:
    model = LAYERS.get(layer)
    if model is None:
        raise NotFoundError(f"There is no layer {layer!r}: the layers are {', '.join(LAYERS)}.", layer=layer)
    return model


def layer(
    connection: Connection,
    dialect: Dialect,
    dataset_id: int,
    name: str,
    *,
    bbox: BBox | None,
    limit: int | None,
    offset: int,
) -> GeoDataFrame:
    """Return a page of a layer in its own order."""
    model, shape = _layer_model(name), query_shape(bbox)
    require(connection, dataset_id)
    table = table_of(model)
    query = by_ix(table, dataset_id)
    if shape is not None:
        query = query.where(dialect.intersects(table, shape))
    columns = {column: table.c[column] for column in layer_columns(model)}
    if name == "cells":
        columns = {"cell_ix": table.c.ix, **columns}
    query = page(query, limit, offset)
    return read_frame(connection, dialect, query, columns=columns, geometry=table.c.geom, index=table.c.ix)


def layer_count(
    connection: Connection, dialect: Dialect, dataset_id: int, name: str, *, bbox: BBox | None
) -> int:
    """Return how many rows of a layer there are, or touch a box."""
    model, shape = _layer_model(name), query_shape(bbox)
    require(connection, dataset_id)
    table = table_of(model)
    query = select(func.count()).select_from(table).where(table.c.dataset_id == dataset_id)
    if shape is not None:
        query = query.where(dialect.intersects(table, shape))
    return int(connection.execute(query).scalar_one())


def graph(connection: Connection, dataset_id: int) -> AdjacencyGraph:
    """Return the adjacency graph of a data version."""
    require(connection, dataset_id)
    return unpack_graph(
        bytes(
            connection.execute(select(_GRAPH.c.graph).where(_GRAPH.c.dataset_id == dataset_id)).scalar_one()
        )
    )


def delete_version(connection: Connection, dialect: Dialect, dataset_id: int) -> None:
    """Delete a data version that no plan stands on.

    Raises
    ------
    ConflictError
        Where a plan was made on it.
    """
    require(connection, dataset_id)
    plans = connection.execute(select(Plan.id).where(Plan.dataset_id == dataset_id)).scalars().all()
    if plans:
        raise ConflictError(
            f"Data version {dataset_id} is in use: delete plan {', '.join(map(str, plans))} first.",
            plans=plans,
        )
    for model in LAYERS.values():
        table = table_of(model)
        connection.execute(delete(table).where(table.c.dataset_id == dataset_id))
        dialect.refresh_extent(connection, table)
    connection.execute(delete(_VERSION).where(_VERSION.c.id == dataset_id))
