"""The tables of a store: data versions, their layers, plans, grids and edits.

Every layer row carries `ix`, its 0-based row in the layer of its data version: layers are ordered by it,
cells are named by it. `fid` is only the key that a GeoPackage asks for. The migrations, not this module, make
the tables; a test holds the two together.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Table, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gis_core.store.types import Blob, Flag, Geom, Integer, Real, String, UtcTime

__all__ = [
    "IS_BASE",
    "LAYERS",
    "SPATIAL_TABLES",
    "Area",
    "Barrier",
    "Base",
    "Building",
    "CaseAttachment",
    "CaseRow",
    "CaseStep",
    "Cell",
    "DatasetGraph",
    "DatasetVersion",
    "DispatchRules",
    "Edit",
    "Facility",
    "Green",
    "Grid",
    "GridCode",
    "Plan",
    "PlanArea",
    "PlanAttribute",
    "ServerJob",
    "ServerPresence",
    "Street",
    "Water",
    "Webhook",
    "WebhookDelivery",
    "layer_columns",
    "table_of",
]


class Base(DeclarativeBase):
    """Root of the models."""


class DatasetVersion(Base):
    """One import of a dataset, or a version made of another by changes: as JSON [{at, who, changes}]."""

    __tablename__ = "datasets"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    source: Mapped[str] = mapped_column(String)
    imported_at: Mapped[datetime] = mapped_column(UtcTime)
    imported_by: Mapped[str] = mapped_column(String)
    attribution: Mapped[str] = mapped_column(String)
    work_crs: Mapped[str] = mapped_column(String)
    west: Mapped[float] = mapped_column(Real)
    south: Mapped[float] = mapped_column(Real)
    east: Mapped[float] = mapped_column(Real)
    north: Mapped[float] = mapped_column(Real)
    counts: Mapped[str] = mapped_column(String)
    derived_from: Mapped[int | None] = mapped_column(Integer)
    changes: Mapped[str | None] = mapped_column(String)


class DatasetGraph(Base):
    """The adjacency graph of a data version, apart from its row so that lists stay quick."""

    __tablename__ = "dataset_graphs"
    dataset_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    graph: Mapped[bytes] = mapped_column(Blob)


class _Layer:
    """Columns of every layer of a data version."""

    fid: Mapped[int] = mapped_column(Integer, primary_key=True)
    dataset_id: Mapped[int] = mapped_column(Integer, ForeignKey("datasets.id", ondelete="CASCADE"))
    ix: Mapped[int] = mapped_column(Integer)


def _keys(table: str) -> tuple[object, ...]:
    return (
        Index(f"ux_{table}_ix", "dataset_id", "ix", unique=True),
        {"sqlite_autoincrement": True},
    )


class Area(_Layer, Base):
    """A boundary polygon."""

    __tablename__ = "areas"
    __table_args__ = _keys("areas")
    code: Mapped[str] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    parent: Mapped[str | None] = mapped_column(String)
    row: Mapped[int | None] = mapped_column(Integer)
    geom: Mapped[bytes] = mapped_column(Geom())


class Building(_Layer, Base):
    """A building, or a point with households."""

    __tablename__ = "buildings"
    __table_args__ = (Index("ix_buildings_cell", "dataset_id", "cell_ix"), *_keys("buildings"))
    id: Mapped[str] = mapped_column(String)
    row: Mapped[int | None] = mapped_column(Integer)
    households: Mapped[int] = mapped_column(Integer)
    population: Mapped[float | None] = mapped_column(Real)
    levels: Mapped[float | None] = mapped_column(Real)
    use: Mapped[str | None] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    address: Mapped[str | None] = mapped_column(String)
    compound: Mapped[str | None] = mapped_column(String)
    households_source: Mapped[str | None] = mapped_column(String)
    extra: Mapped[str | None] = mapped_column(String)
    cell_ix: Mapped[int] = mapped_column(Integer)
    geom: Mapped[bytes] = mapped_column(Geom())


class Street(_Layer, Base):
    """A street."""

    __tablename__ = "streets"
    __table_args__ = _keys("streets")
    street_class: Mapped[str] = mapped_column(String)
    rank: Mapped[int] = mapped_column(Integer)
    highway: Mapped[str | None] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    cuts: Mapped[bool] = mapped_column(Flag)
    grade_separated: Mapped[bool | None] = mapped_column(Flag)
    geom: Mapped[bytes] = mapped_column(Geom())


class Barrier(_Layer, Base):
    """A river, railway, wall."""

    __tablename__ = "barriers"
    __table_args__ = _keys("barriers")
    kind: Mapped[str | None] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    cuts: Mapped[bool] = mapped_column(Flag)
    geom: Mapped[bytes] = mapped_column(Geom())


class Facility(_Layer, Base):
    """A place that people are sent to."""

    __tablename__ = "facilities"
    __table_args__ = _keys("facilities")
    id: Mapped[str | None] = mapped_column(String)
    category: Mapped[str | None] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    geom: Mapped[bytes] = mapped_column(Geom())


class Water(_Layer, Base):
    """Water of the base map."""

    __tablename__ = "water"
    __table_args__ = _keys("water")
    name: Mapped[str | None] = mapped_column(String)
    geom: Mapped[bytes] = mapped_column(Geom())


class Green(_Layer, Base):
    """Parks and woods of the base map."""

    __tablename__ = "green"
    __table_args__ = _keys("green")
    name: Mapped[str | None] = mapped_column(String)
    geom: Mapped[bytes] = mapped_column(Geom())


class Cell(_Layer, Base):
    """A cell of the fabric; `ix` is its `cell_ix`."""

    __tablename__ = "cells"
    __table_args__ = _keys("cells")
    area_ix: Mapped[int] = mapped_column(Integer)
    enclosure_ix: Mapped[int] = mapped_column(Integer)
    households: Mapped[int] = mapped_column(Integer)
    population: Mapped[float] = mapped_column(Real)
    geom: Mapped[bytes] = mapped_column(Geom("POLYGON"))


class Plan(Base):
    """A plan: the grid of every cell as one packed array, and what a list shows."""

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_dataset", "dataset_id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    dataset_id: Mapped[int] = mapped_column(Integer, ForeignKey("datasets.id"))
    name: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    created_by: Mapped[str] = mapped_column(String)
    valid_from: Mapped[datetime | None] = mapped_column(UtcTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcTime)
    n_grids: Mapped[int] = mapped_column(Integer)
    n_cells: Mapped[int] = mapped_column(Integer)
    households: Mapped[int] = mapped_column(Integer)
    min_households: Mapped[int | None] = mapped_column(Integer)
    max_households: Mapped[int | None] = mapped_column(Integer)
    seed: Mapped[int | None] = mapped_column(Integer)
    west: Mapped[float | None] = mapped_column(Real)
    south: Mapped[float | None] = mapped_column(Real)
    east: Mapped[float | None] = mapped_column(Real)
    north: Mapped[float | None] = mapped_column(Real)
    report: Mapped[str] = mapped_column(String)
    assignment: Mapped[bytes] = mapped_column(Blob)
    based_on: Mapped[int | None] = mapped_column(Integer)


class PlanAttribute(Base):
    """One attribute of a plan: a path and its value as JSON; what is absent has no row."""

    __tablename__ = "plan_attributes"
    __table_args__ = (
        Index("ux_plan_attributes_path", "plan_id", "path", unique=True),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    plan_id: Mapped[int] = mapped_column(Integer, ForeignKey("plans.id", ondelete="CASCADE"))
    path: Mapped[str] = mapped_column(String)
    value: Mapped[str] = mapped_column(String)


class GridCode(Base):
    """A code that only one grid of a plan may carry: it was in force, or the grid was dissolved with it."""

    __tablename__ = "grid_codes"
    __table_args__ = (
        Index("ux_grid_codes_code", "plan_id", "code", unique=True),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    plan_id: Mapped[int] = mapped_column(Integer, ForeignKey("plans.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String)
    grid_ix: Mapped[int] = mapped_column(Integer)
    boundary_code: Mapped[str | None] = mapped_column(String)
    retired: Mapped[bool] = mapped_column(Flag)
    in_force: Mapped[bool] = mapped_column(Flag)


class PlanArea(Base):
    """A boundary polygon in which a plan is or was in force, from when to when."""

    __tablename__ = "plan_areas"
    __table_args__ = (
        Index("ux_plan_areas_boundary", "plan_id", "boundary_code", unique=True),
        Index("ix_plan_areas_code", "boundary_code"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    plan_id: Mapped[int] = mapped_column(Integer, ForeignKey("plans.id", ondelete="CASCADE"))
    boundary_code: Mapped[str] = mapped_column(String)
    valid_from: Mapped[datetime] = mapped_column(UtcTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcTime)


class Grid(Base):
    """A living grid of a plan; `grid_ix` is what the assignment holds. One that is dissolved has no row here."""

    __tablename__ = "grids"
    __table_args__ = (
        Index("ux_grids_ix", "plan_id", "grid_ix", unique=True),
        Index("ux_grids_code", "plan_id", "code", unique=True),
        {"sqlite_autoincrement": True},
    )
    fid: Mapped[int] = mapped_column(Integer, primary_key=True)
    plan_id: Mapped[int] = mapped_column(Integer, ForeignKey("plans.id", ondelete="CASCADE"))
    grid_ix: Mapped[int] = mapped_column(Integer)
    code: Mapped[str] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    boundary_code: Mapped[str | None] = mapped_column(String)
    households: Mapped[int] = mapped_column(Integer)
    population: Mapped[float | None] = mapped_column(Real)
    area_m2: Mapped[float | None] = mapped_column(Real)
    perimeter_m: Mapped[float | None] = mapped_column(Real)
    polsby_popper: Mapped[float | None] = mapped_column(Real)
    deviation: Mapped[float | None] = mapped_column(Real)
    geom: Mapped[bytes] = mapped_column(Geom())


#: Edits that changed base data, in the words of the index that finds them.
IS_BASE = text("substr(changes, 1, 8) = '[[\"base\"'")


class Edit(Base):
    """One edit: the cells it set, to which grids, and from which; `changes` as JSON [[path, value, before]]."""

    __tablename__ = "edits"
    __table_args__ = (
        Index("ux_edits_revision", "plan_id", "revision", unique=True),
        Index("ux_edits_key", "plan_id", "key", unique=True),
        Index("ix_edits_undoes", "plan_id", "undoes"),
        # Changes of base data, which are few: whether there are any is asked for often.
        Index("ix_edits_base", "plan_id", "revision", sqlite_where=IS_BASE, postgresql_where=IS_BASE),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    plan_id: Mapped[int] = mapped_column(Integer, ForeignKey("plans.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcTime)
    who: Mapped[str] = mapped_column(String)
    kind: Mapped[str] = mapped_column(String)
    n_cells: Mapped[int] = mapped_column(Integer)
    delta: Mapped[bytes] = mapped_column(Blob)
    key: Mapped[str | None] = mapped_column(String)
    changes: Mapped[str | None] = mapped_column(String)
    undoes: Mapped[int | None] = mapped_column(Integer)


class ServerJob(Base):
    """Long work of one of several server processes on one store, and what came of it: JSON, packed."""

    __tablename__ = "server_jobs"
    __table_args__ = (Index("ux_server_jobs_name", "name", unique=True), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    plan_id: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String)
    revision: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String)
    progress: Mapped[float] = mapped_column(Real)
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    beat_s: Mapped[float] = mapped_column(Real)
    result: Mapped[bytes | None] = mapped_column(Blob)
    error: Mapped[str | None] = mapped_column(String)
    code: Mapped[str | None] = mapped_column(String)


class ServerPresence(Base):
    """One browser that watches a plan through one of several server processes."""

    __tablename__ = "server_presence"
    __table_args__ = (
        Index("ix_server_presence_plan", "plan_id"),
        Index("ix_server_presence_worker", "worker"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    worker: Mapped[str] = mapped_column(String)
    plan_id: Mapped[int] = mapped_column(Integer)
    client: Mapped[str] = mapped_column(String)
    name: Mapped[str] = mapped_column(String)
    beat_s: Mapped[float] = mapped_column(Real)


class CaseRow(Base):
    """A case: where it is, and how it stands; what made it so are its steps, of which none is ever deleted."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ux_cases_key", "key", unique=True),
        Index("ix_cases_state", "state"),
        Index("ix_cases_reported", "reported_at"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str | None] = mapped_column(String)
    plan_id: Mapped[int | None] = mapped_column(Integer)
    category: Mapped[str] = mapped_column(String)
    grade: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    unit: Mapped[str | None] = mapped_column(String)
    grid_code: Mapped[str | None] = mapped_column(String)
    lon: Mapped[float] = mapped_column(Real)
    lat: Mapped[float] = mapped_column(Real)
    accuracy_m: Mapped[float] = mapped_column(Real)
    reported_at: Mapped[datetime] = mapped_column(UtcTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    words: Mapped[str] = mapped_column(String)
    details: Mapped[str] = mapped_column(String)
    standing: Mapped[str] = mapped_column(String)
    n_steps: Mapped[int] = mapped_column(Integer)


class CaseStep(Base):
    """One step of a case: who did what when, why, from where, and what came of it."""

    __tablename__ = "case_steps"
    __table_args__ = (
        Index("ux_case_steps_number", "case_id", "number", unique=True),
        Index("ux_case_steps_key", "case_id", "key", unique=True),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[int] = mapped_column(Integer, ForeignKey("cases.id"))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(UtcTime)
    who: Mapped[str] = mapped_column(String)
    why: Mapped[str] = mapped_column(String)
    source: Mapped[str] = mapped_column(String)
    data: Mapped[str] = mapped_column(String)
    key: Mapped[str | None] = mapped_column(String)
    before: Mapped[str | None] = mapped_column(String)
    after: Mapped[str] = mapped_column(String)
    unit: Mapped[str | None] = mapped_column(String)
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)


class CaseAttachment(Base):
    """A file that belongs to a case; the file itself is kept outside, under the hash of its bytes."""

    __tablename__ = "case_attachments"
    __table_args__ = (
        Index("ux_case_attachments_number", "case_id", "number", unique=True),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    case_id: Mapped[int] = mapped_column(Integer, ForeignKey("cases.id"))
    number: Mapped[int] = mapped_column(Integer)
    step: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String)
    media_type: Mapped[str] = mapped_column(String)
    n_bytes: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String)
    thumb: Mapped[str | None] = mapped_column(String)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)


