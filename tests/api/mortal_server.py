"""Begins servers of a store, one after the other, each to be killed: `mortal_server.py URL`.

Reads lines from its input: `serve` begins a server and answers with its process and address, `bury` waits for its end.
All is imported once, so that fifty servers cost little.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import uvicorn  # noqa: F401

import api.app  # noqa: F401
from api.routes import edits, incidents
from api.server import listen, run_server, url_of
from api.settings import Settings
from gis_core.store import open_store

#: Seconds between the writing of an edit, or a step of a case, and its answer, so that some die between the two.
PAUSE_S = 0.03
answer_edit = edits.answer_edit
incident_detail = incidents.incident_detail


def answer_late(*arguments: Any) -> Any:
    """Answer an edit a moment after it was written."""
    time.sleep(PAUSE_S)
    return answer_edit(*arguments)


def detail_late(*arguments: Any) -> Any:
    """Answer a report or step a moment after it was written."""
    time.sleep(PAUSE_S)
    return incident_detail(*arguments)


def serve(url: str) -> None:
    """Serve a store until the end."""
    edits.answer_edit = answer_late
    incidents.incident_detail = detail_late
    settings = Settings(db=url, port=0, warm=False)
    sock = listen(settings)
    with open_store(url) as store:
        run_server(settings, sock, store=store, on_ready=lambda: say(f"{os.getpid()} {url_of(sock)}"))


def say(line: str) -> None:
    """Answer with a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do what the lines say."""
    child = 0
    for line in sys.stdin:
        if line == "serve\n":
            child = os.fork()
            if child == 0:
                try:
                    serve(sys.argv[1])
                finally:
                    os._exit(1)
        elif line == "bury\n":
            os.waitpid(child, 0)
            say("buried")


if __name__ == "__main__":
    main()
