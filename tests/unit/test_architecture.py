"""The house stays as it was drawn: imports go one way, modules stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Rooms from the ground up; a room may import from its own and from those below it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("gis_core", "gis_core._compat", "gis_core.errors", "gis_core.model"),
    ("gis_core.crs",),
    ("gis_core.layers", "gis_core.town", "gis_core.attachments"),
    ("gis_core.graph",),
    ("gis_core.fabric",),
    ("gis_core.partition",),
    ("gis_core.plan", "gis_core.locate", "gis_core.dispatch", "gis_core.cluster"),
    ("gis_core.store", "gis_core.publish"),
    ("api",),
    ("gis_core.commands",),
    ("gis_core.cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: Heavy libraries and the only rooms that may know them.
OWNERS: dict[str, tuple[str, ...]] = {
    "sqlalchemy": ("gis_core.store",),
    "geoalchemy2": ("gis_core.store",),
    "psycopg2": ("gis_core.store",),
    "alembic": ("gis_core.store",),
    "fastapi": ("api",),
    "starlette": ("api",),
    "fontTools": ("gis_core.publish",),
    "pylopdf_fonts_zh_cn": ("gis_core.publish",),
    "PIL": ("gis_core.attachments",),
    "numba": ("gis_core._compat",),
    "distributed": ("gis_core.cluster",),
    "dask": ("gis_core.cluster",),
}
#: `wangge doctor` and `wangge serve` look at libraries of other rooms without using them.
LOOKERS = ("gis_core.commands.doctor",)
MAX_LINES = 700


def modules() -> list[Path]:
    return sorted([*ROOT.glob("gis_core/**/*.py"), *ROOT.glob("api/**/*.py")])


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str) -> str:
    """Return the longest room that a module belongs to."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in FLOOR:
            return ".".join(parts[:end])
    raise AssertionError(f"{name} stands in no room; add it to FLOORS")


KNOWN = {dotted(path) for path in modules()}


def imports(path: Path) -> set[str]:
    """Return all that a module imports, also inside its functions, but not what is only for type checking."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write imports in full"
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = full & KNOWN
            found |= submodules or {node.module or ""}
    return found


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_one_way(path: Path) -> None:
    name = dotted(path)
    floor = FLOOR[room_of(name)]
    for other in imports(path):
        if other.split(".")[0] in ("gis_core", "api"):
            assert FLOOR[room_of(other)] <= floor, f"{name} imports {other}, which lives on a higher floor"
            same_floor = FLOOR[room_of(other)] == floor and room_of(other) != room_of(name)
            assert not same_floor or floor == 0, f"{name} imports {other} across the landing"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_heavy_libraries_have_one_owner(path: Path) -> None:
    name = dotted(path)
    for other in imports(path):
        owners = OWNERS.get(other.split(".")[0])
        if owners and name not in LOOKERS:
            assert name.startswith(owners), f"{name} imports {other}, which only {owners} may"


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_modules_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{dotted(path)} has {lines} lines; split it"


def test_no_import_cycles() -> None:
    graph = {dotted(path): (imports(path) & KNOWN) - {dotted(path)} for path in modules()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name]) if name in trail else ""
        if name in done:
            return
        for other in sorted(graph[name]):
            visit(other, (*trail, name))
        done.add(name)

    for name in sorted(KNOWN):
        visit(name, ())
