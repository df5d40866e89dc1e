"""Base data that are taken back: exactly, with the grids and locks that cells had; returning over such changes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import shapely
from test_store_base import change, layers_of, real_town, require_whole, set_count, versions, work

from gis_core.errors import CancelledError
from gis_core.store.base_data import read_layers

__all__ = ["real_town", "work"]


def retire(id_):
    return {"op": "retire", "layer": "buildings", "id": id_}


def moved(work, id_, east):
    frame = work.store.layer(work.store.plan(work.plan).dataset_id, "buildings").set_index("id")
    shape = shapely.affinity.translate(frame.geometry[id_], east, 0)
    return {"op": "move", "layer": "buildings", "id": id_, "geometry": shapely.geometry.mapping(shape)}


def paint(work, *cells, grid=-1, changes=()):
    plan, to = work.store.plan(work.plan), [grid] * len(cells)
    work.store.add_edit(
        work.plan,
        expected_revision=plan.revision,
        who="a",
        kind="paint",
        cell_ix=cells,
        grid_ix=to,
        changes=changes,
    )


def cell_of(work, id_):
    buildings = work.store.layer(work.store.plan(work.plan).dataset_id, "buildings")
    return int(buildings.set_index("id")["cell_ix"][id_])


def another(work, cell):
    """Return a grid of the same community as the one of a cell."""
    assignment = work.store.assignment(work.plan)
    area = work.store.layer(work.store.plan(work.plan).dataset_id, "cells")["area_ix"].to_numpy()
    return int(next(grid for grid in assignment[area == area[cell]] if grid not in (assignment[cell], -1)))


def grids_by_place(work):
    """Return a point of each cell and its grid: what a plan is, however its cells are numbered."""
    cells = work.store.layer(work.store.plan(work.plan).dataset_id, "cells")
    points = shapely.point_on_surface(np.asarray(cells.geometry.array))
    return points, work.store.assignment(work.plan)


def same_plan(work, before, codes):
    require_whole(work)
    assert codes_of(work).equals(codes)
    points, grids = before
    cells = work.store.layer(work.store.plan(work.plan).dataset_id, "cells")
    at, cell = shapely.STRtree(np.asarray(cells.geometry.array)).query(points, predicate="within")
    assert len(cells) == len(points) and np.array_equal(at, np.arange(len(points)))
    assert np.array_equal(work.store.assignment(work.plan)[cell], grids)


def codes_of(work):
    return work.store.plan_buildings(work.plan).set_index("id")["grid_code"]


def test_a_house_that_is_back_is_in_its_grid_again_also_among_others(work):
    """Its ground went to the neighbours; by ground or by buildings alone it would stay with them."""
    cell = cell_of(work, "b40")
    paint(work, cell, grid=another(work, cell), changes=[(f"lock/cell/{cell}", True)])
    before, codes, state = grids_by_place(work), codes_of(work), work.store.plan_state(work.plan)
    gone = change(work, retire("b40"))
    assert gone.cells_gone > gone.cells_new > 0 and gone.households < 0
    change(work, *gone.inverse, undoes=gone.revision)
    same_plan(work, before, codes)
    spot = shapely.point_on_surface(work.store.layer(work.first, "cells").geometry.iloc[cell])
    now = work.store.layer(work.store.plan(work.plan).dataset_id, "cells")
    (locked,) = work.store.plan_state(work.plan).locked_cells
    assert now.geometry.iloc[locked].contains(spot) and len(state.locked_cells) == 1


def test_returning_over_changes_of_base_data_restores_them_and_every_stroke(work):
    first, layers, codes = grids_by_place(work), layers_of(work, work.first), codes_of(work)
    cell = cell_of(work, "b41")
    paint(work, cell, grid=another(work, cell))
    second, codes_2 = grids_by_place(work), codes_of(work)
    change(work, retire("b40"), set_count("b3", 77))
    paint(work, cell_of(work, "b41"), cell_of(work, "b7"))
    undone = change(work, moved(work, "b60", 0.0002))
    change(work, *undone.inverse, undoes=undone.revision)
    change(work, moved(work, "b41", 0.0001))
    assert work.store.plan(work.plan).revision == 6
    result = work.store.restore(work.plan, 1, expected_revision=6, who="李")
    assert result.base == "restored" and result.revision == 9
    same_plan(work, second, codes_2)
    kinds = [(edit.kind, edit.undoes) for edit in work.store.edits(work.plan, since=6)]
    assert kinds == [("undo", 6), ("undo", 2), ("restore", None)]
    result = work.store.restore(work.plan, 0, expected_revision=9, who="李")
    same_plan(work, first, codes)
    now = layers_of(work, work.store.plan(work.plan).dataset_id)
    assert all(frame.equals(layers[name]) for name, frame in now.items())
    assert len(versions(work)) == 2
    # And forward again, to the state with everything in it.
    work.store.restore(work.plan, 6, expected_revision=work.store.plan(work.plan).revision, who="李")
    require_whole(work)
    buildings = work.store.layer(work.store.plan(work.plan).dataset_id, "buildings")
    assert "b40" not in set(buildings["id"]) and buildings.set_index("id")["households"]["b3"] == 77


def test_what_cannot_be_taken_back_is_said(work):
    derived = work.store.derive_dataset(work.first, [retire("b30")])
    codes = codes_of(work)
    work.store.carry_plan(work.plan, derived, expected_revision=0)
    paint(work, 5)
    result = work.store.restore(work.plan, 0, expected_revision=2, who="a")
    assert result.base == "kept" and work.store.plan(work.plan).dataset_id == derived
    now = codes_of(work)
    assert now.equals(codes.drop("b30"))
    assert work.store.restore(work.plan, 3, expected_revision=3, who="a").base == "same"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_work_that_is_cancelled_leaves_nothing(work, share):
    seen = []

    def stop(progress):
        seen.append(progress)
        if progress > share:
            raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        work.store.change_base(work.plan, [retire("b40")], expected_revision=0, progress=stop)
    assert work.store.plan(work.plan).revision == 0 and versions(work) == [work.first]
    assert seen == sorted(seen)
    require_whole(work)


def test_the_version_in_memory_is_the_one_that_was_written(work):
    line = shapely.geometry.mapping(work.store.layer(work.first, "streets").geometry.iloc[3])
    change(work, moved(work, "b60", 0.0002), set_count("b3", 9), retire("b40"))
    change(
        work, {"op": "add", "layer": "streets", "geometry": line, "values": {"name": "新巷"}}, retire("b41")
    )
    change(
        work,
        {"op": "add", "layer": "gates", "geometry": {"type": "Point", "coordinates": line["coordinates"][0]}},
    )
    number, kept = work.store._last_layers
    assert number == work.store.plan(work.plan).dataset_id
    with work.store._read() as connection:
        written = read_layers(connection, work.store._dialect, number)
    for name, frame in written.frames.items():
        memory = kept.frames[name]
        assert shapely.equals_identical(
            np.asarray(frame.geometry.array), np.asarray(memory.geometry.array)
        ).all()
        for column in frame.columns.drop(frame.geometry.name):
            there, here = ([None if v != v else v for v in each[column]] for each in (frame, memory))
            assert there == here, (name, column)
    for field in fields(written.graph):
        assert np.array_equal(getattr(written.graph, field.name), getattr(kept.graph, field.name))
