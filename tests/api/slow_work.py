"""Work for the tests of jobs; imports next to nothing, as each process that runs it starts afresh."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from gis_core.errors import ParameterError

Progress = Callable[[str, int, int], None]


def count(*, upto: int, progress: Progress) -> list[int]:
    for number in range(upto):
        progress("counting", number, upto)
    return list(range(upto))


def never_ends(*, note: str, progress: Progress) -> None:
    """Start a helper, note both process numbers, and wait."""
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    progress("waiting", 1, 4)
    with open(note + ".part", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{os.getpid()} {helper.pid}")
    os.replace(note + ".part", note)  # noqa: PTH105
    while True:
        time.sleep(0.05)


def refuses(*, progress: Progress) -> Any:
    raise ParameterError("There is nothing to do here.")


def breaks(*, progress: Progress) -> Any:
    raise ZeroDivisionError("secret")


def dies(*, progress: Progress) -> Any:
    os._exit(3)
