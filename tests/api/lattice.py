"""A town made by hand for tests: a lattice of crooked cells, streets between its blocks, a building a cell.

Everything follows from the arguments; no room of the core but the records takes part in making it.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis_core.model import STREET_CLASSES, AdjacencyGraph, Dataset, Fabric
from gis_core.plan.file import PlanFile

WORK_CRS = CRS.from_epsg(32650)
ORIGIN = (116.39, 39.91)
CELL_M = 25.0
BLOCK = 10
GRID_ROWS, GRID_COLUMNS = 4, 5
COMPOUNDS = ("和阳里", "锦绣苑", "东风小区", "阳光花园", "翠湖名邸", "学府家园", "广安里", "金桂园")
STREETS = (
    "和平路",
    "建设街",
    "文化路",
    "解放大道",
    "春晖巷",
    "人民路",
    "青年街",
    "育才路",
    "长安街",
    "幸福里",
)
ATTRIBUTION = "Generated lattice town, no real place"


def build_lattice(columns: int = 10, rows: int = 10, *, jitter: float = 0.2) -> tuple[Dataset, Fabric]:
    """Make a town of `columns * rows` cells; cell k is at column k // rows, row k % rows."""
    rng = np.random.default_rng([columns, rows])
    corners = _corners(columns, rows, jitter, rng)
    cells = _cells(corners)
    households = rng.integers(5, 36, size=len(cells))
    boundary_ix = (np.arange(len(cells)) // rows >= columns // 2).astype(np.int32)
    column, row = np.divmod(np.arange(len(cells)), rows)
    enclosure_ix = ((column // BLOCK) * (rows // BLOCK + 1) + row // BLOCK).astype(np.int32)
    dataset = Dataset(
        name="lattice",
        source="lattice",
        work_crs=WORK_CRS,
        source_crs=WORK_CRS,
        boundary=_boundary(cells, boundary_ix),
        buildings=_buildings(cells, households, enclosure_ix),
        streets=_streets(corners),
        barriers=_frame(
            {"kind": ["rail"], "name": ["京九铁路"], "cuts": [True]}, [shapely.linestrings(corners[:, 0])]
        ),
        facilities=_facilities(cells),
        water=_frame({"name": ["和阳湖"]}, [_beside(cells, -6)]),
        green=_frame({"name": ["人民公园"]}, [_beside(cells, -12)]),
        attribution=ATTRIBUTION,
    )
    fabric = Fabric(
        cells=cells,
        boundary_ix=boundary_ix,
        enclosure_ix=enclosure_ix,
        households=households.astype(np.int64),
        population=households * 2.6,
        building_cell_ix=np.arange(len(cells), dtype=np.int32),
        graph=_graph(cells, columns, rows),
    )
    return dataset, fabric


def build_lattice_plan(
    dataset: Dataset,
    fabric: Fabric,
    columns: int,
    rows: int,
    grid: tuple[int, int] = (GRID_COLUMNS, GRID_ROWS),
) -> PlanFile:
    """Cut the town into rectangles of `grid` cells that stay inside their boundary polygon."""
    across, down = grid
    column, row = np.divmod(np.arange(fabric.n_cells), rows)
    half = columns // 2
    local = np.where(fabric.boundary_ix == 0, column, column - half) // across
    key = (fabric.boundary_ix.astype(np.int64) * columns + local) * rows + row // down
    _, assignment = np.unique(key, return_inverse=True)
    assignment = assignment.astype(np.int64)
    order = np.argsort(assignment, kind="stable")
    splits = np.cumsum(np.bincount(assignment))[:-1]
    members = np.split(order, splits)
    boundary_of = [int(fabric.boundary_ix[cells[0]]) for cells in members]
    codes = [f"{dataset.boundary['code'][b]}{ix + 1:04d}" for ix, b in enumerate(boundary_of)]
    polygons = np.array([shapely.coverage_union_all(fabric.cells[cells]) for cells in members])
    households = np.array([int(fabric.households[cells].sum()) for cells in members])
    area, perimeter = shapely.area(polygons), shapely.length(polygons)
    grids = _frame(
        {
            "code": codes,
            "name": [f"第{ix + 1}网格" for ix in range(len(codes))],
            "boundary_code": [dataset.boundary["code"][b] for b in boundary_of],
            "households": households,
            "population": households * 2.6,
            "area_m2": area,
            "perimeter_m": perimeter,
            "polsby_popper": 4 * np.pi * area / perimeter**2,
            "deviation": households / households.mean() - 1.0,
        },
        polygons,
    )
    grid_code = np.array(codes, dtype=object)[assignment]
    cells = _frame(
        {"cell_id": np.arange(fabric.n_cells), "grid_code": grid_code, "households": fabric.households},
        fabric.cells,
    )
    buildings = _frame(
        {
            "id": dataset.buildings["id"],
            "households": dataset.buildings["households"],
            "grid_code": grid_code,
            "cell_id": np.arange(fabric.n_cells),
        },
        dataset.buildings.geometry,
    )
    bounds = [15 * across * down, 25 * across * down]
    report = {"grids": len(codes), "households": int(households.sum()), "bounds": bounds, "seed": 1}
    frames = {"grids": grids, "buildings": buildings, "cells": cells}
    return PlanFile(**{k: v.to_crs(4326) for k, v in frames.items()}, report=report, name="lattice plan")


def _frame(columns: dict[str, object], geometry: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(geometry), crs=WORK_CRS)  # type: ignore[call-overload]


def _corners(columns: int, rows: int, jitter: float, rng: np.random.Generator) -> NDArray[np.float64]:
    x0, y0 = Transformer.from_crs(4326, WORK_CRS, always_xy=True).transform(*ORIGIN)
    step = np.stack(np.meshgrid(np.arange(columns + 1.0), np.arange(rows + 1.0), indexing="ij"), axis=-1)
    return np.array([x0, y0]) + CELL_M * (step + rng.uniform(-jitter, jitter, step.shape))


def _cells(corners: NDArray[np.float64]) -> NDArray[np.object_]:
    ring = [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:], corners[:-1, :-1]]
    return np.asarray(shapely.polygons(np.stack(ring, axis=2).reshape(-1, 5, 2)))


def _boundary(cells: NDArray[np.object_], boundary_ix: NDArray[np.int32]) -> gpd.GeoDataFrame:
    halves = [shapely.coverage_union_all(cells[boundary_ix == ix]) for ix in (0, 1)]
    columns = {
        "code": ["101", "102"],
        "name": ["西社区", "东社区"],
        "parent": ["示范街道"] * 2,
        "row": [0, 1],
    }
    return _frame(columns, halves)


def _buildings(
    cells: NDArray[np.object_], households: NDArray[np.int64], enclosure_ix: NDArray[np.int32]
) -> gpd.GeoDataFrame:
    centre = shapely.get_coordinates(shapely.centroid(cells))
    footprints = shapely.get_coordinates(cells).reshape(-1, 5, 2)
    shrunk = shapely.polygons(centre[:, None] + 0.6 * (footprints - centre[:, None]))
    n = len(cells)
    compound = [COMPOUNDS[block % len(COMPOUNDS)] for block in enclosure_ix.tolist()]
    number = np.arange(n) % 97 + 1
    return _frame(
        {
            "id": [f"B{ix:06d}" for ix in range(n)],
            "row": np.arange(n),
            "households": households.astype(np.int64),
            "population": households * 2.6,
            "levels": (households // 6 + 1).astype(float),
            "use": ["residential"] * n,
            "name": [f"{text}{k}号楼" for text, k in zip(compound, number.tolist(), strict=True)],
            "address": [f"{STREETS[k % len(STREETS)]}{k}号" for k in number.tolist()],
            "compound": compound,
            "households_source": ["source"] * n,
        },
        shrunk,
    )


def _streets(corners: NDArray[np.float64]) -> gpd.GeoDataFrame:
    lines = [shapely.linestrings(corners[ix]) for ix in range(0, corners.shape[0], BLOCK)]
    lines += [shapely.linestrings(corners[:, ix]) for ix in range(0, corners.shape[1], BLOCK)]
    classes = ["residential", "tertiary", "primary"]
    chosen = [classes[ix % 3] for ix in range(len(lines))]
    columns = {
        "street_class": chosen,
        "rank": np.array([STREET_CLASSES.index(name) for name in chosen], dtype=np.uint8),
        "highway": chosen,
        "name": [STREETS[ix % len(STREETS)] for ix in range(len(lines))],
        "cuts": [True] * len(lines),
    }
    return _frame(columns, lines)


def _facilities(cells: NDArray[np.object_]) -> gpd.GeoDataFrame:
    some = shapely.centroid(cells[:: max(1, len(cells) // 20)])
    columns = {
        "id": [f"F{ix}" for ix in range(len(some))],
        "category": ["school" if ix % 2 else "clinic" for ix in range(len(some))],
        "name": [f"{STREETS[ix % len(STREETS)]}{'小学' if ix % 2 else '卫生站'}" for ix in range(len(some))],
    }
    return _frame(columns, some)


def _beside(cells: NDArray[np.object_], shift: float) -> shapely.Polygon:
    west, south, _, north = shapely.total_bounds(cells)
    left = west + shift * CELL_M
    return shapely.box(left, south, left + 4 * CELL_M, north)


def _graph(cells: NDArray[np.object_], columns: int, rows: int) -> AdjacencyGraph:
    ix = np.arange(columns * rows).reshape(columns, rows)
    east = np.column_stack([ix[:-1].ravel(), ix[1:].ravel()])
    north = np.column_stack([ix[:, :-1].ravel(), ix[:, 1:].ravel()])
    once = np.concatenate([east, north])
    both = np.concatenate([once, once[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    shared = shapely.length(shapely.intersection(cells[both[:, 0]], cells[both[:, 1]]))
    block = np.divmod(np.arange(columns * rows), rows)
    block_ix = (block[0] // BLOCK) * (rows // BLOCK + 1) + block[1] // BLOCK
    on_street = block_ix[both[:, 0]] != block_ix[both[:, 1]]
    counts = np.bincount(both[:, 0], minlength=columns * rows)
    perimeter = shapely.length(cells)
    inner = np.bincount(both[:, 0], weights=shared, minlength=columns * rows)
    centre = shapely.get_coordinates(shapely.centroid(cells))
    return AdjacencyGraph(
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        indices=both[:, 1].astype(np.int32),
        shared_length_m=shared,
        street_rank=np.where(on_street, STREET_CLASSES.index("residential"), 0).astype(np.uint8),
        street_length_m=np.where(on_street, shared, 0.0),
        area_m2=shapely.area(cells),
        perimeter_m=perimeter,
        exterior_length_m=np.maximum(perimeter - inner, 0.0),
        x=centre[:, 0].copy(),
        y=centre[:, 1].copy(),
    )
