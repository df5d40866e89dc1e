"""Options of `wangge partition` that say what is asked of the ground: barriers, pieces, ways on foot."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gis_core.plan.ground import GroundOptions

__all__ = ["BarrierPolicy", "Barriers", "MaxWalk", "PiecePolicy", "Pieces", "ground_options"]


class BarrierPolicy(StrEnum):
    """What rivers and rail are to grids."""

    cost = "cost"
    cut = "cut"


class PiecePolicy(StrEnum):
    """How the pieces of a boundary polygon are solved."""

    alone = "alone"
    nearest = "nearest"
    crossings = "crossings"


Barriers = Annotated[
    BarrierPolicy,
    typer.Option(
        "--barriers", metavar="cost|cut", help="Barriers are cheap borders, or cut but at known crossings."
    ),
]
MaxWalk = Annotated[
    float | None,
    typer.Option("--max-walk", metavar="M", help="Most metres on foot between two buildings of a grid."),
]
Pieces = Annotated[
    PiecePolicy,
    typer.Option(
        "--pieces",
        metavar="alone|nearest|crossings",
        help="Solve pieces of a boundary polygon alone, or bridge them by the nearest link or by streets.",
    ),
]


def ground_options(barriers: BarrierPolicy, pieces: PiecePolicy, max_walk: float | None) -> GroundOptions:
    """Gather the options.

    Raises
    ------
    ParameterError
        Where the walking distance is not above 0.
    """
    from gis_core.plan.ground import GroundOptions

    return GroundOptions("cut" if barriers is BarrierPolicy.cut else "cost", pieces.value, max_walk)
