"""A generated town of any size for the stores: square cells, a building in each, awkward texts and gaps."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely
from cell_graphs import lattice
from pyproj import CRS

from gis_core.model import AdjacencyGraph, Dataset, Fabric
from gis_core.plan.file import PlanFile
from gis_core.store import Store

WORK_CRS = CRS.from_epsg(32651)
SIDE_M = 30.0
ORIGIN = (350_000.0, 3_450_000.0)
#: Texts that a store may mangle: nothing, Chinese, quotes, COPY's own escapes, a four-byte character.
TEXTS = (None, "锦绣花园 12 幢", 'O\'Neil "Haus"', "a\tb\\N\nc", "𠮷野家", "", "100% _off_")


def _frame(columns: dict[str, list], geometry: list | np.ndarray) -> gpd.GeoDataFrame:
    data = {
        name: [values[row % len(values)] for row in range(len(geometry))] for name, values in columns.items()
    }
    return gpd.GeoDataFrame(data, geometry=np.asarray(geometry, dtype=object), crs=WORK_CRS)


def build_town(n_cells: int, *, block: int = 5) -> tuple[Dataset, Fabric, PlanFile]:
    """Make a town of `n_cells` cells in rows, and a plan whose grids are squares of `block` cells."""
    columns = int(np.ceil(n_cells**0.5))
    ix = np.arange(n_cells)
    row, column = np.divmod(ix, columns)
    x, y = ORIGIN[0] + column * SIDE_M, ORIGIN[1] + row * SIDE_M
    cells = shapely.box(x, y, x + SIDE_M, y + SIDE_M)
    # Odd fractions, so that a store that rounds is found out.
    footprints = shapely.box(x + 5 + 1 / 3, y + 5 + 1 / 7, x + 22 + ix % 3, y + 25)
    households = (ix % 17).astype(np.int64)
    width, height = columns * SIDE_M, (row.max() + 1) * SIDE_M
    buildings = _buildings(footprints, households)
    dataset = Dataset(
        name="小镇",
        source="town.gpkg",
        work_crs=WORK_CRS,
        source_crs=CRS.from_epsg(4326),
        boundary=_frame(
            {"code": ["310101001"], "name": ["人民社区"], "parent": [None], "row": [0]},
            [shapely.box(*ORIGIN, ORIGIN[0] + width, ORIGIN[1] + height)],
        ),
        buildings=buildings,
        streets=_streets(width),
        barriers=_frame({"kind": ["river"], "name": [None], "cuts": [True]}, [_line(7.5, width)]),
        facilities=_frame(
            {"id": ["f1"], "category": ["学校"], "name": ["第一小学"]}, [shapely.Point(x[0] + 1, y[0] + 1)]
        ),
        water=_frame({"name": ["湖"]}, [shapely.box(x[0] - 90, y[0], x[0] - 60, y[0] + 30)]),
        green=_frame({"name": []}, []),
        attribution="© 某测绘院",
    )
    fabric = Fabric(
        cells=cells,
        boundary_ix=np.zeros(n_cells, np.int32),
        enclosure_ix=(row // 10).astype(np.int32),
        households=households,
        population=np.nan_to_num(buildings["population"].to_numpy()),
        building_cell_ix=np.where(ix == n_cells - 1, -1, ix).astype(np.int32),
        graph=_chain(n_cells),
    )
    part = (row // block) * -(-columns // block) + column // block
    return dataset, fabric, _plan(dataset, fabric, np.unique(part, return_inverse=True)[1])


def build_two_communities(side: int = 12, *, block: int = 3) -> tuple[Dataset, Fabric, PlanFile]:
    """Make a town of `side` by `side` cells that touch as they lie, west and east community, and a plan that nests."""
    dataset, fabric, plan = build_town(side * side, block=block)
    area = (np.arange(side * side) % side >= side // 2).astype(np.int32)
    codes = ("310101001", "310101002")
    half, height = side // 2 * SIDE_M, side * SIDE_M
    x, y = ORIGIN
    boxes = [shapely.box(x + half * k, y, x + half * (k + 1), y + height) for k in (0, 1)]
    boundary = _frame(
        {"code": list(codes), "name": ["西社区", "东社区"], "parent": [None], "row": [0, 1]}, boxes
    )
    grid_of = plan.cells["grid_code"].to_numpy()
    home = {code: codes[area[np.flatnonzero(grid_of == code)[0]]] for code in plan.grids["code"]}
    new = {code: f"{home[code]}{code[-3:]}" for code in home}
    renamed = {
        "grids": plan.grids.assign(
            code=plan.grids["code"].map(new), boundary_code=plan.grids["code"].map(home).to_numpy()
        ),
        "cells": plan.cells.assign(grid_code=plan.cells["grid_code"].map(new)),
        "buildings": plan.buildings.assign(grid_code=plan.buildings["grid_code"].map(new)),
    }
    return (
        replace(dataset, boundary=boundary),
        replace(fabric, boundary_ix=area, graph=lattice(side, side, side_m=SIDE_M)),
        replace(plan, **renamed),
    )


def fill(store: Store, town: tuple[Dataset, Fabric, PlanFile]) -> tuple[Store, int, int]:
    """Load a town and its plan; return the store with the numbers of both."""
    dataset, fabric, plan = town
    dataset_id = store.add_dataset(dataset, fabric, imported_by="张三")
    return store, dataset_id, store.add_plan(plan, dataset_id=dataset_id, name="初稿", created_by="李四")


def _buildings(footprints: np.ndarray, households: np.ndarray) -> gpd.GeoDataFrame:
    n = len(footprints)
    texts = {
        name: list(TEXTS[k:] + TEXTS[:k]) for k, name in enumerate(("use", "name", "address", "compound"))
    }
    frame = _frame(texts, footprints)
    frame["id"] = [f"b{k}" for k in range(n)]
    frame["row"] = np.arange(n)
    frame["households"] = households
    frame["population"] = np.where(np.arange(n) % 2, households / 3, np.nan)
    frame["levels"] = 6.0
    frame["households_source"] = "source"
    frame["dogs"] = np.arange(n) * 0.5
    return frame


def _line(north_m: float, width: float) -> shapely.LineString:
    return shapely.LineString([(ORIGIN[0], ORIGIN[1] + north_m), (ORIGIN[0] + width, ORIGIN[1] + north_m)])


def _streets(width: float) -> gpd.GeoDataFrame:
    names = ["人民路", "人民路", "Jianshe Jie", None]
    lines = [_line(150.0 * k, width) for k in range(4)]
    columns = {
        "street_class": ["residential"],
        "rank": [3],
        "highway": ["residential"],
        "cuts": [True, False],
    }
    return _frame({**columns, "name": names}, lines)


def _chain(n: int) -> AdjacencyGraph:
    """Join each cell with the next: enough of a graph to be stored and compared."""
    pairs = [[other for other in (cell - 1, cell + 1) if 0 <= other < n] for cell in range(n)]
    indices = np.array([other for row in pairs for other in row], dtype=np.int32)
    rng = np.random.default_rng(n)
    per_edge = [rng.random(len(indices)) for _ in range(2)]
    return AdjacencyGraph(
        np.cumsum([0, *map(len, pairs)], dtype=np.int64),
        indices,
        per_edge[0],
        (indices % 9).astype(np.uint8),
        per_edge[1],
        *(rng.random(n) for _ in range(5)),
    )


def _plan(dataset: Dataset, fabric: Fabric, part: np.ndarray) -> PlanFile:
    degrees = gpd.GeoSeries(fabric.cells, crs=WORK_CRS).to_crs(4326)
    shapes = degrees.to_numpy()
    n_grids = part.max() + 1
    codes = np.array([f"310101001{k + 1:03d}" for k in range(n_grids)], dtype=object)
    households = np.bincount(part, fabric.households).astype(np.int64)
    grids = gpd.GeoDataFrame(
        {
            "code": codes,
            "name": ["第一网格"] + [None] * (n_grids - 1),
            "boundary_code": "310101001",
            "households": households,
            "population": np.bincount(part, fabric.population),
            "area_m2": np.bincount(part) * SIDE_M**2,
            "perimeter_m": 1.0,
            "polsby_popper": 0.5,
            "deviation": households / households.mean() - 1,
        },
        geometry=[shapely.coverage_union_all(shapes[part == k]) for k in range(n_grids)],
        crs=4326,
    )
    cells = gpd.GeoDataFrame(
        {"cell_id": np.arange(len(part)), "grid_code": codes[part], "households": fabric.households},
        geometry=degrees,
    )
    inside = fabric.building_cell_ix >= 0
    owner = fabric.building_cell_ix[inside]
    buildings = dataset.buildings.loc[inside, ["id", "households", "geometry"]].to_crs(4326)
    buildings = buildings.assign(cell_id=owner, grid_code=codes[part[owner]])
    return PlanFile(grids, buildings, cells, {"bounds": [300, 500], "seed": 7}, "小镇")
