"""What the tests of the API share."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import httpx
import orjson

from api.app import create_app
from api.models import Problem
from api.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the client's note about its next HTTP library
    from fastapi.testclient import TestClient

__all__ = ["TestClient", "assert_problem", "make_client"]

NOWHERE = Path("/nowhere-at-all")


def make_client(store: Any, *, caller: str = "127.0.0.1", **settings: Any) -> TestClient:
    """Give a client of an app with quiet defaults, of this machine unless said otherwise; enter it to start the app."""
    given = {"warm": False, "web_root": NOWHERE, **settings}
    app = create_app(Settings(**given), store=store)
    return TestClient(
        app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False, client=(caller, 50000)
    )


def assert_problem(answer: httpx.Response, status: int, code: str, *, says: str = "") -> Problem:
    """Check the one form that every error has, and the headers that every answer has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    raw = orjson.loads(answer.content)
    problem = Problem.model_validate(raw)
    assert problem.status == status
    assert problem.code == code
    assert problem.type == f"urn:wangge:problem:{code}"
    assert problem.title and problem.detail.endswith((".", ")"))
    assert says in problem.detail
    assert "Traceback" not in answer.text
    assert ("request_id" in raw) == (status >= 500)
    return problem
