"""What goes over the wire: one model a shape, the source of openapi.json."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WrapValidator

__all__ = [
    "BulkAnswer",
    "BulkQuery",
    "Candidate",
    "CellDetail",
    "Dataset",
    "ExportProgress",
    "Feature",
    "FeaturePage",
    "ForceCollection",
    "GridCollection",
    "Health",
    "Hit",
    "LocateAnswer",
    "NearFacility",
    "Plan",
    "PlanDetail",
    "Problem",
    "ServiceAreas",
    "Workload",
]

Bbox = Annotated[list[float], Field(min_length=4, max_length=4, examples=[[116.39, 39.91, 116.4, 39.92]])]
Position = Annotated[list[float], Field(min_length=2, max_length=2, examples=[[116.39, 39.91]])]


class Model(BaseModel):
    """Base: unknown members are a fault, so that tests see every member that leaves."""

    model_config = ConfigDict(extra="forbid")


class Fault(Model):
    """One fault of a request."""

    where: str = Field(examples=["query.limit"])
    message: str
    kind: str


class Problem(Model):
    """The body of every error (RFC 9457)."""

    type: str = Field(examples=["urn:wangge:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no plan 7."])
    code: str = Field(examples=["not-found"])
    errors: list[Fault]
    request_id: str | None = Field(
        None, description="Only where the server failed: what to look for in its log."
    )
    revision: int | None = Field(None, description="stale-revision: the revision of now.")
    edits: list[dict[str, Any]] | None = Field(
        None,
        description="stale-revision: the edits since, with cells; empty where there are more than 1,000.",
    )
    grids: list[int] | None = Field(None, description="locked: the grids.")
    cells: list[int] | None = Field(None, description="locked: the cells.")
    borders: list[list[int]] | None = Field(None, description="locked: the borders, as pairs of grids.")
    items: list[dict[str, Any]] | None = Field(None, description="not-publishable: what is open.")
    case: str | None = Field(
        None, description="Which of the sentences of its code this is, where that is told."
    )
    params: dict[str, Any] | None = Field(
        None, description="With `case`: the numbers and names in the sentence."
    )


class Health(Model):
    """The server is up and its store answers."""

    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])
    store: Literal["geopackage", "postgis"]


class Dataset(Model):
    """A data version: one import of the layers of a town."""

    id: int
    name: str
    source: str = Field(description="Name of the file it was read from.")
    imported_at: datetime
    attribution: str = Field(description="Text that must be shown with the data.")
    bbox: Bbox | None
    counts: dict[str, int] = Field(examples=[{"buildings": 2219, "streets": 331}])


class Plan(Model):
    """A plan in a list."""

    id: int
    dataset_id: int
    name: str
    state: Literal["draft", "published", "superseded"]
    revision: int
    created_at: datetime
    n_grids: int
    n_cells: int
    households: int
    bounds: tuple[int, int] = Field(
        description="Fewest and most households of a grid.", examples=[[300, 500]]
    )
    bbox: Bbox | None
    based_on: int | None = Field(description="Plan that it was branched from.")
    valid_from: datetime | None = Field(description="In force from; null: never was.")
    valid_to: datetime | None = Field(description="In force until; null: still is, or never was.")


class Boundary(Model):
    """A boundary polygon (a community, say) and what of the plan lies in it."""

    code: str | None
    name: str | None
    households: int
    n_grids: int


class DatasetBoundary(Model):
    """A boundary polygon of a data version and what lies in it."""

    code: str
    name: str | None
    households: int
    n_cells: int


class PlanDetail(Plan):
    """A plan with its report."""

    report: dict[str, Any]
    attribution: str
    boundaries: list[Boundary]


class GridProperties(Model):
    """A grid and its numbers."""

    code: str
    name: str | None
    boundary_code: str | None
    boundary_name: str | None
    households: int
    population: float | None
    area_m2: float | None
    perimeter_m: float | None
    polsby_popper: float | None
    deviation: float | None = Field(description="Signed fraction against the mean of its boundary polygon.")
    in_bounds: bool
    colour: int = Field(ge=0, le=7, description="Neighbours differ.")
    label: Position | None = Field(description="Where its label stands.")


class Geometry(Model):
    """A GeoJSON geometry."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class GridFeature(Model):
    """A grid as GeoJSON."""

    type: Literal["Feature"]
    id: int
    properties: GridProperties
    geometry: Geometry | None


