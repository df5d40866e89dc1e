"""What the server keeps of a plan: its grids, their numbers, colours and labels, and the index of points."""

from __future__ import annotations

import math
import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gis_core.errors import ConflictError
from gis_core.layers.write import round_degrees
from gis_core.publish.labels import label_points
from gis_core.publish.steady import bordering, steady_colours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from geopandas import GeoDataFrame

    from gis_core.locate import Locator
    from gis_core.store import Store
    from gis_core.store.records import PlanRecord

__all__ = ["DEFAULT_BOUNDS", "PlanView", "clean", "feature_json", "load_plan_view"]

#: Fewest and most households of a grid where a plan names none.
DEFAULT_BOUNDS = (300, 500)


class PlanView:
    """One revision of a plan, read once; nothing in it changes.

    Rows are living grids in the order of `grid_ix`; a grid that was dissolved has no row. Colours and labels are
    worked out when they are first asked for.

    Attributes
    ----------
    record : PlanRecord
        What the store says of the plan.
    numbers : list of int
        `grid_ix` of each row.
    codes : list of str
        Code of each row.
    geometry : object, shape (n_rows,)
        Polygons in degrees.
    assignment : int32, shape (n_cells,)
        `grid_ix` of each cell; -1 unassigned.
    areas : dict
        Name of each boundary polygon by its code.
    parents : dict
        What each boundary polygon is a part of, by its code.
    """

    def __init__(
        self,
        record: PlanRecord,
        *,
        grids: GeoDataFrame,
        areas: GeoDataFrame,
        assignment: NDArray[np.int32],
        colours: Mapping[int, int],
        read_areas_m2: Callable[[], NDArray[np.float64]],
        before: PlanView | None = None,
    ) -> None:
        """Take what was read; `before` is an earlier view of the plan, whose labels still stand where grids stayed."""
        self.record = record
        self.assignment = assignment
        self._read_areas_m2 = read_areas_m2
        self._chosen_colours = colours
        self.geometry: NDArray[np.object_] = np.asarray(grids.geometry.array, dtype=object)
        self.numbers: list[int] = grids["grid_ix"].tolist()
        self.codes = [str(code) for code in grids["code"]]
        self.areas = {
            clean(code): clean(name) for code, name in zip(areas["code"], areas["name"], strict=True)
        }
        self.parents: dict[str | None, str | None] = {
            clean(code): clean(parent) for code, parent in zip(areas["code"], areas["parent"], strict=True)
        }
        self._rows = self._build_rows(grids)
        self._row_of = {number: row for row, number in enumerate(self.numbers)}
        self._ix_of_code = dict(zip(self.codes, self.numbers, strict=True))
        self._gate = threading.Lock()
        self._known_labels: dict[int, tuple[Any, list[float]]] = {}
        if before is not None:
            self._known_labels = before._labels_by_grid()
            if before.record.dataset_id == record.dataset_id and "cell_area_m2" in before.__dict__:
                self.__dict__["cell_area_m2"] = before.cell_area_m2

    def grid(self, grid_ix: int) -> dict[str, Any] | None:
        """Give the numbers of a grid; None for -1 and for one that was dissolved."""
        row = self._row_of.get(grid_ix)
        return None if row is None else self.properties[row]

    def grid_ix_of(self, code: str | None) -> int:
        """Give the number of a grid by its code; -1 for none."""
        return -1 if code is None else self._ix_of_code[code]

    @cached_property
    def properties(self) -> list[dict[str, Any]]:
        """Numbers of each grid as the wire has them, with colour and label."""
        chosen = {
            self._row_of[ix]: colour for ix, colour in self._chosen_colours.items() if ix in self._row_of
        }
        colours = steady_colours(self.numbers, bordering(self.geometry), chosen).tolist()
        rows = []
        for row, colour, label in zip(self._rows, colours, self._labels, strict=True):
            place = None if math.isnan(label[0]) else [round(value, 7) for value in label]
            rows.append({**row, "colour": colour, "label": place})
        return rows

    @cached_property
    def cell_area_m2(self) -> NDArray[np.float64]:
        """Area of each cell, read when first asked for."""
        return self._read_areas_m2()

    @property
    def locator(self) -> Locator:
        """The index that finds the grid of a point, built when first asked for."""
        with self._gate:
            return self._locator

    @cached_property
    def owners(self) -> list[tuple[int, int]]:
        """The plan and the number of each grid, in the order of `locator.codes`."""
        return [(self.record.id, self._ix_of_code[code]) for code in self.locator.codes]

    @cached_property
    def _locator(self) -> Locator:
        from geopandas import GeoDataFrame

        from gis_core.locate import build_locator

        frame = GeoDataFrame({"code": self.codes}, geometry=list(self.geometry), crs="EPSG:4326")
        return build_locator(frame)

    def boundaries(self) -> list[dict[str, Any]]:
        """Sum households and grids over each boundary polygon, in the order of the areas."""
        rows: dict[str | None, dict[str, Any]] = {
            code: {"code": code, "name": name, "households": 0, "n_grids": 0}
            for code, name in self.areas.items()
        }
        for grid in self._rows:
            code = grid["boundary_code"]
            row = rows.setdefault(code, {"code": code, "name": None, "households": 0, "n_grids": 0})
            row["households"] += grid["households"]
            row["n_grids"] += 1
        return list(rows.values())

    def geojson(self) -> bytes:
        """Write all grids as GeoJSON."""
        head = {"type": "FeatureCollection", "plan": self.record.id, "revision": self.record.revision}
        return feature_json(head, self.numbers, self.properties, self.geometry)

    @cached_property
    def _labels(self) -> list[list[float]]:
        """Point of each label; those of grids that did not change are taken over."""
        labels: list[list[float]] = [[] for _ in self.numbers]
        for row, (number, shape) in enumerate(zip(self.numbers, self.geometry, strict=True)):
            known = self._known_labels.get(number)
            if known is not None and shapely.equals_identical(known[0], shape):
                labels[row] = known[1]
        fresh = [row for row, label in enumerate(labels) if not label]
        for row, label in zip(fresh, label_points(self.geometry[fresh]).tolist(), strict=True):
            labels[row] = label
        self._known_labels = {}
        return labels

    def _labels_by_grid(self) -> dict[int, tuple[Any, list[float]]]:
        """Give shape and label of each grid, where labels were worked out; else what was known before."""
        if "_labels" not in self.__dict__:
            return self._known_labels
        return dict(zip(self.numbers, zip(self.geometry, self._labels, strict=True), strict=True))

    def _build_rows(self, grids: GeoDataFrame) -> list[dict[str, Any]]:
        low, high = self.record.bounds or DEFAULT_BOUNDS
        names = (
            "name",
            "boundary_code",
            "population",
            "area_m2",
            "perimeter_m",
            "polsby_popper",
            "deviation",
        )
        columns = {
            name: [clean(v) for v in grids[name]] if name in grids else [None] * len(grids) for name in names
        }
        rows = []
        for ix, (code, households) in enumerate(zip(self.codes, grids["households"].tolist(), strict=True)):
            row: dict[str, Any] = {"code": code, "households": int(households)}
            row |= {name: columns[name][ix] for name in names}
            row["boundary_name"] = self.areas.get(row["boundary_code"])
            row["in_bounds"] = low <= households <= high
            rows.append(row)
        return rows


