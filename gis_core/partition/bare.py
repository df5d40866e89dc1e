"""Cut a bare graph: what `wangge solve` does. One engine for it and for towns; here is what only graphs need.

The number asked for is the number given, pieces that cannot be cut alone are joined to the nearest, and a graph that
cannot be cut inside the bounds gets its least bad plan with the reasons.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import some_of
from gis_core.graph.components import component_labels, part_component_labels
from gis_core.graph.links import change_adjacencies, owners
from gis_core.model import AdjacencyGraph, Infeasible
from gis_core.partition.bounds import deviation_lower_bound
from gis_core.partition.instance import Instance
from gis_core.partition.join import bridges_between, bridges_needed
from gis_core.partition.objective import Bounds, preset, violation
from gis_core.partition.run import partition_fabric
from gis_core.partition.solve import StoppedBy

__all__ = ["BareSolution", "Measures", "ObjectiveName", "measure", "solve_instance"]

ObjectiveName = Literal["border", "street", "balance", "plan"]
_Progress = Callable[[str, int, int], None]
#: A second attempt is not begun with less than this share of the time limit left.
_LEAST_REST = 0.1
#: Seconds that bounds and proofs around a search take: at least, and for each cell.
_AROUND_LEAST_S, _AROUND_S = 1.9e-3, 2e-6
#: What the reasons of towns are called in a graph, in this order.
_GRAPH_WORDS = (
    (r"(?<=\d) households?\b", ""),
    (
        r"Divide the building into ([\d,]+) or more parts \(for example by entrance\)",
        r"Divide the cell into \1 or more",
    ),
    (r", or make \0 and a neighbouring boundary polygon one", ""),
    (
        r"by a crossing \(--pieces crossings\) or by the shortest line \(--pieces nearest\)",
        "by an adjacency",
    ),
    (r"\bany households\b", "any weight"),
    (r"\ba whole number of households\b", "a whole number"),
    (r"\(a crossing that the data lack\)", "(an adjacency that the data lack)"),
    (r"\bgrid(s?)\b", r"part\1"),
)


@dataclass(frozen=True, slots=True)
class BareSolution:
    """How a bare graph was cut.

    Attributes
    ----------
    part : int32, shape (n_cells,)
        0 to n_parts - 1, numbered by first cell.
    infeasible : tuple of Infeasible
        Why parts are out of bounds, or fewer than asked for.
    lower_bound : float
        Proven for the greatest deviation of a part from the mean, with that number of parts; fraction.
    stopped_by : {"converged", "time-limit"}
    seconds : float
        Wall-clock seconds of solving, without start-up and compiling.
    proof_seconds : float
        Of them, those that bounds and reasons took after the plan was found.
    """

    part: NDArray[np.int32]
    infeasible: tuple[Infeasible, ...]
    lower_bound: float
    stopped_by: StoppedBy
    seconds: float
    proof_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of a partition; see `measure`."""

    parts: int
    in_bounds: int
    in_pieces: int
    over_pieces: int
    max_deviation: float
    border_m: float
    street_border_m: float
    polsby_popper_mean: float | None

    def street_cost_m(self, street_factor: float = 0.2) -> float:
        """Return the border with streets counted at a fraction of their length."""
        return self.border_m - (1 - street_factor) * self.street_border_m


