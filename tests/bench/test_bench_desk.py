"""A short day of made-up calls through the desk, with the server killed in the middle: nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import bench_desk
from bench.desk_day import Served, made_up_day, onto, run_day


@pytest.mark.long
@pytest.mark.slow
def test_a_day_with_the_server_killed_in_it(tmp_path: Path) -> None:
    url = str(tmp_path / "desk.gpkg")
    calls = onto(made_up_day(25), bench_desk.fill(url, side=20))
    served = Served(url)
    try:
        served.wait()
        row = run_day(served, calls, speed=86_400 / 4)
    finally:
        served.kill()
    assert (row["lost"], row["doubled"], row["whole"]) == (0, 0, 25)
    assert row["resent"] > 0
