"""Divide many enclosures, in several processes where that pays; the result does not depend on how many."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import CapabilityError
from gis_core.fabric.tessellation import divide_enclosure

__all__ = ["DividedGround", "divide_enclosures"]

#: Points below which starting processes costs more than it saves, and points handed to a process at a time.
FEW_POINTS, BATCH_POINTS = 600_000, 60_000
#: Batches under way for each process, and how often in a row workers may die on one batch.
BATCHES_PER_PROCESS, MAX_DEATHS = 3, 3

Batch = tuple[
    list[int],
    NDArray[np.object_],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.object_],
]
#: Polygons, the enclosure of each, its owner, and the number of points that were divided.
Divided = tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64], int]


@dataclass(frozen=True)
class DividedGround:
    """All pieces: `polygons[i]` of enclosure `enclosure_ix[i]` belongs to footprint `owner[i]` (-1: to no building)."""

    polygons: NDArray[np.object_]
    enclosure_ix: NDArray[np.int32]
    owner: NDArray[np.int64]


def divide_enclosures(
    enclosures: NDArray[np.object_],
    xy: NDArray[np.float64],
    owner: NDArray[np.int64],
    home: NDArray[np.int32],
    footprints: NDArray[np.object_],
    *,
    processes: int | None,
    progress: Callable[[str, int, int], None],
) -> DividedGround:
    """Divide each enclosure among the owners of the points that stand in it.

    Parameters
    ----------
    enclosures : object, shape (n_enclosures,)
    xy : float64, shape (n_points, 2)
    owner : int64, shape (n_points,)
        Position of the footprint that owns the point.
    home : int32, shape (n_footprints,)
        Enclosure of each footprint.
    footprints : object, shape (n_footprints,)
    processes : int or None
        None: one where there are few points, else one per core.
    progress : callable
        Called with ("cells", points done, points in all).

    Returns
    -------
    DividedGround
        In the order of the enclosures.
    """
    place = home[owner]
    order = np.argsort(place, kind="stable")
    xy, owner, place = xy[order], owner[order], place[order]
    start = np.searchsorted(place, np.arange(len(enclosures) + 1))
    if processes is None:
        processes = 1 if len(xy) < FEW_POINTS else os.cpu_count() or 1
    empty = np.flatnonzero(np.diff(start) == 0)
    polygons = [enclosures[empty]]
    where = [empty]
    owners = [np.full(len(empty), -1, dtype=np.int64)]
    done = 0
    progress("cells", 0, len(xy))
    for batch_polygons, batch_where, batch_owner, points in _results(
        _batches(enclosures, xy, owner, start, footprints), processes
    ):
        polygons.append(batch_polygons)
        where.append(batch_where)
        owners.append(batch_owner)
        done += points
        progress("cells", done, len(xy))
    at = np.concatenate(where)
    order = np.argsort(at, kind="stable")
    return DividedGround(
        np.concatenate(polygons)[order], at[order].astype(np.int32), np.concatenate(owners)[order]
    )


def _batches(
    enclosures: NDArray[np.object_],
    xy: NDArray[np.float64],
    owner: NDArray[np.int64],
    start: NDArray[np.int64],
    footprints: NDArray[np.object_],
) -> Iterator[Batch]:
    """Hand out neighboring enclosures until a batch holds enough points."""
    full = np.flatnonzero(np.diff(start) > 0)
    batch_of = start[full] // BATCH_POINTS
    for number in np.unique(batch_of):
        items = full[batch_of == number]
        a, z = start[items[0]], start[items[-1] + 1]
        names = np.unique(owner[a:z])
        yield (
            items.tolist(),
            enclosures[items],
            xy[a:z],
            owner[a:z],
            start[items] - a,
            np.array([(int(name), footprints[name]) for name in names], dtype=object),
        )


def _results(batches: Iterator[Batch], processes: int) -> Iterator[Divided]:
    if processes <= 1:
        yield from map(_divide_batch, batches)
        return
    workers = _Workers(processes)
    try:
        for batch in batches:
            if workers.are_busy:
                yield workers.take()
            workers.submit(batch)
        while workers.under_way:
            yield workers.take()
    finally:
        workers.close()


class _Workers:
    """Processes with few batches under way, so that memory does not grow with the town; dead ones are replaced."""

    def __init__(self, processes: int) -> None:
        self.processes, self.deaths = processes, 0
        self.under_way: deque[tuple[Batch, Future[Divided]]] = deque()
        self._open()

    def _open(self) -> None:
        # A fresh server process forks the workers: forking this one would copy locks that GDAL and Arrow hold.
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        context = multiprocessing.get_context(method)
        self.stop = context.Event()
        self.pool = ProcessPoolExecutor(
            self.processes, mp_context=context, initializer=_enter, initargs=(self.stop,)
        )
        _start(self.pool)

    @property
    def are_busy(self) -> bool:
        """Whether enough batches wait for the workers."""
        return len(self.under_way) >= BATCHES_PER_PROCESS * self.processes

    def submit(self, batch: Batch) -> None:
        """Hand out a batch."""
        try:
            self.under_way.append((batch, self.pool.submit(_divide_batch, batch)))
        except BrokenProcessPool:
            self._again()
            self.submit(batch)

    def take(self) -> Divided:
        """Return the result of the batch that was handed out first; do it again where its worker died."""
        while True:
            try:
                result = self.under_way[0][1].result()
            except BrokenProcessPool:
                self._again()
                continue
            self.under_way.popleft()
            self.deaths = 0
            return result

    def _again(self) -> None:
        """Start new workers for ones that died, and hand out anew what is under way."""
        self.close()
        self.deaths += 1
        if self.deaths >= MAX_DEATHS:
            raise CapabilityError(
                f"{MAX_DEATHS} times worker processes ended by themselves while they cut the same ground, most likely "
                "for want of memory; use fewer processes."
            )
        batches = [batch for batch, _ in self.under_way]
        self.under_way.clear()
        self._open()
        for batch in batches:
            self.submit(batch)

    def close(self) -> None:
        """End the workers; they notice between two enclosures."""
        self.stop.set()
        self.pool.shutdown(wait=True, cancel_futures=True)


def _start(pool: ProcessPoolExecutor) -> None:
    """Start the server of the workers with Ctrl-C ignored, which they inherit: this process handles it for them."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    try:
        pool.submit(os.getpid)
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)


#: Set in a worker: the event that tells it to give up.
_told: dict[str, Event] = {}


def _enter(stop: Event) -> None:
    """Prepare a worker: it leaves Ctrl-C to the process that started it, and stops when that one says so or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _told["stop"] = stop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this worker once the process that started it has been killed, and could not say so."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _StoppedError(Exception):
    """Nobody waits for the rest of this batch."""


def _divide_batch(batch: Batch) -> Divided:
    """Divide the enclosures of one batch (runs in a worker)."""
    items, enclosures, xy, owner, start, named = batch
    footprints = {int(name): geometry for name, geometry in named}
    ends = [*start[1:].tolist(), len(xy)]
    polygons, where, owners = [], [], []
    for item, enclosure, a, z in zip(items, enclosures, start.tolist(), ends, strict=True):
        if "stop" in _told and _told["stop"].is_set():
            raise _StoppedError
        pieces = divide_enclosure(enclosure, xy[a:z], owner[a:z], footprints)
        polygons.append(pieces.polygons)
        where.append(np.full(len(pieces.polygons), item, dtype=np.int64))
        owners.append(pieces.owner)
    return np.concatenate(polygons), np.concatenate(where), np.concatenate(owners), len(xy)
