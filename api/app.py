"""The app: `create_app(settings)`; started with `uvicorn --factory api.app:create_app`.

It listens where it is told and asks nobody's name, so it belongs on loopback or behind a proxy that does ask.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import Receive, Scope, Send

from api.bodies import warm
from api.errors import PROBLEM_TYPE, add_error_handlers
from api.middleware import OuterLayer
from api.open311_form import is_open311
from api.quick import QuickLocator
from api.routes import (
    attachments,
    base,
    case_tables,
    datasets,
    edits,
    events,
    export,
    health,
    incidents,
    jobs,
    locate,
    open311,
    plans,
    webhooks,
)
from api.routes.common import PROBLEMS, GeoJsonResponse
from api.services import Services
from api.settings import Settings
from api.static import add_static
from api.urging import keep_urging
from gis_core import __version__

if TYPE_CHECKING:
    from gis_core.store import Store

__all__ = ["create_app"]

_DESCRIPTION = (
    "Balanced grids 网格 of a town, their cells, and whose grid a place is in. Errors are problem+json."
)


def create_app(settings: Settings | None = None, *, store: Store | None = None) -> FastAPI:
    """Build the app.

    Parameters
    ----------
    settings : Settings or None
        None: from the environment.
    store : Store or None
        An open store to use in place of `settings.db`; the caller closes it.
    """
    settings = settings or Settings()
    services = Services(settings, store)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(services.open)
        if settings.warm:
            threading.Thread(target=warm, args=(services,), name="warm", daemon=True).start()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(services.hub.run)
                group.start_soon(services.case_hub.run)
                group.start_soon(services.webhooks.run)
                group.start_soon(keep_urging, services)
                try:
                    yield
                finally:
                    group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(services.close)

    app = _App(
        title="Wangge 网格",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
        generate_unique_id_function=_operation_id,
    )
    app.state.services = services
    add_error_handlers(app)
    for module in (
        health,
        datasets,
        plans,
        edits,
        base,
        jobs,
        export,
        locate,
        case_tables,
        incidents,
        attachments,
        webhooks,
        open311,
        events,
    ):
        app.include_router(module.router)
    add_static(app.router, settings.web_root)
    app.add_middleware(OuterLayer, settings=settings)
    app.quick = QuickLocator(services.force, OuterLayer(app, settings))
    app.openapi = partial(_schema, app)  # type: ignore[method-assign]
    return app


class _App(FastAPI):
    """The framework, asked only where the quick locator does not answer."""

    quick: QuickLocator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not await self.quick.answers(scope, send):
            await super().__call__(scope, receive, send)


def _schema(app: FastAPI) -> dict[str, Any]:
    """Describe the app; the framework would write errors as plain JSON and GeoJSON as a text, which they are not."""
    if not app.openapi_schema:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path, item in schema["paths"].items():
            for operation in () if is_open311(path) else item.values():
                answer = operation["responses"]["default"]
                answer["content"] = {PROBLEM_TYPE: next(iter(answer["content"].values()))}
                for kind, told in operation["responses"].get("200", {}).get("content", {}).items():
                    if kind == GeoJsonResponse.media_type:
                        told["schema"] = {"type": "object"}
        app.openapi_schema = schema
    return app.openapi_schema


def _operation_id(route: Any) -> str:
    """Name an operation after its function, so that clients made from the schema read well."""
    return str(route.name)
