"""Random edits of all kinds in both stores: nothing is lost or made, refused edits change nothing, undo is exact.

A model of a few lines beside the store holds cells and attributes; after every edit the two agree.
"""

from __future__ import annotations

import numpy as np
import pytest

from gis_core.errors import EditError, LockedError
from gis_core.graph import part_component_labels
from gis_core.plan.edit import code_of

#: Edits in each store; 10,000 were run before release.
N_EDITS = 100
#: After so many edits the polygons are compared with the cells that they are drawn from.
DRAWN_EVERY = 40
AREAS = ("310101001", "310101002")


class Model:
    """Cells and attributes as they must stand, and random edits of them."""

    def __init__(self, store, plan_id, fabric, seed):
        self.rng = np.random.default_rng(seed)
        self.area_ix, self.households, self.graph = fabric.boundary_ix, fabric.households, fabric.graph
        self.assignment = store.assignment(plan_id)
        self.attributes = attributes_of(store, plan_id)
        self.n_grids = len(store.plan_state(plan_id).grids)
        self.spent = 0

    def living(self, area=None):
        return [
            ix
            for ix in range(self.n_grids)
            if f"grid/{ix}" in self.attributes
            and (area is None or self.attributes[f"grid/{ix}"]["boundary_code"] == AREAS[area])
        ]

    def some_cells(self):
        """Return a random patch: cells around one, so that edits look like strokes."""
        cells = {int(self.rng.integers(len(self.assignment)))}
        for _ in range(int(self.rng.integers(0, 12))):
            cell = int(self.rng.choice(sorted(cells)))
            cells.update(
                self.graph.indices[self.graph.indptr[cell] : self.graph.indptr[cell + 1]].tolist()[:2]
            )
        return np.array(sorted(cells))

    def propose(self):
        """Return cells, grids and changes of a random edit; some break a rule."""
        kind = self.rng.choice(
            ["paint", "paint", "paint", "new", "dissolve", "lock", "name", "swap", "note", "wild"]
        )
        return getattr(self, f"_{kind}")()

    def _paint(self):
        cells = self.some_cells()
        area = self.area_ix[cells[0]]
        cells = cells[self.area_ix[cells] == area]
        return cells, np.full(len(cells), self.rng.choice([-1, *self.living(area)])), []

    def _new(self):
        cells = self.some_cells()
        area = self.area_ix[cells[0]]
        cells = cells[self.area_ix[cells] == area]
        self.spent += 1
        base = {"code": f"N{self.spent:05d}", "boundary_code": AREAS[area]}
        return cells, np.full(len(cells), self.n_grids), [(f"grid/{self.n_grids}", base)]

    def _dissolve(self):
        grid = int(self.rng.choice(self.living()))
        area = AREAS.index(self.attributes[f"grid/{grid}"]["boundary_code"])
        cells = np.flatnonzero(self.assignment == grid)
        heirs = [ix for ix in self.living(area) if ix != grid]
        return cells, self.rng.choice([-1, *heirs], size=len(cells)), [(f"grid/{grid}", None)]

    def _lock(self):
        a, b = sorted(self.rng.choice(self.living(), size=2, replace=False).tolist())
        cell = int(self.rng.integers(len(self.assignment)))
        path = str(self.rng.choice([f"grid/{a}/locked", f"lock/cell/{cell}", f"lock/border/{a}/{b}"]))
        locks = [one for one in self.attributes if "lock" in one]
        if len(locks) > 6:  # not for ever: something must be free to move
            return [], [], [(str(one), None) for one in self.rng.choice(locks, size=4, replace=False)]
        return [], [], [(path, None if path in self.attributes else True)]

    def _name(self):
        grid = int(self.rng.choice(self.living()))
        values = {
            "name": f"网格{self.rng.integers(99)}",
            "colour": int(self.rng.integers(8)),
            "staff": [{"name": "张三"}],
        }
        key = str(self.rng.choice(list(values)))
        return [], [], [(f"grid/{grid}/{key}", self.rng.choice([None, 1]) and values[key])]

    def _swap(self):
        a, b = self.rng.choice(self.living(), size=2, replace=False).tolist()
        codes = [code_of(self.attributes, grid) for grid in (b, a)]
        return [], [], [(f"grid/{a}/code", codes[0]), (f"grid/{b}/code", codes[1])]

    def _note(self):
        path = f"note/n{self.rng.integers(5)}"
        value = None if path in self.attributes else {"lon": 121.5, "lat": 31.2, "text": "x"}
        return [], [], [(path, value)]

    def _wild(self):
        cells = np.unique(self.rng.integers(-1, len(self.assignment) + 1, size=5))
        return cells, self.rng.integers(-1, self.n_grids + 1, size=len(cells)), []

    def take(self, cells, grids, changes):
        """Apply an edit that the store took."""
        self.assignment[np.asarray(cells, dtype=int)] = grids
        for path, value in changes:
            if value is None:
                self.attributes.pop(path, None)
            else:
                self.attributes[path] = value
                if path == f"grid/{self.n_grids}":
                    self.n_grids += 1