class Webhook(Base):
    """Who else is told of the steps of cases: of those after `serial`; `events` as a JSON list of kinds."""

    __tablename__ = "webhooks"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    url: Mapped[str] = mapped_column(String)
    secret: Mapped[str] = mapped_column(String)
    events: Mapped[str] = mapped_column(String)
    at: Mapped[datetime] = mapped_column(UtcTime)
    who: Mapped[str] = mapped_column(String)
    serial: Mapped[int] = mapped_column(Integer)
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class WebhookDelivery(Base):
    """One step that a webhook is told of: what is sent, when it is due, and what was answered last."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ux_webhook_deliveries_serial", "webhook_id", "serial", unique=True),
        Index("ix_webhook_deliveries_due", "state", "next_s"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(Integer, ForeignKey("webhooks.id"))
    serial: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String)
    body: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    attempts: Mapped[int] = mapped_column(Integer)
    next_s: Mapped[float] = mapped_column(Real)
    at: Mapped[datetime] = mapped_column(UtcTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcTime)
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None] = mapped_column(String)


class DispatchRules(Base):
    """The rules of handling cases as JSON; the last row holds, those before say what held."""

    __tablename__ = "dispatch_rules"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    who: Mapped[str] = mapped_column(String)
    rules: Mapped[str] = mapped_column(String)


class StaffRow(Base):
    """Somebody who works in a grid or building, as the data of a town say; the newest data of a town hold."""

    __tablename__ = "staff"
    __table_args__ = ({"sqlite_autoincrement": True},)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    town: Mapped[str] = mapped_column(String)
    dataset_id: Mapped[int] = mapped_column(Integer)
    staff_id: Mapped[str] = mapped_column(String)
    name: Mapped[str] = mapped_column(String)
    role: Mapped[str | None] = mapped_column(String)
    grid_code: Mapped[str | None] = mapped_column(String)
    building_id: Mapped[str | None] = mapped_column(String)
    phone: Mapped[str | None] = mapped_column(String)
    hours: Mapped[str | None] = mapped_column(String)


class AssetRow(Base):
    """Something that stands somewhere and belongs to somebody (a manhole, a street lamp)."""

    __tablename__ = "assets"
    __table_args__ = (
        Index("ix_assets_lat", "lat"),
        Index("ix_assets_asset_id", "asset_id"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    town: Mapped[str] = mapped_column(String)
    dataset_id: Mapped[int] = mapped_column(Integer)
    asset_id: Mapped[str] = mapped_column(String)
    category: Mapped[str] = mapped_column(String)
    owner: Mapped[str | None] = mapped_column(String)
    name: Mapped[str | None] = mapped_column(String)
    lon: Mapped[float] = mapped_column(Real)
    lat: Mapped[float] = mapped_column(Real)


#: Layer name -> model, in the order in which they are written.
LAYERS: dict[str, type[Base]] = {
    "areas": Area,
    "buildings": Building,
    "streets": Street,
    "barriers": Barrier,
    "facilities": Facility,
    "water": Water,
    "green": Green,
    "cells": Cell,
}

#: Tables with a geometry column.
SPATIAL_TABLES: tuple[str, ...] = (*LAYERS, "grids")

_INTERNAL = frozenset({"fid", "dataset_id", "plan_id", "ix", "geom"})


def table_of(model: type[Base]) -> Table:
    """Return the table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def layer_columns(model: type[Base]) -> tuple[str, ...]:
    """Name the columns of a layer that belong to its data, in order."""
    return tuple(column.name for column in table_of(model).columns if column.name not in _INTERNAL)
