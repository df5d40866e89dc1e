"""A PDF without what it tells unasked: who wrote it with what, earlier versions, places of its photos, scripts.

It is written anew by a process of its own with limits. One with a digital signature is kept as it is: the signature
holds for its bytes alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gis_core.attachments.pdf_child import EXIT_BROKEN, EXIT_LOCKED, EXIT_SIGNED
from gis_core.errors import ParameterError

__all__ = ["clean_pdf"]

#: By the clock; the process gets less of the processor.
_SECONDS = 240
_AGAIN = "open it, print it to a new PDF, and send that"


def clean_pdf(data: bytes) -> bytes:
    """Return the same pages without what the file hides; a signed file as it is.

    Raises
    ------
    ParameterError
        Where it is locked, broken, or takes too much time or memory.
    """
    command = [sys.executable, "-P", str(Path(__file__).with_name("pdf_child.py"))]
    try:
        child = subprocess.run(
            command, input=data, capture_output=True, timeout=_SECONDS, check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith(("WANGGE_", "AWS_", "PG"))},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ParameterError(f"The PDF takes too long to read: {_AGAIN}.") from None
    if child.returncode == 0:
        return child.stdout
    if child.returncode == EXIT_SIGNED:
        return data
    if child.returncode == EXIT_LOCKED:
        raise ParameterError(
            f"The PDF is locked, so that nobody can see what it hides: {_AGAIN}, without a password."
        )
    if child.returncode == EXIT_BROKEN:
        reason = " ".join(child.stderr.decode("utf-8", "replace").split()).rstrip(".")[:200]
        raise ParameterError(f"The PDF cannot be read ({reason}): {_AGAIN}.")
    raise ParameterError(f"The PDF takes too much time or memory to read: {_AGAIN}.")
