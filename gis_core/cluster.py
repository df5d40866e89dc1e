"""The boundary polygons of a plan, or chunks of points, on many machines: tasks go to the workers of a Dask cluster.

Tasks carry their own seeds and answers are put together in the order of the tasks, so that a plan or a table does not
depend on where it was made. Few tasks are under way at a time, which keeps the scheduler small; the tasks of a worker
that dies are done again. Dask is an optional extra (`wangge[cluster]`), imported only when a cluster is asked for.
Its protocol unpickles what it receives: a scheduler must stand in a trusted network, or be reached by `tls://`.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import queue
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError as GivenBackError
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gis_core import __version__
from gis_core.errors import CancelledError, CapabilityError, GisCoreError, ParameterError
from gis_core.partition.polygon import PolygonAnswer, PolygonTask, solve_polygon
from gis_core.partition.workers import BEAT_S, Progress, biggest_first, share_of_time, warm_up

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = [
    "LOCATING",
    "SOLVING",
    "ClusterCalls",
    "ClusterRunner",
    "cluster_calls",
    "fingerprint",
    "require_address",
    "require_cluster",
]

#: Seconds in which a scheduler must answer, and in which it must have a worker.
ANSWER_S, WORKERS_S = 4.0, 10.0
#: Seconds between two looks at the workers, and without any worker until the work is given up.
LOOK_S, ABANDONED_S = 2.0, 60.0
#: Tasks under way for each thread of the workers: one that it solves and one that waits for it.
TASKS_PER_THREAD = 2
#: How often a task is handed over anew after Dask gave it up (by its default after four dead workers each time).
MAX_ROUNDS = 3
#: What may travel with one task before Dask warns of its size.
_LARGE_TASK = "4GB"


class Kind(NamedTuple):
    """A kind of work: the sources and libraries that decide on its answer."""

    sources: tuple[str, ...]
    libraries: tuple[str, ...]


SOLVING = Kind(("partition", "graph", "model.py", "_compat.py"), ("numpy", "scipy", "numba"))
LOCATING = Kind(("locate", "crs", "graph", "_compat.py"), ("numpy", "numba", "shapely", "pyproj"))


@functools.cache
def fingerprint(kind: Kind = SOLVING) -> str:
    """Return the versions that decide on a plan or on a place, with a digest of the sources."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in kind.sources:
        place = here / name
        for source in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(source.relative_to(here).as_posix().encode())
            digest.update(source.read_bytes())
    libraries = ", ".join(f"{name} {version(name)}" for name in kind.libraries)
    return f"wangge {__version__} ({digest.hexdigest()[:8]}), {libraries}"


def require_address(address: str) -> None:
    """Fail where a text is not the address of a scheduler.

    Raises
    ------
    ParameterError
        Where it does not begin with `tcp://` or `tls://`, or names no port.
    """
    scheme, found, place = address.partition("://")
    host, _, port = place.rpartition(":")
    if not found or scheme not in ("tcp", "tls") or not host or not port.isdecimal() or int(port) > 65535:
        raise ParameterError(
            f"{address!r} is not the address of a Dask scheduler; write tcp://HOST:PORT or tls://HOST:PORT."
        )


def require_cluster(address: str, kind: Kind = SOLVING) -> int:
    """Connect once, before long work begins; return the number of threads that would solve.

    Raises
    ------
    ParameterError
        Where the address cannot be used.
    CapabilityError
        Where Dask is not installed, nothing answers, there is no worker, or a machine has other versions.
    """
    with _connected(address) as client:
        _require_same_versions(client, address, kind)
        return sum(client.nthreads().values())


@dataclass(frozen=True)
class ClusterRunner:
    """Solve the tasks of a plan on the cluster of one scheduler; a `TaskRunner`.

    Attributes
    ----------
    address : str
        Of the scheduler, such as `tcp://10.0.0.5:8786`.
    """

    address: str

    def __call__(
        self, tasks: list[PolygonTask], *, time_limit_s: float | None, progress: Progress | None
    ) -> tuple[list[PolygonAnswer], float]:
        """Solve every task; return the answers in the order of the tasks, and the seconds of solving.

        An exception from `progress`, or Ctrl-C, cancels what is under way; the workers notice within a second or so.

        Raises
        ------
        ParameterError, CapabilityError
            As `require_cluster`; and where the scheduler is lost, no worker is left, or workers die on one task
            again and again.
        """
        if not tasks:
            return [], 0.0
        with _connected(self.address) as client:
            _require_same_versions(client, self.address, SOLVING)
            job = _Job(client, self.address, tasks, time_limit_s)
            try:
                return job.run(progress)
            finally:
                job.cancel()


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    """Open a connection to a scheduler that has a worker, and close it whatever happens."""
    require_address(address)
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise CapabilityError(
            "--scheduler needs Dask, which is not installed; install it with `pip install 'wangge[cluster]'`."
        ) from None
    with _quiet(), dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE_TASK}):
        _require_answer(address)
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
        try:
            _wait_for_worker(client, address)
            yield client
        finally:
            client.close(timeout=ANSWER_S)


