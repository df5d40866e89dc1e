"""Wishes files: what is read, what becomes of it on cells, and what is refused with whom to blame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from small_town import WORK_CRS, at, block_town

from gis_core.errors import (
    DatasetError,
    GisCoreError,
    InfeasiblePartitionError,
    NotFoundError,
    ParameterError,
)
from gis_core.fabric import build_fabric
from gis_core.model import Dataset, Fabric
from gis_core.partition.constraints.apart import Apart
from gis_core.partition.constraints.borders import Borders
from gis_core.partition.constraints.seeds import Seeds
from gis_core.partition.constraints.together import Together
from gis_core.plan.carry import CarryOver
from gis_core.plan.wish_places import borders_of_lines, borders_of_plan, facility_seeds, point_seeds
from gis_core.plan.wishes import Wish, build_wishes, read_wishes


@pytest.fixture(scope="module")
def town() -> tuple[Dataset, Fabric]:
    data = block_town(4, 3)
    return data, build_fabric(data)


def cell(town: tuple[Dataset, Fabric], building: str) -> int:
    return int(town[1].building_cell_ix[town[0].buildings["id"].tolist().index(building)])


def written(tmp_path: Path, text: str | bytes, name: str = "wishes.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_and_json_say_the_same(tmp_path: Path) -> None:
    table = "building_id,Kind,group,note\n1,together,第一小学,x\n2,Together,第一小学,\n"
    table += "7,seed,,\n8,seed,,\n3,border,b,\n"
    rows = [
        {"kind": "together", "group": "第一小学", "building_id": [1, "2"]},
        {"kind": "seed", "building_id": 7},
        {"kind": "seed", "building_id": "8"},
        {"kind": "border", "group": "b", "building_id": "3"},
    ]
    expected = [
        Wish("together", "第一小学", ("1", "2")),
        Wish("seed", "7", ("7",)),
        Wish("seed", "8", ("8",)),
        Wish("border", "b", ("3",)),
    ]
    assert read_wishes(written(tmp_path, table)) == expected
    assert read_wishes(written(tmp_path, table.encode("gb18030"))) == expected
    assert read_wishes(written(tmp_path, b"\xef\xbb\xbf" + table.encode())) == expected
    assert read_wishes(written(tmp_path, json.dumps(rows), "w.json")) == expected


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("w.csv", "a,b\n1,2\n", "kind, group and building_id"),
        ("w.csv", "", "none"),
        ("w.csv", "kind,group,building_id\nglue,g,1\n", "row 2: the kind is 'glue'"),
        ("w.csv", "kind,group,building_id\ntogether,g,\n", "row 2: there is no building_id"),
        ("w.csv", 'kind,group,building_id\n"together,g,1\n', "no CSV"),
        ("w.json", "{", "no JSON"),
        ("w.json", '{"kind": "seed"}', "list of rows"),
        ("w.json", '[{"kind": "seed", "building_id": null}]', "row 1: there is no building_id"),
        ("w.json", '[{"kind": "seed", "building_id": [{}]}]', "no building_id"),
        ("w.json", "[" * 100_000, "no JSON"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        read_wishes(written(tmp_path, text, name))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_wishes(tmp_path / "no.csv")


def test_wishes_become_constraints(town: tuple[Dataset, Fabric]) -> None:
    found = build_wishes(
        *town,
        [
            Wish("together", "a", ("0", "1")),
            Wish("together", "b", ("1", "2")),
            Wish("together", "c", ("10", "11")),
            Wish("apart", "d", ("0", "10", "20")),
            Wish("seed", "5", ("5",)),
            Wish("border", "e", ("12", "13")),
        ],
    )
    together, apart, seeds, borders = found.constraints()
    assert isinstance(together, Together) and isinstance(apart, Apart)
    assert isinstance(seeds, Seeds) and isinstance(borders, Borders)
    classes = [int(together.group[cell(town, id_)]) for id_ in ("0", "1", "2", "10", "11", "5")]
    assert classes == [0, 0, 0, 1, 1, -1]
    assert "'a'" in together.labels[0] and "'b'" in together.labels[0]
    assert len(apart.left) == 3
    assert seeds.cell_ix.tolist() == [cell(town, "5")]
    inside = {cell(town, "12"), cell(town, "13")}
    ends = list(zip(borders.left.tolist(), borders.right.tolist(), strict=True))
    assert ends and all((a in inside) != (b in inside) for a, b in ends)


def test_no_wishes_no_constraints(town: tuple[Dataset, Fabric]) -> None:
    assert build_wishes(*town, []).constraints() == ()


#: Buildings 0 to 17 and on lie in the two western columns of blocks, those from 36 on in the other community.
CONTRADICTIONS = [
    ([("together", "g", "0 1"), ("apart", "h", "1 0")], ["0", "1", "'g'", "'h'"]),
    (
        [("together", "g", "0 1 2"), ("together", "x", "5 6"), ("together", "k", "2 3"), ("apart", "h", "0 3")],
        ["'g'", "'k'", "through building 2"],
    ),
    ([("together", "g", "0 70")], ["building 0 lies in B1", "building 70 in B2"]),
    ([("together", "g", "0 1"), ("seed", "0", "0"), ("seed", "1", "1")], ["two seeds", "'g'"]),
    ([("together", "g", "0 1"), ("border", "h", "0")], ["'h'", "'g'", "buildings"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "names"), CONTRADICTIONS)
def test_contradictions_name_the_smallest_thing_to_blame(
    town: tuple[Dataset, Fabric], asked: list[tuple[str, str, str]], names: list[str]
) -> None:
    wishes = [Wish(kind, group, tuple(ids.split())) for kind, group, ids in asked]
    with pytest.raises(InfeasiblePartitionError) as refused:
        build_wishes(*town, wishes)
    assert all(name in refused.value.message for name in names)
    assert "'x'" not in refused.value.message
    for left_out in range(len(wishes)):
        if len(wishes) == 2 or (len(wishes) == 3 and left_out):
            build_wishes(*town, wishes[:left_out] + wishes[left_out + 1 :])


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        (Wish("together", "g", ("0",)), ParameterError),
        (Wish("apart", "g", ("0",)), ParameterError),
        (Wish("together", "g", ("0", "nobody")), NotFoundError),
    ],
)
def test_wishes_that_are_none(town: tuple[Dataset, Fabric], wish: Wish, error: type[GisCoreError]) -> None:
    with pytest.raises(error):
        build_wishes(*town, [wish])


def test_buildings_outside_are_left_out_and_said(town: tuple[Dataset, Fabric]) -> None:
    data, fabric = town
    moved = fabric.building_cell_ix.copy()
    moved[2] = -1
    found = build_wishes(
        data, replace(fabric, building_cell_ix=moved), [Wish("together", "g", ("0", "1", "2"))]
    )
    (fault,) = found.faults
    assert fault.code == "wish-outside" and fault.ids == ("2",)
    assert int((found.together == 0).sum()) == 2


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish("together", "g", ("0", "8")), "L1 and outside it"),
        (Wish("together", "g", ("0", "13")), "L1 and the locked grid L2"),
        (Wish("apart", "g", ("0", "1")), "L1 holds both"),
        (Wish("border", "g", ("0",)), "through the locked grid L1"),
    ],
)
def test_wishes_against_a_lock(town: tuple[Dataset, Fabric], wish: Wish, says: str) -> None:
    locked = np.full(town[1].n_cells, -1, np.int64)
    locked[[cell(town, str(id_)) for id_ in range(6)]] = 0
    locked[[cell(town, str(id_)) for id_ in range(12, 18)]] = 1
    with pytest.raises(InfeasiblePartitionError, match=says):
        build_wishes(*town, [wish], locked=locked, lock_codes=["L1", "L2"])
    build_wishes(*town, [wish])


def points(town: tuple[Dataset, Fabric], *ids: str, **columns: object) -> gpd.GeoDataFrame:
    spots = town[0].buildings.set_index("id").loc[list(ids)].geometry.centroid
    return gpd.GeoDataFrame(columns, geometry=spots.to_list(), crs=WORK_CRS).to_crs(4326)


def test_seeds_from_points(town: tuple[Dataset, Fabric]) -> None:
    layer = points(town, "3", "40", name=["clinic", None], id=["a", "b"])
    seeds, faults = point_seeds(*town, layer)
    assert seeds == [(cell(town, "3"), "clinic"), (cell(town, "40"), "b")] and faults == []
    far = gpd.GeoDataFrame(geometry=[*layer.geometry, shapely.Point(0, 0)], crs=4326)
    seeds, (fault,) = point_seeds(*town, far)
    assert len(seeds) == 2 and fault.ids == ("seed 2",)
    with pytest.raises(DatasetError):
        point_seeds(*town, far.iloc[2:])
    with pytest.raises(InfeasiblePartitionError, match="one cell"):
        build_wishes(*town, [Wish("seed", "3", ("3",))], seeds=[(cell(town, "3"), "clinic")])


def test_seeds_from_facilities(town: tuple[Dataset, Fabric]) -> None:
    data = replace(
        town[0], facilities=points(town, "3", "40", category=["clinic", "school"], name=["A", "B"])
    )
    assert facility_seeds(data, town[1], "school")[0] == [(cell(town, "40"), "B")]
    with pytest.raises(NotFoundError, match="clinic, school"):
        facility_seeds(data, town[1], "bank")
    with pytest.raises(NotFoundError, match="none at all"):
        facility_seeds(*town, "bank")


def sides(town: tuple[Dataset, Fabric], border: Borders, x: float) -> None:
    """Check that a border is exactly the neighbours within the western community on two sides of a line."""
    graph, west = town[1].graph, at((x, 0))[0][0]
    owner = np.repeat(np.arange(graph.n_cells), np.diff(graph.indptr))
    across = (graph.x[owner] < west) & (graph.x[graph.indices] > west)
    expected = {
        frozenset(p) for p in zip(owner[across].tolist(), graph.indices[across].tolist(), strict=True)
    }
    found = {frozenset(p) for p in zip(border.left.tolist(), border.right.tolist(), strict=True)}
    assert found == expected and len(found) > 3


@pytest.mark.parametrize("x", [90.0, 75.0])
def test_lines_are_borders_along_a_street_and_through_cells(town: tuple[Dataset, Fabric], x: float) -> None:
    line = gpd.GeoDataFrame(geometry=[shapely.LineString(at((x, -20), (x, 250)))], crs=WORK_CRS)
    sides(town, borders_of_lines(*town, line.to_crs(4326), "the canal"), x)


def test_outline_of_polygons(town: tuple[Dataset, Fabric]) -> None:
    area = gpd.GeoDataFrame(geometry=[shapely.box(*at((-50, -50))[0], *at((90, 300))[0])], crs=WORK_CRS)
    sides(town, borders_of_lines(*town, area, "the quarter"), 90.0)


def test_lines_that_part_nothing(town: tuple[Dataset, Fabric]) -> None:
    line = gpd.GeoDataFrame(geometry=[shapely.LineString(at((900, 0), (900, 50)))], crs=WORK_CRS)
    with pytest.raises(DatasetError, match="no two cells"):
        borders_of_lines(*town, line, "x")


def test_borders_of_a_plan(town: tuple[Dataset, Fabric]) -> None:
    fabric = town[1]
    grid = (fabric.graph.x > at((90, 0))[0][0]).astype(np.int32)
    grid[fabric.boundary_ix == 1] = -1
    carried = CarryOver(grid, ("a", "b"), {}, [], np.zeros(fabric.n_cells))
    border = borders_of_plan(fabric, carried, "x")
    sides(town, border, 90.0)
