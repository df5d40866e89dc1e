"""The printed sheets of a plan as one PDF: cover, index, one sheet a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from gis_core.errors import ParameterError
from gis_core.publish.cover import draw_cover, draw_index, plan_index
from gis_core.publish.fonts import Typesetter
from gis_core.publish.ground import Ground
from gis_core.publish.pdf import Page, write_pdf
from gis_core.publish.sheet import Paper, draw_grid_sheet
from gis_core.publish.words import LANGUAGES, WORDS, Language

if TYPE_CHECKING:
    from gis_core.publish.material import Material

__all__ = ["PAPERS", "Atlas", "PaperName", "make_atlas", "require_language", "require_paper"]

PaperName = Literal["a4", "a3"]
#: Short and long side (mm), and how much larger than on A4 texts are.
PAPERS: dict[str, tuple[float, float, float]] = {"a4": (210.0, 297.0, 1.0), "a3": (297.0, 420.0, 1.3)}


@dataclass(frozen=True)
class Atlas:
    """A document and what there is to say about it.

    Attributes
    ----------
    pdf : bytes
    pages : int
    missing : tuple of str
        Characters that the font does not have.
    """

    pdf: bytes
    pages: int
    missing: tuple[str, ...]


def require_paper(name: str) -> None:
    """Refuse a size of paper that is not known.

    Raises
    ------
    ParameterError
    """
    if name not in PAPERS:
        raise ParameterError(f"There is no paper {name!r}; use one of {', '.join(PAPERS)}.", paper=name)


def require_language(name: str | None) -> None:
    """Refuse a language that is not known; None is any.

    Raises
    ------
    ParameterError
    """
    if name is not None and name not in LANGUAGES:
        raise ParameterError(
            f"There is no language {name!r} for sheets; use one of {', '.join(LANGUAGES)}.", lang=name
        )


def make_atlas(
    material: Material,
    *,
    paper: str = "a4",
    language: Language | None = None,
    codes: Sequence[str] = (),
    made: datetime | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Atlas:
    """Draw cover, index and sheets.

    Parameters
    ----------
    material : Material
    paper : {"a4", "a3"}
    language : {"zh-CN", "en"} or None
        None: that of the names in the data.
    codes : sequence of str
        Grids to draw sheets of; none for all.
    made : datetime or None
        Date on the sheets; None is now.
    progress : callable or None
        Called with ("sheets", done, total).

    Returns
    -------
    Atlas

    Raises
    ------
    NotFoundError
        Where the plan has no grid of a code.
    ParameterError
        Where the paper or the language is unknown.

    Notes
    -----
    The same material and date give the same bytes. Memory and time grow with the number of sheets.
    """
    require_paper(paper)
    require_language(language)
    chosen = material.places_of(codes)
    chosen_language = language or material.language()
    when = made or datetime.now(UTC)
    tell = progress or (lambda _step, _done, _total: None)
    tell("sheets", 0, len(chosen) + 1)
    type_, ground = Typesetter(), Ground(material)
    short, long, zoom = PAPERS[paper]
    draft = Paper(short, long, zoom, WORDS[chosen_language], when.date(), 0)
    index = plan_index(len(chosen), draft)
    shared = Paper(short, long, zoom, WORDS[chosen_language], when.date(), index.n_pages + len(chosen))
    cover = draw_cover(material, ground, chosen, index, paper=shared, type_=type_)
    pages: list[Page] = [cover.page(shared.words["all"])]
    for place in range(1, index.n_pages):
        canvas = draw_index(material, chosen, index, place, paper=shared, type_=type_)
        pages.append(canvas.page(shared.words["index"]))
    tell("sheets", 1, len(chosen) + 1)
    for done, ix in enumerate(chosen, start=1):
        canvas = draw_grid_sheet(material, ground, ix, paper=shared, page=len(pages) + 1, type_=type_)
        grid = material.grids[ix]
        pages.append(canvas.page(" ".join(each for each in (grid.code, grid.name) if each)))
        tell("sheets", done + 1, len(chosen) + 1)
    pdf = write_pdf(pages, type_.embed(), title=material.title, language=chosen_language, made=when)
    return Atlas(pdf, len(pages), tuple(sorted(type_.missing)))
