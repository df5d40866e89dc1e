"""What all tests share: a throw-away PostGIS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from postgis_server import PostgisMissingError, PostgisServer, running_server

# The same examples in every run: what fails here fails everywhere.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes long, and begin with the slowest files: no process shall be alone with one at the end."""
    if not os.environ.get("WANGGE_TEST_ALL"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long: WANGGE_TEST_ALL=1 scripts/test runs it"))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def postgis_server() -> Iterator[PostgisServer]:
    """Give the PostGIS of this run; a machine without one fails here, and is told what to install."""
    try:
        with running_server() as server:
            yield server
    except PostgisMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def postgis_url(postgis_server: PostgisServer) -> str:
    """Give the URL of an empty database that lives as long as the run."""
    return postgis_server.create_database()