def solve_instance(
    instance: Instance,
    *,
    objective: ObjectiveName = "border",
    seed: int = 0,
    time_limit_s: float | None = None,
    progress: _Progress | None = None,
) -> BareSolution:
    """Cut the graph of an instance into its number of parts, inside its bounds wherever that can be.

    Parameters
    ----------
    instance : Instance
    objective : {"border", "street", "balance", "plan"}
        Inside the bounds: the shortest inner border; the shortest with streets counted at 0.2; the smallest
        deviation first and then the border; the mix that `wangge partition` takes.
    seed : int
    time_limit_s : float
        Seconds of solving, used to improve; None: a usual amount of work.
    progress : callable
        Called with ("partition", cells done, cells).

    Returns
    -------
    BareSolution
        Every part is in one piece within each piece of the graph, and none is empty.

    Raises
    ------
    ParameterError
        Where the objective or the time limit cannot be used.
    """
    started = time.perf_counter()
    graph, weight, bounds, wanted = instance.graph, instance.weight, instance.bounds, instance.n_parts
    if wanted >= graph.n_cells:
        return _one_cell_a_part(instance)
    if weight.sum() == 0:
        return _without_weight(instance, objective, seed, time_limit_s, progress)
    bridges = bridges_between(graph)
    needed = bridges_needed(graph, weight, bridges, wanted, bounds)

    def cut(chosen: NDArray[np.int64], limit: float | None) -> BareSolution:
        joined = change_adjacencies(graph, left=chosen[:, 0], right=chosen[:, 1]) if len(chosen) else graph
        if limit is not None:
            limit = max(_LEAST_REST * limit, limit - _AROUND_LEAST_S - _AROUND_S * graph.n_cells)
        return _cut(joined, weight, wanted, bounds, instance.name, objective, seed, limit, progress)

    rest = _rest(time_limit_s, started)
    found = cut(
        bridges[needed],
        None if rest is None or time_limit_s is None else max(rest, _LEAST_REST * time_limit_s),
    )
    rest = _rest(time_limit_s, started)
    enough_time = rest is None or time_limit_s is None or rest > _LEAST_REST * time_limit_s
    if not needed.all() and _fault(instance, found.part) > (0, 0.0) and enough_time:
        other = cut(bridges, rest)
        best = min(found, other, key=lambda each: _fault(instance, each.part))
        proof_s = found.proof_seconds + other.proof_seconds
        found = replace(best, seconds=found.seconds + other.seconds, proof_seconds=proof_s)
    if len(bridges) == 0:
        return found
    return replace(found, lower_bound=deviation_lower_bound([weight], wanted))


def _rest(time_limit_s: float | None, started: float) -> float | None:
    """Return what is left of a time limit."""
    return None if time_limit_s is None else time_limit_s - (time.perf_counter() - started)


def _cut(
    graph: AdjacencyGraph,
    weight: NDArray[np.float64],
    n_parts: int,
    bounds: Bounds,
    name: str,
    objective: ObjectiveName,
    seed: int,
    time_limit_s: float | None,
    progress: _Progress | None,
) -> BareSolution:
    """Hand one graph to the engine; the only place that knows how it is called."""
    result = partition_fabric(
        graph, np.zeros(graph.n_cells, np.int32), weight, boundary_codes=[name], bounds=bounds,
        n_grids=n_parts, objective=preset(objective), seed=seed, time_limit_s=time_limit_s, processes=1,
        use_time=time_limit_s is not None, progress=progress,
    )  # fmt: skip
    reasons = tuple(_in_graph_words(reason, name) for reason in result.infeasible)
    return BareSolution(
        result.assignment, reasons, float(result.lower_bounds[0]), result.stopped_by, result.seconds,
        result.proof_seconds,
    )  # fmt: skip


def _in_graph_words(reason: Infeasible, name: str) -> Infeasible:
    """Say a reason without households, buildings and grids; the name of the instance stays as it is."""

    def said(text: str) -> str:
        text = text.replace(repr(name), "\0")
        for word, other in _GRAPH_WORDS:
            text = re.sub(word, other, text)
        return text.replace("\0", repr(name))

    return replace(reason, reason=said(reason.reason), mend=said(reason.mend))


def _fault(instance: Instance, part: NDArray[np.int32]) -> tuple[int, float]:
    """Return by how much a partition misses what was asked: parts, then weight out of bounds."""
    total = np.bincount(part, weights=instance.weight).astype(np.float64)
    return abs(len(total) - instance.n_parts), float(violation(total, instance.bounds).sum())


