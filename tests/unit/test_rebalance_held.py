"""What a rebalanced plan is held to: weights and bounds of the plan in force, budgets; lower bounds that are true."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cell_graphs import chain, connected_partitions, from_edges, lattice
from small_town import block_town
from typer.testing import CliRunner

from gis_core.cli import app
from gis_core.errors import ParameterError
from gis_core.fabric import build_fabric
from gis_core.partition import Bounds, preset
from gis_core.plan import Plan, make_plan, write_plan
from gis_core.plan.asked import Asked
from gis_core.plan.ground import GroundOptions
from gis_core.plan.in_force import Made, made_with
from gis_core.plan.lower import lower_bounds
from gis_core.plan.rebalance import rebalance_plan
from gis_core.plan.start import improve_start
from gis_core.plan.workload import build_workload
from gis_core.town import make_town, write_town


@pytest.fixture(scope="module")
def plan() -> Plan:
    town = block_town(6, 4, per_block=6, households=25)
    buildings = town.buildings.copy()
    buildings["id"] = [f"H{row}" for row in buildings["row"]]
    buildings["elderly"] = np.where(buildings["row"] % 7 == 0, 10, 5)
    town = replace(town, buildings=buildings)
    return make_plan(town, build_fabric(town, processes=1), seed=3, processes=1)


def torn(plan: Plan) -> tuple[Plan, int]:
    """Return the plan with one building of another grid inside the first, and its households."""
    buildings = plan.frames.buildings.copy()
    cell = np.flatnonzero(plan.assignment == 0)[0]
    inner = int(np.flatnonzero(plan.fabric.building_cell_ix == cell)[0])
    far = [code for code, ix in zip(plan.codes, plan.boundary_ix, strict=True) if ix == plan.boundary_ix[0]][
        -1
    ]
    near = {plan.codes[plan.assignment[other]] for other in _around(plan, int(cell))}
    assert far not in near
    buildings.loc[inner, "grid_code"] = far
    return replace(plan, frames=replace(plan.frames, buildings=buildings)), int(
        buildings["households"][inner]
    )


def _around(plan: Plan, cell: int) -> list[int]:
    graph = plan.fabric.graph
    return [int(other) for other in graph.indices[graph.indptr[cell] : graph.indptr[cell + 1]]]


def test_bounds_on_several_weights_are_met_again(plan: Plan) -> None:
    asked = Asked(
        weight=build_workload(plan.dataset, plan.fabric, "households + 2*elderly"),
        further=((build_workload(plan.dataset, plan.fabric, "elderly"), 50.0, 110.0),),
    )
    total = asked.balanced(plan.fabric).sum() / len(plan.codes)
    bounds = (round(0.93 * total), round(1.07 * total))
    after = rebalance_plan(plan.dataset, plan.fabric, plan.frames, bounds=bounds, asked=asked)
    assert [row["in_bounds"] for row in after.report["weights"]] == [len(after.codes)] * 2
    assert [row["name"] for row in after.report["weights"]] == ["households + 2*elderly", "elderly"]
    change = after.report["rebalance"]
    assert change["least_moved"] <= change["households_moved"] < 0.2 * plan.report["households"]


def test_a_budget_below_what_mending_needs_leaves_the_grid_in_pieces(plan: Plan, tmp_path: Path) -> None:
    broken, households = torn(plan)
    mended = rebalance_plan(plan.dataset, plan.fabric, broken.frames)
    assert mended.report["rebalance"]["mending"] == households
    assert mended.report["contiguous"] is True
    held = rebalance_plan(plan.dataset, plan.fabric, broken.frames, max_moved=households - 1)
    change = held.report["rebalance"]
    assert change["households_moved"] == 0
    assert len(change["in_pieces"]) == 1
    assert held.report["contiguous"] is False
    (reason,) = [item for item in held.report["infeasible"] if item["what"] == "max-moved"]
    assert f"moves {households} households" in reason["reason"]
    assert reason["mend"] == f"Give --max-moved {households} or more."


def test_a_locked_grid_in_pieces_is_told(plan: Plan) -> None:
    broken, _ = torn(plan)
    whose = broken.frames.buildings["grid_code"] != plan.frames.buildings["grid_code"]
    (code,) = broken.frames.buildings.loc[whose, "grid_code"]
    held = rebalance_plan(plan.dataset, plan.fabric, broken.frames, locked=[code])
    assert held.report["contiguous"] is False
    told = [item["reason"] for item in held.report["infeasible"] if item["what"] == "lock"]
    assert f"The locked grid {code} is in pieces, and stays so because it keeps its ground." in told


def test_forced_change_counts_for_the_budget(plan: Plan) -> None:
    # A cell with buildings of two grids: those of the lesser one change hands whatever is done.
    buildings = plan.dataset.buildings.copy()
    cell = plan.fabric.building_cell_ix.copy()
    grid = plan.assignment[cell]
    first, second = int(np.flatnonzero(grid == 0)[0]), int(np.flatnonzero(grid == 1)[0])
    buildings.loc[second, "households"] = 20
    cell[second] = cell[first]
    fabric = replace(
        plan.fabric, building_cell_ix=cell,
        households=np.bincount(cell, weights=buildings["households"], minlength=plan.fabric.n_cells).astype(np.int64),
    )  # fmt: skip
    after = rebalance_plan(replace(plan.dataset, buildings=buildings), fabric, plan.frames, max_moved=5)
    change = after.report["rebalance"]
    assert change["households_moved"] == change["mending"] == 20
    assert [item["what"] for item in after.report["infeasible"]].count("max-moved") == 1


def test_grids_outside_the_data_are_left_out_and_not_closed(plan: Plan) -> None:
    town = replace(plan.dataset, boundary=plan.dataset.boundary.iloc[:1].reset_index(drop=True))
    after = rebalance_plan(town, build_fabric(town, processes=1), plan.frames)
    away = [code for code, ix in zip(plan.codes, plan.boundary_ix, strict=True) if ix > 0]
    assert away
    assert after.report["rebalance"]["codes_outside"] == sorted(away)
    assert after.report["rebalance"]["codes_retired"] == []
    assert set(after.codes) == set(plan.codes) - set(away)


def test_lower_bounds_are_below_every_plan() -> None:
    rng = np.random.default_rng(2)
    for seed in range(12):
        n = 7
        edges = [(int(rng.integers(0, i)), i) for i in range(1, n)] + [
            (int(rng.integers(0, 3)), seed % 4 + 3)
        ]
        graph, weight = from_edges(n, edges), rng.integers(1, 9, n).astype(float)
        plans = connected_partitions(graph, 3)
        mean = weight.sum() / 3
        least = min(np.abs(np.bincount(part, weights=weight) - mean).max() / mean for part in plans)
        part = np.array(plans[-1])
        found = lower_bounds(graph, np.zeros(n, np.int64), weight, part, n_boundaries=1)
        assert found[0] <= least + 1e-9
        lock = np.flatnonzero(part == 0)
        same = [
            p for p in map(np.array, plans) if any(set(np.flatnonzero(p == q)) == set(lock) for q in range(3))
        ]
        least = min(np.abs(np.bincount(p, weights=weight) - mean).max() / mean for p in same)
        locked = lower_bounds(graph, np.zeros(n, np.int64), weight, part, n_boundaries=1, locked=[0])
        assert found[0] - 1e-9 <= locked[0] <= least + 1e-9


def test_a_grid_in_two_pieces_is_not_bounded_as_if_it_could_not_be() -> None:
    graph = from_edges(4, [(0, 1), (2, 3)])
    weight, part = np.array([3.0, 1.0, 1.0, 3.0]), np.array([0, 1, 1, 2])
    # Each alone, the pieces have 4 each for three grids; as the grids lie, they have 3, 2, 3.
    found = lower_bounds(graph, np.zeros(4, np.int64), weight, part, n_boundaries=1)
    assert 0 < found[0] <= (8 / 3 - 2) / (8 / 3) + 1e-9


def test_improving_a_start_reports_a_bound_and_obeys_prices() -> None:
    graph, weight = chain(5), np.array([1.0, 1.0, 5.0, 1.0, 1.0])
    asked = Asked(start=np.array([0, 0, 0, 1, 1]), start_codes=("A", "B"))
    found = improve_start(
        graph, np.zeros(5, np.int32), weight, asked, Bounds(1, 9), n_boundaries=1, seed=0
    )  # fmt: skip
    # 9 in a chain with 5 in its middle: 7 and 2 is the most even.
    assert found.lower_bounds[0] == pytest.approx(2.5 / 4.5)
    graph = lattice(6, 6, street_every=2)
    start = (np.arange(36) % 6 >= 3).astype(np.int64)
    asked = Asked(start=start, start_codes=("A", "B"))
    cut = {}
    for name in ("border", "street"):
        drawn = improve_start(
            graph, np.zeros(36, np.int32), np.ones(36), asked, Bounds(10, 26), n_boundaries=1, seed=0,
            objective=preset(name),
        )  # fmt: skip
        owner = np.repeat(np.arange(36), np.diff(graph.indptr))
        border = drawn.assignment[owner] != drawn.assignment[graph.indices]
        cut[name] = float((graph.shared_length_m - graph.street_length_m)[border].sum())
    assert cut["street"] == 0 < cut["border"]


def test_what_a_plan_was_made_with_holds_unless_said_otherwise() -> None:
    made = made_with(
        {
            "weights": [
                {"name": "people", "bounds": [700, 900]}, {"name": "cases", "bounds": [0.5, None]},
                {"name": "elderly", "bounds": [0, 40]},
            ],
            "barriers": {"policy": "cut"}, "pieces": {"policy": "nearest"},
        }
    )  # fmt: skip
    further = (("cases", 0.5, float("inf")), ("elderly", 0.0, 40.0))
    assert made == Made("people", (700, 900), further, GroundOptions("cut", "nearest"))
    now = made.changed(None, None, 950, [("elderly", 0.0, float("inf")), ("cases", 1.0, 9.0)], "cost", None)
    assert now == Made("people", (700, 950), (("cases", 1.0, 9.0),), GroundOptions("cost", "nearest"))
    with pytest.raises(ParameterError, match="give --min and --max"):
        made.changed("households", 300, None, [], None, None)
    assert made_with({}) == Made("households", (300, 500), (), GroundOptions())
    with pytest.raises(ParameterError, match="bounds of 'households'"):
        made_with({"levels": [{"name": "community"}, {"name": "grid"}]}).changed("x", 1, 2, [], None, None)
    for strange in ([{"name": "people"}], [{"name": "people", "bounds": [1]}], 7):
        with pytest.raises(ParameterError, match="in a form that is known"):
            made_with({"weights": strange})


def test_a_walking_distance_that_is_not_known_is_said(plan: Plan) -> None:
    usual = {key: value for key, value in plan.frames.report.items() if key != "max_walk_bound_m"}

    def warned(report: dict[str, object]) -> list[str]:
        before = replace(plan.frames, report=report)
        faults = rebalance_plan(plan.dataset, plan.fabric, before, prove_s=0).report["faults"]
        return [fault["severity"] for fault in faults if fault["code"] == "walks-not-kept"]

    assert warned({**usual, "max_walk_m": 640.5}) == ["warning"]
    assert warned({**usual, "max_walk_m": 640.5, "max_walk_bound_m": 700.0}) == []
    assert warned({**usual, "max_walk_m": None}) == []


def test_the_command_keeps_the_weights_of_the_plan(tmp_path: Path) -> None:
    town, before, after = tmp_path / "town.gpkg", tmp_path / "plan.gpkg", tmp_path / "new.gpkg"
    write_town(make_town(300, 1), town, form="gpkg", attribution="generated")
    runner = CliRunner()
    formula = "households + 0.5*population"
    made = runner.invoke(
        app, ["partition", str(town), "--out", str(before), "--weight", formula, "--min", "250", "--max", "500",
              "--bound", "population:250:700"],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    arguments = ["rebalance", str(before), str(town), "--out", str(after)]
    said = runner.invoke(app, [*arguments, "--max", "480", "--strict", "--report", str(tmp_path / "r.json")])
    assert said.exit_code == 0, said.output
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["bounds"]) for row in report["weights"]] == [
        (formula, [250, 480]), ("population", [250, 700])
    ]  # fmt: skip
    assert f"of {formula}; " in said.stdout
    assert "grids inside [250, 700]" in said.stdout
    for extra, words in (
        (["--weight", "households"], "give --min and --max"),
        (["--bound", "nobody:1:2"], "no numeric column 'nobody'"),
        (["--max-walk", "0"], "walking distance 0 m cannot be used"),
        (["--lock", "X1"], "no grid X1"),
    ):
        refused = runner.invoke(app, [*arguments, *extra])
        assert refused.exit_code == 2
        assert words in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_the_command_says_no_where_mending_needs_more(plan: Plan, tmp_path: Path) -> None:
    town, before = tmp_path / "town.gpkg", tmp_path / "plan.gpkg"
    write_town(make_town(300, 1), town, form="gpkg", attribution="generated")
    runner = CliRunner()
    runner.invoke(app, ["partition", str(town), "--out", str(before), "--min", "150", "--max", "250"])
    from gis_core.plan import read_plan

    made = read_plan(before)
    buildings = made.buildings.copy()
    codes = made.grids["code"].tolist()
    mine = buildings.index[(buildings["grid_code"] == codes[0]) & (buildings["households"] > 0)]
    far = made.grids.loc[made.grids["boundary_code"] == made.grids["boundary_code"].iloc[0], "code"].iloc[-1]
    buildings.loc[mine[:6], "grid_code"] = far
    write_plan(replace(made, buildings=buildings), before)
    done = runner.invoke(
        app, ["rebalance", str(before), str(town), "--out", str(tmp_path / "new.gpkg"), "--max-moved", "0"]
    )
    assert done.exit_code == 1
    assert "more than the 0 that may change hands" in done.stderr
    assert (tmp_path / "new.gpkg").exists()
