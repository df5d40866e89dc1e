"""Random edits of a plan, and a model of a few lines beside the store that says how it must stand after each."""

from __future__ import annotations

import os
from collections import deque

import geopandas as gpd
import numpy as np
import shapely

from gis_core.graph import part_component_labels
from gis_core.plan.edit import code_of

#: Edits in each store: `WANGGE_TEST_EDITS=10000 scripts/test tests/contract/test_store_random_edits.py`.
N_EDITS = int(os.environ.get("WANGGE_TEST_EDITS", "100"))
KINDS = ("paint", "paint", "paint", "new", "dissolve", "lock", "name", "swap", "note", "wild")


class Model:
    """Cells and attributes as they must stand, and random edits of them."""

    def __init__(self, store, plan_id, dataset, fabric, seed):
        self.rng = np.random.default_rng(seed)
        self.area_ix, self.households, self.graph = fabric.boundary_ix, fabric.households, fabric.graph
        self.areas = tuple(dataset.boundary["code"])
        self.assignment = store.assignment(plan_id)
        self.attributes = attributes_of(store, plan_id)
        self.n_grids = len(store.plan_state(plan_id).grids)
        self.spent = 0

    def living(self, area=None):
        """Give the grids that are there, of all boundary polygons or of one."""
        return [
            ix
            for ix in range(self.n_grids)
            if f"grid/{ix}" in self.attributes and (area is None or self.area_of(ix) == area)
        ]

    def area_of(self, grid):
        """Give the boundary polygon of a living grid."""
        return self.areas.index(self.attributes[f"grid/{grid}"]["boundary_code"])

    def around(self, cell):
        """Give the cells that one touches."""
        return self.graph.indices[self.graph.indptr[cell] : self.graph.indptr[cell + 1]]

    def some_cells(self):
        """Give a random patch: cells around one, so that edits look like strokes."""
        cells = {int(self.rng.integers(len(self.assignment)))}
        for _ in range(int(self.rng.integers(0, 12))):
            cell = int(self.rng.choice(sorted(cells)))
            cells.update(self.around(cell).tolist()[:2])
        cells = np.array(sorted(cells))
        return cells[self.area_ix[cells] == self.area_ix[cells[0]]]

    def propose(self):
        """Give cells, grids and changes of a random edit; some break a rule."""
        return getattr(self, f"_{self.rng.choice(KINDS)}")()

    def _paint(self):
        cells = self.some_cells()
        choices = [-1, *self.living(self.area_ix[cells[0]])]
        return cells, np.full(len(cells), self.rng.choice(choices)), []

    def _new(self):
        cells = self.some_cells()
        return cells, np.full(len(cells), self.n_grids), [self._born(self.area_ix[cells[0]])]

    def _born(self, area):
        self.spent += 1
        base = {"code": f"N{self.spent:05d}", "boundary_code": self.areas[area]}
        return f"grid/{self.n_grids}", base

    def _dissolve(self):
        living = self.living()
        if not living:
            return self._new()
        grid = int(self.rng.choice(living))
        cells = np.flatnonzero(self.assignment == grid)
        heirs = [ix for ix in self.living(self.area_of(grid)) if ix != grid]
        return cells, self.rng.choice([-1, *heirs], size=len(cells)), [(f"grid/{grid}", None)]

    def _lock(self):
        living = self.living()
        if len(living) < 2:
            return self._new()
        a, b = sorted(self.rng.choice(living, size=2, replace=False).tolist())
        cell = int(self.rng.integers(len(self.assignment)))
        path = str(self.rng.choice([f"grid/{a}/locked", f"lock/cell/{cell}", f"lock/border/{a}/{b}"]))
        locks = self.locks()
        if len(locks) > 6:  # not for ever: something must be free to move
            return [], [], [(str(one), None) for one in self.rng.choice(locks, size=4, replace=False)]
        return [], [], [(path, None if path in self.attributes else True)]

    def _name(self):
        living = self.living()
        if not living:
            return self._new()
        grid = int(self.rng.choice(living))
        values = {
            "name": f"网格{self.rng.integers(99)}",
            "colour": int(self.rng.integers(8)),
            "staff": [{"name": "张三"}],
        }
        key = str(self.rng.choice(list(values)))
        return [], [], [(f"grid/{grid}/{key}", self.rng.choice([None, 1]) and values[key])]

    def _swap(self):
        living = self.living()
        if len(living) < 2:
            return self._new()
        a, b = self.rng.choice(living, size=2, replace=False).tolist()
        codes = [code_of(self.attributes, grid) for grid in (b, a)]
        return [], [], [(f"grid/{a}/code", codes[0]), (f"grid/{b}/code", codes[1])]

    def _note(self):
        path = f"note/n{self.rng.integers(5)}"
        value = None if path in self.attributes else {"lon": 121.5, "lat": 31.2, "text": "x"}
        return [], [], [(path, value)]

    def _wild(self):
        cells = np.unique(self.rng.integers(-1, len(self.assignment) + 1, size=5))
        return cells, self.rng.integers(-1, self.n_grids + 1, size=len(cells)), []

    def locks(self):
        """Give the paths of all locks."""
        return [path for path in self.attributes if "lock" in path]

    def tidy(self):
        """Give edits after which every cell has a grid and every grid is in one piece."""
        locks = self.locks()
        if locks:
            yield [], [], [(path, None) for path in locks]
        for area in range(len(self.areas)):
            if not self.living(area):
                cell = int(np.flatnonzero(self.area_ix == area)[0])
                yield [cell], [self.n_grids], [self._born(area)]
        after = self.grown()
        moved = np.flatnonzero(after != self.assignment)
        gone = [(f"grid/{grid}", None) for grid in self.living() if not (after == grid).any()]
        yield moved, after[moved], gone

    def grown(self):
        """Give each grid its greatest piece, then all other cells to the grids beside them."""
        label = part_component_labels(self.graph, self.assignment)
        after = np.full(len(self.assignment), -1, dtype=np.int64)
        for grid in self.living():
            mine = np.flatnonzero(self.assignment == grid)
            if len(mine):
                names, sizes = np.unique(label[mine], return_counts=True)
                after[mine[label[mine] == names[np.argmax(sizes)]]] = grid
        waiting = deque(np.flatnonzero(after >= 0).tolist())
        while waiting:
            cell = waiting.popleft()
            for other in self.around(cell).tolist():
                if after[other] < 0 and self.area_ix[other] == self.area_ix[cell]:
                    after[other] = after[cell]
                    waiting.append(other)
        return after

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

    def open_kinds(self, bounds):
        """Give what stands in the way of publishing, counted anew, as the kinds of the check list."""
        found = set()
        if (self.assignment < 0).any():
            found.add("unassigned")
        label = part_component_labels(self.graph, self.assignment)
        for grid in self.living():
            mine = self.assignment == grid
            if len(np.unique(label[mine])) != 1:
                found.add("in_pieces")
            if not bounds[0] <= self.households[mine].sum() <= bounds[1]:
                found.add("out_of_bounds")
            if not self.attributes.get(f"grid/{grid}/name"):
                found.add("unnamed")
            if not self.attributes.get(f"grid/{grid}/staff"):
                found.add("without_staff")
        return found


