"""A day of cases through the desk, faster than it was: a server that is killed in the middle, and clients that resend.

Every call is a case that runs its whole course, each step at its time. What the server answered is compared with
what is in the store in the end.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import httpx
import numpy as np

from bench.results import ROOT

CALLS = ROOT.parent / "shared" / "data" / "incidents-montgomery" / "emergency_calls.csv.gz"
RUN = "import typer; from gis_core.commands.serve import serve as run; typer.run(run)"
#: The course of a case after its report, each step so many seconds after the one before.
COURSE = (
    ("verify", 60), ("open", 60), ("dispatch", 120), ("accept", 300), ("done", 2400), ("check", 1200), ("close", 300),
)  # fmt: skip
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Call:
    """A call: seconds since midnight, place in degrees, what it is about."""

    id: str
    second: float
    lon: float
    lat: float
    reason: str
    words: str

    def moved(self, seconds: float) -> Call:
        """Return the call as much later."""
        return replace(self, second=self.second + seconds)


@dataclass
class Figures:
    """What was seen: seconds of each request, those sent again, and what the server said."""

    post_s: list[float] = field(default_factory=list)
    step_s: list[float] = field(default_factory=list)
    resent: int = 0
    late_s: float = 0.0
    cases: dict[str, int] = field(default_factory=dict)


def real_day(day: str) -> list[Call]:
    """Read the emergency calls of a day."""
    calls = []
    with gzip.open(CALLS, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["time"].startswith(day):
                at = datetime.fromisoformat(row["time"])
                second = at.hour * 3600.0 + at.minute * 60 + at.second
                words = f"{row['service']}: {row['reason']}, {row['address']} #{row['id']}"
                calls.append(
                    Call(row["id"], second, float(row["lon"]), float(row["lat"]), row["reason"], words)
                )
    return sorted(calls, key=lambda call: call.second)


def made_up_day(n: int, seed: int = 1) -> list[Call]:
    """Make a day of n calls in a unit square."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, 86_400, n)).tolist()
    places = rng.uniform(0, 1, (n, 2)).tolist()
    return [
        Call(str(k), second, x, y, ("漏水", "井盖", "路灯")[k % 3], f"第{k}件 #{k}")
        for k, (second, (x, y)) in enumerate(zip(seconds, places, strict=True))
    ]


def onto(calls: list[Call], bbox: tuple[float, float, float, float]) -> list[Call]:
    """Lay the places of calls over a town: the middle 98 % of them over its box, the rest beside it."""
    xy = np.array([(call.lon, call.lat) for call in calls])
    low, high = np.percentile(xy, [1, 99], axis=0)
    corner, size = np.array(bbox[:2]), np.array(bbox[2:]) - np.array(bbox[:2])
    laid = np.clip(corner + (xy - low) / (high - low) * size, (-180, -90), (180, 90)).tolist()
    return [replace(call, lon=x, lat=y) for call, (x, y) in zip(calls, laid, strict=True)]


class Served:
    """A server on a port of its own that can be killed and begun again."""

    def __init__(self, url: str, *, workers: int = 1) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._arguments = ["--port", str(self.port), "--json", "--db", url, "--workers", str(workers)]
        self.process = self._begin()

    def _begin(self) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
        return subprocess.Popen(
            [sys.executable, "-c", RUN, *self._arguments],
            stdout=subprocess.PIPE, text=True, env={**kept, "WANGGE_WARM": "false"},
            cwd=ROOT, start_new_session=True,
        )  # fmt: skip

    def wait(self) -> None:
        """Wait until it answers."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            try:
                if httpx.get(f"{self.address}/healthz", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server did not begin")

    def kill(self) -> None:
        """End it as a loss of power would, with all its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def begin_again(self) -> None:
        """Begin it anew on the same port."""
        self.process = self._begin()
        self.wait()


