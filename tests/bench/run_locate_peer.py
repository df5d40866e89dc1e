"""The peer of the locator over HTTP: FastAPI that asks PostGIS, as one would write it; run with uvicorn."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from psycopg2.pool import ThreadedConnectionPool

QUERY = "SELECT code FROM area WHERE ST_Covers(geom, ST_SetSRID(ST_MakePoint(%s, %s), 4326)) ORDER BY code LIMIT 1"

app = FastAPI()
pool = ThreadedConnectionPool(1, 40, os.environ["PEER_DB"])


@app.get("/locate")
def locate(x: float, y: float) -> dict[str, Any]:
    """Say whose grid one point is in."""
    connection = pool.getconn()
    try:
        with connection.cursor() as cursor:
            cursor.execute(QUERY, (x, y))
            row = cursor.fetchone()
        connection.commit()
    finally:
        pool.putconn(connection)
    return {"code": None if row is None else row[0]}
