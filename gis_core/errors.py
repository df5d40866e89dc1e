"""The error tree of the core.

Every class has a constant `code` (kebab-case, never renamed) and keyword context. The message says what is wrong,
where, and what mends it; it is shown to users as it is. HTTP statuses do not exist here.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = [
    "CancelledError",
    "CapabilityError",
    "ConflictError",
    "CoverageError",
    "CrsError",
    "DatasetError",
    "DisconnectedGraphError",
    "EditError",
    "GisCoreError",
    "InfeasiblePartitionError",
    "InvalidGeometryError",
    "LockedError",
    "NotFoundError",
    "NotPublishableError",
    "ParameterError",
    "StaleRevisionError",
    "StoreUnavailableError",
    "known_or_near",
    "some_of",
]

#: Values that one is compared with, so that a town of a million buildings gets its answer at once.
_MOST_COMPARED = 50_000


def some_of(values: Sequence[object], limit: int = 5) -> str:
    """Name the first few of many values and count the rest, for a message.

    Examples
    --------
    >>> some_of([1, 2, 3])
    '1, 2, 3'
    >>> some_of(range(9), limit=2)
    '0, 1 and 7 more'
    """
    shown = ", ".join(str(value) for value in list(values)[:limit])
    rest = len(values) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def counted(count: float, thing: str, things: str | None = None) -> str:
    """Write a number of things for a message.

    Examples
    --------
    >>> counted(1, "building"), counted(2000, "building"), counted(0, "boundary polygon")
    ('1 building', '2,000 buildings', '0 boundary polygons')
    """
    return f"{count:,.0f} {thing if count == 1 else things or thing + 's'}"


def known_or_near(value: str, values: Sequence[str], limit: int = 8) -> str:
    """Name the values that are most like one that is not among them, or else the first few, for a message.

    Examples
    --------
    >>> known_or_near("B1O01", ["B1001", "B1002", "C7"])
    'near it are B1001, B1002'
    >>> known_or_near("x", ["B1001", "B1002", "C7"])
    'there are B1001, B1002, C7'
    >>> known_or_near("x", [])
    'there are none'
    """
    near = get_close_matches(value, values[:_MOST_COMPARED], n=3)
    if near:
        return f"near it are {', '.join(near)}"
    return f"there are {some_of(values, limit) or 'none'}"


class GisCoreError(Exception):
    """Root of the tree; `code` is stable, `context` holds the numbers behind the sentence."""

    code = "error"

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class ParameterError(GisCoreError, ValueError):
    """A value given by the user cannot be used."""

    code = "bad-parameter"


class EditError(ParameterError):
    """An edit of a plan names what the plan does not have, or breaks one of its rules."""

    code = "bad-edit"


class DatasetError(GisCoreError, ValueError):
    """The files of a dataset cannot be used as they are."""

    code = "bad-dataset"


class CrsError(GisCoreError, ValueError):
    """A coordinate system is missing, unknown or does not fit the coordinates."""

    code = "bad-crs"


class InvalidGeometryError(GisCoreError, ValueError):
    """A geometry is empty, not closed, or crosses itself."""

    code = "invalid-geometry"


class CoverageError(GisCoreError, ValueError):
    """Polygons that should fit together leave a gap or overlap."""

    code = "broken-coverage"


class DisconnectedGraphError(GisCoreError, ValueError):
    """A graph that must be in one piece is in several."""

    code = "disconnected-graph"


class InfeasiblePartitionError(GisCoreError, ValueError):
    """No partition meets the constraints; the message names what is to blame."""

    code = "infeasible-partition"


class NotFoundError(GisCoreError, LookupError):
    """Something asked for by name or number is not there."""

    code = "not-found"


class ConflictError(GisCoreError, RuntimeError):
    """Somebody else changed it first, or it exists already."""

    code = "conflict"


class StaleRevisionError(ConflictError):
    """An edit was made on an older revision of its plan.

    Attributes
    ----------
    edits : tuple
        The edits since, the oldest first; empty where there are too many of them to be worth a merge.
    """

    code = "stale-revision"

    def __init__(self, message: str, *, edits: Sequence[object] = (), **context: object) -> None:
        super().__init__(message, **context)
        self.edits = tuple(edits)


class LockedError(ConflictError):
    """An edit moves what is locked; `context` names `grids`, `cells` or `borders`."""

    code = "locked"


class NotPublishableError(ConflictError):
    """A plan has faults with which it is not published.

    Attributes
    ----------
    items : tuple
        What stands in the way.
    """

    code = "not-publishable"

    def __init__(self, message: str, *, items: Sequence[object] = (), **context: object) -> None:
        super().__init__(message, **context)
        self.items = tuple(items)


class StoreUnavailableError(GisCoreError, RuntimeError):
    """The database cannot be reached, is locked, or is not one of ours."""

    code = "store-unavailable"


class CapabilityError(GisCoreError, NotImplementedError):
    """What was asked is more than the store, format or machine can do."""

    code = "not-supported"


class CancelledError(GisCoreError, RuntimeError):
    """The user stopped it; nothing was written."""

    code = "cancelled"
