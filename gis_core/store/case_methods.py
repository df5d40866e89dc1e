"""The methods of a store that concern cases: reporting, steps, lists, rules, urging.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gis_core.store import case_files, case_stats, cases
from gis_core.store.webhook_methods import WebhookMethods

if TYPE_CHECKING:
    from datetime import datetime

    from gis_core.dispatch import Event
    from gis_core.dispatch.rules import Rules
    from gis_core.dispatch.stats import CaseColumns, StepColumns
    from gis_core.store.case_files import AttachmentRecord, NewFile
    from gis_core.store.cases import CaseNews, CaseRecord, NewCase

__all__ = ["CaseMethods"]

_OPEN = ("dispatched", "accepted")
_PAGE = 500


class CaseMethods(WebhookMethods):
    """What a store does with cases. No method deletes one, or a step."""

    def add_case(self, new: NewCase, event: Event) -> CaseRecord:
        """Write down what was reported; the same `key` again gives the case that is there."""
        with self._write() as connection:
            return cases.add(connection, self._dialect, new, event)

    def add_cases(self, items: Sequence[tuple[NewCase, Sequence[Event]]]) -> list[int | None]:
        """Write cases of before, each with all its steps, in one transaction.

        Parameters
        ----------
        items
            What was reported, and its events, the report first; times of long ago are taken as they are.

        Returns
        -------
        list of int or None
            Numbers of the cases; None for those whose key was there before.

        Raises
        ------
        ConflictError, ParameterError
            Where an event cannot happen; nothing was written then.
        """
        with self._write() as connection:
            policy = cases.read_rules(connection).policy
            return cases.add_many(connection, self._dialect, items, policy)

    def step_case(self, case_id: int, event: Event, *, seen: int | None = None) -> CaseRecord:
        """Let an event happen to a case, by the rules that hold now.

        Parameters
        ----------
        seen : int, optional
            Steps that the sender knew of; the event is refused where there are others by now.

        Raises
        ------
        NotFoundError
            Where there is no such case.
        ConflictError
            Where it cannot happen there, or the case has moved on.
        ParameterError
            Where the event lacks something.
        """
        with self._write() as connection:
            policy = cases.read_rules(connection).policy
            return cases.add_step(connection, self._dialect, case_id, event, policy, seen=seen)

    def case(self, case_id: int) -> CaseRecord:
        """Return a case with all its steps.

        Raises
        ------
        NotFoundError
            Where there is none.
        """
        with self._read() as connection:
            return cases.get(connection, case_id)

    def cases(
        self,
        *,
        states: Sequence[str] = (),
        is_open: bool | None = None,
        unit: str | None = None,
        grid_code: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[list[CaseRecord], int]:
        """Return a page of the cases without their steps, the newest first, and how many there are in all."""
        with self._read() as connection:
            return cases.list_all(
                connection,
                states=states,
                is_open=is_open,
                unit=unit,
                grid_code=grid_code,
                limit=limit,
                offset=offset,
            )

    def cases_after(
        self,
        after: int,
        *,
        states: Sequence[str] = (),
        is_open: bool | None = None,
        unit: str | None = None,
        grid_code: str | None = None,
        limit: int = 500,
    ) -> list[CaseRecord]:
        """Return the cases after a number with all their steps, in the order of their numbers."""
        with self._read() as connection:
            return cases.whole_after(
                connection,
                after,
                states=states,
                is_open=is_open,
                unit=unit,
                grid_code=grid_code,
                limit=limit,
            )

    def case_columns(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[CaseColumns, StepColumns]:
        """Return the cases reported from one moment until before another, with the steps that are counted."""
        with self._read() as connection:
            return case_stats.read_columns(connection, self._dialect, since, until)

    def case_serial(self) -> int:
        """Return the number of the newest step of all cases; 0 where there is none."""
        with self._read() as connection:
            return cases.serial(connection)

    def case_feed(self, since: int, *, until: int | None = None, limit: int = 1000) -> list[CaseNews]:
        """Return the steps of all cases after one of them, oldest first, each with its case as it stands now.

        Numbers of steps only grow, and one is never seen before those below it: who goes on after the last that was
        read misses none. They may leave gaps.
        """
        with self._read() as connection:
            return cases.feed(connection, since, until=until, limit=limit)

    def attach_to_case(
        self, case_id: int, file: NewFile, event: Event
    ) -> tuple[AttachmentRecord, CaseRecord]:
        """Write a file down as a note of a case, by the rules that hold now; the same key again changes nothing.

        Returns
        -------
        AttachmentRecord, CaseRecord
            The file with its number, and the case with all its steps.

        Raises
        ------
        NotFoundError
            Where there is no such case.
        ConflictError
            Where the key was that of another step, or the case has too many files.
        """
        with self._write() as connection:
            policy = cases.read_rules(connection).policy
            return case_files.add(connection, self._dialect, case_id, file, event, policy)

    def case_attachments(self, case_id: int) -> list[AttachmentRecord]:
        """Return the files of a case, the first first; empty where there is no such case."""
        with self._read() as connection:
            return case_files.list_all(connection, case_id)

    def case_attachment(self, case_id: int, number: int) -> AttachmentRecord:
        """Return one file of a case.

        Raises
        ------
        NotFoundError
            Where there is none of this number.
        """
        with self._read() as connection:
            return case_files.get(connection, case_id, number)

    def dispatch_rules(self) -> Rules:
        """Return the rules that hold."""
        with self._read() as connection:
            return cases.read_rules(connection)

    def set_dispatch_rules(self, data: Mapping[str, Any], *, who: str = "") -> Rules:
        """Set the rules from now on; cases keep the deadlines that they have.

        Raises
        ------
        ParameterError
            Where they cannot be read.
        """
        with self._write() as connection:
            return cases.write_rules(connection, data, who=who)

    def urge_overdue(self, now: datetime) -> list[int]:
        """Urge the cases that are overdue and were not urged lately; return their numbers.

        Safe to call from several server processes at once: an urging is written once.
        """
        from gis_core.dispatch import urging

        policy = self.dispatch_rules().policy
        urged: list[int] = []
        offset, total = 0, 1
        while offset < total:
            found, total = self.cases(states=_OPEN, limit=_PAGE, offset=offset)
            offset += _PAGE
            for record in found:
                if record.case.due_at is None or record.case.due_at >= now:
                    continue
                with self._write() as connection:
                    whole = cases.get(connection, record.id)
                    event = urging(whole.case, now, policy)
                    if event is not None:
                        after = cases.add_step(connection, self._dialect, record.id, event, policy, seen=None)
                        urged += [record.id] if after.n_steps > whole.n_steps else []
        return urged
