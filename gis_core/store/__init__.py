"""Models, migrations and repositories: PostGIS and the embedded store behind one contract."""
