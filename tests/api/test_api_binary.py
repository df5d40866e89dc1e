from __future__ import annotations

import gzip
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
import shapely

from api import binary
from gis_core.errors import ParameterError
from gis_core.model import STREET_CLASSES
from gis_core.publish.labels import house_number
from tests.api.support import TestClient

STEP_DEGREES = 360.0 / binary.UNITS


def _rings(arrays: dict[str, np.ndarray], prefix: str = "") -> list[np.ndarray]:
    starts = arrays[f"{prefix}ring_start"]
    lonlat = binary.units_to_lonlat(binary.restore_coords(arrays[f"{prefix}coords"], starts))
    return [lonlat[a:b] for a, b in pairwise(starts.tolist())]


def test_header_is_padded_and_arrays_are_aligned() -> None:
    given = {
        "a": np.array([1, -2, 3], dtype=np.int32),
        "b": np.array([7], dtype=np.uint8),
        "c": np.array([], dtype=np.uint32),
        "d": np.array([1.5, -2.5], dtype=np.float32),
        "e": np.array([65535], dtype=np.uint16),
    }
    body = binary.encode({"名": "值"}, given)
    assert body[:4] == b"WGB1"
    length = int.from_bytes(body[4:8], "little")
    assert (8 + length) % 8 == 0
    meta, arrays = binary.decode(body)
    assert meta == {"名": "值"}
    for name, array in given.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert all(entry["offset"] % 8 == 0 for entry in orjson.loads(body[8 : 8 + length])["arrays"])


@pytest.mark.parametrize("array", [np.zeros(3, dtype=np.float64), np.zeros((2, 2), dtype=np.int32)])
def test_arrays_of_other_types_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="cannot be packed"):
        binary.encode({}, {"bad": array})


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ParameterError, match="WGB1"):
        binary.decode(b"PK\x03\x04 and so on")


def test_mercator_corners_and_back() -> None:
    corners = np.array([[-180.0, binary.MAX_LATITUDE], [180.0, -binary.MAX_LATITUDE], [0.0, 0.0]])
    units = binary.mercator_units(corners)
    np.testing.assert_array_equal(units, [[0, 0], [2**30, 2**30], [2**29, 2**29]])
    places = np.array([[116.39, 39.91], [-73.98, 40.75], [26.95, 60.53], [9.52, -47.14]])
    back = binary.units_to_lonlat(binary.mercator_units(places))
    assert np.abs(back - places).max() <= STEP_DEGREES


def test_polygons_with_holes_parts_and_nothing() -> None:
    outer = shapely.box(116.0, 39.0, 116.1, 39.1)
    with_hole = shapely.difference(outer, shapely.box(116.04, 39.04, 116.06, 39.06))
    two = shapely.multipolygons([shapely.box(117, 39, 117.1, 39.1), shapely.box(118, 39, 118.1, 39.1)])
    features = np.array([with_hole, shapely.Polygon(), two, shapely.Point(116, 39), None], dtype=object)
    ragged = binary.polygons_to_ragged(features)
    np.testing.assert_array_equal(ragged.feature_start, [0, 2, 2, 4, 4, 4])
    assert ragged.ring_start[-1] * 2 == len(ragged.coords)
    arrays = {"ring_start": ragged.ring_start, "coords": ragged.coords}
    rings = _rings(arrays)
    assert [len(ring) for ring in rings] == [4, 4, 4, 4]
    rebuilt = shapely.Polygon(rings[0], [rings[1]])
    assert shapely.hausdorff_distance(rebuilt, with_hole) <= 2 * STEP_DEGREES
    assert shapely.area(shapely.symmetric_difference(rebuilt, with_hole)) < 1e-6


def test_vertices_on_one_step_are_dropped_alike_in_neighbours() -> None:
    x = binary.units_to_lonlat(np.array([[883_000_000, 400_000_000]]))[0, 0]
    border = [(x, 39.0), (x, 39.05), (x + STEP_DEGREES / 10, 39.05), (x, 39.1)]
    west = shapely.Polygon([(x - 0.1, 39.0), *border, (x - 0.1, 39.1)])
    east = shapely.Polygon([*border, (x + 0.1, 39.1), (x + 0.1, 39.0)])
    ragged = binary.polygons_to_ragged(np.array([west, east]))
    units = binary.restore_coords(ragged.coords, ragged.ring_start)
    np.testing.assert_array_equal(ragged.ring_start, [0, 5, 10])
    assert len(set(map(tuple, units[:5].tolist())) & set(map(tuple, units[5:].tolist()))) == 3