def _one_cell_a_part(instance: Instance) -> BareSolution:
    """Return the only partition with as many parts as cells, which is also the best where more are asked for."""
    started = time.perf_counter()
    n, weight, bounds = instance.graph.n_cells, instance.weight, instance.bounds
    reasons = []
    if instance.n_parts > n:
        sentence = (
            f"{instance.n_parts:,} parts cannot be made of {n:,} {'cell' if n == 1 else 'cells'}; "
            "each cell is a part of its own."
        )
        mend = f"Ask for at most {n:,}."
        reasons.append(Infeasible("too-many-parts", instance.name, sentence, mend=mend))
    out = np.flatnonzero(violation(weight, bounds) > 0)
    if len(out):
        each = "The one cell is a part" if n == 1 else f"With {n:,} cells each is a part"
        which = f"{some_of(out.tolist())} {'is' if len(out) == 1 else 'are'}" if n > 1 else "it is"
        sentence = f"{each} of its own, and {which} outside {bounds.minimum:,g} to {bounds.maximum:,g}."
        mend = "Widen lo and hi." if n == 1 else "Ask for fewer parts, or widen lo and hi."
        where = f"{instance.name}: cell {out[0]}"
        reasons.append(Infeasible("one-cell-each", where, sentence, tuple(out[:20].tolist()), mend))
    lower = deviation_lower_bound([weight], n)
    seconds = time.perf_counter() - started
    return BareSolution(np.arange(n, dtype=np.int32), tuple(reasons), lower, "converged", seconds)


def _without_weight(
    instance: Instance,
    objective: ObjectiveName,
    seed: int,
    time_limit_s: float | None,
    progress: _Progress | None,
) -> BareSolution:
    """Cut a graph whose cells weigh nothing into parts of about as many cells each."""
    n = instance.graph.n_cells
    bridges = bridges_between(instance.graph)
    graph = change_adjacencies(instance.graph, left=bridges[:, 0], right=bridges[:, 1])
    found = _cut(
        graph,
        np.ones(n),
        instance.n_parts,
        Bounds(0, n),
        instance.name,
        objective,
        seed,
        time_limit_s,
        progress,
    )
    reasons: tuple[Infeasible, ...] = ()
    if instance.bounds.minimum > 0:
        sentence = (
            f"The weights of {instance.name!r} are all 0, so that every part is below the minimum of "
            f"{instance.bounds.minimum:,g}."
        )
        reasons = (Infeasible("no-weight", instance.name, sentence, mend="Look at the array w."),)
    return replace(found, infeasible=reasons, lower_bound=0.0)


def measure(instance: Instance, part: NDArray[np.integer]) -> Measures:
    """Measure a partition from scratch.

    Parameters
    ----------
    instance : Instance
    part : int, shape (n_cells,)
        0 to n_parts - 1, none of them empty.

    Returns
    -------
    Measures
        `in_bounds` counts parts; `in_pieces` those in more pieces than the graph's own pieces force, `over_pieces`
        those with cells of several pieces of the graph; `max_deviation` is the greatest |weight / mean - 1|, 0 without
        weight; borders are between parts; `polsby_popper_mean` is the mean of 4 pi A / P^2 (Polsby and Popper
        1991), None where the file gave no areas and perimeters.
    """
    graph, n_parts = instance.graph, int(part.max()) + 1
    owner = owners(graph)
    same = part[owner] == part[graph.indices]
    total = np.bincount(part, weights=instance.weight, minlength=n_parts).astype(np.float64)
    mean = float(total.mean())
    forced, pieces = _pieces(graph, part, n_parts)
    compact = None
    if instance.has_shape:
        inner = np.bincount(part[owner[same]], weights=graph.shared_length_m[same], minlength=n_parts)
        perimeter = np.bincount(part, weights=graph.perimeter_m, minlength=n_parts) - inner
        area = np.bincount(part, weights=graph.area_m2, minlength=n_parts)
        known = perimeter > 0
        compact = float((4 * np.pi * area[known] / perimeter[known] ** 2).mean()) if known.any() else None
    return Measures(
        parts=n_parts,
        in_bounds=int((violation(total, instance.bounds) == 0).sum()),
        in_pieces=int((pieces > forced).sum()),
        over_pieces=int((forced > 1).sum()),
        max_deviation=float(np.abs(total / mean - 1).max()) if mean > 0 else 0.0,
        border_m=float(graph.shared_length_m[~same].sum()) / 2,
        street_border_m=float(graph.street_length_m[~same].sum()) / 2,
        polsby_popper_mean=compact,
    )


def _pieces(
    graph: AdjacencyGraph, part: NDArray[np.integer], n_parts: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each part how many pieces of the graph it has cells of, and in how many pieces it is."""
    counts = []
    whole = component_labels(graph)
    for label in (whole, part_component_labels(graph, part)):
        pairs = np.unique(part.astype(np.int64) * graph.n_cells + label)
        counts.append(np.bincount(pairs // graph.n_cells, minlength=n_parts))
    return counts[0], counts[1]
