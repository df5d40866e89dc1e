"""Running the app on a socket: one sentence where the port is taken, one line when the page can be opened."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from api.settings import Settings
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from gis_core.store import Store

__all__ = ["listen", "require_safe_host", "run_server", "url_of"]


def require_safe_host(settings: Settings) -> None:
    """Refuse to listen where others could come in, since nobody is asked for a name yet.

    Raises
    ------
    ParameterError
        Where the host is not a loopback address and no proxy was declared.
    """
    if not settings.is_loopback and not settings.behind_proxy:
        raise ParameterError(
            f"Others could reach {settings.host}, and accounts come first: listen on 127.0.0.1, or say "
            "--behind-proxy (WANGGE_BEHIND_PROXY=1) where a proxy or container in front lets people in.",
            host=settings.host,
        )


def listen(settings: Settings) -> socket.socket:
    """Take the port before anything else starts.

    Raises
    ------
    ParameterError
        Where the port is taken, not allowed, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        place = f"port {settings.port} of {settings.host}"
        if error.errno == errno.EADDRINUSE:
            message = f"Something else listens on {place}; stop it, or choose another with --port."
        elif error.errno == errno.EACCES:
            message = f"This user may not listen on {place}; choose one above 1023 with --port."
        else:
            message = f"Cannot listen on {place}: {error.strerror or error}."
        raise ParameterError(message, host=settings.host, port=settings.port) from None
    return sock


def url_of(sock: socket.socket) -> str:
    """Give the address to open in a browser."""
    host, port = sock.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def run_server(
    settings: Settings, sock: socket.socket, *, store: Store | None = None, on_ready: Callable[[], None]
) -> None:
    """Serve until Ctrl-C or SIGTERM; `on_ready` is called once requests are answered."""
    import uvicorn

    from api.app import create_app

    app = create_app(settings, store=store)

    class Server(uvicorn.Server):
        """Ends the streams of events first, which would keep it from stopping."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.services.hub.close()
            app.state.services.case_hub.close()
            await super().shutdown(sockets)

    server = Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3))

    def wait() -> None:
        while not server.started and not server.should_exit:
            time.sleep(0.02)
        if server.started:
            on_ready()

    threading.Thread(target=wait, name="ready", daemon=True).start()
    server.run(sockets=[sock])