def attributes_of(store, plan_id):
    """Return all attributes of a plan as the flat map of the contract, codes as they are carried."""
    with store._read() as connection:
        from gis_core.store import attributes

        return attributes.read(connection, plan_id)


def require_sound(store, plan_id, model):
    """Check that cells and households are conserved, and that what is said of grids is what their cells say."""
    assignment = store.assignment(plan_id)
    assert assignment.tolist() == model.assignment.tolist()
    assert attributes_of(store, plan_id) == model.attributes
    grids = store.grids(plan_id).set_index("grid_ix")
    assert (
        grids.index.tolist()
        == model.living()
        == sorted(set(assignment[assignment >= 0]) | set(model.living()))
    )
    sums = np.bincount(
        assignment[assignment >= 0], model.households[assignment >= 0], minlength=model.n_grids
    )
    assert grids["households"].tolist() == sums[grids.index].tolist()
    assert grids["households"].sum() + model.households[assignment < 0].sum() == model.households.sum()
    assert grids["code"].tolist() == [code_of(model.attributes, grid) for grid in grids.index]
    home = np.full(model.n_grids + 1, -1)  # -1, no grid, finds the last
    home[grids.index] = [AREAS.index(code) for code in grids["boundary_code"]]
    home = home[assignment]
    assert ((home == model.area_ix) | (home < 0)).all()
    assert store.plan(plan_id).n_grids == len(grids)


def require_drawn(store, plan_id, model):
    """Check polygons against cells, and the check list against pieces counted anew."""
    grids = store.grids(plan_id).set_index("grid_ix")
    cells = np.bincount(model.assignment[model.assignment >= 0], minlength=model.n_grids)
    assert grids["area_m2"].tolist() == pytest.approx((cells[grids.index] * 900.0).tolist(), rel=2e-3)
    assert grids.geometry.is_empty.tolist() == (cells[grids.index] == 0).tolist()
    assert grids.geometry.is_valid.all()
    label = part_component_labels(model.graph, model.assignment)
    pieces = {grid: len(np.unique(label[model.assignment == grid])) for grid in grids.index}
    listed = {item.grid_ix for item in store.checks(plan_id).items if item.kind == "in_pieces"}
    assert listed == {grid for grid, count in pieces.items() if count != 1}


def test_random_edits_conserve_and_undo_exactly(planned, two_communities):
    store, _, plan_id = planned
    model = Model(store, plan_id, two_communities[1], seed=11)
    first = (store.assignment(plan_id).tolist(), attributes_of(store, plan_id))
    refused: dict[str, int] = {}
    revision = 0
    for number in range(N_EDITS):
        cells, grids, changes = model.propose()
        try:
            result = store.add_edit(
                plan_id,
                expected_revision=revision,
                who="a",
                kind="random",
                cell_ix=cells,
                grid_ix=grids,
                changes=changes,
                key=f"k{number}",
            )
        except (EditError, LockedError) as error:
            refused[error.code] = refused.get(error.code, 0) + 1
        else:
            revision = result.revision
            model.take(cells, grids, changes)
        require_sound(store, plan_id, model)
        if number % DRAWN_EVERY == 0:
            require_drawn(store, plan_id, model)
    require_drawn(store, plan_id, model)
    assert set(refused) == {"bad-edit", "locked"}
    assert store.plan(plan_id).revision == revision == N_EDITS - sum(refused.values())
    assert revision > N_EDITS / 2
    for record in reversed(store.edits(plan_id)):
        back = [(one.path, one.before) for one in record.changes]
        store.add_edit(
            plan_id,
            expected_revision=revision,
            who="a",
            kind="undo",
            cell_ix=record.cell_ix,
            grid_ix=record.inverse_grid_ix,
            changes=back,
            undoes=record.revision,
        )
        revision += 1
    assert (store.assignment(plan_id).tolist(), attributes_of(store, plan_id)) == first
    middle = revision * 3 // 8
    store.restore(plan_id, middle, expected_revision=revision, who="a")
    store.restore(plan_id, 0, expected_revision=revision + 1, who="a")
    assert (store.assignment(plan_id).tolist(), attributes_of(store, plan_id)) == first
