"""`--objective` and `--front`: the trade of even grids against short borders."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import shapely
from small_town import at, block_town, box, dataset
from typer.testing import CliRunner, Result

from gis_core.cli import app
from gis_core.commands.partition import ObjectiveChoice
from gis_core.errors import ParameterError
from gis_core.fabric import build_fabric
from gis_core.model import Dataset, Fabric
from gis_core.partition import preset
from gis_core.partition.constraints.compounds import WholeCompounds
from gis_core.partition.problem import Problem
from gis_core.plan import make_plan
from gis_core.plan.front import FACTORS, Front, front_svg, front_table, trace_front

SCHEMA = Path(__file__).parents[2] / "gis_core" / "plan" / "report.schema.json"


def row(factor: float | None, deviation: float, price: float, **other: Any) -> dict[str, Any]:
    """Return a row of a front of 4 grids."""
    values = {
        "inner_border_km": 2 * price,
        "street_share": 0.5,
        "in_bounds": 4,
        "best": True,
        "chosen": False,
    }
    return {
        "deviation_factor": factor, "max_deviation": deviation, "border_price_km": price, "grids": 4, **values, **other,
    }  # fmt: skip


@pytest.fixture(scope="module")
def town() -> tuple[Dataset, Fabric]:
    data = block_town(6, 4, per_block=6, households=25)
    return data, build_fabric(data)


@pytest.fixture(scope="module")
def front(town: tuple[Dataset, Fabric]) -> Front:
    return trace_front(*town, seed=3, processes=1)


def test_rows_go_from_borders_to_evenness(front: Front) -> None:
    assert [each["deviation_factor"] for each in front.rows] == [*FACTORS, None]
    assert [each["chosen"] for each in front.rows] == [each == 20.0 for each in (*FACTORS, None)]
    assert front.rows[-1]["max_deviation"] == min(each["max_deviation"] for each in front.rows)


def test_the_plan_is_that_of_the_objective(town: tuple[Dataset, Fabric], front: Front) -> None:
    alone = make_plan(*town, seed=3, processes=1)
    assert np.array_equal(alone.assignment, front.plan.assignment)
    chosen = next(each for each in front.rows if each["chosen"])
    for key in ("max_deviation", "inner_border_km", "street_share", "in_bounds", "grids"):
        assert chosen[key] == front.plan.report[key] == alone.report[key]


def test_report_with_a_front_keeps_its_schema(front: Front) -> None:
    jsonschema.validate(front.plan.report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert front.plan.report["front"] == list(front.rows)


def test_priced_borders_are_never_dearer_than_their_length(front: Front) -> None:
    for each in front.rows:
        on_street = each["inner_border_km"] * each["street_share"]
        # A street costs at least 0.04 and at most 0.2 of its length.
        off_street = each["inner_border_km"] - on_street
        assert (
            off_street + 0.04 * on_street - 0.002
            <= each["border_price_km"]
            <= off_street + 0.2 * on_street + 0.002
        )


@pytest.mark.parametrize(("name", "n_rows", "chosen"), [("street", 7, 0), ("balance", 7, 6)])
def test_every_objective_is_one_of_its_rows(
    town: tuple[Dataset, Fabric], name: Any, n_rows: int, chosen: int
) -> None:
    found = trace_front(*town, objective=name, seed=1, processes=1)
    assert len(found.rows) == n_rows
    assert [ix for ix, each in enumerate(found.rows) if each["chosen"]] == [chosen]
    assert preset(name).balance_first == (found.rows[chosen]["deviation_factor"] is None)


def test_plan_borders_and_street_borders_differ() -> None:
    # The short way through the middle has no street; the street makes a detour that is 1.5 times as long.
    street = shapely.LineString(at((60, -5), (60, 40), (100, 40), (100, 85)))
    houses = [box(x + 1, y + 1, x + 19, y + 19) for x in range(0, 160, 20) for y in range(0, 80, 20)]
    town = dataset([box(0, 0, 160, 80)], houses, households=[25] * 32, streets=[("residential", street)])
    fabric = build_fabric(town)
    found = {
        name: make_plan(town, fabric, bounds=(300, 500), n_grids=2, objective=name, processes=1).report
        for name in ("street", "border")
    }
    assert found["street"]["street_share"] > 0.9
    assert found["border"]["inner_border_km"] < 0.1 < found["street"]["inner_border_km"]


def test_compounds_are_not_brought_together_where_evenness_comes_first() -> None:
    fabric = build_fabric(block_town(2, 1, per_block=4, households=10))
    compound = np.full(fabric.n_cells, -1, np.int64)
    first, second = (np.flatnonzero(fabric.boundary_ix == ix) for ix in (0, 1))
    compound[[first[0], second[0]]] = 0
    before = fabric.boundary_ix.astype(np.int32)
    weight = fabric.households.astype(np.float64)
    assert np.bincount(before, weights=weight).tolist() == [40.0, 40.0]
    price = np.ones(len(fabric.graph.indices))
    problem = Problem(fabric.graph, weight, n_parts=2, bounds=(0.0, 80.0), price=price)
    wish = WholeCompounds(compound, weight, 80.0, ("A",))
    # The pair costs far more than any border, so that only evenness speaks against joining it.
    wish.apply(problem)
    problem.add_pairs(first[:1], second[:1], 1e6)
    rng = np.random.default_rng(0)
    joined = wish.post(problem, before, rng)
    assert np.bincount(joined, weights=weight).max() > 40
    assert np.array_equal(replace(wish, even_first=True).post(problem, before, rng), before)


def test_progress_counts_up_over_all_plans(town: tuple[Dataset, Fabric]) -> None:
    seen: list[tuple[str, int, int]] = []
    trace_front(*town, factors=(0.0,), processes=1, progress=lambda *step: seen.append(step))
    assert {(step, total) for step, _, total in seen} == {("front", 3000)}
    done = [each for _, each, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 3000


def test_unknown_objective_is_refused(town: tuple[Dataset, Fabric]) -> None:
    with pytest.raises(ParameterError, match="no objective 'fair'"):
        trace_front(*town, objective="fair")  # type: ignore[arg-type]


def test_table_marks_the_chosen_and_the_beaten() -> None:
    lines = front_table(
        [
            row(0.0, 0.2, 1.0, chosen=True),
            row(6.0, 0.3, 2.0, best=False),
            row(None, 0.01, 3.0, street_share=None),
        ]
    ).splitlines()
    assert lines[1].split() == [">", "borders", "alone", "20.00%", "2.00", "1.00", "50%", "4", "of", "4"]
    assert lines[2].endswith("(beaten)")
    assert lines[3].split() == ["evenness", "first", "1.00%", "6.00", "3.00", "4", "of", "4"]


def test_picture_has_a_dot_for_each_row_at_its_place() -> None:
    rows = [
        row(0.0, 0.2, 1.0),
        row(20.0, 0.1, 2.0, chosen=True),
        row(None, 0.0, 4.0),
        row(6.0, 0.2, 4.0, best=False),
    ]
    tree = ET.fromstring(front_svg(rows, "<town> & more"))
    name = "{http://www.w3.org/2000/svg}"
    assert tree.findtext(f"{name}text") == "<town> & more"
    dots = [each for each in tree.iter(f"{name}circle") if each.get("r") == "4"]
    at_x, at_y = ([float(each.get(key, "")) for each in dots] for key in ("cx", "cy"))
    assert at_x[0] == at_x[3] > at_x[1] > at_x[2] == 70
    # Half as dear is half as high above the axis at 350.
    assert 350 - at_y[0] == pytest.approx((350 - at_y[1]) / 2, abs=0.1)
    assert dots[3].get("fill") == "#fff" != dots[0].get("fill")
    line = next(tree.iter(f"{name}polyline")).get("points", "").split()
    assert len(line) == 3


def test_picture_of_plans_without_borders_or_deviation() -> None:
    ET.fromstring(front_svg([row(0.0, 0.0, 0.0, street_share=None)], "one grid"))


def wangge(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("front") / "town.gpkg"
    data = block_town(4, 3, per_block=6, households=25)
    for layer, frame in (
        ("boundary", data.boundary[["code", "name", "geometry"]]),
        ("buildings", data.buildings[["id", "households", "geometry"]]),
        ("streets", data.streets[["highway", "geometry"]]),
    ):
        frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
    return path


def test_command_writes_plan_table_and_picture(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.gpkg"
    done = wangge("partition", files, "--out", out, "--front", "--objective", "balance")
    assert done.exit_code == 0, done.stderr
    assert "greatest deviation" in done.stdout
    assert "plan-front.svg" in done.stdout
    assert sum(line.startswith("> evenness first") for line in done.stdout.splitlines()) == 1
    ET.fromstring((tmp_path / "plan-front.svg").read_text(encoding="utf-8"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan-front.svg", "plan.gpkg"]


def test_command_gives_the_front_as_json(files: Path, tmp_path: Path) -> None:
    done = wangge("partition", files, "--out", tmp_path / "plan.gpkg", "--front", "--json")
    values = json.loads(done.stdout)
    assert [each["deviation_factor"] for each in values["front"]] == [*FACTORS, None]


def test_without_front_there_is_no_picture(files: Path, tmp_path: Path) -> None:
    done = wangge("partition", files, "--out", tmp_path / "plan.gpkg", "--json", "--objective", "border")
    assert "front" not in json.loads(done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]


def test_front_and_levels_are_refused_together(files: Path, tmp_path: Path) -> None:
    done = wangge(
        "partition", files, "--out", tmp_path / "p.gpkg", "--front", "--levels", "a:900:1500,grid:300:500"
    )
    assert done.exit_code == 2
    assert "--front does not go with --levels" in done.stderr
    assert not list(tmp_path.iterdir())


def test_every_preset_can_be_asked_for() -> None:
    assert [preset(name.value) is not None for name in ObjectiveChoice] == [True] * 4