def load_plan_view(store: Store, plan_id: int, before: PlanView | None = None) -> PlanView:
    """Read one revision of a plan; tries again where somebody edits it meanwhile.

    Parameters
    ----------
    before : PlanView or None
        An earlier view of the plan.

    Raises
    ------
    NotFoundError
        Where there is no such plan.
    ConflictError
        Where the plan changed three times while it was read.
    """
    for _ in range(3):
        record = store.plan(plan_id)
        state = store.plan_state(plan_id)
        view = PlanView(
            record,
            grids=store.grids(plan_id),
            areas=store.layer(record.dataset_id, "areas"),
            assignment=store.assignment(plan_id),
            colours={grid.grid_ix: grid.colour for grid in state.grids if grid.colour is not None},
            read_areas_m2=partial(_cell_areas_m2, store, record.dataset_id),
            before=before,
        )
        if store.plan(plan_id).revision == record.revision:
            return view
    raise ConflictError(
        f"Plan {plan_id} is being changed faster than it can be read; try again.", plan=plan_id
    )


def _cell_areas_m2(store: Store, dataset_id: int) -> NDArray[np.float64]:
    return store.graph(dataset_id).area_m2


def clean(value: Any) -> Any:
    """Turn a value of a frame into one for JSON: no NaN, no numpy, no missing value of pandas."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int | list | dict):
        return value
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def feature_json(
    head: dict[str, Any], ids: Any, properties: list[dict[str, Any]], geometry: NDArray[np.object_]
) -> bytes:
    """Write a FeatureCollection (RFC 7946): outer rings counter-clockwise, as many decimals as a cover needs."""
    rounded, _ = round_degrees(shapely.force_2d(geometry))
    texts = shapely.to_geojson(shapely.orient_polygons(rounded))
    features = [
        {
            "type": "Feature",
            "id": int(feature_id),
            "properties": row,
            "geometry": orjson.Fragment(text) if text is not None else None,
        }
        for feature_id, row, text in zip(ids, properties, texts, strict=True)
    ]
    return orjson.dumps({**head, "features": features})