async def _send(
    client: httpx.AsyncClient, figures: Figures, path: str, body: dict[str, Any], times: list[float]
) -> Any:
    """Send until an answer comes, under one key; only answers at the first try are timed."""
    ends = time.monotonic() + PATIENCE_S
    first = True
    while True:
        began = time.perf_counter()
        try:
            answer = await client.post(path, json=body)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code < 300:
            if first:
                times.append(time.perf_counter() - began)
            return answer.json()
        if answer is not None and answer.status_code not in {502, 503}:
            raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
        figures.resent += first
        first = False
        assert time.monotonic() < ends, f"{path}: no answer"
        await asyncio.sleep(0.2)


async def _run_case(
    client: httpx.AsyncClient, figures: Figures, call: Call, began: float, speed: float
) -> None:
    due = began + call.second / speed
    await asyncio.sleep(max(0.0, due - time.monotonic()))
    body = {
        "x": call.lon,
        "y": call.lat,
        "category": call.reason,
        "words": call.words,
        "key": f"call-{call.id}",
    }
    case = await _send(client, figures, "/api/incidents", body, figures.post_s)
    figures.cases[call.id] = case["id"]
    for kind, seconds in COURSE:
        due += seconds / speed
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        figures.late_s = max(figures.late_s, time.monotonic() - due)
        step = {"kind": kind, "key": f"call-{call.id}-{kind}", "where": "bench"}
        step |= {"passed": True} if kind == "check" else {}
        step |= {"to": "值班室"} if kind == "dispatch" and case["duty"]["unit"] is None else {}
        await _send(client, figures, f"/api/incidents/{case['id']}/steps", step, figures.step_s)


async def _run(
    served: Served, calls: list[Call], speed: float, kill_at: float | None
) -> tuple[Figures, float, float]:
    figures, down = Figures(), 0.0
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=served.address, timeout=60, limits=limits) as client:
        began = time.monotonic()

        async def fail() -> None:
            nonlocal down
            if kill_at is not None:
                await asyncio.sleep(kill_at / speed)
                killed = time.monotonic()
                served.kill()
                await asyncio.to_thread(served.begin_again)
                down = time.monotonic() - killed

        await asyncio.gather(fail(), *(_run_case(client, figures, call, began, speed) for call in calls))
        return figures, time.monotonic() - began, down


def run_day(served: Served, calls: list[Call], *, speed: float, kill: bool = True) -> dict[str, Any]:
    """Run a day of calls through a server; kill it in the middle; return figures, lost and doubled cases and steps."""
    middle = calls[len(calls) // 2].second if kill else None
    figures, seconds, down = asyncio.run(_run(served, calls, speed, middle))
    rows, total = [], 1
    while len(rows) < total:
        page = httpx.get(
            f"{served.address}/api/incidents", params={"limit": 1000, "offset": len(rows)}, timeout=120
        ).json()
        rows, total = rows + page["incidents"], page["total"]
    found = Counter(row["words"] for row in rows)
    kinds = ["report", *(kind for kind, _ in COURSE)]
    whole = 0
    for number in figures.cases.values():
        case = httpx.get(f"{served.address}/api/incidents/{number}", timeout=120).json()
        whole += [step["kind"] for step in case["steps"] if step["kind"] != "urge"] == kinds
    requests = len(calls) * len(kinds)
    return {
        "cases": len(calls),
        "steps": requests - len(calls),
        "speed": speed,
        "seconds": round(seconds, 1),
        "requests_per_s": round(requests / seconds, 1),
        **_spread("post", figures.post_s),
        **_spread("step", figures.step_s),
        "down_s": round(down, 1),
        "resent": figures.resent,
        "lost": sum(call.words not in found for call in calls),
        "doubled": sum(found.values()) - len(found),
        "whole": whole,
        "outside": sum(row["details"].get("status") == "outside" for row in rows),
    }


def _spread(name: str, seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    p50, p99 = np.percentile(np.array(seconds) * 1000, [50, 99])
    return {f"{name}_p50_ms": round(float(p50), 1), f"{name}_p99_ms": round(float(p99), 1)}
