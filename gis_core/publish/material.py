"""What is printed of a plan, from a file or a store: grids with their figures, and the ground that they lie on.

All frames are in one projected system. The room knows no store: `stored_material` takes whatever answers like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_core.errors import ConflictError, DatasetError, NotFoundError, known_or_near, some_of
from gis_core.model import Fault
from gis_core.publish.fonts import clean_text
from gis_core.publish.labels import building_labels, colour_grids, place_names
from gis_core.publish.words import Language, language_of

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from gis_core.model import Dataset
    from gis_core.plan.file import PlanFile

__all__ = ["GridFacts", "Material", "Staff", "file_material", "stored_material"]

State = Literal["draft", "published", "superseded", "file"]
#: Codes of up to so many characters are written whole on maps of the whole area.
_SHORT_CODE = 6
_BACKDROP = ("areas", "streets", "barriers", "facilities", "water", "green")


@dataclass(frozen=True, slots=True)
class Staff:
    """One person of a grid; empty texts where unknown.

    Attributes
    ----------
    deputy : str
        Name of whoever stands in for this person.
    stands_in : bool
        Whether this person is only a deputy.
    """

    role: str = ""
    name: str = ""
    phone: str = ""
    hours: str = ""
    deputy: str = ""
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class GridFacts:
    """The figures of a grid, as a sheet shows them.

    Attributes
    ----------
    code, short, name, community : str
        Its code; a long code without that of its boundary polygon; its name and its polygon's, empty where unknown.
    boundary_code : str
        Code of its boundary polygon.
    households, buildings : int
    people, area_m2, deviation : float or None
        None where unknown; `deviation` is a signed fraction of the mean of its boundary polygon.
    colour : int
        0 to 7.
    staff : tuple of Staff
    """

    code: str
    short: str
    name: str
    community: str
    boundary_code: str
    households: int
    buildings: int
    people: float | None
    area_m2: float | None
    deviation: float | None
    colour: int
    staff: tuple[Staff, ...]


@dataclass(frozen=True)
class Material:
    """A plan ready to be drawn.

    Attributes
    ----------
    title : str
        Name of the plan.
    state : {"draft", "published", "superseded", "file"}
    revision : int or None
        None for a file.
    valid_from, valid_to : datetime or None
        Time in force.
    bounds : tuple of float or None
        Least and most households; None where the plan balances something else.
    estimated : bool
        Whether households are estimates.
    attribution : str
    crs : Any
        Projected system of all shapes.
    grids : tuple of GridFacts
        By code.
    shapes : object, shape (n_grids,)
        Their polygons.
    layers : dict of str to GeoDataFrame
        `areas streets barriers facilities water green` as far as known, and `buildings` with `label`, `place`,
        `grid_ix` (position in `grids`, -1 none).
    unassigned : tuple of int
        Cells in no grid, and households in them.
    has_ground : bool
        Whether streets and names were there to draw.
    faults : tuple of Fault
        What is not drawn, and why.
    """

    title: str
    state: State
    revision: int | None
    valid_from: datetime | None
    valid_to: datetime | None
    bounds: tuple[float, float] | None
    estimated: bool
    attribution: str
    crs: Any
    grids: tuple[GridFacts, ...]
    shapes: NDArray[np.object_]
    layers: dict[str, GeoDataFrame]
    unassigned: tuple[int, int]
    has_ground: bool
    faults: tuple[Fault, ...] = field(default=())

    def language(self) -> Language:
        """Return the language of its names."""
        streets = self.layers["streets"]["name"].dropna().unique() if "streets" in self.layers else ()
        names = [each for grid in self.grids for each in (grid.name, grid.community) if each]
        return language_of([*(str(each) for each in streets), *names, self.title])

    def places_of(self, codes: Sequence[str]) -> list[int]:
        """Return the positions of grids by their codes; all where none is named.

        Raises
        ------
        NotFoundError
            Where the plan has no grid of a code.
        """
        place = {grid.code: ix for ix, grid in enumerate(self.grids)}
        for code in codes:
            if code not in place:
                raise NotFoundError(
                    f"The plan has no grid {code}; {known_or_near(code, list(place))}.", code=code
                )
        return sorted({place[code] for code in codes}) if codes else list(range(len(self.grids)))


class _StoreLike(Protocol):
    """What is asked of a store."""

    def plan(self, plan_id: int) -> Any: ...
    def plan_file(self, plan_id: int) -> PlanFile: ...
    def plan_state(self, plan_id: int) -> Any: ...
    def dataset(self, dataset_id: int) -> Any: ...
    def layer(self, dataset_id: int, layer: str) -> GeoDataFrame: ...


def stored_material(store: _StoreLike, plan_id: int) -> Material:
    """Read a plan of a store and the data version that it was made on.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    DatasetError
        Where it has no grids.
    ConflictError
        Where the plan changed three times while it was read.
    """
    for _ in range(3):
        record = store.plan(plan_id)
        version = store.dataset(record.dataset_id)
        plan, (colours, staff) = store.plan_file(plan_id), _attributes(store, plan_id)
        if store.plan(plan_id).revision == record.revision:
            break
    else:
        raise ConflictError(
            f"Plan {plan_id} is being changed faster than it can be read; try again.", plan=plan_id
        )
    frames = {name: store.layer(record.dataset_id, name) for name in (*_BACKDROP, "buildings")}
    return _material(
        plan,
        frames,
        state=record.state,
        record=record,
        crs=version.work_crs,
        attribution=version.attribution,
        colours=colours,
        staff=staff,
    )


def file_material(plan: PlanFile, dataset: Dataset | None = None) -> Material:
    """Take a plan file, with its dataset where it is at hand.

    Raises
    ------
    DatasetError
        Where the plan has no grids, or the dataset lies elsewhere.
    """
    if dataset is None:
        crs = plan.grids.estimate_utm_crs() if len(plan.grids) else None
        return _material(plan, {}, state="file", record=None, crs=crs, attribution="", colours={}, staff={})
    frames = {name: getattr(dataset, name) for name in _BACKDROP if name != "areas"}
    frames |= {"areas": dataset.boundary, "buildings": dataset.buildings}
    if len(plan.grids) and len(frames["areas"]):
        here = shapely.box(*plan.grids.to_crs(dataset.work_crs).total_bounds)
        if not here.intersects(shapely.box(*frames["areas"].total_bounds)):
            raise DatasetError(
                f"{dataset.source} lies elsewhere than the plan {plan.name}; name the dataset that it was made from."
            )
    return _material(
        plan,
        frames,
        state="file",
        record=None,
        crs=dataset.work_crs,
        attribution=dataset.attribution,
        colours={},
        staff={},
    )


def _attributes(store: _StoreLike, plan_id: int) -> tuple[dict[str, int], dict[str, tuple[Staff, ...]]]:
    """Return the colours and the staff that planners gave to grids, by code."""
    grids = [each for each in store.plan_state(plan_id).grids if not each.retired]
    colours = {each.code: int(each.colour) for each in grids if each.colour is not None}
    return colours, {each.code: tuple(_person(row) for row in each.staff) for each in grids if each.staff}


def _person(row: Mapping[str, Any]) -> Staff:
    texts = {key: clean_text(row.get(key) or "") for key in ("role", "name", "phone", "hours")}
    deputy = row.get("deputy")
    return Staff(
        **texts, deputy=clean_text(deputy) if isinstance(deputy, str) else "", stands_in=deputy is True
    )


def _material(
    plan: PlanFile,
    frames: dict[str, GeoDataFrame],
    *,
    state: State,
    record: Any,
    crs: Any,
    attribution: str,
    colours: Mapping[str, int],
    staff: Mapping[str, tuple[Staff, ...]],
) -> Material:
    if len(plan.grids) == 0:
        raise DatasetError(f"The plan {plan.name} has no grids to print.")
    grids = plan.grids.to_crs(crs).sort_values("code", ignore_index=True)
    grids, faults = _with_ground(grids, plan.name)
    shapes: NDArray[np.object_] = np.asarray(grids.geometry.array, dtype=object)
    layers = {name: frame.to_crs(crs) for name, frame in frames.items() if len(frame)}
    buildings, lost = _buildings(plan, layers.get("buildings"), crs, [str(code) for code in grids["code"]])
    layers["buildings"] = buildings
    places = buildings["grid_ix"].to_numpy()
    counts = np.bincount(places[places >= 0], minlength=len(grids))
    chosen = {row: colours[str(code)] for row, code in enumerate(grids["code"]) if str(code) in colours}
    known = colour_grids(shapes, chosen).tolist()
    facts = _facts(grids, _community_names(plan, layers), counts, known, staff)
    loose = plan.cells["grid_code"].isna()
    has_counts = "households" in plan.cells
    loose_households = int(plan.cells.loc[loose, "households"].sum()) if has_counts else 0
    weights = plan.report.get("weights") or []
    asked = plan.report.get("bounds") or (None if record is None else record.bounds)
    bounds = asked if not weights or weights[0]["name"] == "households" else None
    return Material(
        title=clean_text(plan.name),
        state=state,
        revision=None if record is None else record.revision,
        valid_from=None if record is None else record.valid_from,
        valid_to=None if record is None else record.valid_to,
        bounds=None if not bounds else (float(bounds[0]), float(bounds[1])),
        estimated=bool(plan.report.get("households_estimated")),
        attribution=clean_text(attribution or plan.report.get("attribution") or ""),
        crs=grids.crs,
        grids=facts,
        shapes=shapes,
        layers=layers,
        unassigned=(int(loose.sum()), loose_households),
        has_ground=bool(frames),
        faults=(*faults, *lost),
    )  # fmt: skip


def _with_ground(grids: GeoDataFrame, name: str) -> tuple[GeoDataFrame, tuple[Fault, ...]]:
    """Leave out grids that planners made and gave no cells yet."""
    shapes = grids.geometry.array
    bare = (shapes.is_empty | shapes.isna()).astype(bool)
    if not bare.any():
        return grids, ()
    if bare.all():
        raise DatasetError(f"No grid of the plan {name} has cells; there is nothing to print.")
    codes = [str(code) for code in grids["code"][bare]]
    fault = Fault(
        "grid-without-cells",
        "grids",
        f"without cells and so without a sheet: {some_of(codes)}.",
        "Give them cells, or dissolve them.",
        "note",
        count=len(codes),
    )
    return grids[~bare].reset_index(drop=True), (fault,)


def _community_names(plan: PlanFile, layers: Mapping[str, GeoDataFrame]) -> dict[str, str]:
    """Return the names of the boundary polygons by code: from the layer, else from the report."""
    rows = [(row["code"], row["name"]) for row in plan.report.get("per_boundary") or []]
    if "areas" in layers:
        rows += list(zip(layers["areas"]["code"], layers["areas"]["name"], strict=True))
    return {str(code): clean_text(name) for code, name in rows if isinstance(name, str)}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _facts(
    grids: GeoDataFrame,
    communities: Mapping[str, str],
    counts: NDArray[np.int64],
    colours: Sequence[int],
    staff: Mapping[str, tuple[Staff, ...]],
) -> tuple[GridFacts, ...]:
    facts = []
    for ix, row in enumerate(grids.drop(columns=grids.geometry.name).to_dict("records")):
        code, boundary = str(row["code"]), row.get("boundary_code")
        boundary = boundary if isinstance(boundary, str) else ""
        rest = code.removeprefix(boundary)
        area = _number(row.get("area_m2"))
        facts.append(
            GridFacts(
                code=code,
                short=code if len(code) <= _SHORT_CODE else rest or code,
                name=clean_text(row["name"]) if isinstance(row.get("name"), str) else "",
                community=communities.get(boundary, ""),
                boundary_code=boundary,
                households=int(row["households"]),
                buildings=int(counts[ix]),
                people=_number(row.get("population")),
                area_m2=float(shapely.area(grids.geometry.iloc[ix])) if area is None else area,
                deviation=_number(row.get("deviation")),
                colour=int(colours[ix]),
                staff=staff.get(code, ()),
            )
        )
    return tuple(facts)


def _buildings(
    plan: PlanFile, source: GeoDataFrame | None, crs: Any, codes: list[str]
) -> tuple[GeoDataFrame, tuple[Fault, ...]]:
    """Return all buildings with the grid of each, and the labels where the source names them."""
    from geopandas import GeoDataFrame

    place = {code: ix for ix, code in enumerate(codes)}
    grid_of = {
        str(key): place.get(str(code), -1)
        for key, code in zip(plan.buildings["id"], plan.buildings["grid_code"], strict=True)
    }
    faults: tuple[Fault, ...] = ()
    if source is None:
        source = plan.buildings.to_crs(crs)
    elif grid_of:
        known = sum(str(key) in grid_of for key in source["id"])
        if known < len(grid_of):
            gone = len(grid_of) - known
            faults = (
                Fault(
                    "buildings-not-drawn",
                    "buildings",
                    f"{gone} of {len(grid_of)} buildings of the plan are not in the dataset and are not drawn.",
                    "Name the dataset that the plan was made from.",
                    "warning",
                    count=gone,
                ),
            )
    frame = GeoDataFrame(
        {
            "label": building_labels(source),
            "place": place_names(source),
            "grid_ix": np.array([grid_of.get(str(key), -1) for key in source["id"]], dtype=np.int64),
        },
        geometry=np.asarray(source.geometry.array, dtype=object),
        crs=crs,
    )
    return frame, faults
