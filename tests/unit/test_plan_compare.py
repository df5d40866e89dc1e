"""What changed between two plans: buildings are matched, not cells and not codes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from small_town import WORK_CRS, block_town, box

from gis_core.fabric import build_fabric
from gis_core.plan import Plan, PlanFile, make_plan
from gis_core.plan.compare import compare_plans, match_buildings, moves_as_csv


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = block_town(4, 3, per_block=6, households=25)
    town.buildings["id"] = [f"H{row}" for row in town.buildings["row"]]
    return make_plan(town, build_fabric(town, processes=1), seed=1, processes=1)


def edited(plan: Plan, **columns: object) -> PlanFile:
    """Return the plan with other values in the layer of buildings."""
    return replace(plan.frames, buildings=plan.frames.buildings.assign(**columns))


def test_a_plan_against_itself(plan: Plan) -> None:
    change = compare_plans(plan.frames, plan.frames)
    assert change["moves"] == change["renamed"] == []
    assert change["households"]["moved"] == 0
    assert change["households"]["kept_neighbors"] == change["households"]["matched"] == 72 * 25
    assert change["grids"] == {"before": 4, "after": 4, "kept": 4, "added": [], "removed": []}
    assert change["balance"]["before"]["in_bounds"] == 4


def test_moves_are_counted_pair_by_pair(plan: Plan) -> None:
    code = plan.frames.buildings["grid_code"].astype(object).to_numpy().copy()
    a, b = plan.codes[0], plan.codes[1]
    at_a, at_b = np.flatnonzero(code == a), np.flatnonzero(code == b)
    code[at_a[:3]], code[at_b[:1]] = b, None
    households = np.where(np.arange(len(code)) == at_a[0], 40, 25)
    change = compare_plans(plan.frames, edited(plan, grid_code=code, households=households))
    assert change["moves"] == [
        {"from": a, "to": b, "households": 90, "buildings": 3},
        {"from": b, "to": None, "households": 25, "buildings": 1},
    ]
    assert change["households"]["moved"] == 115
    rows = list(csv.DictReader(io.StringIO(moves_as_csv(change["moves"]))))
    assert [row["to"] for row in rows] == [b, ""]


def test_other_codes_for_the_same_ground_keep_their_neighbors(plan: Plan) -> None:
    code = plan.frames.buildings["grid_code"].map(lambda code: f"X{code}")
    change = compare_plans(plan.frames, edited(plan, grid_code=code))
    assert change["households"]["moved_share"] == 1.0
    assert change["households"]["kept_neighbors"] == change["households"]["matched"]
    assert change["renamed"] == [{"before": code, "after": f"X{code}"} for code in sorted(plan.codes)]


def test_new_and_removed_buildings_are_counted_apart(plan: Plan) -> None:
    buildings = plan.frames.buildings.copy()
    newer = buildings.iloc[2:].copy()
    newer.loc[newer.index[0], "id"] = "NEW"
    newer.loc[newer.index[0], "geometry"] = box(1, 1, 3, 3)
    change = compare_plans(plan.frames, replace(plan.frames, buildings=newer.reset_index(drop=True)))
    assert change["buildings"] == {
        "before": 72, "after": 70, "by_id": 69, "by_position": 0, "moved": 0, "new": 1, "removed": 3
    }  # fmt: skip
    assert change["households"]["removed"] == 75


def frame(ids: list[str], spots: list[tuple[float, float]]) -> gpd.GeoDataFrame:
    shapes = [box(x, y, x + 10, y + 10) for x, y in spots]
    return gpd.GeoDataFrame({"id": ids}, geometry=shapes, crs=WORK_CRS)


def test_row_numbers_of_different_files_are_matched_by_position() -> None:
    spots = [(100.0 * i, 0.0) for i in range(5)]
    match = match_buildings(frame(list("01234"), spots), frame(list("0123"), spots[1:]))
    assert match.by_id == 0
    assert sorted(zip(match.before.tolist(), match.after.tolist(), strict=True)) == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
    ]


def test_no_buildings_at_all() -> None:
    empty = frame([], [])
    assert len(match_buildings(empty, empty).before) == 0
