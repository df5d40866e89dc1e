"""Migrations and models say the same on both databases; PostGIS has its indexes; its errors name no password."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable

from gis_core.errors import StoreUnavailableError
from gis_core.store import models, open_store


def test_migrations_make_the_tables_of_the_models(store):
    with store._read() as connection:
        found = inspect(connection)
        dialect = connection.dialect
        for name, table in models.Base.metadata.tables.items():
            columns = {column["name"]: column for column in found.get_columns(name)}
            assert columns.keys() == {column.name for column in table.columns}, name
            for column in table.columns:
                assert columns[column.name]["nullable"] == column.nullable, (name, column.name)
            indexes = {
                index["name"]: (index["column_names"], bool(index["unique"]))
                for index in found.get_indexes(name)
            }
            for index in table.indexes:
                assert indexes[index.name] == ([column.name for column in index.columns], index.unique), (
                    index.name
                )
            references = {
                (key["constrained_columns"][0], key["referred_table"], (key["options"].get("ondelete") or ""))
                for key in found.get_foreign_keys(name)
            }
            wanted = {
                (key.parent.name, key.column.table.name, key.ondelete or "") for key in table.foreign_keys
            }
            assert references == wanted, name
            assert str(CreateTable(table).compile(dialect=dialect))


def test_declared_types_are_those_of_the_models(store):
    with store._read() as connection:
        dialect, found = connection.dialect, inspect(connection)
        for name, table in models.Base.metadata.tables.items():
            # What SQLAlchemy reads back of a geometry differs; its type has tests of its own.
            for column in [one for one in found.get_columns(name) if one["name"] != "geom"]:
                declared = table.c[column["name"]].type.compile(dialect=dialect)
                assert str(column["type"].compile(dialect=dialect)).upper() == declared.upper(), (
                    name,
                    column["name"],
                )


def test_every_layer_of_postgis_has_srid_and_gist(postgis_url):
    tables = models.Base.metadata.tables
    with open_store(postgis_url) as store, store._read() as connection:
        rows = connection.execute(
            text("SELECT f_table_name, srid, f_table_schema, type FROM geometry_columns")
        ).all()
        assert {tuple(row) for row in rows} == {
            (name, 4326, "wangge", tables[name].c.geom.type.geometry_type) for name in models.SPATIAL_TABLES
        }
        gist = connection.execute(
            text("SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%USING gist (geom)%'")
        ).scalars()
        assert set(gist) == set(models.SPATIAL_TABLES)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "s3cret-wrong"}, "check the user and the password"),
        ({"username": "nobody-here"}, "check the user and the password"),
        ({"database": "no_such_database"}, "is not there"),
        ({"port": 1}, "cannot be reached"),
        ({"host": "no-such-host.invalid"}, "cannot be reached"),
    ],
    ids=["password", "user", "database", "port", "host"],
)
def test_a_server_that_refuses_is_named_without_the_password(postgis_url, change, sentence):
    url = make_url(postgis_url).set(**change)
    with pytest.raises(StoreUnavailableError, match=sentence) as caught:
        open_store(url.render_as_string(hide_password=False))
    assert str(url.password) not in caught.value.message
    assert "\n" not in caught.value.message
