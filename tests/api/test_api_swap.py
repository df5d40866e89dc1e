"""A plan comes into force while clients ask whose a place is: every server process goes over, and no request fails."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gis_core.store import open_store
from tests.api.lattice import build_lattice, build_lattice_plan

EXCEPT = ["without_staff", "out_of_bounds", "unnamed"]
RUN = "import typer; from gis_core.commands.serve import serve as run; typer.run(run)"
PATIENCE_S = 120.0
#: Answers in a row, each on a connection of its own, after which every process is taken to have gone over.
ENOUGH = 40


@pytest.fixture(params=["geopackage", pytest.param("postgis", marks=pytest.mark.postgis)])
def served(
    request: pytest.FixtureRequest, town_to_copy: SimpleNamespace, tmp_path: Path
) -> Iterator[SimpleNamespace]:
    """A town in a store of each kind, served by one process, or by two on PostGIS."""
    several = request.param == "postgis"
    if several:
        url = request.getfixturevalue("postgis_server").create_database()
        dataset, fabric = build_lattice(12, 12)
        plan = build_lattice_plan(dataset, fabric, 12, 12)
        with open_store(url) as store:
            store.add_plan(plan, dataset_id=store.add_dataset(dataset, fabric), name="lattice")
    else:
        url = str(tmp_path / "town.gpkg")
        shutil.copy(town_to_copy.path, url)
    with open_store(url) as store:
        first = store.branch_plan(1, name="first")
        store.publish_plan(first, expected_revision=0, except_=EXCEPT)
        second = store.branch_plan(first, name="second")
        place = store.layer(1, "cells").geometry.iloc[0].representative_point().coords[0]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    arguments = ["--port", "0", "--json", "--db", url, *(("--workers", "2") if several else ())]
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdout=subprocess.PIPE, text=True, env={**environment, "WANGGE_WARM": "false"},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            yield SimpleNamespace(url=json.loads(text)["url"], first=first, second=second, place=place)
        finally:
            process.terminate()
            process.communicate(timeout=60)


class Asker(threading.Thread):
    """Asks whose a place is, on a new connection each time, and keeps what was answered."""

    def __init__(self, served: SimpleNamespace) -> None:
        super().__init__(daemon=True)
        self.host = served.url.removeprefix("http://").rstrip("/")
        self.path = "/api/locate/grid?x={!r}&y={!r}".format(*served.place)
        self.over = threading.Event()
        self.answers: list[tuple[float, int, Any]] = []

    def run(self) -> None:
        while not self.over.is_set():
            connection = http.client.HTTPConnection(self.host, timeout=60)
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                plan = json.loads(answer.read()).get("plan")
                self.answers.append((time.monotonic(), answer.status, plan))
            except (OSError, http.client.HTTPException) as error:
                self.answers.append((time.monotonic(), 0, repr(error)))
            finally:
                connection.close()
            time.sleep(0.005)


def test_plans_swap_in_every_process_and_no_request_fails(served: SimpleNamespace) -> None:
    askers = [Asker(served), Asker(served)]
    for asker in askers:
        asker.start()

    def wait(plan: int) -> None:
        """Wait until the last answers of all askers are of a plan."""
        ends = time.monotonic() + PATIENCE_S
        while not all(
            len(asker.answers) >= ENOUGH and {one[2] for one in asker.answers[-ENOUGH:]} == {plan}
            for asker in askers
        ):
            assert time.monotonic() < ends, [asker.answers[-3:] for asker in askers]
            time.sleep(0.05)

    wait(served.first)
    published = httpx.post(
        f"{served.url}api/plans/{served.second}/publish",
        json={"except": EXCEPT}, headers={"If-Match": '"0"'}, timeout=60,
    )  # fmt: skip
    assert published.status_code == 200, published.text
    done = time.monotonic()
    wait(served.second)
    for asker in askers:
        asker.over.set()
    for asker in askers:
        asker.join(60)
    answers = sorted(one for asker in askers for one in asker.answers)
    assert {status for _, status, _ in answers} == {200}
    assert {plan for _, _, plan in answers} == {served.first, served.second}
    last = max(at for at, _, plan in answers if plan == served.first)
    sys.stdout.write(
        f"{len(answers)} answers; the last of the former plan {last - done:.2f} s after publishing\n"
    )
