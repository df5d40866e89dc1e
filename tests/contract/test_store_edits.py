"""Edits of a plan: what they change, how they are undone exactly, and who wins when two come at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import text
from store_town import WORK_CRS

from gis_core.errors import ConflictError, NotFoundError, ParameterError


def edit(store, plan_id, cells, grids, *, revision=0, kind="paint"):
    return store.add_edit(
        plan_id,
        expected_revision=revision,
        who="王五",
        kind=kind,
        cell_ix=np.array(cells),
        grid_ix=np.array(grids),
    ).revision


def test_an_edit_sets_cells_and_is_logged(filled):
    store, _, plan_id = filled
    before = store.assignment(plan_id)
    assert edit(store, plan_id, [4, 3, 119], [1, 1, -1]) == 1
    after = store.assignment(plan_id)
    assert after[[4, 3, 119]].tolist() == [1, 1, -1]
    others = np.setdiff1d(np.arange(120), [3, 4, 119])
    assert (after[others] == before[others]).all()
    (record,) = store.edits(plan_id)
    assert (record.plan_id, record.revision, record.who, record.kind) == (plan_id, 1, "王五", "paint")
    assert record.cell_ix.tolist() == [4, 3, 119]
    assert record.grid_ix.tolist() == [1, 1, -1]
    assert record.inverse_grid_ix.tolist() == before[[4, 3, 119]].tolist()
    assert timedelta(0) <= datetime.now(UTC) - record.at < timedelta(minutes=5)
    assert store.plan(plan_id).revision == 1


def test_inverses_in_reverse_restore_the_assignment_exactly(filled):
    store, _, plan_id = filled
    rng = np.random.default_rng(5)
    start, n_grids = store.assignment(plan_id), store.plan(plan_id).n_grids
    sums = store.grids(plan_id)["households"].tolist()
    for revision in range(6):
        cells = rng.choice(120, size=rng.integers(1, 40), replace=False)
        edit(store, plan_id, cells, rng.integers(-1, n_grids, size=len(cells)), revision=revision)
    assert (store.assignment(plan_id) != start).any()
    for record in reversed(store.edits(plan_id)):
        revision = store.plan(plan_id).revision
        edit(store, plan_id, record.cell_ix, record.inverse_grid_ix, revision=revision, kind="undo")
    assert store.assignment(plan_id).tolist() == start.tolist()
    assert store.grids(plan_id)["households"].tolist() == sums
    assert [record.revision for record in store.edits(plan_id, since=9)] == [10, 11, 12]


def test_totals_and_polygons_of_grids_follow(filled, town):
    store, _, plan_id = filled
    edit(store, plan_id, [3, 4, 5, 16], [1, 2, 0, -1])
    assignment, grids = store.assignment(plan_id), store.grids(plan_id)
    cells = gpd.GeoSeries(town[1].cells, crs=WORK_CRS)
    degrees = cells.to_crs(4326).to_numpy()
    for grid in grids.itertuples():
        mine = assignment == grid.grid_ix
        assert grid.households == town[1].households[mine].sum()
        assert grid.population == pytest.approx(town[1].population[mine].sum())
        assert shapely.equals(grid.geometry, shapely.union_all(degrees[mine]))
        assert grid.area_m2 == pytest.approx(cells[mine].area.sum(), rel=1e-6)
        assert grid.deviation == pytest.approx(grid.households / grids["households"].mean() - 1)
    drawn = grids[grids["grid_ix"].isin([0, 1, 2])].to_crs(WORK_CRS)
    assert drawn["perimeter_m"].tolist() == pytest.approx(drawn.length.tolist(), rel=1e-6)
    expected = 4 * np.pi * drawn.area / drawn.length**2
    assert drawn["polsby_popper"].tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_a_grid_that_lost_all_cells_stays_and_can_be_filled_again(filled):
    store, _, plan_id = filled
    mine = np.flatnonzero(store.assignment(plan_id) == 0)
    edit(store, plan_id, mine, np.ones_like(mine))
    grid = store.grids(plan_id).iloc[0]
    assert (grid["households"], grid["area_m2"], grid.geometry.is_empty) == (0, 0.0, True)
    assert store.search(plan_id, grid["code"]) == []
    edit(store, plan_id, mine, np.zeros_like(mine), revision=1)
    grid = store.grids(plan_id).iloc[0]
    assert not grid.geometry.is_empty
    inside = grid.geometry.representative_point()
    assert 0 in store.grids(plan_id, bbox=(inside.x, inside.y, inside.x, inside.y))["grid_ix"].tolist()


@pytest.mark.parametrize(
    ("cells", "grids"),
    [
        ([120], [0]),
        ([-1], [0]),
        ([0], [99]),
        ([0], [-2]),
        ([1, 1], [0, 0]),
        ([0, 1], [0]),
        ([0.5], [0]),
        ([2**40], [0]),
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(filled, cells, grids):
    store, _, plan_id = filled
    before = store.assignment(plan_id).tolist()
    with pytest.raises(ParameterError):
        edit(store, plan_id, cells, grids)
    assert store.assignment(plan_id).tolist() == before
    assert (store.plan(plan_id).revision, store.edits(plan_id)) == (0, [])


def test_an_empty_edit_is_an_edit(filled):
    store, _, plan_id = filled
    assert edit(store, plan_id, [], []) == 1
    assert store.edits(plan_id)[0].cell_ix.tolist() == []


def test_a_stale_edit_is_a_conflict_that_names_both_revisions(filled):
    store, _, plan_id = filled
    edit(store, plan_id, [0], [1])
    with pytest.raises(ConflictError, match="revision 1, the edit was made on 0") as caught:
        edit(store, plan_id, [1], [1])
    assert caught.value.context == {"revision": 1, "expected": 0}
    assert len(store.edits(plan_id)) == 1


def test_a_plan_that_is_not_there_takes_no_edit(filled):
    with pytest.raises(NotFoundError):
        edit(filled[0], 99, [0], [0])


def test_only_a_draft_is_edited_or_deleted(filled):
    store, _, plan_id = filled
    with store._write() as connection:
        connection.execute(text("UPDATE plans SET state = 'published'"))
    for change in (lambda: edit(store, plan_id, [0], [0]), lambda: store.delete_plan(plan_id)):
        with pytest.raises(ConflictError, match="published"):
            change()


def test_a_deleted_plan_takes_its_edits_along(filled, town):
    store, dataset_id, plan_id = filled
    edit(store, plan_id, [0], [1])
    store.delete_plan(plan_id)
    with store._read() as connection:
        assert (
            connection.execute(
                text("SELECT (SELECT count(*) FROM edits) + (SELECT count(*) FROM grids)")
            ).scalar()
            == 0
        )
    again = store.add_plan(town[2], dataset_id=dataset_id, name="x")
    assert store.edits(again) == []


def test_where_nobody_counted_people_an_edited_grid_has_no_number_of_them(store, town):
    dataset, fabric, plan = town
    fabric = replace(fabric, population=np.zeros_like(fabric.population))
    dataset_id = store.add_dataset(dataset, fabric)
    unknown = replace(plan, grids=plan.grids.assign(population=np.nan))
    plan_id = store.add_plan(unknown, dataset_id=dataset_id, name="x")
    part = store.assignment(plan_id)
    cell = int(np.flatnonzero(part == 0)[0])
    store.add_edit(plan_id, expected_revision=0, who="", kind="move", cell_ix=[cell], grid_ix=[-1])
    assert store.grids(plan_id)["population"].isna().all()
    # A grid that is new has none either.
    new, of = len(store.plan_state(plan_id).grids), store.plan_state(plan_id).grids[0]
    made = [(f"grid/{new}", {"code": "990000000000999", "boundary_code": of.boundary_code})]
    store.add_edit(
        plan_id, expected_revision=1, who="", kind="new", cell_ix=[cell], grid_ix=[new], changes=made
    )
    assert store.grids(plan_id)["population"].isna().all()
