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
        Without a walking distance, which rebalancing does not keep (`walks_note` says so).
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
    ) -> Made:  # fmt: skip
        """Return the same with what is asked now; a further weight takes the place of the one of that formula.

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
        ground = GroundOptions(
            "cut" if (barriers or self.ground.barriers) == "cut" else "cost", pieces or self.ground.pieces
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
    except (KeyError, IndexError, TypeError, ValueError):
        raise ParameterError(
            "The report inside the plan does not say which weights and bounds it was made with in a form that is "
            "known; write the plan anew with wangge partition."
        ) from None
    options = GroundOptions("cut" if barriers == "cut" else "cost", pieces)
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


def walks_note(report: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Say that a plan was drawn with a walking distance, which the plan that follows does not keep; else nothing."""
    if report.get("max_walk_m") is None:
        return ()
    message = "plan in force: drawn with --max-walk, which is not kept; grids may become longer on foot."
    fix = "Draw the grids anew from the plan with wangge partition --from PLAN --max-walk M where ways must stay short."
    return (Fault("walks-not-kept", "plan", message, fix, "warning"),)
