"""One peer of the partition engine on one instance, in the peers' environment and a process of its own.

`python run_partition_peers.py METHOD INSTANCE.npz PART.npy SECONDS` writes the parts and prints JSON. CPU seconds are
those of the peer's calls: imports, its own graph objects and our choice between its plans do not count against it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Arrays = dict[str, np.ndarray]
#: Units in a metre of border for the peers that want integers, where the sum allows it.
UNITS_PER_M = 1
#: Of the tolerance; with all of it, parts below the lower bound (which it does not know) come out.
KAHIP_SHARE = 0.3
#: METIS can miss its tolerance by a little: where that is narrow, more seeds are valid with a little less of it.
NARROW, NARROW_SHARE = 0.05, 0.9
#: Cells up to which one seed is the median of several, since seconds and borders of so short a run are chance.
MEDIAN_UP_TO = 50_000


class Clock:
    """Adds up CPU and wall seconds of the peer's calls, or takes the median call."""

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 0.0
        self.calls: list[tuple[float, float]] = []
        self.said: dict[str, int] = {}

    def __enter__(self) -> Clock:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append((time.process_time() - self._cpu, time.perf_counter() - self._wall))
        self.cpu_s, self.wall_s = map(sum, zip(*self.calls, strict=True))

    def one_of(self, seeds: int, valid: int) -> None:
        """Take the median of the calls, one for each seed, in place of their sum."""
        self.cpu_s, self.wall_s = map(statistics.median, zip(*self.calls, strict=True))
        self.said = {"seeds": seeds, "valid": valid}


def own_peak_kb() -> int:
    """Return the most memory this process has held; getrusage would count what it was forked from."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def price(arrays: Arrays, street_factor: float) -> np.ndarray:
    return arrays["S"] * np.where(arrays["street"], street_factor, 1.0)


def csr(arrays: Arrays, street_factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the graph as the multilevel partitioners want it: xadj, adjncy, weights of adjacencies and of cells."""
    n = len(arrays["w"])
    metres = price(arrays, street_factor)
    scale = min(UNITS_PER_M, 2**30 / max(1.0, 2 * metres.sum()))
    units = np.maximum(1, np.rint(metres * scale))
    left, right = arrays["l"], arrays["r"]
    rows, columns = np.r_[left, right], np.r_[right, left]
    order = np.lexsort((columns, rows))
    xadj = np.r_[0, np.cumsum(np.bincount(rows, minlength=n))]
    weight = arrays["w"]
    whole = np.rint(weight * (1 if (weight == np.rint(weight)).all() else 2**30 / weight.sum()))
    kinds = (xadj, columns[order], np.r_[units, units][order], whole)
    return tuple(np.ascontiguousarray(each, dtype=np.int32) for each in kinds)  # type: ignore[return-value]


def tolerance(arrays: Arrays, *, both: bool = False) -> float:
    """Return by how much a part may exceed the mean (`both`: or fall below it), as a fraction."""
    mean = arrays["w"].sum() / int(arrays["k"])
    above = float(arrays["hi"] / mean - 1)
    return max(0.001, min(above, float(1 - arrays["lo"] / mean)) if both else above)


def faults(arrays: Arrays, part: np.ndarray) -> int:
    """Count the parts that are missing, out of bounds or in pieces."""
    n, k = len(part), int(arrays["k"])
    total = np.bincount(part, weights=arrays["w"], minlength=k)
    inside = part[arrays["l"]] == part[arrays["r"]]
    links = coo_array((np.ones(int(inside.sum())), (arrays["l"][inside], arrays["r"][inside])), shape=(n, n))
    pieces = connected_components(links, directed=False)[0]
    outside = int(((total < arrays["lo"]) | (total > arrays["hi"])).sum())
    return outside + abs(pieces - len(np.unique(part))) + abs(k - len(np.unique(part)))