def _require_answer(address: str) -> None:
    """Ask what stands at an address; unlike Dask's client this never waits for an answer that does not come."""
    try:
        # In a thread of its own, because the caller may stand in an event loop (a server, a notebook).
        with ThreadPoolExecutor(1) as aside:
            answer = aside.submit(lambda: asyncio.run(_ask_in_time(address))).result()
    except (OSError, TimeoutError):
        answer = {}
    except (RuntimeError, TypeError, ValueError) as error:
        raise CapabilityError(
            f"The connection to {address} cannot be made: {_first_line(error)}; for tls:// name the certificates "
            "in Dask's configuration (distributed.comm.tls)."
        ) from None
    if answer.get("type") != "Scheduler":
        raise CapabilityError(
            f"No Dask scheduler answers at {address} within {ANSWER_S:g} s; start one with `dask scheduler`, "
            "or leave out --scheduler to work on this machine."
        )


async def _ask_in_time(address: str) -> dict[str, Any]:
    return await asyncio.wait_for(_ask(address), ANSWER_S)


async def _ask(address: str) -> dict[str, Any]:
    """Return what a server of Dask says of itself."""
    from distributed.comm import connect
    from distributed.security import Security

    line = await connect(address, timeout=ANSWER_S, **Security().get_connection_args("client"))
    try:
        await line.write({"op": "identity", "reply": True})
        return dict(await line.read())
    finally:
        line.abort()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own reports of lost connections off the terminal; what matters is raised as an error."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _wait_for_worker(client: Client, address: str) -> None:
    """Wait a little for the first worker."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        raise CapabilityError(
            f"The Dask scheduler {address} has no workers; start some with `dask worker {address}`."
        ) from None


def _require_same_versions(client: Client, address: str, kind: Kind = SOLVING) -> None:
    """Fail where the scheduler or a worker would not give the same answer as this machine."""
    found: dict[str, Any] = dict(client.run(_identify, kind, on_error="return"))
    try:
        found[address] = client.run_on_scheduler(_identify, kind)
    except Exception as error:
        found[address] = error
    for place, theirs in sorted(found.items()):
        if isinstance(theirs, Exception):
            raise CapabilityError(
                f"{place} cannot run wangge ({_first_line(theirs)}); install {fingerprint(kind)} on every machine "
                "of the cluster."
            )
        _require_equal(place, str(theirs), fingerprint(kind))


def _require_equal(place: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise CapabilityError(
            f"{place} has {theirs}, and this machine {ours}; install the same versions on every machine of the "
            "cluster, so that the answer is the same wherever it is made."
        )


def _identify(kind: Kind) -> str:
    """Return the versions of the machine that this runs on."""
    return fingerprint(kind)


_warm = threading.Lock()
_is_warm: set[int] = set()


def _solve(
    task: PolygonTask, limit_s: float | None, ours: str, topic: str, place: tuple[int, str]
) -> PolygonAnswer:
    """Solve one task (runs in a worker); tell how far it is, and stop where nobody waits for it any more."""
    from distributed import get_worker

    worker = get_worker()
    _require_equal(worker.address, fingerprint(), ours)
    with _warm:
        if not _is_warm:
            warm_up()
            _is_warm.add(1)
    number, key = place
    worker.log_event(topic, [number, 0])
    last = time.perf_counter()

    def report(_step: str, done: int, _total: int) -> None:
        nonlocal last
        if time.perf_counter() - last > BEAT_S:
            last = time.perf_counter()
            worker.log_event(topic, [number, int(done)])
            wanted = worker.state.tasks.get(key)
            if wanted is None or wanted.state == "cancelled":
                raise CancelledError("Nobody waits for this boundary polygon any more.")

    return solve_polygon(task, limit_s, report)


class _Watch:
    """Looks at a scheduler and its workers now and then."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address
        self.threads = 0
        self.looked = self.seen = time.perf_counter()

    def look(self) -> int:
        """Return how many threads there are; give up where the scheduler or all workers have been gone for long."""
        self.require_line()
        try:
            self.threads = sum(self.client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError):
            raise self.lost() from None
        self.looked = time.perf_counter()
        if self.threads:
            self.seen = self.looked
        elif self.looked - self.seen > ABANDONED_S:
            raise CapabilityError(
                f"The Dask scheduler {self.address} has had no worker for {ABANDONED_S:g} s; start some with "
                f"`dask worker {self.address}` and begin again."
            )
        return self.threads

    def look_now_and_then(self) -> None:
        """Look, unless that was done just now."""
        if time.perf_counter() - self.looked > LOOK_S:
            self.look()

    def require_line(self) -> None:
        """Fail where the scheduler is lost."""
        if self.client.status not in ("running", "connecting"):
            raise self.lost()

    def lost(self) -> CapabilityError:
        """Return the error of a lost scheduler."""
        return CapabilityError(
            f"The connection to the Dask scheduler {self.address} is lost; see to it that it runs, and begin again."
        )