def test_lines_of_parts_and_polygons() -> None:
    line = shapely.LineString([(116, 39), (116.1, 39), (116.1, 39.1)])
    many = shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]])
    ragged = binary.lines_to_ragged(np.array([shapely.box(5, 5, 6, 6), line, None, many], dtype=object))
    np.testing.assert_array_equal(ragged.feature_ix, [0, 1, 3, 3])
    np.testing.assert_array_equal(np.diff(ragged.line_start), [5, 3, 2, 2])


def test_name_table_numbers_each_text_once() -> None:
    names, (first, second) = binary.name_table([["路", None, "街", "路"], ["街", ""]])
    assert names == ["路", "街"]
    assert first.tolist() == [0, -1, 1, 0]
    assert second.tolist() == [1, -1]


def test_cells_of_a_plan(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get(f"/api/plans/{town.plan_id}/cells.bin")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    meta, arrays = binary.decode(answer.content)
    codes = list(town.plan.grids["code"])
    assert meta["grids"] == codes
    assert meta["n_cells"] == len(town.plan.cells)
    assert [codes[ix] for ix in arrays["grid_ix"]] == list(town.plan.cells["grid_code"])
    np.testing.assert_array_equal(arrays["households"], town.fabric.households)
    np.testing.assert_array_equal(arrays["enclosure_ix"], town.fabric.enclosure_ix)
    rings = _rings(arrays)
    first_ring = arrays["cell_ring_start"][:-1]
    rebuilt = shapely.polygons([rings[ix] for ix in first_ring])
    cells = np.asarray(town.plan.cells.geometry.array)
    overlap = shapely.area(shapely.intersection(rebuilt, cells))
    np.testing.assert_allclose(overlap, shapely.area(cells), rtol=0.01)


def test_base_map(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get(f"/api/datasets/{town.dataset_id}/base.bin")
    meta, arrays = binary.decode(answer.content)
    assert meta["street_classes"] == list(STREET_CLASSES)
    assert meta["attribution"] == town.dataset.attribution
    names = meta["names"]
    for layer in ("water", "green", "buildings"):
        assert len(arrays[f"{layer}_feature_start"]) == len(getattr(town.dataset, layer)) + 1
    assert [names[ix] for ix in arrays["areas_name"]] == list(town.dataset.boundary["name"])
    assert [names[ix] for ix in arrays["streets_name"]] == list(town.dataset.streets["name"])
    ranks = [meta["street_classes"][rank] for rank in arrays["streets_rank"]]
    assert ranks == list(town.dataset.streets["street_class"])
    assert names[arrays["buildings_label"][0]] == town.dataset.buildings["name"][0]
    places = binary.units_to_lonlat(arrays["facilities_coords"].reshape(-1, 2))
    expected = town.dataset.facilities.to_crs(4326).geometry.get_coordinates().to_numpy()
    assert np.abs(places - expected).max() <= STEP_DEGREES
    assert [names[ix] for ix in arrays["facilities_category"]] == list(town.dataset.facilities["category"])


@pytest.mark.parametrize("path", ["/api/plans/1/cells.bin", "/api/plans/1/grids", "/api/datasets/1/base.bin"])
def test_kept_answers_have_tags_and_come_packed_or_plain(client: TestClient, path: str) -> None:
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client unpacks
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.headers["vary"] == "Accept-Encoding"
    tag = packed.headers["etag"]
    again = client.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_gzip_is_the_same_every_time(client: TestClient) -> None:
    with client.stream("GET", "/api/plans/1/cells.bin", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw)[:4] == b"WGB1"


@pytest.mark.parametrize(
    ("address", "label"),
    [("Karhulantie 12", "12"), ("Otsolantie 7 B", "7"), ("和平路18号3幢", "3幢"), ("锦绣苑5号楼", "5号楼"),
     ("建设街 12-4", "12-4"), ("无门牌", None), ("", None), (None, None)],
)  # fmt: skip
def test_house_number(address: str | None, label: str | None) -> None:
    assert house_number(address) == label
