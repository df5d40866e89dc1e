"""Random edits of all kinds in both stores: nothing is lost or made, refused edits change nothing, undo is exact.

A model of a few lines beside the store holds cells and attributes; after every edit the two agree. How many edits is
said by `random_edits.N_EDITS`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from random_edits import N_EDITS, Model, attributes_of, faults_of
from real_towns import SHARED
from sqlalchemy import select
from store_town import fill

from gis_core.errors import EditError, LockedError, NotPublishableError
from gis_core.fabric import build_fabric
from gis_core.graph import part_component_labels
from gis_core.layers import read_dataset
from gis_core.plan import make_plan
from gis_core.plan.edit import code_of
from gis_core.plan.file import PlanFile
from gis_core.store.models import Grid, table_of

DEMO = Path(__file__).parents[2] / "data" / "demo-town.gpkg"
JUDGE = SHARED / "verify" / "verify_plan.py"
#: After so many edits polygons, check list and publishing are looked at too.
DRAWN_EVERY = 40
#: After so many edits all is brought in order, and judged from its polygons.
TIDY_EVERY = max(25, N_EDITS // 40)
ALWAYS = {"unassigned", "in_pieces"}
_GRID = table_of(Grid)


class Table:
    """A store, a plan in it, and the model of the plan."""

    def __init__(self, loaded, dataset, fabric, seed):
        self.store, _, self.plan_id = loaded
        self.dataset = dataset
        self.model = Model(self.store, self.plan_id, dataset, fabric, seed)
        self.revision = 0
        self.refused: dict[str, int] = {}

    def edit(self, cells, grids, changes, **more):
        """Do an edit in both; where the store refuses it, it is counted and changes nothing."""
        options = {"who": "a", "kind": "random", "changes": changes, **more}
        try:
            result = self.store.add_edit(
                self.plan_id, expected_revision=self.revision, cell_ix=cells, grid_ix=grids, **options
            )
        except (EditError, LockedError) as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            return None
        assert result.revision == self.revision + 1
        self.revision = result.revision
        self.model.take(cells, grids, changes)
        return result

    def undo_all(self):
        """Take back every edit, the last first."""
        for record in reversed(self.store.edits(self.plan_id)):
            back = [(one.path, one.before) for one in record.changes]
            self.store.add_edit(
                self.plan_id,
                expected_revision=self.revision,
                who="a",
                kind="undo",
                cell_ix=record.cell_ix,
                grid_ix=record.inverse_grid_ix,
                changes=back,
                undoes=record.revision,
            )
            self.revision += 1

    def state(self):
        return self.store.assignment(self.plan_id).tolist(), attributes_of(self.store, self.plan_id)


def rows_of_grids(table):
    """Give the rows of the living grids without their polygons."""
    columns = (_GRID.c.grid_ix, _GRID.c.code, _GRID.c.name, _GRID.c.boundary_code, _GRID.c.households)
    query = select(*columns).where(_GRID.c.plan_id == table.plan_id).order_by(_GRID.c.grid_ix)
    with table.store._read() as connection:
        return connection.execute(query).all()


def require_sound(table):
    """Check that cells and households are conserved, and that what is said of grids is what their cells say."""
    store, plan_id, model = table.store, table.plan_id, table.model
    assignment = store.assignment(plan_id)
    assert np.array_equal(assignment, model.assignment)
    assert attributes_of(store, plan_id) == model.attributes
    rows = rows_of_grids(table)
    index = np.array([row.grid_ix for row in rows], dtype=int)
    assert index.tolist() == model.living()
    assert set(np.unique(assignment[assignment >= 0])) <= set(index.tolist())
    sums = np.bincount(
        assignment[assignment >= 0], model.households[assignment >= 0], minlength=model.n_grids
    )
    said = np.array([row.households for row in rows])
    assert said.tolist() == sums[index].tolist()
    assert said.sum() + model.households[assignment < 0].sum() == model.households.sum()
    assert [row.code for row in rows] == [code_of(model.attributes, grid) for grid in index.tolist()]
    assert [row.name for row in rows] == [
        model.attributes.get(f"grid/{grid}/name") for grid in index.tolist()
    ]
    home = np.full(model.n_grids + 1, -1)  # -1, no grid, finds the last
    home[index] = [model.areas.index(row.boundary_code) for row in rows]
    assert ((home[assignment] == model.area_ix) | (assignment < 0)).all()
    plan = store.plan(plan_id)
    assert (plan.n_grids, plan.revision, plan.state) == (len(rows), table.revision, "draft")


def require_drawn(table):
    """Check polygons against cells, the check list against pieces counted anew, and that publishing heeds it."""
    store, plan_id, model = table.store, table.plan_id, table.model
    grids = store.grids(plan_id).set_index("grid_ix")
    cells = np.bincount(model.assignment[model.assignment >= 0], minlength=model.n_grids)
    assert grids.geometry.is_empty.tolist() == (cells[grids.index] == 0).tolist()
    assert grids.geometry.is_valid.all()
    label = part_component_labels(model.graph, model.assignment)
    pieces = {grid: len(np.unique(label[model.assignment == grid])) for grid in grids.index}
    listed = {item.grid_ix for item in store.checks(plan_id).items if item.kind == "in_pieces"}
    assert listed == {grid for grid, count in pieces.items() if count != 1}
    require_refused(table)


def require_refused(table):
    """Check that a plan with faults is not published, whatever is excepted, and stays as it was."""
    kinds = table.model.open_kinds(table.store.plan(table.plan_id).bounds)
    options = sorted(kinds - ALWAYS)
    excepted = [kind for kind in options if table.model.rng.random() < 0.5] if not kinds & ALWAYS else options
    if not kinds - set(excepted):
        return
    with pytest.raises(NotPublishableError) as refused:
        table.store.publish_plan(table.plan_id, expected_revision=table.revision, except_=excepted)
    assert set(refused.value.context["kinds"]) == kinds - set(excepted)


def require_tidy(table, judge=None):
    """Bring all in order by edits, judge the plan from its polygons, and publish a copy of it."""
    for edit in table.model.tidy():
        assert table.edit(*edit, kind="tidy") is not None
    require_sound(table)
    store, plan_id = table.store, table.plan_id
    found = {item.kind for item in store.checks(plan_id).items}
    assert found == table.model.open_kinds(store.plan(plan_id).bounds)
    assert not found & ALWAYS
    plan = store.plan_file(plan_id)
    assert faults_of(table.dataset, plan) == []
    if judge is not None:
        judge(plan)
    require_refused(table)


def test_random_edits_conserve_and_undo_exactly(planned, two_communities):
    table = Table(planned, *two_communities[:2], seed=11)
    store, plan_id, model = table.store, table.plan_id, table.model
    first = table.state()
    for number in range(N_EDITS):
        table.edit(*model.propose(), key=f"k{number}")
        require_sound(table)
        if number % DRAWN_EVERY == 0:
            require_drawn(table)
    require_drawn(table)
    assert set(table.refused) == {"bad-edit", "locked"}
    assert table.revision == N_EDITS - sum(table.refused.values()) > N_EDITS / 2
    table.undo_all()
    assert table.state() == first
    middle = table.revision * 3 // 8
    store.restore(plan_id, middle, expected_revision=table.revision, who="a")
    store.restore(plan_id, 0, expected_revision=table.revision + 1, who="a")
    assert table.state() == first


@pytest.fixture(scope="session")
def demo_town():
    """Give the example town, its cells and a plan, as stores take them."""
    dataset = read_dataset(DEMO)
    fabric = build_fabric(dataset)
    frames = make_plan(dataset, fabric).frames
    degrees = {part: getattr(frames, part).to_crs(4326) for part in ("grids", "buildings", "cells")}
    return dataset, fabric, PlanFile(**degrees, report=frames.report, name="demo")


def test_wherever_all_is_in_order_the_plan_has_no_fault(store, demo_town, tmp_path):
    """On a town with real shapes; by the judge of plans too, where it is at hand."""
    table = Table(fill(store, demo_town), *demo_town[:2], seed=5)
    first = table.state()

    def judge(plan):
        if JUDGE.exists():
            require_no_fault(plan, tmp_path)

    for number in range(1, N_EDITS + 1):
        table.edit(*table.model.propose())
        if number % TIDY_EVERY == 0:
            require_sound(table)
            require_drawn(table)
            require_tidy(table, judge if N_EDITS > 1000 else None)
    excepted = ["out_of_bounds", "unnamed", "without_staff"]
    copy = store.branch_plan(table.plan_id, name="copy")
    assert store.publish_plan(copy, expected_revision=0, except_=excepted).state == "published"
    assert store.assignment(copy).tolist() == table.model.assignment.tolist()
    table.undo_all()
    assert table.state() == first


def require_no_fault(plan, folder):
    """Ask the judge, which knows nothing of this project, about a plan written to a file."""
    file = folder / "plan.gpkg"
    file.unlink(missing_ok=True)
    for layer in ("grids", "buildings", "cells"):
        getattr(plan, layer).to_file(file, layer=layer)
    asked = [sys.executable, str(JUDGE), str(DEMO), str(file), "--json"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert json.loads(answer.stdout)["faults"] == [], answer.stdout + answer.stderr
