"""Dividing the ground in several processes: the same cells, and a quiet and prompt end at Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from small_town import block_town

from gis_core.errors import CapabilityError
from gis_core.fabric import build_fabric, workers
from gis_core.fabric.tessellation import Pieces

TESTS = Path(__file__).parents[1]
INTERRUPTED = """
import os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from small_town import block_town
from gis_core.fabric import build_fabric, workers
workers.BATCH_POINTS = 200

def progress(step, done, total):
    if (step, done) == ("cells", 0):  # the workers start now, and import what they need for a second or so
        threading.Timer(float(sys.argv[2]), os.killpg, (0, signal.SIGINT)).start()

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        build_fabric(block_town(6, 4, per_block=6), processes=2, progress=progress)
        time.sleep(10)
    except KeyboardInterrupt:
        print("stopped")
"""


ORPHANED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from small_town import block_town
from gis_core.fabric import build_fabric, workers
workers.BATCH_POINTS = 200

class Telling(workers._Workers):
    def take(self):
        self.under_way[0][1].result()
        print(*self.pool._processes, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    workers._Workers = Telling
    build_fabric(block_town(4, 3), processes=2)
"""


def test_processes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    town = block_town(4, 3)
    alone = build_fabric(town, processes=1)
    monkeypatch.setattr(workers, "BATCH_POINTS", 200)
    together = build_fabric(town, processes=2)
    assert np.array_equal(alone.building_cell_ix, together.building_cell_ix)
    assert shapely.equals_exact(alone.cells, together.cells).all()


def test_a_worker_gives_up_between_two_enclosures(monkeypatch: pytest.MonkeyPatch) -> None:
    def told_meanwhile(*_arguments: object) -> Pieces:
        stop.set()
        return Pieces(np.array([shapely.box(0, 0, 1, 1)], dtype=object), np.array([7]))

    stop = multiprocessing.Event()
    monkeypatch.setitem(workers._told, "stop", stop)
    monkeypatch.setattr(workers, "divide_enclosure", told_meanwhile)
    squares = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], dtype=object)
    owners = np.array([[7, squares[0]], [8, squares[1]]], dtype=object)
    xy = np.array([[0.5, 0.5], [1.5, 0.5]])
    with pytest.raises(workers._StoppedError):
        workers._divide_batch(([0, 1], squares, xy, np.array([7, 8]), np.array([0, 1]), owners))


def runs(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() != "" and not state.stdout.startswith("Z")


def test_workers_end_when_the_main_process_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "orphaned.py"
    script.write_text(ORPHANED, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script), str(TESTS)], stdout=subprocess.PIPE, text=True
    ) as main:
        assert main.stdout is not None
        pids = [int(pid) for pid in main.stdout.readline().split()]
    assert pids
    end = time.monotonic() + 60
    while any(map(runs, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(runs, pids))


@pytest.mark.parametrize("deaths", [1, workers.MAX_DEATHS])
def test_killed_workers_cost_no_cell_until_there_are_too_many(
    deaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(workers._Workers):
        left = deaths

        def _open(self) -> None:
            super()._open()
            if Killed.left:
                Killed.left -= 1
                self.pool.submit(os.getpid).result()
                for pid in list(self.pool._processes):
                    os.kill(pid, signal.SIGKILL)

    town = block_town(4, 3)
    alone = build_fabric(town, processes=1)
    monkeypatch.setattr(workers, "BATCH_POINTS", 200)
    monkeypatch.setattr(workers, "_Workers", Killed)
    if deaths < workers.MAX_DEATHS:
        together = build_fabric(town, processes=2)
        assert shapely.equals_exact(alone.cells, together.cells).all()
    else:
        with pytest.raises(CapabilityError, match="3 times worker processes ended"):
            build_fabric(town, processes=2)
    assert Killed.left == 0


def test_ctrl_c_ends_all_processes_without_a_word_from_them(tmp_path: Path) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), str(TESTS), "0.6"],
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")
