"""The peer of the locator over HTTP: FastAPI that asks PostGIS, as one would write it for speed; run with uvicorn.

Every connection is open before the first question and stays so, the query is prepared once on each, its polygons are
found by a GiST index, and nothing waits in a thread: asyncpg on uvloop.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI

QUERY = "SELECT code FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint($1, $2), 4326)) ORDER BY code LIMIT 1"
CONNECTIONS = 8


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the connections open as long as the app runs."""
    url = os.environ["PEER_DB"].replace("+psycopg2", "")
    async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/locate")
async def locate(x: float, y: float) -> dict[str, Any]:
    """Say whose grid one point is in."""
    return {"code": await app.state.pool.fetchval(QUERY, x, y)}
