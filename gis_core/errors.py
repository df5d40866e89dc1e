"""The error tree of the core.

Every class has a constant `code` (kebab-case, never renamed) and keyword context. The message says what is wrong,
where, and what mends it; it is shown to users as it is. HTTP statuses do not exist here.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "CancelledError",
    "CapabilityError",
    "ConflictError",
    "CoverageError",
    "CrsError",
    "DatasetError",
    "DisconnectedGraphError",
    "GisCoreError",
    "InfeasiblePartitionError",
    "InvalidGeometryError",
    "NotFoundError",
    "ParameterError",
    "StoreUnavailableError",
    "some_of",
]


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


class StoreUnavailableError(GisCoreError, RuntimeError):
    """The database cannot be reached, is locked, or is not one of ours."""

    code = "store-unavailable"


class CapabilityError(GisCoreError, NotImplementedError):
    """What was asked is more than the store, format or machine can do."""

    code = "not-supported"


class CancelledError(GisCoreError, RuntimeError):
    """The user stopped it; nothing was written."""

    code = "cancelled"
