"""`wangge serve`: the API and the map on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import command, print_json
from gis_core.commands._options import Db

if TYPE_CHECKING:
    from api.settings import Settings
    from gis_core.store import Store


@command
def serve(
    *,
    db: Db = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; default 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Port; default 8000, 0 for any free one.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="Server processes; more than one need PostGIS."),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option("--behind-proxy", help="A proxy or container lets people in: allow any --host."),
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the map in the browser.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Say what is served as one JSON document.")] = False,
) -> None:
    """Serve the API and the map of a store until Ctrl-C.

    What is not given comes from the environment: WANGGE_DB, WANGGE_HOST, WANGGE_PORT and the rest of docs/reference.md.

    Example: wangge serve --db town.gpkg --port 8080 --open
    """
    from gis_core.store import open_store

    settings = read_settings(db=db, host=host, port=port, workers=workers, behind_proxy=behind_proxy or None)
    with open_store(settings.db) as store:
        serve_store(settings, store, open_browser=open_browser, as_json=json_)


def read_settings(**given: Any) -> Settings:
    """Join what the command line gave with the environment.

    Raises
    ------
    ParameterError
        Where a setting cannot be used, or others could reach the host.
    """
    from pydantic import ValidationError

    from api.server import require_safe_host
    from api.settings import Settings
    from gis_core.errors import ParameterError

    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise ParameterError(f"The setting WANGGE_{name.upper()} cannot be used: {first['msg']}.") from None
    require_safe_host(settings)
    return settings


def serve_store(settings: Settings, store: Store, *, open_browser: bool, as_json: bool) -> None:
    """Serve an open store until Ctrl-C, saying what is served and what to open.

    Raises
    ------
    ParameterError
        Where the port cannot be had, or several server processes are asked for on a file.
    """
    from api.server import listen, run_server, url_of
    from api.workers import require_room, run_workers

    require_room(settings, store)
    sock = listen(settings)
    url = url_of(sock)
    n_plans = len(store.plans(limit=1000))

    def announce() -> None:
        if as_json:
            print_json({"url": url, "store": store.where, "plans": n_plans})
        else:
            typer.echo(f"Serving {store.where[0].lower()}{store.where[1:]} with {_count(n_plans)}.")
            if settings.workers > 1:
                typer.echo(f"{settings.workers} server processes answer.")
            typer.echo(f"Open {url} in a browser; Ctrl-C stops.")
        if not (settings.web_root / "index.html").is_file():
            typer.echo("The map is not built yet: scripts/run builds it.", err=True)
        if open_browser:
            import webbrowser

            webbrowser.open(url)

    try:
        if settings.workers > 1:
            run_workers(settings, sock, on_ready=announce)
        else:
            run_server(settings, sock, store=store, on_ready=announce)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
    finally:
        sock.close()


def _count(n_plans: int) -> str:
    if n_plans == 0:
        return "no plan yet (wangge load brings one, wangge demo an example)"
    return "1 plan" if n_plans == 1 else f"{n_plans} plans"
