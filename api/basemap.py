"""The base map of a data version as typed arrays: what lies under the grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from api.binary import encode, lines_to_ragged, name_table, points_to_units, polygons_to_ragged
from gis_core.model import STREET_CLASSES
from gis_core.publish.labels import building_labels, texts_of

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord

__all__ = ["build_base"]

_AREAL = ("water", "green", "areas", "buildings")
_LINEAR = ("streets", "barriers")


def build_base(store: Store, record: DatasetRecord) -> bytes:
    """Pack the layers that lie under the grids.

    Rows of `buildings` without a footprint (points) keep their place and have no ring. Streets of several
    lines and barriers that are polygons give a row per line.
    """
    frames = {layer: store.layer(record.id, layer) for layer in (*_AREAL, *_LINEAR, "facilities")}
    arrays: dict[str, NDArray[Any]] = {}
    for layer in _AREAL:
        ragged = polygons_to_ragged(_geometry(frames[layer]))
        arrays[f"{layer}_coords"] = ragged.coords
        arrays[f"{layer}_ring_start"] = ragged.ring_start
        arrays[f"{layer}_feature_start"] = ragged.feature_start
    row_of: dict[str, NDArray[np.int64]] = {}
    for layer in _LINEAR:
        lines = lines_to_ragged(_geometry(frames[layer]))
        arrays[f"{layer}_coords"] = lines.coords
        arrays[f"{layer}_line_start"] = lines.line_start
        row_of[layer] = lines.feature_ix
    streets, facilities = frames["streets"], frames["facilities"]
    rank = np.array([STREET_CLASSES.index(name) for name in streets["street_class"]], dtype=np.uint8)
    arrays["streets_rank"] = rank[row_of["streets"]]
    names, (street, building, area, facility, category) = name_table(
        [
            texts_of(streets, "name"),
            building_labels(frames["buildings"]),
            texts_of(frames["areas"], "name"),
            texts_of(facilities, "name"),
            texts_of(facilities, "category"),
        ]
    )
    arrays["streets_name"] = street[row_of["streets"]]
    arrays["buildings_label"] = building
    arrays["areas_name"] = area
    arrays["facilities_coords"] = points_to_units(shapely.centroid(_geometry(facilities)))
    arrays["facilities_name"] = facility
    arrays["facilities_category"] = category
    meta = {
        "dataset": record.id,
        "attribution": record.attribution,
        "names": names,
        "street_classes": list(STREET_CLASSES),
    }
    return encode(meta, arrays)


def _geometry(frame: GeoDataFrame) -> NDArray[np.object_]:
    return np.asarray(frame.geometry.array, dtype=object)
