"""The process of one job: does the work it is given, tells how far it is, and ends with the server.

It is started afresh, so this module imports next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from gis_core.errors import GisCoreError

__all__ = ["end_work", "serve_work"]

#: Seconds between two messages of progress.
_BEAT_S = 0.1
#: How much the work gives way to the server.
_NICE = 5


def serve_work(pipe: Connection) -> None:
    """Call a function that comes through the pipe with its arguments, and send what becomes of it.

    The body of the process. Messages are pairs: ("progress", fraction), ("done", result), ("refused", (code,
    sentence)), ("broken", traceback).
    """
    if hasattr(os, "setsid"):
        # A group of its own, so that the processes it starts end with it.
        os.setsid()
        os.nice(_NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        function, arguments = pipe.recv()
    except (EOFError, OSError):
        return
    gate = threading.Lock()
    threading.Thread(target=_end_with_server, args=(pipe,), daemon=True).start()
    last = 0.0

    def progress(_step: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _BEAT_S:
            last = time.monotonic()
            with gate:
                pipe.send(("progress", done / total if total else 0.0))

    try:
        message: tuple[str, Any] = ("done", function(progress=progress, **arguments))
    except GisCoreError as error:
        message = ("refused", (error.code, error.message))
    except Exception:
        message = ("broken", traceback.format_exc())
    with contextlib.suppress(OSError), gate:
        pipe.send(message)


def end_work(process: Any) -> None:
    """End the process of a job and all that it started, whatever they are at; nothing where it ended before."""
    if process.exitcode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg") and process.pid is not None and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def _end_with_server(pipe: Connection) -> None:
    """Wait for the end of the server; it never sends anything."""
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
