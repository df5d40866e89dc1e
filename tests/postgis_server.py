"""A throw-away PostGIS for tests and benchmarks: a server that is named, or one started here and removed afterwards.

`WANGGE_TEST_POSTGIS=postgresql://...` names a server that is already there; only databases made here, by
names made here, are ever touched on it. Otherwise a cluster is made in a temporary folder from the PostgreSQL
of this machine, on a free loopback port. PostgreSQL refuses to run as root, so for root it runs as the user
`postgres`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import URL, make_url

ENVIRONMENT = "WANGGE_TEST_POSTGIS"
INSTALL = (
    "The tests need PostgreSQL with PostGIS: install them (Debian, Ubuntu: apt-get install postgresql "
    f"postgresql-postgis), or name a server with {ENVIRONMENT}=postgresql://user:password@host/database."
)
DEBIAN = Path("/usr/lib/postgresql")
_START_S = 60
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
}


class PostgisMissingError(RuntimeError):
    """There is no PostGIS to test with; the message says what to install."""


class PostgisServer:
    """A running server that gives throw-away databases."""

    def __init__(self, admin_url: URL) -> None:
        self._admin = admin_url
        self._made: list[str] = []

    def create_database(self, *, template: str | None = None) -> str:
        """Make a database of a name nobody else has; return its URL."""
        name = f"wangge_test_{os.getpid()}_{secrets.token_hex(4)}"
        self._execute(
            f'CREATE DATABASE "{name}"'
            + (f' TEMPLATE "{template}"' if template else " ENCODING 'UTF8' TEMPLATE template0")
        )
        self._made.append(name)
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop a database that was made here."""
        name = make_url(url).database
        assert name in self._made, f"{name} was not made here"
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.remove(name)

    def drop_all(self) -> None:
        """Drop every database that was made here."""
        for name in list(self._made):
            self.drop_database(self._admin.set(database=name).render_as_string(hide_password=False))

    def require_postgis(self) -> None:
        """Fail with a sentence where the server has no PostGIS."""
        url = self.create_database()
        try:
            with closing(connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute("CREATE EXTENSION postgis")
        except psycopg2.Error as error:
            raise PostgisMissingError(f"{INSTALL} The server says: {str(error).splitlines()[0]}") from None
        finally:
            self.drop_database(url)

    def _execute(self, statement: str) -> None:
        with closing(connect(self._admin)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)


def connect(url: str | URL) -> Any:
    """Open a plain connection in autocommit."""
    parts = make_url(url)
    connection = psycopg2.connect(
        parts.set(drivername="postgresql").render_as_string(hide_password=False), connect_timeout=5
    )
    connection.autocommit = True
    return connection


@contextmanager
def running_server() -> Iterator[PostgisServer]:
    """Give a server for the time of a block, and clean up after it.

    Raises
    ------
    PostgisMissingError
        Where there is none, or it has no PostGIS.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        url = make_url(named.replace("postgres://", "postgresql://", 1))
        yield from _serve(url.set(database=url.database or "postgres"))
    else:
        with _throw_away_cluster() as url:
            yield from _serve(url)


def _serve(url: URL) -> Iterator[PostgisServer]:
    server = PostgisServer(url)
    try:
        try:
            server.require_postgis()
        except psycopg2.Error as error:
            raise PostgisMissingError(
                f"{url} cannot be used: {str(error).splitlines()[0]}. {INSTALL}"
            ) from None
        yield server
    finally:
        server.drop_all()


def find_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`, of the newest version that is there.

    Raises
    ------
    PostgisMissingError
        Where there is none.
    """
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    told = []
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        told = [Path(answer.stdout.strip())]
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    for folder in (*debian, *told, *on_path):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgisMissingError(INSTALL)


@contextmanager
def _throw_away_cluster() -> Iterator[URL]:
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="wangge-postgis-"))
    user = _server_user()
    password = secrets.token_hex(16)
    try:
        (folder / "password").write_text(password)
        if user:
            for place in (folder, folder / "password"):
                shutil.chown(place, user["user"], user["group"])
        _make_cluster(binaries, folder, user)
        port = _free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                _postgres(binaries, folder, port), cwd=folder, stdout=log, stderr=log, **user
            )
        try:
            url = URL.create("postgresql", "wangge", password, "127.0.0.1", port, "postgres")
            _wait_until_up(process, url, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> dict[str, Any]:
    """Return whom the server runs as: `postgres` where we are root, else ourselves."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise PostgisMissingError(
            f"PostgreSQL does not run as root, and there is no user postgres. {INSTALL}"
        ) from None
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _make_cluster(binaries: Path, folder: Path, user: dict[str, Any]) -> None:
    arguments = [
        str(binaries / "initdb"),
        "--pgdata=data",
        "--username=wangge",
        "--pwfile=password",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]
    made = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False, **user)
    if made.returncode != 0:
        raise PostgisMissingError(f"initdb failed: {made.stderr.strip()}. {INSTALL}")


def _postgres(binaries: Path, folder: Path, port: int) -> list[str]:
    settings = {
        **_SETTINGS,
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
    }
    return [
        str(binaries / "postgres"),
        "-D",
        "data",
        *(f"--{name}={value}" for name, value in settings.items()),
    ]


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            connect(url).close()
            return
        except psycopg2.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise PostgisMissingError(f"PostgreSQL did not start ({error}): {' '.join(last)}") from None
            time.sleep(0.05)
