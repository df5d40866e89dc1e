"""docs/reference.md has a row for each command, option, setting, error, fault, report key and script, and no other.

Both ways: what the program has and the page lacks fails, and so does what the page has and the program lacks.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import typer.main

from api import errors as api_errors
from api.settings import Settings
from gis_core import errors
from gis_core.cli import COMMANDS, app
from gis_core.store.store import DEFAULT_FILE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
NAME = re.compile(r"[a-z]+(-[a-z]+)+")
#: Texts of the form of a code in the rooms that report faults, which are no codes.
NO_CODES = {"multi-points", "multi-lines", "multi-polygons", "lon-lat", "lat-lon"}
#: Cases of `bad-dataset`, which the page has words for.
CASES = {"no-building", "no-counts", "sheet-column", "nothing-drawn", "too-many"} | {
    *("no-compound", "not-in-compound", "building-there", "street-there")
}


def section(title: str, text: str = REFERENCE) -> str:
    """Return what stands below a heading, down to the next one of its rank or above."""
    rank = title.split(" ", maxsplit=1)[0]
    _, found, rest = f"\n{text}".partition(f"\n{title}\n")
    assert found, f"there is no heading {title!r}"
    return re.split(rf"\n#{{1,{len(rank)}}} ", rest)[0]


def first_cells(text: str) -> list[str]:
    """Return the names in backquotes of the first column of all tables."""
    rows = re.findall(r"^\|((?:[^|\\\n]|\\.)*)\|", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def constants(*folders: str) -> set[str]:
    """Return the texts in the modules of some folders that have the form of a code."""
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for each in folders
        for path in (ROOT / each).rglob("*.py")
    ]
    found = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in found if isinstance(text, str) and NAME.fullmatch(text)}


def tracked_text() -> str:
    """Return the files that could read a setting: program, scripts, tests, containers."""
    paths = [*ROOT.glob("Docker*"), *ROOT.glob("docker-compose.yml"), *ROOT.glob("scripts/*")]
    for room in ("gis_core", "api", "tests"):
        paths += [path for path in (ROOT / room).rglob("*.py") if path != Path(__file__).resolve()]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


@pytest.mark.parametrize("command", COMMANDS)
def test_options(command: str) -> None:
    heading = re.search(rf"^### `wangge {command}( [A-Z ]+)?`$", REFERENCE, flags=re.MULTILINE)
    assert heading, f"docs/reference.md has no heading for wangge {command}"
    documented = {name.split(" ")[0] for name in first_cells(section(heading.group(0)))}
    group = typer.main.get_command(app)
    parameters = group.commands[command].params  # type: ignore[attr-defined]
    options = [each for each in parameters if each.param_type_name == "option"]
    assert documented == {name for option in options for name in option.opts}
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    assert len((heading.group(1) or "").split()) == len(arguments)


def test_commands() -> None:
    assert set(re.findall(r"^### `wangge (\w+)", REFERENCE, flags=re.MULTILINE)) == set(COMMANDS)


def test_settings() -> None:
    documented = {name for name in first_cells(section("## Settings")) if name.startswith("WANGGE_")}
    read = set(re.findall(r"\bWANGGE_[A-Z_]*[A-Z]\b", tracked_text()))
    assert documented == read | {f"WANGGE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_defaults_of_settings(name: str) -> None:
    row = re.search(rf"^\| `WANGGE_{name.upper()}` \| ([^|]*) \|", REFERENCE, flags=re.MULTILINE)
    assert row
    documented = row.group(1).strip("`")
    default = Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})
    if isinstance(default, Path):
        assert (ROOT / documented).resolve() == default
    elif default == ():
        assert documented == "none"
    elif default is None:
        assert documented == str(DEFAULT_FILE)
    else:
        assert json.loads(documented if not isinstance(default, str) else f'"{documented}"') == default


def test_error_codes_and_statuses() -> None:
    core = {
        kind.code: str(api_errors.status_of(kind("")))
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.GisCoreError)
    }
    http = {code: str(status) for status, code in api_errors._HTTP_CODES.items()}
    refused = {}
    for path in (ROOT / "api").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "ProblemError"
            ):
                status, code = (each.value for each in node.args[:2] if isinstance(each, ast.Constant))
                refused[code] = str(status)
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d*) ?\|", section("## Errors"), flags=re.MULTILINE)
    jobs = dict.fromkeys(
        re.findall(r'code="(work-[a-z]+)"', (ROOT / "api" / "jobs.py").read_text("utf-8")), ""
    )
    assert dict(rows) == core | http | refused | jobs | {"http-error": ""}


def test_fault_codes() -> None:
    dataset = (DOCS / "dataset.md").read_text(encoding="utf-8")
    documented = {
        *first_cells(section("## Faults after reading")),
        *first_cells(section("## Faults and what mends them", dataset)),
    }
    assert constants("gis_core/layers", "gis_core/fabric", "gis_core/locate") - NO_CODES - CASES <= documented
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "gis_core").rglob("*.py"))
    assert {code for code in documented if f'"{code}"' not in source} == set()


def test_report_keys() -> None:
    schema = json.loads((ROOT / "gis_core/plan/report.schema.json").read_text(encoding="utf-8"))
    keys = set(schema["properties"])
    for table in ("per_boundary", "infeasible"):
        keys |= {f"{table}.{name}" for name in schema["properties"][table]["items"]["properties"]}
    text = section("## Report")
    tables = text.split("| reason")
    assert set(first_cells(tables[0])) == keys
    reasons = schema["properties"]["infeasible"]["items"]["properties"]["what"]["enum"]
    assert set(first_cells(tables[1])) - {"infeasible.what"} == set(reasons)


def test_scripts() -> None:
    there = {f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if path.is_file()}
    assert set(first_cells(section("## Scripts"))) == there


@pytest.mark.parametrize(
    "page",
    sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("data/*.md")]),
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