def metis(
    arrays: Arrays, clock: Clock, *, seeds: int, share: float, best: str, street_factor: float = 1.0
) -> Any:
    """Run METIS with contiguous parts; of several seeds keep the valid plan that is best, or the median one."""
    import pymetis

    if best == "median" and len(arrays["w"]) > MEDIAN_UP_TO:
        seeds = 1
    xadj, adjncy, eweights, vweights = csr(arrays, street_factor)
    leave = tolerance(arrays)
    if share == 1 and leave < NARROW:
        share = NARROW_SHARE
    ufactor = max(1, int(leave * share * 1000))
    metres = price(arrays, street_factor)
    # The first call of a process takes longer than the others; ours begins with such a one too.
    pymetis.part_graph(2, adjacency=[[(i - 1) % 64, (i + 1) % 64] for i in range(64)])
    kept: tuple[tuple[float, float], np.ndarray] | None = None
    every: list[tuple[float, int, np.ndarray]] = []
    for seed in range(seeds):
        options = pymetis.Options(contig=1, ufactor=ufactor, seed=seed)
        with clock:
            _, answer = pymetis.part_graph(
                int(arrays["k"]), xadj=xadj, adjncy=adjncy, vweights=vweights, eweights=eweights,
                recursive=False, options=options,
            )  # fmt: skip
        part = np.asarray(answer, dtype=np.int32)
        border = float(metres[part[arrays["l"]] != part[arrays["r"]]].sum())
        total = np.bincount(part, weights=arrays["w"], minlength=int(arrays["k"]))
        value = border if best == "border" else float(np.abs(total / total.mean() - 1).max())
        key = (float(faults(arrays, part)), value)
        if best == "median":
            every.append((border, int(key[0] == 0), part))
        if kept is None or key < kept[0]:
            kept = key, part
    if best == "median":
        clock.one_of(seeds, sum(valid for _, valid, _ in every))
        return sorted(every, key=lambda one: one[0])[(seeds - 1) // 2][2]
    return None if kept is None else kept[1]


def kahip_strong(arrays: Arrays, clock: Clock, _seconds: float) -> Any:
    import kahip

    xadj, adjncy, eweights, vweights = (each.tolist() for each in csr(arrays, 1.0))
    with clock:
        _, part = kahip.kaffpa(
            vweights,
            xadj,
            eweights,
            adjncy,
            int(arrays["k"]),
            KAHIP_SHARE * tolerance(arrays),
            True,
            0,
            kahip.STRONG,
        )
    return part


def gerry_graph(arrays: Arrays) -> Any:
    import gerrychain
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from((i, {"w": float(w)}) for i, w in enumerate(arrays["w"]))
    rows = zip(arrays["l"].tolist(), arrays["r"].tolist(), arrays["S"].tolist(), strict=True)
    graph.add_edges_from((a, b, {"S": metres}) for a, b, metres in rows)
    return gerrychain.Graph.from_networkx(graph)


def gerry_start(arrays: Arrays, clock: Clock) -> Any:
    from gerrychain import Partition
    from gerrychain.updaters import Tally

    graph = gerry_graph(arrays)
    with clock:
        return Partition.from_random_assignment(
            graph, int(arrays["k"]), tolerance(arrays, both=True), "w", updaters={"w": Tally("w")}, rng=0
        )


def as_array(partition: Any) -> np.ndarray:
    assignment = dict(partition.assignment.items())
    return np.unique([assignment[i] for i in range(len(assignment))], return_inverse=True)[1]


def gerry_tree(arrays: Arrays, clock: Clock, _seconds: float) -> Any:
    return as_array(gerry_start(arrays, clock))


def gerry_bursts(arrays: Arrays, clock: Clock, seconds: float) -> Any:
    """Run short bursts of ReCom for the shortest border, as long as the clock allows."""
    from functools import partial

    from gerrychain.constraints import contiguous
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.proposals import recom

    start = gerry_start(arrays, clock)
    border = {
        (a, b): m for a, b, m in zip(arrays["l"].tolist(), arrays["r"].tolist(), arrays["S"], strict=True)
    }

    def inner_border(partition: Any) -> float:
        return sum(border.get((a, b)) or border[b, a] for a, b in partition["cut_edges"])

    mean = float(arrays["w"].sum() / int(arrays["k"]))
    proposal = partial(recom, pop_col="w", pop_target=mean, epsilon=tolerance(arrays, both=True))
    search = SingleMetricOptimizer(proposal, [contiguous], start, inner_border, maximize=False, rng=0)
    until = time.process_time() + seconds - clock.cpu_s
    with clock:
        for _ in search.short_bursts(10, 10**9):
            if time.process_time() > until:
                break
    return as_array(search.best_part)


def spopt_inputs(arrays: Arrays) -> tuple[Any, Any]:
    import geopandas
    from libpysal.weights import W

    n = len(arrays["w"])
    neighbors: dict[int, list[int]] = {i: [] for i in range(n)}
    for a, b in zip(arrays["l"].tolist(), arrays["r"].tolist(), strict=True):
        neighbors[a].append(b)
        neighbors[b].append(a)
    columns = {key: np.asarray(arrays[key], dtype=float) for key in ("x", "y", "w")}
    points = geopandas.points_from_xy(arrays["x"], arrays["y"])
    return geopandas.GeoDataFrame(columns, geometry=points), W(neighbors, silence_warnings=True)


def spopt(name: str) -> Callable[[Arrays, Clock, float], Any]:
    """Regions that are compact in space, by one of the methods; only MaxP knows a bound (the least weight)."""

    def run(arrays: Arrays, clock: Clock, _seconds: float) -> Any:
        from spopt import region

        frame, w = spopt_inputs(arrays)
        k, attributes = int(arrays["k"]), ["x", "y"]
        np.random.seed(0)  # noqa: NPY002 - the peer draws from the global generator
        with clock:
            if name == "maxp":
                model = region.MaxPHeuristic(frame, w, attributes, "w", float(arrays["lo"]))
            elif name == "kmeans":
                model = region.RegionKMeansHeuristic(frame[attributes].to_numpy(), k, w)
            elif name == "azp":
                model = region.AZP(frame, w, attributes, k, random_state=0)
            else:
                model = {"ward": region.WardSpatial, "skater": region.Skater}[name](frame, w, attributes, k)
            model.solve()
        return np.unique(model.labels_, return_inverse=True)[1]

    return run


def one_of_metis(**options: Any) -> Callable[[Arrays, Clock, float], Any]:
    return lambda arrays, clock, _seconds: metis(arrays, clock, **options)


#: Name -> (package, what runs). METIS's tolerance is a share of what the upper bound leaves above the mean.
METHODS: dict[str, tuple[str, Callable[[Arrays, Clock, float], Any]]] = {
    "metis-1": ("pymetis", one_of_metis(seeds=15, share=0.3, best="median")),
    "metis-1-full": ("pymetis", one_of_metis(seeds=15, share=1.0, best="median")),
    "metis-50": ("pymetis", one_of_metis(seeds=50, share=1.0, best="border")),
    "metis-50-even": ("pymetis", one_of_metis(seeds=50, share=0.3, best="balance")),
    "metis-50-tight": ("pymetis", one_of_metis(seeds=50, share=0.0, best="balance")),
    "metis-50-streets": ("pymetis", one_of_metis(seeds=50, share=1.0, best="border", street_factor=0.2)),
    "kahip-strong": ("kahip", kahip_strong),
    "gerrychain-tree": ("gerrychain", gerry_tree),
    "gerrychain-bursts": ("gerrychain", gerry_bursts),
    **{f"spopt-{name}": ("spopt", spopt(name)) for name in ("ward", "skater", "azp", "maxp", "kmeans")},
}


def main() -> None:
    method, instance, out, seconds = sys.argv[1:5]
    warnings.filterwarnings("ignore")
    with np.load(instance, allow_pickle=False) as file:
        arrays = dict(file)
    package, run = METHODS[method]
    clock = Clock()
    # What a peer prints must not stand in the way of the answer.
    answer_to = os.dup(1)
    os.dup2(2, 1)
    part = np.asarray(run(arrays, clock, float(seconds)), dtype=np.int32)
    np.save(out, part, allow_pickle=False)
    answer = {
        "version": version(package),
        "cpu_s": round(clock.cpu_s, 5),
        "wall_s": round(clock.wall_s, 3),
        "peak_gb": round(own_peak_kb() / 1e6, 3),
        **clock.said,
    }
    with os.fdopen(answer_to, "w") as stream:
        stream.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
