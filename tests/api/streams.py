"""An open stream of events, read straight from the app: what a browser would see, and a browser that vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI

__all__ = ["PATIENCE_S", "Stream", "started", "streaming"]

T = TypeVar("T")

#: Seconds until a test gives up on an event that should come; never waited for where all is well.
PATIENCE_S = 20.0


class Stream:
    """Events of one listener, parsed: (id, event, data)."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.comments = 0
        self.ended = asyncio.Event()
        self._gone = asyncio.Event()
        self._started = asyncio.Event()
        self._parsed: asyncio.Queue[tuple[str | None, str, Any]] = asyncio.Queue()
        self._text = b""

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._started.set()
            return
        self._text += message.get("body", b"")
        if self.headers["content-type"].startswith("application/problem"):
            return
        while b"\n\n" in self._text:
            block, self._text = self._text.split(b"\n\n", 1)
            self._parse(block.decode())

    def _parse(self, block: str) -> None:
        if block.startswith(":"):
            self.comments += 1
            return
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        self._parsed.put_nowait((fields.get("id"), fields["event"], orjson.loads(fields["data"])))

    async def begun(self) -> None:
        await patiently(self._started.wait())

    async def next(self, event: str) -> tuple[str | None, Any]:
        """Give id and data of the next event of a kind; those of other kinds are passed over."""
        while True:
            number, kind, data = await patiently(self._parsed.get())
            if kind == event:
                return number, data

    def nothing(self) -> bool:
        """Whether no event waits."""
        return self._parsed.empty()

    def problem(self) -> dict[str, Any]:
        return orjson.loads(self._text)

    def leave(self) -> None:
        """Close the tab."""
        self._gone.set()


async def patiently(what: Awaitable[T]) -> T:
    return await asyncio.wait_for(what, PATIENCE_S)


@asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[FastAPI]:
    """Run an app as a server would, in this loop."""
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def streaming(
    app: FastAPI, query: str, *, path: str = "/events", **headers: str
) -> AsyncIterator[Stream]:
    """Open a stream of events; it is left at the end."""
    stream = Stream()
    given = {"host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }

    async def ask() -> None:
        try:
            await app(scope, stream.receive, stream.send)
        finally:
            stream.ended.set()

    task = asyncio.create_task(ask())
    try:
        await stream.begun()
        yield stream
    finally:
        stream.leave()
        await patiently(task)
