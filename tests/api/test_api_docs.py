"""docs/http.md names every path, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from api.app import create_app
from api.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_paths() -> None:
    described = set()
    for methods, path in re.findall(r"^\| `([A-Z|]+) (/[^`?]*)", TEXT, flags=re.MULTILINE):
        described |= {(method, _plain(path)) for method in methods.split("|")}
    schema = create_app(Settings(warm=False)).openapi()
    served = {(method.upper(), _plain(path)) for path, item in schema["paths"].items() for method in item}
    beside_the_schema = {("GET", "/openapi.json"), ("GET", "/"), ("GET", "/phone")}
    assert described == served | beside_the_schema
