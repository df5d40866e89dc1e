"""`wangge doctor`: what this machine lacks, and how to mend it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from gis_core.commands._common import EXIT_NO, command, print_json
from gis_core.commands._options import Db, Json

#: Packages that every command may need, by the name under which they are imported.
PACKAGES: tuple[str, ...] = (
    "alembic",
    "fastapi",
    "geoalchemy2",
    "geopandas",
    "numba",
    "orjson",
    "psycopg2",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "scipy",
    "shapely",
    "sqlalchemy",
    "uvicorn",
)
#: GDAL's formats, and whether they are written too.
DRIVERS: dict[str, str] = {
    "GPKG": "rw",
    "GeoJSON": "rw",
    "FlatGeobuf": "rw",
    "ESRI Shapefile": "rw",
    "OSM": "r",
}
_LEAST_FREE_MB = 500
_MARKS = {"ok": "ok  ", "missing": "LACK", "note": "note"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    status : {"ok", "missing", "note"}
        `missing` is needed and not there; `note` is only for information.
    detail, fix : str
        What was found; how to mend it, empty where nothing is wrong.
    """

    what: str
    status: Literal["ok", "missing", "note"]
    detail: str
    fix: str = ""


@command
def doctor(
    *,
    db: Db = None,
    as_json: Json = False,
) -> None:
    """Say what this machine lacks and how to mend it; ends with 1 where something needed is missing.

    Example: wangge doctor --db postgresql://user@host/wangge
    """
    findings = list(examine(db))
    healthy = all(finding.status != "missing" for finding in findings)
    if as_json:
        print_json({"ok": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            fix = f" -> {finding.fix}" if finding.fix else ""
            typer.echo(f"{_MARKS[finding.status]}  {finding.what}: {finding.detail}{fix}")
        typer.echo("All that is needed is there." if healthy else "Something needed is missing.")
    if not healthy:
        raise typer.Exit(EXIT_NO)


def examine(db: str | None) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield _python()
    yield _packages()
    yield _drivers()
    yield _store(db)
    yield _front_end()
    yield _disk(db)
    yield _font()
    yield _program("Chromium", ("chromium", "chromium-browser", "google-chrome"), "only the tests need it")
    yield _program("PostgreSQL", ("postgres", "psql"), "only an office's store and the tests need it")


def _python() -> Finding:
    # An older Python cannot have installed this package, so there is only the version to tell.
    return Finding("Python", "ok", ".".join(map(str, sys.version_info[:3])))


def _packages() -> Finding:
    import importlib

    lacking = []
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            lacking.append(f"{name} ({error})")
    if lacking:
        return Finding(
            "Python packages", "missing", f"cannot be imported: {', '.join(lacking)}", "run scripts/setup"
        )
    return Finding("Python packages", "ok", f"{len(PACKAGES)} can be imported")


def _drivers() -> Finding:
    try:
        import pyogrio

        import gis_core.layers  # noqa: F401  (must come first: it decides which readers GDAL has)
    except (ImportError, OSError) as error:
        return Finding("GDAL", "missing", f"pyogrio cannot be imported ({error})", "run scripts/setup")
    there = pyogrio.list_drivers()
    lacking = [name for name, needed in DRIVERS.items() if not set(needed) <= set(there.get(name, ""))]
    version = ".".join(map(str, pyogrio.__gdal_version__))
    if lacking:
        return Finding(
            "GDAL",
            "missing",
            f"{version} lacks {', '.join(lacking)}",
            "run scripts/setup for pyogrio's own GDAL",
        )
    return Finding("GDAL", "ok", f"{version} with {', '.join(DRIVERS)}")


def _store(db: str | None) -> Finding:
    from gis_core.errors import GisCoreError

    try:
        from gis_core.store import embedded_file, open_store

        embedded = embedded_file(db)
        if embedded is not None and not embedded.exists():
            return Finding(
                "Store", "note", f"none yet at {embedded}", "load a dataset with `wangge load DATASET`"
            )
        with open_store(db, create=False) as store:
            store.ping()
            return Finding("Store", "ok", f"{store.where}, {store.kind}, version {store.version}")
    except GisCoreError as error:
        what, _, fix = error.message.partition(": ")
        return Finding("Store", "missing", what, fix or "see docs/stores.md")
    except ImportError as error:
        return Finding("Store", "missing", f"cannot be opened ({error})", "run scripts/setup")


def _front_end() -> Finding:
    page = Path(__file__).resolve().parents[2] / "web_map" / "dist" / "index.html"
    if page.is_file():
        return Finding("Front end", "ok", "is built")
    return Finding("Front end", "missing", "is not built, so there is no map", "run scripts/setup")


def _disk(db: str | None) -> Finding:
    try:
        from gis_core.store import embedded_file

        folder = (embedded_file(db) or Path("store")).absolute().parent
    except ImportError:  # told with the packages
        folder = Path.cwd()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 1_000_000
    if free >= _LEAST_FREE_MB:
        return Finding("Disk", "ok", f"{free:,} MB free")
    return Finding(
        "Disk", "missing", f"only {free:,} MB free", f"free {_LEAST_FREE_MB} MB, a town needs that much"
    )


def _font() -> Finding:
    listing = shutil.which("fc-list")
    if listing is None:
        return Finding(
            "Chinese font", "note", "cannot be told without fontconfig", "apt-get install fontconfig"
        )
    found = subprocess.run([listing, ":lang=zh", "family"], capture_output=True, text=True, check=False)
    families = sorted({line.split(",")[0].strip() for line in found.stdout.splitlines() if line.strip()})
    if families:
        return Finding("Chinese font", "ok", families[0])
    return Finding(
        "Chinese font", "note", "none, so Chinese names show as boxes here", "apt-get install fonts-noto-cjk"
    )


def _program(what: str, names: tuple[str, ...], use: str) -> Finding:
    found = next((name for name in names if shutil.which(name)), None)
    if found:
        return Finding(what, "ok", found)
    return Finding(what, "note", f"is not on the path; {use}")
