"""A small sound town, and one builder per fault that writes it with that fault in it."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from shapely.geometry import LineString, Polygon, box

#: South-west corner of the town, degrees; 0.001 degrees are about 100 m.
LON, LAT = 114.39, 30.50

Frames = dict[str, gpd.GeoDataFrame]


def at(x: float, y: float) -> tuple[float, float]:
    """Return a place in the town from hundreds of metres east and north of its corner."""
    return LON + x / 1000, LAT + y / 1000


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return box(*at(x0, y0), *at(x1, y1))


def sound_town() -> Frames:
    """Two communities side by side, six buildings (ids b0 to b5) of 10 to 60 households, two streets."""
    boundary = gpd.GeoDataFrame(
        {"code": ["A", "B"], "name": ["东社区", "西社区"]},
        geometry=[rectangle(0, 0, 5, 5), rectangle(5, 0, 10, 5)],
        crs=4326,
    )
    corners = [(1, 1), (3, 1), (1, 3), (6, 1), (8, 1), (6, 3)]
    buildings = gpd.GeoDataFrame(
        {"id": [f"b{i}" for i in range(6)], "households": [10, 20, 30, 40, 50, 60]},
        geometry=[rectangle(x, y, x + 0.4, y + 0.3) for x, y in corners],
        crs=4326,
    )
    streets = gpd.GeoDataFrame(
        {"highway": ["residential", "primary"], "name": ["光谷街", None]},
        geometry=[LineString([at(0, 2), at(10, 2)]), LineString([at(5, 0), at(5, 5)])],
        crs=4326,
    )
    return {"boundary": boundary, "buildings": buildings, "streets": streets}


def write_gpkg(folder: Path, frames: Frames, name: str = "town.gpkg") -> Path:
    path = folder / name
    for layer, frame in frames.items():
        frame.to_file(path, layer=layer, driver="GPKG")
    return path


def write_folder(folder: Path, frames: Frames, ending: str = "geojson") -> Path:
    target = folder / "town"
    target.mkdir()
    for layer, frame in frames.items():
        if ending == "parquet":
            frame.to_parquet(target / f"{layer}.parquet")
        else:
            frame.to_file(target / f"{layer}.{ending}")
    return target


def _edit_geojson(path: Path, edit: Callable[[list[dict[str, Any]]], None]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document["features"])
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _with_geometry(layer: str, row: int, geometry: Any) -> Frames:
    frames = sound_town()
    values = list(frames[layer].geometry)
    values[row] = geometry
    frames[layer] = frames[layer].set_geometry(gpd.GeoSeries(values, crs=4326))
    return frames


def sound(folder: Path) -> Path:
    return write_gpkg(folder, sound_town())


def no_crs(folder: Path) -> Path:
    path = write_folder(folder, sound_town(), "shp")
    (path / "buildings.prj").unlink()
    return path


def metres_as_degrees(folder: Path) -> Path:
    frames = sound_town()
    metres = frames["buildings"].to_crs(32650)
    path = write_folder(folder, frames)
    coordinates = [shapely.get_coordinates(each).tolist() for each in metres.geometry]

    def edit(features: list[dict[str, Any]]) -> None:
        for feature, ring in zip(features, coordinates, strict=True):
            feature["geometry"]["coordinates"] = [ring]

    _edit_geojson(path / "buildings.geojson", edit)
    return path


def degrees_as_metres(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"] = frames["buildings"].set_crs(32650, allow_override=True)
    return write_gpkg(folder, frames)


def swapped_axes(folder: Path) -> Path:
    frames = sound_town()
    swapped = [
        shapely.transform(each, lambda points: points[:, ::-1]) for each in frames["buildings"].geometry
    ]
    frames["buildings"] = frames["buildings"].set_geometry(gpd.GeoSeries(swapped, crs=4326))
    return write_gpkg(folder, frames)


def one_row_out_of_range(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("buildings", 4, box(514.39, 30.5, 514.3901, 30.5001)))


def too_wide(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("boundary", 0, box(-179.99, 30.5, -179.98, 30.51)))


def unclosed_ring(folder: Path) -> Path:
    path = write_folder(folder, sound_town())

    def edit(features: list[dict[str, Any]]) -> None:
        features[3]["geometry"]["coordinates"][0].pop()

    _edit_geojson(path / "buildings.geojson", edit)
    return path


def self_crossing(folder: Path) -> Path:
    bow = Polygon([at(1, 1), at(1.5, 1.3), at(1.5, 1), at(1, 1.3)])
    return write_gpkg(folder, _with_geometry("buildings", 0, bow))


def empty_geometry(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("buildings", 2, None))


def flat_polygon(folder: Path) -> Path:
    return write_gpkg(
        folder, _with_geometry("buildings", 1, Polygon([at(1, 1), at(2, 2), at(1, 1), at(1, 1)]))
    )


def text_in_number(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"]["households"] = ["10", "20户", "约30", "abc", "１，０５０", None]
    return write_gpkg(folder, frames)


def text_in_integer_column(folder: Path) -> Path:
    """A GeoPackage whose INTEGER column holds text, which SQLite allows and GDAL turns to 0."""
    path = write_gpkg(folder, sound_town())
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE buildings SET households = 'viele' WHERE id = 'b4'")
    connection.commit()
    connection.close()
    return path


def negative_households(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"].loc[4, "households"] = -5
    return write_gpkg(folder, frames)


def duplicate_ids(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"].loc[[3, 5], "id"] = "b0"
    return write_gpkg(folder, frames)


def outside_boundary(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("buildings", 5, rectangle(20, 20, 20.5, 20.3)))


def all_outside(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"] = frames["buildings"].set_geometry(frames["buildings"].translate(1, 1))
    return write_gpkg(folder, frames)


def boundary_overlap(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("boundary", 1, rectangle(4.9, 0, 10, 5)))


def boundary_gap(folder: Path) -> Path:
    """A slit of about 0.4 m between the communities, closed at both ends."""
    shape = shapely.difference(rectangle(5, 0, 10, 5), rectangle(4, 1, 5.004, 4))
    return write_gpkg(folder, _with_geometry("boundary", 1, shape))


def boundary_invalid(folder: Path) -> Path:
    crossing = Polygon(
        [at(5, 0), at(10, 0), at(10, 5), at(5, 5), at(5, 3), at(4.9, 3.2), at(5.1, 3.2), at(5, 3)]
    )
    return write_gpkg(folder, _with_geometry("boundary", 1, crossing))


def duplicate_codes(folder: Path) -> Path:
    frames = sound_town()
    frames["boundary"]["code"] = "A"
    return write_gpkg(folder, frames)


def empty_streets(folder: Path) -> Path:
    frames = sound_town()
    frames["streets"] = frames["streets"].iloc[:0]
    return write_folder(folder, frames, "parquet")


def no_streets(folder: Path) -> Path:
    frames = sound_town()
    del frames["streets"]
    return write_gpkg(folder, frames)


def no_buildings(folder: Path) -> Path:
    frames = sound_town()
    del frames["buildings"]
    return write_gpkg(folder, frames)


def lines_as_buildings(folder: Path) -> Path:
    return write_gpkg(folder, _with_geometry("buildings", 1, LineString([at(1, 1), at(2, 2)])))


def polygons_as_streets(folder: Path) -> Path:
    frames = sound_town()
    frames["boundary"] = frames["boundary"].set_geometry(frames["boundary"].representative_point())
    return write_gpkg(folder, frames)


def no_households(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"] = frames["buildings"].rename(columns={"households": "HU_CNT"})
    return write_gpkg(folder, frames)


def pointer_text(folder: Path) -> Path:
    """A text that names another file, under the name of a GeoJSON file."""
    path = write_folder(folder, sound_town())
    source = "<SrcDataSource>secret.gpkg</SrcDataSource>"
    text = f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>'
    (path / "buildings.geojson").write_text(text, encoding="utf-8")
    return path


def pipeline_text(folder: Path) -> Path:
    path = write_folder(folder, sound_town())
    text = '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read secret.gpkg ! write stream"}'
    (path / "buildings.geojson").write_text(text, encoding="utf-8")
    return path


def zip_as_gpkg(folder: Path) -> Path:
    path = folder / "town.gpkg"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("town.gpkg", b"\0" * 1_000_000)
    return path


def cut_off_file(folder: Path) -> Path:
    path = write_folder(folder, sound_town())
    file = path / "buildings.geojson"
    file.write_bytes(file.read_bytes()[:300])
    return path


def missing_shx(folder: Path) -> Path:
    path = write_folder(folder, sound_town(), "shp")
    (path / "buildings.shx").unlink()
    return path


def fractions(folder: Path) -> Path:
    frames = sound_town()
    frames["buildings"]["households"] = [10.0, 20.5, 30.0, 40.0, 50.0, 60.0]
    return write_gpkg(folder, frames)


def endless_view(folder: Path) -> Path:
    """A GeoPackage whose layer is a view that never ends."""
    path = write_gpkg(folder, {name: frame for name, frame in sound_town().items() if name != "buildings"})
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE VIEW buildings AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid + 1 FROM n) "
        "SELECT fid, NULL AS geom, 1 AS households FROM n"
    )
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
        "VALUES ('buildings', 'features', 'buildings', 4326)"
    )
    connection.execute(
        "INSERT INTO gpkg_geometry_columns VALUES ('buildings', 'geom', 'POLYGON', 4326, 0, 0)"
    )
    connection.commit()
    connection.close()
    return path
