"""Repository of what plans are beside their cells: their state as a page shows it, branches, names, differences."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame
from sqlalchemy import Connection, insert, select, update

from gis_core.errors import ConflictError, ParameterError
from gis_core.plan.edit import code_of, parse_path
from gis_core.store import attributes, datasets, plans
from gis_core.store.models import Building, Grid, Plan, table_of
from gis_core.store.packing import pack_ints
from gis_core.store.records import GridAttributes, StateRecord
from gis_core.store.rows import plain_text, read_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis_core.store.dialect import Dialect

__all__ = ["begin", "branch", "compare", "rename", "state"]

_PLAN, _GRID, _BUILDING = table_of(Plan), table_of(Grid), table_of(Building)
_LONGEST_NAME = 200
_ASKED_AT_ONCE = 500
#: Up to so many cells their buildings are asked for by cell; of more all are read.
_FEW_CELLS = 20_000
#: What a branch does not take over from its plan.
_OWN = {"id", "name", "state", "revision", "created_at", "created_by", "valid_from", "valid_to", "based_on"}


def state(connection: Connection, plan_id: int) -> StateRecord:
    """Return the attributes of a plan in order."""
    plan = plans.require(connection, plan_id)
    values = attributes.read(connection, plan_id)
    ended = attributes.retired(connection, plan_id)
    places = {path: parse_path(path) for path in values if not path.startswith("grid/")}
    borders = [place.numbers for place in places.values() if place.kind == "border"]
    n_grids = attributes.n_grids_ever(connection, plan_id)
    return StateRecord(
        plan_id=plan_id,
        revision=plan.revision,
        state=plan.state,
        grids=tuple(_grid(values, ended, grid_ix) for grid_ix in range(n_grids)),
        locked_cells=tuple(sorted(place.numbers[0] for place in places.values() if place.kind == "cell")),
        locked_borders=tuple(sorted((pair[0], pair[1]) for pair in borders)),
        notes=tuple(
            {"id": path.removeprefix("note/"), **values[path]}
            for path, place in sorted(places.items())
            if place.kind == "note"
        ),
        bound_codes=attributes.bound_codes(connection, plan_id),
    )


def _grid(values: dict[str, Any], ended: dict[int, tuple[str, str | None]], grid_ix: int) -> GridAttributes:
    base, path = values.get(f"grid/{grid_ix}"), f"grid/{grid_ix}"
    code, boundary = ended[grid_ix] if base is None else (code_of(values, grid_ix), base["boundary_code"])
    return GridAttributes(
        grid_ix=grid_ix,
        code=str(code),
        first_code=str(code if base is None else base["code"]),
        boundary_code=boundary,
        name=values.get(f"{path}/name"),
        colour=values.get(f"{path}/colour"),
        locked=bool(values.get(f"{path}/locked")),
        staff=tuple(values.get(f"{path}/staff") or ()),
        retired=base is None,
    )


def begin(
    connection: Connection, dataset_id: int, *, name: str, bounds: tuple[int, int] | None, created_by: str
) -> int:
    """Make a draft without a grid on a data version; return its number."""
    version = datasets.get(connection, dataset_id)
    if bounds is not None and not 0 <= bounds[0] <= bounds[1]:
        raise ParameterError(
            f"The bounds of a plan are two whole numbers from 0 on, the smaller first, not {bounds[0]} and "
            f"{bounds[1]}."
        )
    low, high = bounds or (None, None)
    west, south, east, north = version.bbox
    n_cells = version.counts["cells"]
    values = {
        "dataset_id": dataset_id,
        "name": _required_name(name),
        "state": "draft",
        "revision": 0,
        "created_at": datetime.now(UTC),
        "created_by": plain_text(created_by),
        "n_grids": 0,
        "n_cells": n_cells,
        "households": plans.total_households(connection, dataset_id),
        "min_households": low,
        "max_households": high,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "report": json.dumps({"bounds": [low, high]} if bounds is not None else {}),
        "assignment": pack_ints(np.full(n_cells, -1, np.int32)),
    }
    return int(connection.execute(insert(_PLAN).values(**values).returning(_PLAN.c.id)).scalar_one())


def branch(connection: Connection, dialect: Dialect, plan_id: int, *, name: str, created_by: str) -> int:
    """Copy a plan with its grids and attributes into a new draft; return its number."""
    plans.require(connection, plan_id)
    source = connection.execute(select(_PLAN).where(_PLAN.c.id == plan_id)).mappings().one()
    values = {
        **{column: value for column, value in source.items() if column not in _OWN},
        "name": _required_name(name),
        "state": "draft",
        "revision": 0,
        "created_at": datetime.now(UTC),
        "created_by": plain_text(created_by),
        "based_on": plan_id,
    }
    branch_id = int(connection.execute(insert(_PLAN).values(**values).returning(_PLAN.c.id)).scalar_one())
    names = [column.name for column in _GRID.columns if column.name not in ("fid", "plan_id", "geom")]
    query = select(*(_GRID.c[name] for name in names), _GRID.c.geom)
    rows = connection.execute(query.where(_GRID.c.plan_id == plan_id).order_by(_GRID.c.grid_ix)).all()
    columns = {column: [getattr(row, column) for row in rows] for column in names}
    keys = {"plan_id": [branch_id] * len(rows)}
    dialect.bulk_insert(connection, _GRID, keys | columns, dialect.decode([row.geom for row in rows]))
    attributes.copy(connection, plan_id, branch_id)
    return branch_id


def rename(connection: Connection, plan_id: int, name: str) -> None:
    """Give a draft another name."""
    wanted = _required_name(name)
    query = update(_PLAN).where(_PLAN.c.id == plan_id, _PLAN.c.state == "draft").values(name=wanted)
    if connection.execute(query).rowcount == 0:
        found = plans.require(connection, plan_id)
        raise ConflictError(
            f"Plan {plan_id} is {found.state}: only drafts are renamed.", case="no-draft", state=found.state
        )


def _required_name(name: str) -> str:
    text = plain_text(name).strip()
    if not 0 < len(text) <= _LONGEST_NAME:
        raise ParameterError(
            f"The name of a plan has 1 to {_LONGEST_NAME} characters.", case="name", most=_LONGEST_NAME
        )
    return text


def compare(connection: Connection, dialect: Dialect, plan_id: int, with_id: int) -> dict[str, Any]:
    """Say which buildings change hands from one plan to another."""
    from gis_core.plan.compare import moved_buildings

    versions = [plans.require(connection, one).dataset_id for one in (plan_id, with_id)]
    codes = [_codes_of_cells(connection, one) for one in (plan_id, with_id)]
    if versions[0] != versions[1]:
        frames = [_buildings(connection, dialect, *each) for each in zip(versions, codes, strict=True)]
        return moved_buildings(*frames)
    # Of one data version only the buildings of cells that change hands have to be read.
    moved = np.flatnonzero(codes[0] != codes[1])
    after = _buildings(connection, dialect, versions[0], codes[1], moved)
    before = after.assign(grid_code=_codes_at(codes[0], after))
    return moved_buildings(before, after, same_rows=True)


def _codes_of_cells(connection: Connection, plan_id: int) -> NDArray[np.object_]:
    """Return the code of the grid of each cell; None where it has none."""
    codes: NDArray[np.object_] = plans.grid_codes(connection, plan_id)[plans.assignment(connection, plan_id)]
    return codes


def _buildings(
    connection: Connection,
    dialect: Dialect,
    dataset_id: int,
    codes: NDArray[np.object_],
    cells: NDArray[np.int64] | None = None,
) -> GeoDataFrame:
    """Return the buildings inside the boundary, or of some cells, with what a list of them shows, and their grid."""
    query = select(_BUILDING).where(_BUILDING.c.dataset_id == dataset_id, _BUILDING.c.cell_ix >= 0)
    names = ("id", "name", "address", "households", "population", "cell_ix")
    wanted = [query]
    if cells is not None and len(cells) <= _FEW_CELLS:
        parts = [cells[at : at + _ASKED_AT_ONCE].tolist() for at in range(0, len(cells), _ASKED_AT_ONCE)]
        wanted = [query.where(_BUILDING.c.cell_ix.in_(part)) for part in parts or [[]]]
    frames = [
        read_frame(
            connection,
            dialect,
            each.order_by(_BUILDING.c.ix),
            columns={name: _BUILDING.c[name] for name in names},
            geometry=_BUILDING.c.geom,
            index=_BUILDING.c.ix,
        )
        for each in wanted
    ]
    frame = pd.concat(frames).sort_index() if len(frames) > 1 else frames[0]
    return frame.assign(grid_code=_codes_at(codes, frame))


def _codes_at(codes: NDArray[np.object_], buildings: GeoDataFrame) -> pd.Series:
    return pd.Series(
        codes[buildings["cell_ix"].to_numpy(dtype=np.int64)], index=buildings.index, dtype=object
    )
