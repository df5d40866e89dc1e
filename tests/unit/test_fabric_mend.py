"""Cutting a part of the ground anew gives a fabric like any other, and leaves the rest bit by bit as it was."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from small_town import WORK_CRS, at, block_town, box

from gis_core.fabric import build_fabric
from gis_core.fabric.adjacency import build_adjacency
from gis_core.fabric.coverage import beside_gaps
from gis_core.fabric.enclosures import cutting_lines, minor_lines
from gis_core.fabric.mend import mend_fabric
from gis_core.plan.base import from_runs, to_runs


@pytest.fixture(scope="module")
def town():
    dataset = block_town(6, 4)
    return dataset, build_fabric(dataset, processes=1)


def with_buildings(dataset, rows, extra=()):
    """Keep some buildings and add others; return the dataset and where each building comes from."""
    kept = dataset.buildings.iloc[rows]
    new = gpd.GeoDataFrame(
        [{**dataset.buildings.iloc[0].to_dict(), "id": f"n{k}", "geometry": shape} for k, shape in enumerate(extra)],
        geometry="geometry", crs=WORK_CRS, columns=dataset.buildings.columns,
    )  # fmt: skip
    buildings = pd.concat([kept, new], ignore_index=True) if len(extra) else kept.reset_index(drop=True)
    return replace(dataset, buildings=buildings), np.array([*rows, *([-1] * len(extra))], dtype=np.int64)


def with_street(dataset, line, name="primary", rank=6):
    row = {
        **dataset.streets.iloc[0].to_dict(),
        "street_class": name,
        "rank": rank,
        "cuts": True,
        "geometry": line,
    }
    new = gpd.GeoDataFrame([row], geometry="geometry", crs=WORK_CRS)
    streets = pd.concat([dataset.streets, new], ignore_index=True)
    return replace(dataset, streets=streets.assign(rank=streets["rank"].astype(np.uint8)))


def require_sound(dataset, before, mended):
    """Check a mended fabric against the same rules, and against adjacency built from scratch."""
    fabric, old = mended.fabric, mended.old_cell_ix
    assert shapely.coverage_is_valid(fabric.cells)
    assert shapely.area(fabric.cells).sum() == pytest.approx(shapely.area(before.cells).sum(), abs=1e-3)
    assert (np.diff(fabric.boundary_ix) >= 0).all()
    assert fabric.households.sum() == dataset.buildings["households"][fabric.building_cell_ix >= 0].sum()
    kept = np.flatnonzero(~mended.redrawn)
    assert shapely.equals_identical(fabric.cells[kept], before.cells[old[kept]]).all()
    ground = shapely.union_all(np.asarray(dataset.boundary.geometry.values))
    lines, rank = cutting_lines(dataset.streets, dataset.barriers, ground)
    ways = minor_lines(dataset.streets, ground)
    whole = build_adjacency(
        fabric.cells,
        fabric.enclosure_ix,
        np.concatenate([lines, ways]),
        np.concatenate([rank, np.ones(len(ways), np.uint8)]),
    )
    for name in ("indptr", "indices", "street_rank"):
        assert np.array_equal(getattr(whole, name), getattr(fabric.graph, name)), name
    for name in ("shared_length_m", "street_length_m", "area_m2", "perimeter_m", "exterior_length_m"):
        assert np.allclose(getattr(whole, name), getattr(fabric.graph, name), rtol=0, atol=1e-3), name


def test_vertices_that_nearly_are_one_are_kept_where_cells_farther_out_have_them(town):
    dataset, before = town
    gone = before.enclosure_ix == before.enclosure_ix[before.building_cell_ix[40]]
    far = shapely.distance(before.cells, shapely.union_all(before.cells[gone]))
    graph = before.graph
    pair = next(
        (one, other)
        for one in np.flatnonzero((far < 1e-6) & ~gone)
        for other in graph.indices[graph.indptr[one] : graph.indptr[one + 1]]
        if far[other] > 1
    )
    cells = before.cells.copy()
    border = shapely.line_merge(shapely.intersection(*cells[list(pair)]))
    start, end = shapely.get_coordinates(border)[:2]
    close = start + 1e-7 * (end - start) / np.hypot(*(end - start))
    for ix in pair:
        ring = shapely.get_coordinates(cells[ix])
        at = next(
            k for k in range(len(ring) - 1) if {*map(tuple, ring[k : k + 2])} == {tuple(start), tuple(end)}
        )
        cells[ix] = shapely.Polygon(np.insert(ring, at + 1, close, axis=0))
    before = replace(before, cells=cells)
    ground = shapely.union_all(np.asarray(dataset.boundary.geometry.values))
    assert not beside_gaps(cells, ground).any()
    rows = [row for row in range(len(dataset.buildings)) if row != 40]
    after, source = with_buildings(dataset, rows)
    mended = mend_fabric(after, before, source, np.array([dataset.buildings.geometry[40]], object))
    require_sound(after, before, mended)
    assert not beside_gaps(mended.fabric.cells, ground).any()


def test_a_house_is_taken_away_and_its_ground_goes_to_its_neighbours(town):
    dataset, before = town
    rows = [row for row in range(len(dataset.buildings)) if row != 40]
    after, source = with_buildings(dataset, rows)
    mended = mend_fabric(after, before, source, np.array([dataset.buildings.geometry[40]], object))
    require_sound(after, before, mended)
    assert mended.fabric.n_cells == before.n_cells - 1
    assert 0 < (mended.old_cell_ix < 0).sum() < 12


def test_a_house_is_drawn_and_gets_a_cell_of_its_own(town):
    dataset, before = town
    shape = box(95, 5, 98, 8)
    after, source = with_buildings(dataset, list(range(len(dataset.buildings))), [shape])
    mended = mend_fabric(after, before, source, np.array([shape], object))
    require_sound(after, before, mended)
    cell = mended.fabric.building_cell_ix[-1]
    assert (mended.fabric.building_cell_ix == cell).sum() == 1
    assert shapely.covers(mended.fabric.cells[cell], shape)


def test_a_street_is_drawn_across_both_communities_and_taken_away_again(town):
    dataset, before = town
    line = shapely.LineString(at((-10, 20), (560, 130)))
    after = with_street(dataset, line)
    same = np.arange(len(dataset.buildings))
    mended = mend_fabric(after, before, same, np.array([line], object))
    require_sound(after, before, mended)
    assert (mended.fabric.graph.street_rank == 6).any()
    back = mend_fabric(dataset, mended.fabric, same, np.array([line], object))
    require_sound(dataset, mended.fabric, back)
    assert back.fabric.n_cells == before.n_cells
    cell_of = dict(zip(back.fabric.building_cell_ix, before.building_cell_ix, strict=True))
    shapes = [(back.fabric.cells[now], before.cells[was]) for now, was in cell_of.items()]
    assert max(shapely.area(a ^ b) for a, b in shapes) < 1e-2


def test_what_lies_outside_changes_nothing(town):
    dataset, before = town
    line = shapely.LineString(at((-100, -50), (-80, 500)))
    mended = mend_fabric(
        with_street(dataset, line), before, np.arange(len(dataset.buildings)), np.array([line], object)
    )
    assert not mended.redrawn.any() and np.array_equal(mended.old_cell_ix, np.arange(before.n_cells))


@pytest.mark.parametrize("seed", range(4))
def test_many_changes_one_after_the_other(town, seed):
    rng = np.random.default_rng(seed)
    dataset, fabric = town
    for _ in range(4):
        n = len(dataset.buildings)
        if rng.random() < 0.4:
            ends = rng.uniform((-20, -20), (560, 300), (2, 2))
            line = shapely.LineString(at(*map(tuple, ends)))
            after, source, changed = with_street(dataset, line), np.arange(n), [line]
        else:
            gone = int(rng.integers(n))
            west, south = rng.uniform((0, 0), (520, 260))
            shape = box(west, south, west + rng.uniform(3, 25), south + rng.uniform(3, 25))
            after, source = with_buildings(dataset, [row for row in range(n) if row != gone], [shape])
            changed = [dataset.buildings.geometry.iloc[gone], shape]
        shapes = np.empty(len(changed), object)
        shapes[:] = changed
        mended = mend_fabric(after, fabric, source, shapes)
        require_sound(after, fabric, mended)
        dataset, fabric = after, mended.fabric


def test_runs_say_where_cells_went():
    place = np.array([0, 1, 7, 7, -1, 2, 3, 4], np.int32)
    assert np.array_equal(from_runs(to_runs(place)), place)
    assert from_runs(to_runs(np.array([-1, 0, 1], np.int32))).tolist() == [-1, 0, 1]
    assert len(to_runs(np.arange(1000, dtype=np.int32))) == 1
    assert from_runs(to_runs(np.empty(0, np.int32))).tolist() == []
