"""Buildings divided by hand: a cut, or the joining of parts, as changes of rows that `apply_changes` knows.

A building `ID` whose ground is cut becomes the rows `ID#1`, `ID#2`, ... with `source_id` in `extra`, each with the
footprint that stands on its ground and the households that the planner says; their sums are those of the building.
`cut` in `extra` of every part holds the lines between them, along which later cuttings of the ground divide it too.
Must not know HTTP or SQL.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from gis_core.errors import known_or_near
from gis_core.fabric.cuts import faces_of, main_faces
from gis_core.plan.base_changes import LONGEST_TEXT, BaseChange, PartWish, refuse

__all__ = [
    "DECIMALS",
    "LINES",
    "SOURCE",
    "CutTown",
    "apportion",
    "cut_changes",
    "expand_cuts",
    "lines_of",
    "not_divided",
    "source_of",
    "with_cut_lines",
]

WGS84 = "EPSG:4326"
#: Keys in `extra` of the parts: the building they come from, and the lines between them (WKT, degrees).
SOURCE, LINES = "source_id", "cut"
#: A footprint of which so little (square metres) stands on the ground of a part is none.
LEAST_FOOTPRINT_M2 = 0.01
#: Drawn lines are straightened by at most this.
STRAIGHT_M = 0.1
#: Digits of degrees that lines are written with: a tenth of a millimetre.
DECIMALS = 9


@dataclass(frozen=True)
class CutTown:
    """What a cut looks up: rows by id and by the building they are parts of, ground, coordinates."""

    buildings: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    row_of: Mapping[str, int]
    extra: Sequence[dict[str, Any]]
    forth: Transformer
    back: Transformer

    @classmethod
    def of(cls, frames: Mapping[str, gpd.GeoDataFrame], work_crs: str) -> CutTown:
        """Prepare the layers `buildings` and `cells`."""
        buildings = frames["buildings"]
        return cls(
            buildings,
            frames["cells"],
            {str(id_): row for row, id_ in enumerate(buildings["id"])},
            [json.loads(text) if isinstance(text, str) and text else {} for text in buildings["extra"]],
            Transformer.from_crs(WGS84, work_crs, always_xy=True),
            Transformer.from_crs(work_crs, WGS84, always_xy=True),
        )

    def metres(self, shape: Any) -> Any:
        """Project shapes from degrees."""
        return shapely.transform(shape, self.forth.transform, interleaved=False)

    def degrees(self, shape: Any) -> Any:
        """Turn projected shapes into degrees."""
        return shapely.transform(shape, self.back.transform, interleaved=False)

    def values(self, row: int) -> dict[str, Any]:
        """Return the columns of a row that have a value, as changes name them."""
        found: dict[str, Any] = {}
        for name in self.buildings.columns.drop([self.buildings.geometry.name, "cell_ix", "extra"]):
            value = self.buildings[name].iloc[row]
            if not pd.isna(value):
                found[str(name)] = value.item() if isinstance(value, np.generic) else value
        if "row" in found:
            found["row"] = int(found["row"])
        return {**found, "extra": dict(self.extra[row])}

    def parts_of(self, source: str) -> list[int]:
        """Return the rows of the parts of a building, by their number."""
        rows = [row for row, extra in enumerate(self.extra) if extra.get(SOURCE) == source]
        return sorted(rows, key=lambda row: _number(str(self.buildings["id"].iloc[row])))

    def geometry(self, row: int) -> Any:
        """Return the footprint of a row, projected."""
        return self.metres(self.buildings.geometry.iloc[row])


def expand_cuts(
    frames: Mapping[str, gpd.GeoDataFrame], work_crs: str, changes: Sequence[BaseChange]
) -> Sequence[BaseChange]:
    """Put the changes of rows in the place of cuts and joins.

    Parameters
    ----------
    frames : mapping of str to GeoDataFrame
        Every layer as the store gives it, with the cells.
    work_crs : str
    changes : sequence of BaseChange

    Raises
    ------
    EditError
        Where a building is not there, cannot be cut so, or the parts do not add up.
    """
    if not any(change.op in ("cut", "join") for change in changes):
        return changes
    town = CutTown.of(frames, work_crs)
    result: list[BaseChange] = []
    sources: set[str] = set()
    for change in changes:
        if change.op not in ("cut", "join"):
            result.append(change)
            continue
        found = cut_changes(town, change, sources) if change.op == "cut" else _join(town, change, sources)
        result += found
    return result


def _number(id_: str) -> int:
    tail = id_.rpartition("#")[2]
    return int(tail) if tail.isdecimal() else 0


def _once(change: BaseChange, source: str, sources: set[str]) -> None:
    if source in sources:
        raise refuse(
            change.at, f"building {source} is cut or joined by a change before it; send one at a time."
        )
    sources.add(source)


def cut_changes(town: CutTown, change: BaseChange, sources: set[str]) -> list[BaseChange]:
    """Return the changes that divide a building, or a part of one."""
    assert change.id is not None
    row = town.row_of.get(change.id)
    if row is None:
        known = known_or_near(change.id, list(town.row_of))
        raise refuse(change.at, f"there is no building {change.id[:80]!r} ({known}).")
    source = str(town.extra[row].get(SOURCE, change.id))
    _once(change, source, sources)
    cell = int(town.buildings["cell_ix"].iloc[row])
    if cell < 0:
        raise refuse(change.at, f"building {change.id} lies outside every boundary polygon.")
    ground = town.metres(town.cells.geometry.iloc[cell])
    line = shapely.simplify(town.metres(change.geometry), STRAIGHT_M)
    faces = main_faces(faces_of(ground, line))
    if len(faces) < 2:
        raise refuse(
            change.at,
            f"the line does not divide the ground of building {change.id}: draw it from one side to the other.",
        )
    faces, wishes = _matched(town, change, faces)
    parts = _footprints(town.geometry(row), faces)
    if shapely.get_dimensions(town.geometry(row)) == 0:
        # The part that keeps the point comes first, so that joining gives it back.
        first = int(np.argmin(shapely.distance(faces, town.geometry(row))))
        order = [first, *(k for k in range(len(faces)) if k != first)]
        faces, parts, wishes = faces[order], parts[order], [wishes[k] for k in order]
    siblings = [at for at in town.parts_of(source) if at != row]
    inside = shapely.get_parts(shapely.intersection(line, ground))
    inside = inside[shapely.get_dimensions(inside) == 1]
    lines = shapely.union_all([town.metres(lines_of(town.extra[row])), *inside])
    text = shapely.to_wkt(town.degrees(lines), rounding_precision=DECIMALS)
    if len(text) > LONGEST_TEXT:
        raise refuse(
            change.at, f"the lines through building {source} have too many corners; draw them simpler."
        )
    shares = _shares(town.values(row), wishes, shapely.area(faces), change)
    changes = [BaseChange(change.at, "retire", "buildings", change.id, None, None, {})]
    for id_, part, values in zip(_ids(town, source, change.id, row, len(parts)), parts, shares, strict=True):
        values["extra"] |= {SOURCE: source, LINES: text}
        values["id"] = id_
        changes.append(BaseChange(change.at, "add", "buildings", None, None, town.degrees(part), values))
    return changes + [
        BaseChange(
            change.at,
            "set",
            "buildings",
            str(town.buildings["id"].iloc[at]),
            None,
            None,
            {"extra": {**town.extra[at], LINES: text}},
        )
        for at in siblings
    ]


def _matched(
    town: CutTown, change: BaseChange, faces: NDArray[np.object_]
) -> tuple[NDArray[np.object_], list[PartWish | None]]:
    """Put the pieces of ground in the order of the parts that were asked for, else from west to east."""
    if not change.parts:
        middle = shapely.centroid(faces)
        order = np.lexsort((shapely.get_y(middle), shapely.get_x(middle)))
        return faces[order], [None] * len(faces)
    if len(change.parts) != len(faces):
        raise refuse(
            change.at,
            f"the line divides the ground into {len(faces)} parts; say for each how many households it has "
            f"({len(change.parts)} given).",
        )
    places = np.array([town.metres(part.at) for part in change.parts], dtype=object)
    tree = shapely.STRtree(faces)
    at = tree.nearest(places)
    if len(np.unique(at)) != len(faces) or (shapely.distance(faces[at], places) > 1.0).any():
        raise refuse(
            change.at, "at of each part is a place on its own side of the line, on the building's ground."
        )
    return faces[at], list(change.parts)


def _footprints(footprint: Any, faces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the part of a footprint on each piece of ground; a point where none of it stands there."""
    parts = shapely.point_on_surface(faces)
    if shapely.get_dimensions(footprint) == 0:
        parts[int(np.argmin(shapely.distance(faces, footprint)))] = footprint
        return np.asarray(parts, dtype=object)
    own = [_areal(shape) for shape in shapely.intersection(faces, footprint)]
    for rest in shapely.get_parts(_areal(shapely.difference(footprint, shapely.union_all(faces)))):
        near = int(np.argmin(shapely.distance(faces, rest)))
        own[near] = _areal(shapely.union_all([own[near], rest]))
    for k, shape in enumerate(own):
        if shapely.area(shape) > LEAST_FOOTPRINT_M2:
            parts[k] = shape
    return np.asarray(parts, dtype=object)


