from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import broken_datasets as broken
import pytest

from gis_core.errors import DatasetError
from gis_core.layers import Inspection, inspect_dataset, read_dataset
from gis_core.layers.raw import Limits
from gis_core.model import Fault


@dataclass(frozen=True)
class Case:
    """What one broken dataset must be answered with."""

    build: Callable[[Path], Path]
    code: str
    layer: str
    severity: str
    rows: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()
    says: str = ""
    mends: str = ""


CASES = [
    Case(broken.no_crs, "no-crs", "buildings", "error", says="look like degrees", mends=".prj"),
    Case(
        broken.too_wide, "too-wide", "boundary", "error", says="degrees of longitude", mends="180th meridian"
    ),
    Case(
        broken.metres_as_degrees,
        "wrong-crs",
        "buildings",
        "error",
        says="no degrees",
        mends="projected metres",
    ),
    Case(
        broken.degrees_as_metres,
        "wrong-crs",
        "buildings",
        "error",
        says="look like degrees",
        mends="EPSG:4326",
    ),
    Case(broken.swapped_axes, "wrong-crs", "buildings", "error", says="no degrees", mends="swapped"),
    Case(
        broken.one_row_out_of_range,
        "wrong-crs",
        "buildings",
        "warning",
        (4,),
        ("b4",),
        "out of range",
        "Correct",
    ),
    Case(
        broken.unclosed_ring,
        "unclosed-ring",
        "buildings",
        "repaired",
        (3,),
        ("b3",),
        "not closed",
        "first point",
    ),
    Case(broken.self_crossing, "self-crossing", "buildings", "repaired", (0,), ("b0",), "114.391", "Redraw"),
    Case(
        broken.empty_geometry,
        "empty-geometry",
        "buildings",
        "warning",
        (2,),
        ("b2",),
        "no geometry",
        "Draw it",
    ),
    Case(broken.flat_polygon, "no-extent", "buildings", "warning", (1,), ("b1",), "no extent", "Draw it"),
    Case(
        broken.text_in_number,
        "text-in-number",
        "buildings",
        "warning",
        (2, 3),
        ("b2", "b3"),
        "约30",
        "plain numbers",
    ),
    Case(
        broken.text_in_number,
        "number-as-text",
        "buildings",
        "note",
        (1, 4),
        ("b1", "b4"),
        "20户",
        "plain numbers",
    ),
    Case(
        broken.text_in_number,
        "missing-households",
        "buildings",
        "warning",
        (5,),
        ("b5",),
        "no number",
        "--estimate",
    ),
    Case(
        broken.text_in_integer_column,
        "text-in-number",
        "buildings",
        "warning",
        (4,),
        ("b4",),
        "viele",
        "plain numbers",
    ),
    Case(
        broken.negative_households,
        "negative-households",
        "buildings",
        "repaired",
        (4,),
        ("b4",),
        "-5",
        "Correct",
    ),
    Case(
        broken.fractions,
        "fraction-of-household",
        "buildings",
        "repaired",
        (1,),
        ("b1",),
        "20.5",
        "whole numbers",
    ),
    Case(
        broken.duplicate_ids,
        "duplicate-id",
        "buildings",
        "repaired",
        (3, 5),
        ("b0", "b0"),
        "same id",
        "own id",
    ),
    Case(
        broken.outside_boundary,
        "outside-boundary",
        "buildings",
        "warning",
        (5,),
        ("b5",),
        "60 households",
        "boundary",
    ),
    Case(
        broken.all_outside,
        "outside-boundary",
        "buildings",
        "error",
        says="km away",
        mends="coordinate systems",
    ),
    Case(
        broken.boundary_overlap,
        "boundary-overlap",
        "boundary",
        "repaired",
        (0, 1),
        ("A", "B"),
        "m2",
        "snapping",
    ),
    Case(broken.boundary_gap, "boundary-gap", "boundary", "repaired", says="1 gap between", mends="snapping"),
    Case(
        broken.boundary_invalid,
        "self-crossing",
        "boundary",
        "repaired",
        (1,),
        ("B",),
        "touches itself",
        "Redraw",
    ),
    Case(broken.duplicate_codes, "duplicate-code", "boundary", "repaired", (1,), ("A",), "A-2", "own code"),
    Case(broken.empty_streets, "empty-layer", "streets", "warning", says="empty", mends="street lines"),
    Case(
        broken.no_streets,
        "missing-layer",
        "streets",
        "warning",
        says="no layer streets",
        mends="street lines",
    ),
    Case(
        broken.no_buildings,
        "missing-layer",
        "buildings",
        "error",
        says="no layer buildings",
        mends="Add the layer",
    ),
    Case(
        broken.lines_as_buildings,
        "wrong-geometry-type",
        "buildings",
        "warning",
        (1,),
        ("b1",),
        "lines",
        "polygons",
    ),
    Case(
        broken.polygons_as_streets,
        "wrong-geometry-type",
        "boundary",
        "error",
        says="points",
        mends="polygons",
    ),
    Case(
        broken.no_households,
        "no-households",
        "buildings",
        "error",
        says="HU_CNT",
        mends="--map buildings.households",
    ),
    Case(
        broken.pointer_text,
        "not-its-kind",
        "buildings",
        "error",
        says="points to other files",
        mends="data themselves",
    ),
    Case(
        broken.pipeline_text,
        "not-its-kind",
        "buildings",
        "error",
        says="points to other files",
        mends="data themselves",
    ),
    Case(broken.zip_as_gpkg, "not-its-kind", "dataset", "error", says="zip", mends="Unpack"),
    Case(
        broken.cut_off_file, "unreadable-file", "buildings", "error", says="buildings.geojson", mends="Export"
    ),
    Case(broken.missing_shx, "unreadable-file", "buildings", "error", says=".shx", mends="Copy all files"),
]


