"""A town of four grids with Chinese names: a plan, its dataset as a store would give it, and as a file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gis_core.plan.file import PlanFile

WORK = "EPSG:32650"
WEST, SOUTH, SIDE = 400_000.0, 3_370_000.0, 200.0
CODES = [f"990101001001{number:03d}" for number in range(1, 5)]


def frame(columns: dict[str, Any], shapes: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=WORK)


def square(column: int, row: int) -> shapely.Polygon:
    x, y = WEST + column * SIDE, SOUTH + row * SIDE
    return shapely.box(x, y, x + SIDE, y + SIDE)


def plan(**report: Any) -> PlanFile:
    squares = [square(0, 1), square(1, 1), square(0, 0), square(1, 0)]
    grids = frame(
        {
            "code": CODES, "name": ["东门网格", None, "A<b>&", ""], "boundary_code": ["990101001001"] * 4,
            "households": [310, 350, 640, 0], "population": [800.0, 900.0, None, 0.0],
            "area_m2": [SIDE**2] * 4, "deviation": [-0.05, 0.0, 0.9, None],
        },
        squares,
    )  # fmt: skip
    cells = frame({"cell_id": range(4), "grid_code": CODES, "households": [310, 350, 640, 0]}, squares)
    return PlanFile(
        grids, _houses()[["id", "households", "grid_code", "cell_id", "geometry"]], cells,
        {"bounds": [300, 500], "attribution": "来源甲", **report}, "东街方案",
    )  # fmt: skip


def _houses() -> gpd.GeoDataFrame:
    rows, shapes = [], []
    for grid, (column, row) in enumerate([(0, 1), (1, 1), (0, 0), (1, 0)]):
        for house in range(12):
            x, y = WEST + column * SIDE + 20 + house % 4 * 45, SOUTH + row * SIDE + 25 + house // 4 * 60
            shapes.append(shapely.box(x, y, x + 32, y + 18))
            rows.append(
                {
                    "id": f"{grid}-{house}", "households": 25, "grid_code": CODES[grid], "cell_id": grid,
                    "name": f"{house + 1}号" if house else "百货大楼", "address": f"福江里{house + 1}号",
                    "compound": "桂阳小区" if grid == 1 else None, "population": None,
                }
            )  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=WORK)


def layers() -> dict[str, gpd.GeoDataFrame]:
    whole = shapely.box(WEST, SOUTH, WEST + 2 * SIDE, SOUTH + 2 * SIDE)
    middle = SOUTH + SIDE
    return {
        "areas": frame({"code": ["990101001001"], "name": ["东门社区"], "parent": [None]}, [whole]),
        "buildings": _houses(),
        "streets": frame(
            {
                "street_class": ["primary", "residential"], "rank": [6, 3],
                "name": ["四川北路", None], "cuts": [True, True],
            },
            [
                shapely.LineString([(WEST - 50, middle), (WEST + 450, middle)]),
                shapely.LineString([(WEST + SIDE, SOUTH), (WEST + SIDE, SOUTH + 400)]),
            ],
        ),
        "barriers": frame(
            {"kind": ["rail"], "name": ["江北铁路"], "cuts": [True]},
            [shapely.LineString([(WEST, SOUTH + 10), (WEST + 400, SOUTH + 12)])],
        ),
        "facilities": frame(
            {"id": ["f"], "category": ["school"], "name": ["东门小学"]}, [shapely.Point(WEST + 90, SOUTH + 185)]
        ),
        "water": frame({"name": ["清水河"]}, [shapely.box(WEST + 330, SOUTH, WEST + 390, SOUTH + 400)]),
        "green": frame({"name": []}, []),
    }  # fmt: skip


class Shelf:
    """As much of a store as a printer asks for."""

    def __init__(self, state: str = "draft", **given: Any) -> None:
        self.record = SimpleNamespace(dataset_id=7, state=state, revision=5, valid_from=None, valid_to=None)
        self.record.__dict__.update(given)
        self.frames, self.file = layers(), plan()
        staff = (
            {
                "role": "网格员",
                "name": "王小芳",
                "phone": "021-5555 0101",
                "hours": "8:30-17:00",
                "deputy": "李强",
            },
        )
        self.state = SimpleNamespace(
            grids=[
                SimpleNamespace(code=CODES[0], colour=3, staff=staff, retired=False),
                SimpleNamespace(code="gone", colour=1, staff=(), retired=True),
            ]
        )

    def plan(self, plan_id: int) -> Any:
        return self.record

    def plan_file(self, plan_id: int) -> PlanFile:
        return self.file

    def plan_state(self, plan_id: int) -> Any:
        return self.state

    def dataset(self, dataset_id: int) -> Any:
        assert dataset_id == 7
        return SimpleNamespace(work_crs=WORK, attribution="© 测绘")

    def layer(self, dataset_id: int, layer: str) -> gpd.GeoDataFrame:
        return self.frames[layer].to_crs("EPSG:4326")


def write_dataset(path: Path) -> Path:
    """Write the layers as a user's file, by the names of the dataset contract."""
    found = layers()
    streets = found["streets"].rename(columns={"street_class": "class"})[["class", "name", "geometry"]]
    houses = found["buildings"].drop(columns=["grid_code", "cell_id", "population"])
    frames = {"boundary": found["areas"], "buildings": houses, "streets": streets, "water": found["water"]}
    for name, each in frames.items():
        each.to_file(path, layer=name)
    return path


def with_bare_grid(file: PlanFile) -> PlanFile:
    """Add a grid that has no cells yet."""
    row = frame(
        {"code": ["990101001001005"], "name": ["新"], "boundary_code": ["990101001001"], "households": [0]},
        [shapely.MultiPolygon()],
    )
    grids = gpd.GeoDataFrame(pd.concat([file.grids, row], ignore_index=True), crs=WORK)
    return PlanFile(grids, file.buildings, file.cells, file.report, file.name)  # fmt: skip