class GridCollection(Model):
    """All grids of a plan as GeoJSON."""

    type: Literal["FeatureCollection"]
    plan: int
    revision: int
    features: list[GridFeature]


class ForceProperties(Model):
    """A grid in force."""

    code: str
    name: str | None
    households: int


class ForceFeature(Model):
    """A grid in force as GeoJSON."""

    type: Literal["Feature"]
    id: int
    properties: ForceProperties
    geometry: Geometry | None


class ForceCollection(Model):
    """The grids in force where a plan lies, as GeoJSON."""

    type: Literal["FeatureCollection"]
    plans: list[int] = Field(description="Plans that hold there; the last to come into force first.")
    features: list[ForceFeature]


class ExportProgress(Model):
    """How far an export is."""

    done: int = Field(description="Sheets that are drawn.")
    total: int = Field(description="Sheets that there will be; 0: not known yet.")


class Feature(Model):
    """A feature of a layer as GeoJSON."""

    type: Literal["Feature"]
    id: int
    properties: dict[str, Any]
    geometry: Geometry | None


class FeaturePage(Model):
    """A page of a layer as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[Feature]
    numberMatched: int  # noqa: N815 (the name that OGC API Features gives it)
    numberReturned: int  # noqa: N815


class WorkloadColumn(Model):
    """A column of the buildings that can be a weight."""

    name: str
    total: float = Field(description="Sum over the buildings inside the boundary.")
    missing: int = Field(description="Buildings without a number there; they count as 0.")


class Workload(Model):
    """What a formula comes to."""

    formula: str | None
    total: float | None = Field(description="Sum over all cells; None without formula.")
    columns: list[WorkloadColumn]


class Building(Model):
    """A building of a cell."""

    id: str
    name: str | None
    address: str | None
    households: int
    population: float | None
    levels: float | None
    use: str | None
    source_id: str | None = Field(description="The building that it is a part of; null where it is whole.")


class CellDetail(Model):
    """A cell: whose it is, and who lives there."""

    cell_ix: int
    households: int
    area_m2: float | None
    grid: GridProperties | None
    buildings: list[Building]


class Hit(Model):
    """A place that a search found."""

    kind: Literal["grid", "building", "street", "facility"]
    title: str
    detail: str | None
    grid_code: str | None
    cell_ix: int | None
    lon: float | None
    lat: float | None
    bbox: Bbox | None


class Candidate(Model):
    """A grid that a circle of uncertainty touches."""

    code: str
    share: float = Field(ge=0, le=1, description="Part of the circle inside the grid.")


class Located(Model):
    """Where one point is."""

    status: Literal["inside", "on_border", "outside", "no_position"] = Field(
        description="no_position, only in the answer to many points: no place in its coordinate system."
    )
    grid_code: str | None = Field(description="None outside of all grids.")
    border_m: float | None = Field(
        description="Metres to the border of the grid, or to the nearest grid from outside."
    )
    nearest_code: str | None = Field(description="The nearest grid of a point outside; else the grid itself.")
    lon: float | None = Field(description="In WGS 84.")
    lat: float | None
    plan: int | None = Field(
        description="The plan that the grid is of; None outside, in the answer to many points."
    )
    candidates: list[Candidate] | None = Field(
        None, description="Only where a radius was given; largest share first."
    )


class NearFacility(Model):
    """A facility near a place."""

    id: str | None
    name: str | None
    category: str | None
    lon: float
    lat: float
    road_m: float | None = Field(description="Metres on foot; None where no street joins the two.")
    minutes: float | None = Field(description="On foot, at 4.8 km/h.")
    air_m: float


class Deputy(Model):
    """Who stands in for somebody."""

    name: str
    phone: str | None


class StaffNear(Model):
    """Somebody who can be sent."""

    grid_code: str = Field(description="Grid that the person works in.")
    metres: float = Field(description="From the place to that grid; 0 in it.")
    name: str
    role: str | None
    phone: str | None
    hours: str | None = Field(description="As they were written.")
    duty: Literal["on", "unsaid"] = Field(description="unsaid: no hours are given, or they cannot be read.")
    until: str | None = Field(description="When the duty ends.")
    stands_in_for: str | None = Field(description="Who is not on duty, where the person is the deputy.")
    deputy: Deputy | None = Field(description="Who stands in for this person.")


class Reached(Model):
    """How much is reached within each number of minutes."""

    cells: list[int]
    households: list[int]
    population: list[float]


class ServiceFacility(Reached):
    """A facility and what it covers: the cells that no other of its category is nearer to."""

    facility: int = Field(description="Row in the layer of facilities.")
    id: str | None
    name: str | None
    category: str | None
    lon: float
    lat: float


class ServiceAreas(Model):
    """What the facilities of one category cover, on foot along streets."""

    plan: int
    category: str
    minutes: list[float]
    facilities: list[ServiceFacility]
    beyond: Reached = Field(
        description="What lies beyond the last number of minutes, or where no street leads."
    )
    facility: list[int] = Field(description="Nearest facility of each cell, by cell_ix; -1: none.")
    metres: list[int] = Field(description="Metres to it on foot; -1: none.")


class LocateAnswer(Located):
    """Where one point is, with the cell and the grid."""

    plan: int = Field(description="The plan that the grid is of; outside the one that was asked.")
    crs: str
    cell_ix: int | None
    grid: GridProperties | None
    near: list[NearFacility] | None = Field(
        None, description="Only where `near` was given: by category, the nearest on foot first."
    )
    staff: list[StaffNear] | None = Field(
        None, description="Only where `staff` was given: who is on duty, the nearest grid first."
    )


class GridAnswer(Model):
    """Whose grid one point is in, by which plan, and until when that holds."""

    grid_code: str | None
    grid_ix: int | None
    name: str | None
    plan: int = Field(description="The plan that the grid is of.")
    revision: int
    valid_from: str | None = Field(
        description="Since when the plan is in force; null for one that never was."
    )
    valid_to: str | None = Field(description="Until when; null where no end is known.")
    status: Literal["inside", "on_border", "outside"]
    border_m: float
    nearest_code: str
    lon: float
    lat: float
    crs: str
    candidates: list[Candidate] | None = Field(None, description="Only where a radius was given.")
    border: dict[str, Any] | None = Field(None, description="GeoJSON geometry of the grid, where asked for.")


class Place(Model):
    """One way to read pasted coordinates."""

    lon: float = Field(description="In WGS 84.")
    lat: float
    x: float = Field(description="As it was read, in `crs`.")
    y: float
    crs: str
    crs_stated: bool = Field(description="Whether the text itself names the system.")
    order: Literal["lon-lat", "lat-lon"] = Field(description="How they stood in the text.")
    form: Literal["decimal", "dms", "wkt", "geojson", "link", "pluscode"]


class CaseNear(Model):
    """An open case around a place."""

    id: int
    metres: float
    score: float | None = Field(
        description="How likely a case reported here now repeats it, 0.5 to 1; None: it does not."
    )
    category: str
    state: str
    unit: str | None
    grid_code: str | None
    words: str
    lon: float
    lat: float
    reported_at: datetime


def _as_array(value: Any, check: Callable[[Any], Any]) -> Any:
    """Read pairs of numbers at once; whatever else it is, the slow check reads it or says what is wrong."""
    import numpy as np

    if not isinstance(value, list):
        return check(value)
    try:
        pairs = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        return check(value)
    return pairs if pairs.ndim == 2 and pairs.shape[1] == 2 and np.isfinite(pairs).all() else check(value)


class BulkQuery(Model):
    """Many points at once."""

    points: Annotated[list[Position], WrapValidator(_as_array)] = Field(
        description="x, y each: longitude, latitude, or metres of a projected system."
    )
    crs: str = Field("wgs84", examples=["wgs84", "gcj02", "bd09", "EPSG:4490"])
    plan: int | None = Field(None, description="None: what is in force, else the newest plan.")
    at: str | None = Field(
        None, max_length=40, description="A day, or a time with its offset: what was in force then."
    )
    radius: float | None = Field(None, ge=0, le=10_000, description="Accuracy of every point in metres.")


class BulkAnswer(Model):
    """Where many points are, in their order."""

    plan: int
    crs: str
    results: list[Located]
