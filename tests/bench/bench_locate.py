"""Whose grid is each of many points in: the locator beside shapely and PostGIS, in one run, on one core."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from grid_cover import grid_cover, points_over
from numpy.typing import NDArray
from postgis_server import running_server

from bench.results import save
from gis_core.locate import build_locator
from gis_core.locate.index import AreaIndex, build_index

SIZES = (5_000, 50_000)
POINTS, POSTGIS_POINTS, ON_VERTICES = 10_000_000, 200_000, 10_000
AT_ONCE = 1_000_000
EPSG = 32650

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def cpu_s(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """Return the least processor time of some runs, and the last answer."""
    best, answer = np.inf, None
    for _ in range(times):
        began = time.process_time()
        answer = work()
        best = min(best, time.process_time() - began)
    return best, answer


def by_shapely(areas: NDArray[np.object_], points: Points) -> NDArray[np.int64]:
    """Return the lowest area that covers each point: a tree of the points asked by prepared polygons."""
    lowest = np.full(len(points[0]), len(areas))
    for start in range(0, len(lowest), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        tree = shapely.STRtree(shapely.points(points[0][part], points[1][part]))
        area, point = tree.query(areas, predicate="intersects")
        np.minimum.at(lowest, start + point, area)
    lowest[lowest == len(areas)] = -1
    return lowest


def by_postgis(areas: NDArray[np.object_], points: Points) -> tuple[float, NDArray[np.int64]]:
    """Return the seconds of one join with ST_Covers on one core, and the lowest area of each point."""
    import psycopg2

    with running_server() as server:
        connection = psycopg2.connect(server.create_database())
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
            cursor.execute("SET max_parallel_workers_per_gather = 0")
            cursor.execute("CREATE TABLE area (ix int, geom geometry(Polygon, 32650))")
            cursor.execute("CREATE TABLE point (ix int, geom geometry(Point, 32650))")
            shapes = shapely.to_wkb(areas)
            for at in range(0, len(shapes), 1000):
                rows = [(at + i, shape) for i, shape in enumerate(shapes[at : at + 1000])]
                text = ",".join(
                    cursor.mogrify("(%s, ST_GeomFromWKB(%s, 32650))", row).decode() for row in rows
                )
                cursor.execute(f"INSERT INTO area VALUES {text}")
            for at in range(0, len(points[0]), 10_000):
                rows = zip(range(at, len(points[0])), points[0][at : at + 10_000].tolist(),
                           points[1][at : at + 10_000].tolist(), strict=False)  # fmt: skip
                text = ",".join(f"({i}, ST_SetSRID(ST_MakePoint({x!r}, {y!r}), 32650))" for i, x, y in rows)
                cursor.execute(f"INSERT INTO point VALUES {text}")
            cursor.execute("CREATE INDEX ON area USING gist (geom)")
            cursor.execute("ANALYZE")
            join = (
                "SELECT p.ix, min(a.ix) FROM point p JOIN area a ON ST_Covers(a.geom, p.geom) GROUP BY p.ix"
            )
            began = time.perf_counter()
            cursor.execute(f"CREATE TEMP TABLE answer AS {join}")
            seconds = time.perf_counter() - began
            cursor.execute("SELECT * FROM answer")
            found = np.full(len(points[0]), -1)
            for point, area in cursor.fetchall():
                found[point] = area
        connection.close()
    return seconds, found


def single_us(areas: NDArray[np.object_], points: Points) -> float:
    """Return microseconds of one look-up from Python, over places all over."""
    frame = gpd.GeoDataFrame({"code": [f"{i:06d}" for i in range(len(areas))]}, geometry=areas, crs=EPSG)
    ask = build_locator(frame).code_at
    places = list(zip(points[0][:50_000].tolist(), points[1][:50_000].tolist(), strict=True))

    def all_of_them() -> None:
        for x, y in places:
            ask(x, y)

    return cpu_s(all_of_them, 5)[0] / len(places) * 1e6


def measure(n: int, *, n_points: int, n_postgis: int) -> dict[str, Any]:
    """Compare on one town of n grids."""
    areas = grid_cover(n)
    points = points_over(areas, n_points, n_on_vertices=min(ON_VERTICES, n_points // 10))
    build_index(areas[:10]).areas_of(np.zeros(1), np.zeros(1))  # compiled before the clock starts
    build_s, index = cpu_s(lambda: build_index(areas), 5)
    assert isinstance(index, AreaIndex)
    raw = int(shapely.get_num_coordinates(areas).sum()) * 16
    ours_s, (found, _) = cpu_s(lambda: index.areas_of(*points), 3)
    row: dict[str, Any] = {
        "grids": n,
        "points": n_points,
        "ours_kpts_s": round(n_points / ours_s / 1e3),
        "build_s": round(build_s, 3),
        "memory_of_coordinates": round(index.nbytes / raw, 2),
        "single_us": round(single_us(areas, points), 2),
    }
    shapely.prepare(areas)
    theirs_s, theirs = cpu_s(lambda: by_shapely(areas, points))
    row["shapely_kpts_s"] = round(n_points / theirs_s / 1e3)
    row["times_shapely"] = round(theirs_s / ours_s, 1)
    row["mismatches"] = int(np.count_nonzero(found != theirs))
    if n_postgis:
        some = points[0][:n_postgis], points[1][:n_postgis]
        postgis_s, answer = by_postgis(areas, some)
        row["postgis_kpts_s"] = round(n_postgis / postgis_s / 1e3)
        row["times_postgis"] = round(postgis_s / n_postgis / (ours_s / n_points))
        row["mismatches_postgis"] = int(np.count_nonzero(found[:n_postgis] != answer))
    return row


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:] if text.isdigit()] or list(SIZES)
    rows: list[dict[str, Any]] = []
    for n in sizes:
        rows.append(measure(n, n_points=POINTS, n_postgis=POSTGIS_POINTS))
        save("locate", rows)


if __name__ == "__main__":
    main()
