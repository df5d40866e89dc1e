"""The methods of a store that concern what residents report and ask about.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gis_core.store import case_reports
from gis_core.store.case_methods import CaseMethods

if TYPE_CHECKING:
    from datetime import datetime

    from gis_core.store.cases import CaseRecord

__all__ = ["ReportedMethods"]


class ReportedMethods(CaseMethods):
    """What a store does for those who report cases."""

    def cases_reported(
        self,
        *,
        ids: Sequence[int] | None = None,
        categories: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        is_open: bool | None = None,
        source: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> list[CaseRecord]:
        """Return a page of cases with all their steps, the newest first.

        Parameters
        ----------
        since, until : datetime or None
            Between which they were reported, both included.
        source : str or None
            Where the report came from.
        """
        with self._read() as connection:
            return case_reports.reported(
                connection,
                ids=ids,
                categories=categories,
                since=since,
                until=until,
                is_open=is_open,
                source=source,
                limit=limit,
                offset=offset,
            )

    def case_by_key(self, key: str) -> CaseRecord | None:
        """Return the case that was reported under a key; None where there is none."""
        with self._read() as connection:
            return case_reports.by_key(connection, key)

    def building_point(self, dataset_id: int, building_id: str) -> tuple[float, float] | None:
        """Return longitude and latitude of a point in a building; None where a data version has none of that id."""
        with self._read() as connection:
            return case_reports.building_point(connection, self._dialect, dataset_id, building_id)

    def rules_since(self) -> datetime | None:
        """Return since when the rules of handling cases hold; None where none were ever set."""
        with self._read() as connection:
            return case_reports.rules_since(connection)
