"""The throw-away PostGIS of the tests says what to install, and never touches what it did not make."""

from __future__ import annotations

import pytest
from postgis_server import ENVIRONMENT, PostgisMissingError, PostgisServer, connect, running_server
from sqlalchemy.engine import make_url


def test_a_named_server_that_does_not_answer_fails_with_a_sentence(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "postgresql://wangge:s3cret@127.0.0.1:1/postgres")
    with pytest.raises(PostgisMissingError, match="apt-get install postgresql") as caught, running_server():
        pass
    assert "s3cret" not in str(caught.value)


def test_a_named_server_is_used_and_left_as_it_was(monkeypatch, postgis_url):
    def databases():
        connection = connect(postgis_url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            names = {name for (name,) in cursor.fetchall()}
        connection.close()
        return names

    before = databases()
    monkeypatch.setenv(ENVIRONMENT, postgis_url)
    with running_server() as server:
        made = make_url(server.create_database()).database
        assert databases() == before | {made}
        with pytest.raises(AssertionError, match="was not made here"):
            server.drop_database(postgis_url)
    assert databases() == before


def test_a_machine_without_postgresql_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr("postgis_server.DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgisMissingError, match="apt-get install postgresql"), running_server() as server:
        assert isinstance(server, PostgisServer)