def _areal(shape: Any) -> Any:
    """Return the polygons of a shape."""
    parts = shapely.get_parts(shape)
    parts = parts[shapely.get_dimensions(parts) == 2]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _ids(town: CutTown, source: str, id_: str, row: int, n: int) -> list[str]:
    """Name the parts: a part that is cut again keeps its name for the first of them."""
    names = [id_] if town.extra[row].get(SOURCE) is not None else []
    number = 0
    while len(names) < n:
        number += 1
        if f"{source}#{number}" not in town.row_of:
            names.append(f"{source}#{number}")
    return names


def lines_of(extra: Mapping[str, Any]) -> Any:
    """Return the lines between the parts of a building, in degrees; empty where it is whole."""
    text = extra.get(LINES)
    if not isinstance(text, str):
        return shapely.MultiLineString()
    shape = shapely.from_wkt(text, on_invalid="ignore")
    good = shape is not None and not shape.is_empty and shape.geom_type in ("LineString", "MultiLineString")
    return shape if good else shapely.MultiLineString()


def _shares(
    values: Mapping[str, Any],
    wishes: Sequence[PartWish | None],
    area: NDArray[np.float64],
    change: BaseChange,
) -> list[dict[str, Any]]:
    """Share the values of a building out among its parts, as the planner says, else by ground."""
    n, households = len(wishes), int(values["households"])
    asked = [None if wish is None else wish.households for wish in wishes]
    if any(count is None for count in asked):
        if any(count is not None for count in asked):
            raise refuse(change.at, "say the households of every part, or of none.")
        asked = list(apportion(households, area))
    counts = [int(count) for count in asked if count is not None]
    if sum(counts) != households:
        said = " + ".join(f"{count:,}" for count in counts)
        raise refuse(
            change.at,
            f"the parts have {said} = {sum(counts):,} households, building {change.id} has {households:,}: "
            f"give them {households:,} together.",
        )
    base = np.array(counts, dtype=np.float64) if households else area
    people = _people(values.get("population"), wishes, base, change)
    result: list[dict[str, Any]] = []
    extras = {
        name: _divided(value, base)
        for name, value in values["extra"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    for k in range(n):
        extra = {**values["extra"], **{name: shared[k] for name, shared in extras.items()}}
        own = {**values, "households": counts[k], "extra": extra}
        result.append(own if people is None else {**own, "population": people[k]})
    return result


def _people(
    population: float | None,
    wishes: Sequence[PartWish | None],
    base: NDArray[np.float64],
    change: BaseChange,
) -> list[float] | None:
    """Share people out; None where the building has no number of them."""
    asked = [None if wish is None else wish.population for wish in wishes]
    some = [count for count in asked if count is not None]
    if population is None:
        if some:
            raise refuse(change.at, f"building {change.id} has no number of people yet; set that first.")
        return None
    if not some:
        return [float(share) for share in _divided(population, base)]
    if len(some) != len(asked):
        raise refuse(change.at, "say the people of every part, or of none.")
    if abs(sum(some) - population) > 1e-6 * max(1.0, population):
        raise refuse(
            change.at,
            f"the parts have {sum(some):,.10g} people, building {change.id} has {population:,.10g}: "
            f"give them {population:,.10g} together.",
        )
    return some


def _divided(value: float, base: NDArray[np.float64]) -> list[float]:
    """Share a number out; a whole one into whole ones."""
    if float(value).is_integer() and value >= 0:
        return [type(value)(share) for share in apportion(int(value), base)]
    shares = (value * base / base.sum()).tolist()
    return [*shares[:-1], value - math.fsum(shares[:-1])]


def apportion(total: int, base: NDArray[np.float64]) -> list[int]:
    """Share a whole number out in proportion, by largest remainders.

    Examples
    --------
    >>> apportion(10, np.array([1.0, 1.0, 1.0]))
    [4, 3, 3]
    """
    quota = total * base / base.sum() if base.sum() > 0 else np.full(len(base), total / len(base))
    counts = np.floor(quota).astype(np.int64)
    rest = np.lexsort((np.arange(len(base)), -(quota - counts)))[: total - int(counts.sum())]
    counts[rest] += 1
    return [int(count) for count in counts]


def _join(town: CutTown, change: BaseChange, sources: set[str]) -> list[BaseChange]:
    """Return the changes that make one building of its parts again."""
    assert change.id is not None
    row = town.row_of.get(change.id)
    source = change.id if row is None else str(town.extra[row].get(SOURCE, change.id))
    rows = town.parts_of(source)
    if not rows:
        raise refuse(change.at, f"building {change.id[:80]} is not divided.")
    _once(change, source, sources)
    all_values = [town.values(at) for at in rows]
    values = {**all_values[0], "id": source}
    values["households"] = sum(int(each["households"]) for each in all_values)
    people = [each["population"] for each in all_values if "population" in each]
    if people:
        values["population"] = math.fsum(people)
    extra = {name: value for name, value in values["extra"].items() if name not in (SOURCE, LINES)}
    for name, value in extra.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            extra[name] = _sum([each["extra"].get(name) for each in all_values])
    values["extra"] = extra
    shapes = [town.buildings.geometry.iloc[at] for at in rows]
    areal = [shape for shape in shapes if shape.area > 0]
    whole = town.degrees(_joined([town.metres(shape) for shape in areal])) if areal else shapes[0]
    gone = [
        BaseChange(change.at, "retire", "buildings", str(town.buildings["id"].iloc[at]), None, None, {})
        for at in rows
    ]
    return [*gone, BaseChange(change.at, "add", "buildings", None, None, whole, values)]


def _sum(values: Sequence[Any]) -> float:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return sum(numbers) if all(isinstance(value, int) for value in numbers) else math.fsum(numbers)


def _joined(shapes: Sequence[Any]) -> Any:
    """Unite footprints that were cut apart; what rounding left between them is closed."""
    whole = shapely.union_all(np.array(shapes, dtype=object), grid_size=1e-6)
    return shapely.simplify(_areal(whole), 1e-4)


def with_cut_lines(buildings: gpd.GeoDataFrame, work_crs: str) -> gpd.GeoDataFrame:
    """Give divided buildings the columns that the cutting of ground looks at, in projected metres."""
    texts = buildings["extra"].to_numpy(dtype=object, na_value=None)
    rows = [row for row, text in enumerate(texts) if isinstance(text, str) and f'"{SOURCE}"' in text]
    if not rows:
        return buildings
    source, line = np.full(len(texts), None, dtype=object), np.full(len(texts), None, dtype=object)
    forth = Transformer.from_crs(WGS84, work_crs, always_xy=True)
    for row in rows:
        extra = json.loads(texts[row])
        found = lines_of(extra)
        if not found.is_empty:
            source[row] = str(extra[SOURCE])
            line[row] = shapely.transform(found, forth.transform, interleaved=False)
    return buildings.assign(source_id=source, cut_line=line)


def source_of(extra: str | None) -> str | None:
    """Return the building that a row is a part of, from its `extra` as the store keeps it; None where it is whole."""
    if not extra or f'"{SOURCE}"' not in extra:
        return None
    found = json.loads(extra).get(SOURCE)
    return None if found is None else str(found)


def not_divided(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return `extra` of a part that is moved away: it is a building of its own from then on."""
    return {name: value for name, value in extra.items() if name not in (SOURCE, LINES)}
