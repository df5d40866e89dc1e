"""Facilities near a place, and what they cover, on the streets of a data version."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from api.views import clean
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.services import Services
    from api.town import Town
    from gis_core.locate.near import Near, Roads
    from gis_core.store import Store
    from gis_core.store.records import DatasetRecord

__all__ = ["TownRoads", "load_roads", "near_rows", "parse_minutes", "service_areas"]

_ALL = "all"
#: Categories of facilities that help in need, as OpenStreetMap names them, and words of Chinese ones.
_HELP = re.compile(
    "ambulance_station|assembly_point|clinic|community_cent(er|re)|doctors|elderly_care|emergency|fire_station"
    "|hospital|pharmacy|police|service_station|shelter|social_(centre|facility)|townhall",
    re.IGNORECASE,
)
_HELP_WORDS = re.compile("警|派出所|消防|急救|医院|卫生|诊所|药店|避难|居委会|村委会|社区|街道办|物业|养老")
_MOST_MINUTES = 120.0
_MOST_BANDS = 6

Starts = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(eq=False)
class TownRoads:
    """The streets of a data version with its facilities, read once.

    Attributes
    ----------
    roads : Roads
    facilities : list of dict
        `id`, `name`, `category`, `lon`, `lat` of each.
    crs : pyproj.CRS
        Of the metres that `roads` works in.
    """

    roads: Roads
    facilities: list[dict[str, Any]]
    crs: CRS

    def __post_init__(self) -> None:
        self._gate = threading.Lock()
        self._cells: Starts | None = None

    def cells(self, town: Town) -> Starts:
        """Give where the ways from all cells reach the streets, worked out when first asked for."""
        with self._gate:
            if self._cells is None:
                self._cells = self.roads.places(town.graph.x, town.graph.y)
            return self._cells


def load_roads(store: Store, record: DatasetRecord) -> TownRoads:
    """Read streets, barriers, water and facilities of a data version and put them together."""
    import shapely
    from geopandas import GeoDataFrame

    from gis_core.locate.near import build_roads
    from gis_core.model import Dataset

    crs = CRS.from_user_input(record.work_crs)
    degrees = store.layer(record.id, "facilities")
    names = ("streets", "barriers", "water")
    frames = {name: store.layer(record.id, name).to_crs(crs) for name in names}
    empty = GeoDataFrame(geometry=[], crs=crs)
    dataset = Dataset(
        name=record.name,
        source=record.source,
        work_crs=crs,
        source_crs=crs,
        boundary=empty,
        buildings=empty,
        streets=frames["streets"].assign(
            grade_separated=frames["streets"]["grade_separated"].fillna(value=False).astype(bool)
        ),
        barriers=frames["barriers"],
        facilities=degrees.to_crs(crs),
        water=frames["water"],
        green=empty,
    )
    points = shapely.point_on_surface(np.asarray(degrees.geometry.array, dtype=object))
    columns = [[clean(value) for value in degrees[name]] for name in ("id", "name", "category")]
    rows = [
        {"id": id_, "name": name, "category": category, "lon": lon, "lat": lat}
        for id_, name, category, lon, lat in zip(
            *columns, shapely.get_x(points).tolist(), shapely.get_y(points).tolist(), strict=True
        )
    ]
    return TownRoads(build_roads(dataset), rows, crs)


def near_rows(
    services: Services, dataset_id: int, lon: float, lat: float, *, near: str, count: int
) -> list[dict[str, Any]]:
    """Give the nearest facilities of some categories, by road, as the wire has them.

    Parameters
    ----------
    near : str
        Categories, by comma; `all` for each that there is, those that help in need (police, hospitals, staff of the
        community) first, then the nearest.

    Raises
    ------
    NotFoundError
        Where there is no such category.
    """
    record = services.store.dataset(dataset_id)
    town = services.roads(record)
    wanted = [name for part in near.split(",") if (name := part.strip())]
    x, y = Transformer.from_crs(4326, town.crs, always_xy=True).transform(lon, lat)
    if not (math.isfinite(x) and math.isfinite(y)):
        return []
    found = town.roads.nearest(x, y, categories=None if _ALL in wanted else wanted, count=count)
    if _ALL in wanted:
        found = dict(sorted(found.items(), key=lambda item: _urgency(item[0], item[1])))
    return [_row(town, near) for nears in found.values() for near in nears]


def _urgency(category: str, nears: Sequence[Near]) -> tuple[bool, bool, float, float]:
    """Order categories: those that help in need first, then by the way to the nearest."""
    helps = _HELP.fullmatch(category) is not None or _HELP_WORDS.search(category) is not None
    road = nears[0].road_m if nears else None
    return not helps, road is None, road or 0.0, nears[0].air_m if nears else math.inf


def _row(town: TownRoads, near: Near) -> dict[str, Any]:
    minutes = near.minutes
    return {
        **town.facilities[near.facility],
        "road_m": None if near.road_m is None else round(near.road_m, 1),
        "minutes": None if minutes is None else round(minutes, 1),
        "air_m": round(near.air_m, 1),
    }


def parse_minutes(text: str) -> list[float]:
    """Read `5,10,15`.

    Raises
    ------
    ParameterError
        Where it is not one to six ascending numbers of at most 120.
    """
    try:
        minutes = [float(part) for part in text.split(",")]
    except ValueError:
        minutes = []
    ascending = all(a < b for a, b in zip([0.0, *minutes], minutes, strict=False))
    if not minutes or len(minutes) > _MOST_BANDS or not ascending or minutes[-1] > _MOST_MINUTES:
        raise ParameterError(
            f"minutes must be up to {_MOST_BANDS} numbers that grow, such as 5,10,15, at most {_MOST_MINUTES:g}.",
            minutes=text,
        )
    return minutes


def service_areas(
    services: Services, record: DatasetRecord, plan_id: int, category: str, minutes: list[float]
) -> bytes:
    """Say which facility of a category each cell is nearest to by road, and how many households each one reaches."""
    town, roads = services.town(record), services.roads(record)
    roads.roads.require(category)
    area = roads.roads.cover(roads.cells(town), category)
    within = [area.within(limit) for limit in minutes]
    facilities = []
    for facility in roads.roads.require(category).tolist():
        mine = area.facility == facility
        facilities.append(
            {"facility": facility, **roads.facilities[facility], **_sums(town, [mine & w for w in within])}
        )
    metres = np.where(area.facility >= 0, np.round(np.minimum(area.road_m, 1e9)), -1)
    return orjson.dumps(
        {
            "plan": plan_id,
            "category": category,
            "minutes": minutes,
            "facilities": facilities,
            "beyond": _sums(town, [~within[-1]]),
            "facility": area.facility.tolist(),
            "metres": metres.astype(np.int64).tolist(),
        }
    )


def _sums(town: Town, chosen: list[NDArray[np.bool_]]) -> dict[str, list[float]]:
    return {
        "cells": [int(cells.sum()) for cells in chosen],
        "households": [int(town.households[cells].sum()) for cells in chosen],
        "population": [round(float(town.population[cells].sum()), 1) for cells in chosen],
    }