class _Job:
    """The tasks of one plan on one cluster: what waits, what is under way, what is done."""

    def __init__(
        self, client: Client, address: str, tasks: list[PolygonTask], time_limit_s: float | None
    ) -> None:
        self.client, self.address, self.tasks, self.time_limit_s = client, address, tasks, time_limit_s
        self.topic = f"wangge-{uuid.uuid4().hex}"
        self.waiting = deque(biggest_first(tasks))
        self.under_way: dict[int, Future] = {}
        self.rounds = [0] * len(tasks)
        self.answers: dict[int, PolygonAnswer] = {}
        self.total = self.cells_left = sum(task.graph.n_cells for task in tasks)
        self.cells_done: dict[int, int] = {}
        self.arrived: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
        self.watch = _Watch(client, address)
        self.started: float | None = None

    def run(self, progress: Progress | None) -> tuple[list[PolygonAnswer], float]:
        """Hand over tasks, collect answers, and tell how far it is until all are there."""
        self.client.subscribe_topic(self.topic, self._hear)
        self.watch.look()
        while len(self.answers) < len(self.tasks):
            self._hand_out()
            if progress is not None:
                done = self.total - self.cells_left + sum(list(self.cells_done.values()))
                progress("partition", min(done, self.total), self.total)
            with suppress(queue.Empty):
                self._take(*self.arrived.get(timeout=BEAT_S))
            self.watch.look_now_and_then()
        if progress is not None:
            progress("partition", self.total, self.total)
        seconds = 0.0 if self.started is None else time.perf_counter() - self.started
        return [self.answers[i] for i in range(len(self.tasks))], seconds

    def cancel(self) -> None:
        """Take back what is under way; workers that are at it stop at their next beat."""
        futures = list(self.under_way.values())
        self.under_way = {}
        if self.client.status == "running":
            self.client.unsubscribe_topic(self.topic)
            if futures:
                self.client.cancel(futures, force=True)

    def _hear(self, event: tuple[float, Any]) -> None:
        """Note how far a worker is (called in the thread of the connection)."""
        number, done = event[1]
        self.started = self.started or time.perf_counter()
        if number in self.under_way:
            self.cells_done[number] = done

    def _hand_out(self) -> None:
        """Submit tasks until enough are under way."""
        while self.waiting and len(self.under_way) < max(1, TASKS_PER_THREAD * self.watch.threads):
            i = self.waiting.popleft()
            task = self.tasks[i]
            left = self.time_limit_s
            if left is not None and self.started is not None:
                left -= time.perf_counter() - self.started
            limit = share_of_time(left, max(1, self.watch.threads), task.graph.n_cells, self.cells_left)
            key = f"{self.topic}-{i}-{self.rounds[i]}"
            future = self.client.submit(
                _solve, task, limit, fingerprint(), self.topic, (i, key), key=key, pure=False
            )
            self.under_way[i] = future
            future.add_done_callback(functools.partial(self._arrive, i))

    def _arrive(self, i: int, future: Future) -> None:
        self.arrived.put((i, future))

    def _take(self, i: int, future: Future) -> None:
        """Keep the answer of a task that has ended, or hand the task over anew where no worker could end it."""
        if i not in self.under_way or self.under_way[i] is not future:
            return
        from distributed import KilledWorker

        try:
            self.answers[i] = future.result(timeout=10 * ANSWER_S)
        except GisCoreError:
            raise
        except (KilledWorker, GivenBackError, OSError):
            self._again(i)
        else:
            self.cells_left -= self.tasks[i].graph.n_cells
            self.cells_done.pop(i, None)
            del self.under_way[i]

    def _again(self, i: int) -> None:
        """Hand a task over once more, unless workers have died on it too often."""
        del self.under_way[i]
        self.cells_done.pop(i, None)
        self.watch.require_line()
        self.rounds[i] += 1
        if self.rounds[i] >= MAX_ROUNDS:
            raise CapabilityError(
                f"Workers of {self.address} died again and again on boundary polygon {self.tasks[i].code!r}, most "
                "likely for want of memory; give them more, or start fewer on each machine."
            )
        self.waiting.appendleft(i)