def find(found: Inspection, code: str, layer: str) -> Fault:
    matching = [fault for fault in found.faults if (fault.code, fault.layer) == (code, layer)]
    assert len(matching) == 1, [fault.message for fault in found.faults]
    return matching[0]


def test_sound_town_has_no_fault(tmp_path: Path) -> None:
    found = inspect_dataset(broken.sound(tmp_path))
    assert found.faults == ()
    assert found.dataset is not None


@pytest.mark.parametrize("case", CASES, ids=[f"{case.build.__name__}-{case.code}" for case in CASES])
def test_fault_names_place_and_mend(case: Case, tmp_path: Path) -> None:
    found = inspect_dataset(case.build(tmp_path))
    fault = find(found, case.code, case.layer)
    assert fault.severity == case.severity
    assert fault.rows == case.rows
    assert fault.ids == case.ids
    assert fault.message.startswith(case.layer)
    for row, name in zip(case.rows, case.ids, strict=True):
        assert str(row) in fault.message
        assert name in fault.message
    assert case.says in fault.message
    assert case.mends in fault.fix
    assert str(tmp_path) not in fault.message
    assert (found.dataset is None) == (case.severity == "error")


def test_all_faults_are_found_in_one_pass(tmp_path: Path) -> None:
    frames = broken.sound_town()
    frames["buildings"].loc[1, "households"] = -1
    frames["buildings"].loc[2, "id"] = "b0"
    geometry = list(frames["buildings"].geometry)
    geometry[3] = None
    frames["buildings"] = frames["buildings"].set_geometry(geometry, crs=4326)
    frames["streets"] = frames["streets"].set_crs(32650, allow_override=True)
    found = inspect_dataset(broken.write_gpkg(tmp_path, frames))
    codes = {fault.code for fault in found.faults}
    assert {"negative-households", "duplicate-id", "empty-geometry", "wrong-crs"} <= codes


@pytest.mark.parametrize(
    ("build", "rows"),
    [
        (broken.unclosed_ring, [0, 1, 2, 4, 5]),
        (broken.self_crossing, [1, 2, 3, 4, 5]),
        (broken.negative_households, [0, 1, 2, 3, 5]),
        (broken.duplicate_ids, [0, 1, 2, 4]),
    ],
)
def test_report_leaves_faulty_rows_out_and_says_so(
    build: Callable[[Path], Path], rows: list[int], tmp_path: Path
) -> None:
    dataset = read_dataset(build(tmp_path), on_invalid="report")
    assert dataset.buildings["row"].tolist() == rows
    left_out = [fault for fault in dataset.faults if "left out of the work" in fault.message]
    assert {row for fault in left_out for row in fault.rows} == set(range(6)) - set(rows)


@pytest.mark.parametrize(
    "build", [broken.unclosed_ring, broken.empty_geometry, broken.duplicate_ids, broken.boundary_overlap]
)
def test_raise_stops_and_lists_every_fault(build: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        read_dataset(build(tmp_path), on_invalid="raise")
    faults = caught.value.context["faults"]
    assert isinstance(faults, tuple)
    for fault in faults:
        assert fault.severity != "error" or fault.message in caught.value.message


def test_report_does_not_touch_a_boundary_that_overlaps(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="do not fit together"):
        read_dataset(broken.boundary_overlap(tmp_path), on_invalid="report")


def test_endless_view_is_stopped(tmp_path: Path) -> None:
    path = broken.endless_view(tmp_path)
    with pytest.raises(DatasetError, match="was not read"):
        read_dataset(path, limits=Limits(seconds=2, rows=500_000_000))


def test_row_limit_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="more than 5 rows"):
        read_dataset(broken.sound(tmp_path), limits=Limits(rows=5))


def test_vertex_limit_is_kept(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="more than 10 points"):
        read_dataset(broken.sound(tmp_path), limits=Limits(vertices=10))
