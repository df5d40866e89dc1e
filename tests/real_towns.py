"""Where the real towns are: beside the project, not in it. Where they are absent, tests use the demo area."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

#: Name -> container of the dataset below `shared/data`.
TOWNS = {
    "liechtenstein": "liechtenstein-osm/liechtenstein.gpkg",
    "monaco": "monaco-riviera-osm/monaco_riviera.gpkg",
    "shanghai": "shanghai-osm/shanghai-bund-lujiazui.gpkg",
    "tokyo": "tokyo-households/tokyo_otemachi_kanda.gpkg",
    "wuhan": "wuhan-osm/wuhan-guanggu.gpkg",
    "newyork": "newyork-osm",
}


def town_path(name: str) -> Path | None:
    """Return the container of a real town, or None where the real towns are not beside the project."""
    path = SHARED / "data" / TOWNS[name]
    return path if path.exists() else None


def present_towns() -> dict[str, Path]:
    """Return the real towns that are there, or else the demo areas of the project."""
    found = {name: path for name in TOWNS if (path := town_path(name)) is not None}
    return found or {path.stem: path for path in sorted((ROOT / "data").glob("*.gpkg"))}
