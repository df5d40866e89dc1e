"""Sheets and page of a stored plan over HTTP."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pypdf
import pytest

from tests.api.support import TestClient


def test_sheets_of_a_stored_plan(client: TestClient, town: SimpleNamespace) -> None:
    codes = sorted(town.plan.grids["code"])
    answer = client.get("/api/plans/1/export", params={"format": "pdf", "lang": "en", "grid": codes[:2]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment;") and "-A4.pdf" in disposition
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    assert len(pages) == 3
    for code, page in zip(codes, pages[1:], strict=False):
        text = page.extract_text()
        assert f"Grid {code}" in text and "DRAFT" in text


def test_sheets_of_two_papers_and_of_one_grid_have_names_of_their_own(
    client: TestClient, town: SimpleNamespace
) -> None:
    code = sorted(town.plan.grids["code"])[0]
    answer = client.get("/api/plans/1/export", params={"format": "pdf", "paper": "a3", "grid": code})
    assert f"-A3-{code}.pdf" in answer.headers["content-disposition"]


def test_page_of_a_stored_plan(client: TestClient, town: SimpleNamespace) -> None:
    answer = client.get("/api/plans/1/export?format=html&lang=zh-CN")
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'lang="zh-CN"' in answer.text and all(code in answer.text for code in town.plan.grids["code"])


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("format=pdf&layer=cells", 400, "layer means nothing for pdf"),
        ("format=csv&paper=a3", 400, "paper means nothing for csv"),
        ("format=html&grid=1", 400, "grid means nothing for html"),
        ("format=pdf&paper=a5", 400, "a4"),
        ("format=pdf&grid=nowhere", 404, "has no grid nowhere"),
    ],
)
def test_what_cannot_be_printed(client: TestClient, query: str, status: int, words: str) -> None:
    answer = client.get(f"/api/plans/1/export?{query}")
    assert answer.status_code == status and words in answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
