"""What `wangge export` does for paper and mail: `pdf` and `html`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis_core.commands._plan_ref import read_plan_ref, stored_plan_id
from gis_core.errors import ParameterError, some_of
from gis_core.model import Fault

if TYPE_CHECKING:
    from gis_core.publish.material import Material
    from gis_core.publish.words import Language

__all__ = ["PRINTED", "PrintOptions", "export_printed", "require_fitting"]

#: Formats for people to read.
PRINTED = ("pdf", "html")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PrintOptions:
    """Options of `wangge export` that only these formats have; None and empty where not given."""

    paper: str | None = None
    lang: str | None = None
    codes: tuple[str, ...] = ()
    dataset: Path | None = None
    mapping: tuple[str, ...] = ()


def require_fitting(kind: str, plan: str, options: PrintOptions, others: dict[str, Any]) -> None:
    """Refuse options that the format does not have, before anything is read.

    Parameters
    ----------
    kind : str
        The format.
    plan : str
        PLAN as given.
    options : PrintOptions
    others : dict
        Options that only the other formats have, by name.

    Raises
    ------
    ParameterError
        The sentence names option and format.
    """
    mine = {"--paper": options.paper, "--lang": options.lang, "--grid": options.codes,
            "--dataset": options.dataset, "--map": options.mapping}  # fmt: skip
    if kind == "pdf":
        wrong = others
    elif kind == "html":
        wrong = {**others, "--paper": options.paper, "--grid": options.codes}
    else:
        wrong = mine
    given = [name for name, value in wrong.items() if value]
    if given:
        raise ParameterError(f"{given[0]} means nothing for {kind}; leave it out.")
    if options.dataset is not None and stored_plan_id(plan) is not None:
        raise ParameterError(f"{plan} brings the dataset of its store; leave --dataset out.")
    if options.mapping and options.dataset is None:
        raise ParameterError("--map names columns of a dataset; give --dataset too, or leave it out.")
    if kind in PRINTED:
        from gis_core.publish.atlas import require_language, require_paper

        require_paper(options.paper or "a4")
        require_language(options.lang)


def export_printed(
    kind: str, plan: str, db: str | None, options: PrintOptions, out: Path, progress: Progress
) -> tuple[dict[str, Any], list[Fault]]:
    """Write sheets or page beside the place and move the file there once it is whole.

    Returns
    -------
    facts : dict
        What was made: `pages` or `bytes`, and `grids`.
    faults : list of Fault
        What is not on it, and why.
    """
    from gis_core.layers.write import beside, writing

    material = _material(plan, db, options, progress)
    faults = _faults(material, named=plan, options=options)
    language: Language | None = options.lang  # type: ignore[assignment]
    facts: dict[str, Any] = {"grids": len(options.codes) or len(material.grids)}
    if kind == "pdf":
        from gis_core.publish.atlas import make_atlas

        atlas = make_atlas(
            material, paper=options.paper or "a4", language=language, codes=options.codes, progress=progress
        )
        data, facts["pages"] = atlas.pdf, atlas.pages
        if atlas.missing:
            faults.append(_missing(atlas.missing))
    else:
        from gis_core.publish.page import make_page

        progress("page", 0, 1)
        data = make_page(material, language=language).encode()
        progress("page", 1, 1)
    facts["bytes"] = len(data)
    with beside(out) as folder, writing(out):
        draft = folder / out.name
        draft.write_bytes(data)
        draft.replace(out)
    return facts, faults


def _material(plan: str, db: str | None, options: PrintOptions, progress: Progress) -> Material:
    from gis_core.publish.material import file_material, stored_material

    plan_id = stored_plan_id(plan)
    if plan_id is not None:
        from gis_core.store import open_store

        progress("read", 0, 1)
        with open_store(db, create=False) as store:
            material = stored_material(store, plan_id)
        progress("read", 1, 1)
        return material
    file = read_plan_ref(plan, db)
    if options.dataset is None:
        return file_material(file)
    from gis_core.layers import parse_mapping, read_dataset

    # Figures come from the plan: the dataset is only drawn, so that it need not have any.
    dataset = read_dataset(
        options.dataset, mapping=parse_mapping(options.mapping), estimate_households=True, progress=progress
    )
    return file_material(file, dataset)


def _faults(material: Material, *, named: str, options: PrintOptions) -> list[Fault]:
    faults = list(material.faults)
    if not material.has_ground and options.dataset is None:
        faults.append(
            Fault("no-ground", "plan", f"{named} has no streets, names and water, so none are drawn.",
                  "Add --dataset with the dataset that it was made from, or print plan:ID of a store.", "note")
        )  # fmt: skip
    return faults


def _missing(characters: tuple[str, ...]) -> Fault:
    return Fault(
        "missing-glyphs",
        "sheets",
        f"the font of the sheets has no {some_of(characters)}; a box is printed for each.",
        "Write these names in Chinese, Latin, Greek or Cyrillic letters; the html page shows them as they are.",
        "note",
        count=len(characters),
    )
