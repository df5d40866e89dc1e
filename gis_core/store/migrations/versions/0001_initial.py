"""The first tables: data versions and their layers, plans, grids, edits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gis_core.store import geopackage
from gis_core.store.types import Blob, Flag, Geom, Integer, Real, String, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and in a GeoPackage their entries in its catalogue."""
    if op.get_bind().dialect.name == "sqlite":
        geopackage.create_metadata(op.get_bind())
    _datasets()
    _layers()
    _plans()


def _required(name: str, kind: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False)  # type: ignore[arg-type]


def _table(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(name, *columns, sqlite_autoincrement=True)


def _attributes(name: str, *columns: sa.schema.SchemaItem) -> None:
    _table(name, *columns)
    if op.get_bind().dialect.name == "sqlite":
        geopackage.register_attributes(op.get_bind(), name)


def _spatial(name: str, geometry_type: str, *columns: sa.schema.SchemaItem) -> None:
    geometry: sa.Column[object] = sa.Column("geom", Geom(geometry_type), nullable=False)
    _table(name, sa.Column("fid", Integer, primary_key=True), *columns, geometry)
    if op.get_bind().dialect.name == "sqlite":
        geopackage.register_layer(op.get_bind(), name, geometry_type)
    else:
        op.create_index(f"sx_{name}_geom", name, ["geom"], postgresql_using="gist")


def _layer(name: str, geometry_type: str, *columns: sa.schema.SchemaItem) -> None:
    owner = sa.ForeignKey("datasets.id", ondelete="CASCADE")
    keys = (sa.Column("dataset_id", Integer, owner, nullable=False), _required("ix", Integer))
    _spatial(name, geometry_type, *keys, *columns)
    op.create_index(f"ux_{name}_ix", name, ["dataset_id", "ix"], unique=True)


def _datasets() -> None:
    texts = [_required(name, String) for name in ("name", "source")]
    more = [_required(name, String) for name in ("imported_by", "attribution", "work_crs")]
    box = [_required(name, Real) for name in ("west", "south", "east", "north")]
    _attributes(
        "datasets",
        sa.Column("id", Integer, primary_key=True),
        *texts,
        _required("imported_at", UtcTime()),
        *more,
        *box,
        _required("counts", String),
    )
    owner = sa.ForeignKey("datasets.id", ondelete="CASCADE")
    op.create_table(
        "dataset_graphs",
        sa.Column("dataset_id", Integer, owner, primary_key=True, autoincrement=False),
        _required("graph", Blob),
    )


def _layers() -> None:
    _layer(
        "areas",
        "GEOMETRY",
        _required("code", String),
        sa.Column("name", String),
        sa.Column("parent", String),
        sa.Column("row", Integer),
    )
    _layer(
        "buildings",
        "GEOMETRY",
        _required("id", String),
        sa.Column("row", Integer),
        _required("households", Integer),
        *(sa.Column(name, Real) for name in ("population", "levels")),
        *(
            sa.Column(name, String)
            for name in ("use", "name", "address", "compound", "households_source", "extra")
        ),
        _required("cell_ix", Integer),
        _required("search_text", String),
    )
    op.create_index("ix_buildings_cell", "buildings", ["dataset_id", "cell_ix"])
    _layer(
        "streets",
        "GEOMETRY",
        _required("street_class", String),
        _required("rank", Integer),
        sa.Column("highway", String),
        sa.Column("name", String),
        _required("cuts", Flag),
        _required("search_text", String),
    )
    _layer(
        "barriers", "GEOMETRY", sa.Column("kind", String), sa.Column("name", String), _required("cuts", Flag)
    )
    _layer(
        "facilities",
        "GEOMETRY",
        *(sa.Column(name, String) for name in ("id", "category", "name")),
        _required("search_text", String),
    )
    _layer("water", "GEOMETRY", sa.Column("name", String))
    _layer("green", "GEOMETRY", sa.Column("name", String))
    _layer(
        "cells",
        "POLYGON",
        *(_required(name, Integer) for name in ("area_ix", "enclosure_ix", "households")),
        _required("population", Real),
    )


def _plans() -> None:
    _attributes(
        "plans",
        sa.Column("id", Integer, primary_key=True),
        sa.Column("dataset_id", Integer, sa.ForeignKey("datasets.id"), nullable=False),
        _required("name", String),
        _required("state", String),
        _required("revision", Integer),
        _required("created_at", UtcTime()),
        _required("created_by", String),
        sa.Column("valid_from", UtcTime()),
        sa.Column("valid_to", UtcTime()),
        *(_required(name, Integer) for name in ("n_grids", "n_cells", "households")),
        *(sa.Column(name, Integer) for name in ("min_households", "max_households", "seed")),
        *(sa.Column(name, Real) for name in ("west", "south", "east", "north")),
        _required("report", String),
        _required("assignment", Blob),
    )
    op.create_index("ix_plans_dataset", "plans", ["dataset_id"])
    _spatial(
        "grids",
        "GEOMETRY",
        sa.Column("plan_id", Integer, sa.ForeignKey("plans.id", ondelete="CASCADE"), nullable=False),
        _required("grid_ix", Integer),
        _required("code", String),
        sa.Column("name", String),
        sa.Column("boundary_code", String),
        _required("households", Integer),
        *(
            sa.Column(name, Real)
            for name in ("population", "area_m2", "perimeter_m", "polsby_popper", "deviation")
        ),
        _required("search_text", String),
    )
    op.create_index("ux_grids_ix", "grids", ["plan_id", "grid_ix"], unique=True)
    op.create_index("ux_grids_code", "grids", ["plan_id", "code"], unique=True)
    _attributes(
        "edits",
        sa.Column("id", Integer, primary_key=True),
        sa.Column("plan_id", Integer, sa.ForeignKey("plans.id", ondelete="CASCADE"), nullable=False),
        _required("revision", Integer),
        _required("at", UtcTime()),
        _required("who", String),
        _required("kind", String),
        _required("n_cells", Integer),
        _required("delta", Blob),
    )
    op.create_index("ux_edits_revision", "edits", ["plan_id", "revision"], unique=True)
