"""Buildings whose ground is divided by hand, on both stores: exact borders, sums that hold, carried, joined again."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from small_town import block_town
from store_town import fill
from test_store_base import change, layers_of, require_whole, set_count

from gis_core.errors import EditError
from gis_core.fabric import build_fabric
from gis_core.plan.file import read_plan, write_plan
from gis_core.plan.make import make_plan


@pytest.fixture(scope="module")
def real_town():
    """Give a town of 144 houses, the people and a number of each, cut into cells as the program cuts them."""
    dataset = block_town(6, 4)
    rows = np.arange(len(dataset.buildings))
    named = dataset.buildings.assign(
        id=[f"b{row}" for row in rows],
        households=10 + rows % 7,
        population=25.0 + rows,
        elderly=rows % 5,
        name=[f"{row}栋" for row in rows],
    )
    dataset = replace(dataset, buildings=named)
    fabric = build_fabric(dataset, processes=1)
    return dataset, fabric, make_plan(dataset, fabric, processes=1).frames


@pytest.fixture
def work(store, real_town):
    _, dataset_id, plan_id = fill(store, real_town)
    return SimpleNamespace(store=store, first=dataset_id, plan=plan_id)


def building(work, id_):
    dataset_id = work.store.plan(work.plan).dataset_id
    frame = work.store.layer(dataset_id, "buildings").set_index("id")
    return frame.loc[id_]


def ground_of(work, id_):
    dataset_id = work.store.plan(work.plan).dataset_id
    return work.store.layer(dataset_id, "cells").geometry.iloc[int(building(work, id_)["cell_ix"])]


def line_across(shape, share=0.5, *, upright=True, beyond=1e-4):
    """Return a line through a shape and past it: at a share of its width, or of its height."""
    west, south, east, north = shape.bounds
    if upright:
        x = west + share * (east - west)
        return shapely.LineString([(x, south - beyond), (x, north + beyond)])
    y = south + share * (north - south)
    return shapely.LineString([(west - beyond, y), (east + beyond, y)])


def cut(id_, line, *parts):
    item = {"op": "cut", "layer": "buildings", "id": id_, "geometry": shapely.geometry.mapping(line)}
    if parts:
        item["parts"] = [
            {"at": list(place), "households": count} | ({} if people is None else {"population": people})
            for place, count, people in parts
        ]
    return item


def west_east(shape, line):
    """Return a place on either side of an upright line through a shape, the western one first."""
    pieces = shapely.ops.split(shape, line).geoms
    return [piece.representative_point().coords[0] for piece in sorted(pieces, key=lambda p: p.centroid.x)]


def ids_of(work):
    dataset_id = work.store.plan(work.plan).dataset_id
    return set(work.store.layer(dataset_id, "buildings")["id"])


def test_a_cell_is_cut_by_the_planners_word_and_joined_again(work):
    before, layers = work.store.plan_buildings(work.plan), layers_of(work, work.first)
    ground = ground_of(work, "b40")
    line = line_across(ground, 0.4)
    west, east = west_east(ground, line)
    result = change(work, cut("b40", line, (west, 3, 40.0), (east, 12, 25.0)))
    assert result.recut and result.unmatched == ()
    require_whole(work)
    parts = [building(work, "b40#1"), building(work, "b40#2")]
    assert [int(part["households"]) for part in parts] == [3, 12]
    assert [part["population"] for part in parts] == [40.0, 25.0]
    extra = [json.loads(part["extra"]) for part in parts]
    assert [e["source_id"] for e in extra] == ["b40", "b40"] and sum(e["elderly"] for e in extra) == 0
    grounds = [ground_of(work, "b40#1"), ground_of(work, "b40#2")]
    assert shapely.union_all(grounds).symmetric_difference(ground).area < 1e-6 * ground.area
    border = shapely.intersection(*grounds)
    assert border.length > 0 and border.distance(line) < 1e-9
    assert shapely.hausdorff_distance(border, shapely.intersection(line, ground)) < 2e-8
    # The plan keeps its assignment.
    now = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    codes = before.set_index("id")["grid_code"]
    assert now.drop(["b40#1", "b40#2"]).equals(codes.drop("b40")[now.drop(["b40#1", "b40#2"]).index])
    assert now["b40#1"] == now["b40#2"] == codes["b40"]
    # One part goes to another grid, then the building is joined again: with the grid of most of its ground.
    joined = change(work, {"op": "join", "layer": "buildings", "id": "b40#2"})
    require_whole(work)
    whole = building(work, "b40")
    assert (whole["households"], whole["population"]) == (15, 65.0)
    first = work.store.layer(work.first, "buildings").set_index("id").geometry["b40"]
    assert whole.geometry.symmetric_difference(first).area < 1e-15
    assert len(whole.geometry.exterior.coords) == len(first.exterior.coords)
    assert json.loads(whole["extra"]) == {"elderly": 0}
    assert shapely.symmetric_difference(ground_of(work, "b40"), ground).area < 1e-12
    change(work, *joined.inverse, undoes=2)
    change(work, *result.inverse, undoes=1)
    restored = layers_of(work, work.store.plan(work.plan).dataset_id)
    assert all(frame.equals(layers[name]) for name, frame in restored.items())
    require_whole(work)


def test_a_part_is_cut_again_and_the_cut_outlives_other_changes(work):
    ground = ground_of(work, "b41")
    total = int(building(work, "b41")["households"])
    change(work, cut("b41", line_across(ground)))
    west = ground_of(work, "b41#1")
    change(work, cut("b41#1", line_across(west, upright=False)))
    names = ["b41#1", "b41#2", "b41#3"]
    assert {id_ for id_ in ids_of(work) if id_.startswith("b41#")} == set(names)
    assert sum(int(building(work, name)["households"]) for name in names) == total
    require_whole(work)
    grounds = {name: ground_of(work, name) for name in names}
    shares = [grounds[name].area / ground.area for name in names]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    # The block is cut anew because a neighbour changes: the lines stay where they were.
    neighbour = building(work, "b40").geometry
    small = shapely.geometry.mapping(shapely.affinity.scale(neighbour, 0.8, 0.8, origin="center"))
    change(work, {"op": "move", "layer": "buildings", "id": "b40", "geometry": small})
    require_whole(work)
    for name in names:
        now = ground_of(work, name)
        assert shapely.intersection(now, grounds[name]).area > 0.9 * grounds[name].area
    between = shapely.intersection(ground_of(work, "b41#1"), ground_of(work, "b41#3"))
    assert (
        shapely.hausdorff_distance(between, shapely.intersection(grounds["b41#1"], grounds["b41#3"])) < 1e-5
    )
    # A part that is retired leaves its ground to the other parts; one that moves away is a building of its own.
    change(work, {"op": "retire", "layer": "buildings", "id": "b41#3"})
    require_whole(work)
    east = shapely.affinity.translate(building(work, "b41#2").geometry, 0.0003, 0)
    change(
        work, {"op": "move", "layer": "buildings", "id": "b41#2", "geometry": shapely.geometry.mapping(east)}
    )
    require_whole(work)
    assert "source_id" not in json.loads(building(work, "b41#2")["extra"])


def test_a_plan_moved_onto_other_data_keeps_its_cuts(work, real_town):
    line = line_across(ground_of(work, "b40"), 0.3)
    places = west_east(ground_of(work, "b40"), line)
    change(work, cut("b40", line, (places[0], 3, None), (places[1], 12, None)))
    cells = [int(building(work, f"b40#{k}")["cell_ix"]) for k in (1, 2)]
    other = next(
        int(grid)
        for grid in np.unique(work.store.assignment(work.plan))
        if grid != work.store.assignment(work.plan)[cells[0]]
        and work.store.grids(work.plan).set_index("grid_ix")["boundary_code"][grid]
        == work.store.grids(work.plan).set_index("grid_ix")["boundary_code"][
            work.store.assignment(work.plan)[cells[0]]
        ]
    )
    work.store.add_edit(
        work.plan, expected_revision=1, who="a", kind="paint", cell_ix=cells[:1], grid_ix=[other]
    )
    before = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    dataset, *_ = real_town
    rows = dataset.buildings["id"] == "b40"
    newer = replace(
        dataset,
        buildings=dataset.buildings.assign(households=dataset.buildings["households"].where(~rows, 150)),
    )
    newer_id = work.store.add_dataset(newer, build_fabric(newer, processes=1), imported_by="a")
    result = work.store.carry_plan(work.plan, newer_id, expected_revision=2, who="a")
    assert work.store.dataset(result.dataset_id).derived_from == newer_id
    require_whole(work)
    now = work.store.plan_buildings(work.plan).set_index("id")
    assert now["grid_code"][before.index].equals(before)
    assert (now["households"]["b40#1"], now["households"]["b40#2"]) == (30, 120)
    assert "b40" in set(work.store.layer(newer_id, "buildings")["id"])
    work.store.delete_plan(work.plan)
    with pytest.raises(Exception, match="no data version"):
        work.store.dataset(result.dataset_id)


def test_a_plan_file_with_cuts_comes_into_a_store_that_has_the_buildings_whole(work, tmp_path):
    for id_, share in (("b40", 0.3), ("b41", 0.6), ("b100", 0.5)):
        change(work, cut(id_, line_across(ground_of(work, id_), share)))
    change(work, cut("b40#1", line_across(ground_of(work, "b40#1"), 0.4, upright=False)))
    cell = int(building(work, "b40#3")["cell_ix"])
    work.store.add_edit(work.plan, expected_revision=4, who="a", kind="paint", cell_ix=[cell], grid_ix=[-1])
    before = work.store.plan_buildings(work.plan).set_index("id")["grid_code"]
    write_plan(work.store.plan_file(work.plan), tmp_path / "plan.gpkg")
    plan = read_plan(tmp_path / "plan.gpkg")
    assert "cells" in work.store.plan_mismatch(work.first, plan)
    made, placed = work.store.divide_for_plan(work.first, plan, who="a")
    copy = work.store.add_plan(placed, dataset_id=made, name="copy")
    require_whole(SimpleNamespace(store=work.store, plan=copy))
    now = work.store.plan_buildings(copy).set_index("id")["grid_code"]
    assert now["b40#3"] is None and now[before.index].equals(before)
    assert work.store.divide_for_plan(made, plan) is None


def test_what_cannot_be_cut_is_refused_and_nothing_changes(work):
    ground = ground_of(work, "b40")
    line = line_across(ground)
    west, east = west_east(ground, line)
    aside = shapely.affinity.translate(line, 0.01, 0)
    wrong = [
        (cut("b999", line), "no building"),
        (cut("b40", aside), "does not divide"),
        (cut("b40", line, (west, 3, None), (east, 13, None)), "3 \\+ 13 = 16 households"),
        (cut("b40", line, (west, 3, None), (west, 12, None)), "own side"),
        (cut("b40", line, (west, 3, 40.0), (east, 12, None)), "every part"),
        (cut("b40", line, (west, 3, 40.0), (east, 12, 30.0)), "70 people"),
        (cut("b40", line, (west, 3, None), (east, 6, None), (east, 6, None)), "2 parts"),
        ({**cut("b40", line), "parts": [{"at": [0, 0]}]}, "2 to 50"),
        ({**cut("b40", line), "parts": [{"at": [0, 0, 0]}] * 2}, "longitude, latitude"),
        ({"op": "join", "layer": "buildings", "id": "b40"}, "not divided"),
        ({"op": "cut", "layer": "streets", "ix": 1}, "only buildings"),
    ]
    for item, error in wrong:
        with pytest.raises(EditError, match=error):
            change(work, item)
    assert work.store.plan(work.plan).revision == 0


def test_counts_of_parts_change_like_those_of_any_building(work):
    ground = ground_of(work, "b40")
    change(work, cut("b40", line_across(ground)))
    rest = int(building(work, "b40#2")["households"])
    assert rest in (7, 8)
    change(work, set_count("b40#1", 99))
    require_whole(work)
    joined = change(work, {"op": "join", "layer": "buildings", "id": "b40"})
    assert building(work, "b40")["households"] == 99 + rest and joined.recut


def test_cells_of_earlier_edits_ascend_under_their_new_numbers(work):
    n_cells = work.store.plan(work.plan).n_cells
    everywhere = np.arange(n_cells)
    nowhere = np.full(n_cells, -1)
    work.store.add_edit(
        work.plan, expected_revision=0, who="a", kind="paint", cell_ix=everywhere, grid_ix=nowhere
    )
    change(work, cut("b50", line_across(ground_of(work, "b50"))))
    runs = next(one.value["cells"] for one in work.store.edits(work.plan)[1].changes if one.path == "base")
    first = work.store.edits(work.plan)[0]
    assert sorted(run[1] for run in runs) != [run[1] for run in runs]
    assert np.all(np.diff(first.cell_ix) > 0)
    assert len(first.cell_ix) >= n_cells - 1
    # Where a building goes, its cell and another one are one: each counts once.
    locks = [(f"lock/cell/{cell}", True) for cell in everywhere]
    none = everywhere[:0]
    work.store.add_edit(
        work.plan, expected_revision=2, who="a", kind="lock", cell_ix=none, grid_ix=none, changes=locks
    )
    change(work, {"op": "retire", "layer": "buildings", "id": "b40"})
    now = work.store.plan(work.plan).n_cells
    first, _, locked = work.store.edits(work.plan)[:3]
    assert now < n_cells + 1 and np.all(np.diff(first.cell_ix) > 0) and first.cell_ix[-1] < now
    assert len({change.path for change in locked.changes}) == len(locked.changes) <= now