def _call(function: Callable[..., Any], kind: Kind, ours: str, shared: Any, *arguments: Any) -> Any:
    """Call a function (runs in a worker)."""
    from distributed import get_worker

    _require_equal(get_worker().address, fingerprint(kind), ours)
    return function(shared, *arguments)


class ClusterCall:
    """One call under way; done again elsewhere where its worker dies."""

    def __init__(self, calls: ClusterCalls, arguments: tuple[Any, ...]) -> None:
        self._calls, self._arguments = calls, arguments
        self._rounds = 0
        self._future = calls.send(arguments)

    def result(self) -> Any:
        """Wait for the answer.

        Raises
        ------
        CapabilityError
            Where the scheduler is lost, no worker is left, or workers die on this call again and again.
        """
        from distributed import KilledWorker

        while True:
            try:
                return self._future.result(timeout=LOOK_S)
            except GisCoreError:
                raise
            except TimeoutError:
                self._calls.watch.look_now_and_then()
            except (KilledWorker, GivenBackError, OSError):
                self._again()

    def _again(self) -> None:
        self._calls.watch.require_line()
        self._rounds += 1
        if self._rounds >= MAX_ROUNDS:
            raise CapabilityError(
                f"Workers of {self._calls.watch.address} died again and again on one chunk, most likely for want of "
                "memory; give them more, or start fewer on each machine."
            )
        self._calls.share()
        self._future = self._calls.send(self._arguments)

    def cancel(self) -> Future:
        """Return what is to be taken back."""
        return self._future


class ClusterCalls:
    """Calls of one function on the workers of a cluster, all with one first argument, which every worker keeps.

    Attributes
    ----------
    depth : int
        How many calls are to be under way.
    """

    def __init__(
        self, client: Client, address: str, kind: Kind, function: Callable[..., Any], shared: Any
    ) -> None:
        self.watch = _Watch(client, address)
        self.depth = TASKS_PER_THREAD * max(1, self.watch.look()) + 1
        self._client, self._kind, self._function, self._shared = client, kind, function, shared
        self._at_workers: Any = None
        self._under_way: weakref.WeakSet[ClusterCall] = weakref.WeakSet()
        self.share()

    def share(self) -> None:
        """Give every worker what all calls share."""
        try:
            self._at_workers = self._client.scatter(self._shared, broadcast=True, hash=False)
        except (OSError, TimeoutError, RuntimeError):
            self.watch.look()
            raise self.watch.lost() from None

    def send(self, arguments: tuple[Any, ...]) -> Future:
        """Have the function called."""
        return self._client.submit(
            _call,
            self._function,
            self._kind,
            fingerprint(self._kind),
            self._at_workers,
            *arguments,
            pure=False,
        )

    def submit(self, *arguments: Any) -> ClusterCall:
        """Have the function called with these arguments, after the shared one."""
        call = ClusterCall(self, arguments)
        self._under_way.add(call)
        return call

    def cancel(self) -> None:
        """Take back what is under way."""
        futures = [call.cancel() for call in self._under_way]
        if futures and self._client.status == "running":
            self._client.cancel(futures, force=True)


@contextmanager
def cluster_calls(
    address: str, kind: Kind, function: Callable[..., Any], shared: Any
) -> Iterator[ClusterCalls]:
    """Open the cluster of one scheduler for calls of one function.

    Parameters
    ----------
    address : str
        Of the scheduler.
    kind : Kind
        Versions that must be the same everywhere.
    function : callable
        Of a module that every machine has.
    shared : object
        Its first argument.

    Raises
    ------
    ParameterError, CapabilityError
        As `require_cluster`.
    """
    with _connected(address) as client:
        _require_same_versions(client, address, kind)
        calls = ClusterCalls(client, address, kind, function, shared)
        try:
            yield calls
        finally:
            calls.cancel()
