"""Text of a CSV that no spreadsheet runs as a formula."""

from __future__ import annotations

from typing import Any

__all__ = ["safe_cell"]

#: What a spreadsheet takes for the begin of a formula, also as wide signs and after a tab or a line end.
_RUN = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def safe_cell(value: Any) -> Any:
    """Return a value of a CSV that no spreadsheet runs: such text gets an apostrophe in front.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("- 3号楼"), safe_cell(-3.5)
    ("'=1+1", "'- 3号楼", -3.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUN) else value
