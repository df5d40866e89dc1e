"""What all tests share: a throw-away PostGIS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from postgis_server import PostgisMissingError, PostgisServer, running_server

# The same examples in every run: what fails here fails everywhere.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one of them at the end."""
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
