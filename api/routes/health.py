"""Whether the server and its store are well."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.models import Health
from api.services import ServicesDep
from gis_core import __version__

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=Health)
def healthz(services: ServicesDep) -> dict[str, Any]:
    """Say that the server is up and its store answers; 503 where it does not."""
    services.store.ping()
    return {"status": "ok", "version": __version__, "store": services.store.kind}