def attributes_of(store, plan_id):
    """Give all attributes of a plan as the flat map of the contract, codes as they are carried."""
    from gis_core.store import attributes

    with store._read() as connection:
        return attributes.read(connection, plan_id)


def faults_of(dataset, plan):
    """Say what is wrong with a stored plan, from its polygons and the dataset alone.

    Parameters
    ----------
    dataset
        As it was loaded: metres.
    plan : PlanFile
        As the store gives it: degrees.
    """
    faults = []
    stored = np.asarray(plan.grids.geometry.array)
    if not shapely.is_valid(stored).all():
        faults.append("grids are not valid")
    if not shapely.coverage_is_valid(stored):
        faults.append("grids overlap or do not meet edge to edge")
    placed = gpd.GeoSeries(stored, crs=4326).to_crs(dataset.work_crs)
    areas = dict(zip(dataset.boundary["code"], dataset.boundary.geometry, strict=True))
    whole = shapely.union_all(list(areas.values()))
    slack = 10 + 1e-6 * whole.area + 0.002 * whole.length
    if shapely.symmetric_difference(whole, shapely.union_all(placed.to_numpy())).area > slack:
        faults.append("grids are not the ground of the boundary")
    for code, boundary, shape in zip(plan.grids["code"], plan.grids["boundary_code"], placed, strict=True):
        if shapely.difference(shape, areas[boundary]).area > 1e-6 * shape.area + slack / 10:
            faults.append(f"grid {code} leaves {boundary}")
        if shape.geom_type != "Polygon":
            faults.append(f"grid {code} is a {shape.geom_type}")
    if plan.grids["code"].duplicated().any() or plan.grids["code"].isna().any():
        faults.append("codes are missing or twice")
    return faults + _faults_of_buildings(dataset, plan)


def _faults_of_buildings(dataset, plan):
    faults = []
    inside = plan.buildings.set_index("id")
    known = dataset.buildings.set_index("id")["households"]
    if inside.index.duplicated().any() or inside["grid_code"].isna().any():
        faults.append("a building has two grids or none")
    if not inside["households"].equals(known[inside.index]):
        faults.append("households of a building changed")
    sums = inside.groupby("grid_code")["households"].sum()
    said = plan.grids.set_index("code")["households"]
    if not (said == sums.reindex(said.index, fill_value=0)).all():
        faults.append("households of a grid are not those of its buildings")
    polygons = plan.grids.set_index("code").geometry
    apart = shapely.distance(inside.geometry.to_numpy(), polygons[inside["grid_code"]].to_numpy())
    if (apart > 1e-5).any():
        faults.append("a building does not touch its grid")
    return faults
