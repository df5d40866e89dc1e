"""A draft that begins without grids: what it says of itself, and that the first edit makes them."""

from __future__ import annotations

import numpy as np
import pytest

from gis_core.errors import NotFoundError, ParameterError
from gis_core.store import Change

WEST, EAST = "310101001", "310101002"


def test_a_draft_begins_with_every_cell_unassigned(planned, two_communities):
    store, dataset_id, _ = planned
    begun = store.begin_plan(dataset_id, name=" 第一 ", bounds=(200, 400), created_by="钱七")
    record = store.plan(begun)
    n_cells = len(two_communities[2].cells)
    assert (record.name, record.created_by, record.state) == ("第一", "钱七", "draft")
    assert (record.revision, record.n_grids, record.n_cells, record.bounds) == (0, 0, n_cells, (200, 400))
    assert record.households == int(two_communities[1].households.sum())
    assert record.bbox == store.dataset(dataset_id).bbox
    assert store.assignment(begun).tolist() == [-1] * n_cells
    assert len(store.grids(begun)) == 0
    assert store.plan_state(begun).grids == ()
    checks = store.checks(begun)
    assert [item.kind for item in checks.items] == ["unassigned"]
    assert not checks.publishable
    file = store.plan_file(begun)
    assert (len(file.grids), file.report["bounds"]) == (0, [200, 400])


def test_the_first_edit_makes_its_grids_and_is_undone_to_none(planned):
    store, dataset_id, _ = planned
    begun = store.begin_plan(dataset_id, name="a")
    area = store.layer(dataset_id, "cells")["area_ix"].to_numpy()
    opened = [
        Change(f"grid/{ix}", {"code": f"{code}001", "boundary_code": code})
        for ix, code in enumerate((WEST, EAST))
    ]
    cells = np.arange(len(area))
    done = store.add_edit(
        begun, expected_revision=0, who="a", kind="partition", cell_ix=cells, grid_ix=area, changes=opened
    )
    assert store.plan(begun).n_grids == 2
    assert store.grids(begun)["households"].sum() == store.plan(begun).households
    store.add_edit(
        begun,
        expected_revision=1,
        who="a",
        kind="undo",
        cell_ix=cells,
        grid_ix=done.edit.inverse_grid_ix,
        changes=[Change(each.path, None) for each in opened],
        undoes=1,
    )
    assert store.plan(begun).n_grids == 0
    assert set(store.assignment(begun).tolist()) == {-1}


def test_what_cannot_be_a_first_plan_is_refused(planned):
    store, dataset_id, _ = planned
    with pytest.raises(NotFoundError):
        store.begin_plan(dataset_id + 99, name="a")
    with pytest.raises(ParameterError, match="1 to 200"):
        store.begin_plan(dataset_id, name=" ")
    with pytest.raises(ParameterError, match="the smaller first"):
        store.begin_plan(dataset_id, name="a", bounds=(500, 300))
