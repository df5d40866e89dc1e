"""What both stores promise: what goes in comes out, in order, by box and page, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from store_town import TEXTS, WORK_CRS

from gis_core.errors import ConflictError, DatasetError, InvalidGeometryError, NotFoundError, ParameterError
from gis_core.model import AdjacencyGraph

LAYERS = ("areas", "buildings", "streets", "barriers", "facilities", "water", "green", "cells")


def given_layer(town, layer):
    dataset, fabric, _ = town
    if layer == "cells":
        return gpd.GeoSeries(fabric.cells, crs=WORK_CRS).to_crs(4326)
    return getattr(dataset, {"areas": "boundary"}.get(layer, layer)).geometry.to_crs(4326)


@pytest.mark.parametrize("layer", LAYERS)
def test_geometry_comes_back_bit_by_bit(loaded, town, layer):
    store, dataset_id, _ = loaded
    found = store.layer(dataset_id, layer)
    assert found.crs == "EPSG:4326"
    assert (
        shapely.to_wkb(found.geometry.to_numpy()).tolist()
        == shapely.to_wkb(given_layer(town, layer).to_numpy()).tolist()
    )


@pytest.mark.parametrize("layer", LAYERS)
def test_an_empty_or_filled_layer_has_its_columns(loaded, layer):
    store, dataset_id, _ = loaded
    columns = set(store.layer(dataset_id, layer, limit=0).columns)
    assert columns == set(store.layer(dataset_id, layer).columns)
    assert columns.isdisjoint({"fid", "dataset_id", "search_text", "geom"})


@pytest.mark.parametrize("column", ["use", "name", "address", "compound"])
def test_text_comes_back_as_it_was(loaded, town, column):
    store, dataset_id, _ = loaded
    found = store.layer(dataset_id, "buildings")[column].tolist()
    given = town[0].buildings[column].astype(object)
    assert found == given.where(given.notna(), None).tolist()
    assert set(TEXTS) <= set(found)


def test_numbers_flags_and_gaps_come_back(loaded, town):
    store, dataset_id, _ = loaded
    buildings, streets = store.layer(dataset_id, "buildings"), store.layer(dataset_id, "streets")
    given = town[0].buildings
    assert buildings["households"].dtype == np.int64
    assert buildings["households"].tolist() == given["households"].tolist()
    np.testing.assert_array_equal(buildings["population"], given["population"])
    assert [json.loads(text)["dogs"] for text in buildings["extra"]] == given["dogs"].tolist()
    assert streets["cuts"].dtype == bool
    assert streets["cuts"].tolist() == town[0].streets["cuts"].tolist()
    assert buildings["cell_ix"].tolist() == town[1].building_cell_ix.tolist()
    assert store.layer(dataset_id, "cells")["cell_ix"].tolist() == list(range(120))


def test_graph_comes_back(loaded, town):
    store, dataset_id, _ = loaded
    found = store.graph(dataset_id)
    for item in fields(AdjacencyGraph):
        given = getattr(town[1].graph, item.name)
        np.testing.assert_array_equal(getattr(found, item.name), given)
        assert getattr(found, item.name).dtype == given.dtype


def test_record_of_a_data_version(loaded, town):
    store, dataset_id, _ = loaded
    record = store.dataset(dataset_id)
    assert (record.name, record.source, record.attribution) == ("小镇", "town.gpkg", "© 某测绘院")
    assert (record.work_crs, record.imported_by) == ("EPSG:32651", "张三")
    assert record.counts == {layer: len(given_layer(town, layer)) for layer in LAYERS}
    assert record.bbox == tuple(given_layer(town, "areas").total_bounds.tolist())
    assert timedelta(0) <= datetime.now(UTC) - record.imported_at < timedelta(minutes=5)
    assert record.imported_at.utcoffset() == timedelta(0)


def test_record_of_a_plan(loaded, town):
    store, dataset_id, plan_id = loaded
    record = store.plan(plan_id)
    assert (record.dataset_id, record.name, record.created_by) == (dataset_id, "初稿", "李四")
    assert (record.state, record.revision, record.valid_from, record.valid_to) == ("draft", 0, None, None)
    assert (record.n_cells, record.households) == (120, int(town[1].households.sum()))
    assert (record.n_grids, record.bounds, record.seed) == (len(town[2].grids), (300, 500), 7)
    assert record.report == town[2].report


def test_a_plan_comes_back_as_it_was(loaded, town):
    store, _, plan_id = loaded
    found, given = store.plan_file(plan_id), town[2]
    for layer in ("grids", "buildings", "cells"):
        frame, other = getattr(found, layer), getattr(given, layer)
        assert (
            shapely.to_wkb(frame.geometry.to_numpy()).tolist()
            == shapely.to_wkb(other.geometry.to_numpy()).tolist()
        )
        for column in other.columns.drop("geometry"):
            wanted = other[column].astype(object).where(other[column].notna(), None).tolist()
            assert frame[column].tolist() == wanted, column
    assert found.report == given.report


def test_assignment_and_codes_agree(loaded, town):
    store, _, plan_id = loaded
    codes = store.grids(plan_id)["code"].to_numpy()
    assert codes[store.assignment(plan_id)].tolist() == town[2].cells["grid_code"].tolist()


def test_unassigned_cells_stay_so(store, town):
    dataset, fabric, plan = town
    dataset_id = store.add_dataset(dataset, fabric)
    cells = plan.cells.assign(grid_code=plan.cells["grid_code"].where(plan.cells["cell_id"] != 3, None))
    plan_id = store.add_plan(replace(plan, cells=cells), dataset_id=dataset_id, name="x")
    assert np.flatnonzero(store.assignment(plan_id) == -1).tolist() == [3]
    buildings = store.plan_buildings(plan_id)
    assert buildings.loc[buildings["cell_id"] == 3, "grid_code"].tolist() == [None]


def test_a_plan_in_metres_is_stored_in_degrees(filled, town):
    store, dataset_id, plan_id = filled
    plan = town[2]
    metres = replace(
        plan, **{layer: getattr(plan, layer).to_crs(WORK_CRS) for layer in ("grids", "cells", "buildings")}
    )
    other_id = store.add_plan(metres, dataset_id=dataset_id, name="m")
    assert np.allclose(
        store.grids(other_id).total_bounds, store.grids(plan_id).total_bounds, rtol=0, atol=1e-9
    )


# Order, pages, boxes


@pytest.mark.parametrize("layer", ["buildings", "cells"])
def test_pages_join_to_the_whole(loaded, layer):
    store, dataset_id, _ = loaded
    pages = [store.layer(dataset_id, layer, limit=50, offset=start) for start in (0, 50, 100, 150)]
    assert [len(page) for page in pages] == [50, 50, 20, 0]
    assert [ix for page in pages for ix in page.index] == list(range(120))


def test_a_page_without_limit_starts_at_its_offset(loaded):
    store, dataset_id, plan_id = loaded
    assert store.layer(dataset_id, "cells", offset=118).index.tolist() == [118, 119]
    assert store.grids(plan_id, offset=2, limit=1)["grid_ix"].tolist() == [2]


@pytest.mark.parametrize("page", [{"limit": -1}, {"offset": -1}, {"limit": 2**63}])
def test_a_page_that_makes_no_sense_is_refused(loaded, page):
    store, dataset_id, plan_id = loaded
    for ask in (lambda: store.layer(dataset_id, "cells", **page), lambda: store.grids(plan_id, **page)):
        with pytest.raises(ParameterError):
            ask()


def expected_in(town, layer, shape):
    return np.flatnonzero(shapely.intersects(given_layer(town, layer).to_numpy(), shape)).tolist()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("part", [(0.2, 0.3, 0.5, 0.6), (-1.0, -1.0, 2.0, 2.0), (2.0, 2.0, 3.0, 3.0)])
def test_a_box_finds_what_touches_it(loaded, town, layer, part):
    store, dataset_id, _ = loaded
    west, south, east, north = given_layer(town, "cells").total_bounds
    box = tuple(
        float(low + (high - low) * share)
        for share, (low, high) in zip(part, [(west, east), (south, north)] * 2, strict=True)
    )
    wanted = expected_in(town, layer, shapely.box(*box))
    assert store.layer(dataset_id, layer, bbox=box).index.tolist() == wanted
    assert store.layer_count(dataset_id, layer, bbox=box) == len(wanted)


def test_a_box_goes_by_shape_not_by_the_box_of_the_shape(store, town):
    dataset, fabric, _ = town
    corner = dataset.boundary.geometry.iloc[0].bounds
    slanted = shapely.LineString([(corner[0], corner[1]), (corner[0] + 100, corner[1] + 100)])
    streets = dataset.streets.iloc[:1].set_geometry([slanted], crs=WORK_CRS)
    dataset_id = store.add_dataset(replace(dataset, streets=streets), fabric)
    west, south, east, north = store.layer(dataset_id, "streets").total_bounds
    beside = (west + (east - west) * 0.8, south, east, south + (north - south) * 0.2)
    assert store.layer_count(dataset_id, "streets", bbox=(west, south, east, north)) == 1
    assert store.layer_count(dataset_id, "streets", bbox=beside) == 0


def test_a_box_that_only_touches_counts(loaded, town):
    store, dataset_id, _ = loaded
    first = given_layer(town, "buildings").iloc[0]
    point = first.exterior.coords[0]
    touching = shapely.box(point[0], point[1], point[0] + 1e-7, point[1] + 1e-7)
    off = np.nextafter(first.bounds[0], -np.inf)
    assert 0 in store.layer(dataset_id, "buildings", bbox=touching.bounds).index
    assert (
        store.layer_count(
            dataset_id, "buildings", bbox=(off - 1e-7, first.bounds[1], float(off), first.bounds[3])
        )
        == 0
    )


def test_a_box_without_size_is_a_point_or_a_line(loaded, town):
    store, dataset_id, _ = loaded
    x, y = given_layer(town, "buildings").iloc[5].representative_point().coords[0]
    assert store.layer(dataset_id, "buildings", bbox=(x, y, x, y)).index.tolist() == [5]
    line = shapely.LineString([(x, y), (x + 0.001, y)])
    assert store.layer(dataset_id, "cells", bbox=(x, y, x + 0.001, y)).index.tolist() == expected_in(
        town, "cells", line
    )
    corner = given_layer(town, "cells").iloc[0].exterior.coords[0]
    assert 0 in store.layer(dataset_id, "cells", bbox=(*corner, *corner)).index


@pytest.mark.parametrize(
    "box",
    [
        (179.0, 0.0, -179.0, 1.0),
        (0.0, 2.0, 1.0, 1.0),
        (np.nan, 0, 1, 1),
        (0, 0, np.inf, 1),
        (0, 0, 1),
        ("a", 0, 1, 1),
    ],
    ids=["antimeridian", "upside-down", "nan", "endless", "three", "text"],
)
def test_a_box_that_makes_no_sense_is_refused(loaded, box):
    store, dataset_id, plan_id = loaded
    for ask in (
        lambda: store.layer(dataset_id, "cells", bbox=box),
        lambda: store.layer_count(dataset_id, "cells", bbox=box),
        lambda: store.grids(plan_id, bbox=box),
    ):
        with pytest.raises(ParameterError):
            ask()


def test_box_and_page_together(loaded, town):
    store, dataset_id, _ = loaded
    box = tuple(given_layer(town, "cells").iloc[:30].total_bounds.tolist())
    wanted = expected_in(town, "cells", shapely.box(*box))
    assert store.layer(dataset_id, "cells", bbox=box, limit=7, offset=3).index.tolist() == wanted[3:10]


def test_versions_and_plans_are_kept_apart_and_listed_newest_first(filled, town):
    store, dataset_id, plan_id = filled
    dataset, fabric, plan = town
    second = store.add_dataset(replace(dataset, name="二"), fabric)
    other = store.add_plan(plan, dataset_id=second, name="二稿")
    assert [record.id for record in store.datasets()] == [second, dataset_id]
    assert [record.id for record in store.datasets(limit=1, offset=1)] == [dataset_id]
    assert [record.id for record in store.plans()] == [other, plan_id]
    assert store.layer_count(second, "cells") == 120
    assert len(store.grids(other)) == len(store.grids(plan_id))


# Refusals


@pytest.mark.parametrize("number", [0, -1, 999, 2**63, 10**30])
def test_what_is_not_there_is_not_found(loaded, number):
    store, _, _ = loaded
    for ask in (
        store.dataset,
        store.graph,
        store.plan,
        store.grids,
        store.assignment,
        store.plan_buildings,
        store.edits,
    ):
        with pytest.raises(NotFoundError):
            ask(number)


def test_an_unknown_layer_is_not_found(loaded):
    store, dataset_id, _ = loaded
    with pytest.raises(NotFoundError, match="areas, buildings"):
        store.layer(dataset_id, "datasets")


@pytest.mark.parametrize(
    ("layer", "broken", "error"),
    [
        ("buildings", {"name": "a\x00b"}, DatasetError),
        ("buildings", {"name": "\ud800"}, DatasetError),
        ("buildings", {"households": None}, DatasetError),
        ("streets", {"rank": "drei"}, DatasetError),
        ("facilities", {"geometry": shapely.Point()}, InvalidGeometryError),
        ("facilities", {"geometry": None}, InvalidGeometryError),
    ],
    ids=["nul", "surrogate", "no-households", "text-in-number", "empty", "no-geometry"],
)
def test_a_value_that_cannot_be_stored_leaves_nothing(store, town, layer, broken, error):
    dataset, fabric, _ = town
    frame = getattr(dataset, layer).copy()
    for column, value in broken.items():
        values = pd.Series([*frame[column].tolist()[:-1], value], dtype=object)
        if column == "geometry":
            frame = frame.set_geometry(gpd.GeoSeries(values, crs=WORK_CRS))
        else:
            frame = frame.assign(**{column: values})
    with pytest.raises(error):
        store.add_dataset(replace(dataset, **{layer: frame}), fabric)
    assert store.datasets() == []
    assert store.add_dataset(dataset, fabric) > 0


def test_an_error_in_the_middle_leaves_nothing(store, town, monkeypatch):
    dataset, fabric, _ = town
    insert, seen = store._dialect.bulk_insert, []

    def fail_at_cells(connection, table, columns, geometry):
        seen.append(table.name)
        if table.name == "cells":
            raise RuntimeError("power cut")
        insert(connection, table, columns, geometry)

    monkeypatch.setattr(store._dialect, "bulk_insert", fail_at_cells)
    with pytest.raises(RuntimeError, match="power cut"):
        store.add_dataset(dataset, fabric)
    assert "buildings" in seen
    monkeypatch.undo()
    assert store.datasets() == []
    dataset_id = store.add_dataset(dataset, fabric)
    assert store.layer_count(dataset_id, "buildings") == len(dataset.buildings)


def test_a_grid_without_a_polygon_is_kept_empty(filled, town):
    store, dataset_id, _ = filled
    plan = town[2]
    shapes = [None, shapely.Polygon(), *plan.grids.geometry.tolist()[2:]]
    grids = plan.grids.set_geometry(gpd.GeoSeries(shapes, crs=4326))
    plan_id = store.add_plan(replace(plan, grids=grids), dataset_id=dataset_id, name="x")
    assert store.grids(plan_id).geometry.is_empty.tolist() == [True, True] + [False] * (len(shapes) - 2)


def test_a_plan_of_other_data_is_refused(loaded, town):
    store, dataset_id, _ = loaded
    plan = town[2]
    fewer = replace(plan, cells=plan.cells.iloc[:-1])
    shuffled = replace(plan, cells=plan.cells.iloc[::-1])
    counted = replace(plan, cells=plan.cells.assign(households=plan.cells["households"] + 1))
    moved = replace(plan, cells=plan.cells.set_geometry(plan.cells.translate(0.1)))
    for other, why in (
        (fewer, "119 cells"),
        (shuffled, "numbered"),
        (counted, "households"),
        (moved, "elsewhere"),
    ):
        assert why in store.plan_mismatch(dataset_id, other)
        with pytest.raises(DatasetError, match=why):
            store.add_plan(other, dataset_id=dataset_id, name="x")
    assert store.plan_mismatch(dataset_id, plan) is None


def test_a_plan_with_unclear_codes_is_refused(filled, town):
    store, dataset_id, _ = filled
    plan = town[2]
    twice = replace(plan, grids=plan.grids.assign(code="1"))
    unknown = replace(plan, cells=plan.cells.assign(grid_code="nowhere"))
    for other, why in ((twice, "one code"), (unknown, "nowhere")):
        with pytest.raises(DatasetError, match=why):
            store.add_plan(other, dataset_id=dataset_id, name="x")
    assert len(store.plans()) == 1


def test_a_fabric_of_another_dataset_is_refused(store, town):
    dataset, fabric, _ = town
    with pytest.raises(ParameterError, match="not built from this dataset"):
        store.add_dataset(replace(dataset, buildings=dataset.buildings.iloc[:5]), fabric)


def test_deleting(filled):
    store, dataset_id, plan_id = filled
    with pytest.raises(ConflictError, match=f"plan {plan_id}"):
        store.delete_dataset(dataset_id)
    store.delete_plan(plan_id)
    store.delete_dataset(dataset_id)
    assert (store.plans(), store.datasets()) == ([], [])
    for forget in (store.delete_plan, store.delete_dataset):
        with pytest.raises(NotFoundError):
            forget(1)


def test_numbers_are_never_used_again(filled, town):
    store, dataset_id, plan_id = filled
    store.delete_plan(plan_id)
    assert store.add_plan(town[2], dataset_id=dataset_id, name="x") > plan_id


# Search


@pytest.mark.parametrize(
    ("text", "kind", "title"),
    [
        ("310101001001", "grid", "310101001001"),
        ("第一网格", "grid", "310101001001"),
        ("人民", "street", "人民路"),
        ("JIANSHE jie", "street", "Jianshe Jie"),
        ("ｊｉａｎｓｈｅ", "street", "Jianshe Jie"),
        ("小学", "facility", "第一小学"),
        ("o'neil", "building", 'O\'Neil "Haus"'),
        ("100%", "building", "100% _off_"),
        ("𠮷", "building", "𠮷野家"),
    ],
)
def test_search_finds_a_part_of_a_text(loaded, text, kind, title):
    store, _, plan_id = loaded
    hits = store.search(plan_id, text)
    assert hits[0].kind == kind
    assert title in f"{hits[0].title} · {hits[0].detail}".split(" · ")


def test_search_takes_wildcards_as_text_and_nothing_as_nothing(loaded):
    store, _, plan_id = loaded
    assert store.search(plan_id, "_zz_") == []
    assert store.search(plan_id, "%zz%") == []
    assert store.search(plan_id, " \x00") == []
    assert store.search(plan_id, "人民", limit=0) == []
    with pytest.raises(ParameterError):
        store.search(plan_id, "人民", limit=-1)


def test_a_hit_says_where_it_is(loaded, town):
    store, dataset_id, plan_id = loaded
    hit = store.search(plan_id, "b17")[0]
    building = store.layer(dataset_id, "buildings").loc[17]
    assert hit.cell_ix == 17
    assert hit.grid_code == town[2].cells["grid_code"].iloc[17]
    assert hit.bbox == building.geometry.bounds
    assert shapely.Point(hit.lon, hit.lat).within(building.geometry)
    assert len(store.search(plan_id, "b1", limit=4)) == 4
    outside = store.search(plan_id, "b119")[0]
    assert (outside.cell_ix, outside.grid_code) == (None, None)
    street = store.search(plan_id, "人民路")[0]
    assert street.bbox == tuple(store.layer(dataset_id, "streets", limit=2).total_bounds.tolist())
    facility = store.search(plan_id, "第一小学")[0]
    assert facility.grid_code == town[2].cells["grid_code"].iloc[0]


@pytest.mark.parametrize("text", ["renminlu", "rml", "仁民路", "人民路 8号", "人民社区人民路"])
def test_search_reads_what_people_type(loaded, text):
    store, _, plan_id = loaded
    assert store.search(plan_id, text)[0].title == "人民路"
    building = store.search(plan_id, "锦绣花园十二号楼")[0]
    assert (building.kind, building.grid_code is not None) == ("building", True)
    assert "锦绣花园 12 幢" in f"{building.title} · {building.detail}".split(" · ")


def test_search_follows_the_names_of_grids(filled):
    store, _, plan_id = filled
    store.add_edit(
        plan_id,
        expected_revision=0,
        who="",
        kind="name",
        cell_ix=[],
        grid_ix=[],
        changes=[("grid/1/name", "向阳花园")],
    )
    assert (
        store.search(plan_id, "xyhy")[0].grid_code
        == store.search(plan_id, "向阳花圆")[0].grid_code
        == "310101001002"
    )
