"""Layers of the store as pages of GeoJSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from api.views import clean, feature_json
from gis_core.errors import NotFoundError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.store import Store

__all__ = ["frame_rows", "in_force_page", "layer_page"]

#: Columns that hold JSON text; the wire has them as objects.
_JSON_COLUMNS = frozenset({"extra"})


def layer_page(
    store: Store,
    dataset_id: int,
    layer: str,
    *,
    bbox: tuple[float, float, float, float] | None,
    limit: int,
    offset: int,
) -> bytes:
    """Write one page of a layer, with how many rows match and how many are in it."""
    store.dataset(dataset_id)
    frame = store.layer(dataset_id, layer, bbox=bbox, limit=limit, offset=offset)
    matched = store.layer_count(dataset_id, layer, bbox=bbox)
    head = {"type": "FeatureCollection", "numberMatched": matched, "numberReturned": len(frame)}
    geometry = np.asarray(frame.geometry.array, dtype=object)
    return feature_json(head, range(offset, offset + len(frame)), frame_rows(frame), geometry)


def in_force_page(store: Store, plan_id: int) -> bytes:
    """Write the grids that are in force now where a plan lies; an empty collection where none is.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    """
    store.plan(plan_id)
    head: dict[str, Any] = {"type": "FeatureCollection", "plans": []}
    try:
        frame = store.grids_in_force(plan_id)
    except NotFoundError:
        return feature_json(head, [], [], np.empty(0, dtype=object))
    numbers = frame["plan_id"].unique().tolist()
    head["plans"] = [found.plan.id for found in store.plans_in_force() if found.plan.id in numbers]
    columns = [[clean(value) for value in frame[name]] for name in ("code", "name", "households")]
    rows = [dict(zip(("code", "name", "households"), row, strict=True)) for row in zip(*columns, strict=True)]
    return feature_json(head, range(len(frame)), rows, np.asarray(frame.geometry.array, dtype=object))


def frame_rows(frame: GeoDataFrame) -> list[dict[str, Any]]:
    """Give the columns of a frame, without its geometry, as plain rows."""
    names = [name for name in frame.columns if name != frame.geometry.name]
    columns = [
        [_from_json(value) for value in frame[name]]
        if name in _JSON_COLUMNS
        else [clean(v) for v in frame[name]]
        for name in names
    ]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)] or [{}] * len(
        frame
    )


def _from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value else clean(value)
