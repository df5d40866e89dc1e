"""The schema of the API as text: python -m api.schema FILE writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from api.app import create_app
from api.settings import Settings

__all__ = ["openapi_text"]


def openapi_text() -> str:
    """Give openapi.json as it is committed; the same on every machine."""
    schema = create_app(Settings(warm=False)).openapi()
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
