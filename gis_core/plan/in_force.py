"""What the plan in force was made with, as its report says: its weight and bounds hold for the plan that follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gis_core.errors import ParameterError
from gis_core.model import Fault
from gis_core.plan.ground import GroundOptions

__all__ = ["HOUSEHOLDS", "Made", "made_with", "walks_note"]

HOUSEHOLDS = "households"


@dataclass(frozen=True)
class Made:
    """What a plan is held to.

    Attributes
    ----------
    weight : str
        Formula of what is balanced.
    bounds : (float, float)
    further : tuple of (formula, minimum, maximum)
    ground : GroundOptions
    levels : bool
        Whether there are levels above the grids.
    """

    weight: str
    bounds: tuple[float, float]
    further: tuple[tuple[str, float, float], ...]
    ground: GroundOptions
    levels: bool = False

    def changed(
        self, weight: str | None, minimum: float | None, maximum: float | None,
        further: Sequence[tuple[str, float, float]], barriers: str | None, pieces: str | None,
        max_walk_m: float | None = None,
    ) -> Made:  # fmt: skip
        """Return the same with what is asked now; a further weight takes the place of the one of that formula.

        None leaves a value as it is; an infinite walking distance lifts that bound.

        Raises
        ------
        ParameterError
            Where another weight is asked for without bounds of its own, or of a plan with levels.
        """
        now = self.weight if weight is None else weight.strip()
        if now != self.weight and (minimum is None or maximum is None):
            low, high = self.bounds
            raise ParameterError(
                f"The plan was made with {low:g} to {high:g} of {self.weight!r}; for the weight {now!r} give --min and "
                "--max."
            )
        if now != self.weight and self.levels:
            raise ParameterError(
                f"The levels of the plan have bounds of {self.weight!r}; leave --weight out, or draw the levels anew "
                "with wangge partition --levels."
            )
        low = self.bounds[0] if minimum is None else minimum
        high = self.bounds[1] if maximum is None else maximum
        asked = {formula for formula, _, _ in further}
        kept = (each for each in self.further if each[0] not in asked)
        # A bound without a side is one that was lifted.
        others = tuple(each for each in (*kept, *further) if each[1] > 0 or math.isfinite(each[2]))
        walk = self.ground.max_walk_m if max_walk_m is None else max_walk_m
        ground = GroundOptions(
            "cut" if (barriers or self.ground.barriers) == "cut" else "cost",
            pieces or self.ground.pieces,
            None if walk == math.inf else walk,
        )
        return Made(now, (low, high), others, ground, self.levels)


def made_with(report: Mapping[str, Any]) -> Made:
    """Read the report of a plan; plans without one were made with 300 to 500 households.

    Raises
    ------
    ParameterError
        Where the plan has a report that nobody understands.
    """
    barriers = str((report.get("barriers") or {}).get("policy", "cost"))
    pieces = str((report.get("pieces") or {}).get("policy", "alone"))
    try:
        weight, bounds, further = _weights(report)
        walk = report.get("max_walk_bound_m")
        walk = None if walk is None else float(walk)
    except (KeyError, IndexError, TypeError, ValueError):
        raise ParameterError(
            "The report inside the plan does not say which weights and bounds it was made with in a form that is "
            "known; write the plan anew with wangge partition."
        ) from None
    options = GroundOptions("cut" if barriers == "cut" else "cost", pieces, walk)
    return Made(weight, bounds, further, options, bool(report.get("levels")))


def _weights(
    report: Mapping[str, Any],
) -> tuple[str, tuple[float, float], tuple[tuple[str, float, float], ...]]:
    """Return what was balanced, its bounds, and further weights with theirs."""
    rows = report.get("weights") or []
    usual: dict[str, Any] = {"name": HOUSEHOLDS, "bounds": report.get("bounds") or [300, 500]}
    first = rows[0] if rows else usual
    further = tuple(
        (
            str(row["name"]),
            float(row["bounds"][0]),
            math.inf if row["bounds"][1] is None else float(row["bounds"][1]),
        )
        for row in rows[1:]
    )
    return str(first["name"]), (float(first["bounds"][0]), float(first["bounds"][1])), further


def walks_note(report: Mapping[str, Any], max_walk_m: float | None) -> tuple[Fault, ...]:
    """Say that a plan was drawn with a walking distance that its report does not name, where none is asked for now."""
    if max_walk_m is not None or report.get("max_walk_m") is None or "max_walk_bound_m" in report:
        return ()
    message = (
        "plan in force: drawn with --max-walk, but it does not say how far; grids may become longer on foot."
    )
    return (
        Fault(
            "walks-not-kept",
            "plan",
            message,
            "Give --max-walk M again where ways must stay short.",
            "warning",
        ),
    )
