"""Urges overdue cases while the server runs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from gis_core.errors import GisCoreError

if TYPE_CHECKING:
    from api.services import Services

__all__ = ["keep_urging"]

_LOG = logging.getLogger("wangge.api")
#: Seconds from one look at the cases to the next.
EVERY_S = 30.0


async def keep_urging(services: Services) -> None:
    """Urge what is overdue again and again, until cancelled; a failure is only logged."""
    while True:
        await anyio.sleep(EVERY_S)
        try:
            urged = await anyio.to_thread.run_sync(lambda: services.store.urge_overdue(datetime.now(UTC)))
            if urged:
                services.case_hub.wake()
                _LOG.info("Urged %d overdue cases.", len(urged))
        except GisCoreError as error:
            _LOG.info("Overdue cases were not urged: %s", error.message)
        except Exception:
            _LOG.exception("Overdue cases could not be urged.")
