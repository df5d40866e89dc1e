"""What the cases of a time say together, by unit, grid or category, as plain values and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gis_core.dispatch.stats import FIGURES, Grouping, count_cases, period
from gis_core.layers.safe_cell import safe_cell

if TYPE_CHECKING:
    from gis_core.store import Store

__all__ = ["counts_csv", "counts_of"]


def counts_of(store: Store, *, since: str | None, until: str | None, by: Grouping) -> dict[str, Any]:
    """Count the cases that were reported in a time, as they stand now.

    Parameters
    ----------
    since, until : str or None
        A day, the last one included, or a time with its offset; None: from the first, to the last.

    Raises
    ------
    ParameterError
        Where one of them cannot be read.
    """
    policy = store.dispatch_rules().policy
    first, last = period(since, until, zone=policy.calendar.zone)
    cases, steps = store.case_columns(first, last)
    now = datetime.now(UTC)
    rows, total = count_cases(cases, steps, by, policy, now)
    return {
        "from": None if first is None else first.isoformat(),
        "to": None if last is None else last.isoformat(),
        "at": now.isoformat(timespec="seconds"),
        "by": by,
        "rows": [row.as_dict() for row in rows],
        "total": total.as_dict(),
    }


def counts_csv(counts: dict[str, Any]) -> str:
    """Write counts as a table that spreadsheets open; the last row, `*`, is of all cases.

    Examples
    --------
    >>> from gis_core.dispatch.stats import FIGURES
    >>> empty = dict.fromkeys(FIGURES, 0)
    >>> counts_csv({"by": "grid", "rows": [], "total": empty}).splitlines()[-1][:8]
    '*,0,0,0,'
    """
    out = io.StringIO(newline="")
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow([counts["by"], *FIGURES[1:]])
    for row in [*counts["rows"], {**counts["total"], "key": "*"}]:
        rate = row["return_rate"]
        shown = {**row, "return_rate": None if rate is None else round(rate, 4)}
        writer.writerow([safe_cell(shown[name]) for name in FIGURES])
    return out.getvalue()
