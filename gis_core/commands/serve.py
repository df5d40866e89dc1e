"""`wangge serve`: the API and the map on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from gis_core.commands._common import command, print_json

if TYPE_CHECKING:
    from api.settings import Settings
    from gis_core.store import Store

_HELP = """Serve the API and the map from a store, on this machine only.

Options that are not given come from the environment: WANGGE_DB, WANGGE_HOST, WANGGE_PORT and the others of
docs/http.md.

Example: wangge serve --db town.gpkg --port 8080 --open
"""


@command
def _serve(
    *,
    db: str | None,
    host: str | None,
    port: int | None,
    behind_proxy: bool,
    open_browser: bool,
    as_json: bool,
) -> None:
    from gis_core.store import open_store

    settings = read_settings(db=db, host=host, port=port, behind_proxy=behind_proxy or None)
    with open_store(settings.db) as store:
        serve_store(settings, store, open_browser=open_browser, as_json=as_json)


def serve(
    *,
    db: str | None = typer.Option(None, "--db", metavar="URL", help="Store; default the embedded file."),
    host: str | None = typer.Option(None, "--host", help="Address to listen on; default 127.0.0.1."),
    port: int | None = typer.Option(None, "--port", min=0, max=65535, help="Port; default 8000, 0 for any."),
    behind_proxy: bool = typer.Option(
        False, "--behind-proxy", help="A proxy or container in front decides who comes in: allow any host."
    ),
    open_browser: bool = typer.Option(False, "--open", help="Open the map in the browser."),
    as_json: bool = typer.Option(False, "--json", help="Say what is served as one JSON document."),
) -> None:
    """Serve the API and the map."""
    _serve(db=db, host=host, port=port, behind_proxy=behind_proxy, open_browser=open_browser, as_json=as_json)


serve.__doc__ = _HELP


def read_settings(**given: Any) -> Settings:
    """Join what the command line gave with the environment.

    Raises
    ------
    ParameterError
        Where a setting cannot be used.
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
    """Serve an open store until Ctrl-C, saying what is served and what to open."""
    from api.server import listen, run_server, url_of

    sock = listen(settings)
    url = url_of(sock)
    plans = store.plans(limit=1000)

    def announce() -> None:
        if as_json:
            print_json({"url": url, "store": store.where, "plans": len(plans)})
        else:
            typer.echo(f"Serving {store.where} with {_count(len(plans))}.")
            typer.echo(f"Open {url} in a browser; Ctrl-C stops.")
            if not (settings.web_root / "index.html").is_file():
                typer.echo("The map is not built yet: scripts/run builds it.", err=True)
        if open_browser:
            import webbrowser

            webbrowser.open(url)

    try:
        run_server(settings, sock, store=store, on_ready=announce)
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
    finally:
        sock.close()


def _count(plans: int) -> str:
    if plans == 0:
        return "no plan yet (wangge load brings one, wangge demo an example)"
    return "1 plan" if plans == 1 else f"{plans} plans"
