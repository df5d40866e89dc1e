"""The benchmark of cities at a small size: every step is measured, growth is counted a building."""

from __future__ import annotations

from pathlib import Path

from bench import bench_city


def test_every_step_of_a_small_city_is_measured(tmp_path: Path) -> None:
    rows = bench_city.run(bench_city.city(300, tmp_path), tmp_path, processes=1)
    assert [row["step"] for row in rows] == list(bench_city.STEPS)
    assert {row["buildings"] for row in rows} == {300}
    assert all(row["wall_s"] >= 0 and row["cpu_s"] >= 0 and row["peak_gb"] > 0 for row in rows)
    assert sum(row["cpu_s"] for row in rows) > 0
    assert rows[-1]["contiguous"] is True
    assert (tmp_path / "plan.gpkg").exists()


def test_growth_of_a_linear_step_has_exponent_one() -> None:
    def rows(size: int, cpu_s: float) -> list[dict]:
        return [{"buildings": size, "step": step, "cpu_s": cpu_s} for step in bench_city.STEPS]

    lines = bench_city.growth([*rows(10_000, 2.0), *rows(100_000, 20.0), *rows(1_000_000, 400.0)])
    assert len(lines) == 2 * len(bench_city.STEPS)
    assert lines[0].endswith("0.200 -> 0.200 ms of processor time a building (exponent 1.00)")
    assert lines[-1].endswith("0.200 -> 0.400 ms of processor time a building (exponent 1.30)")
