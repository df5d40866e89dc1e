"""The list of faults of one reading, and what a policy does with each kind of fault.

Messages have one form: layer, row, id, what is wrong, what was done. Rows are 0-based, as in the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis_core.errors import some_of
from gis_core.model import Fault, Severity

__all__ = ["FaultLog", "Policy", "places"]

Policy = Literal["repair", "raise", "report"]

#: Places that a fault names at most.
_MAX_PLACES = 20


def places(rows: Sequence[int], ids: Sequence[str]) -> str:
    """Name the rows of a fault, and their ids where they differ from the rows.

    Examples
    --------
    >>> places([3], ["b3"]), places([3, 9], ["3", "9"])
    ('row 3 (id b3)', 'rows 3, 9')
    """
    if len(rows) == 0:
        return ""
    word = "row" if len(rows) == 1 else "rows"
    named = [text for row, text in zip(rows, ids, strict=False) if text != str(row)]
    shown = ", ".join(named[:5]) + (", ..." if len(named) > 5 else "")
    label = f" (id {shown})" if named else ""
    return f"{word} {some_of(rows)}{label}"


class FaultLog:
    """Collects faults; `policy` decides whether what can be mended is mended, left out, or stops the work."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.faults: list[Fault] = []

    def add(
        self,
        code: str,
        layer: str,
        what: str,
        fix: str,
        severity: Severity,
        *,
        rows: NDArray[np.int64] | Sequence[int] = (),
        ids: NDArray[np.object_] | Sequence[str] = (),
        count: int | None = None,
    ) -> None:
        """Record a fault of fixed severity; `what` starts small and has no full stop."""
        rows = [int(row) for row in rows]
        ids = [str(each) for each in ids]
        where = places(rows, ids)
        message = f"{layer}, {where}: {what}." if where else f"{layer}: {what}."
        self.faults.append(
            Fault(
                code,
                layer,
                message,
                fix,
                severity,
                tuple(rows[:_MAX_PLACES]),
                tuple(ids[:_MAX_PLACES]),
                len(rows) if count is None and rows else (count or 1),
            )
        )

    def mend(
        self,
        code: str,
        layer: str,
        what: str,
        done: str,
        fix: str,
        *,
        rows: NDArray[np.int64] | Sequence[int],
        ids: NDArray[np.object_] | Sequence[str],
        left: str = "left out of the work",
    ) -> bool:
        """Record a fault that can be mended; True: mend it, False: leave the rows out (policy `report`)."""
        if self.policy == "repair":
            self.add(code, layer, f"{what}; {done}", fix, "repaired", rows=rows, ids=ids)
        elif self.policy == "raise":
            self.add(code, layer, what, fix, "error", rows=rows, ids=ids)
        else:
            self.add(code, layer, f"{what}; {left}", fix, "warning", rows=rows, ids=ids)
        return self.policy != "report"

    def drop(
        self,
        code: str,
        layer: str,
        what: str,
        fix: str,
        *,
        rows: NDArray[np.int64] | Sequence[int],
        ids: NDArray[np.object_] | Sequence[str],
        left: str = "left out of the work",
    ) -> None:
        """Record a fault that only the user can mend: rows are left out, or stop the work (`raise`)."""
        if self.policy == "raise":
            self.add(code, layer, what, fix, "error", rows=rows, ids=ids)
        else:
            self.add(code, layer, f"{what}; {left}", fix, "warning", rows=rows, ids=ids)

    @property
    def has_errors(self) -> bool:
        """Whether a fault stops the work."""
        return any(fault.severity == "error" for fault in self.faults)
