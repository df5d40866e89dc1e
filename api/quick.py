"""`GET /api/locate/grid` without the framework, which would take ten times as long as the answer.

Only plain questions are answered here: what is unusual (other parameters, a bad value, a condition, a plan that is not
ready) goes on to the route of the same path in `api.routes.locate`, which gives the same answers.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Scope, Send

from api.force import FRESH_S, STALE_S, Asked, ForceKeeper
from api.locating import answer_at
from api.middleware import SECURITY_HEADERS

if TYPE_CHECKING:
    from api.force import ForceView
    from api.middleware import OuterLayer

__all__ = ["PATH", "QuickLocator"]

_LOG = logging.getLogger("wangge.api")

PATH = "/api/locate/grid"
_KNOWN = frozenset({"x", "y", "plan", "crs"})
_NOW = Asked()
_MOST_CALLERS = 1_000
_HEADERS = [
    *((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS),
    (b"content-type", b"application/json"),
    (b"cache-control", b"private, no-cache"),
]


class QuickLocator:
    """Answers one path, where the question is a plain one.

    Parameters
    ----------
    keeper : ForceKeeper
    outer : OuterLayer
        Whose rules on callers and hosts hold here too.
    """

    def __init__(self, keeper: ForceKeeper, outer: OuterLayer) -> None:
        self.keeper = keeper
        self.outer = outer
        self._admitted: dict[Any, bool] = {}
        self._looks: dict[Asked, asyncio.Task[bool]] = {}

    async def answers(self, scope: Scope, send: Send) -> bool:
        """Answer; False where nothing was, and the route must see to it."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
            return False
        try:
            question = self._question(scope)
            view = None if question is None else await self._view(question[0])
            if question is None or view is None:
                return False
            body = orjson.dumps(answer_at(view, question[1], question[2]))
        except Exception:
            _LOG.exception("The quick answer failed; the route is asked.")
            return False
        headers = [
            *_HEADERS,
            (b"etag", b'W/"%b"' % view.etag.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", os.urandom(8).hex().encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return True

    def _question(self, scope: Scope) -> tuple[Asked, float, float] | None:
        """Return what is asked; None where the route must see to it."""
        if not self._admits(scope):
            return None
        text = scope["query_string"].decode("latin-1")
        if "%" in text or "+" in text:
            query = dict(parse_qsl(text, keep_blank_values=True))
        else:
            query = dict([part.partition("=")[::2] for part in text.split("&")])
        if not (query.keys() <= _KNOWN):
            return None
        try:
            x, y = float(query["x"]), float(query["y"])
            asked = Asked(int(query["plan"])) if "plan" in query else _NOW
        except (KeyError, ValueError):
            return None
        if query.get("crs", "wgs84") != "wgs84" or not (math.fabs(x) <= 360.0 and math.fabs(y) <= 90.0):
            return None
        return asked, x, y

    async def _view(self, asked: Asked) -> ForceView | None:
        """Return what holds; what is too old is waited for, by all who ask together. None: the route must see to it."""
        kept = self.keeper.peek(asked)
        if kept is None:
            return None
        if kept[1] > FRESH_S:
            self._look(asked)
        # The second look began after the question came, however long it takes.
        for _ in range(2):
            if kept[1] <= STALE_S:
                break
            look = self._look(asked)
            await asyncio.wait({look})
            kept = self.keeper.peek(asked) if look.result() else None
            if kept is None:
                return None
        return kept[0]

    def _admits(self, scope: Scope) -> bool:
        """Tell whether the outer layer lets a plain question of this caller in; asked once for each."""
        host = None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name in (b"if-none-match", b"content-length", b"transfer-encoding"):
                return False
        key = (scope["client"][0] if scope.get("client") else None, host)
        known = self._admitted.get(key)
        if known is None:
            if len(self._admitted) >= _MOST_CALLERS:
                self._admitted.clear()
            known = self._admitted[key] = self.outer.admits(scope)
        return known

    def _look(self, asked: Asked) -> asyncio.Task[bool]:
        """Ask the store aside whether another plan came into force, unless that is under way."""

        async def look() -> bool:
            try:
                await asyncio.to_thread(self.keeper.look, asked)
            except Exception:
                return False  # the route says what is wrong
            finally:
                del self._looks[asked]
            return True

        task = self._looks.get(asked)
        if task is None:
            task = self._looks[asked] = asyncio.get_running_loop().create_task(look())
        return task
