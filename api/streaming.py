"""Work that takes seconds as a stream of lines: how far it is, then its answer; who hangs up cancels it.

Each line is a JSON object: `{"progress": 0..1}`, at last `{"answer": ...}` or `{"problem": ...}`. The status is 200
whatever comes of it, as it is sent before the work is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import orjson
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from api.errors import problem_of
from gis_core.errors import CancelledError

__all__ = ["NDJSON", "WorkStream", "wants_stream"]

NDJSON = "application/x-ndjson"
#: Seconds from one line to the next.
PACE_S = 0.2
Work = Callable[[Callable[[float], None]], dict[str, Any]]


def wants_stream(request: Request) -> bool:
    """Tell whether the caller asks for lines instead of one answer."""
    return NDJSON in request.headers.get("accept", "")


class WorkStream(Response):
    """An answer that is written while a function works in a thread.

    Parameters
    ----------
    request : Request
    work : callable
        Gets a function to call with how far it is, which raises `CancelledError` once the caller is gone; gives what is
        sent as the answer.
    """

    media_type = NDJSON

    def __init__(self, request: Request, work: Work) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request, self._work = request, work
        self._progress = 0.0
        self._last: bytes | None = None
        self._gone = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send lines until the work is done; where the caller goes, the work is cancelled and waited for."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                group.start_soon(anyio.to_thread.run_sync, self._run)
                await self._tell(send)
                group.cancel_scope.cancel()
        except* OSError:  # the caller went while something was sent
            pass
        finally:
            self._gone.set()

    def _run(self) -> None:
        try:
            self._last = orjson.dumps({"answer": self._work(self._note)}, option=orjson.OPT_NON_STR_KEYS)
        except Exception as error:
            self._last = b'{"problem":' + bytes(problem_of(self._request, error).body) + b"}"

    def _note(self, progress: float) -> None:
        if self._gone.is_set():
            raise CancelledError("Cancelled; nothing was changed.")
        self._progress = max(self._progress, progress)

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while self._last is None:
            line = orjson.dumps({"progress": round(self._progress, 3)}) + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})
            with anyio.move_on_after(PACE_S):
                while self._last is None:
                    await anyio.sleep(0.01)
        await send({"type": "http.response.body", "body": self._last + b"\n", "more_body": False})

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        scope.cancel()
