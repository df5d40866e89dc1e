"""The report of a plan: what was asked, what was reached, and why not more. Its schema is `report.schema.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gis_core.model import Dataset, Fabric, Infeasible
from gis_core.partition import PartitionResult
from gis_core.plan.asked import Asked
from gis_core.plan.metrics import deviation as deviations
from gis_core.plan.metrics import grids_in_pieces, inner_border
from gis_core.plan.reasons import tell_reasons

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["build_report"]

#: Deviations nearer than this are the same: they come from a plan file's numbers.
_SAME = 1e-6


def build_report(
    dataset: Dataset,
    fabric: Fabric,
    assignment: NDArray[np.int32],
    grids: GeoDataFrame,
    boundary_ix: NDArray[np.int32],
    result: PartitionResult,
    *,
    bounds: tuple[float, float],
    asked: Asked | None = None,
    reasons: Sequence[Infeasible] = (),
    seconds: Mapping[str, float],
    seed: int,
    version: str,
) -> dict[str, Any]:
    """Collect the numbers of a plan as plain values for JSON.

    Parameters
    ----------
    dataset, fabric
        What the plan was made on.
    assignment : int32, shape (n_cells,)
    grids : GeoDataFrame
        As in the plan file.
    boundary_ix : int32, shape (n_grids,)
    result : PartitionResult
        Reasons, lower bounds and what stopped the solver.
    bounds : (float, float)
        Of what is balanced.
    asked : Asked or None
        What else was asked; the report says what of it is not fulfilled.
    reasons : sequence of Infeasible
        Known beside those of the solver.
    seconds : mapping
        Seconds of the steps so far; `write` is added by whoever writes the plan.
    seed : int
    version : str

    Returns
    -------
    dict
        The keys of docs/reference.md.
    """
    households = grids["households"].to_numpy()
    asked = asked or Asked()
    weights, fits, deviation = _weights(fabric, assignment, boundary_ix, bounds, asked)
    broken = [
        item
        for wish in asked.all_constraints
        for item in wish.broken(fabric.graph, assignment.astype(np.int64))
    ]
    unit = None if asked.weight is None else asked.weight.name
    told = tell_reasons(dataset, fabric, (*result.infeasible, *reasons), broken, unit=unit)
    border, on_street = inner_border(fabric.graph, assignment, fabric.boundary_ix)
    outside = int((fabric.building_cell_ix < 0).sum())
    return {
        "dataset": dataset.name,
        "grids": len(grids),
        "households": int(households.sum()),
        "bounds": [_plain(bounds[0]), _plain(bounds[1])],
        "weights": weights,
        "in_bounds": int(fits.sum()),
        "max_deviation": _number(np.nanmax(deviation) if np.isfinite(deviation).any() else 0.0, 6),
        "deviation_lower_bound": _number(result.lower_bounds.max(initial=0.0), 6),
        "proved_optimal": bool(
            np.nanmax(deviation, initial=0.0) <= result.lower_bounds.max(initial=0.0) + _SAME
        ),
        "street_share": _number(on_street / border, 4) if border > 0 else None,
        "inner_border_km": _number(border / 1000, 3),
        "polsby_popper_mean": _number(grids["polsby_popper"].mean(), 4),
        "contiguous": len(grids_in_pieces(fabric.graph, assignment, fabric.boundary_ix)) == 0,
        "cells": fabric.n_cells,
        "buildings": {"inside": len(fabric.building_cell_ix) - outside, "outside": outside},
        "households_estimated": bool((dataset.buildings["households_source"] == "estimated").any()),
        "per_boundary": _per_boundary(dataset, households, fits, deviation, boundary_ix, result),
        "infeasible": told,
        "faults": [fault.as_dict() for fault in (*dataset.faults, *fabric.faults, *asked.faults)],
        "attribution": dataset.attribution,
        "seconds": {
            step: round(float(seconds.get(step, 0.0)), 3) for step in ("read", "fabric", "solve", "write")
        },
        "seed": int(seed),
        "stopped_by": str(result.stopped_by),
        "version": version,
    }


def _weights(
    fabric: Fabric,
    assignment: NDArray[np.int32],
    boundary_ix: NDArray[np.int32],
    bounds: tuple[float, float],
    asked: Asked,
) -> tuple[list[dict[str, Any]], NDArray[np.bool_], NDArray[np.float64]]:
    """Sum every weight for every grid; return rows for the report, and what fits and deviates of the first."""
    loads = [(asked.weight, asked.balanced(fabric), *bounds)]
    loads += [(load, load.cells, low, high) for load, low, high in asked.further]
    rows, all_fit, all_off = [], [], []
    inside = assignment >= 0
    for load, cells, low, high in loads:
        total = np.bincount(assignment[inside], weights=cells[inside], minlength=len(boundary_ix)).astype(
            np.float64
        )
        slack = 1e-9 * max(1.0, float(cells.sum()))
        fits = (total >= low - slack) & (total <= high + slack)
        off = np.abs(deviations(total, boundary_ix))
        row = {
            "name": load.name if load is not None else "households",
            "bounds": [_plain(low), _plain(high) if np.isfinite(high) else None],
            "total": _plain(round(float(cells.sum()), 6)),
            "in_bounds": int(fits.sum()),
            "max_deviation": _number(np.nanmax(off) if np.isfinite(off).any() else 0.0, 6),
            "missing": dict(load.missing) if load is not None else {},
        }
        rows.append(row)
        all_fit.append(fits)
        all_off.append(off)
    return rows, all_fit[0], all_off[0]


def _plain(value: float) -> int | float:
    """Write a whole number without its point."""
    return int(value) if float(value).is_integer() else float(value)


def _per_boundary(
    dataset: Dataset,
    households: NDArray[np.int64],
    fits: NDArray[np.bool_],
    deviation: NDArray[np.float64],
    boundary_ix: NDArray[np.int32],
    result: PartitionResult,
) -> list[dict[str, Any]]:
    rows = []
    for ix, (code, name) in enumerate(zip(dataset.boundary["code"], dataset.boundary["name"], strict=True)):
        mine = boundary_ix == ix
        own = deviation[mine]
        reached = float(np.nanmax(own)) if np.isfinite(own).any() else None
        rows.append(
            {
                "code": str(code),
                "name": None if name is None or name != name else str(name),  # noqa: PLR0124 - NaN is not itself
                "grids": int(mine.sum()),
                "households": int(households[mine].sum()),
                "in_bounds": int(fits[mine].sum()),
                "max_deviation": None if reached is None else _number(reached, 6),
                "deviation_lower_bound": _number(result.lower_bounds[ix], 6),
                "proved_optimal": None
                if reached is None
                else reached <= float(result.lower_bounds[ix]) + _SAME,
            }
        )
    return rows


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
