"""The methods of a store that concern webhooks: who is told of steps of cases, and what came of it.

Every method is one transaction, and raises only errors of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gis_core.store import webhooks
from gis_core.store.server_methods import ServerMethods

if TYPE_CHECKING:
    from gis_core.store.cases import CaseNews
    from gis_core.store.webhooks import DeliveryRecord, DeliveryState, WebhookRecord

__all__ = ["WebhookMethods"]


class WebhookMethods(ServerMethods):
    """What a store does for those who are told of the steps of cases."""

    def add_webhook(
        self, *, url: str, secret: str, events: Sequence[str] = (), who: str = ""
    ) -> WebhookRecord:
        """Begin to tell somebody of the steps from now on.

        Parameters
        ----------
        events : sequence of str
            Kinds of steps; none is all.
        secret : str
            What the deliveries are signed with.
        """
        with self._write() as connection:
            return webhooks.add(connection, url=url, secret=secret, events=events, who=who)

    def webhooks(self) -> list[WebhookRecord]:
        """Return who is told, the oldest first."""
        with self._read() as connection:
            return webhooks.list_all(connection)

    def webhook(self, webhook_id: int) -> WebhookRecord:
        """Return a webhook.

        Raises
        ------
        NotFoundError
            Where there is none.
        """
        with self._read() as connection:
            return webhooks.get(connection, webhook_id)

    def remove_webhook(self, webhook_id: int) -> None:
        """End to tell somebody; what waits is not sent any more.

        Raises
        ------
        NotFoundError
            Where there is none.
        """
        with self._write() as connection:
            webhooks.remove(connection, webhook_id)

    def deliveries(self, webhook_id: int, *, limit: int = 100) -> list[DeliveryRecord]:
        """Return what a webhook was told of and is to be, the newest first."""
        with self._read() as connection:
            return webhooks.deliveries(connection, webhook_id, limit=limit)

    def queue_deliveries(self, body_of: Callable[[CaseNews], str]) -> int:
        """Put the steps down that webhooks are not told of yet, each once; return how many were looked at.

        Parameters
        ----------
        body_of : callable
            Gives what is sent of a step.
        """
        with self._write() as connection:
            return webhooks.queue(connection, body_of)

    def claim_delivery(self) -> DeliveryRecord | None:
        """Take the oldest delivery that is due, of a webhook that has none under way; None where there is none.

        It belongs to the caller for `webhooks.LEASE_S` seconds, whatever other server processes there are.
        """
        with self._write() as connection:
            return webhooks.claim(connection, self._dialect)

    def give_back_delivery(self, taken: DeliveryRecord) -> None:
        """Let others take at once what was taken and not tried."""
        with self._write() as connection:
            webhooks.give_back(connection, self._dialect, taken)

    def end_delivery(
        self,
        taken: DeliveryRecord,
        state: DeliveryState,
        *,
        status: int | None,
        answer: str,
        again_in_s: float = 0.0,
    ) -> bool:
        """Write what came of a delivery that was taken, unless somebody else has it by now; tell whether this did."""
        with self._write() as connection:
            return webhooks.end(
                connection, self._dialect, taken, state, status=status, answer=answer, again_in_s=again_in_s
            )
