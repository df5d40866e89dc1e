"""What a clerk reads when the answer is no: through the command, the thing to blame by its name, and what mends it."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
from town_files import write_raster_town
from typer.testing import CliRunner

from gis_core.cli import app

EVEN = [20] * 60
ADDRESSES = [f"东街{place}号" for place in range(60)]
#: A block of 6 x 6 buildings, and a lane of four at its south-east corner: a dead end.
DEAD_END = [25 if place % 10 < 6 or place >= 50 else -1 for place in range(60)]
NAME = "东街社区 (110101001)"


class Desk:
    """Where one input is tried: runs the command and returns exit code and sentences."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.town = folder / "town"

    def write(self, households: list[int], columns: int = 10, **more: object) -> None:
        write_raster_town(self.town, households, columns, **more)  # type: ignore[arg-type]

    def wish(self, *rows: str) -> tuple[str, str]:
        path = self.folder / "wishes.csv"
        path.write_text("kind,group,building_id\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return "--wishes", str(path)

    def ask(self, *options: object, out: str = "plan.gpkg") -> tuple[int, str]:
        """Return the exit code and the sentences on stderr, one a line."""
        arguments = ["partition", self.town, "--out", self.folder / out, "--strict", *options]
        done = CliRunner().invoke(app, [str(each) for each in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, "\n".join(line.strip() for line in done.stderr.strip().splitlines())

    def refused(self, *options: object) -> str:
        """Ask for what cannot be, and return the one sentence that says so with its advice."""
        code, said = self.ask(*options)
        assert code == 1
        assert "\n" not in said, said
        assert "none of the provable reasons" not in said
        return said


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_one_building_above_the_maximum_is_named_with_its_address(desk):
    desk.write([620 if place == 25 else 20 for place in range(60)], address=ADDRESSES)
    said = desk.refused()
    assert f"building B025 (东街25号) in {NAME} holds 620 households, more than the maximum of 500" in said
    assert "Divide the building into 2 or more parts" in said
    assert "raise the maximum to 620" in said
    assert desk.ask("--max", 620)[0] == 0


def test_an_island_with_too_few_households_is_named_by_a_building(desk):
    desk.write([-1 if place % 10 == 7 else 20 for place in range(60)])
    said = desk.refused()
    assert "The piece of 240 households (building B0" in said and "and 11 more) is cut off" in said
    assert f"from the rest of {NAME} and below the minimum of 300. Lower the minimum to 240" in said
    assert desk.ask("--min", 240)[0] == 0
    assert "--pieces nearest" in said
    assert desk.ask("--pieces", "nearest")[0] == 0


def test_two_locks_that_leave_too_little_between_them(desk):
    desk.write([34] * 60)
    assert desk.ask("--min", 600, "--max", 700, "--grids", 3, out="old.gpkg")[0] == 0
    grids = gpd.read_file(desk.folder / "old.gpkg", layer="grids").to_crs(32650)
    west, middle, east = grids["code"][grids.geometry.centroid.x.argsort()].tolist()
    buildings = gpd.read_file(desk.folder / "old.gpkg", layer="buildings")
    lost = set(buildings.loc[buildings["grid_code"] == middle, "id"])
    desk.write([10 if f"B{place:03d}" in lost else 34 for place in range(60)])
    lock = ("--min", 500, "--max", 1100, "--lock")
    said = desk.refused(*lock, f"{desk.folder / 'old.gpkg'}:{west},{east}")
    first, second = (west, east) if f"grids {west}" in said else (east, west)
    assert f"The locked grids {first} and {second} together leave a rest of 200 households in {NAME}" in said
    assert f"Release {first} (then 880 are shared by 1 grid), or release {second}" in said
    assert desk.ask(*lock, f"{desk.folder / 'old.gpkg'}:{second}")[0] == 0


def test_a_total_that_is_too_small_for_the_number_of_grids(desk):
    desk.write([10] * 60)
    said = desk.refused("--grids", 4)
    assert f"gives {NAME} 4 grids for 600 households, 150 on average, below the minimum of 300" in said
    assert "Ask for fewer" in said and "room for 2 grids" in said
    assert desk.ask("--grids", 2)[0] == 0


@pytest.mark.parametrize(("asked", "room"), [(9, "Ask for fewer"), (1, "Ask for more")])
def test_a_wish_that_can_be_kept_is_not_blamed_for_the_number(desk, asked, room):
    desk.write(EVEN)
    said = desk.refused("--grids", asked, *desk.wish("together,a,B000", "together,a,B001"))
    assert room in said


def test_of_three_numbers_that_do_not_fit_only_what_helps_is_advised(desk):
    desk.write(EVEN)
    seeds = [f"B{place:03d}" for place in (0, 9, 25, 50, 59)]
    said = desk.refused("--grids", 3, *desk.wish(*(f"seed,,{seed}" for seed in seeds)))
    # Five grids are too many for 1,200 households too.
    assert "need a grid each, but 3 grids were asked for. Take 2 or more of the seeds out." in said
    assert "ask for 5" not in said
    assert desk.ask("--grids", 3, *desk.wish(*(f"seed,,{seed}" for seed in seeds[1:4])))[0] == 0


def test_a_range_of_numbers_that_is_impossible(desk):
    desk.write(EVEN)
    said = desk.refused("--grids", "6-8")
    assert "6 grids for 1,200 households, 200 on average" in said
    assert "has room for 3 to 4 grids" in said


def test_a_group_that_is_too_heavy_to_stay_together(desk):
    desk.write(EVEN)
    wish = desk.wish(*(f"together,第一小学,B{place:03d}" for place in range(26)))
    said = desk.refused(*wish)
    assert "The together group '第一小学' is to stay together, but its 26 cells have 520 households" in said
    assert (
        "Take buildings with 20 or more out of the group; with all of it a grid needs a maximum of 520 or more"
        in said
    )


def test_a_group_that_is_too_far_apart_to_stay_together(desk):
    desk.write([60] * 30, 15)
    said = desk.refused(*desk.wish("together,学校,B000", "together,学校,B014"))
    # A row of 15 buildings of 60 is the shortest way from one end to the other.
    assert "building B000 and building B014 are so far apart that a grid with both has 900 households" in said


def test_apart_wishes_in_a_chain_need_more_grids_than_there_is_room_for(desk):
    desk.write([20] * 40)
    pairs = [("a", 11, 12), ("b", 12, 13), ("c", 11, 13)]
    wish = desk.wish(*(f"apart,{group},B{cell:03d}" for group, *cells in pairs for cell in cells))
    code, said = desk.ask(*wish)
    proof, *facts = said.splitlines()
    assert code == 1
    assert (
        "building B011, building B012 and building B013 are all to stay apart from each other and need 3"
        in proof
    )
    assert "800 households are enough for at most 2 grids of at least 300" in proof
    assert "lower the minimum to 266 or less" in proof
    assert facts and all(fact.endswith("are to stay apart but share a grid.") for fact in facts)
    assert desk.ask(*wish, "--min", 250)[0] == 0


def test_two_seeds_in_one_dead_end(desk):
    desk.write(DEAD_END)
    said = desk.refused(*desk.wish("seed,,B057", "seed,,B059"))
    assert (
        "the seed building B059 is shut in by the seed building B057, which must be in another grid" in said
    )
    assert "50 households, fewer than the minimum of 300" in said


def test_two_seeds_in_one_cell_are_refused_before_the_work(desk):
    desk.write(EVEN)
    spots = gpd.read_file(desk.town / "buildings.geojson").to_crs(32650).geometry[[33, 33]].centroid
    points = gpd.GeoDataFrame({"name": ["诊所甲", "诊所乙"]}, geometry=spots.tolist(), crs=32650)
    points.geometry = points.translate(xoff=[-3, 3][0])
    points.to_crs(4326).to_file(desk.folder / "points.geojson")
    code, said = desk.ask("--seeds", desk.folder / "points.geojson")
    assert code == 2
    assert "诊所甲 and 诊所乙, stand in one cell" in said and "take one of them out" in said


def test_a_formula_whose_bounds_contradict_those_of_households(desk):
    desk.write(EVEN, elderly=[5] * 60)
    said = desk.refused("--bound", "households + 2*elderly:800:900")
    assert "its 1,200 households need at least 3 grids of at most 500" in said
    assert "its 1,800 of households + 2*elderly are enough for at most 2 grids of at least 800" in said
    assert (
        "Raise the maximum to 600 or more, or lower the minimum of households + 2*elderly to 600 or less"
        in said
    )
    assert desk.ask("--bound", "households + 2*elderly:600:900")[0] == 0


def test_in_a_boundary_polygon_with_two_pieces_the_total_is_that_of_the_piece(desk):
    desk.write([-1 if place % 10 == 4 else 20 for place in range(60)], elderly=[5] * 60)
    code, said = desk.ask("--bound", "households + 2*elderly:700:900")
    assert code == 1
    assert f"No number of grids fits a piece of {NAME} with 600 households: its 600 households need" in said
    assert f"fits {NAME}" not in said
    asked = desk.ask("--grids", 4, "--bound", "households + 2*elderly:600:900")[1]
    assert "it gets 2 grids of the number asked for" in asked
    assert "sk for fewer grids" in asked
    assert "grids were asked for. " not in asked


def test_households_fit_and_people_do_not(desk):
    desk.write(EVEN, population=[900 if place == 33 else 30 for place in range(60)])
    said = desk.refused("--bound", "population::800")
    assert f"Building B033 of {NAME} has 900 of population, more than the maximum of 800" in said
    assert "raise the maximum of population to 900" in said


def test_a_bank_without_a_bridge(desk):
    desk.write(EVEN, river_after=2)
    said = desk.refused("--barriers", "cut")
    assert "The piece of 180 households (building B0" in said and "below the minimum of 300" in said
    assert desk.ask("--barriers", "cut", "--min", 180)[0] == 0


def test_more_grids_than_buildings(desk):
    desk.write([400] * 4, 2)
    code, said = desk.ask("--grids", 9)
    assert (code, "9 grids are too many for 4 cells" in said) == (2, True)


def test_whole_households_that_do_not_divide(desk):
    desk.write([1] * 31 + [-1], 16)
    said = desk.refused("--min", 10, "--max", 10, "--grids", 3)
    assert "31 households, too many for 3 grids of at most 10" in said
    assert "3 grids would need a maximum of 11 or more" in said
    assert desk.ask("--min", 10, "--max", 11, "--grids", 3)[0] == 0


def test_a_corner_between_two_heavy_buildings(desk):
    desk.write([490 if place in (1, 10) else 20 for place in range(60)])
    said = desk.refused("--grids", 5)
    assert "building B000 is shut in by building B001 and building B010" in said.replace(
        "building B010 and building B001", "building B001 and building B010"
    )
    assert "510 households together, the maximum is 500" in said
    assert "Raise the maximum to 510 or more, or lower the minimum to 20 or less" in said


def test_another_weight_is_called_by_its_name(desk):
    desk.write(EVEN, population=[60] * 60)
    said = desk.refused("--weight", "population", "--min", 5000, "--max", 6000)
    assert f"{NAME} has 3,600 of population, fewer than the minimum of 5,000" in said
    assert "household" not in said
