"""The page has words of its own for what the server refuses: for every code, and every sentence that is told apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from gis_core import errors

ROOT = Path(__file__).resolve().parents[2]
#: Faults of files that come with a code of their own (`case=fault["code"]`).
FILE_CASES = {"unreadable-file", "not-its-kind", "encoding-unknown", "too-large", "no-header"}
#: Said on the page by their own means.
WITHOUT_WORDS = {"problem.locked.grids", "problem.locked.cells", "problem.locked.borders"}


def words() -> set[str]:
    text = (ROOT / "web_map/src/i18n/server-en.ts").read_text(encoding="utf-8")
    return set(re.findall(r'^  "([a-z.-]+)":', text, flags=re.MULTILINE))


def documented_codes() -> set[str]:
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    section = text.split("## Errors\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", section, flags=re.MULTILINE))


def calls() -> Iterator[ast.Call]:
    for folder in ("gis_core", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield node


def text_of(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def cases_of_errors() -> set[str]:
    """Return `code.case` of each error that is raised with a case."""
    classes = {
        name: kind.code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and hasattr(kind, "code")
    }
    classes["refuse"] = errors.EditError.code
    found = set()
    for call in calls():
        case = next((text_of(word.value) for word in call.keywords if word.arg == "case"), None)
        if case and call.func.id in classes:  # type: ignore[attr-defined]
            found.add(f"{classes[call.func.id]}.{case}")  # type: ignore[attr-defined]
    return found


def cases_of_reasons() -> set[str]:
    """Return `what.case` of each reason that is told in a case; what is computed is left to its own test."""
    found = set()
    for call in calls():
        if call.func.id != "Infeasible" or not call.args:  # type: ignore[attr-defined]
            continue
        named = next((word.value for word in call.keywords if word.arg == "case"), None)
        case = text_of(named if named is not None else call.args[5] if len(call.args) > 5 else None)
        what = text_of(call.args[0])
        if what and case:
            found.add(f"{what}.{case}")
    return found


def test_every_error_code_has_words() -> None:
    said = {
        key.removeprefix("problem.") for key in words() if key.count(".") == 1 and key.startswith("problem.")
    }
    assert said == documented_codes()


def test_every_sentence_that_is_told_apart_has_words() -> None:
    raised = {f"problem.{case}" for case in cases_of_errors()}
    raised |= {f"problem.bad-dataset.{case}" for case in FILE_CASES}
    said = {key for key in words() if key.startswith("problem.") and key.count(".") == 2}
    assert raised == said - WITHOUT_WORDS
    assert len(raised) > 25


def test_every_reason_that_is_told_apart_has_words() -> None:
    computed = {
        "piece-total.gap",
        "piece-total.count",
        "not-found.late",
        "not-found.tried",
        "number.more",
        "number.fewer",
    }
    said = {
        key.removeprefix("reason.") for key in words() if key.startswith("reason.") and key.count(".") == 2
    }
    assert cases_of_reasons() | computed == said
    assert len(said) > 20
