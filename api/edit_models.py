"""What goes over the wire where plans are edited: one model a shape, beside those of `models`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, field_validator, model_validator

from api.models import Model

__all__ = [
    "BeginBody",
    "BranchBody",
    "Checks",
    "Comparison",
    "EditAnswer",
    "EditBody",
    "EditRow",
    "JobRow",
    "JobStarted",
    "PlanState",
    "PublishBody",
    "RebalanceBody",
    "RenameBody",
    "RestoreAnswer",
    "RestoreBody",
    "SolveBody",
    "SuggestBody",
    "Suggestion",
]

Whole = Annotated[int, Strict()]
PlanState_ = Literal["draft", "published", "superseded"]
CheckKind = Literal["unassigned", "in_pieces", "out_of_bounds", "unnamed", "without_staff"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Key = Annotated[
    str | None,
    Field(
        min_length=1, max_length=64, description="Made by the client; the same again is not applied twice."
    ),
]


class ChangeBody(Model):
    """An attribute that an edit sets; null takes it away."""

    path: str = Field(max_length=200, examples=["grid/12/name"])
    value: Any = None


class EditBody(Model):
    """Cells with their new grids, and attributes."""

    key: Key = None
    kind: str = Field(pattern=r"^[a-z][a-z_-]{0,39}$", examples=["paint"])
    cells: list[Whole] = Field([], description="cell_ix, each once.")
    grids: list[Whole] | None = Field(None, description="grid_ix of each cell; -1: none.")
    grid: Whole | None = Field(None, description="One grid for all cells, in place of `grids`.")
    changes: list[ChangeBody] = Field([], max_length=100_000)
    undoes: Annotated[int | None, Field(ge=0, description="Revision that this edit takes back.")] = None

    @model_validator(mode="after")
    def _one_way(self) -> EditBody:
        if self.grids is not None and self.grid is not None:
            raise ValueError("give either grids or grid")
        if self.cells and self.grids is None and self.grid is None:
            raise ValueError("cells need grids, or grid")
        return self

    def grid_of_each(self) -> list[int]:
        """Give the new grid of each cell."""
        if self.grids is not None:
            return self.grids
        return [] if self.grid is None else [self.grid] * len(self.cells)


class Figures(Model):
    """What a grid holds."""

    n_cells: int
    households: int
    population: float
    area_m2: float
    perimeter_m: float
    polsby_popper: float | None
    deviation: float | None


class EditAnswer(Model):
    """An edit that was applied."""

    revision: int
    at: datetime
    who: str
    repeated: bool = Field(description="The key was known: it had been applied before.")
    grids: dict[int, Figures] = Field(description="Figures of the grids that it touched, by grid_ix.")


class RestoreAnswer(EditAnswer):
    """A return to an earlier revision."""

    base: Literal["same", "restored", "kept"] = Field(
        description="Whether base data changed since, and were restored too or kept as they are."
    )


class ChangeRow(Model):
    """An attribute that was set, with its value before."""

    path: str
    value: Any
    before: Any


class EditRow(Model):
    """An edit in the log."""

    revision: int
    at: datetime
    who: str
    kind: str
    key: str | None
    n_cells: int
    undoes: int | None
    undone_by: int | None
    changes: list[ChangeRow]
    cells: list[int] | None = Field(None, description="Only where cells were asked for.")
    grids: list[int] | None = Field(None, description="grid_ix of each cell after the edit.")
    before: list[int] | None = Field(None, description="grid_ix of each cell before it.")


class GridState(Model):
    """What a planner gave a grid."""

    grid_ix: int
    code: str
    first_code: str = Field(description="Code that it was made with, before any change of it.")
    boundary_code: str | None
    name: str | None
    colour: int | None
    locked: bool
    staff: list[dict[str, Any]]
    retired: bool


class PlanState(Model):
    """The attributes of a plan, all of one revision."""

    plan: int
    revision: int
    state: PlanState_
    grids: list[GridState]
    locked_cells: list[int]
    locked_borders: list[tuple[int, int]]
    notes: list[dict[str, Any]]


class RestoreBody(Model):
    """Where to return to."""

    revision: int = Field(ge=0)
    key: Key = None


class BeginBody(Model):
    """A draft without grids."""

    name: Name
    bounds: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = Field(
        None, description="Fewest and most households of a grid; None: 300 to 500."
    )

    @field_validator("bounds")
    @classmethod
    def _with_room(cls, bounds: tuple[int, int] | None) -> tuple[int, int] | None:
        if bounds is not None and bounds[0] > bounds[1]:
            raise ValueError("bounds is [least, most]")
        return bounds


class BranchBody(Model):
    """A draft of a plan."""

    from_: int = Field(alias="from", ge=1, le=2**31 - 1, description="Any plan.")
    name: Name


class RenameBody(Model):
    """Another name."""

    name: Name


class CheckRow(Model):
    """One thing that is open."""

    kind: CheckKind
    grid_ix: int | None
    grid_code: str | None
    cells: list[int]
    message: str


class Checks(Model):
    """What is open before a plan can be published."""

    revision: int
    items: list[CheckRow]
    publishable: bool


class PublishBody(Model):
    """From when a plan holds, and what may stay open."""

    valid_from: str | None = Field(
        None,
        max_length=40,
        description="A day begins at midnight where the server is; a time has an offset; null: now.",
        examples=["2026-12-01"],
    )
    except_: list[Literal["out_of_bounds", "unnamed", "without_staff"]] = Field([], alias="except")


class MovedBuilding(Model):
    """A building that changes hands."""

    id: str
    name: str | None
    address: str | None
    households: int
    from_: str | None = Field(alias="from")
    to: str | None
    lon: float = Field(description="A point inside it, as it is in the other plan.")
    lat: float
    cell_from: int = Field(description="Its cell in this plan.")
    cell_to: int = Field(description="Its cell in the other plan.")


class MovedPair(Model):
    """Households that go from one grid to another."""

    from_: str | None = Field(alias="from")
    to: str | None
    households: int
    buildings: int


class Comparison(Model):
    """What changes from one plan to another."""

    households_moved: int
    people_moved: float | None
    buildings: list[MovedBuilding]
    pairs: list[MovedPair]


class SuggestBody(Model):
    """A grid that is to be mended."""

    grid: int = Field(ge=0)


class Suggestion(Model):
    """Cells that would mend a grid; it counts once it is sent as an edit."""

    revision: int
    cells: list[int]
    grids: list[int]
    moved: float
    in_pieces: list[int] = Field(description="Grids that stay in pieces.")


class FurtherBound(Model):
    """One more sum of every grid that must stay inside bounds."""

    weight: str = Field(min_length=1, max_length=500, description="Column of buildings or formula.")
    min: float | None = Field(None, ge=0)
    max: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def room(self) -> FurtherBound:
        """Refuse bounds that say nothing or leave no room."""
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class Asked(Model):
    """What can be asked of a proposal beside its number of grids."""

    min: float | None = Field(None, ge=0, description="None: as the plan was made.")
    max: float | None = Field(None, gt=0)
    locks: bool = Field(True, description="Whether locks of the plan hold.")
    weight: str | None = Field(
        None, max_length=500, description="Column of buildings or formula; None: households."
    )
    further: list[FurtherBound] = Field([], max_length=10, description="Further sums of every grid.")
    barriers: Literal["cost", "cut"] = "cost"
    pieces: Literal["alone", "nearest", "crossings"] = "alone"
    max_walk: float | None = Field(None, gt=0, le=1_000_000, description="Metres on foot inside a grid.")


class RebalanceBody(Asked):
    """What is to be rebalanced: grids, the grids of cells, or all."""

    grids: list[Whole] | None = None
    cells: list[Whole] | None = None
    max_moved: int | None = Field(None, ge=0, description="Most households that may change grid.")


class SolveBody(Asked):
    """What is to be cut anew."""

    boundary: str | None = Field(None, max_length=200, description="Code; None: each boundary polygon.")
    grids: (
        Annotated[int, Field(ge=1)] | tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None
    ) = Field(None, description="How many, locked ones included, or [least, most]; None: as many as fit.")
    objective: Literal["plan", "street", "border", "balance"] = "plan"

    @model_validator(mode="after")
    def numbers(self) -> SolveBody:
        """Refuse a range without room."""
        if isinstance(self.grids, tuple) and self.grids[0] > self.grids[1]:
            raise ValueError("grids is [least, most]")
        return self


class JobStarted(Model):
    """A job that began."""

    job: str


class JobRow(Model):
    """How far a job is, and what came of it."""

    job: str
    plan: int
    kind: Literal["rebalance", "solve"]
    revision: int = Field(description="Revision of the plan that it was begun on.")
    state: Literal["running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    started_at: datetime
    ended_at: datetime | None
    error: str | None
    code: str | None
    result: dict[str, Any] | None = Field(None, description="The proposal (docs/http.md), where it is done.")
